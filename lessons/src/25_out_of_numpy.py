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
# # 25 · Out of NumPy
#
# **Question.** The shipped network takes about 20 ms for a small photograph, and half of that is multiplications. Where does the rest go? And what does a program do that only *runs* networks and never trains them?
#
# **You need** lessons 15 (skips) and 20 (tiles, runs, threads). **Time** 25 minutes to read, 50 for the exercises. **Paper** section 4.1: its table 1 has times of the forward pass.
#
# *This lesson measures, in processor time of one thread: what other programs do meanwhile counts little. Your times will differ; what follows from them should not.*
#
# ## The bill
# `mf.profile` writes down each operation that is made. The network is `voc7`, a SqueezeNet as FCN-4s.

# %%
import importlib.util
import tempfile
import time
from functools import partial
from pathlib import Path

import check
import look
import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import as_strided
from threadpoolctl import threadpool_limits

import minifcn as mf
from minifcn import ops
from minifcn.autodiff import profiler
from minifcn.export import to_onnx
from minifcn.models.steps import steps_of

mf.set_num_threads(1)
one_thread = threadpool_limits(1)  # the BLAS too
profiler.clock = time.process_time  # else it goes by the clock on the wall
rng = np.random.default_rng(25)
model = mf.models.load("voc7")
picture = rng.random((1, 3, 192, 256)).astype(np.float32)


def milliseconds(*jobs, rounds=9):
    """Processor time of each job, the least of several rounds, in turns."""
    least = [np.inf] * len(jobs)
    for _ in range(rounds):
        for number, job in enumerate(jobs):
            start = time.process_time()
            job()
            least[number] = min(least[number], 1e3 * (time.process_time() - start))
    return least


def forward(pixels):
    with mf.no_grad():
        return model(mf.Tensor(pixels)).data


forward(picture)  # the first time memory is fetched: not counted
profiles = []
for _ in range(15):
    with mf.profile() as profile:
        forward(picture)
    profiles.append(profile)
profile = min(profiles, key=lambda each: each.seconds)
print(profile)

# %% [markdown]
# `Conv2d` has most of it. But in that row the product of lesson 04 is not alone: windows are copied, a bias is added. The profile has the shapes, so make *the products alone*, of the same sizes. ReLU and concatenation compute next to nothing: they read all of a map and write all of it.
#
# A third part costs the same for every picture: Python, the choice of a kernel, weights that are laid out for it. How large is it?
#
# **Before you run the next cell:** a picture of 32 × 32 pixels makes the same calls, with 1/48 of the numbers. Which part of the time will it take?

# %%
products = []
for event in profile.events:
    if event.name == "Conv2d":
        outputs, inputs, height, width = event.shapes[1]  # of the weight
        inner = inputs * height * width
        pixels = event.flops // (2 * inner * outputs)
        sizes = (pixels, inner), (inner, outputs), (pixels, outputs)
        products.append([np.ones(size, np.float32) for size in sizes])


def products_alone():
    for windows, matrix, y in products:
        np.matmul(windows, matrix, out=y)


whole, small, alone = milliseconds(
    lambda: forward(picture), lambda: forward(picture[..., :32, :32].copy()), products_alone
)
passes = sum(row.seconds for row in profile.rows() if row.name in ("Relu", "Concat"))
bill = {
    "the network": whole,
    "the products alone": alone,
    "a picture of 32 × 32, everything": small,
    "ReLU and concatenation (profile)": 1e3 * passes,
}
for name, cost in bill.items():
    print(f"{name:34} {cost:5.1f} ms")

# %% [markdown]
# The parts overlap (a small picture has products too), so they do not add up. But the orders are plain: **as much time goes into what is not arithmetic as into what is**. (More, even: for the 3 × 3 layers the library makes fewer multiplications than these products, by Winograd's way.) A third or so is not even a matter of pixels. The rest is numbers that are carried to the processor, changed a little, and carried back.
#
# ## Write it down once
# The second time a network sees a picture of a shape, nothing about it is new: the same calls of NumPy, in the same order, on arrays of the same sizes. All that decides which calls these are can be done once. So write a network that does not call NumPy but asks somebody, `do`, to call it. `do` may make the call at once, or take it down:


# %%
class Now:
    """Makes each call at once, with a new array wherever the network wants one."""

    def call(self, function, *arguments, **named):
        function(*arguments, **named)

    def room(self, name, shape):
        return np.zeros(shape, np.float32)


