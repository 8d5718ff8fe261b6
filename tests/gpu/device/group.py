"""NCCL with one process: it is found, it makes a communicator, and its sum is the numbers themselves."""

import numpy as np

from minifcn import backend
from minifcn.training.processes import group as groups
from minifcn.training.processes.together import nccl_id


def nccl(stage):
    missing = None if stage.standin else (None if groups.nccl() else "NCCL: pip install nvidia-nccl-cu12, or -cu13")
    stage.check("NCCL is found", lambda: dict(ok=True, version=groups.nccl().get_version()), needs=stage.gpu or missing)
    stage.check("a sum of one process", one_process, needs=stage.gpu or missing)
    stage.check("a sum of one process, captured", captured, needs=stage.gpu or missing)
    stage.check("without NCCL the sum goes by way of the CPU", by_the_cpu)


def one_process():
    group = groups.NcclGroup(0, 1, [], nccl_id("gpu"))
    right = True
    for dtype in (np.float32, np.float64):
        x = backend.import_cupy().arange(100_003, dtype=dtype)
        group.total(x)
        right &= bool((x.get() == np.arange(100_003)).all())
    group.check()
    return dict(ok=right)


def captured():
    """Nobody promises it; a measurement."""
    from minifcn.training import cuda_graph

    group = groups.NcclGroup(0, 1, [], nccl_id("gpu"))
    x = backend.import_cupy().arange(1000, dtype=np.float32)
    group.total(x)
    graph, _ = cuda_graph.record(lambda: group.total(x) or [])
    graph.launch()
    return dict(same=bool((x.get() == np.arange(1000)).all()))


def by_the_cpu():
    group = groups.Group(0, 1)
    x = backend.import_cupy().arange(1000, dtype=np.float32)
    group.total(x)
    return dict(ok=bool((x.get() == np.arange(1000)).all()))
