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
# # 14 · FCN-16s: what and where
#
# **Question.** FCN-32s knows *what* is in a picture and draws it as blobs. Earlier layers still know *where* things are. How do we let them speak, without
# spoiling what the network has learned?
#
# **You need** lessons 10 (upsampling), 12 (FCN-32s) and 13 (where pixels land). **Time** 20 minutes to read, 25 for the exercises. **Paper** section 4.2.
#
# ## Two layers, two kinds of knowledge
# First lesson 12 again: surgery, then 150 steps.

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

data, unseen = shapes.Shapes(300, seed=0), shapes.Shapes(40, seed=1)
prepare = mf.models.Preprocessing()
coarse_net = shapes.on_trunk(32)
losses = shapes.learn(coarse_net, data)

maps = coarse_net.backbone(prepare(unseen.picture(0)))
for name in ("pool3", "pool4", "drop7"):
    channels, rows, columns = maps[name].shape[1:]
    print(f"{name:6} {rows:2} x {columns:2} cells of {96 // rows:2} pixels, {channels} channels")

# %% [markdown]
# `drop7` is the end of the trunk: few cells, each of which sees the whole picture. `pool4` lies before it: four times as many cells, each of which sees less. Here are both grids over one picture.
# **Look at the star:** in which grid are there cells that it fills, with cells beside them that it hardly touches?

# %% tags=["figure"]
which = 3
figure, axes = plt.subplots(1, 2, figsize=(7.5, 3))
for axis, cell, title in zip(
    axes, (32, 16), ("drop7: a cell is 32 × 32", "pool4: a cell is 16 × 16"), strict=True
):
    shapes.draw(axis, unseen.picture(which), unseen.labels(which), title)
    axis.vlines(np.arange(cell, 128, cell) - 0.5, -0.5, 95.5, color="black", linewidth=0.8)
    axis.hlines(np.arange(cell, 96, cell) - 0.5, -0.5, 127.5, color="black", linewidth=0.8)
figure.tight_layout()
look.show(
    figure,
    alt="The true labels of a picture under a grid of 3 by 4 cells, and under one of 6 by 8; "
    "only the finer grid has cells that the star fills.",
)

# %% [markdown]
# ## A skip in four lines
# A **skip** is a way from an earlier layer straight to the end. FCN-16s gives `pool4` a score layer of its own, makes the coarse scores twice as large, **adds** both, and upsamples by the 16 that are left:

# %%
C = 9  # classes


def upsample(x, factor):
    """Bilinear, by `factor`: (N, C, h, w) -> (N, C, factor·h, factor·w)."""
    return ops.conv_transpose2d(
        x, bilinear(C, 2 * factor), stride=factor, padding=factor // 2, groups=C
    )


def fcn16s(x, score_pool4):
    """Pictures (N, 3, H, W), H and W multiples of 32, and a score layer -> scores (N, C, H, W)."""
    maps = coarse_net.backbone(x)
    what = coarse_net.score_fr(maps["drop7"])  # (N, C, H/32, W/32)
    where = score_pool4(maps["pool4"])  # (N, C, H/16, W/16)
    return upsample(upsample(what, 2) + where, 16)


score_pool4 = mf.nn.Conv2d(64, C, 1)
score_pool4.weight.data[...] = 0  # and its bias is zero already
x = prepare(np.stack([unseen.picture(i) for i in range(8)]))
finer = fcn16s(x, score_pool4)
finer.shape

# %% [markdown]
# The library draws both. First the **graph** of what just ran, from the picture down to the scores; the trunk is folded into one box. Lesson 02 said that a net is a graph: here is where a line of layers becomes one. The way on the right is the skip.

# %% tags=["figure"]
look.show(
    mf.draw.graph({"scores": finer}, names={"pictures": mf.Tensor(x)}, model=coarse_net, unfold=()),
    alt="A graph: from the trunk two ways lead down, one through score_fr and an upsampling, "
    "the other straight to a score layer of pool4; they meet in a sum, which is upsampled to "
    "the scores.",
)

# %% [markdown]
# Then the **architecture**, as in the paper's Figure 3, of the library's own FCN-16s: what is computed from what, and how large the maps are.

# %% tags=["figure"]
look.show(
    mf.draw.architecture(shapes.network(16), (96, 128)),
    alt="FCN-16s as boxes: the trunk in a row, below it score_fr, upsampled by 2; an arrow from "
    "pool4 through its own scores joins it in a sum; that is upsampled by 16 to the size of the "
    "picture.",
)

# %% [markdown]
# ## The zero start changes nothing
# The new layer starts at zero (as score_fr did in lesson 12). So the sum is the coarse scores, and FCN-16s begins where FCN-32s ended. The paper says: it starts *with unmodified predictions*.
# **Before you run the next cell:** will the two maps of scores be equal to the last digit?

