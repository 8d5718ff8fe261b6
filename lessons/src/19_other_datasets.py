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
# # 19 · Other datasets: more in, more out
#
# **Question.** A depth camera gives a fourth number for each pixel. Another dataset wants two answers for each pixel. What must change in the network, and where should the streams meet?
#
# **You need** lessons 12 (net surgery, training) and 17 (scores). **Time** 20 minutes to read, 40 for the exercises. **Paper** section 5, tables 4 and 5.
#
# ## A world with posters
# NYUDv2 holds indoor photographs with depth, SIFT Flow landscapes with two labellings. We make up a world that needs what they need: red and blue *things* that stand before a wall, and red and blue
# *posters* that hang on it. A thing has a name; a poster is background. Colour alone cannot tell a thing from a poster, depth alone cannot tell red from blue.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from PIL import Image

import minifcn as mf
from minifcn import nn, ops
from minifcn.draw.pictures.sample import portrait
from minifcn.models import FCN, transplant
from minifcn.nn.initialisers import bilinear

HEIGHT, WIDTH = 24, 32
PAINTS = np.array([[1.0, -0.5, -0.5], [-0.5, -0.5, 1.0]])  # red, blue


def scene(rng):
    """Colour and depth (4, H, W), and two label maps.

    paint (H, W): 0 wall, 1 red, 2 blue; standing (H, W): 1 before the wall.
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    colour = np.full((3, HEIGHT, WIDTH), rng.uniform(-0.3, 0.3))
    depth = rng.normal(0, 0.2) + rng.uniform(-0.3, 0.3) * rows / HEIGHT  # a wall, leaning a little
    paint, standing = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    for thing in (False, False, True, True):  # two posters, then two things
        middle, radius = rng.uniform(5, (HEIGHT - 5, WIDTH - 5)), rng.uniform(4, 7)
        disc = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < radius**2
        which = rng.integers(2)
        colour[:, disc] = (PAINTS[which] * rng.uniform(0.6, 1))[:, None]
        paint[disc] = 1 + which
        if thing:
            depth = np.where(disc, depth.mean() - 0.8, depth)
            standing[disc] = 1
    seen = np.concatenate([colour + 0.3 * rng.standard_normal(colour.shape), depth[None]])
    seen[3] += 0.3 * rng.standard_normal(depth.shape)  # both cameras are noisy
    return seen.astype(np.float32), paint, standing


def scenes(count, seed):
    rng = np.random.default_rng(seed)
    return tuple(np.stack(each) for each in zip(*(scene(rng) for _ in range(count)), strict=True))


x, paint, standing = scenes(160, seed=0)
x_new, paint_new, standing_new = scenes(60, seed=1)
# a thing has a name, a poster has not
truth, truth_new = paint * standing, paint_new * standing_new

# %% tags=["figure", "picture"]
COLOURS = ListedColormap(["#eeeeee", look.RED, look.BLUE])
figure, axes = plt.subplots(2, 3, figsize=(7.5, 3.9), layout="constrained")
for row, number in zip(axes, (2, 5), strict=True):
    row[0].imshow(np.clip(0.5 + 0.4 * x[number, :3].transpose(1, 2, 0), 0, 1))
    depth = row[1].imshow(x[number, 3], cmap="viridis")
    row[2].imshow(truth[number], cmap=COLOURS, vmin=0, vmax=2)
    for axis in row:
        axis.set(xticks=[], yticks=[])
for axis, title in zip(axes[0], ("colour", "depth", "labels"), strict=True):
    axis.set_title(title, fontsize=10)
figure.colorbar(depth, ax=axes[:, 1], label="distance", shrink=0.8)
look.show(
    figure,
    alt="Two scenes in noisy colour and depth, with labels. Only the discs that stand out in "
    "depth have a label.",
)

# %% [markdown]
# ## More in: a fourth channel
# Which weights know how many channels a picture has? Only those of the *first* convolution, (O, 3, KH, KW). All layers behind it see its O maps, whatever they were made of. So for a fourth channel a trained network needs
# new weights in one place: (O, 1, KH, KW).
#
# Which numbers? Take a network that has learned from photographs, the one that ships with the library, and give it a fourth channel: a pretended depth map, near where it sees the person.

# %%
model = mf.models.load("voc7")
photograph = Image.open(portrait())
photograph.thumbnail((256, 256))
colour = model.preprocessing(np.asarray(photograph))  # (1, 3, H, W), from about -120 to 150


def labels_of(network, x):
    with mf.no_grad():
        return network(x).data[0].argmax(0)


before = labels_of(model, colour)
near = before == model.class_names.index("person")
depth = np.where(near, -50, 50).astype(np.float32)[None, None]  # as large as colours are
four = np.concatenate([colour, depth], 1)

wider = FCN("squeezenet-fc", 4, 7, in_channels=4, class_names=model.class_names).eval()
print(transplant(model, wider))
first = wider.backbone.conv1.weight.data  # (64, 4, 3, 3)

# %% [markdown]
# **Before you run the next cell:** three ways to fill the fourth channel's kernels: zeros; the mean of the other three, as the paper's authors did; random numbers as large as the others. How much of the picture changes its
# label?

# %%
mean = first[:, :3].mean(1)
rng = np.random.default_rng(0)
starts = {
    "zeros": np.zeros_like(mean),
    "mean of the three": mean,
    "random": first[:, :3].std() * rng.standard_normal(mean.shape),
}
changed = {}
for name, kernels in starts.items():
    first[:, 3] = kernels
    changed[name] = (labels_of(wider, four) != before).mean()
    print(f"{name:18} {100 * changed[name]:5.1f} % of the pixels get another label")

# %% [markdown]
# Zeros change nothing at all: the first step begins where the old network was. (And they can learn: the gradient of a weight is its *input* times what comes in from above, and neither is zero.) Random numbers throw away much of what
# was learned. The mean lies between.
#
# Why would one want the mean? Look at some kernels:

# %% tags=["figure"]
strength = np.abs(mean).sum((1, 2)) / np.abs(first[:, :3]).sum((1, 2, 3))
order = np.argsort(strength)
shown = [*order[[2, 5, 9]], *order[[-9, -5, -2]]]
figure, axes = plt.subplots(2, 6, figsize=(8, 2.9), layout="constrained")
for column, number in zip(axes.T, shown, strict=True):
    scale = np.abs(first[number, :3]).max()
    column[0].imshow(0.5 + 0.5 * first[number, 2::-1].transpose(1, 2, 0) / scale)  # stored as B G R
    column[1].imshow(mean[number], cmap="gray", vmin=-scale, vmax=scale)
    for axis in column:
        axis.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("kernel")
axes[1, 0].set_ylabel("mean")
figure.suptitle(
    "three kernels that compare colours, three that compare light and dark", fontsize=10
)
look.show(
    figure,
    alt="Six 3 by 3 kernels in colour and below each its mean over the colours: flat grey for "
    "the first three, dark beside light for the others.",
)

# %% [markdown]
# The mean of a kernel is what it does to a *grey* picture. Kernels that compare colours have a mean near zero: they ignore the depth map. Kernels that look for an edge between light and dark keep their edge: they see an edge of the depth map as they
# see one of light. And edges of depth are where things end. So the mean is a guess about what will be useful, zeros are none.
#
# ## Early or late
# A fourth channel is **early fusion**: colour and depth meet in the first layer. **Late fusion** trains two networks, one for each, and averages their scores. Both in small, on our world, with a little FCN of stride 2:


# %%
def trunk_of(channels, width=12):
    """(N, channels, H, W) -> features (N, width, H / 2, W / 2); each sees 12 x 12 pixels."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, width, 5, padding=2),
        nn.ReLU(),
    )


