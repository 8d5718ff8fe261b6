"""Damaged files by the thousand: `python -m tests.pretrained.mutating 50000` reads so many of each format, and says what came out.

A reader gives arrays, or one sentence; nothing else, in little time and memory. The seeds name every file: a fault can be had again.
"""

import io
import json
import multiprocessing
import pickle
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from unittest import mock

import numpy as np

from minifcn.pretrained.recognise import recognised
from minifcn.weights import WeightsError
from minifcn.weights.formats.contents import DamagedError
from minifcn.weights.formats.files import read_file
from minifcn.weights.formats.hdf5 import apart, child

from . import proto


def zip_file():
    """As torch.save writes {"a": a tensor, "b": a view of it, "c": half}: by hand, so that no PyTorch is needed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("s/data.pkl", structure())
        archive.writestr("s/byteorder", b"little")
        archive.writestr("s/data/0", np.arange(12, dtype=np.float32).tobytes())
        archive.writestr("s/data/1", np.arange(4, dtype=np.float16).tobytes())
        archive.writestr("s/version", b"3\n")
    return buffer.getvalue()


def zip_without_checksums():
    """PyTorch writes 0 for them when it is told to: then damage gets as far as the pickle and the numbers."""
    content = bytearray(zip_file())
    for mark, place in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        start = -1
        while (start := content.find(mark, start + 1)) >= 0:
            content[start + place : start + place + 4] = bytes(4)
    return bytes(content)


def structure():
    def tensor(kind, key, count, offset, shape, strides):
        sides = lambda values: b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"  # noqa: E731
        storage = (
            b"(X\x07\x00\x00\x00storagectorch\n"
            + kind
            + b"\nX\x01\x00\x00\x00"
            + key
            + b"X\x03\x00\x00\x00cpuK"
            + bytes([count])
        )
        return (
            b"ctorch._utils\n_rebuild_tensor_v2\n("
            + storage
            + b"tQK"
            + bytes([offset])
            + sides(shape)
            + sides(strides)
            + b"\x89}tR"
        )

    text = lambda name: b"X" + len(name).to_bytes(4, "little") + name  # noqa: E731
    return (
        b"\x80\x02}q\x00(" + text(b"a") + tensor(b"FloatStorage", b"0", 12, 0, (3, 4), (4, 1)) + text(b"b")
        + tensor(b"FloatStorage", b"0", 12, 2, (2, 2), (4, 1)) + text(b"c") + tensor(b"HalfStorage", b"1", 4, 0, (4,), (1,)) + b"u."
    )  # fmt: skip


def old_file():
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}]
    body = structure().replace(b"K\x0ctQ", b"K\x0cNtQ").replace(b"K\x04tQ", b"K\x04NtQ")
    content = b"".join(pickle.dumps(each, 2) for each in head) + body + pickle.dumps(["0", "1"], 2)
    for array in (np.arange(12, dtype=np.float32), np.arange(4, dtype=np.float16)):
        content += array.size.to_bytes(8, "little") + array.tobytes()
    return content


def caffe_file():
    array = np.arange(12, dtype=np.float32)
    return (
        proto.block(1, "net")
        + proto.layer("conv", "Convolution", [proto.blob(array.reshape(2, 2, 3)), proto.blob(array[:2], double=True)])
        + proto.old_layer("pool", 17)
        + proto.old_layer(
            "fc", 14, [proto.blob(array.reshape(3, 4), "old"), proto.blob(array[:3], "old", packed=False)]
        )
        + proto.oldest_layer("last", "conv", [proto.blob(array[:4], "old")])
    )


def graph_file():
    """An ONNX graph with every way of writing a constant, and of what may stand between layers."""
    from .test_onnx import NAMINGS, Graph

    graph = Graph({}, NAMINGS["numbers"])
    held = lambda array: graph.constant("x", "w", np.asarray(array))  # noqa: E731
    ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731
    x = graph.add("Gather", ["data", held([2, 1, 0])], axis=1)
    x = graph.add("Pad", [x, held([0, 0, 1, 1, 0, 0, 1, 1]), held(np.float32(0))], mode="constant")
    weight = graph.add("Cast", [held(ones(4, 3, 3, 3).astype(np.float16))], to=1)
    x = graph.add("Conv", [x, weight, graph.add("CastLike", [held(ones(4)), "data"])], auto_pad="VALID", strides=[1, 1])
    x = graph.add("BatchNormalization", [x, *[held(ones(4)) for _ in range(4)]], epsilon=1e-4)
    x = graph.add("MaxPool", [graph.add("Clip", [x, held(np.float32(0))])], kernel_shape=[2, 2])
    sides = graph.add("Shape", [held(ones(4, 2))], end=1)
    quarter = graph.add("Expand", [graph.add("Constant", [], value_float=0.25), sides])
    x = graph.add("Conv", [x, held(ones(4, 4, 1, 1)), quarter], dilations=[1, 1])
    x = graph.add("Slice", [x, *[held([each]) for each in (0, -1, 2, 1)]])
    x = graph.add("Flatten", [graph.add("Transpose", [x], perm=[0, 2, 3, 1])])
    x = graph.add("Gemm", [x, held(ones(6, 16)), graph.add("ConstantOfShape", [held([6])])], transB=1)
    x = graph.add("MatMul", [x, graph.add("Transpose", [held(ones(2, 6))])])
    graph.add("Add", [x, graph.add("Constant", [], value_floats=[1.0, 2.0])])
    return graph.content()


def onnx_file():
    weight, bias = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), np.ones(2, np.float32)
    nodes = [
        proto.node("Conv", ["x", "w", "b"], ["y"], strides=[1, 1], pads=[0, 0, 0, 0], group=1),
        proto.node("BatchNormalization", ["y", "b", "b", "b", "b"], ["z"], epsilon=1e-3),
        proto.node("Transpose", ["m"], ["n"], perm=[1, 0]), proto.node("Gemm", ["z", "n", "b"], ["q"], transB=1),
        proto.node("MatMul", ["q", "m"], ["r"]), proto.node("Add", ["r", "b"], ["s"]), proto.node("Identity", ["b"], ["bb"]),
        proto.node("Reshape", ["b", "shape"], ["bbb"]),
        proto.node("FusedConv", ["s", "w", "bbb"], ["t"], strides=[1, 1]) + proto.block(7, "com.microsoft"),
    ]  # fmt: skip
    tensors = [
        proto.tensor("w", weight),
        proto.tensor("b", bias, raw=False),
        proto.tensor("m", np.ones((2, 2), np.float32)),
    ]
    return proto.model(nodes, [*tensors, proto.tensor("shape", np.array([1, -1]))])


def npz_file(compressed=False):
    buffer = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(
        buffer,
        conv1_W=np.arange(12, dtype=np.float32).reshape(3, 4),
        conv1_b=np.asfortranarray(np.ones((2, 3), np.float16)),
        n=np.int64(3),
    )
    return buffer.getvalue()


def safetensors_file():
    """As others write it: a length, JSON, numbers; a checksum, as our own files have it, would stop nearly all damage at the door."""
    numbers = (
        np.arange(12, dtype=np.float32).tobytes() + np.ones(3, np.float16).tobytes() + np.ones(2, np.uint16).tobytes()
    )
    parts = {
        "features.0.weight": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
        "b": {"dtype": "F16", "shape": [3], "data_offsets": [48, 54]}, "c": {"dtype": "BF16", "shape": [2], "data_offsets": [54, 58]},
    }  # fmt: skip
    head = json.dumps(parts).encode()
    return len(head).to_bytes(8, "little") + head + numbers


def keras_file():
    """Keras's layout of today, numbered variables and the layer's name beside them; one array packed in chunks, one as the older files have it."""
    import h5py  # an extra

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "block1_conv1"
        group["0"], group["1"] = np.arange(24, dtype=np.float32).reshape(2, 2, 3, 2), np.ones(2, np.float16)
        file.create_dataset("fc1/fc1/kernel:0", data=np.arange(12.0).reshape(3, 4), chunks=(2, 2), compression="gzip")
    return buffer.getvalue()


FILES = {
    "zip": zip_file, "zip without checksums": zip_without_checksums, "old": old_file, "caffe": caffe_file, "onnx": onnx_file, "graph": graph_file, "npz": npz_file, "npz, packed": lambda: npz_file(True),
    "safetensors": safetensors_file, "keras": keras_file,
}  # fmt: skip
TELLING = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    10,
    16,
    31,
    32,
    40,
    46,
    63,
    64,
    80,
    82,
    98,
    99,
    117,
    127,
    128,
    129,
    133,
    137,
    149,
    200,
    254,
    255,
)


def mutated(content, rng):
    """`content` with one to four faults: bytes changed, numbers made large, pieces cut out, doubled, or moved."""
    found = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        if not found:
            break
        place, kind = int(rng.integers(len(found))), rng.integers(8)
        length = int(rng.integers(1, 1 + min(16, len(found) - place)))
        if kind == 0:
            found[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            found[place] = TELLING[rng.integers(len(TELLING))]
        elif kind == 2:
            found[place : place + length] = rng.bytes(length)
        elif kind == 3:
            del found[place : place + length]
        elif kind == 4:
            found[place:place] = found[place : place + length]
        elif kind == 5:
            found[place : place + length] = b"\xff" * length
        elif kind == 6:
            del found[place:]
        else:
            other = int(rng.integers(len(found)))
            found[place : place + length] = found[other : other + length]
    return bytes(found)


PATIENCE = 1.0  # seconds for an HDF5 file of 14 kB


def reading(connection):
    """In a process of its own: what child.py answers to each file that comes."""
    child.limit_memory(0)
    while True:
        connection.send_bytes(child.answer(connection.recv_bytes()))


class Worker:
    """child.py kept alive for many files, as starting it takes 0.3 s; ended and begun anew as apart.py would end it."""

    def __init__(self):
        self.ended, self.process = 0, None

    def begin(self):
        self.mine, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=reading, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.answer(b"", wait=60)

    def answer(self, content, wait=PATIENCE):
        self.mine.send_bytes(content)
        try:
            if self.mine.poll(wait):
                return memoryview(self.mine.recv_bytes())
        except (EOFError, ConnectionError):
            pass
        self.end()
        self.ended += 1
        raise DamagedError("an HDF5 file that is damaged")

    def end(self):
        if self.process:
            self.process.kill()
            self.process.join()
            self.process = None

    def __call__(self, content):
        if not self.process:
            self.begin()
        return self.answer(bytes(content))


def outcome(path):
    """ "read" or the sentence. Anything else is raised: a fault of the reader. What was read is looked at as an import would."""
    try:
        contents = read_file(path)
    except WeightsError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error), str(error)
        return "said"
    for entry in contents.entries.values():
        if entry.array.size < 1 << 20:
            with suppress(WeightsError):
                entry.float32()
    with suppress(WeightsError):
        recognised(contents)
    return "read"


def many(name, count, folder, start=0):
    """{outcome: how often, slowest: seconds} of `count` damaged files."""
    content, path = FILES[name](), folder / "damaged.bin"
    found = {"read": 0, "said": 0, "slowest": 0.0}
    if name == "keras":
        worker = Worker()
        with mock.patch.object(apart, "asked", worker):
            try:
                return read_many(name, count, content, path, found, start) | {"ended": worker.ended}
            finally:
                worker.end()
    return read_many(name, count, content, path, found, start)


def read_many(name, count, content, path, found, start):
    for seed in range(start, start + count):
        path.unlink(missing_ok=True)  # an earlier one may still be mapped
        path.write_bytes(mutated(content, np.random.default_rng([seed, len(name)])))
        began = time.perf_counter()
        try:
            found[outcome(path)] += 1
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}: {type(error).__name__}: {error}") from error
        found["slowest"] = max(found["slowest"], time.perf_counter() - began)
    return found


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[2:] or FILES:
            print(name, many(name, int(sys.argv[1]), Path(folder)), flush=True)
