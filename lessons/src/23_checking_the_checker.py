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
# # 23 · Who checks the checker?
#
# **Question.** A gradient check says “right”. How much is that word worth, and how would you find out?
#
# **You need** lesson 03 (cotangents, tolerances). **Time** 25 minutes to read, 50 for the exercises. **Paper** none.
#
# ## A smoke alarm is tested with smoke
# A check that always says “right” never complains about your code. So you cannot learn what a check is worth from the gradients that it accepts. You learn it from wrong ones that it should reject, and the surest way to have wrong ones is to make them.
#
# Here is the check of lesson 03, short: random numbers come in, central differences, and a tolerance that is a part of the largest slope.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf


def slopes(f, x, cotangent, step=1e-6):
    """d (f(x) * cotangent).sum() / d x, by central differences."""
    found = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[i] = step
        found[i] = ((f(x + move) - f(x - move)) * cotangent).sum() / (2 * step)
    return found


def agrees(f, backward, x, cotangent):
    """Does backward(cotangent, x) come near the differences, at every element?"""
    numeric = slopes(f, x, cotangent)
    error = np.abs(backward(cotangent.copy(), x.copy()) - numeric)
    return bool((error <= 1e-6 * (1e-30 + np.abs(numeric).max())).all())


def random_check(f, backward, x):
    """One random cotangent, as in lesson 03."""
    return agrees(f, backward, x, np.random.default_rng(1).standard_normal(f(x).shape))


def jacobian_check(f, backward, x):
    """The whole Jacobian, row by row: 1 comes in for one output, 0 for all others."""
    return all(agrees(f, backward, x, row.reshape(f(x).shape)) for row in np.eye(f(x).size))


# %% [markdown]
# `jacobian_check` looks more thorough. It measures every slope by itself, as many checks as there are outputs; it is what PyTorch's `gradcheck` does. Is it the harder one to fool?
#
# ## Plant a bug
# Take a backward that is right and break it in one place. Such a wrong twin is called a *mutant*. ReLU is the simplest operation that there is; here is its right backward, and nine mutants:


# %%
def relu(x):
    return np.maximum(x, 0)


def right(grad, x):
    return grad * (x > 0)


MUTANTS = {
    "the mask turned round": lambda grad, x: grad * (x <= 0),
    "a factor 1.001 too large": lambda grad, x: 1.001 * right(grad, x),
    "the incoming gradient left out": lambda grad, x: 1.0 * (x > 0),
    "the last element forgotten": lambda grad, x: right(grad, x) * (np.arange(x.size) < x.size - 1),
    "negative incoming gradients stopped": lambda grad, x: right(np.maximum(grad, 0), x),
    "the absolute value of what comes in": lambda grad, x: right(np.abs(grad), x),
    "what comes in divided by its length": lambda grad, x: right(grad / np.linalg.norm(grad), x),
    "what comes in clipped at 1": lambda grad, x: right(np.clip(grad, -1, 1), x),
    "what comes in clipped at 100": lambda grad, x: right(np.clip(grad, -100, 100), x),
}
x = np.array([0.7, -1.2, 2.1, 0.4, -0.3, 1.6])
print("right:", random_check(relu, right, x), jacobian_check(relu, right, x))

# %% [markdown]
# **Before you run the next cell:** which of the nine does the Jacobian accept? Which does the random cotangent accept?

# %%
for name, mutant in MUTANTS.items():
    answers = [
        "accepted" if each(relu, mutant, x) else "rejected"
        for each in (jacobian_check, random_check)
    ]
    print(f"{name:38} Jacobian {answers[0]}   random {answers[1]}")

# %% [markdown]
# The thorough check accepts **five** of nine. Its incoming gradients are rows of 0 and 1: never negative, never longer than 1. What happens to a negative number that comes in, nobody asks. The fifth mutant is even famous. Stopping negative incoming gradients is *guided backpropagation*, which makes pretty pictures of what a network looks at, and a wrong gradient.
#
# The random cotangent finds those, and is fooled by one mutant all the same: nothing above 100 came in.
#
# ## A backward is linear
# We could now try larger numbers, and somebody would clip at 1000. Better ask *what all five have in common*. By the chain rule the right backward is
#
# $$\text{backward}(g) = J^\top g,$$
#
# a matrix times what comes in. Whatever the operation, and however crooked its forward: in $g$ the backward is **linear**,
#
# $$\text{backward}(-g) = -\text{backward}(g)$$
#
# $$\text{backward}(2g) = 2\,\text{backward}(g)$$
#
# $$\text{backward}(g + h) = \text{backward}(g) + \text{backward}(h).$$
#
# Every one of the five breaks that. And to ask for it needs no forward, no difference, no step.
#
# How far do we have to go up and down? Where a mutant clips, linearity ends at the place where it clips. So multiply by a *large* power of two, and by a small one. Powers of two cost no rounding, so the two sides must be equal to the bit.

