"""PyTorch's files read without PyTorch: every tensor equal to what PyTorch says of it."""

import struct
import zipfile

import needs
import numpy as np
import pytest
from twins import torch

from minifcn.weights import WeightsError
from minifcn.weights.formats.files import read_file
from minifcn.weights.formats.mapped import mapped

pytestmark = pytest.mark.skipif(torch is None, reason=needs.PYTORCH)
FORMATS = {"zip": True, "old": False}


def states():
    """Tensors of every kind that a state may hold, many of them views of each other's storages."""
    base = torch.arange(120.0).reshape(2, 3, 4, 5) / 7
    complex_ = torch.tensor([1 + 2j, 3 - 4j])
    layer = torch.nn.Linear(3, 4)
    layer.weight.note = "an attribute"
    plain = torch.ones(3)
    plain.note = 3
    return {
        "base": base, "slice": base[:, 1:, ::2], "transposed": base.transpose(0, 3), "channels last": base.to(memory_format=torch.channels_last),
        "expanded": torch.tensor([[2.5]]).expand(4, 3), "offset": base.flatten()[7:90:3], "number": torch.tensor(3.25), "empty": torch.zeros(0, 3),
        "double": base.double(), "half": base.half(), "bfloat16": base.bfloat16(), "int64": torch.arange(5), "int32": torch.arange(5).int(),
        "int16": torch.arange(5).short(), "int8": torch.arange(-5, 5).char(), "uint8": torch.arange(5).byte(), "bool": base > 5,
        "uint16": torch.arange(5).to(torch.uint16), "uint32": torch.arange(5).to(torch.uint32), "uint64": torch.arange(5).to(torch.uint64),
        "complex": complex_, "conjugate": complex_.conj(), "minus": complex_.clone().conj().imag, "parameter": layer.weight, "buffer": torch.nn.Buffer(plain),
        "tied": layer.weight, "with an attribute": plain, "transposed half": base.half().permute(3, 1, 0, 2), "slice of uint16": torch.arange(40).to(torch.uint16)[3:9:2],
    }  # fmt: skip


def numpy_of(tensor):
    tensor = tensor.detach().resolve_conj().resolve_neg()
    return tensor.float().numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


def values_of(entry):
    return entry.float32() if entry.kind == "bfloat16" else np.array(entry.array)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("form", FORMATS)
def test_every_tensor_is_equal(form, protocol, tmp_path):
    state, path = states(), tmp_path / "s.pth"
    torch.save(state, path, _use_new_zipfile_serialization=FORMATS[form], pickle_protocol=protocol)
    found = read_file(path).entries
    assert list(found) == list(state)
    for name, tensor in state.items():
        entry, expected = found[name], numpy_of(tensor)
        assert entry.kind == str(tensor.dtype).removeprefix("torch."), name
        values = values_of(entry)
        assert values.shape == expected.shape and values.dtype == expected.dtype, name
        np.testing.assert_array_equal(values, expected, err_msg=name)


@pytest.mark.parametrize("form", FORMATS)
def test_nested_states_and_what_is_no_tensor(form, tmp_path):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimiser = {
        "state": {0: {"momentum_buffer": torch.ones(2)}},
        "param_groups": [{"lr": 0.1, "params": [0, 1], "nesterov": False}],
    }
    saved = {
        "epoch": 3,
        "arch": "net",
        "state_dict": network.state_dict(),
        "optimizer": optimiser,
        "list": [torch.ones(2), (torch.zeros(1),)],
    }
    torch.save(saved, tmp_path / "c.pth", _use_new_zipfile_serialization=FORMATS[form])
    found = read_file(tmp_path / "c.pth").entries
    assert {
        "state_dict.0.weight",
        "state_dict.1.running_var",
        "optimizer.state.0.momentum_buffer",
        "list.0",
        "list.1.0",
    } <= set(found)
    np.testing.assert_array_equal(found["state_dict.0.weight"].array, network[0].weight.detach().numpy())


def test_a_slice_does_not_bring_its_storage_along(tmp_path):
    """A picture of 4 MB of which 12 bytes are kept: the file has all of it, and nothing of it is copied."""
    torch.save({"x": torch.arange(1e6)[10:13]}, tmp_path / "s.pth")
    entry = read_file(tmp_path / "s.pth").entries["x"]
    assert entry.array.tolist() == [10, 11, 12] and not entry.array.flags.owndata and not entry.array.flags.writeable


