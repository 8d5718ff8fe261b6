"""The names of torchvision's state dicts, and of timm's where they differ. Numbers are places in nn.Sequential."""

from minifcn.models.preprocessing import DEFAULTS, TORCHVISION, Preprocessing
from minifcn.models.trunks.googlenet import INCEPTIONS
from minifcn.pretrained.names.table import Names

STAGES = (2, 2, 3, 3, 3)  # of VGG16: convolutions a stage
COUNTS = {"*num_batches_tracked": "a counter of batch norm's"}
# torchvision's, with which PyTorch's networks are trained; they take crops of pictures from 0 to 1
VGG16_ORIGIN = "began from VGG16 (Simonyan and Zisserman 2015) trained on ImageNet, as {who} gives it away"
ALEXNET_ORIGIN = "began from AlexNet (Krizhevsky 2014, one column) trained on ImageNet, as torchvision gives it away"
GOOGLENET_ORIGIN = "began from GoogLeNet (Szegedy et al. 2014) trained on ImageNet, as torchvision gives it away"
SQUEEZENET_ORIGIN = "began from SqueezeNet v1.1 (Iandola et al. 2016) trained on ImageNet, as torchvision gives it away"


def vgg16_features(layers_each: int) -> list[tuple[int, str]]:
    """(place, our layer): a convolution takes `layers_each` places with its ReLU and perhaps batch norm, a pool takes one."""
    found, place = [], 0
    for stage, count in enumerate(STAGES, start=1):
        for number in range(1, count + 1):
            found.append((place, f"conv{stage}_{number}"))
            place += layers_each
        place += 1
    return found


def vgg16(who: str, ends: dict[str, str], norm: bool, preprocessing: Preprocessing = TORCHVISION) -> Names:
    places = vgg16_features(3 if norm else 2)
    return Names(
        who,
        "vgg16",
        {f"features.{place}": f"backbone.{ours}" for place, ours in places} | ends,
        preprocessing,
        VGG16_ORIGIN.format(who=who),
        norms={f"features.{place}": f"features.{place + 1}" for place, _ in places} if norm else {},
        left=COUNTS if norm else {},
    )


TORCHVISION_ENDS = {"classifier.0": "backbone.fc6", "classifier.3": "backbone.fc7", "classifier.6": "classifier"}
TIMM_ENDS = {"pre_logits.fc1": "backbone.fc6", "pre_logits.fc2": "backbone.fc7", "head.fc": "classifier"}

ALEXNET = {
    "features.0": "backbone.conv1", "features.3": "backbone.conv2", "features.6": "backbone.conv3", "features.8": "backbone.conv4",
    "features.10": "backbone.conv5", "classifier.1": "backbone.fc6", "classifier.4": "backbone.fc7", "classifier.6": "classifier",
}  # fmt: skip

FIRES = dict(zip((3, 4, 6, 7, 9, 10, 11, 12), range(2, 10), strict=True))
SQUEEZENET = {
    "features.0": "backbone.conv1",
    **{
        f"features.{place}.{part}": f"backbone.fire{number}.{part}"
        for place, number in FIRES.items()
        for part in ("squeeze", "expand1x1", "expand3x3")
    },
    "classifier.1": "classifier",
}
SQUEEZENET = {theirs: ours.replace(".squeeze", ".squeeze1x1") for theirs, ours in SQUEEZENET.items()}

WAYS = {
    "branch1": "conv1x1", "branch2.0": "reduce3x3", "branch2.1": "conv3x3", "branch3.0": "reduce3x3b", "branch3.1": "conv3x3b",
    "branch4.1": "project",
}  # fmt: skip
BLOCKS = {
    "conv1": "conv1", "conv2": "conv2_reduce", "conv3": "conv2",
    **{f"inception{name}.{theirs}": f"inception_{name}.{ours}" for name in INCEPTIONS for theirs, ours in WAYS.items()},
}  # fmt: skip

TABLES = (
    vgg16("torchvision", TORCHVISION_ENDS, norm=False),
    vgg16("torchvision", TORCHVISION_ENDS, norm=True),
    vgg16("timm", TIMM_ENDS, norm=False),
    vgg16("timm", TIMM_ENDS, norm=True),
    Names("torchvision", "alexnet-torchvision", ALEXNET, TORCHVISION, ALEXNET_ORIGIN),
    Names("torchvision", "squeezenet", SQUEEZENET, TORCHVISION, SQUEEZENET_ORIGIN),
    Names(
        "torchvision",
        "googlenet-torchvision",
        {f"{theirs}.conv": f"backbone.{ours}" for theirs, ours in BLOCKS.items()} | {"fc": "classifier"},
        DEFAULTS["googlenet-torchvision"],
        GOOGLENET_ORIGIN,
        norms={f"{theirs}.conv": f"{theirs}.bn" for theirs in BLOCKS},
        epsilon=1e-3,
        left={**COUNTS, "aux1.*": "an auxiliary classifier, of use in training alone", "aux2.*": "an auxiliary classifier, of use in training alone"},
    ),
)  # fmt: skip
