"""What skips are worth: Table 2 in small, what happens without the coarse scores, sum against max."""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from minifcn import nn, ops
from minifcn.data.labels import VOID
from minifcn.models import FCN, transplant
from minifcn.models.geometry import Field
from minifcn.models.trunks.backbones import Backbone
from minifcn.paper.claims import Bars, Outcome, Setting, claim
from minifcn.paper.training import SHAPE_CLASSES, Held, small_network, synthetic_data, trained

STEPS = 200
PIECE = 64  # the side, in pixels, of the pieces that the trunk learns to name
RATES = {"fcn32s": 0.05, "fcn16s": 0.02, "fcn8s": 0.02}  # at 0.1 a trunk that has learnt something forgets it


def data_of_skips() -> tuple[Held, Held]:
    return synthetic_data(400, 100, (96, 128))


def mean_and_range(values: list[float]) -> str:
    """52.3 (50.1 to 54.0), from fractions."""
    low, high = 100 * min(values), 100 * max(values)
    return f"{100 * np.mean(values):.1f} ({low:.1f} to {high:.1f})"


def score_table(found: dict[str, list[float]], head: str, more: dict[str, str] | None = None) -> list[list[str]]:
    """A row a network: mean IU in per cent, mean and range over the seeds; `more` adds a column."""
    rows = [[head, "mean IU, %", *(["time"] if more else [])]]
    return rows + [[name, mean_and_range(values), *([more[name]] if more else [])] for name, values in found.items()]


def score_bars(title: str, found: dict[str, list[float]]) -> Bars:
    return Bars(title, "mean IU, %", {name: [100 * value for value in values] for name, values in found.items()})


def pieces(data: Held, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """`count` square pieces of pictures, uint8 (count, PIECE, PIECE, 3), and the shape that covers most of each, 0 for none."""
    cut: list[np.ndarray] = []
    names: list[int] = []
    while len(cut) < count:
        i = int(rng.integers(len(data)))
        h, w = data.labels(i).shape
        y, x = int(rng.integers(h - PIECE + 1)), int(rng.integers(w - PIECE + 1))
        labels = data.labels(i)[y : y + PIECE, x : x + PIECE]
        pixels = np.bincount(labels[labels != VOID], minlength=len(SHAPE_CLASSES))[1:]
        cut.append(data.picture(i)[y : y + PIECE, x : x + PIECE])
        names.append(1 + int(pixels.argmax()) if pixels.max() > 200 else 0)
    return np.stack(cut), np.array(names)


@lru_cache(maxsize=8)
def classifier_trunk(steps: int, seed: int) -> FCN:
    """A network whose trunk learned to name the shape in a piece of a picture, as ImageNet teaches: no pixel of a label is shown."""
    data, model = data_of_skips()[0], small_network("fcn32s", seed)
    optimiser = nn.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.03, 0.9)
    rng = np.random.default_rng([seed, 7])
    model.train()
    for step in range(steps):
        optimiser.lr = 0.03 * (1 - step / steps) ** 0.9
        pictures, names = pieces(data, 16, rng)
        top = model.backbone(model.preprocessing(pictures))[model.coarsest]
        optimiser.zero_grad()
        ops.softmax_cross_entropy(ops.mean(model.score_fr(top), (2, 3)), names).backward()
        optimiser.step()
    return model


@lru_cache(maxsize=8)
def coarse_network(steps: int, seed: int) -> tuple[FCN, float]:
    """FCN-32s fine-tuned from the classifier, which had twice the steps, and its mean IU."""
    model = from_trunk(classifier_trunk(2 * steps, seed), "fcn32s", seed)
    return model, learn(model, "fcn32s", steps, seed)


def learn(model: FCN, architecture: str, steps: int, seed: int) -> float:
    """Train, at the rate of such a stage; the mean IU afterwards."""
    return trained(model, data_of_skips(), steps, seed, lr=RATES[architecture])["mean_iu"]


def from_trunk(source: FCN, architecture: str, seed: int, **options: Any) -> FCN:
    """A network on a copy of the trunk of `source`, its scores at zero."""
    model = small_network(architecture, seed, **options)
    for name, parameter in model.backbone.named_parameters():
        parameter.data[...] = dict(source.backbone.named_parameters())[name].data
    return model


def after(coarser: FCN, architecture: str, seed: int, **options: Any) -> FCN:
    """A finer network that starts from a coarser one, as the paper's stages do."""
    model = small_network(architecture, seed, **options)
    transplant(coarser, model)
    return model