class Record:
    """Takes each call down. A room of the same name and shape is the same memory."""

    def __init__(self):
        self.calls, self.rooms = [], {}

    def call(self, function, *arguments, **named):
        self.calls.append(partial(function, *arguments, **named))

    def room(self, name, shape):
        if (name, shape) not in self.rooms:
            self.rooms[name, shape] = np.zeros(shape, np.float32)
        return self.rooms[name, shape]


# %% [markdown]
# The network must not notice which of the two it got. So it decides by *shapes* and never by values, writes every result into a room (`out=`), and cuts arrays into views, which costs nothing later.
#
# Here is a network of six convolutions with ReLU, 16 channels each, in lesson 20's way: channels last, a tile of rows at a time. Bias and ReLU are done *on the tile*, while it is in the cache. Maps have a frame of zeros around them, for the padding; nobody writes there, so it stays zero. Of maps there are two, **in turns**: when the third layer writes, nobody reads the first map any more.

# %%
LAYERS, C, H, W = 6, 16, 12, 16
weights = [0.1 * rng.standard_normal((C, C, 3, 3)).astype(np.float32) for _ in range(LAYERS)]
biases = [0.1 * rng.standard_normal(C).astype(np.float32) for _ in range(LAYERS)]


def layer(do, x, matrix, bias, y, rows=6):
    """y = relu(conv(x)). Both maps lie in frames: (H + 2, W + 2, C)."""
    height, width, channels = x.shape[0] - 2, x.shape[1] - 2, x.shape[2]
    # three neighbours in a row lie side by side: a window is three runs of them, not nine
    runs = as_strided(x, (height + 2, width, 3 * channels), x.strides)
    bias, zeros = np.tile(bias, (rows * width, 1)), np.zeros((rows * width, len(bias)), np.float32)
    for top in range(0, height, rows):
        windows = do.room("windows", (rows, width, 3, 3 * channels))
        tile = do.room("tile", (rows * width, matrix.shape[1]))
        for i in range(3):
            do.call(np.copyto, windows[:, :, i], runs[top + i : top + i + rows])
        do.call(np.matmul, windows.reshape(rows * width, -1), matrix, out=tile)
        do.call(np.add, tile, bias, out=tile)
        do.call(np.maximum, tile, zeros, out=tile)
        do.call(np.copyto, y[top + 1 : top + 1 + rows, 1:-1], tile.reshape(rows, width, -1))


def laid_out(weights):
    """(O, C, 3, 3) as the matrix that the product wants, (3 · 3 · C, O)."""
    return [np.ascontiguousarray(w.transpose(2, 3, 1, 0).reshape(-1, len(w))) for w in weights]


def network(do, x, matrices):
    for number, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
        y = do.room(("map", number % 2), (H + 2, W + 2, C))
        layer(do, x, matrix, bias, y)
        x = y
    return x


framed = np.pad(rng.standard_normal((H, W, C)).astype(np.float32), ((1, 1), (1, 1), (0, 0)))
matrices = laid_out(weights)

record, own = Record(), np.zeros_like(framed)
result = network(record, own, matrices)  # nothing is computed yet


def replay(x):
    np.copyto(own, x)
    for call in record.calls:
        call()
    return result


at_once = network(Now(), framed, matrices)
print(f"{len(record.calls)} calls taken down, {len(record.rooms)} rooms for {LAYERS} layers")
print("equal to the bit:", np.array_equal(at_once, replay(framed)))

# %% [markdown]
# Equal to the bit, since they are the same calls on the same numbers. Now the clock. The first two are what we had before: the library's operations one by one, and plain NumPy (pad, all windows, product, bias, ReLU, each a new array).
#
# **Before you run the next cell:** `Now` and the replay make the *same* calls of NumPy. How much of the time can the replay save?


# %%
def engine():
    x = mf.Tensor(framed[1:-1, 1:-1].transpose(2, 0, 1)[None])
    with mf.no_grad():
        for weight, bias in zip(weights, biases, strict=True):
            x = ops.relu(ops.conv2d(x, weight, bias, padding=1))
    return x.data[0].transpose(1, 2, 0)


def plain():
    x = framed[1:-1, 1:-1]
    for matrix, bias in zip(matrices, biases, strict=True):
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
        flat = windows.transpose(0, 1, 3, 4, 2).reshape(H * W, 9 * C)
        x = np.maximum(flat @ matrix + bias, 0).reshape(H, W, C)
    return x


