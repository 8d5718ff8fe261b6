"""Work handed to a helper: done once, by whoever comes first, with its result and its errors where they are asked for."""

import threading

import numpy as np
import pytest

import minifcn as mf
from minifcn.kernels import threads


@pytest.fixture(autouse=True)
def two_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    yield
    threads.set_num_threads(before)


def test_a_helper_does_what_nobody_asks_for():
    names, done = [], threading.Event()

    def work():
        names.append(threading.current_thread().name)
        done.set()
        return 5

    piece = threads.later(work)
    assert done.wait(20)
    assert piece.result() == 5 and piece.result() == 5
    assert names == ["minifcn 0"]


def test_who_asks_does_what_nobody_has_begun():
    hold, began = threading.Event(), threading.Event()
    first = threads.later(lambda: (began.set(), hold.wait(20)))
    assert began.wait(20)
    second = threads.later(lambda: threading.current_thread())
    assert second.result() is threading.current_thread()
    hold.set()
    assert first.result() == (None, True)


def test_one_thread_does_it_at_once():
    threads.set_num_threads(1)
    seen = []
    piece = threads.later(lambda: seen.append(threading.current_thread()))
    assert seen == [threading.current_thread()] and piece.result() is None


def test_no_more_waits_than_is_said():
    hold, began, names = threading.Event(), threading.Event(), []
    first = threads.later(lambda: (began.set(), hold.wait(20)))
    assert began.wait(20)

    def work():
        names.append(threading.current_thread())

    pieces = [threads.later(work) for _ in range(threads.MOST_WAITING + 2)]
    assert names == [threading.current_thread()] * 2
    hold.set()
    for piece in (first, *pieces):
        piece.result()
    assert len(names) == threads.MOST_WAITING + 2


def test_an_exception_is_raised_where_the_result_is_asked_for_and_the_thread_lives_on():
    began = threading.Event()

    def fails():
        began.set()
        raise ZeroDivisionError("in the piece")

    piece = threads.later(fails)
    assert began.wait(20)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="in the piece"):
            piece.result()
    assert threads.later(lambda: 3).result() == 3


def test_what_holds_here_holds_for_the_piece():
    began = threading.Event()
    with mf.kernels.use("simple"):
        piece = threads.later(lambda: (mf.kernels.chosen(), began.set()))
    assert began.wait(20)
    assert piece.result()[0] == "simple" and mf.kernels.chosen() == "fast"


def test_a_piece_runs_whole_while_others_run():
    """Its own runs take no helper, and a run beside it does not wait for it."""
    hold, began, inside = threading.Event(), threading.Event(), []

    def work():
        began.set()
        hold.wait(20)
        threads.run(lambda part: inside.append(threading.current_thread().name), range(5))

    piece = threads.later(work)
    assert began.wait(20)
    outside = []
    threads.run(lambda part: outside.append(threading.current_thread()), range(5))
    assert outside == [threading.current_thread()] * 5  # of two threads one is taken
    hold.set()
    piece.result()
    assert set(inside) == {"minifcn 0"} or set(inside) == {threading.current_thread().name}


def test_a_piece_drops_what_it_read():
    began = threading.Event()
    array = np.zeros(3)
    from sys import getrefcount

    before = getrefcount(array)
    piece = threads.later(lambda array=array: began.set())
    piece.result()
    assert getrefcount(array) == before
