# ---
# jupyter:
#   jupytext:
#     comment_magics: false
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 15 · FCN-8s: the deep jet
#
# **Question.** One skip sharpened the picture. Do two sharpen it more?
#
# **You need** lessons 12 and 14 (FCN-16s), and 11 (shift-and-stitch) for the second sitting. **Time** 10 minutes to read, 30 for the exercises; second sitting 15 and 5. **Paper** section 4.2.
#
# ## Any number of skips
# FCN-8s does to FCN-16s what FCN-16s did to FCN-32s: twice as large, add the scores of an earlier layer (`pool3`, cells of 8 pixels), upsample by what is left. The paper calls the layers seen this way a
# **deep jet**. With a loop it takes any number of maps, from coarse to fine:

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
import shapes

import minifcn as mf
from minifcn import ops
from minifcn.nn.initialisers import bilinear
from minifcn.training import evaluate
from minifcn.training.scoring.metrics import near_boundary

C = 9  # classes


def upsample(x, factor):
    """Bilinear, by `factor`: (N, C, h, w) -> (N, C, factor·h, factor·w)."""
    tents = bilinear(C, 2 * factor).astype(x.dtype)
    return ops.conv_transpose2d(x, tents, stride=factor, padding=factor // 2, groups=C)


def deep_jet(score_maps, stride):
    """Maps of scores, each twice as large, the last of `stride` -> scores for each pixel."""
    scores = score_maps[0]
    for finer in score_maps[1:]:
        scores = upsample(scores, 2) + finer
    return upsample(scores, stride)


coarse, middle, fine = (mf.Tensor(np.zeros((1, C, 3 * n, 4 * n), np.float32)) for n in (1, 2, 4))
for maps, stride in (([coarse], 32), ([coarse, middle], 16), ([coarse, middle, fine], 8)):
    print(f"maps: {len(maps)}, stride {stride:2}: {deep_jet(maps, stride).shape}")

# %% tags=["figure"]
look.show(
    mf.draw.architecture(shapes.network(8), (96, 128)),
    alt="FCN-8s as boxes: below the trunk the coarse scores, upsampled by 2, meet those of "
    "pool4; their sum, upsampled by 2, meets those of pool3; that sum is upsampled by 8.",
)

# %% [markdown]
# ## In stages
# FCN-32s, then 16s from its weights, then 8s from those; each new skip starts at zero.

# %%
data, unseen = shapes.Shapes(300, seed=0), shapes.Shapes(40, seed=1)
truths = [unseen.labels(i) for i in range(len(unseen))]


def finer_net(source, stride, **options):
    """A network of a finer stride with all weights that `source` has."""
    model = shapes.network(stride, **options)
    mf.models.transplant(source, model)
    return model


STEPS = 90, 50, 50  # of the three stages
nets = {"FCN-32s": shapes.on_trunk(32)}
shapes.learn(nets["FCN-32s"], data, steps=STEPS[0])
for name, stride, before, steps in (
    ("FCN-16s", 16, "FCN-32s", STEPS[1]),
    ("FCN-8s", 8, "FCN-16s", STEPS[2]),
):
    nets[name] = finer_net(nets[before], stride)
    shapes.learn(nets[name], data, steps=steps, rate=1e-3)


# %% [markdown]
# Mean IU over whole pictures hides *where* a network got better: most pixels lie far from any edge. So we also count only pixels within `width` pixels of a boundary, a band that is called a
# **trimap**. Before you look: in which band will the three networks differ most?

# %% tags=["figure"]
widths = (1, 2, 4, 8, 16)
predictions, found = {}, {}


def enter(name, predict):
    """Predict all unseen pictures and note the boundary accuracy for each width."""
    predictions[name] = [predict(i) for i in range(len(unseen))]
    found[name] = [
        100 * shapes.boundary_accuracy(truths, predictions[name], width) for width in widths
    ]


for name, net in nets.items():
    enter(name, lambda i, net=net: shapes.predicted(net, unseen, i))

styles = {"FCN-32s": (look.BLACK, ":"), "FCN-16s": (look.SKY, "--"), "FCN-8s": (look.BLUE, "-")}

figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), width_ratios=(1, 1, 1.5))
for axis, width in zip(axes, (2, 8), strict=False):
    band = near_boundary(truths[3], width) & (truths[3] != 255)
    counted = np.where(band, truths[3], 255).astype(np.uint8)
    shapes.draw(axis, unseen.picture(3), counted, f"within {width} pixels; beige: not counted")
for name, values in found.items():
    colour, style = styles[name]
    axes[2].plot(widths, values, style, color=colour, marker="o", markersize=4, label=name)
