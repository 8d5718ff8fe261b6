"""Checks of lesson 25: maps in few arenas, a batch norm folded into a convolution, and a replay of one's own."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from checks.verdict import Wrong, check, close, counted, wrong

OWN = "every map has memory of its own; one that is not read any more makes room for the next"
# maps (bytes, first, last), the bytes, and what a wrong number tells
ARENAS = [
    (
        [(100, 0, 1), (80, 1, 2), (60, 2, 3)],
        180,
        {240: OWN, 100: "a map that is read in a step and another that is written in it cannot lie in one place"},
    ),
    ([(10, 0, 1), (80, 1, 2), (60, 2, 3), (90, 3, 4)], 150, {90: "an arena grows to the largest map that lies in it"}),
    (
        [(50, 0, 4), (40, 1, 2), (30, 2, 3), (40, 3, 4), (20, 4, 5)],
        120,
        {90: "the first map is read again in step 4, by a skip, and something lies in its place"},
    ),
    (
        [(100, 0, 1), (10, 1, 2), (10, 2, 3), (100, 3, 4)],
        200,
        {110: "so much is needed at once, but arenas are not cut: a large map does not fit into a small one"},
    ),
    (
        [(100, 0, 1), (20, 0, 1), (20, 2, 3), (100, 2, 3)],
        200,
        {120: "that is less, and another rule: take the first arena that is free, whatever its size"},
    ),
    ([(7, 2, 2), (5, 3, 9)], 7, {}),
    ([], 0, {}),
]


@check
def buffers_needed(answer: Any) -> None:
    """buffers_needed(maps) -> bytes of all arenas, where each map (bytes, first, last) takes the first arena that is free."""
    for maps, wanted, faults in ARENAS:
        found = answer(list(maps))
        if isinstance(found, bool) or not isinstance(found, int | np.integer):
            wrong(f"expected a whole number of bytes, got {type(found).__name__}")
        if found != wanted:
            told = faults.get(int(found), f"expected {wanted} bytes")
            wrong(f"the maps {maps} take {found} bytes: {told}")
        counted()


def normed(window: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, norm: tuple[Any, ...]) -> np.ndarray:
    """One output pixel of the convolution, and the batch norm of it, step by step."""
    mean, var, gamma, beta, eps = norm
    y = np.array([(kernel * window).sum() for kernel in weight])
    y = y if bias is None else y + bias
    return gamma * (y - mean) / np.sqrt(var + eps) + beta


def folded(weight: np.ndarray, bias: Any, norm: tuple[Any, ...], factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, _, _, beta, _ = norm
    return weight * factor[:, None, None, None], (bias - mean) * factor + beta


def fold_fault(found: Any, weight: np.ndarray, bias: Any, norm: tuple[Any, ...]) -> str:
    """What a wrong weight and bias look like."""
    mean, var, gamma, beta, eps = norm
    bias = 0.0 if bias is None else bias
    factor = gamma / np.sqrt(var + eps)
    wanted = folded(weight, bias, norm, factor)
    known = [
        (folded(weight, bias, norm, gamma / (var + eps)), "divide by the root of var + eps"),
        (folded(weight, bias, norm, gamma / np.sqrt(var)), "eps is missing: it is added to var, under the root"),
        (folded(weight, bias, norm, gamma / (np.sqrt(var) + eps)), "eps is added to var, under the root"),
        ((wanted[0], bias - mean * factor + beta), "the old bias is scaled as well"),
        ((wanted[0], bias * factor + beta), "the mean is missing: it is taken away before the factor"),
        ((wanted[0], (bias - mean) * factor), "beta is missing"),
    ]
    if weight.shape[0] == weight.shape[1]:  # else NumPy refuses it
        turned = weight * factor[:, None, None], wanted[1]
        known.append((turned, "the factor belongs to the output channel, which is the first axis of weight"))
    for (w, b), hint in known:
        if np.allclose(found[0], w, rtol=1e-9) and np.allclose(found[1], b, rtol=1e-9):
            return hint
    part = "bias" if np.allclose(found[0], wanted[0], rtol=1e-9) else "weight"
    return f"the {part} is wrong: write down what the norm makes of one output number, and collect what x is multiplied with"


@check
def fold_batch_norm(answer: Any) -> None:
    """fold_batch_norm(weight, bias, mean, var, gamma, beta, eps) -> (weight, bias) of one convolution that does both."""
    rng = np.random.default_rng(3)
    for channels, inputs, side, without in ((4, 4, 3, False), (5, 2, 1, False), (2, 3, 5, True), (1, 1, 3, False)):
        weight, window = rng.standard_normal((channels, inputs, side, side)), rng.standard_normal((inputs, side, side))
        mean, gamma, beta, old = rng.standard_normal((4, channels))
        bias = None if without else old
        norm = (mean, rng.random(channels) + 0.1, gamma, beta, 0.05)
        lent = [None if each is None else np.copy(each) for each in (weight, bias, *norm[:4])]
        try:
            found = answer(*lent, norm[4])
        except Wrong:
            if without:
                wrong("it stops where bias is None: that counts as zeros")
            raise
        if not isinstance(found, tuple | list) or len(found) != 2:
            wrong("expected two arrays, weight and bias")
        if any(
            now is not None and not np.array_equal(now, then)
            for now, then in zip(lent, (weight, bias, *norm[:4]), strict=True)
        ):
            wrong("you changed an array that belongs to the caller; work on copies")
        for array, shape, name in ((found[0], weight.shape, "weight"), (found[1], (channels,), "bias")):
            if np.shape(array) != shape:
                wrong(f"expected a {name} of shape {shape}, got {np.shape(array)}")
        one = np.array([(kernel * window).sum() for kernel in found[0]]) + found[1]
        wanted = normed(window, weight, bias, norm)
        close(one, wanted, lambda *_: fold_fault(found, weight, bias, norm))  # noqa: B023 - called at once


def doubled(do: Any, x: np.ndarray) -> np.ndarray:
    y = do.room("map", x.shape)
    do.call(np.multiply, x, np.float32(2), out=y)
    do.call(np.add, y, np.float32(1), out=y)
    return y


MATRIX = np.random.default_rng(8).standard_normal((48, 48)).astype(np.float32)


def turns(do: Any, x: np.ndarray) -> np.ndarray:
    """Six products, two maps in turns; the result is a part of the last one."""
    for number in range(6):
        y = do.room(number % 2, x.shape)
        do.call(np.matmul, x, MATRIX, out=y)
        do.call(np.maximum, y, np.float32(0), out=y)
        do.call(np.multiply, y, np.float32(0.2), out=y)
        x = y
    return x[1:, 2:]


def shrunk(do: Any, x: np.ndarray) -> np.ndarray:
    """Two rooms of one name and unlike shapes."""
    y = do.room("map", x.shape)
    do.call(np.multiply, x, np.float32(2), out=y)
    smaller = do.room("map", (x.shape[0] - 2, x.shape[1]))
    do.call(np.add, y[1:-1], np.float32(1), out=smaller)
    return smaller


def by_hand(x: np.ndarray) -> np.ndarray:
    for _ in range(6):
        x = np.maximum(x @ MATRIX, np.float32(0)) * np.float32(0.2)
    return x[1:, 2:]


def made(run: Any, picture: np.ndarray, out: np.ndarray) -> None:
    """run(picture, out), with what it raises told as a fault."""
    try:
        run(picture, out)
    except Exception as error:
        wrong(f"the replay stopped with {type(error).__name__}: {error}")


class Asked:
    """A network that counts how often it is asked, and looks at the rooms that it gets."""

    def __init__(self, network: Callable[[Any, np.ndarray], np.ndarray]) -> None:
        self.network, self.times, self.rooms = network, 0, {}

    def __call__(self, do: Any, x: np.ndarray) -> np.ndarray:
        self.times += 1
        self.do = do
        self.kept: dict[Any, np.ndarray] = {}
        return self.network(self, x)

    def call(self, function: Any, *arguments: Any, **named: Any) -> None:
        self.do.call(function, *arguments, **named)

    def room(self, name: Any, shape: tuple[int, ...]) -> np.ndarray:
        found = self.do.room(name, shape)
        if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype != np.float32:
            wrong(f"room({name!r}, {shape}) must give a float32 array of that shape")
        if (name, shape) in self.kept and not np.shares_memory(self.kept[name, shape], found):
            wrong("a room that is asked for by the same name and shape is the same memory, or every layer keeps a map")
        self.kept[name, shape] = found
        return found


@check
def replay(answer: Any) -> None:
    """replay(network, shape) -> run(picture, out), which makes the calls of network(do, picture) again, for any picture of that shape."""
    rng = np.random.default_rng(9)
    networks: list[tuple[Any, Any]] = [
        (doubled, lambda x: x * np.float32(2) + np.float32(1)),
        (turns, by_hand),
        (shrunk, lambda x: (x * np.float32(2) + np.float32(1))[1:-1]),
    ]
    for network, by in networks:
        asked = Asked(network)
        run = answer(asked, (48, 48))
        if not callable(run):
            wrong(f"expected a function run(picture, out), got {type(run).__name__}")
        pictures = [rng.standard_normal((48, 48)).astype(np.float32) for _ in range(3)]
        earlier: list[np.ndarray] = []
        for picture in pictures:
            mine, wanted = picture.copy(), by(picture)
            out = np.full(wanted.shape, np.nan, np.float32)
            made(run, mine, out)
            replay_fault(out, wanted, earlier, mine, picture)
            earlier.append(out.copy())
            counted()
        if asked.times != 1:
            wrong(f"the network was asked {asked.times} times for 3 pictures; once is enough, its calls are taken down")
        no_new_arrays(run, pictures, out)
        refuses_another_shape(run, out)


def replay_fault(
    out: np.ndarray, wanted: np.ndarray, earlier: list[np.ndarray], mine: np.ndarray, picture: np.ndarray
) -> None:
    """What a wrong result looks like."""
    if not np.array_equal(mine, picture):
        wrong("the caller's picture was changed; it is copied into an array of the replay's own first")
    if np.isnan(out).all():
        wrong("out is as it was: the result is copied into it")
    if np.allclose(out, wanted, rtol=1e-4, atol=1e-5):
        return
    if not out.any():
        wrong("the result is 0 everywhere: are the calls made, with all their arguments, out= too?")
    if any(np.array_equal(out, before) for before in earlier):
        wrong("one picture gives the scores of another: the calls hold the array that they were taken down with")
    wrong("the scores are wrong: are all calls made, in their order, with all their arguments?")


def no_new_arrays(run: Any, pictures: list[np.ndarray], out: np.ndarray) -> None:
    running = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for picture in pictures:
            made(run, picture, out)
        most = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not running:
            tracemalloc.stop()
    if most > 4096:
        wrong(
            f"{most} bytes of new memory while it runs again: every array is made once, when the calls are taken down"
        )
    counted()


def refuses_another_shape(run: Any, out: np.ndarray) -> None:
    for shape in ((1, 48), (48,), (47, 48), (1, 48, 48)):
        try:
            run(np.ones(shape, np.float32), out)
        except ValueError:
            counted()
            continue
        except Exception as error:
            wrong(f"a picture of shape {shape} stopped with {type(error).__name__}; expected a ValueError")
        wrong(f"a picture of shape {shape} gives scores: np.copyto repeats what is too small; raise a ValueError")
