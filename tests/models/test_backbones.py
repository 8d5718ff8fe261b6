"""What all trunks share: padding as trained, as in the reference and to keep sizes; one width; any picture. And AlexNet."""

import pytest

import minifcn as mf
from minifcn.models import BACKBONES, FCN
from minifcn.models.geometry import Field
from minifcn.models.preprocessing import DEFAULTS
from minifcn.models.summary import rows
from minifcn.nn import Conv2d
from minifcn.nn.initialisers import undrawn

from .nets import PADDINGS, parameter_sizes, picture


def trunk(name, padding, **options):
    with undrawn():
        return BACKBONES[name](padding, **options)


def sizes_of(backbone, side):
    """{layer: rows of its map} of a real run on one square picture."""
    sizes, x = {}, picture(1, 3, side, side)
    with mf.no_grad():
        for name, layer in backbone.named_layers():
            x = layer(x)
            assert x.shape[2] == x.shape[3]
            sizes[name] = x.shape[2]
    return sizes


# sizes in the papers and in the models that their authors gave away
TRAINED = {
    "vgg16": (224, {"conv1_2": 224, "pool1": 112, "pool2": 56, "pool3": 28, "pool4": 14, "pool5": 7, "fc6": 1, "fc7": 1}),
    "alexnet": (227, {"conv1": 55, "pool1": 27, "conv2": 27, "pool2": 13, "conv5": 13, "pool5": 6, "fc6": 1, "fc7": 1}),
    "googlenet": (224, {"conv1": 112, "pool1": 56, "conv2": 56, "pool2": 28, "inception_3b": 28, "pool3": 14,
                        "inception_4e": 14, "pool4": 7, "inception_5b": 7, "drop5": 7}),
    "squeezenet": (227, {"conv1": 113, "pool1": 56, "fire3": 56, "pool3": 28, "fire5": 28, "pool5": 14, "fire9": 14}),
    "squeezenet32": (227, {"fire9": 14, "pool9": 7}),
    "squeezenet-fc": (227, {"fire9": 14, "pool9": 7, "fc6": 3, "fc7": 3}),
    "tiny": (224, {"pool1": 112, "pool5": 7, "fc6": 1}),
    "alexnet-bvlc": (227, {"conv1": 55, "norm1": 55, "pool1": 27, "conv2": 27, "norm2": 27, "pool2": 13, "conv5": 13, "pool5": 6, "fc6": 1}),
    "alexnet-torchvision": (224, {"conv1": 55, "pool1": 27, "conv2": 27, "pool2": 13, "conv5": 13, "pool5": 6, "fc6": 1, "fc7": 1}),
    "googlenet-torchvision": (224, {"conv1": 112, "pool1": 56, "conv2": 56, "pool2": 28, "inception_3b": 28, "pool3": 14,
                                    "inception_4e": 14, "pool4": 7, "inception_5b": 7, "drop5": 7}),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKBONES)
def test_sizes_as_it_was_trained(name):
    side, expected = TRAINED[name]
    sizes = sizes_of(trunk(name, "trained"), side)
    assert {layer: sizes[layer] for layer in expected} == expected


def layer_settings(backbone):
    return {
        name: {**layer.options, "kernel": layer.window.kernel}
        for name, layer in backbone.named_layers()
        if hasattr(layer, "options") and hasattr(layer, "window")
    }


@pytest.mark.parametrize("name", BACKBONES)
def test_paper_is_trained_with_100_pixels_at_the_first_convolution(name):
    trained, paper = (layer_settings(trunk(name, padding)) for padding in ("trained", "paper"))
    first = next(iter(trained))
    assert paper[first].pop("padding") == 100 and trained[first].pop("padding") in (0, 1, 2, 3)
    assert paper == trained


@pytest.mark.parametrize("name", BACKBONES)
def test_parameters_have_the_same_names_and_shapes_under_every_padding(name):
    shapes = [
        {key: parameter.shape for key, parameter in trunk(name, padding).named_parameters()}
        for padding in ("trained", "paper", "same")
    ]
    assert shapes[0] == shapes[1] == shapes[2]


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("padding", ["SAME", "valid", None])
def test_a_padding_that_there_is_not(name, padding):
    message = f"backbone: padding is {padding!r}; expected one of trained, paper, same"
    with pytest.raises(ValueError, match=message):
        BACKBONES[name](padding)


def test_an_fcn_is_not_padded_as_it_was_trained():
    with pytest.raises(ValueError, match="FCN: padding is 'trained'; expected one of same, paper"):
        FCN("tiny", 32, 2, padding="trained")


