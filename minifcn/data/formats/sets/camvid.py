"""CamVid, and sets made like it: labels in colours that a list in the folder names, label_colors.txt or class_dict.csv.

Source: the release (label_colors.txt, "64 128 64<tab>Animal", one or two tabs; labels NAME_L.png) and its copy on Kaggle (class_dict.csv,
"name,r,g,b"; folders train/ and train_labels/). Void is a colour of the list. No colour is looked up in VOC's palette.
"""

from functools import partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, listed
from minifcn.data.formats.lists import read_list
from minifcn.data.formats.masks import mode_of, read_colours
from minifcn.data.formats.source import Format, Item, Options, Source, usual_split

LISTS = ("label_colors.txt", "class_dict.csv")
SUFFIX = "_L"
LABELS = ("_labels", "_label")  # how folders of labels end that are called after those of their pictures
PLAIN = ("labels", "masks", "annotations")  # where they lie beside images/
NOBODY = ("unlabelled", "unlabeled", "unknown")
SPLITS = ("train.txt", "val.txt", "valid.txt", "test.txt")


def recognise(source: Path) -> str | None:
    path = list_of(source)
    some = next(iter(label_files(source, quick=True)), None) if path else None
    if some and some.is_dir():
        some = next(some.rglob("*.png"), None)
    # a palette, or numbers, beside such a list is somebody's pairs
    return f"{path.name} is there" if path and some and mode_of(some) in ("RGB", "RGBA") else None


def list_of(source: Path) -> Path | None:
    return next((source / name for name in LISTS if (source / name).is_file()), None)


def label_files(source: Path, quick: bool = False) -> list[Path]:
    """NAME_L.png anywhere; else what lies in folders X_labels beside X; else in the folder of masks. `quick`: one is enough."""
    if quick:
        named = next((path for depth in ("", "*/", "*/*/") for path in source.glob(f"{depth}*{SUFFIX}.png")), None)
        return [named] if named else label_folders(source)
    files = by_name(source, (".png",))
    return [path for name, path in files.items() if name.endswith(SUFFIX)] or [
        path for folder in label_folders(source) for path in by_name(folder, (".png",)).values()
    ]


def label_folders(source: Path) -> list[Path]:
    beside = [path for path in sorted(source.iterdir()) if path.is_dir() and stripped(path.name) != path.name]
    beside = [path for path in beside if path.with_name(stripped(path.name)).is_dir()]
    return beside or [source / name for name in PLAIN if (source / name).is_dir()][:1]


def stripped(folder: str) -> str:
    """train for train_labels."""
    ending = next((ending for ending in LABELS if folder.endswith(ending)), "")
    return folder.removesuffix(ending) or folder


def read(source: Path, options: Options) -> Source:
    path = list_of(source)
    if path is None:
        raise DataError(f"{source}: neither {' nor '.join(LISTS)} is there to say which class a colour is")
    meaning, coloured = read_list(path)
    if not coloured:
        raise DataError(
            f"{path}: expected are lines of red green blue name (or name,r,g,b under such a heading in a csv)"
        )
    labels = label_files(source)
    if not labels:
        raise DataError(f"{source}: no labels are there: no NAME{SUFFIX}.png, and no folders train/ and train_labels/")
    taken = set(labels)
    pictures: dict[str, list[Path]] = {}
    for picture in by_name(source, PICTURES).values():
        if picture not in taken:
            pictures.setdefault(picture.stem, []).append(picture)
    lists = [path for path in (source / name for name in SPLITS) if path.is_file()]
    splits, lost, notes = listed(lists, [label.stem.removesuffix(SUFFIX) for label in labels])
    items = []
    for label in labels:
        name = label.stem.removesuffix(SUFFIX)
        its = the_one(pictures.pop(name, []), label)
        items.append(Item(name, its, splits.get(name) or split_of(label), partial(read_colours, label)))
    left_out = {"pictures without labels": sorted(pictures), "lines of the lists without labels": lost}
    return Source(items, nobody_is_void(meaning), True, {why: names for why, names in left_out.items() if names}, notes)


def the_one(candidates: list[Path], label: Path) -> Path | None:
    """The picture of a label file; of several that in the folder that its folder is called after. DataError where nobody can know."""
    if len(candidates) > 1:
        wanted = label.parent.with_name(stripped(label.parent.name))
        near = [path for path in candidates if path.parent in (wanted, label.parent)]
        if len(near) != 1:
            raise DataError(
                f"labels {label}: {len(candidates)} pictures may be theirs ({', '.join(map(str, candidates[:3]))}); keep one"
            )
        candidates = near
    return candidates[0] if candidates else None


def split_of(label: Path) -> str | None:
    word = usual_split(stripped(label.parent.name))
    return word if word in ("train", "val", "test") else None


def nobody_is_void(listed: dict[int, str | None]) -> dict[int, str | None]:
    """The list, in which names such as "unlabelled" are void."""
    return {value: None if name is None or name.lower() in NOBODY else name for value, name in listed.items()}


FORMAT = Format("camvid", "CamVid in colours: label_colors.txt or class_dict.csv names them", recognise, read)
