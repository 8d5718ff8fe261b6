"""Hold every operation's gradient, or a whole network's, against finite differences: shapes, options and cotangents drawn by a seed.

Errors and tolerances in the table are parts of the scale, the largest gradient of an array.
"""

import argparse
import time
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend, models
from minifcn.autodiff.engine import Tensor
from minifcn.cli.options import add_device, at_least, chosen_device, device_words, picture_file, refuse_given
from minifcn.cli.usage import one_of
from minifcn.models import ARCHITECTURES
from minifcn.ops import OPERATIONS, Call, Operation, softmax_cross_entropy
from minifcn.verify.gradcheck import gradcheck
from minifcn.verify.report import Found, GradcheckError, Report
from minifcn.verify.ucurve import Curve, error_by_step

PICTURE = (20, 18)  # of the networks' input: pools round up, upsampling is cropped, and every parameter still acts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "operations", nargs="*", type=one_of("operation", OPERATIONS), metavar="OP",
        help=f"all of {', '.join(OPERATIONS)} by default",
    )  # fmt: skip
    parser.add_argument(
        "--model", nargs="+", default=[], metavar="NAME", choices=list(ARCHITECTURES),
        help=f"whole networks, through the loss, every parameter: {', '.join(ARCHITECTURES)}",
    )  # fmt: skip
    parser.add_argument("--cases", type=at_least(1), metavar="N", help="random calls an operation (20)")
    parser.add_argument(
        "--directions", type=at_least(0), metavar="K",
        help="of a network, compare arrays of more than K elements along K random directions; 0: every element (20)",
    )  # fmt: skip
    parser.add_argument("--seed", type=at_least(0), default=0, help="(0)")
    parser.add_argument(
        "--plot", type=picture_file, metavar="FILE",
        help="a picture (.png or .svg) of error against step size, an operation a panel",
    )  # fmt: skip
    add_device(parser, "cpu")  # small arrays: a GPU would mostly wait


CASES = DIRECTIONS = 20  # where the options do not say otherwise


class Result(NamedTuple):
    """What was found for one operation or network: the worst case, the range of scales and steps, and the first failure.

    `worst` and `tolerance` are parts of `scale`, the largest gradient of the array where the worst error was.
    """

    name: str
    cases: int
    elements: int
    worst: float
    tolerance: float
    scales: tuple[float, ...]
    steps: tuple[float, ...]
    seconds: float
    failure: str | None

    def row(self) -> str:
        verdict = "FAILED" if self.failure else f"{self.worst:.1e}"
        tolerance = "-" if self.failure else f"{self.tolerance:.0e}"
        return (
            f"{self.name:24}{self.cases:>6}{self.elements:>10}{verdict:>22}{tolerance:>11}{between(self.scales):>18}"
            f"{between(self.steps):>18}{self.seconds:>9.2f}"
        )


def between(numbers: tuple[float, ...]) -> str:
    """The smallest and the largest, "-" of nothing."""
    low, high = (f"{number:.0e}" for number in (min(numbers), max(numbers))) if numbers else ("-", "-")
    return high if low == high else f"{low} to {high}"


HEADING = (
    f"{'operation':24}{'cases':>6}{'compared':>10}{'worst relative error':>22}{'tolerance':>11}{'scale':>18}"
    f"{'step':>18}{'seconds':>9}"
)


def check(operation: Operation, cases: int, seed: int, device: str = "cpu") -> Result:
    started, reports = time.perf_counter(), []
    failure = None
    for number in range(cases):
        call = operation.sample(np.random.default_rng((seed, number)))
        try:
            reports.append(gradcheck(function_of(operation, call), inputs_on(call, device), seed=number))
        except GradcheckError as error:
            shapes = [array.shape for array in call.inputs]
            failure = (
                f"{operation.name}: case {number} of seed {seed}, inputs {shapes}, options {call.options}\n{error}"
            )
            break
    return summed_up(operation.name, reports, started, failure)


