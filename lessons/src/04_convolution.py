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
# # 04 · Convolution, forward
#
# **Question.** A convolution slides a small window over a picture. What exactly does it compute, how large is the result, and how can *one* matrix product do all of it?
#
# **You need** lesson 02 (`Tensor`). **Time** 20 minutes to read, 35 for the exercises. **Paper** section 3.
#
# ## One row is enough
# Forget pictures: take a row of numbers, and a short row of weights, the *kernel*. Lay the kernel over the first numbers, multiply what lies on top of each other, add up. Move on by the *stride*, and again.

# %%
import inspect
import time

import check
import look
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import minifcn as mf
from minifcn.draw.pictures.sample import portrait
from minifcn.kernels import simple


def convolve_row(x, kernel, stride=1):
    count = (len(x) - len(kernel)) // stride + 1  # how many windows fit
    starts = [i * stride for i in range(count)]
    return np.array([x[start : start + len(kernel)] @ kernel for start in starts])


row = np.array([1.0, 1.0, 1.0, 5.0, 5.0, 5.0, 2.0])
convolve_row(row, np.array([-1.0, 0.0, 1.0]))

# %% [markdown]
# This kernel takes the number on its right minus the number on its left. It is silent where nothing changes, and speaks up at an *edge*: positive where the row rises, negative where
# it falls. The same three weights look at every place; that is why a convolution needs few weights, and why it finds a thing wherever it is.
#
# **Before you run the next cell:** which of the seven numbers does a stride of 3 never look at?

# %%
print(convolve_row(row, np.array([-1.0, 0.0, 1.0]), stride=3))

# %% [markdown]
# The last one: a third window would need two numbers that are not there. And the edges fell between two windows: both results are 0. A large stride saves work, and misses things.
#
# ## A picture
# Two axes instead of one, nothing else changes. The window is now a small rectangle.
#
# ![A window of three by three moves over a picture of numbers, place by place; each time one number of the result appears.](figures/sliding.svg)


# %%
def convolve_picture(x, kernel):
    """x (H, W), kernel (KH, KW) -> one number for each window, stride 1."""
    (h, w), (kh, kw) = x.shape, kernel.shape
    y = np.zeros((h - kh + 1, w - kw + 1))
    for i, j in np.ndindex(y.shape):
        y[i, j] = (x[i : i + kh, j : j + kw] * kernel).sum()
    return y


def grey_picture():
    """matplotlib's sample portrait in grey, 0 to 1; where it is not installed, a disc."""
    file = portrait()
    if file is None:
        down, right = np.mgrid[-1:1:200j, -1:1:170j]
        return (down**2 + right**2 < 0.5) * 1.0
    return np.asarray(Image.open(file).convert("L").resize((170, 200)), float) / 255


kernels = {
    "blur": np.full((5, 5), 1 / 25),
    "vertical edges": np.array([[-1.0, 0.0, 1.0]] * 3),
    "horizontal edges": np.array([[-1.0, 0.0, 1.0]] * 3).T,
}
picture = grey_picture()
results = {name: convolve_picture(picture, kernel) for name, kernel in kernels.items()}

# %% tags=["figure"]
figure, axes = plt.subplots(1, 4, figsize=(8, 2.9))
for axis, (name, image) in zip(axes, {"picture": picture, **results}.items(), strict=True):
    edges = name.endswith("edges")
    limits = dict(cmap="PuOr", vmin=-1.5, vmax=1.5) if edges else dict(cmap="gray", vmin=0, vmax=1)
    axis.imshow(image, **limits)
    axis.set_title(name, fontsize=10)
    axis.axis("off")
figure.tight_layout()
look.show(
    figure,
    alt="A portrait in grey, the same blurred, and two maps with the vertical and the horizontal "
    "edges in violet where it gets lighter and orange where it gets darker.",
)

# %% [markdown]
# People used to design such kernels. A network *learns* them: they are its weights.
#
# ## Channels: the whole definition
# A colour picture has three *channels*; inside a network there may be hundreds. A window then reaches through **all** channels of its input, and the weight has a number for each of them. One such weight makes
# one map; O of them make O maps, the output channels. With N pictures at once, a *batch*, the shapes are
#
# | | |
# |---|---|
# | x | (N, C, H, W) |
# | weight | (O, C, KH, KW) |
# | bias | (O,): one number for each output channel, added everywhere |
# | result | (N, O, OH, OW) |
#
# And there is *padding*: rows and columns of zeros around the picture, so that windows fit at the rim too.


