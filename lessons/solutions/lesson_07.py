"""Answers to the exercises of lesson 07."""

import numpy as np


def log_softmax(scores):
    shifted = scores - scores.max(1, keepdims=True)  # the largest is 0 now: nothing overflows
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def mean_loss(scores, labels):
    counts = labels != 255
    divisor = max(counts.sum(), 1)  # nothing counts: 0 / 1 and not 0 / 0
    logs = log_softmax(np.where(counts[:, None], scores, 0))  # whatever the scores of void pixels are
    right = np.where(counts, labels, 0)[:, None]  # (N, 1, H, W)
    losses = -np.take_along_axis(logs, right, 1)[:, 0]
    one_hot = np.arange(scores.shape[1])[:, None, None] == right
    gradient = np.where(counts[:, None], np.exp(logs) - one_hot, 0)
    return np.where(counts, losses, 0).sum() / divisor, gradient / divisor


def gradients_in_parts(parts):
    counts = [int((labels != 255).sum()) for _, labels in parts]
    total = max(sum(counts), 1)
    # a part's own mean was divided by its own count: back to the sum, then by the count of all
    return [mean_loss(*part)[1] * (count / total) for part, count in zip(parts, counts, strict=True)]


SOLUTIONS = {"log_softmax": log_softmax, "mean_loss": mean_loss, "gradients_in_parts": gradients_in_parts}
