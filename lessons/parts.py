"""The parts of a network: places that answers to exercises fill, and the operations that are made of them. `check.use()` fills the places."""

from collections.abc import Callable
from contextvars import Context
from typing import Any

import numpy as np

import minifcn as mf
from minifcn import ops
from minifcn.autodiff.walk import children_first, is_leaf, sources_of
from minifcn.nn.initialisers import bilinear

Answer = Callable[..., Any]


# ---- the library's versions, in the form of the exercises ----


def gradients(f: Answer, grad: np.ndarray, *inputs: np.ndarray) -> tuple[Any, ...]:
    """The gradients of (f(*inputs) · grad).sum() by the library. In a context of its own: a no_grad() outside does not reach in."""

    def walked() -> tuple[Any, ...]:
        tensors = [mf.Tensor(each, requires_grad=True) for each in inputs]
        f(*tensors).backward(grad)
        return tuple(tensor.grad for tensor in tensors)

    return Context().run(walked)


def conv2d_taps(x: np.ndarray, weight: np.ndarray, stride: int, padding: int) -> np.ndarray:
    return ops.conv2d(x, weight, None, stride, padding).data


def conv2d_backward(grad: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Any, padding: Any) -> Any:
    bias = np.zeros(len(weight), x.dtype)
    return gradients(lambda x, weight, bias: ops.conv2d(x, weight, bias, stride, padding), grad, x, weight, bias)


def leaky_relu_backward(grad: np.ndarray, x: np.ndarray, slope: float) -> np.ndarray:
    return np.where(x > 0, grad, grad.dtype.type(slope) * grad)


def max_pool2d(x: np.ndarray, kernel: int, stride: int, padding: int, ceil_mode: bool) -> np.ndarray:
    return ops.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode).data


def max_pool2d_backward(grad: np.ndarray, x: np.ndarray, kernel: int, stride: int, padding: int) -> np.ndarray:
    return gradients(lambda x: ops.max_pool2d(x, kernel, stride, padding), grad, x)[0]


