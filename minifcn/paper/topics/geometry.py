"""Section 3, and the reference model's numbers: layers compose by a law, crops follow from it, and a network takes pictures of any size."""

from collections.abc import Iterable
from functools import cache

import numpy as np

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.models import geometry
from minifcn.models.fcn import FCN
from minifcn.models.trunks.backbones import BACKBONES, Backbone, vgg
from minifcn.nn.initialisers import undrawn
from minifcn.paper.claims import Outcome, Setting, claim

HEIGHTS = range(1, 1301)
# of the reference model; its name for a crop, ours, and how many pixels it cuts off. Its pool4 and pool3 are cropped before they are joined
REFERENCE = {
    ("VGG16", 32): {"score": 19},
    ("VGG16", 16): {"fuse_pool4": 5, "score": 27},
    ("VGG16", 8): {"fuse_pool4": 5, "fuse_pool3": 9, "score": 31},
    ("AlexNet", 32): {"score": 18},
}
STRIDES = {"VGG16": (32, 16, 8), "AlexNet": (32, 16, 8), "SqueezeNet": (16, 8, 4), "GoogLeNet": (32, 16, 8)}
LEAST = {
    ("VGG16", 32): (97, 81),
    ("VGG16", 16): (97, 73),
    ("VGG16", 8): (97, 69),
}  # worked out from Caffe's coord_map.py
# Table 1 for the last layer; the others from Caffe's rules for windows, by hand
FIELDS = {
    "VGG16": {"pool3": 44, "pool4": 100, "pool5": 212, "fc6": 404},
    "AlexNet": {"pool1": 19, "pool2": 67, "pool5": 195, "fc6": 355},
}
SIZES = ((1, 1), (1, 9), (5, 3), (31, 33), (47, 101))


def thin(trunk: Backbone) -> Backbone:
    """The same windows over one channel: where pixels land depends on nothing else, and it costs nothing."""
    layers = {}
    for name, layer in trunk.named_layers():
        if isinstance(layer, nn.Conv2d):
            layer = nn.Conv2d(1, 1, layer.window.kernel, **layer.options | {"groups": 1})
        layers[name] = layer
    return Backbone(layers, trunk.heads, dict.fromkeys(trunk.channels, 1))


@cache
def trunk(name: str, padding: str) -> Backbone:
    """The trunk of a network of STRIDES; VGG16 and AlexNet, which are large, with one channel a layer."""
    if name == "VGG16":
        return vgg((2, 2, 3, 3, 3), (1,) * 5, 1, 0.0, padding, 1)
    with undrawn():  # where pixels land does not depend on weights
        real = BACKBONES[name.lower()](padding)
    return thin(real) if name == "AlexNet" else real


def networks() -> Iterable[tuple[str, int, FCN]]:
    """Every network of STRIDES as the reference pads it."""
    for name, strides in STRIDES.items():
        for stride in strides:
            yield name, stride, FCN(trunk(name, "paper"), stride, 2, padding="paper")


def composed(outer: np.ndarray, inner: np.ndarray, inner_stride: int) -> np.ndarray:
    """The kernel (O, C, k, k) of the one convolution that does what `inner` and then `outer` do."""
    kernel, _ = geometry.compose((outer.shape[2], 1), (inner.shape[2], inner_stride))
    result = np.zeros((outer.shape[0], inner.shape[1], kernel, kernel))
    for y in range(outer.shape[2]):
        for x in range(outer.shape[3]):
            part = np.einsum("om,mcyx->ocyx", outer[:, :, y, x], inner)
            top, left = y * inner_stride, x * inner_stride
            result[:, :, top : top + inner.shape[2], left : left + inner.shape[3]] += part
    return result


