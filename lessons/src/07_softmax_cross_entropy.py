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
# # 07 · Softmax cross-entropy on maps
#
# **Question.** A network gives every pixel a score for every class. How wrong is it, in one number, and what does that number ask of each score?
#
# **You need** lesson 03 (gradient checks). **Time** 15 minutes to read, 20 for the exercises; second sitting 10 and 15. **Paper** section 4, "per-pixel multinomial logistic loss", and section 4.3.
#
# ## One pixel
# Three classes, three *scores*: any numbers, larger means likelier. *Softmax* (lesson 03) makes probabilities of them: e to the power of each, divided by the sum of all.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf
from minifcn import nn, ops
from minifcn.data import ClassMap
from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.draw.pictures.overlay import colourise
from minifcn.models.preprocessing import Preprocessing

scores = np.array([2.0, 1.0, -1.0])
softmax = np.exp(scores) / np.exp(scores).sum()
print(softmax.round(3), "together", softmax.sum().round(6))

# %% [markdown]
# Somebody has labelled the pixel: it is class 1. How good are these scores? Let us take the probability that they give to the right class. For two pixels, multiply the two. For a
# photograph that is a product of a hundred thousand numbers below 1, which the computer rounds to 0. So we take logarithms, and the product becomes a sum. And a minus, so that small is good:
#
# $$\text{loss} = -\ln(\text{probability of the right class})$$
#
# PyTorch says *cross-entropy*; it is the same. **Before you look:** what is the loss of scores that are certain and right? Certain and wrong? All three alike?

# %% tags=["figure"]
p = np.linspace(0.001, 1, 500)
figure, axis = plt.subplots(figsize=(6, 2.6))
axis.plot(p, -np.log(p), color=look.BLUE)
for value, words, shift in (
    (softmax[1], "our pixel", (6, 14)),
    (1 / 3, "all three alike: ln 3", (8, 4)),
    (0.999, "certain and right", (-75, 12)),
):
    axis.plot(value, -np.log(value), "o", color=look.RED)
    axis.annotate(
        words, (value, -np.log(value)), xytext=shift, textcoords="offset points", fontsize=9
    )
axis.set(xlabel="probability of the right class", ylabel="loss", ylim=(-0.3, 6))
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="The curve of minus the logarithm: very high near 0, 1.1 at a third, 0 at 1. Our pixel "
    "lies at a probability of 0.26 with a loss of 1.35.",
)
look.say(
    f"Our pixel: probability {softmax[1]:.3f}, loss **{-np.log(softmax[1]):.3f}**. A network "
    f"that knows nothing and says so starts at ln 3 = {np.log(3):.3f}; with the 21 classes of "
    f"PASCAL VOC at ln 21 = **{np.log(21):.4f}**."
)

# %% [markdown]
# ## The gradient, in three lines
# Write $s$ for the scores and $y$ for the right class. Put softmax into the logarithm:
#
# - $\text{loss} = -\ln \dfrac{e^{s_y}}{\sum_k e^{s_k}} = \ln \sum_k e^{s_k} - s_y$;
# - the slope of the first part with respect to $s_j$ is $e^{s_j} / \sum_k e^{s_k}$: the probability of $j$, again;
# - the slope of the second part is $-1$ for $j = y$, and 0 for the others.
#
# $$\text{gradient} = \text{softmax} - \text{one hot}$$
#
# where *one hot* is 1 at the right class and 0 elsewhere. Two functions that are unpleasant to differentiate, and together they give a gradient as simple as this.
#
# <details markdown="1"><summary>The same with indices: through softmax, then through the logarithm</summary>
#
# Without the trick of the first line it is two steps and the chain rule. Let $p_i = e^{s_i} / Z$ with $Z = \sum_k e^{s_k}$, and let $\delta_{ij}$ be 1 for $i = j$ and 0 otherwise. By the rule for quotients
#
# $$\frac{\partial p_i}{\partial s_j} = \frac{\delta_{ij}\, e^{s_i} Z - e^{s_i} e^{s_j}}{Z^2} = p_i\, (\delta_{ij} - p_j)$$
#
# which is the table of lesson 03. The loss is $L = -\ln p_y$, so $\partial L / \partial p_i = -\delta_{iy} / p_y$. Both together:
#
# $$\frac{\partial L}{\partial s_j} = \sum_i \frac{\partial L}{\partial p_i} \frac{\partial p_i}{\partial s_j} = -\frac{1}{p_y}\, p_y\, (\delta_{yj} - p_j) = p_j - \delta_{yj}$$
#
# The $p_y$ in the denominator, which may be tiny, is gone: one more reason to differentiate both as *one* operation. And $\sum_j (p_j - \delta_{yj}) = 1 - 1 = 0$.
#
# For maps the loss is the mean over the pixels that count, $L = \frac{1}{P} \sum_{n,h,w} m_{nhw}\, L_{nhw}$ with $m = 0$ where the label is void, 1 elsewhere, and $P = \sum m$. No pixel's loss contains another pixel's scores, so
#
# $$\frac{\partial L}{\partial s_{njhw}} = \frac{m_{nhw}}{P} \left( p_{njhw} - \delta_{j,\,y_{nhw}} \right)$$
#
# </details>

