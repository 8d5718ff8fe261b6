"""Pickles that are read without being run: values as Python's own pickle has them, and nothing that is not a tensor or container."""

import collections
import os
import pickle
import pickletools
import random
import struct
import zipfile

import numpy as np
import pytest

from minifcn.weights import WeightsError
from minifcn.weights.formats.contents import DamagedError
from minifcn.weights.formats.files import read_file
from minifcn.weights.formats.pickles import Machine
from minifcn.weights.formats.tensors import meaning


def read(content):
    return Machine(memoryview(content), 0, meaning, lambda name: name).run()


def drawn(rng, depth=0):
    """A value that a checkpoint may hold."""
    kinds = ["int", "float", "text", "bytes", "none", "bool", "long"] + ["list", "tuple", "dict", "set"] * (depth < 4)
    kind = rng.choice(kinds)
    if kind in ("list", "tuple", "dict", "set"):
        count = rng.choice([0, 1, 2, 3, 5])
        if kind == "dict":
            return {rng.choice(["a", "b.c", 3, None, b"x", 1.5]): drawn(rng, depth + 1) for _ in range(count)}
        if kind == "set":
            return {rng.randrange(100) for _ in range(count)[:1]}
        return (list if kind == "list" else tuple)([drawn(rng, depth + 1) for _ in range(count)])
    return {
        "int": rng.choice([0, 1, 255, 256, 65535, 65536, -1, 2**31 - 1, -(2**31)]), "long": rng.choice([2**31, -(2**63), 10**60, 2**2000]),
        "float": rng.choice([0.0, -1.5, 1e300, float("inf")]), "text": rng.choice(["", "weight", "Küste 家", "x" * 300, "a\nb\\c'\""]),
        "bytes": rng.choice([b"", b"\0\xff", b"y" * 300]), "none": None, "bool": rng.choice([True, False]),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
def test_containers_are_as_python_reads_them(protocol):
    rng = random.Random(protocol)
    for _ in range(150):
        value = drawn(rng)
        shared = [value, value, {"again": value}]
        content = pickle.dumps(shared, protocol)
        assert plain(read(content)) == plain(pickle.loads(content))


def plain(value):
    """Sets of older pickles come as lists: those drawn here have one member at most."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else value


def test_an_ordered_dict_with_what_state_dicts_keep_beside():
    state = collections.OrderedDict(a=1, b=[2])
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    for protocol in range(6):
        assert read(pickle.dumps(state, protocol)) == {"a": 1, "b": [2]}


def test_a_list_that_holds_itself_is_read():
    loop = []
    loop.append(loop)
    found = read(pickle.dumps(loop))
    assert found[0] is found


class Run:
    """Pickled, this is a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Stateful:
    def __init__(self):
        self.x = 1


def build():
    """A class of ours is made with NEWOBJ, and BUILD gives it what it holds."""
    return Stateful()


def long_text(name):
    return b"X" + struct.pack("<I", len(name)) + name


def malicious(flag):
    """{what: a pickle that makes the folder `flag` if it is run}. By hand where pickle.dumps does not write it."""
    path = os.fsencode(flag)
    text = long_text(path)
    return {
        "reduce": pickle.dumps(Run(os.mkdir, str(flag)), 2),
        "reduce, protocol 0": pickle.dumps(Run(os.mkdir, str(flag)), 0),
        "reduce, protocol 4": pickle.dumps(Run(os.mkdir, str(flag)), 4),
        "nested": pickle.dumps({"state_dict": [({"x": Run(os.mkdir, str(flag))},)]}, 2),
        "as a key": pickle.dumps({(1, Run(os.mkdir, str(flag))): 2}, 2),
        "eval": pickle.dumps(Run(eval, f"__import__('os').mkdir({str(flag)!r})"), 2),
        "getattr": b"\x80\x02c__builtin__\ngetattr\ncos\n_wrap_close\nX\x05\0\0\0mkdir\x86R" + text + b"\x85R.",
        "global alone": b"\x80\x02cos\nmkdir\n.",
        "stack global": b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93" + text + b"\x85R.",
        "inst": b"(S'" + path + b"'\nios\nmkdir\n.",
        "obj": b"(cos\nmkdir\n" + text + b"o.",
        "newobj": b"\x80\x02cos\nmkdir\n" + text + b"\x85\x81.",
        "newobj with keywords": b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93" + text + b"\x85}\x92.",
        "build": pickle.dumps(build(), 2),
        "build on a list": b"\x80\x02]}X\x01\0\0\0aK\x01sb.",
        "extension": b"\x80\x02\x82\x01.",
        "a dotted name": b"\x80\x04\x8c\x05torch\x8c\x0fserialization.os\x93.",
        "a name of torch that runs": b"\x80\x02ctorch.hub\nload\n" + text + b"\x85R.",
        "a tensor's method": b"\x80\x02ctorch\nTensor\n" + text + b"\x85R.",
        "a storage kind called": b"\x80\x02ctorch\nFloatStorage\n" + text + b"\x85R.",
        "a text called": b"\x80\x02X\x05\0\0\0mkdir" + text + b"\x85R.",
        "a rebuild by another function": b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cos\nmkdir\nctorch\nTensor\n" + text + b"\x85}tR.",
        "codecs": b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0rot\x86R.",
        "out of band": b"\x80\x05\x97.",
    }  # fmt: skip


