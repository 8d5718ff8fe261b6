"""What a case costs on a GPU beside its arithmetic, counted on the stand-in: launches, memory that is filled, bytes of the arrays that are made, waits.

A bound is what was found when it was written and a little more. Whoever raises one says in the commit why.
"""

import warnings

import pytest
from standin import installed, synchronisations
from standin.install import fills, launches, made_bytes

from minifcn.bench import gpu
from minifcn.bench.cases import CASES, VGG16
from minifcn.training.processes import group

SMALL = CASES["small-step"]._replace(shape=(2, 3, 64, 64))
# VGG16 with all its layers, each a sixteenth as wide
VGG = SMALL._replace(network=VGG16._replace(widths=(4, 8, 16, 32, 32), fc=256))
BOUNDS = {  # launches, fills, megabytes made
    "forward": (SMALL._replace(mode="forward"), 87, 0, 30),
    "small-step": (SMALL, 285, 45, 90),
    "VGG step": (VGG, 340, 60, 29),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_case_costs_no_more_than_it_did(name, monkeypatch):
    case, most_launches, most_fills, most_megabytes = BOUNDS[name]
    for room in ("minifcn.kernels.gpu.convolution", "minifcn.kernels.gpu.winograd"):
        monkeypatch.setattr(f"{room}.cache_bytes", lambda device: 50 << 20)  # of an H200: all windows are one tile
    with installed():
        program = gpu.OnGpu(case)
        program.before()
        program.call()
        with launches() as launched, fills() as filled, made_bytes() as made, synchronisations() as waited:
            program.call()
    assert 0 < launched[0] <= most_launches
    assert filled[0] <= most_fills and 0 < made[0] <= most_megabytes * 1e6
    assert waited[0] == 0


def test_a_copy_that_nobody_asked_for_is_seen(monkeypatch):
    """The counts have teeth: a ReLU that first lays its map anew."""
    from minifcn.kernels.gpu import pointwise

    def cost():
        with installed():
            program = gpu.OnGpu(SMALL._replace(mode="forward"))
            program.before()
            program.call()
            with launches() as launched, made_bytes() as made:
                program.call()
        return launched[0], made[0]

    first, real = cost(), pointwise.in_order
    monkeypatch.setattr(pointwise, "in_order", lambda function, x: real(function, x.copy("K")))
    second = cost()
    assert second[0] >= first[0] + 10 and second[1] > first[1]


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
