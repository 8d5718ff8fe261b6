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
# # 01 · Slopes by hand
#
# **Question.** To train a network is to ask for each of its weights: if this one grew a little, would the result get better or worse? That is a slope. Can you measure one
# without any calculus, and how small is "a little"?
#
# **You need** what a derivative is, and lesson 00 for how exercises work. **Time** 20 minutes to read, 35 for the exercises. **Paper** none: everything in it that is trained rests on slopes.
#
# ## Go a little to the right
# The **slope** of a function f at x says how fast f(x) rises when x grows. To measure it, take a small step, see how much the value has changed, and divide by the step. This is a **forward
# difference**:

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np
import play

import minifcn as mf
from minifcn.verify.ucurve import error_by_step


def forward_difference(f, x, step):
    return (f(x + step) - f(x)) / step


for step in (0.5, 0.1, 0.01):
    print(f"step {step:<5} slope {forward_difference(np.exp, 1.0, step):.4f}")
print(f"on paper   slope {np.exp(1.0):.4f}")

# %% [markdown]
# We try it with exp, since there we know the answer: the slope of eˣ is eˣ. In a picture, a difference is the slope of the straight line through two points of the curve. The nearer the points,
# the closer the line's slope is to the curve's:

# %% tags=["figure"]
line = np.linspace(0.4, 1.8, 100)
figure, axis = plt.subplots(figsize=(5, 3))
axis.plot(line, np.exp(line), color=look.BLACK, linewidth=2, label="exp")
for step, colour, style in ((0.5, look.RED, "-."), (0.1, look.BLUE, "--")):
    slope = forward_difference(np.exp, 1.0, step)
    axis.plot(
        line,
        np.e + slope * (line - 1),
        style,
        color=colour,
        label=f"step {step}: slope {slope:.2f}",
    )
    axis.plot([1, 1 + step], np.exp([1, 1 + step]), "o", color=colour)
axis.set(xlabel="x", ylabel="f(x)", ylim=(0.5, 6.5))
axis.legend(frameon=False, fontsize=9)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="The curve of exp with two straight lines through the point at x = 1: the one with step "
    "0.5 is too steep, the one with step 0.1 nearly touches the curve.",
)

# %% [markdown]
# So we know what to do: take a very small step. **Before you run the next cell:** the error became ten times smaller when the step did. What will it be at 0.0000000000000001, which is 1e-16?

# %%
print("step      slope               error")
for power in range(2, 17, 2):
    slope = forward_difference(np.exp, 1.0, 10.0**-power)
    print(f"1e-{power:02d}  {slope:.15f}   {abs(slope - np.e):.0e}")

# %% [markdown]
# First it gets better, then *worse*, and in the end the slope is 0 and everything is wrong. What happened?
#
# ## Two errors
# **Truncation.** A curve is not a straight line. Taylor's series says how far it leaves the line: $f(x+h) = f(x) + h\,f'(x) + \frac{h^2}{2} f''(x)$ and smaller terms. Subtract $f(x)$, divide by $h$, and what is left over beside $f'(x)$ is about
#
# $$\frac{h}{2}\, f''(x),$$
#
# which is small when the step h is small.
#
# **Rounding.** The computer keeps about 16 digits of a number. What is smaller gets lost:

# %%
print("1 + 1e-15 =", repr(1 + 1e-15))
print("1 + 1e-16 =", repr(1 + 1e-16))
print("gap between 1 and the next number:", np.finfo(np.float64).eps)

# %% [markdown]
# That gap is called **eps**, the machine epsilon. Every result is off by up to about eps times its size. In $f(x+h) - f(x)$ two nearly equal numbers are subtracted: the
# digits that they share vanish, and what remains is the last few, which are rounded. Then we divide by h. So this error is about $\text{eps} \cdot f(x) / h$, and it is *large* when the step is small.
#
# Look through a magnifying glass that is as wide as the step. (In an open notebook there is a slider; move it.)


