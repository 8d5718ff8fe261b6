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
# # 20 · Under the hood: how NumPy keeps up
#
# **Question.** Lesson 04 made a convolution out of windows and one matrix product. For the product NumPy calls a *BLAS*, a library that does little else and does it very fast. Why is such a convolution slow all the same, and what makes it fast?
#
# **You need** lessons 04 (windows and one product) and 10 (a transposed matrix paints). **Time** 25 minutes to read, 95 for the exercises. **Paper** section 4.1 (table 1) and table 3 give times; how a layer is computed was left to Caffe.
#
# *This lesson measures. Its times and ratios come from the machine that made this page. Yours will differ; what follows from them should not.*
#
# ## Numbers lie in a row
# Memory has no rows, columns or channels, only addresses. An array says how far to step for each axis: its *strides* (not the stride of a convolution). Here are the addresses of a picture of 2 channels and 4 × 4 pixels in two orders. A window of 3 × 3 pixels, all channels,
# is marked.

# %%
import threading
import time
from itertools import pairwise

import check
import look
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

import minifcn as mf
from minifcn import ops
from minifcn.kernels.threads import available_cores

# (C, H, W): column after column, then rows, then channels
channels_first = np.arange(32).reshape(2, 4, 4)
# also (C, H, W), but channels are neighbours
channels_last = np.arange(32).reshape(4, 4, 2).transpose(2, 0, 1)


def runs(addresses):
    """The lengths of the stretches of neighbours."""
    inside = np.sort(addresses.reshape(-1))
    ends = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(inside)) if b != a + 1), len(inside)]
    return [b - a for a, b in pairwise(ends)]


# %% tags=["figure"]
figure, axes = plt.subplots(1, 4, figsize=(9, 2.5), layout="constrained")
for half, (name, array) in enumerate(
    (("channels first", channels_first), ("channels last", channels_last))
):
    for channel in (0, 1):
        axis = axes[2 * half + channel]
        axis.imshow(np.zeros((4, 4)), cmap="Greys", vmin=0, vmax=1)
        for (i, j), address in np.ndenumerate(array[channel]):
            seen = i < 3 and j < 3
            axis.text(
                j,
                i,
                address,
                ha="center",
                va="center",
                fontsize=11,
                fontweight="bold" if seen else "normal",
                color=look.BLUE if seen else "#888888",
            )
        axis.add_patch(
            plt.Rectangle((-0.5, -0.5), 3, 3, fill=False, edgecolor=look.ORANGE, linewidth=3)
        )
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"{name}, channel {channel}", fontsize=9)
look.show(
    figure,
    alt="Grids of addresses. Channels first: 0 to 15 in one channel, 16 to 31 in the other. "
    "Channels last: even numbers in one, odd ones in the other. The upper left 3 by 3 is "
    "framed.",
)
for name, array in (("channels first", channels_first), ("channels last", channels_last)):
    print(f"{name:15} the window is read in runs of {runs(array[:, :3, :3])}")

# %% [markdown]
# With 64 channels it is runs of 3 numbers against runs of 192. Does that matter? A copy of one million numbers, in runs of different lengths:


# %%
def seconds(work, repeats=5):
    """The least of a few tries: what disturbs a measurement only makes it longer."""
    tries = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        tries.append(time.perf_counter() - start)
    return min(tries)


