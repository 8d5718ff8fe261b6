"""What every training run ends with: the table of scores and the report."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minifcn.cli.progress import scores_table
from minifcn.data import ClassMap, VOCFolder
from minifcn.models import load
from minifcn.training import Config, RunFolder, predict

SAMPLES = 8


@dataclass
class Sample:
    """A picture, its labels, and what each stage made of it."""

    id: str
    picture: np.ndarray
    truth: np.ndarray
    predictions: dict[str, np.ndarray] = field(default_factory=dict)


def samples_of(config: Config, folder: RunFolder, val_set: VOCFolder) -> list[Sample]:
    """Pictures spread evenly over the split, not chosen by result."""
    chosen = np.linspace(0, len(val_set) - 1, min(SAMPLES, len(val_set))).round().astype(int)
    samples = [Sample(val_set.ids[i], val_set.picture(i), val_set.labels(i)) for i in chosen]
    for stage in config.stages:
        model = load(folder.path / f"{stage}.safetensors")
        for sample in samples:
            sample.predictions[stage] = predict(model, sample.picture)
    return samples


def finish(config: Config, folder: RunFolder, val_set: VOCFolder, metrics: dict[str, Any], command: str) -> None:
    """Print the scores and write report.html."""
    from minifcn.draw.report import write_report  # matplotlib loads here, and only for who gets this far

    classes = ClassMap.from_dict(config.classes)
    rows = folder.read_log()
    write_report(
        folder.report,
        title=f"{' → '.join(config.stages)} over {config.backbone}",
        config={name: value for name, value in config.to_dict().items() if name != "classes"},
        rows=rows,
        metrics=metrics,
        samples=samples_of(config, folder, val_set),
        names=classes.names,
        colours=classes.colours,
        timings={stage: sum(row["seconds"] for row in rows if row["stage"] == stage) for stage in config.stages},
        command=command,
    )
    print()
    print(scores_table(metrics))
    print(f"\nmodels   {folder.best} (best mean IU on {val_set.split}), {folder.last}\nreport   {folder.report}")
