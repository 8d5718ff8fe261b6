"""Where CuPy is installed, GPU or not: the stand-in has no name or keyword that CuPy has not, and what it refuses comes from the lines that it names.

An array of CuPy can be made over memory of the host without a GPU: views, memory orders and many refusals come before CUDA is asked.
"""

import gc
import inspect
import os
import re
import sys
import traceback
import warnings
from pathlib import Path

import needs
import numpy as np
import pytest
from standin.array import ndarray
from standin.functions import FUNCTIONS, UFUNCS, names
from standin.install import installed
from standin.rules import RULES, VERSION

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what CuPy finds around it
        import cupy
except ImportError:
    cupy = None

needs_cupy = pytest.mark.skipif(cupy is None, reason=needs.CUPY)
SOURCE = os.environ.get("MINIFCN_CUPY_SOURCE")


@needs_cupy
def test_every_name_exists():
    assert [name for name in (*names(), *UFUNCS) if not hasattr(cupy, name)] == []
    assert [name for name in dir(ndarray) if not name.startswith("_") and not hasattr(cupy.ndarray, name)] == []
    assert [
        name for name in ("begin_capture", "end_capture", "is_capturing") if not hasattr(cupy.cuda.Stream, name)
    ] == []


@needs_cupy
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_keyword_exists(name):
    try:
        parameters = inspect.signature(getattr(cupy, name)).parameters
    except ValueError:
        pytest.skip("needs a function of CuPy that says what it takes")
    if not any(each.kind == each.VAR_KEYWORD for each in parameters.values()):
        assert set(FUNCTIONS[name].split()) <= set(parameters)


@needs_cupy
def test_what_has_no_public_name_is_there():
    """`set_float32_matmul_precision` reaches for it."""
    from cupy._core import _routines_linalg

    assert callable(_routines_linalg.set_compute_type)
    assert _routines_linalg.COMPUTE_TYPE_TF32 != _routines_linalg.COMPUTE_TYPE_FP32


@pytest.fixture
def host():
    """CuPy, which finds its memory on the host."""
    if cupy is None or not cupy.__version__.startswith(VERSION):
        pytest.skip(f"needs CuPy {VERSION}: pip install cupy-cuda12x=={VERSION}")
    from cupy.cuda import memory

    def allocate(size):
        block = np.zeros(max(1, size), np.uint8)
        return memory.MemoryPointer(memory.UnownedMemory(block.ctypes.data, size, block, 0), 0)

    with cupy.cuda.using_allocator(allocate):
        yield cupy


def shape_and_order(array):
    return array.shape, array.strides, array.flags.c_contiguous, array.flags.f_contiguous


VIEWS = {
    "as it is": lambda x: x,
    "channels last": lambda x: x.transpose(0, 3, 1, 2),
    "part of it": lambda x: x.transpose(0, 3, 1, 2)[:, :, 1:3, 1:],
    "backwards": lambda x: x[:, ::-1, ::2],
    "one axis less": lambda x: x[1].T,
    "spread": lambda x: x[:, :1].swapaxes(1, 2),
    "as rows": lambda x: x.reshape(8, -1),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views_and_copies_lie_as_cupys(view, host):
    theirs = view(host.ndarray((2, 4, 3, 5), np.float32))
    with installed() as standin:
        ours = view(standin.empty((2, 4, 3, 5), np.float32))
        assert shape_and_order(ours) == shape_and_order(theirs)
        assert shape_and_order(standin.empty_like(ours)) == shape_and_order(host.empty_like(theirs))
        assert shape_and_order(standin.empty_like(ours, np.float64)) == shape_and_order(
            host.empty_like(theirs, np.float64)
        )


# what comes before CUDA is asked; the rest is tried on a GPU, in test_standin.py
WITHOUT_A_GPU = {
    "no silent download": (TypeError, lambda x: np.asarray(x)),
    "assignment of a NumPy array": (ValueError, lambda x: x.__setitem__(0, np.ones(5))),
    "no ufunc's where": (TypeError, lambda x: cupy.add(x, x, where=True)),
    "no start of a maximum": (TypeError, lambda x: x.max(initial=0)),
    "copyto from a NumPy array": (ValueError, lambda x: cupy.copyto(x, np.ones(x.shape))),
    "set of another kind": (TypeError, lambda x: x.set([1])),
    "set of another shape": (ValueError, lambda x: x.set(np.ones((2, 2), np.float32))),
    "no length without axes": (TypeError, lambda x: len(x[0, 0, 0, 0])),
    "no steps without axes": (TypeError, lambda x: list(x[0, 0, 0, 0])),
    "options are a tuple": (TypeError, lambda x: cupy.RawModule(code="", options=["-DA=1"])),
    "no nccl": (AttributeError, lambda x: cupy.cuda.__getattr__("nccl")),
}


@pytest.mark.parametrize("name", WITHOUT_A_GPU)
def test_an_error_comes_from_the_line_that_the_rule_names(name, host):
    error, case = WITHOUT_A_GPU[name]
    with pytest.raises(error) as caught:
        case(host.ndarray((2, 4, 3, 5), np.float32))
    assert caught.type is error
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(caught.tb)]
    rule = RULES[name]
    if name == "options are a tuple":
        return  # the call itself is refused, so there is no frame of its
    assert any(file.endswith(rule.file) and line == rule.line for file, line in places), places


