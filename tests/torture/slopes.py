"""Does anything grow with the number of steps? Memory, Python's blocks, open handles and threads over time, and a fit that few jumps do not move."""

import os
import sys
import threading
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .harness import Lost

SETTLED = 0.3  # of the samples: caches fill at first
MOST_PAIRS = 400  # samples that the fit looks at
# what may be lost a step: a leak of one small object a step is one block, 48 bytes or more
ALLOWED = {"memory": 512.0, "blocks": 0.2, "handles": 0.002, "threads": 0.002}
NOISE = {"memory": 3 << 20, "blocks": 1500.0, "handles": 2.0, "threads": 2.0}  # in all: no slope is seen in less


def handles() -> int:
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


def resident() -> int:
    """Bytes of memory that this process has; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    return os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text().split()[1])


METERS: dict[str, Callable[[], int]] = {
    "memory": resident, "blocks": sys.getallocatedblocks, "handles": handles, "threads": threading.active_count,
}  # fmt: skip


@dataclass
class Growth:
    """Samples of every meter, each with the step it was taken at. In arrays: a list of numbers would be seen by the meter of blocks."""

    steps: array = field(default_factory=lambda: array("q"))
    values: dict[str, array] = field(default_factory=lambda: {name: array("q") for name in METERS})

    def look(self, step: int) -> None:
        self.steps.append(step)
        for name, meter in METERS.items():
            self.values[name].append(meter())

    def slopes(self) -> dict[str, float]:
        """Theil and Sen's: the median slope between two samples, over all pairs."""
        first = int(SETTLED * len(self.steps))
        chosen = np.unique(np.linspace(first, len(self.steps) - 1, MOST_PAIRS).round().astype(int))
        steps = np.array(self.steps, float)[chosen]
        early, late = np.triu_indices(len(chosen), 1)
        found = {}
        for name, values in self.values.items():
            each = np.array(values, float)[chosen]
            found[name] = float(np.median((each[late] - each[early]) / (steps[late] - steps[early])))
        return found

    def judged(self, unit: str) -> str:
        """The slopes in words; Lost where one is no accident."""
        if len(self.steps) < 20:
            raise Lost(f"only {len(self.steps)} samples, of {unit}s: too few for a slope")
        span = (1 - SETTLED) * (self.steps[-1] - self.steps[0])
        slopes = self.slopes()
        said = ", ".join(f"{name} {slope:+.3g}" for name, slope in slopes.items())
        for name, slope in slopes.items():
            if slope > ALLOWED[name] and slope * span > NOISE[name]:
                raise Lost(f"{name} grow by {slope:.3g} a {unit}, over {self.steps[-1]} of them; all: {said}")
        return f"a {unit}: {said} (memory in bytes)"
