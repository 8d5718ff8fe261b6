"""The stand-in refuses what CuPy refuses, or it would prove nothing. Where a GPU is, CuPy itself is held to the same."""

import tempfile
import types
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import needs
import numpy as np
import pytest
from standin import compiling, work
from standin.functions import UFUNCS
from standin.install import fills, installed, launches, made_bytes, synchronisations
from standin.rules import RULES

import minifcn as mf
from minifcn import Tensor, backend, ops
from minifcn.training.processes import group
from minifcn.training.supply import on_device

from . import conftest
from .obeyed import OBEYED, Asked

REFUSED = {
    "an array made of it": (TypeError, lambda x, cupy: np.asarray(x)),
    "a NumPy array added": (TypeError, lambda x, cupy: x + np.ones(3)),
    "a NumPy array added to": (TypeError, lambda x, cupy: np.ones(3) + x),
    "a NumPy array multiplied in place": (TypeError, lambda x, cupy: x.__imul__(np.ones(3))),
    "a ufunc of both": (TypeError, lambda x, cupy: cupy.add(x, np.ones(3))),
    "NumPy's ufunc of both": (TypeError, lambda x, cupy: np.maximum(x, np.ones(3))),
    "a result wanted on the CPU": (TypeError, lambda x, cupy: np.add(x, x, out=np.empty(3))),
    "a function of a NumPy array": (TypeError, lambda x, cupy: cupy.concatenate([x, np.ones(3)])),
    "where of both": (TypeError, lambda x, cupy: cupy.where(x > 0, x, np.ones(3))),
    # CuPy's copyto asks a NumPy array for its address
    "written into an array on the CPU": (AttributeError, lambda x, cupy: np.copyto(np.empty(3), x)),
    "a NumPy array assigned": (ValueError, lambda x, cupy: x.__setitem__(..., np.ones(3))),
    "a list assigned": (ValueError, lambda x, cupy: x.__setitem__(..., [1, 2, 3])),
    "a ufunc's where": (TypeError, lambda x, cupy: cupy.add(x, x, where=True)),
    "a start for a maximum": (TypeError, lambda x, cupy: x.max(initial=0.0)),
    "what its flags have not": (AttributeError, lambda x, cupy: x.flags.writeable),
}


@pytest.mark.parametrize("error, case", REFUSED.values(), ids=REFUSED)
def test_what_cupy_refuses_is_refused(error, case, cupy):
    with pytest.raises(error) as caught:
        case(cupy.asarray(np.ones(3)), cupy)
    assert caught.type is error  # and none of its kinds


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_obeyed(name, cupy):
    """By the stand-in; and by a GPU, so that the rule is right."""
    OBEYED[name](Asked(cupy))


OPERATORS = (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "radd",
    "rsub",
    "rmul",
    "rtruediv",
    "rpow",
)
FUNCTIONS = {
    "where": lambda x, cupy: cupy.where(x > 1, x, x * 2),
    "concatenate": lambda x, cupy: cupy.concatenate([x, x], 1),
    "stack": lambda x, cupy: cupy.stack([x, x]),
    "clip": lambda x, cupy: cupy.clip(x, 1, 2),
    "take_along_axis": lambda x, cupy: cupy.take_along_axis(x, cupy.zeros((2, 1, 4, 5), np.int64), 1),
    "tile": lambda x, cupy: cupy.tile(x, (1, 1, 1, 2)),
    "repeat": lambda x, cupy: cupy.repeat(x, 2, axis=1),
    "pad": lambda x, cupy: cupy.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))),
    "an index of arrays": lambda x, cupy: x[cupy.arange(2)],
    "a mask": lambda x, cupy: x[x > 1],
    "sum": lambda x, cupy: x.sum(0),
    "a mean with its axes": lambda x, cupy: x.mean((2, 3), keepdims=True),
    "a sum in another type": lambda x, cupy: x.sum(3, dtype=np.float64),
}  # fmt: skip


