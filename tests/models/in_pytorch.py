"""The networks once more, in plain calls of torch.nn.functional. `p[name]` are weights under our names; sizes and crops are written out."""

import numpy as np
from twins import F, torch

import minifcn as mf


def conv(x, p, name, **options):
    return F.relu(F.conv2d(x, p[f"backbone.{name}.weight"], p[f"backbone.{name}.bias"], **options))


def pool2x2(x):
    return F.max_pool2d(x, 2, 2, ceil_mode=True)


def pool3x3(x, padding):
    return F.max_pool2d(x, 3, 2, ceil_mode=True) if padding == "paper" else F.max_pool2d(x, 3, 2, padding=1)


def norm(x):
    return F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)


# Each trunk: picture -> {stride: map}. Dropout is off.


def vgg(x, p, padding, convolutions):
    maps = {}
    for stage, count in enumerate(convolutions, start=1):
        for number in range(1, count + 1):
            border = 100 if padding == "paper" and (stage, number) == (1, 1) else 1
            x = conv(x, p, f"conv{stage}_{number}", padding=border)
        x = maps[2**stage] = pool2x2(x)
    x = conv(x, p, "fc6", padding=0 if padding == "paper" else 3)
    maps[32] = conv(x, p, "fc7")
    return maps


def vgg16(x, p, padding):
    return vgg(x, p, padding, (2, 2, 3, 3, 3))


def tiny(x, p, padding):
    return vgg(x, p, padding, (1, 1, 1, 1, 1))


def alexnet(x, p, padding):
    x = conv(x, p, "conv1", stride=4, padding=100 if padding == "paper" else 5)
    first = x = norm(pool3x3(x, padding))
    x = conv(x, p, "conv2", padding=2, groups=2)
    second = x = norm(pool3x3(x, padding))
    x = conv(x, p, "conv3", padding=1)
    x = conv(x, p, "conv4", padding=1, groups=2)
    x = conv(x, p, "conv5", padding=1, groups=2)
    x = pool3x3(x, padding)
    x = x if padding == "paper" else F.pad(x, (2, 3, 2, 3))  # a 6x6 window: 5 more, the odd one at the end
    x = conv(x, p, "fc6")
    return {32: conv(x, p, "fc7"), 16: second, 8: first}


def alexnet_bvlc(x, p, padding):
    x = conv(x, p, "conv1", stride=4, padding=100 if padding == "paper" else 5)
    first = x = pool3x3(norm(x), padding)
    x = conv(x, p, "conv2", padding=2, groups=2)
    second = x = pool3x3(norm(x), padding)
    x = conv(x, p, "conv3", padding=1)
    x = conv(x, p, "conv4", padding=1, groups=2)
    x = conv(x, p, "conv5", padding=1, groups=2)
    return {32: full(pool3x3(x, padding), p, padding), 16: second, 8: first}


def alexnet_torchvision(x, p, padding):
    x = conv(x, p, "conv1", stride=4, padding=100 if padding == "paper" else 5)
    first = x = pool3x3(x, padding)
    second = x = pool3x3(conv(x, p, "conv2", padding=2), padding)
    for number in (3, 4, 5):
        x = conv(x, p, f"conv{number}", padding=1)
    return {32: full(pool3x3(x, padding), p, padding), 16: second, 8: first}


def full(x, p, padding):
    x = x if padding == "paper" else F.pad(x, (2, 3, 2, 3))  # a 6x6 window: 5 more, the odd one at the end
    return conv(conv(x, p, "fc6"), p, "fc7")


def inception(x, p, name):
    small = conv(x, p, f"{name}.conv1x1")
    medium = conv(conv(x, p, f"{name}.reduce3x3"), p, f"{name}.conv3x3", padding=1)
    large = conv(conv(x, p, f"{name}.reduce5x5"), p, f"{name}.conv5x5", padding=2)
    pooled = conv(F.max_pool2d(x, 3, 1, padding=1), p, f"{name}.project")
    return torch.cat([small, medium, large, pooled], 1)


def googlenet(x, p, padding):
    x = conv(x, p, "conv1", stride=2, padding=100 if padding == "paper" else 3)
    x = norm(pool3x3(x, padding))
    x = conv(x, p, "conv2_reduce")
    fourth = x = norm(conv(x, p, "conv2", padding=1))
    x = pool3x3(x, padding)
    for name in ("3a", "3b"):
        x = inception(x, p, f"inception_{name}")
    eighth, x = x, pool3x3(x, padding)
    for name in ("4a", "4b", "4c", "4d", "4e"):
        x = inception(x, p, f"inception_{name}")
    sixteenth, x = x, pool3x3(x, padding)
    for name in ("5a", "5b"):
        x = inception(x, p, f"inception_{name}")
    return {32: x, 16: sixteenth, 8: eighth, 4: fourth}


