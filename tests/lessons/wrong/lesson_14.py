"""Wrong answers to the exercises of lesson 14, and words of the hint that each must get."""

import numpy as np

import minifcn as mf
from minifcn import ops


def cut(coarse, finer, offset, at=None):
    h, w = min(coarse.shape[2], finer.shape[2] - offset), min(coarse.shape[3], finer.shape[3] - offset)
    top, left = at(finer, h, w) if at else (offset, offset)
    return coarse[:, :, :h, :w], finer[:, :, top : top + h, left : left + w]


def join_without_offset(coarse, finer, offset):
    a, b = cut(coarse, finer, offset, lambda *_: (0, 0))
    return a + b


def join_in_the_middle(coarse, finer, offset):
    a, b = cut(coarse, finer, offset, lambda f, h, w: ((f.shape[2] - h) // 2, (f.shape[3] - w) // 2))
    return a + b


def join_at_the_end(coarse, finer, offset):
    a, b = cut(coarse, finer, offset, lambda f, h, w: (f.shape[2] - h, f.shape[3] - w))
    return a + b


def join_larger(coarse, finer, offset):
    return np.maximum(*cut(coarse, finer, offset))


def join_mean(coarse, finer, offset):
    return sum(cut(coarse, finer, offset)) / 2


def join_in_place(coarse, finer, offset):
    a, b = cut(coarse, finer, offset)
    a += b
    return a


def join_pads(coarse, finer, offset):
    result = coarse.copy()
    _, b = cut(coarse, finer, offset)
    result[:, :, : b.shape[2], : b.shape[3]] += b
    return result


def back(grad, coarse_shape, finer_shape, offset, share=1.0, at=None, fill=0.0):
    h, w = grad.shape[2:]
    a, b = np.full(coarse_shape, fill), np.full(finer_shape, fill)
    at = offset if at is None else at
    a[:, :, :h, :w] = share * grad
    b[:, :, at : at + h, at : at + w] = share * grad
    return a, b


def back_halved(grad, coarse_shape, finer_shape, offset):
    return back(grad, coarse_shape, finer_shape, offset, share=0.5)


def back_without_offset(grad, coarse_shape, finer_shape, offset):
    return back(grad, coarse_shape, finer_shape, offset, at=0)


def back_ones_outside(grad, coarse_shape, finer_shape, offset):
    return back(grad, coarse_shape, finer_shape, offset, fill=1.0)


def back_of_grads_shape(grad, coarse_shape, finer_shape, offset):
    return grad, grad


def back_to_coarse_only(grad, coarse_shape, finer_shape, offset):
    return back(grad, coarse_shape, finer_shape, offset)[0], np.zeros(finer_shape)


def parts(coarse, pool4, weight, bias, upsample):
    rows, columns = pool4.shape[2:]
    return upsample(coarse, 2)[:, :, :rows, :columns], ops.conv2d(pool4, weight, bias)


def head_without_skip(coarse, pool4, weight, bias, upsample):
    return upsample(parts(coarse, pool4, weight, bias, upsample)[0], 16)


def head_skip_alone(coarse, pool4, weight, bias, upsample):
    return upsample(parts(coarse, pool4, weight, bias, upsample)[1], 16)


def head_without_bias(coarse, pool4, weight, bias, upsample):
    return upsample(sum(parts(coarse, pool4, weight, None, upsample)), 16)


def head_larger(coarse, pool4, weight, bias, upsample):
    return upsample(ops.maximum(*parts(coarse, pool4, weight, bias, upsample)), 16)


def head_by_32(coarse, pool4, weight, bias, upsample):
    where = upsample(ops.conv2d(pool4, weight, bias), 16)
    return upsample(coarse, 32)[:, :, : where.shape[2], : where.shape[3]] + where


def head_on_arrays(coarse, pool4, weight, bias, upsample):
    arrays = [mf.Tensor(each.data) for each in (coarse, pool4, weight, bias)]
    return upsample(sum(parts(*arrays, upsample)), 16)


def head_stops_early(coarse, pool4, weight, bias, upsample):
    return upsample(sum(parts(coarse, pool4, weight, bias, upsample)), 8)


def head_freezes_coarse(coarse, pool4, weight, bias, upsample):
    return upsample(sum(parts(mf.Tensor(coarse.data), pool4, weight, bias, upsample)), 16)


def join_cuts_coarse(coarse, finer, offset):
    coarse = coarse[:, :, offset:, offset:]
    h, w = (min(a, b) for a, b in zip(coarse.shape[2:], finer.shape[2:], strict=True))
    return coarse[:, :, :h, :w] + finer[:, :, :h, :w]


def join_cuts_both_ends(coarse, finer, offset):
    finer = finer[:, :, offset : finer.shape[2] - offset, offset : finer.shape[3] - offset]
    h, w = (min(a, b) for a, b in zip(coarse.shape[2:], finer.shape[2:], strict=True))
    return coarse[:, :, :h, :w] + finer[:, :, :h, :w]


def join_rows_only(coarse, finer, offset):
    h, w = (min(a, b - offset) for a, b in zip(coarse.shape[2:], finer.shape[2:], strict=True))
    return coarse[:, :, :h, :w] + finer[:, :, offset : offset + h, :w]


def back_mean_over_pictures(grad, coarse_shape, finer_shape, offset):
    h, w = grad.shape[2:]
    coarse, finer = np.zeros(coarse_shape), np.zeros(finer_shape)
    coarse[:, :, :h, :w] = grad.mean(0)
    finer[:, :, offset : offset + h, offset : offset + w] = grad
    return coarse, finer


WRONG = [
    ("join", join_without_offset, "you cut at the far end only"),
    ("join", join_in_the_middle, "in its middle"),
    ("join", join_at_the_end, "you keep the last cells"),
    ("join", join_larger, "the larger of both"),
    ("join", join_mean, "the mean of both"),
    ("join", join_in_place, "in place"),
    ("join", join_pads, "cut both to what they share"),
    ("join_backward", back_halved, "you halve the gradient"),
    ("join_backward", back_without_offset, "further"),
    ("join_backward", back_ones_outside, "had no say"),
    ("join_backward", back_of_grads_shape, "zero where it was cut off"),
    ("join_backward", back_to_coarse_only, "zero everywhere"),
    ("fcn16s_scores", head_without_skip, "the skip is missing"),
    ("fcn16s_scores", head_skip_alone, "the coarse scores are missing"),
    ("fcn16s_scores", head_without_bias, "bias is missing"),
    ("fcn16s_scores", head_larger, "the larger of both"),
    ("fcn16s_scores", head_by_32, "by 32 in one go"),
    ("fcn16s_scores", head_on_arrays, "has no backward"),
    ("fcn16s_scores", head_stops_early, "16 times pool4's rows"),
    ("fcn16s_scores", head_freezes_coarse, "the trunk through both ways"),
    ("join", join_cuts_coarse, "you cut the first cells of coarse"),
    ("join", join_cuts_both_ends, "you cut finer at both ends"),
    ("join", join_rows_only, "along one axis only"),
    ("join_backward", back_mean_over_pictures, "the gradient of coarse differs"),
]
