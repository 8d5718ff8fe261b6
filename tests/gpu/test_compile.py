"""Every CUDA source compiles for the GPUs people have, by NVIDIA's own compiler, with the options that the library gives it."""

from pathlib import Path

import numpy as np
import pytest
from standin.kernels_of import kernels

import minifcn.kernels.gpu
from minifcn.kernels.gpu import convolution as gpu_convolution
from minifcn.kernels.gpu import launch
from minifcn.kernels.gpu import winograd as gpu_winograd
from minifcn.kernels.windows import Window

from .nvrtc import compile_for, library

SOURCES = sorted(
    path.stem for path in (Path(minifcn.kernels.gpu.__file__).parent / "cuda").glob("*.cu") if path.stem != "shared"
)
ARCHITECTURES = ("sm_75", "sm_80", "sm_90")
WINDOWS = [
    Window((3, 3), padding=((1, 1), (1, 1))),
    Window((2, 2), (2, 2)),
    Window((7, 5), (2, 3), dilation=(2, 1)),
    Window((64, 64), (32, 32)),
]
NVRTC = library()


@pytest.fixture
def nvrtc():
    if NVRTC is None:
        pytest.skip("needs NVIDIA's compiler: pip install nvidia-cuda-nvrtc-cu12")
    return NVRTC


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", SOURCES)
def test_a_source_compiles(name, architecture, nvrtc):
    wanted = [kernel for kernel, _ in kernels(launch.source(name))]
    assert wanted
    for number, window in enumerate(WINDOWS):  # both types, both widths of an index, every window
        dtype, count = ("float32", "float64")[number % 2], (10, 2**31)[number // 2]
        options = launch.options(np.dtype(dtype), count, **gpu_convolution.macros(window), **gpu_winograd.matrices())
        code = compile_for(nvrtc, launch.source(name), architecture, ("--std=c++14", *options))
        assert all(f".entry {kernel}(" in code for kernel in wanted)


def test_no_source_adds_up_in_any_order():
    """Float additions by atomics come out differently from run to run."""
    for name in SOURCES:
        assert "atomic" not in launch.source(name)


def test_a_fault_is_seen(nvrtc):
    with pytest.raises(RuntimeError, match="expected a"):
        compile_for(nvrtc, 'extern "C" __global__ void f(float* x) { x[0] = 1 }', "sm_80", ())


def test_every_kernel_takes_its_count_last():
    for name in SOURCES:
        for kernel, kinds in kernels(launch.source(name)):
            assert kinds[-1] == "Index", kernel


def test_the_type_of_an_index():
    assert "-DINDEX=int" in launch.options("float32", 2**30 - 1)
    assert "-DINDEX=long long" in launch.options("float32", 2**30 + 1)  # sums of two of them are formed
