"""Label maps as colours, alone or over the picture they belong to, and what share of a picture each class takes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from PIL import Image

from minifcn.data.classes import is_background
from minifcn.data.labels import VOID
from minifcn.draw.pictures.legend import PAPER, font_size, legend

VOID_COLOUR = (224, 224, 192)  # the cream that VOC's own palette has for void
AT_ONCE = 1 << 16  # pixels blended together


def colourise(labels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The colour of each label: uint8 (H, W, 3).

    `labels`: integers (H, W), each a row of `colours`, or 255 for void. `colours`: uint8 (K, 3).
    Raises ValueError for another rank or a label without a colour, TypeError for labels that are no integers.
    """
    labels, colours = np.asarray(labels), np.asarray(colours, np.uint8)
    check_labels(labels, len(colours), "colourise", "colours")
    table = np.empty((VOID + 1, 3), np.uint8)
    table[: len(colours)] = colours[: VOID + 1]
    table[VOID] = VOID_COLOUR
    return table[labels]


def tint(
    picture: np.ndarray, labels: np.ndarray, names: Sequence[str], colours: np.ndarray, alpha: float = 0.55
) -> np.ndarray:
    """`picture` blended with the colours of its labels, each object outlined: uint8 (H, W, 3).

    Arguments and errors as in `overlay`.
    """
    return np.concatenate(
        [np.empty((0, *np.shape(picture)[1:]), np.uint8), *tinted(picture, labels, names, colours, alpha)]
    )


