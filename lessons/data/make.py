"""The numbers of the long run that lesson 18 shows: python lessons/data/make.py --run RUN --data VOC

RUN is the folder of the training that made `voc7`. Its log and options are taken as they are; scores and predictions are those of `voc7`, the
file that ships.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

import minifcn as mf
from minifcn.data import VOID, ClassMap, VOCFolder
from minifcn.training import evaluate

HERE = Path(__file__).parent
SIDE, COLUMNS = 112, 6  # pixels a prediction, predictions a row
OPTIONS = (
    "arch", "backbone", "steps", "seed", "loss", "optimizer", "lr", "head_factor", "schedule", "batch", "size", "balance", "augmentation",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    config = json.loads((options.run / "config.json").read_text())
    model = mf.models.load("voc7")
    validation = VOCFolder(options.data, config["val_split"], ClassMap.from_dict(model.classes))
    training = VOCFolder(options.data, config["train_split"], ClassMap.from_dict(model.classes))
    seconds = write_log(options.run / "log.csv", HERE / "voc7_log.csv")
    rights, predictions = [], {}

    def seen(number: int, matrix: np.ndarray, prediction: np.ndarray) -> None:
        rights.append(matrix.diagonal()[1:].sum() / max(1, matrix[1:].sum()))  # of animals and people
        predictions[number] = prediction

    scores = evaluate(model, validation, seen=seen)
    shown = [*middles(validation, rights), *lowest(validation, rights)]
    sheet, entries = sheet_of(model, validation, shown, rights, predictions)
    Image.fromarray(sheet).save(HERE / "voc7_predictions.png", optimize=True)
    run = {
        "pictures": {"training": len(training), "validation": len(validation)},
        "seconds": round(seconds),
        "config": {name: config[name] for name in OPTIONS} | {"classes": model.classes},
        "metrics": {config["arch"]: scores},
        "predictions": entries,
    }
    (HERE / "voc7_run.json").write_text(json.dumps(run, indent=1) + "\n")


def write_log(source: Path, target: Path) -> float:
    """The loss of each step, to four digits; returns how many seconds all of them took."""
    with source.open(newline="") as log:
        rows = list(csv.DictReader(log))
    target.write_text("\n".join(["loss", *(f"{float(row['loss']):.4g}" for row in rows)]) + "\n")
    return sum(float(row["seconds"]) for row in rows)


def classes_in(data: VOCFolder, number: int) -> list[int]:
    """The classes, without background and void, that picture `number` shows."""
    return [value for value in np.unique(data.labels(number)).tolist() if value not in (0, VOID)]


def middles(data: VOCFolder, rights: list[float]) -> list[tuple[int, str]]:
    """For each class, of the pictures that show no other, the one in the middle by how much was right."""
    alone: dict[int, list[int]] = {}
    for number in range(len(data)):
        if len(found := classes_in(data, number)) == 1:
            alone.setdefault(found[0], []).append(number)
    ordered = (sorted(alone[value], key=lambda number: rights[number]) for value in sorted(alone))
    return [(numbers[len(numbers) // 2], "middle") for numbers in ordered]


def lowest(data: VOCFolder, rights: list[float]) -> list[tuple[int, str]]:
    """The pictures with the least of them right; of equal ones those that show most."""

    def shown(number: int) -> int:
        labels = data.labels(number)
        return int(((labels != 0) & (labels != VOID)).sum())

    order = sorted(
        (number for number in range(len(data)) if shown(number)), key=lambda each: (rights[each], -shown(each))
    )
    return [(number, "worst") for number in order[:COLUMNS]]


def sheet_of(model, data, shown, rights, predictions):
    """One picture with all predictions, VOC's label values, and where each of them lies."""
    classes, entries, rows = ClassMap.from_dict(model.classes), [], []
    for start in range(0, len(shown), COLUMNS):
        row, left, top = [], 0, sum(map(len, rows))
        for number, chosen in shown[start : start + COLUMNS]:
            small = Image.fromarray(classes.restore(predictions[number]))
            small.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
            labels = np.asarray(small)
            entries.append(
                {
                    "name": data.ids[number],
                    "chosen": chosen,
                    "shows": [model.class_names[value] for value in classes_in(data, number)],
                    "right": round(float(rights[number]), 4),
                    "box": [top, left, *labels.shape],
                }
            )
            row.append(np.pad(labels, ((0, SIDE - labels.shape[0]), (0, SIDE - labels.shape[1]))))
            left += SIDE
        rows.append(np.concatenate(row, 1))
    return np.concatenate(rows), entries


if __name__ == "__main__":
    main()