@needs_cupy
def test_beside_the_standin_nothing_of_cupy_is_left():
    """PyTorch's import looks at every module, and cupyx loads itself when it is looked at."""
    import cupyx

    with installed() as standin:
        assert sys.modules["cupy"] is standin and "cupyx" not in sys.modules and "cupy_backends" not in sys.modules
    assert sys.modules["cupy"] is cupy and sys.modules["cupyx"] is cupyx


HEAD = re.compile(r"\s*(?:cpdef|cdef|def)\s[^=]*?(\w+)\(")


@pytest.mark.skipif(not SOURCE, reason=f"needs CuPy's source: set MINIFCN_CUPY_SOURCE to a checkout of v{VERSION}")
@pytest.mark.parametrize("name", RULES)
def test_a_rule_stands_in_cupys_source(name):
    rule = RULES[name]
    lines = Path(SOURCE, rule.file).read_text(encoding="utf-8").splitlines()
    assert rule.words in lines[rule.line - 1]
    if rule.function is not None:
        heads = [found[1] for line in lines[: rule.line] if (found := HEAD.match(line))]
        assert heads[-1] == rule.function


@needs_cupy
def test_what_fails_without_a_gpu_leaves_no_noise(monkeypatch):
    """CuPy's Stream that could not be made raises in its destructor, which pytest would call an error of whatever test comes next."""
    from minifcn import backend
    from minifcn.training.supply import on_device

    problem = backend.gpu_problem()
    if problem is None:
        pytest.skip("needs CuPy without a GPU")
    assert "\n" not in problem and "driver" in problem
    for case in (lambda: backend.to_device(np.ones(3), "gpu"), lambda: list(on_device([], "gpu", 3, np.float32))):
        with pytest.raises(RuntimeError, match="the device gpu cannot be used: the GPU's driver is missing"):
            case()
    gc.collect()


@needs_cupy
def test_nccl_is_found_by_name_or_missed_in_silence():
    """CuPy warns in six lines where the library is missing; here a warning is an error."""
    from minifcn.training.processes.group import nccl

    found = nccl()
    assert found is None or found.get_version() >= 21800


@needs_cupy
def test_a_standard_that_is_named_is_the_only_one():
    """A second one would win, with a warning."""
    from cupy._core import core

    assert not core.use_default_std(("--std=c++14", "-DNUMBER=float"))


@needs_cupy
def test_the_folder_of_compiled_kernels_is_chosen_when_cupy_is_imported(monkeypatch, tmp_path):
    """So it is set for a new process, as the device check does, and never in a running one."""
    from cupy.cuda import compiler

    before = str(vars(compiler._kernel_cache_backend))
    monkeypatch.setenv("CUPY_CACHE_DIR", str(tmp_path))
    assert str(vars(compiler._kernel_cache_backend)) == before and str(tmp_path) not in before


# in CuPy 14.2.0's own words
SAID = {
    "Failed to find CUDA headers. Please install CUDA toolkit headers (e.g., pip install cupy-cuda12x[ctk]) or specify CUDA_PATH environment variable.": "CUDA's libraries are missing",
    'Failure finding "libcublasLt.so.13 or libcublasLt.so.12": No such file: libcublasLt.so.13 or libcublasLt.so.12': "CUDA's libraries are missing",
    "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version": "the GPU's driver is missing, or older",
    "nvrtc: error: invalid value for --gpu-architecture (-arch)": "this CuPy has no code for this GPU",
    "Out of memory allocating 2,000,384 bytes (allocated so far: 0 bytes, limit set to: 1,048,576 bytes).": "the GPU has no memory left",
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_what_cupy_says_is_understood(said):
    from minifcn import backend

    assert SAID[said] in backend.meaning_of(RuntimeError(said))
