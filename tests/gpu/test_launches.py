"""How many kernels a step asks a GPU for, counted on the stand-in: each costs the host 8 to 20 µs, and a small network's step is little else."""

import pytest
from standin import installed
from standin.install import launches

from minifcn import backend
from minifcn.bench import gpu
from minifcn.bench.cases import CASES
from minifcn.kernels.gpu import tiles

SMALL = CASES["small-step"]._replace(shape=(2, 3, 64, 64))
# found when this was written: 281 and 84. A change that adds launches has to say why
MOST = {"step": 285, "forward": 86}


@pytest.mark.parametrize("mode", MOST)
def test_launches_of_a_small_network(mode, monkeypatch):
    monkeypatch.setattr(tiles, "cache_bytes", lambda device: 50 << 20)  # of an H200: all windows are one tile
    with installed():
        program = gpu.OnGpu(SMALL._replace(mode=mode))
        program.before()
        program.call()
        with launches() as found:
            program.call()
    assert 0 < found[0] <= MOST[mode]


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
    import numpy as np

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