lengths = [2, 4, 8, 16, 32, 64, 128]
total = 1 << 20
per_number = []
for length in lengths:
    source = np.ones((total // length, 2 * length), np.float32)[:, :length]  # every second run
    target = np.ones((total // length, length), np.float32)
    per_number.append(seconds(lambda: np.copyto(target, source)) / total * 1e9)

# %% tags=["figure", "picture"]
figure, axis = plt.subplots(figsize=(5.5, 2.8))
axis.plot(lengths, per_number, "o-", color=look.BLUE)
axis.set(xscale="log", xlabel="numbers in a run", ylabel="nanoseconds a number", ylim=(0, None))
axis.set_xticks(lengths, lengths)
axis.minorticks_off()
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Nanoseconds a number against the length of a run: falls steeply from runs of 2 to "
    "runs of 32, and changes little after that.",
)
look.say(
    f"Runs of {lengths[0]} cost **{per_number[0] / min(per_number):.0f} times** as much a number "
    f"as runs of {lengths[np.argmin(per_number)]}."
)

# %% [markdown]
# NumPy starts anew for each run, and a start costs as much as copying many numbers. So the library keeps **channels last** in memory, whatever the shape says: windows and pools cut rows and columns, never channels.
#
# ## Bytes cost more than multiplications
# A layer of 64 channels to 64, 3 × 3, on 98 × 98 pixels. Lesson 04's way: copy every window into a row, then one product. We hold the product to one thread, since we come to threads later.

# %%
CHANNELS, SIDE = 64, 98
OUT = SIDE - 2
rng = np.random.default_rng(0)
picture = rng.standard_normal((SIDE, SIDE, CHANNELS)).astype(np.float32)  # channels last
matrix = rng.standard_normal((9 * CHANNELS, CHANNELS)).astype(np.float32)


def convolve(rows, windows=None):
    """Windows and product, for so many rows of the output at a time.

    `windows`: memory to use again.
    """
    y = np.empty((OUT, OUT, CHANNELS), np.float32)
    windows = np.empty((rows, OUT, 3, 3, CHANNELS), np.float32) if windows is None else windows
    for top in range(0, OUT, rows):
        now = min(rows, OUT - top)
        for i in range(3):
            for j in range(3):
                windows[:now, :, i, j] = picture[top + i : top + i + now, j : j + OUT]
        y[top : top + now] = (windows[:now].reshape(now * OUT, 9 * CHANNELS) @ matrix).reshape(
            now, OUT, CHANNELS
        )
    return y


windows_bytes = 9 * OUT * OUT * CHANNELS * 4
look.say(
    f"The picture has {picture.nbytes / 2**20:.1f} MiB, its windows "
    f"**{windows_bytes / 2**20:.0f} MiB**: every pixel is copied nine times. "
    f"The product then makes {OUT * OUT * 9 * CHANNELS * CHANNELS / 1e6:.0f} million "
    "multiplications."
)

# %% [markdown]
# A processor keeps what it used last in a small fast memory, the *cache*: often 1 or 2 MiB for each core (called L2), and a larger, slower one for all cores together (L3). All these windows do not fit into L2: they go out to slower memory and are read back for the product.
#
# So do not make them all. Make the windows of a few rows, a *tile*, use them while they are in the cache, and make the next ones **in the same place**.
#
# **Before you run the next cell:** what will the curve look like, from one row at a time to all of them?

# %%
tile_rows = [1, 2, 4, 8, 16, 32, OUT]
everything = np.empty((OUT, OUT, 3, 3, CHANNELS), np.float32)
flat = everything.reshape(OUT * OUT, 9 * CHANNELS)
jobs = [lambda rows=rows: convolve(rows) for rows in tile_rows]
jobs += [lambda: convolve(OUT, everything), lambda: flat @ matrix]
with threadpool_limits(1):
    # in turns: a busy moment hits all alike
    rounds = [[seconds(job, 1) for job in jobs] for _ in range(9)]
*tiled, again, product = np.min(rounds, 0)
same = np.abs(convolve(4) - convolve(OUT)).max()

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6, 3))
sizes = [rows * windows_bytes / OUT / 2**20 for rows in tile_rows]
axis.plot(sizes, 1e3 * np.array(tiled), "o-", color=look.BLUE, label="tiles of windows")
axis.plot(sizes[-1], 1e3 * again, "s", color=look.ORANGE, label="all windows, memory used before")
axis.axhline(
    1e3 * product,
    color="#888888",
    linestyle="--",
    linewidth=1,
    label="the product of all windows, without the copies",
)
axis.set(xscale="log", xlabel="windows in a tile (MiB)", ylabel="milliseconds", ylim=(0, None))
axis.set_xticks(sizes, [f"{size:.1f}" for size in sizes])
axis.minorticks_off()
axis.legend(frameon=False, fontsize=8)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Milliseconds against the size of a tile: lower for tiles of a few rows, highest when "
    "all windows are made at once.",
)
best = int(np.argmin(tiled))
look.say(
    f"All windows at once took **{tiled[-1] / tiled[best]:.1f} times** as long as tiles of "
    f"{tile_rows[best]} rows ({sizes[best]:.1f} MiB); with memory that had been used before "
    f"{again / tiled[best]:.1f} times. The largest difference between the results is {same:.1g}."
)

