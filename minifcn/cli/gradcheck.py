"""Hold every operation's gradient against finite differences over random calls: shapes, options and cotangents drawn by a seed."""

import argparse
import time
from typing import NamedTuple

import numpy as np

from minifcn.cli.options import at_least
from minifcn.ops import OPERATIONS, Operation
from minifcn.verify.gradcheck import GradcheckError, gradcheck


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("operations", nargs="*", metavar="OP", help=f"all of {', '.join(OPERATIONS)} by default")
    parser.add_argument("--cases", type=at_least(1), default=20, metavar="N", help="random calls an operation (20)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="(0)")


class Result(NamedTuple):
    """What was found for one operation: the worst relative error over all cases, and the first failure."""

    name: str
    cases: int
    elements: int
    worst: float
    step: float
    seconds: float
    failure: str | None


def check(operation: Operation, cases: int, seed: int) -> Result:
    started, worst, elements, step = time.perf_counter(), 0.0, 0, 0.0
    for number in range(cases):
        call = operation.sample(np.random.default_rng((seed, number)))
        try:
            report = gradcheck(
                lambda *tensors, call=call: call.run(operation.function, tensors), call.inputs, seed=number
            )
        except GradcheckError as error:
            shapes = [array.shape for array in call.inputs]
            failure = (
                f"{operation.name}: case {number} of seed {seed}, inputs {shapes}, options {call.options}\n{error}"
            )
            return Result(
                operation.name, number + 1, elements, float("nan"), step, time.perf_counter() - started, failure
            )
        worst, elements, step = max(worst, report.worst), elements + report.elements, report.steps[0]
    return Result(operation.name, cases, elements, worst, step, time.perf_counter() - started, None)


def run(arguments: argparse.Namespace) -> int:
    unknown = [name for name in arguments.operations if name not in OPERATIONS]
    if unknown:
        raise ValueError(f"no operation {', '.join(unknown)}; there are {', '.join(OPERATIONS)}")
    print(f"{'operation':24}{'cases':>6}{'elements':>10}{'worst relative error':>22}{'step':>9}{'seconds':>9}")
    failures = []
    for name in arguments.operations or OPERATIONS:
        result = check(OPERATIONS[name], arguments.cases, arguments.seed)
        verdict = "FAILED" if result.failure else f"{result.worst:.1e}"
        print(
            f"{name:24}{result.cases:>6}{result.elements:>10}{verdict:>22}{result.step:>9.0e}{result.seconds:>9.2f}",
            flush=True,
        )
        if result.failure:
            failures.append(result.failure)
    for failure in failures:
        print(f"\n{failure}")
    return 1 if failures else 0
