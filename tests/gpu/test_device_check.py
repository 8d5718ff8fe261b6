"""The one run that decides on a GPU, `device_check.sh`, tried where there is none: every stage on the stand-in, what a broken device does to it, and
what stands in its file."""

import json
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import needs
import numpy as np
import pytest

from minifcn import kernels

from .device import bench, collecting, launches, suite
from .device.__main__ import STAGES, main
from .device.pretended import pretended
from .device.report import Fatal, Stage

SCRIPT = Path(__file__).with_name("device_check.sh")
SLOW = {"operations", "training", "graph", "memory", "tests", "bench", "bench_tf32", "launches"}


def findings(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in STAGES]
)
def test_a_stage_on_the_standin(name, tmp_path):
    file = tmp_path / "found.jsonl"
    assert main([name, str(file), "--standin"]) == 0
    found = findings(file)
    assert found
    for each in found:  # nothing is called right of a GPU that is not there
        assert each["outcome"] == "tried on the stand-in" or each["outcome"].startswith("not tried: needs a GPU"), each


def test_together_they_take_no_longer_than_a_short_loan():
    assert len(STAGES) == 12 and sum(seconds for _, seconds in STAGES.values()) <= 475


def test_a_planted_fault_is_wrong_and_an_error_ends_no_stage(tmp_path, monkeypatch):
    real = kernels.relu

    def relu(x):
        if x.shape[0] == 2:
            raise ZeroDivisionError("a fault")
        return real(x) + 1

    stage = Stage("operations", tmp_path / "found.jsonl", standin=True)
    monkeypatch.setattr(kernels, "relu", relu)
    stage.check("wrong", lambda: dict(ok=bool((kernels.relu(np.ones(3)) == 1).all())))
    stage.check("error", lambda: kernels.relu(np.ones(2)))
    stage.check("after", lambda: dict(ok=True))
    assert [each["outcome"] for each in findings(stage.path)] == ["wrong", "error", "tried on the stand-in"]
    assert "ZeroDivisionError: a fault" in findings(stage.path)[1]["said"]


def test_a_lost_context_ends_the_stage(tmp_path):
    stage = Stage("graph", tmp_path / "found.jsonl")

    def lost():
        raise RuntimeError("cudaErrorIllegalAddress: an illegal memory access was encountered")

    with pytest.raises(Fatal):
        stage.check("lost", lost)
    assert findings(stage.path)[0]["outcome"] == "error"


def test_outcomes_on_a_gpu(tmp_path):
    stage = Stage("facts", tmp_path / "found.jsonl")
    stage.check("a", lambda: dict(ok=np.bool_(True), worst=np.float32(0.5)))
    stage.check("b", lambda: dict(ms=1.5))
    stage.check("c", dict, needs="compute-sanitizer")
    found = findings(stage.path)
    assert [each["outcome"] for each in found] == ["right", "measured", "not tried: needs compute-sanitizer"] and found[
        0
    ]["worst"] == 0.5


def finding(stage, name, outcome, **more):
    return json.dumps({"stage": stage, "name": name, "outcome": outcome, **more}) + "\n"