# %% [markdown]
# The square is the same work in memory that had been used before. Where it lies below the last point, the difference is *fresh* memory: the system hands it out page by page, cleared, and that takes time. (So the library keeps
# what it has used, `minifcn/kernels/cpu/memory.py`.) What is left above the tiles is the way to slower memory and back. A good tile may even lie below the dashed line, since that product has to read all its windows from there. Very small tiles may lose as well: products of few rows are slow, and every tile costs some calls.
#
# So far not one multiplication was saved. That comes now.
#
# ## Winograd: fewer multiplications
# One axis. A kernel of 3 *taps* g slides over 4 pixels d and gives 2 results: 2 · 3 = 6 multiplications. Here are the same two results with **four**:

# %%
d, g = rng.standard_normal(4), rng.standard_normal(3)
direct = [d[0] * g[0] + d[1] * g[1] + d[2] * g[2], d[1] * g[0] + d[2] * g[1] + d[3] * g[2]]

m1 = (d[0] - d[2]) * g[0]
m2 = (d[1] + d[2]) * ((g[0] + g[1] + g[2]) / 2)
m3 = (d[2] - d[1]) * ((g[0] - g[1] + g[2]) / 2)
m4 = (d[1] - d[3]) * g[2]
print("direct  ", np.array(direct))
print("winograd", np.array([m1 + m2 + m3, m2 - m3 - m4]))

# %% [markdown]
# Where does one find such a thing? In three steps; the last two you know from lesson 10.
#
# **Step 1: polynomials.** $(a_0 + a_1 x)(g_0 + g_1 x + g_2 x^2)$ is a polynomial with four coefficients. By hand it takes 6 multiplications. But a polynomial with four coefficients is known from its values at four places, and a value of
# the product is *one* multiplication: value times value. So: evaluate both at x = 0, 1, −1, multiply, and find the coefficients that give these values. For the fourth place take "infinity": where x is huge only the highest power counts, so the "value" there is the highest coefficient.

# %%
points = [0.0, 1.0, -1.0]


def evaluate_at(points, count):
    """The matrix that takes `count` coefficients to the values at the points and at infinity."""
    return np.array([[p**k for k in range(count)] for p in points] + [[0.0] * (count - 1) + [1.0]])


E, G = evaluate_at(points, 2), evaluate_at(points, 3)
back = np.linalg.inv(evaluate_at(points, 4))  # from four values to four coefficients

a = rng.standard_normal(2)
print("by hand        ", np.convolve(a, g))
print("by their values", back @ ((G @ g) * (E @ a)))

# %% [markdown]
# **Step 2: that is a painting.** Multiplying the polynomials paints the kernel g once for each number of a: it is the *transposed* convolution of lesson 10, from 2 numbers to 4. As a matrix: $M = \text{back} \cdot \text{diag}(G g) \cdot E$.
#
# **Step 3: transpose.** The convolution is the transpose of the painting: $M^T = E^T \cdot \text{diag}(G g) \cdot \text{back}^T$, and it has the same diagonal in the middle. Four multiplications, now from 4 numbers to 2:

# %%
winograd = E.T @ ((G @ g) * (back.T @ d))
look.say(
    f"Largest difference from the direct way: {np.abs(winograd - direct).max():.0e}. This is "
    "**F(2, 3)**: 2 results, 3 taps."
)
print("Eᵀ =", E.T.tolist())
print("backᵀ =", (back.T + 0.0).tolist())

