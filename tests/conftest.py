"""What all tests share: a seeded generator, and the line that says how much was compared with PyTorch."""

import io

import numpy as np
import pytest

collect_ignore = [
    "pretended_mpi"
]  # another process imports it as mpi4py; here it would ask for that process's environment


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pytest_terminal_summary(terminalreporter):
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


def pytest_collection_modifyitems(items):
    """The gradient checks come first: whoever changed an operation sees in seconds, with -x, whether it is still right."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/ops/test_gradients.py"))  # a stable sort
