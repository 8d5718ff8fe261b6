"""Keras's files, written here with h5py in its layouts, as Keras 3.15, 3.0 and TensorFlow 2.15 do, and Caffe's: axes in another order, and fc1 behind a map whose channels are fastest."""

import importlib.util
import sys
import zipfile

import needs
import numpy as np
import pytest

import minifcn as mf
from minifcn.pretrained import import_file
from minifcn.weights import WeightsError
from minifcn.weights.formats.files import HDF5, read_file
from minifcn.weights.formats.hdf5 import apart

from . import stand_ins

H5PY = importlib.util.find_spec("h5py") is not None
needs_h5py = pytest.mark.skipif(not H5PY, reason=needs.H5PY)


def keras_name(name):
    return {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}.get(
        name, name.replace("conv", "block").replace("_", "_conv")
    )


def in_keras_order(name, weight):
    """Ours (outputs, inputs, ...) as Keras has it. fc1's inputs are the rows, columns and channels of a 7x7 map."""
    if weight.ndim == 4:
        return weight.transpose(2, 3, 1, 0)
    if name == "fc6":
        return weight.reshape(len(weight), -1, 7, 7).transpose(2, 3, 1, 0).reshape(-1, len(weight))
    return weight.T


def write(path, arrays, form):
    import h5py

    with h5py.File(path, "w") as file:
        for number, (name, (weight, bias)) in enumerate(arrays.items()):
            layer, weight = keras_name(name), in_keras_order(name, weight)
            if form in ("weights", "counted"):
                kind, place = ("conv2d", number) if weight.ndim == 4 else ("dense", number - 13)
                group = file.create_group(f"layers/{kind}{f'_{place}' if place else ''}/vars")
                if form == "weights":
                    group.attrs["name"] = layer
                group["0"], group["1"] = weight, bias
            elif form == "h5":
                file[f"model_weights/{layer}/{layer}/kernel"], file[f"model_weights/{layer}/{layer}/bias"] = (
                    weight,
                    bias,
                )
            else:
                file[f"{layer}/{layer}_W_1:0"], file[f"{layer}/{layer}_b_1:0"] = weight, bias


@needs_h5py
@pytest.mark.parametrize("form", ["weights", "counted", "h5", "oldest", "keras"])
def test_vgg16(form, narrow, tmp_path):
    arrays = stand_ins.numbers(narrow(stand_ins.vgg16()))
    path = tmp_path / "v.weights.h5"
    write(path, arrays, "weights" if form == "keras" else form)
    if form == "keras":  # a zip of three members
        with zipfile.ZipFile(tmp_path / "v.keras", "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", "{}")
            archive.write(path, "model.weights.h5")
        path = tmp_path / "v.keras"
    done = import_file(path)
    assert done.title == "Keras's vgg16" and done.network.preprocessing == ("bgr", (103.939, 116.779, 123.68), 1.0)
    found = done.network.state_dict()
    assert len(found) == 2 * len(arrays) == 32
    for name, (weight, bias) in arrays.items():
        ours = "classifier" if name == "fc8" else f"backbone.{name}"
        np.testing.assert_array_equal(found[f"{ours}.weight"].reshape(weight.shape), weight, err_msg=name)
        np.testing.assert_array_equal(found[f"{ours}.bias"], bias)
    with mf.no_grad():
        assert done.network(np.ones((1, 3, 224, 224), np.float32)).shape == (1, len(arrays["fc8"][1]), 1, 1)


@needs_h5py
def test_caffe_s_own_hdf5_is_in_caffe_s_order(narrow, tmp_path):
    """net.save_hdf5, and Net::ToHDF5: data/LAYER/NUMBER, and the last gradients in diff/ if one wants them."""
    import h5py

    arrays = stand_ins.numbers(narrow(stand_ins.vgg16()))
    path = tmp_path / "v.caffemodel.h5"
    with h5py.File(path, "w") as file:
        for name, blobs in arrays.items():
            for number, blob in enumerate(blobs):
                file[f"data/{name}/{number}"] = blob
    done = import_file(path)
    assert (done.title, done.format) == ("Caffe's vgg16", "Caffe HDF5")
    for name, (weight, bias) in arrays.items():
        ours = "classifier" if name == "fc8" else f"backbone.{name}"
        found = done.network.state_dict()
        np.testing.assert_array_equal(found[f"{ours}.weight"].reshape(weight.shape), weight, err_msg=name)
        np.testing.assert_array_equal(found[f"{ours}.bias"], bias)
    with h5py.File(path, "a") as file:
        file["diff/conv1_1/0"] = arrays["conv1_1"][0]
    with pytest.raises(WeightsError, match=r"also holds diff/conv1_1/0, .* --ignore 'diff/conv1_1/0'"):
        import_file(path)
    assert import_file(path, ignore=["diff/*"]).left == {"diff/conv1_1/0": "as --ignore says"}


