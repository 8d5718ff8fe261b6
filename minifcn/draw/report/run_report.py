"""The report of a run: one HTML file that needs nothing else, no script and no network."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minifcn.data.labels import VOID
from minifcn.draw.curves import SCORES, class_bars, loss_curve, number, score_bars, sorted_classes
from minifcn.draw.pictures.overlay import has_background, shown_classes
from minifcn.draw.pictures.sheet import sample_sheet
from minifcn.draw.report.augment import augmentation_section
from minifcn.draw.report.confusion import confusion_figure
from minifcn.draw.report.page import (
    duration,
    escape,
    inline,
    labels_uri,
    page,
    percent,
    picture_uri,
    plain_table,
    score_table,
)
from minifcn.draw.report.score_curve import score_curve
from minifcn.files import write_whole
from minifcn.training.scoring.metrics import ONE_CLASS, doubtful
from minifcn.version import __version__

__all__ = ["sample_sheet", "write_report"]

MEANING = """
<dl>
<dt>Pixel accuracy</dt><dd>The share of all labelled pixels that got the right class. Large classes, above all the
background, decide it: a network that calls everything background may score well here.</dd>
<dt>Mean accuracy</dt><dd>For each class, the share of its own pixels that were found; then the mean over classes.
Claiming too much is not punished.</dd>
<dt>Mean IU</dt><dd>For each class, intersection over union: the pixels that truth and prediction share, divided by the
pixels that either of them gives the class; then the mean over classes. The usual score, and the strictest of the
four.</dd>
<dt>Frequency weighted IU</dt><dd>The same, weighted by how many pixels each class has in the truth.</dd>
</dl>
<p class="soft">All four come from one confusion matrix over the whole set, not from a mean over pictures. Pixels
labelled void (object borders, and classes left out) are not counted. A class that appears neither in the truth nor in
the prediction is absent and left out of the means.</p>
"""


def write_report(
    path: str | os.PathLike[str],
    *,
    title: str,
    config: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Mapping[str, Any]],
    samples: Sequence[Any],
    names: Sequence[str],
    colours: np.ndarray,
    timings: Mapping[str, float] | None = None,
    command: str | None = None,
    augmentations: Sequence[Any] = (),
    hints: Sequence[str] = (),
    points: Sequence[Mapping[str, Any]] = (),
    refresh: float | None = None,
) -> None:
    """Write the report of a run to `path`, whole or not at all: on failure an older file stays as it was.

    `config`: setting → value. `rows`: the log, as `curves.loss_curve` takes it, with `images_per_second`. `metrics`:
    stage → the four scores as fractions and `per_class`, name → IU; None or NaN where there is none. `samples`: objects
    with `id`, `picture` uint8 (H, W, 3), `truth` uint8 (H, W) with 255 for void, and `predictions`, a dict stage →
    uint8 (H, W). `names`: the K classes. `colours`: uint8 (K, 3). `timings`: stage → seconds. `command`: the line that
    repeats the run. `augmentations`: training pictures and what is made of them, as `Batches.examples` gives it.
    `hints`: sentences about what looks wrong. `points`: the scores on the way, as `score_curve` takes them. `refresh`: seconds after which a browser loads the page of a run that goes on.

    Any of the lists may be empty. Raises OSError where the file cannot be written.
    """
    sections = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(headline(metrics))}</p>',
        "".join(f'<div class="hints"><p>{escape(hint)}</p></div>' for hint in hints),
        _scores(metrics),
        _samples(samples, names, np.asarray(colours)[: len(names)]),
        _classes(metrics),
        _confusion(metrics, names),
        _training(rows, timings or {}, len(names)),
        _on_the_way(points, rows),
        augmentation_section(augmentations, names, np.asarray(colours)[: len(names)]),
        _settings(config, command),
        f"<h2>What the scores mean</h2>{MEANING}",
        f'<footer class="soft">Written by minifcn {escape(__version__)}.</footer>',
    ]
    write_whole(path, page(title, "\n".join(sections), refresh).encode())


def headline(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """The result in one sentence: the mean IU of the last stage, and how far it is from the first.

    >>> headline({"fcn32s": {"mean_iu": 0.4}, "fcn8s": {"mean_iu": 0.43}})
    'fcn8s ends at a mean IU of 43.0 %, 3.0 points above fcn32s.'
    """
    if not metrics:
        return "No stage has been scored yet."
    first, last = next(iter(metrics)), list(metrics)[-1]
    start, end = number(metrics[first].get("mean_iu")), number(metrics[last].get("mean_iu"))
    if not math.isfinite(end):
        return f"No mean IU was measured for {last}."
    classes = sum(math.isfinite(number(value)) for value in metrics[last].get("per_class", {}).values())
    over = f" over {classes} classes" if classes > 1 else ""
    sentence = f"{last} ends at a mean IU of {percent(end)} %{over}{doubtful(metrics[last])}"
    if first == last or not math.isfinite(start):
        return f"{sentence}."
    gap = round(100 * end, 1) - round(100 * start, 1)  # of what the page shows
    if abs(gap) < 0.05:
        return f"{sentence}, level with {first}."
    return f"{sentence}, {abs(gap):.1f} points {'above' if gap > 0 else 'below'} {first}."


def _scores(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    if not metrics:
        return ""
    rows = [(stage, [number(scores.get(key)) for key in SCORES]) for stage, scores in metrics.items()]
    heads = [name[0].upper() + name[1:] for name in SCORES.values()]
    best = " The best of each column is bold." if len(metrics) > 1 else ""
    doubts = "".join(
        f" The mean IU of {stage} is {ONE_CLASS}." for stage, scores in metrics.items() if doubtful(scores)
    )
    table = f'{score_table("Stage", heads, rows, "column")}<p class="soft">In per cent.{best}{escape(doubts)}</p>'
    bars = inline(score_bars(metrics), "scores", "Bars: the four scores of each stage")
    return f"<h2>Scores</h2>{_pair(table + _boundaries(metrics), bars)}"


def _boundaries(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """The scores near object boundaries and away from them, where they were measured."""
    keys = ("boundary_accuracy", "interior_accuracy", "boundary_iu", "interior_iu")
    rows = [(stage, [number(scores.get(key)) for key in keys]) for stage, scores in metrics.items()]
    if not any(math.isfinite(value) for _, values in rows for value in values):
        return ""
    width = next(scores["boundary_width"] for scores in metrics.values() if "boundary_width" in scores)
    heads = ["Accuracy near boundaries", "elsewhere", "Mean IU near boundaries", "elsewhere"]
    return (
        f'{score_table("Stage", heads, rows, "column")}<p class="soft">Near: at most {width} pixels from where the true '
        "label changes. Skips bring finer maps in, so this is where they should show.</p>"
    )


def _samples(samples: Sequence[Any], names: Sequence[str], colours: np.ndarray) -> str:
    if not samples:
        return ""
    stages = list(dict.fromkeys(stage for sample in samples for stage in sample.predictions))
    clear = 0 if has_background(names) else None
    body = []
    for sample in samples:
        uri = picture_uri(np.asarray(sample.picture))
        cells = [
            f'<td><img src="{uri}" alt="{escape(f"Picture {sample.id}")}"><small>{escape(sample.id)}</small></td>',
            _map_cell(sample.truth, colours, clear, f"True labels of {sample.id}", "truth"),
        ]
        for stage in stages:
            if stage not in sample.predictions:
                cells.append("<td></td>")
                continue
            labels = np.asarray(sample.predictions[stage])
            note = f"{stage} · {_right(labels, np.asarray(sample.truth))}"
            cells.append(_map_cell(labels, colours, clear, f"Labels {stage} predicts for {sample.id}", note))
        body.append(f'<tr style="--picture: url({uri})">{"".join(cells)}</tr>')
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("Picture", "Truth", *stages))
    width = 138 * (2 + len(stages))
    return (
        '<h2>Samples</h2><div><input class="flat" id="flat" type="checkbox">'
        '<label for="flat">labels without the picture</label>'
        f"{_legend(samples, names, colours)}"
        f'<div class="scroll"><table class="samples" style="min-width: {width}px"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div></div>"
    )


def _map_cell(labels: np.ndarray, colours: np.ndarray, clear: int | None, alt: str, note: str) -> str:
    uri = labels_uri(labels, colours, clear)
    image = f'<img class="map" src="{uri}" alt="{escape(alt)}">'
    return f'<td><span class="cell">{image}</span><small>{escape(note)}</small></td>'


def _right(labels: np.ndarray, truth: np.ndarray) -> str:
    counted = truth != VOID
    if not counted.any():
        return "nothing to compare"
    return f"{percent(float(np.mean(labels[counted] == truth[counted])))} % right"


def _legend(samples: Sequence[Any], names: Sequence[str], colours: np.ndarray) -> str:
    maps = [labels for sample in samples for labels in (sample.truth, *sample.predictions.values())]
    items = []
    for index, (name, colour) in enumerate(shown_classes(maps, names, colours)):
        red, green, blue = map(int, colour)
        kind = ' class="clear"' if index == 0 and has_background(names) and name == names[0] else ""
        items.append(f'<li{kind}><i style="--c: rgb({red}, {green}, {blue})"></i>{escape(name)}</li>')
    return f'<ul class="legend">{"".join(items)}</ul>'


def _training(rows: Sequence[Mapping[str, Any]], timings: Mapping[str, float], num_classes: int) -> str:
    if not rows:
        return f"<h2>Training</h2>{_times(rows, timings)}" if timings else ""
    figure = inline(loss_curve(rows, num_classes), "loss", "Curve: the training loss over the steps of all stages")
    note = "Faint: the loss of each step. Strong: its running mean."
    curve = f'{figure}<p class="soft">{note}</p>'
    return f"<h2>Training</h2>{_pair(curve, _times(rows, timings))}"


def _on_the_way(points: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    if not points:
        return ""
    figure = inline(score_curve(points, rows), "way", "Curves: mean IU of training and validation pictures on the way")
    alone = [name for name in ("train", "val") if any(point.get(f"{name}_classes") == 1 for point in points)]
    doubts = "".join(f"The curve of the {name} pictures is {ONE_CLASS}. " for name in alone)
    return (
        f'<h2>On the way</h2>{figure}<p class="soft">{doubts}A few pictures of each set, the same ones every time. Where the curves part and the '
        "lower one falls, the training pictures are being learned by heart. The scores above are of the whole validation split; these "
        "choose nothing.</p>"
    )


def _classes(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    names = sorted_classes(metrics)
    if not names:
        return ""
    rows = [(name, [number(scores.get("per_class", {}).get(name)) for scores in metrics.values()]) for name in names]
    table = score_table("Class", list(metrics), rows, "row")
    bars = inline(class_bars(metrics), "classes", "Bars: the IU of each class at each stage")
    return f"<h2>Intersection over union, class by class (%)</h2>{_pair(table, bars)}"


def _confusion(metrics: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    """The last stage's confusion matrix, if the metrics hold one."""
    stage = next((stage for stage in reversed(list(metrics)) if metrics[stage].get("confusion")), None)
    if stage is None:
        return ""
    figure = inline(confusion_figure(metrics[stage]["confusion"], names), "confusion", "What each class is taken for")
    return f"<h2>What {escape(stage)} takes each class for (% of its pixels)</h2>{figure}"


