"""Save a model again: in float16 with --half, with notes about licence and origin, with the size of the pictures that it knows;
or for other programs, --format onnx for the runtimes, torch-py as a page of PyTorch, torch-safetensors under torchvision's names."""

import argparse
from pathlib import Path

import numpy as np

from minifcn.cli.options import at_least
from minifcn.cli.overwriting import check_result
from minifcn.cli.usage import one_of
from minifcn.data import DataError
from minifcn.export import to_onnx, to_torch, to_torchvision
from minifcn.export.torch_source import takes_photographs
from minifcn.models import FCN, load, save
from minifcn.models.shipped import model_file
from minifcn.weights import load_arrays

# format -> how its file ends
ENDINGS = {"minifcn": ".safetensors", "onnx": ".onnx", "torch-py": ".py", "torch-safetensors": ".safetensors"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a file that minifcn train wrote, such as RUN/best.safetensors")
    parser.add_argument(
        "--out", required=True, type=new_file, metavar="FILE",
        help="the new file: .safetensors, .onnx, or .py, beside which the weights get a .safetensors of that name",
    )  # fmt: skip
    parser.add_argument(
        "--format", default="minifcn", type=one_of("format", ENDINGS), metavar="F", help=", ".join(ENDINGS)
    )
    parser.add_argument("--preprocessing", action="store_true", help="onnx: take uint8 pictures (N, H, W, 3), RGB")
    parser.add_argument("--argmax", action="store_true", help="onnx: give a label map, uint8 (N, H, W), not scores")
    parser.add_argument("--half", action="store_true", help="weights in float16: three digits of each (full precision)")
    parser.add_argument(
        "--note", type=note, action="append", default=[], metavar="KEY=TEXT",
        help="kept in the file, such as 'licence=BSD 2-clause'; may stand several times; replaces a note of that key",
    )  # fmt: skip
    parser.add_argument(
        "--picture-size", type=at_least(1), metavar="S",
        help="the longer side, in pixels, of the pictures that it was trained on; minifcn predict resizes others to that",
    )  # fmt: skip


def new_file(text: str) -> Path:
    """An argparse type: a file's name with an ending that some format has."""
    if Path(text).suffix not in ENDINGS.values():
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .safetensors, .onnx or .py")
    return Path(text)


def note(text: str) -> tuple[str, str]:
    """An argparse type: "licence=MIT" -> ("licence", "MIT")."""
    key, sign, words = (part.strip() for part in text.partition("="))
    if not (key and sign and words):
        raise argparse.ArgumentTypeError(f"{text!r} is not a note; expected KEY=TEXT, such as licence=MIT")
    return key, words


def run(arguments: argparse.Namespace) -> int:
    check_options(arguments)
    source = model_file(arguments.model)
    check_result("out", arguments.out, source)
    model = load(arguments.model)
    model.notes |= dict(arguments.note)
    if arguments.picture_size:
        model.picture_size = arguments.picture_size
    if arguments.format != "minifcn":
        return for_others(model, arguments)
    save(model, arguments.out, half=arguments.half)
    print(f"{file_line(source)}\n{file_line(arguments.out)}")
    print(f"parameters  {sum(parameter.size for parameter in model.parameters()):,}")
    if model.picture_size:
        print(f"pictures    {model.picture_size} pixels, the longer side")
    for key, text in model.notes.items():
        print(f"note        {key}: {text}")
    return 0


def check_options(arguments: argparse.Namespace) -> None:
    """Raise DataError for a file's ending or an option that does not belong to the format."""
    ending, chosen = ENDINGS[arguments.format], arguments.format
    if arguments.out.suffix != ending:
        other = next((name for name, end in ENDINGS.items() if end == arguments.out.suffix), None)
        hint = f"; or --format {other}" if other else ""
        raise DataError(f"--out {arguments.out}: a file of format {chosen} ends in {ending}{hint}")
    if chosen != "onnx" and (arguments.preprocessing or arguments.argmax):
        raise DataError("--preprocessing and --argmax belong to --format onnx; leave them out, or add it")
    if chosen != "minifcn" and arguments.half:
        raise DataError(f"--half belongs to minifcn's own files; leave it out for --format {chosen}")


def for_others(model: FCN, arguments: argparse.Namespace) -> int:
    """The file of another program, and what goes in and comes out of it."""
    out, classes = arguments.out, len(model.class_names)
    if arguments.format == "torch-py":
        to_torch(model, out)
        weights = out.with_suffix(".safetensors")
        print(f"{out.stat().st_size / 1e6:7.3f} MB  {out}\n{weights.stat().st_size / 1e6:7.3f} MB  {weights}")
        if takes_photographs(model):
            print(f"try it with: python {out} PHOTO LABELS.png")
        return 0
    if arguments.format == "torch-safetensors":
        others = to_torchvision(model, out)
        print(
            f"{out.stat().st_size / 1e6:7.3f} MB  {out}\nthe trunk has torchvision's names; under our own: {', '.join(others)}"
        )
        return 0
    to_onnx(model, out, preprocessing=arguments.preprocessing, argmax=arguments.argmax)
    print(f"{out.stat().st_size / 1e6:7.3f} MB  {out}")
    chosen = model.preprocessing
    print(
        "input   picture_uint8, uint8 (N, H, W, 3), RGB"
        if arguments.preprocessing
        else f"input   picture, float32 (N, 3, H, W): ({chosen.channels.upper()} - {chosen.mean}) * {chosen.scale:g}"
    )
    print(
        f"output  {'labels, uint8 (N, H, W), classes' if arguments.argmax else f'scores, float32 (N, {classes}, H, W)'}"
    )
    if model.picture_size:
        print(f"pictures of other sizes: resize the longer side to {model.picture_size} first, as minifcn predict does")
    return 0


def file_line(path: Path) -> str:
    """A file's size and the kind of its numbers."""
    kinds = sorted({np.dtype(array.dtype).name for array in load_arrays(path)[0].values()})
    return f"{path.stat().st_size / 1e6:7.3f} MB  {', '.join(kinds)}  {path}"
