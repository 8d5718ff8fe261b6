"""A finer coarse map by other means than a skip: a pool5 of stride 1, shift-and-stitch. Paper section 4.2, refinement by other means."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minifcn import nn, ops
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.models import FCN
from minifcn.models.dense import shift_and_stitch
from minifcn.nn.initialisers import bilinear
from minifcn.paper.claims import Outcome, Setting, claim
from minifcn.paper.topics.skips import STEPS, after, coarse_network, data_of_skips, learn, score_bars, score_table
from minifcn.paper.training import SHAPE_CLASSES, Held, small_network
from minifcn.training.scoring.metrics import confusion, scores


def stride_1_at_pool5(fc6: int, dilation: int, seed: int, source: FCN) -> FCN:
    """FCN on a trunk like that of `source`, whose pool5 has stride 1: its coarse map has stride 16. fc6 has `fc6` x `fc6` taps,
    `dilation` cells apart, and the weights of `source` where it has as many.
    """
    trunk: Any = small_network("fcn32s", seed).backbone
    fc = trunk.channels["drop7"]
    trunk.pool5 = nn.MaxPool2d(3, 1, padding=1)
    trunk.fc6 = nn.Conv2d(trunk.conv5_1.weight.shape[0], fc, fc6, padding="same", dilation=dilation)
    trunk.heads, trunk.channels = {16: "drop7"}, {"drop7": fc}
    old = dict(source.backbone.named_parameters())
    for name, parameter in trunk.named_parameters():
        if old[name].shape == parameter.shape:
            parameter.data[...] = old[name].data
    return FCN(trunk, 16, len(SHAPE_CLASSES), class_names=SHAPE_CLASSES)


def stitched(model: FCN, x: Any) -> Tensor:
    """Scores of an FCN-32s whose coarse map is taken at four shifts of the picture and interlaced to stride 16, then upsampled by 16."""
    h, w = x.shape[2:]
    layers = [*model.backbone.layers_to(model.coarsest), model.score_fr]
    # 8 pixels more on every side put cell 0 on the middle of the first 16 pixels
    cells = shift_and_stitch(layers, ops.pad(x, (8, 8, 8, 8)), 16)[:, :, : -(-h // 16), : -(-w // 16)]
    classes = len(model.class_names)
    return ops.crop_like(ops.conv_transpose2d(cells, bilinear(classes, 32), None, 16, 8, groups=classes), x)


def mean_iu(scores_of: Callable[[Any], Tensor], model: FCN, data: Held) -> tuple[float, float]:
    """The mean IU over `data` of what `scores_of` says, and the median of its seconds a picture."""
    matrix, seconds = np.zeros((len(SHAPE_CLASSES),) * 2, np.int64), []
    model.eval()
    with no_grad():
        for i in range(len(data)):
            x = Tensor(model.preprocessing(data.picture(i)))
            start = time.perf_counter()
            found = scores_of(x).data
            seconds.append(time.perf_counter() - start)
            matrix += confusion(data.labels(i), found[0].argmax(0), len(SHAPE_CLASSES))
    return scores(matrix, SHAPE_CLASSES)["mean_iu"], float(np.median(seconds))


@claim(
    "refinement-by-other-means",
    "4.2, refinement by other means",
    "A pool5 of stride 1 (with a larger or a smaller fc6) or shift-and-stitch refine less, for their cost, than a skip does.",
    "experiment",
)
def refinement(setting: Setting) -> Outcome:
    """False where another way than the skip has the best mean. All start from the same FCN-32s and have as many steps more."""
    data, steps = data_of_skips(), setting.steps(STEPS)
    names = (
        "FCN-32s",
        "the skip: FCN-16s",
        "shift-and-stitch to stride 16",
        "pool5 stride 1, fc6 dilated",
        "pool5 stride 1, fc6 3x3",
    )
    found: dict[str, list[float]] = {name: [] for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}

    def enter(name: str, model: FCN, scores_of: Callable[[Any], Tensor]) -> None:
        value, seconds = mean_iu(scores_of, model, data[1])
        found[name].append(value)
        times[name].append(seconds)

    for seed in setting.seeds:
        coarse = coarse_network(steps, seed)[0]
        further = after(coarse, "fcn32s", seed)
        learn(further, "fcn16s", steps, seed)  # as many steps as the others, at the same rate
        enter(names[0], further, further)
        skip = after(coarse, "fcn16s", seed)
        learn(skip, "fcn16s", steps, seed)
        enter(names[1], skip, skip)
        enter(names[2], further, partial(stitched, further))
        for name, taps, dilation in ((names[3], 7, 2), (names[4], 3, 1)):
            finer = stride_1_at_pool5(taps, dilation, seed, coarse)
            learn(finer, "fcn16s", steps, seed)
            enter(name, finer, finer)
    means = {name: float(np.mean(values)) for name, values in found.items()}
    cost = {name: float(np.median(values)) / float(np.median(times[names[0]])) for name, values in times.items()}
    best = max(means, key=lambda name: means[name])
    gains = {name: 100 * (means[name] - means[names[0]]) for name in names[1:]}
    measured = f"mean IU {100 * means[names[0]]:.1f} for FCN-32s; " + ", ".join(
        f"{name} {gain:+.1f} at {cost[name]:.1f} times its time" for name, gain in gains.items()
    )
    table = score_table(found, "way to stride 16", {name: f"{value:.2f} x" for name, value in cost.items()})
    return Outcome(best == names[1], measured, table, [score_bars("ways to a stride of 16", found)])
