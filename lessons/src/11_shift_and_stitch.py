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
# # 11 · Shift-and-stitch, and filter rarefaction
#
# **Question.** The network of lesson 09 answers for every 8th pixel. Upsampling (lesson 10) only guesses what lies between. Can the *same* trained network give its own
# answer at **every** pixel?
#
# **You need** lessons 08 and 09. **Time** 20 minutes to read, 35 for the exercises. **Paper** section 3.2.
#
# ## One row is enough
# A small network on a row of numbers: a convolution with kernel 3, then a max pool of 2 with stride 2. Its stride is 2, and a cell sees 4 numbers.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf
from minifcn import nn, ops

kernel = np.array([1, -2, 1])


def small(x):
    y = np.array([x[i : i + 3] @ kernel for i in range(len(x) - 2)])
    return np.array([max(y[i], y[i + 1]) for i in range(0, len(y) - 1, 2)])


row = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3])
small(row)

# %% [markdown]
# These are answers for the windows that begin at 0, 2, 4 and 6. What would it say about the windows that begin at 1, 3, 5? Nothing in the network needs to change. Leave out the first number, and it
# looks at exactly those:

# %%
print("windows at 0, 2, 4, 6:", small(row))
print("windows at 1, 3, 5:   ", small(row[1:]))
stitched = np.zeros(7, int)
stitched[0::2] = small(row)
stitched[1::2] = small(row[1:])
print("stitched:             ", stitched)
print("window by window:     ", np.array([small(row[i : i + 4])[0] for i in range(7)]))

# %% [markdown]
# **Shift** the input, run, and **stitch** the answers together, one from each run in turn. The last line is the definition of what we wanted: the network on each window by itself.
#
# ## In two dimensions
# A network of stride f needs f shifts along the rows times f along the columns: f² runs. This one has a stride of 4. Its weights are small integers, so that all numbers are exact and "equal" means equal.

# %%
rng = np.random.default_rng(0)


def whole_numbers(network):
    for parameter in network.parameters():
        parameter.data = rng.integers(-1, 2, parameter.shape).astype(float)
    return network


network = whole_numbers(
    nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 1, 3), nn.MaxPool2d(2)
    )
)
STRIDE, FIELD = 4, 10  # by the rule of lesson 08: 3, then 4 with stride 2, 8, then 10 with stride 4


def shift_and_stitch(network, x, stride, field):
    """The network's answers for the windows that begin at each pixel.

    Returns (N, 1, H - field + 1, W - field + 1).
    """
    rows, columns = (length - field + 1 for length in x.shape[2:])
    dense = np.zeros((len(x), 1, rows, columns))
    for i in range(stride):
        for j in range(stride):
            with mf.no_grad():
                dense[:, :, i::stride, j::stride] = network(x[:, :, i:, j:]).data
    return dense


x = rng.integers(0, 4, (1, 1, 21, 27)).astype(float)
dense = shift_and_stitch(network, x, STRIDE, FIELD)
with mf.no_grad():
    sparse = network(x).data
    one_by_one = np.array(
        [
            [network(x[:, :, i : i + 10, j : j + 10]).data[0, 0, 0, 0] for j in range(18)]
            for i in range(12)
        ]
    )
print("one run:", sparse.shape[2:], "  16 runs, stitched:", dense.shape[2:])
print("numbers that differ from window by window:", (dense[0, 0] != one_by_one).sum())

# %% tags=["figure"]
part = dense[0, 0, :8, :12]
colours = plt.get_cmap("tab20")(np.arange(16) % 20)
colours[:, 3] = 0.55
figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.3), width_ratios=(3, 12), layout="constrained")
for axis, numbers, title in (
    (axes[0], sparse[0, 0, :2, :3], "one run"),
    (axes[1], part, "16 runs stitched: each run has a colour; bold: the run on the left"),
):
    for (i, j), number in np.ndenumerate(numbers):
        run = 0 if numbers.shape == (2, 3) else (i % 4) * 4 + j % 4
        axis.add_patch(
            plt.Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=colours[run], edgecolor="white")
        )
        weight = "bold" if run == 0 else "normal"
        axis.text(j, i, f"{number:g}", ha="center", va="center", fontsize=8, fontweight=weight)
    axis.set(
        xlim=(-0.5, numbers.shape[1] - 0.5), ylim=(numbers.shape[0] - 0.5, -0.5), aspect="equal"
    )
    axis.set_title(title, fontsize=9)
    axis.axis("off")
