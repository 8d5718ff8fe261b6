"""Segment pictures: for each a palette PNG of label values, an overlay with a legend, and a line of class shares.

Without --model by the network that ships with minifcn: background, cat, cow, dog, horse, person, sheep. Without a picture that network looks at the
portrait that comes with matplotlib.
"""

import argparse
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minifcn import backend
from minifcn.cli.options import add_device, at_least, bar, chosen_device, device_words, picture_bits, scale_list
from minifcn.cli.pictures import find_pictures
from minifcn.cli.results import check_free, marked, names_for, source_of
from minifcn.data import ClassMap, DataError
from minifcn.data.images import Picture
from minifcn.data.labels import labels_png
from minifcn.data.large import LargePicture, read_any, reduced
from minifcn.data.pixels.depth import dark_set, too_dark
from minifcn.files import make_folder, remove_drafts, write_whole
from minifcn.models import FCN, load
from minifcn.models.shipped import SHIPPED
from minifcn.training import Prediction, TrainingError, predict_maps
from minifcn.training.scoring.evaluate import size_for

LONGEST_OVERLAY = 4096  # pixels of the longer side of a huge picture's
STALE = 3600.0  # seconds: what is half written and so old belongs to nobody
STRANGE = 1.5  # times the size that the model knows: from there on it is said to whoever insists


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
    inputs = {path.resolve() for path in pictures}
    make_folder(arguments.out)
    remove_drafts(arguments.out, older=STALE)
    failed = 0
    with bar(len(pictures), "predicting", unit="picture") as progress:
        for path, name in zip(pictures, names_for(pictures, endings_of(arguments)), strict=True):
            try:
                results = outputs_of(name, arguments)
                source = source_of(path)
                check_free(path, source, results, inputs)
                with read(path, arguments, bits) as picture:
                    pixels = picture if isinstance(picture, LargePicture) else picture.pixels
                    found = predict_file(
                        model,
                        path,
                        pixels,
                        arguments,
                        lambda n, count: progress.set_postfix_str(f"tile {n} of {count}"),
                    )
                    write_files(model, results, source, pixels, found)
                # nobody asked where the sample portrait lies
                said = f"{path if arguments.inputs else path.name}{'' if name == path.stem else f' -> {name}.png'}"
                progress.write(f"{said}: {shares_of(model, found)}", file=sys.stdout)
            except BrokenPipeError:
                raise
            except (DataError, OSError) as error:  # one bad file does not cost the others their result
                failed += 1
                print(f"minifcn predict: {error}", file=sys.stderr)
            progress.update()
    if failed:
        print(f"minifcn predict: {failed} of {len(pictures)} pictures could not be predicted", file=sys.stderr)
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


def endings_of(arguments: argparse.Namespace) -> list[str]:
    """What the names of one picture's files end with: labels, overlay, and what else was asked for."""
    endings = [".png", "_overlay.png"]
    return endings + ["_confidence.png"] * arguments.confidence + ["_probabilities.npz"] * arguments.probabilities


def outputs_of(name: str, arguments: argparse.Namespace) -> list[Path]:
    """The files of the picture whose results are called `name`."""
    return [arguments.out / f"{name}{ending}" for ending in endings_of(arguments)]


def predict_file(
    model: FCN,
    path: Path,
    picture: np.ndarray | LargePicture,
    arguments: argparse.Namespace,
    progress: Callable[[int, int], Any],
) -> Prediction:
    """What the network finds in one picture. Raises DataError, also where memory does not suffice."""
    longer, known = max(picture.shape[:2]), model.picture_size
    size = None if arguments.own_size or arguments.tile else arguments.size or size_for(model, picture)
    if known and not size and longer > STRANGE * known:
        way = "predict a smaller copy of it" if isinstance(picture, LargePicture) else "leave out --tile and --own-size"
        say(
            f"{path}: {longer} pixels, but the model was trained on pictures of {known} and may know nothing as large; {way}"
        )
    try:
        return predict_maps(
            model, picture, mirror=arguments.mirror, scales=arguments.scales, size=size, tile=arguments.tile,
            overlap=arguments.overlap, confidence=arguments.confidence, every_class=arguments.probabilities,
            progress=progress if arguments.tile else None,
        )  # fmt: skip
    except TrainingError as error:
        raise DataError(f"{path}: {error}") from error
    except (MemoryError, RuntimeError) as error:
        if not backend.no_memory_left(error):
            raise
        height, width = picture.shape[:2]
        way = f"try a smaller --tile than {arguments.tile}" if arguments.tile else "predict it in tiles: --tile 512"
        raise DataError(f"{path}: not enough memory for {width}x{height} pixels ({error}); {way}") from error


def say(sentence: str) -> None:
    print(f"minifcn predict: {sentence}", file=sys.stderr)


@contextmanager
def read(path: Path, arguments: argparse.Namespace, bits: int | None) -> Iterator[Picture | LargePicture]:
    """A picture, or where --tile is given one of more pixels than other commands read. What is odd about it is said."""
    found = read_any(path, bits, pieces=arguments.tile is not None)
    if not isinstance(found, LargePicture):
        warn_of_depth(path, found.top, bits)
        yield found
        return
    with found:
        height, width = found.shape[:2]
        held = "read in pieces, as it is stored" if found.grid else f"decoded whole, {gigabytes(found.held)}"
        labels = gigabytes(height * width)
        say(f"{path}: {width}x{height} pixels, {held}; its labels take {labels}, and its overlay is drawn smaller")
        yield found
        warn_of_depth(path, found.top, bits)


def warn_of_depth(path: Path, top: int | None, bits: int | None) -> None:
    """Say where a picture of 16 bits uses so few of them that it is nearly black."""
    if top is not None and (dark := too_dark(top, bits) or dark_set([top], bits)):
        say(f"{path}: {dark}")


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def write_files(
    model: FCN, results: list[Path], source: tuple[str, str], picture: np.ndarray | LargePicture, found: Prediction
) -> None:
    """What was found, in files that bear the mark of their `source`."""
    from minifcn.draw.pictures.confidence import confidence_picture
    from minifcn.draw.pictures.overlay import overlay

    classes = classes_of(model)
    label_file, overlay_file, *others = results
    shown, labels = (
        reduced(picture, found.labels, LONGEST_OVERLAY)
        if isinstance(picture, LargePicture)
        else (picture, found.labels)
    )
    write_whole(overlay_file, marked(png_bytes(overlay(shown, labels, model.class_names, classes.colours)), source))
    # the values that the training labels have: a folder of predictions is a folder of labels
    write_whole(label_file, marked(labels_png(label_file, classes.restore(found.labels)), source))
    if found.confidence is not None:
        write_whole(others[0], marked(png_bytes(confidence_picture(found.confidence)), source))
    if found.probabilities is not None:
        content = io.BytesIO()
        names, values = np.array(model.class_names), np.array(classes.values, np.uint8)
        np.savez_compressed(content, probabilities=found.probabilities, names=names, values=values)
        write_whole(others[-1], marked(content.getvalue(), source))


def classes_of(model: FCN) -> ClassMap:
    return ClassMap.from_dict(model.classes) if model.classes else ClassMap.own(model.class_names)


def shares_of(model: FCN, found: Prediction) -> str:
    from minifcn.draw.pictures.overlay import shares_line

    return shares_line(found.labels, model.class_names)


def png_bytes(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
