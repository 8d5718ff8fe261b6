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
# # 03 · A gradient check you can trust
#
# **Question.** You have written a `backward`. How do you find out that it is wrong, even if it is wrong in a way you did not think of?
#
# **You need** lessons 01 (finite differences) and 02 (`Tensor` and `Function`). **Time** 25 minutes to read, 50 for the exercises. **Paper** none.
#
# ## A backward that is plainly wrong
# *Softmax* turns scores into probabilities: take e to the power of each score, and divide by the sum of them all. The results are positive and add up to 1. Lesson 07 needs
# it. Here is a softmax whose author was tired:

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf


def softmax(x):
    exponentials = np.exp(x)
    return exponentials / exponentials.sum()


class TiredSoftmax(mf.Function):
    def forward(self, x):
        return softmax(x)

    def backward(self, grad):
        return np.zeros_like(grad)  # to do


softmax(np.array([2.0, 1.0, 0.0, -1.0]))

# %% [markdown]
# ## The check that everybody writes first
# Lesson 01: move one element of `x` a little up and a little down, and see how the result changes. The result has several numbers here, so we add
# them up to get one. Then we compare with `backward`.


# %%
def slopes_of_sum(f, x, step=1e-5):
    """d f(x).sum() / d x, by central differences."""
    slopes = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[i] += step
        behind[i] -= step
        slopes[i] = (f(ahead).sum() - f(behind).sum()) / (2 * step)
    return slopes


def gradient_of_sum(function, x):
    """The same from backward."""
    x = mf.Tensor(x, requires_grad=True)
    function(x).sum().backward()
    return x.grad


# %% [markdown]
# **Before you run the next cell:** by how much will the two differ?

# %%
x = np.array([2.0, 1.0, 0.0, -1.0])
numeric, analytic = slopes_of_sum(softmax, x), gradient_of_sum(TiredSoftmax(), x)
difference = np.abs(numeric - analytic).max()
look.say(
    f"Largest difference: {difference:.1g}. A `backward` that returns nothing but zeros **passes**."
)

# %% [markdown]
# ## Why: adding up hides what happens inside
# Let us look at every slope by itself. Row *i*, column *j*: how much output *i* changes when input *j* does. This table is called the *Jacobian*.

# %%
jacobian = np.zeros((4, 4))
for j in range(4):
    move = 1e-5 * np.eye(4)[j]
    jacobian[:, j] = (softmax(x + move) - softmax(x - move)) / 2e-5

# %% tags=["figure"]
rng = np.random.default_rng(3)
random = np.round(rng.standard_normal(4), 1)
weights = {"all ones": np.ones(4), "random": random}

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4))
for axis, (name, cotangent) in zip(axes, weights.items(), strict=True):
    table = np.vstack([cotangent[:, None] * jacobian, cotangent @ jacobian])
    axis.imshow(np.vstack([table[:4], np.full((1, 4), np.nan)]), cmap="PuOr", vmin=-1, vmax=1)
    for (i, j), value in np.ndenumerate(table):
        axis.text(
            j,
            i,
            f"{value + 0.0:.2f}".replace("-0.00", "0.00"),
            ha="center",
            va="center",
            fontsize=9,
        )
    axis.set_yticks(range(5), [f"{w:g} × output {i}" for i, w in enumerate(cotangent)] + ["sum"])
    axis.set_xticks(range(4), [f"input {j}" for j in range(4)])
    axis.set_title(name, fontsize=10)
    axis.axhline(3.5, color=look.BLACK, linewidth=1)
figure.tight_layout()
look.show(
    figure,
    alt="The softmax Jacobian twice as a grid with numbers. Weighted with ones "
    "every column adds up to 0.00, weighted with random numbers it does not.",
)

