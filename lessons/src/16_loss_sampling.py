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
# # 16 · Patchwise training is loss sampling
#
# **Question.** Before FCN, networks were trained on *patches*: a small window cut round a pixel, and that pixel's label. FCN trains on whole pictures. Is that something else, and what is lost?
#
# **You need** lessons 07 (the loss, void), 08 (receptive field) and 12 (training). **Time** 20 minutes to read, 35 for the exercises. **Paper** sections 3.4 and 4.3.
#
# ## The same thing twice
# Take a small network without padding. One cell of its output sees a window of the picture, and nothing else (lesson 08). So there are two ways to compute that cell: run the network on the whole picture and look at the cell, or cut the window out and run the network on that. Let us
# have both, for a random half of the cells.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
import shapes

import minifcn as mf
from minifcn import nn, ops
from minifcn.data.synthetic.painting import SHAPE_CLASSES
from minifcn.models.geometry import Field

mf.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(3, 2),
    nn.Conv2d(6, 9, 2),
).astype(np.float64)  # fmt: skip
field = Field().through(net.layers)
size, stride = field.size, int(field.stride)

data, unseen = shapes.Shapes(300, seed=0), shapes.Shapes(40, seed=1)
prepare = mf.models.Preprocessing()
x = prepare(data.picture(1)).astype(np.float64)
rows, columns = net(x).shape[2:]
middles = slice(size // 2, None, stride)
# of the pixel in the middle of what each cell sees
labels = data.labels(1)[middles, middles][:rows, :columns]
kept = np.random.default_rng(0).random((rows, columns)) < 0.5
look.say(
    f"The network has {rows} × {columns} output cells for this picture of 96 × 128; each sees "
    f"{size} pixels in a row, the next one begins {stride} pixels on. We keep **{kept.sum()}** "
    "cells."
)

# %%


def gradient(loss):
    """Walk back; all parameters' gradients in one row."""
    net.zero_grad()
    loss.backward()
    return np.concatenate([parameter.grad.ravel() for parameter in net.parameters()])


# way 1: the whole picture; the cells that were not kept are void
sampled = np.where(kept, labels, 255)
whole = gradient(ops.softmax_cross_entropy(net(x), sampled[None]))

# way 2: one patch for each kept cell, a batch of them
places = np.argwhere(kept)
patches = np.stack(
    [x[0, :, stride * i : stride * i + size, stride * j : stride * j + size] for i, j in places]
)
own = labels[kept][:, None, None]
cut = gradient(ops.softmax_cross_entropy(net(patches), own))

look.say(
    f"{len(whole)} numbers in each gradient; largest {np.abs(whole).max():.3f}, largest "
    f"difference **{np.abs(whole - cut).max():.1g}**. The patches hold "
    f"{patches[:, 0].size / x[0, 0].size:.1f} times as many pixels as the picture."
)

# %% [markdown]
# The same gradient, so the same step. **Training on patches is training on whole pictures with a loss that skips some cells.** The patches only cost more, since they overlap and the network computes the overlaps again and again.
#
# Here are five of them. Where they overlap, the whole picture does the work once.

# %% tags=["figure", "picture"]
figure, axes = plt.subplots(1, 2, figsize=(8, 3), width_ratios=(1.25, 1))
axes[0].imshow(data.picture(1))
five = [place for place in places if 13 <= place[0] <= 18 and 17 <= place[1] <= 22][::2][:5]
marks = (look.BLUE, look.ORANGE, look.GREEN, look.PINK, look.RED)
for (i, j), colour in zip(five, marks, strict=True):
    axes[0].add_patch(
        plt.Rectangle(
            (stride * j, stride * i), size, size, fill=False, edgecolor=colour, linewidth=1.8
        )
    )
axes[0].set_title("five patches", fontsize=9)
axes[0].axis("off")
axes[1].imshow(np.where(kept, 1.0, 0.0), cmap="Blues", vmin=0, vmax=1.5)
for (i, j), colour in zip(five, marks, strict=True):
    axes[1].plot(j, i, "o", color=colour, markeredgecolor="white", markersize=7)
axes[1].set_title("the output: kept cells blue", fontsize=9)
axes[1].set(xlabel="column", ylabel="row")
figure.tight_layout()
look.show(
    figure,
    alt="Left a painted picture with five overlapping squares. Right the grid of output cells, "
    "about half of them blue, with five marked that belong to the squares.",
)

# %% [markdown]
# ## One condition
# Here is the same network with one pixel of padding at each 3 × 3. A patch then sees zeros at its own border, where the picture goes on. **Before you run the next cell:** is that still the same, for a network with padding inside, as every real one has it?

# %%
mf.manual_seed(0)
padded = nn.Sequential(
    nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 9, 2),
).astype(np.float64)  # fmt: skip
on_picture = padded(x).data[0]  # (9, rows, columns)
i, j = 10, 14
# 8 x 8 pixels make one cell
on_patch = padded(x[:, :, 4 * i : 4 * i + 8, 4 * j : 4 * j + 8]).data[0, :, 0, 0]
look.say(
    "The same cell's scores differ by up to "
    f"**{np.abs(on_picture[:, i, j] - on_patch).max():.2f}**: the patch does not know what lies "
    "round it."
)