# %%
FACTORS = [-1.0, 2.0, 2.0**20, 2.0**-20]


def proportional(backward, x, grad):
    """backward(factor · grad) = factor · backward(grad), to the bit."""
    once = backward(grad.copy(), x.copy())
    return all(
        np.array_equal(backward(factor * grad, x.copy()), factor * once) for factor in FACTORS
    )


grad = np.random.default_rng(2).standard_normal(x.shape)
for name, mutant in MUTANTS.items():
    print(f"{name:38} {'proportional' if proportional(mutant, x, grad) else 'not proportional'}")
print(f"{'right':38} {'proportional' if proportional(right, x, grad) else 'not proportional'}")

# %% [markdown]
# Linearity does not replace the differences: a factor of 1.001 is as linear as can be. The two ask different questions, and together they reject all nine.
#
# Let a mutant clip at different heights and see which question notices:

# %%
heights = 10.0 ** np.arange(-2, 9)
noticed = {"Jacobian": [], "random cotangent": [], "proportional": []}
for height in heights:
    mutant = lambda grad, x: right(np.clip(grad, -height, height), x)
    noticed["Jacobian"].append(not jacobian_check(relu, mutant, x))
    noticed["random cotangent"].append(not random_check(relu, mutant, x))
    noticed["proportional"].append(not proportional(mutant, x, grad))

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6.5, 2.2))
for row, found in enumerate(noticed.values()):
    for height, seen in zip(heights, found, strict=True):
        axis.plot(
            height,
            row,
            "o",
            color=look.BLUE if seen else "white",
            markeredgecolor=look.BLUE if seen else look.ORANGE,
            markersize=9,
        )
axis.set_xscale("log")
axis.set(xlabel="incoming gradients are clipped at", yticks=range(3), ylim=(2.6, -0.6))
axis.set_yticklabels(noticed)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Three rows of dots, filled where the fault is noticed. "
    "The Jacobian notices clipping below 1, "
    "the random cotangent up to about 1, the factors of two up to a million.",
)

# %% [markdown]
# ## What numbers do not show
# A backward can give the right numbers today and still be wrong. Four of that kind:
#
# - it works **in place** on the incoming gradient, which belongs to another operation as well;
# - it keeps what it needs **on the class**, so that a second call of the operation writes over it before the first one goes back;
# - it goes through **float32** on the way, in a network of float64;
# - it reads memory as if it had **no gaps**, and somebody hands it a transposed array.
#
# No tolerance finds them. Each needs an arrangement in which it shows: look at the incoming gradient afterwards; let two calls live at once; count digits; hand over the same numbers in another memory order. Two calls at once, for example:


# %%
class Remembers(mf.Function):
    mask = None

    def forward(self, x):
        Remembers.mask = x > 0  # on the class: all calls share it
        return np.maximum(x, 0)

    def backward(self, grad):
        return grad * Remembers.mask


a, b = (
    mf.Tensor(values, requires_grad=True)
    for values in (np.array([1.0, -1.0]), np.array([-1.0, 1.0]))
)
alone = mf.Tensor(np.array([1.0, -1.0]), requires_grad=True)
Remembers()(alone).sum().backward()
(Remembers()(a).sum() + Remembers()(b).sum()).backward()
print("one call: ", alone.grad, "  two calls:", a.grad)

# %% [markdown]
# With one call, which is all that most checks make, everything is right.
#
# ## Two ways for a checker to be wrong
# A check that rejects everything catches every mutant. So each mutant needs its **twin**: the right version must be accepted *by the same call*. A false alarm costs more than it seems, since people learn to ignore an alarm.
#
# And a mutant that survives is not always a hole in the check. It may be right:

# %%
half_open = lambda grad, x: grad * (x >= 0)  # what is the slope at 0?
print("accepted:", random_check(relu, half_open, x))
at_the_kink = np.array([0.0, 1.0, -1.0])
mf.gradcheck(lambda t: mf.ops.relu(t), at_the_kink)
print("and at the kink every slope between 0 and 1 is one, as lesson 03 says")

# %% [markdown]
# Such a twin is called an *equivalent mutant*. Somebody has to look at each survivor and decide. That work is the price of the method.
#
# ## The same smoke for everybody
# `tests/mutants` of this library holds 216 mutants of its operations. On 29 November 2026 each was handed, three times with different numbers, to four libraries' checks with their defaults, in float64.
#
# **Before you look:** how many of the 216 did each of them reject?