# %% tags=["figure", "picture"]
one_hot = np.array([0.0, 1.0, 0.0])
gradient = softmax - one_hot
figure, axes = plt.subplots(1, 3, figsize=(8, 2.3))
parts = {"scores": scores, "probabilities": softmax, "gradient of the loss": gradient}
for axis, (title, values) in zip(axes, parts.items(), strict=True):
    axis.bar(range(3), values, color=[look.SKY, look.ORANGE, look.SKY])
    for place, value in enumerate(values):
        axis.text(
            place, max(value, 0) + 0.03 * np.ptp(values), f"{value:.2f}", ha="center", fontsize=9
        )
    axis.set(xticks=range(3), xlabel="class (1 is right)", title=title)
    axis.margins(y=0.2)
    axis.axhline(0, color=look.BLACK, linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
look.show(
    figure,
    alt="Bars for three classes. Scores 2, 1, −1; probabilities 0.71, 0.26, 0.04; gradient "
    "0.71, −0.74, 0.04.",
)

# %% [markdown]
# A step goes against the gradient: the right class goes up, each other class goes down, by its probability times the learning rate. The three parts of the gradient add up to 0. When the network is right and certain, the gradient is nearly 0, and the pixel has nothing more to say.
#
# ## Do not overflow
# $e^{89}$ does not fit into float32. Scores of 89 do happen. The cure costs nothing: subtract the largest score $m$ from all of them. Softmax does not notice, since $e^{s-m} = e^s / e^m$, and $e^m$ cancels. Then the largest number is $e^0 = 1$.


# %%
def naive_loss(scores, label):
    exponentials = np.exp(scores)
    return -np.log(exponentials[label] / exponentials.sum())


def stable_loss(scores, label):
    shifted = scores - scores.max()
    return np.log(np.exp(shifted).sum()) - shifted[label]


# %% tags=["figure"]
lead = np.linspace(0, 150, 301).astype(np.float32)  # by how much the wrong class leads
found = {}
with np.errstate(all="ignore"):  # the naive one divides infinity by infinity
    for function in (naive_loss, stable_loss):
        found[function] = np.array(
            [function(np.array([value, 0], np.float32), label=1) for value in lead]
        )
broken = lead[~np.isfinite(found[naive_loss])][0]
figure, axis = plt.subplots(figsize=(6, 2.6))
axis.plot(
    lead,
    found[stable_loss],
    color=look.BLUE,
    linewidth=5,
    alpha=0.4,
    label="largest score subtracted",
)
axis.plot(lead, found[naive_loss], color=look.RED, label="as the formula stands")
axis.axvline(broken, color=look.RED, linestyle=":", linewidth=1)
axis.set(xlabel="score of the wrong class (the right one has 0), float32", ylabel="loss")
axis.legend(frameon=False, fontsize=9)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Loss against the score of the wrong class. Both curves rise together to 88; there the "
    "naive one ends, the stable one goes on as a straight line.",
)
look.say(
    f"From a score of {broken:g} on, the formula as it stands gives infinity or NaN; the other "
    "does not."
)

# %% [markdown]
# ## Maps
# Now for all pixels at once: scores (N, C, H, W), labels (N, H, W). Two things are new.
#
# **Void.** At the edge of an object nobody can say for each pixel what it belongs to. PASCAL VOC gives these pixels the label 255, *void* (lesson 00). They must not count: loss 0, gradient 0.
#
# **One number.** PyTorch and minifcn take the *mean over the pixels that count*, of the whole batch. (What else is in use, and what it does to the learning rate, is the second sitting.)


