"""Lesson 26's pictures, how a network is scored on them, and where your best score is kept.

The pictures are drawn by the demo's painter from a seed that the demo does not use: who trained on the demo's validation pictures gains nothing.
"""

import io
import json
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from shapes import InMemory

import minifcn as mf
from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.training.scoring.metrics import confusion, scores

COUNT, SIZE, SEED = 400, (96, 128), 26  # four times as many as the demo scores, as large
BARS = Path(__file__).parent / "data" / "leaderboard.json"  # name -> mean IU in per cent; committed
YOURS = "my_scores.json"  # in the folder where you work; git does not see it there
DEMO = "the demo's FCN-8s"
LESSON = "26_your_own.ipynb"
Predict = Callable[[np.ndarray], Any]


def drawn(*seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture, uint8 (96, 128, 3), and its labels, uint8 (96, 128). As in the demo it has been a JPEG file."""
    picture, labels = paint(SIZE, np.random.default_rng(seed))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=92, subsampling=0)
    return np.asarray(Image.open(file)), labels


@cache
def judged() -> list[tuple[np.ndarray, np.ndarray]]:
    """The pictures that count."""
    return [drawn(SEED, number) for number in range(COUNT)]


class DemoSet(InMemory):
    """The demo's training pictures, in memory."""

    def __init__(self, count: int = 400) -> None:
        self.pairs = [drawn(0, number, 0) for number in range(count)]


def predictor(answer: Any) -> Predict:
    """What gives the classes of a picture: by a network, by the file of one, or as you gave it. Raises ValueError."""
    if isinstance(answer, str | Path):
        answer = mf.models.load(answer)
    if isinstance(answer, mf.models.FCN):
        model = answer
        if len(model.class_names) != len(SHAPE_CLASSES):
            raise ValueError(f"it knows {len(model.class_names)} classes; the set has {len(SHAPE_CLASSES)}")
        return lambda picture: mf.training.predict(model, picture)
    if not callable(answer):
        raise ValueError(
            f"got {type(answer).__name__}; expected a network, the file of one, or a function of a picture"
        )
    return answer


def scored(answer: Any) -> dict[str, Any]:
    """The paper's four scores over the pictures that count, as fractions, and `per_class`: name -> IU."""
    predict = predictor(answer)
    return score_of((labels, np.asarray(predict(picture))) for picture, labels in judged())


def score_of(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """The scores of (labels, prediction) pairs."""
    matrix = np.zeros((len(SHAPE_CLASSES), len(SHAPE_CLASSES)), np.int64)
    for labels, predicted in pairs:
        matrix += confusion(labels, predicted, len(SHAPE_CLASSES))
    return scores(matrix, SHAPE_CLASSES)


def bars() -> dict[str, float]:
    """What there is to beat: name -> mean IU in per cent."""
    found: dict[str, float] = json.loads(BARS.read_text(encoding="utf-8"))
    return found


def remember(mean_iu: float, folder: Path) -> str:
    """Keep a score in `folder`, if somebody works there, and say how it stands beside the best one before it."""
    if not (folder / LESSON).exists():
        return ""
    path = folder / YOURS
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        before = float(kept["best"])
    except (OSError, ValueError, KeyError, TypeError):
        before = None
    if before is not None and before >= mean_iu:
        return f"your best stays {before:.1f}"
    path.write_text(json.dumps({"best": round(mean_iu, 2), "day": date.today().isoformat()}) + "\n", encoding="utf-8")
    return "your best so far" if before is None else f"your best so far; before it was {before:.1f}"
