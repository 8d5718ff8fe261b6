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
# # 22 · The paper in one page
#
# **Question.** What does the paper say, section by section, and what of it have you seen with your own eyes?
#
# **You need** as many lessons as you like; this page tells you what the others are about. **Time** 15 minutes to read, 50 for the exercises. **Paper** all of it, from section 1 to section 6, and appendices A and B of its second version (arXiv 1411.4038v2).
#
# ## The smallest summary is a network
# Everything the paper builds on fits into ten lines. If you can say what each of them does, and why, you can read the paper.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf
from minifcn import ops
from minifcn.nn.initialisers import bilinear
from minifcn.paper import CLAIMS
from minifcn.paper.claims import Setting


def fcn16s_by_hand(x, w):
    """A picture (N, 3, H, W) and weights by name -> scores (N, C, H, W).

    A trunk of stride 8 in the place of VGG's 32.
    """
    # trained on ImageNet, 4.1
    pool1 = ops.max_pool2d(ops.relu(ops.conv2d(x, w["conv1"], padding=1)), 2)
    pool2 = ops.max_pool2d(ops.relu(ops.conv2d(pool1, w["conv2"], padding=1)), 2)
    pool3 = ops.max_pool2d(ops.relu(ops.conv2d(pool2, w["conv3"], padding=1)), 2)
    fc = ops.relu(ops.conv2d(pool3, w["fc6"], padding=1))  # a fully connected layer once, 3.1
    what = ops.conv2d(fc, w["score_fr"])  # coarse: one cell for 8 x 8 pixels
    where = ops.conv2d(pool2, w["score_pool"])  # finer: one for 4 x 4, zero at first, 4.2
    classes = what.shape[1]
    # 3.3
    up2 = ops.conv_transpose2d(
        what, bilinear(classes, 4).astype(float), stride=2, padding=1, groups=classes
    )
    return ops.conv_transpose2d(
        up2 + where, bilinear(classes, 8).astype(float), stride=4, padding=2, groups=classes
    )


rng = np.random.default_rng(22)
shapes = {
    "conv1": (8, 3, 3, 3),
    "conv2": (8, 8, 3, 3),
    "conv3": (8, 8, 3, 3),
    "fc6": (16, 8, 3, 3),
    "score_fr": (5, 16, 1, 1),
    "score_pool": (5, 8, 1, 1),
}
weights = {
    name: mf.Tensor(0.3 * rng.standard_normal(shape), requires_grad=True)
    for name, shape in shapes.items()
}
x, labels = rng.standard_normal((1, 3, 24, 32)), rng.integers(0, 5, (1, 24, 32))
loss = ops.softmax_cross_entropy(fcn16s_by_hand(x, weights), labels)  # over all pixels at once, 3.4
loss.backward()
print({name: tensor.grad.shape for name, tensor in weights.items()})

# %% [markdown]
# Is it right? Ask what lesson 03 taught us to ask.

# %%
report = mf.gradcheck(
    lambda *tensors: ops.softmax_cross_entropy(
        fcn16s_by_hand(x, dict(zip(shapes, tensors, strict=True))), labels
    ),
    list(weights.values()),
    directions=10,
)
print("gradients right:", report.ok)

# %% [markdown]
# ## Section by section
# In our words, with the lessons that show it. The names in the last column are *claims*: statements of the paper that the library can test, each by `minifcn paper NAME`.

