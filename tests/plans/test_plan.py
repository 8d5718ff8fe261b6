"""A plan gives what the network gives: every built-in trunk, odd sizes, batches, both precisions, and the same bits for any number of threads."""

import copy

import numpy as np
import pytest

import minifcn as mf
from minifcn import Tensor
from minifcn.kernels import threads
from minifcn.kernels.cpu.laid import choice
from minifcn.models.trunks.backbones import BACKBONES
from minifcn.models.trunks.trunk import Backbone, Branches

from .networks import network, pictures

OPTIONS = {
    "tiny": dict(stride=4, width=12),
    "tiny, narrow": dict(backbone="tiny", stride=32, width=3, num_classes=1),
    "tiny, paper, at once": dict(backbone="tiny", padding="paper", at_once=True, width=5),
    "tiny, four channels, 16s": dict(backbone="tiny", in_channels=4, stride=16, num_classes=21),
    "squeezenet": dict(fusion="max", stride=4),
    "squeezenet, paper": dict(backbone="squeezenet", padding="paper", stride=16),
    "squeezenet32": dict(stride=32, padding="paper"),
    "squeezenet-fc": dict(learn_upsampling=True, stride=4, num_classes=7),
    "googlenet": dict(stride=4),
    "googlenet, paper": dict(backbone="googlenet", padding="paper", stride=8),
    "googlenet-torchvision": dict(stride=16, fusion="max"),
    "alexnet": dict(stride=8),
    "alexnet, paper": dict(backbone="alexnet", padding="paper", stride=32),
    "alexnet-bvlc": dict(stride=8, padding="paper", num_classes=1),
    "alexnet-torchvision": dict(stride=16),
    "vgg16": dict(stride=8),
}
LARGE = {name for name in OPTIONS if name.startswith(("vgg", "alexnet", "googlenet"))}
SHAPES = [(1, 1, 1), (1, 7, 9), (3, 33, 64), (1, 97, 131)]
NETWORKS = [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in OPTIONS]


@pytest.fixture(autouse=True)
def as_many_threads_as_before():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


def made(name):
    return network(**{"backbone": name, **OPTIONS[name]})


def forward(model, x):
    with mf.no_grad():
        return model(Tensor(x)).data


class Ways(Branches):
    """Ways that a plan joins in place, or not: with a pool at the end of one, without a bias, with the same map read twice."""

    def __init__(self, channels, ends, bias=True):
        self.ways = (("one",), ("two", "three"), ends)
        self.one = mf.nn.Conv2d(channels, 2, 1)
        self.two, self.three = mf.nn.Conv2d(channels, 3, 1), mf.nn.Conv2d(3, 5, 3, padding=1, bias=bias)
        self.pool, self.last = mf.nn.MaxPool2d(3, 1, padding=1), mf.nn.Conv2d(channels, 1, (1, 3), padding=(0, 1))
        self.window = self.three.window


def layers():
    """Trunks of one layer each between two others, that built-in ones do not have."""
    relu = mf.nn.ReLU
    return {
        "ways": [Ways(6, ("pool", "last"))],
        "a way that ends in a pool": [Ways(6, ("pool",))],
        "a way without bias": [Ways(6, ("last",), bias=False)],
        "ways of ways": [Ways(6, ("last",)), Ways(8, ("pool", "last"))],
        "groups": [mf.nn.Conv2d(6, 4, 3, padding=1, groups=2), relu()],
        "groups, wide": [mf.nn.Conv2d(6, 64, 1), relu(), mf.nn.Conv2d(64, 64, 3, padding=1, groups=2), relu()],
        "a group a channel": [mf.nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), relu()],
        "dilation": [mf.nn.Conv2d(6, 5, 3, padding=2, dilation=2)],
        "a stride of 1x1": [mf.nn.Conv2d(6, 5, 1, stride=2), relu()],
        "relu twice": [relu(), relu(), mf.nn.MaxPool2d(2, 1), relu()],
        "pools": [mf.nn.MaxPool2d(3, 2, ceil_mode=True), mf.nn.MaxPool2d(2, 1, padding=1), mf.nn.MaxPool2d(2, dilation=2, stride=1, padding=1)],
        "norm": [mf.nn.LocalResponseNorm(4, alpha=0.3, beta=0.6, k=1.5), mf.nn.LocalResponseNorm(1), mf.nn.LocalResponseNorm(20)],
    }  # fmt: skip