# %% [markdown]
# On the left every column adds up to zero. Of course: the probabilities add up to 1, whatever the scores are, so *their sum* never moves. For softmax, zero is
# the right gradient **of the sum**. The check asked a question whose answer is always 0.
#
# On the right every output has a weight of its own before we add. In a graph (lesson 02) such weights come in from the later operations: `backward(grad)` gets one number for each
# output and returns `grad @ jacobian`. Weights like these are called a **cotangent**. All ones is one cotangent among many, and a bad one to check with. Take random numbers.
#
# ## The same check, with a random cotangent


# %%
def slopes(f, x, cotangent, step=1e-5):
    """d (f(x) * cotangent).sum() / d x, by central differences."""
    return slopes_of_sum(lambda x: f(x) * cotangent, x, step)


def gradient(function, x, cotangent):
    x = mf.Tensor(x, requires_grad=True)
    function(x).backward(cotangent)
    return x.grad


class Softmax(mf.Function):
    def forward(self, x):
        self.y = softmax(x)
        return self.y

    def backward(self, grad):
        return grad @ (np.diag(self.y) - np.outer(self.y, self.y))  # the table, by a formula


for function in (TiredSoftmax(), Softmax()):
    error = np.abs(slopes(softmax, x, random) - gradient(function, x, random)).max()
    print(f"{type(function).__name__:13} largest error {error:.1g}")

# %% [markdown]
# Could random weights be unlucky too? A wrong `backward` has, as a rule, a wrong table, and then its error is `cotangent @ (table - right table)`. That is zero only if the cotangent lies
# exactly on a plane that the mistake chooses. Random numbers do not hit a plane. So **one** random cotangent is enough.
#
# ## Who else gets away with ones?
# Four mistakes that are easily made. In the picture, what lies left of the line passes a check that tolerates a millionth.


# %%
class ForgetsIncoming(mf.Function):  # x²
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, grad):
        return 2 * self.x  # should be times grad


class StaysMirrored(mf.Function):  # the elements in reverse
    def forward(self, x):
        return x[::-1].copy()

    def backward(self, grad):
        return grad.copy()  # should be reversed as well


class ShiftsOn(mf.Function):  # everything one place to the right, the last comes first
    def forward(self, x):
        return np.roll(x, 1)

    def backward(self, grad):
        return np.roll(grad, 1)  # should go one place to the left


# %% tags=["figure"]
mistakes = {
    "softmax: zeros": (TiredSoftmax(), softmax),
    "x²: forgets the incoming gradient": (ForgetsIncoming(), lambda x: x**2),
    "mirror: gradient not mirrored": (StaysMirrored(), lambda x: x[::-1]),
    "shift: gradient shifted the wrong way": (ShiftsOn(), lambda x: np.roll(x, 1)),
}
figure, axis = plt.subplots(figsize=(7, 2.4))
for name, cotangent, colour, marker in (
    ("ones come in", np.ones(4), look.ORANGE, "o"),
    ("random numbers come in", random, look.BLUE, "D"),
):
    errors = []
    for function, f in mistakes.values():
        difference = slopes(f, x, cotangent) - gradient(function, x, cotangent)
        errors.append(np.abs(difference).max())

    axis.plot(errors, range(4), marker, color=colour, markersize=8, label=name)
axis.axvline(1e-6, color=look.BLACK, linewidth=1)
axis.set(xscale="log", xlim=(1e-13, 100), xlabel="largest error", yticks=range(4), ylim=(3.5, -0.5))
axis.set_yticklabels(mistakes)
axis.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Four mistakes, one a row. With ones coming in all four errors are below 1e-10, "
    "left of the tolerance; with random numbers all are near 1.",
)

# %% [markdown]
# ## How near is near enough?
# Two fair tries that fail:
#
# - *The difference must be below 0.000001.* A deep network can have gradients that small. Then everything passes.
# - *The difference must be below a millionth of the gradient.* Where the gradient is exactly 0, the numeric value is a tiny bit off, and a millionth of 0 tolerates nothing.

