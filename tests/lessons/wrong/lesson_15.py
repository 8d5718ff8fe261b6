"""Wrong answers to the exercises of lesson 15, and words of the hint that each must get."""

import numpy as np

import minifcn as mf


def fuse_shares(grad, a, b, how):
    if how == "sum":
        return grad / 2, grad / 2
    return fuse_right(grad, a, b, how)


def fuse_right(grad, a, b, how):
    if how == "sum":
        return grad, grad
    share = np.where(a == b, 0.5, a > b)
    return grad * share, grad * (1 - share)


def fuse_to_both(grad, a, b, how):
    return grad, grad


def fuse_to_smaller(grad, a, b, how):
    return fuse_right(grad, b, a, how)


def fuse_ties_to_first(grad, a, b, how):
    if how == "sum":
        return grad, grad
    return np.where(a >= b, grad, 0), np.where(a >= b, 0, grad)


def fuse_ties_to_both(grad, a, b, how):
    if how == "sum":
        return grad, grad
    return np.where(a >= b, grad, 0), np.where(b >= a, grad, 0)


def fuse_ties_to_none(grad, a, b, how):
    if how == "sum":
        return grad, grad
    return np.where(a > b, grad, 0), np.where(b > a, grad, 0)


def near(labels, predictions, width, void=True, skip_void=True, square=True, wide=0):
    width += wide
    hits = total = 0
    for (y, x), label in np.ndenumerate(labels):
        if skip_void and label == 255:
            continue
        found = False
        for v in range(max(0, y - width), min(len(labels), y + width + 1)):
            for u in range(max(0, x - width), min(labels.shape[1], x + width + 1)):
                other = labels[v, u]
                if not square and abs(v - y) + abs(u - x) > width:
                    continue
                found |= other != label and not (void and other == 255)
        total += found
        hits += found and predictions[y, x] == label
    return hits / total if total else 1.0


def band_everything(labels, predictions, width):
    return (labels == predictions)[labels != 255].mean()


def band_of_void(labels, predictions, width):
    return near(labels, predictions, width, void=False)


def band_counts_void(labels, predictions, width):
    return near(labels, predictions, width, skip_void=False)


def band_of_steps(labels, predictions, width):
    return near(labels, predictions, width, square=False)


def band_too_thin(labels, predictions, width):
    return near(labels, predictions, width, wide=-1)


def band_wrong_ones(labels, predictions, width):
    return 1 - near(labels, predictions, width)


def jet_with(score_maps, scales, stride, size, upsample):
    scores = score_maps[0]
    for finer, scale in zip(score_maps[1:], scales, strict=True):
        scores = upsample(scores, 2)[:, :, : finer.shape[2], : finer.shape[3]] + finer * scale
    return upsample(scores, stride)[:, :, : size[0], : size[1]]


def jet_without_scales(score_maps, scales, stride, size, upsample):
    return jet_with(score_maps, [1.0] * len(scales), stride, size, upsample)


def jet_scales_backwards(score_maps, scales, stride, size, upsample):
    return jet_with(score_maps, scales[::-1], stride, size, upsample)


def jet_without_cut(score_maps, scales, stride, size, upsample):
    scores = score_maps[0]
    for finer, scale in zip(score_maps[1:], scales, strict=True):
        scores = upsample(scores, 2)[:, :, : finer.shape[2], : finer.shape[3]] + finer * scale
    return upsample(scores, stride)


def jet_on_arrays(score_maps, scales, stride, size, upsample):
    return jet_with([mf.Tensor(each.data) for each in score_maps], scales, stride, size, upsample)


def jet_one_skip(score_maps, scales, stride, size, upsample):
    more = 2 ** max(0, len(score_maps) - 2)
    return jet_with(score_maps[:2], scales[:1], stride * more, size, upsample)


def jet_forgets(score_maps, scales, stride, size, upsample):
    scores = score_maps[0]
    for finer, scale in zip(score_maps[1:], scales, strict=True):
        scores = finer * scale
    return upsample(scores, stride)[:, :, : size[0], : size[1]]


def jet_adds_at_the_end(score_maps, scales, stride, size, upsample):
    result = 0
    for i, (each, scale) in enumerate(zip(score_maps, [1.0, *scales], strict=True)):
        factor = stride * 2 ** (len(score_maps) - 1 - i)
        result = result + upsample(each * scale, factor)[:, :, : size[0], : size[1]]
    return result


def accuracy_in_band(labels, predictions, width, around=None, first=max, last=1, none=1.0, total=None):
    hits = count = 0
    around = labels if around is None else around
    for (row, column), label in np.ndenumerate(labels):
        rows = slice(first(0, row - width), row + width + last)
        window = around[rows, first(0, column - width) : column + width + last]
        if label != 255 and ((window != 255) & (window != label)).any():
            count += 1
            hits += predictions[row, column] == label
    return hits / (total or count) if count else none


def accuracy_zero_for_none(labels, predictions, width):
    return accuracy_in_band(labels, predictions, width, none=0.0)


def accuracy_from_below_zero(labels, predictions, width):
    return accuracy_in_band(labels, predictions, width, first=lambda zero, place: place)


def accuracy_slice_too_short(labels, predictions, width):
    return accuracy_in_band(labels, predictions, width, last=0)


def accuracy_of_predicted_boundaries(labels, predictions, width):
    return accuracy_in_band(labels, predictions, width, around=predictions)


def accuracy_of_all(labels, predictions, width):
    return accuracy_in_band(labels, predictions, width, total=labels.size)


WRONG = [
    ("fuse_backward", fuse_shares, "you share the gradient out"),
    ("fuse_backward", fuse_to_both, "you give the gradient to both"),
    ("fuse_backward", fuse_to_smaller, "to the smaller one"),
    ("fuse_backward", fuse_ties_to_first, "one side gets all"),
    ("fuse_backward", fuse_ties_to_both, "doubles the gradient"),
    ("fuse_backward", fuse_ties_to_none, "nobody gets anything"),
    ("boundary_accuracy", band_everything, "all labelled pixels"),
    ("boundary_accuracy", band_of_void, "a void neighbour makes no boundary"),
    ("boundary_accuracy", band_counts_void, "void pixels are counted"),
    ("boundary_accuracy", band_of_steps, "corners too"),
    ("boundary_accuracy", band_too_thin, "one pixel too thin"),
    ("boundary_accuracy", band_wrong_ones, "the share of wrong pixels"),
    ("deep_jet", jet_without_scales, "the scales are missing"),
    ("deep_jet", jet_scales_backwards, "wrong order"),
    ("deep_jet", jet_without_cut, "cut the far end"),
    ("deep_jet", jet_on_arrays, "has no backward"),
    ("deep_jet", jet_one_skip, "after the first skip"),
    ("deep_jet", jet_forgets, "only the finest map is left"),
    ("deep_jet", jet_adds_at_the_end, "add there"),
    ("boundary_accuracy", accuracy_zero_for_none, "the answer for that is 1.0"),
    ("boundary_accuracy", accuracy_from_below_zero, "begin at 0"),
    ("boundary_accuracy", accuracy_slice_too_short, "row + width + 1"),
    ("boundary_accuracy", accuracy_of_predicted_boundaries, "those of the labels"),
    ("boundary_accuracy", accuracy_of_all, "you divide by all pixels"),
]
