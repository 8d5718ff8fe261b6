"""First a photograph, by the network that ships with minifcn. Then the whole way on a synthetic set: draw it, train FCN-32s, then 16s, then 8s,
score them, write a report."""

import argparse
from pathlib import Path

import numpy as np

from minifcn.cli.commands import train
from minifcn.cli.options import add_device, as_typed, at_least
from minifcn.data import read_picture
from minifcn.data.synthetic.painting import paint
from minifcn.models import load
from minifcn.models.shipped import SHIPPED, shipped_file
from minifcn.training import predict_maps
from minifcn.training.scoring.evaluate import size_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("minifcn-demo"), metavar="DIR", help="the run folder (minifcn-demo)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, help="(0)")
    add_device(parser)


# what the demo trains, as one would type it
OPTIONS = "--data synthetic --arch staged --backbone tiny --width 12 --size 96 --batch 8 --steps 500 --lr 0.1"


def run(arguments: argparse.Namespace) -> int:
    if shipped_file():  # an installation without it can train all the same
        print(shipped_line(), flush=True)
    words = [*OPTIONS.split(), "--seed", str(arguments.seed), "--device", arguments.device, "--out", str(arguments.out)]
    words += ["--gpu-memory", arguments.gpu_memory] if arguments.gpu_memory else []
    options = argparse.ArgumentParser(prog="minifcn train")
    train.add_arguments(options)
    # a demo that was stopped goes on, a finished one says so
    wanted = options.parse_args([*words, "--resume"])
    command = f"minifcn train {as_typed(words)}"
    print(command, flush=True)
    return train.train_as(wanted, command)


def shipped_line() -> str:
    """What the network that ships with minifcn sees in a portrait, and how to let it see another picture."""
    from minifcn.draw.pictures.overlay import shares_line
    from minifcn.draw.pictures.sample import PORTRAIT, portrait

    model, path = load(SHIPPED), portrait()
    # of a drawn picture it knows nothing, but that is no reason to show none
    picture = read_picture(path) if path else paint((96, 128), np.random.default_rng(0))[0]
    labels = predict_maps(model, picture, size=size_for(model, picture)).labels
    what = PORTRAIT if path else "a drawn picture"
    return f"{SHIPPED} on {what}: {shares_line(labels, model.class_names)}; on yours: minifcn predict photo.jpg"