@needs_h5py
def test_the_state_of_an_optimiser_is_refused_by_its_path(narrow, tmp_path):
    """A model that was trained has it: optimizer/vars/0 is no layer's kernel."""
    import h5py

    write(tmp_path / "v.weights.h5", stand_ins.numbers(narrow(stand_ins.vgg16())), "weights")
    with h5py.File(tmp_path / "v.weights.h5", "a") as file:
        file["optimizer/vars/0"], file["optimizer/vars/1"] = 3, np.float32(0.1)
    with pytest.raises(WeightsError, match=r"also holds optimizer/vars/0, optimizer/vars/1, for which Keras's vgg16"):
        import_file(tmp_path / "v.weights.h5")
    assert len(import_file(tmp_path / "v.weights.h5", ignore=["optimizer/*"]).left) == 2


CHILDREN = {
    "does not end": ("import time; time.sleep(60)", r"damaged: after 1 s its library had not come to an end"),
    "dies": ("import os; os.abort()", r"damaged: its library broke down over it \(status -?\d+\)"),
}
OTHERS = {
    "says nothing": ("pass", r"status 0, and without an answer \(it said nothing\)"),
    "cannot begin": ("import nosuchmodule", r"status 1, .* \(ModuleNotFoundError: No module named 'nosuchmodule'\)"),
    "says something else": ("print('welcome')\nprint('{}')", r"status 0, and without an answer"),
}


@needs_h5py
@pytest.mark.parametrize("what", CHILDREN)
def test_a_library_that_hangs_or_dies_takes_nobody_with_it(what, tmp_path, monkeypatch):
    program, words = CHILDREN[what]
    (tmp_path / "child.py").write_text(program)
    monkeypatch.setattr(apart, "CHILD", tmp_path / "child.py")
    monkeypatch.setattr(apart, "PATIENCE", 1.0)
    (tmp_path / "m.h5").write_bytes(HDF5 + bytes(100))
    with pytest.raises(WeightsError, match=rf"m\.h5: an HDF5 file that is {words}"):
        read_file(tmp_path / "m.h5")


@needs_h5py
@pytest.mark.parametrize("what", OTHERS)
def test_a_python_that_does_not_work_is_not_called_a_damaged_file(what, tmp_path, monkeypatch):
    program, words = OTHERS[what]
    (tmp_path / "child.py").write_text(program)
    monkeypatch.setattr(apart, "CHILD", tmp_path / "child.py")
    (tmp_path / "m.h5").write_bytes(HDF5 + bytes(100))
    with pytest.raises(WeightsError, match=rf"another Python is started .*{words}") as caught:
        read_file(tmp_path / "m.h5")
    assert "damaged" not in str(caught.value)


@needs_h5py
@pytest.mark.parametrize("executable, frozen", [("app", True), ("", False), (None, False)])
def test_where_there_is_no_python_to_start_it_is_read_here(executable, frozen, tmp_path, monkeypatch):
    """In a frozen program sys.executable is that program: it is not to be started again."""
    import h5py

    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["x"] = np.arange(3.0)
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    monkeypatch.setattr(apart.subprocess, "run", lambda *_, **__: pytest.fail("a program was started"))
    np.testing.assert_array_equal(read_file(tmp_path / "m.h5").entries["x"].array, np.arange(3.0))


@needs_h5py
def test_what_lies_elsewhere_or_is_no_number(tmp_path):
    import h5py

    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (4,), "f4", external=[(str(tmp_path / "secret"), 0, 16)])
    with pytest.raises(WeightsError, match=r"m\.h5: /x lies in another file, which is not opened"):
        read_file(path)
    with h5py.File(path, "w") as file:
        file["x"] = "text"
    with pytest.raises(WeightsError, match=r"m\.h5: /x holds object, and only numbers are read"):
        read_file(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (1 << 20, 1 << 20), "f4", chunks=(1, 1024))
    with pytest.raises(WeightsError, match=r"/x has 1,099,511,627,776 numbers, more than any network's"):
        read_file(path)
    with h5py.File(path, "w") as file:  # 1 GB of nothing in 2 kB
        file.create_dataset("x", (1 << 28,), "f4", chunks=(1024,))
    with pytest.raises(WeightsError, match=r"/x has 268,435,456 numbers, it says, and 0 bytes of them are there"):
        read_file(path)
    with h5py.File(path, "w") as file:  # gzip does its best: this is whole
        file.create_dataset(
            "x", data=np.zeros((1 << 20,), "f4"), compression="gzip", compression_opts=9, chunks=(1 << 20,)
        )
    assert not read_file(path).entries["x"].array.any()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WeightsError, match=r"m\.h5: an HDF5 file that cannot be read"):
        read_file(path)


@pytest.mark.skipif(H5PY, reason="needs an installation without h5py")
def test_without_h5py_it_is_said_what_to_install(tmp_path):
    (tmp_path / "m.h5").write_bytes(HDF5 + bytes(100))
    with pytest.raises(
        WeightsError, match=r'an HDF5 file, as Keras writes it; to read it: pip install "minifcn\[keras\]"'
    ):
        read_file(tmp_path / "m.h5")
