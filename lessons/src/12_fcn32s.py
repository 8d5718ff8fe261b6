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
# # 12 · FCN-32s: surgery, zeros, one picture, then all
#
# **Question.** We have a classifier that can *name* a shape, and a way to make coarse scores large. How do they become a network that names
# *every pixel*, and how do we know early whether its training works?
#
# **You need** lessons 07 (the loss), 09 (from classifier to FCN) and 10 (upsampling). **Time** 20 minutes to read, 35 for the exercises. **Paper** sections 4.1 and 4.3.
#
# ## The patient
# The paper starts from VGG16, which has learned from about a million photographs to name what is in them. Ours is the same in small: `shapes.classifier()` is a narrow VGG that was
# shown pieces of painted pictures, 64 × 64 pixels, and the *name* of the largest shape in each (or “background”): one word for each piece, never the label of a pixel.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
import shapes

import minifcn as mf
from minifcn import ops
from minifcn.data.synthetic.painting import SHAPE_CLASSES

data = shapes.Shapes(300, seed=0)  # pictures of 96 x 128, with a label for every pixel
unseen = shapes.Shapes(40, seed=1)  # not trained on
classifier = shapes.classifier()
prepare = mf.models.Preprocessing()  # uint8 (N, H, W, 3) -> float32 (N, 3, H, W)

pixels, names = shapes.pieces(unseen, 300, seed=0)
with mf.no_grad():
    said = classifier(prepare(pixels)).data.argmax(1)

# %% tags=["figure"]
figure, axes = plt.subplots(1, 6, figsize=(7.5, 1.7))
for axis, piece, name, answer in zip(axes, pixels, names, said, strict=False):
    shapes.draw(axis, piece, title=SHAPE_CLASSES[name])
    axis.text(32, 76, f"says {SHAPE_CLASSES[answer]}", ha="center", fontsize=8)
look.show(
    figure,
    alt="Six pieces of painted pictures; above each its name, below what the classifier says.",
)
commonest = np.bincount(names).max() / len(names)
look.say(
    f"It names **{100 * (said == names).mean():.0f} %** of {len(names)} pieces right that it "
    f"never saw. Saying the commonest name each time would give {100 * commonest:.0f} %."
)

# %% [markdown]
# The classifier has three parts: a **trunk**, the layers that turn a picture into a map with 64 numbers in each cell, one cell for 32 × 32 pixels; a score layer; and a mean over all cells, which throws away *where*.
#
# ## Net surgery
# FCN-32s keeps the trunk and puts two layers on it: **score_fr**, a 1 × 1 convolution that gives each cell a score for every class, and **upscore**, lesson 10's
# bilinear upsampling by 32. Here is a new one, its trunk still random, and all of its weights. (`backbone` is the code's word for the trunk; `fc6` and `fc7` are VGG's fully connected layers, as convolutions, lesson 09.)

# %%
model = shapes.network(stride=32)
for name, parameter in model.named_parameters():
    if name.endswith("weight"):
        learns = "learns" if parameter.requires_grad else "fixed"
        largest = np.abs(parameter.data).max()
        print(f"{name:24} {parameter.shape!s:16} {learns:7} largest {largest:.2f}")

# %% tags=["figure"]
look.show(
    mf.draw.architecture(model, (96, 128)),  # it needs the shapes alone; nothing is run
    alt="FCN-32s as boxes: the trunk in a row from the picture to fc7, its maps smaller and "
    "smaller; below it score_fr with 3 by 4 cells, upsampled by 32 to the size of the picture.",
)

# %% [markdown]
# Surgery means: copy the weights *by name*, and **say what was done**. The saying matters. A trunk that was not copied is no error to the computer; it trains, badly, and nothing tells you why.


# %%
def surgery(old, new):
    """Write the arrays of `old` (name -> array) into those of `new` with that name and shape."""
    written = [name for name in new if name in old and old[name].shape == new[name].shape]
    for name in written:
        new[name][...] = old[name]
    left = [name for name in new if name not in written]
    dropped = [name for name in old if name not in written]
    return written, left, dropped


def arrays_of(network):
    return {name: parameter.data for name, parameter in network.named_parameters()}