# %% tags=["figure"]
# section, lessons, claims of the library, what it says
# fmt: off
PAPER = [
    ("Abstract, 1", [0, 2, 12, 15, 18], ["any-size"],
     "Networks trained end to end, pixels to pixels, exceed the state of the art in semantic "
     "segmentation; input of any size, output of that size; one run, one walk back."),
    ("2", [0, 8, 16], [],
     "Before: patches one by one, superpixels, proposals, post-processing. FCNs need none of "
     "them."),
    ("3", [4, 5, 6, 8], ["composition", "sum-over-cells"],
     "Convolution, pooling and ReLU see windows; one after another they are one layer with a "
     "larger kernel and stride. A loss summed over cells has the sum of their gradients."),
    ("3.1", [9], ["fully-connected-is-convolution", "one-pass-is-all-windows"],
     "Fully connected layers are convolutions; run on a large picture they give a map, much "
     "faster than window by window."),
    ("3.2", [11], ["shift-and-stitch", "rarefaction", "padding-breaks-it"],
     "Shift-and-stitch gives a score for every pixel; dilating filters does the same in one "
     "run."),
    ("3.3", [5, 10],
     ["fractional-stride", "deconvolution-backward", "bilinear-start",
     "deconvnet-is-another-thing"],
     "Upsampling by f is convolution with stride 1/f: backwards convolution, called "
     "deconvolution, learned or bilinear."),
    ("3.4", [16],
     ["patchwise-is-sampling", "sampling-is-dropconnect", "neighbours-alike", "accumulation"],
     "Training on patches is training on whole pictures with some cells left out of the loss. "
     "Balanced classes and less alike neighbours can be had with whole pictures, too."),
    ("4.1, Table 1", [8, 9, 12], ["receptive-fields", "table-1"],
     "AlexNet, VGG16 and GoogLeNet become FCN-32s; VGG16 is best: 134 M parameters, cells that "
     "see 404 pixels."),
    ("4.2", [14, 15], ["unmodified-start", "pool4-alone", "table-2"],
     "Skips add where to what: pool4 for FCN-16s, pool3 for FCN-8s; new scores start at zero, "
     "so nothing is lost at first."),
    ("4.2, footnote 6", [15], ["sum-or-max"],
     "Fusing by the larger score makes learning hard: the gradient switches."),
    ("4.2, refinement", [11, 15], ["refinement-by-other-means"],
     "A smaller stride of pool5, or shift-and-stitch, refines less for its cost."),
    ("4.2, the reference code", [13], ["crops", "every-height", "least-padding"],
     "100 pixels of padding, and crops of 19, 5 and 27, 5 and 9 and 31, so that maps of any "
     "picture lie on one another."),
    ("4.3, optimization", [7, 12, 18], ["zero-scores", "random-scores"],
     "SGD with momentum; scores that start at zero; twice the rate for biases; dropout kept."),
    ("4.3, fine-tuning", [12, 14, 15], ["table-2"],
     "All layers learn; the last one alone gives about 70 % of it. 16s and 8s start from the "
     "coarser one."),
    ("4.3, patch sampling, Figure 5", [16], ["figure-5", "cells-kept"],
     "Keeping cells with probability p, of 1/p times as many pictures, needs as many steps, "
     "and more time."),
    ("4.3, class balancing", [16], ["class-balancing"],
     "Three quarters of the pixels are background, and balancing is unnecessary."),
    ("4.3, dense prediction", [10, 15], ["learned-upsampling"],
     "The last upsampling is bilinear and fixed; the others start so and learn."),
    ("4.3, augmentation, more data", [18], [],
     "Mirrors and jitter did not help; more labels did: 56.0 to 59.4."),
    ("5, metrics", [17], [],
     "Pixel accuracy, mean accuracy, mean IU, frequency weighted IU, from one confusion "
     "matrix."),
    ("5, Table 3, Figure 6", [17, 18, 20, 21], [],
     "62.2 mean IU on VOC2012 test, a fifth better than the best before, in about 175 ms a "
     "picture."),
    ("5, Table 4", [19], ["early-or-late-fusion"],
     "NYUDv2: depth as a fourth channel helps a little, two streams more."),
    ("5, Table 5", [19], ["two-heads"],
     "SIFT Flow: two heads on one trunk answer two questions."),
    ("6", [9, 22], [],
     "Classifiers are a special case of fully convolutional networks."),
    ("Appendix A", [17], ["upper-bounds"],
     "Coarse output is not what limits the score: labels made coarser by 32, 16 and 8 still "
     "score 86, 93 and 96."),
    ("Appendix B", [19], [],
     "More results, on PASCAL-Context."),
]

LESSONS = [
    "start_here", "slopes_by_hand", "tensors_and_graphs", "gradient_checks",
    "convolution", "convolution_backward", "relu_and_max_pool", "softmax_cross_entropy",
    "classifier_and_receptive_field", "from_classifier_to_fcn", "upsampling", "shift_and_stitch",
    "fcn32s", "where_pixels_land", "fcn16s", "fcn8s",
    "loss_sampling", "scores", "voc_for_real", "other_datasets",
    "under_the_hood", "on_the_gpu", "the_paper_in_one_page",
]
# fmt: on


