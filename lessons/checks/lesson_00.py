"""Checks of lesson 00: labels from scores, the share of a class, and a label map window by window."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks.gradients import untouched
from checks.verdict import check, close, counted, equal, wrong

VOID = 255


def whole_numbers(found: Any) -> np.ndarray:
    """The answer as an array, which must hold whole numbers."""
    found = np.asarray(found)
    if found.dtype.kind not in "iu":
        wrong(f"it holds {found.dtype}; labels are whole numbers: which class it is, not how large its score")
    return found


@check
def labels_of_scores(answer: Any) -> None:
    """labels_of_scores(scores) -> whole numbers (N, H, W): the class with the largest score, at each place. scores: (N, C, H, W)."""
    rng = np.random.default_rng(0)
    for shape in ((2, 3, 4, 5), (1, 7, 6, 2), (3, 2, 1, 4), (2, 5, 5, 5), (1, 1, 2, 3)):
        scores = rng.standard_normal(shape) - 1  # many below 0: a 0 is no safe start for a maximum
        wanted = np.zeros((shape[0], *shape[2:]), int)
        for n, h, w in np.ndindex(wanted.shape):
            for c in range(shape[1]):
                if scores[n, c, h, w] > scores[n, wanted[n, h, w], h, w]:
                    wanted[n, h, w] = c
        lent = scores.copy()
        found = whole_numbers(answer(lent))
        untouched("scores", scores, lent)
        if found.shape != wanted.shape:
            wrong(f"expected the shape {wanted.shape}, got {found.shape}{labels_shape_fault(found, scores)}")
        equal(found, wanted, labels_fault(scores))


def labels_shape_fault(found: np.ndarray, scores: np.ndarray) -> str:
    """Why the answer may have this shape; "" where nothing is known."""
    for axis, name in ((0, "the pictures (N)"), (2, "the rows (H)"), (3, "the columns (W)")):
        if found.shape == scores.argmax(axis).shape and np.array_equal(found, scores.argmax(axis)):
            return f": your maximum runs over {name}; it belongs over the classes, axis 1"
    if found.shape == () or found.size == 1:
        return ": that is one place in all the scores; a label map has a label for each pixel"
    if found.shape == scores[:1].argmax(1)[0].shape:
        return ": that is the first picture only; do all N"
    if found.shape == (scores.shape[0], 1, *scores.shape[2:]):
        return ": the axis of the classes is still there, with length 1"
    if found.shape == scores.argmax(1).swapaxes(1, 2).shape:
        return ": rows and columns are exchanged"
    return ""


def labels_fault(scores: np.ndarray) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.array_equal(found, scores.argmin(1)):
            return "that is the class with the smallest score; the largest wins"
        if np.array_equal(found, wanted + 1):
            return "all labels are one too large: the first class is 0"
        if np.array_equal(found, (scores > 0).argmax(1)):
            return "that is the first class with a score above 0, and class 0 where there is none; the largest wins, above 0 or below"
        if np.array_equal(found, np.broadcast_to(wanted[:1], wanted.shape)):
            return "every picture has the labels of the first; do all N"
        if np.array_equal(found, np.abs(scores).argmax(1)):
            return "a score of -5 is less than one of -1: you compare sizes without signs"
        for axis in (0, 2, 3):
            if found.shape == scores.argmax(axis).shape and np.array_equal(found, scores.argmax(axis)):
                return f"your maximum runs over axis {axis}; it belongs over the classes, axis 1"
        return "expected, at each picture, row and column, the number of the channel whose score is largest"

    return fault


@check
def share_of_class(answer: Any) -> None:
    """share_of_class(labels, label) -> from 0 to 1: how many of the pixels that are not void (255) have this label. 0 without any."""
    rng = np.random.default_rng(1)
    for shape, void in (((4, 6), 0.0), ((5, 3), 0.3), ((7, 7), 0.6), ((1, 9), 0.2)):
        labels = rng.integers(0, 4, shape).astype(np.uint8)
        labels[rng.random(shape) < void] = VOID
        for label in (2, 0, 3, 9):
            flat = [int(value) for value in labels.reshape(-1)]
            count, total = flat.count(label), len(flat) - flat.count(VOID)
            lent = labels.copy()
            found = answer(lent, label)
            untouched("labels", labels, lent)
            close(found, count / total, share_fault(labels, label), 1e-6)
    nothing = np.full((2, 3), VOID, np.uint8)
    with np.errstate(all="ignore"):
        try:
            found = float(answer(nothing, 1))
        except (TypeError, ValueError):
            wrong("for a picture of void alone expected the number 0")
    if found != 0:
        wrong(f"a picture of void alone gives {found:g}; expected 0: divide only where something counts")
    counted()


def share_fault(labels: np.ndarray, label: int) -> Callable[[Any, Any], str]:
    hits, counts = int((labels == label).sum()), int((labels != VOID).sum())

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        if np.isclose(found, hits / labels.size):
            return "you divide by all pixels; void ones (255) do not count"
        if np.isclose(found, hits):
            return "that is how many; divide by how many count"
        if np.isclose(found, 100 * hits / counts):
            return "that is in per cent; expected a share from 0 to 1"
        if np.isclose(found, 1 - hits / counts):
            return "that is the share of all the other classes"
        if np.isclose(found, ((labels == label) | (labels == VOID)).mean()):
            return "void counts as the class; it counts as nothing"
        if np.isclose(found, (labels > 0)[labels != VOID].mean()):
            return "that is the share of everything that is not background; only one label is asked for"
        if hits < counts and np.isclose(found, hits / (counts - hits)):
            return "you divide by the pixels of the other labels; all that are not void count"
        shown = ((labels != VOID) & (labels != 0)).sum()
        if shown and np.isclose(found, hits / shown):
            return "you divide by what is neither void nor background; background counts too"
        if abs(found - hits / counts) < 0.05:
            return "nearly: do not round it"
        return "expected (pixels with this label) / (pixels that are not 255)"

    return fault


def corners(window: np.ndarray) -> int:
    """A label that changes with each pixel's place in the window."""
    places = np.arange(1, window.size + 1).reshape(window.shape)
    return int((window.astype(int) * places).sum() % 9973)


