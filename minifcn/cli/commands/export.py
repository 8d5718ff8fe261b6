"""Save a model again, in float16 with --half, which halves its file, and with notes about licence and origin,
and with the size of the pictures that it knows. Nothing is taken away."""

import argparse
from pathlib import Path

import numpy as np

from minifcn.cli.options import at_least
from minifcn.data import DataError
from minifcn.models import load, save
from minifcn.models.shipped import model_file
from minifcn.weights import load_arrays


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a file that minifcn train wrote, such as RUN/best.safetensors")
    parser.add_argument("--out", required=True, type=model_name, metavar="FILE", help="the new file, .safetensors")
    parser.add_argument("--half", action="store_true", help="weights in float16: three digits of each (full precision)")
    parser.add_argument(
        "--note", type=note, action="append", default=[], metavar="KEY=TEXT",
        help="kept in the file, such as 'licence=BSD 2-clause'; may stand several times; replaces a note of that key",
    )  # fmt: skip
    parser.add_argument(
        "--picture-size", type=at_least(1), metavar="S",
        help="the longer side, in pixels, of the pictures that it was trained on; minifcn predict resizes others to that",
    )  # fmt: skip


def model_name(text: str) -> Path:
    """An argparse type: a file's name that ends in .safetensors."""
    if not text.endswith(".safetensors"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .safetensors")
    return Path(text)


def note(text: str) -> tuple[str, str]:
    """An argparse type: "licence=MIT" -> ("licence", "MIT")."""
    key, sign, words = (part.strip() for part in text.partition("="))
    if not (key and sign and words):
        raise argparse.ArgumentTypeError(f"{text!r} is not a note; expected KEY=TEXT, such as licence=MIT")
    return key, words


def run(arguments: argparse.Namespace) -> int:
    source = model_file(arguments.model)
    if arguments.out.exists() and source.exists() and arguments.out.samefile(source):
        raise DataError(f"--out {arguments.out}: this is the model itself; give another file")
    model = load(arguments.model)
    model.notes |= dict(arguments.note)
    if arguments.picture_size:
        model.picture_size = arguments.picture_size
    save(model, arguments.out, half=arguments.half)
    print(f"{file_line(source)}\n{file_line(arguments.out)}")
    print(f"parameters  {sum(parameter.size for parameter in model.parameters()):,}")
    if model.picture_size:
        print(f"pictures    {model.picture_size} pixels, the longer side")
    for key, text in model.notes.items():
        print(f"note        {key}: {text}")
    return 0


def file_line(path: Path) -> str:
    """A file's size and the kind of its numbers."""
    kinds = sorted({np.dtype(array.dtype).name for array in load_arrays(path)[0].values()})
    return f"{path.stat().st_size / 1e6:7.3f} MB  {', '.join(kinds)}  {path}"
