"""The table of a network: shapes and sizes against real runs and counts by loops, totals against the model."""

import re
from itertools import product

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn
from minifcn.models import FCN
from minifcn.models.geometry import Field
from minifcn.models.summary import layer_row, rows, summarise, table_1
from minifcn.models.trunks.backbones import vgg
from minifcn.nn.initialisers import undrawn

from .nets import PADDINGS, STRIDES, network, parameter_sizes, picture, vgg16


def real_shapes(model, x, monkeypatch):
    """{layer name: output shape} of a real run, seen by wrapping the forward of every layer."""
    shapes = {}
    named = [(name, layer) for name, layer in model.backbone.named_layers()]
    named += [
        (name, layer) for name, layer in vars(model).items() if isinstance(layer, nn.Module) and name != "backbone"
    ]
    for name, layer in named:

        def forward(*inputs, name=name, run=layer.forward):
            y = run(*inputs)
            shapes[name] = y.shape
            return y

        monkeypatch.setattr(layer, "forward", forward)
    with mf.no_grad():
        shapes["score"] = model(x).shape
    return shapes


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (33, 64), (47, 31)])
def test_shapes_are_those_of_a_real_run(monkeypatch, stride, padding, size):
    model = network(stride, 3, padding=padding)
    shapes = real_shapes(model, picture(1, 3, *size), monkeypatch)
    table = {row.name: row.shape for row in rows(model, size)}
    joins = {name for name in table if name.startswith("fuse_")}
    assert {name: shape for name, shape in table.items() if name not in joins} == shapes
    assert joins == {f"fuse_{skip.source}" for skip in model.skips}


def test_shapes_at_375x500(monkeypatch):
    for padding in PADDINGS:
        model = network(8, 2, padding=padding)
        shapes = real_shapes(model, picture(1, 3, 375, 500), monkeypatch)
        assert all(shapes.get(row.name, row.shape) == row.shape for row in rows(model, (375, 500)))


def test_sizes_of_the_reference(monkeypatch):
    """VGG16 with 100 pixels of padding at 500 and 375 pixels: the sizes that Caffe works out."""
    table = {row.name: row.shape[2:] for row in rows(vgg16(monkeypatch, 8), (500, 375))}
    expected = {
        "conv1_1": (698, 573), "pool1": (349, 287), "pool2": (175, 144), "pool3": (88, 72), "pool4": (44, 36),
        "pool5": (22, 18), "fc6": (16, 12), "upscore_16s": (34, 26), "fuse_pool4": (34, 26), "upscore_8s": (70, 54),
        "fuse_pool3": (70, 54), "upscore": (568, 440), "score": (500, 375),
    }  # fmt: skip
    assert {name: table[name] for name in expected} == expected


def test_multiply_adds_of_vgg16_are_the_published_ones(monkeypatch):
    """150.3 G in the convolutions at 500x500, 26.3 in fc6, 4.3 in fc7."""
    table = {row.name: row.multiply_adds for row in rows(vgg16(monkeypatch, 32), (500, 500))}
    convolutions = sum(count for name, count in table.items() if name.startswith("conv"))
    assert (round(convolutions / 1e9, 1), round(table["fc6"] / 1e9, 1), round(table["fc7"] / 1e9, 1)) == (
        150.3,
        26.3,
        4.3,
    )
    same = {row.name: row.multiply_adds for row in rows(vgg16(monkeypatch, 32, "same"), (500, 500))}
    assert round(sum(count for name, count in same.items() if name.startswith("conv")) / 1e9, 1) == 77.2


def test_multiply_adds_by_counting():
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
    row = layer_row("c", conv, (1, 4, 7, 8), Field())
    assert row.shape == (1, 6, 4, 4)
    # output cell by output channel by the channels of its group by tap, padding counted
    products = sum(1 for _ in product(range(4), range(4), range(6), range(2), range(3), range(3)))
    assert row.multiply_adds == products
    up = nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2)
    row = layer_row("u", up, (1, 4, 3, 5), Field())
    assert row.shape == (1, 6, 6, 10)
    painted = sum(
        1 for _ in product(range(4), range(3), range(5), range(3), range(4), range(4))
    )  # cell by output channel by tap
    assert row.multiply_adds == painted
    for layer in (nn.ReLU(), nn.MaxPool2d(2), nn.Dropout()):
        assert layer_row("x", layer, (1, 4, 7, 8), Field()).multiply_adds == 0


def test_pool_rows_and_memory():
    row = layer_row("p", nn.MaxPool2d(2, ceil_mode=True), (2, 3, 7, 8), Field())
    assert row.shape == (2, 3, 4, 4) and row.memory == 4 * 2 * 3 * 4 * 4 and row.parameters == 0
    assert layer_row("p", nn.AvgPool2d(2), (2, 3, 7, 8), Field()).shape == (2, 3, 3, 4)
    assert layer_row("r", nn.ReLU(), (2, 3, 7, 8), Field(5)).shape == (2, 3, 7, 8)


