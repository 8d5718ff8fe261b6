"""One process at a time in a folder, by the system's own lock on a file in it.

The file is removed in the end, while the lock on it is still held. Whoever opened it before that gets a lock on a file that is no longer
there, which locks nobody out: so after each lock it is compared with what lies in the folder now, and taken again where they differ.
"""

import errno
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from minifcn import workers
from minifcn.files import FileError, make_folder, named
from minifcn.training.errors import TrainingError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = "run.lock"
TAKEN = (
    errno.EWOULDBLOCK,
    errno.EAGAIN,
    errno.EACCES,
    errno.EDEADLK,
)  # what the systems say of a lock that another holds
TRIES = 10_000  # each one means that somebody else has just removed what was opened
FAR = 1 << 30  # Windows lets nobody read the bytes that are locked: so not those that say who holds the lock


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The lock of `folder`, which is made where it is not there. Raises TrainingError where another process has it.

    In a browser `fcntl` says yes and locks nobody out: there it is said that nothing is locked.
    """
    if workers.IN_A_BROWSER:
        print(f"note: a browser's Python keeps no locks; let only one training write to {folder}", file=sys.stderr)
    file = taken(folder)
    try:
        yield
    finally:
        open_still = False
        try:
            (folder / NAME).unlink()
        except (
            PermissionError
        ):  # Windows removes no file that somebody has open, so there it can wait until this one is closed
            open_still = True
        except OSError:
            pass  # the folder is gone
        file.close()
        if open_still:
            with suppress(OSError):
                (folder / NAME).unlink()


def taken(folder: Path) -> Any:
    """The open, locked lock file that lies in `folder`."""
    for _ in range(TRIES):
        try:
            make_folder(folder)
            with named(folder / NAME):
                file = open(folder / NAME, "a+", encoding="utf-8", errors="replace")  # noqa: SIM115 - open for as long as the lock is held
        except FileNotFoundError:
            continue  # the folder was removed between the two lines
        try:
            if not take(file):
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise TrainingError(
                    f"--out {folder}: in use by another process ({holder}); wait for it, or choose another folder"
                )
            if lies_in(folder, file):
                with named(folder / NAME):
                    file.truncate(0)
                    file.write(f"process {os.getpid()} on {platform.node()}\n")
                    file.flush()
                return file
        except FileError:  # a full disk
            with suppress(OSError):  # to close it is to write once more
                file.close()
            raise
        except OSError as error:
            file.close()
            raise TrainingError(
                f"--out {folder}: this disk keeps no locks ({error.strerror or error}), so another process could write here too; "
                "choose a folder on another one"
            ) from error
        except BaseException:
            file.close()
            raise
        file.close()
    raise TrainingError(f"--out {folder}: other processes begin and end here all the time; choose another folder")


def take(file: Any) -> bool:
    """Lock an open file, if nobody else has. Raises OSError where the disk keeps no locks."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            file.seek(FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def lies_in(folder: Path, file: Any) -> bool:
    """Whether the open file is the one in the folder, and not one that was removed."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(folder / NAME))
    except FileNotFoundError:
        return False
