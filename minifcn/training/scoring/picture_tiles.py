"""Predictions of pictures too large for one go, in overlapping tiles; and with a label how likely it is.

Memory follows the tile and not the picture. A pixel near a tile's edge lacks a part of what it would see, so of two tiles that overlap
each counts up to the middle of the overlap. Tiles start at multiples of the network's stride: its cells lie where they would lie in the whole.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minifcn.autodiff.foreign import refuse
from minifcn.data.large import LargePicture
from minifcn.kernels.whole import whole
from minifcn.models import FCN
from minifcn.models.geometry import seen
from minifcn.training.scoring.evaluate import (
    ONE_SCALE,
    check_fits,
    check_scales,
    evaluating,
    predict,
    scales_for,
    views_of,
)
from minifcn.training.scoring.winners import averaged, leading, winners

AT_ONCE = 1 << 21  # probabilities worked out together, 8 MiB of them


class Prediction(NamedTuple):
    """`labels` uint8 (H, W), the most likely class; its probability, float32 (H, W); that of every class, float16 (C, H, W).

    The last two are None where nobody asked for them.
    """

    labels: np.ndarray
    confidence: np.ndarray | None = None
    probabilities: np.ndarray | None = None


class Piece(NamedTuple):
    """A stretch of one axis: `seen` goes through the network, `kept`, a part of it, is what counts."""

    seen: slice
    kept: slice

    @property
    def inner(self) -> slice:
        """`kept`, counted from the start of `seen`."""
        return slice(self.kept.start - self.seen.start, self.kept.stop - self.seen.start)


def predict_tiled(
    model: FCN,
    picture: np.ndarray,
    tile: int,
    overlap: int | None = None,
    mirror: bool = False,
    scales: Sequence[float] = ONE_SCALE,
) -> np.ndarray:
    """As `predict`, in tiles of `tile` x `tile` pixels: picture uint8 (H, W, 3) -> uint8 (H, W).

    `overlap`: pixels that neighbouring tiles share at least; None is `reach(model)`, about half of what a pixel sees. With twice that
    a single view comes out as from the whole picture, but for rounding. Raises ValueError where no tile of that size could overlap so far.
    """
    return predict_maps(model, picture, tile=tile, overlap=overlap, mirror=mirror, scales=scales).labels


def predict_maps(
    model: FCN,
    picture: np.ndarray | LargePicture,
    *,
    mirror: bool = False,
    scales: Sequence[float] = ONE_SCALE,
    size: int | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    confidence: bool = False,
    every_class: bool = False,
    progress: Callable[[int, int], Any] | None = None,
) -> Prediction:
    """The labels of a picture and, as asked, how likely they and all other classes are.

    `size`: what the longer side is resized to, in pixels, before `scales` apply; None leaves it. A network knows things as large as those
    that it was trained on: `size_for`. `tile`, `overlap` as in `predict_tiled`; None: in one go. `mirror` and `scales` as in
    `predict`; `progress` is called with the number of tiles done and of all. Raises ValueError where an argument makes no sense.
    """
    check_fits("predict", model)
    if not isinstance(picture, LargePicture):
        refuse("predict", picture, "the picture")
        picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ValueError(
            f"predict: got {picture.dtype} {picture.shape}; expected an RGB picture, uint8 (H, W, 3), not empty"
        )
    check_scales(scales)
    height, width = picture.shape[:2]
    if size is not None:
        if tile is not None or not whole(size) or size < 1:
            raise ValueError(
                f"predict: size is {size!r} and tile is {tile}; expected a size of at least 1, and not both: tiles are for the own size"
            )
        scales = scales_for(picture, scales, size)
    plain = tuple(scales) == ONE_SCALE and not (mirror or confidence or every_class)
    result = Prediction(
        np.empty((height, width), np.uint8),
        np.empty((height, width), np.float32) if confidence else None,
        np.empty((len(model.class_names), height, width), np.float16) if every_class else None,
    )
    grid = tiles(model, height, width, tile, overlap)
    for number, (rows, columns) in enumerate(grid, 1):
        part = picture[rows.seen, columns.seen]
        if plain:
            result.labels[rows.kept, columns.kept] = predict(model, part)[rows.inner, columns.inner]
        else:
            with evaluating(model):
                views = views_of(model, part, mirror, scales)
            fill(result, views, rows, columns)
        if progress:
            progress(number, len(grid))
    return result


def strips(whole: slice, numbers: int) -> Iterator[slice]:
    """`whole` in pieces of at most `AT_ONCE` numbers, each place having so many `numbers`; at least one place a piece."""
    step = max(1, AT_ONCE // numbers)
    return (slice(start, min(start + step, whole.stop)) for start in range(whole.start, whole.stop, step))


def fill(result: Prediction, views: Sequence[np.ndarray], rows: Piece, columns: Piece) -> None:
    """Write what the `views` of a tile say, some rows at a time: probabilities of all classes for every pixel would be the largest array of all."""
    size = (rows.seen.stop - rows.seen.start, columns.seen.stop - columns.seen.start)
    for part in strips(rows.inner, len(views[0]) * size[1]):
        place = (slice(rows.seen.start + part.start, rows.seen.start + part.stop), columns.kept)
        if result.confidence is None and result.probabilities is None:
            result.labels[place] = winners(views, size, part)[:, columns.inner]
            continue
        found = averaged(views, size, part)[:, :, columns.inner]
        result.labels[place] = leading(found)[0]
        if result.confidence is not None:
            result.confidence[place] = found.max(0)
        if result.probabilities is not None:
            result.probabilities[:, place[0], place[1]] = found


def tiles(model: FCN, height: int, width: int, tile: int | None, overlap: int | None) -> list[tuple[Piece, Piece]]:
    """(rows, columns) of every tile, row by row; one for all where `tile` is None."""
    if tile is None:
        return [(Piece(slice(0, height), slice(0, height)), Piece(slice(0, width), slice(0, width)))]
    shared = reach(model) if overlap is None else overlap
    least = shared + model.cell
    if shared < 0 or tile < least:
        what = f"{shared} pixels" + (", half of what the network sees" if overlap is None else "")
        raise ValueError(
            f"predict_tiled: tile is {tile} and neighbours are to overlap by {what}; expected an overlap of 0 or more and "
            f"a tile of at least {max(least, model.cell)}: the overlap and one cell of {model.cell}"
        )
    return [(r, c) for r in pieces(height, tile, shared, model.cell) for c in pieces(width, tile, shared, model.cell)]


def pieces(length: int, tile: int, overlap: int, cell: int) -> list[Piece]:
    """Stretches of at most `tile` pixels that start at multiples of `cell`, overlap by `overlap` or more and together keep every pixel once."""
    step = (tile - overlap) // cell * cell
    count = 1 + max(0, -(-(length - tile) // step))
    starts = [step * number for number in range(count)]
    ends = [*(start + tile for start in starts[:-1]), length]
    cuts = [0, *((start + end) // 2 for start, end in zip(starts[1:], ends[:-1], strict=True)), length]
    return [Piece(slice(starts[i], ends[i]), slice(cuts[i], cuts[i + 1])) for i in range(count)]


def reach(model: FCN) -> int:
    """How far, in pixels up, down, left or right, the farthest pixel lies that can change the scores of a pixel."""
    far = 0
    for pixel in range(model.cell):  # the cells lie the same way in every cell after that
        for pixels in seen(model, "score", pixel, pixel):
            far = max(far, pixel - pixels[0], pixels[-1] - pixel)
    return far
