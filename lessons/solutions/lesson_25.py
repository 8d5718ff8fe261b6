"""Answers to the exercises of lesson 25."""

from functools import partial

import numpy as np


def buffers_needed(maps):
    sizes, busy = [], []  # of each arena: its bytes, and the last step in which its map is read
    for size, first, last in maps:
        free = [place for place, until in enumerate(busy) if until < first]
        if free:
            sizes[free[0]] = max(sizes[free[0]], size)
            busy[free[0]] = last
        else:
            sizes.append(size)
            busy.append(last)
    return sum(sizes)


def fold_batch_norm(weight, bias, mean, var, gamma, beta, eps):
    factor = gamma / np.sqrt(var + eps)
    bias = 0 if bias is None else bias
    return weight * factor[:, None, None, None], (bias - mean) * factor + beta


class Record:
    def __init__(self):
        self.calls, self.rooms = [], {}

    def call(self, function, *arguments, **named):
        self.calls.append(partial(function, *arguments, **named))

    def room(self, name, shape):
        if (name, shape) not in self.rooms:
            self.rooms[name, shape] = np.zeros(shape, np.float32)
        return self.rooms[name, shape]


def replay(network, shape):
    record = Record()
    own = np.zeros(shape, np.float32)
    result = network(record, own)

    def run(picture, out):
        if picture.shape != own.shape:
            raise ValueError(f"picture has shape {picture.shape}; expected {own.shape}")
        np.copyto(own, picture)
        for call in record.calls:
            call()
        np.copyto(out, result)

    return run


SOLUTIONS = {
    "buffers_needed": buffers_needed,
    "fold_batch_norm": fold_batch_norm,
    "replay": replay,
}
