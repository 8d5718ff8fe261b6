"""Checks of lesson 21: a thread's place, lines of memory, max-pool's backward as a thread that gathers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks.verdict import check, close, counted, equal, wrong


@check
def place_of(answer: Any) -> None:
    """place_of(e, shape) -> (n, c, h, w) of number e in an array of shape (N, C, H, W) whose memory is (N, H, W, C)."""
    equal(answer(100, (2, 3, 4, 5)), (1, 1, 2, 3), place_fault(100, (2, 3, 4, 5)))
    for n, c, h, w in ((2, 3, 4, 5), (1, 7, 2, 3), (3, 1, 5, 1), (2, 4, 1, 6)):
        e = 0
        for at_n in range(n):
            for at_h in range(h):
                for at_w in range(w):
                    for at_c in range(c):
                        equal(answer(e, (n, c, h, w)), (at_n, at_c, at_h, at_w), place_fault(e, (n, c, h, w)))
                        e += 1


def place_fault(e: int, shape: tuple[int, int, int, int]) -> Callable[[Any, Any], str]:
    _, c, h, w = shape

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        case = f"number {e} of shape {shape}: "
        at_n, at_c, at_h, at_w = wanted.tolist()
        if found.tolist() == [at_n, at_h, at_w, at_c]:
            return case + "right, but in the order of memory; answer n, c, h, w"
        if found.tolist() == [int(v) for v in np.unravel_index(e, shape)]:
            return case + "that is for memory in the order N, C, H, W; here the channel is the fastest"
        if found.tolist() == [at_n, at_c, e // c % h, e // (c * h) % w]:
            return case + "you take h before w: after the channel the column is the next faster axis"
        if found[0] != at_n and found[1:].tolist() == [at_c, at_h, at_w]:
            return case + f"n is {at_n}, the whole quotient of H·W·C"
        if (found >= np.array(shape)).any():
            return case + f"{found.tolist()} lies outside the array: a remainder is missing"
        return case + f"expected {wanted.tolist()}, got {found.tolist()}"

    return fault


@check
def lines_fetched(answer: Any) -> None:
    """lines_fetched(addresses, itemsize, line=128, warp=32) -> how many lines travel: each warp fetches every line that it needs once."""
    rng = np.random.default_rng(21)
    cases = [
        (np.arange(32), 4, 128, 32),
        (np.arange(64), 4, 128, 32),
        (32 * np.arange(32), 4, 128, 32),
        (np.concatenate([np.arange(32), 64 + np.arange(8)]), 4, 128, 32),
        (np.arange(64), 8, 128, 32),
        (np.zeros(96, int), 4, 128, 32),
        (np.arange(40) + 5, 4, 128, 32),
        (rng.integers(0, 1000, 77), 4, 128, 32),
        (rng.integers(0, 100, 50), 2, 32, 8),
        (np.zeros(0, int), 4, 128, 32),
    ]
    for addresses, itemsize, line, warp in cases:
        wanted = 0
        for start in range(0, len(addresses), warp):
            seen: list[int] = []
            for address in addresses[start : start + warp].tolist():
                if address * itemsize // line not in seen:
                    seen.append(address * itemsize // line)
            wanted += len(seen)
        named = {} if (line, warp) == (128, 32) else {"line": line, "warp": warp}
        equal(answer(addresses.copy(), itemsize, **named), wanted, line_fault(addresses, itemsize, line, warp))


def line_fault(addresses: np.ndarray, itemsize: int, line: int, warp: int) -> Callable[[Any, Any], str]:
    warps = [addresses[start : start + warp] for start in range(0, len(addresses), warp)]
    patterns = [
        (
            len(np.unique(addresses * itemsize // line)),
            "warps do not share what they fetch: count the lines of each warp by itself, and add",
        ),
        (len(addresses), "you count a line for every thread; threads of a warp that want the same line fetch it once"),
        (
            sum(
                len(np.unique(part * 4 // 128))
                for part in (addresses[s : s + 32] for s in range(0, len(addresses), 32))
            ),
            "you count lines of 128 bytes and float32 numbers in warps of 32 whatever is asked for; use the arguments",
        ),
        (
            sum(len(np.unique(part // line)) for part in warps),
            "an address counts numbers; a line has so many bytes: multiply by itemsize first",
        ),
        (
            sum(len(np.unique(part * itemsize // line)) for part in warps if len(part) == warp),
            "the last warp, with fewer threads, fetches as well",
        ),
        (
            sum(-(-len(part) * itemsize // line) for part in warps),
            "you assume that the addresses lie side by side; look at them",
        ),
    ]

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        hint = next(
            (hint for value, hint in patterns if found == value),
            "expected for each warp the number of different address · itemsize // line",
        )
        return f"{len(addresses)} threads, numbers of {itemsize} bytes, lines of {line}, warps of {warp}: {hint}"

    return fault


@check
def pool_thread(answer: Any) -> None:
    """pool_thread(h, w, grad (OH, OW), place (OH, OW), kernel, stride) -> the gradient of pixel (h, w): the sum over the windows that it won."""
    rng = np.random.default_rng(22)
    for height, width, kernel, stride in ((6, 6, 2, 2), (7, 6, 3, 2), (6, 8, 3, 1), (8, 7, 2, 3), (5, 5, 5, 1)):
        oh, ow = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        grad = rng.integers(1, 50, (oh, ow)).astype(float)
        place = rng.integers(0, kernel * kernel, (oh, ow))
        wanted = np.zeros((height, width))
        for a in range(oh):
            for b in range(ow):  # scattered: the other way round
                wanted[a * stride + place[a, b] // kernel, b * stride + place[a, b] % kernel] += grad[a, b]
        given = grad.copy()
        found = np.zeros((height, width))
        for h in range(height):
            for w in range(width):
                found[h, w] = answer(h, w, given, place.copy(), kernel, stride)
        if not np.array_equal(given, grad):
            wrong("the thread writes into grad; it may only read, and return its own number")
        close(found, wanted, pool_fault(grad, place, kernel, stride))
    counted()


def pool_fault(grad: np.ndarray, place: np.ndarray, kernel: int, stride: int) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        case = f"kernel {kernel}, stride {stride}, {found.shape[0]}x{found.shape[1]} pixels: "
        everyone, first, turned = np.zeros_like(wanted), np.zeros_like(wanted), np.zeros_like(wanted)
        for a, b in np.ndindex(grad.shape):
            everyone[a * stride : a * stride + kernel, b * stride : b * stride + kernel] += grad[a, b]
            h, w = a * stride + place[a, b] // kernel, b * stride + place[a, b] % kernel
            first[h, w] = first[h, w] or grad[a, b]
            turned[a * stride + place[a, b] % kernel, b * stride + place[a, b] // kernel] += grad[a, b]
        if np.array_equal(found, everyone):
            return case + "every window that saw the pixel gives it its gradient; only those that it won do"
        if np.array_equal(found, turned):
            return case + "tap number is i · kernel + j: the row is the quotient, the column the remainder"
        off = np.argwhere(found != wanted)[0]
        h, w = off.tolist()
        if (np.abs(found) <= np.abs(wanted)).all():
            return (
                case
                + f"pixel ({h}, {w}) won several windows that overlap, and gets the sum of all; you return {found[h, w]:g} of {wanted[h, w]:g}"
            )
        return case + (
            f"pixel ({h}, {w}) gets {found[h, w]:g}, expected {wanted[h, w]:g}: is h - i a multiple of the stride, not negative, and is there such a window? "
            "In Python a negative index reads from the other end"
        )

    return fault
