"""The way back: from a result to the leaves. A node of the graph is a leaf, or a Function, which stands for the one result it made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minifcn import backend
from minifcn.autodiff import changes, late
from minifcn.autodiff.foreign import plain
from minifcn.kernels.later import Later
from minifcn.kernels.order import in_order

if TYPE_CHECKING:
    from minifcn.autodiff.engine import Array, Tensor

Node = Any  # a leaf Tensor, or a Function


def walk_back(root: Tensor, grad: Any) -> None:
    """`Tensor.backward`: carry `grad` from `root` to every leaf below it that requires a gradient."""
    if not root.requires_grad:
        raise ValueError("backward: no input of this result requires a gradient, or it was made inside no_grad()")
    start = starting_gradient(root, grad)
    first: Node = root.creator or root
    order = list(children_first(first))[::-1]  # the whole graph is looked at before any of it is used up
    for node in order:
        if not is_leaf(node):
            changes.check(node)
    with late.allowed():
        arrived = carried_back(first, start, order)
        # the newest is the likeliest that nobody has begun with; and all of them before any is stored
        complete = [(leaf, late.now(gradient), ours) for leaf, gradient, ours in reversed(arrived)]
    for leaf, gradient, _ in complete:
        changes.check_place(leaf, gradient)
    store_gradients(complete[::-1])


def carried_back(first: Node, start: Array, order: list[Node]) -> list[tuple[Tensor, Array | Later, bool]]:
    """Use up `order`, the nodes from the last to the first, and give (leaf, gradient, whether nobody else holds that array) for all that arrived."""
    pending: dict[Node, Array | Later] = {first: start}  # gradients on their way; each leaves as soon as it is used
    ours = set()  # the nodes whose pending gradient nobody else holds
    arrived: list[tuple[Tensor, Array | Later, bool]] = []
    while order:
        node = order.pop()
        gradient = pending.pop(node, None)
        if is_leaf(node):
            if gradient is not None:
                arrived.append((node, gradient, node in ours))
            continue
        if gradient is not None:
            if node.retained is not None:
                arrived.append((node.retained, gradient, False))
            changes.check_kept(node)  # the backward of one that came before may have written to it
            for source, part in node.input_gradients(gradient):
                if source in pending or node.fresh:
                    ours.add(source)
                if source in pending:
                    part = added(late.now(pending[source]), late.now(part))
                pending[source] = part if is_leaf(source) else late.now(part)
        node.release()
    return arrived


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
    grad = xp.asarray(plain("backward", grad, "the gradient"), dtype=tensor.dtype)
    if grad.shape != tensor.shape:
        raise ValueError(
            f"backward: the gradient has shape {grad.shape}, the result {tensor.shape}; they must be equal"
        )
    return grad


def is_leaf(node: Node) -> bool:
    return hasattr(node, "retain_grad")


def children_first(root: Node) -> Iterator[Node]:
    """Yield every node below `root` after all nodes that it went into. No recursion, no sorting: count, then count down."""
    children: Counter[Node] = Counter()
    sources: dict[Node, list[Node]] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        sources[node] = sources_of(node)
        for source in sources[node]:
            if source not in children:
                stack.append(source)
            children[source] += 1
    ready = [root]
    while ready:
        node = ready.pop()
        yield node
        for source in sources[node]:
            children[source] -= 1
            if not children[source]:
                ready.append(source)


def sources_of(node: Node) -> list[Node]:
    if is_leaf(node):
        return []
    if node.inputs is None:
        raise RuntimeError(
            f"backward: this graph was walked before (at {type(node).__name__}) and what it saved is gone; "
            "run the forward again, or add the losses and call backward once"
        )
    return [given.source for given in node.inputs if given.source is not None]


def added(a: Array, b: Array) -> Array:
    return backend.array_module(a).asarray(in_order(lambda x, y: x + y, a, b))  # 0-d arrays add up to a scalar


def store_gradients(arrived: list[tuple[Tensor, Array, bool]]) -> None:
    """Add what arrived to each `.grad`. Done last, so that an error on the way leaves every `.grad` as it was."""
    while arrived:
        tensor, gradient, ours = arrived.pop()
        if tensor.requires_grad and tensor.grad is not None:
            tensor.grad = added(tensor.grad, gradient)
        elif tensor.requires_grad:  # it may have been frozen after the forward
            # else a copy: it may be another tensor's gradient too, a view, the caller's own, or one that a Function keeps
            tensor.grad = gradient if ours else gradient.copy(order="K")
