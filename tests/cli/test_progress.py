"""What a run says of itself while it goes on, where there is no terminal."""

from minifcn.cli import progress
from minifcn.training import Step


def test_the_time_left_is_that_of_all_steps_and_not_of_a_slow_one(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    shown = progress.Progress()
    shown.terminal = False
    shown.stage_begins("fcn32s", 20, 10)  # ten steps were done before it was resumed
    for number, seconds in ((11, 1.0), (12, 7.0)):
        now[0] += seconds
        shown.stepped("fcn32s", Step(number, 0.5, 0.1, seconds, 8.0))
    shown.stage_ends("fcn32s")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "fcn32s  step 12/20  loss 0.500  8.0 images/s  32 s left"  # 8 steps at 4 s each
