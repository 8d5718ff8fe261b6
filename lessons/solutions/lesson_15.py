"""Answers to the exercises of lesson 15."""

import numpy as np


def fuse_backward(grad, a, b, how):
    if how == "sum":
        return grad, grad
    share = np.where(a == b, 0.5, a > b)  # of a: all, none, or half
    return grad * share, grad * (1 - share)


def boundary_accuracy(labels, predictions, width):
    hits = total = 0
    for (row, column), label in np.ndenumerate(labels):
        rows = slice(
            max(0, row - width), row + width + 1
        )  # a slice may end beyond the picture, but not begin before it
        columns = slice(max(0, column - width), column + width + 1)
        window = labels[rows, columns]
        if label != 255 and ((window != 255) & (window != label)).any():
            total += 1
            hits += predictions[row, column] == label
    return hits / total if total else 1.0


def deep_jet(score_maps, scales, stride, size, upsample):
    scores = score_maps[0]
    for finer, scale in zip(score_maps[1:], scales, strict=True):
        rows, columns = finer.shape[2:]
        scores = upsample(scores, 2)[:, :, :rows, :columns] + finer * scale
    return upsample(scores, stride)[:, :, : size[0], : size[1]]


SOLUTIONS = {"fuse_backward": fuse_backward, "boundary_accuracy": boundary_accuracy, "deep_jet": deep_jet}
