"""Small networks for the tests: the same code as the measured ones, in milliseconds."""

import importlib.util

import needs
import pytest

from minifcn.bench.cases import Case
from minifcn.bench.networks import VGG, SqueezeNet

SMALL = VGG((1, 2, 1, 1, 1), (2, 3, 4, 5, 6), 7, 4)
PAPER = SMALL._replace(padding="paper")
SQUEEZE = SqueezeNet(5)

CASES = {
    case.name: case
    for case in (
        Case("small-forward", "forward", (1, 3, 40, 48), SMALL),
        Case("small-step", "step", (2, 3, 33, 50), SMALL),
        Case("paper-forward", "forward", (1, 3, 37, 50), PAPER),
        Case("squeeze-step", "step", (1, 3, 32, 64), SQUEEZE),
    )
}

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason=needs.PYTORCH)
