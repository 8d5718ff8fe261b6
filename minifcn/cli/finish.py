"""What every training run ends with: the table of scores and the report."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minifcn.cli.progress import scores_table
from minifcn.data import ClassMap, VOCFolder
from minifcn.models import FCN, load
from minifcn.models.preprocessing import DEFAULTS, Preprocessing
from minifcn.training import Config, RunFolder, Step, predict
from minifcn.training.fit import batches_of
from minifcn.training.run import hints_of

SAMPLES = 8
VARIATIONS = 5  # of a training picture, to show what augmentation does


@dataclass
class Sample:
    """A picture, its labels, and what each stage made of it."""

    id: str
    picture: np.ndarray
    truth: np.ndarray
    predictions: dict[str, np.ndarray] = field(default_factory=dict)


def chosen_samples(val_set: VOCFolder) -> list[Sample]:
    """Pictures spread evenly over the split, not chosen by result."""
    chosen = np.linspace(0, len(val_set) - 1, min(SAMPLES, len(val_set))).round().astype(int)
    return [Sample(val_set.ids[i], val_set.picture(i), val_set.labels(i)) for i in chosen]


def predict_samples(samples: list[Sample], stage: str, model: FCN) -> None:
    for sample in samples:
        sample.predictions[stage] = predict(model, sample.picture)


def stage_samples(config: Config, folder: RunFolder, val_set: VOCFolder) -> list[Sample]:
    """The samples as every stage that is finished sees them."""
    samples = chosen_samples(val_set)
    for stage in config.stages:
        file = folder.path / f"{stage}.safetensors"
        if file.exists():
            predict_samples(samples, stage, load(file))
    return samples


def report(
    config: Config,
    folder: RunFolder,
    train_set: VOCFolder,
    samples: list[Sample],
    rows: list[dict[str, Any]],
    command: str,
    refresh: float | None = None,
) -> None:
    """Write report.html from what there is; a browser loads it again every `refresh` seconds."""
    from minifcn.draw.report.run_report import write_report  # matplotlib loads here, and only for who gets this far

    classes = ClassMap.from_dict(config.classes)
    metrics, points = folder.read_metrics(), folder.read_scores()
    fill = DEFAULTS.get(config.backbone, Preprocessing()).fill
    batches = batches_of(config.training_pictures(train_set), config.recipe, config.seed, fill)
    seconds = {stage: sum(row["seconds"] for row in rows if row["stage"] == stage) for stage in config.stages}
    write_report(
        folder.report,
        title=f"{' → '.join(config.stages)} over {config.backbone}",
        config={name: value for name, value in config.to_dict().items() if name != "classes"},
        rows=rows,
        metrics=metrics,
        samples=samples,
        names=classes.names,
        colours=classes.colours,
        timings={stage: time for stage, time in seconds.items() if time},
        command=command,
        augmentations=[batches.examples(index, VARIATIONS) for index in range(min(2, len(train_set)))],
        hints=[hint for stage in metrics for hint in hints_of(config, rows, stage, metrics[stage], points)],
        points=points,
        refresh=refresh,
    )


def finish(config: Config, folder: RunFolder, train_set: VOCFolder, val_set: VOCFolder, command: str) -> None:
    """Print the scores and write report.html."""
    report(config, folder, train_set, stage_samples(config, folder, val_set), folder.read_log(), command)
    print()
    print(scores_table(folder.read_metrics()))
    print(
        f"\nmodels   {folder.best} (the stage with the best mean IU on all of {val_set.split}), {folder.last}\nreport   {folder.report}"
    )


class Live:
    """`minifcn train --watch`: report.html while the run goes on."""

    def __init__(
        self, config: Config, folder: RunFolder, train_set: VOCFolder, val_set: VOCFolder, command: str, seconds: float
    ) -> None:
        self.config, self.folder, self.train_set, self.val_set = config, folder, train_set, val_set
        self.command, self.seconds = command, seconds
        self.samples: list[Sample] = []
        self.rows: list[dict[str, Any]] | None = None
        self.written = 0.0

    def stepped(self, stage: str, step: Step, model: FCN) -> None:
        """Note a step; draw the page anew where it is time."""
        if self.rows is None:  # the first step since this process began: what a run before it did is in the log
            self.rows = self.folder.read_log()
            self.samples = stage_samples(self.config, self.folder, self.val_set)
        self.rows.append(step.row(stage))
        if time.monotonic() - self.written < self.seconds:
            return
        predict_samples(self.samples, stage, model)
        model.train()  # predicting left it as it was; here it is training
        report(self.config, self.folder, self.train_set, self.samples, self.rows, self.command, self.seconds)
        self.written = time.monotonic()
