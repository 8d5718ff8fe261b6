"""The whole way on a synthetic set: draw it, train FCN-32s, then 16s, then 8s, score them, write a report."""

import argparse
from pathlib import Path

from minifcn.cli import train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("minifcn-demo"), metavar="DIR", help="the run folder (minifcn-demo)"
    )
    parser.add_argument("--seed", type=int, default=0, help="(0)")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="(auto)")


# what the demo trains, as one would type it
OPTIONS = "--data synthetic --arch staged --backbone tiny --width 12 --size 96 --batch 8 --steps 350"


def run(arguments: argparse.Namespace) -> int:
    line = f"{OPTIONS} --seed {arguments.seed} --device {arguments.device} --out"
    options = argparse.ArgumentParser()
    train.add_arguments(options)
    # a demo that was stopped goes on, a finished one says so
    wanted = options.parse_args([*line.split(), str(arguments.out), "--resume"])
    print(f"minifcn train {line} {arguments.out}", flush=True)
    return train.train_as(wanted, f"minifcn train {line} {arguments.out}")