written, left, dropped = surgery(arrays_of(classifier), arrays_of(model))
print(f"written: {len(written)}, from {written[0]} to {written[-1]}")
print("left as they are:", ", ".join(left))
print("dropped:", ", ".join(dropped))

# %% [markdown]
# Read such a report each time. What is *left* should be the new layers and nothing else; what is *dropped* should be the old classes and nothing else.
#
# ## Why the scores start at zero
# `score_fr` was left with its first values, and these are all **zero**. So every class gets score 0 at every pixel, and softmax gives each of the 9 classes 1/9.
# **Before you run the next cell:** what is the loss of a pixel then? (Lesson 07: minus the logarithm of what the true class got.)

# %%
x = prepare(np.stack([data.picture(i) for i in range(8)]))
labels = np.stack([data.labels(i) for i in range(8)])
first = ops.softmax_cross_entropy(model(x), labels)
look.say(f"The loss is **{first.item():.6f}**. ln 9 is {np.log(9):.6f}.")

# %% [markdown]
# You know the first number your training must print, before it has printed anything. With the paper's 21 classes it is ln 21 = 3.0445. Another number at step one means the scores do not start at zero; *the same number at step 100* means nothing learns.
#
# A second thing follows. The trunk's gradient comes down *through* the score weights (lesson 05: the gradient of a convolution's input is made with its weights). These are zero. So:

# %% tags=["figure"]
layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1", "fc6", "fc7", "score_fr"]


def gradient_sizes(model):
    """The largest gradient in each layer's weight, for one batch."""
    model.zero_grad()
    ops.softmax_cross_entropy(model(x), labels).backward()
    gradients = {
        name.split(".")[-2]: p.grad
        for name, p in model.named_parameters()
        if name.endswith("weight")
    }
    return [float(np.abs(gradients[layer]).max()) for layer in layers]


step_1 = gradient_sizes(model)
kept = {name: array.copy() for name, array in arrays_of(model).items()}
# one step by hand, of the score layer
model.score_fr.weight.data -= 0.1 * model.score_fr.weight.grad
step_2 = gradient_sizes(model)
surgery(kept, arrays_of(model))  # as before

figure, axis = plt.subplots(figsize=(7.5, 2.4))
places = np.arange(len(layers))
axis.bar(places - 0.2, step_1, 0.4, color=look.ORANGE, label="step 1")
axis.bar(places + 0.2, step_2, 0.4, color=look.BLUE, label="step 2")
axis.set_yscale("symlog", linthresh=1e-5)
axis.set(ylabel="largest |gradient|", xlabel="layer", ylim=(0, 300))
axis.set_xticks(places, layers, fontsize=8)
axis.legend(frameon=False, ncols=2, loc="upper left")
look.show(
    figure,
    alt="Bars of the largest gradient in each layer. At step 1 only score_fr has one; at step "
    "2 every layer has.",
)
look.say(
    f"Step 1: the trunk's largest gradient is {max(step_1[:-1]):g}, that of score_fr "
    f"{step_1[-1]:.2g}. Step 2: {max(step_2[:-1]):.2g} and {step_2[-1]:.2g}."
)

# %% [markdown]
# The first step moves the scores alone; from the second on everything moves. So the trunk never gets a gradient that came through *random* score weights.
#
# ## One picture first
# Before you train on many pictures, train on **one**. A network with thousands of weights must be able to learn one picture by heart. If it cannot, something is
# broken, and you know it after seconds instead of hours. Here is the whole of training, in a loop:


# %%
def train_on(model, x, labels, steps, rate):
    """Adam on one batch; the loss of each step."""
    optimiser = mf.optim.Adam([p for p in model.parameters() if p.requires_grad], rate)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = ops.softmax_cross_entropy(model(x), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def predicted(model, i, data=unseen):
    """The class with the largest score at each pixel of picture i."""
    with mf.no_grad():
        scores = model(prepare(data.picture(i))).data[0]  # (9, H, W)
    return scores.argmax(0).astype(np.uint8)


which = 10
one = shapes.on_trunk(32)  # a new FCN-32s after the same surgery
guesses, losses = {0: predicted(one, which, data)}, []
for steps in (10, 20, 70):
    losses += train_on(
        one, prepare(data.picture(which)), data.labels(which)[None], steps, rate=2e-3
    )
    guesses[len(losses)] = predicted(one, which, data)

# %% tags=["figure", "picture"]
figure, axes = plt.subplots(1, 5, figsize=(10, 1.5))
shapes.draw(axes[0], data.picture(which), data.labels(which), "truth")
for axis, (step, guess) in zip(axes[1:], guesses.items(), strict=True):
    shapes.draw(axis, data.picture(which), guess, f"after {step} steps")
shapes.legend(figure, [data.labels(which), *guesses.values()])
look.show(
    figure,
    alt="The true labels of a picture, and what the network says after 0, 10, 30 and 100 steps: "
    "nothing, one patch far too large, then blobs of the right classes where the shapes are.",
)
truth = data.labels(which)
right = (guesses[100] == truth)[truth != 255].mean()
look.say(
    f"Loss {losses[0]:.3f} at first, {losses[-1]:.3f} after 100 steps; {100 * right:.1f} % of "
    "its pixels are right."
)

# %% [markdown]
# The names are right, and the outlines are blobs; of the thin ring only parts are there. A cell stands for 32 × 32 pixels, and between cells bilinear upsampling can only fade from one to the next. More steps can hardly draw the arms of the cross: that is what lessons 14 and 15 are for.
#
# This little test catches many mistakes. Here are three, made on purpose:

# %% tags=["figure"]
x_one, truth_one = prepare(data.picture(which)), data.labels(which)[None]
empty = shapes.network(32)
for parameter in empty.backbone.parameters():
    parameter.data[...] = (
        0  # a trunk for which no weights were found: in the authors' files it stays at zero
    )


def never_forgets(model, steps):
    """As train_on with plain SGD, but nobody calls zero_grad: gradients pile up."""
    optimiser = mf.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.05)
    found = []
    for _ in range(steps):
        loss = ops.softmax_cross_entropy(model(x_one), truth_one)
        loss.backward()
        optimiser.step()
        found.append(loss.item())
    return found


curves = {
    "right": (losses[:40], look.BLUE, "-"),
    "trunk at zero": (train_on(empty, x_one, truth_one, 40, 0.4), look.RED, "--"),  # a large rate
    "rate 1e-10": (train_on(shapes.on_trunk(32), x_one, truth_one, 40, 1e-10), look.BLACK, ":"),
    "zero_grad forgotten": (never_forgets(shapes.on_trunk(32), 40), look.ORANGE, "-."),
}
figure, axis = plt.subplots(figsize=(7.5, 2.8))
for label, (values, colour, style) in curves.items():
    axis.plot(range(1, 41), values, style, color=colour, label=label)
axis.axhline(np.log(9), color="#bbbbbb", linewidth=0.8)
axis.text(42.3, np.log(9), "ln 9", va="center", fontsize=8)
axis.set(xlabel="step", ylabel="loss on one picture", ylim=(0, 4))
axis.legend(frameon=False, fontsize=8)
look.show(
    figure,
    alt="Four loss curves. The right one falls to about 0.2; with a trunk at zero it stops at a "
    "level well above; with a tiny rate it stays at ln 9; without zero_grad it falls, then "
    "swings up beyond the figure.",
)
shares = np.bincount(truth[truth != 255]) / (truth != 255).sum()
shares = shares[shares > 0]
red, entropy = curves["trunk at zero"][0][-1], -(shares * np.log(shares)).sum()
look.say(
    f"With a trunk at zero the loss stops at {red:.2f}. The best constant guess costs −Σ share · "
    f"ln(share) = {entropy:.2f}; it stays a little above, since the upsampled bias fades at the "
    "picture's rim."
)

# %% [markdown]
# Each mistake has a face. *Flat at ln 9*: nothing moves (1e-10 is a rate for gradient descent on a loss that is **summed** over all pixels, lesson 07). *Falls, then stops high*: the network is blind. Its score layer's bias is
# all that moves, so it learns what share of the picture each class has, and nothing else. Such a guess cannot cost less than the number below the figure, which is called the *entropy* of the shares. *Swings*: old gradients are still in there.
#
# ## Now all of them
# 150 steps of eight pictures, once from the classifier's trunk and once from a random one. `shapes.learn` is the loop above with another batch of the 300 pictures in each step, and a rate that falls to 0.
# **Before you train:** does the trunk's knowledge of *names* help to label *pixels*?