def tinted(
    picture: np.ndarray, labels: np.ndarray, names: Sequence[str], colours: np.ndarray, alpha: float = 0.55
) -> Iterator[np.ndarray]:
    """What `tint` gives, some rows at a time, from the top down: a large photograph needs no second one beside it."""
    picture, labels = np.asarray(picture), np.asarray(labels)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"overlay: picture is {picture.dtype} {picture.shape}, expected uint8 (H, W, 3)")
    if picture.shape[:2] != labels.shape:
        raise ValueError(f"overlay: labels {labels.shape} do not fit a picture of {picture.shape[:2]}")
    if not 0 <= alpha <= 1:
        raise ValueError(f"overlay: alpha is {alpha}, expected 0 (outlines only) to 1 (colours only)")
    check_labels(labels, len(names), "overlay", "names")
    check_labels(labels, len(colours), "overlay", "colours")
    step = max(1, AT_ONCE // max(1, labels.shape[1]))
    parts = [slice(start, start + step) for start in range(0, len(labels), step)]
    table, outlines, clear = blends(colours, alpha), _outlines(labels), has_background(names)
    return (_tinted(picture[rows], labels[rows], outlines[rows], table, clear) for rows in parts)


def _tinted(
    picture: np.ndarray, labels: np.ndarray, outlines: np.ndarray, table: np.ndarray, clear: bool
) -> np.ndarray:
    """The picture after the `table` that `blends` gives; `clear`: class 0 stays as it is."""
    result = picture.copy()
    where = np.flatnonzero(labels) if clear else np.arange(labels.size)
    row = (labels.ravel()[where].astype(np.intp) + (VOID + 1) * outlines.ravel()[where]) * 256
    numbers, place = result.reshape(-1), 3 * where
    for channel in table:  # one at a time: NumPy begins a row of three numbers as slowly as one of thousands
        numbers[place] = channel.take(row + numbers.take(place))
        place += 1
    return result


def blends(colours: np.ndarray, alpha: float) -> np.ndarray:
    """What becomes of each brightness, 0 to 255, in the tint of each label and, behind these, on each label's outline: uint8 (3, 512 · 256).

    A pixel has so few possible fates that they are worked out beforehand and looked up.
    """
    colours = np.asarray(colours, np.uint8)[: VOID + 1]
    known = np.append(np.arange(len(colours)), VOID)
    colour = colourise(known[None], colours)[0].T.astype(np.float32)[:, :, None]  # (3, K + 1, 1)
    level = np.arange(256, dtype=np.uint8)
    table = np.zeros((3, 2, VOID + 1, 256), np.uint8)
    table[:, 0, known] = np.rint(level + np.float32(alpha) * (colour - level))
    # The palette is dark: lightened, an outline stands out from its own tint and from most pictures.
    table[:, 1, known] = np.rint(0.55 * colour + 0.45 * 255)
    return table.reshape(3, -1)


def overlay(
    picture: np.ndarray, labels: np.ndarray, names: Sequence[str], colours: np.ndarray, alpha: float = 0.55
) -> Image.Image:
    """`picture` tinted and outlined by class, with a legend below: an RGB image.

    `picture`: uint8 (H, W, 3). `labels`: integers (H, W), each an index of `names`, or 255 for void. `colours`: uint8
    (K, 3), a row a name. Class 0 stays untinted when it is called "background". `alpha`: 0 tints nothing and
    leaves the outlines, 1 hides what lies below.

    The picture keeps its own pixels and stands at the top left; the legend adds rows, and columns too where the picture
    is narrower than a legend entry. Raises ValueError for shapes that do not fit or a label without a name.
    """
    width, height, strips = overlay_strips(picture, labels, names, colours, alpha)
    drawn = np.empty((height, width, 3), np.uint8)
    row = 0
    for strip in strips:
        drawn[row : row + len(strip)] = strip
        row += len(strip)
    return Image.fromarray(drawn)


def overlay_strips(
    picture: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    colours: np.ndarray,
    alpha: float = 0.55,
    unsure: str | None = None,
) -> tuple[int, int, Iterator[np.ndarray]]:
    """Width and height of what `overlay` draws, and its rows from the top down, some at a time: uint8 (n, width, 3).

    `unsure`: what void is called where it is a share of the picture as every class is.
    """
    labels = np.asarray(labels)
    top = tinted(picture, labels, names, colours, alpha)
    own = {VOID: VOID_COLOUR} | ({0: PAPER} if has_background(names) else {})
    entries = [
        (f"{name} {per_cent(share)}", own[index] if index in own else colours[index])
        for index, name, share in _present(labels, names, unsure)
    ]
    if unsure is None and np.any(labels == VOID):
        entries.append(("void, not counted", VOID_COLOUR))
    bottom = np.asarray(legend(entries, labels.shape[1], font_size(*labels.shape[::-1])))
    right = np.full((1, bottom.shape[1] - labels.shape[1], 3), PAPER, np.uint8)
    padded = (np.concatenate([rows, right.repeat(len(rows), 0)], 1) if right.size else rows for rows in top)
    return bottom.shape[1], len(labels) + len(bottom), chain(padded, [bottom])


def class_shares(labels: np.ndarray, names: Sequence[str], unsure: str | None = None) -> list[tuple[str, float]]:
    """The classes that appear and the fraction of the picture each takes, largest first.

    `labels`: integers (H, W), each an index of `names`, or 255 for void. Void pixels do not count, so the shares sum
    to 1, unless `unsure` says what they are called. A picture of void alone gives an empty list.

    >>> class_shares(np.array([[0, 0, 0, 1, 255]]), ["background", "person"])
    [('background', 0.75), ('person', 0.25)]
    """
    return [(name, share) for _, name, share in _present(np.asarray(labels), names, unsure)]


def shares_line(labels: np.ndarray, names: Sequence[str], unsure: str | None = None) -> str:
    """`class_shares` as a line to print.

    >>> shares_line(np.array([[0, 0, 0, 1, 255]]), ["background", "person"])
    'background 75.0 %, person 25.0 %'
    """
    return ", ".join(f"{name} {per_cent(share)}" for name, share in class_shares(labels, names, unsure)) or "void only"


def per_cent(share: float) -> str:
    """A fraction as text with one decimal; what would round to nothing reads "<0.1 %"."""
    return "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _present(labels: np.ndarray, names: Sequence[str], unsure: str | None) -> list[tuple[int, str, float]]:
    """Index, name and share of each class in `labels`, largest share first, ties by index. Void counts where `unsure` names it."""
    check_labels(labels, len(names), "class_shares", "names")
    step = max(1, AT_ONCE // max(1, labels.shape[1]))  # some rows at a time: bincount makes eight bytes of each label
    parts = (labels[start : start + step].ravel() for start in range(0, len(labels), step))
    counts = np.zeros(max(len(names), VOID + 1), np.int64)
    for part in parts:
        counts += np.bincount(part, minlength=len(counts))
    if unsure is None:
        counts[VOID] = 0
    found = sorted(map(int, np.flatnonzero(counts)), key=lambda index: -counts[index])
    name_of = {VOID: unsure or ""}  # no class has its number
    return [(index, name_of.get(index) or names[index], float(counts[index] / counts.sum())) for index in found]


def shown_classes(
    maps: Iterable[np.ndarray], names: Sequence[str], colours: np.ndarray
) -> list[tuple[str, Sequence[int]]]:
    """Legend entries (text, RGB colour) for the classes of several label maps, in the order of `names`, void last."""
    seen = sorted({int(label) for labels in maps for label in np.unique(labels)})
    entries = [(names[index], colours[index]) for index in seen if index < len(names)]
    return entries + [("void, not counted", VOID_COLOUR)] * (VOID in seen)


def has_background(names: Sequence[str]) -> bool:
    """Whether class 0 is the background, which an overlay leaves untinted."""
    return len(names) > 0 and is_background(names[0])


def _outlines(labels: np.ndarray) -> np.ndarray:
    """Where a pixel lies next to another label: bool (H, W). Thicker in large pictures, which are seen scaled down."""
    edges = np.zeros(labels.shape, bool)
    thickness = int(np.clip(round(labels.size**0.5 / 280), 1, 8))
    for reach in range(1, thickness + 1):
        down = labels[reach:] != labels[:-reach]
        right = labels[:, reach:] != labels[:, :-reach]
        edges[reach:] |= down
        edges[:-reach] |= down
        edges[:, reach:] |= right
        edges[:, :-reach] |= right
    return edges & (labels != VOID)


def check_labels(labels: np.ndarray, count: int, operation: str, table: str) -> None:
    """Refuse a label map that is not (H, W), not of integers, or has a label other than 0 to `count` - 1 and void."""
    if labels.ndim != 2:
        raise ValueError(f"{operation}: labels have shape {labels.shape}, expected (H, W)")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{operation}: labels are {labels.dtype}, expected integers such as uint8")
    wrong = labels[((labels < 0) | (labels >= count)) & (labels != VOID)]
    if wrong.size:
        raise ValueError(
            f"{operation}: label {wrong.flat[0]} is not in {table}, which has {count} entries; "
            f"use 0 to {count - 1}, or {VOID} for void"
        )
