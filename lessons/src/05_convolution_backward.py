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
# # 05 · Convolution, backward
#
# **Question.** A convolution gets a gradient for its results. Which gradients do the picture, the weights and the bias get, and how do we know, without any step size, that they are right?
#
# **You need** lessons 03 (gradient checks) and 04 (convolution). **Time** 25 minutes to read, 50 for the exercises. **Paper** section 3.3.
#
# ## One row is enough
# Five numbers, a kernel of three, stride 2: two results. Each result is a sum of products, so the whole convolution is a *matrix* times the row. Column *j* of the matrix: what comes out if only number *j* is 1.

# %%
import inspect

import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf
from minifcn.kernels import simple
from minifcn.ops.convolution import Conv2d


def convolve_row(x, kernel, stride):
    count = (len(x) - len(kernel)) // stride + 1
    return np.array([x[i * stride : i * stride + len(kernel)] @ kernel for i in range(count)])


kernel = np.array([2.0, 3.0, 5.0])
matrix = np.array([convolve_row(unit, kernel, stride=2) for unit in np.eye(5)]).T  # (2, 5)
matrix

# %% [markdown]
# Now the way back. A gradient comes in: 1 for result 0, and 2 for result 1, which matters twice as much. How much does number *j* matter? It acted on result 0 with `matrix[0, j]` and on result 1 with
# `matrix[1, j]`. So its gradient is `1 * matrix[0, j] + 2 * matrix[1, j]`. For all *j* at once:
#
# $$\text{gradient of } x = M^T g$$
#
# with M the matrix and g the gradient that comes in.

# %%
grad = np.array([1.0, 2.0])
matrix.T @ grad

# %% [markdown]
# Nobody builds that matrix; for a photograph it would have billions of entries, nearly all 0. Look at what it does: every incoming number *paints* the kernel, times itself, onto the window it came
# from. **Before you look at the picture:** what happens in the middle, where both windows lie?

# %% tags=["figure"]
figure, axes = plt.subplots(3, 1, sharex=True, sharey=True, figsize=(6, 4.2))
for axis, value, start in ((axes[0], 1.0, 0), (axes[1], 2.0, 2)):
    axis.bar(range(start, start + 3), value * kernel, color=look.BLUE)
    axis.set_title(f"{value:g} paints {value:g} × kernel onto its window", fontsize=9, loc="left")
axes[2].bar(range(5), matrix.T @ grad, color=look.ORANGE)
axes[2].set_title("added: where windows overlap, both count", fontsize=9, loc="left")
for place, value in enumerate(matrix.T @ grad):
    axes[2].text(place, value + 0.3, f"{value:g}", ha="center", fontsize=9)
axes[2].set(xlabel="place in x", ylim=(0, 13))
figure.tight_layout()
look.show(
    figure,
    alt="Bars: 1 paints 2, 3, 5 onto places 0 to 2, and 2 paints 4, 6, 10 onto places 2 to 4; "
    "the sum is 2, 3, 9, 6, 10.",
)

# %% [markdown] tags=["open"]
# Two numbers went in and five came out. Remember that for lesson 10, where it becomes the way to make coarse maps large.
#
# ## The rule behind it
# A convolution does nothing but this, very often:
#
#     y += x * weight
#
# If the gradient of y is g, then x gets g · weight, and weight gets g · x: each factor gets g times the *other* factor. So take the loops of lesson 04, and turn that one line round. The bias was added to
# every result of its channel, so it gets the sum of their gradients.


# %%
def convolve_backward(grad, x, weight, stride=1, padding=0):
    """grad (N, O, OH, OW) -> gradients of x (N, C, H, W), weight (O, C, KH, KW) and bias (O,)."""
    rim = (padding, padding)
    x = np.pad(x, ((0, 0), (0, 0), rim, rim))
    grad_x, grad_weight, grad_bias = (
        np.zeros(x.shape),
        np.zeros(weight.shape),
        np.zeros(len(weight)),
    )
    kh, kw = weight.shape[2:]
    for picture, channel, i, j in np.ndindex(grad.shape):
        g = grad[picture, channel, i, j]
        rows, columns = slice(i * stride, i * stride + kh), slice(j * stride, j * stride + kw)
        # forward: y[…] = (x[window] * weight[channel]).sum() + bias[channel]
        grad_x[picture, :, rows, columns] += g * weight[channel]
        grad_weight[channel] += g * x[picture, :, rows, columns]
        grad_bias[channel] += g
    h, w = x.shape[2:]
    return grad_x[:, :, padding : h - padding, padding : w - padding], grad_weight, grad_bias


