"""The clock with a pretended time, memory in a real child, and what happens where there is too little of it."""

import numpy as np
import pytest

from minifcn.bench import cases, measure, memory, rival, running
from minifcn.kernels import threads

from .small import CASES, needs_torch


class Pretended:
    """A program whose calls take the seconds it is given, and `before` a hundred that must not count."""

    def __init__(self, name, seconds, clock):
        self.name, self.seconds, self.clock = name, iter(seconds), clock

    def before(self):
        self.clock.log.append(f"before {self.name}")
        self.clock.now += 100

    def call(self):
        self.clock.log.append(self.name)
        self.clock.now += next(self.seconds)


class Clock:
    def __init__(self):
        self.now, self.log = 0.0, []

    def __call__(self):
        return self.now


def test_programs_take_turns_and_the_first_round_does_not_count():
    clock = Clock()
    ours, theirs = Pretended("ours", [9, 1, 4, 2], clock), Pretended("theirs", [9, 8, 5, 6], clock)
    found = measure.alternate([ours], theirs, 3, clock)
    assert clock.log == ["before ours", "ours", "before theirs", "theirs"] * 4
    assert found["ours"].times == (1, 4, 2) and found["theirs"].times == (8, 5, 6)
    assert found["ours"].median == 2 and found["ours"].quartiles == (1.5, 3)


def test_each_of_ours_comes_after_theirs():
    clock = Clock()
    ops, model, theirs = (Pretended(name, range(1, 9), clock) for name in ("ops", "model", "theirs"))
    found = measure.alternate([ops, model], theirs, 2, clock)
    assert [name for name in clock.log if "before" not in name] == ["ops", "theirs", "model", "theirs"] * 3
    assert found["ops"].times == found["model"].times == (2, 3) and found["theirs"].times == (3, 4, 5, 6)


def test_one_time_is_its_own_quartiles():
    assert measure.Timing((3.0,)).quartiles == (3.0, 3.0) and measure.Timing((3.0,)).median == 3.0


@pytest.mark.parametrize("seconds, rounds", [(100, 5), (2, 5), (1, 10), (0.5, 20), (0.001, 30), (0, 30)])
def test_rounds_fill_the_time_within_limits(seconds, rounds):
    assert measure.rounds_for(seconds) == rounds
    clock = Clock()
    assert len(measure.alternate([Pretended("one", [seconds] * 40, clock)], None, None, clock)["one"].times) == rounds


def test_furthest():
    one = {"a": np.array([1.0, 2.0]), "b": np.zeros(3)}
    assert measure.furthest(one, {"a": np.array([1.0, 4.0]), "b": np.zeros(3)}) == {"a": 0.5, "b": 0.0}
    assert measure.furthest(one, {"a": np.ones(3), "c": np.ones(1)}) == dict.fromkeys("abc", float("inf"))
    assert not measure.furthest({"a": np.array([np.nan])}, {"a": np.ones(1)})["a"] <= 1


def test_product_rate_counts_two_a_multiply_add(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(ticks))
    assert measure.product_rate(np.matmul, np.ones((3, 4)), np.ones((4, 5))) == 2 * 3 * 4 * 5


def test_threads_are_given_back():
    before = threads.get_num_threads()
    with pytest.raises(KeyError), measure.held_to(3):
        assert threads.get_num_threads() == 3
        raise KeyError
    assert threads.get_num_threads() == before


@needs_torch
def test_pytorch_gets_as_many_threads():
    torch = rival.pytorch()
    before = torch.get_num_threads()
    with measure.held_to(2, torch):
        assert torch.get_num_threads() == threads.get_num_threads() == 2
    assert torch.get_num_threads() == before


def test_crowding_is_what_others_took(monkeypatch):
    now = iter([(10.0, 1.0, 50.0), (17.0, 3.0, 52.0)])  # all cores, ourselves, the clock: others took 5 s in 2 s
    values = {}

    def tick():
        values["busy"], values["own"], values["time"] = next(now)
        return values["busy"]

    monkeypatch.setattr(measure, "busy_seconds", tick)
    monkeypatch.setattr(measure.os, "times", lambda: (values["own"], 0.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(measure.time, "perf_counter", lambda: values["time"])
    monkeypatch.setattr(measure.os, "cpu_count", lambda: 4)
    assert measure.Neighbours().crowding(2) == 2.5 + 2 - 4


def test_crowding_is_unknown_where_the_system_does_not_say(monkeypatch):
    monkeypatch.setattr(measure, "busy_seconds", lambda: None)
    assert measure.Neighbours().crowding(2) is None


def test_peak_memory_of_a_child_is_more_than_its_weights():
    case = cases.CASES["tiny-step"]
    weights = 4 * sum(np.prod(shape) for shape in case.plan().parameters.values())
    peak = memory.peak("tiny-step", "ops", 1)
    assert 3 * weights < peak < 400 * 2**20  # weights, gradients and velocities at least


def test_a_child_that_fails_is_told_of():
    with pytest.raises(RuntimeError, match="memory of no-such-case"):
        memory.peak("no-such-case", "ops", 1)


def test_too_little_memory_is_noticed_before(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(running.NoRoom, match=r"needs about .* GiB of memory"):
        running.run_case(CASES["small-forward"], False, 1, 1, False)


@pytest.mark.parametrize("peaks", [False, True])
def test_a_row_for_each_way_of_writing_it(monkeypatch, peaks):
    monkeypatch.setattr(memory, "peak", lambda name, variant, number: 123)
    rows = running.run_case(CASES["small-step"], False, 1, 2, peaks)
    assert [row.variant for row in rows] == ["ops", "model"]
    for row in rows:
        assert len(row.ours.times) == 2 and row.theirs is row.ratio is row.format is None
        assert row.memory == (123 if peaks else None) and row.their_memory is None
        said = row.as_json()
        assert said["pytorch"] is None and said["minifcn"]["median"] == row.ours.median
        assert said["minifcn"]["gflop_per_second"] == pytest.approx(said["gflop"] / row.ours.median)


@needs_torch
def test_a_row_against_pytorch(monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "peak", lambda name, variant, number: asked.append((name, variant, number)) or 7)
    monkeypatch.setattr(running, "faster_format", lambda case: "channels_last")
    (row,) = running.run_case(CASES["squeeze-step"], True, 1, 3, True)
    assert row.format == "channels_last" and len(row.theirs.times) == 3
    assert row.ratio == row.ours.median / row.theirs.median
    assert sorted(asked) == [("squeeze-step", "channels_last", 1), ("squeeze-step", "ops", 1)]


@needs_torch
def test_the_faster_format_is_taken(monkeypatch):
    seconds = {"contiguous": iter([1, 5, 4, 6]), "channels_last": iter([9, 8, 3, 8])}  # the first call warms up
    monkeypatch.setattr(measure, "once", lambda program: next(seconds[program.format]))
    assert running.faster_format(CASES["small-forward"]) == "channels_last"


def test_the_estimate_grows_with_what_is_asked():
    one = running.estimate([(CASES["small-step"], False)], False, 5, 1e9)
    assert 0 < one < running.estimate([(CASES["small-step"], False)], True, 5, 1e9)
    assert one < running.estimate([(CASES["small-step"], True)], False, 5, 1e9)
    assert one < running.estimate([(CASES["small-step"], False)], False, 50, 1e9)
