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
# # 08 · A classifier, its receptive field and its stride
#
# **Question.** A network turns many pixels into a few numbers. Which pixels can change *one* of those numbers? And how far do we move
# over the picture when we go from one number to its neighbour?
#
# **You need** lessons 04 (convolution), 06 (max pool) and 07 (the loss). **Time** 20 minutes to read, 35 for the exercises. **Paper** section 3 and Table 1.
#
# ## A small classifier
# A *classifier* takes a picture of one fixed size and answers with one score for each class: the class with the largest score is its guess.
#
# Ours looks at a *window* of 47 × 47 pixels and says what lies at the window's **middle pixel**: background, or one of eight shapes. (47 is
# odd, so there is a middle pixel.) The pictures come from `minifcn.data`, which paints shapes together with their labels. A label of 255
# means *void*: too near to an edge to say.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
import play

import minifcn as mf
from minifcn import nn, ops
from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.models.preprocessing import Preprocessing

SIDE = 47


# %%
def windows(count, seed):
    """Windows, uint8 (count, SIDE, SIDE, 3), and the label of each one's middle pixel, 0 to 8."""
    rng = np.random.default_rng(seed)
    pixels, classes, margin = [], [], SIDE // 2
    while len(pixels) < count:
        picture, labels = paint((64, 80), rng)
        middles = labels[margin:-margin, margin:-margin]  # windows round these lie in the picture
        for label in np.unique(middles[middles != 255]):
            rows, columns = np.nonzero(middles == label)
            for place in rng.integers(len(rows), size=2 if label else 1):
                top, left = rows[place], columns[place]
                pixels.append(picture[top : top + SIDE, left : left + SIDE])
                classes.append(label)
    return np.array(pixels[:count]), np.array(classes[:count])


pixels, classes = windows(2000, seed=0)
unseen_pixels, unseen_classes = windows(500, seed=1)  # never trained on
pixels.shape, classes.shape

