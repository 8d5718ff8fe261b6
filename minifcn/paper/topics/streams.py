"""Two inputs and two outputs, in small: depth beside colour, fused early or late; two labellings from one trunk. Paper section 5."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.data.labels import VOID
from minifcn.models import FCN, LateFusion, MultiHead, joint_loss, transplant
from minifcn.paper.claims import Outcome, Setting, claim
from minifcn.paper.topics.skips import score_bars, score_table
from minifcn.paper.training import RECIPE, SHAPE_CLASSES, Held, small_network, synthetic_data
from minifcn.training.scoring.metrics import confusion, scores

STEPS = 400
ROUND = ("disc", "ring", "crescent")  # the second labelling: background, round, with corners


def depth_of(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A made-up depth camera: float32 (H, W), a tilted ground, shapes in front of it, each picture at its own distance, with noise.

    It tells shapes from ground and says nothing about which shape it is.
    """
    h, w = labels.shape
    tilt = rng.uniform(-0.5, 0.5, 2)
    ground = tilt[0] * np.linspace(-1, 1, h)[:, None] + tilt[1] * np.linspace(-1, 1, w)[None]
    nearer = np.isin(labels, [0, VOID], invert=True) * rng.uniform(0.4, 0.8)
    return (ground - nearer + rng.normal(0, 0.15, (h, w))).astype(np.float32)


class WithDepth:
    """Pictures of a set with their depth: float32 (N, 4, H, W), colour as the network takes it."""

    def __init__(self, data: Held, model: FCN, seed: int) -> None:
        depths = [depth_of(labels, np.random.default_rng([seed, i])) for i, labels in enumerate(data.truths)]
        colours = model.preprocessing(np.stack(data.pictures))
        self.x = np.concatenate([colours, np.stack(depths)[:, None]], 1)
        self.labels = np.stack(data.truths)


