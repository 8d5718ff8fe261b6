"""Pictures and labels: reading VOC folders, choosing classes, drawing a synthetic set, varying pictures, making batches."""

from typing import TYPE_CHECKING

from minifcn.names import later

if TYPE_CHECKING:
    from minifcn.data.augment import Augmentation, random_crop, random_mirror
    from minifcn.data.classes import ClassMap
    from minifcn.data.errors import DataError
    from minifcn.data.images import read_picture
    from minifcn.data.labels import VOC_CLASSES, VOID, colour_map, read_labels, write_labels
    from minifcn.data.loader import Batches, Examples
    from minifcn.data.meaning.folder import Meaning, read_meaning
    from minifcn.data.meaning.lists import read_class_names
    from minifcn.data.meaning.splits import write_splits
    from minifcn.data.synthetic.dataset import make_synthetic
    from minifcn.data.voc import VOCFolder

__all__ = [
    "VOC_CLASSES",
    "VOID",
    "Augmentation",
    "Batches",
    "ClassMap",
    "DataError",
    "Examples",
    "Meaning",
    "VOCFolder",
    "colour_map",
    "make_synthetic",
    "random_crop",
    "random_mirror",
    "read_class_names",
    "read_labels",
    "read_meaning",
    "read_picture",
    "write_labels",
    "write_splits",
]

later(
    __name__,
    {
        "minifcn.data.augment": "Augmentation random_crop random_mirror",
        "minifcn.data.classes": "ClassMap",
        "minifcn.data.errors": "DataError",
        "minifcn.data.images": "read_picture",
        "minifcn.data.labels": "VOC_CLASSES VOID colour_map read_labels write_labels",
        "minifcn.data.loader": "Batches Examples",
        "minifcn.data.meaning.folder": "Meaning read_meaning",
        "minifcn.data.meaning.lists": "read_class_names",
        "minifcn.data.meaning.splits": "write_splits",
        "minifcn.data.synthetic.dataset": "make_synthetic",
        "minifcn.data.voc": "VOCFolder",
    },
)
