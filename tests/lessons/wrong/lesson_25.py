"""Wrong answers to the exercises of lesson 25, each with words of the hint that it must be given."""

from functools import partial

import numpy as np


def own_each(maps):
    return sum(size for size, _, _ in maps)


def at_once(maps):
    steps = range(max((last for _, _, last in maps), default=0) + 1)
    return max((sum(size for size, first, last in maps if first <= step <= last) for step in steps), default=0)


def placed(maps, free=lambda until, first: until < first, grow=True, nearest=False, life=lambda first, last: last):
    sizes, busy = [], []
    for size, first, last in maps:
        places = [place for place, until in enumerate(busy) if free(until, first)]
        if nearest:
            places.sort(key=lambda place: abs(sizes[place] - size))
        if places:
            sizes[places[0]] = max(sizes[places[0]], size) if grow else sizes[places[0]]
            busy[places[0]] = life(first, last)
        else:
            sizes.append(size)
            busy.append(life(first, last))
    return sum(sizes)


def written_where_it_is_read(maps):
    return placed(maps, free=lambda until, first: until <= first)


def never_grows(maps):
    return placed(maps, grow=False)


def forgets_the_skip(maps):
    return placed(maps, life=lambda first, last: first + 1)


def nearest_in_size(maps):
    return placed(maps, nearest=True)


def the_arenas(maps):
    return [size for size, _, _ in maps]


def parts(weight, bias, mean, factor, beta):
    return weight * factor[:, None, None, None], ((0 if bias is None else bias) - mean) * factor + beta


def no_root(weight, bias, mean, var, gamma, beta, eps):
    return parts(weight, bias, mean, gamma / (var + eps), beta)


def no_eps(weight, bias, mean, var, gamma, beta, eps):
    return parts(weight, bias, mean, gamma / np.sqrt(var), beta)


def eps_outside(weight, bias, mean, var, gamma, beta, eps):
    return parts(weight, bias, mean, gamma / (np.sqrt(var) + eps), beta)


def input_channels(weight, bias, mean, var, gamma, beta, eps):
    factor = gamma / np.sqrt(var + eps)
    return weight * factor[:, None, None], parts(weight, bias, mean, factor, beta)[1]


def bias_as_it_was(weight, bias, mean, var, gamma, beta, eps):
    factor = gamma / np.sqrt(var + eps)
    return weight * factor[:, None, None, None], bias - mean * factor + beta


def without_mean(weight, bias, mean, var, gamma, beta, eps):
    return parts(weight, bias, 0, gamma / np.sqrt(var + eps), beta)


def without_beta(weight, bias, mean, var, gamma, beta, eps):
    return parts(weight, bias, mean, gamma / np.sqrt(var + eps), 0)


def needs_a_bias(weight, bias, mean, var, gamma, beta, eps):
    factor = gamma / np.sqrt(var + eps)
    return weight * factor[:, None, None, None], (bias - mean) * factor + beta


def in_place(weight, bias, mean, var, gamma, beta, eps):
    factor = gamma / np.sqrt(var + eps)
    weight *= factor[:, None, None, None]
    return weight, ((0 if bias is None else bias) - mean) * factor + beta


def the_weight_alone(weight, bias, mean, var, gamma, beta, eps):
    return weight * (gamma / np.sqrt(var + eps))[:, None, None, None]


class Record:
    def __init__(self, named=True, rooms=True):
        self.calls, self.rooms, self.named, self.keeps = [], {}, named, rooms

    def call(self, function, *arguments, **named):
        self.calls.append(partial(function, *arguments, **(named if self.named else {})))

    def room(self, name, shape):
        if not self.keeps or (name, shape) not in self.rooms:
            self.rooms[name, shape] = np.zeros(shape, np.float32)
        return self.rooms[name, shape]


def replayed(network, shape, record=None, checked=True, write=True, again=False):
    record = record or Record()
    own = np.zeros(shape, np.float32)
    result = network(record, own)

    def run(picture, out):
        if checked and picture.shape != own.shape:
            raise ValueError("another shape")
        np.copyto(own, picture)
        for call in record.calls:
            call()
        if again:
            out[...] = result.copy()
        elif write:
            np.copyto(out, result)
        return result

    return run


def network_each_time(network, shape):
    def run(picture, out):
        if picture.shape != shape:
            raise ValueError("another shape")
        replayed(network, shape)(picture, out)

    return run


def holds_the_first_picture(network, shape):
    record, results = Record(), []

    def run(picture, out):
        if not results:
            results.append(network(record, picture))
        for call in record.calls:
            call()
        np.copyto(out, results[0])

    return run


def broadcasts(network, shape):
    return replayed(network, shape, checked=False)


def out_untouched(network, shape):
    return replayed(network, shape, write=False)


def without_names(network, shape):
    return replayed(network, shape, Record(named=False))


def a_room_each_time(network, shape):
    return replayed(network, shape, Record(rooms=False))


def copies_the_result(network, shape):
    return replayed(network, shape, again=True)


def never_made(network, shape):
    return replayed(lambda do, x: network(do, x), shape, type("Silent", (Record,), {"call": lambda *a, **n: None})())


class ByName(Record):
    def room(self, name, shape):
        return self.rooms.setdefault(name, np.zeros(shape, np.float32))


def rooms_by_name_alone(network, shape):
    return replayed(network, shape, ByName())


WRONG = [
    ("buffers_needed", own_each, "every map has memory of its own"),
    ("buffers_needed", written_where_it_is_read, "cannot lie in one place"),
    ("buffers_needed", never_grows, "an arena grows"),
    ("buffers_needed", forgets_the_skip, "by a skip"),
    ("buffers_needed", at_once, "arenas are not cut"),
    ("buffers_needed", nearest_in_size, "take the first arena that is free"),
    ("buffers_needed", the_arenas, "expected a whole number of bytes"),
    ("fold_batch_norm", no_root, "divide by the root"),
    ("fold_batch_norm", no_eps, "eps is missing"),
    ("fold_batch_norm", eps_outside, "eps is added to var, under the root"),
    ("fold_batch_norm", input_channels, "the first axis of weight"),
    ("fold_batch_norm", bias_as_it_was, "the old bias is scaled as well"),
    ("fold_batch_norm", without_mean, "the mean is missing"),
    ("fold_batch_norm", without_beta, "beta is missing"),
    ("fold_batch_norm", needs_a_bias, "it stops where bias is None"),
    ("fold_batch_norm", in_place, "work on copies"),
    ("fold_batch_norm", the_weight_alone, "expected two arrays"),
    ("replay", network_each_time, "the network was asked 3 times"),
    ("replay", holds_the_first_picture, "one picture gives the scores of another"),
    ("replay", broadcasts, "np.copyto repeats what is too small"),
    ("replay", out_untouched, "out is as it was"),
    ("replay", without_names, "out= too"),
    ("replay", a_room_each_time, "the same memory"),
    ("replay", copies_the_result, "bytes of new memory"),
    ("replay", never_made, "are the calls made"),
    ("replay", rooms_by_name_alone, "must give a float32 array of that shape"),
]