# %%
small = 1e-7 * x  # a gradient that is small everywhere
print("half of it, difference below 1e-6?", bool(np.all(np.abs(small / 2 - small) < 1e-6)))

at_zero = slopes(lambda x: x**3, np.zeros(1), np.ones(1))  # the slope of x³ at 0 is 0
print(f"x³ at 0: numeric {at_zero[0]:.1g} and not 0,", end=" ")
print("difference below a millionth of it?", bool(at_zero[0] < 1e-6 * at_zero[0]))


# %% [markdown]
# So allow a part of the element **and** a little of the largest gradient around:
#
# $$\lvert \text{analytic} - \text{numeric} \rvert \le \text{rtol} \cdot \max(\lvert \text{analytic} \rvert, \lvert \text{numeric} \rvert) + \text{atol}$$
#
# `rtol` is the *relative tolerance*, and `atol`, the *absolute* one, is a small part of the largest gradient. How small can `rtol` be? As small as the errors of the differences, and those depend on the number type.

# %%
right = gradient(Softmax(), x, random)


def relative_error(dtype, step):
    numeric = slopes(softmax, x.astype(dtype), random.astype(dtype), dtype(step))
    return np.abs(numeric - right).max() / np.abs(right).max()


print("step     " + "".join(f"{10.0**power:>9.0e}" for power in range(-7, 0)))
for dtype in (np.float32, np.float64):
    errors = [relative_error(dtype, 10.0**power) for power in range(-7, 0)]
    print(f"{dtype.__name__}  " + "".join(f"{error:>9.0e}" for error in errors))

# %% [markdown]
# The rows are the U-curves of lesson 01, for central differences. In float32 the step must be just right, and still the error is far larger. Checks of float32 gradients therefore tolerate a lot, and mistakes live
# in what is tolerated. **Check in float64**; train in float32 afterwards.

# %% [markdown]
# ## Kinks
# `relu(x)`, the larger of x and 0, has a corner at 0: a *kink*. A difference that steps across it measures neither side.

# %% tags=["figure"]
place, step = 0.00002, 0.0001
line = np.linspace(-0.00022, 0.00022, 200)
ends = np.array([place - step, place + step])
measured = (max(ends[1], 0) - max(ends[0], 0)) / (2 * step)
figure, axis = plt.subplots(figsize=(5.5, 2.6))
axis.plot(line, np.maximum(line, 0), color=look.BLUE, label="relu: slope 1 at the dot")
axis.plot(
    ends,
    np.maximum(ends, 0),
    "s--",
    color=look.RED,
    label=f"central difference: slope {measured:.2f}",
)
axis.plot(place, place, "o", color=look.BLUE, markersize=8)
axis.set(xlabel="x", ylabel="relu(x)", xticks=[-0.0002, 0, 0.0002], yticks=[0, 0.0002])
axis.legend(frameon=False, fontsize=8)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="relu near 0 with a dot just right of the corner; a dashed line joins a point left of "
    "the corner with one right of it and is less steep than relu at the dot.",
)

# %% [markdown]
# Three remedies, best first:
#
# 1. Choose inputs that stay away from kinks.
# 2. If the values disagree, try a smaller step. A kink *beside* the point is left behind; a real mistake stays.
# 3. *Exactly on* a kink there is no slope, but one to the left and one to the right. Any value between them is accepted.
#
# `mf.gradcheck` does the second and the third, and says so:

# %%
print(mf.gradcheck(mf.ops.relu, np.array([-1.0, place, 0.0, 3.0])))

# %% [markdown]
# ## Plant a bug, read the report
# `mf.gradcheck(function, inputs)` draws a random cotangent, chooses its step, compares every element, and raises an error if they disagree. Here is a function that adds neighbours,
# `y[i] = x[i] + x[i + 1]`, with a very common bug in its `backward`:


