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
# # 21 · On the GPU
#
# **Question.** The paper's 175 milliseconds a picture (table 3) are a GPU's. What has to change in our code to run there, and what must one know to be fast there?
#
# **You need** lessons 04 and 05 (windows, and how they are added back) and 20 (runs of neighbours). **Time** 20 minutes to read, 60 for the exercises. **Paper** section 4.3, tables 1 and 3: one NVIDIA Tesla K40c.
#
# *You need no GPU for this lesson: we play one. Where there is one, the part before “In the library” measures.*
#
# ## The same code
# [CuPy](https://cupy.dev) is NumPy with its arrays in a GPU's memory: `cupy.maximum(x, 0)` instead of `np.maximum(x, 0)`. So a function that asks its *argument* which module it belongs to runs on both:

# %%
import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf
from minifcn import backend, ops


def relu(x):
    xp = backend.array_module(x)  # numpy for NumPy's arrays, cupy for CuPy's
    return xp.maximum(x, 0)


problem = backend.gpu_problem()
here = problem is None
print(relu(np.array([-1.0, 2.0])))
look.say(
    "**A GPU can be used here.**"
    if here
    else "**No GPU can be used here**, and the lesson goes on without."
)

# %% [markdown]
# That is all that a *simple* kernel of this library needs. `model.to("gpu")` moves the weights, and everything else follows the arrays. The results are right. They do not come fast yet; to see why, we must look at what a GPU does.
#
# ## A kernel is a function of a number
# A GPU has thousands of small processors. You give it **one** function, and it runs it for every number from 0 to *count* − 1, many at a time and in no promised order. Such a function is called a *kernel* (a third meaning of the word, after the weights of lesson 04 and the routines of lesson 20), one run of it a *thread*. Threads come in *blocks* of, say, 256.
# A thread knows only the number of its block and its own number in it. Everything else it must **work out**. Here is a GPU, in a few lines:


# %%
def launch(kernel, blocks, threads, *arguments, order=None):
    """Run kernel(block, thread, *arguments) for every thread, in any order."""
    everyone = [(block, thread) for block in range(blocks) for thread in range(threads)]
    for number in order if order is not None else range(len(everyone)):
        kernel(*everyone[number], *arguments)


THREADS = 4  # of a block; a real one often has 128 to 1024


def relu_kernel(block, thread, x, y, count):
    e = block * THREADS + thread  # which number is mine?
    if e < count:  # the last block may be larger than what is left
        y[e] = max(x[e], 0.0)


x = np.array([-3.0, 1.0, -2.0, 5.0, 0.5, -1.0])
y = np.empty(6)
launch(relu_kernel, 2, THREADS, x, y, len(x))
print(y)

# %% [markdown]
# Two blocks of four are eight threads for six numbers; the `if` sends two of them home.
#
# ## Windows, as index arithmetic
# Lesson 20 copied windows into rows, one slice for each tap. On the GPU each thread fetches *one number* of them. Number e of the rows: which channel, which tap, which window is that? Division and remainder tell, from the fastest axis to the slowest.
#
# **Before you run the next cell:** the rows lie as (windows, KH, KW, C), the last axis fastest. What is the channel of number e?


# %%
def columns_kernel(
    block, thread, x, rows, c_count, h_count, w_count, oh_count, ow_count, kernel, padding
):
    e = block * THREADS + thread
    if e >= rows.size:
        return
    c, rest = e % c_count, e // c_count
    j, rest = rest % kernel, rest // kernel
    i, window = rest % kernel, rest // kernel
    ow, oh = window % ow_count, window // ow_count
    h, w = oh - padding + i, ow - padding + j
    inside = 0 <= h < h_count and 0 <= w < w_count
    rows[e] = x[(h * w_count + w) * c_count + c] if inside else 0.0  # memory has one axis only


