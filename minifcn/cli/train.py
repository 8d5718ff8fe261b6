"""Train an FCN on a folder in VOC layout, or on the synthetic set. The run folder holds models, scores, log and a report."""

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from minifcn import backend
from minifcn.cli.finish import Live, finish
from minifcn.cli.options import above_zero, at_least, bar, comma_list, two_numbers
from minifcn.cli.progress import Progress
from minifcn.data import ClassMap, VOCFolder, make_synthetic, read_class_names
from minifcn.data.loader import BALANCES
from minifcn.data.painting import SHAPE_CLASSES
from minifcn.data.sizes import default_crop, usual_size, valid_pixels
from minifcn.models import ARCHITECTURES, BACKBONES
from minifcn.models.heads import FUSIONS
from minifcn.models.surgery import LEARNERS
from minifcn.training import RECIPES, Config, Recipe, RunFolder, TrainingError, is_finished
from minifcn.training import run as run_stages
from minifcn.training.config import STAGED
from minifcn.training.objective import class_counts, median_frequency
from minifcn.training.recipes import ADAM_RATE, LOSSES, OPTIMIZERS, SCHEDULES, named_recipe

SYNTHETIC = "synthetic"
DEFAULTS: dict[str, Any] = dict(train_split="train", arch="staged", backbone="tiny")
# what else a recipe chooses where the command line does not
PRESETS: dict[str, dict[str, Any]] = {
    "voc-subset": dict(
        train_split="trainaug", arch="fcn4s", backbone="squeezenet-fc", epochs=10.0,
        classes=["cat", "cow", "dog", "horse", "person", "sheep"],
    ),
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data", required=True, metavar="ROOT|synthetic", help="a folder in VOC layout, or the word synthetic"
    )
    data.add_argument("--train-split", help="a name in ImageSets/Segmentation (train)")
    data.add_argument("--val-split", default="val", help="the split that is scored (val)")
    data.add_argument(
        "--classes",
        type=comma_list,
        metavar="A,B,…",
        help="only these classes, and background; the word all: every class (all)",
    )
    data.add_argument(
        "--class-names", type=Path, metavar="FILE", help="own classes: line i, from 0, names label value i"
    )
    data.add_argument(
        "--others", choices=("void", "background"), default="void", help="what other classes become (void)"
    )
    data.add_argument("--limit", type=at_least(1), metavar="N", help="at most so many training pictures")
    data.add_argument(
        "--size", type=at_least(0), metavar="S",
        help="train on SxS crops; 0: on whole pictures (the pictures' size, at most 256)",
    )  # fmt: skip
    data.add_argument("--no-mirror", action="store_true", help="do not exchange left and right")
    data.add_argument(
        "--scale", type=two_numbers, metavar="A,B", help="make pictures A to B times as large, at random (1,1)"
    )
    data.add_argument(
        "--jitter", type=at_least(0), metavar="N", help="let crops reach N pixels beyond the edges, into void (0)"
    )
    data.add_argument(
        "--colour", type=at_least(0, float), metavar="X", help="vary the colours by up to X, such as 0.2 (0)"
    )
    data.add_argument(
        "--balance", choices=BALANCES, help="what comes equally often: pictures, or the classes they show (pictures)"
    )
    net = parser.add_argument_group("network")
    net.add_argument(
        "--arch", choices=[*STAGED, *ARCHITECTURES], help="staged: 32s, then 16s, then 8s; staged-4s: then 4s (staged)"
    )
    net.add_argument("--backbone", choices=list(BACKBONES), help="(tiny)")
    net.add_argument("--width", type=at_least(1), metavar="W", help="channels of the first layer of tiny (16)")
    net.add_argument("--padding", choices=("same", "paper"), default="same", help="paper: 100 pixels and crops (same)")
    net.add_argument("--fusion", choices=FUSIONS, default="sum", help="how a skip is joined (sum)")
    net.add_argument("--learn-upsampling", action="store_true", help="train the bilinear kernels too")
    net.add_argument("--init", metavar="FILE", help="start from a saved model")
    net.add_argument(
        "--trunk", metavar="FILE", help="start the trunk from ImageNet weights: SqueezeNet v1.1, .npz or .safetensors"
    )
    training = parser.add_argument_group("training")
    training.add_argument(
        "--recipe", choices=list(RECIPES), default="modern",
        help="; ".join(f"{name}: {text}" for name, text in RECIPES.items()) + " (modern). The options below change parts of it",
    )  # fmt: skip
    training.add_argument("--batch", type=at_least(1), metavar="B", help="pictures a step (8)")
    training.add_argument("--accumulate", type=at_least(1), metavar="K", help="batches whose gradients make a step (1)")
    length = training.add_mutually_exclusive_group()
    length.add_argument("--steps", type=at_least(1), metavar="N", help="steps a stage (300)")
    length.add_argument("--epochs", type=above_zero, metavar="N", help="passes through the training pictures a stage")
    training.add_argument("--optimizer", choices=OPTIMIZERS, help="sgd has the recipe's momentum (sgd)")
    training.add_argument("--lr", type=above_zero, metavar="X", help="learning rate at the start (sgd 0.05, adam 3e-4)")
    training.add_argument(
        "--head-factor", type=above_zero, metavar="X", help="what is not in the trunk learns so much faster (1)"
    )
    training.add_argument(
        "--learns", choices=LEARNERS, help="all, only what stands on the trunk, or only the score layers (all)"
    )
    training.add_argument("--momentum", type=at_least(0, float), metavar="X", help="of sgd (0.9)")
    training.add_argument("--weight-decay", type=at_least(0, float), metavar="X", help="(0)")
    training.add_argument("--loss", choices=LOSSES, help="over the pixels of a batch (mean)")
    training.add_argument("--schedule", choices=SCHEDULES, help="of the learning rate (polynomial)")
    training.add_argument(
        "--class-weights", choices=("none", "median"), default="none",
        help="median: a class counts as many times more as it is rarer than the median class (none)",
    )  # fmt: skip
    training.add_argument(
        "--keep-cells",
        type=above_zero,
        metavar="P",
        help="share of 32x32 cells that count in the loss, drawn each step (1)",
    )
    training.add_argument(
        "--balance-cells",
        action="store_true",
        default=None,
        help="keep cells of rare classes more often (with --keep-cells)",
    )
    training.add_argument("--checkpoint-every", type=at_least(0, float), metavar="S", help="seconds (20)")
    training.add_argument("--seed", type=at_least(0), default=0, help="everything random follows from it (0)")
    training.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="(auto)")
    parser.add_argument("--out", required=True, type=Path, metavar="RUN", help="the run folder")
    parser.add_argument(
        "--watch", type=above_zero, nargs="?", const=30.0, metavar="S",
        help="draw the report every S seconds (30) while the run goes on; the page in a browser follows",
    )  # fmt: skip
    parser.add_argument("--verbose", action="store_true", help="a line for every step")
    parser.add_argument("--resume", action="store_true", help="continue the run in --out; start it where there is none")


