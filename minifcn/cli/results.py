"""Where the results of `minifcn predict` go, and how a result is known again: never is anything written over that is not predict's own.

Each file that predict writes ends with a mark: digests of the picture that it was made from, and of the file itself. Whoever paints in a label
file, or saves it with another program, breaks the mark, and the file is theirs.
"""

import hashlib
import os
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path

from minifcn.data import DataError
from minifcn.data.pixels.png import PNG

LONGEST = 255 - len("_probabilities.npz")  # bytes: what a name may have on usual disks
FORBIDDEN = '<>:"/\\|?*'  # in names on Windows; results are to be carried there too
DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"
}
KEYWORD = b"minifcn predict"
END = b"\0\0\0\0IEND\xaeB`\x82"  # the last chunk of every PNG
MARK = 64 + 1 + 32 + 1 + 32  # characters: the file, the picture's content, its path


def names_for(pictures: Sequence[Path], endings: Sequence[str]) -> list[str]:
    """What the results of each picture are called, without the `endings`: the picture's own name, or one like it where two would meet.

    Also where only upper and lower case differ, which is no difference on Windows and macOS.

    >>> names_for([Path("x/a.jpg"), Path("x/a.png"), Path("y/A.jpg"), Path("nul.jpg")], [".png", "_overlay.png"])
    ['a', 'a_png', 'A_jpg', '_nul']
    """
    taken: set[str] = set()
    found = []
    for path in pictures:
        kind, parent = path.suffix.lstrip("."), path.absolute().parent.name
        ways = [path.stem, f"{path.stem}_{kind}", f"{parent}_{path.stem}", f"{parent}_{path.stem}_{kind}"]
        ways += [f"{path.stem}_{number}" for number in range(2, len(pictures) + 2)]
        name = next(name for name in map(safe, ways) if not taken & keys(name, endings))
        taken |= keys(name, endings)
        found.append(name)
    return found


def keys(name: str, endings: Sequence[str]) -> set[str]:
    """The files of `name`, alike where a file system takes them for one."""
    return {unicodedata.normalize("NFC", name + ending).casefold() for ending in endings}


def safe(name: str) -> str:
    """`name` as every system can keep it: nothing forbidden, no device of Windows, short enough.

    >>> safe("a:b?"), safe("CON"), safe("aux.old"), len(safe("ä" * 200).encode()) <= LONGEST
    ('a_b_', '_CON', '_aux.old', True)
    """
    name = "".join("_" if letter in FORBIDDEN or unicodedata.category(letter)[0] == "C" else letter for letter in name)
    if name.partition(".")[0].rstrip(" ").casefold() in DEVICES:
        name = f"_{name}"
    content = name.encode()
    if len(content) <= LONGEST:
        return name
    end = "~" + hashlib.sha256(content).hexdigest()[:8]  # two long names may begin alike
    return content[: LONGEST - len(end)].decode(errors="ignore") + end


def source_of(picture: Path) -> tuple[str, str]:
    """How a picture is known again: a digest of what is in it, and of where it lies. Raises DataError."""
    try:
        content = picture.read_bytes()
    except OSError as error:
        raise DataError(f"picture {picture}: cannot be read ({error.strerror})") from error
    return short(content), short(os.fsencode(picture.resolve()))


def short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def marked(content: bytes, source: tuple[str, str]) -> bytes:
    """A PNG or .npz file with its mark: a text chunk, or the comment of the archive."""
    mark = f"{hashlib.sha256(content).hexdigest()} {' '.join(source)}".encode()
    if not content.startswith(PNG):
        return content[:-2] + len(mark).to_bytes(2, "little") + mark
    return content[: -len(END)] + chunk(mark) + END


def chunk(mark: bytes) -> bytes:
    body = b"tEXt" + KEYWORD + b"\0" + mark
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def mark_of(content: bytes) -> tuple[str, str] | None:
    """The source in the mark of a file that is as predict wrote it; None for any other file."""
    if content.startswith(PNG):
        before = len(content) - len(END) - len(chunk(b" " * MARK))
        mark = content[before:][len(chunk(b"")) - 4 : len(chunk(b"")) - 4 + MARK]
        whole = content[: max(0, before)] + END
    else:
        mark, whole = content[-MARK:], content[: -MARK - 2] + b"\0\0"
    parts = mark.decode("ascii", "replace").split(" ")
    if (
        len(parts) != 3
        or hashlib.sha256(whole).hexdigest() != parts[0]
        or marked(whole, (parts[1], parts[2])) != content
    ):
        return None
    return parts[1], parts[2]


def check_free(picture: Path, source: tuple[str, str], results: Sequence[Path], inputs: set[Path]) -> None:
    """Raise DataError where one of the `results` lies there already and is not an earlier one of the same `picture`."""
    for result in results:
        if result.resolve() in inputs:
            raise DataError(
                f"{picture}: its result {result} would overwrite a picture that was given; choose another --out"
            )
        if not os.path.lexists(result):
            continue
        found = mark_of(result.read_bytes()) if result.is_file() else None
        if found is None:
            raise DataError(
                f"{picture}: its result {result} exists and was not written by predict, or was changed since; choose another --out"
            )
        if found[0] != source[0] and found[1] != source[1]:
            raise DataError(
                f"{picture}: its result {result} would overwrite that of another picture; choose another --out"
            )
