"""30 minutes of `minifcn train` in one process, scores and checkpoints on the way: nothing may grow with the steps."""

import gc
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from training.helpers import RUN_MODULE, make_small_set

from minifcn.cli.main import main
from minifcn.cli.progress import Progress

from .harness import Attempt, Bench, Lost, Promise
from .slopes import Growth

FULL = 30 * 60  # seconds
SAMPLES = 400
CHECKPOINTS, SCORES = 2.0, 200  # seconds and steps apart


def begin(bench: Bench) -> Attempt:
    data = make_small_set(bench.fresh("training") / "set")
    line = [
        "train",
        "--data",
        str(data),
        "--arch",
        "fcn32s",
        "--width",
        "2",
        "--size",
        "32",
        "--batch",
        "2",
        "--lr",
        "0.02",
    ]
    line += ["--steps", "100000000", "--val-every", str(SCORES)]

    def attempt(number: int) -> str:
        growth, until, said = Growth(), time.monotonic() + number, StringIO()
        stepped, looked = Progress.stepped, time.monotonic()

        def look(self, stage, step):
            nonlocal looked
            stepped(self, stage, step)
            now = time.monotonic()
            if now - looked >= number / SAMPLES:
                looked = now
                said.seek(0)
                said.truncate()  # what is printed would grow here, not in the library
                gc.collect()
                growth.look(step.step)
            if now >= until:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
            patch.setattr(Progress, "stepped", look)
            patch.setattr(RUN_MODULE, "CHECKPOINT_SECONDS", CHECKPOINTS)
            status = main([*line, "--out", str(bench.fresh("run"))])
        if status != 130:
            raise Lost(f"it ended with {status}: {said.getvalue()[-500:]}")
        return f"{growth.steps[-1]:,} steps; {growth.judged('step')}"

    return attempt


PROMISE = Promise(
    says="a training of any length takes no more memory and no more handles than a short one",
    how="seconds of minifcn train in one process, with scores every 200 steps and checkpoints every 2 s; slopes by Theil and Sen",
    numbers=lambda bench, share: [max(15, round(FULL * share))],
    begin=begin,
    limit=lambda number: 120 + 2 * number,
    weighs=lambda number: number,
)