def head_of(answers, width=12):
    """Scores that start at zero (lesson 12), and bilinear upsampling (lesson 10)."""
    scores = nn.Conv2d(width, answers, 1)
    scores.weight.data[...] = 0
    upsampling = nn.ConvTranspose2d(
        answers, answers, 4, stride=2, padding=1, groups=answers, bias=False
    )
    upsampling.weight = nn.Parameter(bilinear(answers, 4), requires_grad=False)
    return nn.Sequential(scores, upsampling)


def network(channels, answers, seed):
    mf.manual_seed((seed, channels))
    return nn.Sequential(trunk_of(channels), head_of(answers))


def learn(networks, loss_of, steps, seed):
    """Adam with a falling rate; `loss_of(chosen)` is the loss of the scenes with these numbers."""
    learners = [p for each in networks for p in each.parameters() if p.requires_grad]
    rng, optimiser = np.random.default_rng(seed), mf.optim.Adam(learners)
    for step in range(steps):
        optimiser.lr = 0.02 * (1 - step / steps) ** 0.9
        optimiser.zero_grad()
        loss_of(rng.integers(len(x), size=8)).backward()
        optimiser.step()


def mean_iu(scores_of, labels):
    """Over the new scenes, in per cent."""
    with mf.no_grad():
        found = scores_of(x_new).data.argmax(1)
    shares = [
        ((found == c) & (labels == c)).sum() / ((found == c) | (labels == c)).sum()
        for c in np.unique(labels)
    ]
    return 100 * float(np.mean(shares))


