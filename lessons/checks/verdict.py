"""What every exercise check is made of: a right answer is counted, a wrong one is told what its fault looks like, a stub is let through.

    @check
    def relu(answer):
        "relu(x) -> the larger of x and 0, element by element."
        for x in ([-1.0, 2.0], [0.0]):
            equal(answer(np.array(x)), np.maximum(x, 0), "negative values become 0, the others stay")

`check.relu(my_relu)` in a notebook prints one line and returns the Verdict; it never raises, so a notebook always runs to its end.
"""

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Verdict(NamedTuple):
    """`state`: "passed", "wrong" or "not done". `message`: for a wrong answer, what its fault looks like."""

    name: str
    state: str
    message: str = ""
    cases: int = 0

    def __str__(self) -> str:
        if self.state == "passed":
            return f"✓ {self.name}: {self.cases} cases"
        return f"… {self.name}: not done yet" if self.state == "not done" else f"✗ {self.name}: {self.message}"

    def _ipython_display_(self) -> None:
        """Nothing, not even an empty Out[]: a notebook would show the line a second time."""


class Wrong(Exception):
    """The answer is wrong, and this is what its fault looks like."""


class NotDone(Exception):
    """The answer is still the stub: it returned None or ..., or raised NotImplementedError."""


CHECKS: dict[str, Callable[..., Verdict]] = {}
_counted = 0


def check(battery: Callable[[Any], None]) -> Callable[..., Verdict]:
    """Make `battery(answer)`, which calls `equal`, `close` and `wrong`, into an exercise check of the same name."""

    @functools.wraps(battery)
    def run(answer: Any) -> Verdict:
        global _counted
        _counted = 0
        try:
            if answer is None or answer is ...:
                raise NotDone
            battery(guarded(answer) if callable(answer) else answer)
            verdict = Verdict(battery.__name__, "passed", cases=_counted)
        except NotDone:
            verdict = Verdict(battery.__name__, "not done")
        except Wrong as fault:
            verdict = Verdict(battery.__name__, "wrong", str(fault))
        print(verdict)
        return verdict

    if battery.__name__ in CHECKS:
        raise ValueError(f"two checks are called {battery.__name__}; rename one")
    CHECKS[battery.__name__] = run
    return run


def guarded(answer: Callable[..., Any]) -> Callable[..., Any]:
    """`answer`, with what it raises told as a fault, and a stub's None as not done."""

    @functools.wraps(answer)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            found = answer(*arguments, **named)
        except NotImplementedError:
            raise NotDone from None
        except (Wrong, NotDone):  # what the check handed over has found the fault itself
            raise
        except Exception as error:
            said = f"it stopped with {type(error).__name__}: {error}{about_void(error)}"
            raise Wrong(f"{said}; {called_with(arguments, named)}") from error
        if found is None or found is ...:
            if _counted:  # it has answered before, so it is no stub
                raise Wrong(
                    f"it gives nothing (None): does a way through it end without return? {called_with(arguments, named)}"
                )
            raise NotDone
        return found

    return call


VOID_IN_AN_INDEX = re.compile(
    r"\bindex 255 is out of bounds|\(256,"
)  # np.bincount of labels up to 255 counts 256 of them


def about_void(error: Exception) -> str:
    """What an error means that comes from a label of 255; "" for others."""
    hint = ": you forgot void; 255 is no class, and a pixel labelled so counts nowhere, so leave it out"
    return hint if VOID_IN_AN_INDEX.search(str(error)) else ""


def called_with(arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """The arguments of a call, arrays by their shapes."""
    words = [shown(value) for value in arguments] + [f"{name}={shown(value)}" for name, value in named.items()]
    return f"called with {', '.join(words) or 'nothing'}"


def shown(value: Any) -> str:
    """In a few words: arrays and Tensors by their shapes, functions by their names."""
    if hasattr(value, "shape"):
        return f"{'array' if isinstance(value, np.ndarray) else type(value).__name__} {value.shape}"
    if isinstance(value, dict):
        return cut(f"{{{', '.join(f'{name}: {shown(each)}' for name, each in value.items())}}}")
    if isinstance(value, list | tuple) and any(
        hasattr(each, "shape") or isinstance(each, list | tuple) for each in value
    ):
        left, right = "[]" if isinstance(value, list) else "()"
        return cut(f"{left}{', '.join(map(shown, value))}{right}")
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return cut(" ".join(repr(value).split()) or type(value).__name__)


def cut(text: str, length: int = 60) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def wrong(hint: str) -> None:
    """The answer is wrong."""
    raise Wrong(hint)


def counted() -> None:
    """One more case was right."""
    global _counted
    _counted += 1


def close(
    found: Any, wanted: Any, hint: str | Callable[[np.ndarray, np.ndarray], str], tolerance: float = 1e-9
) -> None:
    """Count one case, or raise Wrong with `hint` where `found` is not `wanted` within tolerance·(1 + |wanted|).

    `hint` may be a function of both arrays that looks at them and says what the fault looks like.
    """
    wanted = np.asarray(wanted)
    try:
        found = np.asarray(found, wanted.dtype if wanted.dtype.kind in "fc" else None)
    except (TypeError, ValueError):
        wrong(f"expected an array {wanted.shape}, got {shown(found)}")
    if found.shape != wanted.shape:
        wrong(f"expected the shape {wanted.shape}, got {found.shape}")
    lost = ~np.isfinite(found) & np.isfinite(wanted)
    if lost.any():
        largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
        place = f", first at {tuple(int(i) for i in np.argwhere(lost)[0])}" if found.ndim else ""
        wrong(f"it holds NaN or infinity{place}; expected numbers up to {largest:.3g}")
    right = found == wanted
    if tolerance:
        with np.errstate(invalid="ignore"):  # infinities that agree
            right = right | (np.abs(found - wanted) <= tolerance * (1 + np.abs(wanted)))
    if not right.all():
        wrong(hint if isinstance(hint, str) else hint(found, wanted))
    counted()


def equal(found: Any, wanted: Any, hint: str | Callable[[np.ndarray, np.ndarray], str]) -> None:
    """`close` without tolerance: for whole numbers, labels and shapes."""
    close(found, wanted, hint, 0.0)
