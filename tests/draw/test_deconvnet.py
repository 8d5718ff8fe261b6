"""Zeiler & Fergus's deconvnet against loops, against PyTorch's unpooling written out layer by layer, and on a real net."""

import needs
import numpy as np
import oracles
import pytest
from twins import MISSING, F, torch

import minifcn as mf
from minifcn import nn
from minifcn.draw.networks.deconvnet import (
    COLOURS,
    GAP,
    TEXT,
    TILE,
    Projection,
    deconvnet,
    deconvnet_sheet,
    grey_signal,
    project,
    strongest,
)
from minifcn.models import FCN, Preprocessing
from minifcn.models.preprocessing import DEFAULTS
from minifcn.models.trunks.backbones import squeezenet, tiny
from minifcn.models.trunks.squeezenet import Fire

SQUEEZENET = needs.DATA / "squeezenet11"
PLAIN = Preprocessing("rgb", (0.0, 0.0, 0.0), 1.0)


def photo(height=23, width=27, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def in_float64(net, seed=0):
    rng = np.random.default_rng(seed)
    for parameter in net.parameters():
        parameter.data = rng.standard_normal(parameter.shape) / max(1, parameter.size // len(parameter)) ** 0.5
    return net


def carried_back(layers, x, channel, cell):
    """(projection, plain gradient), the second through the engine alone."""
    net = nn.Sequential(*layers).eval()
    results = []
    for way in ("deconvnet", "gradient"):
        given = mf.Tensor(x, requires_grad=True)
        maps = net(given)
        if way == "deconvnet":
            results.append(project(maps, given, channel, cell))
        else:
            start = np.zeros(maps.shape)
            start[0, channel][cell] = maps.data[0, channel][cell]
            maps.backward(start)
            results.append(given.grad)
    return results


def test_one_convolution_draws_its_filter():
    net = in_float64(nn.Sequential(nn.Conv2d(3, 4, 3, stride=2)))
    result = deconvnet(net, 0, photo(), cell=(4, 5), preprocessing=PLAIN)
    expected = np.zeros((23, 27, 3))
    expected[8:11, 10:13] = result.value * net[0].weight.data[result.channel].transpose(1, 2, 0)
    assert result.value > 0 and np.allclose(result.signal, expected, rtol=1e-12, atol=1e-12)
    assert result.box == (8, 10, 11, 13)


def test_without_relu_it_is_the_gradient_exactly():
    layers = in_float64(nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(4, 6, 3, padding=2, groups=2, dilation=2), nn.AvgPool2d(2)
    )).layers  # fmt: skip
    signal, gradient = carried_back(layers, np.random.default_rng(1).standard_normal((1, 3, 23, 26)), 3, (1, 2))
    assert signal.any() and np.array_equal(signal, gradient)


def test_in_plain_loops():
    """conv, ReLU, 2x2 pool, conv, ReLU: up by loops, back by unpooling, rectifying and transposed filters in loops."""
    net = in_float64(nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2), nn.ReLU()))
    x = np.random.default_rng(2).standard_normal((1, 2, 10, 9))
    first, last = net[0], net[3]
    below = np.maximum(oracles.conv2d(x, first.weight.data, first.bias.data), 0)
    pooled, switches = oracles.max_pool2d_with_indices(below, 2)
    top = np.maximum(oracles.conv2d(pooled, last.weight.data, last.bias.data), 0)
    channel, cell = 1, (1, 1)
    assert top[0, channel][cell] > 0
    start = np.zeros_like(top)
    start[0, channel][cell] = top[0, channel][cell]
    signal = oracles.conv_transpose2d(np.maximum(start, 0), last.weight.data)
    signal = np.maximum(oracles.max_unpool2d(signal, switches, 2, output_size=below.shape[2:]), 0)
    expected = oracles.conv_transpose2d(signal, first.weight.data)
    found, gradient = carried_back(net.layers, x, channel, cell)
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert not np.allclose(found, gradient)  # ReLU's own rule would have been another


