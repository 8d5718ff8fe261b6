"""`python -m gpu.device STAGE FILE`: run a stage and write what it finds. `list`: stages and their seconds. `collect FOLDER FILE`: one file of all.

`--standin`: on the stand-in for CuPy, small, to try the stage itself.
"""

import argparse
import importlib
import json
import sys
from contextlib import ExitStack
from pathlib import Path

from minifcn import backend

from .collecting import collect, missed, wrong
from .report import Fatal, Stage

# seconds each may take; together no more than 475, so that a short loan of a machine is enough
STAGES = {
    "facts": ("facts", 30),
    "tests": ("suite", 95),
    "operations": ("operations", 45),
    "large": ("large", 25),
    "training": ("training", 45),
    "graph": ("training", 40),
    "memory": ("memory", 45),
    "nccl": ("group", 15),
    "bench": ("bench", 40),
    "bench_tf32": ("bench", 30),
    "launches": ("launches", 30),
    "sanitizer": ("suite", 35),
}


def run(name, path, standin):
    """0: the stage went to its end, whatever it found."""
    stage = Stage(name, path, standin)
    with ExitStack() as stack:
        if standin:
            from .pretended import pretended

            stack.enter_context(pretended())
        elif problem := backend.gpu_problem():
            print(problem, file=sys.stderr)
            return 2
        function = getattr(importlib.import_module(f".{STAGES[name][0]}", __package__), name)
        try:
            function(stage)
        except Fatal as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 3
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m gpu.device", description=__doc__)
    parser.add_argument("what", choices=[*STAGES, "list", "collect"])
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--standin", action="store_true")
    options = parser.parse_args(arguments)
    if options.what == "list":
        print("".join(f"{name} {seconds}\n" for name, (_, seconds) in STAGES.items()), end="")
        return 0
    if options.what == "collect":
        folder, file = options.paths
        report = collect(folder, {name: seconds for name, (_, seconds) in STAGES.items()}, options.standin)
        file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        found = list(wrong(report))
        counts = ", ".join(f"{count} {name}" for name, count in report["summary"].items() if count)
        print("\n".join([*found, *missed(report), counts]))
        return int(bool(found))
    return run(options.what, options.paths[0], options.standin)


if __name__ == "__main__":
    raise SystemExit(main())
