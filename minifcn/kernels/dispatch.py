"""The kernels as the operations call them: one function a kernel. Each says what goes in and out, and its body calls the simple one.

Where "fast" is chosen, which is the default, `fast_first` looks into `choice.KERNELS` before that body runs: the fast kernels of this name are
listed there in order, and the first one that suits the arguments runs instead. Each is tested against the simple one.
"""

import os
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

from minifcn.backend import Array
from minifcn.kernels import choice, simple
from minifcn.kernels.windows import Pair, Window
from minifcn.scopes import Scope

P = ParamSpec("P")
R = TypeVar("R")

CHOICES = ("simple", "fast")


def _checked(choice: str, source: str) -> str:
    if choice not in CHOICES:
        raise ValueError(f"{source}: unknown kernels {choice!r}; choose one of {', '.join(CHOICES)}")
    return choice


DEFAULT = _checked(os.environ.get("MINIFCN_KERNELS", "fast"), "the environment variable MINIFCN_KERNELS")
_choices: ContextVar[tuple[Scope[str], ...]] = ContextVar("kernels", default=())


def use(choice: str) -> Scope[str]:
    """Inside `with minifcn.kernels.use("simple"):` (or "fast") every operation runs on those kernels; `@use("simple")` does so for a function.

    It holds for this thread or asyncio task. A thread started inside runs the default kernels, unless it is given what holds here:
    `Thread(target=contextvars.copy_context().run, args=(function,))`. A `with` in a generator holds for its caller too while it waits at a
    `yield`; decorated, the generator keeps it to itself. A `backward` runs on the kernels that are chosen where it is called.
    """
    return Scope("kernels.use", _choices, _checked(choice, "kernels.use"))


def chosen() -> str:
    """ "simple" or "fast": which kernels run here."""
    choices = _choices.get()
    return choices[-1].value if choices else DEFAULT


def fast_first(simple_kernel: Callable[P, R]) -> Callable[P, R]:
    """The kernel, preceded by its fast ones: those under its name in `choice.KERNELS`. Arguments are given by position."""
    name = simple_kernel.__name__

    @wraps(simple_kernel)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        if chosen() == "fast":
            for kernel in choice.KERNELS.get(name, ()):
                if kernel.suits(*arguments):
                    return kernel.run(*arguments)
        return simple_kernel(*arguments, **named)

    return run


@fast_first
def conv2d(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), weight (O, C/G, KH, KW) -> (N, O, OH, OW)."""
    return simple.conv2d(x, weight, window, groups)


@fast_first
def conv2d_input_gradient(grad: Array, weight: Array, window: Window, groups: int, shape: tuple[int, ...]) -> Array:
    """grad (N, O, OH, OW), weight (O, C/G, KH, KW) -> `shape` (N, C, H, W). Transposed convolution calls this as its forward."""
    return simple.conv2d_input_gradient(grad, weight, window, groups, shape)


@fast_first
def conv2d_weight_gradient(x: Array, grad: Array, window: Window, groups: int) -> Array:
    """x (N, C, H, W), grad (N, O, OH, OW) -> (O, C/G, KH, KW)."""
    return simple.conv2d_weight_gradient(x, grad, window, groups)


@fast_first
def add_bias(y: Array, bias: Array) -> Array:
    """y (N, O, OH, OW) plus bias (O,); y itself may be changed."""
    return simple.add_bias(y, bias)


@fast_first
def biased_conv2d(x: Array, weight: Array, bias: Array, window: Window, groups: int) -> Array:
    """`conv2d` plus bias (O,): one after the other, where no kernel does both at once."""
    return add_bias(conv2d(x, weight, window, groups), bias)


@fast_first
def bias_gradient(grad: Array) -> Array:
    """The sum over pictures and pixels, (N, O, OH, OW) -> (O,)."""
    return simple.bias_gradient(grad)


@fast_first
def relu(x: Array) -> Array:
    """max(x, 0), of any shape."""
    return simple.relu(x)


@fast_first
def relu_gradient(y: Array, grad: Array) -> Array:
    """grad where the result y was above 0, else 0."""
    return simple.relu_gradient(y, grad)


@fast_first
def max_pool2d(x: Array, window: Window, size: Pair) -> tuple[Array, Array]:
    """x (N, C, H, W) -> maxima (N, C, OH, OW), and the place of each in its picture."""
    return simple.max_pool2d(x, window, size)


@fast_first
def max_pool2d_values(x: Array, window: Window, size: Pair) -> Array:
    """The maxima alone: nobody will ask where they were."""
    return simple.max_pool2d_values(x, window, size)


@fast_first
def max_pool2d_gradient(grad: Array, place: Array, window: Window, shape: tuple[int, ...]) -> Array:
    """grad and place (N, C, OH, OW) -> `shape` (N, C, H, W): each gradient goes to the pixel that won."""
    return simple.max_pool2d_gradient(grad, place, window, shape)


@fast_first
def avg_pool2d(x: Array, window: Window, size: Pair, count_include_pad: bool) -> Array:
    """x (N, C, H, W) -> means (N, C, OH, OW)."""
    return simple.avg_pool2d(x, window, size, count_include_pad)


@fast_first
def avg_pool2d_gradient(
    grad: Array, window: Window, size: Pair, count_include_pad: bool, shape: tuple[int, ...]
) -> Array:
    """grad (N, C, OH, OW) -> `shape` (N, C, H, W): each pixel of a window gets the same share."""
    return simple.avg_pool2d_gradient(grad, window, size, count_include_pad, shape)


@fast_first
def softmax_cross_entropy(scores: Array, labels: Array, valid: Array) -> tuple[Array, Array]:
    """scores (N, C, P), labels and valid (N, P) -> losses (N, P), 0 where not valid, and softmax (N, C, P)."""
    return simple.softmax_cross_entropy(scores, labels, valid)


@fast_first
def softmax_cross_entropy_gradient(softmax: Array, labels: Array, valid: Array, factor: Array) -> Array:
    """softmax (N, C, P), labels, valid and factor (N, P) -> (N, C, P)."""
    return simple.softmax_cross_entropy_gradient(softmax, labels, valid, factor)


@fast_first
def channel_sums(x: Array, below: int, above: int) -> Array:
    """(N, C, H, W) -> the same shape: each channel's sum with `below` channels before it and `above` after it."""
    return simple.channel_sums(x, below, above)


@fast_first
def kept(generator: "np.random.Generator", shape: tuple[int, ...], p: float, device: str) -> Array:
    """Which elements dropout keeps: bool of `shape`, each True with probability 1 - p."""
    return simple.kept(generator, shape, p, device)