def inception_of_3x3(x, p, name):
    small = conv(x, p, f"{name}.conv1x1")
    medium = conv(conv(x, p, f"{name}.reduce3x3"), p, f"{name}.conv3x3", padding=1)
    other = conv(conv(x, p, f"{name}.reduce3x3b"), p, f"{name}.conv3x3b", padding=1)
    pooled = conv(F.max_pool2d(x, 3, 1, padding=1), p, f"{name}.project")
    return torch.cat([small, medium, other, pooled], 1)


def googlenet_torchvision(x, p, padding):
    x = conv(x, p, "conv1", stride=2, padding=100 if padding == "paper" else 3)
    x = conv(pool3x3(x, padding), p, "conv2_reduce")
    fourth = x = conv(x, p, "conv2", padding=1)
    x = pool3x3(x, padding)
    for name in ("3a", "3b"):
        x = inception_of_3x3(x, p, f"inception_{name}")
    eighth, x = x, pool3x3(x, padding)
    for name in ("4a", "4b", "4c", "4d", "4e"):
        x = inception_of_3x3(x, p, f"inception_{name}")
    sixteenth, x = x, pool2x2(x)
    for name in ("5a", "5b"):
        x = inception_of_3x3(x, p, f"inception_{name}")
    return {32: x, 16: sixteenth, 8: eighth, 4: fourth}


def fire(x, p, name):
    x = conv(x, p, f"{name}.squeeze1x1")
    return torch.cat([conv(x, p, f"{name}.expand1x1"), conv(x, p, f"{name}.expand3x3", padding=1)], 1)


def squeezenet(x, p, padding):
    x = pool3x3(conv(x, p, "conv1", stride=2, padding=100 if padding == "paper" else 1), padding)
    fourth = x = fire(fire(x, p, "fire2"), p, "fire3")
    x = pool3x3(x, padding)
    eighth = x = fire(fire(x, p, "fire4"), p, "fire5")
    x = pool3x3(x, padding)
    for number in (6, 7, 8, 9):
        x = fire(x, p, f"fire{number}")
    return {16: x, 8: eighth, 4: fourth}


def squeezenet32(x, p, padding):
    maps = squeezenet(x, p, padding)
    return {32: pool3x3(maps[16], padding), **maps}


def squeezenet_fc(x, p, padding, dropout=0.0):
    maps = squeezenet32(x, p, padding)
    x = conv(maps[32], p, "fc6_reduce")
    x = F.dropout(conv(x, p, "fc6", padding=1 if padding == "paper" else 3), dropout)
    return {**maps, 32: F.dropout(conv(x, p, "fc7"), dropout)}


TRUNKS = {f.__name__: f for f in (tiny, vgg16, alexnet, googlenet, squeezenet, squeezenet32)}
TRUNKS["squeezenet-fc"] = squeezenet_fc
TRUNKS |= {f.__name__.replace("_", "-"): f for f in (alexnet_bvlc, alexnet_torchvision, googlenet_torchvision)}

# names of the maps that skips read, by stride
VGG_SOURCES = {16: "pool4", 8: "pool3", 4: "pool2"}
SQUEEZENET_SOURCES = {8: "fire5", 4: "fire3"}
SOURCES = {
    "tiny": VGG_SOURCES,
    "vgg16": VGG_SOURCES,
    "alexnet": {16: "norm2", 8: "norm1"},
    "googlenet": {16: "inception_4e", 8: "inception_3b", 4: "norm2"},
    "alexnet-bvlc": {16: "pool2", 8: "pool1"},
    "alexnet-torchvision": {16: "pool2", 8: "pool1"},
    "googlenet-torchvision": {16: "inception_4e", 8: "inception_3b", 4: "relu2"},
    "squeezenet": SQUEEZENET_SOURCES,
    "squeezenet32": {16: "fire9", **SQUEEZENET_SOURCES},
    "squeezenet-fc": {16: "fire9", **SQUEEZENET_SOURCES},
}


# Upsampling of a network: (kernel, padding, output padding) and the crop, of the skip at each stride and of the last step