# %% [markdown]
# The rows of `back.T` and of `E.T` are the sums above, with the halves moved from g to d (and the sign of m4 turned in both). In the literature Eᵀ is called Aᵀ and backᵀ is called Bᵀ.
#
# In two dimensions do it along rows and then along columns: a tile of 4 × 4 pixels gives 2 × 2 results with 4 · 4 = 16 multiplications where 36 were needed. The library's tiles are F(4, 3) twice: 6 × 6 pixels, 4 × 4 results, 36 multiplications in the place of 144.
#
# *But the transforms cost too.* They are done once for each channel, and the products once for each **pair** of channels (in, out). So count all of it, the transforms as products with full matrices, as the library does them:

# %%
channels = np.array([1, 4, 16, 64, 256])


def saved(m):
    """Multiplications of a plain 3 x 3 convolution by those of F(m, 3), C channels in and out."""
    n = m + 2
    plain = m * m * 9 * channels**2
    # of pixels, and back; those of the kernels are shared by all tiles
    transforms = n**2 * n**2 * channels + m**2 * n**2 * channels
    return plain / (n * n * channels**2 + transforms)


# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6, 2.9))
for m, colour, mark in ((2, look.ORANGE, "s--"), (4, look.BLUE, "o-")):
    axis.plot(
        channels,
        saved(m),
        mark,
        color=colour,
        label=f"F({m}, 3): at best {m * m * 9 / (m + 2) ** 2:.2f}",
    )
axis.axhline(1, color="#888888", linewidth=1)
axis.set(
    xscale="log",
    xlabel="channels in and out",
    ylabel="multiplications: plain / Winograd",
    ylim=(0, None),
)
axis.set_xticks(channels, channels)
axis.minorticks_off()
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Both curves start below 1 for few channels, cross 1 near 16 channels and rise towards "
    "2.25 and 4.",
)

# %% [markdown]
# With few channels it is a loss. So the library asks first: `pays` in `minifcn/kernels/cpu/winograd.py`, whose limits were measured.
#
# Nothing is free. **Before you run the next cell:** one pixel is NaN (not a number). How many results does it spoil in a plain 3 × 3 convolution? And with Winograd?

# %%
x = rng.standard_normal((1, 64, 64, 64)).astype(np.float32)
weight = rng.standard_normal((64, 64, 3, 3)).astype(np.float32)
exact = ops.conv2d(x.astype(np.float64), weight.astype(np.float64), padding=1).data
x_nan = x.copy()
x_nan[0, 0, 30, 30] = np.nan
for name in ("simple", "fast"):
    with mf.kernels.use(name), np.errstate(invalid="ignore"):
        spoilt = np.isnan(ops.conv2d(x_nan, weight, padding=1).data[0, 0]).sum()
        error = np.abs(ops.conv2d(x, weight, padding=1).data - exact).max() / np.abs(exact).max()
    print(f"{name:7} {spoilt:3} results spoilt, rounding error {error:.0e} of the largest result")

# %% [markdown]
# A tile mixes all its pixels, so a NaN spoils all of its results. And what is added first and taken away again later leaves a little more rounding. A network hardly notices either; who compares bits does.
#
# ## Two cores and one lock
# A *thread* is a part of a program that can run beside the others, on another core. But to run Python code it must hold a *lock*, and there is only one. NumPy gives the lock back while it computes, so two threads can compute at once. At the end of a call a thread must wait for the lock, or it cannot begin the next one. Long calls: two cores, up to twice as fast. Short calls: a queue.


# %%
def one_thread(array, calls):
    for _ in range(2 * calls):
        np.sin(array, out=array)


def two_threads(arrays, calls):
    def half(array):
        for _ in range(calls):
            np.sin(array, out=array)

    other = threading.Thread(target=half, args=(arrays[1],))
    other.start()
    half(arrays[0])
    other.join()


