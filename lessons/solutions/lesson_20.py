"""Answers to the exercises of lesson 20."""

import atexit
import shutil
import tempfile
from pathlib import Path

import numpy as np


def strides_of(shape, order):
    lengths = dict(zip("NCHW", shape, strict=True))
    strides, step = {}, 1
    for letter in reversed(order):  # the last one runs fastest
        strides[letter] = step
        step *= lengths[letter]
    return [strides[letter] for letter in "NCHW"]


def tiled_convolution(x, weight, rows, stride):
    kh, kw, c, o = weight.shape
    oh, ow = (x.shape[0] - kh) // stride + 1, (x.shape[1] - kw) // stride + 1
    y = np.empty((oh, ow, o), x.dtype)
    windows = np.empty((min(rows, oh), ow, kh, kw, c), x.dtype)  # one tile, written over and over
    matrix = weight.reshape(kh * kw * c, o)
    for top in range(0, oh, rows):
        now = min(rows, oh - top)  # the last tile may be shorter
        for i in range(kh):
            for j in range(kw):  # what tap (i, j) sees, from the tile's first row on
                seen = x[top * stride + i :: stride, j::stride]
                windows[:now, :, i, j] = seen[:now, :ow]
        y[top : top + now] = (windows[:now].reshape(now * ow, kh * kw * c) @ matrix).reshape(now, ow, o)
    return y


def winograd_matrices(m, r):
    n = m + r - 1
    points = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0][: n - 1]

    def evaluate(count):
        powers = np.array([[p**k for k in range(count)] for p in points]).reshape(n - 1, count)
        return np.vstack([powers, np.eye(count)[-1:]])  # the last row: the point infinity

    # painting is back · diag(G g) · E; sliding is its transpose
    return evaluate(m).T, evaluate(r), np.linalg.inv(evaluate(n)).T


# ---- an operation of one's own: what goes into the clone, by the recipe ----

OPERATION = '''"""The softsign, a cheap cousin of the tanh."""

from minifcn import backend
from minifcn.autodiff.engine import Array, Function, Tensor, TensorLike
from minifcn.ops import checks, samples
from minifcn.ops.registry import operation


class Softsign(Function):
    """x / (1 + |x|)."""

    fresh = True

    def forward(self, x: Array) -> Array:
        self.share = 1 / (1 + backend.array_module(x).abs(x))  # in (0, 1]: its square cannot overflow, (1 + |x|)² can
        return x * self.share

    def backward(self, grad: Array) -> Array:
        return grad * (self.share * self.share)  # by the rule for quotients 1 / (1 + |x|)², on both sides of 0


@operation(samples.one)
def softsign(x: TensorLike) -> Tensor:
    """x / (1 + |x|), elementwise: from -1 to 1. Its slope is 1 / (1 + |x|)², at 0 it is 1, as in PyTorch, TensorFlow and JAX."""
    return Softsign()(checks.as_tensor("softsign", x))
'''
MUTANTS = '''"""Wrong softsigns."""

from minifcn.ops.elementwise.softsign import Softsign

from .plant import mutant


@mutant("softsign", "the share and not its square")
def softsign_not_squared(patch):
    patch.setattr(Softsign, "backward", lambda self, grad: grad * self.share)


@mutant("softsign", "ignores the incoming gradient", "does not use the incoming gradient")
def softsign_ignores_incoming(patch):
    patch.setattr(Softsign, "backward", lambda self, grad: self.share * self.share)
'''
NEW = {"minifcn/ops/elementwise/softsign.py": OPERATION, "tests/mutants/softsign.py": MUTANTS}
# file that is there -> (a line of it, what stands after it then)
AFTER = {
    "minifcn/ops/__init__.py": [
        (
            "from minifcn.ops.elementwise.powers import exp, log, pow, sqrt\n",
            "from minifcn.ops.elementwise.softsign import softsign\n",
        ),
        ('    "softmax_cross_entropy",\n', '    "softsign",\n'),
    ],
    "tests/oracles.py": [
        (
            '    "softmax_cross_entropy": softmax_cross_entropy,\n',
            '    "softsign": elementwise(lambda x: x / (1 + math.fabs(x))),\n',
        )
    ],
    "tests/twins.py": [
        ('    "softmax_cross_entropy": softmax_cross_entropy,\n', '    "softsign": lambda x: F.softsign(x),\n')
    ],
}


def clone_with(new, after, parts=("minifcn", "tests")):
    """A copy of this clone with the new files, and the new lines in those that are there. It goes when Python does."""
    here, copy = Path(__file__).resolve().parents[2], Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for part in parts:
        shutil.copytree(here / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "CHANGELOG.md"):
        shutil.copy(here / name, copy / name)
    for name, text in new.items():
        (copy / name).write_text(text, encoding="utf-8")
    for name, places in after.items():
        file = copy / name
        text = file.read_text(encoding="utf-8")
        for line, added in places:
            if text.count(line) != 1:
                raise ValueError(f"{name} has no line {line!r}, or several; look where the new one belongs today")
            text = text.replace(line, line + added)
        file.write_text(text, encoding="utf-8")
    return copy


def added_operation():
    """In your own clone you write all this into its files, and give its folder."""
    return clone_with(NEW, AFTER)


SOLUTIONS = {
    "strides_of": strides_of,
    "tiled_convolution": tiled_convolution,
    "winograd_matrices": winograd_matrices,
    "added_operation": added_operation,
}