look.show(
    figure,
    alt="Left 2 by 3 numbers of one run. Right 8 by 12 numbers in sixteen colours "
    "that repeat every four cells; the bold ones are the numbers on the left.",
)

# %% [markdown]
# Exactly the network's own answers, at sixteen times the work. Can one run give them all?
#
# ## Filter rarefaction
# Back to one row. Suppose the pool did not skip: stride 1 in place of 2. Then it has a result for *every* place, and every second one is what the strided pool kept.
#
# A convolution after the pool reads neighbours in the short row. In the long row the same numbers lie **two apart**. So spread its kernel: a zero between each tap and the next.
# **Before you run the next cell:** how long does a kernel of 3 become?

# %%
after = np.array([1, 10, 100])  # a second convolution, after the pool
spread = np.array([1, 0, 10, 0, 100])  # the same with a zero between its taps


def conv(x, kernel):
    return np.array([x[i : i + len(kernel)] @ kernel for i in range(len(x) - len(kernel) + 1)])


convolved = conv(row, kernel)
every_place = np.maximum(convolved[:-1], convolved[1:])  # the pool with stride 1
print("pool, stride 2:", small(row), "         then the kernel:        ", conv(small(row), after))
print("pool, stride 1:", every_place, "then the spread kernel: ", conv(every_place, spread))

# %% [markdown]
# Look at the ends of the lines. The two results above are the first and the third of the three below; the second is what the shifted row would have given. The paper calls it **filter
# rarefaction**; an older name is *algorithme à trous*, with holes; today most say **dilation** (lesson 04). A program need not multiply the zeros: it lets the taps lie further apart.
#
# For a whole network: set every stride to 1, and let the taps of every later layer, *pools too*, lie as far apart as the product of all strides before it.

# %%
first, second = network.layers[0], network.layers[3]


def rarefied(x):
    y = ops.relu(ops.conv2d(x, first.weight, first.bias))
    y = ops.max_pool2d(y, 2, stride=1)  # was stride 2
    y = ops.conv2d(y, second.weight, second.bias, dilation=2)
    return ops.max_pool2d(y, 2, stride=1, dilation=2)  # was stride 2


with mf.no_grad():
    in_one_run = rarefied(x).data
look.say(
    f"One run gives {in_one_run.shape[2]} × {in_one_run.shape[3]} numbers; "
    f"**{(in_one_run != dense).sum()}** of them differ "
    "from shift-and-stitch. All are whole numbers, so there is no rounding to hide behind."
)

# %% [markdown]
# ## Check: the same parameters, the same gradients
# Both are made of ordinary operations, so gradients flow. Are those the same too? Send the same random cotangent (lesson 03) into both, and compare the gradients of the first kernel.

# %%
from minifcn.models import dense as library

cotangent = rng.integers(-3, 4, dense.shape).astype(float)
gradients = []
for run in (lambda x: library.shift_and_stitch(network, x), rarefied):
    network.zero_grad()
    run(mf.Tensor(x)).backward(cotangent)
    gradients.append(first.weight.grad.copy())
print("largest gradient:", np.abs(gradients[0]).max())
print("largest difference:", np.abs(gradients[0] - gradients[1]).max())

# %% [markdown]
# ## What it looks like
# The classifier of lesson 08, made convolutional in lesson 09: stride 8. Its coarse map, the coarse map upsampled with tents (lesson 10), and its own answer at every pixel. `library.rarefy` does the rewriting.

# %%
from earlier import SIDE, convolutional, trained_classifier

from minifcn.data.synthetic.painting import paint
from minifcn.models.preprocessing import Preprocessing
from minifcn.nn.initialisers import bilinear

shapes = convolutional(trained_classifier())
dense_shapes = library.rarefy(shapes)


def run_and_count(network, x):
    """Scores, and the multiplications that they cost."""
    total = 0
    with mf.no_grad():
        for layer in network.layers:
            x = layer(x)
            if isinstance(layer, nn.Conv2d):
                total += x.shape[2] * x.shape[3] * layer.weight.data.size
    return x.data, total


