"""Peak memory of a program: a child process builds the case and runs it twice, and says how far its memory rose above its imports.

What is loaded only when it is first used counts as imported: a network of a few pixels runs before the baseline is taken. Twice, because a step has its velocities only from the second on. On Linux the peak is VmHWM of /proc/self/status: `ru_maxrss` of a child
that was forked begins with what its parent held. Elsewhere it is `ru_maxrss`.
"""

import json
import subprocess
import sys
from pathlib import Path

from minifcn.bench import measure, rival
from minifcn.bench.cases import CASES, Case
from minifcn.bench.networks import VGG
from minifcn.bench.ours import OurProgram

STATUS = Path("/proc/self/status")


def peak(case: str, variant: str, threads: int) -> int | None:
    """Bytes; None where the system does not say, on Windows. `variant`: "ops", "model" or "plan", or one of PyTorch's memory formats."""
    command = [sys.executable, "-m", "minifcn.bench.memory", case, variant, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise RuntimeError(
            f"bench: the memory of {case} ({variant}) could not be measured: {done.stderr.strip()[-500:]}"
        )
    found = json.loads(done.stdout)["peak"]
    return None if found is None else int(found)


def in_status(field: str) -> int:
    """Bytes that the kernel reports: VmRSS now, VmHWM at most so far."""
    line = next(line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def now_and_most() -> tuple[int, int] | None:
    """Bytes in use now, and at most so far; None where the system does not say."""
    if STATUS.exists():
        return in_status("VmRSS"), in_status("VmHWM")
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return most, most


def available() -> int | None:
    """Bytes that new programs may use, where the system says so."""
    table = Path("/proc/meminfo")
    if not table.exists():
        return None
    line = next(line for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024


FIRST = Case("first", "step", (1, 3, 32, 32), VGG((1, 1, 1, 1, 1), (1, 1, 1, 1, 1), 1, 2))


def child(case: Case, variant: str, threads: int) -> int | None:
    """The rise of this process's memory while it builds and runs `case`, in bytes; None where the system does not say."""
    torch = rival.pytorch() if variant in rival.FORMATS else None
    with measure.held_to(threads, torch):
        run_twice(FIRST, variant)
        before = now_and_most()
        run_twice(case, variant)
        after = now_and_most()
        return max(0, after[1] - before[0]) if before and after else None


def run_twice(case: Case, variant: str) -> None:
    theirs = variant in rival.FORMATS
    program: measure.Program = rival.TheirProgram(case, variant) if theirs else OurProgram(case, variant)
    for _ in range(2):
        measure.once(program)


if __name__ == "__main__":
    print(json.dumps({"peak": child(CASES[sys.argv[1]], sys.argv[2], int(sys.argv[3]))}))