# %%
operated, random = shapes.on_trunk(32), shapes.network(32)
curves = {
    "classifier's trunk": shapes.learn(operated, data),
    "random trunk": shapes.learn(random, data),
}


def smooth(losses, window=10):
    return np.convolve(losses, np.ones(window) / window, "valid")


# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(7.5, 2.6))
for (label, values), colour, style in zip(
    curves.items(), (look.BLUE, look.ORANGE), ("-", "--"), strict=True
):
    axis.plot(np.arange(len(values) - 9) + 10, smooth(values), style, color=colour, label=label)
axis.set(xlabel="step", ylabel="loss, mean of 10 steps", ylim=(0, None))
axis.legend(frameon=False)
look.show(
    figure,
    alt="Two falling loss curves; the one from the classifier's trunk soon lies lower, and "
    "stays there.",
)

# %%
from minifcn.training import evaluate

scores = {
    name: evaluate(network, unseen)
    for name, network in (("operated", operated), ("random", random))
}
everything = np.concatenate([unseen.labels(i).ravel() for i in range(len(unseen))])
background = (everything == 0).sum() / (everything != 255).sum()
look.say(
    "On pictures that neither has seen, mean IU (lesson 17 says what it is; 100 is perfect): "
    f"**{100 * scores['operated']['mean_iu']:.0f}** with the classifier's trunk, "
    f"{100 * scores['random']['mean_iu']:.0f} with a random one, and "
    f"{100 * background / 9:.0f} for saying “background” everywhere."
)


# %% tags=["figure"]
def found_of_shapes(i):
    """The share of the shapes' pixels that get their right class, background left out."""
    truth = unseen.labels(i)
    inside = (truth != 0) & (truth != 255)
    return (predicted(operated, i) == truth)[inside].mean()


order = sorted(range(len(unseen)), key=found_of_shapes)
chosen = (order[-1], order[-8], order[-20])  # its best picture, its eighth, a middling one
figure, axes = plt.subplots(3, 3, figsize=(7.5, 5.4))
shown = []
for row, i in zip(axes, chosen, strict=True):
    maps = [unseen.labels(i), predicted(operated, i), predicted(random, i)]
    shown += maps
    for axis, labels_shown, title in zip(
        row, maps, ("truth", "from the classifier", "from a random trunk"), strict=True
    ):
        shapes.draw(axis, unseen.picture(i), labels_shown, title if i == chosen[0] else "")
figure.tight_layout()
shapes.legend(figure, shown)
look.show(
    figure,
    alt="Three unseen pictures: true labels, what the operated network says, what the one from "
    "a random trunk says. The first finds coarse blobs of mostly right classes, the second next "
    "to nothing.",
)
look.say("From top to bottom: its best picture, its eighth best, and a middling one, of 40.")

# %% [markdown]
# ## Check
# Does our surgery do what the library's does? That one is called `transplant`. And is FCN-32s what we think it is: trunk, scores, bilinear upsampling, nothing else? We put one together by hand. (`drop7` is the trunk's last map.)

# %%
theirs = shapes.network(32)
report = mf.models.transplant(classifier, theirs)
print(report)
ours = shapes.on_trunk(32)
same = all(
    np.array_equal(arrays_of(ours)[name], arrays_of(theirs)[name]) for name in arrays_of(ours)
)

# (8, 9, 3, 4): for each cell a score for each class
coarse = operated.score_fr(operated.backbone(x)["drop7"])
tent = 1 - np.abs(np.arange(64) - 31.5) / 32
kernels = np.tile(np.outer(tent, tent).astype(np.float32), (9, 1, 1, 1))  # bilinear, lesson 10
by_hand = ops.conv_transpose2d(coarse, kernels, stride=32, padding=16, groups=9)
difference = np.abs(by_hand.data - operated(x).data).max()
look.say(
    f"Every weight the same after both surgeries: **{same}**. Coarse scores {coarse.shape} "
    f"upsampled by hand against `operated(x)`: largest difference **{difference:.1g}**."
)

