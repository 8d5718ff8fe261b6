"""How a backward must behave, whatever its values are. Each rule returns sentences about the arrays that break it."""

from typing import Any

import numpy as np

from minifcn.autodiff.engine import Function
from minifcn.verify.linearity import NOT_LINEAR, additive, proportional, rounding
from minifcn.verify.streams import stream
from minifcn.verify.subject import Subject, gradient_of
from minifcn.verify.walks import WALK, readers

Array = Any


FORWARD_DIFFERS = "not repeatable: two forward runs"
OF_VALUES = ("incoming gradient: it is the same when 0", "a zero incoming gradient", NOT_LINEAR, "a tie is counted")


class Weighted(Function):
    """<a, cotangent of a> + <b, cotangent of b>: two results in one graph."""

    def __init__(self, cotangents: tuple[Array, Array]) -> None:
        self.cotangents = cotangents

    def forward(self, a: Array, b: Array) -> Array:
        return np.zeros(())  # nobody reads the value; only the way back matters

    def backward(self, grad: Array) -> tuple[Array, ...]:
        return tuple(grad * cotangent for cotangent in self.cotangents)


def faults(subject: Subject, cotangent: Array, analytic: list[Array], seed: int) -> list[str]:
    """Every rule in turn, until one is broken: the later ones trust the earlier."""
    with np.errstate(all="ignore"):  # other values than the caller's are tried too
        return first_broken(subject, cotangent, analytic, seed)


def first_broken(subject: Subject, cotangent: Array, analytic: list[Array], seed: int) -> list[str]:
    for rule in RULES:
        said = rule(subject, cotangent, analytic, stream(seed, f"the rule {rule.__name__}"))
        if said:
            return said
    return []


