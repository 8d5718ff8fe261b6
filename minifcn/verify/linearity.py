"""A backward multiplies the incoming gradient by the slopes: it is linear in it, whatever the inputs are.

So what it gives for -g, 2 g and g + h follows from what it gives for g and h. A mask by the incoming gradient (ZFNet's), the guided ReLU,
an absolute value, a square or a clipping break this for any input, where a comparison of values can miss them.
"""

from typing import Any

import numpy as np

from minifcn.verify.differences import ROUNDINGS, Differences
from minifcn.verify.subject import Subject, Variable

Array = Any

NOT_LINEAR = "backward is not linear in the incoming gradient"
# powers of two and a sign change no digit, so that nothing but rounding's own last bit may differ; far up and down for clipping and dead zones
MULTIPLES = (-1.0, 2.0, 2.0**20, 2.0**-20)
EXACT, SUM = 1e-9, 1e-6  # of the largest: a sum is rounded, in float32 perhaps
TINY, HUGE = 1e-290, 1e290  # beyond, a multiple may end at 0 or overflow


def proportional(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    """A sentence for each array whose gradient is not multiplied where the incoming one is."""
    found = {factor: subject.gradients(factor * cotangent) for factor in MULTIPLES}
    said = []
    for number, (variable, gradient) in enumerate(zip(subject.variables, analytic, strict=True)):
        scaled = {factor: found[factor][number] for factor in MULTIPLES}
        text = not_proportional(gradient, scaled, subject.forgiven) if can_be_multiplied(gradient) else ""
        if text:
            said.append(f"{variable.name}: {NOT_LINEAR}: {text}")
    return said


def additive(subject: Subject, cotangent: Array, analytic: list[Array], rng: np.random.Generator) -> list[str]:
    """A sentence for each array whose gradient for g + h is not the sum of those for g and for h."""
    other = rng.standard_normal(cotangent.shape)
    second, both = subject.gradients(other.copy()), subject.gradients(cotangent + other)
    said = []
    for variable, gradient, more, sum_of_both in zip(subject.variables, analytic, second, both, strict=True):
        if not can_be_multiplied(gradient) or not deviates(sum_of_both, gradient + more, SUM, subject.forgiven):
            continue
        if not np.all(np.abs(sum_of_both - gradient - more) <= rounding(subject, variable, cotangent)):
            said.append(
                f"{variable.name}: {NOT_LINEAR}: for the sum of two it does not give the sum of what it gives for each"
            )
    return said


def can_be_multiplied(gradient: Array) -> bool:
    """Neither NaN nor so near the end of what float64 holds that a multiple would fall out; the comparison of values does there."""
    largest = float(np.abs(gradient).max(initial=0))
    return largest == 0 or TINY < largest < HUGE


def deviates(
    a: Array, b: Array, relative: float, forgiven: tuple[float, float] = (0.0, 0.0), factor: float = 1
) -> bool:
    rtol, atol = forgiven
    allowed = max(relative, rtol) * max(np.abs(a).max(initial=0), np.abs(b).max(initial=0)) + atol * max(1, abs(factor))
    return not bool(np.all(np.abs(a - b) <= allowed))


def not_proportional(gradient: Array, scaled: dict[float, Array], forgiven: tuple[float, float]) -> str:
    """What happens to the gradient when the incoming one is multiplied; "" where it is multiplied too."""
    wrong = [f for f, result in scaled.items() if deviates(result, f * gradient, EXACT, forgiven, f)]
    if not wrong:
        return ""
    negative = scaled[-1.0]

    def power(exponent: int) -> bool:
        return all(
            not deviates(result, abs(factor) ** exponent * gradient, EXACT)
            for factor, result in scaled.items()
            if factor > 0
        )

    if power(0):
        even = "" if deviates(negative, gradient, EXACT) else ", and the same for -1 times"
        return f"it stays the same when that is doubled{even}"
    if power(2):
        return "it grows with its square: the incoming gradient is multiplied by itself"
    if not deviates(negative, gradient, EXACT):
        return "it is the same for -1 times that: an absolute value is taken"
    if wrong == [-1.0] and not ((gradient != 0) & (negative != 0)).any():
        return "one sign of that is stopped, which changes with -1 times: a mask is made from the incoming gradient"
    if wrong == [-1.0]:
        return "positive and negative ones are treated differently"
    larger = [factor for factor in wrong if factor > 1]
    if larger and not np.any(np.abs(scaled[larger[-1]]) > larger[-1] * np.abs(gradient)):
        return f"{larger[-1]:.7g} times that gives less than so many times the gradient: it is clipped"
    if wrong == [2.0**-20] and not np.any(np.abs(scaled[2.0**-20]) > 2.0**-20 * np.abs(gradient)):
        return "for a small one it gives less than its share: small ones are dropped"
    factor = wrong[0]
    index = tuple(int(i) for i in np.argwhere(np.abs(scaled[factor] - factor * gradient) > 0)[0])
    return f"for {factor:.7g} times that it gives {scaled[factor][index]:.9g} and not {factor * gradient[index]:.9g} at {index}"


def rounding(subject: Subject, variable: Variable, cotangent: Array) -> Array:
    """How large a gradient of nothing but rounding may be, for each element.

    What cancels in backward leaves as much as the forward's own noise: of y / x, the last digit of y over x.
    """
    differences = Differences(subject.output_array, variable.array, cotangent)
    size = np.abs(differences.start)
    return ROUNDINGS * differences.noise / np.where(size > 0, size, differences.size)