def function_of(operation: Operation, call: Call):  # type: ignore[no-untyped-def]
    return lambda *tensors: call.run(operation.function, tensors)


def inputs_on(call: Call, device: str) -> list[Any]:
    return [backend.to_device(array, device) for array in call.inputs]


def check_network(name: str, directions: int, seed: int, device: str = "cpu") -> Result:
    """FCN over tiny, width 1, with random parameters: from the picture and every parameter to the summed loss."""
    started, failure, reports = time.perf_counter(), None, []
    rng = np.random.default_rng(seed)
    model = models.build(name, backbone="tiny", width=1, num_classes=3, learn_upsampling=True).astype("float64")
    for parameter in model.parameters():
        parameter.data += 0.1 * rng.standard_normal(parameter.shape)  # score layers and biases start at 0
    model.to(device)
    labels = rng.integers(0, 3, (1, *PICTURE))
    labels[:, :2] = 255

    def loss(x: Tensor) -> Tensor:
        return softmax_cross_entropy(model(x), labels, reduction="sum")

    try:
        picture = backend.to_device(rng.standard_normal((1, 3, *PICTURE)), device)
        reports.append(gradcheck(loss, picture, parameters=model, directions=directions or None, seed=seed))
    except GradcheckError as error:
        failure = f"{name} over tiny, seed {seed}\n{error}"
    return summed_up(name, reports, started, failure)


def summed_up(name: str, reports: list[Report], started: float, failure: str | None) -> Result:
    worst = max((report.worst_input for report in reports if report.worst_input), key=relative_error, default=None)
    return Result(
        name,
        len(reports) + (failure is not None),
        sum(report.elements for report in reports),
        worst.relative_error if worst else 0.0,
        worst.relative_tolerance if worst else 0.0,
        tuple(scale for report in reports for scale in report.scales),
        tuple(step for report in reports for step in report.steps),
        time.perf_counter() - started,
        failure,
    )


def relative_error(found: Found) -> float:
    return found.relative_error


def curves(operation: Operation, seed: int, device: str = "cpu") -> list[Curve]:
    """U-curves of the first drawn call with something to see: one whose gradient is not all zero."""
    for number in range(20):
        call = operation.sample(np.random.default_rng((seed, number)))
        found = error_by_step(function_of(operation, call), inputs_on(call, device))
        if any(error > 0 for curve in found for error in curve.errors):
            break
    return found


def run(arguments: argparse.Namespace) -> int:
    names = arguments.operations or ([] if arguments.model else list(OPERATIONS))
    if arguments.plot and not names:
        raise ValueError("--plot draws operations, and only networks are named; name some operations too")
    if not names:
        refuse_given(
            arguments, ("--cases",), "is about operations, and only networks are named; leave it out, or name some"
        )
    if not arguments.model:
        refuse_given(
            arguments, ("--directions",), "is about networks, and none is named; leave it out, or add --model NAME"
        )
    cases, directions = arguments.cases or CASES, DIRECTIONS if arguments.directions is None else arguments.directions
    device = chosen_device(arguments)
    if device == "gpu":
        print(f"on {device_words(device)}")
    print(HEADING)
    failures = []
    for name in [*names, *arguments.model]:
        if name in OPERATIONS:
            result = check(OPERATIONS[name], cases, arguments.seed, device)
        else:
            result = check_network(name, directions, arguments.seed, device)
        print(result.row(), flush=True)
        if result.failure:
            failures.append(result.failure)
    for failure in failures:
        print(f"\n{failure}")
    if arguments.plot:
        from minifcn.draw.curves import save  # matplotlib takes a second to load
        from minifcn.draw.ucurves import ucurves

        save(ucurves({name: curves(OPERATIONS[name], arguments.seed, device) for name in names}), arguments.plot)
        print(f"\nerror against step size: {arguments.plot}")
    return 1 if failures else 0
