"""Every operation on large finite inputs, by registration alone; and wrong versions of the classic kind, which must be seen."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff.engine import Function
from minifcn.ops import OPERATIONS, Call

from .ranges import MAGNITUDES, complaints

SEEDS = range(3)
each_dtype = pytest.mark.parametrize("dtype", MAGNITUDES)


@pytest.mark.parametrize("choice", ["simple", "fast"])
@each_dtype
@pytest.mark.parametrize("name", OPERATIONS)
def test_large_inputs(name, dtype, choice):
    with mf.kernels.use(choice):
        count, said = complaints(name, OPERATIONS[name].function, SEEDS, dtype)
    if said:
        pytest.fail(said, pytrace=False)
    assert count >= 6, f"{name}: {count} cases count; its right values do not fit {dtype} anywhere else"