def run(arguments: argparse.Namespace) -> int:
    return train_as(arguments, "minifcn " + shlex.join(word for word in arguments.words if word != "--resume"))


def train_as(arguments: argparse.Namespace, command: str) -> int:
    """Train as `arguments` say; `command` is printed in the report as the line that repeats the run."""
    for name, value in (DEFAULTS | PRESETS.get(arguments.recipe, {})).items():
        if getattr(arguments, name) is None and not (name == "epochs" and arguments.steps):
            setattr(arguments, name, value)
    device = backend.choose_device(arguments.device)
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
    folder.agree(config)
    if is_finished(config, folder):
        if not folder.report.exists():
            finish(config, folder, train_set, val_set, command)
        print(f"{folder.path}: this run is finished; its report is {folder.report}")
        return 0
    check_files(train_set)
    check_files(val_set)
    print(
        f"{len(train_set)} training pictures, {len(val_set)} to score; {len(classes.names)} classes: {', '.join(classes.names)}\n"
        f"{' then '.join(config.stages)} over {config.backbone}, {config.steps} steps a stage, {in_words(config.recipe)}, on the {device}",
        flush=True,
    )
    live = None
    if arguments.watch:
        live = Live(config, folder, train_set, val_set, command, arguments.watch).stepped
        print(f"report   {folder.report}, drawn again every {arguments.watch:g} s", flush=True)
    progress = Progress(arguments.verbose, live)
    try:
        run_stages(config, train_set, val_set, folder, device, progress, arguments.checkpoint_every)
    except KeyboardInterrupt:
        saved = "saved; " if folder.checkpoint.exists() else ""
        raise KeyboardInterrupt(f"; {saved}this goes on from there: {command} --resume") from None
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


def check_files(dataset: VOCFolder) -> None:
    """Read every pair before anything else is done. Raises DataError."""
    with bar(len(dataset), f"checking {dataset.split}", unit="pair") as checking:
        dataset.check(checking.update)


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
