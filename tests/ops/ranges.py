"""Does an operation keep its head on large finite inputs? Where the right answer fits, no step on the way may overflow.

A call is drawn, and one input after the other, then all of them, are made large: as drawn, all positive, all negative. The right values
come from the loops in `oracles.py`, in float64. A case counts where they exist and fit the dtype with room to spare: then value and
gradients must be finite, near to those of float64, and nobody may have warned. So exp(1e4) does not count, and exp(-1e4) does.
"""

import warnings

import numpy as np
from oracles import ORACLES

import minifcn as mf

from .calls import cotangent_for, draw

MAGNITUDES = {"float32": (100, 1e4, 1e30, 3e37), "float64": (100, 1e4, 1e30, 1e200, 1e305)}
# operations whose definition asks for less, each with its reason: squares have to fit, here as in PyTorch and Caffe
LARGEST = {"local_response_norm": {"float32": 1e18, "float64": 1e153}}
# calls that have a value and no slope: the exponent of a negative base
OUTSIDE = {"pow": lambda call: len(call.inputs) == 2 and (call.inputs[0] < 0).any()}
NEAR = {"float32": 2e-3, "float64": 1e-9}  # relative to the largest: at 1e4 in float32 a step of x is 1e-3
ROOM = 10  # what is larger than a tenth of the largest number may overflow where it is added up


SIGNS = {"as drawn": lambda v: v, "positive": np.abs, "negative": lambda v: -np.abs(v)}


def enlarged(call, magnitude, dtype):
    """(what was done, the call) with one input, or all of them, as large as that."""
    chosen = [{number} for number in range(len(call.inputs))]
    for which in [*chosen, set().union(*chosen)] if len(chosen) > 1 else chosen:
        for sign, signed in SIGNS.items():
            inputs = tuple(
                (signed(value) * magnitude if number in which else value).astype(dtype)
                for number, value in enumerate(call.inputs)
            )
            numbers = ", ".join(map(str, sorted(which)))
            yield f"input {numbers} times {magnitude:g}, {sign}", call._replace(inputs=inputs)


def magnitudes(name, dtype):
    return [size for size in MAGNITUDES[dtype] if size <= LARGEST.get(name, {}).get(dtype, np.inf)]


def complaints(name, function, seeds, dtype):
    """(how many cases count, what is wrong with the first wrong one) over drawn calls of an operation."""
    count = 0
    for seed in seeds:
        for magnitude in magnitudes(name, dtype):
            for done, call in enlarged(draw(name, seed), magnitude, dtype):
                with mf.kernels.use(("simple", "fast")[seed % 2]):
                    said = complaint(name, function, call, dtype)
                count += said is not None
                if said:
                    shapes = [value.shape for value in call.inputs]
                    return (
                        count,
                        f"{name}, {dtype}, seed {seed}, {done}, shapes {shapes}, options {call.options}: {said}",
                    )
    return count, ""


def fits(value, dtype):
    return bool((np.abs(value) < float(np.finfo(dtype).max) / ROOM).all())  # False for NaN


def right_value(name, function, call):
    """In float64: by the loops where the operation has them, else by itself; None where there is none."""
    if OUTSIDE.get(name, lambda call: False)(call):
        return None
    inputs = [value.astype("float64") for value in call.inputs]
    try:
        with np.errstate(all="ignore"):
            if name in ORACLES:
                return np.asarray(call.run(ORACLES[name], inputs))
            return call.run(function, [mf.Tensor(value) for value in inputs]).data
    except (ArithmeticError, ValueError):  # Python's own math raises where NumPy answers inf or NaN
        return None


def forward_and_backward(function, call, dtype):
    tensors = [mf.Tensor(value.astype(dtype), requires_grad=True) for value in call.inputs]
    output = call.run(function, tensors)
    output.backward(cotangent_for(output))
    return [output.data, *(tensor.grad for tensor in tensors)]


def complaint(name, function, call, dtype):
    """What is wrong with one large call, in one sentence; "" if nothing is, None where the case does not count."""
    expected = right_value(name, function, call)
    if expected is None or not fits(expected, dtype):
        return None
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact = forward_and_backward(function, call, "float64")
    if dtype == "float32" and not all(fits(value, dtype) for value in exact[1:] if np.isfinite(value).all()):
        return None
    with warnings.catch_warnings(), np.errstate(divide="warn", over="warn", invalid="warn", under="ignore"):
        warnings.simplefilter("error")
        try:
            found = forward_and_backward(function, call, dtype)
        except RuntimeWarning as warning:
            return f"{warning}, but value and gradients fit: no step on the way may overflow where the result does not"
    for number, (value, other) in enumerate(zip(found, exact, strict=True)):
        what = f"gradient {number - 1}" if number else "the value"
        expected_here = np.asarray(other if number else expected)
        if not np.isfinite(expected_here).all():
            return f"{what} is not finite in float64"
        error = np.abs(value - expected_here)
        rounding = 8 * np.finfo(dtype).eps  # of numbers near 1 that cancel, as in a softmax that is nearly one hot
        wrong = ~(error <= NEAR[dtype] * np.abs(expected_here).max(initial=0) + rounding)  # NaN is wrong too
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            return f"{what} at {place} is {value[place]:g}, and in truth {expected_here[place]:g}"
    return ""
