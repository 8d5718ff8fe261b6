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
# # 17 · Scores, and the mistakes people publish
#
# **Question.** “My network has 63 % mean IU.” What is counted, how well *could* a coarse network do, and in how many ways can that number be wrong?
#
# **You need** lesson 12 (what a prediction is). **Time** 25 minutes to read, 35 for the exercises. **Paper** section 5, and appendix A of its arXiv version.
#
# ## Everything is in one table
# Here are the labels of a very small picture, and a prediction. 255 is **void**: too near to an edge to say, not counted.

# %%
import os

import check
import look
import matplotlib.pyplot as plt
import numpy as np

from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint

labels = np.array([
    [0, 0, 0, 0, 0, 0],
    [0, 0, 255, 1, 1, 0],
    [0, 2, 255, 1, 1, 0],
    [0, 2, 0, 0, 0, 0],
])  # fmt: skip
prediction = np.array([
    [0, 0, 0, 0, 0, 0],
    [0, 0, 1, 1, 1, 1],
    [0, 2, 1, 1, 1, 1],
    [0, 0, 0, 0, 0, 0],
])  # fmt: skip
names = ("background", "cat", "dog")

# %% [markdown]
# The **confusion matrix** has a row for each true class and a column for each predicted one. Every pixel that counts adds 1 to one place. Count it in your head before you run the cell: which place gets the dog's lost pixel?

# %%
matrix = np.zeros((3, 3), int)
for truth, guess in zip(labels.ravel(), prediction.ravel(), strict=True):
    if truth != 255:
        matrix[truth, guess] += 1

# %% tags=["figure"]
COLOURS = np.array([[255, 255, 255], [86, 180, 233], [230, 159, 0]], np.uint8)


def grid(axis, values, title, colours):
    """An array as a grid of coloured numbers."""
    axis.imshow(colours)
    for (y, x), value in np.ndenumerate(values):
        axis.text(x, y, "·" if value == 255 else value, ha="center", va="center", fontsize=9)
    axis.set_title(title, fontsize=9)
    axis.set(xticks=[], yticks=[])


def coloured(labels):
    return np.where((labels == 255)[..., None], 210, COLOURS[labels % 255]).astype(np.uint8)


figure, axes = plt.subplots(1, 3, figsize=(9, 2.4))
grid(axes[0], labels, "labels (· is void)", coloured(labels))
grid(axes[1], prediction, "prediction", coloured(prediction))
shade = 255 - (120 * np.minimum(1, matrix / 6))[..., None].repeat(3, 2).astype(np.uint8)
grid(axes[2], matrix, "confusion matrix", shade)
axes[2].set_xticks(range(3), names, fontsize=8)
axes[2].set_yticks(range(3), names, fontsize=8)
axes[2].set(xlabel="predicted", ylabel="true")
figure.tight_layout()
look.show(
    figure,
    alt="Grids of numbers: labels with two void pixels, a prediction, and a table of 3 by 3 "
    "whose diagonal holds the right pixels.",
)

# %% [markdown]
# ## Four scores by hand
# Write $n_{ij}$ for the table, $t_i = \sum_j n_{ij}$ for a row's sum (true pixels of class i), $p_i = \sum_j n_{ji}$ for a column's (predicted as i), and $C$ for the number of classes. The right ones are the diagonal, $n_{ii}$.
#
# - **pixel accuracy**: the share of pixels that are right, $\sum_i n_{ii} / \sum_i t_i$.
# - **mean accuracy**: for each class the share of *its* pixels found, $n_{ii} / t_i$; then the mean over classes, $\frac{1}{C} \sum_i n_{ii} / t_i$.
# - **mean IU** (intersection over union): for each class $u_i = \dfrac{n_{ii}}{t_i + p_i - n_{ii}}$, the right pixels over all that are *either* truly or by prediction of the class; then the mean, $\frac{1}{C} \sum_i u_i$. What is painted too much costs as well as what is missed.
# - **frequency weighted IU**: the same, but each class counts as much as it has true pixels, $\sum_i t_i u_i / \sum_i t_i$.

# %%
matrix = matrix.astype(float)
correct, true, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
iu = correct / (true + predicted - correct)
by_hand = {
    "pixel_accuracy": correct.sum() / true.sum(),
    "mean_accuracy": (correct / true).mean(),
    "mean_iu": iu.mean(),
    "frequency_weighted_iu": (true * iu).sum() / true.sum(),
}
for name, value in by_hand.items():
    print(f"{name:22} {value:.4f}")
for name, value, hits, rows, columns in zip(names, iu, correct, true, predicted, strict=True):
    print(f"IU of {name:11} {hits:.0f} / ({rows:.0f} + {columns:.0f} - {hits:.0f}) = {value:.4f}")

