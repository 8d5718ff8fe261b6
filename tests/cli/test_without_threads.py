"""A Python in which no thread and no process starts, as a browser's (Pyodide): the library is whole, and says what it is not."""

import shlex
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from safetensors.numpy import load_file

from minifcn import workers
from minifcn.cli.main import main
from minifcn.data import Batches, ClassMap, VOCFolder
from minifcn.kernels import threads
from minifcn.training import TrainingError
from minifcn.training.processes.together import together

from .conftest import ONE


def refuse(thread):
    raise RuntimeError("can't start new thread")


@pytest.fixture(params=["no thread starts", "a browser"])
def alone(request, monkeypatch):
    """Every start of a thread fails. In a browser nobody even tries, since Python says there that it can."""
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(threads, "_helpers", [])
    monkeypatch.setattr(workers, "IN_A_BROWSER", request.param == "a browser")
    before = threads.get_num_threads()
    threads.set_num_threads(4)
    yield request.param
    threads.set_num_threads(before)


def test_a_pool_has_as_many_threads_as_start(monkeypatch):
    start, left = threading.Thread.start, [3]

    def some(thread):
        if not left[0]:
            refuse(thread)
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", some)
    found = workers.threads_to_be_had(8)
    assert found == 3
    left[0] = 100
    with workers.pool(8) as pool:
        assert isinstance(pool, ThreadPoolExecutor)
        assert list(pool.map(abs, [-1, 2])) == [1, 2]


def test_without_threads_the_caller_works_and_errors_wait_for_their_turn(alone):
    with workers.pool(2) as pool:
        assert isinstance(pool, workers.Here)
        good, bad = pool.submit(divmod, 7, 2), pool.submit(divmod, 7, 0)
        assert good.result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            bad.result()
        assert next(iter(pool.map(str, iter([1, None])))) == "1"  # the second was not asked for


def test_interrupting_is_not_kept_for_later(alone):
    def interrupted():
        raise KeyboardInterrupt

    with workers.pool(2) as pool, pytest.raises(KeyboardInterrupt):
        pool.submit(interrupted)


def all_batches(root):
    data = VOCFolder(root, "train", ClassMap.own(["background", *"abcdef"]))
    return list(Batches(data, 2, 32, 0, balance="classes").iterate(0, 3))


@pytest.fixture(scope="module")
def with_threads(small_set, tmp_path_factory):
    """What comes out where threads start: batches, and the weights of a training."""
    run = tmp_path_factory.mktemp("with")
    assert main(shlex.split(f"train --data {small_set} --out {run} {ONE}")) == 0
    return all_batches(small_set), load_file(run / "best.safetensors")


def test_batches_and_weights_are_the_same(with_threads, alone, small_set, call, tmp_path):
    batches, weights = with_threads
    for found, expected in zip(all_batches(small_set), batches, strict=True):
        assert all(np.array_equal(*both) for both in zip(found, expected, strict=True))
    call(f"train --data {small_set} --out {tmp_path} {ONE}").worked()
    without = load_file(tmp_path / "best.safetensors")
    assert all(np.array_equal(values, without[name]) for name, values in weights.items())


def test_kernels_run_on_the_calling_thread(alone):
    seen = []
    threads.run(lambda part: seen.append((part, threading.current_thread())), range(5))
    assert sorted(part for part, _ in seen) == [0, 1, 2, 3, 4]
    assert {thread for _, thread in seen} == {threading.current_thread()}


def test_check_train_eval_and_predict(alone, small_set, trained, call, tmp_path, recwarn):
    call("check-data", small_set).worked()
    run = tmp_path / "run"
    answer = call(f"train --data {small_set} --out {run} {ONE}").worked()
    assert ("keeps no locks" in answer.err) == (alone == "a browser")
    call(f"eval {run}/best.safetensors --data", small_set).worked()
    picture = next((small_set / "JPEGImages").iterdir())
    call(f"predict {picture} --model {run}/best.safetensors --out {tmp_path}/found").worked()
    assert not [str(each.message) for each in recwarn if "tqdm" in str(each.message)]


def test_more_processes_than_one_are_refused(small_set, call, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "IN_A_BROWSER", True)
    call(f"train --data {small_set} --out {tmp_path}/run {ONE} --processes 2").failed(
        "--processes 2", "no other process"
    )
    with (
        pytest.raises(TrainingError, match="--processes 3: a browser's Python starts no other process"),
        together(3, "cpu", print, {}),
    ):
        pass
