"""Segment pictures: for each a palette PNG of label values, an overlay with a legend, and a line of class shares."""

import argparse
import sys
from pathlib import Path

from minifcn import backend
from minifcn.cli.options import bar, scale_list
from minifcn.data import ClassMap, DataError, read_picture, write_labels
from minifcn.data.voc import PICTURE_ENDINGS
from minifcn.models import FCN, load
from minifcn.training import predict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IMAGE|FOLDER", help="pictures, or folders of pictures")
    parser.add_argument(
        "--model", metavar="MODEL", help="a file that minifcn train wrote, such as RUN/best.safetensors"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where NAME.png and NAME_overlay.png go")
    parser.add_argument("--mirror", action="store_true", help="average over the mirrored picture too")
    parser.add_argument(
        "--scales", type=scale_list, default=(1.0,), metavar="S,…", help="average over these sizes, such as 1,1.25 (1)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="(auto)")


def run(arguments: argparse.Namespace) -> int:
    if not arguments.model:
        raise DataError(
            "no model given: train one with minifcn train or minifcn demo, then add --model RUN/best.safetensors"
        )
    model = load(arguments.model).to(backend.choose_device(arguments.device))
    pictures = find_pictures(arguments.inputs)
    check_outputs(pictures, arguments.out)
    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    with bar(len(pictures), "predicting", unit="picture") as progress:
        for path in pictures:
            try:
                progress.write(
                    predict_file(model, path, arguments.out, arguments.mirror, arguments.scales), file=sys.stdout
                )
            except DataError as error:  # one bad file does not cost the others their result
                failed += 1
                print(f"minifcn predict: {error}", file=sys.stderr)
            progress.update()
    if failed:
        print(f"minifcn predict: {failed} of {len(pictures)} pictures could not be read", file=sys.stderr)
    return 1 if failed else 0


def find_pictures(inputs: list[Path]) -> list[Path]:
    """The files among `inputs`, and the pictures directly in its folders, sorted. Raises DataError."""
    found: list[Path] = []
    for path in inputs:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURE_ENDINGS)
            if not inside:
                raise DataError(f"{path}: no pictures in this folder (looked for {', '.join(PICTURE_ENDINGS)})")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{path}: no such file or folder")
    return list(dict.fromkeys(found))


def outputs_of(path: Path, out: Path) -> tuple[Path, Path]:
    return out / f"{path.stem}.png", out / f"{path.stem}_overlay.png"


def check_outputs(pictures: list[Path], out: Path) -> None:
    """No result may overwrite a picture that was given, or another result. Raises DataError before anything is written."""
    inputs = {path.resolve() for path in pictures}
    writers: dict[Path, Path] = {}
    for path in pictures:
        for result in outputs_of(path, out):
            if result.resolve() in inputs:
                raise DataError(
                    f"{path}: its result {result} would overwrite a picture that was given; choose another --out"
                )
            if result in writers:
                raise DataError(
                    f"{path} and {writers[result]} would both be written to {result}; predict them into two folders"
                )
            writers[result] = path
        labels, drawn = outputs_of(path, out)
        if labels.exists() and not drawn.exists():  # somebody's labels, perhaps; our own come with an overlay
            raise DataError(f"{labels}: exists and was not written by predict; choose another --out")


def predict_file(model: FCN, path: Path, out: Path, mirror: bool, scales: tuple[float, ...]) -> str:
    """Write both PNGs for one picture; returns its line of class shares."""
    from minifcn.draw.overlay import overlay, shares_line

    picture = read_picture(path)
    labels = predict(model, picture, mirror, scales)
    classes = ClassMap.from_dict(model.classes) if model.classes else ClassMap.own(model.class_names)
    label_file, overlay_file = outputs_of(path, out)
    overlay(picture, labels, model.class_names, classes.colours).save(overlay_file)
    # the values that the training labels have: a folder of predictions is a folder of labels
    write_labels(label_file, classes.restore(labels))
    return f"{path}: {shares_line(labels, model.class_names)}"
