"""Arrays in files: what goes in comes out, a file is whole or not there, and what is no weights file says so."""

import json
import os
import struct

import numpy as np
import pytest

from minifcn.weights import WeightsError, load_arrays, save_arrays

RNG = np.random.default_rng(0)
ARRAYS = {
    "a.weight": RNG.standard_normal((4, 3, 2, 2)).astype(np.float32),
    "b": RNG.standard_normal(5),
    "count": np.array(7),
    "scalar": np.array(2.5, np.float32),
    "empty": np.zeros((0, 3), np.float32),
    "bytes": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "flags": np.array([True, False]),
}
HEADER = {"format": 1, "names": ["cat", "Häuser, 家"], "nested": {"x": [1, 2.5, None, True]}}


def test_round_trip(tmp_path):
    save_arrays(tmp_path / "w.safetensors", ARRAYS, HEADER)
    arrays, header = load_arrays(tmp_path / "w.safetensors")
    assert header == HEADER and set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype and arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_paths_may_be_text_and_the_header_may_be_left_out(tmp_path):
    path = str(tmp_path / "weights of Zoë.bin")
    save_arrays(path, {"x": np.ones(2)})
    arrays, header = load_arrays(path)
    assert header == {} and list(arrays) == ["x"]


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.transpose(0, 2, 3, 1),
        lambda a: a[::-1],
        lambda a: a[:, ::2],
        lambda a: a.T,
        np.asfortranarray,
        lambda a: np.broadcast_to(a[:1], (3, *a.shape[1:])),
        lambda a: a.astype(">f4"),
    ],
)
def test_any_memory_order_is_saved_by_value(tmp_path, change):
    array = change(ARRAYS["a.weight"])
    expected = [float(array[place]) for place in np.ndindex(array.shape)]
    save_arrays(tmp_path / "w", {"x": array})
    found = load_arrays(tmp_path / "w")[0]["x"]
    assert found.shape == array.shape
    np.testing.assert_array_equal(found.ravel(), np.array(expected, np.float32))


def test_loaded_arrays_can_be_written_to_and_the_file_stays(tmp_path):
    save_arrays(tmp_path / "w", ARRAYS)
    loaded = load_arrays(tmp_path / "w")[0]["a.weight"]
    loaded += 1
    np.testing.assert_array_equal(load_arrays(tmp_path / "w")[0]["a.weight"], ARRAYS["a.weight"])


def test_the_file_is_a_safetensors_file_like_any_other(tmp_path):
    """Read by hand: 8 bytes of length, JSON, numbers."""
    save_arrays(tmp_path / "w", {"x": np.array([1.5, -2], np.float32)}, {"format": 1})
    content = (tmp_path / "w").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    description = json.loads(content[8 : 8 + length])
    assert description["x"]["dtype"] == "F32" and description["x"]["shape"] == [2]
    assert json.loads(description["__metadata__"]["minifcn"]) == {"format": 1}
    assert content[8 + length :] == struct.pack("<2f", 1.5, -2)


def broken(*_, **__):
    raise OSError("disk full")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "w.safetensors"
    save_arrays(path, {"x": np.zeros(1000)})
    before = path.read_bytes()
    monkeypatch.setattr(os, step, broken)
    with pytest.raises(OSError, match="disk full"):
        save_arrays(path, {"x": np.ones(1000)})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.glob("*.safetensors")] == ["w.safetensors"]
    save_arrays(path, {"x": np.full(1000, 2.0)})  # and nothing is in the way of the next one
    assert (load_arrays(path)[0]["x"] == 2).all()
    assert [found.name for found in tmp_path.iterdir()] == ["w.safetensors"]


def test_bytes_are_safe_before_the_name_changes(tmp_path, monkeypatch):
    order, real = [], (os.fsync, os.replace)
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append(("fsync", os.fstat(fd).st_size)), real[0](fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(("replace", os.stat(a).st_size)), real[1](a, b)))
    save_arrays(tmp_path / "w", ARRAYS)
    size = (tmp_path / "w").stat().st_size
    assert order == [("fsync", size), ("replace", size)]


def test_a_header_that_is_no_json_leaves_the_old_file(tmp_path):
    save_arrays(tmp_path / "w", {"x": np.zeros(2)})
    with pytest.raises(TypeError):
        save_arrays(tmp_path / "w", {"x": np.ones(2)}, {"bad": object()})
    assert (load_arrays(tmp_path / "w")[0]["x"] == 0).all()


def test_a_missing_file(tmp_path):
    with pytest.raises(WeightsError, match=r"nothing\.safetensors: no such file"):
        load_arrays(tmp_path / "nothing.safetensors")
    assert issubclass(WeightsError, ValueError)


def whole(tmp_path):
    save_arrays(tmp_path / "whole", ARRAYS, HEADER)
    return (tmp_path / "whole").read_bytes()


DAMAGE = {
    "empty": lambda content: b"",
    "text": lambda content: b"This is not a model at all, sorry.",
    "cut in the header": lambda content: content[:40],
    "cut in the numbers": lambda content: content[:-3],
    "too long": lambda content: content + b"\0",
    "header of another size": lambda content: struct.pack("<Q", 1 << 60) + content[8:],
    "header that is no JSON": lambda content: content[:8] + b"x" * 40 + content[48:],
    "pickle": lambda content: b"\x80\x04\x95" + content,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named(tmp_path, damage):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(DAMAGE[damage](whole(tmp_path)))
    with pytest.raises(WeightsError, match=r"damaged\.safetensors: not a readable safetensors file \("):
        load_arrays(path)


def written_by_hand(path, tensors, content, **metadata):
    head = json.dumps(tensors | ({"__metadata__": metadata} if metadata else {})).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + content)


def test_a_foreign_file_has_an_empty_header(tmp_path):
    entry = {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    for metadata in ({}, {"format": "pt"}):
        written_by_hand(tmp_path / "f", entry, struct.pack("<2f", 3, 4), **metadata)
        arrays, header = load_arrays(tmp_path / "f")
        assert header == {}
        np.testing.assert_array_equal(arrays["w"], [3, 4])


def test_a_header_of_ours_that_is_no_json_is_damage(tmp_path):
    written_by_hand(
        tmp_path / "f", {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4, minifcn="{"
    )
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_arrays(tmp_path / "f")


def test_a_number_type_that_numpy_lacks_is_named(tmp_path):
    written_by_hand(tmp_path / "f", {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, b"\0" * 4)
    with pytest.raises(WeightsError, match=r"(?i)bfloat16|bf16"):
        load_arrays(tmp_path / "f")