# %% tags=["figure"]
def magnified(power):
    step = 10.0**-power
    around = 1.0 + step * np.linspace(-2, 2, 801)
    values = (np.exp(around) - np.exp(1.0)) / step  # the curve, with x and y enlarged alike
    ends = np.array([1.0, 1.0 + step])
    figure, axis = plt.subplots(figsize=(5, 3))
    unit = np.linspace(-2, 2, 801)
    axis.plot(unit, values, color=look.BLACK, linewidth=1.2, label="exp, as the computer has it")
    axis.plot(
        [-2, 2], [-2 * np.e, 2 * np.e], color=look.SKY, linewidth=1.2, label="its slope on paper"
    )
    rises = (np.exp(ends) - np.exp(1.0)) / step
    axis.plot([0, 1], rises, "o--", color=look.RED, label=f"forward difference: {rises[1]:.4f}")
    axis.set(xlabel=f"(x − 1) / 1e-{power:02d}", ylabel=f"(f(x) − f(1)) / 1e-{power:02d}")
    axis.legend(frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    words = (
        f"exp around 1, magnified so that 1e-{power:02d} is one unit; at 1e-15 it is a staircase."
    )
    return figure, words


play.sliders(magnified, power=(0, 16, 15))

# %% [markdown]
# At 1e-15 the curve is a staircase: there is nothing between one number and the next. A difference that is as small as the stairs measures the stairs.
#
# ## Go to both sides
# Step to the left as well, and divide by the whole distance. This is a **central difference**:


# %%
def central_difference(f, x, step):
    return (f(x + step) - f(x - step)) / (2 * step)


# %% [markdown]
# Why is it better? Taylor for $x-h$ has the same terms with alternating signs:
#
# $$f(x-h) = f(x) - h\,f'(x) + \frac{h^2}{2} f''(x) - \frac{h^3}{6} f'''(x) + \ldots$$
#
# In the difference of the two the term with $f''$ is gone! What is left over is $\frac{h^2}{6} f'''(x)$, and $h^2$ is much less than $h$.
#
# Now the whole picture: error against step, with both axes in powers of ten. It has a name, the **U-curve**.

# %% tags=["figure", "picture"]
steps = 10.0 ** np.arange(-16, 0.25, 0.25)


def relative_errors(difference, dtype):
    """How wrong each step is, as a part of the slope of exp at 1."""
    found = np.array([difference(np.exp, dtype(1), dtype(step)) for step in steps], float)
    return np.abs(found / np.e - 1)


def formulas(axis, dtype):
    """Grey: what the formulas say, as parts of the slope. (All derivatives of exp are exp.)"""
    eps = np.finfo(dtype).eps
    axis.plot(steps, eps / steps, ":", color="#888888", label="rounding, eps / h")
    axis.plot(steps, steps / 2, "--", color="#bbbbbb", label="truncation, h / 2")
    axis.plot(steps, steps**2 / 6, "-.", color="#bbbbbb", label="truncation, h² / 6")


figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), sharey=True, layout="constrained")
for axis, dtype in zip(axes, (np.float64, np.float32), strict=True):
    formulas(axis, dtype)
    forward, central = (relative_errors(d, dtype) for d in (forward_difference, central_difference))
    axis.plot(steps, forward, "o-", color=look.ORANGE, markersize=3, label="forward")
    axis.plot(steps, central, "D-", color=look.BLUE, markersize=3, label="central")
    axis.set(xscale="log", yscale="log", ylim=(1e-13, 10), xlabel="step h", title=dtype.__name__)
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("error / slope")
axes[1].legend(fontsize=8, loc="center left", frameon=False)
look.show(
    figure,
    alt="Two panels of error against step, each curve a U. In float64 forward reaches about "
    "1e-8 near the step 1e-8, central about 1e-11 near 1e-5. In float32 both are far higher and "
    "their best steps larger.",
)

# %% [markdown]
# The right arm of each U is truncation, the left arm is rounding, and the formulas lie along both. Best is where they meet.
#
# On the right is the same in **float32**, numbers with about 7 digits instead of 16. Networks are trained with them, for they need half the memory and are faster. But *measure slopes* with them? Look at how high the lowest point lies. (And where the curve is level, the step is so small that x + h is x: the slope comes out as 0.)
#
# ## Check
# If we have understood this, then we can say beforehand where the best step is. All derivatives of exp are exp, so as a part of the slope the errors are $h/2$ or $h^2/6$, and $\text{eps}/h$. Forward: $\frac{h}{2} + \frac{\text{eps}}{h}$ is least at $h = \sqrt{2\,\text{eps}}$. Central: $\frac{h^2}{6} + \frac{\text{eps}}{h}$ is least at $h = \sqrt[3]{3\,\text{eps}}$. (The derivative is zero there;
# do it on paper.) Against what was measured:

# %%
print("                    best step            its error")
print("                  said  measured      said  measured")
for dtype in (np.float64, np.float32):
    eps = np.finfo(dtype).eps
    forward, central = (2 * eps) ** (1 / 2), (3 * eps) ** (1 / 3)
    said = [
        (forward_difference, forward, forward / 2 + eps / forward),
        (central_difference, central, central**2 / 6 + eps / central),
    ]
    for difference, step, error in said:
        powers = np.log10(relative_errors(difference, dtype) + 1e-17)
        smooth = np.convolve(powers, np.ones(5) / 5, "valid")  # of five: one alone may be lucky
        least = smooth.argmin()
        name = f"{dtype.__name__} {difference.__name__.split('_')[0]}"
        print(
            f"{name:16} {step:5.0e}  {steps[least + 2]:8.0e}     {error:5.0e}  "
            f"{10 ** smooth[least]:8.0e}"
        )

# %% [markdown]
# The formulas give the right size; rounding is partly luck, so nothing fits better than to within a factor of ten. What to remember: **central, float64, a step near 1e-5**: about ten digits right.
#
# ## Many variables
# A network has not one x but millions of weights. Let us start with two. Here are a few points, and a line that should run through them: `weight * x + bias`. How far off is it? A number that says so is called a **loss**; here it is the mean of the squared distances:

# %%
x = np.array([-1.0, 0.0, 1.0, 2.0, 3.0])
y = np.array([-1.2, 0.4, 1.1, 2.8, 3.6])


def loss(at):
    """How badly a line fits; at: its weight and its bias."""
    weight, bias = at
    return ((weight * x + bias - y) ** 2).mean()


# %% [markdown]
# It has a slope for each of its two numbers. Move *one* and leave the other alone; then the other way round. All slopes together are the **gradient**, an array of the same shape as the one that we moved.


# %%
def gradient(f, at, step=1e-5):
    slopes = np.zeros(len(at))
    for i in range(len(at)):
        move = np.zeros(len(at))
        move[i] = step
        slopes[i] = (f(at + move) - f(at - move)) / (2 * step)
    return slopes


start = np.array([-0.5, 3.0])
distance = start[0] * x + start[1] - y
print("measured", gradient(loss, start))
print("on paper", np.array([(2 * distance * x).mean(), (2 * distance).mean()]))

# %% [markdown]
# ## Downhill
# The gradient points where the loss rises most steeply. So go a bit the *other* way, and measure again. How far? The gradient times a small number, the **learning rate**. This is **gradient descent**, and
# nearly everything called learning in these lessons is this line: `at = at - rate * gradient(loss, at)`.
#
# **Before you run the next cell:** what happens if the learning rate is too large?


# %% tags=["figure"]
def walk(rate, count):
    places = [start]
    for _ in range(count):
        places.append(places[-1] - rate * gradient(loss, places[-1]))
    return np.array(places)


weights, biases = np.meshgrid(np.linspace(-1.8, 3.2, 60), np.linspace(-2.5, 3.5, 60))
heights = np.array([loss(at) for at in zip(weights.flat, biases.flat, strict=True)]).reshape(
    weights.shape
)
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.4), layout="constrained")
levels = [0.1, 0.5, 1, 2, 4, 8, 16, 32]
axes[0].contour(weights, biases, heights, levels, colors="#bbbbbb", linewidths=0.8)
kinds = (
    (0.02, look.GREEN, "s:", "too small"),
    (0.15, look.BLUE, "o-", "good"),
    (0.31, look.RED, "^--", "too large"),
)
for rate, colour, style, name in kinds:
    places = walk(rate, 20)
    axes[0].plot(*places.T, style, color=colour, markersize=3, linewidth=1)
    losses = [loss(at) for at in places]
    axes[1].semilogy(
        losses, style, color=colour, markersize=3, linewidth=1, label=f"{rate}: {name}"
    )
axes[0].plot(*start, "o", color=look.BLACK)
axes[0].annotate("start", start, textcoords="offset points", xytext=(6, 4), fontsize=9)
axes[0].set(xlabel="weight", ylabel="bias", xlim=(-1.8, 3.2), ylim=(-2.5, 3.5))
axes[0].set_title("paths; grey: lines of equal loss", fontsize=9)
axes[1].set(xlabel="steps", ylabel="loss")
axes[1].set_title("the loss on the way", fontsize=9)
axes[1].legend(frameon=False, fontsize=8, title="learning rate", title_fontsize=8)
axes[1].spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Left: a valley of oval lines with three paths; one creeps, one reaches the bottom, one "
    "jumps from side to side and out. Right: their losses: one falls slowly, one fast, one "
    "rises.",
)
best = np.polyfit(x, y, 1)  # the least squares line, by a formula
found = walk(0.15, 100)[-1]
look.say(
    f"After 100 steps at 0.15 the line is {found[0]:.4f}·x + {found[1]:.4f}. "
    f"The formula for the best line says {best[0]:.4f}·x + {best[1]:.4f}."
)

