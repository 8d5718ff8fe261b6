"""Checks of lesson 26: the assembled network, a training loop with momentum, and the score to beat."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import leaderboard
import numpy as np
from parts import LIBRARY, Parts

import minifcn as mf
from checks.verdict import NotDone, check, close, counted, shown, wrong
from minifcn import nn
from minifcn.data.synthetic.painting import SHAPE_CLASSES

SKIPS = ("pool4", "pool3", "pool2")


@check
def assembled(answer: Any) -> None:
    """assembled(parts, weights, x) -> scores (N, C, H, W): FCN-32s, 16s, 8s or 4s over tiny, as many skips as there are weights for."""
    parts = Parts(LIBRARY, {})
    for seed, (stride, size) in enumerate(
        ((4, (64, 96)), (8, (64, 32)), (16, (32, 64)), (32, (64, 64)), (4, (45, 70)), (16, (33, 31)))
    ):
        rng = np.random.default_rng([26, seed])
        net = network(stride, rng)
        weights = {name: each for name, each in net.named_parameters() if not name.startswith("upscore")}
        x, labels = rng.standard_normal((2, 3, *size)), rng.integers(0, 3, (2, *size))
        wanted = net(x)
        found = answer(parts, weights, mf.Tensor(x))
        if not isinstance(found, mf.Tensor):
            wrong(f"expected a Tensor, got {shown(found)}: what parts give has a way back; an array has none")
        case = f"{len(skips_of(weights))} skips, pictures {size[0]} x {size[1]}"
        if found.shape != wanted.shape:
            wrong(size_fault(found.shape, wanted.shape, case))
        close(
            found.data,
            wanted.data,
            lambda found, _, weights=weights, x=x, case=case: network_fault(found, parts, weights, x, case),
        )
        net.zero_grad()
        mf.ops.softmax_cross_entropy(wanted, labels).backward()
        expected = {name: each.grad for name, each in weights.items()}
        net.zero_grad()
        if not found.requires_grad:
            wrong("nothing leads back to the weights: give parts the Tensors of `weights`, not their arrays")
        mf.ops.softmax_cross_entropy(found, labels).backward()
        for name, gradient in expected.items():
            if weights[name].grad is None:
                wrong(f"no gradient reaches {name}: give parts the Tensors of `weights`, not their arrays")
            close(weights[name].grad, gradient, f"the scores are right, and the gradient of {name} is not; {case}")


def network(stride: int, rng: np.random.Generator) -> mf.models.FCN:
    """A small FCN in float64 with random weights, score layers too."""
    net = mf.models.FCN("tiny", stride, 3, width=2)
    for parameter in net.parameters():
        if parameter.requires_grad:
            spread = np.sqrt(2 / max(1, parameter.data[0].size)) if parameter.data.ndim > 1 else 0.3
            parameter.data = spread * rng.standard_normal(parameter.shape)
        else:
            parameter.data = parameter.data.astype(np.float64)
    return net


def skips_of(weights: Any) -> list[str]:
    return [name for name in SKIPS if f"score_{name}.weight" in weights]


def size_fault(found: tuple[int, ...], wanted: tuple[int, ...], case: str) -> str:
    """What scores of a wrong size look like."""
    if found[:2] == wanted[:2] and all(a >= b for a, b in zip(found, wanted, strict=True)):
        if all(a - b < 32 for a, b in zip(found, wanted, strict=True)):
            return f"the scores reach beyond the picture, {found[2:]} and not {wanted[2:]}: pools round up; cut at the far end; {case}"
        return (
            f"the scores are {found[2:]} for a picture {wanted[2:]}: each skip halves what is left to upsample; {case}"
        )
    return f"expected scores {wanted}, got {found}; {case}"


def assemble(parts: Parts, weights: Any, x: np.ndarray, mistake: str = "") -> np.ndarray:
    """The network with a mistake in it: what an answer is compared with that is not right."""

    def layer(name: str, x: Any, padding: int = 0) -> mf.Tensor:
        bias = weights[f"{name}.bias"]
        return parts.conv2d(
            x, weights[f"{name}.weight"], bias.data * 0 if mistake == "bias" and "score" in name else bias, padding
        )

    y, maps = mf.Tensor(x), {}
    for stage in range(1, 6):
        y = parts.relu(layer(f"backbone.conv{stage}_1", y, 1))
        maps[f"pool{stage + (mistake == 'stage')}"] = y = parts.max_pool2d(y)
    y = parts.relu(layer("backbone.fc6", y, 3))
    y = layer("backbone.fc7", y)
    scores = layer("score_fr", y if mistake == "relu7" else parts.relu(y))
    skips = [] if mistake == "skips" else skips_of(weights)
    for name in skips:
        finer = layer(f"score_{name}", maps[name])
        scores = parts.join(parts.upsample(scores, 2), parts.relu(finer) if mistake == "relu" else finer)
    factor = 32 // 2 ** len(skips)
    return parts.upsample(scores, factor).data[:, :, : x.shape[2], : x.shape[3]]


MISTAKES = {
    "relu7": "a ReLU follows fc7 too, before the scores",
    "skips": "the skips are missing: for each score_pool… in `weights`, join its scores",
    "bias": "the score layers have biases too",
    "relu": "scores are no features: no ReLU after a score layer, for they may be negative",
}


def network_fault(found: np.ndarray, parts: Parts, weights: Any, x: np.ndarray, case: str) -> str:
    """What wrong scores look like."""
    for mistake, hint in MISTAKES.items():
        if np.allclose(found, assemble(parts, weights, x, mistake)):
            return f"{hint}; {case}"
    return f"other scores than the library's with the same weights; compare layer by layer; {case}"


# ---- training ----


@check
def momentum_training(answer: Any) -> None:
    """momentum_training(model, batches, rate, momentum) -> losses, each before its step. Batches of (x, labels), a step each; the rate falls to 0."""
    for seed, (steps, rate, momentum) in enumerate(((5, 0.3, 0.9), (3, 0.1, 0.5), (1, 0.2, 0.9), (6, 0.05, 0.0))):
        rng = np.random.default_rng([26, 2, seed])
        batches = [(rng.standard_normal((2, 2, 4, 5)), labels_with_void(rng)) for _ in range(steps)]
        model, twin, before = pixelwise(seed), pixelwise(seed), pixelwise(seed)
        losses = answer(model, [(x.copy(), labels.copy()) for x, labels in batches], rate, momentum)
        expected = stepped(twin, batches, rate, momentum)
        case = f"{steps} batches, rate {rate}, momentum {momentum}"
        if np.shape(losses) != (steps,):
            wrong(f"expected {steps} losses, one a batch, got {shown(np.asarray(losses, object))}; {case}")
        frozen = [name for name, each in model.named_parameters() if not each.requires_grad]
        for name in frozen:
            if not np.array_equal(value(model, name), value(before, name)):
                wrong(f"{name} does not require a gradient, and it moved; {case}")
        hint = lambda found, wanted, seed=seed, batches=batches, rate=rate, momentum=momentum, model=model, case=case: training_fault(  # noqa: E731
            model, seed, batches, rate, momentum, case)  # fmt: skip
        for name, wanted in twin.named_parameters():
            close(value(model, name), wanted.data, hint)
        close(
            losses,
            expected,
            f"the weights are right, and the losses are not: note each one before its step, its mean over the pixels that count; {case}",
        )


def labels_with_void(rng: np.random.Generator) -> np.ndarray:
    labels = rng.integers(0, 3, (2, 4, 5))
    return np.where(rng.random(labels.shape) < 0.3, 255, labels).astype(np.uint8)


def pixelwise(seed: int) -> nn.Module:
    """Two layers of 1x1 in float64, the first one's bias frozen."""
    rng = np.random.default_rng([26, 3, seed])
    model = nn.Sequential(nn.Conv2d(2, 4, 1), nn.ReLU(), nn.Conv2d(4, 3, 1))
    for parameter in model.parameters():
        parameter.data = rng.standard_normal(parameter.shape)
    model.layers[0].bias.requires_grad = False
    return model


