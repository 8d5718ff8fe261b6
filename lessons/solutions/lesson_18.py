"""Answers to the exercises of lesson 18."""

import os

import numpy as np


def taken_for(confusion):
    lost = confusion.copy()
    np.fill_diagonal(lost, 0)
    most = lost.max(1)
    share = most / np.maximum(confusion.sum(1), 1)  # no pixels: 0 / 1
    return np.where(most > 0, lost.argmax(1), -1), share


def write_pieces(path, pieces):
    draft = path.with_name(path.name + ".part")  # the same folder: only there is a rename one step
    try:
        with open(draft, "wb") as file:
            for piece in pieces:
                file.write(piece)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)  # after the rename there is none
    return path


def batch_of(step, batch, count, seed):
    turns = np.arange(step * batch, (step + 1) * batch)
    first, last = turns[0] // count, turns[-1] // count
    # a list as the seed: (0, 1) and (1, 0) are two streams, where 0 + 1 and 1 + 0 would be one
    orders = [np.random.default_rng([seed, number]).permutation(count) for number in range(first, last + 1)]
    return np.concatenate(orders)[turns - first * count]


SOLUTIONS = {"taken_for": taken_for, "write_pieces": write_pieces, "batch_of": batch_of}
