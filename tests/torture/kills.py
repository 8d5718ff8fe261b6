"""30 trainings killed at a moment drawn at random, and one at every single thing that a training does to the disk; each is resumed to its end."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from training.helpers import arrays_of, make_small_set

import minifcn as mf
from minifcn.files import is_draft
from minifcn.training import RunFolder

from . import TESTS
from .harness import Attempt, Bench, Lost, Promise, some_of

AT_RANDOM = 30
LINE = "train --width 2 --size 32 --batch 2 --steps 3 --lr 0.1 --val-every 2"
RANDOM_LINE = LINE.replace("--steps 3", "--steps 40")  # long enough to be hit anywhere


def command(point: int, folder: Path, line: str, data: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        f"{__package__}.dying",
        str(point),
        str(folder),
        *line.split(),
        "--data",
        str(data),
        "--out",
        str(folder),
        *more,
    ]


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    return subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}, cwd=TESTS.parent
    )


def count(bench: Bench) -> int:
    """All cases: the points of a whole run are counted once, by running it."""
    known = bench.place / "points.json"
    if known.exists():
        return AT_RANDOM + json.loads(known.read_text())
    data, place = make_small_set(bench.fresh("counted") / "set"), bench.place / "counted" / "run"
    done = run(command(-1, place, LINE, data))
    assert done.returncode == 0, done.stderr
    points = int(done.stdout.split()[-1])
    known.write_text(json.dumps(points))
    return AT_RANDOM + points


def begin(bench: Bench) -> Attempt:
    data = make_small_set(bench.fresh("kills") / "set")
    wholes, seconds = {}, 0.0
    for line in (LINE, RANDOM_LINE):
        folder = bench.place / "kills" / f"whole_{len(wholes)}"
        began = time.monotonic()
        done = run(command(-1, folder, line, data))
        seconds = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        wholes[line] = what_it_holds(folder)

    def attempt(number: int) -> str:
        folder = bench.fresh("run")
        at_random = number < AT_RANDOM
        line = RANDOM_LINE if at_random else LINE
        words = command(-1 if at_random else number - AT_RANDOM, folder, line, data, "--resume")
        if at_random:
            killed_after(words, seconds * float(bench.rng(number).random()))
        else:
            died = run(words)
            if died.returncode not in (0, -9):
                raise Lost(
                    f"killed at point {number - AT_RANDOM} it ended with {died.returncode}: {died.stderr[-500:]}"
                )
            if died.returncode == 0:
                return "no such point"
        all_whole(folder)
        resumed = run(command(-1, folder, line, data, "--resume"))
        if resumed.returncode != 0:
            raise Lost(f"--resume ended with {resumed.returncode}: {resumed.stderr[-500:]}; its folder: {folder}")
        compare(what_it_holds(folder), wholes[line], folder)
        return "at a random moment: the same bits" if at_random else "at a write: the same bits"

    return attempt


def killed_after(words: list[str], seconds: float) -> None:
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    process = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=TESTS.parent,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()


def all_whole(folder: Path) -> None:
    """What lies there under its name reads whole; only drafts may be half."""
    for path in folder.rglob("*"):
        if path.is_dir() or is_draft(path.name):
            continue
        try:
            read_whole(path)
        except Exception as error:
            raise Lost(f"after the kill {path.name} is not whole: {error}") from error


def read_whole(path: Path) -> None:
    if path.name == "checkpoint.safetensors":
        arrays_of(path)
    elif path.suffix == ".safetensors":
        mf.models.load(path)
    elif path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".html":
        assert path.read_text().rstrip().endswith("</html>"), "it has no end"
    elif path.suffix == ".csv":
        assert path.read_text().startswith("stage,"), "it has no head"
        (RunFolder(path.parent).read_log if path.name == "log.csv" else RunFolder(path.parent).read_scores)()
    else:
        assert path.name == "run.lock", "nobody knows what this is"


def what_it_holds(folder: Path) -> dict[str, object]:
    """All that a run has computed: arrays, scores, log and points without the seconds, names of files."""
    found: dict[str, object] = {path.name: arrays_of(path) for path in folder.glob("*.safetensors")}
    found["metrics"] = RunFolder(folder).read_metrics()
    found["log"] = [(row["stage"], row["step"], row["loss"]) for row in RunFolder(folder).read_log()]
    found["scores"] = [{**row, "seconds": None} for row in RunFolder(folder).read_scores()]
    found["files"] = sorted(path.name for path in folder.iterdir())
    return found


def compare(found: dict[str, object], whole: dict[str, object], folder: Path) -> None:
    if found.keys() != whole.keys():
        raise Lost(f"other files: {sorted(found.keys() ^ whole.keys())}; its folder: {folder}")
    for name, expected in whole.items():
        got = found[name]
        if name.endswith(".safetensors"):
            same = got.keys() == expected.keys() and all(
                got[a].tobytes() == np.asarray(expected[a]).tobytes() for a in expected
            )
        else:
            same = got == expected
        if not same:
            raise Lost(f"{name} is not that of the run that was never killed; its folder: {folder}")


PROMISE = Promise(
    says="a killed training loses at most its last steps: resumed, it ends in the same bits, and nothing half-written is read as whole",
    how="SIGKILL at a random moment, and before every opening, in the middle of every write, before every fsync, rename and removal; then --resume",
    numbers=some_of(count),
    begin=begin,
    limit=300.0,
)