def value(model: nn.Module, name: str) -> np.ndarray:
    return dict(model.named_parameters())[name].data


def stepped(model: nn.Module, batches: Sequence[Any], rate: float, momentum: float, mistake: str = "") -> list[float]:
    """What training does, or does with a mistake in it."""
    moving = [each for each in model.parameters() if each.requires_grad]
    velocity, losses = [np.zeros(each.shape) for each in moving], []
    for number, (x, labels) in enumerate(batches):
        if mistake != "grads":
            model.zero_grad()
        loss = mf.ops.softmax_cross_entropy(model(x), labels)
        loss.backward()
        losses.append(loss.item())
        now = rate * (1 - (number + (mistake == "late")) / len(batches))
        now = rate if mistake == "constant" else now
        for place, each in enumerate(moving):
            pushed = np.asarray(each.grad) * {"damped": 1 - momentum, "inside": now}.get(mistake, 1.0)
            velocity[place] = (0.0 if mistake == "none" else momentum) * velocity[place] + pushed
            ahead = pushed + momentum * velocity[place] if mistake == "nesterov" else velocity[place]
            each.data = each.data - (1.0 if mistake == "inside" else -now if mistake == "uphill" else now) * ahead
    return losses


SLIPS = {
    "constant": "the rate stays the same: in step i of n it is rate · (1 - i / n)",
    "late": "the rate falls one step too early: the first step has all of it",
    "none": "without momentum: what the last step did is part of this one",
    "grads": "gradients of earlier batches are still in .grad: zero them before each backward",
    "damped": "the gradient enters whole: velocity = momentum · velocity + gradient",
    "inside": "the rate is in the velocity: it multiplies the whole velocity at the step, so a falling rate slows old pushes too",
    "uphill": "you walk uphill: the velocity is made of gradients, so subtract it",
    "nesterov": "that is Nesterov's momentum; the step is the velocity alone",
}


