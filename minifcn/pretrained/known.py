"""What is known of single files and of numbers of classes, and cannot be read from weights."""

import hashlib
import re
from pathlib import Path

import numpy as np

from minifcn.data import ClassMap
from minifcn.models.preprocessing import TORCHVISION, Preprocessing
from minifcn.pretrained.names.authors import PICTURES
from minifcn.pretrained.names.table import Names
from minifcn.weights.formats.contents import DamagedError

# files that PyTorch's hub gives away are called after the first digits of their SHA-256
HUB = re.compile(r"(?:vgg16|vgg16_bn|alexnet-owt|googlenet|squeezenet1_1)-([0-9a-f]{8})\.pth")
# Caffe's VGG16 under torchvision's names: only its checksum tells
VGG16_FROM_CAFFE = "aa75b158f4181e7f6230029eb96c1b13"
# torchvision's GoogLeNet, in its transform_input, makes of PyTorch's usual pictures those of TensorFlow: what it multiplies by and adds.
# Both steps in one are the mean and the scale that its table has
TRANSFORM_INPUT = (0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5, (0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5)
MEANS = "--channels bgr --scale 1 --mean {}"
NYUD = f"NYUDv2's network of colours has {MEANS.format('116.190,97.203,92.318')}, the one of HHA {MEANS.format('132.431,94.076,118.477')}"


def about(path: Path, sha256: str, names: Names) -> tuple[list[str], Preprocessing | None]:
    """(what a person should know of this very file, how its pictures are prepared where it differs from others of its names)."""
    notes = []
    hub = HUB.fullmatch(path.name)
    if hub and not sha256.startswith(hub[1]):
        notes.append(
            f"note: its name says that its SHA-256 begins with {hub[1]}, and it begins with {sha256[:8]}: another file, or a damaged one"
        )
    if names.network != "vgg16" or names.preprocessing != TORCHVISION:
        return notes, None
    with open(path, "rb") as file:
        found = hashlib.md5(usedforsecurity=False)
        while chunk := file.read(1 << 22):
            found.update(chunk)
    return notes, PICTURES if found.hexdigest() == VGG16_FROM_CAFFE else None


def classes_and_pictures(
    classes: int, given: Preprocessing | None, usual: Preprocessing
) -> tuple[ClassMap | None, Preprocessing]:
    """Which classes so many are, and how pictures are prepared, of the authors' networks. DamagedError where nobody can know."""
    voc = ClassMap.voc()
    if classes == len(voc.names):
        return voc, given or usual
    if classes == 40 and given is None:
        raise DamagedError(
            f"a network for 40 classes, as those of NYUDv2, which does not say what it was trained on: {NYUD}"
        )
    return None, given or (Preprocessing("bgr", (104.007, 116.669, 122.679), 1.0) if classes == 60 else usual)


def is_transform_input(values: list[float]) -> bool:
    """Whether a graph prepares its pictures as torchvision's GoogLeNet does."""
    return len(values) == len(TRANSFORM_INPUT) and np.allclose(sorted(values), sorted(TRANSFORM_INPUT), rtol=1e-5)