if torch is not None:

    def up_and_back(layers, x, channel, cell):
        """The deconvnet in PyTorch, layer by layer: a list of ways back, walked from the top."""
        way = []

        def conv(x, layer):
            options = {key: layer.options[key] for key in ("stride", "padding", "groups", "dilation")}
            weight = torch.from_numpy(layer.weight.data)

            def back(signal, shape=x.shape):
                return torch.nn.grad.conv2d_input(shape, weight, signal, **options)

            return F.conv2d(x, weight, torch.from_numpy(layer.bias.data), **options), back

        def rectified(signal):
            return signal.clamp(min=0)

        def pool(x, layer):
            kernel, stride = layer.window.kernel, layer.window.stride
            y, places = F.max_pool2d(
                x, kernel, stride, layer.options["padding"], 1, layer.ceil_mode, return_indices=True
            )

            def back(signal, shape=x.shape):
                flat = torch.zeros(*shape[:2], shape[2] * shape[3], dtype=torch.float64)
                return flat.scatter_add(2, places.flatten(2), signal.flatten(2)).reshape(shape)

            return y, back

        def fire(x, layer):
            squeezed, back_squeeze = conv(x, layer.squeeze1x1)
            squeezed = squeezed.clamp(min=0)
            ones, back_ones = conv(squeezed, layer.expand1x1)
            threes, back_threes = conv(squeezed, layer.expand3x3)

            def back(signal):
                one, three = signal.clamp(min=0).chunk(2, 1)
                return back_squeeze((back_ones(one) + back_threes(three)).clamp(min=0))

            return torch.cat([ones, threes], 1).clamp(min=0), back

        y = torch.from_numpy(x)
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                y, back = conv(y, layer)
            elif isinstance(layer, nn.ReLU):
                y, back = y.clamp(min=0), rectified
            elif isinstance(layer, nn.MaxPool2d):
                y, back = pool(y, layer)
            elif isinstance(layer, Fire):
                y, back = fire(y, layer)
            elif isinstance(layer, nn.LocalResponseNorm):
                # PyTorch's own, with the same division of alpha by size
                y, back = (
                    F.local_response_norm(y, layer.options["size"], layer.options["alpha"], layer.options["beta"]),
                    lambda s: s,
                )
            else:
                back = lambda s: s  # noqa: E731
            way.append(back)
        signal = torch.zeros_like(y)
        signal[0, channel, cell[0], cell[1]] = y[0, channel, cell[0], cell[1]]
        for back in way[::-1]:
            signal = back(signal)
        return y.numpy(), signal.numpy()


@pytest.mark.skipif(torch is None, reason=MISSING)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_trunk_layers_are_what_pytorch_makes_of_them(ceil_mode):
    layers = in_float64(nn.Sequential(
        nn.Conv2d(3, 8, 5, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=ceil_mode), nn.LocalResponseNorm(5),
        Fire(8, 4, 6), nn.MaxPool2d(3, 2, ceil_mode=ceil_mode), nn.Conv2d(12, 8, 3, 1, 2, 2, groups=2), nn.ReLU(), nn.Dropout(0.5),
    )).layers  # fmt: skip
    x = np.random.default_rng(4).standard_normal((1, 3, 44, 39))
    maps = nn.Sequential(*layers).eval()(x).data
    firing = [channel for channel in range(8) if maps[0, channel].max() > 0]
    assert len(firing) >= 4
    for channel in firing:
        cell = np.unravel_index(maps[0, channel].argmax(), maps.shape[2:])
        expected_maps, expected = up_and_back(layers, x, channel, cell)
        found, gradient = carried_back(layers, x, channel, cell)
        assert np.allclose(maps, expected_maps, rtol=1e-10, atol=1e-12)
        assert np.abs(found - expected).max() <= 1e-11 * np.abs(expected).max()
        assert np.abs(found - gradient).max() > 1e-3 * np.abs(expected).max()


# what comes back


def test_the_strongest_is_found_and_its_field_holds_all_of_the_signal():
    mf.manual_seed(0)
    trunk, picture = tiny(width=4), photo(64, 80)
    result = deconvnet(trunk, "pool2", picture, preprocessing=Preprocessing())
    with mf.no_grad():
        maps = nn.Sequential(*trunk.layers_to("pool2"))(Preprocessing()(picture)).data
    assert result.value == pytest.approx(float(maps.max()), rel=1e-6)
    assert maps[0, result.channel][result.cell] == maps.max()
    top, left, bottom, right = result.box
    outside = result.signal.copy()
    outside[top:bottom, left:right] = 0
    assert not outside.any() and result.signal.any()
    assert (bottom - top, right - left) <= (10, 10) and result.signal.shape == (64, 80, 3)