# %% [markdown]
# One lost dog pixel of two halves the dog's IU, and moves pixel accuracy by a single pixel of all that count. Mean IU is the strict one, and it is the one the paper compares.
#
# ## How good can coarse labels be?
# FCN-32s draws blobs. Is mean IU too kind to blobs, or hopeless for them? Take the *true* labels, keep one label for each block of f × f pixels, enlarge, and score that as if it were a prediction: an **upper bound**, more or less, for anything that coarse.
# With real VOC labels here (`MINIFCN_DATA`) we use those, else the painted ones.

# %%
from pathlib import Path

from minifcn.data import VOC_CLASSES, ClassMap, VOCFolder, colour_map

folder = os.environ.get("MINIFCN_DATA")
real = folder and next(
    (path for path in (Path(folder), Path(folder) / "voc256") if (path / "ImageSets").is_dir()),
    None,
)
if real:
    voc = VOCFolder(real, "val", ClassMap.voc(), limit=150)
    maps, classes, where = (
        [voc.labels(i) for i in range(len(voc))],
        VOC_CLASSES,
        "real VOC pictures",
    )
else:
    rng = np.random.default_rng(17)
    maps, classes = [paint((192, 256), rng)[1] for _ in range(60)], SHAPE_CLASSES
    where = "painted pictures, no VOC here"
look.say(f"{len(maps)} label maps: {where}.")


