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
# # 02 · Tensors and graphs
#
# **Question.** Lesson 01 ran the whole function twice *for each weight*. How do you get the slopes for all weights at once, from one run forward and one walk back?
#
# **You need** lesson 01 (slopes, gradient descent). **Time** 25 minutes to read, 60 for the exercises. **Paper** sections 1 (backpropagation) and 4.2 (a net that is a graph).
#
# ## Every result remembers where it came from
# Slopes multiply along the way. If c grows twice as fast as b, and b three times as fast as a, then c grows six times as fast as a: the **chain rule**. So each operation needs to know only its *own* slopes; for the rest,
# walk back from the result and multiply.
#
# To walk back, a result must remember what it was made from. Let us wrap numbers in a box that does. Such a box is called a **Tensor**:

# %%
import inspect

import check
import look
import matplotlib.pyplot as plt
import numpy as np

import minifcn as mf


class Tensor:
    def __init__(self, data, made_from=()):
        self.data = np.asarray(data, float)
        self.made_from = made_from  # pairs: an input, and how a gradient goes back to it
        self.grad = (
            0.0  # the slope of the final result with respect to this tensor, once we know it
        )


def add(a, b):
    return Tensor(a.data + b.data, [(a, lambda grad: grad), (b, lambda grad: grad)])


Tensor.__add__ = add

# %% [markdown]
# A sum rises as fast as either of its inputs, so its slope is 1: the gradient goes back to both as it is. Now use something **twice**:

# %%
a = Tensor(1.0)
b = a + a
c = b + b
look.say(
    f"a is {a.data:g} and c is {c.data:g}. So c = 4·a, and its slope with respect to a is **4**."
)

# %% [markdown]
# ## Three ways to walk back
# Start at the result with a gradient of 1, since c grows as fast as c. At each tensor, keep what arrives, and send it on to the inputs. The first idea:


# %%
def backward_assign(tensor, grad):
    tensor.grad = grad
    for source, back in tensor.made_from:
        backward_assign(source, back(tensor.grad))


# %% [markdown]
# It keeps only what arrived *last*. A tensor that is used twice acts on the result in two ways, and its slope is the **sum** of both. So add:


# %%
def backward_add(tensor, grad):
    tensor.grad = tensor.grad + grad
    for source, back in tensor.made_from:
        backward_add(source, back(tensor.grad))


# %% [markdown]
# **Before you run the next cell:** which gradients do `b` and `a` have after each of the two?

# %%
for walk in (backward_assign, backward_add):
    a.grad = b.grad = c.grad = 0.0
    walk(c, 1.0)
    print(f"{walk.__name__:15}  c {c.grad:g}   b {b.grad:g}   a {a.grad:g}")

# %% [markdown]
# The right answer is c 1, b 2, a 4. Adding repairs b, but now a gets *too much*: 6. Why? `b` is visited twice. The first time it sends on 1, which is not all that it will get. The second time it sends on 2, and the first 1
# is in it once more.
#
# What is wrong is the **order of visits**. `b` must not send anything before it has everything. So first count how often each tensor is used, and visit it when that many gradients have arrived:
#
# ![c sends 1 to b along two arrows; b waits for the second, has 2, and sends 2 along two arrows to a, which ends with 4.](figures/walking_back.svg)


# %%
def count_uses(result):
    """How often each tensor below the result goes into a later one."""
    uses, to_look_at = {}, [result]
    while to_look_at:
        for source, _ in to_look_at.pop().made_from:
            if source not in uses:
                uses[source] = 0
                to_look_at.append(source)
            uses[source] += 1
    return uses


def backward(result, grad=1.0):
    missing = count_uses(result)  # gradients that have not arrived yet
    result.grad = grad
    complete = [result]
    while complete:
        tensor = complete.pop()
        for source, back in tensor.made_from:
            source.grad = source.grad + back(tensor.grad)
            missing[source] -= 1
            if missing[source] == 0:
                complete.append(source)


a.grad = b.grad = c.grad = 0.0
backward(c)
print(f"backward  c {c.grad:g}   b {b.grad:g}   a {a.grad:g}")


# %% tags=["figure", "picture"]
def sends(tensor):
    """Let each of the tensor's ways back keep what it has carried, for the picture.

    Returns a list for each way.
    """
    carried = [[] for _ in tensor.made_from]

    def watched(back, kept):
        return lambda grad: kept.append(f"{grad:g}") or back(grad)

    ways = zip(tensor.made_from, carried, strict=True)
    tensor.made_from = [(source, watched(back, kept)) for (source, back), kept in ways]
    return carried


