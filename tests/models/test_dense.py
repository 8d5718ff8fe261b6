"""Shift-and-stitch and rarefaction: the same integers as each other and as the net on every window, and where padding parts them."""

from bisect import bisect_left

import numpy as np
import oracles
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as some

import minifcn as mf
from minifcn import nn
from minifcn.kernels.windows import Window
from minifcn.models.dense import exact_cells, rarefy, shift_and_stitch
from minifcn.models.geometry import Field
from minifcn.models.trunks import backbones


def whole_numbers(net, seed=0):
    """The net in float64, every parameter a small integer: sums of integers are exact in any order."""
    rng = np.random.default_rng(seed)
    for parameter in net.parameters():
        parameter.data = rng.integers(-2, 3, parameter.shape).astype(float)
    return net.eval()


def picture(*shape, seed=1):
    """Integers from 1 on: nothing in it looks like padding."""
    return np.random.default_rng([seed, *shape]).integers(1, 9, shape).astype(float)


def conv(inputs, outputs, *arguments, **options):
    return nn.Conv2d(inputs, outputs, *arguments, **options)


def chain(*layers):
    return whole_numbers(nn.Sequential(*layers))


def both(net, x, stride=1):
    return shift_and_stitch(net, x, stride).data, rarefy(net, stride)(x).data


