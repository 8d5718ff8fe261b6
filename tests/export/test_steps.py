"""The list of steps is the network: run one by one, with nothing of FCN's own code, they give the same scores, bit for bit."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import Tensor, nn, ops
from minifcn.export import to_torch
from minifcn.models.steps import PICTURE, SCORES, steps_of
from minifcn.models.trunks.trunk import Backbone

from .networks import LARGE, NETWORKS, SIZES, network, pictures


def run(model, x):
    """Every step, on maps by name."""
    maps, arrays = {PICTURE: Tensor(x)}, model.state_dict()
    for step in steps_of(model):
        inputs = [maps[name] for name in step.inputs]
        start = int(step.number)
        if step.kind in ("conv", "conv_transpose"):
            operation = ops.conv2d if step.kind == "conv" else ops.conv_transpose2d
            made = operation(
                *inputs, arrays[f"{step.name}.weight"], arrays.get(f"{step.name}.bias"), **step.layer.options
            )
        elif step.kind == "relu":
            made = ops.relu(*inputs)
        elif step.kind in ("max_pool", "lrn"):
            made = step.layer(*inputs)
        elif step.kind == "concat":
            made = ops.concat(inputs, 1)
        elif step.kind == "times":
            made = inputs[0] * step.number
        elif step.kind == "crop":
            h, w = inputs[1].shape[2:]
            made = inputs[0][:, :, start : start + h, start : start + w]
        else:
            made = inputs[0] + inputs[1] if step.kind == "add" else ops.maximum(*inputs)
        assert step.output not in maps
        maps[step.output] = made
    return maps[SCORES].data


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in NETWORKS])
def test_the_steps_are_the_network(name):
    model = network(name)
    for size in SIZES:
        x = pictures(model, size)
        with mf.no_grad():
            np.testing.assert_array_equal(run(model, x), model(x).data)


def test_an_unknown_layer_is_named():
    class Squared(nn.Module):
        def forward(self, x):
            return x * x

    layers = {"conv": nn.Conv2d(3, 4, 3, padding=1), "squared": Squared()}
    model = mf.models.FCN(Backbone(layers, {1: "squared"}, {"squared": 4}), 1, 2)
    with pytest.raises(ValueError, match=r"backbone\.squared is a Squared; known are Conv2d, ConvTranspose2d"):
        steps_of(model)


@pytest.mark.parametrize("other", [None, 3])
def test_what_is_no_network(other, tmp_path):
    for call in (lambda: steps_of(other), lambda: to_torch(other, tmp_path / "page.py")):
        with pytest.raises(TypeError, match=r"export: got a .*; expected an FCN"):
            call()
    assert not list(tmp_path.iterdir())
