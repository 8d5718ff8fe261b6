"""Text files of a set: lists of names, which split a picture is in."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.voc import listed_name


def lines(path: Path) -> list[str]:
    """The lines of a text file that are not blank, without the blanks around them. Raises DataError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a list ({error}); it must be UTF-8 text") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def first_word(line: str) -> str:
    """The name in a line of a list that may have more columns.

    >>> first_word("Abyssinian_100 1 1 1"), first_word("/CamVid/train/a.png /CamVid/trainannot/a.png")
    ('Abyssinian_100', 'a')
    """
    return listed_name(line.split()[0])


def splits_in(
    folder: Path, files: Mapping[str, str], name: Callable[[str], str] = first_word
) -> tuple[dict[str, str], list[str]]:
    """Name → split from the lists that are in `folder`, and the files that were read. `files`: file name → split.

    Raises DataError where two lists hold one name: nobody can know where it belongs.
    """
    splits: dict[str, str] = {}
    read = [file for file in files if (folder / file).is_file()]
    for file in read:
        for line in lines(folder / file):
            picture = name(line)
            if splits.setdefault(picture, files[file]) != files[file]:
                raise DataError(
                    f"{folder / file}: {picture} is in this list and in that of {splits[picture]}; take it out of one"
                )
    return splits, read


def sorted_out(names: Iterable[str], splits: Mapping[str, str], read: Sequence[str]) -> tuple[list[str], list[str]]:
    """The `names` that some list holds (all where no list was `read`), and the others."""
    names = list(names)
    kept = [name for name in names if name in splits or not read]
    return kept, [name for name in names if name not in splits and read]
