"""The way back: from a result to the leaves, every tensor after all the tensors it went into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minifcn import backend

if TYPE_CHECKING:
    from minifcn.autodiff.engine import Array, Tensor


def walk_back(root: Tensor, grad: Any) -> None:
    """`Tensor.backward`: carry `grad` from `root` to every leaf below it that requires a gradient."""
    if not root.requires_grad:
        raise ValueError("backward: no input of this result requires a gradient, or it was made inside no_grad()")
    start = starting_gradient(root, grad)
    order = list(children_first(root))[::-1]  # the whole graph is looked at before any of it is used up
    pending = {root: start}  # gradients on their way; each leaves as soon as it is used
    ours = set()  # the tensors whose pending gradient nobody else holds
    arrived = []
    while order:
        tensor = order.pop()  # nothing else holds a tensor that was passed: its array goes as the walk goes
        gradient = pending.pop(tensor, None)
        if gradient is not None:
            if tensor.creator is None or tensor._retain:
                arrived.append((tensor, gradient, tensor.creator is None and tensor in ours))
            if tensor.creator is not None:
                for parent, part in tensor.creator.input_gradients(gradient):
                    if parent in pending or tensor.creator.fresh:
                        ours.add(parent)
                    pending[parent] = added(pending[parent], part) if parent in pending else part
        if tensor.creator is not None:
            tensor.creator.release()
    store_gradients(arrived)


def starting_gradient(tensor: Tensor, grad: Any) -> Array:
    xp = backend.array_module(tensor.data)
    if grad is None:
        if tensor.size != 1:
            raise ValueError(
                f"backward: a result of shape {tensor.shape} needs a gradient of that shape, as in backward(grad); "
                "only a result with one element starts from 1"
            )
        return xp.ones_like(tensor.data)
    if backend.is_array(grad) and backend.device_of(grad) != tensor.device:
        raise ValueError(f"backward: the gradient is on {backend.device_of(grad)}, the result on {tensor.device}")
    grad = xp.asarray(grad, dtype=tensor.dtype)
    if grad.shape != tensor.shape:
        raise ValueError(
            f"backward: the gradient has shape {grad.shape}, the result {tensor.shape}; they must be equal"
        )
    return grad


def children_first(root: Tensor) -> Iterator[Tensor]:
    """Yield every tensor below `root` after all tensors it went into. No recursion, no sorting: count, then count down."""
    children: Counter[Tensor] = Counter()
    stack = [root]
    while stack:
        for parent in parents_of(stack.pop()):
            if parent not in children:
                stack.append(parent)
            children[parent] += 1
    ready = [root]
    while ready:
        tensor = ready.pop()
        yield tensor
        for parent in parents_of(tensor):
            children[parent] -= 1
            if not children[parent]:
                ready.append(parent)


def parents_of(tensor: Tensor) -> list[Tensor]:
    if tensor.creator is None:
        return []
    if tensor.creator.inputs is None:
        raise RuntimeError(
            f"backward: this graph was walked before (at {type(tensor.creator).__name__}) and what it saved is gone; "
            "run the forward again, or add the losses and call backward once"
        )
    return [parent for parent in tensor.creator.inputs if parent.requires_grad]


def added(a: Array, b: Array) -> Array:
    return backend.array_module(a).asarray(a + b)  # a sum of two 0-d arrays is a scalar, no array


def store_gradients(arrived: list[tuple[Tensor, Array, bool]]) -> None:
    """Add what arrived to each `.grad`. Done last, so that an error on the way leaves every `.grad` as it was."""
    while arrived:
        tensor, gradient, ours = arrived.pop()
        if tensor.grad is not None:
            tensor.grad = added(tensor.grad, gradient)
        else:
            # else a copy: it may be another tensor's gradient too, a view, the caller's own, or one that a Function keeps
            tensor.grad = gradient if ours else gradient.copy(order="K")