# %%
def blocks(labels, factor):
    """Each factor x factor block gets the label of the pixel in its middle; the size stays."""
    rows, columns = (
        np.minimum(np.arange(length) // factor * factor + factor // 2, length - 1)
        for length in labels.shape
    )
    return labels[np.ix_(rows, columns)]


def score(predictions, maps, count):
    """The mean IU of predictions over all maps together, by one table.

    Void predictions are wrong ones.
    """
    table = np.zeros((count + 1, count + 1), np.int64)
    for labels, guess in zip(maps, predictions, strict=True):
        counts = labels != 255
        guess = np.where(guess == 255, count, guess)  # a last column for “nothing”
        # a number for each (true, predicted)
        pairs = labels[counts].astype(int) * (count + 1) + guess[counts]
        table += np.bincount(pairs, minlength=table.size).reshape(table.shape)
    correct, union = table.diagonal(), table.sum(1) + table.sum(0) - table.diagonal()
    return (correct / np.maximum(union, 1))[:count][union[:count] > 0].mean()


factors = (1, 2, 4, 8, 16, 32, 64)
bounds = {
    factor: 100 * score([blocks(each, factor) for each in maps], maps, len(classes))
    for factor in factors
}

# %% tags=["figure", "picture"]
paper = {128: 50.9, 64: 73.3, 32: 86.1, 16: 92.8, 8: 96.4, 4: 98.5}  # arXiv version 2, appendix A
example = max(maps, key=lambda each: len(np.unique(each)))  # the one with most classes
figure, axes = plt.subplots(1, 4, figsize=(10, 2.4), width_ratios=(1, 1, 1, 1.3))
palette = colour_map()
for axis, factor in zip(axes, (1, 8, 32), strict=False):
    axis.imshow(palette[blocks(example, factor)])
    axis.set_title(
        "labels" if factor == 1 else f"blocks of {factor}: bound {bounds[factor]:.0f}", fontsize=9
    )
    axis.axis("off")
axes[3].plot(list(bounds), list(bounds.values()), "o-", color=look.BLUE, label="here")
axes[3].plot(
    list(paper), list(paper.values()), "s--", color=look.ORANGE, label="paper, pictures of 500"
)
axes[3].set_xscale("log", base=2)
axes[3].set_xticks([1, 4, 16, 64, 128], [1, 4, 16, 64, 128])
axes[3].set(xlabel="block, in pixels", ylabel="mean IU, %")
axes[3].legend(frameon=False, fontsize=8)
figure.tight_layout()
look.show(
    figure,
    alt="Labels of one picture, then in blocks of 8 and of 32 pixels; a falling curve of the "
    "bound, and the paper's beside it.",
)
long_side = float(np.median([max(each.shape) for each in maps]))
look.say(
    f"Blocks of 8: {bounds[8]:.0f}; of 32: {bounds[32]:.0f}. Our pictures have a long side of "
    f"{long_side:.0f} pixels, the paper's of 500, so a block of 8 here is as much of a picture "
    f"as one of {8 * 500 / long_side:.0f} there."
)

# %% [markdown]
# The paper's bound for FCN-8s's cells is 96.4, and its FCN-8s scores 62.7 (Table 2). The score is limited by *naming*, much more than by the coarse grid. And the other way round: **mean IU hardly sees fine outlines**; who cares for those should measure boundaries, as
# lesson 15 did.
#
# ## Mistakes people publish
# Now a prediction with all sorts of faults, so that there is something to score: painted pictures, and a “network” that draws in blocks of 8, a little too far right, forgets some shapes and misnames others. Its honest mean IU, from **one table over all pictures**:

# %%
rng = np.random.default_rng(5)
truths = [paint((96, 128), rng)[1] for _ in range(60)]


def sloppy(labels):
    """A prediction with faults: coarse, shifted, and each shape may be forgotten or misnamed."""
    guess = blocks(np.roll(labels, 1, axis=1), 8)
    guess[guess == 255] = 0
    for name in np.unique(guess)[1:]:
        if rng.random() < 0.25:
            guess[guess == name] = 0 if rng.random() < 0.5 else rng.integers(1, 9)
    return guess


guesses = [sloppy(labels) for labels in truths]
honest = 100 * score(guesses, truths, 9)
claims = {"honest: one table": honest}
look.say(f"Honest mean IU: **{honest:.1f}**.")

# %% [markdown]
# **1. The mean over pictures.** Score each picture alone, then take the mean. A picture shows background and two shapes; easy background is then a third of the score, not a ninth. And what of classes that the picture does not show?

# %%
claims["mean over pictures"] = 100 * np.mean(
    [score([guess], [labels], 9) for guess, labels in zip(guesses, truths, strict=True)]
)


def iu_of(table):
    correct, union = table.diagonal(), table.sum(1) + table.sum(0) - table.diagonal()
    return correct, union


def table_of(guesses, truths):
    return sum(confusion(labels, guess) for labels, guess in zip(truths, guesses, strict=True))


def confusion(labels, guess, count=9):
    counts = labels != 255
    pairs = labels[counts].astype(int) * count + guess[counts]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


absent_as_1 = []  # “absent and not predicted: perfect”
for labels, guess in zip(truths, guesses, strict=True):
    correct, union = iu_of(confusion(labels, guess))
    absent_as_1.append(np.where(union > 0, correct / np.maximum(union, 1), 1).mean())
claims["… absent classes as 1"] = 100 * np.mean(absent_as_1)

# %% [markdown]
# **2. Void counted as background.** Read 255 as class 0, and all outlines become background pixels, which nobody could get right: nobody knows what they are.

# %%
claims["void as background"] = 100 * score(
    guesses, [np.where(labels == 255, 0, labels) for labels in truths], 9
)

# %% [markdown]
# **3. Absent classes dropped by the truth alone.** On a small test set some class never occurs. It should leave the mean only if it was not *predicted* either. Here is a set without the last class, and with a network that sees it everywhere:

# %%
without = [k for k, labels in enumerate(truths) if not (labels == 8).any()]
some_truths = [truths[k] for k in without]
# calls each triangle a crescent
some_guesses = [np.where(guesses[k] == 3, 8, guesses[k]) for k in without]
correct, union = iu_of(table_of(some_guesses, some_truths))
true = table_of(some_guesses, some_truths).sum(1)
kept, dropped = 100 * (correct / union)[union > 0].mean(), 100 * (correct / union)[true > 0].mean()
look.say(
    f"{len(without)} pictures without a crescent: {kept:.1f} with the false crescents counted, "
    f"{dropped:.1f} if the class is dropped because the truth has none."
)

# %% [markdown]
# **4. Scored at low resolution.** The network gives a cell for 8 × 8 pixels; make the labels as small as that, and compare cells. All that the blocks get wrong at outlines is gone.

# %%
claims["at 1/8 resolution"] = 100 * score(
    [each[4::8, 4::8] for each in guesses], [each[4::8, 4::8] for each in truths], 9
)

# %% [markdown]
# **5. Threshold games.** A score map has a threshold in it: how sure must the network be before it says anything but background? Choose the threshold *on the test pictures* and report the best; or call unsure pixels void and leave them out. Both are tuning on the test set. With made-up sureness, high where the prediction is right more often:

# %%
sure = [
    np.clip(rng.normal(0.5 + 0.25 * (guess == labels), 0.2), 0, 1)
    for guess, labels in zip(guesses, truths, strict=True)
]
only_sure = [
    np.where(confidence > 0.5, labels, 255) for confidence, labels in zip(sure, truths, strict=True)
]
claims["unsure pixels left out"] = 100 * score(guesses, only_sure, 9)

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(8, 2.8))
colours = [look.GREEN] + [
    look.RED if value > honest else look.ORANGE for value in list(claims.values())[1:]
]
bars = axis.barh(list(claims), list(claims.values()), color=colours)
axis.axvline(honest, color="#999999", linewidth=0.8)
behind = {"facecolor": "white", "edgecolor": "none", "pad": 1}
axis.bar_label(bars, fmt="%.1f", padding=3, fontsize=8, bbox=behind)
axis.invert_yaxis()
axis.set(xlabel="“mean IU”, %", xlim=(0, 105))
figure.tight_layout()
look.show(
    figure,
    alt="Bars of the same predictions scored in six ways: one honest, the others higher or "
    "lower by several points.",
)
spread = max(claims.values()) - min(claims.values())
look.say(
    f"**The same predictions, the same pictures:** from {min(claims.values()):.1f} to "
    f"{max(claims.values()):.1f}, {spread:.0f} points apart. Networks are published for a gain "
    "of one."
)

