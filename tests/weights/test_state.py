"""Arrays in files: what goes in comes out, a file is whole or not there, and what is no weights file says so."""

import json
import os
import struct

import numpy as np
import pytest

from minifcn.weights import WeightsError, WeightsNote, load_arrays, save_arrays

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
    head = json.loads(description["__metadata__"]["minifcn"])
    assert head["format"] == 1 and head.keys() == {"format", "sha256", "written_by"} and len(head["sha256"]) == 64
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
    assert order[:2] == [("fsync", size), ("replace", size)]
    assert [what for what, _ in order[2:]] in (
        [],
        ["fsync"],
    )  # of the folder, whose name for it must last too; not on Windows


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


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "an empty file; copy or download it again"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS and no model: fetch the file itself with git lfs pull"),
        (b"\n<!DOCTYPE html>", "a web page and no model: the download went wrong; open the address in a browser"),
        (b'{"arch": "fcn8s", "steps": 3}', "give a file that minifcn train wrote, or of other programs' weights minifcn weights import makes one"),
    ],
)  # fmt: skip
def test_what_is_there_in_place_of_a_model_is_named(tmp_path, content, sentence):
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_arrays(tmp_path / "m.safetensors")
    assert str(caught.value).startswith(f"{tmp_path}/m.safetensors: ") and str(caught.value).endswith(sentence)


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_a_model_that_was_cut_off_is_to_be_copied_again(tmp_path, part):
    content = whole(tmp_path)
    (tmp_path / "m.safetensors").write_bytes(content[: max(9, int(part * len(content)))])
    with pytest.raises(WeightsError, match=r"cut off or damaged; copy or download it again, or train again$"):
        load_arrays(tmp_path / "m.safetensors")


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


@pytest.mark.parametrize("kind", ["F8_E4M3", "F8_E5M2"])
def test_a_number_type_that_numpy_lacks_is_named(kind, tmp_path):
    written_by_hand(tmp_path / "f", {"w": {"dtype": kind, "shape": [2], "data_offsets": [0, 2]}}, b"\0" * 2)
    with pytest.raises(
        WeightsError, match=rf"f: w holds {kind} numbers, which NumPy does not have; save it as F16, BF16 or F32"
    ):
        load_arrays(tmp_path / "f")


def test_bf16_is_widened(tmp_path):
    """The bits by the definition: sign, 8 of exponent, 7 of fraction; not those of a conversion here."""
    numbers = {
        0x3F80: 1.0,
        0xC048: -3.125,
        0x0000: 0.0,
        0x7F7F: (2 - 2**-7) * 2.0**127,
        0x0001: 2.0**-133,
        0x4049: 3.140625,
    }
    entry = {"w": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}
    written_by_hand(tmp_path / "f", entry, struct.pack("<6H", *numbers))
    (array,) = load_arrays(tmp_path / "f")[0].values()
    assert array.dtype == np.float32 and array.shape == (2, 3)
    assert [float(value) for value in array.ravel()] == list(numbers.values())


@pytest.mark.parametrize("part", ["numbers", "header"])
def test_no_flipped_bit_is_loaded_in_silence(part, tmp_path):
    content = whole(tmp_path)
    (length,) = struct.unpack("<Q", content[:8])
    places = range(8 + length, len(content)) if part == "numbers" else range(8 + length)
    path, unseen = tmp_path / "flipped", []
    for place, bit in zip(places, np.random.default_rng(0).integers(0, 8, len(places)).tolist(), strict=True):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            arrays, header = load_arrays(path)
        except WeightsError as error:
            assert "flipped: " in str(error)
        else:  # JSON's escapes may be written large or small
            same = header == HEADER and all(arrays[name].tobytes() == ARRAYS[name].tobytes() for name in ARRAYS)
            if not same or part == "numbers":
                unseen.append((place, bit))
    assert unseen == []


def test_two_arrays_exchanged_are_damage(tmp_path):
    """All bytes are there, each under the other's name."""
    save_arrays(tmp_path / "w", {"a": np.zeros(3), "b": np.ones(3)}, {"format": 1})
    content = (tmp_path / "w").read_bytes()
    (tmp_path / "w").write_bytes(
        content.replace(b'"a":{', b'"x":{').replace(b'"b":{', b'"a":{').replace(b'"x":{', b'"b":{')
    )
    with pytest.raises(
        WeightsError, match=r"w: damaged: what it holds is not what was written \(its SHA-256 differs\); copy or"
    ):
        load_arrays(tmp_path / "w")


def test_a_file_from_before_digests_is_loaded_with_a_note(tmp_path):
    entry = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    written_by_hand(tmp_path / "old", entry, struct.pack("<f", 2.5), minifcn='{"format": 1}')
    with pytest.warns(
        WeightsNote, match="old: from a minifcn that wrote no digest: it is read, but damage would not be seen"
    ):
        arrays, header = load_arrays(tmp_path / "old")
    assert header == {"format": 1} and arrays["w"].tolist() == [2.5]


def test_ours_made_bf16_by_another_program_is_read_with_a_note(tmp_path):
    save_arrays(tmp_path / "w", {"w": np.array([1.0, -2.0], np.float32)}, {"format": 1})
    content = (tmp_path / "w").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + length])
    written_by_hand(
        tmp_path / "f", {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, struct.pack("<2H", 0x3F80, 0xC000),
        **head["__metadata__"],
    )  # fmt: skip
    with pytest.warns(WeightsNote, match="f: made by another program"):
        arrays, header = load_arrays(tmp_path / "f")
    assert header == {"format": 1} and arrays["w"].tolist() == [1, -2]