@claim(
    "composition",
    "3",
    "Two layers with (kernel, stride) (k', s') and then (k, s) are one layer with (k' + (k-1)s', ss'); a whole net is one window, "
    "VGG16's of 404 pixels every 32.",
)
def composition(setting: Setting) -> Outcome:
    """Two convolutions against one, two max pools against one, on random integers; then the law folded over whole trunks."""
    rng = np.random.default_rng(setting.seeds[0])
    pairs = [(1, 1), (2, 2), (3, 1), (3, 2), (5, 3), (2, 1)]
    table, wrong, tried = [("f (kernel, stride)", "g (kernel, stride)", "f after g", "equal")], 0, 0
    for outer in pairs:
        for inner in pairs:
            kernel, stride = geometry.compose(outer, inner)
            x = rng.integers(-9, 10, (2, 2, kernel + 3 * stride, kernel + 2 * stride + 1)).astype(np.float64)
            f, g = (
                rng.integers(-4, 5, (o, c, k, k)).astype(np.float64) for o, c, k in ((3, 4, outer[0]), (4, 2, inner[0]))
            )
            one = ops.conv2d(x, composed(f, g, inner[1]), stride=stride)
            equal = same(ops.conv2d(ops.conv2d(x, g, stride=inner[1]), f, stride=outer[1]), one)
            if inner[0] >= inner[1]:  # else g leaves gaps, over which a larger maximum would look
                two = ops.max_pool2d(ops.max_pool2d(x, *inner), *outer)
                equal = equal and same(two, ops.max_pool2d(x, kernel, stride))
            wrong, tried = wrong + (not equal), tried + 1
            table.append((str(outer), str(inner), str((kernel, stride)), "yes" if equal else "no"))
    whole = {
        name: geometry.folded(trunk(name, "paper").layers_to(last))
        for name, last in (("VGG16", "fc6"), ("AlexNet", "fc6"))
    }
    holds = not wrong and whole == {"VGG16": (404, 32), "AlexNet": (355, 32)}
    return Outcome(
        holds,
        f"{tried - wrong} of {tried} pairs of convolutions and of max pools give exactly the numbers of the one layer; folded up to fc6 "
        f"VGG16 is {whole['VGG16']}, AlexNet {whole['AlexNet']} (Table 1: 404 and 355, stride 32)",
        table,
    )


def same(one: Tensor, other: Tensor) -> bool:
    return bool(np.array_equal(one.data, other.data))


@claim("crops", "4.2, reference model", "The reference crops by 19, by 5 and 27, by 5, 9 and 31, AlexNet by 18.")
def crops(setting: Setting) -> Outcome:
    """Derived from kernels, strides and paddings alone, against the numbers written in the reference's files."""
    table, right = [("network", "crop", "derived", "reference")], []
    for name, stride, model in networks():
        for crop, derived in geometry.crops(model).items():
            expected = REFERENCE.get((name, stride), {}).get(crop)
            table.append((f"{name} FCN-{stride}s", crop, str(derived), "none" if expected is None else str(expected)))
            right += [] if expected is None else [derived == expected]
    agree = f"{sum(right)} of the reference's {sum(map(len, REFERENCE.values()))} crops come out of the layers alone"
    return Outcome(len(right) == sum(map(len, REFERENCE.values())) and all(right), agree, table)


@claim(
    "every-height", "4.2, reference model", "With 100 pixels of padding the crops work for every height from 1 to 1300."
)
def every_height(setting: Setting) -> Outcome:
    """By arithmetic: each map's size for each height. The slack is what a crop leaves over."""
    table, misfits = [("network", "crop", "slack, least", "slack, most")], 0
    for name, stride, model in networks():
        maps = geometry.maps_of(model)
        found = [geometry.crops_fit(maps, height) for height in HEIGHTS]
        misfits += sum(not each.fits for each in found)
        for crop in found[0].slack:
            slack = [each.slack[crop] for each in found]
            table.append((f"{name} FCN-{stride}s", crop, str(min(slack)), str(max(slack))))
    count = sum(map(len, STRIDES.values()))
    return Outcome(
        misfits == 0,
        f"{misfits} of {count * len(HEIGHTS):,} pairs of network and height do not fit ({count} networks, heights 1 to {HEIGHTS[-1]}); "
        "a join's slack below 0 only cuts the coarse map by as much",
        table,
    )


@claim(
    "least-padding",
    "4.2, reference model",
    "The reference's 100 pixels could be 97: then a picture of 1x1 still gives a cell of fc6.",
)
def least_padding(setting: Setting) -> Outcome:
    """The least padding for a 1x1 picture and for crops of at least 0; VGG16's run with 97 pixels and with 96."""
    table, found = [("network", "for a 1x1 picture", "for a crop of at least 0")], {}
    for name, stride, model in networks():
        least = found[name, stride] = tuple(geometry.least_padding(model))
        table.append((f"{name} FCN-{stride}s", str(least[0]), str(least[1])))
    one_pixel = found["VGG16", 32][0]
    runs = [reaches(one_pixel), not reaches(one_pixel - 1)]
    holds = all(found[key] == expected for key, expected in LEAST.items()) and all(runs)
    return Outcome(
        holds,
        f"VGG16 needs {one_pixel} pixels for a picture of 1x1 (run: fc6 {'has' if runs[0] else 'lacks'} a cell with {one_pixel} and "
        f"{'has none' if runs[1] else 'has one'} with {one_pixel - 1}), {found['VGG16', 32][1]} for the crop of its 32s; "
        f"AlexNet {found['AlexNet', 32][0]} and {found['AlexNet', 32][1]}",
        table,
    )


def reaches(padding: int) -> bool:
    """Whether VGG16 with so much padding runs on one pixel and gives a cell of fc6."""
    layers = dict(trunk("VGG16", "paper").named_layers())
    layers["conv1_1"] = nn.Conv2d(1, 1, 3, padding=padding)
    try:
        with no_grad():
            return geometry.run_to(layers, "fc6", np.ones((1, 1, 1, 1), np.float32)).shape[2:] == (1, 1)
    except ValueError:
        return False


