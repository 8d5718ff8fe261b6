"""Wrong answers to the exercises of lesson 21, and words of the hint that each must get."""

import numpy as np


def place_channels_first(e, shape):
    return tuple(int(v) for v in np.unravel_index(e, shape))


def place_in_memory_order(e, shape):
    n, c, h, w = shape
    return tuple(int(v) for v in np.unravel_index(e, (n, h, w, c)))


def place_rows_faster(e, shape):
    _, c, h, w = shape
    return e // (c * h * w), e % c, e // c % h, e // (c * h) % w


def place_without_remainder(e, shape):
    _, c, h, w = shape
    return e // (c * h * w), e % c, e // (c * w), e // c % w


def lines_shared(addresses, itemsize, line=128, warp=32):
    return len(np.unique(addresses * itemsize // line))


def lines_each_thread(addresses, itemsize, line=128, warp=32):
    return len(addresses)


def lines_of_numbers(addresses, itemsize, line=128, warp=32):
    return sum(len(np.unique(addresses[s : s + warp] // line)) for s in range(0, len(addresses), warp))


def lines_fixed(addresses, itemsize, line=128, warp=32):
    return sum(len(np.unique(addresses[s : s + 32] * 4 // 128)) for s in range(0, len(addresses), 32))


def lines_whole_warps(addresses, itemsize, line=128, warp=32):
    whole = len(addresses) // warp * warp
    return sum(len(np.unique(addresses[s : s + warp] * itemsize // line)) for s in range(0, whole, warp))


def gather(h, w, grad, place, kernel, stride, won=True, turned=False, once=False, multiple=True, positive=True):
    total = 0.0
    for i, j in np.ndindex(kernel, kernel):
        top, left = h - i, w - j
        if (positive and (top < 0 or left < 0)) or (multiple and (top % stride or left % stride)):
            continue
        a, b = top // stride, left // stride
        if a >= grad.shape[0] or b >= grad.shape[1]:
            continue
        if not won or place[a, b] == (j * kernel + i if turned else i * kernel + j):
            if once:
                return grad[a, b]
            total += grad[a, b]
    return total


def pool_everyone(h, w, grad, place, kernel, stride):
    return gather(h, w, grad, place, kernel, stride, won=False)


def pool_turned(h, w, grad, place, kernel, stride):
    return gather(h, w, grad, place, kernel, stride, turned=True)


def pool_first_only(h, w, grad, place, kernel, stride):
    return gather(h, w, grad, place, kernel, stride, once=True)


def pool_any_start(h, w, grad, place, kernel, stride):
    return gather(h, w, grad, place, kernel, stride, multiple=False)


def pool_writes(h, w, grad, place, kernel, stride):
    found = gather(h, w, grad, place, kernel, stride)
    grad[0, 0] += found
    return found


WRONG = [
    ("place_of", place_channels_first, "the channel is the fastest"),
    ("place_of", place_in_memory_order, "in the order of memory"),
    ("place_of", place_rows_faster, "you take h before w"),
    ("place_of", place_without_remainder, "a remainder is missing"),
    ("lines_fetched", lines_shared, "warps do not share"),
    ("lines_fetched", lines_each_thread, "a line for every thread"),
    ("lines_fetched", lines_of_numbers, "multiply by itemsize"),
    ("lines_fetched", lines_fixed, "use the arguments"),
    ("lines_fetched", lines_whole_warps, "the last warp"),
    ("pool_thread", pool_everyone, "only those that it won"),
    ("pool_thread", pool_turned, "the row is the quotient"),
    ("pool_thread", pool_first_only, "won several windows"),
    ("pool_thread", pool_any_start, "a multiple of the stride"),
    ("pool_thread", pool_writes, "writes into grad"),
]