def _times(rows: Sequence[Mapping[str, Any]], timings: Mapping[str, float]) -> str:
    stages = list(dict.fromkeys([*timings, *(row["stage"] for row in rows)]))
    lines = []
    for stage in stages:
        mine = [row for row in rows if row["stage"] == stage]
        rates = [rate for rate in (number(row.get("images_per_second")) for row in mine) if math.isfinite(rate)]
        lines.append(
            (
                stage,
                duration(number(timings.get(stage))),
                max((int(row["step"]) for row in mine), default="–"),
                f"{np.median(rates):.1f}" if rates else "–",
                duration(sum(number(row.get("waited", math.nan)) for row in mine)),
            )
        )
    return plain_table(("Stage", "Time", "Steps", "Images a second (median)", "Waited for pictures"), lines)


def _settings(config: Mapping[str, Any], command: str | None) -> str:
    repeat = f"<h2>Repeat it</h2><pre><code>{escape(command)}</code></pre>" if command else ""
    if not config:
        return repeat
    lines = [(key, _setting(value)) for key, value in config.items()]
    return f"{repeat}<h2>Configuration</h2>{plain_table((), lines, 'plain')}"


def _setting(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_setting, value))
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _pair(left: str, right: str) -> str:
    """Side by side where there is room, else one below the other."""
    return f'<div class="pair"><div>{left}</div><div>{right}</div></div>'
