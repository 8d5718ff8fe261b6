"""CamVid as fast.ai has it: images/NAME.png, labels/NAME_P.png of numbers, and codes.txt with a name a line, from 0.

Source: the archives camvid and camvid_tiny. valid.txt lists the pictures of val with their endings; Void is a line of codes.txt.
"""

from functools import partial
from pathlib import Path

from minifcn.data.classes import read_class_names
from minifcn.data.formats.lists import first_word, lines
from minifcn.data.formats.masks import read_numbers
from minifcn.data.formats.pairs import PICTURES, by_name
from minifcn.data.formats.source import VOID_NAME, Format, Item, Options, Source, usual_name

CODES, SUFFIX = "codes.txt", "_P"


def recognise(source: Path) -> str | None:
    both = (source / CODES).is_file() and (source / "labels").is_dir()
    return f"{CODES} is there" if both else None


def read(source: Path, options: Options) -> Source:
    names = read_class_names(source / CODES)
    labels = {name.removesuffix(SUFFIX): path for name, path in by_name(source / "labels", (".png",)).items()}
    pictures = by_name(source / "images", PICTURES) if (source / "images").is_dir() else {}
    listed = (
        {Path(first_word(line)).stem for line in lines(source / "valid.txt")}
        if (source / "valid.txt").is_file()
        else set()
    )
    items = [
        Item(
            name,
            pictures.get(name),
            ("val" if name in listed else "train") if listed else None,
            partial(read_numbers, path),
        )
        for name, path in labels.items()
    ]
    bare = sorted(set(pictures) - set(labels))
    meaning = {number: None if name.lower() == VOID_NAME else usual_name(name) for number, name in enumerate(names)}
    return Source(items, meaning, left_out={"pictures without labels": bare} if bare else {})


FORMAT = Format("fastai", "CamVid of fast.ai: codes.txt names the numbers of labels/NAME_P.png", recognise, read)