# %% tags=["figure"]
# docs/gradient-checks.md: versions, the table of every miss, and how to measure it again
measured = {
    "minifcn": (216, 0),
    "autograd 1.9.1": (183, 3),
    "PyTorch 2.13 fast_mode": (177, 3),
    "PyTorch 2.13": (176, 3),
    "JAX 0.10.2": (175, 3),
}
figure, axis = plt.subplots(figsize=(6.5, 2.4))
caught = [found for found, _ in measured.values()]
axis.barh(range(5), caught, color=look.BLUE, label="rejected every time")
axis.barh(
    range(5),
    [216 - found for found in caught],
    left=caught,
    color=look.ORANGE,
    label="accepted at least once",
)
axis.bar_label(axis.containers[0], padding=-26, color="white", fontsize=9)
axis.set_yticks(range(5), measured)
axis.set(xlabel="mutants", xlim=(0, 220))
axis.invert_yaxis()
axis.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Bars: minifcn's check rejects all 216 mutants every time, autograd's 183, "
    "PyTorch's 176 and 177, JAX's 175.",
)

# %% [markdown]
# Be careful with this picture, for we drew it. The mutants are *ours*, and our check was mended until it caught each of them; the others were never told. What counts is what the others' misses are: not small errors, but the kinds of this lesson (not linear, shared state, float32, in place). Of wrong *values*, the kind that a difference can see, each of them found 146 of 151.
#
# ## What remains
# Forward and backward that are wrong in the same way. No check of gradients sees it, and no mutant of a backward asks for it. It takes an **oracle**: loops that follow the definition, or another library, and mutants of the *forward* against those. Lesson 04 did it without giving it that name.
#
# ## In the library
# `minifcn/verify/behaviour.py` has the questions of this lesson, one function each. `tests/mutants/catalogue.py` has the mutants with what must be said of each: it is not enough to reject one, the words have to fit. `python -m tests.mutants.catalogue` prints them all. If you change an operation, the mutants of the old one come along; if you add one, [the recipe](../CONTRIBUTING.md#how-to-change-an-operation) asks you for three.
#
# > **Honesty box.** A catalogue of mutants is a list of mistakes that somebody thought of. Tools such as mutmut and cosmic-ray make them by themselves, by exchanging operators in the source, and make many equivalent ones. We planted ours by hand. And that a check is linear at factors of a million does not say what happens beyond: `mf.gradcheck` asks at fixed factors too.
#
# ## Exercises
# **1 · S.** Score a checker. You get `checker(f, backward, x)`, which gives True for “right”, and a list of mutants `(name, f, backward, x)`. Return the names of those that the checker accepts. A checker or a mutant that stops with an error has been noticed.
#
# <details><summary>Hint</summary>An <code>except Exception</code> around the call, and nothing else inside the <code>try</code>. Give each call its own copy of <code>x</code>: a mutant may write into it.</details>


# %%
def my_survivors(checker, mutants):
    """mutants: tuples (name, f, backward, x). Returns a list of names, in their order."""
    ...


check.survivors(my_survivors)

# %% [markdown]
# **2 · M.** The linearity test, whole: proportional *and* additive. `is_linear(backward, x, g, h)` gets two incoming gradients. Sums are rounded, so they need a tolerance; products with powers of two need none. Some of the backwards that you get are right, and large or tiny; some forget a small number that comes in.
#
# <details><summary>Hint</summary>For the sum compare with a part (1e-9, say) of the <i>largest</i> number of backward(g) and backward(h). What if that is 0? Then the sum must be 0 too. And remember that nan is equal to nothing.</details>


# %%
def my_is_linear(backward, x, g, h):
    """backward(grad, x) -> array. Returns a bool."""
    ...


check.is_linear(my_is_linear)

# %% [markdown]
# **3 · L.** Now you are the bug. Write a backward for `relu` that the whole Jacobian accepts (rows of 0 and 1 come in), that is **proportional** (all factors of this lesson, to the bit, also the negative one), and that is wrong all the same.
#
# <details><summary>Hint</summary>Proportional is not yet linear: what about <code>backward(g + h)</code>? Rows with a single 1 have a largest element that is all there is. For numbers that are not so, do something else with the others, something that grows and changes sign with them.</details>


# %%
def my_fooling_backward(grad, x):
    """Right for rows of 0 and a single 1, proportional, and not the gradient of relu."""
    ...


check.fooling_backward(my_fooling_backward)

# %% [markdown]
# ## Summary
# - What a check is worth is measured with wrong gradients, each beside a right twin.
# - A Jacobian measured with rows of 0 and 1 does not see what happens to negative or large numbers. A backward is linear in what comes in, and that can be asked directly.
# - State, memory, precision: right numbers in one call do not show them. Each needs its own arrangement.
#
# ## In the paper
# Nowhere. But table 2 and its successors are read by people who then build on them, and behind each number stand a dozen backwards that somebody had to trust.
