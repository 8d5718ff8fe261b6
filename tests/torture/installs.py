"""The wheel and the source archive, in clean folders, on the oldest and the newest Python and libraries that setup.cfg promises: built, installed, used."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from itertools import product
from pathlib import Path

from . import TESTS
from .harness import Attempt, Bench, Lost, Promise

ROOT = TESTS.parent
NEWEST = 15  # the newest Python 3 that the public workflow names
# from each: an operation checked, the shipped model asked, two steps trained
SMOKE = (
    "-c import minifcn as mf, numpy; assert '{clean}' in mf.__file__, mf.__file__; print(mf.__version__, numpy.__version__)",
    "-m minifcn gradcheck conv2d",
    "-m minifcn predict {picture} --out {clean}/predictions --confidence",
    "-m minifcn train --data {data} --out {clean}/run --arch fcn32s --width 2 --size 32 --batch 2 --steps 2",
)


def setup() -> configparser.ConfigParser:
    found = configparser.ConfigParser()
    found.read(ROOT / "setup.cfg")
    return found


def oldest_python() -> int:
    return int(re.search(r"3\.(\d+)", setup()["options"]["python_requires"])[1])


def pinned(oldest: bool) -> list[str]:
    """What is to be installed beside minifcn: of each library the oldest version that setup.cfg allows, or nothing, which means the newest."""
    needed = setup()["options"]["install_requires"].split()
    return [re.sub(r">=", "==", line) for line in needed] if oldest else []


@cache
def interpreter(minor: int) -> str | None:
    """A Python of that version on this machine. Links that stand for no program are passed over."""
    named = [sys.executable, shutil.which(f"python3.{minor}") or ""]
    for candidate in [*named, *sorted(map(str, (Path.home() / ".pyenv/versions").glob(f"3.{minor}.*/bin/python")))]:
        with suppress(OSError):
            done = subprocess.run(
                [candidate, "-c", "import sys; print(sys.version_info.minor)"], capture_output=True, text=True
            )
            if done.stdout.strip() == str(minor):
                return candidate
    return None


def cases() -> list[tuple[int, bool, str]]:
    """(Python, its oldest libraries, archive): the corners first, and what lies between."""
    pythons = range(oldest_python(), NEWEST + 1)
    corners = [(pythons[0], True), (pythons[-1], False)]
    others = [(python, False) for python in pythons if (python, False) not in corners]
    return [(*each, archive) for each, archive in product([*corners, *others], ("whl", "tar.gz"))]


def run(words: list[str], **options: object) -> str:
    clean = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    }
    done = subprocess.run(words, capture_output=True, text=True, env={**clean, "MPLBACKEND": "agg"}, **options)
    if done.returncode:
        raise Lost(
            f"{' '.join(map(str, words))[-300:]}: status {done.returncode}: {(done.stdout + done.stderr)[-700:]}"
        )
    return done.stdout


def archives(folder: Path) -> dict[str, Path]:
    """Both, from a copy of the files that git knows: what lies about here gets into neither."""
    source = folder / "source"
    source.mkdir()
    names = run(["git", "ls-files", "-z"], cwd=ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    environment(folder / "builder", sys.executable, ["setuptools>=64", "wheel"])
    for kind in ("sdist", "wheel"):
        build = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
        run([str(folder / "builder/bin/python"), "-c", build, str(folder / "dist")], cwd=source)
    return {ending: next((folder / "dist").glob(f"*.{ending}")) for ending in ("whl", "tar.gz")}


def environment(folder: Path, python: str, wanted: list[str]) -> None:
    run([python, "-m", "venv", str(folder)])
    run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])


def begin(bench: Bench) -> Attempt:
    place = bench.fresh("installs")
    built = archives(place)
    from training.helpers import make_small_set

    data = make_small_set(place / "set")
    picture = next((data / "JPEGImages").iterdir())

    def attempt(number: int) -> str:
        minor, oldest, archive = cases()[number]
        python = interpreter(minor)
        said = f"Python 3.{minor}, {'oldest' if oldest else 'newest'} libraries, {archive}"
        if python is None:
            return f"{said}: there is no such Python here"
        clean = bench.fresh("clean")
        environment(clean / "env", python, [*pinned(oldest), str(built[archive])])
        names = {"clean": clean, "data": data, "picture": picture}
        found = [run([str(clean / "env/bin/python"), *words(line, names)], cwd=clean) for line in SMOKE]
        shutil.rmtree(clean)
        return f"{said} (NumPy {found[0].split()[-1]})"

    return attempt


def words(line: str, names: dict[str, Path]) -> list[str]:
    line = line.format(**names)
    return ["-c", line.removeprefix("-c ")] if line.startswith("-c ") else line.split()


def numbers(bench: Bench, share: float) -> list[int]:
    """The corners first; those for which there is no Python here last."""
    order = sorted(range(len(cases())), key=lambda number: interpreter(cases()[number][0]) is None)
    return order[: max(1, round(share * len(order)))]


PROMISE = Promise(
    says="what is built installs into a clean folder and works there, on every Python and with the oldest libraries that setup.cfg promises",
    how="wheel and source archive × Python × libraries: import, gradcheck conv2d, predict with the shipped model, train two steps",
    numbers=numbers,
    begin=begin,
    limit=900.0,
)
