"""How a run is shared out, ordered and counted; and a few fixtures.

`python -m pytest` with no file named takes a worker a core. What tells most of an operation comes first: its gradients, then the loops that are
its definition, then the other tests of operations and kernels. `--all` runs the tests marked slow too.
"""

import io
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

collect_ignore = ["pretended_mpi"]  # another process imports it; here it would ask for that process's environment

FIRST = ("tests/ops/test_gradients.py", "tests/ops/test_forward.py", "tests/ops/", "tests/kernels/")
WORKERS = 4  # at most: each may take 1 GB, and with more of them the slowest test is what one waits for
IN_WORKER = "PYTEST_XDIST_WORKER" in os.environ
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def pytest_addoption(parser):
    group = parser.getgroup("minifcn")
    group.addoption("--all", action="store_true", help="also the tests marked slow: they take long and are rarely red")
    group.addoption("--save-skipped", metavar="FILE", help="write the names of the tests that skip into FILE")
    group.addoption("--only-skipped", metavar="FILE", help="run the tests that FILE names and no others")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist's own, which reads what is set here
def pytest_cmdline_main(config):
    """A worker a core, unless files are named, workers are chosen by hand, or a debugger is wanted."""
    option = config.option
    if IN_WORKER or not config.pluginmanager.has_plugin("xdist"):
        return
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if whole and not option.usepdb and option.numprocesses is None and option.dist == "no":
        from minifcn.kernels.threads import available_cores

        option.numprocesses = min(WORKERS, available_cores())
    if option.numprocesses:
        os.environ.update({name: os.environ.get(name, "1") for name in BLAS_THREADS})  # read when NumPy is loaded
    if option.maxschedchunk is None:
        # small pieces, so that the order holds over all workers and none is left with much at the end
        option.maxschedchunk = 2


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long and is rarely red; runs with --all")
    if IN_WORKER:  # the other cores have workers of their own; tests of threads ask for the number they need
        from minifcn.kernels.threads import set_num_threads

        set_num_threads(1)


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST)))
    if not config.option.all:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="needs --all: slow and rarely red"))
    if config.option.only_skipped:
        wanted = set(Path(config.option.only_skipped).read_text(encoding="utf-8").splitlines())
        found = {item.nodeid for item in items}
        if wanted - found:
            raise pytest.UsageError(
                f"--only-skipped: {len(wanted - found)} of {len(wanted)} tests are not here, such as {min(wanted - found)}"
            )
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
        items[:] = [item for item in items if item.nodeid in wanted]


@pytest.fixture(autouse=True)
def same_random_numbers():
    """What a test draws does not depend on the tests that its worker ran before."""
    from minifcn.backend import manual_seed

    manual_seed(0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pytest_terminal_summary(terminalreporter, config):
    tell_skipped(terminalreporter, config)
    for device, where in {"gpu": "on a GPU", "standin": "on the stand-in for a GPU"}.items():
        counts = {
            outcome: sum(("device", device) in getattr(report, "user_properties", ()) for report in reports)
            for outcome, reports in terminalreporter.stats.items()
            if outcome in ("passed", "failed", "error", "skipped")
        }
        if any(counts.values()):
            terminalreporter.write_line(f"{where}: {', '.join(f'{n} {o}' for o, n in counts.items() if n)}")
    for report in terminalreporter.stats.get("passed", []):
        found = dict(report.user_properties)
        if "parity_configurations" in found:
            terminalreporter.write_line(
                f"PyTorch parity: {found['parity_configurations']} configurations, "
                f"worst float64 error {found['parity_worst']:.1e}"
            )
        if "lesson_seconds" in found:
            name, seconds = found["lesson_seconds"]
            terminalreporter.write_line(f"lesson {name}: {seconds:.1f} s")


def tell_skipped(terminalreporter, config):
    """How many tests skipped for want of what, and their names for a later run that has it."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count:5}: {reason}")
    if config.option.save_skipped:
        names = "".join(f"{report.nodeid}\n" for report in skipped)
        Path(config.option.save_skipped).write_text(names, encoding="utf-8")


@pytest.fixture
def on_gpu():
    """array -> the same on the stand-in for a GPU."""
    from standin import installed

    with installed() as cupy:
        yield cupy.asarray


@pytest.fixture
def fill_disk(monkeypatch):
    """Calling it lets every later file break off half-way."""
    from minifcn import files

    class HalfFile(io.FileIO):
        def write(self, content):
            super().write(content[: len(content) // 2])
            raise OSError(28, "No space left on device")

    return lambda: monkeypatch.setattr(files, "open", HalfFile, raising=False)
