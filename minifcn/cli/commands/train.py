"""Train an FCN on a folder in VOC layout, or on the synthetic set. The run folder holds models, scores, log and a report."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from minifcn.cli.finish import Live, finish
from minifcn.cli.options import (
    as_typed,
    bar,
    chosen_device,
    device_words,
)
from minifcn.cli.progress import Progress
from minifcn.cli.train_options import add_arguments
from minifcn.data import ClassMap, VOCFolder, make_synthetic, read_class_names
from minifcn.data.sizes import default_crop, usual_size, valid_pixels
from minifcn.data.synthetic.painting import SHAPE_CLASSES
from minifcn.files import FileError
from minifcn.training import Config, Recipe, RunFolder, TrainingError, is_finished
from minifcn.training import run as run_stages
from minifcn.training.objective import class_counts, median_frequency
from minifcn.training.processes import mpi
from minifcn.training.processes.together import check_processes
from minifcn.training.recipes import ADAM_RATE, named_recipe
from minifcn.training.run import fingerprints

__all__ = ["add_arguments", "run"]

SYNTHETIC = "synthetic"
DEFAULTS: dict[str, Any] = dict(train_split="train", arch="staged", backbone="tiny")
# what else a recipe chooses where the command line does not
PRESETS: dict[str, dict[str, Any]] = {
    "voc-subset": dict(
        train_split="trainaug", arch="fcn4s", backbone="squeezenet-fc", epochs=10.0,
        classes=["cat", "cow", "dog", "horse", "person", "sheep"],
    ),
}  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    return train_as(arguments, "minifcn " + as_typed([word for word in arguments.words if word != "--resume"]))


def train_as(arguments: argparse.Namespace, command: str) -> int:
    """Train as `arguments` say; `command` is printed in the report as the line that repeats the run."""
    for name, value in (DEFAULTS | PRESETS.get(arguments.recipe, {})).items():
        if getattr(arguments, name) is None and not (name == "epochs" and arguments.steps):
            setattr(arguments, name, value)
    device = chosen_device(arguments)
    if arguments.processes == "mpi" and not mpi.is_first():
        return mpi.serve(device)
    folder = RunFolder(arguments.out)
    folder.claim(arguments.resume)
    with folder.locked():
        return train_in(folder, arguments, command, device)


def train_in(folder: RunFolder, arguments: argparse.Namespace, command: str, device: str) -> int:
    if arguments.classes == ["all"]:
        arguments.classes = None
    root, classes = find_data(arguments)
    train_set = VOCFolder(root, arguments.train_split, classes, arguments.limit)
    val_set = VOCFolder(root, arguments.val_split, classes)
    config = make_config(arguments, classes, train_set)
    processes = mpi.count() if arguments.processes == "mpi" else arguments.processes
    check_processes(processes, device, config.recipe.batch)
    notes = folder.agree(config, lambda: fingerprints(train_set, val_set), arguments.other_data)
    if is_finished(config, folder):
        if not folder.report.exists():
            finish(config, folder, train_set, val_set, command)
        print(f"{folder.path}: this run is finished; its report is {folder.report}")
        return 0
    if not check_files(train_set):
        raise TrainingError(
            f"split {train_set.split}: every pixel of all {len(train_set)} label files is void, so there is nothing to learn; see what "
            f"minifcn check-data {arguments.data} says, and whether --classes and --others leave any class"
        )
    check_files(val_set)
    for note in notes:
        print(note)
    print(
        f"{len(train_set)} training pictures, {len(val_set)} to score; {len(classes.names)} classes: {', '.join(classes.names)}\n"
        f"{' then '.join(config.stages)} over {config.backbone}, {config.steps} steps a stage, {in_words(config.recipe)}, on {device_words(device)}",
        flush=True,
    )
    live = None
    if arguments.watch:
        live = Live(config, folder, train_set, val_set, command, arguments.watch).stepped
        print(f"report   {folder.report}, drawn again every {arguments.watch:g} s", flush=True)
    progress = Progress(arguments.verbose, live)
    try:
        options = (arguments.checkpoint_every, arguments.processes, arguments.graph)
        run_stages(config, train_set, val_set, folder, device, progress, *options)
    except KeyboardInterrupt:
        saved = "saved; " if folder.checkpoint.exists() else ""
        raise KeyboardInterrupt(f"; {saved}this goes on from there: {command} --resume") from None
    except FileError as error:  # a full disk, a folder that is gone, a file that another program holds
        raise TrainingError(f"{error}. The run goes on from its last checkpoint with: {command} --resume") from error
    finish(config, folder, train_set, val_set, command)
    return 0


def in_words(recipe: Recipe) -> str:
    """The choices that matter most, in one line."""
    size = f"{recipe.size}x{recipe.size}" if recipe.size else "whole pictures"
    times = f" x {recipe.accumulate}" if recipe.accumulate > 1 else ""
    return f"batch {recipe.batch}{times} of {size}, {recipe.loss} loss, {recipe.optimizer} at {recipe.lr:.3g}"


def find_data(arguments: argparse.Namespace) -> tuple[Path, ClassMap]:
    """The folder of the pictures, and their classes. The synthetic set is drawn into the run folder, if its classes are right."""
    if arguments.data != SYNTHETIC:
        root = Path(arguments.data)
        return root, class_map_for(root, arguments.class_names, arguments.classes, arguments.others)
    if arguments.class_names:
        raise TrainingError("--class-names: the synthetic set brings its own names; leave the option out")
    classes = ClassMap.own(SHAPE_CLASSES, arguments.classes, arguments.others)
    return synthetic_set(arguments.out / "data"), classes


def check_files(dataset: VOCFolder) -> int:
    """Read every pair before anything else is done; how many pixels are not void comes back. Raises DataError."""
    with bar(len(dataset), f"checking {dataset.split}", unit="pair") as checking:
        return dataset.check(checking.update)


def synthetic_set(root: Path) -> Path:
    """The synthetic set at `root`, made where it is not there yet."""
    with bar(0, "drawing the synthetic set", unit="picture") as drawing:
        return make_synthetic(root, progress=drawing.update)


def class_map_for(root: Path, names_file: Path | None, subset: list[str] | None, others: str) -> ClassMap:
    """Own classes from --class-names, or from class_names.txt beside the pictures; the 21 of VOC where there is neither."""
    beside = root / "class_names.txt"
    file = names_file or (beside if beside.is_file() else None)
    return ClassMap.own(read_class_names(file), subset, others) if file else ClassMap.voc(subset, others)


def make_config(arguments: argparse.Namespace, classes: ClassMap, train_set: VOCFolder) -> Config:
    """The options with every default worked out."""
    recipe = make_recipe(arguments, train_set, len(classes.names))
    steps = arguments.steps or 300
    if arguments.epochs:
        steps = max(1, round(arguments.epochs * len(train_set) / (recipe.batch * recipe.accumulate)))
    return Config(
        data=arguments.data,
        train_split=arguments.train_split,
        val_split=arguments.val_split,
        classes=classes.to_dict(),
        arch=arguments.arch,
        backbone=arguments.backbone,
        width=arguments.width,
        padding=arguments.padding,
        fusion=arguments.fusion,
        learn_upsampling=arguments.learn_upsampling,
        init=arguments.init,
        trunk=arguments.trunk,
        picture_size=usual_size(train_set),
        steps=steps,
        seed=arguments.seed,
        limit=arguments.limit,
        recipe=recipe,
    )


def make_recipe(arguments: argparse.Namespace, train_set: VOCFolder, classes: int) -> Recipe:
    """The preset of --recipe with what other options change in it."""
    pixels = valid_pixels(train_set) if arguments.recipe == "paper-mean" else 1.0
    recipe = named_recipe(arguments.recipe, pixels)
    changes = {
        name: getattr(arguments, name)
        for name in (
            "batch",
            "accumulate",
            "optimizer",
            "head_factor",
            "learns",
            "momentum",
            "weight_decay",
            "loss",
            "schedule",
            "keep_cells",
            "balance_cells",
            "balance",
        )
        if getattr(arguments, name) is not None
    }
    if recipe.size is not None or arguments.size:
        changes["size"] = arguments.size or default_crop(train_set)
    if arguments.size == 0:
        changes["size"] = None
    if arguments.lr or (changes.get("optimizer") == "adam" and arguments.recipe == "modern"):
        changes["lr"] = arguments.lr or ADAM_RATE
    varied = {
        name: getattr(arguments, name) for name in ("scale", "jitter", "colour") if getattr(arguments, name) is not None
    }
    if arguments.no_mirror:
        varied["mirror"] = False
    changes["augmentation"] = replace(recipe.augmentation, **varied)
    if arguments.class_weights == "median":
        changes["class_weights"] = median_frequency(*class_counts(train_set, classes))
    return replace(recipe, **changes)
