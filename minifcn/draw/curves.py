"""Figures of a run: the loss as it fell, the scores of each stage, the IU of each class.

Every function builds its own matplotlib Figure; pyplot and its global state stay out.
"""

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minifcn.files import write_whole

# Okabe and Ito's colours, which stay apart for colour-blind readers; yellow is left out, too pale on white.
STAGE_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
GREY, INK = "#6b6b6b", "#333333"
OFFSET: dict[str, Any] = {"textcoords": "offset points", "color": INK}
PLATE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}  # behind a text that lies on lines
SCORES = {
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "mean_iu": "mean IU",
    "frequency_weighted_iu": "frequency weighted IU",
}
STYLE: Any = {  # Any: matplotlib types its settings as one long list of names
    "svg.fonttype": "none",  # letters stay letters: small, searchable, in the reader's own font
    "svg.hashsalt": "minifcn",  # else the ids inside an SVG are random
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.parse_math": False,  # a class may have a $ in its name
}
WIDTH = 5.2  # inches: narrow enough that the letters stay readable on a phone
POINTS = 500  # of a raw curve, a stage: more cannot be told apart


@contextmanager
def style() -> Iterator[None]:
    """Our settings while a figure is built or written, and no complaint about letters that DejaVu Sans lacks."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*missing")
        yield


def loss_curve(rows: Sequence[Mapping[str, Any]], num_classes: int) -> Figure:
    """The loss over the steps of all stages, one stage after the other: raw faint, smoothed strong.

    `rows`: dicts with `stage`, `step` (counted within the stage) and `loss`, in the order of training. A dashed line
    marks ln(num_classes), the mean loss of guessing; a summed loss, which lies far above it, is drawn without.
    Losses that are NaN or infinite leave gaps. No rows give a figure that says so.
    """
    with style():
        figure, axes = panel(3.0)
        losses = np.array([float(row["loss"]) for row in rows])
        finite = losses[np.isfinite(losses)]
        if not finite.size:
            return nothing(figure, axes, "No loss was logged.")
        guessing, start = math.log(max(num_classes, 1)), 0.0
        stages = list(dict.fromkeys(row["stage"] for row in rows))
        for index, stage in enumerate(stages):
            mine = [row for row in rows if row["stage"] == stage]
            steps = np.array([float(row["step"]) for row in mine])
            loss = np.array([float(row["loss"]) for row in mine])
            loss[~np.isfinite(loss)] = np.nan
            colour = _colour(index)
            axes.plot(*thin(start + steps, loss), color=colour, alpha=0.3, linewidth=0.8)
            keep = np.unique(np.linspace(0, len(loss) - 1, POINTS).astype(int))
            marker = "o" if len(loss) == 1 else None  # one point makes no line
            axes.plot(start + steps[keep], _smooth(loss)[keep], color=colour, linewidth=2, marker=marker)
            if index:
                axes.axvline(start, color=GREY, linewidth=0.6)
            end = start + steps.max()
            axes.text((start + end) / 2, 1.02, stage, color=INK, ha="center", transform=axes.get_xaxis_transform())
            start = end
        top = 1.05 * np.quantile(finite, 0.995)  # a single spike may leave the picture
        if finite.min() < 4 * guessing:
            axes.axhline(guessing, color=GREY, linewidth=1, linestyle="--")
            note = f"guessing: ln {num_classes} = {guessing:.2f}"
            beside = axes.get_yaxis_transform()  # x in shares of the width, y in losses
            axes.annotate(note, (0.99, guessing), (0, 4), beside, ha="right", va="bottom", bbox=PLATE, **OFFSET)
            top = max(top, 1.15 * guessing)
        axes.set_xlim(0, max(start, 1))
        axes.set_ylim(min(0, finite.min()), top if top > 0 else 1)
        axes.set_xlabel("training step, stages one after the other")
        axes.set_ylabel("loss")
    return figure


def score_bars(metrics: Mapping[str, Mapping[str, Any]]) -> Figure:
    """The four scores side by side for each stage, in per cent.

    `metrics`: stage → a dict of the four scores as fractions; one that is None, NaN or missing has no bar.
    """
    with style():
        figure, axes = panel(2.8)
        if not metrics:
            return nothing(figure, axes, "No stage has been scored.")
        width = 0.8 / len(metrics)
        for index, (stage, scores) in enumerate(metrics.items()):
            places = np.arange(len(SCORES)) + width * (index - (len(metrics) - 1) / 2)
            values = [100 * number(scores.get(key)) for key in SCORES]
            axes.bar(places, np.nan_to_num(values), 0.92 * width, color=_colour(index), label=stage)
            for place, value in zip(places, values, strict=True):
                text = f"{value:.1f}" if math.isfinite(value) else "–"
                axes.annotate(text, (place, np.nan_to_num(value)), (0, 2), ha="center", fontsize=7.5, **OFFSET)
        axes.set_xticks(range(len(SCORES)), [name.replace(" weighted", "\nweighted") for name in SCORES.values()])
        axes.tick_params(axis="x", length=0)
        axes.set_ylim(0, 105)
        axes.set_yticks(range(0, 101, 20))
        axes.set_ylabel("score (%)")
        _stage_legend(figure, len(metrics))
    return figure


def class_bars(metrics: Mapping[str, Mapping[str, Any]]) -> Figure:
    """The IU of each class, a bar a stage, in per cent; the best classes of the last stage on top.

    `metrics`: stage → a dict whose `per_class` maps a class name to its IU as a fraction, or to None (or NaN) for a
    class that appears neither in truth nor in prediction.
    """
    with style():
        names = sorted_classes(metrics)
        bar = 0.8 / max(len(metrics), 1)
        figure, axes = panel(1.1 + len(names) * max(0.24, 0.13 * len(metrics) + 0.06))
        if not names:
            return nothing(figure, axes, "No class has been scored.")
        for index, (stage, scores) in enumerate(metrics.items()):
            places = np.arange(len(names)) + bar * (index - (len(metrics) - 1) / 2)
            values = [100 * number(scores.get("per_class", {}).get(name)) for name in names]
            axes.barh(places, np.nan_to_num(values), 0.92 * bar, color=_colour(index), label=stage)
            for place, value in zip(places, values, strict=True):
                text = f"{value:.1f}" if math.isfinite(value) else "absent"
                axes.annotate(text, (np.nan_to_num(value), place), (3, 0), va="center", fontsize=7, **OFFSET)
        axes.set_yticks(range(len(names)), [_short(name) for name in names])
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(0, 108)
        axes.set_xticks(range(0, 101, 20))
        axes.set_xlabel("intersection over union (%)")
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color="#e4e4e4", linewidth=0.7)
        _stage_legend(figure, len(metrics))
    return figure


def to_svg(figure: Figure) -> str:
    """`figure` as an `<svg>` element to put into a page: no date, no outside reference, the same text every time."""
    buffer = io.StringIO()
    with style():
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = buffer.getvalue()
    return text[text.index("<svg") :]  # the XML head names a DTD on the network


def to_png(figure: Figure, dpi: float = 150) -> bytes:
    """`figure` as the bytes of a PNG file with `dpi` pixels an inch."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: Figure, path: str) -> None:
    """`figure` into a file, PNG or SVG by the end of its name, whole or not at all."""
    svg = path.lower().endswith(".svg")
    write_whole(path, to_svg(figure).encode() if svg else to_png(figure))


