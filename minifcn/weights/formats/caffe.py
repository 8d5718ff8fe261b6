"""Caffe's .caffemodel: a network's layers with their blobs of numbers. Field numbers from caffe.proto, all three generations of layers."""

import numpy as np

from minifcn.weights.formats.contents import Contents, DamagedError, Entry, shaped
from minifcn.weights.formats.wire import Field, fields, grouped, numbers, whole_numbers

# NetParameter
LAYERS_OLD, LAYERS = 2, 100
# of a layer: the field of its name, its kind and its blobs; the oldest layer lies within an old one
NEW = (1, 2, 7)  # LayerParameter
OLD = (4, 5, 6)  # V1LayerParameter
OLDEST, OLDEST_WITHIN = (1, 2, 50), 1  # V0LayerParameter
# BlobProto
SIDES, DATA, SHAPE, DOUBLE, DIM = (1, 2, 3, 4), 5, 7, 8, 1
# of NVIDIA's Caffe, and of OpenCV, which halves a file so: the numbers in a row of bytes, and their kind
RAW_KIND, RAW = 10, 12
RAW_KINDS = {0: ("float64", "<f8"), 1: ("float32", "<f4"), 2: ("float16", "<f2")}
# V1LayerParameter.LayerType, those whose order matters
OLD_KINDS = {
    4: "Convolution",
    6: "Dropout",
    14: "InnerProduct",
    15: "LRN",
    17: "Pooling",
    18: "ReLU",
    39: "Deconvolution",
}
OLDEST_KINDS = {"lrn": "LRN", "pool": "Pooling"}


def read_caffe(content: memoryview) -> Contents:
    """The blobs of a network, called by layer and number: conv1.0 is its weight, conv1.1 its bias. Raises DamagedError."""
    contents = Contents("Caffe")
    for field in fields(content):
        if field.number in (LAYERS_OLD, LAYERS):
            add_layer(contents, field)
    if not contents.entries:
        raise DamagedError(
            "a network without any weights: a .caffemodel has them; a graph of TensorFlow's (.pb) begins like one, and is not read"
        )
    return contents


def add_layer(contents: Contents, field: Field) -> None:
    """Note one layer, and its blobs."""
    message, numbered = field.bytes(), NEW if field.number == LAYERS else OLD
    found = grouped(message, frozenset((*numbered, OLDEST_WITHIN)))
    if field.number == LAYERS_OLD and found[OLDEST_WITHIN] and not found[OLD[0]]:
        numbered = OLDEST
        found = grouped(found[OLDEST_WITHIN][-1].bytes(), frozenset(OLDEST))
    names, kinds, blobs = (found[number] for number in numbered)
    name = names[-1].text() if names else "(no name)"
    kind = "" if not kinds else OLD_KINDS.get(kinds[-1].whole(), "") if numbered is OLD else kinds[-1].text()
    contents.nodes.append((name, OLDEST_KINDS.get(kind, kind)))
    for number, blob in enumerate(blobs):
        contents.add(f"{name}.{number}", entry(blob.bytes(), f"{name}, blob {number}"))


def entry(message: memoryview, what: str) -> Entry:
    """The numbers of a blob in their shape: its own list of sides, or the four of older files."""
    found = grouped(message, frozenset((*SIDES, DATA, SHAPE, DOUBLE, RAW_KIND, RAW)))
    values, kind = raw(found, what) if found[RAW] else plain(found)
    if found[SHAPE]:
        shape = tuple(whole_numbers(grouped(found[SHAPE][-1].bytes(), frozenset((DIM,)))[DIM]))
    elif any(found[side] for side in SIDES):
        shape = tuple(found[side][-1].signed() if found[side] else 0 for side in SIDES)
    else:
        shape = (values.size,)
    return Entry(shaped(values, shape, what), kind)


def plain(found: dict[int, list[Field]]) -> tuple[np.ndarray, str]:
    """The numbers and their kind, as Caffe writes them."""
    if found[DOUBLE]:
        return numbers(found[DOUBLE], "<f8"), "float64"
    return numbers(found[DATA], "<f4"), "float32"


def raw(found: dict[int, list[Field]], what: str) -> tuple[np.ndarray, str]:
    """The same of a row of bytes; a kind that is not said is the first."""
    number, content = found[RAW_KIND][-1].whole() if found[RAW_KIND] else 0, found[RAW][-1].bytes()
    if number not in RAW_KINDS:
        raise DamagedError(f"{what} holds numbers of the kind {number}, which is none that weights have")
    kind, dtype = RAW_KINDS[number]
    if len(content) % np.dtype(dtype).itemsize:
        raise DamagedError(f"{what} is cut off within a number")
    return np.frombuffer(content, dtype), kind
