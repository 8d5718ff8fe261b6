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
# # 13 · Where pixels land
#
# **Question.** The authors' FCN-32s puts 100 pixels of zeros round every picture and later cuts 19 rows and columns off. Their FCN-16s cuts 5 and 27, their FCN-8s 5, 9 and
# 31. The paper explains none of these numbers. Where do they come from?
#
# **You need** lessons 08 (stride), 10 (transposed convolution) and 12 (FCN-32s). **Time** 25 minutes to read, 60 for the exercises. **Paper** section 4.2 and the authors' model files.
#
# ## Every map has a place
# Lesson 08 followed two numbers through the layers: how much a cell sees, and how far the next cell looks (the stride). Now we ask *where*. Call the pixel in the middle of
# what cell 0 sees the map's **centre**. Then cell $i$ looks at pixel $\text{centre} + i \cdot \text{stride}$.
#
# How does a layer move the centre? A window of `kernel` cells has its middle (kernel − 1) / 2 cells after its first one. With padding the first window begins `padding` cells early. And one cell further is as many
# pixels further as the stride so far. So a layer moves the centre by
#
# $$\left(\frac{\text{kernel} - 1}{2} - \text{padding}\right) \cdot \text{stride so far}$$

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf
from minifcn import ops


def landing(layers, stride=1, centre=0.0):
    """layers: (kernel, stride, padding).

    Returns (stride, centre): cell i looks at pixel centre + i · stride.
    """
    for kernel, own_stride, padding in layers:
        centre += ((kernel - 1) / 2 - padding) * stride
        stride *= own_stride
    return stride, centre


CONV, POOL = (3, 1, 1), (2, 2, 0)
print("conv 3, padding 1:", landing([CONV]))
print("then pool 2:      ", landing([CONV, POOL]))
print("then both again:  ", landing([CONV, POOL, CONV, POOL]))

# %% [markdown]
# A convolution of kernel 3 with padding 1 leaves the centre alone. A pool of 2 moves it half a cell: cell 0 stands for pixels 0 and 1, and its centre lies *between* them.
#
# ## VGG16 with 100 pixels of padding
# The whole trunk, as the authors have it. The first convolution has padding 100 in place of 1; `fc6`, kernel 7, has none.


# %%
def vgg16(padding):
    """VGG16's layers to pool3, pool4 and score_fr, as lists of (kernel, stride, padding)."""
    first = [(3, 1, padding), CONV, POOL, CONV, CONV, POOL]
    to_pool3 = [*first, CONV, CONV, CONV, POOL]
    to_pool4 = [*to_pool3, CONV, CONV, CONV, POOL]
    # fc6, fc7, score_fr
    to_score = [*to_pool4, CONV, CONV, CONV, POOL, (7, 1, 0), (1, 1, 0), (1, 1, 0)]
    return {"pool3": to_pool3, "pool4": to_pool4, "score_fr": to_score}


for name, layers in vgg16(100).items():
    stride, centre = landing(layers)
    print(f"{name:8} cell i looks at pixel {stride:2}·i {centre:+}")

# %% [markdown]
# ## Check: ask the gradients
# As in lesson 08: take a cell, walk back, see which pixels it reaches. Their middle must be the place that we computed. `minifcn/paper/topics/geometry.py` has a VGG16 with one channel a layer, positive weights and average
# pools, in which everything that *can* matter does.

# %%
from minifcn.models import geometry
from minifcn.paper.topics.geometry import opened, pixels_that_change, trunk

one_channel = opened(trunk("VGG16", "paper"))
for name, layer, cell in (
    ("pool3", "pool3", 20),
    ("pool4", "pool4", 12),
    ("score_fr", "fc7", 7),
):  # score_fr is 1 x 1
    size = (440, 450)
    stride, centre = landing(vgg16(100)[name])
    reached = pixels_that_change(one_channel, layer, (cell, cell), size).any(1)
    rows = np.nonzero(reached)[0]
    assert rows[0] > 0 and rows[-1] < size[0] - 1  # nothing that it sees lies in the padding
    middle, computed = (rows[0] + rows[-1]) / 2, centre + cell * stride
    print(
        f"{name:8} cell {cell:2}: rows {rows[0]:3} to {rows[-1]:3}, their middle {middle:5}, "
        f"computed {computed:5}"
    )

# %% [markdown]
# ## Back up, and 19 falls out
# A transposed convolution (lesson 10) undoes a convolution's geometry: the cells come `stride` times closer, and the centre moves *back* by the same rule, counted in these finer cells. FCN-32s upsamples with kernel 64 and stride 32.