def on_every_window(net, x, size, step=1):
    """The definition: the net on the window of the picture that starts at each pixel; `size` (r, r) as it should come out."""
    rows, columns = ((length - side) // step + 1 for length, side in zip(x.shape[2:], size, strict=True))
    result = [
        [net(x[:, :, i : i + size[0], j : j + size[1]]).data for j in range(0, columns * step, step)]
        for i in range(0, rows * step, step)
    ]
    assert result[0][0].shape[2:] == (1, 1)
    return np.array(result)[..., 0, 0].transpose(2, 3, 0, 1)


@some.composite
def valid_nets(draw, padding=False, strides=(1, 2, 3)):
    """Up to five layers without padding (or with), total stride at most 12."""
    layers, channels, total = [], 2, [1, 1]
    for _ in range(draw(some.integers(1, 4))):
        kernel = (draw(some.integers(1, 3)), draw(some.integers(1, 3)))
        stride = [draw(some.sampled_from(strides)) for _ in range(2)]
        stride = [s if s * t <= 12 else 1 for s, t in zip(stride, total, strict=True)]
        total = [s * t for s, t in zip(stride, total, strict=True)]
        kind = draw(some.sampled_from(["conv", "grouped", "max", "avg"]))
        pads = [draw(some.integers(0, k - 1)) if padding else 0 for k in kernel]
        if kind in ("conv", "grouped"):
            dilation = (draw(some.integers(1, 2)), 1)
            layers.append(conv(channels, 2, kernel, stride, pads, dilation, 2 if kind == "grouped" else 1))
        elif kind == "max":
            layers.append(nn.MaxPool2d(kernel, stride, pads, (1, draw(some.integers(1, 2)))))
        else:
            layers.append(nn.AvgPool2d((2, 1), stride, (pads[0] and 1, 0)))  # halves, quarters: exact
        if draw(some.booleans()):
            layers.append(nn.ReLU())
    return chain(*layers)


def field_of(net):
    """(r, r) by trial: the smallest picture, axis by axis, that a net without padding takes."""

    def takes(axis, length):
        try:
            net(np.zeros((1, 2, length, 120) if axis == 0 else (1, 2, 120, length)))
        except ValueError:
            return False
        return True

    return tuple(bisect_left(range(120), True, key=lambda length, axis=axis: takes(axis, length)) for axis in (0, 1))


@settings(max_examples=40, deadline=None)
@given(valid_nets(), some.integers(0, 7), some.integers(0, 9), some.integers(0, 99))
def test_both_are_the_net_on_every_window(net, more_rows, more_columns, seed):
    size = field_of(net)
    x = picture(2, 2, size[0] + more_rows, size[1] + more_columns, seed=seed)
    stitched, rare = both(net, x)
    assert stitched.shape == rare.shape == (2, 2, more_rows + 1, more_columns + 1)
    assert np.array_equal(stitched, rare)
    assert np.array_equal(rare, on_every_window(net, x, size))
    assert exact_cells(net, x.shape[2:]) == (slice(0, more_rows + 1), slice(0, more_columns + 1))


def test_the_net_of_the_facts():
    """conv3, pool2, conv3, pool 3/2, conv2: receptive field 16, stride 4, and 45x52 pixels give 30x37 dense scores."""
    net = chain(conv(3, 4, 3), nn.MaxPool2d(2), nn.ReLU(), conv(4, 4, 3), nn.MaxPool2d(3, 2), conv(4, 2, 2))
    stitched, rare = both(net, picture(1, 3, 45, 52))
    assert stitched.shape == (1, 2, 30, 37) and np.array_equal(stitched, rare)
    assert stitched.std() > 1  # no map of zeros
    sparse = net(picture(1, 3, 45, 52)).data
    assert np.array_equal(stitched[:, :, ::4, ::4], sparse)
    assert [layer.window.dilation[0] for layer in rarefy(net).layers if hasattr(layer, "window")] == [1, 1, 2, 2, 4]


def test_dense_scores_in_plain_loops():
    """Nothing of ours computes what is expected here, neither the layers nor the windows."""
    layers = [conv(2, 2, 2, 2), nn.MaxPool2d(3, 3), conv(2, 1, (2, 1))]
    net, x = chain(*layers), picture(1, 2, 19, 11)
    size = (12, 6)  # 2 by the convolution, 2 more cells of 2 by the pool, and the last one a cell of 6 more rows
    expected = np.empty((1, 1, 19 - 12 + 1, 11 - 6 + 1))
    for i in range(expected.shape[2]):
        for j in range(expected.shape[3]):
            y = x[:, :, i : i + size[0], j : j + size[1]]
            y = oracles.conv2d(y, layers[0].weight.data, layers[0].bias.data, stride=2)
            y = oracles.max_pool2d(y, 3, 3)
            y = oracles.conv2d(y, layers[2].weight.data, layers[2].bias.data)
            assert y.shape == (1, 1, 1, 1)
            expected[:, :, i, j] = y[:, :, 0, 0]
    stitched, rare = both(net, x)
    assert np.array_equal(stitched, expected) and np.array_equal(rare, expected)


def test_a_rarefied_filter_is_the_filter_with_zeros_between_its_taps():
    """f'_ij = f_{i/s, j/s} where s divides both, else 0: as the paper writes it."""
    net, x = chain(conv(2, 3, 3, stride=3), conv(3, 2, 3)), picture(1, 2, 20, 23)
    filters = net[1].weight.data
    stuffed = np.zeros((2, 3, 7, 7))
    stuffed[:, :, ::3, ::3] = filters
    first = mf.ops.conv2d(x, net[0].weight, net[0].bias)
    expected = mf.ops.conv2d(first, stuffed, net[1].bias).data
    assert np.array_equal(rarefy(net)(x).data, expected)


@pytest.mark.parametrize("stride", [1, 2, 6])
def test_only_the_last_strides_removed(stride):
    net = chain(
        conv(2, 3, 3, stride=2), nn.MaxPool2d(2, 3), nn.ReLU(), conv(3, 3, 2), nn.MaxPool2d(2, 2), conv(3, 2, 2)
    )
    x = picture(1, 2, 61, 54)
    dense = both(net, x)[0]
    stitched, rare = both(net, x, stride)
    assert np.array_equal(stitched, rare) and np.array_equal(rare, dense[:, :, ::stride, ::stride])


def test_strides_may_differ_between_the_axes():
    net, x = chain(conv(2, 2, 3, stride=(2, 1)), nn.MaxPool2d(2, (1, 3)), conv(2, 2, 2)), picture(1, 2, 17, 22)
    stitched, rare = both(net, x, (2, 1))
    assert np.array_equal(stitched, rare) and stitched.shape[2:] == ((17 - 7) // 2 + 1, 22 - 7 + 1)


def test_a_picture_with_fewer_dense_scores_than_shifts():
    net = chain(conv(2, 2, 3, stride=3), nn.MaxPool2d(2, 2))
    stitched, rare = both(net, picture(1, 2, 6, 8))
    assert stitched.shape == (1, 2, 1, 3) and np.array_equal(stitched, rare)


def test_pools_that_round_up_are_cut_to_whole_windows():
    def net(ceil_mode):
        mf.manual_seed(0)
        return chain(
            conv(2, 3, 3), nn.MaxPool2d(2, ceil_mode=ceil_mode), conv(3, 3, 2),
            nn.MaxPool2d(3, 2, ceil_mode=ceil_mode), conv(3, 1, 2), nn.AvgPool2d(2, ceil_mode=ceil_mode),
        )  # fmt: skip

    for size in ((31, 28), (32, 29), (33, 34)):
        x = picture(1, 2, *size)
        stitched, rare = both(net(True), x)
        assert np.array_equal(stitched, rare) and np.array_equal(stitched, shift_and_stitch(net(False), x).data)


# padding


@settings(max_examples=40, deadline=None)
@given(valid_nets(padding=True), some.integers(1, 60), some.integers(20, 60))
def test_with_padding_the_exact_cells_agree(net, h, w):
    x = picture(1, 2, h, w)
    try:
        stitched, rare = both(net, x)
    except ValueError as error:
        assert "one layer or other of this net needs" in str(error)
        reject()  # hypothesis complains where this happens often
    assert stitched.shape == rare.shape
    rows, columns = exact_cells(net, (h, w))
    assert np.array_equal(stitched[:, :, rows, columns], rare[:, :, rows, columns])


def test_padding_breaks_the_identity_above_and_on_the_left_and_nowhere_else():
    """Two layers of padding 1, the second in cells of 2 pixels: P = 3, so cells agree from 4 on. Below and on the right all agree."""
    net, x = chain(conv(2, 4, 3, padding=1), nn.MaxPool2d(2), conv(4, 2, 3, padding=1)), picture(1, 2, 30, 26)
    stitched, rare = both(net, x)
    rows, columns = exact_cells(net, (30, 26))
    assert (rows, columns) == (slice(4, 29), slice(4, 25)) and stitched.shape[2:] == (29, 25)
    differs = (stitched != rare).any((0, 1))
    assert not differs[rows, columns].any()
    assert differs[3].any() and differs[:, 3].any()  # the first exact cell is the first possible


def test_padding_after_the_last_stride_breaks_nothing():
    net, x = chain(conv(2, 4, 3), nn.MaxPool2d(2), conv(4, 2, 3, padding=1)), picture(1, 2, 30, 26)
    stitched, rare = both(net, x)
    assert np.array_equal(stitched, rare) and exact_cells(net, (30, 26)) == (slice(0, 27), slice(0, 23))


def test_padding_behind_a_pool_that_rounds_up_breaks_the_far_border_too():
    net = chain(conv(2, 4, 2), nn.MaxPool2d(2, ceil_mode=True), conv(4, 2, 3, padding=1))
    differing = 0
    for size in ((30, 26), (31, 27)):
        stitched, rare = both(net, picture(1, 2, *size))
        rows, columns = exact_cells(net, size)
        differs = (stitched != rare).any((0, 1))
        assert not differs[rows, columns].any() and rows.stop < stitched.shape[2]
        differing += differs[rows.stop :].any()
    assert differing


def test_padding_of_the_first_layer_belongs_to_the_picture():
    padded, bare = (chain(conv(2, 3, 3, padding=p), nn.MaxPool2d(2), conv(3, 2, 2)) for p in (4, 0))
    x = picture(1, 2, 14, 15)
    wide = np.pad(x, ((0, 0), (0, 0), (4, 4), (4, 4)))
    assert np.array_equal(rarefy(padded)(x).data, shift_and_stitch(bare, wide).data)
    assert not np.array_equal(rarefy(padded)(x).data, shift_and_stitch(padded, x).data)


def test_same_padding_of_an_even_kernel_keeps_its_longer_side():
    net = chain(
        conv(2, 2, 3, stride=2), conv(2, 3, (4, 2), padding="same"), nn.MaxPool2d(3, 2, padding=1), conv(3, 1, 2)
    )
    x = picture(1, 2, 44, 41)
    stitched, rare = both(net, x)
    rows, columns = exact_cells(net, (44, 41))
    assert np.array_equal(stitched[:, :, rows, columns], rare[:, :, rows, columns])
    assert stitched[:, :, rows, columns].size > 300


def test_wide_padding_of_a_rarefied_pool_is_no_pixel():
    """All negative: a zero in the border would win."""
    net, x = nn.Sequential(nn.MaxPool2d(1, 3), nn.MaxPool2d(2, 2, padding=1)), -picture(1, 1, 12, 12)
    rare = rarefy(net)(x).data
    assert rare.shape == (1, 1, 15, 15) and np.isfinite(rare).all() and rare.max() < 0
    assert np.array_equal(rare[:, :, ::6, ::6], net(x).data)


def test_average_pools_count_the_padding_as_before():
    for count in (True, False):
        net = nn.Sequential(nn.MaxPool2d(1, 2), nn.AvgPool2d(2, 2, padding=1, count_include_pad=count))
        x = picture(1, 2, 16, 18)
        assert np.array_equal(rarefy(net)(x).data[:, :, ::4, ::4], net(x).data)


# trunks


def test_squeezenet_fires_and_pools_are_dilated():
    trunk = whole_numbers(backbones.squeezenet())
    layers, x = trunk.layers_to("fire5"), picture(1, 3, 130, 121)
    for parameter in trunk.parameters():  # small, for sums of sums stay below 2^53
        parameter.data = np.sign(parameter.data)
    stitched, rare = both(layers, x, 4)
    rows, columns = exact_cells(layers, (130, 121), 4)
    inside = stitched[:, :, rows, columns]
    assert inside.size > 1000 and 0 < np.abs(inside).max() < 2**53
    assert np.array_equal(inside, rare[:, :, rows, columns])


def test_alexnet_with_normalisation_agrees_to_rounding(monkeypatch):
    monkeypatch.setattr("minifcn.nn.layers.he_normal", lambda shape: np.zeros(shape, np.float32))
    layers = backbones.alexnet("paper").layers_to("relu2")
    rng = np.random.default_rng(0)
    for parameter in nn.Sequential(*layers).parameters():
        parameter.data = rng.standard_normal(parameter.shape) / parameter[0].size ** 0.5
    layers[0].window, layers[0].options = Window((11, 11), (4, 4)), layers[0].options | {"padding": 0}
    x = rng.standard_normal((1, 3, 60, 63))
    stitched, rare = both(layers, x, 4)
    rows, columns = exact_cells(layers, (60, 63), 4)
    found, expected = stitched[:, :, rows, columns], rare[:, :, rows, columns]
    assert found.size and np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()


def test_deeplabs_trunk_and_pool5_of_stride_1(monkeypatch):
    """Stride 8: conv5 dilated by 2, fc6 by 4. Stride 16: fc6 by 2. What a cell sees stays: 404 pixels."""
    monkeypatch.setattr("minifcn.nn.layers.he_normal", lambda shape: np.zeros(shape, np.float32))
    trunk = backbones.vgg16("paper")
    for stride, conv5, fc6 in ((16, 1, 2), (8, 2, 4), (32, 1, 1)):
        rare = dict(zip(trunk.order, rarefy(trunk.layers_to("fc6"), stride).layers, strict=False))
        assert rare["conv5_1"].window.dilation == (conv5, conv5) and rare["fc6"].window.dilation == (fc6, fc6)
        assert rare["conv5_1"].window.padding == ((conv5, conv5), (conv5, conv5))
        field = Field().through(rare.values())
        assert (field.size, field.stride) == (404, stride)
        assert rare["pool5"].window.stride == ((2, 2) if stride == 32 else (1, 1))
        assert rare["conv1_1"] is trunk.conv1_1  # nothing to change


# parameters and gradients


def test_weights_are_shared_and_the_net_stays_as_it_was():
    net = chain(conv(2, 3, 2, stride=2), nn.Sequential(nn.ReLU(), conv(3, 2, 2)))
    x = picture(1, 2, 8, 9)
    before = net(x).data
    rare = rarefy(net)
    assert [id(p) for p in rare.parameters()] == [id(p) for p in net.parameters()]
    assert np.array_equal(net(x).data, before) and net[0].window.stride == (2, 2) and net[0].options["stride"] == 2
    net[0].weight.data[...] += 1
    assert np.array_equal(shift_and_stitch(net, x).data, rare(x).data)


def test_gradients_are_the_same_too():
    net = chain(conv(2, 3, 2), nn.MaxPool2d(2), nn.ReLU(), conv(3, 2, 2, stride=2))
    x, gradients = picture(1, 2, 13, 12), []
    for way in (lambda given: shift_and_stitch(net, given), lambda given: rarefy(net)(given)):
        given = mf.Tensor(x, requires_grad=True)
        net.zero_grad()
        scores = way(given)
        scores.backward(np.random.default_rng(0).integers(-3, 4, scores.shape).astype(float))
        gradients.append([given.grad, *(p.grad for p in net.parameters())])
    assert all(np.array_equal(a, b) and a.any() for a, b in zip(*gradients, strict=True))


# errors

NET = nn.Sequential(nn.Conv2d(2, 2, 3, stride=2), nn.MaxPool2d(2, 3))


class Pair(nn.Module):
    """A module of two layers, one of them with a stride: in which order, nobody can tell from outside."""

    def __init__(self):
        self.layers, self.window = [nn.Conv2d(2, 2, 1), nn.MaxPool2d(2, 2)], Window((2, 2), (1, 1))


class Mystery(nn.Module):
    pass


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: shift_and_stitch(NET, np.zeros((1, 2, 4, 9))), ValueError,
         r"^shift_and_stitch: a picture of \(4, 9\) has 4 rows, too few, and one layer or other of this net needs 5 of them; enlarge"),
            (lambda: shift_and_stitch([nn.Conv2d(2, 2, 3, 4, padding=9)], np.zeros((1, 2, 9, 3))), ValueError,
             r"^shift_and_stitch: a picture of \(9, 3\) has 3 columns, of which 3 are shifted out, and one layer or other of this net needs 1 of"),
        (lambda: shift_and_stitch(NET, np.zeros((1, 2, 9, 9)), 4), ValueError,
         r"^shift_and_stitch: stride is \(4, 4\); it must divide the total stride of the net, \(6, 6\), axis by axis"),
        (lambda: shift_and_stitch([nn.Dropout(0.5)], np.zeros((1, 2, 9, 9))), ValueError,
         r"^shift_and_stitch: dropout is active and would differ from shift to shift; call eval\(\) on the net first"),
        (lambda: shift_and_stitch(NET, np.zeros((2, 9, 9))), ValueError, r"^shift_and_stitch: input has 3 axes \(2, 9, 9\); expected 4"),
        (lambda: exact_cells(NET, (9, 9), 4), ValueError, r"^exact_cells: stride is \(4, 4\); it must divide"),
        (lambda: rarefy(NET, 3), ValueError, r"^rarefy: stride is 3; the layers of this net have strides 1, 2, 6: choose one of them"),
        (lambda: rarefy(NET, 0), ValueError, r"^rarefy: stride is 0; it must be at least 1"),
        (lambda: rarefy(backbones.tiny(width=1)), TypeError,
         r"^rarefy: got Backbone; expected an nn.Sequential or a list of layers, for example backbone.layers_to\(\"pool3\"\)"),
        (lambda: rarefy([nn.ConvTranspose2d(2, 2, 4, 2)]), ValueError,
         r"^rarefy: ConvTranspose2d upsamples, so there is no stride to remove; use the layers before it"),
        (lambda: rarefy([Mystery()]), ValueError,
         r"^rarefy: Mystery has no window, so what a cell of it sees is not known; set layer.window"),
        (lambda: rarefy([nn.MaxPool2d(2), Pair()]), ValueError,
         r"^rarefy: Pair has a MaxPool2d of stride \(2, 2\) inside; only layers in a row can lose their stride: give the parts as a list"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