def batches(count: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """Indices of a batch a step, every picture equally often."""
    rng = np.random.default_rng([seed, 11])
    size = RECIPE["batch"]
    order = np.concatenate([rng.permutation(count) for _ in range(-(-steps * size // count))])
    return iter(order[: steps * size].reshape(steps, size))


def train_on(model: nn.Module, count: int, loss: Callable[[np.ndarray], Tensor], steps: int, seed: int) -> None:
    """SGD on loss(indices of a batch), at the rate of the other experiments, falling to 0."""
    optimiser = nn.optim.SGD([p for p in model.parameters() if p.requires_grad], RECIPE["lr"], 0.9)
    model.train()
    for step, chosen in enumerate(batches(count, steps, seed)):
        optimiser.lr = RECIPE["lr"] * (1 - step / steps) ** 0.9
        optimiser.zero_grad()
        loss(chosen).backward()
        optimiser.step()
    model.eval()


def scored(scores_of: Callable[[Tensor], Tensor], x: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Mean IU over pictures x (N, C, H, W) and labels (N, H, W), one picture at a time."""
    matrix = np.zeros((classes, classes), np.int64)
    with no_grad():
        for picture, truth in zip(x, labels, strict=True):
            matrix += confusion(truth, scores_of(Tensor(picture[None])).data[0].argmax(0), classes)
    return scores(matrix, [str(c) for c in range(classes)])["mean_iu"]


@claim(
    "early-or-late-fusion",
    "5, Table 4",
    "Depth as a fourth input channel helps a little; two streams whose scores are averaged help more.",
    "experiment",
)
def fusion(setting: Setting) -> Outcome:
    """False where the means are not in the paper's order: colour, early, late. All have as many steps in all; depth is made up."""
    data, steps, classes = synthetic_data(), setting.steps(STEPS), len(SHAPE_CLASSES)
    names = ("colour", "depth", "early: four channels", "late: two streams, trained apart, then together")
    found: dict[str, list[float]] = {name: [] for name in names}
    for seed in setting.seeds:
        colour = small_network("fcn8s", seed)
        train, val = WithDepth(data[0], colour, seed), WithDepth(data[1], colour, seed + 100)
        depth = small_network("fcn8s", seed + 50, in_channels=1)
        early = small_network("fcn8s", seed, in_channels=4)
        transplant(small_network("fcn8s", seed), early)  # its fourth channel starts as the mean of the others
        late = LateFusion(colour, depth)

        def learn(model: nn.Module, channels: slice, count: int, train: WithDepth = train, seed: int = seed) -> None:
            def loss(chosen: np.ndarray) -> Tensor:
                return ops.softmax_cross_entropy(model(train.x[chosen, channels]), train.labels[chosen])

            train_on(model, len(train.x), loss, count, seed)

        def enter(name: str, model: nn.Module, channels: slice, val: WithDepth = val) -> None:
            found[name].append(scored(model, val.x[:, channels], val.labels, classes))

        everything = slice(0, 4)
        learn(early, everything, 2 * steps)
        enter(names[2], early, everything)
        learn(colour, slice(0, 3), steps)
        learn(depth, slice(3, 4), steps)
        enter(names[1], depth, slice(3, 4))
        learn(late, everything, steps)
        enter(names[3], late, everything)
        alone = small_network("fcn8s", seed)
        learn(alone, slice(0, 3), 2 * steps)
        enter(names[0], alone, slice(0, 3))
    means = {name: float(np.mean(values)) for name, values in found.items()}
    holds = means[names[0]] < means[names[2]] < means[names[3]]
    measured = ", ".join(f"{name.split(':')[0]} {100 * mean:.1f}" for name, mean in means.items()) + " mean IU"
    paper = ("29.2", "", "30.5", "32.8 (with HHA in the place of depth)")
    table = score_table(found, "input")
    table = [[*table[0], "the paper's, NYUDv2"], *([*row, score] for row, score in zip(table[1:], paper, strict=True))]
    return Outcome(holds, measured, table, [score_bars("what the network sees", found)])


def round_or_not(labels: np.ndarray) -> np.ndarray:
    """The second labelling: 0 background, 1 round, 2 with corners; void stays."""
    table = np.full(256, VOID, np.uint8)
    table[: len(SHAPE_CLASSES)] = [0, *(1 if name in ROUND else 2 for name in SHAPE_CLASSES[1:])]
    return table[labels]


@claim(
    "two-heads",
    "5, Table 5",
    "One trunk with two heads, for two labellings of a picture, does about as well on both as two networks, at the cost of one.",
    "experiment",
)
def two_heads(setting: Setting) -> Outcome:
    """False where a head loses more mean IU than 2 points and more than the seeds differ. The second labelling: round, or with corners."""
    data, steps = synthetic_data(), setting.steps(STEPS)
    sizes = {"shape": len(SHAPE_CLASSES), "kind": 3}
    found: dict[str, list[float]] = {f"{task}, {how}": [] for task in sizes for how in ("one net", "two heads")}
    parameters: dict[str, int] = {}
    for seed in setting.seeds:
        nets = {task: small_network("fcn8s", seed) for task in sizes}
        nets["kind"] = FCN(nets["kind"].backbone, 8, 3)
        both = MultiHead(small_network("fcn8s", seed).backbone, 8, sizes)
        train, val = (nets["shape"].preprocessing(np.stack(part.pictures)) for part in data)
        labels: list[dict[str, np.ndarray]] = [
            {"shape": np.stack(part.truths), "kind": round_or_not(np.stack(part.truths))} for part in data
        ]
        for task, net in nets.items():

            def alone(
                chosen: np.ndarray, net: Any = net, task: str = task, train: Any = train, truth: Any = labels
            ) -> Tensor:
                return ops.softmax_cross_entropy(net(train[chosen]), truth[0][task][chosen])

            train_on(net, len(train), alone, steps, seed)
            found[f"{task}, one net"].append(scored(net, val, labels[1][task], sizes[task]))

        def joint(chosen: np.ndarray, both: Any = both, train: Any = train, truth: Any = labels) -> Tensor:
            return joint_loss(both(train[chosen]), {task: maps[chosen] for task, maps in truth[0].items()})

        train_on(both, len(train), joint, steps, seed)
        for task, size in sizes.items():

            def head(x: Tensor, both: Any = both, task: str = task) -> Tensor:
                return both(x)[task]

            found[f"{task}, two heads"].append(scored(head, val, labels[1][task], size))
        parameters = {
            "two": sum(p.size for net in nets.values() for p in net.parameters()),
            "one": sum(p.size for p in both.parameters()),
        }
    means = {name: 100 * float(np.mean(values)) for name, values in found.items()}
    losses = [means[f"{task}, one net"] - means[f"{task}, two heads"] for task in sizes]
    spread = max(100 * float(np.ptp(values)) for values in found.values())
    measured = (
        "; ".join(
            f"{task}: {means[f'{task}, one net']:.1f} alone, {means[f'{task}, two heads']:.1f} with two heads"
            for task in sizes
        )
        + f" (mean IU; the seeds differ by up to {spread:.1f}); {parameters['one'] / parameters['two']:.2f} of the parameters"
    )
    return Outcome(
        max(losses) < max(2.0, spread),
        measured,
        score_table(found, "labelling and network"),
        [score_bars("two labellings", found)],
    )