# %%
def upsampled(stride, centre, kernel, factor):
    """Stride and centre after a transposed convolution without padding."""
    stride /= factor
    return stride, centre - (kernel - 1) / 2 * stride


stride, centre = landing(vgg16(100)["score_fr"])
stride, centre = upsampled(stride, centre, kernel=64, factor=32)
look.say(f"After `upscore` the stride is {stride:g}, and row 0 lies on pixel **{centre:g}**.")

# %% [markdown]
# Row 0 of the upsampled scores belongs 19 pixels *above* the picture. So cut 19 rows off, and row 0 lies on pixel 0. That is all there is to 19.
#
# ## Joins: 5 and 27, then 9 and 31
# FCN-16s upsamples `score_fr` by 2 only, to stride 16; the library calls the result `upscore_16s`. To it FCN-16s adds scores of `pool4`, which has stride 16 as well. But do their cells 0 lie on the same pixel? FCN-8s does it once more, with `pool3`.

# %%
pool4, pool3 = landing(vgg16(100)["pool4"]), landing(vgg16(100)["pool3"])
up2 = upsampled(*landing(vgg16(100)["score_fr"]), kernel=4, factor=2)
print("upscore_16s (stride, centre):", up2, "   pool4:", pool4)
print("pool4 begins", (up2[1] - pool4[1]) / pool4[0], "of its cells earlier")
fine16 = upsampled(*up2, kernel=32, factor=16)
print("upsampled by 16: row 0 on pixel", fine16[1])
up4 = upsampled(*up2, kernel=4, factor=2)
print("upscore_8s:", up4, "   pool3:", pool3)
print("pool3 begins", (up4[1] - pool3[1]) / pool3[0], "of its cells earlier")
fine8 = upsampled(*up4, kernel=16, factor=8)
print("upsampled by 8: row 0 on pixel", fine8[1])

# %% tags=["figure", "picture"]
figure, axis = plt.subplots(figsize=(7.5, 3))
lines = [
    ("pool4, stride 16", pool4, 13, look.BLUE),
    ("upscore_16s, stride 16", up2, 8, look.ORANGE),
    ("score_fr, stride 32", landing(vgg16(100)["score_fr"]), 4, look.GREEN),
]
axis.axvspan(-100.5, -0.5, color="#eeeeee")
axis.text(-98, 0.62, "padding", fontsize=9, color="#555555")
axis.text(1, 0.62, "picture, from pixel 0 on", fontsize=9, color="#555555")
for line, (_, (stride, centre), count, colour) in enumerate(lines):
    cut = 5 if line == 0 else 0
    cells = centre + stride * np.arange(count)
    axis.plot(
        cells[:cut],
        [-line] * cut,
        "o",
        markerfacecolor="white",
        markeredgecolor=colour,
        markersize=9,
    )
    axis.plot(cells[cut:], [-line] * (count - cut), "o", color=colour, markersize=9)
for place in up2[1] + 16 * np.arange(8):
    axis.plot([place, place], [0, -1], color="#999999", linewidth=0.8, zorder=1.5)
axis.set_yticks([0, -1, -2], [name for name, *_ in lines])
axis.set(xlabel="pixel at which the cell looks", xlim=(-100.5, 118), ylim=(-2.4, 0.9))
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Cells of three maps as dots over a ruler of pixels. The first five cells of pool4, "
    "drawn hollow, lie before the first cell of upscore_16s; all others lie exactly above one "
    "of its cells.",
)

# %% [markdown]
# Hollow: the five cells of pool4 that are cut off. After them the two maps lie on one another, dot on dot, and may be added. All numbers are found: 19; 5 and 27; 5, 9 and 31.
#
# The library works them out in the same way, for any trunk that it knows. Here is FCN-8s with 100 pixels of padding over a narrow trunk, and a picture of 96 × 128. Look for the words *cut*:

# %% tags=["figure"]
look.show(
    mf.draw.architecture(mf.models.fcn8s("tiny", 9, width=8, padding="paper"), (96, 128)),
    alt="FCN-8s as boxes. The maps of the trunk are larger than the picture, since 100 pixels of "
    "padding come first. The join with pool4 says cut 5, that with pool3 cut 9, the result cut 31.",
)

# %% [markdown]
# **Before you run the next cell:** which of them change if we pad by 81 in place of 100?