# %% [markdown]
# <details markdown="1"><summary>The same with indices: both gradients, derived</summary>
#
# One picture, channels $c$, output channels $o$; $s$ is the stride, and $x$ is padded already. The forward is
#
# $$y_{oij} = b_o + \sum_{c,a,b} w_{ocab}\; x_{c,\,si+a,\,sj+b}$$
#
# and what comes in is $g_{oij} = \partial L / \partial y_{oij}$. By the chain rule every result that a number acts on sends its share:
#
# $$\frac{\partial L}{\partial w_{ocab}} = \sum_{i,j} g_{oij} \frac{\partial y_{oij}}{\partial w_{ocab}} = \sum_{i,j} g_{oij}\; x_{c,\,si+a,\,sj+b}$$
#
# since $w_{ocab}$ stands in every $y_{oij}$ of its channel, each time beside the pixel that its tap sees. The bias stands there alone: $\partial L / \partial b_o = \sum_{i,j} g_{oij}$. A pixel $x_{cpq}$ stands in $y_{oij}$ only where a tap lands on it,
# that is for $a = p - si$ and $b = q - sj$, if such a tap exists:
#
# $$\frac{\partial L}{\partial x_{cpq}} = \sum_{o} \sum_{i,j} g_{oij}\; w_{o,c,\,p-si,\,q-sj} \qquad (0 \le p - si < KH,\ 0 \le q - sj < KW)$$
#
# This sum asks each pixel for its windows: that is *gathering*, and lesson 21 does it on a GPU. The loops above go through the same products the other way round, window by window, and *add* each where it belongs. Of several pictures, weight and bias get the sum.
#
# </details>
#
# Three lines of work, and two things to see. All three say `+=`: a pixel may lie in several windows, and every weight meets every window. And the padding is cut off at the end: its zeros are no part of the picture, so
# their gradient is thrown away.
#
# ## Where the gradient goes
# How many windows does each pixel lie in? Send in a one for every result, use a kernel of ones, and the gradient of x counts them.


# %%
def count_windows(size, kernel, stride, padding):
    x, weight = np.zeros((1, 1, size, size)), np.ones((1, 1, kernel, kernel))
    y = mf.ops.conv2d(x, weight, stride=stride, padding=padding)
    return convolve_backward(np.ones(y.shape), x, weight, stride, padding)[0][0, 0]


# %% tags=["figure"]
figure, axes = plt.subplots(1, 4, figsize=(8, 2.5))
for axis, options in zip(
    axes, ((6, 3, 1, 0), (6, 3, 1, 1), (6, 3, 2, 0), (6, 2, 3, 0)), strict=True
):
    counts = count_windows(*options)
    axis.imshow(counts, cmap="Blues", vmin=0, vmax=14)
    for (i, j), value in np.ndenumerate(counts):
        colour = look.RED if value == 0 else look.BLACK
        axis.text(j, i, f"{value:g}", ha="center", va="center", fontsize=8, color=colour)
    axis.set_title("kernel {1}, stride {2}, padding {3}".format(*options), fontsize=8)
    axis.set(xticks=[], yticks=[])
figure.tight_layout()
look.show(
    figure,
    alt="Four grids of 6 by 6 counts. Kernel 3: up to 9 in the middle, 1 in the corners, or 4 "
    "there with padding. With stride 2 between 0 and 4, chequered. With kernel 2 and stride 3: 1 "
    "or 0.",
)

# %% [markdown]
# Without padding a corner pixel is in one window and a pixel in the middle in nine: the rim of a picture counts less. With stride 2 the counts are chequered (lesson 10 meets this again as *checkerboards*). A red
# 0 is a pixel that no window looks at.
#
# ## Check with differences
# Lesson 03 says how: random numbers come in, `mf.gradcheck` compares.


# %%
class OurConv(mf.Function):
    def __init__(self, stride, padding):
        self.stride, self.padding = stride, padding

    def forward(self, x, weight, bias):
        self.x, self.weight = x, weight
        return mf.ops.conv2d(x, weight, bias, stride=self.stride, padding=self.padding).data

    def backward(self, grad):
        return convolve_backward(grad, self.x, self.weight, self.stride, self.padding)


rng = np.random.default_rng(0)
x, weight = rng.standard_normal((2, 3, 6, 7)), rng.standard_normal((4, 3, 3, 2))
bias = rng.standard_normal(4)
for stride, padding in ((1, 0), (2, 1), (3, 2)):
    report = mf.gradcheck(OurConv(stride, padding), (x, weight, bias))
    print(
        f"stride {stride}, padding {padding}: {report.elements} values, worst error "
        f"{report.worst:.0e}"
    )

