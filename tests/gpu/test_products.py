"""Products that a capture takes note of: cuBLAS is asked for what `@` gives, however the operands lie in memory."""

import ctypes
import types
from contextlib import nullcontext

import numpy as np
import pytest
from standin import installed

from minifcn import backend
from minifcn.kernels import products
from minifcn.kernels.masks import Masks

from .blas import PretendedCublas


@pytest.fixture
def cublas(monkeypatch):
    """The stand-in with a cuBLAS; what it was asked to compute in."""
    pretended = PretendedCublas()
    monkeypatch.setattr(products, "library", lambda: pretended)
    monkeypatch.setattr(products, "handle", lambda cupy: "handle")
    with installed() as module:
        pretended.cupy = module
        yield pretended


LAYOUTS = {
    "rows": lambda x: x,
    "columns": lambda x: np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2),
    "wide rows": lambda x: np.concatenate([x, x], -1)[..., : x.shape[-1]],
    "every second": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "backwards": lambda x: x[..., ::-1].copy()[..., ::-1],
    "batch inside": lambda x: np.ascontiguousarray(np.moveaxis(x, 0, -2)).swapaxes(0, -2) if x.ndim == 2 else np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", LAYOUTS)
@pytest.mark.parametrize("second", LAYOUTS)
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_a_product_of_any_layout(first, second, batch, dtype, cublas):
    rng = np.random.default_rng(0)
    for m, k, n in ((4, 5, 6), (1, 5, 3), (4, 1, 2), (3, 4, 1), (1, 1, 1)):
        a = LAYOUTS[first](rng.standard_normal((*batch, m, k)).astype(dtype))
        b = LAYOUTS[second](rng.standard_normal((*batch, k, n)).astype(dtype))
        up = [ndarray_of(cublas.cupy, array) for array in (a, b)]
        with backend.capturing(Masks()):
            found = products.product(*up)
        assert found.shape == (*batch, m, n) and found.dtype == dtype
        np.testing.assert_allclose(found.get(), a @ b, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=1e-6)
    assert set(cublas.computes) == {68 if dtype == np.float32 else 70}


def ndarray_of(cupy, array):
    """The array on the device, its memory as it is: asarray would lay it anew."""
    return cupy.ndarray(array)


def test_one_matrix_for_all_of_a_batch(cublas):
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((1, 4)), rng.standard_normal((5, 4, 3))
    with backend.capturing(Masks()):
        found = products.product(*(ndarray_of(cublas.cupy, array) for array in (a, b)))
        other = products.product(*(ndarray_of(cublas.cupy, array) for array in (b.swapaxes(1, 2), a.T)))
        strided = products.product(ndarray_of(cublas.cupy, np.repeat(a, 2, 1)[:, ::2]), ndarray_of(cublas.cupy, b))
    np.testing.assert_allclose(found.get(), a @ b, rtol=1e-13)
    np.testing.assert_allclose(strided.get(), a @ b, rtol=1e-13)
    np.testing.assert_allclose(other.get(), b.swapaxes(1, 2) @ a.T, rtol=1e-13)


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 3), (3, 2, 0)])
def test_products_of_nothing(shape, cublas):
    m, k, n = shape
    with backend.capturing(Masks()):
        found = products.product(*(ndarray_of(cublas.cupy, np.ones(each)) for each in ((m, k), (k, n))))
    assert found.shape == (m, n) and not found.get().any()


def test_tf32_where_cupy_uses_it(cublas, monkeypatch):
    monkeypatch.setattr(backend, "_precision", "high")
    with backend.capturing(Masks()):
        for dtype in (np.float32, np.float64):
            products.product(*(ndarray_of(cublas.cupy, np.ones((2, 2), dtype)) for _ in range(2)))
    assert cublas.computes == [77, 70]


def test_outside_a_capture_the_array_module_multiplies(cublas):
    a = ndarray_of(cublas.cupy, np.arange(6.0).reshape(2, 3))
    assert products.product(a, a.T).get().tolist() == [[5, 14], [14, 50]] and cublas.computes == []
    x = np.arange(6.0).reshape(2, 3)
    with backend.capturing(Masks()):  # a CPU's are none of its business
        assert products.product(x, x.T).tolist() == [[5, 14], [14, 50]]


PLACES = {
    "rows": lambda x: x,
    "part of rows": lambda x: np.concatenate([x, x], -1)[..., : x.shape[-1]],
    "columns": lambda x: np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2),
    "every second": lambda x: np.repeat(x, 2, -1)[..., ::2],
}


