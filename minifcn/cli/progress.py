"""How a run is shown: bars on a terminal, a plain line now and then elsewhere, a table of scores at the end."""

import sys
import time
from collections.abc import Callable
from typing import Any

from minifcn.cli.options import bar
from minifcn.models import FCN
from minifcn.training import Listener, Step
from minifcn.training.scoring.metrics import ONE_CLASS, doubt, doubtful
from minifcn.training.scoring.watch import Point

LINES = 10  # a stage, where there is no terminal


class Progress(Listener):
    """Draws what a run tells."""

    def __init__(self, verbose: bool = False, look: Callable[[str, Step, FCN], Any] | None = None) -> None:
        """`verbose`: a line for every step. `look`: called after each."""
        self.verbose, self.watcher = verbose, look
        self.terminal = sys.stderr.isatty()
        self.bar: Any = None
        self.average: float | None = None

    def say(self, line: str) -> None:
        print(line, flush=True)

    def detail(self, line: str) -> None:
        if self.verbose:
            self.say(line)

    def stage_begins(self, stage: str, steps: int, done: int) -> None:
        self.steps, self.average, self.scores = steps, None, ""
        self.done, self.began = done, time.perf_counter()
        self.bar = bar(steps, stage, initial=done, unit="step")

    def stepped(self, stage: str, step: Step) -> None:
        if step.pixels != 0:  # a loss of no pixel is 0, and says nothing about the network
            self.average = step.loss if self.average is None else 0.9 * self.average + 0.1 * step.loss
        loss = "none, for not a pixel counts" if self.average is None else f"{self.average:.3f}"
        self.bar.set_postfix_str(f"loss {loss}, {step.images_per_second:.1f} images/s{self.scores}", refresh=False)
        self.bar.update()
        number = step.step
        if self.verbose:
            self.bar.write(
                f"{stage}  step {number}/{self.steps}  loss {step.loss:.5g}  learning rate {step.learning_rate:.3g}  "
                f"{step.seconds:.3f} s, {step.waited:.3f} of it waiting for pictures",
                file=sys.stdout,
            )
        elif not self.terminal and (number % max(1, self.steps // LINES) == 0 or number == self.steps):
            # of all steps so far, and what was done between them: one step alone may be slow
            left = (self.steps - number) * (time.perf_counter() - self.began) / max(1, number - self.done)
            print(
                f"{stage}  step {number}/{self.steps}  loss {loss}  {step.images_per_second:.1f} images/s  {left:.0f} s left",
                flush=True,
            )

    def looked(self, stage: str, point: Point) -> None:
        train, val = 100 * point.train_iu, 100 * point.val_iu
        of_train, of_val = doubt(point.train_classes), doubt(point.val_classes)
        self.scores = f", mean IU {train:.0f} % train{of_train}, {val:.0f} % val{of_val}"
        if not self.terminal:
            print(
                f"{stage}  step {point.step}/{self.steps}  mean IU of some training pictures {train:.1f} %{of_train}, "
                f"validation pictures {val:.1f} %{of_val}",
                flush=True,
            )

    def look(self, stage: str, step: Step, model: FCN) -> None:
        if self.watcher:
            self.watcher(stage, step, model)

    def stage_ends(self, stage: str) -> None:
        self.bar.close()

    def scoring(self, stage: str, pictures: int) -> Callable[[], Any]:
        self.bar = bar(pictures, f"{stage}: scoring", unit="picture")
        return self.bar.update

    def scored(self, stage: str, metrics: dict[str, Any]) -> None:
        self.bar.close()
        print(f"{stage}  {scores_line(metrics)}", flush=True)


def percent(value: float | None) -> str:
    return "  none" if value is None else f"{100 * value:5.1f} %"


def scores_line(metrics: dict[str, Any]) -> str:
    return (
        f"mean IU {percent(metrics['mean_iu'])}{doubtful(metrics)}   pixel accuracy {percent(metrics['pixel_accuracy'])}   "
        f"mean accuracy {percent(metrics['mean_accuracy'])}   f.w. IU {percent(metrics['frequency_weighted_iu'])}"
    )


def scores_table(metrics: dict[str, dict[str, Any]]) -> str:
    """A row a class and a row a score, a column a stage."""
    stages = list(metrics)
    names = list(metrics[stages[0]]["per_class"])
    width = max(len(name) for name in [*names, "frequency weighted IU"])
    lines = ["".ljust(width) + "".join(f"{stage:>14}" for stage in stages)]
    for name in names:
        lines.append(
            f"IU {name}".ljust(width + 3)[:width].ljust(width) + row([metrics[s]["per_class"][name] for s in stages])
        )
    for key in ("mean_iu", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iu"):
        label = key.replace("_iu", " IU").replace("_", " ")
        lines.append(label.ljust(width) + row([metrics[s][key] for s in stages]))
    for stage in stages:
        if doubtful(metrics[stage]):
            lines.append(f"mean IU of {stage}: {ONE_CLASS}")
    return "\n".join(lines)


def row(values: list[float | None]) -> str:
    return "".join(f"{percent(value):>14}" for value in values)
