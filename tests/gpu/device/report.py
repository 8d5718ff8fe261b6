"""What a stage finds, a line of JSON each, written at once: a stage that hangs or dies loses nothing that it had found."""

import json
import time
import traceback
from pathlib import Path

import numpy as np

NEEDS_GPU = "not tried: needs a GPU"


class Fatal(Exception):
    """After this the device is of no use to the stage."""


class Stage:
    """One stage's findings. `standin`: it runs on the stand-in for CuPy; then nothing that it finds is called right.

    An outcome is "right", "wrong", "error", "measured", "tried on the stand-in", or "not tried: needs …".
    """

    def __init__(self, name, path, standin=False, small=False):
        self.name, self.path, self.standin, self.small = name, Path(path), standin, small or standin

    def note(self, name, outcome, **values):
        line = json.dumps({"stage": self.name, "name": name, "outcome": outcome, **values}, default=plain)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line[:400], flush=True)

    def check(self, name, function, *arguments, needs=None, **named):
        """`function` returns what it found, a dict; "ok" in it says whether that is right, and its absence that it is a measurement.

        `needs`: why it cannot be tried here, if it cannot. An error is a finding too, and the stage goes on.
        """
        if needs:
            return self.note(name, f"not tried: needs {needs}")
        start = time.perf_counter()
        try:
            found = dict(function(*arguments, **named) or {})
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            where = traceback.format_exc().strip().splitlines()[-6:]
            self.note(name, "error", said=said[:600], where=where, seconds=round(time.perf_counter() - start, 3))
            if "illegal" in said.lower():
                raise Fatal(said) from error  # the context is lost, and all that follows would fail by it
            return None
        ok = found.pop("ok", None)
        outcome = "measured" if ok is None else ("right" if ok else "wrong")
        if self.standin and outcome != "wrong":
            outcome = "tried on the stand-in"
        return self.note(name, outcome, seconds=round(time.perf_counter() - start, 3), **found)

    @property
    def gpu(self):
        """What `needs` of a check is where only a GPU can tell."""
        return "a GPU" if self.standin else None


def plain(value):
    """What JSON has no word for."""
    if isinstance(value, (np.bool_, np.number)):
        return value.item()
    return str(value)


def far(found, wanted):
    """How far two arrays are apart, in parts of the norm of what is wanted."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if found.shape != wanted.shape:
        raise ValueError(f"shapes {found.shape} and {wanted.shape}")
    return float(np.linalg.norm(found - wanted) / max(np.linalg.norm(wanted), 1e-300))
