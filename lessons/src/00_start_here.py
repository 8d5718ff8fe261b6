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
# # 00 · Start here
#
# **Question.** A photograph goes in; out comes, for *every pixel*, what it belongs to. How is that done, and what are you going to build?
#
# **You need** some Python, NumPy arrays, and what a derivative is. **Time** 15 minutes to read, 25 for the exercises. **Paper** sections 1 and 2.
#
# ## How to work here
# Read, and run each cell (Shift+Enter). Where it says **before you run the next cell**, stop and guess: a wrong guess that you remember teaches more than a right sentence that you skim. Change numbers and run again.
#
# Work in a copy of your own, so that nothing can break: `minifcn lessons --start my-lessons`, typed in a terminal, makes copies of all lessons in a new folder `my-lessons`. Your answers stay there when the lessons are updated. (In the clone itself a `git checkout` brings back
# a lesson as it was, and *deletes what you wrote into it*.)
#
# ## A picture is an array
# Matplotlib comes with a photograph: Grace Hopper, who wrote one of the first compilers. (In the cell, `check` and `look` are two small files beside the lessons, for exercises and pictures; `mf` is the library.)

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import minifcn as mf
from minifcn.data import ClassMap, read_picture
from minifcn.draw.pictures.overlay import shares_line, tint
from minifcn.draw.pictures.sample import portrait
from minifcn.training import predict_maps

photograph = np.asarray(Image.fromarray(read_picture(portrait())).resize((218, 256)))
print(photograph.shape, photograph.dtype)
print("row 90, column 110:", photograph[90, 110])

# %% [markdown]
# There are rows, columns, and three numbers from 0 to 255 for each pixel: how much red, green and blue. The picture has height H and width W. What can one ask about it?
#
# - **What is this?** *One name* for the whole picture. That is *classification*.
# - **Where are things?** *A few boxes*, each with a name. That is *detection*.
# - **What is each pixel?** *H × W names*. That is **dense prediction**, and if the names are kinds of things, *semantic segmentation*.
#
# The names are called **classes**, and numbers stand for them: 0 for the background, 1 for the first kind of thing, and so on. So a dense prediction is an array too, `(H, W)`, of whole
# numbers: a **label map**. With such a map one can cut out a person, measure a tumour, or tell a car where the road ends.
#
# ## The smallest dense prediction
# A rule that looks at one pixel and answers. Skin has clearly more red than blue:


# %%
def skin(picture):
    """uint8 (H, W, 3) -> label map (H, W): 1 where red exceeds blue by more than 40, else 0."""
    red, blue = picture[:, :, 0].astype(int), picture[:, :, 2].astype(int)
    return (red - blue > 40).astype(int)


# %% [markdown]
# **Before you run the next cell:** where will this rule go wrong?

# %% tags=["figure"]
figure, axes = plt.subplots(1, 2, figsize=(5.4, 3.2), layout="constrained")
axes[0].imshow(photograph)
axes[0].set_title("the photograph", fontsize=9)
black, green = (0, 0, 0), (0, 200, 120)
axes[1].imshow(tint(photograph, skin(photograph), ["background", "skin"], np.array([black, green])))
axes[1].set_title("green: the rule says skin", fontsize=9)
for axis in axes:
    axis.axis("off")
look.show(
    figure,
    alt="A portrait of a woman in a dark uniform before a flag. Right: the rule tints most of her "
    "face and stripes of the flag; of cap and uniform only the badge, the ribbons and a button.",
)
look.say(f"The rule calls {100 * skin(photograph).mean():.0f} % of the picture skin.")

# %% [markdown]
# It finds most of her face, and stripes of the flag, the badge, the ribbons and a button as well. And how would a rule for colours find her coat? *A pixel alone does not know what it belongs to*: the black of the
# coat is part of a person because of what lies around it. A good answer for one pixel needs a look at **many** pixels.
#
# **Your turn.** Make the 40 in `skin` a 20, then an 80, and run both cells again. What does the rule gain each time, and what does it lose? Is there a number that gets her face and nothing else?
#
# ## A network's answer
# A **network** is a long formula: simple operations, its **layers**, one after another, with very many numbers in them, its **weights**. Nobody chooses these. They are found by *training*: by looking at many photographs whose label maps are known.
#
# Here is the same photograph, and the network that comes with this library. It knows seven classes; lesson 18 tells how it was made.

# %%
model = mf.models.load("voc7")
print(", ".join(f"{number} {name}" for number, name in enumerate(model.class_names)))

x = model.preprocessing(photograph)  # numbers around 0 instead of 0 to 255
scores = model(mf.Tensor(x)).data
print("in ", x.shape)
print("out", scores.shape)
look.say(f"The network has {sum(weight.data.size for weight in model.parameters()):,} weights.")

# %% [markdown]
# Four axes, always in this order: picture N, **channel** C, row H, column W. One picture goes in, with three channels, its colours. Out comes one picture with seven channels:
# for each pixel seven **scores**, one for each class. The largest score wins, and that is the whole step from scores to labels:

