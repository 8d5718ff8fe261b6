"""Keras's .weights.h5, .keras and older .h5 files, and Caffe's .caffemodel.h5: arrays by layer, block1_conv1.kernel and conv1_1.0."""

import re

from minifcn.weights.formats.contents import Contents, Entry
from minifcn.weights.formats.hdf5.apart import Stored, arrays_of

# .../block1_conv1/kernel, and block1_conv1_W_1:0 of the oldest; in between kernel:0
OLDER = re.compile(r"(?:.*_)?(kernel|bias|W|b)(?:_\d+)?(?::\d+)?")
PARTS = {"kernel": "kernel", "W": "kernel", "bias": "bias", "b": "bias", "0": "kernel", "1": "bias"}
CAFFE = re.compile(r"data/(.+)/(\d+)")


def read_hdf5(content: memoryview) -> Contents:
    """Every dataset of numbers. Raises DamagedError; WeightsError where h5py is not installed."""
    found = arrays_of(content)
    caffe = any(CAFFE.fullmatch(each.path) for each in found)
    contents = Contents("Caffe HDF5" if caffe else "Keras HDF5")
    for each in found:
        name = caffe_name(each.path) if caffe else keras_name(each)
        contents.add(name, Entry(each.array, each.array.dtype.name, channels_last=not caffe))
    return contents


def caffe_name(path: str) -> str:
    """data/conv1_1/0 is conv1_1.0; beside it there can be diff/, the last gradients."""
    found = CAFFE.fullmatch(path)
    return f"{found[1]}.{found[2]}" if found else path


def keras_name(stored: Stored) -> str:
    """The layer and the part of it. The newer files number both; those of Keras 3.15 say the layer's name beside it."""
    *before, last = stored.path.split("/")
    if stored.path.startswith("optimizer/"):
        return stored.path
    if len(before) > 1 and before[-1] == "vars" and last in PARTS:
        return f"{stored.layer or before[-2]}.{PARTS[last]}"
    older = OLDER.fullmatch(last)
    return f"{before[-1]}.{PARTS[older[1]]}" if before and older else stored.path
