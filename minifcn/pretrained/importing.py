"""A network of ours, filled from somebody's file; nothing is left out without a word."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from minifcn.models import FCN, build, load
from minifcn.models.classifier_files import is_classifier, load_classifier
from minifcn.models.classifiers import SIDES, HeatMap
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.shipped import model_file
from minifcn.nn.initialisers import undrawn
from minifcn.pretrained.filling import array_of, fill, leftovers, planned
from minifcn.pretrained.known import about, classes_and_pictures
from minifcn.pretrained.recognise import Found, in_order, recognised
from minifcn.pretrained.report import Import, sides
from minifcn.weights import WeightsError
from minifcn.weights.formats.contents import Contents, DamagedError, Entry, one_line
from minifcn.weights.formats.files import read_file
from minifcn.weights.formats.mapped import mapped
from minifcn.weights.formats.safetensors_header import header_of, is_own

CHUNK = 1 << 22
ORDER = (
    "note: the file does not say in which order its layers are: taken for CaffeNet, which pools and then normalises; "
    "where it normalises first, --as alexnet-bvlc"
)


def import_file(
    path: str | os.PathLike[str],
    wanted: str | None = None,
    *,
    ignore: Iterable[str] = (),
    prefix: str | None = None,
    preprocessing: Preprocessing | None = None,
    flip: bool = False,
) -> Import:
    """A network from weights in another program's file. Raises WeightsError in one sentence, and runs nothing that a file says.

    `wanted`: which network it is, where the names leave that open: vgg16, alexnet, googlenet, squeezenet, fcn8s, …; `prefix`: what stands
    before the names of its arrays. `ignore`: names, or patterns with *, of arrays that may be left out; any other that finds no place is an
    error. `preprocessing`: how pictures were prepared when it was trained, where that is not the usual of such files. `flip`: turn the
    first convolution round, so that it takes red, green, blue in place of blue, green, red, or the other way.
    """
    path = Path(path)
    contents = read_file(path)
    try:
        if is_own(contents.header):
            raise DamagedError("a file of minifcn's own, which needs no import")
        found = recognised(contents, wanted, prefix)
        network = network_for(found, contents, preprocessing)
        result = Import(network, found.names.title, contents.format, path, sha256(path))
        plan = planned(network, found, contents)
        result.left = leftovers(contents, found, plan, tuple(ignore))
        result.moves = fill(network, plan, found, contents)
    except DamagedError as error:
        raise WeightsError(f"{path}: {one_line(str(error))}") from error
    result.notes, usual = about(path, result.sha256, found.names)
    if found.names.order and wanted != found.names.network and not in_order(found.names, contents):
        result.notes.append(ORDER)
    if preprocessing is None and usual is not None:
        network.preprocessing = usual
    if flip:
        turn_round(network, result)
    network.notes |= {
        "trunk" if isinstance(network, HeatMap) else "model": found.names.origin,
        "source": f"{path.name}, {contents.format}, SHA-256 {result.sha256}",
    }
    network.eval()
    return result


def load_pretrained(path: str | os.PathLike[str]) -> HeatMap:
    """The classifier in a file, ours or somebody else's, in eval mode. `fully_convolutional` or `transplant` makes an FCN of it.

    Raises WeightsError for anything else.
    """
    header = header_of(mapped(path))
    if is_classifier(header):
        return load_classifier(path)
    network = load(path) if header else import_file(path).network
    if not isinstance(network, HeatMap):
        raise WeightsError(
            f"{path}: a network that scores every pixel, and not a classifier, which a trunk begins from; start from all of it with --init"
        )
    return network


def load_start(path_or_name: str | os.PathLike[str]) -> FCN:
    """The model in a file, ours or somebody else's, or "voc7", in eval mode. Raises WeightsError for anything else."""
    path = model_file(path_or_name)
    header = header_of(mapped(path)) if path.is_file() else {"format": None}
    if header and not is_classifier(header):
        return load(path)
    network = load_classifier(path) if header else import_file(path).network
    if not isinstance(network, FCN):
        raise WeightsError(
            f"{path}: a classifier, and not a network that scores every pixel; start from it with --trunk"
        )
    return network


def backbone_of(path: str | os.PathLike[str], arch: str) -> str:
    """The name in BACKBONES of the trunk in a file, from which `arch` is to be built. Raises WeightsError."""
    header = header_of(mapped(path))
    if is_classifier(header):
        said = header["classifier"]
        known = isinstance(said, dict) and said.get("backbone") in SIDES
        name = said["backbone"] if known else load_classifier(path).name  # which says why not
    elif header:
        name = load_pretrained(path).name  # and so does this
    else:
        try:
            name = recognised(read_file(path)).names.network.split()[0]
        except DamagedError as error:
            raise WeightsError(f"{path}: {one_line(str(error))}") from error
    # a network begins at its trunk's coarsest map, and SqueezeNet's is of stride 16
    return "squeezenet32" if name == "squeezenet" and arch not in ("fcn16s",) else name


def network_for(found: Found, contents: Contents, preprocessing: Preprocessing | None) -> HeatMap | FCN:
    """The network that the weights are for, not yet filled, with as many classes as the file has."""
    names = found.names
    backbone, _, arch = names.network.partition(" ")
    scores = "score_fr" if arch else "classifier"
    entry = contents.entries[array_of(found.layers[scores], "weight", scores)]
    classes = outputs(entry)
    if not 1 <= classes <= 100_000:
        raise DamagedError(f"{scores} has the shape {sides(entry.shape)}, which is no number of classes")
    with undrawn():  # every weight is written
        if not arch:
            network: HeatMap | FCN = HeatMap(backbone, classes)
        else:
            known, pictures = classes_and_pictures(classes, preprocessing, names.preprocessing)
            named = {"class_names": known.names, "classes": known.to_dict()} if known else {}
            network = build(arch, backbone, classes, padding="paper", preprocessing=pictures, **named)
    if not arch:
        network.preprocessing = preprocessing or names.preprocessing
    return network


def outputs(entry: Entry) -> int:
    """How many results a layer with this weight has. Older files write 1 x 1 x outputs x inputs."""
    if entry.channels_last and entry.shape:
        return entry.shape[-1]
    shape = entry.shape[::-1] if entry.transposed else entry.shape
    if len(shape) == 4 and shape[:2] == (1, 1):
        shape = shape[2:]
    return shape[0] if shape else 0


def turn_round(network: HeatMap | FCN, result: Import) -> None:
    """Let the first convolution read the colours in the other order. Its scores stay the same."""
    first = next(network.parameters())
    first.data[...] = first.data[:, ::-1].copy()
    channels, mean, scale = network.preprocessing
    network.preprocessing = Preprocessing(
        {"bgr": "rgb", "rgb": "bgr"}[channels],
        tuple(mean[::-1]),
        tuple(scale[::-1]) if isinstance(scale, tuple) else scale,
    )
    result.moves[0] = replace(result.moves[0], how=(*result.moves[0].how, "flipped"))


def sha256(path: Path) -> str:
    """The checksum of a file, in 64 digits."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