@pytest.mark.parametrize("name", [*UFUNCS, *(f"__{word}__" for word in OPERATORS), "__neg__", "__abs__", *FUNCTIONS])
def test_every_result_lies_in_c_order(name, cupy):
    """Whatever the order of what comes in: here the channels lie last."""
    values = np.random.default_rng(0).integers(1, 3, (2, 4, 5, 3))
    whole = name.startswith(("bitwise", "invert"))
    x = cupy.asarray(values.astype(np.int32 if whole else np.float32)).transpose(0, 3, 1, 2)
    if name in UFUNCS:
        function = getattr(cupy, name)
        pair = [x, x.swapaxes(2, 3) if name == "matmul" else x][: getattr(np, name).nin]
        found = function(*pair)
    elif name in FUNCTIONS:
        found = FUNCTIONS[name](x, cupy)
    else:
        found = getattr(x, name)(*(() if name in ("__neg__", "__abs__") else (2,)))
    for each in found if isinstance(found, tuple) else (found,):
        assert each.flags.c_contiguous, each.strides


def test_every_rule_has_a_case():
    assert OBEYED.keys() == RULES.keys()


def test_a_standin_that_keeps_the_order_of_its_inputs_is_seen(monkeypatch):
    monkeypatch.setattr(work, "laid", np.asarray)
    with installed() as module, pytest.raises(AssertionError):
        OBEYED["elementwise in C order"](Asked(module))


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


def test_what_is_made_is_counted():
    with installed() as standin:
        x = standin.asarray(np.ones((4, 8), np.float32))
        with launches() as launched, fills() as filled, made_bytes() as made:
            y = x + x
            x += y
            x.T.reshape(-1)  # a hidden copy
            x.reshape(-1)  # a view
            standin.zeros((3, 4), np.float32)
        assert (launched[0], filled[0], made[0]) == (3, 1, 4 * 8 * 4 * 2 + 3 * 4 * 4)


def test_memory_comes_back_when_an_array_is_gone():
    with installed() as standin:
        pool = standin.get_default_memory_pool()
        before = pool.used_bytes()
        x = standin.empty((1000,), np.float32)
        view, gone = x[::2], weakref.ref(x)
        assert pool.used_bytes() - before == 4096
        del x
        assert gone() is None and pool.used_bytes() - before == 4096
        del view
        assert pool.used_bytes() == before


def test_a_warning_of_cupy_fails_no_test(cupy):
    """On a GPU; elsewhere a warning is an error, as in all tests."""
    if "stand-in" in cupy.__version__:
        with pytest.raises(UserWarning):
            warnings.warn("as CuPy does", stacklevel=1)
    else:
        warnings.warn("as CuPy does", stacklevel=1)


def test_a_warning_of_cupy_fails_no_test_of_a_gpu_alone():
    marked = []
    for param in ("gpu", "standin", None):
        callspec = types.SimpleNamespace(params={"cupy": param}) if param else None
        conftest.pytest_collection_modifyitems(
            [
                types.SimpleNamespace(
                    callspec=callspec, add_marker=lambda mark, param=param: marked.append((param, mark.args))
                )
            ]
        )
    assert marked == [("gpu", ("default",))]


def test_without_a_device_no_stream_is_begun(monkeypatch):
    """CuPy would leave a half-made one, whose destructor raises: an error of whatever test comes next."""

    def broken(*number):
        raise work.CUDARuntimeError(
            "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
        )

    with installed() as standin:
        monkeypatch.setattr(standin, "asarray", broken)
        monkeypatch.setattr(standin.cuda, "Stream", None)
        with pytest.raises(RuntimeError, match="the device gpu cannot be used: the GPU's driver is missing, or older"):
            list(on_device([], "gpu", 3, np.float32))


def test_nccl_that_is_missing_is_no_warning(monkeypatch):
    """CuPy's own are six lines, in each process."""

    def import_module(name):
        assert name == "cupy.cuda.nccl"
        warnings.warn("nccl library could not be loaded.", stacklevel=1)
        return type("nccl", (), {"available": False})

    with installed():
        monkeypatch.setattr(group.importlib, "import_module", import_module)
        monkeypatch.setattr(group.backend, "import_cupy", lambda: None)
        assert group.nccl() is None


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