def repeats(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    # once there and back: what is kept from the call before, or from every second one, shows
    first, other, again, last = (
        subject.output_array(arrays) for arrays in (None, *[other_values(subject, rng)] * 2, None)
    )
    if not (np.array_equal(first, last, equal_nan=True) and np.array_equal(other, again, equal_nan=True)):
        return [
            f"{FORWARD_DIFFERS} on the same arrays differ; fix the seed of what is random, and keep nothing between calls"
        ]
    return differing(
        subject, cotangent, analytic, subject.gradients(cotangent), "not repeatable: two backward runs differ"
    )


def uses_incoming(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    said = []
    nothing = subject.gradients(np.zeros_like(cotangent))
    for variable, zero, gradient in zip(subject.variables, nothing, analytic, strict=True):
        if not np.any(zero != 0) or not np.isfinite(gradient).all():
            continue
        if np.array_equal(zero, gradient, equal_nan=True):
            said.append(f"{variable.name}: does not use the incoming gradient: it is the same when 0 comes in")
        else:
            said.append(f"{variable.name}: a zero incoming gradient gives a gradient that is not zero")
    return said


def leaves_alone(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    given = cotangent.copy()
    subject.gradients(given)
    said = []
    for number, (array, copy) in enumerate(zip(subject.arrays, subject.before, strict=True)):
        if not np.array_equal(array, copy, equal_nan=array.dtype.kind == "f"):
            said.append(f"input {number}: was changed by the function; it must leave its inputs alone")
    for name in subject.parameters:
        if not np.array_equal(subject.weight_now(name), subject.weights_before[name]):
            said.append(f"parameter {name}: was changed by the function; it must leave its parameters alone")
    if not np.array_equal(given, cotangent):
        said.append("backward changed the incoming gradient, which other results may share; it must work on a copy")
    return said


def gives_own_arrays(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    """A Function with `fresh = True` can break this, and a walk that takes for its own what is not: else the engine copies."""
    given = cotangent.copy()
    with subject.own_gradients():
        output, tensors = subject.record(subject.arrays)
        promising = [[f for f in readers(output, tensor) if f.fresh] for tensor in tensors]
        if output.requires_grad:
            output.backward(given)
        gradients = [None if tensor.grad is None else gradient_of(tensor) for tensor in tensors]
    held = {"the incoming gradient": given} | {f"input {number}": array for number, array in enumerate(subject.arrays)}
    said = []
    for variable, gradient, functions in zip(subject.variables, gradients, promising, strict=True):
        for name, array in held.items():
            if gradient is not None and np.shares_memory(gradient, array):
                said.append(f"{variable.name}: its gradient lies in the memory of {name}; {who_promised(functions)}")
        held[f"the gradient of {variable.name}"] = np.empty(0) if gradient is None else gradient
    return said


def who_promised(functions: list[Function]) -> str:
    if functions:
        names = " or ".join(dict.fromkeys(type(function).__name__ for function in functions))
        return f"fresh = True promises an array of its own, in {names}"
    return f"{WALK}: nothing here says fresh = True, so a leaf gets a copy"


def keeps_precision(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    """A product with random float64 numbers that float32 can hold exactly, every time, went through float32."""
    said = []
    for variable, gradient in zip(subject.variables, analytic, strict=True):
        size = np.abs(gradient)
        values = gradient[np.isfinite(gradient) & (size > 1e-9 * size.max(initial=0))]
        if values.size < 2 or not np.array_equal(single(values), values):
            continue
        # what is left of terms that cancel has few digits by itself
        if np.any(size > 1e6 * rounding(subject, variable, cotangent)):
            said.append(
                f"{variable.name}: rounded to float32 on the way: {values.size} of its values have no digit more"
            )
    return said


def single(values: Array) -> Array:
    """Rounded to float32's digits, but not to its range."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(mantissa.astype(np.float32).astype(np.float64), exponent)


def any_memory_order(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    for name, inputs, incoming in (
        ("in Fortran order, the incoming gradient with gaps", np.asfortranarray, with_gaps),
        ("with gaps, the incoming gradient with negative strides", with_gaps, backwards),
    ):
        arrays = [inputs(array) if array.ndim else array for array in subject.arrays]
        again = subject.gradients(incoming(cotangent), arrays)
        said = differing(
            subject, cotangent, analytic, again, f"the gradient depends on memory order: with inputs {name}", 1e-9
        )
        if said:
            return said
    return []


def one_number_everywhere(
    subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator
) -> list[str]:
    """What `y.sum()` and `y.mean()` send back: one number in memory, read at every place by strides of 0, and not to be written to."""
    if cotangent.size < 2:
        return []
    value = rng.standard_normal()
    spread = np.full(cotangent.shape, value)
    expected = subject.gradients(spread)
    place = "where the incoming gradient is one number for all places, as that of y.sum() is"
    try:
        again = subject.gradients(np.broadcast_to(np.float64(value), cotangent.shape))
    except (ValueError, TypeError) as error:
        return [f"backward fails {place}: {error}"]
    return differing(
        subject, spread, expected, again, f"the gradient depends on memory order: it is another {place}", 1e-9
    )


def with_gaps(array: Array) -> Array:
    """The same values two apart on every axis, NaN between them where the dtype has it."""
    wide = np.full([2 * n for n in array.shape], np.nan if array.dtype.kind == "f" else 0, array.dtype)
    gaps = (slice(None, None, 2),) * array.ndim
    wide[gaps] = array
    return wide[gaps]


def backwards(array: Array) -> Array:
    """The same values, the first axis closest in memory, with a negative stride on every axis."""
    turned = (slice(None, None, -1),) * array.ndim
    return array[turned].copy(order="F")[turned]


def other_values(subject: Subject, rng: np.random.Generator) -> list[Array]:
    """The same values at other places, a little larger: other masks and maxima. The inputs themselves where fn refuses these."""
    other = [
        1.25 * rng.permutation(array.reshape(-1)).reshape(array.shape) if array.dtype.kind == "f" else array
        for array in subject.before
    ]
    try:
        subject.output_array(other)
    except (ArithmeticError, ValueError):
        return subject.before
    return other


def two_calls(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    """Two calls on different values in one graph: what forward saved, and what backward gave, must belong to its own call."""
    other = other_values(subject, rng)
    finite = np.isfinite(subject.output_array(other))  # other values may be outside of what the function is defined for
    second = np.where(finite, rng.standard_normal(cotangent.shape), 0)
    alone = subject.gradients(second, other)
    with subject.own_gradients():
        a, first_tensors = subject.record(subject.arrays)
        result = a.data.copy()
        b, second_tensors = subject.record(other)
        if not np.array_equal(a.data, result, equal_nan=True):
            return ["two calls disturb each other: the second changed what the first had returned"]
        if a.shape != cotangent.shape or b.shape != cotangent.shape or not (a.requires_grad and b.requires_grad):
            return []
        Weighted((cotangent, second))(a, b).backward()
        count = len(subject.checked)
        got = [gradient_of(tensor) for tensor in first_tensors]
        later = [gradient_of(tensor) for tensor in second_tensors[:count]]
    # an input has a tensor for each call; a parameter's gradient is the sum of both
    expected = analytic[:count] + [x + y for x, y in zip(analytic[count:], alone[count:], strict=True)]
    text = "two calls in one graph disturb each other (state shared between calls, or a gradient that is changed later)"
    first = differing(subject, cotangent, expected, got, text, 1e-9)
    return first or differing(subject, second, alone[:count], later, text, 1e-9)


def differing(
    subject: Subject, cotangent: Array, expected: list[Array], got: list[Array], text: str, rtol: float = 0.0
) -> list[str]:
    """A sentence for each array whose gradients are not equal, bit for bit or, with `rtol`, to rounding."""
    said = []
    for variable, a, b in zip(subject.variables, expected, got, strict=False):

        def beyond(allowed: Any, a: Array = a, b: Array = b) -> Array:
            return ~((a == b) | (np.abs(a - b) <= allowed) | (np.isnan(a) & np.isnan(b)))

        bad = beyond(rtol * np.abs(a).max(initial=0))
        if rtol and bad.any():  # a gradient that is nothing but rounding
            bad &= beyond(rounding(subject, variable, cotangent))
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            said.append(f"{variable.name}: {text}; at {index} {b[index]:.9g} and not {a[index]:.9g}")
    return said


RULES = (
    leaves_alone,
    gives_own_arrays,
    repeats,
    uses_incoming,
    proportional,
    keeps_precision,
    additive,
    any_memory_order,
    one_number_everywhere,
    two_calls,
)