@check
def label_each_pixel(answer: Any) -> None:
    """label_each_pixel(picture, classify, side) -> whole numbers (H, W): classify(window around the pixel), black beyond the border.

    picture: uint8 (H, W, 3). classify gets uint8 (side, side, 3), side odd, and is called once a pixel.
    """
    rng = np.random.default_rng(2)
    for height, width, side in ((4, 6, 1), (5, 7, 3), (6, 4, 5), (3, 3, 3), (2, 5, 7)):
        picture = rng.integers(1, 256, (height, width, 3)).astype(np.uint8)
        shapes: list[tuple[int, ...]] = []

        def classify(window: Any, shapes: list[tuple[int, ...]] = shapes) -> int:
            window = np.asarray(window)
            shapes.append(window.shape)
            return corners(window)

        lent = picture.copy()
        try:
            found = answer(lent, classify, side)
        finally:  # before what its own steps may stop at
            window_shapes(shapes, side)
        found = whole_numbers(found)
        untouched("picture", picture, lent)
        equal(found, by_windows(picture, side), windows_fault(picture, side))
        if len(shapes) != height * width:
            wrong(f"classify was asked {len(shapes)} times for {height * width} pixels; once each is enough")


def window_shapes(shapes: list[tuple[int, ...]], side: int) -> None:
    """Raise Wrong unless every window that classify was given is (side, side, 3)."""
    expected = (side, side, 3)
    bad = [shape for shape in shapes if shape != expected]
    if not bad:
        return
    said = f"classify got a window {bad[0]}, expected {expected}"
    if len(bad[0]) == 3 and bad[0][2] != 3:
        wrong(f"{said}: the frame belongs around rows and columns, not the channels")
    if side == 1:
        wrong(f"{said}: a window of one pixel lies inside everywhere, so it is cut elsewhere; rows come first")
    if len(bad) == len(shapes) > 1 and len(set(bad)) == 1:
        wrong(f"{said}, and so it is everywhere: where does a slice of {side} rows end?")
    wrong(f"{said}: at the border the frame is missing")


def by_windows(picture: np.ndarray, side: int, down: int = 0, frame: str = "black") -> np.ndarray:
    """The label map pixel by pixel; `down`: the window lies so far from the middle; `frame`: what is beyond the border."""
    height, width, _ = picture.shape
    labels = np.zeros((height, width), int)
    for h, w in np.ndindex(height, width):
        window = np.zeros((side, side, 3), np.uint8)
        for i, j in np.ndindex(side, side):
            row, column = h + i - side // 2 + down, w + j - side // 2 + down
            if frame == "edge":
                row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
            if frame == "wrap":
                row, column = row % height, column % width
            if 0 <= row < height and 0 <= column < width:
                window[i, j] = picture[row, column]
        labels[h, w] = corners(window)
    return labels


def windows_fault(picture: np.ndarray, side: int) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for down, said in ((1, "below and to the right"), (-1, "above and to the left")):
            if side != 3 and np.array_equal(found, by_windows(picture, side, down)):
                return f"the windows lie one pixel {said}: a window of {side} reaches {side // 2} to each side of its middle"
        turned = by_windows(picture.swapaxes(0, 1), side)
        if np.array_equal(found, turned.T):
            return "rows and columns are exchanged inside the windows"
        for down, said in ((side // 2, "begins at"), (-(side // 2), "ends at")):
            if side > 1 and np.array_equal(found, by_windows(picture, side, down)):
                return f"the window {said} the pixel; the pixel belongs in its middle"
        if np.array_equal(found, by_windows(picture, side, frame="edge")):
            return "beyond the border you repeat the last pixel; it is black (0) there"
        if np.array_equal(found, by_windows(picture, side, frame="wrap")):
            return "beyond the border you go on at the other side (a negative index does that); it is black (0) there"
        inner = (slice(side // 2, -(side // 2) or None),) * 2
        if np.array_equal(found[inner], wanted[inner]) and not np.array_equal(found, wanted):
            return "right inside, wrong at the border: every pixel gets a label, with black beyond the picture"
        return "expected at (h, w) what classify says of the window whose middle is pixel (h, w)"

    return fault
