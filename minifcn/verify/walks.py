"""Is it an operation that is wrong, or the walk that carries its gradients? The same graph, walked a second time in the plainest way.

`autodiff/walk.py` counts, owns and releases. Here nothing is counted: a node is asked once everything above it was asked, each
Function's own `backward` runs on copies, and what arrives is added up. Where both walks differ no operation is to blame.
"""

from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Function, Tensor
from minifcn.verify.linearity import rounding
from minifcn.verify.subject import Subject

Array = Any
Node = Any  # a leaf Tensor, or a Function


class Circle(Exception):
    """A node that is read by itself, at some remove."""


WALK = "the walk in minifcn/autodiff/walk.py is wrong, and no operation"


def faults_of_the_walk(subject: Subject, cotangent: Array) -> list[str]:
    """A sentence for each array whose gradient the walk carried wrong. Asked only where something is wrong already."""
    try:
        plain, again = plain_gradients(subject, cotangent), plain_gradients(subject, cotangent)
        walked = subject.gradients(cotangent.copy())
    except Circle as circle:
        return [str(circle)]
    except Exception:  # whatever is broken has been told; a second telling from here would only hide it
        return []
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(plain, again, strict=True)):
        return []  # an operation that does not repeat
    said = []
    for variable, a, b in zip(subject.variables, plain, walked, strict=True):
        with np.errstate(all="ignore"):
            bad = ~((np.abs(a - b) <= 1e-9 * np.abs(a).max(initial=0)) | (a == b) | (np.isnan(a) & np.isnan(b)))
            only_rounding = bool(np.all(np.abs(a - b) <= rounding(subject, variable, cotangent)))
        if bad.any() and not only_rounding:
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            said.append(
                f"{variable.name}: {WALK}: each Function's own backward, added up one by one, gives {a[index]:.9g} "
                f"and not {b[index]:.9g} at {index}"
            )
    return said


def plain_gradients(subject: Subject, cotangent: Array) -> list[Array]:
    with subject.own_gradients():
        output, tensors = subject.record(subject.arrays)
        arrived: dict[int, Array] = {}
        if output.requires_grad:
            first = output.creator or output
            arrived[id(first)] = cotangent.copy()
            for node in in_order(first):
                if isinstance(node, Tensor) or id(node) not in arrived:
                    continue
                for source, part in parts_of(node, arrived[id(node)]):
                    before = arrived.get(id(source))
                    arrived[id(source)] = part if before is None else before + part
        gradients = [arrived.get(id(tensor)) for tensor in tensors]
    return [
        np.zeros(tensor.shape)
        if gradient is None
        else np.array(backend.to_device(backend.module_of(tensor.device).asarray(gradient), "cpu"))
        for tensor, gradient in zip(tensors, gradients, strict=True)
    ]


def parts_of(function: Function, grad: Array) -> list[tuple[Node, Array]]:
    """(source, gradient) of each input that wants one, each gradient a copy of its own."""
    gradients = function.backward(backend.array_module(grad).array(grad))
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    assert function.inputs is not None
    return [
        (given.source, backend.module_of(given.device).array(gradient, dtype=given.dtype))
        for given, gradient in zip(function.inputs, gradients, strict=True)
        if given.source is not None and gradient is not None
    ]


def in_order(root: Node) -> list[Node]:
    """Every node after all that its result went into: depth first, and turned round."""
    done: list[Node] = []
    seen: set[int] = set()
    open_nodes: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            open_nodes.discard(id(node))
            done.append(node)
        elif id(node) in open_nodes:
            raise Circle(
                f"the graph runs in a circle at {type(node).__name__}: one Function stands for two calls, where the engine makes a "
                "copy for the second (Function.__call__ in minifcn/autodiff/engine.py)"
            )
        elif id(node) not in seen:
            seen.add(id(node))
            open_nodes.add(id(node))
            stack.append((node, True))
            if not isinstance(node, Tensor):
                stack += [(given.source, False) for given in node.inputs or () if given.source is not None]
    return done[::-1]


def readers(output: Tensor, leaf: Tensor) -> list[Function]:
    """The Functions that read a leaf: what its gradient comes from."""
    found: dict[int, Function] = {}
    stack: list[Node] = [output.creator or output]
    while stack:
        node = stack.pop()
        if not isinstance(node, Tensor) and id(node) not in found:
            found[id(node)] = node
            stack += [given.source for given in node.inputs or () if given.source is not None]
    return [node for node in found.values() if any(given.source is leaf for given in node.inputs or ())]