def opened(trunk: Backbone) -> dict[str, nn.Module]:
    """Positive weights and average pools: what a cell can see, it does see."""
    layers = {}
    for name, layer in trunk.named_layers():
        if isinstance(layer, nn.MaxPool2d):
            layer = nn.AvgPool2d(
                *(layer.options[option] for option in ("kernel_size", "stride", "padding", "ceil_mode"))
            )
        if isinstance(layer, nn.Conv2d):
            layer = nn.Conv2d(1, 1, layer.window.kernel, **layer.options).astype(np.float64)
            layer.weight.data[...] = 1 / layer.weight.size
            layer.weight.requires_grad = False
        layers[name] = layer
    return layers


def pixels_that_change(
    layers: dict[str, nn.Module], name: str, cell: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """bool (H, W): where the gradient of one cell with respect to the picture is not zero."""
    x = Tensor(np.ones((1, 1, *size)), requires_grad=True)
    y = geometry.run_to(layers, name, x)
    cotangent = np.zeros(y.shape)
    cotangent[0, 0, cell[0], cell[1]] = 1
    y.backward(cotangent)
    assert x.grad is not None
    return x.grad[0, 0] != 0


@claim("receptive-fields", "4.1, Table 1", "A cell of VGG16's last layer sees 404 pixels, of AlexNet's 355.")
def receptive_fields(setting: Setting) -> Outcome:
    """The gradient of single cells, in the middle and in the corner: not zero exactly on the pixels that geometry names."""
    table: list[tuple[str, ...]] = [
        ("network", "layer", "sees, by arithmetic", "pixels with a gradient", "in the corner")
    ]
    right, wide = [], []
    for name, expected in FIELDS.items():
        layers = opened(trunk(name, "paper"))
        for layer, side in expected.items():
            size = (side + 40, side + 33)
            count, field = geometry.sizes(layers, size)[layer], geometry.field_of(layers, layer)
            # the first cell that sees no padding; and the first of all that sees the picture
            inner = -(-((field.size - 1) / 2 - field.centre) // field.stride)
            corner = max(0, -((field.centre + (field.size - 1) / 2) // field.stride))
            measured = []
            for number in (int(inner), int(corner)):
                cell = (min(number, count[0] - 1), min(number, count[1] - 1))
                rows, columns = geometry.seen(layers, layer, *cell, size)
                mask = np.zeros(size, bool)
                mask[rows.start : rows.stop, columns.start : columns.stop] = True
                found = pixels_that_change(layers, layer, cell, size)
                right.append(bool(np.array_equal(found, mask)))
                measured.append(f"{found.any(1).sum()} x {found.any(0).sum()}")
            wide.append(measured[0] == f"{side} x {side}" and field.size == side)
            table.append((name, layer, f"{field.size} x {field.size}", *measured))
    return Outcome(
        all(right) and all(wide),
        f"the gradients of {sum(right)} of {len(right)} cells are not zero exactly on the pixels worked out for them: "
        f"{table[4][3]} for fc6 of VGG16, {table[-1][3]} for AlexNet's (Table 1: 404 and 355)",
        table,
    )


@claim(
    "any-size", "3", "A fully convolutional network takes a picture of any size and answers with a map of that size."
)
def any_size(setting: Setting) -> Outcome:
    """Run on pictures from 1x1 on; every map is also held against the size that geometry gives for it."""
    rng, right = np.random.default_rng(setting.seeds[0]), []
    table = [("network", "padding", "picture", "scores", "maps as foretold")]
    for name, strides in STRIDES.items():
        for padding in ("same", "paper"):
            model = FCN(trunk(name, padding), strides[-1], 2, padding=padding).eval()
            channels = next(model.parameters()).shape[1]
            for size in SIZES:
                x = rng.standard_normal((1, channels, *size)).astype(np.float32)
                foretold = geometry.sizes(model, size)
                with no_grad():
                    maps = geometry.run_all(model, x)
                    scores = model(x)
                agree = sum(maps[each].shape[2:] == foretold[each] for each in foretold)
                right.append(scores.shape == (1, 2, *size) and agree == len(foretold) == len(maps))
                answer = "{}x{}".format(*scores.shape[2:])
                network, picture = f"{name} FCN-{strides[-1]}s", f"{size[0]}x{size[1]}"
                table.append((network, padding, picture, answer, f"{agree} of {len(foretold)}"))
    return Outcome(
        all(right),
        f"{sum(right)} of {len(right)} runs gave scores of the picture's size, from 1x1 to {SIZES[-1][0]}x{SIZES[-1][1]}, and every map in them "
        "had the size worked out for it",
        table,
    )
