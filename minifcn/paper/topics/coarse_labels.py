"""Appendix A: how coarse may a prediction be? The paper's numbers beside those of the reader's own labels."""

from collections.abc import Iterable

import numpy as np

from minifcn.data import DataError, VOCFolder
from minifcn.data.voc import in_threads
from minifcn.paper.claims import Curves, Outcome, Setting, claim
from minifcn.training.scoring.upper_bounds import WAYS, upper_bounds

PAPER = {128: 50.9, 64: 73.3, 32: 86.1, 16: 92.8, 8: 96.4, 4: 98.5}  # arXiv 1411.4038v2, appendix A: mean IU in percent
LONG_SIDE = 500  # of VOC's pictures, in pixels
FINE = 32  # with larger blocks a picture is a dozen of them, and the score a matter of which pictures
NEAR = 6.0  # points of mean IU that other pictures and another way to interpolate may make

Bounds = dict[str, dict[int, float]]  # way -> factor -> mean IU in percent


@claim(
    "upper-bounds",
    "arXiv v2, appendix A",
    "Labels made coarser by 32, 16 and 8 and enlarged back still score a mean IU of 86, 93 and 96: it is not the coarse output that limits an FCN.",
    "data",
)
def upper_bounds_on_mean_iu(setting: Setting) -> Outcome:
    if setting.data is None:
        return Outcome(None, "needs the labels of a VOC folder, and none was given")
    try:
        data = VOCFolder(setting.data, "val", setting.known())
        labels = in_threads(data.labels, range(len(data)))
    except DataError as error:
        return Outcome(None, str(error))
    long_side = float(np.median([max(each.shape) for each in labels]))
    # what the paper's block is on pictures of another size: the same share of the picture
    scaled = {factor: max(1, round(factor * long_side / LONG_SIDE)) for factor in PAPER}
    count = len(data.class_map.names)
    found = {way: percent(labels, {*PAPER, *scaled.values()}, way, count) for way in WAYS}
    apart = {way: {f: abs(found[way][scaled[f]] - PAPER[f]) for f in PAPER} for way in WAYS}
    nearer, farther = sorted(WAYS, key=lambda way: np.mean(list(apart[way].values())))
    measured = (
        f"{len(labels)} label maps with a long side of {long_side:.0f} pixels, by {nearer}: "
        + ", ".join(f"{found[nearer][scaled[f]]:.1f} for factor {scaled[f]} (paper {f}: {PAPER[f]})" for f in PAPER)
        + f"; {mean_distance(apart[nearer])} points from the paper on average, by {farther} {mean_distance(apart[farther])}; "
        "the paper does not say how it interpolated"
    )
    near = max(points for factor, points in apart[nearer].items() if factor <= FINE) <= NEAR
    rises = all(np.diff([found[way][factor] for factor in scaled.values()]).min() >= 0 for way in WAYS)
    return Outcome(near and rises, measured, table(found, scaled), [curves(found, scaled)])


def percent(labels: list[np.ndarray], factors: Iterable[int], way: str, classes: int) -> dict[int, float]:
    """Mean IU in percent by factor."""
    bounds = upper_bounds(labels, sorted(factors), classes, way)
    return {factor: 100 * (bound.mean_iu or 0.0) for factor, bound in bounds.items()}


def mean_distance(apart: dict[int, float]) -> str:
    return f"{np.mean(list(apart.values())):.1f}"


def table(found: Bounds, scaled: dict[int, int]) -> list[list[str]]:
    """A row a factor of the paper. On pictures of another size than VOC's, the columns to compare are those of the scaled factor."""
    head = ["factor", "paper", *(f"here, {way}" for way in WAYS)]
    rows = [[str(f), f"{PAPER[f]:.1f}", *(f"{found[way][f]:.1f}" for way in WAYS)] for f in PAPER]
    if any(f != own for f, own in scaled.items()):
        head += ["factor for pictures of this size", *(f"there, {way}" for way in WAYS)]
        rows = [
            [*row, str(own), *(f"{found[way][own]:.1f}" for way in WAYS)]
            for row, own in zip(rows, scaled.values(), strict=True)
        ]
    return [head, *rows]


def curves(found: Bounds, scaled: dict[int, int]) -> Curves:
    exponents = [float(np.log2(factor)) for factor in PAPER]
    lines = {"paper": (exponents, list(PAPER.values()))}
    lines |= {way: (exponents, [found[way][own] for own in scaled.values()]) for way in WAYS}
    return Curves(
        "Upper bounds on mean IU: labels made coarse and enlarged back",
        "log2 of the paper's factor; here the factor is scaled to the size of the pictures",
        "mean IU in percent",
        lines,
    )
