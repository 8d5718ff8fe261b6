"""The names of the networks that the authors of the paper gave away, fcn32s to fcn8s-atonce and fcn-alexnet; ports to PyTorch keep them."""

from minifcn.models.preprocessing import Preprocessing
from minifcn.pretrained.names.caffe import ALEXNET, VGG16
from minifcn.pretrained.names.table import Names

PICTURES = Preprocessing("bgr", (104.00698793, 116.66876762, 122.67891434), 1.0)
ORIGIN = "the {network} of the authors of the paper (Long, Shelhamer and Darrell 2015; unrestricted use)"

SCORES = {"score_fr": "score_fr"}
JOIN_16 = {"upscore2": "upscore_16s", "score_pool4": "score_pool4"}
JOIN_8 = {"upscore_pool4": "upscore_8s", "score_pool3": "score_pool3"}
HEADS = {
    "vgg16 fcn32s": VGG16 | SCORES | {"upscore": "upscore"},
    "vgg16 fcn16s": VGG16 | SCORES | JOIN_16 | {"upscore16": "upscore"},
    "vgg16 fcn8s": VGG16 | SCORES | JOIN_16 | JOIN_8 | {"upscore8": "upscore"},
    "vgg16 fcn8s-atonce": VGG16 | SCORES | JOIN_16 | JOIN_8 | {"upscore8": "upscore"},
    "alexnet fcn32s": ALEXNET | SCORES | {"upscore": "upscore"},
}

TABLES = tuple(
    Names(
        "the authors",
        network,
        layers,
        PICTURES,
        ORIGIN.format(network=network),
        constants={"scale_pool4": 0.01, "scale_pool3": 0.0001} if network.endswith("atonce") else {},
        order=("Pooling", "LRN") if network.startswith("alexnet") else (),
    )
    for network, layers in HEADS.items()
)