# %% [markdown]
# So for real networks patches are not only dearer, they are *blinder*.
#
# What is left of patches is the **sampling**, and that needs no patches: make some cells void.
#
# ## What sampling is good for
# Pixels beside each other say nearly the same. Is that so, and how far does it reach? Measure it: the gradient of one cell's loss is a direction in the space of all weights; the *cosine* of two such directions is 1 where they are the same, 0 where they have nothing to do with each other.
#
# We take an FCN-32s after a short training and 20 pictures, wide ones, 11 cells in a row. In each, the seven cells in the middle of its middle row. (Cells at the left and right rim see the zeros beyond it, and are alike for that.) One picture says little here: from one to the next the cosine of the same two cells jumps by half a unit and more. So we
# take the mean over pictures, and draw with it how far off that mean may be: a *band* of two standard errors to each side, in which the true mean lies in about 19 of 20 such measurements. **Before you look:** how many cells apart must two be, until they are as unlike as cells of different pictures?

# %%
from minifcn.training.sampling import cell_gradients, cosine_table

model = shapes.on_trunk(32)
shapes.learn(model, data, steps=40)
wide = shapes.Shapes(20, seed=2, size=(96, 352))
distances = range(1, 7)
by_distance, elsewhere, before = [], [], None
for n in range(len(wide)):
    middle = np.full((96, 352), 255, np.uint8)  # all other cells are void, and cost nothing
    middle[32:64, 64:288] = wide.labels(n)[32:64, 64:288]
    cells, gradients = cell_gradients(model, wide.picture(n), middle)  # one backward a cell
    cosines = cosine_table(gradients, gradients)
    apart = np.abs(cells[:, None] - cells[None]).max(2)
    by_distance.append([cosines[apart == distance].mean() for distance in distances])
    if before is not None:
        elsewhere.append(cosine_table(before, gradients).mean())
    before = gradients


def mean_and_band(values):
    """Means over the pictures, and two standard errors of them."""
    values = np.array(values)
    return values.mean(0), 2 * values.std(0, ddof=1) / np.sqrt(len(values))


means, band = mean_and_band(by_distance)
other_mean, other_band = mean_and_band(elsewhere)

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6.5, 3))
axis.fill_between(distances, means - band, means + band, color=look.BLUE, alpha=0.2, linewidth=0)
axis.plot(distances, means, "o-", color=look.BLUE, label="cells of one picture")
axis.axhspan(other_mean - other_band, other_mean + other_band, color=look.ORANGE, alpha=0.2)
axis.axhline(other_mean, color=look.ORANGE, linestyle="--", label="cells of different pictures")
axis.set(xlabel="cells apart", ylabel="mean cosine of gradients")
axis.legend(frameon=False, fontsize=9)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="A curve with a band: highest for neighbours, and from a few cells apart on its band lies "
    "over the narrow band of cells of different pictures, near 0.",
)
clear = [d for d, low in zip(distances, means - band, strict=True) if low > other_mean + other_band]
until = f"up to {max(clear)} apart" if clear else "at no distance"
found = [f"{mean:.2f} ± {off:.2f}" for mean, off in zip(means, band, strict=True)]
look.say(
    f"Side by side **{found[0]}**, two apart {found[1]}, six apart {found[-1]}; in another picture "
    f"{other_mean:.2f} ± {other_band:.2f}. The blue band lies above the orange one {until}. Beyond "
    f"that, {len(wide)} pictures do not show that cells of one are more alike than cells of two."
)

# %% [markdown]
# Neighbours push the weights partly the same way; a cell some way off says something new, and so does one of another picture. So one would rather have few cells of many pictures than all cells of one. The paper tried: keep each cell with probability p, and take 1/p times as many pictures, so that a step has as many cells as before.