def mean_loss(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    def loss(scores: Any) -> mf.Tensor:
        return ops.softmax_cross_entropy(scores, labels)

    return loss(scores).item(), gradients(loss, np.ones((), scores.dtype), scores)[0]


def bilinear_kernel(size: int) -> np.ndarray:
    return bilinear(1, size)[0, 0]


def conv_transpose2d(x: np.ndarray, weight: np.ndarray, stride: int, padding: int) -> np.ndarray:
    return ops.conv_transpose2d(x, weight, None, stride, padding).data


def join(coarse: np.ndarray, finer: np.ndarray, offset: int) -> np.ndarray:
    h, w = (min(a, b - offset) for a, b in zip(coarse.shape[2:], finer.shape[2:], strict=True))
    return coarse[:, :, :h, :w] + finer[:, :, offset : offset + h, offset : offset + w]


def join_backward(grad: np.ndarray, coarse_shape: Any, finer_shape: Any, offset: int) -> Any:
    zeros = (np.zeros(shape, grad.dtype) for shape in (coarse_shape, finer_shape))
    return gradients(lambda coarse, finer: join(coarse, finer, offset), grad, *zeros)


def order_of_visits(result: Any, sources: Any) -> list[Any]:
    return list(children_first(result))


LIBRARY: dict[str, Answer] = {
    each.__name__: each
    for each in (
        order_of_visits, conv2d_taps, conv2d_backward, leaky_relu_backward, max_pool2d, max_pool2d_backward, mean_loss, bilinear_kernel,
        conv_transpose2d, join, join_backward,
    )
}  # fmt: skip


# ---- the parts as operations that a graph can be made of ----


class Part(mf.Function):
    """A Function that calls what fills its places: `self.of[name]`."""

    def __init__(self, of: dict[str, Answer], **options: Any) -> None:
        self.of, self.options = of, options

    def keep(self, *arrays: np.ndarray) -> None:
        self.arrays = arrays

    def call(self, name: str, first: np.ndarray, *more: Any) -> np.ndarray:
        """What fills the place `name`, its result in the number type of its first argument."""
        return np.asarray(self.of[name](first, *more), first.dtype)


class Conv(Part):
    def forward(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        self.keep(x, weight)
        return self.call("conv2d_taps", x, weight, 1, self.options["padding"]) + bias[:, None, None]

    def backward(self, grad: np.ndarray) -> tuple[np.ndarray, ...]:
        around = self.options["padding"]
        found = self.of["conv2d_backward"](grad, *self.arrays, (1, 1), (around, around))
        return tuple(np.asarray(each, grad.dtype) for each in found)


class Relu(Part):
    def forward(self, x: np.ndarray) -> np.ndarray:
        self.keep(x)
        return np.maximum(x, 0)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return self.call("leaky_relu_backward", grad, *self.arrays, 0.0)


class Pool(Part):
    """2x2, rounding up. An odd row or column at the end gets a neighbour that never wins, since the exercise's backward knows no rounding up."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.size = x.shape[2:]
        odd = [(0, length % 2) for length in self.size]
        self.keep(np.pad(x, ((0, 0), (0, 0), *odd), constant_values=x.min() - 1))
        return self.call("max_pool2d", *self.arrays, 2, 2, 0, False)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        h, w = self.size
        return self.call("max_pool2d_backward", grad, *self.arrays, 2, 2, 0)[:, :, :h, :w]


class Upsample(Part):
    """Tents, by a factor. The gradient of a transposed convolution is the convolution (lesson 10)."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        factor, classes = self.options["factor"], x.shape[1]
        tent = np.asarray(self.of["bilinear_kernel"](2 * factor), x.dtype)
        self.keep(np.eye(classes, dtype=x.dtype)[:, :, None, None] * tent)  # a channel paints into its own
        return self.call("conv_transpose2d", x, *self.arrays, factor, factor // 2)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        factor = self.options["factor"]
        return self.call("conv2d_taps", grad, *self.arrays, factor, factor // 2)


class Join(Part):
    def forward(self, coarse: np.ndarray, finer: np.ndarray) -> np.ndarray:
        self.shapes = coarse.shape, finer.shape
        return self.call("join", coarse, finer, self.options["offset"])

    def backward(self, grad: np.ndarray) -> tuple[np.ndarray, ...]:
        back = self.of["join_backward"](grad, *self.shapes, self.options["offset"])
        return tuple(np.asarray(each, grad.dtype) for each in back)


class Loss(Part):
    def forward(self, scores: np.ndarray) -> np.ndarray:
        loss, gradient = self.of["mean_loss"](scores, self.options["labels"])
        self.keep(np.asarray(gradient, scores.dtype))
        return np.asarray(loss, scores.dtype)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return grad * self.arrays[0]


class Parts:
    """What a network is made of: six operations on Tensors. `whose`: exercise -> "yours", "solutions/" or "the library's"."""

    def __init__(self, of: dict[str, Answer], whose: dict[str, str]) -> None:
        self.of, self.whose = of, whose

    def conv2d(self, x: Any, weight: Any, bias: Any, padding: int = 0) -> mf.Tensor:
        """x (N, C, H, W), weight (O, C, KH, KW), bias (O,); stride 1."""
        return Conv(self.of, padding=padding)(x, weight, bias)

    def relu(self, x: Any) -> mf.Tensor:
        return Relu(self.of)(x)

    def max_pool2d(self, x: Any) -> mf.Tensor:
        """2x2, stride 2, rounding up."""
        return Pool(self.of)(x)

    def upsample(self, x: Any, factor: int) -> mf.Tensor:
        """Bilinear, by an even factor: (N, C, h, w) -> (N, C, factor·h, factor·w)."""
        return Upsample(self.of, factor=factor)(x)

    def join(self, coarse: Any, finer: Any, offset: int = 0) -> mf.Tensor:
        """The sum where they overlap."""
        return Join(self.of, offset=offset)(coarse, finer)

    def mean_loss(self, scores: Any, labels: np.ndarray) -> mf.Tensor:
        """Softmax cross-entropy, its mean over the pixels that are not 255."""
        return Loss(self.of, labels=np.asarray(labels))(scores)

    def backward(self, loss: mf.Tensor) -> None:
        """The way back, node by node in the order of visits, to `.grad` of every leaf. Instead of loss.backward()."""
        pending = {loss.creator: np.ones_like(loss.data)}
        for node in self.of["order_of_visits"](loss.creator, sources_of):
            grad = pending.pop(node, None)
            if grad is None:
                continue
            if is_leaf(node):
                node.grad = grad if node.grad is None else node.grad + grad
                continue
            for source, part in node.input_gradients(grad):
                pending[source] = pending[source] + part if source in pending else part
            node.release()

    def __repr__(self) -> str:
        return "\n".join(f"{name:20} {whose}" for name, whose in self.whose.items())