# %%
def cross_entropy(scores, labels):
    """scores (N, C, H, W), labels (N, H, W) -> the loss of each pixel (N, H, W), its gradient."""
    counts = labels != 255
    shifted = scores - scores.max(1, keepdims=True)
    exponentials = np.exp(shifted)
    softmax = exponentials / exponentials.sum(1, keepdims=True)
    # (N, 1, H, W): any class will do where nothing counts
    right = np.where(counts, labels, 0)[:, None]
    losses = np.log(exponentials.sum(1)) - np.take_along_axis(shifted, right, 1)[:, 0]
    one_hot = np.arange(scores.shape[1])[:, None, None] == right  # (N, C, H, W)
    return np.where(counts, losses, 0), np.where(counts[:, None], softmax - one_hot, 0)


picture, label_map = paint((96, 128), np.random.default_rng(4))
labels = label_map[None].astype(int)  # (1, H, W)
classes = len(SHAPE_CLASSES)

# %% [markdown]
# We have no network yet. Let us make up the scores of a coarse but fairly good one: it knows the label at the middle of every block of 8 × 8 pixels, takes it for the whole block, and is not too sure.

# %%
coarse = label_map[4::8, 4::8].repeat(8, 0).repeat(8, 1)
coarse = np.where(coarse == 255, 0, coarse)
made_up = 4.0 * (np.arange(classes)[:, None, None] == coarse)[None]  # (1, C, H, W): 4 for one class
losses, gradient = cross_entropy(made_up, labels)

# %% tags=["figure"]
colours = ClassMap.own(SHAPE_CLASSES).colours
figure, axes = plt.subplots(1, 4, figsize=(11, 2.4))
axes[0].imshow(picture)
axes[1].imshow(colourise(label_map, colours))
axes[2].imshow(colourise(coarse.astype(np.uint8), colours))
shown = axes[3].imshow(losses[0], cmap="magma")
titles = ("picture", "labels, edges void", "best class", "loss of each pixel")
for axis, title in zip(axes, titles, strict=True):
    axis.set_title(title, fontsize=9)
    axis.axis("off")
figure.subplots_adjust(wspace=0.05)
figure.colorbar(shown, ax=axes, shrink=0.75, pad=0.02)
look.show(
    figure,
    alt="A painted picture with a ring and a star; its labels, with void edges; the same in "
    "coarse blocks; and the loss of each pixel, bright where blocks and labels disagree, dark on "
    "void edges.",
)
void = labels == 255
look.say(
    f"{void.sum()} of {void.size} pixels are void. Loss there: {losses[void].sum():g}, gradient "
    f"there: {np.abs(gradient).sum(1)[void].sum():g}. Where the block is right, a pixel costs "
    f"{losses[losses > 0].min():.2f}; where it is wrong, {losses.max():.2f}."
)

# %% [markdown]
# ## Check
# Loss and gradient against differences, and our own function against the library's.

# %%
rng = np.random.default_rng(0)
random_scores, random_labels = 3 * rng.standard_normal((2, 4, 3, 5)), rng.integers(0, 4, (2, 3, 5))
random_labels[0, 0] = random_labels[1, :, 4] = 255
report = mf.gradcheck(lambda s: ops.softmax_cross_entropy(s, random_labels), random_scores)
tensor = mf.Tensor(random_scores, requires_grad=True)
ops.softmax_cross_entropy(tensor, random_labels, reduction="sum").backward()
difference = np.abs(tensor.grad - cross_entropy(random_scores, random_labels)[1]).max()
look.say(
    f"{report.elements} slopes agree with differences, worst relative error {report.worst:.0e}. "
    f"Ours and the library's gradient differ by at most {difference:.1g}."
)


# %% [markdown]
# ## In the library
# `minifcn/ops/loss.py`: it also knows class weights, any void label, and says which labels are out of range. The arithmetic is `softmax_cross_entropy` in `minifcn/kernels/simple.py`, written as above.
#
# > **Honesty box.** The paper says *multinomial logistic loss* and Caffe `SoftmaxWithLoss`; PyTorch's `cross_entropy` calls void `ignore_index`, with −100 as default, and gives NaN where no pixel counts; minifcn gives 0.
#
# ## Exercises
# **1 · S.** The logarithm of softmax over the channels, for scores of any size, float32 too. (The loss is minus its value at the right class.)
#
# <details><summary>Hint</summary>Never take the logarithm of a softmax: a probability may round to 0. Each place has a largest score of its own; <code>keepdims=True</code>.</details>


