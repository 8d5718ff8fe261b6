"""Section 4.2: a finer net takes over a coarser one's weights, its new skip is zero, and it starts by predicting the same. Does it?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Tensor
from minifcn.models import FCN, fcn8s, fcn16s, fcn32s, transplant
from minifcn.paper.claims import Curves, Outcome, Setting, claim


def coarse_scores(model: FCN, x: np.ndarray) -> np.ndarray:
    """Pictures (N, 3, H, W) -> the scores of the coarsest map (N, C, h, w), before anything is upsampled or joined."""
    return model.score_fr(model.backbone(x)[model.backbone.heads[model.cell]]).data


def enlarged(model: FCN, scores: np.ndarray) -> np.ndarray:
    """Coarse scores (N, C, h, w) through the upsampling layers of `model`, its skips adding nothing; pixel 0 of the picture comes first."""
    result = Tensor(scores)
    for skip in model.skips:
        result = skip.up(result)
    return model.upscore(result).data[:, :, model.offset :, model.offset :]


class Start(NamedTuple):
    """A finer net just after `transplant`, held against the FCN-32s it came from."""

    same_scores: bool  # the coarse scores, bit for bit
    skips_add_nothing: bool  # its prediction is its coarse scores upsampled, bit for bit
    smooth: float  # largest difference on constants and ramps, two coarse cells and more from the border
    peaks: tuple[float, float]  # what a coarse score of 1 in a line of zeros comes to at most, there and here
    line: float  # the largest difference on that line
    lone: float  # and on a lone cell of 1 in a plane of zeros
    kept: float  # the share of pixels that keep their class, on coarse scores drawn cell by cell: the least smooth there are


def start_of(build: Callable[..., FCN], padding: str) -> Start:
    rng = np.random.default_rng(0)
    backend.manual_seed((0, 1))
    source = fcn32s("tiny", 9, width=4, padding=padding)
    source.score_fr.weight.data[...] = 0.3 * rng.standard_normal(source.score_fr.weight.shape)
    model = build("tiny", 9, width=4, padding=padding)
    source, model = (net.astype(np.float64).eval() for net in (source, model))
    transplant(source, model)
    x = 50 * rng.standard_normal((1, 3, 96, 128))
    scores = coarse_scores(source, x)
    prediction = model(x).data

    def both(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coarse scores (9, 9) or (9, 9, 9) enlarged by either net to 288 rows and columns, or the fewer that there are."""
        planes = np.broadcast_to(plane, (1, 9, 9, 9))
        there, here = enlarged(source, planes)[0], enlarged(model, planes)[0]
        size = min(288, there.shape[1], here.shape[1])
        return there[:, :size, :size], here[:, :size, :size]

    inner = (slice(None), slice(64, -64), slice(64, -64))
    rows, columns = np.mgrid[:9, :9].astype(np.float64)
    smooth = [both(plane) for plane in (np.full((9, 9), 7.0), 8 + 2 * rows - 3 * columns)]
    line = [plane[inner] for plane in both((rows == 4).astype(np.float64))]
    lone = both(((rows == 4) & (columns == 4)).astype(np.float64))
    drawn = both(rng.standard_normal((9, 9, 9)))
    return Start(
        same_scores=np.array_equal(coarse_scores(model, x), scores),
        skips_add_nothing=np.array_equal(prediction, enlarged(model, scores)[:, :, :96, :128]),
        smooth=max(float(np.abs(there - here)[inner].max()) for there, here in smooth),
        peaks=(float(line[0].max()), float(line[1].max())),
        line=float(np.abs(line[0] - line[1]).max()),
        lone=float(np.abs(lone[0] - lone[1]).max()),
        kept=float((drawn[0].argmax(0) == drawn[1].argmax(0)).mean()),
    )


@claim(
    "unmodified-start",
    "4.2",
    "The new skip of FCN-16s starts at zero, so that the net starts with unmodified predictions.",
)
def unmodified_start(setting: Setting) -> Outcome:
    starts = {
        f"{name}, padding {padding}": start_of(build, padding)
        for name, build in (("FCN-16s", fcn16s), ("FCN-8s", fcn8s))
        for padding in ("same", "paper")
    }
    found = starts["FCN-16s, padding paper"]
    holds = all(start.same_scores and start.skips_add_nothing and start.smooth == 0 for start in starts.values())
    same = "equal FCN-32s's to the last bit, and so do constants and ramps upsampled, away from the border"
    return Outcome(
        holds,
        f"coarse scores {same if holds else 'do not all ' + same}; but upsampling twice is another kernel than once: along a line a score "
        f"of 1 comes to {found.peaks[1]:.3f} and not {found.peaks[0]:.3f}, maps differ by up to {found.line:.3f} (a lone cell: {found.lone:.3f}), "
        f"and of scores drawn cell by cell {found.kept:.1%} of the pixels keep their class",
        table(starts),
        [profile()],
    )


def table(starts: dict[str, Start]) -> list[list[str]]:
    head = "net | coarse scores | skips add | constants, ramps | peak of 32s | its peak | line | lone cell | class kept"
    rows = [
        [
            name,
            "equal" if start.same_scores else "differ",
            "nothing" if start.skips_add_nothing else "something",
            f"{start.smooth:g}",
            *(f"{value:.3f}" for value in (*start.peaks, start.line, start.lone)),
            f"{start.kept:.1%}",
        ]
        for name, start in starts.items()
    ]
    return [head.split(" | "), *rows]


def profile() -> Curves:
    """What a lone coarse score of 1 becomes along a row, in FCN-32s and after two and three upsamplings."""
    lines = {}
    for name, build in (("FCN-32s", fcn32s), ("FCN-16s", fcn16s), ("FCN-8s", fcn8s)):
        scores = np.zeros((1, 1, 5, 5), np.float32)
        scores[0, 0, :, 2] = 1
        row = enlarged(build("tiny", 1, width=1), scores)[0, 0, 80]
        lines[name] = (list(range(len(row))), row.tolist())
    return Curves("A coarse score of 1 between zeros, upsampled", "pixel", "score", lines)