some = np.ones((H * W // 2, 9 * C), np.float32), np.ones((H * W // 2, C), np.float32)


def tiles_multiplied():
    for matrix in matrices:
        np.matmul(some[0], matrix, out=some[1])
        np.matmul(some[0], matrix, out=some[1])


ways = {
    "operations, one by one": engine,
    "plain NumPy": plain,
    "tiles, called at once": lambda: network(Now(), framed, matrices),
    "the replay": lambda: replay(framed),
    "its products alone": tiles_multiplied,
}
TIMES = 20  # a clock of processor time ticks too slowly for a single one
jobs = [lambda way=way: [way() for _ in range(TIMES)] for way in ways.values()]
costs = [cost / TIMES for cost in milliseconds(*jobs, rounds=25)]
assert all(np.allclose(way(), result[1:-1, 1:-1], atol=1e-5) for way in (engine, plain))

# %% tags=["figure", "picture"]
figure, axis = plt.subplots(figsize=(6.5, 2.4))
bars = axis.barh(list(ways), costs, color=[look.ORANGE] * 2 + [look.BLUE] * 2 + ["#999999"])
axis.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
axis.set(xlabel="milliseconds of one thread", xlim=(0, 1.12 * max(costs)))
axis.invert_yaxis()
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Five bars, each shorter than the one before: operations one by one, plain NumPy, "
    "tiles called at once, the replay, and its products alone.",
)

# %% [markdown]
# What was saved is everything around the calls: views that are cut, new arrays that are cleared, biases and zeros that are laid out, Python that goes from one to the next. On maps this small that is much, and on large ones little. A *plan* is for small networks.
#
# Two of its habits you can use anywhere. A bias that was repeated to the size of the tile is added faster than one that NumPy has to repeat. And `np.maximum(x, 0)` takes up to four times as long as `np.maximum(x, zeros)`: measured, not understood, in [SPEED.md](../minifcn/kernels/SPEED.md).
#
# ## What was laid out can be old
# There is a price. The matrices were made from the weights when the calls were taken down. Somebody trains one more step:

# %%
before = replay(framed).copy()  # the next replay writes over it
weights[0] *= 2  # in place, as an optimiser does
after = replay(framed)
now = network(Now(), framed, laid_out(weights))
print("replayed scores changed:", not np.array_equal(before, after))
print("right scores changed:   ", not np.array_equal(before, now))

# %% [markdown]
# Old scores, and not a word. This is the classic bug of everything that remembers. A plan of the library looks before every call: are the layers still the same objects? Does each parameter still hold the same array, and has its *version*, a number that each step of an optimiser raises, moved? And what NumPy writes into `parameter.data` behind everybody's back, a sum of all bits shows (sums of *integers*: nothing is rounded away). That costs about 0.1 ms.

# %%
plan = mf.plan(model, picture.shape)
first = plan(picture)
bias = model.score_fire3.bias.data
kept = bias.copy()
bias[0] += 1  # one number, by NumPy
second = plan(picture)
bias[:] = kept
look.say(
    f"The scores of class 0 rose by up to **{(second - first)[0, 0].max():.2f}**, those of the "
    f"others by {np.abs(second - first)[0, 1:].max():.2f}."
)

# %% [markdown]
# Of arrays with more than 2¹⁸ numbers only some are added. Who changes a few numbers of such a one by NumPy says so: `parameter.changed()`.
#
# ## A whole network's plan
# Here are the first layers of the real one.

# %%
lines = str(plan).splitlines()
print("\n".join(lines[:14]))

# %% [markdown]
# Read it line by line:
#
# - `backbone.relu1`, kernel `conv`. There is no line for ReLU: it is done on the tile, with the bias. The map is called by its last name.
# - `parts 4`: the map is made in 4 strips of rows, a fixed number, so that threads change no result. The `"` under it: the same strip goes on, through the pool and `squeeze1x1`, before the next one is begun. It stays in the cache, and of the first map's 3 MiB there is never more than a strip.
# - `conv winograd`, `weights 0.14`: lesson 20's transform of 64 · 16 kernels to 6 × 6 numbers each, made once.
# - `concat`: both halves were written into it where they belong, so nothing is copied. The line is there for bias and ReLU of the whole.
# - `score_fire3`: a score layer comes much later in the network. Here it stands behind the map that it reads.

# %%
plain_scores, plan_scores = forward(picture), plan(picture)
plain_cost, plan_cost = milliseconds(lambda: forward(picture), lambda: plan(picture))
off = np.abs(plan_scores - plain_scores).max() / np.abs(plain_scores).max()
look.say(
    f"{len(steps_of(model))} steps became {len(lines) - 2} kernels. "
    f"**{plain_cost:.1f} ms became {plan_cost:.1f}**. The largest difference of a score is "
    f"{off:.0e} of the largest score."
)

# %% [markdown]
# Not to the bit this time: other kernels, other roundings. And the whole plan takes about as long as the plain products alone: what bias, ReLU and copies still cost, Winograd has saved.
#
# Where do the maps lie? In the toy, two took turns. Here skips keep some for longer. Each bar is a map that more than one strip needs, from the layer that makes it to the last one that reads it:

# %% tags=["figure"]
maps, network_of_plan = plan.idle[0].maps[0], plan.network
made = {each.output: number for number, each in enumerate(network_of_plan.layers)}
figure, axis = plt.subplots(figsize=(7, 1.9))
for name, place in maps.places.items():
    start, stop = made.get(name, -1), network_of_plan.last_read[name] + 1
    size = np.prod(maps.shapes[name]) / maps.arenas[place].size
    axis.barh(
        place - 0.4,
        stop - start,
        left=start,
        height=0.8 * size,
        align="edge",
        color=look.BLUE if name.startswith(("backbone", "picture")) else look.ORANGE,
        edgecolor="white",
    )
axis.set_yticks(
    range(len(maps.arenas)),
    [f"arena {n}: {each.nbytes / 2**20:.2f} MiB" for n, each in enumerate(maps.arenas)],
)
axis.set(xlabel="kernel, by its line in the plan", ylim=(len(maps.arenas) - 0.4, -0.6))
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Rows of bars, one row an arena. Maps of the trunk lie behind each other in two arenas; "
    "the scores of the skips and their sums, in orange, lie in three others, where those of the "
    "skips wait until the end.",
)
apart = sum(4 * np.prod(shape) for shape in maps.shapes.values())
held = sum(each.nbytes for each in maps.arenas)
look.say(
    f"{len(maps.places)} maps in {len(maps.arenas)} arenas: **{held / 2**20:.1f} MiB** "
    f"instead of {apart / 2**20:.1f}. The height of a bar is the part of its arena that it fills."
)

