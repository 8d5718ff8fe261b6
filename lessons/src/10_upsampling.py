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
# # 10 · Upsampling is backwards convolution
#
# **Question.** The heat maps of lesson 09 have one cell for 8 × 8 pixels, those of FCN-32s one for 32 × 32. How does a network make them as large as the picture?
#
# **You need** lessons 05 (the gradient of a convolution) and 09. **Time** 15 minutes to read, 25 for the exercises; second sitting 10. **Paper** section 3.3.
#
# ## A convolution is a matrix
# One row of seven numbers, a kernel of three, stride 2: three numbers come out.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
import play

import minifcn as mf
from minifcn import ops

kernel = np.array([1.0, 2.0, 3.0])


def convolve(x, kernel, stride):
    count = (len(x) - len(kernel)) // stride + 1
    return np.array([x[i * stride : i * stride + len(kernel)] @ kernel for i in range(count)])


convolve(np.array([1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 1.0]), kernel, stride=2)

# %% [markdown]
# Each output is a weighted sum of inputs, so the whole of it is a matrix. Its column *j* is what comes out if input *j* is 1 and the other six are 0:

# %% tags=["figure"]
matrix = np.array([convolve(unit, kernel, 2) for unit in np.eye(7)]).T  # (3 outputs, 7 inputs)


def draw_matrix(axis, numbers, title):
    axis.imshow(numbers, cmap="Blues", vmin=0, vmax=6)
    for (i, j), number in np.ndenumerate(numbers):
        axis.text(
            j,
            i,
            f"{number:g}",
            ha="center",
            va="center",
            color="#bbbbbb" if number == 0 else "black",
        )
    axis.set_title(title, fontsize=9)
    axis.set(xticks=range(numbers.shape[1]), yticks=range(numbers.shape[0]))


figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.2))
draw_matrix(axes[0], matrix, "the convolution: 7 numbers in, 3 out")
axes[0].set(xlabel="input", ylabel="output")
draw_matrix(axes[1], matrix.T, "transposed: 3 in, 7 out")
axes[1].set(xlabel="input", ylabel="output")
figure.tight_layout()
look.show(
    figure,
    alt="Left a matrix of 3 rows and 7 columns with 1 2 3 in each row, two places further from "
    "row to row. Right the same matrix turned on its side.",
)

# %% [markdown]
# Lesson 05 asked: if a gradient comes in for the three outputs, what is the gradient for the seven inputs? The answer was the matrix on the right, the **transposed** one, times what came in.
#
# Look at it again. Three numbers go in and *seven come out*. The backward pass of a stride-2 convolution makes things larger. That is the idea of section 3.3: take a
# convolution's backward pass and use it as a *forward* layer.
#
# ## Painting
# What does the right matrix do? Column by column: input *i* is multiplied by the whole kernel and painted from output 2·i on. **Before you run the next cell:** where two
# kernels meet, what stands there?

# %% tags=["figure"]
coarse = np.array([1.0, 3.0, 2.0])
figure, axes = plt.subplots(4, 1, sharex=True, sharey=True, figsize=(6, 4.6))
for i, (value, colour) in enumerate(zip(coarse, (look.BLUE, look.ORANGE, look.GREEN), strict=True)):
    axes[i].bar(np.arange(3) + 2 * i, value * kernel, color=colour)
    axes[i].set_title(
        f"input {i} is {value:g}: it paints {value:g} × kernel from place {2 * i} on",
        fontsize=9,
        loc="left",
    )
axes[3].bar(range(7), matrix.T @ coarse, color=look.RED)
axes[3].set_title("the result: where they overlap, they add up", fontsize=9, loc="left")
axes[3].set_xlabel("output place")
axes[2].set_ylabel("value")
figure.tight_layout()
look.show(
    figure,
    alt="Three small bar charts, each the kernel scaled and two places further right; the last "
    "chart is their sum.",
)

# %% [markdown]
# They add up: in the convolution's backward, a number that was read by two windows gets a gradient from both. The layer has many names; PyTorch calls it *transposed convolution*, the paper
# *deconvolution*.<br>
# ![Four numbers paint, one after the other, a kernel of three by three into a result of five by five; where two meet, their numbers are added.](figures/painting.svg)
#
# ## Or: an input stride of 1/2
# The paper says it in yet another way: "convolution with a fractional input stride of 1/f". Walk over the *input* in half steps: put a zero between every two numbers, then do an ordinary
# convolution with stride 1. Zeros around it let the kernel hang over the ends. And the kernel must be turned round (lesson 05's honesty box).

