"""Time whole networks and single layers, in turns with PyTorch; peak memory of each. Rows are printed as they come."""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.bench import measure, rival, running, runtimes
from minifcn.bench.cases import CASES, Case, layer_cases
from minifcn.bench.running import NoRoom, Row
from minifcn.cli.options import at_least
from minifcn.files import write_whole
from minifcn.kernels import threads
from minifcn.version import __version__

LAYERS = "layers"
RUNTIMES = ("onnxruntime", "openvino")
GPU_ALONE = ("vgg-forward-512", "vgg-step-384", "paper-500")
CROWDED = 0.15  # cores; below it is the system's own work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--against", nargs="+", choices=("torch", *RUNTIMES), metavar="PROGRAM", default=[],
        help=f"torch: let PyTorch take its turns; {' or '.join(RUNTIMES)}: networks as they are used, forward, on minifcn's export",
    )  # fmt: skip
    parser.add_argument(
        "--case", nargs="+", choices=[*CASES, LAYERS, *GPU_ALONE, *runtimes.USED], metavar="NAME", default=None,
        help=f"only these: {', '.join(CASES)}, or {LAYERS} for the layers alone; on a GPU small-step, {', '.join(GPU_ALONE)}; against runtimes {', '.join(runtimes.USED)} (all cases)",
    )  # fmt: skip
    parser.add_argument(
        "--layers", action="store_true", help="every layer of VGG16-FCN-8s at 384x384 too, forward and backward"
    )
    parser.add_argument("--threads", type=at_least(1), metavar="N", help="for both programs (the cores there are)")
    parser.add_argument(
        "--repeat", type=at_least(1), metavar="N",
        help=f"rounds a case (as many as fill {measure.SECONDS:.0f} s, {measure.FEWEST} to {measure.MOST})",
    )  # fmt: skip
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "gpu"),
        default="cpu",
        help="gpu: the cases of a GPU, see --case; auto: these where a GPU works (cpu)",
    )
    parser.add_argument(
        "--precision",
        choices=("highest", "high"),
        default="highest",
        help="high: both programs may use TF32 on a GPU (highest)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every time and the quartiles there too")


def on_gpu(arguments: argparse.Namespace) -> int:
    """The cases of a GPU, a row each."""
    from minifcn.bench import gpu

    unknown = [name for name in arguments.case or () if name not in gpu.GPU_CASES]
    if unknown:
        raise ValueError(f"--case {unknown[0]} is not for a GPU; there are {', '.join(gpu.GPU_CASES)}")
    reason = gpu.problem_of_rival() if arguments.against else "not asked for"
    if arguments.against and reason:
        print(f"{reason}: minifcn's rows alone follow\n")
    torch = None if reason else rival.pytorch()
    print(
        f"{backend.device_name()}; products in {'TF32' if arguments.precision == 'high' else 'float32'}\n{gpu.COLUMNS}",
        flush=True,
    )
    machine = {
        "device": backend.device_name(), "precision": arguments.precision, "minifcn": __version__,
        "pytorch": torch.__version__ if torch else None,
    }  # fmt: skip
    found: list[Any] = []
    save(arguments.json, machine, found)
    with gpu.precision(arguments.precision, torch):
        for name in arguments.case or gpu.GPU_CASES:
            found.append(gpu.run_case(gpu.GPU_CASES[name], torch is not None, arguments.repeat or 50))
            print(gpu.line(found[-1]), flush=True)
            save(arguments.json, machine, found)
    print(
        "\nmedians of what the GPU's own events say; memory: what each program's pool held at most; targets that are missed stand behind a row"
    )
    return 0


def against_runtimes(arguments: argparse.Namespace, number: int) -> int:
    """Networks as they are used, a row each: milliseconds of every program, and minifcn's time by that of the fastest other."""
    unknown = [name for name in arguments.case or () if name not in runtimes.USED]
    if unknown:
        raise ValueError(f"--case {unknown[0]} is not for runtimes; there are {', '.join(runtimes.USED)}")
    absent = runtimes.missing(arguments.against)
    if absent:
        print(f"not installed, and left out: {', '.join(absent)} (pip install onnx {' '.join(absent)})\n")
    rivals = [name for name in dict.fromkeys(arguments.against) if name not in absent]
    torch = rival.pytorch() if "torch" in rivals else None
    found: list[Any] = []
    with measure.held_to(number, torch):
        machine = described(number, running.product_rates(torch is not None), torch)
        print(
            f"{heading(machine)}\n\n{'ms a call':14}{''.join(f'{name:>13}' for name in ('minifcn', *rivals))}{'ratio':>8}"
        )
        save(arguments.json, machine, found)
        for name in arguments.case or runtimes.USED:
            row = runtimes.run_used(name, rivals, number, arguments.repeat)
            cells = "".join(f"{timing.median * 1e3:>13.2f}" for timing in row.timings.values())
            print(f"{name:14}{cells}{'' if row.ratio is None else f'{row.ratio:8.2f}'}", flush=True)
            found.append(row)
            save(arguments.json, machine, found)
    print("\nmedians; ratio: minifcn by the fastest other program, below 1 minifcn is faster")
    return 0


