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
# # 06 · ReLU and max pool
#
# **Question.** Both choose: ReLU between x and 0, a max pool among the numbers of a window. A choice has no slope at the point where it changes. Where does the gradient go?
#
# **You need** lessons 03 (kinks), 04 and 05 (windows). **Time** 20 minutes to read, 65 for the exercises. **Paper** section 3; the pools of section 4.
#
# ## ReLU
# Convolutions alone would be a waste: two linear maps in a row are one linear map. So something that bends stands between them. The simplest is **ReLU**: what is below 0 becomes 0.

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad, x):
    return np.where(x > 0, grad, 0)  # slope 1 or 0: the gradient passes, or it does not


x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
print(relu(x))
print(relu_backward(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), x))

# %% [markdown]
# **Before you read on:** the middle number is exactly 0. Its slope is 0 to the left and 1 to the right. What should `backward` say?
#
# Any number between 0 and 1 can be defended (mathematicians say *subgradient*). The libraries say 0. It matters where many numbers are exactly 0, a black border for example.

# %% tags=["figure"]
line = np.linspace(-2.4, 2.4, 481)
figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.4))
axes[0].plot(line, relu(line), color=look.BLUE)
axes[0].plot(x, relu(x), "o", color=look.BLUE)
axes[0].set(xlabel="x", ylabel="relu(x)")
slope = relu_backward(np.ones(481), line)
for side in (line < 0, line > 0):
    axes[1].plot(line[side], slope[side], color=look.RED)
axes[1].plot(x, relu_backward(np.ones(5), x), "o", color=look.RED)
axes[1].set(xlabel="x", ylabel="slope", yticks=[0, 1])
for axis in axes:
    axis.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
look.show(
    figure,
    alt="Left relu: flat below 0, rising above. Right its slope: 0 up to and including 0, then "
    "1, with a jump.",
)

# %% [markdown]
# So a mask, an array of yes and no, decides: the gradient passes where x > 0. If a channel is below 0 at all places of all pictures, no gradient passes, and nothing pulls it up again. Such a channel is called dead.
#
# ## Max pool
# A max pool keeps the largest number of each window. With windows of 2 × 2 and stride 2 the rows and columns are halved, and a thing may move by a pixel without much change in the result.