# %%
def keep_some(labels, p, cell, rng):
    """labels (N, H, W): each cell x cell square stays with probability p, else it becomes void."""
    n, h, w = labels.shape
    kept = rng.random((n, -(-h // cell), -(-w // cell))) < p
    pixels = kept.repeat(cell, 1).repeat(cell, 2)[:, :h, :w]
    return np.where(pixels, labels, 255).astype(np.uint8)


# %% tags=["figure"]
figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.1))
for axis, p in zip(axes, (1, 0.5, 0.25), strict=True):
    shown = keep_some(data.labels(2)[None], p, 32, np.random.default_rng(1))[0]
    shapes.draw(
        axis, data.picture(2), shown, f"p = {p}: {100 * (shown != 255).mean():.0f} % counts"
    )
figure.tight_layout()
look.show(
    figure,
    alt="One picture's labels with all cells, about half, and about a quarter of them; the "
    "rest is painted in the colour of void.",
)

# %%
curves = {}
for p, batch in ((1.0, 4), (0.5, 8)):
    fresh = shapes.on_trunk(8)
    curves[p] = shapes.learn(fresh, data, steps=75, batch=batch, keep_cells=p)


def smooth(losses, window=12):
    return np.convolve(losses, np.ones(window) / window, "valid")


# %% tags=["figure"]
figure, axes = plt.subplots(1, 2, figsize=(8.5, 2.7), sharey=True)
for (p, losses), batch, colour, style in zip(
    curves.items(), (4, 8), (look.BLUE, look.ORANGE), ("-", "--"), strict=True
):
    steps = np.arange(12, len(losses) + 1)
    axes[0].plot(
        steps, smooth(losses), style, color=colour, label=f"p = {p:g}, {batch} pictures a step"
    )
    axes[1].plot(steps * batch, smooth(losses), style, color=colour)
axes[0].set(xlabel="step", ylabel="loss, mean of 12 steps")
axes[1].set(xlabel="pictures seen: what it costs")
axes[0].legend(frameon=False, fontsize=8)
figure.tight_layout()
look.show(
    figure,
    alt="Loss against steps: two curves close together. Against pictures seen: the sampled one "
    "needs about twice as many for the same loss.",
)

# %% [markdown]
# Step for step the sampled run is ahead a little while, having seen more pictures, and then both are together. Picture for picture it is behind, since each step costs double. That is what the paper's Figure 5 shows against
# iterations and against seconds: no faster convergence a step, and longer steps. It went on with whole pictures.
#
# ## Class balance
# Another thing patches gave people for free: choose as many patches of each class. In whole pictures the classes come as they are:

# %%
counts = sum(np.bincount(labels.ravel(), minlength=256)[:9] for _, labels in data.pairs)
shown_in = sum(
    np.where(np.bincount(labels.ravel(), minlength=256)[:9] > 0, (labels != 255).sum(), 0)
    for _, labels in data.pairs
)
frequency = counts / shown_in  # a class's share of the pictures that show it
weights = np.median(frequency) / frequency

# %% tags=["figure"]
figure, axes = plt.subplots(1, 2, figsize=(8.5, 2.7))
places = np.arange(9)
axes[0].bar(places, 100 * counts / counts.sum(), color=look.BLUE)
axes[0].set(ylabel="% of all labelled pixels", yscale="log")
axes[1].bar(places, weights, color=look.ORANGE)
axes[1].set(ylabel="median-frequency weight")
for axis in axes:
    axis.set_xticks(places, SHAPE_CLASSES, rotation=60, fontsize=8)
figure.tight_layout()
look.show(
    figure,
    alt="Left: background has most pixels by far, bars fewest. Right: the weights are the "
    "other way round, smallest for background.",
)
look.say(
    f"Background: {100 * counts[0] / counts.sum():.0f} % of the pixels, weight {weights[0]:.2f}. "
    f"Its loss would count {weights[7] / weights[0]:.0f} times less than a bar's."
)

# %% [markdown]
# **Median-frequency balancing** (Eigen and Fergus 2015) multiplies each pixel's loss by $\text{median}(f) / f_c$ of its class $c$, so that rare classes weigh as much as common ones. Does it help? **Before you run the next cell:** of pixel accuracy, mean accuracy and mean IU (lesson 17), which will rise, and which fall?

# %%
from minifcn.training import evaluate

plain, balanced = shapes.on_trunk(8), shapes.on_trunk(8)
shapes.learn(plain, data, steps=110)
shapes.learn(balanced, data, steps=110, class_weights=tuple(weights))
found = {"as they come": evaluate(plain, unseen), "balanced": evaluate(balanced, unseen)}
print(f"{'':22} as they come  balanced")
for score in ("pixel_accuracy", "mean_accuracy", "mean_iu"):
    print(
        f"{score:22} {100 * found['as they come'][score]:12.1f} "
        f"{100 * found['balanced'][score]:9.1f}"
    )

# %% [markdown]
# Balance finds more pixels of the rare classes (mean accuracy) and pays with background painted over. Pixel accuracy falls, and mean IU, which counts both mistakes, says whether the trade was worth it: here a little, on one seed and 40 pictures (`minifcn paper class-balancing` asks several seeds). A score that rises with balance may only mean that it does not look at what was
# paid. The paper: three quarters of its pixels are background, and balancing is unnecessary.
#
# ## Check
# Our two gradients against the library: `patches` cuts them, `sampled` makes cells void. And is each cell kept with probability p, whatever its neighbour does?

# %%
from minifcn.training.sampling import patches as library_patches
from minifcn.training.sampling import sampled as library_sampled

theirs, their_labels = library_patches(x, labels[None], field, kept[None])
same = np.array_equal(theirs, patches) and np.array_equal(their_labels, own)
zeros = np.zeros((300, 96, 128), np.uint8)
voids = library_sampled(zeros, 0.25, 32, np.random.default_rng(3))
equal = np.array_equal(voids, keep_some(zeros, 0.25, 32, np.random.default_rng(3)))
drawn = (voids[:, ::32, ::32] == 0).astype(float)  # one pixel a cell
beside = np.corrcoef(drawn[:, :, 1:].ravel(), drawn[:, :, :-1].ravel())[0, 1]
look.say(
    f"Patches equal: **{same}**; void cells equal: **{equal}**. Of {drawn.size} cells "
    f"{drawn.mean():.3f} are kept; correlation with the cell beside: {beside:+.3f}."
)

# %% [markdown]
# ## In the library
# `minifcn/training/sampling.py`: `sampled`, `patches`, `gradient_correlation`, and a balanced draw of cells. On the command line `minifcn train --keep-cells 0.5` and `--class-weights median`; `minifcn paper patchwise-is-sampling figure-5 class-balancing` measures all of this with several seeds.

# %%
import inspect

print(inspect.getsource(library_sampled))

# %% [markdown]
# > **Honesty box.** The identity needs the same normalisation on both sides: a mean over the kept cells here, a mean over the patches there. Patches on the network's own grid only: to get patches at *every* pixel one shifts the picture by 0 to stride − 1 pixels first (the paper's footnote 2).
# > Our Figure 5 counts pictures instead of seconds, so that it comes out the same on every machine, and it is one seed. Caffe and PyTorch know the mask as `ignore_label` and `ignore_index`, the weights as `weight`; PyTorch's mean then divides by the sum of the weights, as ours does. The paper
# > also names the trick's cousin: a random mask between output and loss is DropConnect.
#
# ## Exercises
# **1 · S.** Make cells void. `kept` says which cell × cell squares stay. The last row and column of squares may hang over the picture's edge. Leave `labels` itself as it is.
#
# <details><summary>Hint</summary><code>kept</code> has one value for each square; you need one for each pixel of it. What does <code>repeat</code> with an axis do? Mind what hangs over the edge.</details>


# %%
def my_void_cells(labels, kept, cell):
    """labels uint8 (N, H, W), kept bool (N, H / cell, W / cell) rounded up -> uint8 (N, H, W)."""
    ...


check.void_cells(my_void_cells)

# %% [markdown]
# **2 · M.** Median-frequency weights. A class's frequency is its pixels over all *labelled* pixels of those pictures that *show* it; its weight is the median of the frequencies over its own. A class that never occurs has weight 1 and no part in the median.
#
# <details><summary>Hint</summary>Two sums for each class, picture by picture: its pixels, and the picture's labelled pixels if it is there.</details>


# %%
def my_median_frequency(label_maps, classes):
    """label_maps: a list of integer arrays (H, W), 255 is void. Returns an array (classes,)."""
    ...


check.median_frequency(my_median_frequency)

# %% [markdown]
# **3 · M.** Cut the patches of the kept cells, picture by picture, row by row, for a network without padding whose cells see `size` pixels, `stride` pixels from one cell to the next.
#
# <details><summary>Hint</summary>Cell (i, j) sees rows stride·i to stride·i + size − 1. <code>np.argwhere(kept)</code> lists (n, i, j) in the right order.</details>


# %%
def my_patches(x, labels, kept, size, stride):
    """x (N, C, H, W), labels, kept (N, OH, OW) -> patches (M, C, size, size), their labels (M,)."""
    ...


check.patches(my_patches)

# %% [markdown]
# ## Summary
# - A batch of patches and a whole picture with some cells void give the same gradient; the picture is cheaper.
# - Gradients of neighbouring cells are alike, those of cells further apart hardly; sampling with more pictures changes little a step and costs more.
# - Weights for rare classes trade background for them; look at a score that counts both mistakes.
#
# ## In the paper
# Section 3.4 says that whole pictures and patches can be made to follow the same distribution, and that sampling the loss does the rest. Section 4.3, “Patch sampling” and Figure 5: no better convergence, more time. “Class balancing”: mildly unbalanced, and no need.