# %% [markdown]
# Exercise 1 is about this. `minifcn predict` and `minifcn eval` go by plans without being asked.
#
# ## A network is a list
# To leave NumPy altogether somebody else has to know the network. Not our classes: what they *do*. `steps_of` writes that down: each step has a kind, names of maps that go in, and the name of the one that comes out.

# %%
steps = steps_of(model)
for step in steps[:4] + steps[-3:]:
    print(f"{step.output:34} = {step.kind}({', '.join(step.inputs)})")

# %% [markdown]
# Whoever has such a list and the weights needs no model. Here is a runtime:


# %%
def crop(step, x, like):
    start, (height, width) = int(step.number), like.shape[2:]
    return x[:, :, start : start + height, start : start + width]


KINDS = {
    "conv": lambda step, x: step.layer(x),
    "conv_transpose": lambda step, x: step.layer(x),
    "max_pool": lambda step, x: step.layer(x),
    "relu": lambda step, x: ops.relu(x),
    "concat": lambda step, *maps: ops.concat(maps, axis=1),
    "add": lambda step, a, b: a + b,
    "crop": crop,
}


def run(steps, pixels):
    maps = {"picture": mf.Tensor(pixels)}
    with mf.no_grad():
        for step in steps:
            maps[step.output] = KINDS[step.kind](step, *(maps[name] for name in step.inputs))
    return maps["scores"].data


print("the model's scores, to the bit:", np.array_equal(run(steps, picture), plain_scores))

# %% [markdown]
# Seven kinds of steps are all of this network. An **ONNX** file is this list: nodes with the names of what goes in and out, the arrays, and a number (the *opset*) that says which dictionary of kinds is meant. `minifcn.export` writes it from the same steps. *onnxruntime* and OpenVINO read it, and have no idea of FCNs.


# %%
def in_onnxruntime():
    """The same picture in another program, where that is installed."""
    missing = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"not here: {', '.join(missing)}. pip install onnx onnxruntime, and run this again")
        return
    import onnx
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voc7.onnx"
        to_onnx(model, path)
        nodes = onnx.load(path).graph.node
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options)
    for node in [*nodes[:3], nodes[-1]]:
        print(f"{node.op_type:8} {', '.join(node.input)} -> {', '.join(node.output)}")
    (scores,) = session.run(None, {"picture": picture})
    off = np.abs(scores - plain_scores).max() / np.abs(plain_scores).max()
    ours, theirs = milliseconds(
        lambda: plan(picture), lambda: session.run(None, {"picture": picture})
    )
    print(f"{len(nodes)} nodes; scores differ by {off:.0e} of the largest")
    print(f"onnxruntime {onnxruntime.__version__}: {theirs:.1f} ms, the plan: {ours:.1f} ms")