def after_pools_2x2(padding, stride):
    """VGG. Crops 5, 9, 19, 27 and 31 are the reference's; it has no 4s: 17 and 33 follow as the others do."""
    if padding == "paper":
        crop = {32: 19, 16: 27, 8: 31, 4: 33}[stride]
        return {16: (4, 0, 0, 5), 8: (4, 0, 0, 9), 4: (4, 0, 0, 17)}, (2 * stride, 0, 0, crop)
    return {16: (4, 1, 0, 0), 8: (4, 1, 0, 0), 4: (4, 1, 0, 0)}, (2 * stride, stride // 2, 0, 0)


def after_pools_3x3(padding, stride, crop):
    """GoogLeNet and SqueezeNet: a coarse cell lies on a fine one, so the maps begin together and only the last crop is left."""
    if padding == "paper":
        return {16: (3, 0, 0, 0), 8: (3, 0, 0, 0), 4: (3, 0, 0, 0)}, (2 * stride - 1, 0, 0, crop)
    return {16: (3, 1, 1, 0), 8: (3, 1, 1, 0), 4: (3, 1, 1, 0)}, (2 * stride - 1, stride - 1, stride - 1, 0)


def of_alexnet(padding, stride):
    """Crop 18 is the reference's, for 32s; fc6 of 6x6 moves the coarsest map by half a cell."""
    if padding == "paper":
        return {16: (3, 0, 0, 5), 8: (3, 0, 0, 10)}, (2 * stride - 1, 0, 0, 18)
    last = (63, 15, 0, 0) if stride == 32 else (2 * stride - 1, stride - 1, stride - 1, 0)
    return {16: (3, 0, 0, 0), 8: (3, 1, 1, 0)}, last


def of_googlenet_torchvision(padding, stride):
    """pool4 is 2x2, so a cell of stride 32 lies between two of stride 16, 8 pixels from where a pool of 3x3 would put it."""
    finer = (3, 0, 0, 0) if padding == "paper" else (3, 1, 1, 0)
    skips = {16: (4, 1, 0, 0), 8: finer, 4: finer}
    if stride == 32:
        return skips, (63, 0, 0, 98 + 8) if padding == "paper" else (63, 31 - 8, 31 - 16, 0)
    return skips, (2 * stride - 1, 0, 0, 98) if padding == "paper" else (2 * stride - 1, stride - 1, stride - 1, 0)


def of_squeezenet_fc(padding, stride):
    """fc6 of 7x7 with a border of 1 begins two cells of 32 pixels later than pool9."""
    if padding == "paper":
        return {16: (3, 0, 0, 4), 8: (3, 0, 0, 8), 4: (3, 0, 0, 16)}, (2 * stride - 1, 0, 0, 36)
    return after_pools_3x3(padding, stride, 0)


UPSAMPLING = {
    "tiny": after_pools_2x2,
    "vgg16": after_pools_2x2,
    "alexnet": of_alexnet,
    "googlenet": lambda padding, stride: after_pools_3x3(padding, stride, 98),
    "alexnet-bvlc": of_alexnet,
    "alexnet-torchvision": of_alexnet,
    "googlenet-torchvision": of_googlenet_torchvision,
    "squeezenet": lambda padding, stride: after_pools_3x3(padding, stride, 100),
    "squeezenet32": lambda padding, stride: after_pools_3x3(padding, stride, 100),
    "squeezenet-fc": of_squeezenet_fc,
}


def score(x, p, name):
    return F.conv2d(x, p[f"{name}.weight"], p[f"{name}.bias"])


def upsample(x, p, name, factor, around, more):
    weight = p[f"{name}.weight"]
    return F.conv_transpose2d(x, weight, None, factor, around, more, groups=len(weight))


def scores(x, p, backbone, padding, stride, **options):
    """The FCN of `backbone` and `stride`: picture (N, C, H, W) -> scores (N, classes, H, W)."""
    height, width = x.shape[2:]
    skips, last = UPSAMPLING[backbone](padding, stride)
    maps = TRUNKS[backbone](x, p, padding, **options)
    y = score(maps[max(maps)], p, "score_fr")
    for finer in (16, 8, 4):
        if stride <= finer < max(maps):
            kernel, around, more, offset = skips[finer]
            assert p[f"upscore_{finer}s.weight"].shape[2:] == (kernel, kernel)
            y = upsample(y, p, f"upscore_{finer}s", 2, around, more)
            skip = score(maps[finer], p, f"score_{SOURCES[backbone][finer]}")[:, :, offset:, offset:]
            rows, columns = min(y.shape[2], skip.shape[2]), min(y.shape[3], skip.shape[3])
            y = y[:, :, :rows, :columns] + skip[:, :, :rows, :columns]
    kernel, around, more, crop = last
    assert p["upscore.weight"].shape[2:] == (kernel, kernel)
    y = upsample(y, p, "upscore", stride, around, more)
    return y[:, :, crop : crop + height, crop : crop + width]


def random_network(backbone, stride, padding, *, classes=2, seed=0, **options):
    """An FCN whose biases and score layers are random too, dropout off."""
    mf.manual_seed(seed)
    rng = np.random.default_rng([seed, 1])
    model = mf.models.FCN(backbone, stride, classes, padding=padding, **options)
    for name, parameter in model.named_parameters():
        if name.startswith("score_") or name.endswith("bias"):
            parameter.data[...] = 0.3 * rng.standard_normal(parameter.shape)
    return model.eval()
