"""Wrong answers to the exercises of lesson 11, and words of the hint that each must get."""

import numpy as np


def spread(weight, s, rows, columns, step):
    result = np.zeros((*weight.shape[:2], rows, columns))
    result[:, :, :: step[0], :: step[1]] = weight
    return result


def filter_exchanged(weight, s):
    kh, kw = weight.shape[2:]
    right = spread(weight, s, s * (kh - 1) + 1, s * (kw - 1) + 1, (s, s))
    return right.swapaxes(2, 3) if kh == kw else right


def filter_repeated(weight, s):
    return weight.repeat(s, 2).repeat(s, 3)


def filter_zeros_behind(weight, s):
    kh, kw = weight.shape[2:]
    return spread(weight, s, s * kh, s * kw, (s, s))


def filter_one_axis(weight, s):
    kh, kw = weight.shape[2:]
    return spread(weight, s, s * (kh - 1) + 1, kw, (s, 1))


def filter_filled(weight, s):
    kh, kw = weight.shape[2:]
    return weight.repeat(s, 2).repeat(s, 3)[:, :, : s * (kh - 1) + 1, : s * (kw - 1) + 1]


def strides_of(layers):
    return [stride for _, stride in layers]


def layers_own_stride(layers):
    return [(kernel, 1, int(np.prod(strides_of(layers)[: n + 1]))) for n, (kernel, _) in enumerate(layers)]


def layers_last_stride(layers):
    return [(kernel, 1, layers[n - 1][1] if n else 1) for n, (kernel, _) in enumerate(layers)]


def layers_strides_left(layers):
    return [(kernel, stride, int(np.prod(strides_of(layers)[:n]))) for n, (kernel, stride) in enumerate(layers)]


def layers_pools_as_they_are(layers):
    product = [int(np.prod(strides_of(layers)[:n])) for n in range(len(layers))]
    return [(kernel, 1, product[n] if stride == 1 else 1) for n, (kernel, stride) in enumerate(layers)]


def layers_larger_kernels(layers):
    product = [int(np.prod(strides_of(layers)[:n])) for n in range(len(layers))]
    return [(d * (kernel - 1) + 1, 1, d) for (kernel, _), d in zip(layers, product, strict=True)]


def runs(network, x, f, field):
    rows, columns = (length - field + 1 for length in x.shape[2:])
    parts = {}
    for i in range(min(f, rows)):
        for j in range(min(f, columns)):
            parts[i, j] = network(x[:, :, i:, j:])
    return empty(x, field), parts


def stitch_repeats(network, x, f, field):
    rows, columns = (length - field + 1 for length in x.shape[2:])
    return network(x).repeat(f, 2).repeat(f, 3)[:, :, :rows, :columns]


def stitch_exchanged(network, x, f, field):
    dense, parts = runs(network, x, f, field)
    for (i, j), part in parts.items():
        target = dense[:, :, j::f, i::f]
        h, w = min(part.shape[2], target.shape[2]), min(part.shape[3], target.shape[3])
        target[:, :, :h, :w] = part[:, :, :h, :w]
    return dense


def stitch_blocks(network, x, f, field):
    dense, parts = runs(network, x, f, field)
    size = min(f, dense.shape[2]), min(f, dense.shape[3])
    rows = [np.concatenate([parts[i, j] for j in range(size[1])], 3) for i in range(size[0])]
    return np.concatenate(rows, 2)


def stitch_whole_multiples(network, x, f, field):
    dense, parts = runs(network, x, f, field)
    h, w = (length // f * f for length in dense.shape[2:])
    for (i, j), part in parts.items():
        dense[:, :, i::f, j::f] = part
    return dense[:, :, :h, :w]


def empty(x, field):
    return np.zeros((len(x), 3, *(length - field + 1 for length in x.shape[2:])))


def stitch_all_shifts(network, x, f, field):
    dense = empty(x, field)
    for i in range(f):
        for j in range(f):
            dense[:, :, i::f, j::f] = network(x[:, :, i:, j:])
    return dense


def stitch_one_row_of_shifts(network, x, f, field):
    dense, parts = runs(network, x, f, field)
    for (i, j), part in parts.items():
        if i == 0:
            dense[:, :, i::f, j::f] = part
    return dense


def stitch_window_by_window(network, x, f, field):
    dense = empty(x, field)
    for i in range(dense.shape[2]):
        for j in range(dense.shape[3]):
            dense[:, :, i, j] = network(x[:, :, i : i + field, j : j + field])[:, :, 0, 0]
    return dense


def filter_s_zeros_between(weight, s):
    kh, kw = weight.shape[2:]
    spread = np.zeros((*weight.shape[:2], (s + 1) * (kh - 1) + 1, (s + 1) * (kw - 1) + 1))
    spread[:, :, :: s + 1, :: s + 1] = weight
    return spread


def filter_scaled(weight, s):
    kh, kw = weight.shape[2:]
    spread = np.zeros((*weight.shape[:2], s * (kh - 1) + 1, s * (kw - 1) + 1))
    spread[:, :, ::s, ::s] = weight * s * s
    return spread


WRONG = [
    ("rarefied_filter", filter_exchanged, "rows and columns of the filter are exchanged"),
    ("rarefied_filter", filter_repeated, "you repeat the taps"),
    ("rarefied_filter", filter_zeros_behind, "zeros after the last tap"),
    ("rarefied_filter", filter_one_axis, "along one axis only"),
    ("rarefied_filter", filter_filled, "taps stand where zeros belong"),
    ("rarefied_layers", layers_own_stride, "own stride does not spread its own taps"),
    ("rarefied_layers", layers_last_stride, "all strides before a layer multiply"),
    ("rarefied_layers", layers_strides_left, "a stride is left"),
    ("rarefied_layers", layers_pools_as_they_are, "pools are spread like convolutions"),
    ("rarefied_layers", layers_larger_kernels, "the kernel's size stays"),
    ("shift_and_stitch", stitch_repeats, "only repeated"),
    ("shift_and_stitch", stitch_exchanged, "shifts are exchanged"),
    ("shift_and_stitch", stitch_blocks, "in the wrong places"),
    ("shift_and_stitch", stitch_whole_multiples, "whole multiples of f"),
    ("shift_and_stitch", stitch_all_shifts, "leaves no whole window"),
    ("shift_and_stitch", stitch_one_row_of_shifts, "rows stay empty"),
    ("shift_and_stitch", stitch_window_by_window, "one a shift, not one a window"),
    ("rarefied_filter", filter_s_zeros_between, "there are s - 1"),
    ("rarefied_filter", filter_scaled, "no number changes"),
]