# %%
def convolve_loops(x, weight, bias, stride=1, padding=0):
    (n, _, h, w), (o, _, kh, kw) = x.shape, weight.shape
    rim = (padding, padding)
    x = np.pad(x, ((0, 0), (0, 0), rim, rim))
    oh, ow = (h + 2 * padding - kh) // stride + 1, (w + 2 * padding - kw) // stride + 1
    y = np.zeros((n, o, oh, ow))
    for picture, channel, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        window = x[picture, :, top : top + kh, left : left + kw]  # (C, KH, KW)
        y[picture, channel, i, j] = (window * weight[channel]).sum() + bias[channel]
    return y


rng = np.random.default_rng(0)
x = rng.standard_normal((2, 3, 8, 9))
weight, bias = rng.standard_normal((4, 3, 3, 3)), rng.standard_normal(4)
print(convolve_loops(x, weight, bias, stride=2, padding=1).shape)

# %% [markdown]
# ## How large is the result?
# One line of the code above says it:
#
# $$OH = \left\lfloor \frac{H + 2\,\text{padding} - KH}{\text{stride}} \right\rfloor + 1$$
#
# Read it as: after the first window, how often can we still move on? The brackets round down, `//` in Python: a window that would hang over the edge is not made. Here are all windows over a row of 8.

# %% tags=["figure"]
figure, axes = plt.subplots(4, 1, figsize=(7.5, 4.6), sharex=True)
for axis, (kernel, stride, padding) in zip(
    axes, ((3, 1, 0), (3, 2, 0), (3, 2, 1), (2, 3, 0)), strict=True
):
    count = (8 + 2 * padding - kernel) // stride + 1
    looked_at = np.zeros(8 + 2 * padding, bool)
    for i in range(count):
        start = i * stride - padding
        looked_at[i * stride : i * stride + kernel] = True
        colour = (look.BLUE, look.ORANGE, look.GREEN)[i % 3]
        axis.plot(
            [start - 0.4, start + kernel - 0.6],
            [-0.7 - 0.45 * (i % 3)] * 2,
            color=colour,
            linewidth=4,
        )
    for place, seen in zip(range(-padding, 8 + padding), looked_at, strict=True):
        inside = 0 <= place < 8
        axis.text(place, 0, place if inside else "0", ha="center", va="center", fontsize=9,
                  color=look.BLACK if inside else "#888888",
                  fontweight="normal" if seen else "bold",
                  bbox=dict(boxstyle="square", facecolor="#eeeeee" if seen else "white",
                            edgecolor=look.RED if not seen else "#bbbbbb"))  # fmt: skip
    axis.set(ylim=(-2, 0.6), xlim=(-1.6, 10.2), yticks=[], xticks=[])
    options = f"kernel {kernel}\nstride {stride}\npadding {padding}"
    axis.set_ylabel(options, rotation=0, ha="right", va="center", fontsize=8)
    axis.text(9, 0, f"{count} windows", fontsize=9, va="center")
    axis.spines[:].set_visible(False)
figure.tight_layout()
look.show(
    figure,
    alt="Four rows of eight cells with bars under them, one a window: 6, 3, 4 and 3 windows. "
    "Cells in red frames are in no window: at stride 2 the last one, which with padding is a "
    "zero; at stride 3 two.",
)

# %% [markdown]
# Red frames: pixels that **no** window looks at. They cannot change the result, so their gradient will be zero (lesson 05). With kernel 3, padding 1 and stride 1 the size stays as it is; VGG16, the
# classifier that FCN starts from, has only convolutions like this.
#
# ## One matrix product
# The loops are right, but slow. Look at the innermost line: a window times a weight, added up. That is a dot product of two rows of C · KH · KW numbers. And many dot products at once are a *matrix product*, which
# computers are very fast at. So:
#
# 1. copy every window into a row of a matrix;
# 2. write every weight as a column of another;
# 3. multiply.
#
# NumPy can give all windows at once, without a copy, as a *view* of the picture: `sliding_window_view`.