# %%
labels = scores.argmax(axis=1)[0]
print("labels", labels.shape)
print(
    "row 90, column 110:",
    np.round(scores[0, :, 90, 110], 1),
    "->",
    model.class_names[labels[90, 110]],
)

# %% tags=["figure", "picture"]
colours = ClassMap.from_dict(model.classes).colours
person = model.class_names.index("person")
figure, axes = plt.subplots(1, 3, figsize=(8, 3.2), layout="constrained")
axes[0].imshow(photograph)
axes[0].set_title("in: the photograph", fontsize=9)
best_other = np.delete(scores[0], person, axis=0).max(axis=0)
drawn = axes[1].imshow(scores[0, person] - best_other, cmap="PuOr", vmin=-8, vmax=8)
axes[1].set_title("person's score, less the best other", fontsize=9)
figure.colorbar(drawn, ax=axes[1], shrink=0.8)
axes[2].imshow(tint(photograph, labels, model.class_names, colours))
axes[2].set_title("out: the label map, over it", fontsize=9)
for axis in axes:
    axis.axis("off")
look.show(
    figure,
    alt="The portrait; a map that is high over the face, a little above 0 over the uniform and "
    "low beside her; and the portrait with most of her tinted as a person, pieces of the flag "
    "too, and without her arms.",
)
look.say(f"It says: {shares_line(labels, model.class_names)}.")

# %% [markdown]
# Cap, face and coat are *one* thing now, and the ribbons belong to it. It is not perfect: pieces of the flag went with her, her arms did not, and there was no dog on her cap. Where
# would you look for mistakes first? Where the map in the middle is pale: there the two best scores are nearly equal.
#
# ## Check
# Is that really all? The library has a function for whole photographs; its label map should be ours, pixel for pixel.

# %%
found = predict_maps(model, photograph).labels
look.say(f"{(found == labels).sum():,} of {labels.size:,} labels are the same.")

# %% [markdown]
# ## The old way: window by window
# Networks were good at "what is this?", *one name for a picture*, before they were good at this. So people cut a small window, a *patch*, out around a pixel, asked the network what is in its middle, and went on to the next pixel. It works. But look at two neighbours:

# %% tags=["figure"]
side, row, column = 101, 100, 108
figure, axes = plt.subplots(1, 2, figsize=(5.6, 3.2), layout="constrained")
for axis in axes:
    axis.imshow(photograph)
    for shift, colour in ((0, "white"), (1, look.ORANGE)):
        corner = (column - side // 2 + shift - 0.5, row - side // 2 - 0.5)
        axis.add_patch(
            plt.Rectangle(corner, side, side, fill=False, edgecolor=colour, linewidth=1.6)
        )
        axis.plot(column + shift, row, ".", color=colour, markersize=5)
    axis.axis("off")
axes[0].set_title("two windows, one pixel apart", fontsize=9)
axes[1].set(xlim=(150, 166), ylim=(66, 47))
axes[1].set_title("their upper right corners", fontsize=9)
look.show(
    figure,
    alt="The portrait with two windows of 101 by 101 pixels around the face that lie nearly on top "
    "of each other; magnified, their right edges are one pixel apart.",
)
look.say(
    f"Two windows of {side} × {side} pixels, one pixel apart, have {100 * (side - 1) / side:.0f} % "
    f"of their pixels in common. The windows for all pixels of this small picture have "
    f"{labels.size * side**2:,} pixels together; the picture has {labels.size:,}. "
    f"Each of these is looked at up to {side**2:,} times."
)

# %% [markdown]
# A **fully convolutional network**, FCN for short, answers for all pixels *in one pass*, so that neighbours share their work. That is what Jonathan Long, Evan Shelhamer and Trevor Darrell showed in 2015, in the paper that these lessons rebuild.
#
# ## What you will build
# | lessons | |
# |---|---|
# | 01–03 | slopes: by hand, then by a machine that follows them through any formula, and a check that you can trust |
# | 04–07 | the operations: convolution, ReLU, max pool, the loss on maps, each with its gradient |
# | 08–11 | what one score sees; a classifier that takes pictures of any size; making small maps large |
# | 12–15 | FCN-32s, FCN-16s, FCN-8s: the paper's networks, each finer than the one before |
# | 16–19 | training, scores, and data: what to sample, what to count, VOC photographs, other data |
# | 20–22 | how the library got fast, the same on a GPU, and the paper on one page |
# | 23–26 | the checks checked, what happens at the borders, out of NumPy, and a network of your own |
#
# At the end you will have written the parts yourself, and know why they are right.
#
# ## How the exercises work
# At the end of each lesson stand exercises, easy to hard, and each says how long it may take: **S** about five minutes, **M** a quarter of an hour, **L** half an hour. Each is a function with `...` where your code goes, and a line that checks it. As long as nothing is there it says `not done yet`. If the answer is wrong, it also says
# what the fault looks like. Try that: in exercise 1 below, first write `return scores.argmax(axis=-1)`, and you will read
#
# ```text
# ✗ labels_of_scores: expected the shape (2, 4, 5), got (2, 3, 4): your maximum runs over the columns (W); it belongs over the classes, axis 1
# ```
#
# `help(check.labels_of_scores)` says once more what is asked. A folded hint stands under each exercise. Answers are in `lessons/solutions/`, for after you have tried. In a terminal, `minifcn lessons` lists what you have solved.
#
# ## In the library
# `minifcn/training/scoring/picture_tiles.py`: `predict_maps` is what we did by hand, and more: it can cut a large picture into tiles, and can ask at several sizes. `minifcn/draw/pictures/overlay.py` tints. `minifcn predict photo.jpg` in a terminal does both.
# `mf.models.load` reads one file that holds the weights, the names of the classes, and how pictures are prepared, so that they stay together.
#
# > **Honesty box.** The shipped network is not the paper's. It is small (you saw its weights counted; Table 1 gives 134 million for FCN with VGG16), was made from another classifier, and knows seven of VOC's 21 classes. It was trained for half an hour, and does best on pictures about as
# > large as the one above. How often a pixel is looked at is not yet a time; lesson 09 measures times. Semantic segmentation does not count things: two people side by side are one
# > area of "person". To tell them apart is *instance segmentation*. PyTorch's `torchvision` has a network called `fcn_resnet50`, which has FCN's name but neither its skips (lesson 14) nor its upsampling layers (lesson 10).
#
# ## Exercises
# **1 · S.** From scores to labels, for several pictures at once: `scores` is `(N, C, H, W)`; return the label maps, `(N, H, W)`.
#
# <details><summary>Hint</summary>It stands above, for one picture. Which axis counts the classes?</details>


# %%
def my_labels_of_scores(scores):
    """scores: (N, C, H, W). Returns whole numbers (N, H, W), from 0 to C - 1."""
    ...


check.labels_of_scores(my_labels_of_scores)

# %% [markdown]
# **2 · S.** How much of a picture is person? People who label pictures by hand leave out pixels where they are not sure: these get the label 255, *void*, and do not count. Give the share of `label` among
# the pixels that count, from 0 to 1. Where nothing counts it is 0.
#
# <details><summary>Hint</summary><code>labels != 255</code> is an array of True and False, and <code>labels[labels != 255]</code> are the labels that count. The mean of True and False is a share.</details>


# %%
def my_share_of_class(labels, label):
    """labels: uint8 (H, W), 255 for void. Returns a number from 0 to 1."""
    ...


check.share_of_class(my_share_of_class)

# %% [markdown]
# **3 · M.** Do it patch by patch, as before FCN. `classify(window)` answers for the *middle* of a window of `side` × `side` pixels (`side` is odd). Ask it once for each pixel and return the label map. At the border the window reaches beyond the
# picture: there it is black (0).
#
# <details><summary>Hint</summary><code>np.pad</code> puts a frame around the picture. How wide must it be, and where does the window of pixel (0, 0) begin in the framed picture? The channels need no frame.</details>


# %%
def my_label_each_pixel(picture, classify, side):
    """picture: uint8 (H, W, 3); classify(uint8 (side, side, 3)) -> whole number.

    Returns the numbers, (H, W).
    """
    ...


check.label_each_pixel(my_label_each_pixel)

# %% [markdown]
# ## Summary
# - Dense prediction gives every pixel a class; a network gives every pixel a score for each class, and the largest wins.
# - A pixel alone does not know what it belongs to, and a window for each pixel does nearly the same work again and again.
# - FCN does it in one pass, learned from pixels to pixels; the next 22 lessons build it with nothing but NumPy.
#
# ## In the paper
# Section 1 says what is new: training end to end, on whole pictures, for the prediction of every pixel, starting from a classifier that has been trained already. Section 2 names who came before, and lists the machinery that they needed and
# FCN does without:
#
# | before FCN | how |
# |---|---|
# | patch by patch | Cireşan and others (2012) for the membranes between nerve cells, Farabet and others (2013), Pinheiro and Collobert (2014) |
# | help from outside | *superpixels* (small groups of neighbours of one colour get one label) and *random fields* (equal labels for neighbours that look alike) clean up |
# | region by region | another method proposes regions, and a network names each: *SDS* by Hariharan and others (2014), the best on VOC when FCN came |
# | all at once, earlier | Matan and others (1992) read rows of digits, Ning and others (2005) labelled tissues; trained on whole pictures: Tompson and others (2014), joints of the body |
#
# In the paper's Table 3 the mean IU (a score, lesson 17) on the test pictures of VOC 2012, a set of photographs, rises from SDS's 51.6 to 62.2, and the time for a picture falls from about 50 seconds to about 175 milliseconds.
