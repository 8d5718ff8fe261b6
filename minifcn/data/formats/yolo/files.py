"""The files of a YOLO set: which text belongs to which picture, and the split of each.

Ultralytics' rule: the last folder called images of a picture's path becomes labels, its ending .txt. Where there is none, the
text lies beside the picture, whatever the folder is called. A picture without a text is background, its documentation says, as is one whose text is empty.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PureWindowsPath

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, composed, files_below, text_lines, twice_note
from minifcn.data.formats.lists import LISTS, Meaning, read_list
from minifcn.data.formats.picture_index import PictureIndex, split_of
from minifcn.data.formats.source import USUAL
from minifcn.data.formats.yolo.lines import looks_like_labels
from minifcn.data.formats.yolo.settings import Setting, names_in, paths_in, read_settings

PICTURE_FOLDER, LABEL_FOLDER = "images", "labels"
YAML = (".yaml", ".yml")
SEVERAL = 20  # files of a folder that are looked at to recognise it
NO_LABELS = (*LISTS, "notes.txt", "readme.txt", "readme.roboflow.txt", "readme.dataset.txt")


@dataclass
class Found:
    """The files of a set. `pairs`: a picture, or None, and its text, or None; the paths of the others, by why they are left out."""

    root: Path
    pairs: list[tuple[Path | None, Path | None]] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)


def is_yaml(path: Path) -> bool:
    return path.suffix.lower() in YAML and path.is_file()


def yamls_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if is_yaml(path))


def root_of(source: Path, holds: Callable[[Path], object]) -> Path:
    """The folder of a set, which may be given by its data.yaml. That lies in it, or elsewhere, and says where the set is.

    `holds`: whether a folder holds labels. DataError where the data.yaml cannot be read.
    """
    if not is_yaml(source):
        return source
    there = None if holds(source.parent) else named_root(source)
    return there if there and there.is_dir() else source.parent


def named_root(yaml: Path) -> Path | None:
    """The folder of a set that a data.yaml names: by `path`, as Ultralytics has it, else by the folders of its splits."""
    settings = read_settings(yaml)
    if isinstance(said := settings.get("path"), str) and said:
        return (yaml.parent / said).expanduser().resolve()
    folders = [(yaml.parent / path).resolve() for paths in paths_in(settings).values() for path in paths]
    there = [str(folder) for folder in folders if folder.is_dir()]
    root = Path(os.path.commonpath(there)) if there else None
    while root and (root.name.lower() == PICTURE_FOLDER or split_of(root.name)):
        root = root.parent
    return root


def sample(root: Path) -> Path | None:
    """A text file that looks like labels: in a folder called labels, or beside a picture of its name. Quick."""
    near = [root, *below(root), *(each for one in below(root) for each in below(one))]
    called = [each for each in near if LABEL_FOLDER in folders_of(each, root)]
    called += [each / LABEL_FOLDER for each in near]
    called += [each for one in called for each in below(one)]
    for folder in called:
        if found := next((path for path in texts_in(folder) if looks_like_labels(path, 2)), None):
            return found
    beside = (path for folder in near for path in texts_in(folder) if looks_like_labels(path, 5))
    return next((path for path in beside if picture_beside(path)), None)


def texts_in(folder: Path) -> list[Path]:
    """Some texts of a folder that may be labels: of a film the first hundreds may be empty."""
    there = (path for path in folder.glob("*.txt") if path.name.lower() not in NO_LABELS and path.stat().st_size)
    return sorted(islice(there, SEVERAL))


def picture_beside(text: Path) -> bool:
    return any(path.stem == text.stem and path.suffix.lower() in PICTURES for path in text.parent.iterdir())


def below(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))[:SEVERAL]
    except OSError:
        return []


def find(root: Path, pictures: Path | None) -> Found:
    """All pictures and label files below `root`, paired."""
    files = [
        path for path in files_below(root) if not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    texts = {own_place(path, root): path for path in files if path.suffix.lower() == ".txt"}
    places = places_of([path for path in files if path.suffix.lower() in PICTURES], root, texts)
    texts = {place: path for place, path in texts.items() if place in places or is_label_file(path, root)}
    index = PictureIndex(*([pictures] if pictures and pictures.is_dir() else []), root)
    own = {picture for place, picture in places.items() if place in texts}
    found = Found(root)
    for place, text in texts.items():
        picture = places.get(place)
        if picture is None:  # it lies elsewhere, unless that one has labels of its own
            other = index.find(text.name, split=split_by_folders(text, root))
            picture = None if other in own else other
        found.pairs.append((picture, text))
    add_unlabelled(found, places, texts)
    return found


def add_unlabelled(found: Found, places: Mapping[Path, Path], texts: Mapping[Path, Path]) -> None:
    """Pictures without a text are background where others beside them have one; the rest is left out."""
    taken = {picture for picture, _ in found.pairs}
    labelled = {split_by_folders(text, found.root) for text in texts.values()}
    where = {place.parent for place in texts}
    for place, picture in places.items():
        if picture in taken:
            continue
        within = LABEL_FOLDER in place.parts[:-1] or place.parent in where
        if within and split_by_folders(picture, found.root) in labelled:
            found.pairs.append((picture, None))
        else:
            why = "pictures of a split without labels" if within else "pictures outside of a folder images/"
            found.left_out.setdefault(why, []).append(picture.relative_to(found.root).as_posix())


def places_of(pictures: Sequence[Path], root: Path, texts: Mapping[Path, Path]) -> dict[Path, Path]:
    """Where the labels of each picture lie → the picture. DataError where two pictures would have one label file."""
    places: dict[Path, Path] = {}
    for path in pictures:
        place, beside = place_of_labels(path, root), own_place(path, root)
        first = places.setdefault(place if place in texts or beside not in texts else beside, path)
        if first != path:
            raise DataError(f"{first} and {path} would have one label file; rename one of them, or take it out")
    return places


def is_label_file(path: Path, root: Path) -> bool:
    """Whether a text without a picture beside it is one of labels: it lies below labels/, and is no list of classes."""
    return LABEL_FOLDER in folders_of(path.parent, root) and path.name.lower() not in NO_LABELS


def folders_of(folder: Path, root: Path) -> list[str]:
    """The names of a folder and of those above it up to the root, which may be labels/ itself."""
    return [part.lower() for part in (root.name, *folder.relative_to(root).parts)]


def place_of_labels(picture: Path, root: Path) -> Path:
    """Where the labels of a picture lie, seen from the root, without ending.

    >>> place_of_labels(Path("/set/images/train/a.b.jpg"), Path("/set")).as_posix()
    'labels/train/a.b'
    """
    return own_place(in_place_of_images(picture, root, LABEL_FOLDER) or picture, root)


def in_place_of_images(path: Path, root: Path, folder: str) -> Path | None:
    """A path with `folder` for the last folder called images; None where none is called so."""
    *folders, name = path.relative_to(root).parts
    called = [place for place, part in enumerate(folders) if part.lower() == PICTURE_FOLDER]
    return root.joinpath(*folders[: called[-1]], folder, *folders[called[-1] + 1 :], name) if called else None


def own_place(path: Path, root: Path) -> Path:
    parts = [LABEL_FOLDER if part.lower() == LABEL_FOLDER else part for part in path.relative_to(root).parts]
    return Path(*map(composed, parts)).with_suffix("")


def name_of(path: Path, root: Path) -> str:
    """A picture's name, without the folders that say what it is and which split it is of.

    >>> name_of(Path("/set/images/train/night/a.jpg"), Path("/set")), name_of(Path("/set/train/images/a.jpg"), Path("/set"))
    ('night/a', 'a')
    """
    *folders, last = place_of_labels(path, root).parts
    return "/".join((*(part for part in folders if part != LABEL_FOLDER and not split_of(part)), last))


def split_by_folders(path: Path, root: Path) -> str | None:
    return next((split for part in path.relative_to(root).parts[:-1] if (split := split_of(part))), None)


def settings_of(source: Path) -> tuple[Path | None, dict[str, Setting]]:
    """The data.yaml of a set. DataError where several name other classes."""
    if source.is_file():
        return source, read_settings(source)
    read: list[tuple[Path, dict[str, Setting]]] = []
    for folders in ([source], below(source)):  # a folder above the set, where there is none in it
        there = [path for folder in folders for path in yamls_in(folder)]
        read = read or [(path, said) for path in there if (said := read_settings(path)).get("names") or paths_in(said)]
    for path, said in read[1:]:
        if said.get("names") != read[0][1].get("names"):
            raise DataError(
                f"{read[0][0]} and {path.name} beside it name other classes; give the one that counts as SOURCE"
            )
    return read[0] if read else (None, {})


def classes_of(root: Path, path: Path | None, settings: Mapping[str, Setting]) -> tuple[Path | None, dict[int, str]]:
    """Number → name, and the file that says so: a data.yaml, or a list beside the labels. Empty where nobody says it."""
    if path and (names := names_in(settings, path)):
        return path, names
    for folder in (root, root / LABEL_FOLDER, *below(root / LABEL_FOLDER), *below(root)):
        for place in (folder / name for name in LISTS):
            if place.is_file():
                meaning: Meaning
                meaning, coloured = read_list(place)
                if not coloured:
                    return place, {number: name or "void" for number, name in meaning.items() if number >= 0}
    return None, {}


def splits_of(
    root: Path, yaml: Path | None, settings: Mapping[str, Setting], pictures: Sequence[Path]
) -> tuple[dict[Path, str], list[str], list[str]]:
    """Picture → split, as data.yaml says or lists that are called after splits; notes on pictures in two splits; lines of no picture."""
    by_parts = {tuple(map(composed, path.relative_to(root).parts)): path for path in pictures if root in path.parents}
    lists = {split: [path.name] for path in sorted(root.glob("*.txt")) if (split := split_of(path.stem))}
    said = paths_in(settings) or lists
    splits: dict[Path, str] = {}
    twice: dict[tuple[str, str], list[str]] = {}
    lost: list[str] = []
    for split in sorted(said, key=USUAL.index):
        for place in filter(None, (resolved(each, root, yaml) for each in said[split])):
            mine = [path for path in pictures if place in path.parents]
            if place.is_file():
                found = {line: listed(line, by_parts) for line in text_lines(place)}
                mine = [path for path in found.values() if path]
                lost += [line for line, path in found.items() if path is None]
            for path in mine:
                first = splits.setdefault(path, split)
                if first != split:
                    twice.setdefault((first, split), []).append(path.name)
    return splits, [twice_note(*both, names) for both, names in twice.items()], lost


def listed(line: str, by_parts: Mapping[tuple[str, ...], Path]) -> Path | None:
    """The picture that a line of a list means."""
    return next((by_parts[parts] for parts in endings(line) if parts in by_parts), None)


def resolved(said: str, root: Path, yaml: Path | None) -> Path | None:
    """The folder or list that a path means, wherever the set lay when it was written; None where nothing here fits."""
    bases = [yaml.parent, root] if yaml else [root]
    if not endings(said):
        return bases[0]
    places = (base.joinpath(*parts) for parts in endings(said) for base in bases)
    return next((place for place in places if place.exists()), None)


def endings(said: str) -> list[tuple[str, ...]]:
    """The parts of a path, then without the first, and so on.

    >>> endings("../train/images"), endings(r"C:\\set\\a.jpg")
    ([('train', 'images'), ('images',)], [('set', 'a.jpg'), ('a.jpg',)])
    """
    parts = tuple(
        composed(part)
        for part in PureWindowsPath(said).parts
        if part not in (".", "..") and not part.endswith((":", "\\", "/"))
    )
    return [parts[start:] for start in range(len(parts))]
