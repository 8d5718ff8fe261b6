"""Score a saved model on a split of a VOC folder, each picture against the labels of its own size. The classes come from the model."""

import argparse
import io
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from minifcn.cli.classes import CLASS_NAMES, also_said_by
from minifcn.cli.commands.train import SYNTHETIC, check_files, synthetic_set
from minifcn.cli.options import (
    add_device,
    at_least,
    bar,
    chosen_device,
    device_words,
    model_name,
    picture_bits,
    picture_file,
    scale_list,
)
from minifcn.cli.overwriting import check_result
from minifcn.cli.progress import percent
from minifcn.cli.score_tables import about_reliability, class_table, other_table, summary
from minifcn.data import ClassMap, DataError, VOCFolder, read_meaning
from minifcn.data.classes import OTHERS
from minifcn.files import write_whole
from minifcn.models import FCN, load
from minifcn.models import save as save_model
from minifcn.models.shipped import model_file
from minifcn.training import evaluate
from minifcn.training.hints import about_nothing_scored
from minifcn.training.runs.folder import write_json
from minifcn.training.scoring.calibration import at_temperature, fitted_temperature, reliability
from minifcn.training.scoring.evaluate import ONE_SCALE, Wanted, Worst, strange_views
from minifcn.training.scoring.metrics import BAND, ONE_CLASS, doubt, doubtful
from minifcn.training.scoring.other_classes import OtherClasses