# %%
def my_log_softmax(scores):
    """scores (N, C, H, W) -> ln softmax over axis 1, the same shape."""
    ...


check.log_softmax(my_log_softmax)

# %% [markdown]
# **2 · M.** The mean loss and its gradient, together. Void pixels never count, even where their scores are NaN; if all are void, loss and gradient are 0.
#
# <details><summary>Hint</summary><code>np.where(counts, …, 0)</code> and not <code>counts * …</code>, since 0 · NaN is NaN. The gradient of the mean is divided as well.</details>


# %%
def my_mean_loss(scores, labels):
    """scores (N, C, H, W), labels (N, H, W), 255 void. Returns (loss, gradient of the scores)."""
    ...


check.mean_loss(my_mean_loss)

# %% [markdown]
# ## Summary
# - The loss of a pixel is −ln of the probability of its class; its gradient is softmax − one hot, and 0 where the label is void.
# - Subtract the largest score before you take exp.
# - On maps each pixel has a loss of its own; the mean divides by the pixels that count, of the whole batch.
#
# ## In the paper
# Section 4 trains with "a per-pixel multinomial logistic loss" and leaves out pixels that are marked as ambiguous or difficult: our void. Section 3 says why a sum over pixels is natural: a loss that is a sum over the cells of the last
# layer has a gradient that is a sum too, so one pass over a whole picture is the same as a batch of all its windows.

# %% [markdown]
# ---
# ## Second sitting: 0.0001 or 0.0000000001?
# *The lesson is complete without it. Come back when you train something, at the latest before lesson 18.*
#
# **Question.** Why is the same FCN trained with a learning rate of 0.0001 by some, and of 0.0000000001 by others?
#
# ### What does the mean divide by?
# A mean is a sum divided by a number of pixels. Which? Take our picture twice, the second time labelled in its right quarter only, and try three ways that are all in use somewhere.

# %%
both_labels = np.concatenate([labels, labels])
both_labels[1, :, :96] = 255  # of the second picture three quarters are not labelled
both_losses, _ = cross_entropy(np.concatenate([made_up, made_up]), both_labels)
valid = both_labels != 255
per_picture = [both_losses[i].sum() / valid[i].sum() for i in range(2)]
print("each picture's mean         ", *(f"{mean:.4f}" for mean in per_picture))
print(f"sum / all pixels             {both_losses.sum() / both_labels.size:.4f}")
print(f"mean of the pictures' means  {np.mean(per_picture):.4f}")
print(f"sum / pixels that count      {both_losses.sum() / valid.sum():.4f}")
found = ops.softmax_cross_entropy(np.concatenate([made_up, made_up]), both_labels)
print(f"mf.ops.softmax_cross_entropy {found.item():.4f}")

# %% [markdown]
# - *All pixels*: labelling less makes the loss smaller, as if the network had become better.
# - *Mean of means*: a pixel of a picture with few labels weighs more than a pixel of the other. This happens easily when pictures are processed one by one and their losses averaged.
# - *Pixels that count*, over the whole batch: each labelled pixel weighs the same. PyTorch's `reduction="mean"` and minifcn do this.
#
# ### A sum needs another rate
# The paper trains VGG16 with a learning rate of 10⁻⁴. The authors' published code says 10⁻¹⁰, a million times less. How can both work? The code **sums** the loss and does not divide. If P pixels count, the gradient of the sum is P times the
# gradient of the mean, and it needs a learning rate that is P times smaller. Nothing else changes. Let us see it: one small network, one picture, four runs. (`nn.Sequential` puts layers one after another, and `mf.optim.SGD` does gradient descent: lesson 01's step, for each weight.)


# %%
def train(reduction, rate, steps=40):
    """The mean loss before each step of plain gradient descent."""
    mf.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, classes, 1))
    network.layers[-1].weight.data[...] = 0  # all scores 0 at the start: the loss is ln 9
    optimiser, x, found = mf.optim.SGD(network.parameters(), lr=rate), Preprocessing()(picture), []
    for _ in range(steps):
        loss = ops.softmax_cross_entropy(network(x), labels, reduction=reduction)
        found.append(loss.item() / (pixels if reduction == "sum" else 1))
        if not found[-1] < 1000:
            break  # it will not come back
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return found


