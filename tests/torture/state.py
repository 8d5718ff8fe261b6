"""What came of the cases so far, a line each in a file, so that a run that was interrupted goes on where it stood; and the table of it."""

import json
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from minifcn.version import __version__

from . import TESTS
from .harness import Promise, Result


class State:
    """The results of one promise and seed. What a later line says of a case counts; a last line that was cut short counts for nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[int, Result] = {}
        self.sessions: list[dict[str, Any]] = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if "session" in found:
                self.sessions.append(found["session"])
            else:
                self.results[found["case"]] = Result(**found)

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Cases that were not tried yet, and those in which something was lost: perhaps it has been mended."""
        return [number for number in numbers if number not in self.results or self.results[number].lost]

    def begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.sessions.append(session())
        self.write(
            {"session": self.sessions[-1]}, before="\n" if self.path.exists() else ""
        )  # behind a line that was cut short

    def add(self, result: Result) -> None:
        self.results[result.case] = result
        self.write(result._asdict())

    def write(self, value: dict[str, Any], before: str = "") -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(before + json.dumps(value) + "\n")


def session() -> dict[str, Any]:
    """What the results depend on beside the seed."""
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TESTS, capture_output=True, text=True)
    return {
        "minifcn": __version__, "commit": git.stdout.strip() or "unknown", "python": platform.python_version(),
        "numpy": np.__version__, "pillow": PIL.__version__, "system": platform.system(),
    }  # fmt: skip


HEAD = ("promise", "how it is tried", "tried", "seconds", "what came of it", "lost")
COMMON = 10  # outcomes that are named


def row(tested: Promise, state: State, numbers: list[int], full: list[int]) -> list[str]:
    """A line of the table: of the cases `numbers`, which are a share of `full`."""
    found = [state.results[number] for number in numbers if number in state.results]
    count, of = (sum(map(tested.weighs, each)) for each in ([result.case for result in found], full))
    outcomes = Counter(result.outcome for result in found if not result.lost).most_common()
    said = [f"{outcome} {times:,}" if times > 1 or len(found) > 1 else outcome for outcome, times in outcomes[:COMMON]]
    if others := sum(times for _, times in outcomes[COMMON:]):
        said.append(f"others {others:,}")
    lost = sum(bool(result.lost) for result in found)
    seconds = sum(result.took for result in found)
    return [tested.says, tested.how, f"{count:,} of {of:,}", f"{seconds:,.0f}", ", ".join(said), str(lost or "nothing")]


def table(rows: Iterable[list[str]]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
