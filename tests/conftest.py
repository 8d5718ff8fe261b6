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


class PretendedGpuArray(np.ndarray):
    """A NumPy array that passes for one on a GPU, where the test has asked for it."""


@pytest.fixture
def on_gpu(monkeypatch):
    """array -> the same array on a GPU, as far as the engine can tell."""
    from minifcn import backend

    monkeypatch.setattr(backend, "device_of", lambda a: "gpu" if isinstance(a, PretendedGpuArray) else "cpu")
    monkeypatch.setattr(backend, "array_module", lambda a: np)
    return lambda array: np.asarray(array).view(PretendedGpuArray)


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