pixels = int((labels != 255).sum())
rate = 0.3
runs = {
    f"mean, rate {rate}": train("mean", rate),
    f"sum, rate {rate} / {pixels}": train("sum", rate / pixels),
    f"sum, rate {rate}": train("sum", rate),
    f"mean, rate {rate} / {pixels}": train("mean", rate / pixels),
}

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(7, 3))
for (name, losses_of_run), (colour, width, style) in zip(
    runs.items(),
    ((look.BLUE, 6, "-"), (look.ORANGE, 1.5, "-"), (look.RED, 2, "-"), (look.GREEN, 2, "--")),
    strict=True,
):
    shown = np.clip(losses_of_run, None, 60)
    axis.plot(
        shown, style, color=colour, linewidth=width, alpha=0.4 if width > 5 else 1, label=name
    )
axis.axhline(np.log(classes), color="#999999", linewidth=0.8)
axis.set(xlabel="step", ylabel="mean loss", yscale="log", ylim=(0.05, 60))
axis.set_yticks([0.1, 0.5, np.log(classes), 10, 50], ["0.1", "0.5", "ln 9", "10", "50"])
axis.minorticks_off()
axis.legend(frameon=False, fontsize=8, loc="upper right")
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Mean loss against steps. Mean with rate 0.3 and sum with 0.3 divided by the number of "
    "pixels fall along the same line; sum with 0.3 shoots up at once; mean with the divided "
    "rate stays at ln 9.",
)
mean_run, sum_run, exploded, stuck = runs.values()
gap = np.abs(np.array(mean_run) - np.array(sum_run)).max()
look.say(
    f"The first two runs differ by at most {gap:.0e}. The third is lost at step "
    f"{len(exploded) - 1}. The fourth moved by {stuck[0] - stuck[-1]:.5f} in {len(stuck)} steps."
)

# %% [markdown]
# Both mistakes are easy to recognise:
#
# - The loss is **NaN** after a few steps: a mean's learning rate was used with a sum.
# - The loss stays at ln C, for C classes: with VOC's 21 at the **3.0445** of the first sitting. A sum's learning rate was used with a mean (or all weights are zero, and nothing arrived).
#
# Now the numbers of the paper. *Momentum* m (exercise 3 of lesson 01) lets every gradient act again and again, each time m times as strongly as before: $1 + m + m^2 + \ldots = \frac{1}{1 - m}$ times in all.

# %%
pixels_of_voc = 500 * 375
code = 1e-10 * pixels_of_voc / (1 - 0.99)  # summed loss, one picture a step, momentum 0.99
paper = 1e-4 / (1 - 0.9)  # momentum 0.9, twenty pictures a step
look.say(
    f"A VOC picture has about 500 × 375 = {pixels_of_voc:,} pixels. The code's 10⁻¹⁰ on a sum is "
    f"{1e-10 * pixels_of_voc:.1e} on a mean; with momentum 0.99 a gradient moves a weight by "
    f"**{code:.4f}** times itself in the long run. The paper's 10⁻⁴ with momentum 0.9, on a "
    f"mean: **{paper:.4f}**."
)

# %% [markdown]
# A factor of a million has become a factor of about two. One difference remains: with a sum, a large picture takes larger steps than a small one.
#
# When a batch is processed in several parts, `minifcn/training/objective.py` counts the pixels of **all** parts first and divides each part's sum by that: your exercise.
#
# > **Honesty box.** The paper gives its learning rates in section 4.3 and does not say sum or mean; the published code says sum for VGG16, with one picture a step, and mean with twenty pictures for AlexNet, where one picture at a time with the sum
# > was unstable (so the authors noted when they changed it). Caffe's `SoftmaxWithLoss` can divide by all pixels, by the valid ones, by the batch size or by nothing. *Weight decay*, a small pull of each weight towards 0, is added to the gradient, so one that was chosen for a sum is not right for a mean.

# %% [markdown]
# **3 · M.** A batch does not fit into memory, so it comes in parts, each with its scores and labels. Give each part the gradient that it would have had in *one* batch: the gradient of the mean over all pixels that count. Parts may be of different
# sizes, and one may be void altogether.
#
# <details><summary>Hint</summary>Two passes: count first. With your answer to 2 a part's gradient is already divided by something; by what?</details>


# %%
def my_gradients_in_parts(parts):
    """parts: a list of (scores, labels). Returns a list of gradients, one for each part."""
    ...


check.gradients_in_parts(my_gradients_in_parts)

# %% [markdown]
# **To keep:** a mean divides by the pixels that count, of the whole batch; a sum needs a learning rate that is as many times smaller. A loss that stays at ln C has a sum's rate on a mean, one that becomes NaN a mean's rate on a sum.
