"""Score a saved model on a split of a VOC folder, each picture at its own size. The classes come from the model."""

import argparse
import tempfile
from pathlib import Path

from minifcn import backend
from minifcn.cli.options import bar
from minifcn.cli.progress import scores_table
from minifcn.cli.train import SYNTHETIC, check_files, synthetic_set
from minifcn.data import ClassMap, DataError, VOCFolder, read_class_names
from minifcn.models import load
from minifcn.training import evaluate
from minifcn.training.folder import write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a file that minifcn train wrote, such as RUN/best.safetensors")
    parser.add_argument(
        "--data", required=True, metavar="ROOT|synthetic", help="a folder in VOC layout, or the word synthetic"
    )
    parser.add_argument("--split", default="val", help="a name in ImageSets/Segmentation (val)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores there too")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="(auto)")


def run(arguments: argparse.Namespace) -> int:
    model = load(arguments.model).to(backend.choose_device(arguments.device))
    if model.classes is None:
        raise DataError(
            f"{arguments.model}: the model does not say which label values its classes have; train it with minifcn train"
        )
    with tempfile.TemporaryDirectory() as scratch:
        root = synthetic_set(Path(scratch) / "data") if arguments.data == SYNTHETIC else Path(arguments.data)
        classes = ClassMap.from_dict(model.classes)
        check_names(classes, root / "class_names.txt")
        dataset = VOCFolder(root, arguments.split, classes)
        check_files(dataset)
        with bar(len(dataset), "scoring", unit="picture") as scoring:
            metrics = evaluate(model, dataset, scoring.update)
    print(scores_table({Path(arguments.model).stem: metrics}))
    if arguments.json:
        write_json(arguments.json, metrics)
        print(f"\nscores   {arguments.json}")
    return 0


def check_names(classes: ClassMap, file: Path) -> None:
    """Raise DataError where the folder names its classes, and other ones than the model's: the scores would mean nothing."""
    if not file.is_file():
        return
    names = read_class_names(file)
    for name, value in zip(classes.names, classes.values, strict=True):
        if value >= len(names) or names[value] != name:
            there = names[value] if value < len(names) else "nothing"
            raise DataError(
                f"the model's label value {value} is {name}, but {file} says {there}; score it on data of its own classes"
            )
