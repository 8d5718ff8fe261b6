"""From pictures to predictions and scores, each picture at its own size."""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from minifcn import backend, plans
from minifcn.autodiff.foreign import refuse
from minifcn.data import VOID
from minifcn.data.dataset import Dataset, check_dataset
from minifcn.data.large import LargePicture
from minifcn.data.sizes import NEAR
from minifcn.models import FCN
from minifcn.ops.checks import as_sizes, flag
from minifcn.training.errors import TrainingError
from minifcn.training.scoring.metrics import BAND, confusion, near_boundary, scores, share
from minifcn.training.scoring.winners import averaged, leading, winners

ONE_SCALE = (1.0,)
MOST_ENLARGED = 1 << 26  # pixels: 8192x8192
FAR = 4.0  # times as large, or as small, as what was trained on
Wanted = int | Literal["own", "known"]  # what a picture's longer side is resized to


def predict(model: FCN, picture: np.ndarray, mirror: bool = False, scales: Sequence[float] = ONE_SCALE) -> np.ndarray:
    """The most likely class of each pixel: picture uint8 (H, W, 3) RGB -> uint8 (H, W). Dropout is off meanwhile.

    `scales`: sizes, as factors, at which the picture is predicted; `mirror`: at each of them mirrored left to right
    too. What counts then is the mean over these views of the softmax of their scores. Pictures are resized bilinearly,
    and scores back again, before the softmax. Raises ValueError for no scales, or one that is not above 0.

    The network is worked out once a shape (`minifcn.plan`) and again when it has changed; a few numbers that NumPy alone writes into a
    `parameter.data` of more than a million may go unseen, unless `parameter.changed()` says so.
    """
    check_fits("predict", model)
    if scales is not ONE_SCALE:
        check_scales(scales)
    if flag("predict", "mirror", mirror) or tuple(scales) != ONE_SCALE:
        with evaluating(model):
            views = views_of(model, picture, mirror, scales)
        height, width = np.shape(picture)[:2]
        return winners(views, (height, width), slice(0, height))
    with evaluating(model):
        found = scores_of(model, picture)
    on_gpu = backend.device_of(found) == "gpu"  # a byte a pixel comes down, not four for each class
    return backend.to_device(found.argmax(0).astype(np.uint8), "cpu") if on_gpu else leading(found)[0]


def probabilities(
    model: FCN, picture: np.ndarray, mirror: bool = False, scales: Sequence[float] = ONE_SCALE
) -> np.ndarray:
    """How likely each class is at each pixel, by the softmax of its scores: float32 (C, H, W). All else as in `predict`."""
    check_scales(scales)
    with evaluating(model):
        return mean_softmax(model, picture, mirror, scales)


def check_scales(scales: Sequence[float]) -> None:
    given = as_sizes(scales)  # () where it is no list
    if not given or not all(isinstance(scale, float | int | np.number) and 0 < scale < math.inf for scale in given):
        shown = list(given) if given or isinstance(scales, list | tuple) else repr(scales)
        raise ValueError(f"predict: scales are {shown}; expected one or more, each above 0, such as 0.75")


def check_fits(operation: str, model: FCN) -> None:
    """Raise ValueError for a network of other channels than a picture has, or of more classes than labels can tell: bytes, and 255 is void."""
    channels = model.architecture["in_channels"]
    if channels != 3:
        raise ValueError(
            f"{operation}: the network takes {channels} channel{'s' * (channels != 1)}, and pictures have three, red, green and blue; "
            "call the network itself, model(tensor), in a loop of your own"
        )
    if len(model.class_names) > VOID:
        raise ValueError(
            f"{operation}: the network has {len(model.class_names)} classes, but labels are bytes of which 255 is void, so that they can tell at "
            "most 255; the scores themselves, model(tensor), know no limit"
        )


