"""Segment pictures: for each a palette PNG of label values, an overlay with a legend, and a line of class shares.

Without --model by the network that ships with minifcn: background, cat, cow, dog, horse, person, sheep. Without a picture that network looks at the
portrait that comes with matplotlib.
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path

from minifcn.cli.options import add_device, at_least, bar, chosen_device, device_words, picture_bits, scale_list, share
from minifcn.cli.pictures import find_pictures
from minifcn.cli.predicting.steps import Job, Work, endings_of, outputs_of, say
from minifcn.cli.predicting.turns import Steps, in_turns
from minifcn.cli.results import names_for
from minifcn.data.errors import DataError
from minifcn.data.pixels.depth import not_meant
from minifcn.files import make_folder, remove_drafts
from minifcn.models.saving import load
from minifcn.models.shipped import SHIPPED

STALE = 3600.0  # seconds: what is half written and so old belongs to nobody


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", nargs="*", metavar="IMAGE|FOLDER|GLOB",
        help="pictures, folders of pictures, or patterns such as 'photos/*.jpg' and 'photos/**/*.jpg' (the sample portrait)",
    )  # fmt: skip
    parser.add_argument(
        "--model", default=SHIPPED, metavar="FILE|NAME",
        help=f"a file that minifcn train wrote, such as RUN/best.safetensors, or the name of one that ships with minifcn ({SHIPPED})",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("predictions"), metavar="DIR",
        help="where NAME.png and NAME_overlay.png go (predictions)",
    )  # fmt: skip
    parser.add_argument(
        "--confidence", action="store_true",
        help="write NAME_confidence.png too: how likely the class shown is, in colours from 0 to 100 %%",
    )  # fmt: skip
    parser.add_argument(
        "--sure", type=share, metavar="P",
        help="give a pixel no class where the likeliest is less likely than P, such as 0.8: unsure, 255 among the label values",
    )  # fmt: skip
    parser.add_argument(
        "--probabilities", action="store_true",
        help="write NAME_probabilities.npz too, to calculate with: numpy.load gives `probabilities`, float16 (classes, height, width), "
        "`names` of the classes and their label `values`",
    )  # fmt: skip
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--size", type=at_least(1), metavar="S",
        help="look at the picture with its longer side resized to S pixels: a network knows things as large as those that it was trained "
        "on (what the model's file says; where it says nothing, the picture's own size)",
    )  # fmt: skip
    size.add_argument(
        "--own-size", action="store_true", help="look at the picture in its own size, whatever the file says"
    )
    size.add_argument(
        "--tile", type=at_least(1), metavar="S",
        help="in its own size, in overlapping tiles of SxS pixels, such as 512: for huge pictures, whose memory this bounds; up to a thousand million pixels are read",
    )  # fmt: skip
    parser.add_argument(
        "--overlap", type=at_least(0), metavar="PIXELS",
        help="what neighbouring tiles share at least (half of what the network sees)",
    )  # fmt: skip
    parser.add_argument("--mirror", action="store_true", help="average over the mirrored picture too")
    parser.add_argument(
        "--scales", type=scale_list, default=(1.0,), metavar="S,…", help="average over these sizes, such as 1,1.25 (1)"
    )
    parser.add_argument(
        "--bits",
        type=picture_bits,
        metavar="N",
        help="how many bits of pictures of 16 bits hold something, such as 12 (what the model's file says, else 16)",
    )
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.overlap is not None and arguments.tile is None:
        raise DataError("--overlap says how far tiles overlap; add --tile, such as --tile 512")
    device = chosen_device(arguments)
    model = load(arguments.model).to(device)
    bits = arguments.bits or model.picture_bits
    pictures = find_pictures(arguments.inputs) if arguments.inputs else [sample_portrait()]
    make_folder(arguments.out)
    remove_drafts(arguments.out, older=STALE)
    jobs = [Job(*pair) for pair in zip(pictures, names_for(pictures, endings_of(arguments)), strict=True)]
    inputs = {path.resolve() for path in pictures}
    failed = 0
    brief = len(pictures) == 1 and not arguments.tile  # over before a bar is loaded
    with bar(len(pictures), "predicting", brief, unit="picture") as progress:
        work = Work(model, arguments, bits, inputs, lambda n, count: progress.set_postfix_str(f"tile {n} of {count}"))
        with closing(in_turns(jobs, Steps(work.read, work.compute, work.write, work.whole))) as outcomes:
            for job, outcome in outcomes:
                for note in job.notes:
                    say(note)
                if isinstance(outcome, Exception):  # one bad file does not cost the others their result
                    failed += 1
                    say(str(outcome))
                else:
                    progress.write(outcome, file=sys.stdout)
                progress.update()
    if failed:
        print(f"minifcn predict: {failed} of {len(pictures)} pictures could not be predicted", file=sys.stderr)
    if failed < len(pictures) and not work.deep and (idle := not_meant([], arguments.bits)):
        say(idle)
    if failed < len(pictures):  # on stderr: what stands on stdout is a line a picture
        print(
            f"written to {arguments.out}: {', '.join(file.name for file in outputs_of('NAME', arguments))}; computed on {device_words(device)}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def sample_portrait() -> Path:
    """What to look at where no picture is given. Raises DataError where matplotlib came without it."""
    from minifcn.draw.pictures.sample import portrait

    path = portrait()
    if path is None:
        raise DataError("no picture given, and this matplotlib came without its sample portrait; give a picture")
    print("no picture given: this is the portrait of Grace Hopper that comes with matplotlib", file=sys.stderr)
    return path