# %%
before = coarse_net(x).data
what = coarse_net.score_fr(coarse_net.backbone(x)["drop7"])
where = score_pool4(coarse_net.backbone(x)["pool4"])
added = np.abs((upsample(what, 2) + where - upsample(what, 2)).data).max()
same_class = (before.argmax(1) == finer.data.argmax(1)).mean()
look.say(
    f"What the skip adds: **{added:g}**. The maps still differ by up to "
    f"{np.abs(before - finer.data).max():.2f}, at scores up to {np.abs(before).max():.0f}; "
    f"**{100 * same_class:.1f} %** of the pixels keep their class."
)

# %% [markdown]
# The skip adds exactly nothing. But upsampling by 2 and then by 16 is *not* upsampling by 32.
#
# Draw what becomes of one coarse score of 1 between zeros:

# %% tags=["figure"]
line = np.zeros((1, C, 3, 5), np.float32)
line[:, :, :, 2] = 1
once, twice = upsample(line, 32).data[0, 0, 48], upsample(upsample(line, 2), 16).data[0, 0, 48]
figure, axis = plt.subplots(figsize=(7.5, 2.5))
axis.plot(once, color=look.BLUE, label="by 32: FCN-32s")
axis.plot(twice, "--", color=look.RED, label="by 2, then by 16: FCN-16s")
axis.set(xlabel="pixel in the row", ylabel="score")
axis.legend(frameon=False)
look.show(
    figure,
    alt="A pointed tent, and a second line on the same slopes whose tip is cut off flat and "
    "whose foot is wider.",
)
look.say(
    f"The tip: {once.max():.3f} upsampled once, {twice.max():.3f} twice. Halfway up the slopes "
    "both agree."
)

# %% [markdown]
# “Unmodified” is true of the coarse scores and nearly true of the picture: where a cell stands out from its neighbours, its tip is flattened and its foot widened, and few pixels change their class for it.
#
# ## Align by geometry
# Adding two maps makes sense only if cell (i, j) of both looks at the same place. Lesson 13 gave each map a stride and the place of its cell 0. Let us ask:

# %%
from minifcn.models.geometry import Field, crop_offset

for padding in ("same", "paper"):
    net = mf.models.fcn16s("tiny", C, width=8, padding=padding)
    coarse = Field().through([*net.backbone.layers_to("drop7"), net.score_fr, net.upscore_16s])
    fine = Field().through(net.backbone.layers_to("pool4"))
    strides, places = (
        f"{coarse.stride}, {fine.stride}",
        f"{float(coarse.centre):6}, {float(fine.centre):6}",
    )
    print(f"padding {padding!r:8} stride {strides}; cell 0 lies at pixel {places}:", end=" ")
    print(f"cut {crop_offset(fine, coarse)} cells off pool4")

# %% [markdown]
# With our padding both cells 0 lie on the same pixel, and we may add. With the reference model's 100 pixels of padding pool4 begins five cells earlier: this is the 5 that so many people have asked about. Nobody should
# type a 5 into a program. The rule is *align to that map*, and the number follows.
#
# ## Train it, in stages
# The paper trains FCN-32s to its end, then adds the skip and goes on at a rate 100 times smaller. We go on at half our rate. To be fair, FCN-32s gets as many more steps.

# %%
skip_net = shapes.network(16)
print(mf.models.transplant(coarse_net, skip_net))  # all but the new skip and the upsampling
longer_net = shapes.network(32)
mf.models.transplant(coarse_net, longer_net)
curves = {
    name: shapes.learn(net, data, steps=120, rate=1e-3)
    for name, net in (("16s", skip_net), ("32s", longer_net))
}

# %%
truths = [unseen.labels(i) for i in range(len(unseen))]


def scores_of(net):
    """Mean IU, and the accuracy of the pixels within 4 of a boundary."""
    guesses = [shapes.predicted(net, unseen, i) for i in range(len(unseen))]
    return evaluate(net, unseen)["mean_iu"], shapes.boundary_accuracy(truths, guesses, 4)


found = {"32s": scores_of(longer_net), "16s": scores_of(skip_net)}
(iu_32, near_32), (iu_16, near_16) = found.values()
look.say(
    f"Unseen pictures, equal steps: mean IU {100 * iu_32:.0f} for FCN-32s, **{100 * iu_16:.0f}** "
    f"for FCN-16s. Within 4 pixels of a boundary {100 * near_32:.0f} % and **{100 * near_16:.0f} "
    "%** of the pixels are right."
)

