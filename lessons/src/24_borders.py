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
# # 24 · Borders
#
# **Question.** Labels come from a tool that somebody else wrote, weights from a program that somebody else wrote. What can go wrong on the way in, without any error message?
#
# **You need** lesson 17 (scores, void) and 12 (loading weights). **Time** 25 minutes to read, 25 for the exercises. **Paper** section 5 (its data sets).
#
# ## One drawing, five files
# A network wants a number for each pixel: 0 for background, 1 for the first class, and so on; 255 where nobody knows. That is what PASCAL VOC has. Here is a picture with a cat and a dog, labelled once, and written as five kinds of tools write it:

# %%
import io
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import check
import look
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from minifcn.cli.main import main
from minifcn.data.labels import colour_map

truth = np.zeros((48, 64), np.uint8)
truth[8:32, 6:28] = 1  # a cat
truth[18:42, 34:58] = 2  # a dog
COLOURS = np.array([(0, 0, 0), (31, 119, 180), (214, 39, 40)], np.uint8)  # drawn by chance


def palette(labels):
    image = Image.fromarray(labels)
    image.putpalette(colour_map().reshape(-1).tolist())
    return image


FILES = {
    "VOC: numbers with a palette": palette(truth),
    "plain numbers": Image.fromarray(truth),
    "colours, drawn by chance": Image.fromarray(COLOURS[truth]),
    "object or not": Image.fromarray(np.where(truth > 0, 255, 0).astype(np.uint8)),
    "stretched to be seen": Image.fromarray(truth * 127),
}
print("what a reader finds who takes the first channel for class numbers:")
for name, image in FILES.items():
    content = io.BytesIO()
    image.save(content, "PNG")
    found = np.asarray(Image.open(content))
    print(f"  {name:30} {np.unique(found if found.ndim == 2 else found[..., 0])}")

# %% [markdown]
# A person sees the same drawing in all of them (nearly black in the second). One reader of three lines gets four different answers, and complains about none. With 31 and 214 for classes a training would stop, if we are lucky, since the network has no class 214. With 0 and 255 it does *not* stop: 255 is void. The network then learns from background alone, reaches a pixel accuracy of 100 %, and has learnt nothing.
#
# ## Numbers mean what their list says
# Also plain numbers need a list. Some that are in use, each as its tool or set writes it:
#
# | set or tool | background | void |
# |---|---|---|
# | PASCAL VOC | 0 | 255 |
# | CamVid, as SegNet gives it | none | 11 |
# | ADE20K, SceneParsing | none | 0 |
# | Oxford-IIIT Pet | 2 | 3 |
# | LoveDA | 1 | 0 |
# | MATLAB's labelers | whatever you named | 0 |
#
# **Before you run the next cell:** a street scene has 11 classes, 0 to 10, and 11 where nobody said anything. Somebody reads 11 as a twelfth class. A network is right at 90 % of the labelled pixels; of the rest, the unlabelled ones, it says something sensible. How far does the mean IU fall?

# %%
rng = np.random.default_rng(24)
labels = rng.integers(0, 11, (200, 200))
predictions = np.where(rng.random(labels.shape) < 0.9, labels, rng.integers(0, 11, labels.shape))
unlabelled = rng.random(labels.shape) < 0.15
labels = np.where(unlabelled, 11, labels)


def mean_iu(labels, predictions, classes):
    matrix = np.bincount(labels * classes + predictions, minlength=classes**2).reshape(
        classes, classes
    )
    right = np.diag(matrix)
    return (right / (matrix.sum(0) + matrix.sum(1) - right)).mean()


counted = labels != 11
honest = mean_iu(labels[counted], predictions[counted], 11)
careless = mean_iu(labels.ravel(), predictions.ravel(), 12)
look.say(f"Void left out: **{honest:.1%}**. As a twelfth class: **{careless:.1%}**.")

# %% [markdown]
# The same network. Two papers that treat void differently cannot be compared, and nothing in their tables shows it.
#
# ## A square of five
# Many tools do not keep pixels but *polygons*: corners with x and y. Which pixels does the square from (10, 10) to (15, 15) cover? It depends on what a corner is. If corners are points on the lines *between* pixels, as the edges of lesson 13, it covers 25. If corners are pixels, and belong to the square, it covers 36.