# %%
def max_pool(x, kernel, stride):
    """x (N, C, H, W) -> the largest of each window (N, C, OH, OW)."""
    n, c, h, w = x.shape
    oh, ow = (h - kernel) // stride + 1, (w - kernel) // stride + 1
    y = np.zeros((n, c, oh, ow))
    for i, j in np.ndindex(oh, ow):
        window = x[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        y[:, :, i, j] = window.max((2, 3))
    return y


def max_pool_backward(grad, x, kernel, stride):
    """Each gradient goes to the place that won its window, to the first one where several did."""
    grad_x = np.zeros(x.shape)
    for picture, channel, i, j in np.ndindex(grad.shape):
        top, left = i * stride, j * stride
        window = x[picture, channel, top : top + kernel, left : left + kernel]
        # argmax gives the first maximum
        row, column = np.unravel_index(window.argmax(), window.shape)
        grad_x[picture, channel, top + row, left + column] += grad[picture, channel, i, j]
    return grad_x


rng = np.random.default_rng(5)
x = rng.integers(0, 10, (1, 1, 4, 4)).astype(float)
y = max_pool(x, 2, 2)
grad = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
grad_x = max_pool_backward(grad, x, 2, 2)


# %% tags=["figure", "picture"]
def grid(axis, values, title, marked=None, borders=None):
    """Numbers in a grid; marked places in colour, window borders as thick lines."""
    shade = np.zeros(values.shape) if marked is None else marked
    axis.imshow(shade, cmap="Oranges", vmin=0, vmax=2)
    for (i, j), value in np.ndenumerate(values):
        axis.text(j, i, f"{value:g}", ha="center", va="center", fontsize=10)
    axis.set_title(title, fontsize=9)
    axis.set(xticks=[], yticks=[])
    for place in borders or ():
        axis.axvline(place - 0.5, color=look.BLUE, linewidth=2)
        axis.axhline(place - 0.5, color=look.BLUE, linewidth=2)


figure, axes = plt.subplots(1, 4, figsize=(8, 2.4), width_ratios=(2, 1, 1, 2))
grid(axes[0], x[0, 0], "x, the winners marked", grad_x[0, 0] != 0, borders=[2])
grid(axes[1], y[0, 0], "max pool")
grid(axes[2], grad[0, 0], "gradient in")
grid(axes[3], grad_x[0, 0], "gradient of x", grad_x[0, 0] != 0, borders=[2])
figure.tight_layout()
look.show(
    figure,
    alt="A 4 by 4 grid in four windows with the largest of each marked, the 2 by 2 result, the "
    "gradients 1 to 4, and a 4 by 4 grid with each of them at the place of its winner and 0 "
    "elsewhere.",
)

# %% [markdown]
# The winner takes it all. The others could change a little without any effect, so their gradient is 0.
#
# ## Ties
# What if a window holds its largest number twice? Moving the first one up raises the result; moving it down does nothing, since the second one is still there. That is a kink, as with ReLU, and several
# answers are right: all to the first, all to the last, half and half. One answer is wrong: the whole gradient to *both*. Move both up together by 1, and the result rises by 1, not by 2.

# %%
flat = np.full((1, 1, 4, 4), 7.0)  # a blue sky: everything ties
print(max_pool_backward(np.ones((1, 1, 2, 2)), flat, 2, 2)[0, 0])


class PaysTwice(mf.Function):
    def forward(self, x):
        self.x = x
        return max_pool(x, 2, 2)

    def backward(self, grad):
        # each maximum over its whole window
        largest = np.kron(max_pool(self.x, 2, 2), np.ones((2, 2)))
        return np.kron(grad, np.ones((2, 2))) * (self.x == largest)


try:
    mf.gradcheck(PaysTwice(), flat)
except mf.GradcheckError as error:
    print("\n" + str(error).splitlines()[1].strip())

# %% [markdown]
# Ties are not rare: after a ReLU much of a map is exactly 0. "The first one, row by row" is what PyTorch, Caffe and minifcn do.
#
# ## Overlapping windows
# AlexNet pools 3 × 3 with stride 2: neighbouring windows share a row. **Before you run the next cell:** a number that is the largest of four windows, how much gradient does it get?

# %%
x = np.zeros((1, 1, 5, 5))
x[0, 0, 2, 2] = 9  # the middle lies in all four windows
print(max_pool_backward(grad, x, kernel=3, stride=2)[0, 0])

# %% [markdown]
# 1 + 2 + 3 + 4. That is why the code says `+=`. With windows side by side `=` would give the same, and nobody would see the bug until somebody builds an AlexNet.
#
# ## What is left over: floor or ceil
# Five numbers, windows of 2, stride 2: two fit, and one number is left. PyTorch rounds the size down and drops it (*floor*). Caffe rounds up and makes a third window that hangs over the edge
# (*ceil*). The networks of the paper are Caffe networks.

# %% tags=["figure"]
row = np.array([[4.0, 1.0, 3.0, 2.0, 8.0]])
figure, axes = plt.subplots(1, 2, figsize=(7.5, 1.7))
for axis, ceil in zip(axes, (False, True), strict=True):
    pooled = mf.ops.max_pool2d(row[None, None], (1, 2), ceil_mode=ceil).data[0, 0, 0]
    grid(axis, row, f"{'ceil' if ceil else 'floor'}: {len(pooled)} windows")
    for i, (value, colour) in enumerate(
        zip(pooled, (look.BLUE, look.GREEN, look.PINK), strict=False)
    ):
        axis.plot([2 * i - 0.4, 2 * i + 1.4], [0.75, 0.75], color=colour, linewidth=4)
        axis.text(2 * i + 0.5, 1.1, f"largest: {value:g}", ha="center", va="center", fontsize=9)
    axis.set(ylim=(1.4, -0.5), xlim=(-0.5, 5.5))
    axis.spines[:].set_visible(False)
figure.tight_layout()
look.show(
    figure,
    alt="A row 4, 1, 3, 2, 8. With floor two windows, largest 4 and 3; the 8 is in none. With "
    "ceil a third window hangs over the end, largest 8.",
)

# %% [markdown]
# It changes every size after it. VGG16 has five pools of 2 × 2, and each of them may or may not add a row. For pictures of 375 and 500 rows (without the padding of 100 that lesson 13 explains):

# %%
for height in (375, 500):
    for name, rounded in (("floor", lambda size: size // 2), ("ceil", lambda size: -(-size // 2))):
        sizes = [height]
        for _ in range(5):
            sizes.append(rounded(sizes[-1]))
        print(f"{name:6}", " -> ".join(map(str, sizes)))

# %% [markdown]
# Give Caffe's weights to a network that rounds down, and where a size was odd its last row or column of cells is missing. Lesson 13 counts pixels.
#
# ## Padding is −∞, not 0
# A pool may be padded too. With zeros around, a window at the rim whose numbers are all negative would answer 0: a number that is not in the picture. The padding must never win. So it is minus infinity.

# %%
x = -np.arange(1.0, 10.0).reshape(1, 1, 3, 3)  # all below 0


def padded_with(value):
    return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=value)


# %% tags=["figure"]
results = {
    "x": x,
    "padded with 0: wrong": max_pool(padded_with(0), 3, 2),
    "padded with −∞": max_pool(padded_with(-np.inf), 3, 2),
    "mf.ops.max_pool2d": mf.ops.max_pool2d(x, 3, stride=2, padding=1).data,
}
figure, axes = plt.subplots(1, 4, figsize=(8, 2.4), width_ratios=(3, 2, 2, 2))
for axis, (name, values) in zip(axes, results.items(), strict=True):
    grid(axis, values[0, 0], name, marked=(values[0, 0] == 0) * 1.0)
figure.tight_layout()
look.show(
    figure,
    alt="A 3 by 3 grid of −1 to −9, pooled with kernel 3, stride 2, padding 1. Padded with 0 "
    "all four results are 0; padded with minus infinity they are −1, −2, −4, −5, and so says "
    "the library.",
)

# %% [markdown]
# After a ReLU there are no negative numbers, and nobody would notice. Elsewhere it is a bug that raises no error. The gradient would be lost as well: it would go to the padding.
#
# ## Check
# Against the library, with ties and overlaps; and against differences, away from ties.

# %%
worst = 0.0
for kernel, stride in ((2, 2), (3, 2), (2, 3), (3, 1)):
    # many ties
    values = mf.Tensor(rng.integers(0, 4, (2, 3, 8, 9)).astype(float), requires_grad=True)
    y = mf.ops.max_pool2d(values, kernel, stride=stride)
    incoming = rng.standard_normal(y.shape)
    y.backward(incoming)
    worst = max(worst, np.abs(y.data - max_pool(values.data, kernel, stride)).max())
    worst = max(
        worst, np.abs(values.grad - max_pool_backward(incoming, values.data, kernel, stride)).max()
    )
look.say(f"Four kinds of pools, values and gradients: largest difference {worst:.0e}.")
distinct = rng.permutation(36).reshape(1, 1, 6, 6) / 10  # no two alike, 0.1 apart
print(mf.gradcheck(lambda x: mf.ops.max_pool2d(x, 3, stride=2, ceil_mode=True), distinct))

# %% [markdown]
# A max pool is linear as long as no number overtakes another; gradcheck sees that it is not linear everywhere, and takes a small step.
#
# ## In the library
# `minifcn/ops/activation.py` (`Relu`) and `minifcn/ops/pooling.py` (`MaxPool2d`). ReLU keeps its *result* as the mask, since the next layer keeps that array anyway. The pool keeps one small number for each window: which
# place in it, which *tap*, won. In `minifcn/kernels/simple.py` the pool loops over taps, not over windows: it compares tap (i, j) of all windows with the best so far at once.
#
# > **Honesty box.** At the kink ReLU says 0 in PyTorch, Caffe and here. PyTorch pads pools with −∞ too, and allows padding up to half of the kernel; minifcn allows kernel − 1. Caffe cuts its windows at the edge of the picture, which
# > comes to the same. With `ceil_mode` a last window that would start in the far padding is dropped by all three. A NaN wins, here and in PyTorch, so that it is seen. We left out *average* pooling (each number of a window gets the same share) and *unpooling*, which puts values back
# > where a max pool found them: lesson 10 needs it to show what FCN's upsampling is not.
#
# ## Exercises
# **1 · S.** ReLU with a small slope below 0, so that no channel dies: `leaky(x)` is x above 0 and slope · x elsewhere. Write its backward; at exactly 0 take the slope of the left side.
#
# <details><summary>Hint</summary>One <code>np.where</code>. The mask comes from x, not from grad.</details>


# %%
def my_leaky_relu_backward(grad, x, slope):
    """grad and x: arrays of one shape. Returns the gradient of x."""
    ...


check.leaky_relu_backward(my_leaky_relu_backward)

# %% [markdown]
# **2 · L.** A whole forward: padding and ceil mode. With `ceil_mode` the size is rounded up, but a last window must start inside the picture or in the padding above or left of it, or it is dropped again.
#
# <details><summary>Hint</summary>Fill a large enough array with <code>-np.inf</code>, lay x into it, and take windows as before. The size on one axis: <code>-(-(H + 2 * padding - kernel) // stride) + 1</code>, and
# one less if <code>(OH - 1) * stride >= H + padding</code>.</details>


# %%
def my_max_pool2d(x, kernel, stride, padding, ceil_mode):
    """x (N, C, H, W), integers and a bool. Returns (N, C, OH, OW)."""
    ...


check.max_pool2d(my_max_pool2d)

# %% [markdown]
# **3 · L.** And its backward, without a loop over windows: ties go to the first, row by row, overlaps add up, and nothing may go to the padding, even where x is −∞ itself.
#
# <details><summary>Hint</summary>Loop over taps, from the first to the last. Tap (i, j) of all windows is a strided view of the padded picture. A window is paid out at the first tap that equals its maximum: remember in
# a bool array (N, C, OH, OW) who has been paid. Taps that lie outside the picture are never paid.</details>


# %%
def my_max_pool2d_backward(grad, x, kernel, stride, padding):
    """grad (N, C, OH, OW), x (N, C, H, W); sizes rounded down. Returns the gradient of x."""
    ...


check.max_pool2d_backward(my_max_pool2d_backward)

# %% [markdown]
# ## Summary
# - ReLU passes the gradient where x > 0; a max pool passes it to the winner of each window.
# - At a kink several answers are right, paying twice is not; where windows overlap a winner collects from all of them.
# - Caffe rounds pool sizes up, PyTorch down; padding of a max pool is −∞, never 0.
#
# ## In the paper
# Section 3 names the three layers an FCN is made of: convolution, pooling, activation, all of them functions of a window that moves. The pools are what make the scores coarse: five with stride 2 give the stride of 32 that FCN-32s is named after. Section 3.2 weighs
# leaving strides out again, for finer output, and the paper does not do it: lesson 11.