# %%
small = np.arange(16.0).reshape(4, 4)
windows = np.lib.stride_tricks.sliding_window_view(small, (2, 2))  # (OH, OW, KH, KW)
rows = windows.reshape(9, 4)  # a row for each window: this copies
column = np.array([1.0, 2.0, 3.0, 4.0])  # the kernel [[1, 2], [3, 4]]
result = rows @ column

# %% tags=["figure"]
chosen = 5  # the window that is marked
figure, axes = plt.subplots(1, 4, figsize=(8, 3.3), width_ratios=(4, 4, 1, 3))
parts = (small, rows, column[:, None], result.reshape(3, 3))
titles = ("picture, 4 × 4", "9 windows, a row each", "kernel", "result, 3 × 3")
for axis, part, title in zip(axes, parts, titles, strict=True):
    axis.imshow(np.full(part.shape, np.nan))
    for (i, j), value in np.ndenumerate(part):
        axis.text(j, i, f"{value:g}", ha="center", va="center", fontsize=9)
    axis.set_title(title, fontsize=9)
    axis.set(xticks=np.arange(part.shape[1] + 1) - 0.5, yticks=np.arange(part.shape[0] + 1) - 0.5)
    axis.tick_params(length=0, labelbottom=False, labelleft=False)
    axis.grid(color="#bbbbbb")
i, j = divmod(chosen, 3)
marks = ((axes[0], (j, i), 2, 2), (axes[1], (0, chosen), 4, 1), (axes[3], (j, i), 1, 1))
for axis, corner, width, height in marks:
    place = (corner[0] - 0.5, corner[1] - 0.5)
    axis.add_patch(plt.Rectangle(place, width, height, facecolor=look.ORANGE, alpha=0.4))
look.show(
    figure,
    alt="A grid of 16 numbers, a matrix whose 9 rows are its 2 by 2 windows, the kernel as a "
    "column, and the 3 by 3 result. The same window is marked in picture, matrix and result.",
)


# %%
def window_rows(x, kernel, stride, padding):
    """x (N, C, H, W) -> every window as a row, (N·OH·OW, C·KH·KW), and the size (OH, OW)."""
    rim = (padding, padding)
    x = np.pad(x, ((0, 0), (0, 0), rim, rim))
    # (N, C, …, …, KH, KW)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, OH, OW, KH, KW)
    n, c, oh, ow, kh, kw = windows.shape
    # (N, OH, OW, C, KH, KW): what belongs to a window comes last
    rows = windows.transpose(0, 2, 3, 1, 4, 5)
    return rows.reshape(n * oh * ow, c * kh * kw), (oh, ow)


def convolve(x, weight, bias, stride=1, padding=0):
    n, o = len(x), len(weight)
    rows, (oh, ow) = window_rows(x, weight.shape[2:], stride, padding)
    product = rows @ weight.reshape(o, -1).T + bias  # (N·OH·OW, O)
    return product.reshape(n, oh, ow, o).transpose(0, 3, 1, 2)  # (N, O, OH, OW)


# %% [markdown]
# ## Check
# The loops are the definition. Does the matrix product give the same, and does the library?

# %%
worst, cases = 0.0, 0
for stride in (1, 2, 3):
    for padding in (0, 1, 2):
        wanted = convolve_loops(x, weight, bias, stride, padding)
        for found in (
            convolve(x, weight, bias, stride, padding),
            mf.ops.conv2d(x, weight, bias, stride=stride, padding=padding).data,
        ):
            worst, cases = max(worst, np.abs(found - wanted).max()), cases + 1
look.say(f"{cases} comparisons, largest difference {worst:.0e}.")

# %%
large = rng.standard_normal((1, 16, 60, 60))
weights, biases = rng.standard_normal((16, 16, 3, 3)), np.zeros(16)
seconds = {}
for function in (convolve_loops, convolve):
    runs = []
    for _ in range(3 if function is convolve_loops else 50):
        started = time.perf_counter()
        function(large, weights, biases)
        runs.append(time.perf_counter() - started)
    seconds[function] = min(runs)
ratio = seconds[convolve_loops] / seconds[convolve]
rows, _ = window_rows(large, (3, 3), 1, 0)
look.say(
    f"On the machine that made this page the product was about **{float(f'{ratio:.1g}'):.0f} "
    "times** as fast as the loops (on yours the number will differ). The price is memory: the "
    f"rows hold {rows.size / large.size:.1f} times as many numbers as the picture."
)