# %%
def crops(padding):
    """(32s, pool4, 16s, pool3, 8s) for a first padding."""
    maps = {name: landing(layers) for name, layers in vgg16(padding).items()}
    whole = upsampled(*maps["score_fr"], 64, 32)
    up2 = upsampled(*maps["score_fr"], 4, 2)
    up4 = upsampled(*up2, 4, 2)
    first, second = (up2[1] - maps["pool4"][1]) / 16, (up4[1] - maps["pool3"][1]) / 8
    return [
        0 - whole[1],
        first,
        0 - upsampled(*up2, 32, 16)[1],
        second,
        0 - upsampled(*up4, 16, 8)[1],
    ]


print("padding  " + "".join(f"{name:>7}" for name in ("32s", "pool4", "16s", "pool3", "8s")))
for padding in (81, 97, 100, 110):
    print(f"{padding:7}  " + "".join(f"{number:7g}" for number in crops(padding)))

# %% [markdown]
# More padding moves *all* maps by as much. So 5 and 9, which lie between two maps, never change; 19, 27 and 31, which lie between a map and the picture, are padding − 81, padding − 73 and padding − 69.
#
# ## Why 100?
# Two things need room. `fc6` has a kernel of 7 and no padding: seven cells of stride 32 must be there. And no crop may be negative: there are no rows to add. Count the rows, map by map; Caffe's pools round *up*.


# %%
def rows_of_score(height, padding):
    """Rows of score_fr for a picture of `height` rows."""
    for kernel, stride, pad in vgg16(padding)["score_fr"]:
        spare = height + 2 * pad - kernel
        height = (-(-spare // stride) if kernel == 2 else spare // stride) + 1  # pools round up
        if height < 1:
            return 0
    return height


smallest = next(height for height in range(1, 500) if rows_of_score(height, 1))
least = next(padding for padding in range(200) if rows_of_score(1, padding))
needed = [32 * rows_of_score(height, 100) + 32 - 19 - height for height in range(1, 1301)]
look.say(
    f"As VGG16 was trained, with padding 1, a picture needs **{smallest}** rows to give a single "
    f"cell. For a picture of *one* pixel the least padding is **{least}**; so that no crop is "
    f"negative, {100 - int(crops(100)[0])}. With 100, the cropped scores of FCN-32s reach over "
    f"every picture of 1 to 1300 rows, with {min(needed)} to {max(needed)} rows to spare."
)

# %% [markdown]
# The price: a picture of 500 × 500 becomes 700 × 700, and the early layers do nearly twice the work.
#
# ## What a wrong crop costs
# A wrong crop shifts the whole segmentation. Let the coarse scores be as good as we can make them: for each cell of `score_fr` the share of each class among the 32 × 32 pixels round the place where the
# cell looks. Upsample them, try all crops, and count the pixels that are right.

# %%
from minifcn.data.synthetic.painting import paint
from minifcn.nn.initialisers import bilinear

labels = paint((375, 500), np.random.default_rng(5))[1]
one_hot = np.eye(9, dtype=np.float32)[np.where(labels == 255, 0, labels)].transpose(2, 0, 1)
stride, centre = landing(vgg16(100)["score_fr"])
counts = [rows_of_score(length, 100) for length in labels.shape]
around = np.pad(one_hot, ((0, 0), (200, 200), (200, 200)))  # (9, 200 + H + 200, 200 + W + 200)
starts = [[int(centre + i * stride - 15.5) + 200 for i in range(count)] for count in counts]
coarse = np.array(
    [[around[:, y : y + 32, x : x + 32].mean((1, 2)) for x in starts[1]] for y in starts[0]]
)
fine = ops.conv_transpose2d(
    coarse.transpose(2, 0, 1)[None], bilinear(9, 64), stride=32, groups=9
).data[0]
right = []
for offset in range(41):
    cut = fine[:, offset : offset + 375, offset : offset + 500].argmax(0)
    right.append(100 * (cut == labels)[labels != 255].mean())

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6, 2.8))
axis.plot(right, color=look.BLUE)
axis.plot(19, right[19], "o", color=look.RED)
axis.annotate(
    "19", (19, right[19]), (0, -14), textcoords="offset points", ha="center", color=look.RED
)
axis.plot(34, right[34], "s", color=look.ORANGE)
axis.annotate("34", (34, right[34]), (6, 2), textcoords="offset points", color="#7a5600")
axis.set(xlabel="rows and columns cut off in front", ylabel="% of pixels right")
look.show(
    figure,
    alt="A curve with its peak where 19 rows and columns are cut off; at 34 it is clearly lower.",
)
best = int(np.argmax(right))
look.say(
    f"Best is a crop of **{best}**, with {right[best]:.1f} %. A crop of 34, which a well-known "
    f"port once had, gives {right[34]:.1f} %."
)