def weights_in(*networks):
    return sum(p.size for each in networks for p in each.parameters() if p.requires_grad)


# %% [markdown]
# Late fusion as the paper's authors did it: each stream learns alone, then both go on together, through their average. **Before you run the next cell:** what will a stream say that sees only colour, or only depth? And the average of
# the two, *before* they learn together?

# %%
STEPS = 100
results = {}


def learn_and_score(name, networks, scores_of, steps, seed):
    learn(
        networks,
        lambda chosen: ops.softmax_cross_entropy(scores_of(x[chosen]), truth[chosen]),
        steps,
        seed,
    )
    results.setdefault(name, []).append(mean_iu(scores_of, truth_new))


def fusions(seed):
    by_colour, by_depth, early = (network(channels, 3, seed) for channels in (3, 1, 4))

    def late(x):
        return (by_colour(x[:, :3]) + by_depth(x[:, 3:])) * 0.5

    learn_and_score("colour only", [by_colour], lambda x: by_colour(x[:, :3]), STEPS, seed)
    learn_and_score("depth only", [by_depth], lambda x: by_depth(x[:, 3:]), STEPS, seed)
    learn_and_score("their average", [by_colour, by_depth], late, 0, seed)
    learn_and_score("late", [by_colour, by_depth], late, STEPS, seed)
    learn_and_score("early", [early], early, 2 * STEPS, seed)
    return weights_in(by_colour, by_depth), weights_in(early)


for seed in (0, 1):
    weights_late, weights_early = fusions(seed)

# %% tags=["figure"]
texts = dict.fromkeys(results, "") | {
    "their average": "before they learned together",
    "late": f"after it; {weights_late} weights",
    "early": f"{weights_early} weights",
}
figure, axis = plt.subplots(figsize=(7, 2.6))
colours = [look.SKY, look.SKY, look.PINK, look.ORANGE, look.BLUE]
axis.barh(
    list(results), [np.mean(values) for values in results.values()], color=colours, height=0.6
)
for place, (name, values) in enumerate(results.items()):
    axis.plot(values, [place] * len(values), "o", color=look.BLACK, markersize=4)
    axis.text(101, place, f"{np.mean(values):.0f} %  {texts[name]}", va="center", fontsize=9)
axis.set(xlabel="mean IU on new scenes (%), dots: two seeds", xlim=(0, 100))
axis.invert_yaxis()
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Bars of mean IU. Colour only and depth only are far behind, their average lies "
    "between; late and early fusion are best and alike.",
)

# %% [markdown]
# Depth is worth a lot in a world with posters. The average of two opinions that were formed alone is better than either, and still far from what both can say together: each stream must learn what it may leave to the *other*. After that, late and early are alike **here**, and early has about half the weights.
#
# In the paper they are not alike: FCN-32s on NYUDv2 has 29.2 mean IU with colour, 30.5 with depth as a fourth channel, 32.8 with two streams. Several things differ there at once: two streams are two whole VGG16, each begins
# with what ImageNet taught it, and the second one sees *HHA* in the place of depth (see the honesty box). Hold a table against what else changed from row to row.
#
# ## What late fusion cannot say
# Scores that are *added* cannot talk to each other. Take one pixel whose colour is 0 or 1 and whose depth is 0 or 1, and let the label be 1 if **exactly one** of them is. Late fusion gives class 1 the margin f(colour) + g(depth) over class 0. We try a
# hundred thousand pairs of f and g:

# %%
f, g = np.random.default_rng(0).standard_normal((2, 100_000, 2))
margin = f[:, :, None] + g[:, None, :]  # (tries, colour, depth)
exactly_one = np.array([[False, True], [True, False]])
right = ((margin > 0) == exactly_one).sum((1, 2))
look.say(f"The best of {len(right)} tries has **{right.max()} of 4** cases right.")

# %% [markdown]
# No luck is involved. The cases (0, 0) and (1, 1) want a negative margin, the others a positive one, but the two sums are the same: f(0) + g(0) + f(1) + g(1). The class "a poster if red, a thing if blue" is beyond late fusion; early fusion has layers left to learn it.
# Late fusion in turn lets each stream be what it is, with a trunk that was trained for it. Our world, where a label is "near **and** red", is within reach of both.
#
# ## More out: two heads
# SIFT Flow has two labellings: *what* it is (33 classes) and *how it lies* (horizontal, vertical, sky). In our world: the paint (wall, red, blue; posters too), and whether it stands out (flat, standing). One network can answer
# both: a trunk, and two score layers on it, *heads*, each with its own loss. The losses are added.


