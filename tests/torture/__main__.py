"""`make torture`: tries what the library promises, in bulk, and prints one table. Stop it with Ctrl-C; the next call goes on from there."""

import argparse
import os
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .harness import NAMES, Bench, NotBegunError, Result, promise, stop_all, tried
from .state import State, row, table

TELL = 20.0  # seconds between two words about how far it is


def arguments_of(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--only", metavar="NAME,…", default=",".join(NAMES), help=f"of {', '.join(NAMES)}")
    parser.add_argument("--share", type=float, default=1.0, help="of all cases: 0.1 is a tenth (1)")
    parser.add_argument("--seed", type=int, default=0, help="other seeds are other cases (0)")
    parser.add_argument("--case", type=int, help="this one case again, of the one promise in --only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once (one a core)")
    parser.add_argument("--minutes", type=float, help="begin no case later than that; the next call goes on")
    parser.add_argument("--afresh", action="store_true", help="forget what earlier calls have found")
    parser.add_argument("--table", action="store_true", help="only print what earlier calls have found")
    parser.add_argument("--place", type=Path, default=Path(".torture"), help="where all of it is kept (.torture)")
    arguments = parser.parse_args(words)
    arguments.only = arguments.only.split(",")
    if unknown := set(arguments.only) - set(NAMES):
        parser.error(f"--only {min(unknown)}: choose of {', '.join(NAMES)}")
    if arguments.case is not None and len(arguments.only) != 1:
        parser.error("--case is one of one promise: name it with --only")
    if not 0 < arguments.share <= 1:
        parser.error(f"--share {arguments.share:g}: above 0, at most 1")
    return arguments


class Torture:
    """The cases of one promise, tried by several workers at once."""

    def __init__(self, name: str, arguments: argparse.Namespace) -> None:
        self.name, self.arguments = name, arguments
        self.promise = promise(name)
        self.bench = Bench(arguments.seed, arguments.place.absolute() / name)
        self.state = State(arguments.place / f"{name}-{arguments.seed}.jsonl")
        self.lock, self.stopped = threading.Lock(), False
        self.numbers, self.full = (self.promise.numbers(self.bench, share) for share in (arguments.share, 1.0))
        if arguments.case is not None:
            self.numbers = self.full = [arguments.case]

    def run(self) -> None:
        again = self.arguments.case is not None
        waiting = self.numbers if again else self.state.missing(self.numbers)
        self.left, self.waiting = len(waiting), iter(waiting)
        if not waiting:
            return
        self.state.begin()
        print(f"{self.name}: {len(waiting):,} cases, {len(self.numbers) - len(waiting):,} done before", flush=True)
        self.told = time.monotonic()
        jobs = min(self.arguments.jobs, len(waiting))
        with ThreadPoolExecutor(jobs) as pool:
            # each a folder of its own: cases write files
            places = [Bench(self.bench.seed, self.bench.place / str(number)) for number in range(jobs)]
            futures = [pool.submit(self.work, bench) for bench in places]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self.stopped = True
                stop_all()
                raise

    def work(self, bench: Bench) -> None:
        for result in tried(self.name, bench, iter(self.next_case, None)):
            with self.lock:
                self.take(result)

    def next_case(self) -> int | None:
        with self.lock:
            late = time.monotonic() > self.arguments.until
            return None if late or self.stopped else next(self.waiting, None)

    def take(self, result: Result) -> None:
        if self.stopped:  # its worker was ended from here
            return
        self.state.add(result)
        self.left -= 1
        if result.lost:
            again = f"python -m tests.torture --only {self.name} --seed {self.bench.seed} --case {result.case}"
            print(f"LOST {self.name} {result.case}: {result.lost}\n  again: {again}", flush=True)
        elif self.arguments.case is not None:
            print(f"{self.name} {result.case}: {result.outcome}, {result.took:.3f} s", flush=True)
        if time.monotonic() - self.told > TELL:
            self.told = time.monotonic()
            print(f"{self.name}: {self.left:,} left", flush=True)


def main(words: list[str] | None = None) -> int:
    if sys.platform == "win32":
        raise NotBegunError(
            "torture needs Linux or macOS: it ends processes that hang, and waits for them, as POSIX has it"
        )
    arguments = arguments_of(words)
    arguments.until = time.monotonic() + 60 * (arguments.minutes or 1e9)
    if arguments.afresh:
        for name in arguments.only:
            (arguments.place / f"{name}-{arguments.seed}.jsonl").unlink(missing_ok=True)
            shutil.rmtree(arguments.place / name, ignore_errors=True)
    tortures = []
    for name in arguments.only:
        tortures.append(Torture(name, arguments))
        if not arguments.table:
            tortures[-1].run()
    print(table(row(each.promise, each.state, each.numbers, each.full) for each in tortures))
    print(f"seed {arguments.seed}; tried with {with_what(tortures)}")
    return int(any(each.state.results[n].lost for each in tortures for n in each.numbers if n in each.state.results))


def with_what(tortures: list[Torture]) -> str:
    """Versions, each once."""
    sessions = [
        ", ".join(f"{k} {v}" for k, v in each.items()) for torture in tortures for each in torture.state.sessions
    ]
    return "; ".join(dict.fromkeys(sessions)) or "nothing yet"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotBegunError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped; the same line goes on from here")
