"""Where CuPy is installed, GPU or not: the stand-in has no function, method or keyword that CuPy has not."""

import inspect

import needs
import pytest
from standin.array import ndarray
from standin.functions import FUNCTIONS, UFUNCS, names

try:
    import cupy
except ImportError:
    cupy = None

pytestmark = pytest.mark.skipif(cupy is None, reason=needs.CUPY)


def test_every_name_exists():
    assert [name for name in (*names(), *UFUNCS) if not hasattr(cupy, name)] == []
    assert [name for name in dir(ndarray) if not name.startswith("_") and not hasattr(cupy.ndarray, name)] == []


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_keyword_exists(name):
    try:
        parameters = inspect.signature(getattr(cupy, name)).parameters
    except ValueError:
        pytest.skip("needs a function of CuPy that says what it takes")
    if not any(each.kind == each.VAR_KEYWORD for each in parameters.values()):
        assert set(FUNCTIONS[name].split()) <= set(parameters)


def test_what_has_no_public_name_is_there():
    """`set_float32_matmul_precision` reaches for it."""
    from cupy._core import _routines_linalg

    assert callable(_routines_linalg.set_compute_type)
    assert _routines_linalg.COMPUTE_TYPE_TF32 != _routines_linalg.COMPUTE_TYPE_FP32