# %%
stuffed = np.zeros(2 * len(coarse) - 1)
stuffed[::2] = coarse
print("with zeros between:   ", stuffed)
around = np.pad(stuffed, len(kernel) - 1)
print("ordinary convolution: ", convolve(around, kernel[::-1], stride=1))
print("transposed matrix:    ", matrix.T @ coarse)

# %% [markdown]
# Three ways to see one thing: the transposed matrix, painting, zeros between. Painting is the cheapest: it never multiplies by a zero.
#
# ## Check, without a step size
# If `up` is the transpose of `convolve`, then for **any** a and b: $\langle \text{convolve}(a), b \rangle = \langle a, \text{up}(b) \rangle$. One call of each, and no step to choose (lesson 05). In two dimensions and with channels,
# on the library's operations:

# %%
rng = np.random.default_rng(0)
# conv2d calls the axes O C KH KW, conv_transpose2d C O KH KW
weight = rng.standard_normal((4, 3, 4, 4))
a, b = rng.standard_normal((1, 3, 10, 12)), rng.standard_normal((1, 4, 4, 5))
down = ops.conv2d(a, weight, stride=2).data  # (1, 4, 4, 5)
up = ops.conv_transpose2d(b, weight, stride=2).data  # (1, 3, 10, 12)
print(f"conv(a) · b   = {(down * b).sum():.12f}")
print(f"a · deconv(b) = {(a * up).sum():.12f}")
print(
    "gradients of conv_transpose2d right:",
    mf.gradcheck(lambda x, w: ops.conv_transpose2d(x, w, stride=2), [b, weight]).ok,
)

# %% [markdown]
# Its own backward needs no new code either: it is the convolution.
#
# ## How large?
# n cells go in. The last one paints from place stride · (n − 1) on, and a kernel of k taps reaches k − 1 further. `padding` p cuts p places off at both ends. So the places that come out are
#
# $$\text{stride} \cdot (n - 1) + k - 2p$$
#
# The other way round, a convolution with stride 2 and kernel 3 makes 3 numbers from 7, and also 3 from 8: it never looks at the last one. So "3, upsampled" may mean either, and `output_padding` or
# `output_size` says which.

# %%
three = np.ones((1, 1, 3, 3))
k3 = np.ones((1, 1, 3, 3))
print(
    ops.conv_transpose2d(three, k3, stride=2).shape[2:],
    ops.conv_transpose2d(three, k3, stride=2, output_size=(8, 7)).shape[2:],
)
try:
    ops.conv_transpose2d(three, k3, stride=2, output_size=(9, 9))
except ValueError as error:
    print(error)

# %% [markdown]
# ## A kernel that interpolates
# Which kernel? With the right one the layer is *linear interpolation*: a straight line between neighbours. The influence of an input must fall from 1, at its own place, to 0 at the next input's,
# f places away (f is the stride, and the factor of upsampling): a **tent**. Two tents that overlap add up to the straight line.
#
# The tent has 2f taps (or 2f − 1, with its top on a tap): tap $i$ is $1 - \lvert i - c \rvert / f$, with $c$ the middle of the kernel. In two dimensions the tents of rows and columns are multiplied: *bilinear* interpolation.


# %%
def tent(size):
    factor, middle = (size + 1) // 2, (size - 1) / 2
    return 1 - np.abs(np.arange(size) - middle) / factor


print("size 4:", tent(4), "  size 3:", tent(3))

# %% tags=["figure", "picture"]
factor = 8
values = np.array([1.0, 3.0, 2.0, 2.0])
size = 2 * factor
row, kernel = values.reshape(1, 1, 1, 4), tent(size).reshape(1, 1, 1, size)  # pictures of one row
fine = ops.conv_transpose2d(row, kernel, stride=(1, factor)).data[0, 0, 0]
figure, axis = plt.subplots(figsize=(7.5, 3))
colours = (look.BLUE, look.ORANGE, look.GREEN, look.PINK)
for i, (value, colour) in enumerate(zip(values, colours, strict=True)):
    axis.bar(np.arange(size) + i * factor, value * tent(size), color=colour, alpha=0.35)