def training_fault(model: nn.Module, seed: int, batches: Sequence[Any], rate: float, momentum: float, case: str) -> str:
    """What weights that went elsewhere look like."""
    for mistake, hint in SLIPS.items():
        other = pixelwise(seed)
        stepped(other, batches, rate, momentum, mistake)
        if all(
            np.allclose(a.data, b.data, rtol=1e-9) for a, b in zip(model.parameters(), other.parameters(), strict=True)
        ):
            return f"{hint}; {case}"
    same = all(
        np.array_equal(a.data, b.data) for a, b in zip(model.parameters(), pixelwise(seed).parameters(), strict=True)
    )
    return (
        f"no weight moved: write into each parameter's .data; {case}" if same else f"the weights went elsewhere; {case}"
    )


# ---- the score ----

FIRST, HOPELESS = 50, 0.3  # so many pictures show whether the others are worth the time


@check
def beats_the_demo(answer: Any) -> None:
    """beats_the_demo(network) -> is its mean IU above the demo's? A network, the file of one, or a function: picture uint8 (H, W, 3) -> classes (H, W)."""
    network = getattr(answer, "__wrapped__", answer)
    try:
        predict = leaderboard.predictor(network if isinstance(network, mf.models.FCN) else answer)
    except Exception as error:
        wrong(f"{error}")
    pictures = leaderboard.judged()
    pairs = [(labels, classes_of(predict, picture)) for picture, labels in pictures[:FIRST]]
    first = leaderboard.score_of(pairs)
    if first["mean_iu"] < HOPELESS:
        wrong(score_fault(first, pairs, f"mean IU {100 * first['mean_iu']:.1f} on the first {FIRST} pictures"))
    pairs += [(labels, classes_of(predict, picture)) for picture, labels in pictures[FIRST:]]
    found = leaderboard.score_of(pairs)
    mean_iu, bar = 100 * found["mean_iu"], leaderboard.bars()[leaderboard.DEMO]
    said = f"mean IU {mean_iu:.1f} on {len(pairs)} pictures; the demo's FCN-8s has {bar}"
    kept = leaderboard.remember(mean_iu, Path.cwd())
    print(f"{said}; {kept}" if kept else said)
    if mean_iu <= bar:
        wrong(score_fault(found, pairs, said))
    for _ in pairs:
        counted()


def classes_of(predict: Callable[[np.ndarray], Any], picture: np.ndarray) -> np.ndarray:
    """The prediction for a picture, where it is one."""
    found = predict(picture)
    if found is None or found is ...:
        raise NotDone
    found, size = np.asarray(found), picture.shape[:2]
    if found.shape[-2:] == size and found.ndim > 2:
        wrong(
            f"expected a class for each pixel, {size}, got {found.shape}: of the scores take the number of the largest, argmax"
        )
    if found.shape != size or found.dtype.kind not in "iu":
        wrong(f"expected whole numbers {size}, got {found.dtype} {found.shape}")
    if found.min() < 0 or found.max() >= len(SHAPE_CLASSES):
        wrong(f"classes reach from {found.min()} to {found.max()}; the set has 0 to {len(SHAPE_CLASSES) - 1}")
    return found


def score_fault(found: dict[str, Any], pairs: list[tuple[np.ndarray, np.ndarray]], said: str) -> str:
    """What may be behind a score that is too low."""
    if np.mean([(predicted != 0).mean() for _, predicted in pairs]) < 0.01:
        return f"{said}. It says background nearly everywhere: that is where training begins; go on, or raise the rate"
    for move, words in ((1, "one too small"), (-1, "one too large")):
        moved = leaderboard.score_of(
            (labels, (predicted.astype(int) + move) % len(SHAPE_CLASSES)) for labels, predicted in pairs
        )
        if moved["mean_iu"] > max(2 * found["mean_iu"], HOPELESS):
            return f"{said}. Class numbers are {words}: 0 is background, 1 the first shape"
    worst = sorted((value or 0.0, name) for name, value in found["per_class"].items())[:3]
    return f"{said}. Weakest: " + ", ".join(f"{name} {100 * value:.0f}" for value, name in worst)
