"""Wrong answers to the exercises of lesson 09, and words of the hint that each must get."""

import numpy as np


def kernel_channels_fastest(weight, shape):
    c, h, w = shape
    return weight.reshape(-1, h, w, c).transpose(0, 3, 1, 2)


def kernel_turned(weight, shape):
    return weight.reshape(-1, *shape)[:, :, ::-1, ::-1]


def kernel_exchanged(weight, shape):
    c, h, w = shape
    return weight.reshape(-1, c, w, h).transpose(0, 1, 3, 2)


def kernel_of_transposed_matrix(weight, shape):
    return weight.T.reshape(len(weight), *shape)


def kernel_scaled(weight, shape):
    return weight.reshape(-1, *shape) / np.prod(shape[1:])


def kernel_flat(weight, shape):
    return weight.reshape(len(weight), -1, 1, 1)


def in_windows(classify, x, side, stride, rows, columns, step):
    corners = [(i * step, j * step) for i in range(rows) for j in range(columns)]
    return classify(np.concatenate([x[:, :, top : top + side, left : left + side] for top, left in corners]))


def counts(x, side, stride):
    return [(length - side) // stride + 1 for length in x.shape[2:]]


def windows_exchanged(classify, x, side, stride):
    rows, columns = counts(x, side, stride)
    answers = in_windows(classify, x, side, stride, rows, columns, stride)
    return answers.reshape(1, columns, rows, -1).transpose(0, 3, 1, 2)


def windows_classes_last(classify, x, side, stride):
    rows, columns = counts(x, side, stride)
    return in_windows(classify, x, side, stride, rows, columns, stride).reshape(1, rows, columns, -1)


def windows_without_the_last(classify, x, side, stride):
    rows, columns = (max(1, count - 1) for count in counts(x, side, stride))
    answers = in_windows(classify, x, side, stride, rows, columns, stride)
    return answers.reshape(1, rows, columns, -1).transpose(0, 3, 1, 2)


def windows_hanging_over(classify, x, side, stride):
    rows, columns = (-(-length // stride) for length in x.shape[2:])
    found = np.zeros((1, 3, rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = x[:, :, i * stride : i * stride + side, j * stride : j * stride + side]
            found[0, :, i, j] = classify(window)[0]
    return found


def windows_without_stride(classify, x, side, stride):
    rows, columns = counts(x, side, stride)
    answers = in_windows(classify, x, side, stride, rows, columns, 1)
    return answers.reshape(1, rows, columns, -1).transpose(0, 3, 1, 2)


def windows_reshaped_only(classify, x, side, stride):
    rows, columns = counts(x, side, stride)
    return in_windows(classify, x, side, stride, rows, columns, stride).reshape(1, -1, rows, columns)


def fits(old, new, name):
    return name in new and old[name].size == new[name].size and len(old[name]) == len(new[name])


def report_of(old, new):
    return {
        "copied": [name for name in old if old[name].shape == new[name].shape],
        "reshaped": [name for name in old if old[name].shape != new[name].shape],
        "left": [name for name in new if name not in old],
    }


def transplant_other_arrays(old, new):
    report = report_of(old, new)
    for name in old:
        new[name] = old[name].reshape(new[name].shape)
    return report


def transplant_in_silence(old, new):
    old = {name: array for name, array in old.items() if fits(old, new, name)}
    for name in old:
        new[name][...] = old[name].reshape(new[name].shape)
    return report_of(old, new)


def transplant_while_looking(old, new):
    for name in old:
        if not fits(old, new, name):
            raise ValueError(name)
        new[name][...] = old[name].reshape(new[name].shape)
    return report_of(old, new)


def transplant_key_error(old, new):
    for name in old:
        if old[name].size != new[name].size or len(old[name]) != len(new[name]):
            raise ValueError(name)
    for name in old:
        new[name][...] = old[name].reshape(new[name].shape)
    return report_of(old, new)


def transplant_says_nothing_of_the_rest(old, new):
    if not all(fits(old, new, name) for name in old):
        raise ValueError
    for name in old:
        new[name][...] = old[name].reshape(new[name].shape)
    return report_of(old, new) | {"left": []}


def transplant_in_fortran_order(old, new):
    if not all(fits(old, new, name) for name in old):
        raise ValueError
    for name in old:
        new[name][...] = old[name].reshape(new[name].shape, order="F")
    return report_of(old, new)


WRONG = [
    ("fc_as_convolution", kernel_channels_fastest, "as if channels were the fastest"),
    ("fc_as_convolution", kernel_turned, "turned by 180 degrees"),
    ("fc_as_convolution", kernel_exchanged, "rows and columns are exchanged"),
    ("fc_as_convolution", kernel_of_transposed_matrix, "in the wrong places"),
    ("fc_as_convolution", kernel_scaled, "no number changes"),
    ("fc_as_convolution", kernel_flat, "expected the shape"),
    ("window_by_window", windows_exchanged, "rows and columns are exchanged"),
    ("window_by_window", windows_classes_last, "the classes come last"),
    ("window_by_window", windows_without_the_last, "(length - side) // stride + 1"),
    ("window_by_window", windows_hanging_over, "is not whole"),
    ("window_by_window", windows_without_stride, "begins at row i·stride"),
    ("window_by_window", windows_reshaped_only, "lie in the wrong places"),
    ("transplant", transplant_other_arrays, "write into the one that is there"),
    ("transplant", transplant_in_silence, "passed in silence"),
    ("transplant", transplant_while_looking, "had written some arrays already"),
    ("transplant", transplant_key_error, "expected ValueError, got KeyError"),
    ("transplant", transplant_says_nothing_of_the_rest, "the report says left"),
    ("transplant", transplant_in_fortran_order, "in C order"),
]
