"""The names of Caffe's public classifiers, which other formats keep: a slash is an underscore here, fire2/squeeze1x1 is fire2_squeeze1x1."""

from minifcn.models.preprocessing import DEFAULTS, Preprocessing
from minifcn.models.trunks.googlenet import INCEPTIONS
from minifcn.pretrained.names.table import Names

VGG16_CONVOLUTIONS = [
    f"conv{stage}_{number}" for stage, count in enumerate((2, 2, 3, 3, 3), 1) for number in range(1, count + 1)
]
FULL = {"fc6": "backbone.fc6", "fc7": "backbone.fc7"}
VGG16 = {name: f"backbone.{name}" for name in VGG16_CONVOLUTIONS} | FULL
ALEXNET = {f"conv{number}": f"backbone.conv{number}" for number in range(1, 6)} | FULL

WAYS = {
    "1x1": "conv1x1", "3x3_reduce": "reduce3x3", "3x3": "conv3x3", "5x5_reduce": "reduce5x5", "5x5": "conv5x5", "pool_proj": "project",
}  # fmt: skip
GOOGLENET = {
    "conv1_7x7_s2": "backbone.conv1", "conv2_3x3_reduce": "backbone.conv2_reduce", "conv2_3x3": "backbone.conv2",
    **{f"inception_{name}_{theirs}": f"backbone.inception_{name}.{ours}" for name in INCEPTIONS for theirs, ours in WAYS.items()},
    "loss3_classifier": "classifier",
}  # fmt: skip
FIRE_PARTS = ("squeeze1x1", "expand1x1", "expand3x3")
SQUEEZENET = {
    "conv1": "backbone.conv1",
    **{f"fire{number}_{part}": f"backbone.fire{number}.{part}" for number in range(2, 10) for part in FIRE_PARTS},
    "conv10": "classifier",
}

AUXILIARY = "an auxiliary classifier, of use in training alone"
ALEXNET_ORIGIN = (
    "began from {what} (Krizhevsky et al. 2012) trained on ImageNet by the authors of Caffe (unrestricted use)"
)

TABLES = (
    Names(
        "Caffe", "vgg16", VGG16 | {"fc8": "classifier"}, Preprocessing("bgr", (103.939, 116.779, 123.68), 1.0),
        "began from VGG16, trained on ImageNet by its authors (Simonyan and Zisserman 2015, Creative Commons Attribution)",
    ),
    Names(
        "Caffe", "alexnet", ALEXNET | {"fc8": "classifier"}, DEFAULTS["alexnet"], ALEXNET_ORIGIN.format(what="CaffeNet"),
        order=("Pooling", "LRN"),
    ),
    Names(
        "Caffe", "alexnet-bvlc", ALEXNET | {"fc8": "classifier"}, DEFAULTS["alexnet-bvlc"], ALEXNET_ORIGIN.format(what="AlexNet"),
        order=("LRN", "Pooling"),
    ),
    Names(
        "Caffe", "googlenet", GOOGLENET, DEFAULTS["googlenet"],
        "began from GoogLeNet (Szegedy et al. 2014) trained on ImageNet by the authors of Caffe (unrestricted use)",
        left={"loss1*": AUXILIARY, "loss2*": AUXILIARY},
    ),
    Names(
        "Caffe", "squeezenet", SQUEEZENET, DEFAULTS["squeezenet"],
        "began from SqueezeNet v1.1, trained on ImageNet by its authors (Iandola et al. 2016, BSD licence)",
    ),
)  # fmt: skip