# %% [markdown]
# ## Check
# Our table and scores against the library's, on the pictures and on the small example.

# %%
from minifcn.training.scoring import metrics

same = all(
    np.array_equal(confusion(a, b), metrics.confusion(a, b, 9))
    for a, b in zip(truths, guesses, strict=True)
)
puzzle = metrics.confusion(np.array([[0, 1], [1, 255]]), np.array([[0, 1], [0, 1]]), 2)
library = 100 * metrics.scores(table_of(guesses, truths), SHAPE_CLASSES)["mean_iu"]
look.say(
    f"All {len(truths)} tables equal: **{same}**. Mean IU {honest:.6f} by hand, {library:.6f} by "
    "the library. A last one for your head: labels [[0, 1], [1, void]], "
    f"prediction [[0, 1], [0, 1]] has mean IU {metrics.scores(puzzle, 'ab')['mean_iu']:.2f}."
)

# %% [markdown]
# ## In the library
# `minifcn/training/scoring/metrics.py`: `scores` is section 5 of the paper; `confusion` counts without a loop, by numbering the pairs (true, predicted). Its last line:

# %%
import inspect

print(inspect.getsource(metrics.confusion).splitlines()[-1].strip())

# %% [markdown]
# `minifcn/training/scoring/upper_bounds.py` has the upper bounds, by the middle pixel and by majority.
# `minifcn eval` prints all four, class by class. `minifcn paper upper-bounds` compares with appendix A.
#
# > **Honesty box.** The paper says “IU”, others IoU or the Jaccard index; “mean accuracy” is also called class accuracy or mean recall. The reference code takes NumPy's `nanmean`, so that a class with no true and no predicted pixel drops out, one with false pixels alone counts 0, as ours do. Other libraries
# > treat such classes in other ways, and some take the mean over batches (mistake 1): look before you compare. The paper does not say how it made labels coarse: by the middle pixel and by majority differ by some points. Our faulty network and its sureness are made up; how far a mistake moves *your* score depends on your pictures.
# > VOC's test server counts at full size, void left out, one table over all pictures.
#
# ## Exercises
# **1 · S.** The confusion matrix: rows true, columns predicted, 255 in the labels not counted. Without a loop over pixels, if you can.
#
# <details><summary>Hint</summary>Give each pair (true, predicted) a number of its own, from 0 to classes² − 1, and <code>np.bincount</code> counts pairs. Labels are small integers, uint8 perhaps: does that number fit? And what would 255 be counted as?</details>


# %%
def my_confusion(labels, predictions, classes):
    """labels, predictions: integer arrays of one shape (any rank).

    Returns integers (classes, classes).
    """
    ...


check.confusion(my_confusion)

# %% [markdown]
# **2 · M.** The four scores of a table, as fractions, in the order of the text above. A class without true pixels has no accuracy and leaves the mean accuracy; it leaves the mean IU only if it was not predicted either.
#
# <details><summary>Hint</summary>Divide only where it is allowed: choose the classes first, with <code>true > 0</code> and with <code>union > 0</code>.</details>


# %%
def my_four_scores(matrix):
    """matrix: (C, C), rows true.

    Returns (pixel accuracy, mean accuracy, mean IU, frequency weighted IU).
    """
    ...


check.four_scores(my_four_scores)

# %% [markdown]
# **3 · M.** Coarse labels by majority: each factor × factor block becomes its most frequent class, of equals the lowest; void has no vote, and only where a block is void throughout it stays void. The last blocks may be cut off by the picture's edge. Same size as before.
#
# <details><summary>Hint</summary>Loop over the blocks; a slice may reach beyond the edge. <code>np.bincount</code> counts the votes. Of equals, which one does <code>argmax</code> give? And what does it say of no votes at all?</details>


# %%
def my_coarse_labels(labels, factor):
    """labels: uint8 (H, W) -> uint8 (H, W)."""
    ...


check.coarse_labels(my_coarse_labels)

# %% [markdown]
# ## Summary
# - One confusion matrix over all pictures, void left out; four scores follow from it, and mean IU is the strict one.
# - True labels in blocks of 8 or 16 score far above any network of the paper: naming is the limit, not the grid.
# - The same predictions can be scored points apart; say what is counted, at which size, over what the mean goes.
#
# ## In the paper
# Section 5, “Metrics”, defines the four scores with these letters. Appendix A of the arXiv version has the upper bounds, and concludes that mean IU is not a good measure of fine detail.