# %% [markdown]
# ## In the library
# No number is written down: `minifcn/models/geometry/field.py` follows the centre, exactly, in fractions, and `crop_offset` refuses maps that cannot be aligned. `minifcn/models/heads.py` asks it at each join.

# %%
from minifcn.models import FCN
from minifcn.models.geometry.field import Field, crop_offset

for factor in (32, 16, 8):
    maps = geometry.maps_of(FCN(trunk("VGG16", "paper"), factor, 21, padding="paper"))
    fits = sum(bool(geometry.crops_fit(maps, height)) for height in range(1, 1301))
    print(f"FCN-{factor}s {geometry.crops(maps)}: fits {fits} of the heights from 1 to 1300")
print(
    "least padding:", geometry.least_padding(FCN(trunk("VGG16", "paper"), 32, 21, padding="paper"))
)
try:
    crop_offset(Field().window(2, 2), Field().window(3, 2))
except ValueError as error:
    print(error)

# %% [markdown]
# The default of this library is another one, `padding="same"`: every layer keeps the size of its map or halves it, rounded up, and nothing is padded by 100. Any size from 1 × 1 on works as well, and the early layers of a large picture cost about half. `padding="paper"` is for
# the authors' weights, and to compare.
#
# > **Honesty box.** In Caffe `coord_map.py` derives the same numbers, from the same rule; the authors' files hold its results. PyTorch has nothing of the kind, and ports copy 19 as a constant: with another padding it is wrong without a word. Pools that round
# > down do not change the 19; they may leave fewer rows at the far end. We followed one axis; windows that are not square need two. The middle of a field is where a cell *looks*, on average: what it has learned to look at may lie elsewhere. Near the border much of what a
# > cell sees is zeros that no photograph put there.
#
# ## Exercises
# **1 · M.** Stride and centre after any row of layers. Some of them may be dilated: taps `dilation` cells apart.
#
# <details><summary>Hint</summary>How many cells does a dilated kernel span, from its first tap to its last (exercise 1 of lesson 08)? Its middle is the middle of that.</details>


# %%
def my_landing(layers):
    """layers: (kernel, stride, padding, dilation) of each. Returns (stride, centre)."""
    ...


check.landing(my_landing)

# %% [markdown]
# **2 · L.** The crop of a join. Two maps come out of one picture, each by layers ("conv", kernel, stride, padding) or ("up", kernel, stride, padding), the latter transposed; no layers at all is the picture itself. How many cells must be cut off in
# front of `finer` so that the first cell left lies on cell 0 of `other`? Raise ValueError where the strides differ, or where the number is negative or not whole.
#
# <details><summary>Hint</summary>A transposed convolution undoes the convolution with the same numbers: what that one multiplies is divided, and what it adds to the centre is taken away, in the finer cells. The offset is counted in cells, not in pixels.</details>


# %%
def my_crop_offset(finer, other):
    """finer, other: lists of (kind, kernel, stride, padding).

    Returns a whole number, or raises ValueError.
    """
    ...


check.crop_offset(my_crop_offset)

# %% [markdown]
# **3 · M.** Above, `rows_of_score` knew one network. Now for any layers: the least padding of the first one with which a picture of `height` rows gives at least one cell at the end. Convolutions round down, pools up.
#
# <details><summary>Hint</summary>First a function that says for one padding whether a cell is left. It must stop at the first map without rows: what is worked out from a negative number of rows means nothing.</details>


# %%
def my_least_padding(layers, height):
    """layers: ("conv" or "pool", kernel, stride, padding).

    The first one's padding is to be replaced.
    """
    ...


check.least_padding(my_least_padding)

# %% [markdown]
# ## Summary
# - Cell $i$ of a map looks at pixel $\text{centre} + i \cdot \text{stride}$; a layer moves the centre by $((k - 1)/2 - p)$ times the stride so far, $k$ its kernel and $p$ its padding; an upsampling layer moves it back.
# - A crop is the distance of two centres in cells: 19, 27 and 31 towards the picture, 5 and 9 between maps; only the first three depend on the padding.
# - A padding of 100 is enough for a picture of one pixel (97 would be, too), and so that no crop is negative (81 would be).
#
# ## In the paper
# Section 4.2 adds up predictions of different strides and leaves it to the code to bring their cells over one another: the numbers 100, 19, 5, 27, 9 and 31 stand in the authors' model files. Section 3 has
# the rule for kernels and strides of layers one after another, and none for centres.
