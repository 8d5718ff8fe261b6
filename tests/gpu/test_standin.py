"""The stand-in refuses what CuPy refuses, or it would prove nothing. Where a GPU is, CuPy itself is held to the same."""

import tempfile
from concurrent.futures import ThreadPoolExecutor

import needs
import numpy as np
import pytest
from standin import compiling
from standin.install import installed, synchronisations

import minifcn as mf
from minifcn import Tensor, backend, ops

REFUSED = {
    "an array made of it": lambda x, cupy: np.asarray(x),
    "a NumPy array added": lambda x, cupy: x + np.ones(3),
    "a NumPy array added to": lambda x, cupy: np.ones(3) + x,
    "a NumPy array multiplied in place": lambda x, cupy: x.__imul__(np.ones(3)),
    "a ufunc of both": lambda x, cupy: cupy.add(x, np.ones(3)),
    "NumPy's ufunc of both": lambda x, cupy: np.maximum(x, np.ones(3)),
    "a result wanted on the CPU": lambda x, cupy: np.add(x, x, out=np.empty(3)),
    "a function of a NumPy array": lambda x, cupy: cupy.concatenate([x, np.ones(3)]),
    "where of both": lambda x, cupy: cupy.where(x > 0, x, np.ones(3)),
    "written into an array on the CPU": lambda x, cupy: np.copyto(np.empty(3), x),
    "a ufunc's where": lambda x, cupy: cupy.add(x, x, where=x > 0),
    "a start for a maximum": lambda x, cupy: x.max(initial=0.0),
    "a generator's numbers into it": lambda x, cupy: np.random.default_rng(0).random(out=x),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cupy_refuses_is_refused(case, cupy):
    with pytest.raises((TypeError, ValueError, AttributeError)):  # CuPy's copyto asks a NumPy array for its address
        case(cupy.asarray(np.ones(3)), cupy)


@pytest.mark.parametrize("name", ["ma", "errstate", "nditer", "memmap", "frompyfunc"])
def test_what_cupy_has_not_is_not_there(name, cupy):
    with pytest.raises(AttributeError):
        getattr(cupy, name)


def test_every_name_of_the_standin_is_one_of_cupy():
    """Where CuPy is installed, GPU or none."""
    real = pytest.importorskip("cupy", reason=needs.CUPY)
    with installed() as standin:
        names = {name for name in vars(standin) if not name.startswith("_")}
    assert names - set(dir(real)) == set()


@pytest.mark.parametrize(
    "wait",
    [lambda x: x.get(), lambda x: float(x.sum()), lambda x: bool(x.any()), lambda x: x.max().item(), lambda x: int(x[0])],
    ids=["get", "float", "bool", "item", "int"],
)  # fmt: skip
def test_waits_are_counted(wait):
    with installed() as standin:
        x = standin.asarray(np.ones(3))
        with synchronisations() as found:
            x + x
            (x @ x).reshape(1)
        assert found == [0]
        with synchronisations() as found:
            wait(x)
        assert found == [1]


class Square(mf.Function):
    """x * x. `planted` is how its backward fetches x to the CPU where nobody asked for it."""

    def __init__(self, planted):
        self.planted = planted

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, grad):
        return 2 * grad * self.planted(self.x)


@pytest.mark.parametrize(
    "planted",
    [np.asarray, lambda x: np.ones(x.shape), lambda x: backend.to_device(x, "cpu")],
    ids=["converted", "made on the CPU", "moved"],
)
def test_a_planted_conversion_in_an_operation_is_seen(planted, up):
    x = Tensor(up(np.arange(3.0)), requires_grad=True)
    with pytest.raises(TypeError):
        ops.sum(Square(planted)(x)).backward()
    x = Tensor(up(np.arange(3.0)), requires_grad=True)
    ops.sum(Square(lambda array: array)(x)).backward()
    np.testing.assert_array_equal(x.grad.get(), [0, 2, 4])


def test_several_processes_build_the_same_kernel(tmp_path, monkeypatch):
    """Test processes share the folder of built kernels: four that want the same one at once all get it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = 'extern "C" __global__ void twice(float *x) { x[threadIdx.x] *= 2; }'
    arrays = [np.arange(3, dtype=np.float32) for _ in range(4)]

    def build_and_run(array):
        compiling.compile_source.__wrapped__(code).run("twice", (1,), (3,), (array,))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(build_and_run, arrays))
    for array in arrays:
        np.testing.assert_array_equal(array, [0, 2, 4])
    assert [path.suffix for path in (tmp_path / "minifcn-standin").iterdir()] == [".so"]