# %%
square = [(10, 10), (15, 10), (15, 15), (10, 15)]
canvas = Image.new("L", (32, 32))
ImageDraw.Draw(canvas).polygon(square, fill=1)
as_pixels = np.asarray(canvas)

rows, columns = np.mgrid[:32, :32] + 0.5  # the middle of each pixel
between_lines = (columns > 10) & (columns < 15) & (rows > 10) & (rows < 15)
print(f"corners are pixels (Pillow): {as_pixels.sum()}")
print(f"corners lie on the lines between (COCO): {between_lines.sum()}")

# %% [markdown]
# Half a pixel on each side. Is that much? For large things no. Two annotators, one tool each, *perfect* both: the IU between them, by the side of a square object:

# %% tags=["figure"]
sides = np.array([2, 3, 5, 8, 12, 20, 32, 64, 128])
figure, axis = plt.subplots(figsize=(6.5, 2.6))
axis.plot(sides, (sides / (sides + 1)) ** 2, "o-", color=look.BLUE)
axis.set(
    xscale="log", xlabel="side of the object (pixels)", ylabel="IU of 25 and 36", ylim=(0, 1.02)
)
axis.set_xticks(sides, sides)
axis.minorticks_off()
axis.grid(axis="y", alpha=0.3)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="The IU of two perfect annotators with different conventions grows with the size of "
    "the object: below 0.5 at two pixels, 0.69 at five, above 0.9 only from about 20 on.",
)

# %% [markdown]
# A pole or a cell of five pixels loses 0.31 to a convention. So a reader of polygons must know which tool drew them.
#
# ## What a resize invents
# Pictures are made smaller by averaging neighbours. Do the same with labels:

# %%
small = np.asarray(Image.fromarray(truth).resize((24, 18), Image.Resampling.BILINEAR))
thing = np.zeros((16, 16), np.uint8)
thing[:, 8:] = 2  # classes 0 and 2, no other
seam = np.asarray(Image.fromarray(thing).resize((11, 11), Image.Resampling.BILINEAR))
print(
    "cat and dog, made smaller:",
    np.unique(small),
    "  between background and class 2:",
    np.unique(seam),
)

# %% [markdown]
# Between class 0 and class 2 lies class 1. A thin line of cats runs round every dog. (JPEG does worse, for it changes numbers everywhere.) Labels are resized by taking the *nearest* pixel, and never averaged.
#
# ## Weights: the same numbers in other places
# Weights cross borders too. Caffe, PyTorch and Keras keep the same kernel in different axis orders, so somebody transposes. In NumPy `a.T` moves nothing: it is the same memory, read with other steps. Who writes *memory* to a file, and `a.T`'s *shape* beside it, has written something else:

# %%
a = np.arange(6, dtype=np.float32).reshape(2, 3)
memory = np.lib.stride_tricks.as_strided(a.T, (6,), (4,))  # as it lies, whoever reads it
print("meant:  ", a.T.tolist())
print("written:", memory.reshape(a.T.shape).tolist())

# %% [markdown]
# The right shape, the right numbers, in wrong places. The sum is right, so is the mean, so is a histogram; only the network is wrong. Such a writer is around. Is it in *your* environment?

# %%
import safetensors
from safetensors.numpy import load, save

back = load(save({"a": a.T}))["a"]
same = "as they were" if np.array_equal(back, a.T) else "**in other places**"
look.say(
    f"safetensors {safetensors.__version__} brings the numbers of a transposed array back {same}."
)

# %% [markdown]
# Version 0.7 wrote such an array right, 0.8.0 does not ([issue 825](https://github.com/huggingface/safetensors/issues/825)). This library copies into row-major order before it writes, always: exercise 3.
#
# ## At the border of this library
# `minifcn import` reads 32 formats and never guesses a class. Our chance colours, given to it as a person would:


