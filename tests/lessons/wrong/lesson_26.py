"""Wrong answers to the exercises of lesson 26, each with words of the hint that it must be given."""

from functools import cache

import numpy as np

import minifcn as mf
from minifcn import ops


def built(parts, weights, x, relu7=True, cut=True, skips=True, biases=True, relu=False, padding=3, stride=None):
    def layer(name, x, padding=0):
        bias = weights[f"{name}.bias"]
        if not biases and name.startswith("score"):
            bias = np.zeros(bias.shape)
        return parts.conv2d(x, weights[f"{name}.weight"], bias, padding)

    size, maps = x.shape[2:], {}
    for stage in (1, 2, 3, 4, 5):
        x = maps[stage] = parts.max_pool2d(parts.relu(layer(f"backbone.conv{stage}_1", x, 1)))
    x = layer("backbone.fc7", parts.relu(layer("backbone.fc6", x, padding)))
    scores = layer("score_fr", parts.relu(x) if relu7 else x)
    there = [stage for stage in (4, 3, 2) if skips and f"score_pool{stage}.weight" in weights]
    for stage in there:
        finer = layer(f"score_pool{stage}", maps[stage])
        scores = parts.join(parts.upsample(scores, 2), parts.relu(finer) if relu else finer)
    scores = parts.upsample(scores, stride or 32 // 2 ** len(there))
    return scores[:, :, : size[0], : size[1]] if cut else scores


def an_array(parts, weights, x):
    return built(parts, weights, x).data


def from_arrays(parts, weights, x):
    return built(parts, {name: mf.Tensor(each.data) for name, each in weights.items()}, x)


def half_from_arrays(parts, weights, x):
    return built(parts, {n: mf.Tensor(w.data) if n.startswith("score_fr") else w for n, w in weights.items()}, x)


def always_four(parts, weights, x):
    return built(parts, weights, x, stride=4, cut=False)


def always_thirty_two(parts, weights, x):
    return built(parts, weights, x, stride=32, cut=False)


def without_fc7(parts, weights, x):
    return built(parts, weights | {"backbone.fc7.weight": weights["backbone.fc7.weight"] * 2}, x)


def trained(model, batches, rate, momentum, slip=""):
    moving = [each for each in model.parameters() if each.requires_grad or slip == "frozen"]
    velocity, losses = [np.zeros(each.shape) for each in moving], []
    for number, (x, labels) in enumerate(batches):
        if slip != "grads":
            model.zero_grad()
        loss = ops.softmax_cross_entropy(model(x), labels)
        loss.backward()
        now = rate * (1 - (number + (slip == "late")) / len(batches))
        now = rate if slip == "constant" else now
        for place, each in enumerate(moving):
            grad = np.zeros(each.shape) + 1 if each.grad is None else each.grad
            push = grad * {"damped": 1 - momentum, "inside": now}.get(slip, 1.0)
            velocity[place] = (0.0 if slip == "none" else momentum) * velocity[place] + push
            step = push + momentum * velocity[place] if slip == "nesterov" else velocity[place]
            if slip != "copies":
                each.data = each.data - (1.0 if slip == "inside" else now) * step
        after = ops.softmax_cross_entropy(model(x), labels) if slip == "after" else loss
        losses.append(after.item())
    return {"last": losses[-1], "one more": [*losses, 0.0]}.get(slip, losses)


def slipped(slip):
    return lambda model, batches, rate, momentum: trained(model, batches, rate, momentum, slip)


def with_mistake(**mistake):
    return lambda parts, weights, x: built(parts, weights, x, **mistake)


def background(picture):
    return np.zeros(picture.shape[:2], np.uint8)


def scores_not_classes(picture):
    return np.zeros((9, *picture.shape[:2]), np.float32)


def half_size(picture):
    return np.zeros((48, 64), np.uint8)


def void_too(picture):
    return np.full(picture.shape[:2], 255, np.uint8)


@cache
def truths():
    import leaderboard

    return {picture.tobytes(): np.where(labels == 255, 0, labels) for picture, labels in leaderboard.judged()}


def truth_of(picture):
    return truths()[picture.tobytes()]


def one_too_small(picture):
    return (truth_of(picture).astype(int) - 1) % 9


def one_too_large(picture):
    return (truth_of(picture).astype(int) + 1) % 9


def nothing_but_discs(picture):
    return np.where(truth_of(picture) > 0, 1, 0)


def five_shapes_of_eight(picture):
    """0.6 of the mean IU: above what is hopeless, below the bar."""
    labels = truth_of(picture)
    return np.where(labels > 5, 0, labels)


def uphill(model, batches, rate, momentum):
    moving = [each for each in model.parameters() if each.requires_grad]
    velocity, losses = [np.zeros_like(each.data) for each in moving], []
    for number, (x, labels) in enumerate(batches):
        model.zero_grad()
        loss = mf.ops.softmax_cross_entropy(model(x), labels)
        loss.backward()
        losses.append(loss.item())
        for place, each in enumerate(moving):
            velocity[place] = momentum * velocity[place] + each.grad
            each.data += rate * (1 - number / len(batches)) * velocity[place]
    return losses


WRONG = [
    ("assembled", an_array, "expected a Tensor"),
    ("assembled", from_arrays, "nothing leads back to the weights"),
    ("assembled", half_from_arrays, "no gradient reaches score_fr.weight"),
    ("assembled", with_mistake(relu7=False), "a ReLU follows fc7 too"),
    ("assembled", with_mistake(skips=False), "the skips are missing"),
    ("assembled", with_mistake(biases=False), "the score layers have biases too"),
    ("assembled", with_mistake(relu=True), "no ReLU after a score layer"),
    ("assembled", with_mistake(cut=False), "pools round up; cut at the far end"),
    ("assembled", always_thirty_two, "each skip halves what is left to upsample"),
    ("assembled", always_four, "expected scores (2, 3, 64, 32)"),
    ("assembled", without_fc7, "compare layer by layer"),
    ("momentum_training", slipped("constant"), "the rate stays the same"),
    ("momentum_training", slipped("late"), "the rate falls one step too early"),
    ("momentum_training", slipped("none"), "without momentum"),
    ("momentum_training", slipped("grads"), "zero them before each backward"),
    ("momentum_training", slipped("damped"), "the gradient enters whole"),
    ("momentum_training", slipped("inside"), "the rate is in the velocity"),
    ("momentum_training", slipped("nesterov"), "Nesterov's momentum"),
    ("momentum_training", slipped("frozen"), "does not require a gradient, and it moved"),
    ("momentum_training", slipped("copies"), "no weight moved"),
    ("momentum_training", slipped("after"), "note each one before its step"),
    ("momentum_training", slipped("last"), "expected 5 losses, one a batch"),
    ("momentum_training", slipped("one more"), "got array (6,)"),
    ("beats_the_demo", background, "background nearly everywhere"),
    ("beats_the_demo", scores_not_classes, "argmax"),
    ("beats_the_demo", half_size, "expected whole numbers (96, 128)"),
    ("beats_the_demo", void_too, "classes reach from 255 to 255"),
    ("beats_the_demo", one_too_small, "Class numbers are one too small"),
    ("beats_the_demo", one_too_large, "Class numbers are one too large"),
    ("beats_the_demo", nothing_but_discs, "on the first 50 pictures. Weakest"),
    ("beats_the_demo", five_shapes_of_eight, "the demo's FCN-8s has 67.6. Weakest: bar 0"),
    ("beats_the_demo", "no/such/file.safetensors", "no/such/file.safetensors"),
    ("beats_the_demo", 71.3, "expected a network, the file of one"),
    ("beats_the_demo", mf.models.fcn4s("tiny", 3, width=2), "it knows 3 classes; the set has 9"),
    ("momentum_training", uphill, "you walk uphill"),
]