@pytest.mark.parametrize("stride", STRIDES)
def test_parameters_add_up_to_the_model(stride):
    model = network(stride, 5, width=2)
    table = rows(model, (30, 40))
    assert sum(row.parameters for row in table) == parameter_sizes(model)
    sizes = {name: p.size for name, p in model.named_parameters()}
    for row in table:
        prefix = row.name if row.name.startswith(("score_", "upscore")) else f"backbone.{row.name}"
        assert row.parameters == sum(size for name, size in sizes.items() if name.rpartition(".")[0] == prefix), (
            row.name
        )


def test_counts_of_vgg16(monkeypatch):
    """134 million, as the paper says; the last digits from the layers' shapes."""
    model = vgg16(monkeypatch, 8)
    skips = ("score_pool4", "score_pool3")
    assert parameter_sizes(model, without=("upscore", *skips)) == 134_346_581
    assert [parameter_sizes(getattr(model, name)) for name in ("score_fr", *skips)] == [86_037, 10_773, 5_397]
    assert parameter_sizes(model.backbone.fc6) == 102_764_544 and parameter_sizes(model.backbone.fc7) == 16_781_312
    assert sum(p.size for n, p in model.backbone.named_parameters() if n.startswith("conv")) == 14_714_688
    assert [p.size for n, p in model.named_parameters() if n.startswith("upscore")] == [21 * 16, 21 * 16, 21 * 256]
    assert [name for name, _ in model.backbone.named_layers() if name.startswith(("conv", "pool"))] == [
        "conv1_1",
        "conv1_2",
        "pool1",
        "conv2_1",
        "conv2_2",
        "pool2",
        "conv3_1",
        "conv3_2",
        "conv3_3",
        "pool3",
        "conv4_1",
        "conv4_2",
        "conv4_3",
        "pool4",
        "conv5_1",
        "conv5_2",
        "conv5_3",
        "pool5",
    ]
    assert model.backbone.drop6.p == model.backbone.drop7.p == 0.5


def test_fields_of_the_rows_are_those_of_the_paper(monkeypatch):
    table = {row.name: (row.field.size, row.field.stride) for row in rows(vgg16(monkeypatch, 8), (100, 100))}
    assert [table[name] for name in ("pool1", "pool2", "pool3", "pool4", "pool5", "fc7")] == [
        (6, 2), (16, 4), (44, 8), (100, 16), (212, 32), (404, 32),
    ]  # fmt: skip
    assert [table[name][1] for name in ("upscore_16s", "fuse_pool4", "upscore_8s", "upscore", "score")] == [
        16,
        16,
        8,
        1,
        1,
    ]


def test_text_of_the_table():
    model = network(8, 3, width=2, padding="paper")
    text = summarise(model, (37, 50))
    head, rule, *rest = text.splitlines()
    assert re.split(r"  +", head) == [
        "layer", "kind", "output (C, H, W)", "sees", "stride", "parameters", "multiply-adds", "memory MiB",
    ]  # fmt: skip
    assert set(rule) == {"-"} and len(rule) == max(map(len, [head, *rest[: rest.index("")]]))
    body, foot = rest[: rest.index("")], rest[rest.index("") + 1 :]
    table = rows(model, (37, 50))
    assert len(body) == len(table)
    places = [m.start() for m in re.finditer(r"\S+(?: \S+)*", head)]
    ends = [m.end() for m in re.finditer(r"\S+(?: \S+)*", head)]
    for line, row in zip(body, table, strict=True):
        cells = re.split(r"  +", line)
        assert cells[:3] == [row.name, row.kind, "{} x {} x {}".format(*row.shape[1:])]
        assert cells[3:6] == [str(row.field.size), str(row.field.stride), f"{row.parameters:,}"]
        for column in range(3):  # words start under their heading, numbers end under it
            assert line[places[column] :].startswith(cells[column])
        for column in range(3, 8):
            assert line[: ends[column]].endswith(cells[column])
    total = parameter_sizes(model)
    assert foot[0] == f"parameters     {total:,} ({total - 3 * 288:,} trained, {3 * 288:,} fixed bilinear)"
    assert foot[1].startswith("multiply-adds") and foot[1].endswith("for one picture of 37x50")
    assert foot[2].startswith("activations")
    assert foot[3] == "crop offsets   pool4 5, pool3 9, output 31"
    assert foot[4] == (
        f"Table 1        8 convolutions in a row, {total - 3 * 288:,} parameters without upsampling, "
        "receptive field 286, largest stride 32"  # five stages: 94 pixels, and the 6 cells of stride 32 that fc6 adds
    )
    assert len(foot) == 5


def test_totals_are_sums_of_the_rows():
    model = network(16, 3, width=4)
    table = rows(model, (64, 64))
    text = summarise(model, (64, 64))
    assert f"{sum(r.multiply_adds for r in table) / 1e9:,.3f} G" in text
    assert f"{sum(r.memory for r in table) / 2**20:,.1f} MiB" in text
    assert sum(r.memory for r in table) == sum(4 * int(np.prod(r.shape)) for r in table)
    assert "crop offsets   pool4 0, output 0" in text


