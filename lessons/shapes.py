"""What lessons 12, 14, 15 and 16 share: painted pictures, a small network on a trunk that can name shapes, and how it is trained and drawn.

python lessons/shapes.py     trains that trunk again, which takes a minute or two, and writes shapes_trunk.safetensors
"""

from pathlib import Path
from typing import Any

import look
import numpy as np

import minifcn as mf
from minifcn.data import VOID
from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.draw.pictures.overlay import tint
from minifcn.training import fit
from minifcn.training.scoring.metrics import near_boundary

TRUNK = Path(__file__).parent / "shapes_trunk.safetensors"
PIECE = 64  # the side, in pixels, of what the classifier was shown
PALETTE = ("#FFFFFF", look.BLUE, look.ORANGE, look.GREEN, look.PINK, look.RED, look.SKY, look.BLACK, "#F0E442")
COLOURS = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in PALETTE], np.uint8)


class InMemory:
    """`pairs` of picture and labels: what `minifcn.training.fit` wants of a set."""

    pairs: list[tuple[np.ndarray, np.ndarray]]

    def __len__(self) -> int:
        return len(self.pairs)

    def picture(self, i: int) -> np.ndarray:
        return self.pairs[i][0]

    def labels(self, i: int) -> np.ndarray:
        return self.pairs[i][1]


class Shapes(InMemory):
    """`count` painted pictures of `size` (height, width)."""

    def __init__(self, count: int, seed: int, size: tuple[int, int] = (96, 128)) -> None:
        rng = np.random.default_rng([12, seed])
        self.pairs = [paint(size, rng) for _ in range(count)]


def pieces(data: Shapes, count: int, seed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Square pieces of pictures, uint8 (count, 64, 64, 3), and the shape that covers most of each, 0 where none covers 200 pixels."""
    rng = np.random.default_rng(seed)
    cut, names = [], []
    for _ in range(count):
        picture, labels = data.pairs[rng.integers(len(data))]
        top, left = (int(rng.integers(length - PIECE + 1)) for length in labels.shape)
        window = slice(top, top + PIECE), slice(left, left + PIECE)
        pixels = np.bincount(labels[window][labels[window] != VOID], minlength=len(SHAPE_CLASSES))[1:]
        cut.append(picture[window])
        names.append(1 + int(pixels.argmax()) if pixels.max() > 200 else 0)
    return np.stack(cut), np.array(names)


class Classifier(mf.nn.Module):
    """Pieces (N, 3, 64, 64) -> scores (N, 9): the trunk of an FCN, a score for each cell of its coarsest map, and their mean."""

    class_names = SHAPE_CLASSES

    def __init__(self) -> None:
        whole = network(32)
        self.backbone, self.classifier = whole.backbone, mf.nn.Conv2d(64, len(SHAPE_CLASSES), 1)

    def forward(self, x: Any) -> mf.Tensor:
        return mf.ops.mean(self.classifier(self.backbone(x)["drop7"]), (2, 3))


def classifier() -> Classifier:
    """The classifier that `python lessons/shapes.py` trained."""
    from minifcn.weights import load_arrays

    model = Classifier()
    arrays, _ = load_arrays(TRUNK)
    model.load_state_dict({name: array.astype(np.float32) for name, array in arrays.items()})
    return model.eval()


def network(stride: int, seed: int = 0, **options: Any) -> mf.models.FCN:
    """FCN-32s, 16s or 8s for the shapes, over the narrow VGG called tiny, width 8, its trunk random. Options as in `FCN`."""
    mf.manual_seed((seed, 1))
    return mf.models.FCN("tiny", stride, len(SHAPE_CLASSES), width=8, class_names=SHAPE_CLASSES, **options)


def on_trunk(stride: int, **options: Any) -> mf.models.FCN:
    """`network`, its trunk that of the classifier: lesson 12's surgery."""
    model = network(stride, **options)
    trained = dict(classifier().backbone.named_parameters())
    for name, parameter in model.backbone.named_parameters():
        parameter.data[...] = trained[name].data
    return model


def predicted(model: mf.models.FCN, data: Shapes, i: int) -> np.ndarray:
    """The class with the largest score at each pixel of picture i: uint8 (H, W)."""
    with mf.no_grad():
        return model(model.preprocessing(data.picture(i))).data[0].argmax(0).astype(np.uint8)


def learn(model: mf.models.FCN, data: Shapes, steps: int = 150, rate: float = 2e-3, **changes: Any) -> list[float]:
    """Train `model` in place, eight whole pictures a step; the loss of each step."""
    options = {"optimizer": "adam", "lr": rate, "batch": 8, "size": None} | changes
    return fit(model, data, steps=steps, **options).losses


def boundary_accuracy(labels: list[np.ndarray], predictions: list[np.ndarray], width: int) -> float:
    """The share of right pixels among the labelled ones within `width` pixels of another label."""
    near = [near_boundary(truth, width) & (truth != VOID) for truth in labels]
    right = sum(((found == truth) & band).sum() for truth, found, band in zip(labels, predictions, near, strict=True))
    return float(right / sum(band.sum() for band in near))


def draw(axis: Any, picture: np.ndarray, labels: np.ndarray | None = None, title: str = "") -> None:
    """A picture on a matplotlib axis; with labels, in grey, with their colours over it."""
    shown = picture
    if labels is not None:
        grey = (96 + 0.62 * picture.mean(2, keepdims=True)).astype(np.uint8) // 8 * 8  # few greys make small files
        grey = grey.repeat(3, 2)
        shown = tint(grey, labels, SHAPE_CLASSES, COLOURS, 0.8)
    axis.imshow(shown, interpolation="nearest")
    axis.set_title(title, fontsize=9)
    axis.axis("off")


def legend(figure: Any, maps: list[np.ndarray]) -> None:
    """Below a figure, the colours of the classes in `maps`."""
    from matplotlib.patches import Patch

    seen = sorted({int(label) for labels in maps for label in np.unique(labels)} - {0, VOID})
    patches = [Patch(color=PALETTE[label], label=SHAPE_CLASSES[label]) for label in seen]
    figure.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=8, fontsize=8, frameon=False)


def train_classifier(steps: int = 900, rate: float = 1e-3) -> Classifier:
    """What is in shapes_trunk.safetensors: it saw the name of the largest shape in each piece, and no pixel's label."""
    data, model = Shapes(600, 100), Classifier()
    optimiser = mf.optim.Adam([p for p in model.parameters() if p.requires_grad], rate)
    preprocessing, rng = mf.models.Preprocessing(), np.random.default_rng(7)
    model.train()
    for step in range(steps):
        x, names = pieces(data, 32, [7, step])
        turn = rng.integers(2, size=3)  # a shape stays that shape
        x = x[:, :: 1 - 2 * turn[0], :: 1 - 2 * turn[1]]
        x = x.transpose(0, 2, 1, 3) if turn[2] else x
        optimiser.lr = rate * (1 - step / steps)
        optimiser.zero_grad()
        mf.ops.softmax_cross_entropy(model(preprocessing(x)), names).backward()
        optimiser.step()
    return model.eval()


if __name__ == "__main__":
    from minifcn.weights import save_arrays

    trained = train_classifier()
    save_arrays(TRUNK, {name: array.astype(np.float16) for name, array in trained.state_dict().items()}, {})
    unseen_pieces, unseen_names = pieces(Shapes(80, 101), 400, 5)
    with mf.no_grad():
        answers = trained(mf.models.Preprocessing()(unseen_pieces)).data.argmax(1)
    print(f"{TRUNK.name}: names {100 * (answers == unseen_names).mean():.0f} % of 400 unseen pieces")
