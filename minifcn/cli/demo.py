"""The whole way on a synthetic set: draw it, train FCN-32s, then 16s, then 8s, score them, write a report."""

import argparse
import shlex
from pathlib import Path

from minifcn.cli import train
from minifcn.cli.options import at_least


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("minifcn-demo"), metavar="DIR", help="the run folder (minifcn-demo)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, help="(0)")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="(auto)")


# what the demo trains, as one would type it
OPTIONS = "--data synthetic --arch staged --backbone tiny --width 12 --size 96 --batch 8 --steps 500 --lr 0.1"


def run(arguments: argparse.Namespace) -> int:
    words = [*OPTIONS.split(), "--seed", str(arguments.seed), "--device", arguments.device, "--out", str(arguments.out)]
    options = argparse.ArgumentParser(prog="minifcn train")
    train.add_arguments(options)
    # a demo that was stopped goes on, a finished one says so
    wanted = options.parse_args([*words, "--resume"])
    command = f"minifcn train {shlex.join(words)}"
    print(command, flush=True)
    return train.train_as(wanted, command)