@pytest.mark.parametrize("form", FORMATS)
def test_shared_storages_are_views_of_the_same_bytes(form, tmp_path):
    x = torch.arange(12.0)
    torch.save({"a": x, "b": x[3:9].reshape(2, 3)}, tmp_path / "s.pth", _use_new_zipfile_serialization=FORMATS[form])
    found = read_file(tmp_path / "s.pth").entries
    assert np.shares_memory(found["a"].array, found["b"].array)


def test_any_name_of_the_folder_in_the_zip(tmp_path):
    torch.save({"x": torch.ones(2)}, tmp_path / "a.b.pth.tar")
    with open(tmp_path / "open.bin", "wb") as file:
        torch.save({"x": torch.ones(2)}, file)
    assert zipfile.ZipFile(tmp_path / "open.bin").namelist()[0] == "archive/data.pkl"
    for name in ("a.b.pth.tar", "open.bin"):
        assert read_file(tmp_path / name).entries["x"].array.tolist() == [1, 1]


def test_a_file_without_checksums(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"x": torch.arange(3.0)}, tmp_path / "s.pth")
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_file(tmp_path / "s.pth").entries["x"].array.tolist() == [0, 1, 2]


def test_one_flipped_bit_in_the_zip_is_seen(tmp_path):
    path = tmp_path / "s.pth"
    torch.save({"x": torch.arange(1000.0)}, path)
    content = bytearray(path.read_bytes())
    place = content.index(np.arange(1000, dtype=np.float32)[500:510].tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"s\.pth: s/data/0 in it is damaged: its checksum is another one"):
        read_file(path)