@pytest.mark.parametrize("stride", [16, 4])
@pytest.mark.parametrize("backbone", ["squeezenet", "googlenet", "alexnet"])
def test_multiply_adds_and_parameters_are_those_of_a_real_run(backbone, stride):
    stride = 8 if backbone == "alexnet" else stride
    with undrawn():
        model = FCN(backbone, stride, 5)
    table = rows(model, (45, 64))
    with mf.no_grad(), mf.profile() as profile:
        model(picture(1, 3, 45, 64))
    # the profile counts an addition and a multiplication where the table counts one multiply-add
    assert sum(event.flops for event in profile.events) == 2 * sum(row.multiply_adds for row in table)
    assert sum(row.parameters for row in table) == parameter_sizes(model)
    assert len({row.name for row in table}) == len(table)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("backbone", ["squeezenet32", "googlenet"])
def test_rows_of_modules_with_several_ways(monkeypatch, backbone, padding):
    """Each module's inner layers and its result have the shapes of a real run, and their geometry is that of the module as a whole."""
    with undrawn():
        model = FCN(backbone, 4, 2, padding=padding)
    table = {row.name: row for row in rows(model, (47, 31))}
    shapes, modules = {}, {}
    for name, layer in model.backbone.named_layers():
        modules[name] = layer
        modules |= {f"{name}.{inner}": part for inner, part in layer.named_children()}
    for name, layer in modules.items():

        def forward(x, name=name, run=layer.forward):
            y = run(x)
            shapes[name] = y.shape
            return y

        monkeypatch.setattr(layer, "forward", forward)
    with mf.no_grad():
        model(picture(1, 3, 47, 31))
    assert len(shapes) > 30 and {name: table[name].shape for name in shapes} == shapes
    for name in model.backbone.order:
        assert table[name].field == Field().through(model.backbone.layers_to(name)), name


def test_names_of_the_rows_of_a_module():
    with undrawn():
        names = [row.name for row in rows(FCN("googlenet", 32, 2), (32, 32))]
    assert [name for name in names if name.startswith("inception_4b")] == [
        "inception_4b.conv1x1", "inception_4b.reduce3x3", "inception_4b.conv3x3", "inception_4b.reduce5x5",
        "inception_4b.conv5x5", "inception_4b.pool", "inception_4b.project", "inception_4b",
    ]  # fmt: skip
    names = [row.name for row in rows(FCN("squeezenet", 16, 2), (32, 32))]
    assert [name for name in names if name.startswith("fire2")] == [
        "fire2.squeeze1x1", "fire2.expand1x1", "fire2.expand3x3", "fire2",
    ]  # fmt: skip


# convolution layers, millions of parameters, receptive field, largest stride: as the paper's Table 1 prints them
PAPER = {"alexnet": (8, 57, 355, 32), "vgg16": (16, 134, 404, 32), "googlenet": (22, 6, 907, 32)}


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("backbone", PAPER)
def test_table_1_of_the_paper(backbone, padding):
    with undrawn():
        found = table_1(FCN(backbone, 32, 21, padding=padding))
    assert (found.conv_layers, round(found.parameters / 1e6), found.receptive_field_pooled, found.stride) == PAPER[
        backbone
    ]
    # 907 is 715 and the 6 cells of stride 32 that a 7x7 average pool adds
    assert found.receptive_field == (907 - 6 * 32 if backbone == "googlenet" else PAPER[backbone][2])


def test_table_1_counts_what_lies_on_the_way_to_the_coarsest_scores():
    """Skips add parameters and no layer in a row; upsampling adds neither."""
    coarse, fine = (table_1(network(stride, 3, width=2)) for stride in (32, 8))
    assert fine.parameters - coarse.parameters == 3 * (16 + 1) + 3 * (8 + 1)
    assert fine._replace(parameters=0) == coarse._replace(parameters=0)
    assert coarse.parameters == parameter_sizes(network(32, 3, width=2), without=["upscore"])
    deeper = FCN(vgg((1, 1, 1, 1, 4), (1, 1, 1, 1, 1), 1, 0.0, "same"), 32, 3)
    assert (coarse.conv_layers, table_1(deeper).conv_layers) == (8, 11)
    # a fire module has two convolutions in a row, not three; conv1, 8 modules and the scores
    assert table_1(FCN("squeezenet", 16, 3)).conv_layers == 1 + 8 * 2 + 1


def test_the_text_says_where_907_comes_from():
    with undrawn():
        lines = summarise(FCN("googlenet", 32, 21), (64, 64)).splitlines()
    assert lines[-1].endswith(
        "receptive field 715 (907 with the 7x7 average pool that section 4.1 discards), largest stride 32"
    )


@pytest.mark.parametrize("size", [(1, 3, 32, 32), 32, (32, 0), (32, 32.0), "32"])
def test_what_is_no_size(size):
    with pytest.raises(ValueError, match=r"summarise: size is .*; expected two integers, height and width"):
        mf.models.summarise(mf.models.fcn32s("tiny", width=1), size)