@pytest.mark.parametrize(
    "backbone, channels",
    [
        ("squeezenet", 64),
        ("squeezenet32", 64),
        ("squeezenet-fc", 64),
        ("alexnet", 96),
        ("googlenet", 64),
        ("alexnet-bvlc", 96),
        ("alexnet-torchvision", 64),
        ("googlenet-torchvision", 64),
    ],
)
def test_they_have_one_width(backbone, channels):
    message = f'{backbone}: width is 8; it starts with {channels} channels, choose backbone "tiny" for another width'
    with pytest.raises(ValueError, match=message):
        FCN(backbone, 16, 2, width=8)
    assert trunk(backbone, "same", width=channels).conv1.weight.shape[0] == channels


@pytest.mark.parametrize("name", BACKBONES)
def test_a_fourth_input_channel(name):
    convolutions = [
        [layer.weight.shape for layer in trunk(name, "same", in_channels=count).modules() if isinstance(layer, Conv2d)]
        for count in (3, 4)
    ]
    three, four = convolutions
    assert (three[0][1], four[0][1]) == (3, 4) and three[1:] == four[1:]


@pytest.mark.parametrize(
    "backbone, missing, strides",
    [("squeezenet", 32, "16, 8, 4"), ("alexnet", 4, "32, 16, 8"), ("googlenet", 2, "32, 16, 8, 4")],
)
def test_a_stride_that_a_backbone_has_not(backbone, missing, strides):
    with undrawn(), pytest.raises(ValueError, match=f"stride is {missing}; this backbone has maps of stride {strides}"):
        FCN(backbone, missing, 2)


@pytest.mark.parametrize("name", BACKBONES)
def test_heads_lie_where_they_say(name):
    for padding in ("trained", "paper", "same"):
        backbone = trunk(name, padding)
        with mf.no_grad():
            maps = backbone(picture(1, 3, 230, 230))
        for stride, source in backbone.heads.items():
            assert Field().through(backbone.layers_to(source)).stride == stride
            assert maps[source].shape[1] == backbone.channels[source]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("backbone", [name for name in BACKBONES if name not in ("tiny", "vgg16")])
def test_every_pixel_of_any_picture_is_scored(backbone, padding):
    with undrawn():
        strides = BACKBONES[backbone]().heads
        for stride in strides:
            model = FCN(backbone, stride, 2, padding=padding).eval()
            for size in ((1, 1), (2, 5), (37, 50)):
                with mf.no_grad():
                    assert model(picture(1, 3, *size)).shape == (1, 2, *size)
                assert rows(model, size)[-1].shape == (1, 2, *size)


def test_every_backbone_has_its_preprocessing():
    assert set(DEFAULTS) == set(BACKBONES)
    assert FCN("squeezenet32", 32, 2).preprocessing == FCN("squeezenet", 16, 2).preprocessing
    # the values that GoogLeNet's authors' replication in Caffe was trained with: blue, green, red
    assert DEFAULTS["googlenet"] == ("bgr", (104.0, 117.0, 123.0), 1.0)


def test_alexnet_as_in_table_1_and_in_the_reference():
    with undrawn():
        model = FCN("alexnet", 32, 21, padding="paper")
    assert parameter_sizes(model, without=["upscore"]) == 56_954_261  # 57 M
    assert Field().through(model.backbone.layers_to("fc6")).size == 355
    assert (model.offset, model.upscore.weight.shape) == (18, (21, 1, 63, 63))
    sizes = {row.name: row.shape[2] for row in rows(model, (500, 500))}
    expected = {"conv1": 173, "pool1": 86, "pool2": 43, "pool5": 21, "fc6": 16, "upscore": 543, "score": 500}
    assert {name: sizes[name] for name in expected} == expected


def test_torchvision_s_networks_are_as_large_as_it_says():
    """61,100,840 and 6,624,904 parameters, of which batch norm's second pair, folded here, are 2 x 7,280 fewer and biases 7,280 more."""
    from minifcn.models.classifiers import HeatMap

    with undrawn():
        alexnet, googlenet = (HeatMap(f"{name}-torchvision") for name in ("alexnet", "googlenet"))
    assert parameter_sizes(alexnet) == 61_100_840
    channels = sum(
        p.size for name, p in googlenet.named_parameters() if name.startswith("backbone") and name.endswith("bias")
    )
    assert channels == 7_280 and parameter_sizes(googlenet) == 6_624_904 - channels
    assert Field().through(googlenet.backbone.layers_to("inception_5b")).size == 379
