"""Files as others publish them, with random numbers: names and shapes from the papers and the published files, written by hand."""

import numpy as np

from . import proto

INCEPTIONS = {
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64), "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64), "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128), "5b": (832, 384, 192, 384, 48, 128, 128),
}  # fmt: skip
CONVOLUTION, DROPOUT, FULL, LRN, POOL, RELU, DECONVOLUTION = 4, 6, 14, 15, 17, 18, 39  # V1LayerParameter.LayerType
WORDS = {4: "Convolution", 6: "Dropout", 14: "InnerProduct", 15: "LRN", 17: "Pooling", 18: "ReLU", 39: "Deconvolution"}


def squeezenet():
    """[(layer, kind, shape of its weight)], in Caffe's names."""
    layers, channels = [("conv1", CONVOLUTION, (64, 3, 3, 3)), ("pool1", POOL, None)], 64
    widths = (16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)
    for number, (squeeze, expand) in enumerate(widths, start=2):
        layers += [
            (f"fire{number}/squeeze1x1", CONVOLUTION, (squeeze, channels, 1, 1)),
            (f"fire{number}/expand1x1", CONVOLUTION, (expand, squeeze, 1, 1)),
            (f"fire{number}/expand3x3", CONVOLUTION, (expand, squeeze, 3, 3)),
        ]
        channels = 2 * expand
    return [*layers, ("conv10", CONVOLUTION, (1000, 512, 1, 1))]


def googlenet():
    layers = [
        ("conv1/7x7_s2", CONVOLUTION, (64, 3, 7, 7)), ("pool1/3x3_s2", POOL, None), ("pool1/norm1", LRN, None),
        ("conv2/3x3_reduce", CONVOLUTION, (64, 64, 1, 1)), ("conv2/3x3", CONVOLUTION, (192, 64, 3, 3)),
    ]  # fmt: skip
    for name, (channels, one, reduced3, three, reduced5, five, pooled) in INCEPTIONS.items():
        layers += [
            (f"inception_{name}/1x1", CONVOLUTION, (one, channels, 1, 1)),
            (f"inception_{name}/3x3_reduce", CONVOLUTION, (reduced3, channels, 1, 1)),
            (f"inception_{name}/3x3", CONVOLUTION, (three, reduced3, 3, 3)),
            (f"inception_{name}/5x5_reduce", CONVOLUTION, (reduced5, channels, 1, 1)),
            (f"inception_{name}/5x5", CONVOLUTION, (five, reduced5, 5, 5)),
            (f"inception_{name}/pool_proj", CONVOLUTION, (pooled, channels, 1, 1)),
        ]
        if name == "4a":
            layers += [("loss1/conv", CONVOLUTION, (128, 512, 1, 1)), ("loss1/classifier", FULL, (1000, 1024))]
    return [*layers, ("loss3/classifier", FULL, (1000, 1024))]


def alexnet(norm_first=False):
    behind = [("norm{}", LRN), ("pool{}", POOL)] if norm_first else [("pool{}", POOL), ("norm{}", LRN)]
    layers = []
    for number, shape in enumerate([(96, 3, 11, 11), (256, 48, 5, 5)], start=1):
        layers += [(f"conv{number}", CONVOLUTION, shape), *[(name.format(number), kind, None) for name, kind in behind]]
    layers += [
        ("conv3", CONVOLUTION, (384, 256, 3, 3)),
        ("conv4", CONVOLUTION, (384, 192, 3, 3)),
        ("conv5", CONVOLUTION, (256, 192, 3, 3)),
    ]
    return [*layers, ("fc6", FULL, (4096, 9216)), ("fc7", FULL, (4096, 4096)), ("fc8", FULL, (1000, 4096))]


def vgg16():
    layers, channels = [], 3
    for stage, (count, width) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1):
        for number in range(1, count + 1):
            layers.append((f"conv{stage}_{number}", CONVOLUTION, (width, channels, 3, 3)))
            channels = width
    return [*layers, ("fc6", FULL, (4096, 25088)), ("fc7", FULL, (4096, 4096)), ("fc8", FULL, (1000, 4096))]


def fcn(kind, classes=21):
    """The authors' networks: fcn32s, fcn16s, fcn8s, fcn8s-atonce, on VGG16 with fc6 and fc7 as convolutions."""
    layers = [row for row in vgg16() if row[0] not in ("fc6", "fc7", "fc8")]
    layers += [
        ("fc6", CONVOLUTION, (4096, 512, 7, 7)),
        ("fc7", CONVOLUTION, (4096, 4096, 1, 1)),
        ("score_fr", CONVOLUTION, (classes, 4096, 1, 1)),
    ]
    up = lambda name, side: (name, DECONVOLUTION, (classes, classes, side, side))  # noqa: E731
    if kind == "fcn32s":
        return [*layers, up("upscore", 64)]
    layers += [up("upscore2", 4), ("score_pool4", CONVOLUTION, (classes, 512, 1, 1))]
    if kind == "fcn16s":
        return [*layers, up("upscore16", 32)]
    return [*layers, up("upscore_pool4", 4), ("score_pool3", CONVOLUTION, (classes, 256, 1, 1)), up("upscore8", 16)]


def bilinear(side):
    """The authors' upsample_filt: 1 in the middle, falling to the sides."""
    factor = (side + 1) // 2
    center = factor - 1 if side % 2 else factor - 0.5
    line = 1 - np.abs(np.arange(side) - center) / factor
    return np.outer(line, line).astype(np.float32)


def numbers(layers, seed=0, bias=True):
    """{layer: [weight, bias]}: random, He-normal, so that scores are about 1; upsampling is diagonal and has no bias."""
    rng, found = np.random.default_rng(seed), {}
    for name, kind, shape in layers:
        if shape is None:
            continue
        if kind == DECONVOLUTION:
            weight = np.zeros(shape, np.float32)
            weight[range(shape[0]), range(shape[0])] = bilinear(shape[2])
            found[name] = [weight]
            continue
        weight = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:])))
        found[name] = [weight, 0.1 * rng.standard_normal(shape[0], np.float32)]
    return found


def caffemodel(layers, arrays, form="new"):
    """The bytes of a .caffemodel. `form`: "new" LayerParameter and shapes; "old" V1LayerParameter and four sides; "oldest", and one
    whose numbers are "loose", not packed."""
    parts = [proto.block(1, "a test")]
    for name, kind, _ in layers:
        blobs = arrays.get(name, [])
        if form == "new":
            parts.append(proto.layer(name, WORDS[kind], [proto.blob(blob) for blob in blobs]))
        elif form == "oldest":
            parts.append(
                proto.oldest_layer(
                    name, {LRN: "lrn", POOL: "pool"}.get(kind, "conv"), [proto.blob(blob, "old") for blob in blobs]
                )
            )
        else:
            made = [proto.blob(blob, "old", packed=form != "loose") for blob in blobs]
            parts.append(proto.old_layer(name, kind, made))
    return b"".join(parts)
