"""Plain pictures and masks: two folders of the same names, splits above or below them, or one folder where the masks have a suffix."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import (
    MASKS,
    OF_MASKS,
    OF_PICTURES,
    PICTURES,
    apart,
    composed,
    core,
    files_below,
    listed,
    matched,
)
from minifcn.data.formats.kinds import LOOKED_AT, NUMBERS, Kind, head, kind_of
from minifcn.data.formats.lists import Meaning, list_beside, read_list
from minifcn.data.formats.source import SPLITS, Format, Item, Options, Source, usual_split
from minifcn.data.images import JPEG_ENDINGS
from minifcn.data.labels import VOID

# what the parts of a folder's name say, in the order in which folders of masks are preferred
MASK_WORDS = (
    "masks", "mask", "labels", "label", "segmentationclass", "segmentationclasspng", "annotations", "annotation", "ann", "gt",
    "groundtruth", "segmentation", "segmentations", "seg", "semantic", "targets", "target", "y",
)  # fmt: skip
PICTURE_WORDS = ("images", "image", "imgs", "img", "pictures", "jpegimages", "photos", "rgb", "inputs", "input", "x")
LETTERS = {"x", "y"}  # say it where nothing else does: images/x and images/y are sub-folders
SPLIT_WORDS = ("train", "val", "test", "dev", *SPLITS)
# instances, and labels drawn for the eye
FILLERS = ("dir", "png", "data", "color", "colour", "colors", "colours")
NOT_MEANT = ("segmentationobject", "segmentationclassvisualization", "segmentationobjectvisualization", "segmentationclassnpy",
             "segmentationobjectpng", "segmentationobjectnpy", "viz", "visualization", "overlay", "overlays", "preview", "previews",
             "instance", "instances")  # fmt: skip
LISTS = (*SPLIT_WORDS, "trainval")


@dataclass(frozen=True)
class File:
    """A file of pixels: its name without what folders say of it, the kind and split that they say, and the folder that says it is a mask."""

    path: Path
    name: str
    kind: str | None
    split: str | None
    folder: str


def recognise(source: Path) -> str | None:
    if not source.is_dir():
        return None
    pictures, masks = parted(files_in(source))
    if not pictures or not masks or (pictures[0].kind is None and not together(pictures, masks)):
        return None
    where = sorted({each.folder for each in masks})
    return f"pictures and masks ({', '.join(f'{name}/' if name else 'by a word in their names' for name in where)}) are there"


def files_in(source: Path) -> list[File]:
    """All files of pixels below a folder, in order; those for the eye and of instances are not among them."""
    found = []
    above = len(source.parts)
    for path in files_below(source):
        inside = path.parts[above:]
        if path.suffix.lower() in (*PICTURES, *MASKS) and not any(
            part.startswith((".", "__MACOSX")) for part in inside
        ):
            told = told_by(inside[:-1])
            if told:
                found.append(
                    replace(told, path=path, name=composed("/".join((*told.name.split("/"), path.stem)).lstrip("/")))
                )
    return found


@lru_cache(maxsize=1024)
def told_by(folders: tuple[str, ...]) -> File | None:
    """What the folders above a file say of it; None where they say that it is neither picture nor mask."""
    kind = split = None
    folder, rest = "", []
    said = any(({*MASK_WORDS, *PICTURE_WORDS} - LETTERS) & {*words_of(part)} for part in folders)
    for part in folders:
        words = words_of(part)
        if any(word in NOT_MEANT for word in words):
            return None
        known = {word for word in words if word in (*MASK_WORDS, *PICTURE_WORDS, *SPLIT_WORDS)}
        if not known or not all(word in known or word in FILLERS or word.isdecimal() for word in words):
            rest.append(part)
            continue
        split = next((usual_split(word) for word in words if word in SPLIT_WORDS), split)
        if known <= LETTERS and said:
            rest.append(part)
            continue
        if known & set(MASK_WORDS):  # also where it says masks_rgb
            split_apart = [
                word for word in words if word not in SPLIT_WORDS
            ]  # train_masks and val_masks are one folder
            kind, folder = "mask", part if split_apart == words else "_".join(split_apart)
        elif known & set(PICTURE_WORDS):
            kind = "picture"
    return File(Path(), "/".join(rest), kind, split, folder)


def words_of(folder: str) -> list[str]:
    return [word for word in re.split(r"[_\-. ]+", folder.lower()) if word]


def parted(files: list[File]) -> tuple[list[File], list[File]]:
    """Pictures and masks among the files: as folders say, else as names in one folder do."""
    pictures = [file for file in files if file.kind == "picture" and file.path.suffix.lower() in PICTURES]
    masks = [file for file in files if file.kind == "mask" and file.path.suffix.lower() in MASKS]
    other = [file for file in files if file.kind is None]
    if pictures and masks:
        return pictures, masks
    if masks:  # the masks in a folder of theirs, the pictures around it
        return [file for file in other if file.path.suffix.lower() in PICTURES], masks
    together = pictures or other
    masks = with_a_word(together) or png_beside_jpeg(together)
    taken = {file.path for file in masks}
    return [file for file in together if file.path not in taken and file.path.suffix.lower() in PICTURES], masks


def with_a_word(files: list[File]) -> list[File]:
    """Those of one folder that have a word such as "mask" in their names beside one without, or with a word such as "image"."""
    of_masks = [core(file.name, OF_MASKS) for file in files]
    there = {
        (file.split, core(file.name, OF_PICTURES))
        for file, name in zip(files, of_masks, strict=True)
        if name == file.name
    }
    return [
        file for file, name in zip(files, of_masks, strict=True) if name != file.name and (file.split, name) in there
    ]


def png_beside_jpeg(files: list[File]) -> list[File]:
    """Those of one folder that are PNGs of numbers beside a JPEG of the same name."""
    jpegs = {(file.split, file.name) for file in files if file.path.suffix.lower() in JPEG_ENDINGS}
    found = [file for file in files if file.path.suffix.lower() == ".png" and (file.split, file.name) in jpegs]
    return found if all(head(file.path).mode in NUMBERS for file in found[:LOOKED_AT]) else []


def read(source: Path, options: Options) -> Source:
    pictures, masks = parted(files_in(source))
    notes: list[str] = []
    if options.pictures:
        pictures, masks = [], masks or [each for each in files_in(source) if each.path.suffix.lower() in MASKS]
    if not masks or not (pictures or options.pictures):
        raise DataError(
            f"{source}: pairs need a folder of pictures (images, …) and one of masks (masks, labels, …), or one folder with masks of the "
            "pictures' names and _mask; for masks alone say where the pictures are with --pictures FOLDER"
        )
    masks = of_one_folder(masks, options, notes)
    bare: list[tuple[File | None, File]] = [(None, mask) for mask in masks]
    pairs = bare if options.pictures else together(pictures, masks)
    if not pairs:
        several = ". A picture has one mask: those of single objects or classes have to be joined first" * (
            len(masks) > len(pictures)
        )
        raise DataError(
            f"{source}: no mask has the name of a picture: pictures are {some(pictures)}, masks {some(masks)}{several}"
        )
    kind = kind_of([mask.path for _, mask in pairs], by_colour=options.by_colour)
    notes += kind.notes
    meaning = meaning_beside(source, masks, kind, options, notes)
    items = [item_of(picture, mask, kind) for picture, mask in pairs]
    left_out = spare(pictures, masks, pairs)
    return Source(
        by_lists(source, apart(items), left_out, notes), meaning, kind.coloured, left_out, notes, blurred=kind.blurred
    )


def some(files: list[File]) -> str:
    return ", ".join(file.name + file.path.suffix for file in files[:3]) + (", …" if len(files) > 3 else "")


def of_one_folder(masks: list[File], options: Options, notes: list[str]) -> list[File]:
    """Of several folders of masks that which is asked for, or the likeliest; that there are others is said."""
    there = sorted({mask.folder for mask in masks}, key=lambda name: (rank(name), name))
    if options.masks is not None:
        if options.masks not in there:
            raise DataError(f"--masks {options.masks}: the folders of masks are {', '.join(there) or 'none'}")
        there = [options.masks]
    elif len(there) > 1:
        notes.append(
            f"the masks are those of {there[0]}/; {', '.join(f'{name}/' for name in there[1:])} may hold masks too: choose with --masks NAME"
        )
    return [mask for mask in masks if mask.folder == there[0]]


def rank(folder: str) -> int:
    """How likely a folder is that of the masks, 0 the likeliest; colours beside numbers are for the eye."""
    words = words_of(folder)
    drawn = any(word in (*FILLERS, "rgb") for word in words)
    return min((MASK_WORDS.index(word) for word in words if word in MASK_WORDS), default=len(MASK_WORDS)) + 100 * drawn


def together(pictures: list[File], masks: list[File]) -> list[tuple[File | None, File]]:
    """Each picture with its mask: of the same split where both have one."""
    found: list[tuple[File | None, File]] = []
    for split in dict.fromkeys(picture.split for picture in pictures):
        ours = named(picture for picture in pictures if picture.split == split)
        theirs = [mask for mask in masks if mask.split == split] or [
            mask for mask in masks if split is None or mask.split is None
        ]
        there = named(theirs)
        found += [(ours[name], there[mask]) for name, mask in matched(ours, there).items()]
    return found


def named(files: Iterable[File]) -> dict[str, File]:
    """Files by name. DataError where two have one name."""
    found: dict[str, File] = {}
    for file in files:
        if file.name in found:
            raise DataError(
                f"{found[file.name].path} and {file.path} are both called {file.name}; take out the one that is not meant"
            )
        found[file.name] = file
    return found


def item_of(picture: File | None, mask: File, kind: Kind) -> Item:
    name = picture.name if picture else core(mask.name, OF_MASKS)
    split = (picture.split if picture else None) or mask.split
    return Item(name, picture.path if picture else None, split, partial(kind.read, mask.path))


def spare(pictures: list[File], masks: list[File], pairs: list[tuple[File | None, File]]) -> dict[str, list[str]]:
    """What has no partner."""
    used = {file.path for pair in pairs for file in pair if file}
    left_out = {
        "pictures without a mask": [file.name for file in pictures if file.path not in used],
        "masks without a picture": [file.name for file in masks if file.path not in used],
    }
    return {why: names for why, names in left_out.items() if names}


def by_lists(source: Path, items: list[Item], left_out: dict[str, list[str]], notes: list[str]) -> list[Item]:
    """Items with the splits of lists such as train.txt, where folders do not say them; what no list names is left out."""
    lists = [*(source / "ImageSets/Segmentation").glob("*.txt")] or [
        path
        for folder in ("", "splits", "lists")
        for path in (source / folder).glob("*.txt")
        if path.stem.lower() in LISTS
    ]
    if not lists or any(item.split for item in items):
        return items
    splits, lost, twice = listed(lists, [item.name for item in items])
    notes += twice
    if not splits:
        raise DataError(
            f"{lists[0]} and other lists beside it name none of the pictures, such as {items[0].name}; they name {lost[0] if lost else 'nothing'}"
        )
    if unlisted := [item.name for item in items if item.name not in splits]:
        left_out["pairs that no list names"] = unlisted
    if lost:
        left_out["names of the lists without a pair"] = lost
    return [replace(item, split=splits[item.name]) for item in items if item.name in splits]


def meaning_beside(source: Path, masks: list[File], kind: Kind, options: Options, notes: list[str]) -> Meaning | None:
    """What a list of classes in the source, or beside the masks, says of their numbers."""
    folders = dict.fromkeys([source, *(above for above in masks[0].path.parents if source in above.parents)])
    place = next((place for folder in folders if (place := list_beside(folder))), None)
    if place is None or options.values is not None or options.threshold is not None:
        return None
    meaning, coloured = read_list(place)
    if coloured != kind.coloured:
        if coloured and kind.either:
            kind.use_colours()
        else:
            ours, theirs = ("colours", "numbers") if coloured else ("numbers or names", "colours")
            notes.append(f"{place} gives {ours}, but the masks hold {theirs}: it is not used")
            return None
    notes.append(f"the classes are those of {place}")
    return with_void(meaning) if not kind.coloured else meaning


def with_void(meaning: Mapping[int, str | None]) -> Meaning:
    """A list of names with 255 for void, where it says nothing of it."""
    return {**meaning, VOID: meaning.get(VOID)}


FORMAT = Format("pairs", "pictures and masks of the same names, in two folders or in one", recognise, read)