def link(number):
    return f"[{number:02d}]({number:02d}_{LESSONS[number]}.ipynb)"


rows = ["| section | what it says | lessons | claims |", "|---|---|---|---|"]
for section, numbers, claims, says in PAPER:
    rows.append(
        f"| {section} | {says} | {' '.join(link(n) for n in numbers)} | "
        f"{', '.join(f'`{c}`' for c in claims)} |"
    )
look.say("\n".join(rows))

# %% [markdown]
# ## Are there holes?
# A list is believed too easily. So let us ask: is every claim of the library in it? And which lessons are not?

# %%
listed = {claim for _, _, claims, _ in PAPER for claim in claims}
print("claims that the list forgets:", sorted(set(CLAIMS) - listed) or "none")
print("claims that do not exist:    ", sorted(listed - set(CLAIMS)) or "none")
shown = {number for _, numbers, _, _ in PAPER for number in numbers}
look.say(
    "Lessons that no section of the paper asks for: "
    + ", ".join(f"{n:02d} {LESSONS[n]}" for n in range(23) if n not in shown)
    + "."
)

# %% [markdown]
# They say how a slope is found, and when to trust it; the paper takes that for granted. Here is the list as a picture, a dot for each lesson of a section:

# %% tags=["figure", "picture"]
figure, axis = plt.subplots(figsize=(8, 5.4), layout="constrained")
for row, (_, numbers, claims, _) in enumerate(PAPER):
    axis.plot(numbers, [row] * len(numbers), "-", color="#cccccc", zorder=1)
    axis.scatter(
        numbers, [row] * len(numbers), s=45, color=look.BLUE if claims else look.ORANGE, zorder=2
    )
axis.scatter([], [], color=look.BLUE, label="section with a claim that you can run")
axis.scatter([], [], color=look.ORANGE, label="section without one")
axis.set_yticks(range(len(PAPER)), [section for section, *_ in PAPER], fontsize=8)
axis.set_xticks(range(23), [f"{n:02d}" for n in range(23)], fontsize=8)
axis.set(xlabel="lesson", ylabel="section of the paper")
axis.invert_yaxis()
axis.grid(color="#eeeeee")
axis.set_axisbelow(True)
axis.legend(fontsize=8, loc="lower left")
look.show(
    figure,
    alt="Sections of the paper down, lessons across, a dot where a lesson shows a section. By "
    "and large the dots run from the upper left to the lower right; every row has at least "
    "one.",
)

# %% [markdown]
# ## What holds exactly, run now
# A claim is of one of three kinds. An **identity** holds to the last bit or to rounding, whatever the weights: we run all of them while you wait. An **experiment** trains networks and takes minutes. **Data** needs labels of photographs.
#
# **Before you run the next cell:** which of them do you expect to fail?

# %%
found = {name: claim.run(Setting()) for name, claim in CLAIMS.items() if claim.kind == "identity"}
rows = ["| claim | section | | what was found |", "|---|---|---|---|"]
for name, outcome in found.items():
    measured = (
        outcome.measured
        if len(outcome.measured) < 170
        else outcome.measured[:170].rsplit(" ", 1)[0] + " …"
    )
    mark = "✓" if outcome.holds else "✗"
    row = f"| `{name}` | {CLAIMS[name].section} | {mark} | {measured} |"
    rows.append(row.replace("\n", " "))
look.say("\n".join(rows))
look.say(
    f"**{sum(bool(o.holds) for o in found.values())} of {len(found)}** identities hold. (The "
    "times in them are of the machine that made this page.)"
)

# %% [markdown] tags=["open"]
# And what has to be measured, with the lesson that looks at it in small:

# %%
rows = ["| claim | what the paper says | kind | lesson |", "|---|---|---|---|"]
for name, claim in CLAIMS.items():
    if claim.kind != "identity":
        numbers = sorted({n for _, ns, claims, _ in PAPER if name in claims for n in ns})
        rows.append(
            f"| `{name}` | {claim.says} | {claim.kind} | {' '.join(link(n) for n in numbers)} |"
        )