# %% tags=["figure", "picture"]
inside = [(truth != 0) & (truth != 255) for truth in truths]
right = [
    (shapes.predicted(skip_net, unseen, i) == truths[i])[inside[i]].mean()
    for i in range(len(unseen))
]
order = np.argsort(right)[::-1]
figure, axes = plt.subplots(3, 3, figsize=(7.5, 5.4))
shown = []
for row, i in enumerate(order[[0, 3, 15]]):
    maps_shown = [
        truths[i],
        shapes.predicted(longer_net, unseen, i),
        shapes.predicted(skip_net, unseen, i),
    ]
    shown += maps_shown
    for axis, labels, title in zip(
        axes[row], maps_shown, ("truth", "FCN-32s", "FCN-16s"), strict=True
    ):
        shapes.draw(axis, unseen.picture(i), labels, "" if row else title)
figure.tight_layout()
shapes.legend(figure, shown)
look.show(
    figure,
    alt="Three unseen pictures: truth, FCN-32s, FCN-16s. The second draws blobs; the third "
    "follows the discs more closely. In the bottom row both call a disc a square.",
)
look.say("From top to bottom: FCN-16s's best picture, its fourth and its sixteenth, of 40.")

# %% [markdown]
# ## Who said what?
# The scores are a sum, so each part can be looked at alone. Upsample the coarse scores without the skip, and the skip without the coarse scores:

# %% tags=["figure"]
i = order[3]
with mf.no_grad():
    maps = skip_net.backbone(prepare(unseen.picture(i)))
    parts = {
        "what: coarse scores": upsample(upsample(skip_net.score_fr(maps["drop7"]), 2), 16),
        "where: the skip": upsample(skip_net.score_pool4(maps["pool4"]), 16),
    }
    parts["both"] = parts["what: coarse scores"] + parts["where: the skip"]
figure, axes = plt.subplots(1, 4, figsize=(9, 2))
shapes.draw(axes[0], unseen.picture(i), truths[i], "truth")
guesses = [part.data[0].argmax(0).astype(np.uint8) for part in parts.values()]
for axis, name, guess in zip(axes[1:], parts, guesses, strict=True):
    shapes.draw(axis, unseen.picture(i), guess, name)
shapes.legend(figure, [truths[i], *guesses])
look.show(
    figure,
    alt="The same picture by the coarse scores alone: a small blob, rightly called a disc; by "
    "the skip alone: one large region, wrongly called a crescent; by both: a region near the "
    "disc's outline, with the right name.",
)


def share_right(part):
    """Over all unseen pictures: right pixels of shapes when only `part` of the sum speaks."""
    hits = total = 0
    for k, truth in enumerate(truths):
        with mf.no_grad():
            maps = skip_net.backbone(prepare(unseen.picture(k)))
            what, where = (
                upsample(skip_net.score_fr(maps["drop7"]), 2),
                skip_net.score_pool4(maps["pool4"]),
            )
            guess = (
                upsample({"what": what, "where": where, "both": what + where}[part], 16)
                .data[0]
                .argmax(0)
            )
        hits, total = hits + (guess == truth)[inside[k]].sum(), total + inside[k].sum()
    return 100 * hits / total


look.say(
    f"Of the shapes' own pixels the coarse scores alone get {share_right('what'):.0f} % right, "
    f"the skip alone {share_right('where'):.0f} %, the sum **{share_right('both'):.0f} %**."
)

# %% [markdown]
# In the picture neither part is right alone, and their sum finds the disc. Over all pictures the skip alone does better than you may have expected: both learned together, and the skip has learned names as well.
#
# ## What misalignment costs
# Now make the classic mistake: add the skip one cell too far to the right. Nothing crashes, since both arrays are as large as before.


# %%
def shifted_scores(net, x, cells):
    """FCN-16s whose skip is added `cells` cells too far right.

    Its last columns come round to the front.
    """
    with mf.no_grad():
        maps = net.backbone(x)
        where = np.roll(net.score_pool4(maps["pool4"]).data, cells, axis=3)
        return upsample(upsample(net.score_fr(maps["drop7"]), 2) + where, 16).data


near = {}
for cells in (0, 1, 2):
    guesses = [
        shifted_scores(skip_net, prepare(unseen.picture(i)), cells)[0].argmax(0).astype(np.uint8)
        for i in range(len(unseen))
    ]
    near[cells] = shapes.boundary_accuracy(truths, guesses, 4)
for cells, value in near.items():
    print(f"cells too far right: {cells}. Right within 4 pixels of a boundary: {100 * value:.1f} %")

# %% [markdown]
# Each of these numbers could be that of a network that is not quite trained, and nobody would look for a mistake. That is why the offset is worked out and not tried out.
#
# ## Check
# Our four lines against the library's FCN-16s, on its trained weights, and the head's gradients against finite differences.