# %% [markdown]
# The errors are far smaller than lesson 03 led us to expect. A convolution is *linear* in x, and for a straight line a difference is exact with any step; gradcheck notices, and takes a large one.
#
# ## Check without differences: the adjoint test
# For a linear map one question is enough. Write $\langle a, b \rangle$ for the sum of all products of a and b. If `back` is the transposed matrix of `conv`, then for **any** x and **any** g
#
# $$\langle \text{conv}(x), g \rangle = \langle x, \text{back}(g) \rangle$$
#
# because both are the same double sum, $\sum_{i,j} g_i M_{ij} x_j$, added up in another order. One random x, one random g, two numbers to compare. `back` is then called the *adjoint* of `conv`. There is no step to choose; what is left is rounding.

# %%
stride, padding = 2, 1


def conv(x):
    return mf.ops.conv2d(x, weight, stride=stride, padding=padding).data  # without bias: linear


g = rng.standard_normal(conv(x).shape)
grad_x, grad_weight, grad_bias = convolve_backward(g, x, weight, stride, padding)
print(f"<conv(x), g>           {(conv(x) * g).sum():.15f}")
print(f"<x, gradient of x>     {(x * grad_x).sum():.15f}")
print(f"<w, gradient of w>     {(weight * grad_weight).sum():.15f}")

# %% [markdown]
# That is two tests in one: a convolution is linear in the weight as well, with x held fixed.
#
# How good is it at finding mistakes? Let us add a growing mistake to one element of the gradient, and ask three judges how large it is: the plain difference of lesson 03 with its usual step of 0.00001; the same with a step of **1**, since for a straight line any step is right;
# and the adjoint test. (The two sides of the adjoint test differ by the mistake times that element of x, so we divide by it: then all three are on one scale.)
#
# **Before you run the next cell:** which of the three sees the smallest mistakes?

# %% tags=["figure"]
index = (0, 1, 2, 3)
unit = np.zeros_like(x)
unit[index] = 1


def by_difference(step):
    """The slope with respect to that one element: two calls of conv."""
    return ((conv(x + step * unit) - conv(x - step * unit)) * g).sum() / (2 * step)


planted = 10.0 ** np.arange(-17, -1)
slope_small, slope_one, left = by_difference(1e-5), by_difference(1), (conv(x) * g).sum()
seen = {"difference, step 0.00001": [], "difference, step 1": [], "adjoint test": []}
for mistake in planted:
    wrong = grad_x.copy()
    wrong[index] += mistake
    found = (
        wrong[index] - slope_small,
        wrong[index] - slope_one,
        ((x * wrong).sum() - left) / x[index],
    )
    for judge, error in zip(seen.values(), found, strict=True):
        judge.append(max(abs(error), 1e-17))  # a logarithm needs more than 0

figure, axis = plt.subplots(figsize=(6, 3.2))
styles = ((look.ORANGE, "o-"), (look.GREEN, "s--"), (look.BLUE, "D-"))
for (name, errors), (colour, style) in zip(seen.items(), styles, strict=True):
    axis.loglog(planted, errors, style, color=colour, label=name, markersize=5)
axis.set(xlabel="mistake planted in one element", ylabel="mistake that the check sees")
axis.legend(frameon=False, fontsize=8)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Mistake seen against mistake planted, both logarithmic, three curves. All rise along the "
    "diagonal from the right; the difference with step 0.00001 goes flat near 1e-12, the adjoint "
    "test near 1e-13, the difference with step 1 near 1e-16.",
)
blind = {name: errors[0] for name, errors in seen.items()}  # what is seen of next to nothing
look.say(
    "With a mistake of next to nothing they show: "
    + ", ".join(f"{name} {value:.0e}" for name, value in blind.items())
    + ". Smaller mistakes drown in that."
)

# %% [markdown]
# Where a curve is flat the check is blind. The small step is the blind one, and needlessly so. Between a difference with a large step and the adjoint test little is left to choose: the adjoint test adds up all elements, so it collects the rounding of all of them.
#
# The adjoint test has two merits of its own:
#
# - **It is cheap.** One call of each map, where differences need two calls of `conv` for *each element*.
# - **There is no step to choose**, and so no step to choose wrongly.
#
# The price: it gives one number for all elements. It says *that* something is wrong, not where.
#
# `mf.adjoint_check` is the same test with an error message. Here it meets the bug that everybody writes once: `=` where windows overlap.


# %%
def back_assigning(g):
    grad_x = np.zeros((2, 3, 8, 9))
    for picture, channel, i, j in np.ndindex(g.shape):
        rows, columns = slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 2)
        grad_x[picture, :, rows, columns] = g[picture, channel, i, j] * weight[channel]  # not +=
    return grad_x[:, :, 1:-1, 1:-1]


def back(g):
    return convolve_backward(g, x, weight, stride=2, padding=1)[0]


print(f"right: relative error {mf.adjoint_check(conv, back, x, g):.0e}")
try:
    mf.adjoint_check(conv, back_assigning, x, g)
except mf.GradcheckError as error:
    print("wrong:", error)