def test_one_file_of_many(tmp_path, capsys):
    def ended(name, code, seconds, *lines):
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
        (tmp_path / f"{name}.end").write_text(f"{code} {seconds}\n")

    ended("facts", 0, 3, finding("facts", "machine", "measured", gpu="a GPU"))
    ended(
        "tests",
        124,
        95,
        finding("tests", "a", "right"),
        finding("tests", "b", "right"),
        finding("tests", "c", "wrong", said="why"),
        '{"half',
    )
    ended("large", 139, 2)
    ended("nccl", 0, 2)
    ended(
        "bench",
        0,
        30,
        finding(
            "bench",
            "vgg-forward-512, highest",
            "measured",
            ratio=1.3,
            reached=False,
            memory_ratio=1.1,
            memory_reached=True,
        ),
    )
    file = tmp_path / "all.json"
    assert main(["collect", str(tmp_path), str(file)]) == 1
    report, said = json.loads(file.read_text()), capsys.readouterr().out
    assert report["on"] == "a GPU" and report["machine"]["gpu"] == "a GPU"
    assert {name: stage["process"] for name, stage in report["stages"].items() if stage["process"] != "not run"} == {
        "facts": "ended", "tests": "timed out", "large": "died with code 139", "nccl": "found nothing", "bench": "ended",
    }  # fmt: skip
    assert report["summary"] == {
        "measured": 2,
        "right": 2,
        "wrong": 1,
        "error": 1,
        "stages that did not end": 3,
        "stages not run": 7,
    }
    assert [each["name"] for each in report["stages"]["tests"]["findings"]] == ["c", "half a line", "2 tests passed"]
    first = report["targets"][0]
    assert (first["case"], first["to_reach"], first["found"], first["reached"]) == ("vgg-forward-512", 1.0, 1.3, False)
    assert report["targets"][1]["found"] is None
    assert "tests: timed out, 95 s of 95" in said and "tests: c: wrong why" in said
    assert "target: vgg-forward-512, highest: 1.3 of PyTorch's, to reach 1.0" in said


def test_the_targets_are_those_of_the_issue():
    assert bench.TARGETS[("vgg-forward-512", "highest")] == (1.0, 0.8) and bench.TARGETS[
        ("vgg-step-384", "highest")
    ] == (1.2, 1.0)
    assert bench.TARGETS[("small-step with a graph", "highest")] == (1.2, 0.9) and bench.MEMORY == 1.2
    assert {reach for (_, precision), (reach, _) in bench.TARGETS.items() if precision == "high"} == {1.5}


def test_turn_by_turn_beside_a_rival(tmp_path, monkeypatch):
    """The faster of the two formats is what counts; PyTorch plays no part in this."""
    from standin import installed

    class Program:
        def __init__(self, case, memory_format="ours"):
            self.form = memory_format

        def seconds(self):
            return {"ours": 0.003, "contiguous": 0.002, "channels_last": 0.004}[self.form]

        def memory(self):
            return 100 << 20

    class Cuda:
        empty_cache = reset_peak_memory_stats = staticmethod(lambda: None)

    monkeypatch.setattr(bench.gpu, "TheirsOnGpu", Program)
    asked = []
    monkeypatch.setattr(bench, "same_scores", lambda case, ours, theirs: asked.append(theirs.form))
    with installed():
        found = bench.one_case(None, "vgg-forward-512", "highest", type("Torch", (), {"cuda": Cuda}), 3, Program)
    assert found["faster"] == "PyTorch, contiguous" and found["ratio"] == 1.5 and found["reached"] is False
    assert found["memory_ratio"] == 0 and found["memory_reached"] and asked == ["contiguous", "channels_last"]


def test_times_of_two_different_things_are_not_compared():
    """PyTorch plays along on the CPU."""
    pytest.importorskip("torch", reason=needs.PYTORCH)
    case = bench.gpu.GPU_CASES["small-step"]._replace(shape=(1, 3, 32, 32), mode="forward")
    case = case._replace(network=case.network._replace(widths=(2, 2, 2, 2, 2), fc=4))
    with pretended():
        ours, theirs = bench.gpu.OnGpu(case), bench.gpu.TheirsOnGpu(case, "cpu")
        bench.same_scores(case, ours, theirs)
        ours.parameters[0].data *= 2
        with pytest.raises(RuntimeError, match="times of two different things are not compared"):
            bench.same_scores(case, ours, theirs)


def test_what_runs_under_the_memory_checker_is_there():
    names = re.findall(r"^def (test_\w+)", (SCRIPT.parent / "test_kernels.py").read_text(), re.M)
    for word in suite.CHECKED:
        assert any(word in name for name in names), word