def test_a_repacked_zip_is_read(tmp_path):
    """Somebody unpacked the file and packed it again, smaller."""
    torch.save({"x": torch.arange(100.0)}, tmp_path / "s.pth")
    with (
        zipfile.ZipFile(tmp_path / "s.pth") as old,
        zipfile.ZipFile(tmp_path / "t.pth", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert read_file(tmp_path / "t.pth").entries["x"].array.tolist() == list(range(100))


def test_big_endian_files(tmp_path):
    """As a mainframe writes them: by hand, from a file of this machine."""
    torch.save({"x": torch.tensor([1.5, -2.0])}, tmp_path / "s.pth")
    with zipfile.ZipFile(tmp_path / "s.pth") as old, zipfile.ZipFile(tmp_path / "t.pth", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, {"s/byteorder": b"big", "s/data/0": struct.pack(">2f", 1.5, -2.0)}.get(name, data))
    assert read_file(tmp_path / "t.pth").entries["x"].array.tolist() == [1.5, -2.0]
    torch.save({"x": torch.tensor([1.5, -2.0])}, tmp_path / "o.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "o.pth").read_bytes()
    head = content[:-16].replace(b"little_endianq\x02\x88", b"little_endianq\x02\x89")
    (tmp_path / "o.pth").write_bytes(head + struct.pack(">q2f", 2, 1.5, -2.0))
    assert read_file(tmp_path / "o.pth").entries["x"].array.tolist() == [1.5, -2.0]


def test_views_by_storage_key_of_very_old_files(tmp_path):
    """Before 0.4 a storage could be a part of another one: (key, offset, size) stands last in its name. By hand: no PyTorch writes it now."""
    torch.save({"x": torch.arange(10.0)}, tmp_path / "o.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "o.pth").read_bytes()
    view = b"X\x03\x00\x00\x00keyK\x02K\x05\x87"  # 5 numbers from the third on
    head, tail = content.split(b"cpuq\x06K\nN", 1)
    tail = tail.replace(b"QK\x00K\n\x85", b"QK\x01K\x03\x85", 1)  # of these, 3 from the second on
    (tmp_path / "o.pth").write_bytes(head + b"cpuq\x06K\n" + view + tail)
    assert read_file(tmp_path / "o.pth").entries["x"].array.tolist() == [3, 4, 5]


@pytest.mark.parametrize("form", FORMATS)
def test_files_that_are_cut_off_anywhere(form, tmp_path):
    path, cut = tmp_path / "s.pth", tmp_path / "cut.pth"
    torch.save({"x": torch.arange(50.0), "y": torch.ones(3).half()}, path, _use_new_zipfile_serialization=FORMATS[form])
    content = path.read_bytes()
    for end in [*range(1, len(content), 37), len(content) - 1]:
        cut.write_bytes(content[:end])
        with pytest.raises(WeightsError, match=r"cut\.pth: ") as error:
            read_file(cut)
        assert "\n" not in str(error.value)


WRONG = {
    "beyond the storage": ((b"K\x05\x85", b"K\x06\x85"), r"a tensor \(6,\) that needs 6 numbers of a storage of 5"),
    "an offset beyond": ((b"QK\x00K", b"QK\x01K"), "needs 6 numbers of a storage of 5"),
    "an unknown storage": ((b"X\x01\x00\x00\x000q", b"X\x01\x00\x00\x007q"), "storage '7' is not in the file"),
    "strides that reach far": ((b"K\x01\x85", b"K\x02\x85"), "needs 9 numbers of a storage of 5"),
    "a shape of text": ((b"K\x05\x85q", b"N\x85q"), "no whole numbers from 0 on"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_tensor_that_its_storage_does_not_hold(fault, tmp_path):
    torch.save({"x": torch.arange(5.0)}, tmp_path / "s.pth")
    (old, new), words = WRONG[fault]
    with zipfile.ZipFile(tmp_path / "s.pth") as source, zipfile.ZipFile(tmp_path / "t.pth", "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data.pkl"):
                assert old in data
                data = data.replace(old, new)
            target.writestr(name, data)
    with pytest.raises(WeightsError, match=words):
        read_file(tmp_path / "t.pth")


def test_what_is_no_tensor_of_numbers(tmp_path):
    for value, name in (
        (torch.eye(2).to_sparse(), "_rebuild_sparse_tensor"),
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
    ):
        torch.save({"x": value}, tmp_path / "s.pth")
        with pytest.raises(
            WeightsError,
            match=rf"names '.*{name}', and only tensors and containers are read; nothing was run; it holds more than weights: save",
        ):
            read_file(tmp_path / "s.pth")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("value", [np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True), np.str_("best")])
def test_a_checkpoint_with_a_number_of_numpy_s(value, zipped, tmp_path):
    """PyTorch ports of FCN keep their best mean IU beside the state, as NumPy worked it out."""
    state = {"conv1.weight": torch.arange(6.0).reshape(2, 3)}
    saved = {"epoch": 3, "best_mean_iu": value, "model_state_dict": state, "history": [value, {"iu": value}]}
    torch.save(saved, tmp_path / "s.pth", _use_new_zipfile_serialization=zipped)
    found = read_file(tmp_path / "s.pth").entries
    assert list(found) == ["model_state_dict.conv1.weight"]
    assert found["model_state_dict.conv1.weight"].array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_array_of_numpy_s_is_not_left_out_in_silence(tmp_path):
    torch.save({"conv1.weight": np.ones((2, 3))}, tmp_path / "s.pth")
    with pytest.raises(WeightsError, match=r"names 'numpy\._?core\.multiarray\._reconstruct', and only tensors"):
        read_file(tmp_path / "s.pth")


def test_quantised_weights_are_called_so(tmp_path):
    """Newer PyTorch warns of making such tensors: what a state of AlexNet with quantised layers has is a name, put in here."""
    torch.save({"x": torch.float32}, tmp_path / "whole.pth")
    with zipfile.ZipFile(tmp_path / "whole.pth") as source, zipfile.ZipFile(tmp_path / "s.pth", "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"ctorch\nfloat32\n", b"ctorch\nqint8\n"))
    with pytest.raises(
        WeightsError,
        match=r"it holds quantised weights, which are not read: save the state alone, before it is quantised: in PyTorch",
    ):
        read_file(tmp_path / "s.pth")


def test_an_exported_program_is_refused_by_name(tmp_path):
    """The members of torch.export.save's .pt2, as PyTorch 2.13 writes them."""
    with zipfile.ZipFile(tmp_path / "s.pt2", "w") as archive:
        for name in ("data/weights/weight_0", "models/model.json", "archive_format", "archive_version"):
            archive.writestr(f"s/{name}", b"pt2")
    with pytest.raises(WeightsError, match=r"s\.pt2: a program of torch\.export; save the weights alone: in PyTorch"):
        read_file(tmp_path / "s.pt2")


def test_a_script_is_refused_by_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "s.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"s/{name}", b"\x80\x02}.")
    with pytest.raises(WeightsError, match=r"a TorchScript program; save the weights alone"):
        read_file(tmp_path / "s.pt")


def test_float8_is_listed_and_refused_by_name(tmp_path):
    torch.save({"x": torch.ones(2).to(torch.float8_e4m3fn)}, tmp_path / "s.pth")
    entry = read_file(tmp_path / "s.pth").entries["x"]
    assert entry.kind == "float8_e4m3fn"
    with pytest.raises(
        WeightsError, match=r"holds float8_e4m3fn numbers; expected one of float16, bfloat16, float32, float64"
    ):
        entry.float32()


def test_a_mapped_file_is_not_read_at_once(tmp_path):
    path = tmp_path / "large.bin"
    with open(path, "wb") as file:
        file.truncate(1 << 34)  # 16 GiB that are not there
    assert len(mapped(path)) == 1 << 34