walks = {
    backward_assign: "keep the last",
    backward_add: "add, and send on at once",
    backward: "wait until all is there",
}
figure, axes = plt.subplots(1, 3, figsize=(8.5, 2.2))
for axis, (walk, title) in zip(axes, walks.items(), strict=True):
    a = Tensor(1.0)
    b = a + a
    c = b + b
    carried = [sends(b), sends(c)]
    walk(c, 1.0)
    for place, (letter, tensor, right) in enumerate((("a", a, 4), ("b", b, 2), ("c", c, 1))):
        axis.text(
            place,
            0,
            letter,
            ha="center",
            va="center",
            fontsize=12,
            bbox=dict(boxstyle="circle", fc="white"),
        )
        words, colour = (
            (f"grad {tensor.grad:g}", look.BLACK)
            if tensor.grad == right
            else (f"grad {tensor.grad:g} ✗", look.RED)
        )
        axis.text(place, -0.95, words, ha="center", fontsize=9, color=colour)
    colour = look.BLUE if walk is backward else look.ORANGE
    for place, ways in enumerate(carried):
        for values, bend, height in zip(ways, (0.45, -0.45), (0.42, -0.58), strict=True):
            style = dict(arrowstyle="->", connectionstyle=f"arc3,rad={bend}", color=colour)
            axis.annotate(
                "", (place + 0.2, bend / 4.5), (place + 0.8, bend / 4.5), arrowprops=style
            )
            axis.text(place + 0.5, height, " then ".join(values), ha="center", fontsize=9)
    axis.set(xlim=(-0.4, 2.4), ylim=(-1.1, 0.7))
    axis.set_title(title, fontsize=10)
    axis.axis("off")
look.show(
    figure,
    alt="Three times the graph a, b, c with two arrows from c back to b and two from b to a, "
    "and what each carries. Keep the last: a gets 1. Add and send on at once: b sends 1 and "
    "then 2, a gets 6. Wait: b sends 2 once, a gets 4.",
)

# %% [markdown]
# Tensors and their ways back make up a **graph**: the tensors are its dots, their uses its arrows. No arrow leads back to an earlier tensor, since a result comes after its inputs. So there is always a tensor whose uses have all been visited: we never get stuck.
#
# ## The other cure, and what it costs
# One could also send on only what has just arrived, not the sum so far. That gives 4 as well. But it walks each *path* from the result to the **leaves**, the tensors that were made from nothing, by itself. How many visits is that?


# %%
def visits_by_path(tensor):
    return 1 + sum(visits_by_path(source) for source, _ in tensor.made_from)


def visits_waiting(result):
    return 1 + len(count_uses(result))


print("doubled   visits by path   visits when waiting")
for times in (2, 5, 10, 16):
    x = Tensor(1.0)
    for _ in range(times):
        x = x + x
    print(f"{times:2} times {visits_by_path(x):>16,} {visits_waiting(x):>21}")

# %% [markdown]
# The visits double with each `x + x`. A network in which 50 layers add their input to their output would never finish. *Waiting visits each tensor once.*
#
# ## More operations
# Now with arrays, and with four more operations. In each, ask only: if the output's gradient is `grad`, what is the input's?
#
# - **a · b**: to $a$ goes $g \cdot b$, with $g$ for `grad`, since the slope of $a \cdot b$ with respect to $a$ is $b$. To $b$ goes $g \cdot a$.
# - **x @ w**, a matrix product: $g\,w^T$ to $x$, $x^T g$ to $w$. (The shapes leave no other choice.)
# - **relu**, the larger of x and 0: grad where x was positive, else 0.
# - **total**, the sum of all elements: grad to each of them.
#
# And a sum of arrays of *different* shapes: NumPy repeats the smaller one, which is called **broadcasting**. A bias of shape (3,) that is added to five rows is used five times. We know what to do
# with things used five times: add up what arrives.


# %%
def summed_to(grad, shape):
    """Add up what broadcasting had repeated.

    (This one is for missing leading axes; exercise 2 does it all.)
    """
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


def add(a, b):
    return Tensor(
        a.data + b.data,
        [
            (a, lambda grad: summed_to(grad, a.data.shape)),
            (b, lambda grad: summed_to(grad, b.data.shape)),
        ],
    )


def multiply(a, b):
    return Tensor(
        a.data * b.data, [(a, lambda grad: grad * b.data), (b, lambda grad: grad * a.data)]
    )


def matmul(x, w):
    return Tensor(
        x.data @ w.data, [(x, lambda grad: grad @ w.data.T), (w, lambda grad: x.data.T @ grad)]
    )