# %% [markdown]
# ## In the library
# `minifcn/kernels/simple.py` holds the convolution that is written to be read. It is our product, with groups:

# %%
print(inspect.getsource(simple.conv2d))

# %% [markdown]
# `columns`, above it in the file, makes the rows; it keeps the channels last, because neighbouring numbers are copied faster. Around it, `minifcn/ops/convolution.py` checks the arguments and adds
# the backward. What normally runs is in `minifcn/kernels/cpu/window_tiles.py` and its neighbours: the same product, in tiles small enough for the processor's cache, and for 3 × 3 kernels
# another algorithm altogether. Lesson 20 opens them.
#
# > **Honesty box.** Mathematicians flip the kernel before they slide it, and call what we did *cross-correlation*. Every deep learning library does what we did and says convolution: if the kernel is learned, it makes no difference.
# > PyTorch's `conv2d` has the same arguments and the same sizes. Caffe multiplies weights by windows too, and calls the copying *im2col*. We left out *dilation* (exercise 3) and *groups* (the input
# > channels in separate bunches, each with its own kernels: AlexNet). And padding with zeros is a lie: the world does not end at the edge of a picture. Lesson 13 has to deal with that.
#
# ## Exercises
# **1 · S.** How many windows fit? Everything is a pair now, (vertical, horizontal): the size of the picture, the kernel, the stride, the padding.
#
# <details><summary>Hint</summary>The formula of this lesson, twice.</details>


# %%
def my_conv2d_size(size, kernel, stride, padding):
    """Four pairs of integers. Returns (OH, OW)."""
    ...


check.conv2d_size(my_conv2d_size)

# %% [markdown]
# **2 · M.** A third way to write a convolution, without copying windows. Fix one *tap*, a place (i, j) of the kernel, and ask what it sees of all windows together: a shifted, strided view of the picture. Add up
# the taps. Loop over the kernel only, never over the picture.
#
# <details><summary>Hint</summary>Tap (i, j) sees <code>x[:, :, i : i + stride * (OH - 1) + 1 : stride, …]</code>, (N, C, OH, OW). Its weights are <code>weight[:, :, i, j]</code>, (O, C).
# <code>np.einsum("nchw,oc->nohw", …)</code> brings them together.</details>


# %%
def my_conv2d_taps(x, weight, stride, padding):
    """x (N, C, H, W), weight (O, C, KH, KW), stride and padding integers.

    Returns (N, O, OH, OW).
    """
    ...


check.conv2d_taps(my_conv2d_taps)

# %% [markdown]
# **3 · M.** *Dilation* pulls the taps apart: with dilation 2 a kernel of 3 × 3 looks at every second pixel of a 5 × 5 window. Write the whole thing with stride, padding and dilation, each a pair. (Lesson 11 needs it: it is the
# paper's "filter rarefaction".)
#
# <details><summary>Hint</summary>Your taps from exercise 2 need one more factor. A window now spans dilation · (kernel − 1) + 1 pixels; that is what must fit.</details>


# %%
def my_conv2d_dilated(x, weight, bias, stride, padding, dilation):
    """bias (O,); stride, padding and dilation: (vertical, horizontal). Returns (N, O, OH, OW)."""
    ...


check.conv2d_dilated(my_conv2d_dilated)

# %% [markdown]
# ## Summary
# - Each result is a window times a weight, added up over all channels, plus a bias.
# - $OH = \lfloor (H + 2\,\text{padding} - KH) / \text{stride} \rfloor + 1$; no window sees what is left over at the end.
# - Windows as rows, weights as columns: one matrix product, fast, and paid for with memory.
#
# ## In the paper
# Section 3 writes a layer as $y_{ij} = f(\{x_{si+\delta i,\, sj+\delta j}\},\ 0 \le \delta i, \delta j \le k)$: any function f of a window of size k that moves by the stride s (a window of k pixels ends at k − 1; they print k). Convolution, pooling and ReLU are the f's of an FCN. Because the formula
# never mentions the size of the picture, a network made of such layers alone takes pictures of any size. That is "fully convolutional"; lesson 09 uses it.
