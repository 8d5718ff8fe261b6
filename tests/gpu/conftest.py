"""The same tests on the stand-in for CuPy, which runs everywhere, and on a GPU, where there is one. Both are called "gpu" by the library."""

import warnings

import needs
import numpy as np
import pytest
from standin import installed

from minifcn import backend


def real_problem():
    """None where CuPy and a GPU work, else why not. What CuPy warns of meanwhile, such as a second CuPy beside it, fails no test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import cupy
        except ImportError as error:
            return f"CuPy does not import: {error}"
        return backend.gpu_problem() if "stand-in" not in cupy.__version__ else "only the stand-in"


REAL_PROBLEM = real_problem()


def pytest_collection_modifyitems(items):
    """On a GPU a warning is no error: CuPy warns of what is slow, of its surroundings, and in destructors of what could not be made."""
    for item in items:
        if getattr(item, "callspec", None) and item.callspec.params.get("cupy") == "gpu":
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(params=["standin", "gpu"])
def cupy(request):
    """The module: the stand-in, or CuPy where a GPU works."""
    request.node.user_properties.append(("device", request.param))
    if request.param == "gpu":
        if REAL_PROBLEM:
            pytest.skip(f"{needs.GPU}; here: {REAL_PROBLEM}")
        import cupy

        yield cupy
        return
    with installed() as module:
        yield module


@pytest.fixture
def up(cupy):
    """NumPy array -> the same on the device."""
    return cupy.asarray


def down(value):
    """A result, back as a NumPy array; it must have lain on the device."""
    array = getattr(value, "data", value) if hasattr(value, "requires_grad") else value
    assert backend.device_of(array) == "gpu", type(array)
    return backend.to_device(array, "cpu")


def same(found, wanted, tolerance=1e-12):
    found = down(found)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