def test_pytorch_runs_in_its_faster_format_and_its_memory_is_counted_from_there(monkeypatch):
    """Its peak is that of the case and of the format that is timed: what ran before does not count."""
    did = []

    class Program:
        def __init__(self, case, memory_format):
            self.form = memory_format
            did.append(f"made {memory_format}")

        def seconds(self):
            return {"contiguous": 0.002, "channels_last": 0.004}[self.form]

    cuda = types.SimpleNamespace(
        empty_cache=lambda: did.append("emptied"), reset_peak_memory_stats=lambda: did.append("reset")
    )
    monkeypatch.setattr(bench.gpu, "TheirsOnGpu", Program)
    monkeypatch.setattr(bench.gpu.rival, "pytorch", lambda: types.SimpleNamespace(cuda=cuda))
    assert bench.gpu.faster_format("a case").form == "contiguous"
    assert did == ["made contiguous", "made channels_last", "emptied", "reset", "made contiguous"]


def test_what_the_memory_checker_says():
    good = "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n"
    bad = "========= Invalid __global__ read of size 4 bytes\n========= ERROR SUMMARY: 2 errors\n"
    assert suite.verdict(good, 0)["ok"] and not suite.verdict(good, 1)["ok"] and not suite.verdict("", 0)["ok"]
    assert not suite.verdict(bad, 0)["ok"] and "Invalid __global__" in suite.verdict(bad, 0)["first"][0]


def test_a_trace_is_counted():
    events = [
        {"cat": "kernel", "name": "a", "dur": 10},
        {"cat": "kernel", "name": "a", "dur": 20},
        {"cat": "gpu_memset", "name": "b", "dur": 5},
        {"cat": "cpu_op", "name": "c", "dur": 9},
    ]
    assert launches.summary(events) == dict(launches={"kernel": 2, "gpu_memset": 1}, device_ms=0.035, top=[["a", 2, 0.03], ["b", 1, 0.005]])  # fmt: skip


@pytest.fixture
def script(tmp_path):
    if os.name != "posix" or not (shutil.which("bash") and shutil.which("timeout")):
        pytest.skip(needs.POSIX)

    def run(*words, **environment):
        environment = {**os.environ, "PYTHON": sys.executable, **environment}
        return subprocess.run(
            [str(SCRIPT), *words], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
        )

    return run


@pytest.mark.slow
def test_the_script(script, tmp_path):
    done = script("--standin", STAGES="facts nccl")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "minifcn-gpu.json").read_text())
    assert (
        "the stand-in" in report["on"]
        and report["stages"]["nccl"]["process"] == "ended"
        and report["stages"]["bench"]["process"] == "not run"
    )
    assert "written: " in done.stdout


@pytest.mark.slow
def test_a_stage_that_there_is_not(script):
    done = script("--standin", STAGES="facts grpah")
    assert done.returncode == 2 and "STAGES: there is no stage grpah; there are facts tests operations" in done.stderr


def test_wrong_usage(script):
    done = script("--stand-in")
    assert done.returncode == 2 and done.stderr.startswith("usage: ") and "[--standin] [FILE]" in done.stderr


@pytest.mark.slow
def test_a_stage_that_hangs_is_ended_and_the_others_go_on(script, tmp_path):
    """An interpreter that sleeps in one stage, in place of Python."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *"device list") echo "facts 1"; echo "nccl 30";; *" facts "*) exec sleep 60;; *) exec {sys.executable} "$@";; esac\n'
    )
    python.chmod(0o755)
    done = script("--standin", "found.json", PYTHON=str(python))
    report = json.loads((tmp_path / "found.json").read_text())
    assert (
        done.returncode == 1
        and report["stages"]["facts"]["process"] == "timed out"
        and report["stages"]["nccl"]["process"] == "ended"
    )


def test_without_a_gpu_it_says_why(script):
    from .conftest import REAL_PROBLEM

    if not REAL_PROBLEM:
        pytest.skip("needs a machine without a GPU")
    done = script()
    assert done.returncode == 2 and "CuPy" in done.stderr and "Traceback" not in done.stderr


def test_a_commit_or_none():
    assert collecting.commit() is None or len(collecting.commit()) == 40
