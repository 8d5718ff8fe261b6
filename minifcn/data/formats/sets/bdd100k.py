"""BDD100K: images/10k/train/NAME.jpg and labels/sem_seg/masks/train/NAME.png, numbers as Cityscapes' train ids, 255 void.

Source: the description of the release. The older archive has seg/images/train/NAME.jpg and seg/labels/train/NAME_train_id.png.
"""

from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name
from minifcn.data.formats.sets.cityscapes import KINDS
from minifcn.data.formats.sets.partners import partners
from minifcn.data.formats.source import Format, Options, Source

SUFFIX = "_train_id"
# pictures, labels
PLACES = (("images/10k", "labels/sem_seg/masks"), ("seg/images", "seg/labels"))


def recognise(source: Path) -> str | None:
    place = places_in(source)
    return f"{place[1].relative_to(source).as_posix()}/ is there" if place else None


def places_in(source: Path) -> tuple[Path, Path] | None:
    places = [(source / pictures, source / labels) for pictures, labels in PLACES]
    return next((each for each in places if each[1].is_dir()), None)


def read(source: Path, options: Options) -> Source:
    places = places_in(source)
    if places is None:
        raise DataError(f"{source}: neither {' nor '.join(labels for _, labels in PLACES)} is there")
    pictures = by_name(options.pictures or places[0], PICTURES)
    labels = {name.removesuffix(SUFFIX): path for name, path in by_name(places[1], (".png",)).items()}
    items, left_out = partners(labels, pictures)
    return Source(items, dict(KINDS["labelTrainIds"]), left_out=left_out)


FORMAT = Format("bdd100k", "BDD100K, the masks of sem_seg", recognise, read)