def relu(x):
    return Tensor(np.maximum(x.data, 0), [(x, lambda grad: grad * (x.data > 0))])


def total(x):
    return Tensor(x.data.sum(), [(x, lambda grad: grad * np.ones_like(x.data))])


Tensor.__add__, Tensor.__mul__, Tensor.__matmul__ = add, multiply, matmul

# %% [markdown]
# That is a whole engine. Now a small network: one number goes in, goes through twenty relus, and one number comes out. It should learn to draw a sine.

# %%
rng = np.random.default_rng(2)
x = np.linspace(-3, 3, 60)[:, None]  # (60, 1): 60 examples with one number each
y = np.sin(x)


def new_weights():
    shapes = {"w1": (1, 20), "b1": (20,), "w2": (20, 1), "b2": (1,)}
    return {name: Tensor(0.5 * rng.standard_normal(shape)) for name, shape in shapes.items()}


def network(weights):
    hidden = relu(Tensor(x) @ weights["w1"] + weights["b1"])
    return hidden @ weights["w2"] + weights["b2"]


def loss(weights):
    off = network(weights) + Tensor(-y)
    return total(off * off) * Tensor(1 / len(y))  # off is used twice!


weights = new_weights()
backward(loss(weights))
for name, tensor in weights.items():
    print(name, tensor.data.shape, "gradient", tensor.grad.shape)

# %% [markdown]
# ## Check
# Our judge from lesson 01: move each weight a little to both sides.

# %%
largest = 0.0
runs = 0
for tensor in weights.values():
    for i in np.ndindex(tensor.data.shape):
        here = tensor.data[i]
        tensor.data[i] = here + 1e-5
        ahead = loss(weights).data
        tensor.data[i] = here - 1e-5
        slope = (ahead - loss(weights).data) / 2e-5
        tensor.data[i] = here
        runs += 2
        largest = max(largest, abs(slope - tensor.grad[i]))
look.say(
    f"Largest difference of {runs // 2} slopes: {largest:.0e}. The differences took **{runs} "
    "runs** of the network; `backward` took one run and **one walk back**."
)

# %% [markdown]
# What does a walk back cost? A product forward, `x @ w`, becomes two products of the same size, one for x and one for w. So a walk costs about two runs, whatever the number of weights. For the 134 million weights of the paper's network that is 3 runs
# a step, not 268 million. Now it can learn:

# %% tags=["figure"]
figure, axis = plt.subplots(figsize=(5.5, 3))
axis.plot(x, y, color=look.BLACK, linewidth=3, alpha=0.3, label="sine")
after = {0: (look.SKY, ":"), 100: (look.ORANGE, "--"), 3000: (look.BLUE, "-")}
for step in range(3001):
    if step in after:
        colour, style = after[step]
        axis.plot(
            x,
            network(weights).data,
            style,
            color=colour,
            label=f"{step} steps: loss {loss(weights).data:.4f}",
        )
    for tensor in weights.values():
        tensor.grad = 0.0  # else the new gradients would be added to the old
    backward(loss(weights))
    for tensor in weights.values():
        tensor.data -= 0.05 * tensor.grad
axis.set(xlabel="x", ylabel="what the network says")
axis.legend(frameon=False, fontsize=8)
axis.spines[["top", "right"]].set_visible(False)
look.show(
    figure,
    alt="A sine, and what the network says after 0, 100 and 3000 steps: first nothing like it, "
    "then the rough direction, at last a line of straight pieces that lies on the sine.",
)

# %% [markdown]
# ## In the library
# Three files, and you can follow every `backward()` through them:
#
# 1. `minifcn/autodiff/engine.py`: `Tensor`, and `Function`, which is our operation and its way back, as a class with two methods, `forward` and `backward`.
# 2. `minifcn/autodiff/walk.py`: `walk_back`, our `backward`; it waits by counting, as ours does.
# 3. `minifcn/ops/arithmetic.py` (and its neighbours): the operations. Here is the product:

# %%
from minifcn.autodiff.walk import children_first
from minifcn.ops.arithmetic import Mul

print(inspect.getsource(Mul))

# %% [markdown]
# Here is our trap once more, for the library, and the order in which it visits. (`requires_grad=True` asks it for a gradient.) Two ways of different length lead from `d` to `b`, so a walk that takes the nearest tensor first would be wrong:

# %%
a = mf.Tensor(np.array(1.0), requires_grad=True)
b = a + a
d = (b + b) * b  # 4a · 2a = 8a², and the slope is 16a
print("order:", " → ".join(type(node).__name__ for node in children_first(d.creator)))