# %%
with mf.no_grad():
    difference = np.abs(shifted_scores(skip_net, x, 0) - skip_net(x).data).max()
rng = np.random.default_rng(0)
parts64 = (
    rng.standard_normal((1, C, 1, 2)),
    rng.standard_normal((1, 4, 2, 4)),
    rng.standard_normal((C, 4, 1, 1)),
)
kernels = {factor: bilinear(C, 2 * factor).astype(np.float64) for factor in (2, 16)}


def head(what, pool4, weight):
    up = ops.conv_transpose2d(what, kernels[2], stride=2, padding=1, groups=C)
    return ops.conv_transpose2d(
        up + ops.conv2d(pool4, weight), kernels[16], stride=16, padding=8, groups=C
    )


look.say(f"Largest difference from the library's scores: **{difference:g}**.")
print(mf.gradcheck(head, parts64))

# %% [markdown]
# ## In the library
# `minifcn/models/heads.py`: `Head` works out all skips when a network is built, and `join` cuts and adds (open it after exercise 1). This is what `Head` notes down, for the two paddings of above:

# %%
for padding in ("same", "paper"):
    print(mf.models.fcn16s("tiny", C, width=8, padding=padding).skips)

# %% [markdown]
# > **Honesty box.** The paper finds that learning from pool4 *alone* does poorly: there a cell sees 100 × 100 pixels of a photograph. A cell of our pool4 sees a square about as wide as a shape, so here it may
# > do better (`minifcn paper pool4-alone` measures it). The new layers start at zero; the upsampling by 2 starts bilinear. The paper lets it learn, the authors' code keeps it fixed, and so do we unless `learn_upsampling=True` is given. Stage two of the paper has a
# > rate 100 times smaller, ours half the rate, since we stop stage one so early. Caffe calls the sum `Eltwise` and the cut `Crop`, where axis and offset are typed in by hand or by a helper, `coord_map`. PyTorch has neither: people slice,
# > or resize one map to the other with `interpolate`, which makes the sizes fit, whether the cells do or not.
#
# ## Exercises
# **1 · S.** Join two maps of scores. Row 0 of `coarse` lies on row `offset` of `finer`, and columns likewise. Add them where they overlap. At the far end either may reach further than the other.
#
# <details><summary>Hint</summary>Cut the beginning first. How many rows do the two share then? Columns have a number of their own.</details>


# %%
def my_join(coarse, finer, offset):
    """coarse (N, C, h, w), finer (N, C, H, W) -> their sum where they overlap."""
    ...


check.join(my_join)

# %% [markdown]
# **2 · S.** Its backward. Given the gradient of the join's result, what are the gradients of both inputs? The shapes are those of the inputs.
#
# <details><summary>Hint</summary>A sum hands its gradient to both as it is. What was cut off had no say: zero.</details>


# %%
def my_join_backward(grad, coarse_shape, finer_shape, offset):
    """Returns (gradient of coarse, gradient of finer), arrays of those shapes."""
    ...


check.join_backward(my_join_backward)

# %% [markdown]
# **3 · M.** All that stands on the trunk in FCN-16s, from coarse scores, the map of pool4 and its score layer. `upsample(x, factor)` is the function above. Careful: with pools that round up, pool4 may have an odd number of rows,
# one fewer than twice the coarse ones; cells 0 agree. Give a Tensor that has a backward.
#
# <details><summary>Hint</summary>It is <code>fcn16s</code> from above, with one cut in the right place. Tensors slice as arrays do; <code>ops.conv2d(pool4, weight, bias)</code> is the score layer.</details>


# %%
def my_fcn16s_scores(coarse, pool4, weight, bias, upsample):
    """coarse (N, C, h, w), pool4 (N, D, H, W), weight (C, D, 1, 1), bias (C,): Tensors.

    Returns a Tensor (N, C, 16·H, 16·W).
    """
    ...


check.fcn16s_scores(my_fcn16s_scores)

# %% [markdown]
# ## Summary
# - Deep cells know what, shallow cells know where; a skip scores the shallow map and adds.
# - A skip that starts at zero adds exactly nothing, so the finer network goes on where the coarser one stopped.
# - Maps may be added where their cells look at the same place; the crop follows from the layers.
#
# ## In the paper
# Section 4.2, “Combining what and where”, and Figure 3. There FCN-16s improves the mean IU of FCN-32s from 59.4 to 62.4 on a part of VOC 2011's validation set (Table 2), and Figure 4 shows the finer detail. The section says that skips turn
# a line of layers into a graph, with edges that skip ahead from lower layers to higher ones.
