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

# SIFT Flow's networks answer twice, from one trunk: what a thing is, 33 classes, and how it lies in space, 3 of them
SIFT_FLOW = Preprocessing("bgr", (114.578, 115.294, 108.353), 1.0)
ANSWERS = {"semantic": "sem", "geometric": "geo"}
TWICE = ("vgg16 fcn32s", "vgg16 fcn16s", "vgg16 fcn8s")

# NYUDv2's networks of more than a picture: a layer that they alone have, and what they are
MORE_THAN_A_PICTURE = {
    "conv1_1_bgrd": "the authors' network of NYUDv2's colours and depth: its first layer reads four channels, and a picture has three",
    "score_frcolor": (
        "the authors' network of NYUDv2's colours and HHA: two networks whose scores are averaged, and a model file holds one; "
        "in Python, mf.models.LateFusion is both"
    ),
}


def one_answer(network: str, head: str) -> Names:
    """One head of a network with two. The layers of a head end in _sem or _geo, those of the trunk are called as ever."""
    other = next(each for each in ANSWERS if each != head)
    name = network.split()[-1]
    return Names(
        "the authors",
        network,
        {theirs if theirs in VGG16 else f"{theirs}_{ANSWERS[head]}": ours for theirs, ours in HEADS[network].items()},
        SIFT_FLOW,
        ORIGIN.format(network=f"{name} (SIFT Flow, {head} head)"),
        left={f"*_{ANSWERS[other]}.?": f"the {other} head, which --as {name}-{other} takes"},
        head=head,
    )


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
TABLES += tuple(one_answer(network, head) for network in TWICE for head in ANSWERS)
