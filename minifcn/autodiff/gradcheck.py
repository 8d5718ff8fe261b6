"""Is a gradient right? Compare it with finite differences, element by element; or, for a linear map, use no step at all.

The numeric side perturbs one element at a time and differences in float64. Both sides are weighted by one random cotangent: with
all ones a softmax backward that returns zeros would pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minifcn.autodiff.engine import Tensor

Array = Any
EPSILON = float(np.finfo(np.float64).eps)


class GradcheckError(AssertionError):
    """The gradient is wrong, or cannot be checked; the message says where and by how much."""


@dataclass
class InputReport:
    """What was found for one input: the element whose error is the largest fraction of what is tolerated there.

    `relative_error` is that element's error over the largest gradient of the input.
    """

    index: tuple[int, ...]
    analytic: float
    numeric: float
    relative_error: float
    tolerance: float
    wrong: int
    elements: int


@dataclass
class Report:
    """The result of `gradcheck`. `worst` is the largest relative error over all inputs."""

    step: float
    inputs: dict[int, InputReport] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not any(found.wrong for found in self.inputs.values())

    @property
    def worst(self) -> float:
        return max((found.relative_error for found in self.inputs.values()), default=0.0)

    @property
    def elements(self) -> int:
        return sum(found.elements for found in self.inputs.values())

    def __str__(self) -> str:
        lines = [f"gradcheck: step {self.step:g}, {self.elements} elements, {'all right' if self.ok else 'WRONG'}"]
        for number, found in self.inputs.items():
            lines.append(
                f"  input {number}: {found.wrong} of {found.elements} elements wrong; worst at {found.index}: analytic {found.analytic:.9g}, "
                f"numeric {found.numeric:.9g}, relative error {found.relative_error:.2g}, tolerance {found.tolerance:.2g}"
            )
        return "\n".join(lines)


def gradcheck(
    fn: Callable[..., Tensor],
    inputs: Any,
    *,
    step: float = 1e-5,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    seed: int = 0,
) -> Report:
    """Compare the gradients of `fn(*tensors) -> Tensor` with central differences at every element of every input.

    `inputs`: one float64 array or Tensor, or a sequence of them. Tensors that require no gradient are held fixed if another one
    does require one. Raises GradcheckError that names the input, the index and both values; returns a `Report` otherwise.

    An element passes if |analytic - numeric| ≤ rtol·max(both) + atol + the rounding of a difference over `step`. It is also
    asked that two runs agree bit for bit, that a zero cotangent gives zero and that the inputs are left as they were.
    """
    arrays, checked = checkable(inputs)
    before = [array.copy() for array in arrays]
    rng = np.random.default_rng(seed)
    output = run(fn, arrays)
    cotangent = rng.standard_normal(output.shape)
    analytic = analytic_gradients(fn, arrays, checked, cotangent)
    again = analytic_gradients(fn, arrays, checked, cotangent)
    nothing = analytic_gradients(fn, arrays, checked, np.zeros_like(cotangent))
    for number in checked:
        if not np.array_equal(analytic[number], again[number], equal_nan=True):
            raise GradcheckError(f"gradcheck: input {number}: two backward runs differ; the gradient is not repeatable")
        if np.any(nothing[number] != 0):
            raise GradcheckError(
                f"gradcheck: input {number}: a zero incoming gradient gives a gradient that is not zero; backward does not use it"
            )
    report = Report(step)
    for number in checked:
        numeric, rounding = numeric_gradient(fn, arrays, number, cotangent, step)
        report.inputs[number] = compare(analytic[number], numeric, rtol, atol + rounding)
    for number, (array, copy) in enumerate(zip(arrays, before, strict=True)):
        if not np.array_equal(array, copy, equal_nan=True):
            raise GradcheckError(
                f"gradcheck: input {number} was changed by the function; it must leave its inputs alone"
            )
    if not report.ok:
        raise GradcheckError(str(report))
    return report


def checkable(inputs: Any) -> tuple[list[Array], list[int]]:
    """Plain arrays, and the numbers of those to differentiate by."""
    values = list(inputs) if isinstance(inputs, Sequence) else [inputs]
    wanted = [isinstance(value, Tensor) and value.requires_grad for value in values]
    arrays = [value.data if isinstance(value, Tensor) else np.asarray(value) for value in values]
    checked = [
        number for number, array in enumerate(arrays) if (wanted[number] or not any(wanted)) and array.dtype.kind == "f"
    ]
    if not checked:
        raise GradcheckError("gradcheck: no floating point input to check")
    for number in checked:
        array = arrays[number]
        if array.dtype != np.float64:
            raise GradcheckError(
                f"gradcheck: input {number} has dtype {array.dtype}; a difference needs float64: array.astype('float64')"
            )
        if array.size > 1 and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)):
            raise GradcheckError(
                f"gradcheck: input {number} is expanded: several elements share one number; pass a copy"
            )
    return arrays, checked


def run(fn: Callable[..., Tensor], arrays: Sequence[Array]) -> Tensor:
    output = fn(*(Tensor(array) for array in arrays))
    if not isinstance(output, Tensor):
        raise GradcheckError(f"gradcheck: the function returned {type(output).__name__}; expected one Tensor")
    if output.dtype != np.float64:
        raise GradcheckError(
            f"gradcheck: the output has dtype {output.dtype} for float64 inputs; the dtype must be kept"
        )
    return output


def analytic_gradients(
    fn: Callable[..., Tensor], arrays: Sequence[Array], checked: list[int], cotangent: Array
) -> dict[int, Array]:
    """What backward says, a gradient an input; zeros where none arrived."""
    tensors = [Tensor(array, requires_grad=number in checked) for number, array in enumerate(arrays)]
    output = fn(*tensors)
    if output.requires_grad:
        output.backward(cotangent)
    return {n: np.zeros_like(arrays[n]) if tensors[n].grad is None else tensors[n].grad for n in checked}


def numeric_gradient(
    fn: Callable[..., Tensor], arrays: Sequence[Array], number: int, cotangent: Array, step: float
) -> tuple[Array, Array]:
    """Central differences of <fn, cotangent> by every element of one input, and how much rounding may have moved each."""
    moved = [array.copy() for array in arrays]
    numeric, rounding = np.zeros(arrays[number].shape), np.zeros(arrays[number].shape)
    for index in np.ndindex(arrays[number].shape):
        value = arrays[number][index]
        outputs = []
        for sign in (+1, -1):
            moved[number][index] = value + sign * step
            outputs.append(run(fn, moved).data.copy())
        moved[number][index] = value
        ahead, behind = outputs
        at = ahead != behind  # what did not move cancels exactly, -inf too, and adds no rounding
        numeric[index] = ((ahead[at] - behind[at]) * cotangent[at]).sum() / (2 * step)
        size = np.abs(cotangent[at]) * np.maximum(np.abs(ahead[at]), np.abs(behind[at]))
        rounding[index] = 100 * EPSILON * size.sum() / step
    return numeric, rounding


def compare(analytic: Array, numeric: Array, rtol: float, atol: Array) -> InputReport:
    error = np.abs(analytic - numeric)
    largest = np.maximum(np.abs(analytic), np.abs(numeric))
    allowed = rtol * largest + atol
    wrong = ~(error <= allowed)  # NaN is wrong too
    if not error.size:
        return InputReport((), 0.0, 0.0, 0.0, 0.0, 0, 0)
    excess = np.where(np.isnan(error), np.inf, error / allowed)
    index = tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))
    # as a fraction of the input's largest gradient: an element near 0 has no meaningful relative error of its own
    relative = float(error[index] / max(largest.max(), 1e-300)) if error[index] else 0.0
    return InputReport(
        index,
        float(analytic[index]),
        float(numeric[index]),
        relative,
        float(allowed[index]),
        int(wrong.sum()),
        error.size,
    )


def adjoint_check(
    fn: Callable[[Array], Array], adjoint: Callable[[Array], Array], x: Array, y: Array, *, rtol: float = 1e-11
) -> float:
    """Is `adjoint` the adjoint of the affine map `fn`? <f(x), y> = <f(0), y> + <x, adjoint(y)> needs no step size.

    `fn` and `adjoint` take and give arrays or Tensors; x has the shape of fn's input, y of its output, both float64. Returns the
    relative error, |difference| over the sum of the products' absolute values; raises GradcheckError above `rtol`.
    """

    def array(value: Any) -> Array:
        return value.data if isinstance(value, Tensor) else np.asarray(value)

    x, y = array(x), array(y)
    image, origin, back = array(fn(x)), array(fn(np.zeros_like(x))), array(adjoint(y))
    if image.shape != y.shape or back.shape != x.shape:
        raise GradcheckError(
            f"adjoint_check: fn maps {x.shape} to {image.shape} and adjoint {y.shape} to {back.shape}; expected {x.shape} to {y.shape} and back"
        )
    left, right = (image * y).sum(), (origin * y).sum() + (x * back).sum()
    scale = np.abs(image * y).sum() + np.abs(origin * y).sum() + np.abs(x * back).sum()
    error = float(abs(left - right) / max(scale, 1e-300))
    if not error <= rtol:
        raise GradcheckError(
            f"adjoint_check: <f(x), y> is {left:.12g} but <f(0), y> + <x, adjoint(y)> is {right:.12g}: relative error {error:.2g}"
        )
    return error
