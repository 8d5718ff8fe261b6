"""Threads change the time and nothing else: the same bits for any number of them, and BLAS is left as it was."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
import threadpoolctl

import minifcn as mf
from minifcn.kernels import threads
from minifcn.kernels.cpu import window_tiles
from minifcn.models import FCN


@pytest.fixture(autouse=True)
def number_of_threads_restored():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(window_tiles, "TILE_BYTES", 1 << 13)


def blas_threads():
    return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]


def set_blas_threads(number):
    """From a thread that ends, because threadpoolctl lets only the last living thread to set them set them again."""

    def work():
        for library in threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers:
            library.set_num_threads(number)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.fixture
def two_blas_threads():
    """BLAS with two threads, whatever the machine."""
    before = max(blas_threads())
    set_blas_threads(2)
    assert set(blas_threads()) == {2}
    yield
    set_blas_threads(before)


def step(seed=0, padding="same", stride=8):
    """Scores, loss and every gradient of one step."""
    mf.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = FCN("tiny", stride, 3, width=4, padding=padding, learn_upsampling=True)
    for layer in ("score_fr", "score_pool4", "score_pool3"):
        getattr(model, layer).weight.data[...] = rng.standard_normal(getattr(model, layer).weight.shape)
    x = mf.Tensor(rng.standard_normal((2, 3, 40, 56)).astype(np.float32), requires_grad=True)
    scores = model(x)
    loss = mf.ops.softmax_cross_entropy(scores, rng.integers(0, 3, (2, 40, 56)))
    loss.backward()
    return [scores.data, loss.data, x.grad, *(p.grad for p in model.parameters())]


def assert_same_bits(one, other):
    assert len(one) == len(other) > 20
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("padding", ["same", "paper"])
def test_bits_do_not_depend_on_the_number_of_threads(small_tiles, padding):
    results = []
    for number in (1, 2, 3):
        mf.set_num_threads(number)
        results.append(step(padding=padding))
    assert_same_bits(results[0], results[1])
    assert_same_bits(results[0], results[2])
    assert max(np.abs(array).max() for array in results[0][3:]) > 0


def test_the_same_step_twice_gives_the_same_bits(small_tiles):
    mf.set_num_threads(3)
    assert_same_bits(step(), step())


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2", None])
def test_what_is_no_number_of_threads(number):
    before = threads.get_num_threads()
    with pytest.raises(ValueError, match=r"set_num_threads: got .*; expected an integer of at least 1"):
        mf.set_num_threads(number)
    assert threads.get_num_threads() == before


def test_the_default_is_the_number_of_usable_cores():
    assert 1 <= threads.available_cores() <= 4096
    mf.set_num_threads(7)
    assert threads.get_num_threads() == 7


@pytest.mark.parametrize("number", [2, 3])
def test_jobs_really_run_side_by_side(number):
    mf.set_num_threads(number)
    meeting = threading.Barrier(number, timeout=20)  # every job waits until as many run as there are threads
    names = []

    def job(part):
        meeting.wait()
        names.append(threading.current_thread().name)

    threads.run(job, range(number))
    assert len(set(names)) == number


def test_one_thread_runs_jobs_here_and_in_order():
    mf.set_num_threads(1)
    seen = []
    threads.run(lambda part: seen.append((part, threading.current_thread())), iter(range(5)))
    assert seen == [(part, threading.current_thread()) for part in range(5)]
    threads.run(seen.append, [])
    assert len(seen) == 5


def test_an_interrupt_while_waiting_leaves_the_next_run_whole(monkeypatch):
    mf.set_num_threads(2)
    threads.run(lambda part: None, range(4))

    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(threads.Later, "result", interrupted)
        threads.run(lambda part: time.sleep(0.05), range(4))
    done = []
    threads.run(lambda part: (time.sleep(0.01), done.append(part)), range(8))
    assert sorted(done) == list(range(8))


@pytest.mark.parametrize("number", [1, 2])
def test_an_exception_in_a_job_is_raised_here_and_the_next_run_works(number):
    mf.set_num_threads(number)

    def job(part):
        if part == 3:
            raise ZeroDivisionError("part 3")

    with pytest.raises(ZeroDivisionError, match="part 3"):
        threads.run(job, range(6))
    seen = []
    threads.run(seen.append, range(6))
    assert sorted(seen) == list(range(6))


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("fails", [False, True])
def test_blas_has_one_thread_inside_and_its_own_again_afterwards(two_blas_threads, number, fails):
    mf.set_num_threads(number)
    inside = []

    def job(part):
        inside.extend(blas_threads())
        if fails:
            raise RuntimeError

    with pytest.raises(RuntimeError) if fails else nullcontext():
        threads.run(job, range(4))
    assert set(inside) == {1} and set(blas_threads()) == {2}


def limits_set(monkeypatch):
    """The list of what BLAS is set to from now on, with the number of threads it is set to each time."""
    calls, real = [], threads.set_blas
    monkeypatch.setattr(threads, "set_blas", lambda numbers: (calls.append(max(numbers)), real(numbers)))
    return calls


def test_held_sets_blas_once_for_all_that_runs_inside(two_blas_threads, monkeypatch):
    calls = limits_set(monkeypatch)
    seen = []
    with threads.held():
        for _ in range(3):
            with threads.held():
                threads.run(lambda part: seen.extend(blas_threads()), range(4))
        seen.extend(blas_threads())
    assert set(seen) == {1} and calls == [1, 2] and set(blas_threads()) == {2}
    threads.run(lambda part: None, [0])
    assert calls == [1, 2, 1, 2]


def test_held_gives_blas_back_when_what_is_inside_fails(two_blas_threads):
    with pytest.raises(ZeroDivisionError), threads.held(), threads.held():
        1 / 0  # noqa: B018
    assert set(blas_threads()) == {2}


@pytest.mark.parametrize("leaves_first", [0, 1])
def test_blas_is_held_until_the_last_python_thread_has_left(two_blas_threads, leaves_first):
    """Neither waits for the other, whoever came first may leave first, and threadpoolctl's own rule of one thread does not bind them."""
    inside = threading.Barrier(3, timeout=20)
    leave = [threading.Event(), threading.Event()]

    def work(number):
        with threads.held():
            inside.wait()
            threads.run(lambda part: None, range(4))
            leave[number].wait(20)

    workers = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for worker in workers:
        worker.start()
    inside.wait()
    assert set(blas_threads()) == {1}
    leave[leaves_first].set()
    workers[leaves_first].join(20)
    assert set(blas_threads()) == {1}
    leave[1 - leaves_first].set()
    workers[1 - leaves_first].join(20)
    assert set(blas_threads()) == {2}
    with threadpoolctl.threadpool_limits(1, user_api="blas"):  # and no thread of ours stands in the way of others
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_held_in_a_generator_that_ends_in_another_thread(two_blas_threads):
    def held_meanwhile():
        with threads.held():
            yield

    going = held_meanwhile()
    next(going)
    assert set(blas_threads()) == {1}
    other = threading.Thread(target=lambda: list(going))
    other.start()
    other.join(20)
    assert set(blas_threads()) == {2}
    with threads.held():
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