look.say("\n".join(rows))

# %% [markdown]
# Not all of them come out in small as they did in the paper. `minifcn paper --out page` runs everything and writes a page with pictures and verdicts, which says so where they do not.
#
# ## What you cannot see here
# The scores of the paper's tables. They need weights trained on ImageNet, the authors' datasets (8,498 photographs labelled by SBD for VOC alone), and days of a GPU. What you have seen is how each *step* towards them works, and what a network of the same make
# does in a smaller world (lesson 18).
#
# ## In the library
# `minifcn/paper/` has a file a topic; `minifcn/paper/claims.py` says what a claim is: a function that measures, decides, and says what it measured. For most experiments its docstring says *beforehand* which result would speak against the claim. Read one:

# %%
print(CLAIMS["early-or-late-fusion"].says)
print()
print(CLAIMS["early-or-late-fusion"].run.__doc__)

# %% [markdown]
# > **Honesty box.** There are two papers of this name: CVPR 2015, which we follow, and a longer one (Shelhamer, Long, Darrell; 2016 on arXiv, 2017 in the journal PAMI), with better numbers (67.2 mean IU on VOC2012 test) and other training: one picture a step with momentum 0.99. The code that the authors
# > published belongs to the second. Where the two differ, lessons 12 to 16 say which one they mean. In Caffe a layer is called `Deconvolution`; in PyTorch the ready-made `torchvision.models.segmentation.fcn_resnet50` has the name, but dilated layers in the place of skips.
#
# ## Exercises
# **1 · S.** "134 M parameters." Count the weights and biases of a row of convolutions.
#
# <details><summary>Hint</summary>How many numbers make one output channel? Of VGG16's parameters three quarters are in fc6, 512 → 4096 with kernel 7.</details>


# %%
def my_count_parameters(layers):
    """layers: a list of (channels in, channels out, kernel). Returns an integer."""
    ...


check.count_parameters(my_count_parameters)

# %% [markdown]
# **2 · M.** The first paper trains with 20 pictures a step and momentum 0.9, the second with 1 picture and 0.99. When do two trainings *forget* old gradients equally fast? With momentum p, each step of k pictures leaves the share p of what was there, which is as if each picture left the share $p^{1/k}$. Which momentum
# with `new_batch` pictures a step leaves the same share for each picture?
#
# <details><summary>Hint</summary>Call it q. What share does <i>one</i> picture leave in each of the two trainings? To try it: 0.9 with 20 pictures is about 0.9947 with one.</details>


# %%
def my_same_momentum(momentum, batch, new_batch):
    """Returns the momentum for steps of new_batch pictures that forgets as fast a picture."""
    ...


check.same_momentum(my_same_momentum)

# %% [markdown]
# **3 · L.** All of it, and without the library: a fully convolutional network in plain NumPy. `x` (3, H, W), H and W multiples of 4. Twice: convolution 3 × 3 with padding 1, ReLU, max-pool 2 × 2. Then scores by a 1 × 1 convolution, then bilinear upsampling by 4: a kernel of 8, stride 4, padding 2. `layers` has three pairs (weight (O, C, KH, KW), bias (O,)).
#
# <details><summary>Hint</summary>A loop over the nine taps for the convolution; reshape and max for the pool; paint the 8 × 8 kernel for each cell into a map that is 2 wider on each side, then cut. The kernel's rows are the tents of lesson 10.</details>


# %%
def my_whole_fcn(x, layers):
    """x (3, H, W); layers [(weight, bias)] * 3. Returns scores (classes, H, W)."""
    ...


check.whole_fcn(my_whole_fcn)

# %% [markdown]
# ## Summary
# - The paper is one idea (a classifier that slides is a network for pixels) and what follows from it: upsampling inside, skips, whole pictures in the loss.
# - Most of the claims tested here are identities, and hold when you run them; the rest are measured, and can be repeated in small.
# - You can now read it from its first line to its last, and know how to find out whether what it says is true.
#
# ## In the paper
# Everywhere. Read it once more now: it is ten pages, and short.