@pytest.mark.parametrize("capturing", [True, False])
@pytest.mark.parametrize("add", [True, False])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("batch", [(), (3,)])
def test_a_product_goes_where_it_is_wanted_or_is_added_there(batch, place, add, capturing, cublas):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((*batch, 4, 5)), rng.standard_normal((*batch, 5, 6))
    out = PLACES[place](rng.standard_normal((*batch, 4, 6)))
    wanted = a @ b + (out if add else 0)
    first, second, there = (ndarray_of(cublas.cupy, each) for each in (a, b, out))
    with backend.capturing(Masks()) if capturing else nullcontext():
        if add:
            products.add_product(first, second, there)
        else:
            assert products.product(first, second, out=there) is there
    np.testing.assert_allclose(there.get(), wanted, rtol=1e-13)
    assert bool(cublas.computes) == (capturing or add)


def test_a_stack_of_turned_matrices_is_not_laid_anew(cublas):
    """CuPy would copy it first; so cuBLAS is called from here, in a capture or not."""
    a = np.random.default_rng(0).standard_normal((3, 5, 4))
    there = ndarray_of(cublas.cupy, a)
    np.testing.assert_allclose(products.product(there.swapaxes(1, 2), there).get(), a.swapaxes(1, 2) @ a, rtol=1e-13)
    assert cublas.computes == [70]
    products.product(there, ndarray_of(cublas.cupy, a.swapaxes(1, 2).copy()))  # both row by row: CuPy's way
    products.product(there[0].T, there[0])  # and two matrices in any
    assert cublas.computes == [70]


def test_without_cublas_cupy_multiplies_and_adds(monkeypatch):
    def missing():
        raise OSError("libcublas.so.12: cannot open shared object file")

    monkeypatch.setattr(products, "library", missing)
    a = np.random.default_rng(0).standard_normal((3, 5, 4))
    with installed() as cupy:
        there, out = ndarray_of(cupy, a), ndarray_of(cupy, np.ones((3, 4, 4)))
        np.testing.assert_allclose(products.product(there.swapaxes(1, 2), there).get(), a.swapaxes(1, 2) @ a)
        products.add_product(there.swapaxes(1, 2), there, out)
        np.testing.assert_allclose(out.get(), 1 + a.swapaxes(1, 2) @ a)


class Handles:
    """cuBLAS's handles: what was set on one."""

    def __init__(self, status=0):
        self.did, self.status = [], status

    def cublasCreate_v2(self, place):
        place._obj.value = 77
        self.did.append("create")
        return self.status

    def cublasSetStream_v2(self, handle, stream):
        self.did.append(("stream", handle.value, stream.value))
        return 0

    def cublasSetWorkspace_v2(self, handle, memory, size):
        self.did.append(("workspace", handle.value, memory.value, size.value))
        return 0


@pytest.fixture
def handles(monkeypatch):
    def use(status=0):
        made = Handles(status)
        monkeypatch.setattr(products, "library", lambda: made)
        products.workspace.cache_clear()
        return made

    yield use
    products.workspace.cache_clear()


@pytest.fixture
def small_cupy(monkeypatch):
    """A CuPy whose memory has addresses, and whose current stream is number 5."""
    memory = types.SimpleNamespace(data=types.SimpleNamespace(ptr=4096))

    class Using:
        def __init__(self, allocator):
            assert allocator == "the pool's"

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    cuda = types.SimpleNamespace(using_allocator=Using, get_current_stream=lambda: types.SimpleNamespace(ptr=5))
    pool = types.SimpleNamespace(malloc="the pool's")
    module = types.SimpleNamespace(
        cuda=cuda, get_default_memory_pool=lambda: pool, empty=lambda *a: memory, uint8="uint8"
    )
    monkeypatch.setattr(backend, "import_cupy", lambda: module)
    return module


def test_the_workspace_is_given_again_whenever_the_stream_is_set(handles, small_cupy):
    made = handles()
    for _ in range(2):
        assert isinstance(products.handle(small_cupy), ctypes.c_void_p)
    each = [("stream", 77, 5), ("workspace", 77, 4096, 32 << 20)]
    assert made.did == ["create", *each, *each]


def test_a_status_is_an_error(handles, small_cupy):
    handles(status=3)
    with pytest.raises(RuntimeError, match="cuBLAS answers with status 3"):
        products.handle(small_cupy)
