"""The files that `minifcn predict` writes about one picture."""

import io
from pathlib import Path

import numpy as np

from minifcn.cli.results import marked
from minifcn.data.classes import ClassMap
from minifcn.data.labels import labels_png
from minifcn.data.large import LargePicture, reduced
from minifcn.data.pixels.png_writing import png_of
from minifcn.files import write_whole
from minifcn.models import FCN
from minifcn.training.scoring.picture_tiles import Prediction

UNSURE = "unsure"  # in the legend: where --sure took the class away
LONGEST_OVERLAY = 4096  # pixels of the longer side of a huge picture's


def write_files(
    model: FCN, results: list[Path], source: tuple[str, str], picture: np.ndarray | LargePicture, found: Prediction
) -> None:
    """What was found, in files that bear the mark of their `source`."""
    from minifcn.draw.pictures.overlay import overlay_strips

    classes = classes_of(model)
    label_file, overlay_file, *others = results
    shown, labels = (
        reduced(picture, found.labels, LONGEST_OVERLAY)
        if isinstance(picture, LargePicture)
        else (picture, found.labels)
    )
    drawn = png_of(*overlay_strips(shown, labels, model.class_names, classes.colours, unsure=UNSURE))
    write_whole(overlay_file, marked(drawn, source))
    # the values that the training labels have: a folder of predictions is a folder of labels
    write_whole(label_file, marked(labels_png(label_file, classes.restore(found.labels), quick=True), source))
    if found.confidence is not None:
        from minifcn.draw.pictures.confidence import confidence_picture

        image = np.asarray(confidence_picture(found.confidence))
        write_whole(others[0], marked(png_of(image.shape[1], image.shape[0], [image]), source))
    if found.probabilities is not None:
        content = io.BytesIO()
        names, values = np.array(model.class_names), np.array(classes.values, np.uint8)
        np.savez_compressed(content, probabilities=found.probabilities, names=names, values=values)
        write_whole(others[-1], marked(content.getvalue(), source))


def classes_of(model: FCN) -> ClassMap:
    return ClassMap.from_dict(model.classes) if model.classes else ClassMap.own(model.class_names)


def shares_of(model: FCN, found: Prediction) -> str:
    """A line for the terminal: the classes in the picture, and how much of it each takes; what the network is not sure of is a share too."""
    from minifcn.draw.pictures.overlay import shares_line

    return shares_line(found.labels, model.class_names, UNSURE)
