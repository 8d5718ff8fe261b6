"""Which device is chosen, what is said of a GPU that half works, and how it multiplies."""

import sys

import numpy as np
import pytest

import minifcn as mf
from minifcn import backend


def broken(monkeypatch, cupy, error):
    """The first calculation on the device raises `error`."""

    def arange(*arguments, **named):
        raise error

    monkeypatch.setattr(cupy, "arange", arange)


class CUDARuntimeError(RuntimeError):
    pass


@pytest.fixture
def standin():
    from standin import installed

    with installed() as module:
        yield module


def test_a_gpu_that_works(cupy):
    assert backend.gpu_problem() is None
    assert backend.choose_device("auto") == backend.choose_device("gpu") == "gpu"
    assert backend.choose_device("cpu") == "cpu"


@pytest.mark.parametrize(
    "error, words",
    [
        (CUDARuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"), "update the driver"),
        (CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected"), "CUDA sees no GPU; look at what nvidia-smi"),
        (CUDARuntimeError("cudaErrorMemoryAllocation: out of memory"), "no memory left; nvidia-smi says which programs hold it"),
        (MemoryError("Out of memory allocating 512 bytes (allocated so far: 0 bytes)."), "no memory left"),
        (CUDARuntimeError("cudaErrorNoKernelImageForDevice: no kernel image is available for execution on the device"), "no code for this GPU"),
        (RuntimeError("CuPy failed to load libnvrtc.so.12: OSError: libnvrtc.so.12: cannot open shared object file"), "libraries are missing"),
        (ImportError("libcublas.so.12: cannot open shared object file: No such file or directory"), "libraries are missing"),
        (ValueError("something new\nwith a second line"), "a first small calculation fails (something new); CuPy's own check may say more"),
    ],
)  # fmt: skip
def test_a_gpu_that_half_works_is_told_in_a_sentence(error, words, standin, monkeypatch):
    broken(monkeypatch, standin, error)
    said = []
    assert backend.choose_device("auto", said.append) == "cpu"
    (line,) = said
    assert (
        line.startswith("--device auto: ")
        and words in line
        and line.endswith("Going on with the CPU")
        and "\n" not in line
    )
    assert str(error).splitlines()[0] in line
    with pytest.raises(RuntimeError, match="--device gpu: "):
        backend.choose_device("gpu")


def test_a_gpu_that_calculates_wrongly(standin, monkeypatch):
    monkeypatch.setattr(standin, "arange", lambda *a, **b: standin.asarray(np.zeros(4, np.float32)))
    assert backend.gpu_problem() == "the GPU calculates wrongly: 8 and not 54; do not use it"


def test_without_cupy_auto_says_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    said = []
    assert backend.choose_device("auto", said.append) == "cpu" and said == []
    with pytest.raises(RuntimeError, match=r"needs CuPy, which does not import here .*pip install minifcn\[cuda12\]"):
        backend.choose_device("gpu")


def test_an_installation_that_breaks(monkeypatch):
    def import_module(name):
        raise SystemError("initialization failed")

    monkeypatch.setattr(backend.importlib, "import_module", import_module)
    assert backend.gpu_problem().startswith("CuPy breaks when it is imported (initialization failed); install it again")


def test_the_command_line_says_it_and_goes_on(standin, monkeypatch, tmp_path, capsys):
    from minifcn.cli.main import main

    broken(monkeypatch, standin, CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected"))
    assert main(["predict", "--out", str(tmp_path)]) == 0
    assert "--device auto: CUDA sees no GPU" in capsys.readouterr().err
    assert main(["predict", "--out", str(tmp_path), "--device", "gpu"]) == 1


def test_how_a_gpu_multiplies(standin):
    linalg = standin._core._routines_linalg
    try:
        backend.import_cupy()
        assert linalg.types == {np.float32: linalg.COMPUTE_TYPE_FP32}  # off by default, whatever the environment says
        mf.set_float32_matmul_precision("high")
        assert linalg.types == {np.float32: linalg.COMPUTE_TYPE_TF32}
    finally:
        mf.set_float32_matmul_precision("highest")
    assert linalg.types == {np.float32: linalg.COMPUTE_TYPE_FP32}
    with pytest.raises(ValueError, match='got \'medium\'; expected "highest" or "high"'):
        mf.set_float32_matmul_precision("medium")