# %%
class AddNeighbours(mf.Function):
    def forward(self, x):
        return x[:, :-1] + x[:, 1:]

    def backward(self, grad):
        grad_x = np.zeros((grad.shape[0], grad.shape[1] + 1))
        grad_x[:, :-1] = grad
        grad_x[:, 1:] = grad
        return grad_x


# %% [markdown]
# **Before you run the next cell:** do you see it?

# %%
try:
    mf.gradcheck(AddNeighbours(), np.random.default_rng(0).standard_normal((3, 6)))
except mf.GradcheckError as error:
    print(error)

# %% [markdown]
# Read it from above: how many elements are wrong, the worst one with both values, a *diagnosis*, and a map. The map says a lot by itself: the two ends are right, and they
# are the elements that act on one output only. The others act on two, and the second assignment overwrites the first. `grad_x[:, 1:] += grad` is the cure.
#
# The diagnosis compares your gradient with what known mistakes would give. Our four:


# %%
def what_it_says(function, x):
    """The line of gradcheck's report that says how the gradient is wrong."""
    try:
        mf.gradcheck(function, x)
    except mf.GradcheckError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        if "diagnosis: as said above" in lines:
            return lines[1].partition(": ")[2]
        return next(line for line in lines if line.startswith("diagnosis"))
    return "all right"


for name, (function, _) in mistakes.items():
    print(f"{name}\n    {what_it_says(function, np.random.default_rng(1).standard_normal(7))}")

# %% [markdown]
# ## Random, but not the same numbers twice
# A story of this library. Its check drew the cotangent from `np.random.default_rng(0)`, so that a failure comes back on the next day. Whoever used it drew the *inputs* from `np.random.default_rng(0)`, as nearly everybody does. What can go wrong? Here is a ReLU whose backward looks at the wrong array:


# %%
class AsksTheGradient(mf.Function):  # relu
    def forward(self, x):
        return np.maximum(x, 0)

    def backward(self, grad):
        return grad * (grad > 0)  # should ask x


def relu(x):
    return np.maximum(x, 0)


x0 = np.random.default_rng(0).standard_normal(7)

# %% [markdown]
# **Before you run the next cell:** the cotangent is random, as it should be. Will the mistake be seen?

# %%
for seed in (0, 1):
    cotangent = np.random.default_rng(seed).standard_normal(7)
    error = np.abs(slopes(relu, x0, cotangent) - gradient(AsksTheGradient(), x0, cotangent)).max()
    print(f"cotangent from default_rng({seed}): largest error {error:.1g}")

# %% [markdown]
# Seed 0 gave the cotangent the very numbers of x. Where x is positive so is the gradient, and the wrong question has the right answer. Every test of such a backward passed, whatever its shape, until somebody planted this mistake *on purpose* to see whether the check would find it. (It is not far-fetched: lesson 10 meets a method
# that masks by what comes in, and means to.)
#
# Two things were mended. The check has random numbers of its own: each use has a stream whose seed is made from a sentence that nobody else writes, in `minifcn/verify/streams.py`. And values are no longer all it asks: a backward must be *linear* in what comes in, so for −g and 2 g it must give −1 and 2 times what it gave for g. A mask by g is not, with any numbers at all:

# %%
print(what_it_says(AsksTheGradient(), x0))

# %% [markdown]
# The moral is larger than the bug. **A check is code, and must be checked too**: plant mistakes and see whether they are found. This library keeps them: `tests/mutants/` has wrong versions of every operation, and each must be rejected.
#
# ## What no gradient check can see
# It holds `backward` against *your* `forward`. If both are wrong in the same way, it is satisfied.


# %%
class Mean(mf.Function):
    def forward(self, x):
        self.count = x.size - 1  # wrong: a mean divides by how many there are
        return x.sum() / self.count

    def backward(self, grad):
        return np.full(self.count + 1, grad / self.count)


print(what_it_says(Mean(), x))