def run(arguments: argparse.Namespace) -> int:
    if backend.choose_device(arguments.device, lambda line: print(line, file=sys.stderr)) == "gpu":
        return on_gpu(arguments)
    number = arguments.threads or threads.available_cores()
    if set(arguments.against) & set(RUNTIMES):
        return against_runtimes(arguments, number)
    against = "torch" in arguments.against and rival.installed()
    if arguments.against and not against:
        print("PyTorch is not installed (pip install torch): minifcn's rows alone follow\n")
    torch = rival.pytorch() if against else None
    with measure.held_to(number, torch):
        rates = running.product_rates(against)
        machine = described(number, rates, torch)
        print(heading(machine))
        todo = chosen(arguments.case, arguments.layers)
        minutes = running.estimate(todo, against, arguments.repeat, rates["NumPy"]) / 60
        print(f"estimated time: {'a minute or less' if minutes <= 1.5 else f'about {minutes:.0f} minutes'}\n")
        print(COLUMNS if against else COLUMNS[:ALONE].rstrip(), flush=True)
        found: list[Row] = []
        save(arguments.json, machine, found)  # a file that cannot be written is better known now
        for case, peaks in todo:
            try:
                rows = running.run_case(case, against, number, arguments.repeat, peaks)
            except NoRoom as reason:
                print(f"{title(case):29}skipped: {reason}", flush=True)
                continue
            for row in rows:
                print(line(row), flush=True)
            found += rows
            save(arguments.json, machine, found)
    print(footing(found))
    return 0


def chosen(names: list[str] | None, layers: bool) -> list[tuple[Case, bool]]:
    """The cases to run; memory is measured for whole networks, not for layers."""
    names = list(CASES) if names is None else names
    for others, need in (
        (GPU_ALONE, "is for a GPU: add --device gpu"),
        (runtimes.USED, "is for runtimes: add --against onnxruntime"),
    ):
        if unknown := [name for name in names if name in others]:
            raise ValueError(f"--case {unknown[0]} {need}")
    todo = [(CASES[name], True) for name in dict.fromkeys(names) if name != LAYERS]
    return todo + ([(case, False) for case in layer_cases()] if layers or LAYERS in names else [])


def described(number: int, rates: dict[str, float], torch: Any) -> dict[str, Any]:
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": number,
        "minifcn": __version__,
        "numpy": np.__version__,
        "pytorch": torch.__version__ if torch else None,
        "product_flop_per_second": rates,
    }


def processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for text in table.read_text(encoding="utf-8", errors="replace").splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def heading(machine: dict[str, Any]) -> str:
    rates = ", ".join(f"{rate / 1e9:.0f} GFLOP/s ({name})" for name, rate in machine["product_flop_per_second"].items())
    versions = [f"minifcn {machine['minifcn']}", f"NumPy {machine['numpy']}"]
    versions += [f"PyTorch {machine['pytorch']}"] if machine["pytorch"] else []
    side = measure.PRODUCT
    return (
        f"{', '.join(versions)}; {machine['threads']} thread{'s' * (machine['threads'] > 1)} on {machine['processor']}\n"
        f"matrix product {side}x{side}x{side}: {rates}"
    )


COLUMNS = (
    f"{'case':29}{'minifcn ms':>11}{'GFLOP/s':>9}{'peak MiB':>10}"
    f"{'PyTorch ms':>13}{'GFLOP/s':>9}{'peak MiB':>10}{'ratio':>8}  PyTorch's format"
)
ALONE = COLUMNS.index("PyTorch") - 3


def title(case: Case, variant: str = "") -> str:
    if case.mode in ("forward", "step") and case.name in CASES:
        return f"{case.name} {variant}"
    return f"{case.name} {case.mode}" + (f" ({case.times} alike)" if case.times > 1 else "")


def cells(seconds: float, gflop: float, peak: int | None, wide: int) -> str:
    rate = f"{gflop / seconds:.0f}" if gflop else ""
    return f"{seconds * 1e3:>{wide}.2f}{rate:>9}{'' if peak is None else f'{peak / 2**20:.0f}':>10}"


def line(row: Row) -> str:
    gflop = row.case.flops() / 1e9
    text = f"{title(row.case, row.variant):29}{cells(row.ours.median, gflop, row.memory, 11)}"
    if row.theirs:
        text += f"{cells(row.theirs.median, gflop, row.their_memory, 13)}{row.ratio:>8.2f}  {row.format}"
    return text.rstrip() + ("  (crowded)" if row.crowding is not None and row.crowding > CROWDED else "")


def footing(rows: list[Row]) -> str:
    text = "\nmedians; GFLOP/s: multiply-adds of the products, counted as 2, by the time; memory: above the imports"
    if any(row.crowding is not None and row.crowding > CROWDED for row in rows):
        text += (
            "\n(crowded): other processes took cores away meanwhile; such times, and ratios, are not to be relied on"
        )
    if any(row.theirs for row in rows):
        worst = max((row.ratio, title(row.case, row.variant)) for row in rows if row.ratio is not None)
        text += f"\nratio: minifcn / PyTorch, below 1 minifcn is faster; the largest is {worst[0]:.2f}, {worst[1]}"
    return text


def save(path: Path | None, machine: dict[str, Any], rows: list[Any]) -> None:
    """The rows so far, whole or not at all: a run that is stopped leaves those that it had."""
    if path is not None:
        content = {"machine": machine, "rows": [row.as_json() for row in rows]}
        write_whole(path, json.dumps(content, indent=1).encode())
