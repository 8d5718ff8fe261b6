"""Files that appear whole or not at all: the one way in which anything here is written that a killed process must not spoil."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DRAFT, DRAFT_ENDING = (
    ".minifcn-",
    ".tmp",
)  # what a file is called until it is whole; short, so that no name becomes too long
# On Windows a file that somebody has open cannot be replaced; who reads a model, or looks for viruses in it, is done after a moment.
# The waits between tries, in seconds
WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 1.5)
TRIES = 9  # to make a folder that others make and remove
NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
MAKE_ROOM = "the disk, or your share of it, is full: make room"


class FileError(OSError):
    """A file could not be written: the sentence says which one, why, and what to do."""

    def __str__(self) -> str:
        return str(self.args[-1])


class NoFolderError(FileError, FileNotFoundError):
    """The folder that a file was to be written into is not there."""


class ForbiddenError(FileError, PermissionError):
    """The system does not let a file be written."""


def write_whole(path: str | os.PathLike[str], content: bytes, durable: bool = False) -> None:
    """Put `content` at `path`. Whoever looks, at any moment, finds the old file or the new one; a failure leaves the old one.

    `durable`: also survive a power cut, at the price of waiting for the disk. Raises FileError. Any number of processes may write one path.
    """
    path = Path(path)
    draft = path.with_name(f"{DRAFT}{os.urandom(8).hex()}{DRAFT_ENDING}")
    with named(path):
        try:
            with open(draft, "xb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())  # the name may change only once the bytes are safe
            put_in_place(draft, path)
            if durable:
                sync_folder(path.parent)
        finally:
            with suppress(OSError):  # what went wrong before counts
                draft.unlink(missing_ok=True)


def append_durably(path: str | os.PathLike[str], text: str) -> None:
    """Add `text` to the end of a file and wait until the disk has it. Raises FileError."""
    with named(Path(path)), open(path, "ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def put_in_place(draft: Path, path: Path) -> None:
    """Rename `draft` to `path`, which it replaces: atomic within a folder. Waits a few seconds for whoever has the old file open."""
    for wait in WAITS:
        try:
            return os.replace(draft, path)
        except PermissionError:
            time.sleep(wait)
    try:
        os.replace(draft, path)
    except PermissionError as error:
        raise ForbiddenError(
            error.errno,
            f"{path}: cannot be replaced for {sum(WAITS):.0f} s ({error.strerror}): another program has it open, or the folder forbids it. "
            "The file is as it was. Close what has it open, then go on",
        ) from error


def sync_folder(folder: Path) -> None:
    """Let the disk know the names in `folder` too. Windows does that by itself, and opens no folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folder(folder: Path) -> None:
    """The folder, and those above it, where they are not there yet. What stands in the way is a FileError that names it."""
    try:
        come_or_made(folder)
    except OSError as error:
        there = next((above for above in (folder, *folder.parents) if os.path.exists(above)), folder)
        if error.errno in NO_ROOM:
            advice = f"{MAKE_ROOM}, then go on"
        elif error.errno == errno.ENAMETOOLONG:
            advice = "the name is too long for this disk: give a shorter one"
        elif os.path.isfile(there):
            advice = f"{there} is a file: give a folder"
        else:
            advice = f"see that you may write in {there}"
        raise error_of(error)(
            error.errno, f"{folder}: no folder can be made here ({error.strerror}); {advice}"
        ) from error


def come_or_made(folder: Path) -> None:
    """`mkdir`, once more where a folder was there at first and gone when Python looked what it was: another process came and went."""
    for _ in range(TRIES):
        try:
            return folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, FileNotFoundError):
            if os.path.lexists(folder) and not os.path.isdir(folder):
                raise
    folder.mkdir(parents=True, exist_ok=True)


def error_of(error: OSError) -> type[FileError]:
    """Ours of the same kind, so that who catches Python's catches it too."""
    kinds: dict[type, type[FileError]] = {FileNotFoundError: NoFolderError, PermissionError: ForbiddenError}
    return kinds.get(type(error), FileError)


def remove_drafts(folder: Path, older: float = 0.0) -> None:
    """Delete what killed processes left half written in `folder`, if nobody touched it for `older` seconds."""
    for draft in folder.glob(f"{DRAFT}*{DRAFT_ENDING}"):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime >= older:
                draft.unlink()


def is_draft(name: str) -> bool:
    return name.startswith(DRAFT) and name.endswith(DRAFT_ENDING)


def not_there(path: str | os.PathLike[str], otherwise: str = "there is no such file") -> str:
    """Why nothing is found at `path`: it, or a folder on the way, is a link that leads nowhere; `otherwise` where there is no link."""
    place = Path(path)
    for each in (place, *place.parents):
        # os.path takes a name that no disk can hold; such a Path raises
        if os.path.islink(each) and not os.path.exists(each):
            return f"{'this' if each == place else each} is a link to {os.readlink(each)}, and nothing is there"
    return otherwise


BEGINNINGS = 64  # bytes that are enough for `instead_of`


def instead_of(begins: bytes, what: str) -> str:
    """What a file that was to be `what` is, by its first bytes, and what to do; empty where they do not say it.

    >>> instead_of(b"", "picture")
    'an empty file; copy or download it again'
    """
    if not begins:
        return "an empty file; copy or download it again"
    if begins.startswith(b"version https://git-lfs"):
        return f"a pointer of Git LFS and no {what}: fetch the file itself with git lfs pull"
    if is_drawing(begins):
        return f"a text of lines and shapes (SVG perhaps) and no {what}"
    if begins.lstrip().startswith(b"<"):
        return f"a web page and no {what}: the download went wrong; open the address in a browser"
    return ""


def is_drawing(begins: bytes) -> bool:
    """Whether a file is SVG, or other XML."""
    return begins.lstrip().startswith((b"<svg", b"<?xml"))


@contextmanager
def named(path: Path) -> Iterator[None]:
    """An OSError inside becomes a sentence about `path`: the system names the draft, or for a full disk nothing at all."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        text = f"{path}: cannot be written ({error.strerror or error}); {remedy(path, error)}"
        raise error_of(error)(error.errno, text) from error


def remedy(path: Path, error: OSError) -> str:
    """What to do about it. The cause that is named is looked at first."""
    if error.errno in NO_ROOM:
        return f"{MAKE_ROOM}, then go on. What was there before is whole"
    if error.errno == errno.EFBIG:
        return "no file may be so large here, by a limit of the disk or of `ulimit -f`: raise it, then go on. What was there before is whole"
    if error.errno == errno.ENAMETOOLONG:
        return "the name is too long for this disk: give a shorter one"
    if not path.parent.is_dir():
        return f"the folder {path.parent} is not there (any more): make it, or choose another one"
    if path.is_dir():
        return "this is a folder: give the name of a file"
    return f"see that you may write in {path.parent}. What was there before is whole"
