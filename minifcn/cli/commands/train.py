"""Train an FCN on a folder in VOC layout, or on the synthetic set. The run folder holds models, scores, log and a report."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

from minifcn.cli.classes import meaning_for
from minifcn.cli.finish import Live, finish
from minifcn.cli.options import (
    as_typed,
    bar,
    chosen_device,
    device_words,
)
from minifcn.cli.progress import Progress
from minifcn.cli.training.config import classes_of, configure, fill_in
from minifcn.cli.training.notes import note_of_crop, note_of_rate, notes_of_idle
from minifcn.cli.training.options import add_arguments
from minifcn.data import DataError, Meaning, VOCFolder, make_synthetic
from minifcn.data.augment import sides
from minifcn.data.check.colours import source_of
from minifcn.data.check.training import check_training, sets_of
from minifcn.data.classes import listed_classes
from minifcn.data.meaning.choice import chosen_classes
from minifcn.data.synthetic.painting import SHAPE_CLASSES
from minifcn.files import FileError
from minifcn.training import Options, Recipe, RunFolder, TrainingError, is_finished
from minifcn.training import run as run_stages
from minifcn.training.processes import mpi
from minifcn.training.processes.together import check_processes
from minifcn.training.run import fingerprints

__all__ = ["add_arguments", "run"]

SYNTHETIC = "synthetic"
FIRST = 10  # sentences about data that are printed


def run(arguments: argparse.Namespace) -> int:
    return train_as(arguments, "minifcn " + as_typed([word for word in arguments.words if word != "--resume"]))


def train_as(arguments: argparse.Namespace, command: str) -> int:
    """Train as `arguments` say; `command` is printed in the report as the line that repeats the run."""
    device = chosen_device(arguments)
    if arguments.processes == "mpi" and not mpi.is_first():
        return mpi.serve(device)
    folder = RunFolder(arguments.out)
    folder.claim(arguments.resume)
    with folder.locked():
        return train_in(folder, arguments, command, device)


def train_in(folder: RunFolder, arguments: argparse.Namespace, command: str, device: str) -> int:
    given = fill_in(arguments)
    root, meaning = find_data(arguments, given)
    classes, about_classes = classes_of(arguments, given, meaning)
    train_set = VOCFolder(root, arguments.train_split, classes, arguments.limit, arguments.bits)
    val_set = VOCFolder(root, arguments.val_split, classes, bits=arguments.bits)
    config, start = configure(arguments, given, classes, train_set, folder)
    about_options = [
        *note_of_rate(arguments, config, given, start),
        *notes_of_idle(config, given, bool(classes.unknown), folder.checkpoint.exists()),
    ]
    held = [start] if start else []  # to be given away, so that nothing here keeps its memory
    del start
    train_set.bits = val_set.bits = config.bits
    processes = mpi.count() if arguments.processes == "mpi" else arguments.processes
    check_processes(processes, device, config.recipe.batch)
    notes = folder.agree(config, lambda: fingerprints(train_set, val_set), arguments.other_data)
    if is_finished(config, folder):
        if not folder.report.exists():
            finish(config, folder, train_set, val_set, command)
        print(f"{folder.path}: this run is finished; its report is {folder.report}")
        return 0
    if not folder.same_data:  # else the run began with it, and was told then
        check_data(arguments, meaning, "classes" in given, train_set, val_set)
    for note in notes:
        print(note)
    about_options += note_of_crop(config, given, train_set)
    for note in dict.fromkeys([*meaning.notes, *train_set.notes, *val_set.notes, *about_classes, *about_options]):
        print(f"note: {note}")
    resized = f", resized to a longer side of {config.longer_side}" if config.longer_side else ""
    print(
        f"{len(train_set)} training pictures{resized}, {len(val_set)} to score; {len(classes.names)} classes: {listed_classes(classes.names)}\n"
        f"{' then '.join(config.stages)} over {config.backbone}, {config.steps} steps a stage, {in_words(config.recipe)}, on {device_words(device)}",
        flush=True,
    )
    live = None
    if arguments.watch:
        live = Live(config, folder, train_set, val_set, command, arguments.watch).stepped
        print(f"report   {folder.report}, drawn again every {arguments.watch:g} s", flush=True)
    progress = Progress(arguments.verbose, live)
    try:
        options = Options(
            arguments.checkpoint_every,
            arguments.val_every,
            arguments.processes,
            arguments.graph,
            held.pop if held else None,
        )
        run_stages(config, train_set, val_set, folder, device, progress, options)
    except KeyboardInterrupt:
        saved = "saved; " if folder.checkpoint.exists() else ""
        raise KeyboardInterrupt(f"; {saved}this goes on from there: {command} --resume") from None
    except FileError as error:  # a full disk, a folder that is gone, a file that another program holds
        raise TrainingError(f"{error}. The run goes on from its last checkpoint with: {command} --resume") from error
    finish(config, folder, train_set, val_set, command)
    return 0


def in_words(recipe: Recipe) -> str:
    """The choices that matter most, in one line."""
    size = "x".join(map(str, sides(recipe.size))) if recipe.size else "whole pictures"
    times = f" x {recipe.accumulate}" if recipe.accumulate > 1 else ""
    heads = f" (heads {recipe.lr * recipe.head_factor:.3g})" if recipe.head_factor != 1 else ""
    return f"batch {recipe.batch}{times} of {size}, {recipe.loss} loss, {recipe.optimizer} at {recipe.lr:.3g}{heads}"


def find_data(arguments: argparse.Namespace, given: Collection[str]) -> tuple[Path, Meaning]:
    """The folder of the pictures, and what their labels mean. The synthetic set is drawn into the run folder, if its classes are right."""
    if arguments.data != SYNTHETIC:
        root = Path(arguments.data)
        return root, meaning_for(root, arguments.train_split, arguments.class_names)
    if arguments.class_names:
        raise TrainingError("--class-names: the synthetic set brings its own names; leave the option out")
    root = arguments.out / "data"
    meaning = Meaning(root, dict(enumerate(SHAPE_CLASSES)))
    classes_of(arguments, given, meaning)
    return synthetic_set(root), meaning


def check_data(
    arguments: argparse.Namespace, meaning: Meaning, by_hand: bool, train_set: VOCFolder, val_set: VOCFolder
) -> None:
    """What minifcn check-data says about the two splits, before anything else is done. Raises where a training makes no sense.

    `by_hand`: whether the command line chose the classes.
    """
    folders = sets_of(train_set, val_set)
    asked = chosen_classes(arguments.classes, meaning.names) if by_hand and arguments.classes else ()
    source = source_of(meaning.class_map(), meaning.colours or None)
    with bar(sum(map(len, folders)), "checking", unit="pair") as checking:
        verdict = check_training(folders, train_set, val_set, asked, checking.update, source)
    see = f"minifcn check-data {as_typed([str(arguments.out / 'data' if arguments.data == SYNTHETIC else arguments.data)])}"
    if verdict.impossible:
        show(verdict.impossible[1:], "also: ")
        raise DataError(f"{verdict.impossible[0]} ({verdict.bad}; see {see})")
    if not verdict.pixels:
        raise TrainingError(
            f"split {train_set.split}: every pixel of all {len(train_set)} label files is void, so there is nothing to learn; see what "
            f"{see} says, and whether --classes and --others leave any class"
        )
    show(verdict.notes, "note: ")
    if verdict.meaningless and not arguments.anyway:
        show(verdict.meaningless[1:], "also: ")
        raise TrainingError(
            f"{verdict.meaningless[0]}. Nothing was trained; see {see}, or train nevertheless with --anyway"
        )
    for sentence in verdict.meaningless:
        print(f"{sentence} (going on with --anyway)", flush=True)


def show(sentences: Sequence[str], mark: str) -> None:
    """The first of them, a line each."""
    for sentence in sentences[:FIRST]:
        print(f"{mark}{sentence}", flush=True)
    if len(sentences) > FIRST:
        print(f"{mark}… and {len(sentences) - FIRST} more", flush=True)


def check_files(dataset: VOCFolder) -> int:
    """Read every pair before anything else is done; how many pixels are not void comes back. Raises DataError."""
    with bar(len(dataset), f"checking {dataset.split}", unit="pair") as checking:
        return dataset.check(checking.update)


def synthetic_set(root: Path) -> Path:
    """The synthetic set at `root`, made where it is not there yet."""
    with bar(0, "drawing the synthetic set", unit="picture") as drawing:
        return make_synthetic(root, progress=drawing.update)
