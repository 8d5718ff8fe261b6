"""CamVid as fast.ai has it: images/NAME.png, labels/NAME_P.png of numbers, and codes.txt with a name a line, from 0.

Source: the archives camvid and camvid_tiny. valid.txt lists the pictures of val with their endings; Void is a line of codes.txt.
"""

from functools import partial
from pathlib import Path

from minifcn.data.formats.finding import PICTURES, by_name, listed
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.source import Format, Item, Options, Source, class_or_void
from minifcn.data.meaning.lists import read_class_names

CODES, VALID, SUFFIX = "codes.txt", "valid.txt", "_P"


def recognise(source: Path) -> str | None:
    both = (source / CODES).is_file() and (source / "labels").is_dir()
    return f"{CODES} is there" if both else None


def read(source: Path, options: Options) -> Source:
    names = read_class_names(source / CODES)
    labels = {name.removesuffix(SUFFIX): path for name, path in by_name(source / "labels", (".png",)).items()}
    pictures = by_name(source / "images", PICTURES) if (source / "images").is_dir() else {}
    lists = [path for path in [source / VALID] if path.is_file()]
    val, lost, _ = listed(lists, labels)
    rest = "train" if lists else None
    items = [
        Item(name, pictures.get(name), "val" if name in val else rest, partial(read_numbers, path))
        for name, path in labels.items()
    ]
    left_out = {
        "pictures without labels": sorted(set(pictures) - set(labels)),
        f"names in {VALID} without labels": lost,
    }
    meaning = {number: class_or_void(name) for number, name in enumerate(names)}
    return Source(items, meaning, left_out={why: names for why, names in left_out.items() if names})


FORMAT = Format("fastai", "CamVid of fast.ai: codes.txt names the numbers of labels/NAME_P.png", recognise, read)