@contextmanager
def evaluating(model: FCN) -> Iterator[None]:
    """Dropout off meanwhile."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        if training:  # else it is so already, and to walk through all modules takes a tenth of a small network's time
            model.train()


def one_picture(picture: np.ndarray) -> np.ndarray:
    """The picture as an array. Raises ValueError for several at once, of which one alone would be predicted, and for what is none."""
    refuse("predict", picture, "the picture")
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        several = "; give one after the other" if picture.ndim == 4 else ""
        raise ValueError(
            f"predict: got {picture.dtype} {picture.shape}; expected an RGB picture, uint8 (H, W, 3), not empty{several}"
        )
    return picture


def scores_of(model: FCN, picture: np.ndarray) -> Any:
    """One view through the network: uint8 (H, W, 3) -> scores (C, H, W) on the model's device."""
    picture = one_picture(picture)
    first = next(model.parameters())
    values = model.preprocessing(backend.to_device(picture, first.device))  # a byte a number goes up, not four
    found = plans.scores(model, values.astype(first.dtype, copy=False))[0]
    if (
        not backend.array_module(found).isfinite(found).all()
    ):  # the largest of NaNs is the first class: background everywhere
        raise TrainingError(
            "predict: the network's scores hold NaN or infinity, so that no class can be the most likely one; its weights are damaged or "
            "too large: take an earlier model"
        )
    return found


def mean_softmax(model: FCN, picture: np.ndarray, mirror: bool, scales: Sequence[float]) -> np.ndarray:
    """The mean over all views of the probability of each class: float32 (C, H, W). Arguments as in `predict`."""
    views = views_of(model, picture, flag("predict", "mirror", mirror), scales)
    height, width = np.shape(picture)[:2]
    return averaged(views, (height, width), slice(0, height))