lengths, gains, microseconds = [256, 2048, 16384, 131072], [], []
for length in lengths:
    calls = max(4, 600_000 // length)
    arrays = [np.ones(length, np.float32) for _ in range(2)]
    alone = seconds(lambda: one_thread(arrays[0], calls), 40)
    gains.append(alone / seconds(lambda: two_threads(arrays, calls), 40))
    microseconds.append(1e6 * alone / (2 * calls))
print(f"cores that this process may use: {available_cores()}")
for length, gain, duration in zip(lengths, gains, microseconds, strict=True):
    print(
        f"{length:7} numbers, {duration:6.1f} µs a call: two threads are {gain:.1f} times as "
        "fast as one"
    )

# %% [markdown]
# How much of this shows depends on the two cores and on who else wants them: if the gain in the last row is near or below 1, the second one was not free while this page was made, or is the other half of the first,
# as on many rented machines.
#
# For ReLU, pools and biases [SPEED.md](../minifcn/kernels/SPEED.md) keeps what was measured: in blocks of 128 KiB, which stay in the cache, two threads were *slower* than one; in blocks of 1 MiB they are 1.5 to 2
# times as fast. Hence a rule of this library: **a NumPy call inside a kernel should take 50 µs or more**, even if its numbers then no longer fit into L2. That contradicts the advice about tiles; the best size
# between the two is found by measuring, not by thinking.
#
# ## All of it together
# *Kernel* is also the word for the routine that does a layer's arithmetic. The library has a *simple* one for everything, made to be read, and *fast* ones for what takes long. Here are both, for the same four calls:

# %%
cases = {
    "conv 3 → 64, 96 x 96": (3, 64, 96),
    "conv 16 → 16, 128 x 128": (16, 16, 128),
    "conv 64 → 64, 96 x 96": (64, 64, 96),
    "conv 256 → 256, 24 x 24": (256, 256, 24),
}
ratios = {}
for name, (c, o, side) in cases.items():
    x = mf.Tensor(rng.standard_normal((1, c, side, side)).astype(np.float32))
    weight = mf.Tensor(rng.standard_normal((o, c, 3, 3)).astype(np.float32))
    with mf.no_grad():
        fast = seconds(lambda: ops.conv2d(x, weight, padding=1))
        with mf.kernels.use("simple"):
            ratios[name] = seconds(lambda: ops.conv2d(x, weight, padding=1), 3) / fast

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6.5, 2.2))
axis.barh(list(ratios), list(ratios.values()), color=look.BLUE, height=0.6)
axis.axvline(1, color="#888888", linewidth=1)
axis.set(xlabel="time of the simple kernel / time of the fast one")
axis.invert_yaxis()
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Bars of how many times faster the fast kernel is than the simple one, for four "
    "layers; each is longer than 1.",
)

# %% [markdown]
# Same results but for rounding; the tests hold every fast kernel to its simple twin. `minifcn bench --against torch` compares with PyTorch, and [SPEED.md](../minifcn/kernels/SPEED.md) keeps what came out, and what was tried in vain. On its two cores the forward pass of FCN-8s with VGG16
# took 0.5 to 0.7 of PyTorch's time; a training step of a tiny network took 2.2 to 2.4 times as long, since there the calls are short and the lock is busy.
#
# ## In the library
# `minifcn/kernels/simple.py` (read this one first), `minifcn/kernels/cpu/window_tiles.py` (tiles), `minifcn/kernels/cpu/winograd.py` (its first lines tell what we derived, for F(4, 3); its points are 0, ±¾, ±1½ and infinity, for less rounding), `minifcn/kernels/threads.py`, `minifcn/kernels/cpu/memory.py`.
# `minifcn/kernels/choice.py` lists which kernels are asked, in which order; `mf.kernels.use("simple")` and `mf.profile()` let you look yourself.
#
# > **Honesty box.** PyTorch on a CPU calls oneDNN, which writes machine code for each layer and can fuse bias and ReLU into it; no Python lock is in its way. PyTorch calls our memory order `channels_last`. Caffe, which the paper used, has code of its own that makes all windows of a picture at once, one picture at a time. Backward has its own
# > Winograd here (`minifcn/kernels/cpu/winograd_gradient.py`), and large kernels such as fc6 another way (`minifcn/kernels/cpu/large_kernels.py`); we left both out. A ratio measured on a shared machine moves by a tenth from run to run, and by more where a neighbour is busy.
#
# ## Exercises
# **1 · S.** Strides. An array has the shape (N, C, H, W). Its order in memory is given by a word such as `"NHWC"`, whose last letter runs fastest. By how many *numbers* does the address grow when n grows by 1, when c does, when h does, when w does?
#
# <details><summary>Hint</summary>Which letter has the stride 1? One step of the letter before it must skip how many numbers? The answer is in the order N, C, H, W.</details>


