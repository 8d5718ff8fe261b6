"""GoogLeNet against the numbers of its own paper (Szegedy et al. 2014, table 1) and of the FCN paper."""

from fractions import Fraction

import pytest

from minifcn.models import FCN
from minifcn.models.geometry import Field
from minifcn.models.summary import rows
from minifcn.models.trunks.googlenet import INCEPTIONS, googlenet
from minifcn.nn.initialisers import undrawn

from .nets import parameter_sizes

# table 1 of Szegedy et al.: rows of the map, channels, millions of multiply-adds
PUBLISHED = {
    "3a": (28, 256, 128),
    "3b": (28, 480, 304),
    "4a": (14, 512, 73),
    "4b": (14, 512, 88),
    "4c": (14, 512, 100),
    "4d": (14, 528, 119),
    "4e": (14, 832, 170),
    # not the published figure, which the module's own channels do not give: 832·(256 + 160 + 32 + 128) for the four 1x1 that look
    # at its input, 160·320·9 and 32·128·25, for each of 7x7 cells
    "5a": (7, 832, 51),
    "5b": (7, 1024, 71),
}


@pytest.fixture(scope="module")
def table():
    """{name: row} of the trunk as it was trained, on a picture of 224x224."""
    with undrawn():
        model = FCN(googlenet("trained"), 32, 1000, padding="paper")
    return {row.name: row for row in rows(model, (224, 224))}


@pytest.mark.parametrize("name", PUBLISHED)
def test_inception_modules_are_the_published_ones(table, name):
    side, channels, millions = PUBLISHED[name]
    assert table[f"inception_{name}"].shape == (1, channels, side, side)
    inside = [row for key, row in table.items() if key.startswith(f"inception_{name}.")]
    assert abs(sum(row.multiply_adds for row in inside) / 1e6 - millions) <= 1
    reductions = {"conv1x1": 0, "reduce3x3": 1, "conv3x3": 2, "reduce5x5": 3, "conv5x5": 4, "project": 5}
    for key, place in reductions.items():
        assert table[f"inception_{name}.{key}"].shape == (1, INCEPTIONS[name][place], side, side)


def test_parameters_are_those_of_the_trained_model_in_caffe():
    with undrawn():
        trunk = googlenet()
    assert parameter_sizes(trunk) + 1024 * 1000 + 1000 == 6_998_552  # with its classifier, without the auxiliary ones


def test_beginning_of_the_published_table(table):
    shapes = {name: table[name].shape[1:] for name in ("conv1", "pool1", "conv2_reduce", "conv2", "pool2")}
    assert shapes == {
        "conv1": (64, 112, 112), "pool1": (64, 56, 56), "conv2_reduce": (64, 56, 56), "conv2": (192, 56, 56),
        "pool2": (192, 28, 28),
    }  # fmt: skip
    assert round(table["conv1"].multiply_adds / 1e6) == 118  # 7x7x3x64 weights for each of 112x112 cells
    assert round((table["conv2"].multiply_adds + table["conv2_reduce"].multiply_adds) / 1e6) == 360


SEES = {
    "conv1": (7, 2), "pool1": (11, 4), "conv2": (19, 4), "pool2": (27, 8), "inception_3a": (59, 8), "inception_3b": (91, 8),
    "pool3": (107, 16), "inception_4a": (171, 16), "inception_4b": (235, 16), "inception_4c": (299, 16),
    "inception_4d": (363, 16), "inception_4e": (427, 16), "pool4": (459, 32), "inception_5a": (587, 32),
    "inception_5b": (715, 32),
}  # fmt: skip


@pytest.mark.parametrize("padding", ["trained", "paper", "same"])
def test_what_a_cell_sees(padding):
    with undrawn():
        trunk = googlenet(padding)
    fields = {name: Field().through(trunk.layers_to(name)) for name in SEES}
    assert {name: (field.size, field.stride) for name, field in fields.items()} == SEES
    # cell 0 of the last map: the padding before it against half of each window
    assert fields["inception_5b"].centre == Fraction({"trained": 30, "paper": 30 - 97, "same": 0}[padding])


def test_every_way_of_an_inception_lies_on_the_same_pixels():
    with undrawn():
        trunk = googlenet()
    before = Field().through(trunk.layers_to("pool2"))
    module = trunk.inception_3a
    ways = [before.through(getattr(module, name) for name in way) for way in module.ways]
    assert [way.size for way in ways] == [27, 43, 59, 43]  # 1x1, 3x3, 5x5 and the 3x3 pool
    assert {(way.stride, way.centre) for way in ways} == {(before.stride, before.centre)}
    assert before.through([module]) == ways[2]


def test_crops_with_100_pixels():
    """The coarsest cells lie at 30 - 97 = -67; 63x63 upsampling begins 31 pixels before: 98 are cut off. Skips begin together."""
    with undrawn():
        models = [FCN("googlenet", stride, 2, padding="paper") for stride in (32, 16, 8, 4)]
    assert [[skip.offset for skip in model.skips] + [model.offset] for model in models] == [
        [98], [0, 98], [0, 0, 98], [0, 0, 0, 98],
    ]  # fmt: skip
    assert models[-1].backbone.drop5.p == 0.4