# %% tags=["figure"]
figure, axes = plt.subplots(2, 6, figsize=(7.5, 3))
for axis, window, label in zip(axes.flat, pixels, classes, strict=False):
    axis.imshow(window)
    axis.plot(SIDE // 2, SIDE // 2, "+", color="white", markersize=9, markeredgewidth=2)
    axis.set_title(SHAPE_CLASSES[label], fontsize=9)
    axis.axis("off")
figure.tight_layout()
look.show(
    figure,
    alt="Twelve windows with textured shapes in them; a white cross marks the middle pixel, "
    "the title says what lies there.",
)

# %% [markdown]
# The network: three convolutions with ReLUs and max pools between them (lesson 06), and then two *fully connected* layers, `nn.Linear`. In such a layer every
# output has a weight of its own for *every* number that comes in: one matrix. For that the map is first *flattened* into one long row of numbers, and this is why
# such a network takes windows of one size only: another size would give a row of another length.
#
# Two things to take on trust here: `Preprocessing()` turns pictures, uint8 (N, H, W, 3), into float32 (N, 3, H, W) with values around zero; and `mf.optim.Adam` makes the
# steps down the slope, each weight's step scaled by how large its gradients have been (`minifcn/nn/simple.py`).


# %%
class Flatten(nn.Module):
    def forward(self, x):
        return ops.reshape(x, (x.shape[0], -1))  # (N, C, H, W) -> (N, C·H·W)


def new_classifier():
    return nn.Sequential(
        nn.Conv2d(3, 12, 5, stride=2), nn.ReLU(),
        nn.Conv2d(12, 24, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3), nn.ReLU(), nn.MaxPool2d(2),
        Flatten(), nn.Linear(48 * 4 * 4, 96), nn.ReLU(),
        nn.Linear(96, len(SHAPE_CLASSES)),
    )  # fmt: skip


def train(classifier, pixels, classes, steps=300, batch=32, rate=3e-3, seed=0):
    """Train in place on random batches, mirrored and turned at random; the loss of every step."""
    rng, x, losses = np.random.default_rng(seed), Preprocessing()(pixels), []
    optimiser = mf.optim.Adam(classifier.parameters(), lr=rate)
    for step in range(steps):
        chosen = rng.integers(len(x), size=batch)
        seen = x[chosen]
        if rng.random() < 0.5:
            seen = seen[:, :, ::-1]  # upside down: a shape stays that shape
        if rng.random() < 0.5:
            seen = seen.transpose(0, 1, 3, 2)  # rows and columns exchanged
        loss = ops.softmax_cross_entropy(classifier(seen), classes[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.lr = rate * (1 - step / steps)  # smaller and smaller steps
        optimiser.step()
        losses.append(float(loss.data))
    return losses


mf.manual_seed(0)
classifier = new_classifier()
losses = train(classifier, pixels, classes)

# %%
with mf.no_grad():
    guesses = classifier(Preprocessing()(unseen_pixels)).data.argmax(1)
right = (guesses == unseen_classes).mean()
commonest = np.bincount(unseen_classes).max() / len(unseen_classes)
look.say(
    f"Of {len(guesses)} windows it has never seen it gets **{100 * right:.0f} %** right. "
    f"Always saying the commonest class would get {100 * commonest:.0f} %. The loss fell from "
    f"{np.mean(losses[:10]):.2f} to {np.mean(losses[-30:]):.2f} (nine equal scores: ln 9 = "
    f"{np.log(9):.2f})."
)

# %% [markdown]
# Not brilliant, but it trained for seconds only, and it is good enough to look inside.
#
# ## Follow the numbers down
# Here is the size of every map on the way. Rows and columns shrink, channels grow.

# %%
x = Preprocessing()(pixels[:1])
for layer in classifier.layers:
    x = layer(x)
    if not isinstance(layer, nn.ReLU):  # ReLU keeps the size
        print(f"{type(layer).__name__:10} {' x '.join(map(str, x.shape[1:]))}")

# %% [markdown]
# After the second pool there are 4 × 4 places, with 48 numbers each. We call a place of a map a **cell**.
#
# **Before you read on:** 47 pixels, 4 cells in a row. How many of the 47 does one of these cells see? About 47 / 4 = 12? Write your guess down.
#
# ## One row is enough
# Forget pictures: a row of pixels, a convolution with kernel 3, a pool of 2 with stride 2, a convolution with kernel 3. Follow the lines from one cell
# of the last row up to the pixels.

# %% tags=["figure"]
small = [(3, 1), (2, 2), (3, 1)]  # (kernel, stride) of each layer
places = [np.arange(12.0)]  # where each cell is drawn: in the middle of what it sees
for kernel, stride in small:
    count = (len(places[-1]) - kernel) // stride + 1
    places.append(
        np.array([places[-1][i * stride : i * stride + kernel].mean() for i in range(count)])
    )

figure, axis = plt.subplots(figsize=(7.5, 3))
for level, row in enumerate(places):
    axis.plot(row, [-level] * len(row), "o", color="#cccccc", markersize=9)
seen = []
for cell, colour, width in ((0, look.BLUE, 3), (1, look.ORANGE, 1.2)):
    cells = {cell}
    for level in (3, 2, 1):  # from the last row up to the pixels
        kernel, stride = small[level - 1]
        lines = [(i, i * stride + tap) for i in cells for tap in range(kernel)]
        for i, j in lines:
            ends = places[level][i], places[level - 1][j]
            axis.plot(
                ends,
                (-level, 1 - level),
                "o-",
                color=colour,
                linewidth=width,
                markersize=4 * width**0.5,
            )
        cells = {j for _, j in lines}
    seen.append(sorted(cells))
axis.set_yticks([0, -1, -2, -3], ["pixels", "conv, kernel 3", "pool 2, stride 2", "conv, kernel 3"])
axis.set(xticks=range(12), xlabel="pixel")
axis.spines[["top", "right", "left"]].set_visible(False)
look.show(
    figure,
    alt="Four rows of dots. From cell 0 of the lowest row lines fan out to pixels 0 to 7, "
    "from cell 1 to pixels 2 to 9.",
)
blue, orange = seen
look.say(
    f"Blue: cell 0 sees pixels {blue[0]} to {blue[-1]}, **{len(blue)}** of them. "
    f"Orange: cell 1 sees pixels {orange[0]} to {orange[-1]}, **{orange[0] - blue[0]}** further."
)

# %% [markdown]
# Two numbers describe what a cell of a layer sees:
#
# - the size of its **receptive field**: how many neighbouring pixels of the row it sees, here 8;
# - its **stride**: how many pixels further its neighbour looks, here 2.
#
# Both follow from the layers, one by one. The cells that a layer reads lie some pixels apart: call that the *stride so far*. A window of 3 cells reaches 2 of those steps further than
# one cell alone. So layer after layer, with $k$ its kernel, $s$ its stride and $S$ the stride so far:
#
# $$\text{field} \leftarrow \text{field} + (k - 1)\, S, \qquad \text{then} \quad S \leftarrow S \cdot s$$


# %%
def receptive_field(layers):
    """layers: (kernel, stride) of each. What one cell after them sees: (size, stride) in pixels."""
    size, stride = 1, 1  # a pixel sees itself, and its neighbour is one pixel away
    for kernel, own_stride in layers:
        size += (kernel - 1) * stride
        stride *= own_stride
    return size, stride


receptive_field([(3, 1), (2, 2), (3, 1)])

# %% [markdown]
# Now our classifier, layer by layer. Was your guess near?

# %% tags=["answer"]
names = ["conv1", "conv2", "pool1", "conv3", "pool2", "fully connected"]
layers = [(5, 2), (3, 1), (2, 2), (3, 1), (2, 2), (4, 1)]  # (kernel, stride)
for end, name in enumerate(names, 1):
    size, stride = receptive_field(layers[:end])
    print(f"{name:16} sees {size:2} pixels, stride {stride}")

# %% [markdown]
# A cell of the 4 × 4 map (pool2) sees 23 pixels in each direction, not 12: the fields of neighbours **overlap**, since the next one begins only 8 pixels further. Together the four see
# 23 + 3 · 8 = 47 pixels. The first fully connected layer meets all of them, so it acts like a kernel of 4 × 4 cells, which sees the whole window of 47 × 47 pixels. Remember that for lesson 09.
#
# ## Measure it
# Do not just believe a rule that can be measured. A pixel matters to a cell if the cell's gradient with respect to the pixel is not zero. So: put a gradient of 1 on
# one cell of the 4 × 4 map and 0 on the others, walk back, and see which pixels got something.
#
# **Before you run the next cell:** the rule says 23 × 23 pixels. Will all of them have a gradient that is not zero?

# %%
to_pool2 = nn.Sequential(*classifier.layers[:8])  # up to the 4 x 4 map


def gradient_of_cell(net, x, row, column, channels=slice(None)):
    """The gradient of the sum of one cell's channels with respect to x: an array of x's shape."""
    x = mf.Tensor(x, requires_grad=True)
    with mf.kernels.use("simple"):  # the fast kernels round: a 0 may come out as 0.00000001
        y = net(x)
        one_cell = np.zeros(y.shape, y.dtype)
        one_cell[:, channels, row, column] = 1
        y.backward(one_cell)
    return x.grad


x = Preprocessing()(unseen_pixels[:64])
# (H, W): in any colour
one_channel = (gradient_of_cell(to_pool2, x[:1], 1, 2, channels=0) != 0).any((0, 1))
one_window = (gradient_of_cell(to_pool2, x[:1], 1, 2) != 0).any((0, 1))
many_windows = (gradient_of_cell(to_pool2, x, 1, 2) != 0).any((0, 1))

# %% tags=["figure"]
figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.9))
size, stride = receptive_field(layers[:5])
masks = {"one channel": one_channel, "one window": one_window, "64 windows": many_windows}
for axis, (title, mask) in zip(axes, masks.items(), strict=True):
    axis.imshow(np.where(mask, 1.0, 0.0), cmap="Blues", vmin=0, vmax=1.4)
    corner = (2 * stride - 0.5, 1 * stride - 0.5)
    axis.add_patch(plt.Rectangle(corner, size, size, fill=False, edgecolor=look.RED, linewidth=2))
    axis.set_title(f"{title}: {mask.sum()} pixels", fontsize=9)
    axis.set_xlabel("column")
axes[0].set_ylabel("row")
figure.tight_layout()
look.show(
    figure,
    alt="Blue pixels have a gradient. With one window, above all with one channel, parts of the "
    "red square of 23 by 23 stay pale; with 64 windows all of it is blue. Outside of the square "
    "nothing is.",
)
look.say(
    f"The red square is what the rule says for cell (1, 2): {size} × {size} = {size * size} "
    f"pixels, from row {1 * stride} and column {2 * stride} on."
)

# %% [markdown]
# Left: one of the 48 channels, for one window. Middle: all channels, for the same window. Right: for 64 windows. Why are there gaps in the square? A max pool sends its
# gradient to the winner alone, and a ReLU sends none where it was below zero (lesson 06). Another window has other winners. The field is what *can*
# matter, for some picture.
#
# ## Check
# All cells of the map, by the rule and by gradients: the same squares?

# %%
agree = 0
for row in range(4):
    for column in range(4):
        measured = (gradient_of_cell(to_pool2, x, row, column) != 0).any((0, 1))
        expected = np.zeros((SIDE, SIDE), bool)
        top, left = row * stride, column * stride
        expected[top : top + size, left : left + size] = True
        agree += np.array_equal(measured, expected)
look.say(f"{agree} of 16 cells see exactly the pixels that the rule names.")

# %% [markdown]
# ## Not all of the field counts alike
# A pixel in the middle of a field reaches the cell by many ways, a pixel in its corner by one. So the *size* of the gradient should fall off towards the edge. Luo and others (2016) call
# the part that really counts the **effective receptive field**, and measure it by gradients. Here is the average of |gradient| over many pictures, for one cell of the 4 × 4 map, and for
# the score of the right class after the last layer, which sees the whole window.

# %%
x = Preprocessing()(unseen_pixels)
# the 23 x 23 pixels it sees
of_cell = np.abs(gradient_of_cell(to_pool2, x, 1, 2)).sum(1).mean(0)[8:31, 16:39]

picture = mf.Tensor(x, requires_grad=True)
scores = classifier(picture)
scores.backward(np.eye(9, dtype=np.float32)[unseen_classes])  # 1 at the right class, else 0
of_score = np.abs(picture.grad).sum(1).mean(0)


def middle_share(weight):
    """How much of all the gradient lies in the middle third of rows and columns."""
    third = len(weight) // 3
    return weight[third:-third, third:-third].sum() / weight.sum()


# %% tags=["figure"]
figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.7), width_ratios=(1, 1, 1.2))
for axis, weight, title in (
    (axes[0], of_cell, "cell of the 4 × 4 map"),
    (axes[1], of_score, "score of the right class"),
):
    axis.imshow(weight, cmap="Oranges", vmin=0)
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("column of its field")
axes[0].set_ylabel("row")
for weight, colour, label in ((of_cell, look.BLUE, "cell"), (of_score, look.RED, "score")):
    across = weight.sum(0) / weight.sum(0).max()
    axes[2].plot(np.linspace(0, 1, len(across)), across, color=colour, label=label)