places = np.arange(4) * factor + (size - 1) / 2
axis.plot(fine, ".-", color=look.RED, markersize=4, label="sum of the tents")
axis.plot(places, values, "k--o", label="the four inputs, joined by straight lines")
axis.set(xlabel="output place", ylabel="value", ylim=(0, 4))
axis.legend(frameon=False, loc="upper right")
look.show(
    figure,
    alt="Four coloured tents; their sum runs along straight lines between the four inputs "
    "and falls to zero at both ends.",
)
inside = slice(int(places[0] + 0.5), int(places[-1] + 0.5))
off = np.abs(fine - np.interp(np.arange(len(fine)), places, values))[inside].max()
look.say(
    "Between the first and the last input the sum and the straight lines differ by at most "
    f"**{off:.0g}**."
)

# %% [markdown]
# At both ends there is no neighbour to share the work with, and the sum falls to zero. Scores near a border come nearer to 0 there, those of all classes by the same factor, so the best class
# stays the same.
#
# ## In the library
# `minifcn/ops/convolution.py`: `Conv2d.backward` and `ConvTranspose2d.forward` call the *same routine*, `conv2d_input_gradient`. That is the proof in code:

# %%
import inspect

from minifcn.ops.convolution import Conv2d, ConvTranspose2d

for function in (Conv2d.backward, ConvTranspose2d.forward):
    lines = inspect.getsource(function).splitlines()
    print(
        function.__qualname__,
        *(line.strip() for line in lines if "input_gradient" in line),
        sep="\n    ",
    )

# %% [markdown]
# The tents are `bilinear` in `minifcn/nn/initialisers.py`; the choice of 2f or 2f − 1 taps is `upsampling` in `minifcn/models/heads.py`.
#
# > **Honesty box.** *Deconvolution* is the paper's and Caffe's word; the layer does not undo a convolution. PyTorch says `conv_transpose2d` and stores weights as (C, O / groups, KH, KW), as we do. Our tents are one kernel
# > for each channel (`groups`); the authors' files hold a full 21 × 21 table of kernels, zero off the diagonal. Caffe's own bilinear filler had a wrong centre for some sizes, 3 and 63 among them; the authors' code did not use it.
#
# ## Exercises
# **1 · S.** Write the transposed convolution of a row, for any kernel and stride; `padding` places are cut off at both ends of the result.
#
# <details><summary>Hint</summary>Paint into an array of zeros of length stride · (n − 1) + k, and cut at the end. Add where kernels meet.</details>


# %%
def my_up(coarse, kernel, stride, padding):
    """coarse: (n,), kernel: (k,). Returns an array of length stride·(n - 1) + k - 2·padding."""
    ...


check.up(my_up)

# %% [markdown]
# **2 · S.** The bilinear kernel in two dimensions, for odd and even sizes, from 1 on. Its weights are those of the tents, not scaled.
#
# <details><summary>Hint</summary>One row is a tent; size 1 must come out as a single 1. In two dimensions every number of one row meets every number of
# another.</details>


# %%
def my_bilinear_kernel(size):
    """Returns (size, size): the product of a tent over the rows and one over the columns."""
    ...


check.bilinear_kernel(my_bilinear_kernel)

# %% [markdown]
# **3 · M.** The whole layer, with NumPy alone: pictures, channels, two dimensions. Each number of x paints a kernel into *every* output channel.
#
# <details><summary>Hint</summary>Two loops are enough, over the places (i, j). What does <code>x[:, :, i, j]</code>, (N, C), paint into a window (N, O, KH, KW)? <code>np.einsum</code> does it in one line: say which axis is summed and which stay.</details>


# %%
def my_conv_transpose2d(x, weight, stride, padding):
    """x: (N, C, H, W), weight: (C, O, KH, KW).

    Returns (N, O, OH, OW), OH = stride·(H - 1) + KH - 2·padding.
    """
    ...


check.conv_transpose2d(my_conv_transpose2d)