def views_of(model: FCN, picture: np.ndarray, mirror: bool, scales: Sequence[float]) -> list[np.ndarray]:
    """The scores of each view, turned back but of its own size: float32 (C, h, w) each."""
    picture = one_picture(picture)
    height, width = picture.shape[:2]
    views = []
    for scale in scales:
        size = (max(1, round(scale * width)), max(1, round(scale * height)))  # Pillow says width first
        most = max(MOST_ENLARGED, width * height)
        if size[0] * size[1] > most:  # by a slip; a system that runs out of memory kills without a word
            raise ValueError(
                f"predict: a view of {size[1]}x{size[0]} (height x width) of a picture of {height}x{width}; enlarged to more than "
                f"{MOST_ENLARGED:,} pixels nothing is predicted: give a smaller size or scale"
            )
        view = np.array(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
        for mirrored in (False, True) if mirror else (False,):
            found = backend.to_device(scores_of(model, view[:, ::-1] if mirrored else view), "cpu")
            views.append(found[:, :, ::-1] if mirrored else found)
    return views


def size_for(model: FCN, picture: np.ndarray | LargePicture) -> int | None:
    """What the longer side of `picture` is resized to, so that things in it are as large as those that the model knows: `model.picture_size`.

    None, its own size, where the model does not say, or where they are within a tenth of each other.
    """
    known, longer = getattr(model, "picture_size", None), max(picture.shape[:2])
    return None if known is None or abs(longer - known) <= NEAR * known else known


def strange_views(known: int | None, size: int, scales: Sequence[float]) -> str:
    """What to say of views, `size` pixels long times `scales`, that are FAR times as large or as small as pictures that a model knows; else nothing.

    `known`: the longer side of those, or None where nobody says.
    """
    odd = [max(1, round(size * scale)) for scale in scales if known and not 1 / FAR <= size * scale / known <= FAR]
    if not odd:
        return ""
    how = "small" if odd[0] < (known or 0) else "large"
    return f"the network is shown a longer side of {odd[0]} pixels; it was trained on {known}, and knows nothing so {how}: see --size and --scales"


def scales_for(picture: np.ndarray | LargePicture, scales: Sequence[float], size: int | None) -> tuple[float, ...]:
    """`scales` of a picture whose longer side becomes `size` first; None leaves it."""
    return tuple(scale * size / max(picture.shape[:2]) for scale in scales) if size else tuple(scales)


def scales_at(model: FCN, picture: np.ndarray, scales: Sequence[float], size: Wanted) -> tuple[float, ...]:
    """`scales` of a picture whose longer side becomes `size` first, or stays its "own", or becomes what the model has "known"."""
    return scales_for(picture, scales, size_for(model, picture) if size == "known" else None if size == "own" else size)


def pairs_of(dataset: Dataset) -> Generator[tuple[np.ndarray, np.ndarray], None, None]:
    """(labels, picture), one after the other; the next is decoded by a thread meanwhile."""
    from minifcn.data.loader import ahead  # threads need modules that a single prediction can do without

    return ahead(lambda number: (dataset.labels(number), dataset.picture(number)), len(dataset))


def evaluate(
    model: FCN,
    dataset: Dataset,
    progress: Callable[[], Any] | None = None,
    *,
    size: Wanted = "known",
    band: int = BAND,
    mirror: bool = False,
    scales: Sequence[float] = ONE_SCALE,
    seen: Callable[[int, np.ndarray, np.ndarray], Any] | None = None,
) -> dict[str, Any]:
    """The scores of `model` over every picture of `dataset`, as plain numbers; None where no pixel counts.

    The four scores and `per_class` as in `scores`; `boundary_accuracy` and `boundary_iu`, pixel accuracy and mean IU
    of the pixels `near_boundary`, `boundary_width` = `band` pixels or less; `interior_accuracy` and `interior_iu`, of all
    others; `boundary_share`, the fraction of the pixels in the band; `confusion`, the matrix as C lists, a true class
    each. `mirror` and `scales` as in `predict`. `size`: what each picture's longer side is resized to first, its "own" or as in `size_for`;
    scores are resized back, so the labels stay as they are. `progress` is called once a picture; `seen` too, with its number, its
    own confusion matrix (C, C) and its prediction, uint8 (H, W).
    """
    check_fits("evaluate", model)
    check_dataset("evaluate", dataset)
    classes = len(model.class_names)
    total, boundary = np.zeros((2, classes, classes), np.int64)
    with closing(pairs_of(dataset)) as pictures:
        for number, (labels, picture) in enumerate(pictures):
            try:
                prediction = predict(model, picture, mirror, scales_at(model, picture, scales, size))
            except TrainingError as error:
                raise TrainingError(
                    f"picture {getattr(dataset, 'ids', range(len(dataset)))[number]}: {error}"
                ) from error
            matrix = confusion(labels, prediction, classes)
            near = near_boundary(labels, band)
            total += matrix
            boundary += confusion(labels[near], prediction[near], classes)
            if seen:
                seen(number, matrix, prediction)
            if progress:
                progress()
    inside, outside = scores(boundary, model.class_names), scores(total - boundary, model.class_names)
    return {
        **scores(total, model.class_names),
        "boundary_width": band,
        "boundary_share": share(int(boundary.sum()), int(total.sum())),
        "boundary_accuracy": inside["pixel_accuracy"],
        "boundary_iu": inside["mean_iu"],
        "interior_accuracy": outside["pixel_accuracy"],
        "interior_iu": outside["mean_iu"],
        "confusion": total.tolist(),
    }


class Scored(NamedTuple):
    """One picture of a set: number, pixel accuracy and mean IU as fractions, prediction, uint8 (H, W), and how many classes it shows."""

    number: int
    accuracy: float
    mean_iu: float
    prediction: np.ndarray
    classes: int


class Worst:
    """For `evaluate(seen=…)`: the `count` pictures with the lowest pixel accuracy, worst first, in `.found`; no others.

    Pixel accuracy, not IU: a few stray pixels of a class that is not there halve a picture's mean IU. Of equals the
    first stays. Pictures of void alone have no score and do not come in.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"Worst: count is {count}; keep at least 1 picture")
        self.count = count
        self.found: list[Scored] = []

    def __call__(self, number: int, matrix: np.ndarray, prediction: np.ndarray) -> None:
        result = scores(matrix, [str(i) for i in range(len(matrix))])
        if result["pixel_accuracy"] is None:
            return
        classes = int(np.count_nonzero(matrix.sum(1)))
        self.found.append(Scored(number, result["pixel_accuracy"], result["mean_iu"], prediction, classes))
        self.found = sorted(self.found, key=lambda scored: (scored.accuracy, scored.number))[: self.count]
