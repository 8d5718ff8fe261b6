"""Pictures in turn with a thread beside: what comes out, in which order, how much lies in memory, and how it ends."""

import gc
import threading
import time
import weakref
from contextlib import closing

import pytest

from minifcn.cli.predicting.turns import Steps, in_turns
from minifcn.data import DataError

ALIVE = weakref.WeakSet()


class Pixels:
    """Something large, counted while it is alive."""

    most = 0

    def __init__(self, name):
        self.name = name
        ALIVE.add(self)
        Pixels.most = max(Pixels.most, len(ALIVE))


def steps_of(log, bad=(), large=(), slow=()):
    """Steps that note what they do and in which thread. `bad`: what fails, such as "read 3"; `slow`: what takes long."""

    def done(step, item):
        log.append((f"{step} {item}", threading.current_thread() is threading.main_thread()))
        if f"{step} {item}" in slow:
            time.sleep(0.05)
        if f"{step} {item}" in bad:
            raise DataError(f"cannot {step} {item}")

    def read(item):
        if item in large:
            return None
        done("read", item)
        return Pixels(item)

    def compute(item, pixels):
        assert pixels.name == item
        done("compute", item)
        return f"found {item}"

    def write(item, pixels, found):
        assert (pixels.name, found) == (item, f"found {item}")
        done("write", item)
        return f"line {item}"

    def whole(item):
        done("whole", item)
        return f"line {item}"

    return Steps(read, compute, write, whole)


def outcomes(items, steps):
    with closing(in_turns(items, steps)) as turns:
        return [(item, str(result)) for item, result in turns]


@pytest.mark.parametrize("slow", ["read", "compute", "write", ""])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_every_item_in_its_order_whatever_takes_long(count, slow):
    log = []
    slow = {f"{slow} {item}" for item in range(0, count, 3)}
    found = outcomes(range(count), steps_of(log, slow=slow))
    assert found == [(item, f"line {item}") for item in range(count)]
    if count > 1:
        assert {name.split()[0]: here for name, here in log} == {"read": False, "compute": True, "write": False}
        assert sorted(name for name, _ in log) == sorted(
            f"{step} {item}" for step in ("read", "compute", "write") for item in range(count)
        )
    elif count:
        assert log == [("whole 0", True)]


@pytest.mark.parametrize(
    "bad", [["read 0"], ["read 3"], ["compute 1", "compute 2"], ["write 0", "read 1", "compute 2"], ["write 4"]]
)
def test_what_fails_costs_nobody_else_anything(bad):
    found = dict(outcomes(range(5), steps_of([], bad=bad)))
    wrong = {int(name.split()[1]): f"cannot {name}" for name in bad}
    assert found == {item: wrong.get(item, f"line {item}") for item in range(5)}


def test_the_next_is_read_and_the_last_written_while_this_one_is_computed():
    """Each waits for the others: one after the other this would not end."""
    reading, writing = threading.Event(), threading.Event()

    def read(item):
        if item == 2:
            reading.set()
        return item

    def compute(item, _):
        if item == 1:
            assert reading.wait(10) and writing.wait(10)
        return item

    def write(item, _, found):
        if item == 0:
            writing.set()
        return found

    assert outcomes([0, 1, 2], Steps(read, compute, write, None)) == [(item, str(item)) for item in range(3)]


def test_no_more_than_two_lie_in_memory():
    gc.collect()
    Pixels.most = len(ALIVE)
    assert Pixels.most == 0
    outcomes(
        range(12),
        steps_of([], slow={f"{step} {item}" for item in range(12) for step in ("write", "compute") if item % 3}),
    )
    gc.collect()
    assert Pixels.most == 2 and not ALIVE


@pytest.mark.parametrize("large", [{0}, {2}, {4}, {1, 2}, {0, 1, 2, 3, 4}])
def test_a_large_one_is_alone_in_memory(large):
    log = []
    found = outcomes(range(5), steps_of(log, large=large, slow={f"write {item}" for item in range(5)}))
    assert found == [(item, f"line {item}") for item in range(5)]
    names = [name for name, _ in log]
    for item in large:
        place = names.index(f"whole {item}")
        assert not [name for name in names[place:] if name in {f"write {before}" for before in range(item)}]
        assert not [name for name in names[:place] if name in {f"read {after}" for after in range(item + 1, 5)}]


def test_who_leaves_waits_for_what_has_begun_and_for_nothing_else():
    log, before = [], threading.active_count()
    with closing(in_turns(range(50), steps_of(log, slow={"write 0", "read 2"}))) as turns:
        assert next(turns) == (0, "line 0")
    assert threading.active_count() <= before
    assert len([name for name, _ in log]) < 10


def test_ctrl_c_while_computing_ends_the_thread():
    log, before = [], threading.active_count()
    steps = steps_of(log)

    def interrupted(item, pixels):
        if item == 2:
            raise KeyboardInterrupt
        return steps.compute(item, pixels)

    with pytest.raises(KeyboardInterrupt):
        outcomes(range(9), Steps(steps.read, interrupted, steps.write, steps.whole))
    assert threading.active_count() <= before
    assert "read 5" not in [name for name, _ in log]


@pytest.mark.parametrize("step", ["read", "compute", "write"])
@pytest.mark.parametrize("error", [MemoryError, BrokenPipeError, ZeroDivisionError])
def test_what_is_not_about_one_file_ends_all(step, error):
    steps = vars(steps_of([])).copy()
    real = steps[step]

    def broken(item, *rest):
        if item == 1:
            raise error("at an end")
        return real(item, *rest)

    before = threading.active_count()
    with pytest.raises(error, match="at an end"):
        outcomes(range(4), Steps(**{**steps, step: broken}))
    assert threading.active_count() <= before