# %% [markdown]
# ## Summary
# - The backward pass of a strided convolution, used forward, makes maps larger: every cell paints the kernel, and what overlaps adds up.
# - Of n cells it makes stride · (n − 1) + k − 2 · padding places; its own backward is the convolution.
# - With tents as kernel, 2f taps at stride f, it interpolates linearly: upsampling by f.
#
# ## In the paper
# Section 3.3, "Upsampling is backwards strided convolution", notes that the layer's filter need not be fixed and can be learned, and that a stack of such layers with activation functions can learn a nonlinear upsampling.
# Section 4.3 starts such layers as bilinear interpolation, and keeps the last one so. Section 4.2 uses them: by 32 in FCN-32s, by 2 and then more in the finer ones.

# %% [markdown]
# ---
# ## Second sitting: a kernel that learns, and a namesake
# *The lesson is complete without it.*
#
# **Question.** The kernel is a weight like any other. Should it stay a tent, or learn? And why does everybody warn of *deconvolution*?
#
# ### Checkerboards
# Paint with a kernel of ones on a map of ones: every output says how many cells have painted it. **Before you run the next cell:** kernel 3, stride 2. Are all counts alike?

# %% tags=["figure"]


def counts(kernel, stride):
    ones = np.ones((1, 1, 6, 6))
    painted = ops.conv_transpose2d(ones, np.ones((1, 1, kernel, kernel)), stride=stride).data[0, 0]
    figure, axis = plt.subplots(figsize=(3.2, 3.2))
    drawn = axis.imshow(painted, cmap="Blues", vmin=0)
    axis.set_title(f"kernel {kernel}, stride {stride}: painted how often?", fontsize=9)
    axis.set(xlabel="output column", ylabel="output row")
    figure.colorbar(drawn, ax=axis, shrink=0.7)
    return figure, f"How often each output is painted with kernel {kernel} and stride {stride}."


play.sliders(counts, kernel=(1, 8, 3), stride=(1, 4, 2))

# %%
painted = ops.conv_transpose2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 4, 4)), stride=2).data[0, 0]
painted[2:-2, 2:-2]  # kernel 4, stride 2: away from the border

# %% [markdown]
# Where the stride does not divide the kernel, some outputs are painted more often than their neighbours, and a learned layer has to work against that pattern: the *checkerboards* that upsampling
# networks are known for. (Lesson 08 saw them in a gradient: kernel 5, stride 2.) With 2f taps every output is painted twice along each axis. The tent's own weights even out as well: the two that meet in one
# place add up to 1.

# %%
print(
    "size 4, stride 2:",
    tent(4)[:2] + tent(4)[2:],
    " size 16, stride 8:",
    tent(16)[:8] + tent(16)[8:],
)

# %% [markdown]
# ### Fixed, or learned?
# A task: the portrait at half its size in, the portrait out. Start from the tents, from random numbers and from zeros.

# %%
from PIL import Image

from minifcn.draw.pictures.sample import portrait
from minifcn.nn.initialisers import bilinear

photograph = Image.open(portrait()).convert("RGB").resize((256, 300))
fine = np.asarray(photograph.convert("L"), np.float32)[20:148, 64:192] / 255  # the face, (128, 128)
half = fine.reshape(64, 2, 64, 2).mean((1, 3))  # the mean of 2 x 2 pixels
fine, half = (each[None, None] - half.mean() for each in (fine, half))


def error_of(kernel):
    """Root mean square error, away from the border."""
    difference = ops.conv_transpose2d(half, kernel, stride=2, padding=1).data - fine
    return np.sqrt((difference[0, 0, 4:-4, 4:-4] ** 2).mean())


starts = {
    "tents": bilinear(1, 4),
    "random": rng.standard_normal((1, 1, 4, 4)).astype(np.float32),
    "zeros": np.zeros((1, 1, 4, 4), np.float32),
}
learned = {}
for name, start in starts.items():
    weight = mf.Tensor(start.copy(), requires_grad=True)
    optimiser = mf.optim.Adam([weight], lr=0.1)
    for step in range(1000):
        difference = ops.conv_transpose2d(half, weight, stride=2, padding=1) - fine
        loss = ops.mean(difference * difference)
        optimiser.zero_grad()
        loss.backward()
        optimiser.lr = 0.1 * (1 - step / 1000)
        optimiser.step()
    learned[name] = weight.data
    print(f"{name:7} error at the start {error_of(start):.3f}, learned {error_of(weight.data):.3f}")

