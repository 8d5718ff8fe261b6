"""Answers to the exercises of lesson 19."""

import numpy as np


def labels_from_one(stored, classes):
    labels = np.full(stored.shape, 255, np.uint8)
    known = (stored >= 1) & (stored <= classes)
    labels[known] = stored[known] - 1  # at least 0 whatever the type
    return labels


def more_channels(weight, extra):
    new = np.repeat(weight.mean(1, keepdims=True), extra, axis=1)  # (O, extra, KH, KW)
    return np.concatenate([weight, new], 1)


def joint_gradient(features, heads, labels):
    loss, gradient = 0.0, np.zeros_like(features)
    for name, matrix in heads.items():
        known = labels[name] != 255  # each head has its own void
        if not known.any():
            continue
        scores = features[known] @ matrix.T
        scores -= scores.max(1, keepdims=True)  # or exp overflows
        chances = np.exp(scores)
        chances /= chances.sum(1, keepdims=True)
        right = np.arange(len(scores)), labels[name][known]
        loss -= (scores - np.log(np.exp(scores).sum(1, keepdims=True)))[right].mean()
        chances[right] -= 1
        gradient[known] += chances @ matrix / len(scores)
    return loss, gradient


SOLUTIONS = {"labels_from_one": labels_from_one, "more_channels": more_channels, "joint_gradient": joint_gradient}
