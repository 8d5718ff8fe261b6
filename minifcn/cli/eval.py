"""Score a saved model on a split of a VOC folder, each picture at its own size. The classes come from the model."""

import argparse
import tempfile
from pathlib import Path

from minifcn import backend
from minifcn.cli.options import bar
from minifcn.cli.progress import scores_table
from minifcn.cli.train import SYNTHETIC, synthetic_set
from minifcn.data import ClassMap, DataError, VOCFolder
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
        dataset = VOCFolder(root, arguments.split, ClassMap.from_dict(model.classes))
        with bar(len(dataset), f"checking {dataset.split}", unit="pair") as checking:
            dataset.check(checking.update)
        with bar(len(dataset), "scoring", unit="picture") as scoring:
            metrics = evaluate(model, dataset, scoring.update)
    print(scores_table({Path(arguments.model).stem: metrics}))
    if arguments.json:
        write_json(arguments.json, metrics)
        print(f"\nscores   {arguments.json}")
    return 0