# %% [markdown] tags=["open"]
# A program that knows nothing about lines has found the best one, by differences alone. Could a network learn like that?
#
# ## The price
# Each slope costs two runs of the function, and *one* step needs them all. (The 134 million are from the paper's Table 1.)

# %%
shipped = sum(weight.data.size for weight in mf.models.load("voc7").parameters())
print("                         weights   runs a step   days, at a second a run")
for name, count in (("our line", 2), ("lesson 00", shipped), ("the paper's VGG16", 134_000_000)):
    print(f"{name:18} {count:>13,} {2 * count:>13,} {2 * count / 86400:>12,.1f}")

# %% [markdown]
# And that is *one* step of many thousands. Lesson 02 builds a machine that finds all slopes at once for about the price of a few runs, however many weights there are. So what are differences
# good for? They are simple, and need only the function itself. They will be our **judge**: every gradient in this library is held against them (lesson 03).
#
# ## In the library
# `minifcn/verify/differences.py` is the central difference, and `choose_step` in it does not trust a fixed 1e-5: it tries several steps, and takes larger ones where a function is straight, since then there is no
# truncation. `minifcn/verify/ucurve.py` makes U-curves for any operation. Here are the steps that `mf.gradcheck`, our judge, chooses:

# %%
values = np.array([0.5, -1.0, 2.0])
for name, function in (("x·x·x", lambda x: x * x * x), ("3·x", lambda x: 3 * x)):
    curve = error_by_step(function, values)[0]
    print(
        f"{name:6} is {curve.kind}; gradcheck takes the step {curve.chosen:.0e}; "
        f"the least error of all steps is {min(curve.errors):.0e}"
    )

# %% [markdown]
# > **Honesty box.** Our best step holds where f, its derivatives and x have a size of about 1. Near x = 1000 take a larger step; for a function that wiggles fast, a smaller one. There are better differences: two central ones with steps h
# > and h/2 can be combined so that h² cancels as well (Richardson), and a step in the *complex* direction has no subtraction and so no rounding problem. In code: `torch.autograd.gradcheck` takes central
# > differences with `eps=1e-6` in float64; Caffe's tests mostly gave their `GradientChecker` a step of 0.01, for float32 and float64 alike. And training hardly ever follows the exact gradient of all data: lesson 16.
#
# ## Exercises
# **1 · S.** The central difference once more, from memory. `f` takes and gives one number.
#
# <details><summary>Hint</summary>Two points, one on each side. How far are they apart?</details>


# %%
def my_central_difference(f, x, step):
    """f: number -> number. Returns the slope of f at x, measured with this step."""
    ...


check.central_difference(my_central_difference)

# %% [markdown]
# **2 · M.** The gradient of a function of an array of any shape, by central differences: `f(x)` is one number. Leave `x` as it was. It may hold whole numbers.
#
# <details><summary>Hint</summary><code>np.ndindex(x.shape)</code> walks over all indices of an array of any shape. What does <code>x[i] += 0.1</code> do in an array of integers?</details>


# %%
def my_gradient_by_differences(f, x, step):
    """f: array -> number. Returns an array of the shape of x."""
    ...


check.gradient_by_differences(my_gradient_by_differences)

# %% [markdown]
# **3 · M.** Walk downhill with *momentum*, as the paper does: a velocity starts at 0, each step makes it `momentum * velocity - rate * gradient(x)`, and then `x` moves by it. Start at `x`, take `count` steps, and return *all*
# places as an array `(count + 1, len(x))`, the start first. `gradient(x)` gives the gradient at a place.
#
# <details><summary>Hint</summary>The gradient differs from place to place. And <code>x -= …</code> changes the array itself, also where it stands in your list already; <code>x = x - …</code> makes a new one.</details>


# %%
def my_walk_downhill(gradient, x, rate, momentum, count):
    """gradient: array -> array of the same shape. Returns (count + 1, len(x))."""
    ...


check.walk_downhill(my_walk_downhill)

# %% [markdown]
# ## Summary
# - A slope is a small difference divided by its step; central differences are much more exact than forward ones.
# - A large step truncates, a small one rounds; in float64 the best is near 1e-5, and in float32 none is good.
# - A gradient is a slope for each variable, and stepping against it makes a loss small; by differences that is far too slow for a network.
#
# ## In the paper
# Nothing about slopes as such. Section 4.3 only says how it goes downhill, by stochastic gradient descent with momentum, and with which learning rates: 10⁻³ for AlexNet, 10⁻⁴ for VGG16, and "5⁻⁵", as it is printed, for GoogLeNet. They were found by trying (the paper calls it a *line search*). You have seen why such a number needs care.
