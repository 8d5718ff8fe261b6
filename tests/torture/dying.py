"""A training that ends itself with SIGKILL at the n-th thing it does to a disk: `python -m torture.dying N FOLDER train --data …`.

Counted is what happens below FOLDER: every opening for writing, the first half of every write, every fsync, rename, removal and new folder.
N = -1 counts all of them and says how many on the last line of stdout. `--data` and the like are minifcn's.
"""

import builtins
import io
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from minifcn.cli.main import main

EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


class Points:
    """Counts; at the chosen one the process is no more."""

    def __init__(self, chosen: int, folder: Path) -> None:
        self.chosen, self.folder, self.seen = chosen, str(folder), 0

    def reached(self) -> bool:
        """One more; whether it is the chosen one."""
        self.seen += 1
        return self.seen - 1 == self.chosen

    def here(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.folder)

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python's audit hook: before the event happens."""
        writing = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if (writing or event in EVENTS) and self.here(arguments[0]) and self.reached():
            die()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch(points: Points) -> None:
    """From now on every point is counted."""
    fsync, opened = os.fsync, io.open

    def fsync_counted(descriptor: Any) -> None:
        if points.reached():
            die()
        fsync(descriptor)

    def open_counted(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        found = opened(file, mode, *arguments, **options)
        if "b" in mode and set(mode) & set("wax") and points.here(file):
            write = found.write
            halves = type("Halves", (), {"__getattr__": lambda self, name: getattr(found, name)})()

            def write_counted(content: Any) -> int:
                if points.reached():
                    write(bytes(content)[: len(content) // 2])
                    found.flush()
                    die()
                return write(content)

            halves.write = write_counted
            halves.__class__.__enter__, halves.__class__.__exit__ = (
                lambda self: self,
                lambda self, *error: found.close(),
            )
            return halves
        return found

    os.fsync, builtins.open, io.open = fsync_counted, open_counted, open_counted
    sys.addaudithook(points.heard)


def run(words: list[str]) -> int:
    points = Points(int(words[0]), Path(words[1]))
    import_module("minifcn.training.run").CHECKPOINT_SECONDS = 0  # a checkpoint after each step
    watch(points)
    status = main(words[2:])
    print(points.seen)
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