# %%
LABELS = {"paint": paint, "standing": standing}


def two_headed(seed):
    mf.manual_seed(seed)
    return trunk_of(4), {"paint": head_of(3), "standing": head_of(2)}


def joint_loss(trunk, heads, chosen):
    features = trunk(x[chosen])
    losses = [
        ops.softmax_cross_entropy(head(features), LABELS[name][chosen])
        for name, head in heads.items()
    ]
    return losses[0] + losses[1]


# %% [markdown]
# **Before you run the next cell:** the trunk gets a gradient from both heads. How do the two combine?

# %%
trunk, heads = two_headed(seed=0)
# heads of zeros would send nothing
learn([trunk, *heads.values()], lambda i: joint_loss(trunk, heads, i), 3, seed=0)
chosen = np.arange(8)


def trunk_gradient(loss):
    """What a loss wants of the trunk's weights, as one long vector."""
    for parameter in trunk.parameters():
        parameter.grad = None
    loss.backward()
    return np.concatenate([parameter.grad.reshape(-1) for parameter in trunk.parameters()])


def loss_of_head(name):
    return ops.softmax_cross_entropy(heads[name](trunk(x[chosen])), LABELS[name][chosen])


with_paint, with_standing = (
    trunk_gradient(loss_of_head("paint")),
    trunk_gradient(loss_of_head("standing")),
)
together = trunk_gradient(joint_loss(trunk, heads, chosen))
cosine = with_paint @ with_standing / np.linalg.norm(with_paint) / np.linalg.norm(with_standing)
look.say(
    "They add up: the joint gradient and the sum of the two differ by at most "
    f"{np.abs(together - with_paint - with_standing).max():.0e}. "
    f"The cosine between the two heads' gradients is {cosine:.2f} here; 1 would be the same "
    "wish, −1 the opposite one."
)

# %% [markdown]
# So one trunk serves two masters, and its weights go where both together want.
#
# Does one trunk for two answers cost anything? Train the two-headed network, and beside it one network for each answer:

# %%
found = {}


def alone(name, answers, seed):
    """A network for one labelling."""
    net, labels = network(4, answers, seed), LABELS[name]
    learn(
        [net], lambda chosen: ops.softmax_cross_entropy(net(x[chosen]), labels[chosen]), STEPS, seed
    )
    return net


def both(seed):
    """One network for both: a function for each labelling."""
    trunk, heads = two_headed(seed)
    learn([trunk, *heads.values()], lambda chosen: joint_loss(trunk, heads, chosen), STEPS, seed)
    return trunk, heads, {name: lambda x, head=head: head(trunk(x)) for name, head in heads.items()}


for seed in (0, 1):
    trunk, heads, joint = both(seed)
    single = {"paint": alone("paint", 3, seed), "standing": alone("standing", 2, seed)}
    for name, new in (("paint", paint_new), ("standing", standing_new)):
        found.setdefault((name, "two heads"), []).append(mean_iu(joint[name], new))
        found.setdefault((name, "alone"), []).append(mean_iu(single[name], new))
for (name, how), values in found.items():
    print(
        f"{name:9} {how:10} mean IU {np.mean(values):5.1f}   seeds "
        f"{', '.join(f'{v:.1f}' for v in values)}"
    )
look.say(
    f"Two networks have {weights_in(*single.values())} weights, the one with two heads "
    f"{weights_in(trunk, *heads.values())}."
)

# %% [markdown]
# The two-headed network pays a little, for half the weights and half the work. The paper says of SIFT Flow that nothing was lost: a two-headed FCN-16s does as well on both tasks as two networks, while learning and
# inference are about as fast as for one of them.
#
# ## Labels that begin at 1
# One trap waits in the files of both datasets. They store classes as 1 … K, and 0 for "not labelled". A network counts from 0, and void is 255. Subtract one in **uint8** and everything is in its place:

# %%
stored = np.array([[0, 1, 2], [33, 0, 5]], np.uint8)
print(stored - np.uint8(1))
print(stored.astype(int) - 1)

