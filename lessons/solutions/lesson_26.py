"""Answers to the exercises of lesson 26.

    minifcn demo
    python lessons/solutions/lesson_26.py minifcn-demo     makes lesson_26.safetensors again: a few minutes on two cores

The demo trains FCN-8s in three stages. A fourth stage, FCN-4s, goes on from there as lesson 15 does: its new skip from zero, a smaller rate.
"""

import sys
from pathlib import Path

import numpy as np

import minifcn as mf
from minifcn import ops


def assembled(parts, weights, x):
    def layer(name, x, padding=0):
        return parts.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding)

    height, width = x.shape[2:]
    maps = {}
    for stage in (1, 2, 3, 4, 5):
        x = parts.max_pool2d(parts.relu(layer(f"backbone.conv{stage}_1", x, padding=1)))
        maps[f"pool{stage}"] = x
    x = parts.relu(layer("backbone.fc6", x, padding=3))
    scores, stride = layer("score_fr", parts.relu(layer("backbone.fc7", x))), 32
    for name in ("pool4", "pool3", "pool2"):
        if f"score_{name}.weight" in weights:
            scores, stride = parts.join(parts.upsample(scores, 2), layer(f"score_{name}", maps[name])), stride // 2
    return parts.upsample(scores, stride)[:, :, :height, :width]  # pools round up: the scores may reach beyond


def momentum_training(model, batches, rate, momentum):
    moving = [each for each in model.parameters() if each.requires_grad]
    velocity = [np.zeros_like(each.data) for each in moving]
    losses = []
    for number, (x, labels) in enumerate(batches):
        model.zero_grad()
        loss = ops.softmax_cross_entropy(model(x), labels)
        loss.backward()
        losses.append(loss.item())
        now = rate * (1 - number / len(batches))
        for place, each in enumerate(moving):
            velocity[place] = momentum * velocity[place] + each.grad
            each.data -= now * velocity[place]
    return losses


def train(demo):
    """FCN-4s from the demo's FCN-8s: lessons/solutions/lesson_26.safetensors."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from leaderboard import DemoSet

    before = mf.models.load(Path(demo) / "best.safetensors")
    mf.manual_seed(0)
    net = mf.models.fcn4s("tiny", 9, width=12, class_names=before.class_names)
    mf.models.transplant(before, net)
    mf.training.fit(net, DemoSet(), steps=900, lr=0.03, batch=8, size=96)
    mf.models.save(net, Path(__file__).with_suffix(".safetensors"), half=True)


SOLUTIONS = {
    "assembled": assembled,
    "momentum_training": momentum_training,
    "beats_the_demo": Path(__file__).with_suffix(".safetensors"),
}

if __name__ == "__main__":
    train(sys.argv[1])
