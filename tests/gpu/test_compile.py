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

from .nvrtc import CUPYS_OPTIONS, PACKAGES, compile_for, libraries, version

SOURCES = sorted(
    path.stem for path in (Path(minifcn.kernels.gpu.__file__).parent / "cuda").glob("*.cu") if path.stem != "shared"
)
ARCHITECTURES = (
    "75",
    "80",
    "86",
    "89",
    "90",
    "100",
    "120",
)  # Turing, Ampere (A100, RTX 30), Ada, Hopper, Blackwell (B200, RTX 50)
FIRST, LAST = ARCHITECTURES[0], ARCHITECTURES[-1]  # what every run compiles for
WINDOWS = [
    Window((3, 3), padding=((1, 1), (1, 1))),
    Window((2, 2), (2, 2)),
    Window((7, 5), (2, 3), dilation=(2, 1)),
    Window((64, 64), (32, 32)),
]
NVRTC = libraries()


@pytest.fixture(params=PACKAGES)
def nvrtc(request):
    if request.param not in NVRTC:
        pytest.skip(
            f"needs NVIDIA's compiler of CUDA {request.param}: pip install {PACKAGES[request.param]}=={request.param}.*"
        )
    return NVRTC[request.param]


def every_choice(name):
    """The options that the library gives a source: both types of numbers, both widths of an index, every window."""
    for number, window in enumerate(WINDOWS):
        dtype, count = ("float32", "float64")[number % 2], (10, 2**31)[number // 2]
        yield launch.options(np.dtype(dtype), count, **gpu_convolution.macros(window), **gpu_winograd.matrices())


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_compiles(name, nvrtc):
    """To PTX, which shows what is in it, for the oldest GPU and for the newest."""
    wanted = [kernel for kernel, _ in kernels(launch.source(name))]
    assert wanted
    for number, options in enumerate(every_choice(name)):
        compute = f"compute_{(FIRST, LAST)[number // 2]}"
        code, log = compile_for(nvrtc, launch.source(name), compute, ("--std=c++14", *options, *CUPYS_OPTIONS))
        assert all(f".entry {kernel}(".encode() in code for kernel in wanted) and log == ""


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", SOURCES)
def test_a_source_compiles_to_the_code_of_every_gpu(name, architecture, nvrtc):
    """As CuPy asks for it, and without a word of warning."""
    for options in every_choice(name):
        code, log = compile_for(
            nvrtc, launch.source(name), f"sm_{architecture}", ("--std=c++14", *options, *CUPYS_OPTIONS)
        )
        assert code.startswith(b"\x7fELF") and log == ""
        assert all(kernel.encode() in code for kernel, _ in kernels(launch.source(name)))


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_means_the_same_in_every_standard(name, nvrtc):
    """CuPy takes c++17 where no standard is named. Two of them are no error: the last one holds, with a warning."""
    options = next(every_choice(name))
    one, other = (
        compile_for(nvrtc, launch.source(name), "compute_80", (f"--std=c++{each}", *options))[0] for each in (14, 17)
    )
    assert one == other
    both, log = compile_for(nvrtc, launch.source(name), "compute_80", ("--std=c++17", "--std=c++14", *options))
    assert both == one and "followed by" in log


def test_no_header_is_used():
    """There may be none: a person has a driver and wheels."""
    for name in SOURCES:
        assert "#include" not in launch.source(name)


def test_a_gpu_that_is_too_old_is_told(nvrtc):
    """CUDA 13 has left out what is older than Turing. The library knows these words."""
    from minifcn import backend

    code, old = 'extern "C" __global__ void f(float* x) { x[0] = 1; }', "sm_70" if version(nvrtc)[0] == 13 else "sm_35"
    with pytest.raises(RuntimeError) as caught:
        compile_for(nvrtc, code, old, ())
    assert "this CuPy has no code for this GPU" in backend.meaning_of(caught.value)


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