# %% tags=["figure"]
look.show(
    mf.draw.graph({"d": d}, names={"a": a}),  # before backward, which drops the graph on its way
    alt="The graph of d: two arrows from a to a sum, two from that to another sum and one past it; "
    "the product of both is d.",
)

# %%
d.backward()
print("slope of 8a² at 1:", a.grad)

# %% [markdown]
# And what it finds for our network, with our weights:

# %%
tensors = {
    name: mf.Tensor(tensor.data.copy(), requires_grad=True) for name, tensor in weights.items()
}
hidden = mf.ops.relu(mf.Tensor(x) @ tensors["w1"] + tensors["b1"])
off = hidden @ tensors["w2"] + tensors["b2"] - y
library_loss = (off * off).mean()
picture = mf.draw.graph(library_loss, names=tensors)  # drawn below
library_loss.backward()

for tensor in weights.values():
    tensor.grad = 0.0
backward(loss(weights))
differences = {
    name: np.abs(tensors[name].grad - tensor.grad).max() for name, tensor in weights.items()
}
look.say(
    f"Largest difference between the library's gradients and ours: {max(differences.values()):.1g}."
)

# %% tags=["figure"]
look.show(
    picture,
    alt="The graph of the network's loss, from x and the four weights on top through products, "
    "sums and a relu to the loss below; two arrows lead from the difference to its square.",
)

# %% [markdown]
# > **Honesty box.** In the library only leaves keep their gradients: it drops the others as soon as they are used, and what the forward had saved with them, so a graph is walked once. Where no `requires_grad` asks, it
# > does not walk; inside `no_grad()` nothing is remembered at all. Like ours, the library gives no gradients of gradients. PyTorch counts
# > uses as we do. Others sort the graph first. Of two small teaching libraries, micrograd does it by recursion (Python stops that at a depth of about a thousand), and DeZero by a number that each result has, one more than the largest of its inputs'. Caffe has no
# > graph at all: layers run in the order of a list and back again, and where something is used twice it puts in a *split* layer whose backward adds. The idea is older than all of them: Linnainmaa's
# > thesis of 1970.
#
# ## Exercises
# **1 · M.** The way back of a product with a *stack* of matrices: `x` is (s, n, k), and NumPy multiplies each of its s matrices with the one `w`. So w is used s times. For `y = x @ w` return the gradients for `x` and for `w`.
#
# <details><summary>Hint</summary>Each matrix of the stack by itself is as in the text. What happens to something that is used s times? And <code>x.T</code> reverses <i>all</i> axes; <code>x.swapaxes(1, 2)</code> the last two.</details>


# %%
def my_matmul_backward(grad, x, w):
    """grad: (s, n, m); x: (s, n, k); w: (k, m).

    Returns the pair (gradient for x, gradient for w).
    """
    ...


check.matmul_backward(my_matmul_backward)

# %% [markdown]
# **2 · M.** All of broadcasting. `grad` has the shape of a result, `shape` is that of an input which NumPy had stretched to it: leading axes that were missing, and axes of length 1 that were repeated.
# Return the input's gradient.
#
# <details><summary>Hint</summary>First add up the leading axes that are too many. Then, of the axes that are left, those where <code>shape</code> says 1; <code>keepdims=True</code>.</details>


# %%
def my_sum_to_shape(grad, shape):
    """Returns an array of the given shape."""
    ...


check.sum_to_shape(my_sum_to_shape)

# %% [markdown]
# **3 · L.** The order of visits, for any graph. `sources(node)` gives the list of nodes that went into a node (twice the same, if it was used twice). Return all nodes, each once, `result` first,
# and each *after* every node that it went into. Your answer will be tried on a chain of 5,000 nodes, and on one that doubles 40 times.
#
# <details><summary>Hint</summary>Two walks, as in <code>backward</code> above: one that counts, one that counts down. Lists as stacks instead of recursion; dictionaries with nodes as keys.</details>


# %%
def my_order_of_visits(result, sources):
    """sources: node -> list of nodes. Returns a list of nodes."""
    ...


check.order_of_visits(my_order_of_visits)

# %% [markdown]
# ## Summary
# - Every result remembers its inputs and how a gradient goes back to each; slopes multiply along a way, and where ways meet they add.
# - A tensor may send on its gradient when it has all of it: count the uses, then count down. Each tensor is visited once.
# - One walk back costs about two runs and finds the slopes for all weights.
#
# ## In the paper
# Section 1 says that learning and inference both happen for the whole picture at once, by "dense feedforward computation and backpropagation": one run and one walk back. Section 4.2 makes the net a graph: pool4 goes into the next layer
# *and* into a score layer, so it is used twice, and what you saw above happens there. Lesson 14 builds it.