axes[2].set(xlabel="across the field, left to right", ylabel="|gradient|, 1 = most", ylim=(0, 1.05))
axes[2].legend(frameon=False, fontsize=8)
figure.tight_layout()
look.show(
    figure,
    alt="Two heat maps, dark in the middle and pale at the edges, and two zigzag curves across "
    "them, low at the edges and highest in the middle.",
)
even = middle_share(np.ones_like(of_cell)), middle_share(np.ones_like(of_score))
look.say(
    f"The middle third of rows and columns holds **{100 * middle_share(of_cell):.0f} %** of the "
    f"cell's gradient and **{100 * middle_share(of_score):.0f} %** of the score's. Spread evenly "
    f"it would be {100 * even[0]:.0f} % and {100 * even[1]:.0f} %."
)

# %% [markdown]
# The fine chequers are the work of the first convolution: with kernel 5 and stride 2, in each direction, every other pixel is met by three windows, those between by two. Lesson 10 meets them again.
#
# ## A real network
# The network that comes with minifcn, on the portrait of lesson 00. Squares: what one cell can see, in an early layer (`fire3`), a later one (`fire5`) and a late one (`fire9`). Colour: the
# effective field of the last, for this one picture and four random sums of the cell's channels. It can see the cap and the ribbons; does it look at them?