# %% [markdown]
# Against this only an **oracle** helps, another way to the same value: the definition in plain loops, PyTorch, or a case you can do by hand. So each operation on this
# road gets both, an oracle for its forward and a gradient check for its backward.
#
# ## In the library
# `minifcn/verify/gradcheck.py` is the check, `differences.py` beside it chooses steps and deals with kinks, `diagnosis.py` knows the mistakes. `minifcn/verify/behaviour.py` asks for more
# than numbers: does `backward` change the arrays it was given, does it give the same result twice, does it depend on how the arrays lie in memory?
#
# In a terminal, `minifcn gradcheck softmax_cross_entropy` checks an operation with random shapes and options.
#
# > **Honesty box.** We compare with *one* random cotangent. PyTorch's `torch.autograd.gradcheck` builds the whole Jacobian by default, which is thorough and slow; `fast_mode=True` uses random
# > weights as we do. Its tolerances are wider (rtol 0.001), and at a kink it "may fail", its documentation says. Caffe's `GradientChecker` also goes output by output, and skips values near a kink if you tell it where
# > the kink is. For big inputs gradcheck takes `directions=20`: random directions instead of every element, much faster, but blind to a mistake in a few of many elements.
#
# ## Exercises
# **1 · S.** Write the numeric side yourself, in one function: the slopes of `(f(x) * cotangent).sum()` by central differences, for `x` of any shape. Leave `x` as it was.
#
# <details><summary>Hint</summary><code>np.ndindex(x.shape)</code> walks over all indices of an array of any shape. Change a copy, not <code>x</code>.</details>


# %%
def my_numeric_gradient(f, x, cotangent, step):
    """f: array -> array; cotangent: as f(x) in shape. Returns an array of the shape of x."""
    ...


check.numeric_gradient(my_numeric_gradient)

# %% [markdown]
# **2 · M.** The right backward of softmax, now for maps: `y` is `(N, C, H, W)`, and at each place of each picture the C channels are one softmax. The slope of output *i* with respect to input *j* is
# $y_i(1 - y_i)$ where $i = j$, else $-y_i y_j$. You need no loop.
#
# <details><summary>Hint</summary>Write down the sum over <i>i</i> of gradᵢ times the slope. What all <i>j</i> have in common is one sum, over axis 1; <code>keepdims=True</code> keeps the shapes
# fitting.</details>


# %%
def my_softmax_backward(grad, y):
    """grad and y: (N, C, H, W), y the softmax over axis 1. Returns the gradient for the scores."""
    ...


check.softmax_backward(my_softmax_backward)

# %% [markdown]
# **3 · L.** Now be the judge. `gradient_is_right(f, backward, x)` gets a function, somebody's backward, and a place; it returns True or False. Some of the backwards are right, at awkward places: beside a kink, with
# tiny gradients, with gradients that are 0. Some are wrong, and do not look it.
#
# <details><summary>Hint</summary>A random cotangent, from a seed that nobody else would choose; a tolerance with both parts, of which the second is a part of the largest gradient; and where an element disagrees, the next smaller step. And remember
# that <code>nan > 0.1</code> is False.</details>


# %%
def my_gradient_is_right(f, backward, x):
    """backward(grad, x) is supposed to be the gradient of (f(x) * grad).sum(). Returns a bool."""
    ...


check.gradient_is_right(my_gradient_is_right)

# %% [markdown]
# ## Summary
# - Weigh the outputs with random numbers, other ones than the inputs are, before you add them: ones see only sums, and some sums never move.
# - Check in float64, allow a part of the element and a little of the largest gradient, and beware of kinks.
# - A gradient check compares a backward with its own forward; whether the forward is right, only an oracle knows.
#
# ## In the paper
# Nowhere: a paper reports what came out, and trusts that the gradients were right. Section 3.3 rests on one, "backwards convolution", and lessons 05 and 10 will hold it to this check.
