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
# # 09 · From classifier to fully convolutional network
#
# **Question.** The classifier of lesson 08 takes windows of 47 × 47 pixels and nothing else. What must change so that it takes a picture of *any* size, and
# answers everywhere in it, without one more step of training?
#
# **You need** lessons 04 (convolution) and 08 (the classifier, receptive field and stride). **Time** 20 minutes to read, 35 for the exercises. **Paper** section 3.1, figure 2.
#
# ## What stands in the way
# We train that classifier again (some seconds; the code is lesson 08's, kept in `earlier.py` beside the lessons) and give it a picture of 128 × 160 pixels, four of the painted ones, two by two.

# %%
import time

import check
import look
import matplotlib.pyplot as plt
import numpy as np
from earlier import SIDE, Flatten, trained_classifier

import minifcn as mf
from minifcn import nn, ops
from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.models.preprocessing import Preprocessing

classifier = trained_classifier()
four = [paint((64, 80), np.random.default_rng(seed)) for seed in (11, 12, 13, 14)]
picture, labels = (
    np.vstack([np.hstack(part[:2]), np.hstack(part[2:])]) for part in zip(*four, strict=True)
)
x = Preprocessing()(picture)  # (1, 3, 128, 160)
try:
    classifier(x)
except ValueError as error:
    print(error)

# %% [markdown]
# Convolutions, ReLU and pools did not mind: their maps simply became larger. The first *fully connected* layer refused. It is a matrix with one column for
# each number of a map of 48 × 4 × 4, and now more numbers come.
#
# ## A matrix is a kernel
# Take the smallest case. A map of 2 channels of 2 × 2 cells, and a fully connected layer with one output: 8 weights, one for each number.

# %%
small_map = np.arange(1.0, 9.0).reshape(1, 2, 2, 2)  # (N, C, H, W)
row = np.array([[1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0]])  # (outputs, C·H·W)
small_map.reshape(1, 8) @ row.T  # the fully connected layer

# %% [markdown]
# Flattening puts channel after channel, and in each channel row after row. Fold the weights the same way, and they are a *kernel* that covers the whole map:

# %% tags=["figure"]
kernel = row.reshape(1, 2, 2, 2)  # (O, C, KH, KW)


def draw_grid(axis, numbers, colours, title):
    """An array as a grid of cells with their numbers in them; a colour for each column."""
    axis.imshow(np.zeros_like(numbers), cmap="Greys")
    for (i, j), number in np.ndenumerate(numbers):
        square = plt.Rectangle(
            (j - 0.5, i - 0.5), 1, 1, facecolor=colours[j], alpha=0.35, edgecolor="black"
        )
        axis.add_patch(square)
        axis.text(j, i, f"{number:g}", ha="center", va="center")
    axis.set_title(title, fontsize=9)
    axis.axis("off")


figure, axes = plt.subplots(1, 3, figsize=(7.5, 1.7), width_ratios=(4, 1, 1))
draw_grid(axes[0], row, [look.BLUE] * 4 + [look.ORANGE] * 4, "one row of the matrix: 8 weights")
draw_grid(axes[1], kernel[0, 0], [look.BLUE] * 2, "kernel, channel 0")
draw_grid(axes[2], kernel[0, 1], [look.ORANGE] * 2, "kernel, channel 1")
figure.tight_layout()
look.show(
    figure,
    alt="Left a row of eight weights, four blue and four orange; right the same numbers "
    "as two grids of 2 by 2, the kernel's channels.",
)

# %%
ops.conv2d(small_map, kernel).data

# %% [markdown]
# The same number. No weight was changed, only the way they are laid out.
#
# But a kernel, unlike a matrix, can *slide*. **Before you run the next cell:** what shape comes out for a map of 3 × 4 cells?

# %%
larger_map = np.random.default_rng(0).integers(0, 9, (1, 2, 3, 4)).astype(float)
everywhere = ops.conv2d(larger_map, kernel).data
print(everywhere[0, 0])
print("the matrix on the upper left 2 x 2:", larger_map[:, :, :2, :2].reshape(1, 8) @ row.T)

# %% [markdown]
# Six answers: the fully connected layer applied to every 2 × 2 window of the map.
#
# The order matters. Fold the 8 weights as if the channel changed fastest (first place, both channels; next place, both channels; …): all numbers are there, and the answer is wrong:

# %%
mixed_up = row.reshape(1, 2, 2, 2).transpose(0, 3, 1, 2)  # read as (O, KH, KW, C)
ops.conv2d(small_map, mixed_up).data

# %% [markdown]
# ## The whole classifier
# Now do it to the classifier. Its first fully connected layer meets a map of 48 × 4 × 4: a kernel of 4 × 4. The second one meets 96 numbers of a single cell: a
# kernel of 1 × 1. Flattening is no longer needed.


# %%
def convolutional(classifier, channels=48, side=4):
    """A convolution in place of each fully connected layer: same weights, in the same memory."""
    layers = []
    for layer in classifier.layers:
        if isinstance(layer, nn.Linear):
            outputs = len(layer.weight.data)
            convolution = nn.Conv2d(channels, outputs, side)
            convolution.weight.data = layer.weight.data.reshape(outputs, channels, side, side)
            convolution.bias.data = layer.bias.data
            layer, channels, side = convolution, outputs, 1  # what follows meets a single cell
        if not isinstance(layer, Flatten):
            layers.append(layer)
    return nn.Sequential(*layers)


network = convolutional(classifier)
with mf.no_grad():
    of_window = classifier(x[:, :, :SIDE, :SIDE]).data  # (1, 9)
    of_same_window = network(x[:, :, :SIDE, :SIDE]).data  # (1, 9, 1, 1)
    scores = network(x).data  # and now the whole picture
difference = np.abs(of_window - of_same_window[:, :, 0, 0]).max()
print("a window:   ", of_same_window.shape, "largest difference from the classifier:", difference)
print("the picture:", scores.shape)

# %% [markdown]
# A picture of any size goes in now, and a **map of scores** comes out: a *fully convolutional network*. Lesson 08 says what the cells are: each sees 47 × 47 pixels
# and the next one looks 8 pixels further.
#
# ## Check
# So cell (i, j) must be what the *classifier* says about the window that begins at row 8·i and column 8·j. Cut all of those windows out and ask it.

# %%
stride = 8
rows, columns = scores.shape[2:]
corners = [(i * stride, j * stride) for i in range(rows) for j in range(columns)]
cut = np.concatenate([x[:, :, top : top + SIDE, left : left + SIDE] for top, left in corners])
with mf.no_grad():
    one_by_one = classifier(cut).data  # (windows, 9)
in_place = one_by_one.reshape(rows, columns, 9).transpose(2, 0, 1)  # (9, rows, columns)
look.say(
    f"{len(cut)} windows, {one_by_one.size} scores of sizes up to "
    f"{np.abs(one_by_one).max():.0f}. Largest difference "
    f"from the map: **{np.abs(in_place - scores[0]).max():.0e}**, which is rounding. One pass "
    "answers for all windows."
)

# %% [markdown]
# ## A heat map
# The softmax (lesson 07) of one class, drawn as a picture, is called a **heat map**: warm where the network sees that class. Taking the best class of each cell gives labels,
# coarse ones: a first *segmentation*. Cell (i, j) speaks for the middle of its window, pixel (8·i + 23, 8·j + 23), so we paint it there, 8 × 8 pixels large.