# %%
def command(line):
    """What `minifcn LINE` prints, and how it ended."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        ended = main(line.split())
    return f"{said.getvalue().strip()}\n(exit status {ended})"


with tempfile.TemporaryDirectory() as scratch:
    place = Path(scratch)
    for folder in ("pictures", "masks"):
        (place / "mine" / folder).mkdir(parents=True)
    for number in range(4):
        noise = rng.integers(0, 255, (48, 64, 3)).astype(np.uint8)
        Image.fromarray(noise).save(place / f"mine/pictures/{number}.png")
        Image.fromarray(COLOURS[truth]).save(place / f"mine/masks/{number}.png")
    asked = command(f"import {place}/mine --out {place}/data")
    (place / "colours.txt").write_text("0 0 0 background\n31 119 180 cat\n214 39 40 dog\n")
    told = command(f"import {place}/mine --out {place}/data --colours {place}/colours.txt")
print(asked.replace(scratch, "…"), told.replace(scratch, "…"), sep="\n\n")

# %% [markdown]
# First it lists what it found, refuses, and says which option answers. Then it prints the table: each colour, the class that it becomes, its pixels. **Read that table.** It is the one place where a person sees the border.
#
# `minifcn check-data` looks at a folder that is in VOC layout already: numbers without a name, labels that are 0 and 255 only, sizes that differ, colours that nearly fit. `minifcn weights import` says name by name what went where, transposed, flipped from BGR to RGB, folded or left out; leftovers are refused unless you allow them.
#
# ## In the library
# `minifcn/data/formats` has a small file for each format, and `source.py` says in a page what such a file must answer. `minifcn/data/formats/shapes/polygons.py` has the three rules for polygons. `minifcn/weights/formats` reads PyTorch's, Caffe's, ONNX's and Keras's files without their programs; nothing in a file is ever executed. [findings/](../findings/README.md) has a script for each surprise that others' tools had for us.
#
# > **Honesty box.** “Never guesses” has a price: it asks where another library would have gone on, and often have been right. The table above has six rows of several hundred sets; that a format is on the list of `import` means that files of it were read right as its tools wrote them in November 2026, and tools change. Files that nobody can tell apart exist: numbers 0 to 20 without a list may be VOC or not.
#
# ## Exercises
# **1 · S.** Colours to numbers. `labels_of(picture, colours)` gets a picture (H, W, 3), uint8, and a list of colours; the place of a colour in the list is its class. Every other colour is a mistake: raise a `ValueError` that names one of them. Do not average, do not take the nearest.
#
# <details><summary>Hint</summary>Make one number of each pixel, red · 65536 + green · 256 + blue, in an integer type that is large enough, and compare numbers.</details>


# %%
def my_labels_of(picture, colours):
    """picture: uint8 (H, W, 3); colours: a list of (red, green, blue). Returns uint8 (H, W)."""
    ...


check.labels_of(my_labels_of)

# %% [markdown]
# **2 · M.** COCO's square. `filled(corners, size)` gets the corners of a polygon, (x, y) each, on the lines between pixels, and a size (H, W). A pixel belongs to it if its *middle* does: if a ray from the middle to the right crosses an odd number of the polygon's sides. The polygon may have dents.
#
# <details><summary>Hint</summary>A side from (x0, y0) to (x1, y1) crosses the row of a middle (x, y) if <i>exactly one</i> of y0 &lt;= y and y1 &lt;= y is true; it does so at x0 + (y − y0) · (x1 − x0) / (y1 − y0). Exchange true and false wherever that lies right of the middle: <code>inside ^= …</code></details>


# %%
def my_filled(corners, size):
    """corners: [(x, y), …], at least 3. Returns bool (H, W)."""
    ...


check.filled(my_filled)

# %% [markdown]
# **3 · S.** What may be written. `ready_to_write(array)` returns an array with the same numbers, shape and type whose memory is in row-major order without gaps, so that a careless writer cannot scramble it. Arrays that are so already are not copied: a VGG16 has 537 MB. (A number, shape `()`, stays one.)
#
# <details><summary>Hint</summary>NumPy has a function for it; but look at what it makes of shape <code>()</code>.</details>


# %%
def my_ready_to_write(array):
    """Returns an array as described."""
    ...


check.ready_to_write(my_ready_to_write)

# %% [markdown]
# ## Summary
# - Files that look alike differ in what their numbers mean, and reading them wrong is silent.
# - Void is 255, 11, 0 or 3, and a polygon's corner is a pixel or a point between pixels: only the tool's own list says.
# - Labels are never averaged, arrays are copied into row-major order before they are written, and what was understood is printed before anything is done with it.
#
# ## In the paper
# Section 5 scores on PASCAL VOC, NYUDv2 and SIFT Flow. Its VOC training labels come from two sources (VOC's own, with a void outline, and SBD's, without one and rougher), and SIFT Flow has pixels that belong to no class. Each of that is a border.
