"""Wrong answers to the exercises of lesson 08, and words of the hint that each must get."""

import numpy as np

import minifcn as mf


def field_stride_first(layers):
    size, total = 1, 1
    for kernel, stride, dilation in layers:
        total *= stride
        size += dilation * (kernel - 1) * total
    return size, total


def field_without_dilation(layers):
    size, total = 1, 1
    for kernel, stride, _ in layers:
        size += (kernel - 1) * total
        total *= stride
    return size, total


def field_in_cells(layers):
    size, total = 1, 1
    for kernel, stride, dilation in layers:
        size += dilation * (kernel - 1)
        total *= stride
    return size, total


def field_as_product(layers):
    return int(np.prod([kernel for kernel, _, _ in layers])), int(np.prod([stride for _, stride, _ in layers]))


def field_last_stride(layers):
    return field_right(layers)[0], layers[-1][1] if layers else 1


def field_right(layers):
    size, total = 1, 1
    for kernel, stride, dilation in layers:
        size += dilation * (kernel - 1) * total
        total *= stride
    return size, total


def field_exchanged(layers):
    return field_right(layers)[::-1]


def field_starts_at_zero(layers):
    size, total = field_right(layers)
    return size - 1, total


def seen_forward(layers, cell):
    first = last = cell
    for kernel, stride, padding in layers:
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


def seen_without_padding(layers, cell):
    return seen_right([(kernel, stride, 0) for kernel, stride, _ in layers], cell)


def seen_one_too_far(layers, cell):
    first, last = seen_right(layers, cell)
    return first, last + 1


def seen_begin_only(layers, cell):
    first, last = seen_right(layers, cell)
    return first, last - 1


def seen_cut(layers, cell):
    first, last = seen_right(layers, cell)
    return max(first, 0), last


def seen_right(layers, cell):
    first = last = cell
    for kernel, stride, padding in reversed(layers):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


def measured(net, shape, cell, pictures, everything=False):
    many = np.random.default_rng(0).standard_normal((pictures, *shape[1:])).astype(np.float32)
    x = mf.Tensor(many, requires_grad=True)
    y = net(x)
    start = np.full(y.shape, float(everything), y.dtype)
    start[:, :, cell[0], cell[1]] = 1
    y.backward(start)
    return x.grad


def measured_one_picture(net, shape, row, column):
    return (measured(net, shape, (row, column), 1) != 0).any((0, 1))


def measured_all_cells(net, shape, row, column):
    return (measured(net, shape, (row, column), 50, everything=True) != 0).any((0, 1))


def measured_column_first(net, shape, row, column):
    return (measured(net, shape, (column, row), 50) != 0).any((0, 1))


def measured_not_bool(net, shape, row, column):
    return np.abs(measured(net, shape, (row, column), 50)).sum((0, 1))


def measured_next_cell(net, shape, row, column):
    return (measured(net, shape, (row, column - 1), 50) != 0).any((0, 1))


def measured_one_channel(net, shape, row, column):
    many = np.random.default_rng(0).standard_normal((50, *shape[1:])).astype(np.float32)
    x = mf.Tensor(many, requires_grad=True)
    y = net(x)
    one_cell = np.zeros(y.shape, y.dtype)
    one_cell[:, 0, row, column] = 1
    y.backward(one_cell)
    return (x.grad != 0).any((0, 1))


WRONG = [
    ("receptive_field", field_stride_first, "multiply the stride before you use it"),
    ("receptive_field", field_without_dilation, "leave the dilation out"),
    ("receptive_field", field_in_cells, "you count in cells"),
    ("receptive_field", field_as_product, "you multiply kernels"),
    ("receptive_field", field_last_stride, "the stride is the product"),
    ("receptive_field", field_exchanged, "exchanged"),
    ("receptive_field", field_starts_at_zero, "without layers a cell is a pixel"),
    ("pixels_seen", seen_forward, "walk from the last layer back"),
    ("pixels_seen", seen_without_padding, "leave the padding out"),
    ("pixels_seen", seen_one_too_far, "one too far"),
    ("pixels_seen", seen_begin_only, "reaches kernel - 1 cells further"),
    ("pixels_seen", seen_cut, "cut the padding off"),
    ("measured_field", measured_one_picture, "join the answers for many random pictures"),
    ("measured_field", measured_all_cells, "walk back from all cells"),
    ("measured_field", measured_column_first, "row first"),
    ("measured_field", measured_not_bool, "expected bool"),
    ("measured_field", measured_next_cell, "is it another cell"),
    ("measured_field", measured_one_channel, "walk back from all channels"),
]
