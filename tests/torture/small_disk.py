"""A disk that is really full: a training on a tmpfs of some kilobytes, in a mount namespace of its own; then the disk is made larger, and it goes on."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from . import TESTS, kills
from .harness import Bench, Lost

SIZES = tuple(range(24, 264, 20))  # kilobytes: a run takes about 250
ENOUGH = "64m"
# the arguments: disk, size, larger size, what is said, where the run is copied to, and the line of minifcn
SCRIPT = """
mount -t tmpfs -o size="$2"k none "$1" || exit 90
disk=$1 larger=$3 said=$4 result=$5
shift 5
"$@" > "$said" 2>&1
echo "status $?" >> "$said"
mount -o remount,size="$larger" "$disk" && "$@" --resume && cp -r "$disk"/run "$result"
"""


def begin(bench: Bench, data: Path) -> dict[str, object]:
    """What the run holds on a disk with room."""
    folder = bench.fresh("with_room") / "run"
    done = subprocess.run(line(data, folder), capture_output=True, text=True, cwd=TESTS.parent)
    assert done.returncode == 0, done.stderr
    return kills.what_it_holds(folder)


def line(data: Path, folder: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "minifcn",
        *kills.LINE.split(),
        "--data",
        str(data),
        "--out",
        str(folder),
        "--checkpoint-every",
        "0",
    ]


def tried(bench: Bench, size: int, data: Path, whole: dict[str, object]) -> str:
    place = bench.fresh("small")
    (place / "disk").mkdir()
    said, result = place / "said.txt", place / "run"
    if not shutil.which("unshare"):
        return "no disk of one's own can be mounted here"
    paths = [place / "disk", size, ENOUGH, said, result]
    command = ["unshare", "-rm", "sh", "-c", SCRIPT, "sh", *map(str, paths), *line(data, place / "disk" / "run")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent)
    if not said.exists():
        return "no disk of one's own can be mounted here"
    text = said.read_text()
    if done.returncode:
        raise Lost(
            f"a disk of {size} kB, made larger: --resume ended with {done.returncode}: {done.stderr[-300:]}; at first: {text[-300:]}"
        )
    kills.compare(kills.what_it_holds(result), whole, place)
    if text.endswith("status 0\n"):
        return "a real disk with room"
    missing = [words for words in ("No space left on device", "make room", str(place / "disk")) if words not in text]
    if missing or "Traceback" in text:
        raise Lost(f"a disk of {size} kB: the words lack {missing}: {shlex.quote(text[-400:])}")
    return "a real disk was full, and then it went on"