axes[2].set_xscale("log", base=2)
axes[2].set_xticks(widths, widths)
axes[2].set(xlabel="pixels from a boundary, at most", ylabel="right, % of the band")
axes[2].legend(frameon=False, fontsize=8)
figure.tight_layout()
look.show(
    figure,
    alt="Two bands along the outlines of a star and a ring, thin and wide, and the curves of "
    "three networks: all rise with the width; FCN-8s lies above FCN-16s, and that above "
    "FCN-32s, for bands of 4 pixels and more.",
)
ious = {name: 100 * evaluate(net, unseen)["mean_iu"] for name, net in nets.items()}
ahead = [
    f"{fine - coarse:+.1f} within {width}"
    for width, coarse, fine in zip(widths, found["FCN-32s"], found["FCN-8s"], strict=True)
]
look.say(
    "Mean IU: " + ", ".join(f"{name} **{value:.0f}**" for name, value in ious.items()) + ". "
    f"FCN-8s against FCN-32s, in points: {', '.join(ahead)} pixels."
)

# %% [markdown]
# Not in the thinnest band: with cells of 8 pixels no edge is exact to a pixel. A few pixels away from it the finer network is clearly ahead.

# %% tags=["figure", "picture"]
inside = [(truth != 0) & (truth != 255) for truth in truths]
right = [(predictions["FCN-8s"][i] == truths[i])[inside[i]].mean() for i in range(len(unseen))]
order = np.argsort(right)[::-1]
figure, axes = plt.subplots(3, 4, figsize=(9, 5))
chosen = order[[0, 4, 15]]
for row, i in enumerate(chosen):
    shapes.draw(axes[row, 0], unseen.picture(i), truths[i], "" if row else "truth")
    for axis, name in zip(axes[row, 1:], nets, strict=True):
        shapes.draw(axis, unseen.picture(i), predictions[name][i], "" if row else name)
figure.tight_layout()
shapes.legend(figure, [each[i] for each in (truths, *predictions.values()) for i in chosen])
look.show(
    figure,
    alt="Three unseen pictures: truth, FCN-32s, FCN-16s, FCN-8s. From left to right the blobs "
    "come nearer to the shapes. In the bottom row all three call a disc a square.",
)
look.say("From top to bottom: FCN-8s's best picture, its fifth and its sixteenth, of 40.")

# %% [markdown]
# Careful: each of the three networks has also trained longer than the one to its left. Lesson 14 gave FCN-32s as many steps as FCN-16s, and it stayed behind. The comparisons of the second sitting are at equal steps.
#
# ## Check
# Our loop against the library's FCN-8s, and its gradient against finite differences.

# %%
net, x = nets["FCN-8s"], mf.models.Preprocessing()(unseen.picture(0))
with mf.no_grad():
    maps = net.backbone(x)
    ours = deep_jet(
        [
            net.score_fr(maps["drop7"]),
            net.score_pool4(maps["pool4"]),
            net.score_pool3(maps["pool3"]),
        ],
        8,
    )
    difference = np.abs(ours.data - net(x).data).max()
look.say(f"Largest difference from the library's scores: **{difference:g}**.")
rng = np.random.default_rng(15)
small = [rng.standard_normal((1, C, n, n)) for n in (1, 2, 4)]
report = mf.gradcheck(lambda *each: deep_jet(each, 8), small, directions=10)
print("gradients of the deep jet right:", report.ok)

# %% [markdown]
# ## In the library
# `Head.scores` in `minifcn/models/heads.py` is the loop, for FCN-32s, 16s, 8s and 4s alike.

# %%
import inspect

from minifcn.models.heads import Head

print(inspect.getsource(Head.scores))

# %% [markdown]
# > **Honesty box.** One seed, 40 pictures, some hundred steps: differences of a point or two mean nothing here (`minifcn paper table-2` repeats them with several seeds). In the paper FCN-8s gains little over FCN-16s (62.7 against 62.4, Table 2), and the authors stop there, since the returns
# > diminish. The trimap is not this paper's measure; Krähenbühl and Koltun (2011) used it. Newer networks join maps of features, not of scores (U-Net), or keep the trunk's stride small with dilated kernels (DeepLab).
#
# ## Exercises
# **1 · M.** Boundary accuracy. Take the labelled pixels (not 255) that have another *class* within `width` rows and columns. What share of them is right? Void is no class: a neighbour of 255 makes no boundary here. (The library's
# trimap counts it as one, since VOC draws void round each object.) Where there is no such pixel, give 1.0.
#
# <details><summary>Hint</summary>For each pixel, the window from row − width to row + width (cut at the picture's edge), likewise columns. Is there a label in it that is neither 255 nor the pixel's own?</details>


# %%
def my_boundary_accuracy(labels, predictions, width):
    """labels, predictions: integers (H, W). Returns a fraction."""
    ...


check.boundary_accuracy(my_boundary_accuracy)

