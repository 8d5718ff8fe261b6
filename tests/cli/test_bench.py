"""minifcn bench: rows as they come, a file of every time, and a sentence where PyTorch or memory is missing."""

import json

import pytest
from bench.small import CASES, SMALL, needs_torch

from minifcn.bench import measure, memory, rival, running
from minifcn.bench.cases import layer_cases
from minifcn.cli.commands import bench


@pytest.fixture
def small_cases(monkeypatch):
    """Small networks, a small matrix product, and no child processes."""
    before = dict(bench.CASES)
    bench.CASES.clear()
    bench.CASES.update(CASES)
    monkeypatch.setattr(bench, "layer_cases", lambda: layer_cases(SMALL, (1, 3, 32, 48)))
    monkeypatch.setattr(running, "PRODUCT", 16)
    monkeypatch.setattr(memory, "peak", lambda name, variant, number: 5 * 2**20)
    monkeypatch.setattr(measure, "busy_seconds", lambda: None)
    yield
    bench.CASES.clear()
    bench.CASES.update(before)  # in their order, which monkeypatch would turn round


def rows_of(out):
    """The first two words of each row between the heading and the notes."""
    table = out.split("\n\n")[1].splitlines()[1:]
    return [tuple(row.split()[:2]) for row in table]


def test_all_cases_without_pytorch(call, small_cases, monkeypatch):
    monkeypatch.setattr(rival, "installed", lambda: False)
    answer = call("bench --against torch --repeat 1 --threads 1").worked()
    assert answer.out.startswith("PyTorch is not installed (pip install torch)")
    table = answer.out.split("\n\n", 1)[1]
    assert rows_of(table) == [(name, variant) for name, case in CASES.items() for variant in case.variants]
    assert "PyTorch" not in table and "ratio" not in table and "1 thread on" in table


def test_not_asked_for_pytorch_stays_out(call, small_cases, monkeypatch):
    monkeypatch.setattr(rival, "pytorch", None)
    out = call("bench --case small-forward --repeat 1").worked().out
    assert rows_of(out) == [("small-forward", kind) for kind in ("ops", "model", "plan")]
    assert "GFLOP/s (NumPy)" in out and "estimated time: a minute or less" in out


@needs_torch
def test_against_pytorch_into_a_file(call, small_cases, tmp_path):
    file = tmp_path / "times.json"
    answer = call(f"bench --against torch --case squeeze-step small-forward --repeat 3 --threads 1 --json {file}")
    assert rows_of(answer.worked().out) == [
        ("squeeze-step", "ops"), *(("small-forward", kind) for kind in ("ops", "model", "plan"))
    ]  # fmt: skip
    assert "below 1 minifcn is faster" in answer.out and "GFLOP/s (PyTorch)" in answer.out
    found = json.loads(file.read_text())
    assert found["machine"]["threads"] == 1 and found["machine"]["product_flop_per_second"].keys() == {
        "NumPy",
        "PyTorch",
    }
    for row in found["rows"]:
        for program in ("minifcn", "pytorch"):
            timing = row[program]
            turns = 3 if program == "pytorch" and row["case"] == "small-forward" else 1  # after each of ours
            assert len(timing["seconds"]) == 3 * turns and timing["peak_bytes"] == 5 * 2**20
            assert timing["lower_quartile"] <= timing["median"] <= timing["upper_quartile"]
        assert row["ratio"] == row["minifcn"]["median"] / row["pytorch"]["median"]
        assert row["pytorch_memory_format"] in rival.FORMATS and max(row["difference"].values()) < 1e-3
    assert f"{found['rows'][0]['ratio']:.2f}" in answer.out
    assert [path.name for path in tmp_path.iterdir()] == ["times.json"]


def test_layers_alone(call, small_cases):
    out = call("bench --case layers --repeat 1").worked().out
    rows = rows_of(out)
    assert len(rows) == len(layer_cases(SMALL, (1, 3, 32, 48)))
    assert ("conv1_1", "forward") in rows and ("loss", "backward") in rows and ("upscore_8s", "backward") in rows


def test_layers_too(call, small_cases):
    rows = rows_of(call("bench --case small-forward --layers --repeat 1").worked().out)
    assert rows[:4] == [*(("small-forward", kind) for kind in ("ops", "model", "plan")), ("conv1_1", "forward")]


def test_a_case_that_has_no_room_is_skipped(call, small_cases, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10)
    out = call("bench --case small-forward --repeat 1").worked().out
    assert "small-forward" in out and "skipped: needs about" in out


def test_a_crowded_machine_is_named(call, small_cases, monkeypatch):
    monkeypatch.setattr(measure.Neighbours, "crowding", lambda self, number: 1.5)
    out = call("bench --case squeeze-step --repeat 1").worked().out
    assert out.count("(crowded)") == 2 and "not to be relied on" in out


def test_a_file_that_cannot_be_written_is_known_before_the_first_row(call, small_cases, tmp_path):
    answer = call(f"bench --case small-forward --json {tmp_path}/nowhere/times.json").failed("nowhere")
    assert "small-forward" not in answer.out


def test_a_stopped_run_leaves_its_rows(call, small_cases, monkeypatch, tmp_path):
    def stop(case, *rest, run=running.run_case):
        if case.name == "small-step":
            raise KeyboardInterrupt
        return run(case, *rest)

    monkeypatch.setattr(running, "run_case", stop)
    answer = call(f"bench --case small-forward small-step --repeat 1 --json {tmp_path}/times.json")
    assert answer.status == 130
    rows = json.loads((tmp_path / "times.json").read_text())["rows"]
    assert [row["variant"] for row in rows] == ["ops", "model", "plan"]


@pytest.mark.parametrize("line", ["--case vgg19", "--repeat 0", "--threads 0", "--against jax", "--case"])
def test_wrong_usage(line, call):
    assert call(f"bench {line}").status == 2