# %%
probabilities = np.exp(scores[0] - scores[0].max(0))
probabilities /= probabilities.sum(0)  # (9, rows, columns)
guess = scores[0].argmax(0)  # (rows, columns)
# the labels of the middle pixels
truth = labels[SIDE // 2 :: stride, SIDE // 2 :: stride][:rows, :columns]
clear = truth != 255

# %% tags=["figure", "picture"]
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

names = [
    "#d8d8d8",
    look.BLUE,
    look.ORANGE,
    look.GREEN,
    look.PINK,
    look.RED,
    look.SKY,
    "#F0E442",
    look.BLACK,
]
colours = np.ones((256, 3))  # by label; void (255) is white
colours[:9] = [to_rgb(name) for name in names]
first = SIDE // 2 - stride / 2 - 0.5
extent = (first, first + columns * stride, first + rows * stride, first)  # where the cells lie
# the three shapes it sees most
often = np.argsort(-np.bincount(guess.ravel(), minlength=9)[1:])[:3] + 1
panels = [("picture", picture, None), ("labels", colours[labels], None)]
panels += [("best class of each cell", colours[guess], extent)]
panels += [(f"heat map: {SHAPE_CLASSES[label]}", probabilities[label], extent) for label in often]
figure, axes = plt.subplots(2, 3, figsize=(7.5, 4.7), layout="constrained")
for axis, (title, image, where) in zip(axes.flat, panels, strict=True):
    drawn = axis.imshow(image, extent=where, cmap="Oranges", vmin=0, vmax=1)
    axis.set(xlim=(-0.5, 159.5), ylim=(127.5, -0.5))
    axis.set_title(title, fontsize=9)
    axis.set(xticks=[], yticks=[])
figure.colorbar(drawn, ax=axes[1], location="bottom", shrink=0.4, aspect=30, label="softmax")
patches = [Patch(color=name, label=label) for name, label in zip(names, SHAPE_CLASSES, strict=True)]
figure.legend(
    handles=patches,
    loc="outside lower center",
    ncols=9,
    fontsize=8,
    frameon=False,
    handlelength=0.8,
)
look.show(
    figure,
    alt="A picture with shapes, its labels, the coarse map of best classes, "
    "and heat maps of three shapes: dark where the network sees one.",
)
look.say(
    f"**{100 * (guess == truth)[clear].mean():.0f} %** of the {clear.sum()} cells whose middle "
    "pixel has a label are right. Where one is wrong, the classifier is wrong about that "
    "window: no cell is better than the classifier."
)

# %% [markdown]
# Besides, the map is coarse: one answer for 8 × 8 pixels. And there are no answers along the border, where no whole window fits. Lessons 10 to 15 deal with the first, and lesson 13
# with the second.
#
# ## One pass against many windows
# Why not just run the classifier on every window? The windows overlap, so most numbers would be computed many times. Count the multiplications of a pass: each
# output number of a convolution costs as many as its kernel has weights.


# %%
def multiplications(network, size):
    """Multiplications of one pass over a picture of size × size pixels."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            kernel, step = layer.window.kernel[0], layer.window.stride[0]
            size = (size - kernel) // step + 1
        if isinstance(layer, nn.Conv2d):
            total += size * size * layer.weight.data.size
    return total


grids = [1, 2, 4, 7, 10]  # windows in a row
one_window = multiplications(network, SIDE)
counted = [
    grid**2 * one_window / multiplications(network, SIDE + (grid - 1) * stride) for grid in grids
]

# %% [markdown]
# And with the clock. (Seconds depend on the machine and on what else it does: yours will differ, and differ again.)


# %%
def seconds(runs, repeats=10):
    """The least of some tries of each run, in turn: disturbances only make them longer."""
    tries = []
    for _ in range(repeats):
        for network, x in runs:
            start = time.perf_counter()
            network(x)
            tries.append(time.perf_counter() - start)
    return [min(tries[k :: len(runs)]) for k in range(len(runs))]


timed = []
for grid in grids:
    size = SIDE + (grid - 1) * stride
    large = np.random.default_rng(0).standard_normal((1, 3, size, size)).astype(np.float32)
    starts = range(0, size - SIDE + 1, stride)
    batch = np.concatenate(
        [large[:, :, i : i + SIDE, j : j + SIDE] for i in starts for j in starts]
    )
    with mf.no_grad():
        of_windows, of_one_pass = seconds([(classifier, batch), (network, large)])
    timed.append(of_windows / of_one_pass)

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(grids, counted, "o-", color=look.BLUE, label="multiplications, counted")
axis.plot(grids, timed, "s--", color=look.ORANGE, label="seconds, measured here")
axis.axhline(1, color="#888888", linewidth=0.8)
axis.set(xlabel="windows in a row (and in a column)", ylabel="all windows / one pass", xticks=grids)
axis.set_ylim(0)
axis.legend(frameon=False)
look.show(
    figure,
    alt="Two ratios against the windows in a row: both are about 1 for a single window, and "
    "larger for a grid of 10 by 10.",
)
look.say(
    f"A grid of 10 × 10 windows is a picture of {size} × {size} pixels. 100 windows cost "
    f"**{counted[-1]:.1f} times** the multiplications of one pass over it, and took "
    f"{timed[-1]:.1f} times as long, in one batch."
)

# %% [markdown]
# The paper measured AlexNet for a grid of 10 × 10 windows of 227 × 227 pixels: 22 ms for one pass over 500 × 500 pixels, 100 · 1.2 ms for the windows in batches. The same saving holds on the way
# back, so such a network can also be *trained* on whole pictures. That is the first half of the paper's title.
#
# ## In the library
# `minifcn/models/surgery.py` does this to whole networks and calls it what the paper's code calls it: **net surgery**. Parameters are copied by name, matrices become kernels, and it
# says what it did with each. `surgery.heat_map` keeps the classes, as we did. `surgery.fully_convolutional` drops the last layer, which knows the old classes, and puts a new score layer on for other classes, with upsampling (lesson 10):
# that is how FCN-32s starts (lesson 12).

# %%
from minifcn.models import surgery
from minifcn.models.classifiers import Classifier

vgg = Classifier("tiny", num_classes=5, width=4)  # a narrow VGG for pictures of 224 x 224
heat_map, report = surgery.heat_map(vgg)
print(f"heat_map: {report}\n")
fcn, report = surgery.fully_convolutional(vgg, stride=32, num_classes=9)
print(f"fully_convolutional: {report}")

# %% [markdown]
# (`score_fr` is the new score layer, and `upscore` upsamples.) The reshape itself is one line in `surgery.placed`: `old.reshape(shape)`.
#
# > **Honesty box.** Our network has no padding inside. VGG pads every 3 × 3 convolution, and there a window cut out sees zeros where the whole picture has neighbours: the map's cells are then
# > *close* to the classifier's answers, not equal. In PyTorch the reshape is `weight.view(O, C, KH, KW)`, and must follow the order in which the network was flattened; torchvision's VGG16 and Caffe's both flatten
# > channels, rows, columns. A framework that keeps channels last flattens differently, and there the mixed-up kernel above is the right one. Our 10 × 10 grid is timed on this machine, not on
# > the paper's GPU.
#
# ## Exercises
# **1 · S.** Turn a fully connected layer's matrix into the kernel that does the same. The map before it has `shape` (C, H, W), not always square.
#
# <details><summary>Hint</summary>One reshape. Walk along a row of the matrix: which of channel, row and column changes slowest, and which fastest?</details>


# %%
def my_fc_as_convolution(weight, shape):
    """weight: (O, C·H·W). shape: (C, H, W) of the map that was flattened.

    Returns the kernel (O, C, H, W).
    """
    ...


check.fc_as_convolution(my_fc_as_convolution)

# %% [markdown]
# **2 · M.** The slow way, as an *oracle* for the fast one: run a classifier on every window of a picture and put its answers in their places. Windows that do not fit whole are left out. The picture
# may be wider than it is high.
#
# <details><summary>Hint</summary>(H − side) // stride + 1 windows fit below one another. If you make a batch row after row, its answers (windows, classes) reshape to
# (rows, columns, classes).</details>


# %%
def my_window_by_window(classify, x, side, stride):
    """classify: (N, C, side, side) -> (N, classes). x: (1, C, H, W).

    Returns (1, classes, rows, columns).
    """
    ...


check.window_by_window(my_window_by_window)

# %% [markdown]
# **3 · M.** Net surgery. `old` and `new` are the parameters of two networks, dictionaries of arrays by name. Write every array of `old` **into** the array of that name in `new`. Same shape: copy. As many
# numbers and the same first axis (the outputs): reshape. Anything else, or no such name: raise ValueError and leave `new` untouched.
# Return what happened: `{"copied": […], "reshaped": […], "left": […]}`, lists of names; `left` are those of `new` that were not written.
#
# <details><summary>Hint</summary>Two rounds: look at all of them first and raise, then write. <code>new[name][...] = …</code> writes into an array; <code>new[name] = …</code> only
# puts another one into the dictionary, and the network never hears of it.</details>


# %%
def my_transplant(old, new):
    """Write `old`'s arrays into `new`'s.

    Returns {"copied": [names], "reshaped": […], "left": […]}.
    """
    ...


check.transplant(my_transplant)

# %% [markdown]
# ## Summary
# - A fully connected layer is a convolution whose kernel covers its whole input: reshape its matrix, keep the order.
# - Such a network takes any size; each cell is the classifier's answer for one window, and one pass shares the work of all.
# - The answers lie a stride apart, so the map is coarse.
#
# ## In the paper
# Section 3.1 and figure 2: classifiers made convolutional give heat maps, much faster than window by window. Section 4.1 does it to AlexNet, VGG16 and GoogLeNet: the final layer goes, the
# others become convolutions, and a 1 × 1 convolution with 21 channels, one for each class of PASCAL, goes on top.
