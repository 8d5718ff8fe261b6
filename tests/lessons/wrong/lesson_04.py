"""Wrong answers to the exercises of lesson 04, each with words of the hint that it must be given."""

import numpy as np


def sized(formula):
    return lambda size, kernel, stride, padding: tuple(map(formula, size, kernel, stride, padding))


padded_once = sized(lambda h, k, s, p: (h + p - k) // s + 1)
not_padded = sized(lambda h, k, s, p: (h - k) // s + 1)
one_too_few = sized(lambda h, k, s, p: (h + 2 * p - k) // s)
rounded_up = sized(lambda h, k, s, p: -(-(h + 2 * p - k) // s) + 1)
one_before = sized(lambda h, k, s, p: (h + 2 * p - k + 1) // s)
no_kernel = sized(lambda h, k, s, p: (h + 2 * p) // s)
halves = sized(lambda h, k, s, p: (h + 2 * p - k) / s + 1)


def exchanged(size, kernel, stride, padding):
    return sized(lambda h, k, s, p: (h + 2 * p - k) // s + 1)(size, kernel, stride, padding)[::-1]


def one_number(size, kernel, stride, padding):
    return (size[0] + 2 * padding[0] - kernel[0]) // stride[0] + 1


def taps(x, weight, bias, stride, padding, dilation, mode="constant", assign=False, size_dilation=None, once=True):
    (n, _, h, w), (o, _, kh, kw) = x.shape, weight.shape
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    eh, ew = size_dilation or dilation
    oh, ow = (h + 2 * ph - eh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - ew * (kw - 1) - 1) // sw + 1
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode=mode)
    y = np.zeros((n, o, oh, ow), x.dtype)
    y += bias[:, None, None] if once else 0
    for i, j in np.ndindex(kh, kw):
        rows, columns = i * dh + sh * np.arange(oh), j * dw + sw * np.arange(ow)
        seen = x[:, :, rows.clip(max=x.shape[2] - 1)][..., columns.clip(max=x.shape[3] - 1)]
        part = np.einsum("nchw,oc->nohw", seen, weight[:, :, i, j])
        y = part if assign else y + part
        y = y if once else y + bias[:, None, None]
    return y


def plain(x, weight, stride, padding, **changes):
    zero = np.zeros(len(weight), x.dtype)
    return taps(x, weight, zero, (stride, stride), (padding, padding), (1, 1), **changes)


def turned_round(x, weight, stride, padding):
    return plain(x, weight[:, :, ::-1, ::-1], stride, padding)


def assigned(x, weight, stride, padding):
    return plain(x, weight, stride, padding, assign=True)


def first_channel(x, weight, stride, padding):
    return plain(x[:, :1], weight[:, :1], stride, padding)


def edge_repeated(x, weight, stride, padding):
    return plain(x, weight, stride, padding, mode="edge")


def channels_exchanged(x, weight, stride, padding):
    return plain(x, weight.transpose(1, 0, 2, 3) if len(weight) == weight.shape[1] else weight, stride, padding)


def no_stride(x, weight, stride, padding):
    return plain(x, weight, 1, padding)


def always_float64(x, weight, stride, padding):
    return plain(x.astype(float), weight, stride, padding)


def last_column_lost(x, weight, stride, padding):
    y = plain(x, weight, stride, padding)
    y[..., -1] = 0
    return y


def size_without_dilation(x, weight, bias, stride, padding, dilation):
    return taps(x, weight, bias, stride, padding, dilation, size_dilation=(1, 1))


def bias_every_tap(x, weight, bias, stride, padding, dilation):
    return taps(x, weight, bias, stride, padding, dilation, once=False)


def no_bias(x, weight, bias, stride, padding, dilation):
    return taps(x, weight, 0 * bias, stride, padding, dilation)


def kernel_transposed(x, weight, bias, stride, padding, dilation):
    square = weight.shape[2] == weight.shape[3]
    return taps(x, weight.transpose(0, 1, 3, 2) if square else weight, bias, stride, padding, dilation)


def stride_exchanged(x, weight, bias, stride, padding, dilation):
    return taps(x, weight, bias, stride[::-1], padding, dilation)


def axes_of(size, kernel, stride, padding):
    return zip(size, kernel, stride, padding, strict=True)


def rounded_to_nearest(*options):
    return tuple(round((h + 2 * p - k) / s) + 1 for h, k, s, p in axes_of(*options))


def kernel_taken_off_late(*options):
    return tuple((h + 2 * p) // s - k + 1 for h, k, s, p in axes_of(*options))


def kernel_divided_alone(*options):
    return tuple(h + 2 * p - k // s + 1 for h, k, s, p in axes_of(*options))


def padding_taken_away(*options):
    return tuple((h - 2 * p - k) // s + 1 for h, k, s, p in axes_of(*options))


def own_taps(x, weight, bias, stride, padding, dilation, step=None, apart=None, size=None, exchanged=False):
    """The right answer, but for how far a tap steps and where it begins, or for the size."""
    (n, _, h, w), (o, _, kh, kw) = x.shape, weight.shape
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    oh, ow = size or ((h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1)
    (sh, sw), (dh, dw) = step or (sh, sw), apart or (dh, dw)
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    y = np.zeros((n, o, oh, ow), x.dtype)
    for i, j in np.ndindex(kh, kw):
        seen = x[:, :, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]
        y += np.einsum("nchw,oc->nohw", seen, weight[:, :, j, i] if exchanged else weight[:, :, i, j])
    return y if bias is None else y + bias[:, None, None]


def own_plain(x, weight, stride, padding, **wrong):
    return own_taps(x, weight, None, (stride, stride), (padding, padding), (1, 1), **wrong)


def steps_by_one(x, weight, stride, padding):
    return own_plain(x, weight, stride, padding, step=(1, 1))


def indices_exchanged(x, weight, stride, padding):
    return own_plain(x, weight, stride, padding, exchanged=True)


def size_without_padding(x, weight, stride, padding):
    h, w = ((length - k) // stride + 1 for length, k in zip(x.shape[2:], weight.shape[2:], strict=True))
    return own_plain(x, weight, stride, padding, size=(h, w))


def taps_not_apart(*arguments):
    return own_taps(*arguments, apart=(1, 1))


def dilations_exchanged(x, weight, bias, stride, padding, dilation):
    return own_taps(x, weight, bias, stride, padding, dilation[::-1])


def a_gap_too_many(x, weight, bias, stride, padding, dilation):
    lengths = zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    h, w = ((length + 2 * p - d * k) // s + 1 for length, k, s, p, d in lengths)
    return own_taps(x, weight, bias, stride, padding, dilation, size=(h, w))


WRONG = [
    ("conv2d_size", padded_once, "add it twice"),
    ("conv2d_size", not_padded, "the padding is missing"),
    ("conv2d_size", one_too_few, "one window too few"),
    ("conv2d_size", rounded_up, "rounded up"),
    ("conv2d_size", one_before, "after dividing by the stride, not before"),
    ("conv2d_size", no_kernel, "the kernel is left out"),
    ("conv2d_size", halves, "expected whole numbers"),
    ("conv2d_size", exchanged, "rows and columns are exchanged"),
    ("conv2d_size", one_number, "expected two numbers"),
    ("conv2d_taps", turned_round, "the kernel is turned round"),
    ("conv2d_taps", assigned, "you assign in the loop over the taps"),
    ("conv2d_taps", first_channel, "only the first input channel"),
    ("conv2d_taps", edge_repeated, "padding is zeros"),
    ("conv2d_taps", channels_exchanged, "input and output channels of the weight"),
    ("conv2d_taps", no_stride, "expected the shape"),
    ("conv2d_taps", always_float64, "float32 comes in"),
    ("conv2d_taps", last_column_lost, "look at the edges"),
    ("conv2d_dilated", size_without_dilation, "the size forgets the dilation"),
    ("conv2d_dilated", bias_every_tap, "added once a tap"),
    ("conv2d_dilated", no_bias, "the bias is missing"),
    ("conv2d_dilated", kernel_transposed, "rows and columns of the kernel"),
    ("conv2d_dilated", stride_exchanged, "the strides are exchanged"),
    ("conv2d_size", rounded_to_nearest, "rounded to the nearest"),
    ("conv2d_size", kernel_taken_off_late, "take the kernel off before you divide"),
    ("conv2d_size", kernel_divided_alone, "only the kernel is divided"),
    ("conv2d_size", padding_taken_away, "you take it away"),
    ("conv2d_taps", steps_by_one, "do not step by the stride"),
    ("conv2d_taps", indices_exchanged, "rows and columns of the kernel"),
    ("conv2d_taps", size_without_padding, "leaves the padding out"),
    ("conv2d_dilated", taps_not_apart, "the taps are not pulled apart"),
    ("conv2d_dilated", dilations_exchanged, "the dilations are exchanged"),
    ("conv2d_dilated", a_gap_too_many, "there are k - 1 gaps"),
]