def number(value: Any) -> float:
    """`value` as a float; None, which JSON writes for a score that does not exist, is NaN."""
    return math.nan if value is None else float(value)


def sorted_classes(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The class names of all stages, by the IU of the last stage, best first; absent ones come last."""
    names = list(dict.fromkeys(name for scores in metrics.values() for name in scores.get("per_class", {})))
    last = list(metrics.values())[-1].get("per_class", {}) if metrics else {}
    scores = {name: number(last.get(name)) for name in names}
    return sorted(names, key=lambda name: -scores[name] if math.isfinite(scores[name]) else math.inf)


def panel(height: float) -> tuple[Figure, Axes]:
    """An empty figure of WIDTH x `height` inches with one pair of axes, ruled along y. To be called inside `style()`."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    return figure, axes


def nothing(figure: Figure, axes: Axes, sentence: str) -> Figure:
    """The figure that says why there is nothing to see."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", va="center", color=GREY, transform=axes.transAxes)
    return figure


def _stage_legend(figure: Figure, count: int) -> None:
    figure.legend(loc="outside upper center", ncols=min(count, 4), frameon=False)


def _colour(index: int) -> str:
    return STAGE_COLOURS[index % len(STAGE_COLOURS)]


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


def _smooth(values: np.ndarray) -> np.ndarray:
    """The running mean over a window of a twenty-fifth of the curve; NaN does not count. Shape as `values`."""
    half = max(1, len(values) // 50)
    known = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    low = np.maximum(np.arange(len(values)) - half, 0)
    high = np.minimum(np.arange(len(values)) + half + 1, len(values))
    with np.errstate(invalid="ignore"):
        return (sums[high] - sums[low]) / np.maximum(counts[high] - counts[low], 1) * np.where(known, 1.0, np.nan)


def thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most POINTS points that cover the same ink: the least and the greatest value of each stretch in turn."""
    if len(x) <= POINTS:
        return x, y
    stretches = np.array_split(np.arange(len(x)), POINTS // 2)
    ends = [(x[part[0]], end(y[part])) for part in stretches for end in (np.min, np.max)]  # a NaN makes a gap
    return np.array(ends).T[0], np.array(ends).T[1]
