"""Keras's files, written here with h5py in its three layouts: axes in another order, and fc1 behind a map whose channels are fastest."""

import importlib.util

import needs
import numpy as np
import pytest

import minifcn as mf
from minifcn.pretrained import import_file
from minifcn.weights import WeightsError
from minifcn.weights.formats.files import HDF5, read_file

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
            if form == "weights":
                group = file.create_group(f"layers/layer_{number}/vars")
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
@pytest.mark.parametrize("form", ["weights", "h5", "oldest"])
def test_vgg16(form, narrow, tmp_path):
    arrays = stand_ins.numbers(narrow(stand_ins.vgg16()))
    write(tmp_path / "v.weights.h5", arrays, form)
    done = import_file(tmp_path / "v.weights.h5")
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
