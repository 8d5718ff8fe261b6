"""What a step asks a GPU for, counted on the stand-in: launches, of which each costs the host 8 to 20 µs, and a small network's step is little else; and bytes."""

from contextlib import contextmanager

import numpy as np
import pytest
from standin import array, installed
from standin.install import launches

from minifcn import backend, kernels
from minifcn.bench import gpu
from minifcn.bench.cases import CASES
from minifcn.bench.networks import VGG
from minifcn.kernels import products
from minifcn.kernels.gpu import tiles
from minifcn.kernels.windows import Window

from .blas import PretendedCublas

SMALL = CASES["small-step"]._replace(shape=(2, 3, 64, 64))
# the layers of VGG16, with fewer channels
VGG16 = CASES["vgg-step"]._replace(shape=(1, 3, 64, 64), network=VGG((2, 2, 3, 3, 3), (32, 64, 64, 64, 64), 128, 21))
# at most so many launches, and MiB of arrays made. Found when this was written: a change that adds to them has to say why
MOST = {
    "small-step": (SMALL, 180, 70.1),
    "small-step forward": (SMALL._replace(mode="forward"), 64, 23.3),
    "vgg-step": (VGG16, 220, 47.1),
    "vgg-step forward": (VGG16._replace(mode="forward"), 76, 16.2),
}
PER_STEP = 200  # what a small network's step may ask for, whatever its size


@contextmanager
def bytes_made():
    """Inside, counts the bytes of the arrays that are made on the device: the list's only number."""
    found, init = [0], array.ndarray.__init__

    def counted(self, values):
        found[0] += values.nbytes if values.base is None else 0
        init(self, values)

    array.ndarray.__init__ = counted
    try:
        yield found
    finally:
        array.ndarray.__init__ = init


@pytest.fixture
def h200(monkeypatch):
    """The stand-in as large as an H200, with a cuBLAS that can be called."""
    monkeypatch.setattr(tiles, "cache_bytes", lambda device: 60 << 20)
    monkeypatch.setattr(tiles, "processors", lambda device: 132)
    cublas = PretendedCublas()
    monkeypatch.setattr(products, "library", lambda: cublas)
    monkeypatch.setattr(products, "handle", lambda cupy: "handle")
    with installed() as cupy:
        yield cupy


def asked_for(case):
    """(launches, bytes made) of a call that is not the first."""
    program = gpu.OnGpu(case)
    program.before()
    program.call()
    with launches() as found, bytes_made() as made:
        program.call()
    return found[0], made[0]


@pytest.mark.parametrize("name", MOST)
def test_launches_and_bytes_of_a_call(name, h200):
    case, most, mebibytes = MOST[name]
    found, made = asked_for(case)
    assert 0.9 * most < found <= most  # far below: the bound is to follow
    assert 0.9 * mebibytes < made / 2**20 <= mebibytes


@pytest.mark.slow
def test_launches_of_the_small_step_that_is_measured(h200):
    found, _ = asked_for(CASES["small-step"])
    assert 0 < found <= PER_STEP


def test_another_launch_a_layer_is_seen(h200, monkeypatch):
    add = kernels.choice.KERNELS["relu"]
    monkeypatch.setitem(
        kernels.choice.KERNELS, "relu", tuple(each._replace(run=lambda x, run=each.run: run(x) + 0) for each in add)
    )
    case, most, _ = MOST["small-step forward"]
    assert asked_for(case)[0] > most


LARGE = (128, 32, 7, 7)  # as fc6, whose kernels are most of a network: 0.8 MB here, 411 MB in VGG16


@pytest.mark.parametrize("cache", [60 << 20, 1 << 18])
def test_large_kernels_are_never_copied(cache, h200, monkeypatch):
    """The windows lie as the kernels do; the gradient is added up where it comes to lie."""
    monkeypatch.setattr(tiles, "cache_bytes", lambda device: cache)
    monkeypatch.setattr(tiles, "processors", lambda device: 0)
    window = Window((7, 7), padding=((3, 3), (3, 3)))
    rng = np.random.default_rng(0)
    x, weight, grad = (rng.standard_normal(shape, np.float32) for shape in ((12, 32, 8, 4), LARGE, (12, 128, 8, 4)))
    a, b, c = (h200.asarray(each) for each in (x, weight, grad))
    rows = 12 * 8 * 4 * 32 * 49 * 4  # bytes, of all tiles together

    def made(function, *arguments):
        with bytes_made() as found:
            result = function(*arguments)
        return found[0] - rows - result.nbytes - x.nbytes - grad.nbytes, result

    # beside windows and result, at most the maps with their channels last; the kernels are more than both
    over, _ = made(kernels.conv2d, a, b, window, 1)
    assert over <= 0
    over, found = made(kernels.conv2d_weight_gradient, a, c, window, 1)
    assert over <= 0 and found.flags.c_contiguous
    np.testing.assert_allclose(
        found.get(), kernels.simple.conv2d_weight_gradient(x, grad, window, 1), rtol=1e-3, atol=2e-3
    )
    over, _ = made(kernels.conv2d_input_gradient, c, b, window, 1, x.shape)
    assert over <= 0


def test_a_kernel_is_looked_up_once(monkeypatch):
    """To put the options of a kernel together takes longer than its launch."""
    from minifcn.kernels.gpu import launch

    with installed() as cupy:
        program = gpu.OnGpu(SMALL._replace(mode="forward"))
        program.before()
        program.call()
        monkeypatch.setattr(launch, "options", None)
        monkeypatch.setattr(cupy, "RawModule", None)
        program.call()


def test_the_memory_of_a_graph_is_never_given_back():
    """A pool at its limit frees idle blocks whose addresses captured kernels hold; these stay, and too much is refused."""
    from minifcn.training.cuda_graph import Kept

    with installed() as cupy:
        kept = Kept(cupy.cuda, 100)
        first = kept(60)
        assert first.mem is kept.blocks[0] and first.mem.size == 60
        del first
        assert len(kept.blocks) == 1
        with pytest.raises(MemoryError, match="more than the 100 bytes that are left for it"):
            kept(41)
        kept(40)
        Kept(cupy.cuda, 0)(1 << 40)  # no limit


def test_a_tensor_that_cannot_go_up_says_why(monkeypatch):
    with installed() as cupy:

        class CUDARuntimeError(RuntimeError): ...

        def broken(array):
            raise CUDARuntimeError(
                "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
            )

        monkeypatch.setattr(cupy, "asarray", broken)
        with pytest.raises(RuntimeError, match=r"the device gpu cannot be used: the GPU's driver is missing, or older"):
            backend.to_device(np.ones(3), "gpu")

        def other(array):
            raise ValueError("another fault altogether")

        monkeypatch.setattr(cupy, "asarray", other)
        with pytest.raises(ValueError, match="another fault altogether"):
            backend.to_device(np.ones(3), "gpu")