pictures, correct = [], {"stride 8, nearest": [], "stride 8, tents": [], "every pixel": []}
for seed in range(8):
    picture, labels = paint((96, 128), np.random.default_rng(seed))
    # (1, 9, 7, 11): middles at 23, 31, 39, …
    coarse, one_run = run_and_count(shapes, Preprocessing()(picture))
    # middles at 23, 24, 25, …
    finest, one_rarefied = run_and_count(dense_shapes, Preprocessing()(picture))
    tents = ops.conv_transpose2d(coarse, bilinear(9, 15), stride=8, groups=9).data[0, :, 7:-7, 7:-7]
    rows, columns = tents.shape[1:]  # from the first middle to the last
    truth = labels[SIDE // 2 :, SIDE // 2 :][:rows, :columns]
    nearest = coarse[0].argmax(0).repeat(8, 0).repeat(8, 1)[4:, 4:][:rows, :columns]
    guesses = [nearest, tents.argmax(0), finest[0, :, :rows, :columns].argmax(0)]
    for name, guess in zip(correct, guesses, strict=True):
        correct[name].append((guess == truth)[truth != 255].mean())
    pictures.append((picture[SIDE // 2 :, SIDE // 2 :][:rows, :columns], truth, *guesses))
look.say(
    f"Multiplications for a picture: one run {one_run / 1e6:.0f} million, 64 shifted runs up to "
    f"{64 * one_run / 1e6:.0f} million, the rarefied network {one_rarefied / 1e6:.0f} million."
)

# %% tags=["figure", "picture"]
from matplotlib.colors import ListedColormap

palette = [
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
figure, axes = plt.subplots(2, 5, figsize=(7.8, 2.7), layout="constrained")
for line, (picture, truth, *guesses) in zip(axes, (pictures[3], pictures[6]), strict=True):
    line[0].imshow(picture)
    for axis, values in zip(line[1:], (np.ma.masked_equal(truth, 255), *guesses), strict=True):
        axis.imshow(
            values, cmap=ListedColormap(palette), vmin=-0.5, vmax=8.5, interpolation="nearest"
        )
for axis, title in zip(axes[0], ("picture, inner part", "labels", *correct), strict=True):
    axis.set_title(title, fontsize=9)
for axis in axes.flat:
    axis.set(xticks=[], yticks=[])
look.show(
    figure,
    alt="Parts of two pictures, their labels, and three segmentations each: coarse squares, "
    "the same with smooth borders, and one with an answer of the network at each pixel.",
)
words = [f"{name} **{100 * np.mean(shares):.1f} %**" for name, shares in correct.items()]
look.say(
    f"Colours: a class each, grey is background. Pixels right, of {len(pictures)} pictures: "
    f"{', '.join(words)}."
)

# %% [markdown]
# Now each pixel has the network's own answer. But each answer still comes from a window of 47 × 47 pixels, and neighbours see nearly the same: answering at every pixel is not seeing *sharper*. Compare the last
# two numbers: was it worth the work? The paper tried shift-and-stitch, did not use it, and looked for finer information elsewhere: in earlier layers (lessons 14 and 15).
#
# ## Padding breaks it
# Our networks did not pad. Give both convolutions of the small one a padding of 1, as VGG has, and compare again. **Before you run the next cell:** at which borders will the two differ?

# %% tags=["figure"]
padded = whole_numbers(
    nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 1, 3, padding=1), nn.MaxPool2d(2),
    )
)  # fmt: skip
x = rng.integers(0, 9, (1, 1, 24, 30)).astype(float)
with mf.no_grad():
    differ = (library.shift_and_stitch(padded, x).data != library.rarefy(padded)(x).data)[0, 0]
rows, columns = library.exact_cells(padded, (24, 30))
figure, axis = plt.subplots(figsize=(4.5, 2.6))
axis.imshow(differ, cmap=ListedColormap(["#e8e8e8", look.RED]))
corner = (columns.start - 0.5, rows.start - 0.5)
size = columns.stop - columns.start, rows.stop - rows.start
axis.add_patch(plt.Rectangle(corner, *size, fill=False, edgecolor=look.BLUE, linewidth=2))
axis.set(xlabel="column of the dense scores", ylabel="row")
look.show(
    figure,
    alt="Red cells, where the two differ, in the first rows and first columns only; a blue "
    "frame round all others.",
)
look.say(
    f"Red: {differ.sum()} of {differ.size} cells differ, all in the first {rows.start} rows or "
    f"{columns.start} columns. Inside the blue frame, from `exact_cells`: "
    f"{differ[rows, columns].sum()}."
)

# %% [markdown]
# Why only above and on the left? A picture shifted by i begins i pixels later, and so do the zeros in front of it: they lie on pixels that the rarefied network still sees. At its lower and right end nothing was
# cut off: all shifted pictures end where the picture ends, and so does their padding.
#
# ## In the library
# `minifcn/models/dense.py` has all three: `shift_and_stitch(layers, x)`, `rarefy(layers)`, which makes a network on the *same* parameters, and `exact_cells`. All take the `stride` that shall be left, for those who want to remove
# only some: 8 in place of 32 is what DeepLab does.

# %%
for layer in library.rarefy(network).layers:
    if hasattr(layer, "window"):
        window = layer.window
        print(
            f"{type(layer).__name__:10} kernel {window.kernel[0]}  stride {window.stride[0]}  "
            f"dilation {window.dilation[0]}"
        )

# %% [markdown]
# > **Honesty box.** The paper shifts the picture right and down by padding it; we cut rows and columns off, which gives the same windows with less to explain. Its formula spreads filters and does not mention the later pools, which must be
# > spread as well. Pools that round up (`ceil_mode`, Caffe's habit) make cells at the far end that hang over the border; `dense.py` cuts them off. In PyTorch it is `dilation=`, for convolutions and max pools. Our pixel
# > accuracies are of eight painted pictures and a network trained for seconds.
#
# ## Exercises
# **1 · S.** Spread a filter: s − 1 zeros between neighbouring taps, along both axes, and none outside.
#
# <details><summary>Hint</summary>Start from zeros. Which slice of the result holds the taps?</details>


# %%
def my_rarefied_filter(weight, s):
    """weight: (O, C, KH, KW). Returns (O, C, s·(KH - 1) + 1, s·(KW - 1) + 1)."""
    ...


check.rarefied_filter(my_rarefied_filter)

# %% [markdown]
# **2 · M.** Rarefy a network that is given as a list: every layer, convolution or pool, is (kernel, stride). Return (kernel, 1, dilation) for each.
#
# <details><summary>Hint</summary>Walk from the picture on, and keep one number. When does a layer's own stride go into it: before or after you write the layer down?</details>


# %%
def my_rarefied_layers(layers):
    """layers: [(kernel, stride), …] from the picture on. Returns [(kernel, 1, dilation), …]."""
    ...


check.rarefied_layers(my_rarefied_layers)

# %% [markdown]
# **3 · M.** Shift-and-stitch for any network without padding, of total stride f. You are not told how many channels come out, and the picture may be so small that some shifts leave no whole window: those must not be run.
#
# <details><summary>Hint</summary>There are H − field + 1 rows of answers. If that is less than f, only so many shifts are needed. Make the result when the first run tells you its channels.</details>


# %%
def my_shift_and_stitch(network, x, f, field):
    """network: array -> array, (N, C, H, W) -> (N, O, h, w).

    Returns (N, O, H - field + 1, W - field + 1).
    """
    ...


check.shift_and_stitch(my_shift_and_stitch)

# %% [markdown]
# ## Summary
# - $f^2$ runs on shifted pictures, interlaced, give the network's own answer at every pixel.
# - One run gives the same numbers if strides become 1 and all later taps, of filters and pools, lie apart by the product of the strides removed.
# - Padding inside the network breaks the equality, at the upper and left border only; and denser is not sharper.
#
# ## In the paper
# Section 3.2 presents both as ways to dense prediction. Less subsampling alone, it says, is a trade-off: finer information, but smaller receptive fields and more time. Shift-and-stitch is another: denser output from the same fields, but
# no information finer than the filters were made for. The authors do not use it; they find learned upsampling more effective and efficient, above all with fused layers (lesson 14).
