"""What geometry says against what a real network does: a gradient of 1 at one cell shows which pixels the cell sees."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn
from minifcn.models.geometry import Field

from .nets import PADDINGS, STRIDES, network


def open_up(model):
    """Positive weights and average pools: what a cell can see, it does see. Mirror images weigh the same."""
    for name, parameter in model.named_parameters():
        if not name.startswith("upscore"):
            parameter.data[...] = 0 if name.endswith("bias") else 1 / parameter[0].size
    for name in model.backbone.order:
        if name.startswith("pool"):
            setattr(model.backbone, name, nn.AvgPool2d(2, 2, ceil_mode=True))
    return model


def seen_rows(run, height, cell, column=0):
    """Gradient of one output cell with respect to a picture one pixel wide, summed over the channels."""
    x = mf.Tensor(np.ones((1, 3, height, 1)), requires_grad=True)
    y = run(x)
    grad = np.zeros(y.shape)
    grad[0, 0, cell, column] = 1
    y.backward(grad)
    return x.grad.sum((0, 1, 3))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("name", ["conv1_1", "pool1", "pool2", "pool3", "conv4_1", "pool4", "pool5", "fc6"])
def test_receptive_field_and_centre_of_every_stage(padding, name):
    model = open_up(network(32, 1, dtype=np.float64, padding=padding))
    layers = model.backbone.layers_to(name)
    field = Field().through(layers)
    cell = int(np.ceil(((field.size - 1) / 2 - field.centre) / field.stride))  # the first one that sees no padding
    first = field.centre + cell * field.stride - (field.size - 1) / 2
    assert first == int(first) and 0 <= first < field.stride
    height = int(first) + field.size + 9
    column = max(0, round(-field.centre / field.stride))  # one that looks at column 0 of the picture
    rows = np.flatnonzero(seen_rows(nn.Sequential(*layers), height, cell, column))
    np.testing.assert_array_equal(rows, np.arange(field.size) + int(first))


def centroid(rows):
    return (rows * np.arange(len(rows))).sum() / rows.sum()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", STRIDES)
def test_a_pixel_of_the_result_looks_at_its_own_place(padding, stride):
    """Each branch alone, mirror-symmetric weights: the middle of what is seen is the pixel, if every crop is right."""
    model = open_up(network(stride, 1, dtype=np.float64, padding=padding))
    branches = ["score_fr"] + [f"score_{skip.source}" for skip in model.skips]
    height, pixel = 520, 237
    for branch in branches:
        for other in branches:
            getattr(model, other).weight.data[...] = float(other == branch)
        rows = seen_rows(model, height, pixel)
        assert rows[0] == rows[-1] == 0 and rows.min() >= 0  # nothing was cut off at the edges
        assert centroid(rows) == pytest.approx(pixel, abs=1e-9), branch


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_what_the_result_sees_has_the_size_of_the_field(stride):
    model = open_up(network(stride, 1, dtype=np.float64))
    field = Field().through(model.backbone.layers_to("drop7"))
    for _ in model.skips:
        field = field.transposed(4, 2, 1)
    field = field.transposed(2 * stride, stride, stride // 2)
    sizes = []
    for pixel in range(232, 264, 3):  # how many coarse cells paint a pixel depends on where between them it lies
        rows = np.flatnonzero(seen_rows(model, 520, pixel))
        sizes.append(rows[-1] - rows[0] + 1)
    assert max(sizes) == field.size


def test_rows_and_columns_are_treated_alike():
    model = network(8, 2, dtype=np.float64, padding="paper")
    for parameter in model.parameters():  # mirror every kernel at the diagonal
        if parameter.ndim == 4:
            parameter.data[...] = parameter.data + parameter.data.transpose(0, 1, 3, 2)
    x = np.random.default_rng(0).standard_normal((1, 3, 21, 34))
    turned = model(x.transpose(0, 1, 3, 2)).data.transpose(0, 1, 3, 2)
    np.testing.assert_allclose(model(x).data, turned, rtol=1e-9, atol=1e-12)