in_onnxruntime()

# %% [markdown]
# Every network of the library, both paddings, sizes from 1 × 1 to 375 × 500: the scores differed by at most 3.8e-6 of the largest one in onnxruntime 1.32.0 and 8.1e-6 in OpenVINO 2026.4.1 ([Models out](../docs/export.md)).
#
# Borders, as in lesson 24. Four that this library met:
#
# - **Padding** may be called “same”, which says how large a map becomes and not on which side the odd row goes (ONNX has a SAME_UPPER and a SAME_LOWER); so the file [says four numbers](../minifcn/export/onnx_file.py) for each layer.
# - **A pool that rounds up** is refused by OpenVINO where the map is [smaller than its kernel](../findings/openvino_max_pool_smaller_than_its_kernel.sh); so the file asks for padding below and to the right instead.
# - **A NaN is lost**: the runtimes' pools and argmax [leave it out](../findings/onnx_runtimes_lose_nan.sh) and name a class, where NumPy's scores would have shown it.
# - **Names are not kept by everybody**: PyTorch's exporter [leaves biases of zeros out](../findings/torch_onnx_export_drops_zero_bias.sh).
#
# ## What a runtime has that NumPy has not
# - **Fused machine code.** Our tile is read and written once for the product, once for the bias, once for ReLU: three calls, each of which ends before the next begins. A runtime adds and clips each number while it is still in a register.
# - **Blocked layouts.** Channels last is good for copies. Runtimes keep *nChw16c*: blocks of 16 channels, as many as a register of AVX-512 holds, pixel after pixel. A convolution then runs over memory as it lies and makes no windows at all.
# - **One pool of threads, no lock.** Theirs are never asked by Python. Ours wait for its lock after each call (lesson 20).
# - **int8.** Weights and maps as bytes with a scale: a quarter of the memory, several times the multiplications in an instruction, and scores that have to be measured again.
# - **Folding.** What is constant is worked out when the file is read. Best known: a batch norm disappears into the convolution before it (exercise 2).
#
# So they must be ahead. Here are four networks, the library without and with a plan, onnxruntime, and PyTorch.
#
# **Before you look at the next figure:** `tiny` has 0.1 GFLOP, `voc7` 0.67, FCN-8s over VGG16 at 384 × 384 has 126. Who is ahead on which?

# %% tags=["figure"]
# 29 November 2026, beside other work: processor time in ms of one thread, float32, in turns, the
# least of 15 rounds (VGG16: 4). NumPy 2.4.6 with OpenBLAS, onnxruntime 1.32.0, PyTorch 2.13 in the
# better of its two memory formats. Again: minifcn bench --against torch onnxruntime --threads 1
measured = {
    "tiny\n128 × 128": (5.7, 2.5, 2.0, 2.7),
    "voc7\n192 × 256": (20.6, 9.9, 7.7, 11.6),
    "voc7\n8 of 192 × 256": (94.0, 74.1, 60.8, 80.8),
    "FCN-8s VGG16\n384 × 384": (822.6, 771.6, 1150.6, 1473.2),
}
programs = {
    "operations": look.ORANGE,
    "plan": look.BLUE,
    "onnxruntime": look.GREEN,
    "PyTorch": "#999999",
}
figure, axis = plt.subplots(figsize=(7, 3))
for number, (name, colour) in enumerate(programs.items()):
    shares = [times[number] / times[1] for times in measured.values()]
    places = np.arange(len(measured)) + 0.2 * (number - 1.5)
    axis.bar(places, shares, 0.19, color=colour, label=name)
axis.axhline(1, color=look.BLUE, linewidth=0.8)
axis.set_xticks(range(len(measured)), measured, fontsize=9)
axis.set(ylabel="time by the plan's")
axis.legend(frameon=False, fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="Times by those of the plan. onnxruntime needs 0.8 of it for three small networks and 1.5 "
    "of it for VGG16; PyTorch 1.1 to 1.2, and 1.9 for VGG16; the operations one by one 2.3, 2.1, "
    "1.3 and 1.07.",
)

