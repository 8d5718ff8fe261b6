"""How a backward must behave, whatever its values are. Each rule returns sentences about the arrays that break it."""

from typing import Any

import numpy as np

from minifcn.autodiff.engine import Function
from minifcn.verify.subject import Subject

Array = Any


class Weighted(Function):
    """<a, cotangent of a> + <b, cotangent of b>: two results in one graph."""

    def __init__(self, cotangents: tuple[Array, Array]) -> None:
        self.cotangents = cotangents

    def forward(self, a: Array, b: Array) -> Array:
        return np.asarray((a * self.cotangents[0]).sum() + (b * self.cotangents[1]).sum())

    def backward(self, grad: Array) -> tuple[Array, ...]:
        return tuple(grad * cotangent for cotangent in self.cotangents)


def faults(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    """Every rule in turn, until one is broken: the later ones trust the earlier."""
    for rule in (leaves_alone, repeats, uses_incoming, any_memory_order, two_calls):
        said = rule(subject, cotangent, analytic, rng)
        if said:
            return said
    return []


def repeats(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    if not np.array_equal(subject.output_array(), subject.output_array(), equal_nan=True):
        return ["not repeatable: two forward runs on the same arrays differ; fix the seed of what is random"]
    return differing(subject, analytic, subject.gradients(cotangent), "not repeatable: two backward runs differ")


def uses_incoming(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    said = []
    nothing = subject.gradients(np.zeros_like(cotangent))
    for variable, zero, gradient in zip(subject.variables, nothing, analytic, strict=True):
        if not np.any(zero != 0):
            continue
        if np.array_equal(zero, gradient, equal_nan=True):
            said.append(f"{variable.name}: does not use the incoming gradient: it is the same when 0 comes in")
        else:
            said.append(f"{variable.name}: a zero incoming gradient gives a gradient that is not zero")
    return said


def leaves_alone(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    before = [array.copy() for array in subject.arrays]
    weights = [tensor.data.copy() for tensor in subject.parameters.values()]
    given = cotangent.copy()
    subject.gradients(given)
    said = [
        f"input {number} was changed by the function; it must leave its inputs alone"
        for number, (array, copy) in enumerate(zip(subject.arrays, before, strict=True))
        if not np.array_equal(array, copy, equal_nan=array.dtype.kind == "f")
    ]
    said += [
        f"parameter {name} was changed by the function; it must leave its parameters alone"
        for (name, tensor), copy in zip(subject.parameters.items(), weights, strict=True)
        if not np.array_equal(tensor.data, copy)
    ]
    if not np.array_equal(given, cotangent):
        said.append("backward changed the incoming gradient, which other results may share; it must work on a copy")
    return said


def any_memory_order(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    for name, inputs, incoming in (
        ("in Fortran order, the incoming gradient with gaps", np.asfortranarray, with_gaps),
        ("with gaps, the incoming gradient with negative strides", with_gaps, backwards),
    ):
        arrays = [inputs(array) if array.ndim else array for array in subject.arrays]
        again = subject.gradients(incoming(cotangent), arrays)
        said = differing(subject, analytic, again, f"the gradient depends on memory order: with inputs {name}", 1e-9)
        if said:
            return said
    return []


def with_gaps(array: Array) -> Array:
    """The same values two apart on every axis, NaN between them where the dtype has it."""
    wide = np.full([2 * n for n in array.shape], np.nan if array.dtype.kind == "f" else 0, array.dtype)
    gaps = (slice(None, None, 2),) * array.ndim
    wide[gaps] = array
    return wide[gaps]


def backwards(array: Array) -> Array:
    """The same values with a negative stride on every axis."""
    turned = (slice(None, None, -1),) * array.ndim
    return array[turned].copy()[turned]


def two_calls(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    """Two calls on different values in one graph: what forward saved, and what backward gave, must belong to its own call."""
    other = [1.25 * array if array.dtype.kind == "f" else array for array in subject.arrays]
    second = rng.standard_normal(cotangent.shape)
    alone = subject.gradients(second, other)
    with subject.own_gradients():
        a, first_tensors = subject.record(subject.arrays)
        b, second_tensors = subject.record(other)
        if a.shape != cotangent.shape or b.shape != cotangent.shape or not (a.requires_grad and b.requires_grad):
            return []
        finite = np.isfinite(a.data) & np.isfinite(b.data)  # -inf·0 would be NaN, and nothing flows there
        Weighted((np.where(finite, cotangent, 0), np.where(finite, second, 0)))(a, b).backward()
        count = len(subject.checked)
        got = [t.grad if t.grad is not None else np.zeros(t.shape) for t in first_tensors]
        later = [t.grad if t.grad is not None else np.zeros(t.shape) for t in second_tensors[:count]]
    # an input has a tensor for each call; a parameter's gradient is the sum of both
    expected = analytic[:count] + [x + y for x, y in zip(analytic[count:], alone[count:], strict=True)]
    text = "two calls in one graph disturb each other (state shared between calls, or a gradient that is changed later)"
    return differing(subject, expected, got, text, 1e-9) or differing(subject, alone[:count], later, text, 1e-9)


def differing(subject: Subject, expected: list[Array], got: list[Array], text: str, rtol: float = 0.0) -> list[str]:
    """A sentence for each array whose gradients are not equal, bit for bit or to rounding."""
    said = []
    for variable, a, b in zip(subject.variables, expected, got, strict=False):
        allowed = rtol * np.abs(a).max(initial=0)
        bad = ~((a == b) | (np.abs(a - b) <= allowed) | (np.isnan(a) & np.isnan(b)))
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            said.append(f"{variable.name}: {text}; at {index} {b[index]:.9g} and not {a[index]:.9g}")
    return said
