"""Where memory is scarce: a graph captured near the limit, and what the command line says when it runs out."""

import gc
import io
import os
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np

from minifcn import backend
from minifcn.data import make_synthetic

from .training import NEAR, apart, trained

FACTORS = (1.02, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0)


def memory(stage):
    width = 2 if stage.small else 24
    plain, peak = plainly(width)
    for factor in FACTORS[::3] if stage.small else FACTORS:
        name = f"a graph within {factor:g} times the plain step's memory"
        stage.check(name, limited, plain, int(peak * factor), width, factor == FACTORS[-1])
    stage.check("a graph holds its memory while it lives", held)
    with tempfile.TemporaryDirectory() as folder:
        data = make_synthetic(Path(folder, "set"), train=6, val=3, size=(40, 48), seed=3)
        for words in ("", "--graph"):
            name = f"minifcn train --gpu-memory 20M {words}".strip()
            stage.check(
                f"{name} says that memory ran out", command, data, Path(folder, f"run{words}"), words, stage.standin
            )


def plainly(width):
    """(a training without a graph, what the pool took for it)"""
    pool = backend.import_cupy().get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    return trained("gpu", width=width), pool.total_bytes()


def limited(plain, limit, width, enough):
    """It goes on without the graph, says so, or the graph is right: never a wrong number. `enough`: here the graph must fit."""
    pool = backend.import_cupy().get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    pool.set_limit(size=limit)
    try:
        captured = trained("gpu", True, width=width)
    except MemoryError as error:  # the step itself does not fit
        return dict(ok=not enough, limit=limit, said=str(error)[:200])
    finally:
        pool.set_limit(size=0)
    found = apart(plain, captured)
    return dict(ok=found["losses"] < NEAR and not (enough and captured[2]), limit=limit, said=captured[2], **found)


def held():
    """Other work between two launches gets none of the graph's memory: the second launch finds what the first left."""
    from minifcn.training import cuda_graph

    cupy = backend.import_cupy()
    x = cupy.arange(100_000, dtype=np.float32)

    def work():
        part = x * 2
        return [part + 1]

    graph, (result,) = cuda_graph.record(work)
    right = True
    for number in range(3):
        x.fill(number)
        graph.launch()
        noise = [cupy.full(100_000, np.nan, np.float32) for _ in range(8)]
        right &= bool((result.get() == 2 * number + 1).all())
        del noise
    return dict(ok=right)


def command(data, out, words, standin):
    """In a process of its own; on the stand-in, in this one."""
    line = f"train --data {data} --arch fcn8s --backbone tiny --width 32 --steps 4 --device gpu --out {out} --size 320 --batch 6 --gpu-memory 20M {words}"
    if standin:
        code, said = in_this_process(line.split())
    else:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        run = [sys.executable, "-m", "minifcn", *line.split()]
        done = subprocess.run(run, capture_output=True, text=True, timeout=20, env=environment, check=False)
        code, said = done.returncode, done.stderr.strip()
    return dict(ok=code == 1 and "Traceback" not in said and "memory" in said.lower(), code=code, said=said[-400:])


def in_this_process(words):
    from minifcn.cli.main import main

    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        code = main(words)
    os.environ.pop(backend.MEMORY_LIMIT, None)
    backend.import_cupy().get_default_memory_pool().set_limit(size=0)
    return code, said.getvalue()
