"""torchvision's names hold the same numbers: its state dicts, written out here by hand from its layers."""

import numpy as np
import pytest

from minifcn.export import to_torchvision
from minifcn.models import FCN
from minifcn.weights import load_arrays

from .networks import network

# torchvision 0.28, squeezenet1_1: nn.Sequential of convolution, ReLU, pool, fires and pools
SQUEEZENET = {
    "features.0.weight": "backbone.conv1.weight",
    "features.3.squeeze.weight": "backbone.fire2.squeeze1x1.weight",
    "features.4.expand1x1.bias": "backbone.fire3.expand1x1.bias",
    "features.6.expand3x3.weight": "backbone.fire4.expand3x3.weight",
    "features.12.expand3x3.bias": "backbone.fire9.expand3x3.bias",
}


def test_squeezenet(tmp_path):
    model = network("squeezenet-fc")
    others = to_torchvision(model, tmp_path / "w.safetensors")
    arrays, header = load_arrays(tmp_path / "w.safetensors")
    state = model.state_dict()
    for theirs, ours in SQUEEZENET.items():
        np.testing.assert_array_equal(arrays[theirs], state[ours])
    assert len(arrays) == len(state) and set(others) <= set(arrays)
    assert {name.partition(".")[0] for name in set(arrays) - set(others)} == {"features"}
    assert "backbone.fc6.weight" in others and "score_fr.weight" in others
    assert header["preprocessing"]["channels"] == "bgr" and header["class_names"] == list(model.class_names)


@pytest.mark.slow
def test_matrices_are_matrices(tmp_path):
    """fc6 is a convolution here and a matrix there, channels slowest: (4096, 256, 6, 6) and (4096, 9216)."""
    model = FCN("alexnet-torchvision", 32, 2).eval()
    to_torchvision(model, tmp_path / "w.safetensors")
    arrays = load_arrays(tmp_path / "w.safetensors")[0]
    weight = model.backbone.fc6.weight.data
    assert weight.shape == (4096, 256, 6, 6)
    np.testing.assert_array_equal(arrays["classifier.1.weight"], weight.reshape(4096, 9216))
    assert arrays["classifier.4.weight"].shape == (4096, 4096)


def test_a_trunk_that_torchvision_has_not(tmp_path):
    with pytest.raises(ValueError, match="torchvision has no network of the layers of tiny; it has those of vgg16"):
        to_torchvision(FCN("tiny", 8, 2, width=2), tmp_path / "w.safetensors")
