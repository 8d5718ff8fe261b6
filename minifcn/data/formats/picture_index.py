"""Where the pictures lie that a tool's file names: it may name a path, a URL, or a name that had a prefix when it was uploaded."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, composed, files_below
from minifcn.data.formats.source import USUAL, usual_split
from minifcn.data.formats.turning import picture_size

UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # Label Studio puts it before the name of an uploaded file


class PictureIndex:
    """All pictures below some folders, by their file name. Nothing is opened."""

    def __init__(self, *folders: Path, without: re.Pattern[str] | None = None, but: Path | None = None) -> None:
        self.by_name: dict[str, list[Path]] = {}
        self.by_stem: dict[str, list[Path]] = {}
        for folder in folders:
            for path in files_below(folder):
                hidden = (
                    path.name.startswith(".")
                    or but in path.parents
                    or (without is not None and without.match(path.stem))
                )
                if path.suffix.lower() in PICTURES and not hidden:
                    self.by_name.setdefault(composed(path.name), []).append(path)
                    self.by_stem.setdefault(composed(path.stem).casefold(), []).append(path)

    def find(self, named: str, near: Path | None = None, split: str | None = None) -> Path | None:
        """The picture that `named` means; of several the one in `near`, or in the split's folder. DataError where that leaves several."""
        named = composed(named)
        found = next((found for parts in spellings(named) if (found := self.called(parts))), [])
        if not found:  # saved anew since, with another ending
            found = next((found for parts in spellings(named) if (found := self.stem(parts[-1]))), [])
        found = narrowed(found, lambda path: near is not None and near in path.parents)
        found = narrowed(found, lambda path: split is not None and split in map(split_of, path.parts))
        if len(found) > 1:
            raise DataError(
                f"the picture {named} may be {found[0]} or {found[1]}; leave one of them in the source, or give --pictures FOLDER"
            )
        return found[0] if found else None

    def called(self, parts: tuple[str, ...]) -> list[Path]:
        """The pictures of this name, best those that lie in folders of these names too."""
        there = list(dict.fromkeys(self.by_name.get(parts[-1], [])))
        return narrowed(there, lambda path: tuple(map(composed, path.parts[-len(parts) :])) == parts)

    def stem(self, name: str) -> list[Path]:
        return list(dict.fromkeys(self.by_stem.get(Path(name).stem.casefold(), [])))

    def left(self, taken: Iterable[Path | None], below: Path) -> list[str]:
        """Names of the pictures below a folder that nobody took."""
        used = set(taken)
        return sorted(
            path.relative_to(below).as_posix()
            for paths in self.by_name.values()
            for path in paths
            if below in path.parents and path not in used
        )


def narrowed(paths: list[Path], keep: Callable[[Path], bool]) -> list[Path]:
    """Those that are kept, or all where none is."""
    return [path for path in paths if keep(path)] or paths


def spellings(named: str) -> list[tuple[str, ...]]:
    """The parts of the path that a file names: as it stands, out of a URL, without the prefix of an upload.

    >>> spellings("/data/upload/1/0a1b2c3d-my%20cat.jpg")[-1]
    ('my cat.jpg',)
    >>> spellings("/data/local-files/?d=cats/a.jpg")[-1]
    ('cats', 'a.jpg')
    """
    plain = named.replace("\\", "/")
    try:
        address = urlsplit(plain)
        inside = parse_qs(address.query).get("d", [""])[0] or address.path  # Label Studio's local files
    except ValueError:  # no address after all
        inside = plain
    found = []
    for text in dict.fromkeys((plain, unquote(inside))):
        parts = tuple(part for part in PurePosixPath(text).parts if part not in ("/", ".", ".."))
        if parts:
            found.append(parts)
            if UPLOADED.match(parts[-1]):
                found.append((UPLOADED.sub("", parts[-1]),))
    return found


def plain_name(named: str) -> str:
    """A picture's name without ending, with its sub-folders, but not with one that all pictures lie in, nor a drive or host.

    >>> plain_name("images/a.jpg"), plain_name(r"night\\b.png"), plain_name("https://host/x/a.png?sig=1")
    ('a', 'night/b', 'x/a')
    """
    ways = spellings(named) or [(named,)]
    *folders, last = ways[min("?" in named or "://" in named, len(ways) - 1)]
    folders = [part for part in folders if not part.endswith(":")]
    if folders and folders[0].lower() == "images":
        folders = folders[1:]
    return "/".join((*folders, PurePosixPath(last).stem))


def split_of(word: str) -> str | None:
    """The split that a folder or a file is named after, if it is.

    >>> split_of("instances_train2017"), split_of("valid"), split_of("result")
    ('train', 'val', None)
    """
    word = re.sub(r"^(instances|annotations|panoptic|stuff)[_-]|[_-]?\d{4}$", "", word.lower())
    return usual_split(word) if usual_split(word) in USUAL else None


def checked_size(height: object, width: object, which: str) -> tuple[int, int]:
    """A picture's height and width out of a file. Raises DataError where they are none, or of a picture that nobody opens."""
    if not all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in (height, width)):
        raise DataError(f"{which}: height {height!r} and width {width!r} are no size of a picture")
    if Image.MAX_IMAGE_PIXELS and height * width > Image.MAX_IMAGE_PIXELS:  # type: ignore[operator]
        raise DataError(f"{which}: {height}x{width} is larger than Pillow's limit of {Image.MAX_IMAGE_PIXELS:,} pixels")
    return height, width  # type: ignore[return-value]


def stored_size(picture: Path) -> tuple[int, int]:
    """Height and width as the file stores them. Raises DataError."""
    return picture_size(picture, None, picture.name)[0]


def shown_size(picture: Path) -> tuple[int, int]:
    """Height and width as the picture is shown, turned by its EXIF tag. Raises DataError."""
    stored, orientation = picture_size(picture, None, picture.name)
    return stored[::-1] if orientation >= 5 else stored
