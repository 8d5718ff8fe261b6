"""The options of `minifcn train`."""

import argparse
from pathlib import Path

from minifcn.cli.classes import CLASS_NAMES
from minifcn.cli.options import (
    above_zero,
    add_device,
    at_least,
    height_by_width,
    number_or_mpi,
    picture_bits,
    two_numbers,
)
from minifcn.data.classes import OTHERS
from minifcn.data.loader import BALANCES
from minifcn.models import ARCHITECTURES, BACKBONES
from minifcn.models.heads import FUSIONS
from minifcn.models.surgery import LEARNERS
from minifcn.training import RECIPES
from minifcn.training.recipes import LOSSES, OPTIMIZERS, SCHEDULES
from minifcn.training.runs.config import STAGED


def crop_size(text: str) -> int | tuple[int, int]:
    """An argparse type: "128", or "192x256" -> (192, 256); 0 for whole pictures."""
    return height_by_width(text) if "x" in text.lower() else at_least(0)(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data", required=True, metavar="ROOT|synthetic", help="a folder in VOC layout, or the word synthetic"
    )
    data.add_argument("--train-split", help="a name in ImageSets/Segmentation (train)")
    data.add_argument("--val-split", default="val", help="the split that is scored (val)")
    data.add_argument(
        "--classes",
        metavar="A,B,…|@FILE",
        help="only these classes, by name or number, and background; @FILE: one a line; the word all: every class (all)",
    )
    data.add_argument("--class-names", metavar="FILE|voc", help=CLASS_NAMES)
    data.add_argument(
        "--others", choices=OTHERS, help="what other classes become (void; with --recipe voc-subset background)"
    )
    data.add_argument(
        "--anyway", action="store_true", help="train though the check of the data says that nothing can come of it"
    )
    data.add_argument("--limit", type=at_least(1), metavar="N", help="at most so many training pictures")
    data.add_argument(
        "--size", type=crop_size, metavar="S|HxW",
        help="train on crops of SxS or HxW pixels; 0: on whole pictures (what the pictures fill by two thirds, at most 256)",
    )  # fmt: skip
    data.add_argument(
        "--longer-side", type=at_least(0), metavar="S",
        help="resize training pictures first, so that their longer side has S pixels; 0: leave them (as large as --init's network knows "
        "them, else as they are)",
    )  # fmt: skip
    data.add_argument(
        "--bits", type=picture_bits, metavar="N",
        help="how many bits of pictures of 16 bits hold something, such as 12: they are stretched alike, and the model's file remembers it (16, or "
        "what --init's network was trained with)",
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
    net.add_argument("--backbone", choices=list(BACKBONES), help="(tiny; with --trunk that of the file)")
    net.add_argument("--width", type=at_least(1), metavar="W", help="channels of the first layer of tiny (16)")
    net.add_argument("--padding", choices=("same", "paper"), help="paper: 100 pixels and crops (same)")
    net.add_argument("--fusion", choices=FUSIONS, help="how a skip is joined (sum)")
    net.add_argument("--learn-upsampling", action="store_true", default=None, help="train the bilinear kernels too")
    net.add_argument(
        "--init",
        metavar="FILE|voc7",
        help="start from a saved model, or from one of the authors' networks in their files (minifcn weights): network, recipe, sizes and number of steps come from it where no option says otherwise",
    )
    net.add_argument(
        "--trunk",
        metavar="FILE",
        help="start the trunk from ImageNet weights: what minifcn weights import wrote, or any file that it reads; the backbone is the file's",
    )
    training = parser.add_argument_group("training")
    training.add_argument(
        "--recipe", choices=list(RECIPES),
        help="; ".join(f"{name}: {text}" for name, text in RECIPES.items()) + " (modern; with --init fine-tune). The options below change parts of it",
    )  # fmt: skip
    training.add_argument("--batch", type=at_least(1), metavar="B", help="pictures a step (8)")
    training.add_argument("--accumulate", type=at_least(1), metavar="K", help="batches whose gradients make a step (1)")
    length = training.add_mutually_exclusive_group()
    length.add_argument(
        "--steps", type=at_least(1), metavar="N", help="steps a stage (300; with --init two minutes and a half)"
    )
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
        "--keep-cells", type=above_zero, metavar="P", help="share of 32x32 cells that count in the loss, drawn each step (1)"
    )  # fmt: skip
    training.add_argument(
        "--balance-cells", action="store_true", default=None, help="keep cells of rare classes more often (with --keep-cells)"
    )  # fmt: skip
    training.add_argument("--checkpoint-every", type=at_least(0, float), metavar="S", help="seconds (20)")
    training.add_argument(
        "--val-every", type=at_least(0), metavar="N",
        help="score some training and validation pictures every N steps; 0: never (as often as 5 %% of the time allows)",
    )  # fmt: skip
    training.add_argument("--seed", type=at_least(0), default=0, help="everything random follows from it (0)")
    add_device(training)
    training.add_argument(
        "--graph", action=argparse.BooleanOptionalAction, default=False,
        help="capture the step in a CUDA graph: a GPU is asked once a step and not a hundred times, which small networks feel (no)",
    )  # fmt: skip
    training.add_argument(
        "--processes", type=number_or_mpi, default=1, metavar="N|mpi",
        help="share each batch between N processes, on GPUs one each, or between those that mpirun started (1)",
    )  # fmt: skip
    parser.add_argument("--out", required=True, type=Path, metavar="RUN", help="the run folder")
    parser.add_argument(
        "--watch", type=above_zero, nargs="?", const=30.0, metavar="S",
        help="draw the report every S seconds (30) while the run goes on; the page in a browser follows",
    )  # fmt: skip
    parser.add_argument("--verbose", action="store_true", help="a line for every step, and what became of every weight")
    parser.add_argument("--resume", action="store_true", help="continue the run in --out; start it where there is none")
    parser.add_argument(
        "--other-data", action="store_true", help="with --resume: go on though pictures, labels or lists have changed"
    )