# %% [markdown]
# **2 · M.** The deep jet for pictures of any size. Pools round up, so a finer map may have one row or column *less* than twice the coarser one has, and the picture fewer pixels than the last upsampling makes. All cells 0 agree: cut at the far
# end. `scales` holds a number for each map after the first: multiply the map by it before you add.
#
# <details><summary>Hint</summary>After each upsampling cut to the next map's rows and columns; after the last, to <code>size</code>.</details>


# %%
def my_deep_jet(score_maps, scales, stride, size, upsample):
    """score_maps: Tensors (N, C, h, w), coarse to fine, the last of `stride`.

    size: (H, W) of the picture, less than the last upsampling makes, or equal.

    Returns a Tensor (N, C, H, W).
    """
    ...


check.deep_jet(my_deep_jet)

# %% [markdown]
# ## Summary
# - A loop of “twice as large, add the finer scores” makes FCN-16s, 8s and so on; outlines get better, though not to the pixel.
# - Each network goes on with the weights of the coarser one, and each new skip starts at zero.
# - Mean IU hardly sees an outline; count the pixels of a band round it, a trimap.
#
# ## In the paper
# Section 4.2 and Figure 3: FCN-8s, “a minor additional improvement”.

# %% [markdown]
# ---
# ## Second sitting: other ways to the same end
# *The lesson is complete without it.*
#
# **Question.** Must the three be trained one after the other? Must scores be added? And is a skip the best way to a finer picture at all?
#
# ### All at once
# Three stages are a chore. Why not train all of FCN-8s in one go, from the classifier's trunk, with as many steps in all? The reference model has such a variant, **at once**. It multiplies pool4 by 0.01 and pool3 by 0.0001 before they are scored. Why would one do
# that? VGG's maps hold *large* numbers, and the larger the numbers in a map, the larger the gradient of its score weights: an unscaled skip may learn so fast that it drowns the coarse scores. Are ours large?

# %%
maps = shapes.classifier().backbone(mf.models.Preprocessing()(unseen.picture(0)))
for name in ("pool3", "pool4", "drop7"):
    print(f"{name}: mean {maps[name].data.mean():.2f}, largest {maps[name].data.max():.1f}")

# %% [markdown]
# None is much larger than the others: our pictures enter as numbers up to about 2, VGG's as numbers up to about 150. So we train at once without scales.

# %%
nets["at once"] = shapes.on_trunk(8)
shapes.learn(nets["at once"], data, steps=sum(STEPS))
enter("at once", lambda i: shapes.predicted(nets["at once"], unseen, i))
ious["at once"] = 100 * evaluate(nets["at once"], unseen)["mean_iu"]
look.say(
    f"Mean IU: {ious['FCN-8s']:.0f} in stages, **{ious['at once']:.0f}** at once, after "
    f"{sum(STEPS)} steps each. In stages {STEPS[0] + STEPS[1]} of these were over before pool3 "
    "was heard at all."
)

# %% [markdown]
# Here, at once wins. Do not make a law of it: our stages are short. The authors, with 100 000 steps for each stage, report 65.5 in stages and 65.4 at once, a draw (both on
# their 736 validation pictures, from their code's page). One reason for stages remains: each is a check, and the next one starts from something that works.
#
# ### Sum against max
# Why add? Another way to join two scores is to take the larger. Footnote 6 of the paper says that this made learning difficult, “due to gradient switching”. A sum hands its gradient to *both* sides, always. A maximum hands it to the winner alone:

# %% tags=["figure"]
rng = np.random.default_rng(0)
a, b = (mf.Tensor(rng.standard_normal((4, 6)), requires_grad=True) for _ in range(2))
figure, axes = plt.subplots(1, 4, figsize=(9, 2.0))
for pair, (name, join) in zip(
    (axes[:2], axes[2:]), (("sum", lambda a, b: a + b), ("max", ops.maximum)), strict=True
):
    a.grad = b.grad = None
    join(a, b).backward(np.ones((4, 6)))
    for axis, tensor, side in zip(pair, (a, b), ("coarse", "skip"), strict=True):
        axis.imshow(tensor.grad, cmap="Blues", vmin=0, vmax=1.5)
        for (y, x), value in np.ndenumerate(tensor.grad):
            axis.text(x, y, f"{value:g}", ha="center", va="center", fontsize=8)
        axis.set_title(f"{name}:\ngradient of the {side}", fontsize=9)
        axis.set(xticks=[], yticks=[])
look.show(
    figure,
    alt="Four grids of 4 by 6 numbers. Sum: all ones on both sides. Max: ones and zeros, and "
    "where one side has a one the other has a zero.",
)

# %% [markdown]
# With max, a cell that loses learns nothing, and the winner may change from step to step: that is the switching. And a skip at zero is no longer silent: max(score, 0) cuts off every negative score. Same stages, same steps, max in place of sum:

# %%
by_max = nets["FCN-32s"]
for stride, steps in ((16, STEPS[1]), (8, STEPS[2])):
    by_max = finer_net(by_max, stride, fusion="max")
    shapes.learn(by_max, data, steps=steps, rate=1e-3)
enter("max", lambda i: shapes.predicted(by_max, unseen, i))
ious["max"] = 100 * evaluate(by_max, unseen)["mean_iu"]
look.say(
    f"Mean IU of FCN-8s in stages: **{ious['FCN-8s']:.0f}** by sum, **{ious['max']:.0f}** by max."
)

# %% [markdown]
# ### Finer by other means
# A finer picture can be had without a skip. Lesson 11's shift-and-stitch runs FCN-32s on 16 shifted copies of the picture and interlaces the answers: cells of 32 pixels, one for every 8. No new weights, no training, 16 runs. **Before you run the next cell:** will it come nearer to FCN-32s, or to FCN-8s?


# %%
def stitched(net, picture, stride):
    """The classes by FCN-32s whose cells are taken every `stride` pixels."""
    border = (32 - stride) // 2  # puts cell 0 on the middle of the first `stride` pixels
    x = ops.pad(net.preprocessing(picture), (border,) * 4)
    layers = [*net.backbone.layers_to("drop7"), net.score_fr]
    with mf.no_grad():
        cells = mf.models.shift_and_stitch(layers, x, stride)[:, :, : 96 // stride, : 128 // stride]
        return upsample(cells, stride).data[0].argmax(0).astype(np.uint8)


enter("stitched", lambda i: stitched(nets["FCN-32s"], unseen.picture(i), 8))

# %% tags=["figure"]
styles |= {"at once": (look.GREEN, "-"), "max": (look.ORANGE, "-."), "stitched": (look.RED, "--")}
named = {"max": "FCN-8s by max", "at once": "FCN-8s at once", "stitched": "FCN-32s, stitched to 8"}
figure, axis = plt.subplots(figsize=(7.5, 3.2))
for name, values in found.items():
    colour, style = styles[name]
    axis.plot(
        widths, values, style, color=colour, marker="o", markersize=4, label=named.get(name, name)
    )
axis.set_xscale("log", base=2)
axis.set_xticks(widths, widths)
axis.set(xlabel="pixels from a boundary, at most", ylabel="right, % of the band")
axis.legend(frameon=False, fontsize=8)
look.show(
    figure,
    alt="Boundary accuracy of six ways: at once on top, then FCN-8s in stages and, from 4 "
    "pixels on, FCN-16s; FCN-32s, the stitched FCN-32s and max fusion lie together below.",
)
at_4 = {name: values[widths.index(4)] for name, values in found.items()}
look.say(
    f"Within 4 pixels: FCN-32s {at_4['FCN-32s']:.1f} %, stitched to stride 8 "
    f"{at_4['stitched']:.1f} % for 16 runs, FCN-8s {at_4['FCN-8s']:.1f} % for one."
)

# %% [markdown]
# Stitching gives more answers, but each still comes from a cell that sees too much to know where an edge is. The paper names one more way, a pool5 of stride 1; `minifcn paper refinement-by-other-means` tries it on such
# pictures. The paper had tried both: the smaller stride did not come up to the skip, and stitching gained less for what it cost.
#
# > **Honesty box.** `minifcn paper sum-or-max` and `refinement-by-other-means` repeat this with several seeds. Our stitched network pads inside its layers, so its cells near
# > the border are not exactly those of lesson 11. Caffe has the choice between `SUM` and `MAX` in its `Eltwise` layer; PyTorch has `+` and `torch.maximum`. `AT_ONCE_SCALES`, at the top of `minifcn/models/heads.py`, are the numbers of at once.
# > The paper: footnote 6 has max fusion, “Refinement by other means” the smaller stride of pool5, which did not reach the skip's scores, and shift-and-stitch, worse for what it cost. The at-once variant is in the authors' code and in the longer journal version (PAMI 2017).
#
# **3 · S.** The backward of a join of two maps. `how` is "sum" or "max". Where a maximum meets two equal numbers, give half to each.
#
# <details><summary>Hint</summary>Which part of the gradient does <i>a</i> get where it is larger, equal, smaller? <i>b</i> gets the rest.</details>


# %%
def my_fuse_backward(grad, a, b, how):
    """grad, a, b: arrays of one shape. Returns (gradient of a, gradient of b)."""
    ...


check.fuse_backward(my_fuse_backward)

# %% [markdown]
# **To keep:** a sum gives its gradient to both sides of a join; a maximum switches it between them, and learned worse. In stages or at once, both ways work. More answers from coarse cells do not replace a skip.
