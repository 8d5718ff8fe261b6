"""What `minifcn eval` prints: scores as tables and sentences."""

from collections.abc import Sequence
from typing import Any

from minifcn.cli.progress import percent, row
from minifcn.training.scoring.calibration import Reliability
from minifcn.training.scoring.metrics import ONE_CLASS, class_scores, shown_classes
from minifcn.training.scoring.other_classes import OtherClass, together


def class_table(matrix: list[list[int]], names: Sequence[str]) -> str:
    """A row a class, of the confusion matrix as `evaluate` gives it."""
    width = max(len(name) for name in [*names, "class"])
    lines = [f"{'class':{width}}{'IU':>11}{'accuracy':>11}{'precision':>11}{'pixels':>14}   most often taken for"]
    for score in class_scores(matrix, names):
        shares = "".join(f"{percent(value):>11}" for value in (score.iu, score.accuracy, score.precision))
        taken = ", ".join(f"{name} {percent(value).strip()}" for name, value in score.taken_for)
        lines.append(f"{score.name:{width}}{shares}{score.pixels:>14,}   {taken or '-'}")
    return "\n".join(lines)


def summary(metrics: dict[str, Any]) -> str:
    """The scores of the whole set, and those of boundary and interior where they differ."""
    near = metrics["boundary_share"]
    rows = {
        "pixels": [None if near is None else 1.0, near, None if near is None else 1 - near],
        "pixel accuracy": [metrics[key] for key in ("pixel_accuracy", "boundary_accuracy", "interior_accuracy")],
        "mean IU": [metrics[key] for key in ("mean_iu", "boundary_iu", "interior_iu")],
        "mean accuracy": [metrics["mean_accuracy"]],
        "frequency weighted IU": [metrics["frequency_weighted_iu"]],
    }
    lines = [f"{'':21}{'all':>14}{'boundary':>14}{'interior':>14}"]
    lines += [f"{name:21}{row(values)}" for name, values in rows.items()]
    if len(shown := shown_classes(metrics)) == 1:
        lines.append(f"The mean IU is {ONE_CLASS}, for the labels show no other than {shown[0]}")
    lines.append(f"boundary: another label, or void, within {metrics['boundary_width']} px")
    if "scales" in metrics:
        mirrored = ", each mirrored too" if metrics["mirror"] else ""
        lines.append(
            f"predictions: mean of the softmax over scales {', '.join(f'{s:g}' for s in metrics['scales'])}{mirrored}"
        )
    return "\n".join(lines)


def other_table(others: Sequence[OtherClass], counted: str) -> str:
    """Of the classes that the model does not know, a row each: pixels, and what was called one of its own."""
    rows = [*others, together(others)]
    width = max(len(each.name) for each in rows)
    title = f"pixels of classes that the model does not know, which were counted as {counted}"
    lines = [title, f"{'':{width}}{'pixels':>14}{'wrong':>11}   taken for"]
    for each in rows:
        most = ", ".join(f"{name} {percent(share).strip()}" for name, share in list(each.taken_for.items())[:3])
        lines.append(f"{each.name:{width}}{each.pixels:>14,}{percent(each.wrong):>11}   {most or '-'}")
    return "\n".join(lines)


def about_reliability(found: Reliability) -> str:
    """One line: the calibration error, and what 90 % is worth."""
    near = found.nine_in_ten
    ninety = f"; of the pixels that it is 87 to 93 % sure of {percent(near[1]).strip()} are right" if near else ""
    return f"expected calibration error {percent(found.error).strip()}{ninety}"