class CountsForEachThread:
    """An OpenBLAS on OpenMP: what one thread sets, another does not see."""

    user_api, internal_api, threading_layer = "blas", "openblas", "openmp"

    def __init__(self):
        self.own = threading.local()

    def get_num_threads(self):
        return getattr(self.own, "number", 2)

    def set_num_threads(self, number):
        self.own.number = number


def test_where_blas_counts_for_each_thread_every_one_of_them_is_held(monkeypatch):
    """conda's OpenBLAS may be such a one: to hold it in the thread that calls would leave it free in the helpers."""
    library = CountsForEachThread()
    monkeypatch.setattr(threads, "libraries", lambda: [library])
    monkeypatch.setattr(threads, "_helpers", [])
    threads.each_thread_apart.cache_clear()
    try:
        mf.set_num_threads(2)
        meeting, seen = threading.Barrier(2, timeout=20), []

        def job(part):
            meeting.wait()
            seen.append(library.get_num_threads())

        threads.run(job, range(4))
        assert seen == [1] * 4 and library.get_num_threads() == 2
    finally:
        threads.each_thread_apart.cache_clear()


def test_blas_is_left_as_it_was_after_a_step(two_blas_threads, small_tiles):
    step()
    assert set(blas_threads()) == {2}


def test_runs_of_two_python_threads_take_turns(two_blas_threads):
    """BLAS's limit belongs to the process: the second run begins when the first has ended, and both see one thread."""
    mf.set_num_threads(1)
    first_is_in, events = threading.Event(), []

    def job(name):
        events.append((name, "in"))
        first_is_in.set()
        time.sleep(0.05)
        events.append((name, *set(blas_threads())))

    other = threading.Thread(target=lambda: (first_is_in.wait(20), threads.run(job, ["second"])))
    other.start()
    threads.run(job, ["first"])
    other.join(20)
    assert events == [("first", "in"), ("first", 1), ("second", "in"), ("second", 1)]
    assert set(blas_threads()) == {2}


def test_blas_is_left_as_it_was_after_many_runs_in_four_python_threads(two_blas_threads):
    """One run may begin while another ends: it must not take the other's single thread for what was there before."""
    mf.set_num_threads(1)
    start = threading.Barrier(4, timeout=20)

    def work(_):
        start.wait()
        for _ in range(200):
            threads.run(lambda part: time.sleep(1e-5), [0])

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        assert set(blas_threads()) == {2}


def test_two_python_threads_at_once_give_what_each_gives_alone(small_tiles):
    """No random numbers while they run: the generator is shared, so the models are made before."""
    mf.set_num_threads(2)
    rng = np.random.default_rng(0)
    nets, pictures = [], []
    for seed in (1, 2):
        mf.manual_seed(seed)
        nets.append(FCN("tiny", 8, 3, width=4))
        nets[-1].score_fr.weight.data[...] = rng.standard_normal(nets[-1].score_fr.weight.shape)
        pictures.append(rng.standard_normal((1, 3, 30 + 9 * seed, 47)).astype(np.float32))

    def work(index):
        results = []
        for _ in range(6):
            nets[index].zero_grad()
            scores = nets[index](pictures[index])
            scores.backward(np.ones(scores.shape, np.float32))
            results.append([scores.data] + [p.grad for p in nets[index].parameters() if p.requires_grad])
        return results

    alone = [work(0)[0], work(1)[0]]
    start = threading.Barrier(2, timeout=20)

    def together(index):
        start.wait()
        return work(index)

    with ThreadPoolExecutor(2) as pool:
        for index, results in enumerate(pool.map(together, (0, 1))):
            for result in results:
                for found, expected in zip(result, alone[index], strict=True):
                    np.testing.assert_array_equal(found, expected)


def test_choice_of_kernels_and_no_grad_belong_to_one_python_thread():
    seen = []

    def other():
        x = mf.Tensor(np.ones((1, 1, 2, 2), np.float32), requires_grad=True)
        seen.append(mf.ops.relu(x).requires_grad)

    with mf.no_grad(), mf.kernels.use("simple"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [True]