def test_strongest_lists_channels_by_their_peaks():
    mf.manual_seed(1)
    model = FCN("tiny", 32, 2, width=4)
    rows = strongest(model, "pool3", photo(64, 64), 3)
    with mf.no_grad():
        peaks = (
            nn.Sequential(*model.backbone.layers_to("pool3"))(model.preprocessing(photo(64, 64))).data[0].max((1, 2))
        )
    assert [row.channel for row in rows] == list(np.argsort(-peaks)[:3])
    assert [row.value for row in rows] == pytest.approx(sorted(peaks, reverse=True)[:3])


def test_bgr_models_are_drawn_in_rgb():
    net = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False))
    net[0].weight.data[0, :, 0, 0] = 1, 2, 3  # blue, green, red
    result = deconvnet(net, 0, photo(), preprocessing=Preprocessing("bgr", (0.0, 0.0, 0.0), 1.0))
    red, green, blue = result.signal[result.cell] / result.value
    assert (red, green, blue) == pytest.approx((3, 2, 1))


def test_the_model_is_left_as_it_was():
    mf.manual_seed(0)
    model = FCN("tiny", 32, 2, width=4)
    model.backbone.drop6.p = 0.9
    first = next(model.parameters())
    first.grad = np.ones(first.shape, np.float32)
    one, other = (deconvnet(model, "drop6", photo(64, 64)) for _ in range(2))
    assert np.array_equal(one.signal, other.signal)  # dropout was off
    assert all(module.training for module in model.modules())
    assert (first.grad == 1).all() and all(p.grad is None for p in list(model.parameters())[1:])
    assert all(p.requires_grad for p in model.backbone.parameters())
    with pytest.raises(ValueError):
        deconvnet(model, "drop6", photo(64, 64), 999)
    assert model.training and first.requires_grad


def test_cells_that_look_at_padding_are_not_chosen():
    """With 100 pixels of padding most cells of conv1_1 see none of a small picture; the biases make them fire all the same."""
    mf.manual_seed(0)
    trunk = tiny("paper", width=2)
    trunk.conv1_1.weight.data[...] = -0.01
    trunk.conv1_1.bias.data[...] = 100
    result = deconvnet(trunk, "relu1_1", photo(12, 14), preprocessing=PLAIN)
    assert (
        99 <= result.cell[0] < 99 + 12 and 99 <= result.cell[1] < 99 + 14
    )  # 198 rows and columns of padding, 2 of them lost


def test_errors():
    trunk, net = tiny(width=2), nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
    options = dict(preprocessing=PLAIN)
    net[0].weight.data[0], net[0].weight.data[1] = 1, -1
    for call, error, message in (
        (lambda: deconvnet(trunk, "pool1", photo()), ValueError, "deconvnet: a trunk does not know how its pictures are prepared; give"),
        (lambda: deconvnet(trunk, "pool9", photo(), **options), ValueError, "deconvnet: there is no layer 'pool9'; the trunk has conv1_1, "),
        (lambda: deconvnet(net, 2, photo(), **options), ValueError, "deconvnet: there is no layer 2; the Sequential has layers 0 to 1"),
        (lambda: deconvnet(nn.ReLU(), 0, photo(), **options), TypeError, "deconvnet: got ReLU; expected an FCN, a Backbone or an nn.S"),
        (lambda: deconvnet(net, 1, photo(), 2, **options), ValueError, "deconvnet: channel is 2; layer 1 has channels 0 to 1"),
        (lambda: deconvnet(net, 1, photo(), cell=(23, 0), **options), ValueError, r"deconvnet: cell is \(23, 0\); layer 1 is 23 x 27"),
        (lambda: deconvnet(net, 1, photo(), 1, **options), ValueError, r"deconvnet: channel 1 of layer 1 is 0 at \(0, 0\), so there is"),
        (lambda: deconvnet(net, 1, photo()[None], **options), ValueError, r"deconvnet: picture has shape \(1, 23, 27, 3\); expected one"),
        (lambda: deconvnet_sheet([]), ValueError, "deconvnet_sheet: there is nothing to draw; give a list of projections for each layer"),
        (lambda: deconvnet_sheet([[]]), ValueError, "deconvnet_sheet: there is nothing to draw"),
    ):  # fmt: skip
        with pytest.raises(error, match=f"^{message}"):
            call()


