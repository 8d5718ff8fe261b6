"""The bench of a GPU: events, turns and refusals, on the stand-in; PyTorch plays along on the CPU."""

import json
import time

import needs
import pytest
from standin import installed

from minifcn.bench import gpu
from minifcn.bench.cases import SMALL, Case
from minifcn.bench.measure import Timing
from minifcn.cli.main import main

CASE = Case("small", "step", (1, 3, 32, 32), SMALL._replace(widths=(2, 2, 2, 2, 2), fc=4))


@pytest.fixture
def standin():
    with installed() as module:
        yield module


class OnCpu(gpu.TheirsOnGpu):
    def __init__(self, case):
        super().__init__(case, "cpu")

    def seconds(self):
        start = time.perf_counter()
        self.before()
        self.call()
        return time.perf_counter() - start

    def memory(self):
        return 1 << 20


@pytest.mark.parametrize("mode", ["step", "forward"])
def test_both_take_turns_and_compute_the_same(mode, standin):
    pytest.importorskip("torch", reason=needs.PYTORCH)
    row = gpu.run_case(CASE._replace(mode=mode), True, 3, OnCpu)
    assert len(row.ours.times) == len(row.theirs.times) == 3 and min(row.ours.times) > 0
    assert row.difference < 1e-4 and row.ratio > 0
    assert "small" in gpu.line(row)


def test_two_different_things_are_not_compared(standin, monkeypatch):
    pytest.importorskip("torch", reason=needs.PYTORCH)
    monkeypatch.setattr(gpu.OnGpu, "check", lambda self: {"scores": 2 * gpu.OurProgram.check(self)["scores"].get()})
    with pytest.raises(RuntimeError, match="times of two different things are not compared"):
        gpu.run_case(CASE._replace(mode="forward"), True, 1, OnCpu)


def test_the_command(standin, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "GPU_CASES", {"small-step": CASE})
    assert main(["bench", "--device", "gpu", "--repeat", "2", "--precision", "high"]) == 0
    said = capsys.readouterr().out
    assert "a stand-in for a GPU; products in TF32" in said and "small " in said


def test_the_file(standin, monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "GPU_CASES", {"small-step": CASE})
    assert main(["bench", "--device", "gpu", "--repeat", "2", "--json", str(tmp_path / "b.json")]) == 0
    content = json.loads((tmp_path / "b.json").read_text())
    assert content["machine"]["device"] == "a stand-in for a GPU" and content["machine"]["precision"] == "highest"
    (row,) = content["rows"]
    assert row["case"] == "small" and len(row["seconds"]) == 2 and row["ratio"] is None


@pytest.mark.parametrize(
    "name, ours, theirs, memory, said",
    [
        ("vgg-forward-512", 0.019, 0.010, 120, ["ratio above 1.8"]),
        ("vgg-forward-512", 0.017, 0.010, 120, []),
        ("vgg-step-384", 0.021, 0.010, 121, ["ratio above 2", "memory above 1.2 times PyTorch's"]),
        ("small-step", 0.0119, 0.010, 1, []),
        ("small-step", 0.0121, 0.010, 1, ["ratio above 1.2"]),
        ("paper-500", 0.016, None, None, ["above 15 ms"]),
        ("paper-500", 0.014, 0.001, 1, []),
    ],
)
def test_targets(name, ours, theirs, memory, said):
    row = gpu.GpuRow(
        gpu.GPU_CASES[name], Timing((ours,)), Timing((theirs,)) if theirs else None, memory or 5, 100 if memory else None, 1e-6
    )  # fmt: skip
    assert gpu.misses(row) == said
    assert all(f"({text})" in gpu.line(row) for text in said)


def test_names_of_the_other_device(standin, capsys):
    assert main(["bench", "--device", "gpu", "--case", "vgg-step"]) == 1
    assert "--case vgg-step is not for a GPU; there are small-step, vgg-forward-512" in capsys.readouterr().err
    assert main(["bench", "--case", "paper-500"]) == 1
    assert "--case paper-500 is for a GPU: add --device gpu" in capsys.readouterr().err
