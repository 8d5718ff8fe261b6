"""A network as a table, a row a layer: output shape, receptive field, stride, parameters, multiply-adds, activation memory.

--draw writes the network as a picture too: trunk, scores, skips, upsampling, and the sizes of all maps.
"""

import argparse
from pathlib import Path

from minifcn.cli.options import at_least, height_by_width, refuse_given
from minifcn.models import ARCHITECTURES, BACKBONES, build, load, summarise
from minifcn.models.shipped import SHIPPED
from minifcn.nn.initialisers import undrawn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "network", metavar="NETWORK", help=f"{', '.join(ARCHITECTURES)}, a saved model's file, or {SHIPPED}"
    )
    parser.add_argument("--backbone", choices=list(BACKBONES), help="(vgg16)")
    parser.add_argument("--size", type=height_by_width, default=(500, 500), metavar="HxW", help="the picture (500x500)")
    parser.add_argument("--width", type=at_least(1), metavar="W", help="channels of the first layer of tiny (16)")
    parser.add_argument("--padding", choices=("same", "paper"), help="paper: 100 pixels and crops (same)")
    parser.add_argument("--num-classes", type=at_least(1), metavar="C", help="(21)")
    parser.add_argument("--draw", type=Path, metavar="FILE.svg", help="write a picture of the architecture there too")


def run(arguments: argparse.Namespace) -> int:
    if arguments.network.endswith(".safetensors") or arguments.network == SHIPPED or Path(arguments.network).exists():
        built = ("--backbone", "--width", "--padding", "--num-classes")
        refuse_given(arguments, built, f"says what network to build, and {arguments.network} holds one; leave it out")
        model = load(arguments.network)
    else:
        with undrawn():  # only shapes are looked at
            model = build(
                arguments.network,
                backbone=arguments.backbone or "vgg16",
                num_classes=arguments.num_classes or 21,
                width=arguments.width,
                padding=arguments.padding or "same",
            )
    if arguments.draw is not None:  # before the table, so that a mistake in the name is the first thing to be seen
        from minifcn.draw.diagrams.architecture import architecture  # matplotlib's fonts, for whoever wants a picture

        architecture(model, arguments.size).save(arguments.draw)
    print(summarise(model, arguments.size))
    if model.picture_bits:
        print(f"reads          {model.picture_bits} bits of pictures of 16")
    if model.picture_size:
        print(f"trained on     pictures whose longer side has {model.picture_size} pixels")
    for key, text in model.notes.items():
        print(f"note           {key}: {text}")
    if arguments.draw is not None:
        print(f"drawn          {arguments.draw}")
    return 0