# %% [markdown]
# In uint8 numbers go round like a clock: 0 − 1 is 255, void. In any other type it is −1, and NumPy would read class −1 as the *last* one without a word. Our losses refuse labels that are no class.
#
# ## In the library
# `minifcn/models/variants.py`: `mf.models.LateFusion` and `mf.models.MultiHead`, with `joint_loss`; each about twenty lines. The fourth channel is in `transplant` of `minifcn/models/surgery.py`: where a new network's first convolution takes four
# channels, its fourth starts as the mean. The paper's claims, on FCN-8s and a made-up depth camera, are `minifcn/paper/topics/streams.py`; `minifcn paper early-or-late-fusion two-heads` measures them from three seeds.

# %%
late = mf.models.LateFusion(
    mf.models.fcn8s(backbone="tiny", width=4),
    mf.models.fcn8s(backbone="tiny", width=4, in_channels=1),
)
both = mf.models.MultiHead("tiny", 8, {"semantic": 33, "geometric": 3}, width=4)
with mf.no_grad():
    print("late fusion:", late(np.zeros((1, 4, 60, 80), np.float32)).shape)
    print(
        "two heads:  ",
        {name: scores.shape for name, scores in both(np.zeros((1, 3, 60, 80), np.float32)).items()},
    )

# %% [markdown]
# > **Honesty box.** Posters are not NYUDv2, and two seeds are not many. Our streams all started from random numbers. The paper's late stream sees *HHA* (Gupta and others, 2014): from depth, three maps are computed for each pixel (horizontal disparity, height above ground,
# > angle to gravity), so that a network trained on photographs gets its three channels; alone it scored 24.2, together 32.8. We left that out. The paper says that the two predictions are *summed*; its code averages them, with 0.5
# > each, and so do we. Its depth is the logarithm, minus 7.844. In scoring SIFT Flow, classes that the test set does not hold must be left out. In PyTorch early fusion is a new `Conv2d(4, …)` whose weight you fill
# > by hand; torchvision has no function for it.
#
# ## Exercises
# **1 · S.** Labels as stored, to labels as a network wants them: 1 … `classes` become 0 … `classes` − 1, uint8; 0 and whatever lies outside 0 … `classes` becomes 255. The array may be of any integer type, even with −1 in it, as SIFT Flow's geometry has.
#
# <details><summary>Hint</summary>Start with an array full of 255 and fill in what is a class. That needs no clock.</details>


# %%
def my_labels_from_one(stored, classes):
    """stored: integers of any type and shape. Returns uint8 of the same shape."""
    ...


check.labels_from_one(my_labels_from_one)

# %% [markdown]
# **2 · S.** Make a first convolution take more channels: `weight` is (O, C, KH, KW), and `extra` new channels come after the old ones. Each new one starts as the mean of the old ones. The old array stays as it is, float32 stays float32.
#
# <details><summary>Hint</summary>The mean over axis 1 with <code>keepdims=True</code>; <code>np.repeat</code>, <code>np.concatenate</code>.</details>


# %%
def my_more_channels(weight, extra):
    """weight: (O, C, KH, KW). Returns (O, C + extra, KH, KW)."""
    ...


check.more_channels(my_more_channels)

# %% [markdown]
# **3 · L.** Two heads by hand, loss and gradient. `features` (N, D) are what the trunk says about N pixels. `heads` has a matrix (K, D) for each name, the scores are features · matrixᵀ. `labels` has (N,) classes for each name, 255 where nobody
# knows, **not the same pixels for all heads**. The loss of a head is the mean cross-entropy over the pixels that *it* has labels for (0 if there are none), and the losses are added. Return the loss and its gradient for the features.
#
# <details><summary>Hint</summary>For each head: softmax minus one-hot (lesson 07), zero where void, divided by the number of labelled pixels; times the matrix gives (N, D). Sum over the heads.</details>


# %%
def my_joint_gradient(features, heads, labels):
    """features (N, D); heads {name: (K, D)}; labels {name: integers (N,), 255 void}.

    Returns (loss, gradient (N, D)).
    """
    ...


check.joint_gradient(my_joint_gradient)

# %% [markdown]
# ## Summary
# - Only the first layer knows what comes in, and only the last what goes out: everything between can be kept.
# - Early fusion lets streams talk from the first layer on, late fusion adds what each has concluded, and then both must learn together.
# - Heads on one trunk add their losses, and the trunk adds their gradients.
#
# ## In the paper
# Section 5, "NYUDv2" and table 4: colour, early fusion, HHA, late fusion, and FCN-16s on top with 34.0. "SIFT Flow" and table 5: a two-headed FCN-16s, 39.5 mean IU and 85.2 % of the pixels for what it is, 94.3 % for how it lies. The second version on arXiv adds PASCAL-Context (appendix B), whole scenes in 59 classes: 35.1 mean IU for FCN-8s.
