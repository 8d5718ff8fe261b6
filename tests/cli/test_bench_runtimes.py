"""Against the runtimes: each program gets its turn, what is compared is compared first, and what is missing is said."""

import importlib.util
import json

import needs
import numpy as np
import pytest

from minifcn.bench import measure, running, runtimes
from minifcn.bench.runtimes import UsedRow
from minifcn.models import fcn8s

TINY = runtimes.Used(lambda: runtimes.filled(lambda: fcn8s("tiny", 3, width=2)), (1, 3, 32, 48))


class Counted:
    """A program that takes `seconds` by the clock that it moves on."""

    def __init__(self, name, seconds, clock):
        self.name, self.seconds, self.clock, self.calls = name, seconds, clock, []

    def before(self): ...

    def call(self):
        self.calls.append(self.clock[0])
        self.clock[0] += self.seconds


def test_in_turns_each_begins_a_round():
    clock = [0.0]
    one, two, three = programs = [Counted(name, s, clock) for name, s in (("one", 1.0), ("two", 2.0), ("three", 4.0))]
    found = measure.in_turns(programs, 3, lambda: clock[0])
    assert {name: timing.times for name, timing in found.items()} == {
        "one": (1.0,) * 3, "two": (2.0,) * 3, "three": (4.0,) * 3
    }  # fmt: skip
    # the first round warms up; then one, two and three begin a round each
    assert (one.calls, two.calls, three.calls) == ([0, 7, 20, 25], [1, 8, 14, 26], [3, 10, 16, 21])


def test_the_ratio_is_to_the_fastest_other():
    timings = {name: measure.Timing((s, s)) for name, s in (("minifcn", 3.0), ("torch", 4.0), ("openvino", 2.0))}
    assert UsedRow("x", timings).ratio == 1.5
    assert UsedRow("x", {"minifcn": timings["minifcn"]}).ratio is None


@pytest.fixture
def tiny_alone(monkeypatch):
    monkeypatch.setattr(runtimes, "USED", {"tiny": TINY})
    monkeypatch.setattr(running, "PRODUCT", 16)


def test_what_is_not_installed_is_said(call, tiny_alone, monkeypatch):
    monkeypatch.setattr(runtimes, "missing", lambda rivals: rivals)
    out = call("bench --against onnxruntime openvino --case tiny --repeat 1 --threads 1").worked().out
    assert out.startswith("not installed, and left out: onnxruntime, openvino (pip install onnx onnxruntime openvino)")
    assert "ms a call           minifcn   ratio\ntiny" in out


def test_a_case_of_another_table_is_refused(call):
    call("bench --against onnxruntime --case vgg-step").failed("--case vgg-step is not for runtimes; there are voc7")
    call("bench --case voc7").failed("--case voc7 is for runtimes: add --against onnxruntime")


@pytest.mark.skipif(not importlib.util.find_spec("onnx"), reason=needs.ONNX)
@pytest.mark.skipif(not importlib.util.find_spec("onnxruntime"), reason=needs.RUNTIME)
def test_against_onnxruntime_into_a_file(call, tiny_alone, tmp_path):
    file = tmp_path / "times.json"
    call(f"bench --against onnxruntime --case tiny --repeat 2 --threads 1 --json {file}").worked()
    (row,) = json.loads(file.read_text())["rows"]
    assert row["programs"].keys() == {"minifcn", "onnxruntime"} and len(row["programs"]["minifcn"]["seconds"]) == 2
    medians = [program["median"] for program in row["programs"].values()]
    assert row["ratio"] == pytest.approx(medians[0] / medians[1])


def test_two_different_things_are_not_compared(tiny_alone, monkeypatch):
    class Wrong(runtimes.Ours):
        name = "wrong"

        def call(self):
            return super().call() * np.float32(1.01)

    monkeypatch.setitem(runtimes.RIVALS, "wrong", Wrong)
    with pytest.raises(RuntimeError, match="tiny: the scores of minifcn and wrong differ by"):
        runtimes.run_used("tiny", ["wrong"], 1, 1)