# %% [markdown]
# On small networks the runtime is ahead, by a fifth here. On the large one NumPy is ahead of both. 126 GFLOP in 0.77 s would be 164 a second, more than this core can do (it does about 100): so not all of them are made. Its layers are wide, nearly all the time goes into products, a product is a BLAS's daily bread, and in the 3 × 3 layers Winograd leaves out up to three of four multiplications. There is little besides: the plan saves 6 % of the time. **Where arithmetic is the bill, the algorithm counts; where it is not, everything else does.**
#
# ## In the library
# `minifcn/kernels/cpu/calls.py` is our `Now` and `Record`. `minifcn/plans` has six short files: which kernel makes a map, which layers share a strip, where maps lie, the replay, the plan, and where plans are kept. `minifcn/nn/watch.py` notices changes. `minifcn/models/steps.py` makes the list, and `minifcn/export` writes it as ONNX or as a page of PyTorch (`minifcn export voc7 --format torch-py --out voc7.py`), a line a step. `minifcn bench --against onnxruntime openvino torch` measures on your machine.
#
# > **Honesty box.** The times of the last figure are from one shared machine and one thread. With two threads on the same machine idle, `voc7` took 1.5 to 1.8 of the best runtime's time for one picture and 1.1 to 1.2 for eight. They are the least of a few rounds, and another OpenBLAS may turn the order round. int8 was not tried. A plan costs memory: for one picture `voc7` takes 20 MiB at its peak and 13 without, since transformed kernels are kept. A training step has no plan: its backward kernels would have to be taken down too ([what was tried](../minifcn/kernels/SPEED.md)).
#
# ## Exercises
# **1 · S.** Few arenas for many maps. `buffers_needed(maps)` gets a list of `(bytes, first, last)`: a map is written in step `first` and read for the last time in step `last`. In the order of the list, each map takes the *first* arena that holds nothing which is still needed, or a new one. An arena is as large as the largest map that ever lies in it. Return the bytes of all arenas.
#
# <details><summary>Hint</summary>Two lists, a number for each arena: its bytes, and the last step of what lies in it. A map that is read in step 3 and one that is written in step 3 are there at the same time.</details>


# %%
def my_buffers_needed(maps):
    """maps: [(bytes, first, last), …]. Returns bytes, a whole number."""
    ...


check.buffers_needed(my_buffers_needed)

# %% [markdown]
# **2 · M.** Fold a batch norm. Behind a convolution, a batch norm makes $\gamma\,\frac{y - \text{mean}}{\sqrt{\text{var} + \epsilon}} + \beta$ of each output channel $y$, all constants once training is over. Give weight and bias of the *one* convolution that does both. The convolution before a batch norm often has no bias: then it is `None`.
#
# <details><summary>Hint</summary>Write y as the sum of weight times x, plus bias, and collect what x is multiplied with. The factor has one number for each <i>output</i> channel, the first of the four axes of the weight.</details>


# %%
def my_fold_batch_norm(weight, bias, mean, var, gamma, beta, eps):
    """weight: (O, C, KH, KW); all else (O,), bias perhaps None. Returns (weight, bias)."""
    ...


check.fold_batch_norm(my_fold_batch_norm)

# %% [markdown]
# **3 · L.** A replay of your own. `replay(network, shape)` calls `network(do, picture)` **once**, with a `do` that has `call` and `room` as above (float32 rooms). It returns a function `run(picture, out)` which copies the scores of any picture of that shape into `out`, without a single new array, and raises a `ValueError` for another shape. (Why is that needed? Try `np.copyto(np.zeros((4, 4)), np.ones(4))`.)
#
# <details><summary>Hint</summary>The calls hold the array that the network was asked with. So make one of your own for it, and copy each picture into it. Of <code>call</code>, take all arguments down, also those with names.</details>


# %%
def my_replay(network, shape):
    """network(do, picture) -> array. Returns run(picture, out)."""
    ...


check.replay(my_replay)

# %% [markdown]
# ## Summary
# - In a small network half of the time is not arithmetic. A plan does once what is the same each time: choose, lay out, give memory; then it replays calls. What was laid out must notice that its source changed.
# - A network is a list of steps with names, and arrays. ONNX is such a list, and another program gives the same scores, if paddings, pools and preprocessing are said and not assumed.
# - Runtimes win where the bill is memory and calls. Where it is products, the better algorithm wins, even in NumPy.
#
# ## In the paper
# Table 1 in section 4.1 gives 210 ms for FCN-VGG16 on a picture of 500 × 500, on a graphics card of 2013, in Caffe. Caffe is a runtime as well: its layers are C++, and a network is a list of named layers in a text file.
