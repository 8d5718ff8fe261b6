"""The process that cases are tried in: reads their numbers from stdin and answers each with a line. Started by harness.py."""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from .harness import Attempt, Bench, Lost, Result, promise


def result_of(attempt: Attempt, number: int) -> Result:
    """Whatever a case raises: Lost is a promise broken in a known way, any other error in one that nobody thought of."""
    began = time.monotonic()
    try:
        outcome, lost = attempt(number), ""
    except Lost as error:
        outcome, lost = "lost", str(error)
    except Exception as error:
        traceback.print_exc()
        outcome, lost = "lost", f"{type(error).__name__}: {error}"
    return Result(number, round(time.monotonic() - began, 4), outcome, lost)


def main(name: str, seed: str, place: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the library prints is none of ours
    tested = promise(name)
    if tested.memory:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (tested.memory, tested.memory))
    attempt = tested.begin(Bench(int(seed), Path(place)))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(result_of(attempt, int(line))._asdict()), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