KINDS = list(malicious("x"))


def in_zip(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", content)
        archive.writestr("m/version", "3\n")


def in_old(path, content):
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}]
    path.write_bytes(b"".join(pickle.dumps(each, 2) for each in head) + content + pickle.dumps([], 2))


@pytest.mark.parametrize("form", ["raw", "zip", "old", "old, instead of its keys", "old, instead of the system"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_run(kind, form, tmp_path):
    flag, path = tmp_path / "was_run", tmp_path / "evil.pth"
    content = malicious(flag)[kind]
    if form == "raw":
        path.write_bytes(content)
    elif form == "zip":
        in_zip(path, content)
    elif form == "old":
        in_old(path, content)
    else:
        head = [0x1950A86A20F9469CFC6C, 1001] + ([{"little_endian": True}, {}] if "keys" in form else [])
        path.write_bytes(b"".join(pickle.dumps(each, 2) for each in head) + content + pickle.dumps([], 2))
    with pytest.raises(WeightsError) as error:
        read_file(path)
    assert not flag.exists()
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_the_malicious_ones_are_malicious(tmp_path):
    """Run by Python's pickle, the first ones do what they are refused for. A test of the test, in a folder of its own."""
    for place, kind in enumerate(("reduce", "reduce, protocol 0", "nested", "eval", "stack global", "inst")):
        flag = tmp_path / str(place)
        pickle.loads(malicious(flag)[kind])
        assert flag.is_dir(), kind


def test_the_words_name_what_was_called(tmp_path):
    path = tmp_path / "evil.pth"
    in_zip(path, malicious(tmp_path / "x")["reduce"])
    with pytest.raises(
        WeightsError,
        match=r"evil\.pth: its pickle names '(posix|nt)\.mkdir', and only tensors and containers are read; nothing was run; it holds more than weights: save the state alone",
    ):
        read_file(path)
    in_zip(path, malicious(tmp_path / "x")["build"])
    with pytest.raises(
        WeightsError,
        match=r"Stateful', .* nothing was run; it holds more than weights: save the state alone: in PyTorch, torch\.save\(model\.state_dict",
    ):
        read_file(path)
    path.write_bytes(pickle.dumps({"a": np.ones(2)}))
    with pytest.raises(
        WeightsError, match=r"a bare pickle, which can hold anything and is not read; save tensors with torch\.save"
    ):
        read_file(path)


def nested(levels):
    """Lists that hold the one before twice, so many times over: a kB that is 2^levels values to whoever walks it."""
    content = b"\x80\x02]q\x00"
    for place in range(levels):
        content += b"]q" + bytes([place + 1]) + b"(h" + bytes([place]) + b"h" + bytes([place]) + b"e"
    return content + b"."


@pytest.mark.parametrize("content, words", [
    (nested(60), "nested without an end"),
    (pickle.dumps([0] * 3)[:-1], "cut off"),
    (b"\x80\x02(((((.", "do not fit together"),
    (b"\x80\x02" + b"]" + b"]a" * 300 + b".", "PASS"),
    (b"\x80\x05\x8e" + b"\xff" * 8 + b"x.", "cut off"),
    (b"\x80\x02r\xff\xff\xff\xff.", "do not fit together"),
    (b"\x80\x02K\x01r\xff\xff\xff\xff.", "PASS"),
    (b"\x80\x02}(K\x01u.", "a key that has no value"),
    (b"\x80\x02}]K\x01s.", "a key of kind list"),
    (b"\x80\x02" + b")" + b"\x85" * 90 + b".", "PASS"),
    (b"\x80\x02I" + b"9" * 10000 + b"\n.", "cut off or damaged"),
    (b"\x80\x02c" + b"a" * 100_000, "cut off or damaged"),
    (b"\x80\x02}\x85\x8f\x90.", "do not fit together"),
    (b"\xfe", "unknown instruction 0xfe"),
    (b"", "cut off"),
])  # fmt: skip
def test_what_no_pickler_writes(content, words, tmp_path):
    path = tmp_path / "m.pth"
    in_zip(path, content)
    if words == "PASS":
        assert read_file(path).entries == {}
        return
    with pytest.raises(WeightsError, match=words):
        read_file(path)


def test_every_instruction_of_python_s_is_known_or_refused():
    from minifcn.weights.formats.pickles import STEPS

    mine = {*STEPS, ord(".")}
    assert {ord(code.code) for code in pickletools.opcodes} == mine


def test_one_that_does_not_fit_its_call():
    with pytest.raises(DamagedError, match="gives tensor what it does not take"):
        read(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.")