# %% [markdown]
# ## In the library
# - `minifcn/models/surgery.py`: `transplant` also reshapes fc6 and fc7 (lesson 09), takes a fourth input channel, and **refuses** a source whose weights would have no place, before it writes anything. `fully_convolutional(classifier)` does classifier → FCN in one call.
# - `minifcn/models/heads.py`: `score_layer` and its zeros. `minifcn/training/simple.py`: the loop, in ten lines that do something. `loop.py` beside it is the one that runs, to the same bits; if the loss becomes NaN, it says which operation began it.

# %%
import inspect

from minifcn.models.heads import score_layer

print(inspect.getsource(score_layer))

# %% [markdown]
# > **Honesty box.** Our classifier was built from convolutions, and ends in a mean over its cells; VGG16 has fully connected layers, which must first become convolutions (lesson 09). The paper trains VGG16 with momentum 0.9 and the rate 10⁻⁴
# > (section 4.3), its published code with momentum 0.99, a summed loss and 10⁻¹⁰; we use Adam on the mean. The paper starts the scores at zero and found random ones neither faster nor better (section 4.3); in the authors' files that is simply what Caffe does when nothing is asked for.
# > PyTorch fills a new `Conv2d` with random numbers, so there the first loss is *not* ln C unless you zero it; and `load_state_dict(..., strict=False)` is surgery that keeps quiet about what it left unless you print what it returns. With 150 steps our scores are far from
# > what this network can do; the order of the curves is the point.
#
# ## Exercises
# **1 · S.** Compute what the loss of the first step must be, where all scores are zero, from the labels (255 is void) and the number of classes: as a sum or as a mean. If all pixels are void it is 0.
#
# <details><summary>Hint</summary>What does one pixel cost, and what a void one? The mean does not divide by void pixels either.</details>


# %%
def my_first_loss(labels, classes, reduction):
    """labels: integers (N, H, W), 255 is void. reduction: "sum" or "mean". Returns a number."""
    ...


check.first_loss(my_first_loss)

# %% [markdown]
# **2 · M.** Surgery that knows fully connected layers. Copy where name and shape agree. Where the name agrees and one of the two is a matrix, reshape, if both have as many numbers and the same first axis. (Your answer to lesson 09, and one list more.)
# Return four lists of names: copied, reshaped, left (of the new network), dropped (of the old). Write into the arrays of `new`.
#
# <details><summary>Hint</summary><code>new[name][...] = value</code> writes into the array that is there; <code>new[name] = value</code> puts another array in the dictionary and the network never sees it.</details>


# %%
def my_full_surgery(old, new):
    """old, new: dictionaries name -> array. Returns (copied, reshaped, left, dropped)."""
    ...


check.full_surgery(my_full_surgery)

# %% [markdown]
# **3 · M.** Write the training loop without an optimiser: `steps` steps of $w \leftarrow w - \text{rate} \cdot \partial L / \partial w$, on the mean loss of one batch, void left out. Parameters that do not learn (`requires_grad` is False) stay as they are.
#
# <details><summary>Hint</summary>The loop of this lesson, without its optimiser: what did <code>zero_grad</code> and <code>step</code> do for you? Write into <code>parameter.data</code>; a parameter that does not learn has no gradient.</details>


# %%
def my_training(model, x, labels, steps, rate):
    """Train `model` in place: x (N, 3, H, W), labels (N, H, W).

    Returns the list of losses, each before its step.
    """
    ...


check.training(my_training)

# %% [markdown]
# ## Summary
# - Surgery copies weights by name and reports what it copied, left and dropped; read the report.
# - Zero score layers make the first loss exactly ln C, and keep the trunk still in the first step.
# - Learn one picture by heart first; FCN-32s can then name what it sees, and draw it only as finely as its cells of 32 pixels.
#
# ## In the paper
# Section 4.1: the classifiers lose their last layer, get a 1 × 1 convolution with 21 scores in its place and a bilinear upsampling after it, and are fine-tuned. Section 4.3 (“Fine-tuning”): all layers learn; training the last one alone
# reaches 70 % of that; training from scratch “is not feasible”, since learning the classifier alone takes so long. Our two curves show in small what a trained trunk is worth.
