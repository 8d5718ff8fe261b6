"""FCN from outside: sizes, first loss, fixed and learned upsampling, batches, changes in place, and its errors."""

import math

import numpy as np
import pytest

import minifcn as mf
from minifcn.models import ARCHITECTURES, FCN, Backbone, build, fcn4s, fcn8s, fcn16s, fcn32s

from .nets import PADDINGS, STRIDES, network, picture

SIZES = [(1, 1), (1, 2), (1, 97), (33, 1), (2, 3), (7, 5), (16, 16), (31, 33), (32, 64), (63, 65), (100, 77)]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_result_has_the_size_of_the_picture(architecture, padding):
    model = build(architecture, backbone="tiny", num_classes=4, width=1, padding=padding).eval()
    for height, width in SIZES:
        with mf.no_grad():
            scores = model(picture(1, 3, height, width))
        assert scores.shape == (1, 4, height, width) and scores.dtype == np.float32


def test_every_size_from_1_to_70_with_same_padding():
    model = network(8, 2)
    for size in range(1, 71):
        with mf.no_grad():
            assert model(picture(1, 3, size, 71 - size)).shape == (1, 2, size, 71 - size)


def test_an_empty_batch_goes_through_and_back():
    model = network(8, 2)
    scores = model(picture(0, 3, 9, 8))
    assert scores.shape == (0, 2, 9, 8)
    mf.ops.softmax_cross_entropy(scores, np.zeros((0, 9, 8), int)).backward()
    assert all((p.grad == 0).all() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_first_loss_is_ln_c(architecture, padding):
    classes = 21
    model = build(architecture, backbone="tiny", num_classes=classes, width=1, padding=padding)
    x, labels = picture(2, 3, 13, 18), np.random.default_rng(0).integers(0, classes, (2, 13, 18))
    labels[0, :5] = 255
    scores = model(x)
    assert (scores.data == 0).all()
    assert mf.ops.softmax_cross_entropy(scores, labels).item() == pytest.approx(math.log(classes), rel=3e-7)
    in64 = model.astype(np.float64)(x.astype(np.float64))
    assert mf.ops.softmax_cross_entropy(in64, labels).item() == pytest.approx(3.044522437723423, rel=1e-14)


def test_at_the_first_step_only_score_layers_get_a_gradient():
    model = network(8, 3, scores=False, biases=False)
    labels = np.random.default_rng(0).integers(0, 3, (1, 20, 20))
    mf.ops.softmax_cross_entropy(model(picture(1, 3, 20, 20)), labels).backward()
    moving = {name for name, p in model.named_parameters() if p.grad is not None and (p.grad != 0).any()}
    layers = ("score_fr", "score_pool4", "score_pool3")
    assert moving == {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


@pytest.mark.parametrize("learned", [False, True])
def test_upsampling_is_fixed_or_learned(learned):
    model = network(8, 3, learn_upsampling=learned)
    ups = {name: p.data.copy() for name, p in model.named_parameters() if name.startswith("upscore")}
    assert {name: array.shape for name, array in ups.items()} == {
        "upscore_16s.weight": (3, 1, 4, 4),
        "upscore_8s.weight": (3, 1, 4, 4),
        "upscore.weight": (3, 1, 16, 16),
    }  # a kernel a channel, no matrix of channels
    optimiser = mf.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    labels = np.random.default_rng(0).integers(0, 3, (1, 20, 20))
    mf.ops.softmax_cross_entropy(model(picture(1, 3, 20, 20)), labels).backward()
    optimiser.step()
    for name, before in ups.items():
        assert np.array_equal(dict(model.named_parameters())[name].data, before) != learned, name


@pytest.mark.parametrize("padding", PADDINGS)
def test_pictures_of_a_batch_do_not_touch_each_other(padding):
    model, batch = network(8, 3, dtype=np.float64, padding=padding), picture(3, 3, 19, 23, dtype=np.float64)
    together = model(batch).data
    for index in range(3):
        np.testing.assert_allclose(together[index], model(batch[index : index + 1]).data[0], rtol=1e-12, atol=1e-13)
    batch[1] = 1e6
    changed = model(batch).data
    np.testing.assert_allclose(changed[[0, 2]], together[[0, 2]], rtol=1e-12, atol=1e-13)


def test_weights_changed_in_place_take_effect_at_once():
    model, other = network(8, 3, biases=True), network(8, 3, seed=1, biases=True)
    x = picture(1, 3, 40, 40)
    model(x)
    for parameter, value in zip(model.parameters(), other.parameters(), strict=True):
        parameter.data[...] = value.data
    np.testing.assert_array_equal(model(x).data, other(x).data)


def test_pools_round_up():
    model = network(32, 1)
    maps = {}
    x = mf.Tensor(picture(1, 3, 33, 65))
    for name, layer in model.backbone.named_layers():
        x = layer(x)
        maps[name] = x.shape[2:]
    assert [maps[f"pool{i}"] for i in range(1, 6)] == [(17, 33), (9, 17), (5, 9), (3, 5), (2, 3)]


def test_the_four_functions_and_the_names_of_the_command_line():
    for function, stride in ((fcn32s, 32), (fcn16s, 16), (fcn8s, 8), (fcn4s, 4)):
        model = function("tiny", 5, width=1, padding="paper")
        assert model.architecture == dict(
            backbone="tiny", stride=stride, num_classes=5, padding="paper", width=1, in_channels=3, at_once=False,
            learn_upsampling=False, fusion="sum",
        )  # fmt: skip
        assert [skip.source for skip in model.skips] == ["pool4", "pool3", "pool2"][: STRIDES.index(stride)]
    assert {name: build(name, backbone="tiny", width=1).architecture["stride"] for name in ARCHITECTURES} == {
        "fcn32s": 32, "fcn16s": 16, "fcn8s": 8, "fcn4s": 4, "fcn8s-atonce": 8,
    }  # fmt: skip
    assert build("fcn8s-atonce", backbone="tiny", width=1).architecture["at_once"]


def test_a_backbone_of_ones_own():
    mf.manual_seed(0)
    layers = {
        "conv1": mf.nn.Conv2d(2, 4, 3, padding=1),
        "pool1": mf.nn.AvgPool2d(2, ceil_mode=True),
        "pool2": mf.nn.MaxPool2d(2, ceil_mode=True),
        "conv2": mf.nn.Conv2d(4, 5, 1),
        "pool3": mf.nn.MaxPool2d(2, ceil_mode=True),
    }
    model = FCN(Backbone(layers, {2: "pool1", 4: "conv2", 8: "pool3"}, {"pool1": 4, "conv2": 5, "pool3": 5}), 2, 3)
    assert [(skip.stride, skip.source, skip.offset) for skip in model.skips] == [(4, "conv2", 0), (2, "pool1", 0)]
    for height, width in ((8, 8), (5, 13), (4, 7)):
        assert model(picture(2, 2, height, width)).shape == (2, 3, height, width)


def test_cells_that_lie_on_pixels_are_upsampled_by_an_odd_kernel():
    """Cells of a 3x3 convolution with stride 2 lie on pixels 0, 2, 4, …: a pixel between two gets the mean of both."""
    model = FCN(Backbone({"a": mf.nn.Conv2d(3, 4, 3, 2, 1)}, {2: "a"}, {"a": 4}), 2, 1)
    assert (model.upscore.weight.shape, model.offset) == ((1, 1, 3, 3), 0)
    scores = model.upscore(np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)).data[0, 0]
    np.testing.assert_array_equal(scores[:3, :5], [[0, 0.5, 1, 1.5, 2], [1.5, 2, 2.5, 3, 3.5], [3, 3.5, 4, 4.5, 5]])
    assert model(picture(1, 3, 8, 11)).shape == (1, 1, 8, 11)


def test_maps_that_cannot_lie_on_each_other_are_refused():
    """Cells of 9x9 windows without padding begin at pixel 4: the first three rows would be without scores."""
    with pytest.raises(ValueError, match="crop: the maps start -3 cells apart"):
        FCN(Backbone({"a": mf.nn.Conv2d(3, 4, 9, 2)}, {2: "a"}, {"a": 4}), 2, 3)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: FCN("resnet"), "FCN: unknown backbone 'resnet'; choose one of tiny, vgg16"),
        (lambda: FCN("tiny", 8, 3, padding="valid"), "FCN: padding is 'valid'; expected one of same, paper"),
        (lambda: FCN("tiny", 2, 3, width=1), "FCN: stride is 2; this backbone has maps of stride 32, 16, 8, 4"),
        (lambda: FCN("tiny", 8, 0, width=1), "FCN: num_classes is 0; expected an integer of at least 1"),
        (lambda: FCN("tiny", 8, 3, width=0), "tiny: width is 0; expected at least 1 channel"),
        (lambda: FCN("vgg16", 8, 3, width=16), "vgg16: width is 16; VGG16 starts with 64 channels"),
        (lambda: FCN("tiny", 8, 3, width=1, class_names=["a", "b"]), "FCN: 2 class names for 3 classes"),
        (
            lambda: build("fcn2s", backbone="tiny"),
            r"unknown architecture 'fcn2s': did you mean fcn32s\? Choose one of fcn32s, fcn16s",
        ),
        (lambda: network()(picture(3, 9, 9)), r"FCN: input has shape \(3, 9, 9\); expected pictures"),
        (lambda: network()(picture(1, 3, 0, 9)), r"FCN: input has shape \(1, 3, 0, 9\)"),
        (
            lambda: network()(picture(1, 4, 9, 9)),
            r"FCN: input has 4 channels \(1, 4, 9, 9\), and this network takes 3; expected \(N, channels, H, W\): build one with in_channels=4",
        ),
        (
            lambda: network()(picture(1, 9, 8, 3)),
            r"FCN: input has 9 channels .* takes 3; .*: the channels stand last: give x.transpose\(0, 3, 1, 2\)",
        ),
        (lambda: FCN("tiny", 8, "3"), "FCN: num_classes is '3'; expected an integer"),
        (lambda: FCN("tiny", "8", 3), "FCN: stride is '8'; this backbone has"),
        (lambda: FCN("tiny", 8, 3, width="4"), "tiny: width is '4'; expected"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_pictures_of_whole_numbers_or_another_dtype_are_refused():
    with pytest.raises(TypeError, match="conv2d: input has dtype uint8; expected float32 or float64"):
        network()(np.zeros((1, 3, 9, 9), np.uint8))
    with pytest.raises(TypeError, match="conv2d: mixed dtypes"):
        network()(np.zeros((1, 3, 9, 9)))


def test_class_names():
    assert network(8, 2).class_names == ("class 0", "class 1")
    assert network(8, 2, class_names=iter(["cat", "dog"])).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: FCN("tiny", 8, 2, width=1, class_names="ab"), "FCN: class_names is 'ab'; expected a list of strings"),
        (
            lambda: FCN("tiny", 8, 2, width=1, class_names=[1, 2]),
            r"FCN: class_names is \[1, 2\]; expected a list of strings",
        ),
        (
            lambda: FCN("tiny", 8, 2, width=1, learn_upsampling="x"),
            "FCN: learn_upsampling is 'x'; expected True or False",
        ),
        (lambda: FCN("tiny", 8, 2, width=1, at_once="x"), "FCN: at_once is 'x'; expected True or False"),
        (lambda: FCN(None, 8, 2), "FCN: backbone is a NoneType; expected a Backbone or its name, such as tiny"),
    ],
)
def test_what_is_of_another_kind(make, message):
    with pytest.raises(TypeError, match=message):
        make()
