"""Weights that others trained: what is in a file of theirs, and a model of ours made of it. Nothing that such a file says is run.

Read are safetensors, PyTorch's .pth of both formats, Caffe's .caffemodel, ONNX, NumPy's .npz and Keras's .h5, of VGG16, AlexNet,
GoogLeNet and SqueezeNet, and the authors' FCNs.
"""

import argparse
from pathlib import Path

from minifcn.cli.options import above_zero, model_name, refuse_given
from minifcn.cli.overwriting import check_result
from minifcn.cli.usage import one_of
from minifcn.data import DataError
from minifcn.models import FCN, save
from minifcn.models.classifier_files import save_classifier
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.shipped import SHIPPED, model_file
from minifcn.pretrained import import_file
from minifcn.pretrained.recognise import FAMILIES, recognised
from minifcn.pretrained.report import pictures, sides
from minifcn.weights import WeightsError
from minifcn.weights.formats.contents import Contents
from minifcn.weights.formats.files import read_file
from minifcn.weights.formats.safetensors_header import is_own

ACTIONS = ("import", "show")
FOR_IMPORT = ("--out", "--as", "--ignore", "--prefix", "--channels", "--mean", "--scale", "--flip")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", metavar="import|show", type=one_of("action", ACTIONS),
        help="import: make a model of it, and say of every array where it went; show: list what is in it",
    )  # fmt: skip
    parser.add_argument(
        "file",
        metavar="FILE|NAME",
        help=f"the file, as it was downloaded, or the name of one that ships with minifcn ({SHIPPED})",
    )
    parser.add_argument("--out", type=model_name, metavar="M.safetensors", help="import: the model to be written")
    parser.add_argument(
        "--as", type=one_of("network", FAMILIES), metavar="NETWORK",
        help=f"which network it is, where its names leave that open: {', '.join(FAMILIES)} (what the names say)",
    )  # fmt: skip
    parser.add_argument(
        "--ignore", nargs="+", default=[], metavar="NAME",
        help="arrays that may be left out, such as 'optimizer.*'; any other without a place is an error",
    )  # fmt: skip
    parser.add_argument(
        "--prefix", metavar="TEXT", help="what stands before the names, such as module. (found by itself)"
    )
    trained = parser.add_argument_group(
        "what it was trained on, where that is not the usual for a file of such names; all three are given together"
    )
    trained.add_argument("--channels", choices=("rgb", "bgr"), help="the order of the colours")
    trained.add_argument(
        "--mean", type=numbers, metavar="A,B,C", help="what was taken off, in that order, colours being 0 to 255"
    )
    trained.add_argument("--scale", type=scales, metavar="X|A,B,C", help="what they were multiplied by then")
    parser.add_argument(
        "--flip", action="store_true",
        help="turn the first convolution round: the network takes rgb in place of bgr, or the other way, and scores the same",
    )  # fmt: skip


def numbers(text: str) -> tuple[float, ...]:
    """An argparse type: "104,117,123" -> (104.0, 117.0, 123.0)."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != 3 or not all(abs(value) < 1e6 for value in found):
        raise argparse.ArgumentTypeError(f"{text!r} is not three numbers, such as 104,117,123")
    return found


def scales(text: str) -> float | tuple[float, ...]:
    """An argparse type: "1", or three numbers above 0."""
    found = tuple(above_zero(part) for part in text.split(","))
    if len(found) not in (1, 3):
        raise argparse.ArgumentTypeError(f"{text!r} is neither one number nor three")
    return found[0] if len(found) == 1 else found


def run(arguments: argparse.Namespace) -> int:
    arguments.file = model_file(arguments.file)
    if arguments.action == "import":
        return run_import(arguments)
    refuse_given(arguments, FOR_IMPORT, "says how import makes a model, and show makes none; leave it out")
    return run_show(arguments.file)


def run_import(arguments: argparse.Namespace) -> int:
    if arguments.out is None:
        raise DataError("import: where to? Give --out M.safetensors")
    if arguments.out.exists() and arguments.file.exists() and arguments.out.samefile(arguments.file):
        raise DataError(f"--out {arguments.out}: this is the file itself; give another name")
    check_result("out", arguments.out)
    done = import_file(
        arguments.file,
        getattr(arguments, "as"),  # a word of Python's
        ignore=arguments.ignore,
        prefix=arguments.prefix,
        preprocessing=preprocessing(arguments),
        flip=arguments.flip,
    )
    if isinstance(done.network, FCN):
        save(done.network, arguments.out)
    else:
        save_classifier(done.network, arguments.out)
    print("\n".join(done.lines()))
    print(f"{done.in_words()}\nSHA-256  {done.sha256}\nwritten  {arguments.out}")
    use = "minifcn predict --model" if isinstance(done.network, FCN) else "minifcn train --trunk"
    print(f"use it   {use} {arguments.out} …")
    return 0


def preprocessing(arguments: argparse.Namespace) -> Preprocessing | None:
    """What the three options say; None where none is given."""
    given = (arguments.channels, arguments.mean, arguments.scale)
    if all(each is None for each in given):
        return None
    if any(each is None for each in given):
        raise DataError(
            "--channels, --mean and --scale say together how pictures were prepared: give all three, or none"
        )
    return Preprocessing(*given)


def run_show(path: Path) -> int:
    contents = read_file(path)
    print(f"{path}: {contents.format}, {len(contents.entries)} arrays, {path.stat().st_size / 1e6:.3f} MB")
    for name, entry in contents.entries.items():
        print(f"{name}  {sides(entry.shape)}  {entry.kind}")
    print(*said(path, contents), sep="\n")
    return 0


def said(path: Path, contents: Contents) -> list[str]:
    """Which network it is."""
    if is_own(contents.header):
        notes = contents.header.get("notes")
        lines = [f"{key}: {text}" for key, text in notes.items()] if isinstance(notes, dict) else []
        return ["a file of minifcn's own", *lines]
    try:
        found = recognised(contents)
    except WeightsError as error:
        return [f"network: {error}"]
    before = f", behind {found.prefix!r}" if found.prefix else ""
    return [
        f"network: {found.names.title}{before}",
        f"pictures: {pictures(found.names.preprocessing)}, as usual for such a file",
    ]