# the drawing


def projection(box=(10, 20, 40, 50), channel=3, value=1.5):
    signal = np.zeros((60, 80, 3))
    signal[10:40, 20:50] = 1
    signal[10:25, 20:50] = -1
    return Projection("pool3", channel, (1, 2), value, box, np.full((60, 80, 3), 77, np.uint8), signal)


def test_a_signal_is_grey_where_it_is_zero_and_clipped_where_few_points_are_bright():
    assert (
        grey_signal(projection())[0, 0].tolist() == [0, 0, 0] and grey_signal(projection())[-1, 0].tolist() == [255] * 3
    )
    still = projection()._replace(signal=np.zeros((60, 80, 3)))
    assert (grey_signal(still) == 128).all()
    ramp = projection()
    ramp.signal[10, 20] = 1000  # one point of 900
    assert grey_signal(ramp)[-1, 0].tolist() == [255] * 3 and grey_signal(ramp)[0, 0].tolist() == [255] * 3


def test_the_sheet_has_a_row_a_layer_and_signal_above_picture():
    sheet = deconvnet_sheet([[projection(), projection(channel=4)], [projection()]])
    line, photograph = 2 * TEXT, 2 * TILE + GAP
    assert sheet.size == (photograph + GAP + 2 * (TILE + GAP), 2 * (photograph + line + GAP))
    pixels = np.asarray(sheet)
    left = photograph + GAP
    assert pixels[line + 10, left + 10].tolist() == [0, 0, 0]  # the negative half
    assert pixels[line + TILE - 10, left + 10].tolist() == [255] * 3
    assert pixels[line + TILE + GAP + 10, left + 10].tolist() == [77] * 3
    second_row = photograph + line + GAP
    assert (pixels[second_row:, left + TILE + GAP :] == 255).all()  # one channel only
    colour = [int(COLOURS[0][place : place + 2], 16) for place in (1, 3, 5)]
    framed = (pixels[line : line + photograph, :photograph] == colour).all(2)
    scale = photograph / 80
    rows, columns = np.flatnonzero(framed.any(1)), np.flatnonzero(framed.any(0))
    assert np.allclose((rows[0], rows[-1] + 1, columns[0], columns[-1] + 1), scale * np.array([10, 40, 20, 50]), atol=3)


@pytest.mark.skipif(not SQUEEZENET.exists(), reason=needs.SQUEEZENET)
def test_the_real_net_draws_the_eye_of_the_cat():
    """Channel 217 of fire5 fires at the cat's left eye, whose pupil lies at about row 92, column 120 of 227: looked at, not computed."""
    from PIL import Image

    weights = {name: array.astype(np.float32) for name, array in np.load(SQUEEZENET / "squeezenet_v1.1.npz").items()}
    trunk = squeezenet("paper")
    trunk.conv1 = nn.Conv2d(3, 64, 3, stride=2)  # as it was trained, without padding
    for name, parameter in trunk.named_parameters():
        layer, _, kind = name.rpartition(".")
        parameter.data[...] = weights[f"{layer.replace('.', '_')}_{'W' if kind == 'weight' else 'b'}"]
    photograph = np.asarray(Image.open(SQUEEZENET / "cat.jpeg").convert("RGB").resize((227, 227)))
    result = deconvnet(trunk, "fire5", photograph, 217, preprocessing=DEFAULTS["squeezenet"])
    strength = (result.signal**2).sum(2)
    rows, columns = np.indices(strength.shape)
    middle = (rows * strength).sum() / strength.sum(), (columns * strength).sum() / strength.sum()
    assert np.hypot(middle[0] - 92, middle[1] - 120) < 12
    near = np.hypot(rows - 92, columns - 120) < 25
    assert strength[near].sum() > 0.8 * strength.sum()