WORST = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a file that minifcn train wrote, such as RUN/best.safetensors")
    parser.add_argument(
        "--data", required=True, metavar="ROOT|synthetic", help="a folder in VOC layout, or the word synthetic"
    )
    parser.add_argument("--split", default="val", help="a name in ImageSets/Segmentation (val)")
    parser.add_argument("--class-names", metavar="FILE|voc", help=f"what the data's label values mean, {CLASS_NAMES}")
    parser.add_argument(
        "--others", choices=OTHERS,
        help="what pixels of classes that the model does not know count as: void, not at all, or background (what the model was trained with)",
    )  # fmt: skip
    parser.add_argument(
        "--mirror", action="store_true", help="predict each picture mirrored too, and take the mean of the softmax"
    )
    parser.add_argument(
        "--scales", type=scale_list, default=ONE_SCALE, metavar="S,…",
        help="predict each picture at these sizes, such as 0.75,1,1.25, and take the mean of the softmax (1)",
    )  # fmt: skip
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--size", type=at_least(1), metavar="S",
        help="look at each picture with its longer side resized to S pixels; its labels stay as they are (what the model's file says, as predict does)",
    )  # fmt: skip
    size.add_argument(
        "--own-size", action="store_true", help="look at each picture in its own size, whatever the file says"
    )
    parser.add_argument(
        "--bits",
        type=picture_bits,
        metavar="N",
        help="how many bits of pictures of 16 bits hold something (what the model's file says, else 16)",
    )
    parser.add_argument(
        "--band", type=at_least(1), default=BAND, metavar="PIXELS",
        help=f"pixels this near to another label, or void, are scored as boundary, the rest interior ({BAND})",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores and the confusion matrix there too")
    parser.add_argument(
        "--confusion", type=picture_file, metavar="FILE", help="the confusion matrix as a picture (.png or .svg)"
    )
    parser.add_argument(
        "--gallery", type=png_file, metavar="FILE", help="a picture (.png) of those with the lowest pixel accuracy"
    )
    parser.add_argument("--worst", type=at_least(1), metavar="N", help=f"how many --gallery shows ({WORST})")
    parser.add_argument(
        "--reliability", type=picture_file, metavar="FILE",
        help="how often the model is right where it is so and so sure, as a picture (.png or .svg); a second pass over the pictures",
    )  # fmt: skip
    parser.add_argument(
        "--calibrate", type=model_name, metavar="FILE",
        help="write the model there (.safetensors) with its scores divided by the temperature that makes it as sure as it is right on these pictures, which it must not have been trained on; one more pass, in one view",
    )  # fmt: skip
    add_device(parser)


def png_file(text: str) -> str:
    """An argparse type: a file's name that ends in .png."""
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .png")
    return text


def run(arguments: argparse.Namespace) -> int:
    check_outputs(arguments)
    if arguments.class_names and arguments.data == SYNTHETIC:
        raise DataError("--class-names: the synthetic set brings its own names; leave the option out")
    if arguments.worst and not arguments.gallery:
        raise DataError("--worst says how many pictures --gallery shows; add --gallery FILE")
    device = chosen_device(arguments)
    model = load(arguments.model).to(device)
    if model.classes is None:
        raise DataError(
            f"{arguments.model}: the model does not say which label values its classes have: in Python set both, "
            "model.class_names = names and model.classes = ClassMap.own(names).to_dict(), a name for each label value from 0 on, and save it again"
        )
    print(f"scoring on {device_words(device)}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        root = synthetic_set(Path(scratch) / "data") if arguments.data == SYNTHETIC else Path(arguments.data)
        dataset, names = set_of(arguments, root, model)
        size: Wanted = arguments.size or ("own" if arguments.own_size else "known")
        views: dict[str, Any] = dict(mirror=arguments.mirror, scales=arguments.scales, size=size)
        known = None if arguments.own_size else model.picture_size
        if odd := strange_views(known, arguments.size or known or 0, arguments.scales):
            print(f"note: {odd}", file=sys.stderr)
        worst = Worst(arguments.worst or WORST) if arguments.gallery else None
        metrics = scored(arguments, model, dataset, OtherClasses(dataset, names), worst, views)
        write_files(arguments, dataset, metrics, worst)
        if arguments.reliability:
            write_reliability(arguments, model, dataset, metrics, views)
        if arguments.calibrate:
            write_calibrated(arguments, model, dataset, size)
    return 0


def set_of(arguments: argparse.Namespace, root: Path, model: FCN) -> tuple[VOCFolder, dict[int, str]]:
    """The pictures to score, looked through, with the classes of `model`; what the label values are called. What there is to note goes to stderr."""
    own = ClassMap.from_dict(model.classes or {})
    dataset = VOCFolder(root, arguments.split, own, bits=arguments.bits or model.picture_bits)
    meaning = read_meaning(dataset.folder, root, arguments.class_names)
    classes, notes = also_said_by(own, meaning)
    dataset.class_map = replace(classes, others=arguments.others) if arguments.others else classes
    idle = "--others is about classes that the model does not know, and the data has none: it changes nothing"
    about_others = [idle] if arguments.others and not dataset.class_map.unknown else []
    for note in dict.fromkeys([*notes, *dataset.notes, *about_others]):
        print(f"note: {note}", file=sys.stderr)
    check_files(dataset)
    for note in dataset.picture_notes:
        print(note, file=sys.stderr)
    return dataset, meaning.names


def scored(
    arguments: argparse.Namespace,
    model: FCN,
    dataset: VOCFolder,
    others: OtherClasses,
    worst: Worst | None,
    views: dict[str, Any],
) -> dict[str, Any]:
    """The scores, printed."""

    def seen(*picture: Any) -> None:
        others(*picture)
        if worst:
            worst(*picture)

    with bar(len(dataset), "scoring", unit="picture") as scoring:
        metrics = evaluate(model, dataset, scoring.update, band=arguments.band, seen=seen, **views)
    if doubtful(metrics):
        metrics["doubt"] = ONE_CLASS  # who reads the file alone would take it for a perfect score
    if arguments.mirror or arguments.scales != ONE_SCALE:
        metrics |= {"mirror": arguments.mirror, "scales": list(arguments.scales)}
    print(f"{class_table(metrics['confusion'], dataset.class_map.names)}\n\n{summary(metrics)}\n")
    for sentence in about_nothing_scored(metrics):
        print(sentence)
    if unknown := others.found():
        shares = {each.name: {"pixels": each.pixels, "taken_for": each.taken_for} for each in unknown}
        metrics["other_classes"] = shares
        print(f"{other_table(unknown, dataset.class_map.others)}\n")
    return metrics


def write_files(
    arguments: argparse.Namespace, dataset: VOCFolder, metrics: dict[str, Any], worst: Worst | None
) -> None:
    """What was scored, as the files that were asked for."""
    classes = dataset.class_map
    if arguments.json:
        write_json(arguments.json, metrics)
        print(f"scores     {arguments.json}")
    if arguments.confusion:
        from minifcn.draw.curves import save
        from minifcn.draw.report.confusion import confusion_figure  # matplotlib takes a second to load

        save(confusion_figure(metrics["confusion"], classes.names), arguments.confusion)
        print(f"confusion  {arguments.confusion}")
    if worst:
        write_whole(arguments.gallery, gallery_png(worst, dataset, classes))
        print(f"gallery    {arguments.gallery}")


def write_reliability(
    arguments: argparse.Namespace, model: FCN, dataset: VOCFolder, metrics: dict[str, Any], views: dict[str, Any]
) -> None:
    """The curve as a picture, its numbers into --json too."""
    from minifcn.draw.curves import save
    from minifcn.draw.report.reliability import reliability_figure

    with bar(len(dataset), "reliability", unit="picture") as looking:
        found = reliability(model, dataset, looking.update, **views)
    save(reliability_figure({Path(arguments.model).stem: found}), arguments.reliability)
    if arguments.json:
        bins = {name: values.tolist() for name, values in vars(found).items()}
        write_json(arguments.json, metrics | {"reliability": {"expected_calibration_error": found.error, **bins}})
    print(f"reliability  {arguments.reliability}: {about_reliability(found)}")


def write_calibrated(arguments: argparse.Namespace, model: FCN, dataset: VOCFolder, size: Wanted) -> None:
    with bar(len(dataset), "calibrating", unit="picture") as looking:
        temperature = fitted_temperature(model, dataset, looking.update, size=size)
    save_model(at_temperature(model.to("cpu"), temperature), arguments.calibrate)
    print(f"calibrated  {arguments.calibrate}: scores divided by {temperature:.3f}")


def check_outputs(arguments: argparse.Namespace) -> None:
    """What would be found out only after all pictures are scored: files that cannot be. Raises DataError."""
    if arguments.worst and not arguments.gallery:
        raise DataError("--worst says how many pictures --gallery shows; add --gallery FILE.png")
    source = model_file(arguments.model)
    found: dict[Path, str] = {}
    for option in ("json", "confusion", "gallery", "reliability", "calibrate"):
        if not getattr(arguments, option):
            continue
        path = Path(getattr(arguments, option))
        if not path.parent.is_dir() or path.is_dir():
            problem = "this is a folder" if path.is_dir() else f"there is no folder {path.parent}"
            raise DataError(f"--{option} {path}: {problem}; give a file in a folder that exists")
        if not os.access(path.parent, os.W_OK):
            raise DataError(
                f"--{option} {path}: you may not write in {path.parent}; give a file in a folder where you may"
            )
        check_result(option, path, source)
        if path.resolve() in found:
            raise DataError(
                f"--{option} {path}: --{found[path.resolve()]} is written to the same file; give each its own"
            )
        found[path.resolve()] = option


def gallery_png(worst: Worst, dataset: VOCFolder, classes: ClassMap) -> bytes:
    """The pictures that `worst` kept, read again one at a time, as the bytes of a PNG file."""
    from minifcn.draw.pictures.gallery import Shown, gallery

    rows = (
        Shown(
            f"{dataset.ids[number]}   pixel accuracy {percent(accuracy).strip()}, mean IU {percent(mean_iu).strip()}{doubt(shown)}",
            dataset.picture(number),
            dataset.labels(number),
            prediction,
        )
        for number, accuracy, mean_iu, prediction, shown in worst.found
    )
    content = io.BytesIO()
    gallery(rows, classes.names, classes.colours).save(content, "PNG")
    return content.getvalue()
