"""From the scores of views to what counts: the mean of their softmax, or only which class is ahead in it, which is much less work.

The softmax keeps the order of the scores, so that the class with the largest score is ahead. And a resized score is a mean of its neighbours':
where one class beats another in all of them, it does so in between as well. So of 21 classes the few that are ahead somewhere are resized, and
none goes through the softmax. What this finds is what the softmax would have found, to the pixel: where two classes are so close that rounding
may decide, the softmax is asked.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
from PIL import Image

CLOSE = 4e-6  # two scores nearer than this may round to one probability: float32 has steps of 1.2e-7 at 1, and three roundings come together
ROUNDING = 1e-6  # of the largest score: what Pillow's two passes may round away, two steps of float32 each


def averaged(views: Sequence[np.ndarray], size: tuple[int, int], rows: slice) -> np.ndarray:
    """The mean of the views' softmax in some rows of a picture of `size` (H, W): float32 (C, number of rows, W)."""
    total = softmax_in_place(resized(views[0], size, rows))
    for view in views[1:]:
        total += softmax_in_place(resized(view, size, rows))
    total /= np.float32(len(views))
    return total


def resized(scores: np.ndarray, size: tuple[int, int], rows: slice) -> np.ndarray:
    """Scores (C, h, w), each class bilinearly to `size` (H, W), and of that some rows: float32; the same size keeps its values."""
    result = np.empty((len(scores), rows.stop - rows.start, size[1]), np.float32)
    for one, values in zip(scores, result, strict=True):
        values[...] = resized_map(one, size, rows)
    return result


def resized_map(scores: np.ndarray, size: tuple[int, int], rows: slice) -> np.ndarray:
    """As `resized`, of one class: (h, w) -> (number of rows, W)."""
    (height, width), (h, w) = size, scores.shape
    box = (0, rows.start * h / height, w, rows.stop * h / height)
    wanted = (width, rows.stop - rows.start)
    image = Image.fromarray(np.ascontiguousarray(scores, np.float32))
    return np.asarray(image.resize(wanted, Image.Resampling.BILINEAR, box))


def softmax_in_place(scores: np.ndarray) -> np.ndarray:
    """exp(s) / Σ exp(s) over the first axis, (C, H, W), in the memory of the scores: there may be many classes."""
    scores -= scores.max(0)
    np.exp(scores, out=scores)
    scores /= scores.sum(0)
    return scores


def winners(views: Sequence[np.ndarray], size: tuple[int, int], rows: slice) -> np.ndarray:
    """The class that is ahead in `averaged`, the first of equal ones: uint8 (number of rows, W)."""
    if len(views) == 1:
        scores = np.asarray(views[0], np.float32)
        classes = ahead_somewhere(scores, size)
        first, lead = leading(resized_map(scores[index], size, rows) for index in classes)
        if lead.min() > CLOSE:
            return np.array(classes, np.uint8)[first]
    return leading(averaged(views, size, rows))[0]


def leading(maps: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of one map a class, (H, W) each, the number of the largest at each place, the first of equal ones, and by how much it is ahead of all others."""
    remaining = iter(maps)
    best = np.array(next(remaining))
    second = np.full_like(best, -np.inf)
    first = np.zeros(best.shape, np.uint8)
    for number, one in enumerate(remaining, 1):
        np.putmask(first, one > best, np.uint8(number))
        np.maximum(second, np.minimum(best, one), out=second)
        np.maximum(best, one, out=best)
    return first, np.subtract(best, second, out=second)


def ahead_somewhere(scores: np.ndarray, size: tuple[int, int]) -> list[int]:
    """The classes that may be ahead at some place once the scores, float32 (C, h, w), are resized to `size`: in order, few of many.

    A class may where no single other one beats it in all scores that the place is a mean of. Among the others only those are asked that
    are ahead somewhere before anything is resized.
    """
    ahead = leading(scores)[0]
    certain = np.flatnonzero(np.bincount(ahead.ravel(), minlength=len(scores))).tolist()
    reach = [window(before, after) for before, after in zip(scores.shape[1:], size, strict=True)]
    by = CLOSE + ROUNDING * max(abs(float(scores.min())), abs(float(scores.max())))
    return [index for index in range(len(scores)) if index in certain or not beaten(scores, index, certain, reach, by)]


def beaten(scores: np.ndarray, index: int, others: Sequence[int], reach: Sequence[int], by: float) -> bool:
    """Whether in each window of `reach` (rows, columns) one of the `others` is ahead of class `index` throughout, and clearly."""
    leads = (least(scores[other] - scores[index], reach) for other in others)
    return bool(reduce(np.maximum, leads).min() > by)


def window(before: int, after: int) -> int:
    """Of how many neighbours, at most, Pillow makes a number when it resizes bilinearly from `before` to `after` of them."""
    return min(before, 2 if after >= before else int(2 * before / after) + 2)


def least(values: np.ndarray, reach: Sequence[int]) -> np.ndarray:
    """The least number in each window of `reach` (rows, columns) that lies in `values` (h, w) entirely."""
    for length in reach:  # over rows, then, transposed, over columns
        done = 1
        while done < length:  # two windows that overlap make one of up to twice the length
            step = min(done, length - done)
            values = np.minimum(values[:-step], values[step:])
            done += step
        values = values.T
    return values