# %%
def my_strides_of(shape, order):
    """shape: (N, C, H, W). order: these letters as in memory.

    Returns four integers, for N, C, H, W.
    """
    ...


check.strides_of(my_strides_of)

# %% [markdown]
# **2 · L.** A convolution in tiles, for any kernel and any stride, without padding. One picture `x` (H, W, C) and `weight` (KH, KW, C, O), channels last. At no time may you hold the windows of more than `rows` rows of the result; the check measures your memory.
#
# <details><summary>Hint</summary>Fix a tap: which rows of the picture does it see, from the first result row of the tile to the last? One array for the windows serves all tiles; the last tile may be shorter.</details>


# %%
def my_tiled_convolution(x, weight, rows, stride):
    """x (H, W, C), weight (KH, KW, C, O) -> (OH, OW, O), as large as lesson 04 says."""
    ...


check.tiled_convolution(my_tiled_convolution)

# %% [markdown]
# **3 · L.** F(m, r) for any m results and r taps: three matrices with $y = A^T\,[(G g) \circ (B^T d)]$, where $\circ$ multiplies number by number: m + r − 1 multiplications. Choose the points yourself (and keep them small: large ones round badly).
#
# <details><summary>Hint</summary>m + r − 2 different points and infinity. Then steps 1 to 3 with other counts: the polynomial a has m coefficients, the kernel r; how many has their product?</details>


# %%
def my_winograd_matrices(m, r):
    """Returns (Aᵀ (m, n), G (n, r), Bᵀ (n, n)) with n = m + r − 1."""
    ...


check.winograd_matrices(my_winograd_matrices)

# %% [markdown]
# **4 · L.** Leave the notebook. You know how an operation is written, checked and made fast; now add one *to the library*: the softsign, $x / (1 + |x|)$, element by element. In your clone, on a branch of its own (`git switch -c softsign`), follow the recipe "How to add an operation" in [CONTRIBUTING.md](../CONTRIBUTING.md):
# a file in `minifcn/ops/elementwise`, a line in `minifcn/ops/__init__.py`, and what its step 3 asks you for, sentence by sentence: its definition as a loop, its name in PyTorch, wrong versions that must be rejected. (The tests need `pip install -e ".[test]"`.) Run them as the recipe says:
#
# ```sh
# python -m pytest tests/ops tests/mutants -k softsign
# ```
#
# When they are green, say here where the clone is. The check asks its library for values and slopes, tiny numbers and huge ones, and runs those tests once more.
#
# <details><summary>Hint</summary><code>Exp</code> in <code>minifcn/ops/elementwise/powers.py</code> is the smallest model. Derive the slope for x > 0 and for x < 0. What does the square of a very large number do in float32, and what that of its reciprocal?</details>

# %%
my_clone = ...  # the folder that holds minifcn and tests, as text


check.added_operation(my_clone)

# %% [markdown]
# ## Summary
# - Count bytes before multiplications: read long runs of neighbours, and work in tiles that stay in the cache.
# - Winograd's convolution multiplies polynomials by their values, transposed: 4 results along an axis for 6 multiplications; it pays where there are many channels.
# - Threads help where calls are long; how long is best is found by measuring, in ratios.
#
# ## In the paper
# Table 1 gives times of a forward pass on a GPU, and table 3 about 175 ms a picture for FCN-8s. It does not say how a convolution is computed: that was Caffe's work. Section 3.1 has the paper's own speed-up, which needs no clever kernel: windows that overlap share their work (lesson 09).
