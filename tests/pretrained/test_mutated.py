"""A few of the damaged files of mutating.py, which reads as many as one likes; and small files that claim to be large."""

import importlib.util
import io
import json
import struct
import tracemalloc
import zipfile

import needs
import numpy as np
import pytest

from minifcn.weights import WeightsError
from minifcn.weights.formats.files import read_file

from . import mutating, proto

NEEDED = {"keras": (pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason=needs.H5PY), pytest.mark.slow)}
FORMATS = [pytest.param(name, marks=NEEDED.get(name, ())) for name in mutating.FILES]


@pytest.mark.filterwarnings("ignore:.*made by another program")
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_gives_arrays_or_one_sentence(name, tmp_path):
    found = mutating.many(name, 300, tmp_path, start=1_000_000)
    assert (
        found["said"] > 30
        and found["read"] + found["said"] == 300
        and found["slowest"] < (10 if name == "keras" else 2)
    )


@pytest.mark.parametrize("name", FORMATS)
def test_the_undamaged_file_is_read(name, tmp_path):
    (tmp_path / "whole.bin").write_bytes(mutating.FILES[name]())
    assert len(read_file(tmp_path / "whole.bin").entries) >= 2


def bomb():
    """A GiB of zeros in a few kB would be unpacked; 16 of them are refused before."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(16):
            archive.writestr(f"{number}.npy", b"\0" * 1000)
    content = bytearray(buffer.getvalue())
    place = -1
    while (place := content.find(b"PK\x01\x02", place + 1)) >= 0:
        content[place + 24 : place + 28] = struct.pack("<I", 1 << 30)  # what it unpacks to, it says
    return bytes(content)


def npy(header):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def npz(member):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.npy", member)
    return buffer.getvalue()


CLAIMS = {
    "a zip that unpacks to 16 GiB": bomb(),
    "a shape of a million million": npz(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000)}")),
    "a blob of four large sides": proto.layer("x", "X", [b"".join(proto.whole(n, 1 << 30) for n in (1, 2, 3, 4)) + proto.packed_floats(5, [1])]),
    "a field of 2^60 bytes": proto.block(1, "n") + b"\xa2\x06" + proto.varint(1 << 60),
    "safetensors of 2^40 numbers": (lambda text: struct.pack("<Q", len(text)) + text)(
        json.dumps({"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    ),
    "a text of 2^63 bytes in a pickle": mutating.zip_file().replace(b"\x80\x02}", b"\x80\x8d\xff"),
}  # fmt: skip


@pytest.mark.parametrize("what", CLAIMS)
def test_a_small_file_takes_little_memory_whatever_it_claims(what, tmp_path):
    (tmp_path / "m.bin").write_bytes(CLAIMS[what])
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match=r"m\.bin: ") as error:
            read_file(tmp_path / "m.bin")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6 and "\n" not in str(error.value)


def test_loose_numbers_by_the_million_take_no_loop(tmp_path):
    """A million, as old files of Caffe had them; and a field between every two of them does not make it quadratic."""
    import time

    tag, count = proto.varint(5 << 3 | 5), 1_000_000
    values = np.arange(count, dtype="<f4")
    rows = np.concatenate([np.full((count, 1), tag[0], np.uint8), values.view(np.uint8).reshape(count, 4)], 1)
    (tmp_path / "m.bin").write_bytes(
        proto.layer("x", "X", [proto.block(7, proto.block(1, proto.varint(count))) + rows.tobytes()])
    )
    began = time.perf_counter()
    np.testing.assert_array_equal(read_file(tmp_path / "m.bin").entries["x.0"].array, values)
    assert time.perf_counter() - began < 5
    between = b"".join(proto.float32(5, value) + proto.float32(9, value) for value in range(5_000))
    (tmp_path / "n.bin").write_bytes(proto.layer("x", "X", [between]))
    began = time.perf_counter()
    assert read_file(tmp_path / "n.bin").entries["x.0"].array.tolist() == list(range(5_000))
    assert time.perf_counter() - began < 10


NONE = {
    "a web page": (b"<!DOCTYPE html><html>Not found", "a web page and no weights: the download went wrong"),
    "a web page after a blank": (b"\n  <html>", "a web page"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "a pointer of Git LFS"),
    "a list of parts": (b'{"metadata": {"total_size": 5}, "weight_map": {}}', "a text in JSON and no weights"),
    "gzip": (b"\x1f\x8b\x08\x00", "a file packed with gzip; unpack it first"),
    "a picture": (b"\x89PNG\r\n", "a picture"),
    "nothing": (b"", "an empty file"),
    "text": (
        b"weights",
        "a text and no weights; where it describes a network, its numbers are in another file: safetensors, PyTorch's",
    ),
    "a prototxt": (b'name: "VGG"\nlayer {\n', "a text and no weights"),
    "ncnn's text": (b"7767517\n31 34\nInput", "ncnn's text of a network, and no weights"),
    "numbers": (np.linspace(0.1, 1, 99).tobytes(), "none of the formats that are read: safetensors, PyTorch's"),
    "MXNet's": (struct.pack("<QQQ", 0x112, 0, 1) + bytes(40), "an MXNet file of parameters, which is not read"),
    "an array": (b"\x93NUMPY\x01\0" + bytes(40), r"a single array of NumPy's \(\.npy\), or a dict of Python's in one"),
    "MatConvNet's": (
        b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(200),
        r"a MATLAB file \(\.mat\), as MatConvNet has them",
    ),
    "MATLAB's newer": (
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64" + bytes(200),
        r"a MATLAB file \(\.mat, 7\.3\), which is not read",
    ),
    "GGUF": (b"GGUF\x03\0\0\0" + bytes(40), "a GGUF file, of language models"),
    "TensorFlow Lite's": (b"\x1c\0\0\0TFL3" + bytes(40), "a TensorFlow Lite file, which is not read"),
    "TensorFlow's list": (
        b"\0\0\x0b\x08" + bytes(90) + bytes.fromhex("57fb808b247547db"),
        "the list of a TensorFlow checkpoint",
    ),
    "Core ML's": (
        b"\x08\x05\x12\x04" + bytes(4),
        "a model without a graph, so no ONNX file; those of Core ML and TensorFlow begin like one",
    ),
    "tar": (b"a" * 257 + b"ustar\x0000", "a tar archive"),
    "a zip of other things": (None, "a zip file, but with 'readme.txt' in it; expected"),
}


@pytest.mark.parametrize("what", NONE)
def test_what_is_no_weights_file_is_called_what_it_is(what, tmp_path):
    content, words = NONE[what]
    if content is None:
        with zipfile.ZipFile(tmp_path / "m.pth", "w") as archive:
            archive.writestr("readme.txt", "hello")
    else:
        (tmp_path / "m.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=rf"m\.pth: {words}"):
        read_file(tmp_path / "m.pth")


def test_a_folder_and_a_file_that_is_not_there(tmp_path):
    with pytest.raises(WeightsError, match=r"a folder; give a file of weights in it"):
        read_file(tmp_path)
    with pytest.raises(WeightsError, match=r"none\.pth: no such file"):
        read_file(tmp_path / "none.pth")
