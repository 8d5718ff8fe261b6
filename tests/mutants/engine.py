"""Faults of the engine and of Functions that keep, share or overwrite arrays: no formula is wrong, and the gradient is."""

import inspect

import numpy as np

import minifcn as mf
from minifcn.autodiff import walk
from minifcn.ops import Call
from minifcn.ops.arithmetic import Add, Div, Matmul, Mul, Sum
from minifcn.ops.shaping import Concat, Index, Transpose

from .plant import mutant


def matrix(rng):
    return Call((rng.standard_normal((3, 4)),))


def two_matrices(rng):
    return Call((rng.standard_normal((3, 4)), rng.uniform(1, 2, (3, 4))))


def square_matrices(rng):
    return Call((rng.standard_normal((3, 3)), rng.standard_normal((3, 3))))


def total_over_rows(rng):
    return Call((rng.standard_normal((3, 4)),), {"axis": 1})


def some_rows(rng):
    return Call((rng.standard_normal((4, 3)),), {"key": np.array([0, 2, 2])})


def of(fn):
    """A check of fn(x), in which one tensor goes several ways."""
    return lambda name, call, seed: mf.gradcheck(fn, call.inputs, seed=seed)


# the walk

OF_THE_WALK = r"input 0: .*the walk in minifcn/autodiff/walk\.py is wrong, and no operation"


@mutant(
    "add",
    "of a tensor used twice the last gradient stays",
    OF_THE_WALK,
    sample=matrix,
    check=of(lambda x: x * x + x),
)
def walk_assigns(patch):
    patch.setattr(walk, "added", lambda a, b: b)


@mutant(
    "add",
    "of a tensor used twice the first gradient stays",
    OF_THE_WALK + r"[\s\S]*off by a factor 0\.500",
    sample=matrix,
    check=of(lambda x: x + x),
)
def walk_keeps_first(patch):
    patch.setattr(walk, "added", lambda a, b: a.copy())


def bent(x):
    y = x * 3
    return y + y * y


@mutant("mul", "a tensor is passed before all its gradients are there", OF_THE_WALK, sample=matrix, check=of(bent))
def walk_too_early(patch):
    def as_found(root):
        seen = [root]
        for node in seen:
            known = set(seen)  # by identity: a list would ask tensors whether their elements are equal
            seen.extend(source for source in dict.fromkeys(walk.sources_of(node)) if source not in known)
        return seen

    patch.setattr(walk, "children_first", as_found)


@mutant(
    "reshape",
    "the walk starts from ones, whatever was handed in",
    r"does not use the incoming gradient[\s\S]*" + OF_THE_WALK,
)
def walk_starts_from_ones(patch):
    patch.setattr(walk, "starting_gradient", lambda tensor, grad: np.ones(tensor.shape))


@mutant("reshape", "the walk takes every gradient for its own", OF_THE_WALK + ": nothing here says fresh = True")
def walk_owns_all(patch):
    source = inspect.getsource(walk.carried_back)
    wrong = source.replace("if source in pending or node.fresh:", "if True:")
    assert wrong != source
    names = {}
    exec("from __future__ import annotations\n" + wrong, walk.__dict__, names)
    patch.setattr(walk, "carried_back", names["carried_back"])


@mutant(
    "add",
    "says fresh and hands out what came in",
    "lies in the memory of the incoming gradient; fresh = True promises an array of its own, in Add",
    sample=two_matrices,
)
def add_says_fresh(patch):
    patch.setattr(Add, "fresh", True)


def cubed(x):
    product = Mul()
    return product(product(x, x), x)


@mutant(
    "mul",
    "one Function applied twice keeps its second call alone",
    r"runs in a circle at Mul[\s\S]*no gradient arrives here",
    sample=matrix,
    check=of(cubed),
)
def call_without_a_copy(patch):
    def call(self, *inputs):
        self._options = self._options or tuple(vars(self))
        return self._apply(*inputs)

    patch.setattr(mf.Function, "__call__", call)


# what is kept between calls


@mutant("div", "inputs saved on the class", "two calls in one graph disturb each other", sample=two_matrices)
def div_saved_on_the_class(patch):
    def forward(self, a, b):
        Div.a, Div.b = a, b
        return a / b

    patch.setattr(Div, "a", None, raising=False)
    patch.setattr(Div, "b", None, raising=False)
    patch.setattr(Div, "forward", forward)


@mutant("matmul", "the product is written into one buffer for all calls", "disturb each other", sample=square_matrices)
def matmul_one_buffer(patch):
    buffers = {}

    def backward(self, grad):
        to_a = np.matmul(grad, self.b.T, out=buffers.setdefault("a", np.empty(self.a.shape)))
        to_b = np.matmul(self.a.T, grad, out=buffers.setdefault("b", np.empty(self.b.shape)))
        return to_a, to_b

    patch.setattr(Matmul, "backward", backward)


@mutant("index", "the buffer is never cleared", "not repeatable: two backward runs differ", sample=some_rows)
def index_never_cleared(patch):
    buffer = np.zeros((4, 3))

    def backward(self, grad):
        np.add.at(buffer, self.index, grad)
        return buffer

    patch.setattr(Index, "backward", backward)


@mutant("sum", "gradient noise left switched on", "not repeatable: two backward runs differ", sample=total_over_rows)
def sum_noise(patch):
    rng = np.random.default_rng(0)
    right = Sum.backward

    def backward(self, grad):
        result = right(self, grad)
        return result + 1e-3 * rng.standard_normal(result.shape)

    patch.setattr(Sum, "backward", backward)


@mutant("concat", "warm-up: small gradients in the first calls", "not repeatable: two backward runs differ")
def concat_warm_up(patch):
    calls = []
    right = Concat.backward

    def backward(self, grad):
        calls.append(self)
        return tuple(part * min(1, len(calls) / 100) for part in right(self, grad))

    patch.setattr(Concat, "backward", backward)


@mutant("add", "jitter left switched on in forward", "not repeatable: two forward runs", sample=two_matrices)
def add_jitter(patch):
    rng = np.random.default_rng(0)
    right = Add.forward
    patch.setattr(Add, "forward", lambda self, a, b: right(self, a, b) + 1e-3 * rng.standard_normal(a.shape))


# what belongs to others


@mutant("mul", "works on the incoming gradient itself", "changed the incoming gradient", sample=two_matrices)
def mul_in_place(patch):
    def backward(self, grad):
        to_b = grad * self.a
        grad *= self.b
        return grad, to_b

    patch.setattr(Mul, "backward", backward)


@mutant("add", "the sum is written into the first input", "input 0: was changed by the function", sample=two_matrices)
def add_in_place(patch):
    def forward(self, a, b):
        self.shapes = a.shape, b.shape
        a += b
        return a

    patch.setattr(Add, "forward", forward)


# memory order


@mutant("mul", "takes the numbers as they lie in memory", "depends on memory order", sample=two_matrices)
def mul_as_it_lies(patch):
    def backward(self, grad):
        a, b = (array.ravel(order="K").reshape(array.shape) for array in (self.a, self.b))
        return grad * b, grad * a

    patch.setattr(Mul, "backward", backward)


@mutant("transpose", "reads the incoming gradient as if it had no gaps", "depends on memory order", sample=matrix)
def transpose_no_gaps(patch):
    def backward(self, grad):
        n, m = grad.shape
        return np.lib.stride_tricks.as_strided(grad, (m, n), (grad.itemsize, m * grad.itemsize)).copy()

    patch.setattr(Transpose, "backward", backward)