# %% [markdown]
# ## Fast
# Lesson 04 made the forward one matrix product, `rows @ columns`: windows as rows, weights as columns. The backward of a matrix product is two matrix products, so all of this is fast too:
#
# | | |
# |---|---|
# | forward | y = rows @ columns |
# | weight | gradient of columns = rowsᵀ @ grad |
# | x | gradient of rows = grad @ columnsᵀ, and then every row is **added back** where its window was |
#
# Copying windows out is called *im2col*; adding them back is its adjoint, *col2im*. You will write it in exercise 2.
#
# ## In the library
# `minifcn/ops/convolution.py`. There is one function for each gradient, and the two that cost much run only where their gradient is wanted: a photograph, for one, needs none.

# %%
print(inspect.getsource(Conv2d.backward))

# %%
print(inspect.getsource(simple.conv2d_input_gradient))

# %% [markdown]
# `fold`, further up in `minifcn/kernels/simple.py`, adds the rows back. `tests/ops/test_adjoints.py` holds every linear operation to the adjoint test.
#
# > **Honesty box.** Often the gradient of x is explained as "a convolution with the kernel turned round". This is true for stride 1: pad the incoming gradient with kernel − 1 zeros and convolve. With stride s you must first put s − 1 zeros between its
# > numbers, and adding back is simpler. PyTorch has `conv2d_input` and `conv2d_weight` in `torch.nn.grad`, and the first of them, used forward, is `conv_transpose2d`. Caffe's `DeconvolutionLayer` simply calls the
# > convolution's backward in its forward. Strictly a convolution *with bias* is affine, not linear; `mf.adjoint_check` takes f(0) off first.
#
# ## Exercises
# **1 · S.** Write the adjoint test yourself, so that it says how well two maps fit: $\lvert \langle f(x), y \rangle - \langle x, \text{adjoint}(y) \rangle \rvert$ divided by a sum that cannot cancel, $\sum \lvert f(x) \cdot y \rvert$, with x and y drawn at random in the
# given shapes. You may rely on f(0) = 0.
#
# <details><summary>Hint</summary><code>np.random.default_rng(0).standard_normal(shape)</code> twice would give x and y the same numbers where shapes are equal: draw both from
# one generator.</details>


# %%
def my_adjoint_error(f, adjoint, x_shape, y_shape):
    """f: arrays of x_shape -> arrays of y_shape; adjoint: the other way. Returns one number."""
    ...


check.adjoint_error(my_adjoint_error)

# %% [markdown]
# **2 · M.** col2im. You get windows, (N, C, OH, OW, KH, KW), with a gradient for each pixel of each window. Add each where it came from. Loop over the taps of the kernel, not over the windows.
#
# <details><summary>Hint</summary>Make a padded picture of zeros. Tap (i, j) of all windows lies at <code>[:, :, i : i + stride * (OH - 1) + 1 : stride, …]</code>; add
# <code>windows[..., i, j]</code> there. One tap never overlaps itself, but different taps do. Cut the padding off; with padding 0, mind that <code>[0:-0]</code> is empty.</details>


# %%
def my_fold_windows(windows, size, stride, padding):
    """windows (N, C, OH, OW, KH, KW), size (H, W) of the picture, integers.

    Returns (N, C, H, W).
    """
    ...


check.fold_windows(my_fold_windows)

# %% [markdown]
# **3 · L.** All three gradients, with stride and padding as pairs (vertical, horizontal), without a loop over the picture.
#
# <details><summary>Hint</summary>With the taps of lesson 04: what tap (i, j) sees of x, multiplied by grad and added up over pictures and places, is the gradient of <code>weight[:, :, i, j]</code>. And
# grad times <code>weight[:, :, i, j]</code> is added where that tap looked.</details>


# %%
def my_conv2d_backward(grad, x, weight, stride, padding):
    """x (N, C, H, W), weight (O, C, KH, KW). Returns (grad_x, grad_weight, grad_bias)."""
    ...


check.conv2d_backward(my_conv2d_backward)

# %% [markdown]
# ## Summary
# - Each product passes the gradient to both factors, times the other one; what was read many times adds up many gradients.
# - The gradient of x paints kernels onto windows and adds them: the transposed matrix, and the seed of lesson 10.
# - $\langle \text{conv}(x), g \rangle = \langle x, \text{back}(g) \rangle$ for random x and g checks a linear map by one call of each, and no step has to be chosen.
#
# ## In the paper
# Section 3.3 says that upsampling with factor f is, in a sense, convolution with an input stride of 1/f, and that for whole f it is the "backwards convolution" with an output stride of f: forward and backward passes exchanged. In code:
# the function above, called in a forward. No new gradient has to be derived, since the adjoint's adjoint is the convolution.
