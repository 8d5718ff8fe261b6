"""The bench of a GPU: events, turns and refusals, on the stand-in; PyTorch plays along on the CPU."""

import time

import pytest
from standin import installed

from minifcn.bench import gpu
from minifcn.bench.cases import SMALL, Case
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
    pytest.importorskip("torch")
    row = gpu.run_case(CASE._replace(mode=mode), True, 3, OnCpu)
    assert len(row.ours.times) == len(row.theirs.times) == 3 and min(row.ours.times) > 0
    assert row.difference < 1e-4 and row.ratio > 0
    assert "small" in gpu.line(row)


def test_two_different_things_are_not_compared(standin, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(gpu.OnGpu, "check", lambda self: {"scores": 2 * gpu.OurProgram.check(self)["scores"].get()})
    with pytest.raises(RuntimeError, match="times of two different things are not compared"):
        gpu.run_case(CASE._replace(mode="forward"), True, 1, OnCpu)


def test_the_command(standin, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "GPU_CASES", {"small-step": CASE})
    assert main(["bench", "--device", "gpu", "--repeat", "2", "--precision", "high"]) == 0
    said = capsys.readouterr().out
    assert "a stand-in for a GPU; products in TF32" in said and "small " in said


def test_names_of_the_other_device(standin, capsys):
    assert main(["bench", "--device", "gpu", "--case", "vgg-step"]) == 1
    assert "--case vgg-step is not for a GPU; there are small-step, vgg-forward-512" in capsys.readouterr().err
    assert main(["bench", "--case", "paper-500"]) == 1
    assert "--case paper-500 is for a GPU: add --device gpu" in capsys.readouterr().err