@pytest.mark.parametrize("name", layers())
@pytest.mark.parametrize("size", [(24, 40), (37, 29)])
def test_layers_that_no_built_in_trunk_has(name, size):
    parts = [mf.nn.Conv2d(3, 6, 3, padding=1), mf.nn.ReLU(), *layers()[name]]
    named = {f"layer{number}": layer for number, layer in enumerate(parts)}
    channels = forward(mf.nn.Sequential(*parts), pictures((1, 3, *size))).shape[1]
    last = f"layer{len(parts) - 1}"
    stride = 2 if name in ("a stride of 1x1", "pools") else 1
    model = mf.models.FCN(Backbone(named, {stride: last}, {last: channels}), stride, 3).eval()
    model.score_fr.weight.data[...] = pictures(model.score_fr.weight.shape)
    check(model, pictures((1, 3, *size)))


def check(model, x):
    """The plan's scores are those of float64, on one thread and on two, whatever its memory held before."""
    plan, expected = mf.plan(model, x.shape), forward(copy.deepcopy(model).astype("float64"), x.astype(np.float64))
    for number in (1, 2):
        threads.set_num_threads(number)
        spoil(plan)
        assert np.abs(plan(x) - expected).max() <= 1e-5 * np.abs(expected).max()
    return {type(layer).__name__ for layer in plan.network.layers}


@pytest.mark.parametrize("size", [(32, 40), (33, 70), (3, 5)])
@pytest.mark.parametrize("padding", ["same", "paper"])
def test_layers_with_more_weights_than_pixels_go_by_channels(size, padding, monkeypatch):
    """As in VGG16, where a plan keeps no second copy of them."""
    monkeypatch.setattr(choice, "LARGE", 0)
    monkeypatch.setattr(choice, "KEPT", 0)
    kinds = check(network(width=24, padding=padding), pictures((1, 3, *size)))
    assert {"Columns", "Products"} <= kinds
    assert {"Tiles", "TileProducts"} <= kinds or size == (3, 5)


def spoil(plan):
    """Fill all memory that is used again with NaN: whatever is read before it is written spoils the scores."""
    for workspace in plan.workspaces:
        for scratch in workspace.scratch.values():
            for slot in scratch.slots.values():
                slot[...] = 255


def test_every_trunk_is_here():
    assert {options.get("backbone", name) for name, options in OPTIONS.items()} == set(BACKBONES)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_plan_gives_the_scores_of_the_network(name):
    model = made(name)
    channels = next(model.parameters()).shape[1]
    for n, h, w in SHAPES:
        x = pictures((n, channels, h, w))
        plan = mf.plan(model, x.shape)
        exact = forward(copy.deepcopy(model).astype("float64"), x.astype(np.float64))
        found = []
        for number in (1, 2, 3):
            threads.set_num_threads(number)
            spoil(plan)
            found.append(plan(x))
            np.testing.assert_array_equal(found[-1], found[0])
        assert found[0].dtype == np.float32 and found[0].shape == exact.shape
        assert np.abs(found[0] - exact).max() <= 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize("name", ["tiny", "squeezenet, paper"])
def test_in_double_precision_they_agree_to_the_last_digits(name):
    model, x = made(name).astype("float64"), pictures((2, 3, 50, 75), np.float64)
    expected = forward(model, x)
    assert np.abs(mf.plan(model, x.shape)(x) - expected).max() <= 1e-13 * np.abs(expected).max()


def test_each_picture_of_a_batch_has_the_bits_that_it_has_alone():
    model, x = made("squeezenet-fc"), pictures((5, 3, 40, 56))
    alone = mf.plan(model, (1, *x.shape[1:]))
    for number in (1, 2, 3):
        threads.set_num_threads(number)
        together = mf.plan(model, x.shape)(x)
        for k in range(5):
            np.testing.assert_array_equal(together[k : k + 1], alone(x[k : k + 1]))