@claim(
    "table-2",
    "4.2, Table 2",
    "Fine-tuning all layers beats training the last one alone; FCN-16s beats FCN-32s, FCN-8s beats FCN-16s a little.",
    "experiment",
)
def table_2(setting: Setting) -> Outcome:
    """False where the means over the seeds are in another order, or FCN-32s reaches FCN-8s when it has all three stages' steps.

    The trunk comes from a classifier that named the shape in pieces of pictures, as the paper's comes from ImageNet.
    """
    steps = setting.steps(STEPS)
    found: dict[str, list[float]] = {
        name: [] for name in ("FCN-32s-fixed", "FCN-32s", "FCN-32s, three times the steps", "FCN-16s", "FCN-8s")
    }
    for seed in setting.seeds:
        trunk = classifier_trunk(2 * steps, seed)
        fixed = from_trunk(trunk, "fcn32s", seed)
        for parameter in fixed.backbone.parameters():
            parameter.requires_grad = False
        found["FCN-32s-fixed"].append(learn(fixed, "fcn32s", steps, seed))
        coarse, score = coarse_network(steps, seed)
        found["FCN-32s"].append(score)
        longer = from_trunk(trunk, "fcn32s", seed)
        found["FCN-32s, three times the steps"].append(learn(longer, "fcn32s", 3 * steps, seed))
        middle = after(coarse, "fcn16s", seed)
        found["FCN-16s"].append(learn(middle, "fcn16s", steps, seed))
        fine = after(middle, "fcn8s", seed)
        found["FCN-8s"].append(learn(fine, "fcn8s", steps, seed))
    order = ["FCN-32s-fixed", "FCN-32s", "FCN-16s", "FCN-8s"]
    means = [float(np.mean(found[name])) for name in order]
    control = float(np.mean(found["FCN-32s, three times the steps"]))
    holds = all(low < high for low, high in pairwise(means)) and means[-1] > control
    measured = (
        "mean IU "
        + ", ".join(f"{100 * mean:.1f} for {name[4:]}" for name, mean in zip(order, means, strict=True))
        + f"; 32s with as many steps as all three stages {100 * control:.1f}"
    )
    table = score_table(found, "network")
    paper = {"FCN-32s-fixed": "45.4", "FCN-32s": "59.4", "FCN-16s": "62.4", "FCN-8s": "62.7"}
    table = [[*table[0], "the paper's, on VOC"], *([*row, paper.get(row[0], "")] for row in table[1:])]
    return Outcome(holds, measured, table, [score_bars("mean IU of the stages", found)])


def pool4_alone(seed: int) -> FCN:
    """Scores from pool4 only, with no coarse scores to join: FCN-16s without its what."""
    whole = small_network("fcn32s", seed)
    layers = dict(whole.backbone.named_layers())
    names = list(layers)[: list(layers).index("pool4") + 1]
    trunk = Backbone({name: layers[name] for name in names}, {16: "pool4"}, {"pool4": whole.backbone.channels["pool4"]})
    return FCN(trunk, 16, len(SHAPE_CLASSES), class_names=SHAPE_CLASSES)


@claim(
    "pool4-alone",
    "4.2",
    "Learning from pool4 alone does poorly: the skip adds where, it does not know what.",
    "experiment",
)
def only_pool4(setting: Setting) -> Outcome:
    """False where any seed of pool4 alone reaches the least of FCN-16s. Both start from the same trunk and have as many steps."""
    steps = setting.steps(STEPS)
    found: dict[str, list[float]] = {"pool4 alone": [], "FCN-16s: pool4 and the coarse scores": []}
    for seed in setting.seeds:
        weights = dict(classifier_trunk(2 * steps, seed).backbone.named_parameters())
        alone = pool4_alone(seed)
        for name, parameter in alone.backbone.named_parameters():
            parameter.data[...] = weights[name].data
        found["pool4 alone"].append(learn(alone, "fcn32s", 2 * steps, seed))
        joined = after(coarse_network(steps, seed)[0], "fcn16s", seed)
        found["FCN-16s: pool4 and the coarse scores"].append(learn(joined, "fcn16s", steps, seed))
    sees = Field().through(alone.backbone.layers_to("pool4")).size
    alone_mean, joined_mean = (float(np.mean(values)) for values in found.values())
    measured = (
        f"mean IU {100 * alone_mean:.1f} from pool4 alone, {100 * joined_mean:.1f} with the coarse scores, equal steps; "
        f"pool4 sees {sees} pixels here, as much as a whole shape, and 100 of 500 in the paper"
    )
    return Outcome(
        max(found["pool4 alone"]) < min(found["FCN-16s: pool4 and the coarse scores"]),
        measured,
        score_table(found, "network"),
        [score_bars("with and without the coarse scores", found)],
    )


@claim(
    "sum-or-max",
    "4.2, footnote 6",
    "Fusing a skip by the larger score instead of the sum makes learning difficult: the gradient switches between the two.",
    "experiment",
)
def sum_or_max(setting: Setting) -> Outcome:
    """False where the seeds' ranges overlap. Both ways start from the same FCN-32s and go through FCN-16s to FCN-8s."""
    steps = setting.steps(STEPS)
    found: dict[str, list[float]] = {"sum": [], "max": []}
    for seed in setting.seeds:
        for fusion, values in found.items():
            middle = after(coarse_network(steps, seed)[0], "fcn16s", seed, fusion=fusion)
            learn(middle, "fcn16s", steps, seed)
            values.append(learn(after(middle, "fcn8s", seed, fusion=fusion), "fcn8s", steps, seed))
    by_sum, by_max = (float(np.mean(values)) for values in found.values())
    apart = min(found["sum"]) > max(found["max"])
    measured = f"FCN-8s mean IU {100 * by_sum:.1f} by sum, {100 * by_max:.1f} by max" + (
        "" if apart else "; the seeds' ranges overlap"
    )
    return Outcome(apart, measured, score_table(found, "fusion"), [score_bars("FCN-8s by its fusion", found)])