# %% tags=["figure", "picture"]
from PIL import Image

from minifcn.draw.pictures.sample import portrait

model = mf.models.load("voc7")
photograph = np.asarray(Image.open(portrait()).convert("RGB").resize((256, 300)))
figure = mf.draw.receptive_field(
    model, ["fire3", "fire5", "fire9"], picture=photograph, effective=4
)
look.show(
    figure,
    alt="A portrait with three nested squares of 23, 63 and 207 pixels; "
    "the gradient of the largest lies mostly in its middle, on the face.",
)

# %% [markdown]
# Hardly: the legend says how small a square in the middle holds half of the gradient. Where do other cells look? With `ipywidgets` installed you get sliders here; else one picture. Change the numbers and run the cell again.


# %% tags=["figure"]
def one_cell(row, column):
    figure = mf.draw.receptive_field(model, "fire5", row, column, picture=photograph)
    return figure, f"The portrait with the square that cell ({row}, {column}) of fire5 sees."


play.sliders(one_cell, row=(0, 37, 3), column=(0, 31, 30))

# %% [markdown]
# ## In the library
# `minifcn/models/geometry/field.py` holds the rule. A `Field` knows its size, its stride and where its middle lies (lesson 13 needs that), and each layer makes a new one. Sizes are counted from the last layer back to the picture, which comes to the same:

# %%
import inspect

from minifcn.models.geometry.field import cells_seen

print(inspect.getsource(cells_seen))

# %% [markdown]
# `minifcn/models/geometry/network.py` does it for every layer of a whole network, without running it. `minifcn summary fcn8s` prints the same numbers. `minifcn/draw/networks/receptive.py` drew the portrait.
#
# The paper's own networks: Table 1 says that a cell of AlexNet's last layer sees 355 pixels and one of VGG16's 404. Our few lines of Python say:

# %%
vgg16 = [
    stage for convolutions in (2, 2, 3, 3, 3) for stage in [(3, 1)] * convolutions + [(2, 2)]
] + [(7, 1)]
alexnet = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2), (6, 1)]
print("VGG16  ", receptive_field(vgg16))
print("AlexNet", receptive_field(alexnet))

# %% [markdown]
# > **Honesty box.** The rule says what a cell *can* see. At the border of a picture part of that is padding, zeros that no photograph put there.
# > We left out dilated kernels (exercise 1), padding (exercise 2) and layers that upsample; `Field` has all three. Table 1's 907 pixels for GoogLeNet counts an average pool that
# > section 4.1 discards; without it 715 are left. PyTorch has no function for any of this; Caffe has `coord_map.py`, for strides and crops, not for sizes of fields. Our effective field depends on the pictures and on the
# > training: another seed gives a slightly different one.
#
# ## Exercises
# **1 · S.** A kernel may be *dilated*: its taps lie `dilation` cells apart, so that a kernel of 3 with dilation 2 spans 5 cells and skips two of them. Write the rule with a third number for each layer.
#
# <details><summary>Hint</summary>How many cells does a dilated kernel span, from its first tap to its last, both counted? To the field it is a kernel of that size.</details>


# %%
def my_receptive_field(layers):
    """layers: (kernel, stride, dilation) of each, from the picture on. Returns (size, stride)."""
    ...


check.receptive_field(my_receptive_field)

# %% [markdown]
# **2 · M.** Where does a cell look? Layers may pad: `padding` cells are added at both ends, so window 0 begins at cell −padding. Return the first and the last pixel that
# cell number `cell` sees. Pixels in the padding have negative numbers, or numbers beyond the picture: give them as they come.
#
# <details><summary>Hint</summary>Walk from the last layer back to the picture, and keep two cells, the first and the last. In the layer before, where does the window of the first begin, and where
# does that of the last end?</details>


# %%
def my_pixels_seen(layers, cell):
    """layers: (kernel, stride, padding) of each, from the picture on.

    Returns (first, last), both included.
    """
    ...


check.pixels_seen(my_pixels_seen)

# %% [markdown]
# **3 · M.** Now without any rule. You get a network (call it with an array, it gives a Tensor) and the shape of its input. Find by gradients which pixels can change
# cell (row, column) of its result.
#
# <details><summary>Hint</summary>One picture leaves gaps, as we saw; and with a 1 for each channel, gradients of two channels might cancel. Random numbers make good pictures: <code>rng.standard_normal((50, *shape[1:]))</code>, as float32, is
# fifty at once.</details>


# %%
def my_measured_field(net, shape, row, column):
    """shape: (1, C, H, W) of the network's input. Returns bool (H, W).

    True where the pixel, in any of its channels, can change the cell, in any of its channels.
    """
    ...


check.measured_field(my_measured_field)

# %% [markdown]
# ## Summary
# - A cell's receptive field grows by $(k - 1)$ times the stride so far, $k$ being the kernel; the stride is the product of all strides.
# - Gradients of one cell, over many pictures, measure it: the same pixels, one by one.
# - The gradient is strongest in the middle of the field and weak at its rim: what can matter need not matter much.
#
# ## In the paper
# Section 3 says how two layers are one larger layer: kernels and strides (k′, s′), then (k, s), make (k′ + (k − 1)s′, ss′). Those are the two lines of our rule.
# Table 1 gives field and stride of three classifiers. All three end with a stride of 32: one cell for 32 × 32 pixels, and undoing that is what the rest of the paper, and of this road, is about.