# %% tags=["figure"]
figure, axes = plt.subplots(1, 4, figsize=(7.5, 2.3))
kernels = {"bilinear, fixed": starts["tents"]}
kernels |= {f"learned from {name}": weight for name, weight in learned.items()}
for axis, (name, weight) in zip(axes, kernels.items(), strict=True):
    axis.imshow(weight[0, 0], cmap="Blues", vmin=0, vmax=1)
    for (i, j), number in np.ndenumerate(weight[0, 0]):
        colour = "white" if number > 0.6 else "black"
        axis.text(j, i, f"{number:.2f}", ha="center", va="center", fontsize=8, color=colour)
    axis.set_title(name, fontsize=9)
    axis.axis("off")
figure.tight_layout()
look.show(
    figure,
    alt="Four kernels of 4 by 4: the bilinear one, and the three learned ones, which look "
    "nearly alike.",
)
gain = 1 - error_of(learned["tents"]) / error_of(starts["tents"])
look.say(
    "All three end near one kernel, a little sharper than the tents; its error is "
    f"{100 * gain:.0f} % lower."
)

# %% [markdown]
# So learning works, from all three starts, and the tents were nearly right. The authors write beside their published code that for FCN learning made no significant difference. Starting from the tents costs nothing;
# from random numbers a segmentation network must first learn to interpolate.
#
# ### ZFNet's deconvnet is another thing
# Zeiler and Fergus (2014), whose network is known as ZFNet, had used the word *deconvnet* before, for a way to *look into* a network: take one number of an inner map, walk back through the very layers that made it, at each ReLU let through only what comes in above 0 (lesson 03 met that mask as a mistake), and draw what comes out at the pixels. Through convolutions
# it uses the same transposed filters, hence the name. But compare the two, for the same cell in two pictures:

# %% tags=["figure"]
from minifcn.draw.networks import deconvnet

model = mf.models.load("voc7")
first = np.asarray(photograph)
second = np.ascontiguousarray(first[:, ::-1])  # mirrored
best = deconvnet.deconvnet(model, "fire3", first)
same_cell = deconvnet.deconvnet(model, "fire3", second, best.channel, best.cell)
one_cell = np.zeros((1, 1, 7, 7))
one_cell[0, 0, 3, 3] = 1
layer = ops.conv_transpose2d(one_cell, bilinear(1, 16).astype(float), stride=8, padding=4).data[
    0, 0
]

figure, axes = plt.subplots(1, 4, figsize=(7.5, 2.3))
for axis, shown in zip(axes[::2], (best, same_cell), strict=True):
    axis.imshow(deconvnet.grey_signal(shown))
    axis.set_title("deconvnet, " + ("the picture" if shown is best else "mirrored"), fontsize=9)
for axis in axes[1::2]:
    axis.imshow(layer, cmap="Blues")
    axis.set_title("deconvolution layer", fontsize=9)
for axis in axes:
    axis.set(xticks=[], yticks=[])
figure.tight_layout()
look.show(
    figure,
    alt="For the same cell in a picture and its mirror image: the deconvnet draws two different "
    "patterns, the deconvolution layer the same tent twice.",
)
differ = (np.abs(best.signal - same_cell.signal) > 1e-6).any(2).sum()
look.say(
    "The same cell of the same channel, two pictures: the deconvnet's answers differ in "
    f"**{differ}** pixels, for it goes back through the maxima and the network's own filters. "
    "The layer never sees the picture; it paints the same tent."
)

# %% [markdown]
# | | deconvnet (Zeiler & Fergus) | deconvolution layer (this paper) |
# |---|---|---|
# | is | a way to look at a trained network | a layer of a network |
# | weights | those of the network, transposed | its own, bilinear at first |
# | learns | nothing | if you let it |
# | needs | a pass over the picture: which maximum won | a coarse map |
#
# The deconvnet is `minifcn/draw/networks/deconvnet.py`.
#
# > **Honesty box.** We measured one portrait, not a segmentation: `minifcn paper learned-upsampling` does that on shapes.
#
# **To keep:** a stride that does not divide the kernel paints checkerboards. Kernels may learn, and end near the tents. Zeiler and Fergus' deconvnet looks into a network; it upsamples no scores.