rng = np.random.default_rng(21)
picture = rng.integers(-9, 10, (5, 6, 3)).astype(float)  # (H, W, C)
weight = rng.integers(-3, 4, (2, 3, 3, 3)).astype(float)  # (O, C, KH, KW)
rows = np.empty(5 * 6 * 9 * 3)
shuffled = rng.permutation(-(-len(rows) // THREADS) * THREADS)  # in no promised order
counts = 3, 5, 6, 5, 6  # of c, h, w, oh, ow
blocks = -(-len(rows) // THREADS)
arguments = picture.reshape(-1), rows, *counts, 3, 1  # kernel 3, padding 1
launch(columns_kernel, blocks, THREADS, *arguments, order=shuffled)

result = rows.reshape(30, 27) @ weight.transpose(2, 3, 1, 0).reshape(27, 2)
wanted = ops.conv2d(picture.transpose(2, 0, 1)[None], weight, padding=1).data[0]
look.say(
    f"Against the library: **{(result.T.reshape(2, 5, 6) != wanted).sum()} of {wanted.size}** "
    "numbers differ."
)

# %% [markdown] tags=["open"]
# The library's kernel does the same in CUDA, NVIDIA's dialect of C. The product after it comes from cuBLAS, NVIDIA's BLAS.
#
# ## Neighbours fetch together
# Threads do not go to memory one by one. 32 of them, a *warp*, run in step, and when they read, the memory sends whole *lines* of 128 bytes: 32 float32 numbers. If the 32 threads want 32 neighbours, that is one line. If each wants a number from another line, 32 lines travel, and 31 of 32 numbers
# are thrown away. Reading neighbours together is called *coalesced*.
#
# Let neighbouring threads take neighbouring channels of a window, or neighbouring columns, or neighbouring rows. Count the lines, for a picture of 64 channels and 48 × 48 pixels in both memory orders:

# %%
C, H, W = 64, 48, 48


def lines(addresses):
    """How many lines of 128 bytes a warp's float32 addresses lie in."""
    return len({int(address) * 4 // 128 for address in addresses})


warp = np.arange(32)
who = {
    "channels": (warp, 0 * warp, 0 * warp),
    "columns": (0 * warp, 0 * warp, warp),
    "rows": (0 * warp, warp, 0 * warp),
}
travel = {}
for name, (c, h, w) in who.items():
    travel[name] = (lines((h * W + w) * C + c), lines((c * H + h) * W + w))

# %% tags=["figure", "picture"]
figure, axis = plt.subplots(figsize=(6.5, 2.6))
for offset, colour, label, which in (
    (-0.18, look.BLUE, "channels last", 0),
    (0.18, look.ORANGE, "channels first", 1),
):
    counts = [both[which] for both in travel.values()]
    bars = axis.barh(np.arange(3) + offset, counts, height=0.34, color=colour, label=label)
    axis.bar_label(bars, padding=3, fontsize=9)
axis.set_yticks(range(3), list(travel))
axis.set(
    xlabel="lines that travel for 32 numbers",
    ylabel="neighbouring threads take\nneighbouring …",
    xlim=(0, 52),
)
axis.invert_yaxis()
axis.legend(frameon=False, loc="center right")
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Lines of memory for a warp. One where threads take what lies side by side: channels "
    "if channels are last, columns if channels are first. 32 in the other four cases.",
)

# %% [markdown]
# So the library keeps channels last on the GPU as on the CPU, and in its kernels for windows and pools the channel is the fastest part of e. It is the rule of lesson 20 for another reason: there a run was cheap because it was long, here because it is shared.
#
# ## Two threads, one sum
# Now backward. The windows' gradients are added back where they were read, and windows overlap. The obvious kernel gives each thread one number of the rows, and the thread *adds* it to its pixel: it **scatters**. Adding takes three moves: read, add, write. Here two threads do that for the same pixel; we choose who moves when:


# %%
def two_adds(schedule):
    """Thread A adds 1, thread B adds 10.

    `schedule` says who makes the next of their three moves.
    """
    memory, register, moves = 0, {}, {"A": 0, "B": 0}
    for who in schedule:
        if moves[who] == 0:
            register[who] = memory  # read
        elif moves[who] == 1:
            register[who] += {"A": 1, "B": 10}[who]
        else:
            memory = register[who]  # write
        moves[who] += 1
    return memory


for schedule in ("AAABBB", "ABABAB", "BAABBA"):
    print(schedule, two_adds(schedule))

# %% [markdown]
# 11 is right; with 10 and with 1 an addition is lost. GPUs have an *atomic* addition, which nobody can interrupt. With it none is lost, but which thread comes first is chance, and sums of rounded numbers depend on the order:

# %%
parts = (rng.standard_normal(1000) * 10.0 ** rng.integers(-3, 4, 1000)).astype(np.float32)
sums = set()
for _ in range(200):
    total = np.float32(0)
    for part in rng.permutation(parts):
        total += part
    sums.add(float(total))
look.say(
    f"The same 1000 numbers added in 200 orders: **{len(sums)} different sums**, from "
    f"{min(sums):.4f} to {max(sums):.4f}."
)

# %% [markdown]
# A training could come out differently each time, and lesson 18's "the same bits" would be gone. So turn the question round. Do not ask where a number of the rows *goes*; give each thread a **pixel**, and let it **gather** what belongs to it, tap by tap, always in the same order. No two threads add to the same pixel, so nothing atomic is needed.
#
# One axis, windows of `kernel` taps at stride `stride`. Which windows saw pixel p? Window $o$ sees $p$ at tap $i$ if $o \cdot \text{stride} + i = p$. So for each tap: is p − i a multiple of the stride, and is there such a window?


# %%
def fold_kernel(block, thread, rows, pixels, windows, kernel, stride):
    p = block * THREADS + thread
    if p >= len(pixels):
        return
    total = 0.0
    for i in range(kernel):
        start = p - i
        if start >= 0 and start % stride == 0 and start // stride < windows:
            total += rows[start // stride, i]
    pixels[p] = total


windows, kernel, stride = 5, 4, 2
rows = rng.integers(1, 9, (windows, kernel)).astype(float)
gathered = np.empty(stride * (windows - 1) + kernel)
launch(fold_kernel, -(-len(gathered) // THREADS), THREADS, rows, gathered, windows, kernel, stride)
scattered = np.zeros_like(gathered)
for o in range(windows):
    scattered[o * stride : o * stride + kernel] += rows[o]
print("gathered ", gathered)
print("scattered", scattered)

# %% [markdown]
# The backward kernels of this library are made that way: those of windows, of pools, of the loss. Such a kernel looks at windows that have nothing for it, and in return the bits are the same each time.
#
# ## A launch is dear
# To start a kernel is to *launch* it. Python calls CuPy, CuPy calls the driver, and the driver puts the kernel into a queue: some microseconds, whatever the kernel does. How many launches are there in a training step? Count the operations of a small FCN-8s, forward and backward:

# %%
mf.manual_seed(0)
model = mf.models.fcn8s(backbone="tiny", width=32, num_classes=5)
batch = rng.standard_normal((1, 3, 32, 32)).astype(np.float32)
labels = rng.integers(0, 5, (1, 32, 32))
with mf.profile() as profile:
    ops.softmax_cross_entropy(model(batch), labels).backward()
operations = sum(row.calls for row in profile.rows())
# additions and multiplications for each pixel
arithmetic = sum(row.flops for row in profile.rows()) / 32**2
print(f"{operations} calls of operations, and {len(list(model.parameters()))} parameters to update")
print(f"{arithmetic:,.0f} additions and multiplications for each pixel of the picture")

# %% [markdown]
# Each call is one launch at least; a convolution needs two or three (windows, product, bias). If a launch costs L, a step cannot be shorter than launches · L, however fast the GPU is. We *assume* three launches for each call, L = 5 µs, and a GPU that does 10 million million additions and multiplications a second. The shape of the curve is the point, not its numbers:

# %%
launches, launch_cost, rate = 3 * operations, 5e-6, 1e13
sizes = np.array([32, 64, 128, 256, 512, 1024])
work = arithmetic * sizes.astype(float) ** 2 / rate

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(sizes, 1e3 * work, "s--", color=look.ORANGE, label="the arithmetic")
axis.plot(
    sizes,
    np.full(len(sizes), 1e3 * launches * launch_cost),
    ":",
    color="#888888",
    label="the launches",
)
axis.plot(
    sizes,
    1e3 * np.maximum(work, launches * launch_cost),
    "o-",
    color=look.BLUE,
    label="a step, at best",
)
axis.set(
    xscale="log",
    yscale="log",
    xlabel="side of the picture (pixels)",
    ylabel="milliseconds (a model)",
)
axis.set_xticks(sizes, sizes)
axis.minorticks_off()
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="A model: below some size the time of a step is flat, the launches; above it grows "
    "with the arithmetic.",
)

# %% [markdown]
# With small pictures the GPU waits for Python. Three remedies: larger batches; kernels that do several things at once (add a bias and take the ReLU, for example); and *CUDA graphs* (not those of lesson 02): record the launches of one step, then start all of them with one call.
#
# And one trap. A launch returns **at once**, while the GPU still works. Whoever looks at a result (`float(loss)`, `print`, `if x > 0`) waits until the queue is empty. With one such look in every step, Python can no longer run ahead. Clocks fall into the trap as well: without waiting, you time the launch and not the work.
#
# ## Measured, where there is one

# %%
if here:
    import time

    cupy = backend.import_cupy()

    def seconds(work, wait, repeats=10):
        work()
        tries = []
        for _ in range(repeats):
            wait()
            start = time.perf_counter()
            work()
            wait()  # the launch came back long ago
            tries.append(time.perf_counter() - start)
        return min(tries)

    wait = cupy.cuda.Device().synchronize
    for c, side in ((16, 16), (64, 96), (256, 96)):
        x = mf.Tensor(rng.standard_normal((1, c, side, side)).astype(np.float32))
        kernel = mf.Tensor(rng.standard_normal((c, c, 3, 3)).astype(np.float32))
        with mf.no_grad():
            on_cpu = seconds(lambda: ops.conv2d(x, kernel, padding=1), lambda: None)
            far, far_kernel = x.to("gpu"), kernel.to("gpu")
            on_gpu = seconds(lambda: ops.conv2d(far, far_kernel, padding=1), wait)
        print(
            f"conv {c} → {c}, {side} x {side}: the CPU takes {on_cpu / on_gpu:.1f} times as long "
            "as the GPU"
        )
else:
    print("nothing to measure here: this part needs CuPy and a GPU")

# %% [markdown]
# ## In the library
# `minifcn/backend.py` is the only file that imports CuPy. `minifcn/kernels/simple.py` runs on both. The kernels written in CUDA lie in `minifcn/kernels/gpu/cuda`, one idea a file. Open `minifcn/kernels/gpu/cuda/windows.cu` beside this lesson: its `columns` and `fold` are ours with more axes. They are compiled when they are first needed; `minifcn/training/cuda_graph.py` records a step's launches.
#
# How does one test a GPU's code without a GPU? As we did here: the tests compile the same sources with an ordinary compiler and play blocks and threads on the CPU.
#
# > **Honesty box.** Our played GPU runs one thread after the other. A real one has memory that a block shares, warps that wait for their slowest thread when an `if` splits them, and caches; newer ones fetch a line in quarters of 32 bytes. The figure of launches is a model with assumed numbers. What this page says about speed was not measured on a GPU when the page was made, unless the
# > part above shows numbers. PyTorch calls cuDNN, a library of hand-tuned convolutions, and its backward need *not* be the same bit by bit from run to run unless you ask (`torch.use_deterministic_algorithms`); Caffe's own convolution was windows and a product, as ours. Products stay in float32 here unless you ask for TF32, the rougher and faster ones of newer GPUs.
#
# ## Exercises
# **1 · M.** Where am I? An array lies in memory as (N, H, W, C), the last axis fastest. To which n, c, h, w does its number `e` belong? Use only `//` and `%`.
#
# <details><summary>Hint</summary>The fastest axis is <code>e % C</code>, and <code>e // C</code> is the same question without it.</details>


# %%
def my_place_of(e, shape):
    """shape: (N, C, H, W), though memory has C last. Returns (n, c, h, w)."""
    ...


check.place_of(my_place_of)

# %% [markdown]
# **2 · M.** Be the memory. Threads 0, 1, 2, … read the numbers at `addresses[0]`, `addresses[1]`, … A number has `itemsize` bytes, a line has `line` bytes, and address 0 begins a line. Threads 0 to `warp` − 1 are the first warp, and so on; each warp fetches every line that it needs once. How many lines travel in all?
#
# <details><summary>Hint</summary>Warps do not share: the same line counts again for the next warp. The last warp may have fewer threads than the others.</details>


# %%
def my_lines_fetched(addresses, itemsize, line=128, warp=32):
    """addresses: integers (threads,). Returns an integer."""
    ...


check.lines_fetched(my_lines_fetched)

# %% [markdown]
# **3 · L.** A thread of max-pool's backward that gathers. `grad` and `place` are (OH, OW): the gradient of each window, and which of its taps won, i · kernel + j. Windows of `kernel` × `kernel` at stride `stride`, no padding. What does pixel (h, w) get? The thread may only read, and it adds in the order of the taps.
#
# <details><summary>Hint</summary>The questions of <code>fold_kernel</code>, along both axes at once, and then one more: did this tap win there?</details>


# %%
def my_pool_thread(h, w, grad, place, kernel, stride):
    """Returns the gradient of pixel (h, w), a number."""
    ...


check.pool_thread(my_pool_thread)

# %% [markdown]
# ## Summary
# - A kernel is a function of a thread's number: work out from it what is yours, and write that alone.
# - Neighbouring threads should read neighbouring numbers; who adds should gather, and the bits stay the same.
# - On small pictures launches, and every look at a result, may cost more than the arithmetic.
#
# ## In the paper
# Table 1: one forward pass at 500 × 500 pixels on a K40c took 50 ms (AlexNet), 210 ms (VGG16), 59 ms (GoogLeNet). Section 4.3: training on one GPU, three days for FCN-32s. Section 3.1 times windows against one pass, 22 ms for a grid of 10 × 10.