def test_memory_order_of_the_pictures_does_not_matter_and_scores_are_the_callers():
    model, x = made("tiny"), pictures((2, 3, 32, 40))
    plan = mf.plan(model, x.shape)
    first = plan(x)
    kept = first.copy()
    last = plan(np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(first, last)
    plan(x + 1)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_shows_in_the_scores(wrong):
    model, x = made("tiny"), pictures((1, 3, 40, 40))
    plan = mf.plan(model, x.shape)
    plan(x)
    x[0, 1, 20, 20] = wrong
    with np.errstate(invalid="ignore"):
        plain, found = forward(model, x), plan(x)
    assert not np.isfinite(found[~np.isfinite(plain)]).any() and not np.isfinite(plain).all()
    assert np.isfinite(plan(pictures((1, 3, 40, 40)))).all(), "nothing of it stays behind"


def test_a_plan_is_a_list_to_read():
    model = made("squeezenet-fc")
    text = str(mf.plan(model, (1, 3, 64, 64)))
    lines = text.splitlines()
    assert {"map", "kernel", "parts", "GFLOP"} <= set(lines[0].split())
    assert any("fire4.expand3x3_relu" in line and "winograd" in line for line in lines)
    assert lines[-1].startswith("upscore") and set(lines[1]) == {"-"}
    from minifcn.models import summary

    counted = 2 * sum(row.multiply_adds for row in summary.rows(model, (64, 64))) / 1e9
    said = sum(float(line.split()[-1]) for line in lines[2:])
    assert said == pytest.approx(counted, rel=0.1)


def test_whose_shape_is_another():
    plan = mf.plan(made("tiny"), (1, 3, 32, 32))
    with pytest.raises(
        ValueError, match=r"plan: pictures have shape \(1, 3, 32, 33\), and this plan is for \(1, 3, 32, 32\)"
    ):
        plan(pictures((1, 3, 32, 33)))


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 4, 32, 32), (1, 3, 0, 32)])
def test_a_shape_that_no_picture_has(shape):
    with pytest.raises(ValueError, match=r"plan: shape is .*; expected \(N, 3, H, W\), each at least 1"):
        mf.plan(made("tiny"), shape)


def test_what_can_have_no_plan():
    class Other(mf.models.FCN):
        def forward(self, x):
            return super().forward(x) * 2

    with pytest.raises(ValueError, match="plan: Other has a forward of its own; expected an FCN"):
        mf.plan(Other("tiny", width=3), (1, 3, 8, 8))
    mixed = network(width=3)
    mixed.score_fr.astype("float64")
    with pytest.raises(
        ValueError, match="plan: expected a model on the CPU whose parameters are all float32, or all float64"
    ):
        mf.plan(mixed, (1, 3, 8, 8))
    with pytest.raises(ValueError, match=r"plan: pictures of this size leave nothing for .*: its map would be"):
        mf.plan(small_pools(), (1, 3, 1, 1))


def small_pools():
    """A network that no picture below 5x5 pixels gets through."""
    model = network(width=3)
    model.backbone.conv1_1 = mf.nn.Conv2d(3, 3, 5)
    return model


@pytest.mark.parametrize("shape", [20, None, (1, 3, 20, 20.0), ("1", 3, 20, 20), np.ones((1, 3, 8, 8)), "1388"])
def test_what_is_no_shape(shape):
    with pytest.raises(ValueError, match=r"plan: shape is .*; expected four integers \(N, channels, H, W\)") as caught:
        mf.plan(made("tiny"), shape)
    assert len(str(caught.value)) < 200


def test_a_shape_may_be_a_list_or_an_array_of_integers():
    assert (
        mf.plan(made("tiny"), [1, 3, 8, 9]).shape == mf.plan(made("tiny"), np.array([1, 3, 8, 9])).shape == (1, 3, 8, 9)
    )


def test_what_is_no_network():
    for other, name in ((None, "NoneType"), (mf.nn.Conv2d(3, 2, 1), "Conv2d")):
        with pytest.raises(TypeError, match=f"plan: got a {name}; expected an FCN"):
            mf.plan(other, (1, 3, 8, 8))


def test_pictures_whose_meaning_would_be_lost():
    plan = mf.plan(made("tiny"), (1, 3, 8, 8))
    x = np.ones((1, 3, 8, 8), np.float32)
    with pytest.raises(TypeError, match="plan: the pictures is a masked array"):
        plan(np.ma.masked_array(x, x > 0))
    with pytest.raises(TypeError, match="plan: expected an array of numbers for the pictures, got complex64"):
        plan(1j * x)
