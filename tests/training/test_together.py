"""Several processes share each batch: the sum of their gradients, the same weights everywhere, and nobody left behind when one fails."""

import multiprocessing
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import needs
import numpy as np
import pytest

from minifcn import backend
from minifcn.data import Augmentation, Batches
from minifcn.kernels import threads
from minifcn.models import build
from minifcn.training import TrainingError, fit, train
from minifcn.training.fit import batches_of
from minifcn.training.processes import group as group_module
from minifcn.training.processes.group import ALONE, Group, NcclGroup, patience
from minifcn.training.processes.together import check_processes, together
from minifcn.training.recipes import MODERN

from .helpers import arrays_of, same_arrays
from .shared import Pictures, Troubled, Unsendable, tell_signals, train_and_tell

RECIPE = replace(MODERN, batch=5, size=64, lr=0.05)


def fresh(dtype=np.float64, dropout=0.5):
    backend.manual_seed(3)
    model = build("fcn32s", backbone="tiny", width=2, num_classes=3).astype(dtype)
    model.backbone.drop6.p = model.backbone.drop7.p = dropout
    for name, parameter in model.named_parameters():
        if name.startswith("score_fr"):  # a trained one, else no gradient reaches the trunk
            parameter.data[...] = np.random.default_rng(4).standard_normal(parameter.shape)
    return model


def batches_for(recipe):
    return batches_of(Pictures(), recipe, 1, (123, 117, 104))


class Alone(Group):
    """One process of several whose partners add nothing: its gradients and losses as it would send them."""

    def total(self, flat):
        self.sent = flat.copy()


def sent(recipe, rank, count):
    """What process `rank` of `count` contributes in step 7."""
    model, group = fresh(), Alone(rank, count)
    running = train(
        model, batches_for(recipe), recipe.optimiser(model), recipe, steps=1, seed=2, first_batch=7, group=group
    )
    loss = next(running).loss
    if count > 1:
        return group.sent
    gradients = [p.grad.reshape(-1) for p in recipe.optimiser(model).parameters() if p.grad is not None]
    return np.concatenate([*gradients, [loss]])


RECIPES = {
    "mean": {},
    "sum": dict(loss="sum", lr=1e-6),
    "class weights": dict(class_weights=(0.5, 1.0, 3.0)),
    "cells": dict(keep_cells=0.5),
    "balanced cells": dict(keep_cells=0.5, balance_cells=True),
    "whole pictures": dict(size=None),
    "varied": dict(augmentation=Augmentation(scale=(0.7, 1.5), jitter=5, colour=0.3)),
}


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES)
def test_the_gradients_of_a_split_batch_add_up_to_those_of_the_whole(changes, count):
    # one picture is void throughout and others have other sizes: the mean of the processes' means would be wrong; dropout is on
    recipe = replace(RECIPE, **changes)
    whole = sent(recipe, 0, 1)
    parts = [sent(recipe, rank, count) for rank in range(count)]
    assert all(np.abs(part - whole).max() > 1e-3 * np.abs(whole).max() for part in parts)
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-9, atol=1e-12 * np.abs(whole).max())


def test_a_batch_is_split_evenly_and_whole():
    for pictures in range(1, 20):
        for count in range(1, pictures + 1):
            rows = (
                [range(pictures)[Group(rank, count).share(pictures).rows] for rank in range(count)]
                if count > 1
                else [range(pictures)]
            )
            assert [row for part in rows for row in part] == list(range(pictures))
            assert max(map(len, rows)) - min(map(len, rows)) <= 1


def test_only_the_rows_of_a_process_are_decoded():
    class Counted(Pictures):
        asked = 0

        def picture(self, i):
            self.asked += 1
            return super().picture(i)

    data = Counted()
    batches = Batches(data, 5, 64, 1)
    pictures, labels = batches.at(3, slice(1, 3))
    assert (len(pictures), len(labels), data.asked) == (2, 5, 2)
    whole = batches.at(3)
    assert (pictures == whole[0][1:3]).all() and (labels == whole[1]).all()


def pipes(count):
    """The links of `count` groups in the threads of one process."""
    pairs = [multiprocessing.Pipe() for _ in range(count - 1)]
    return [[mine for mine, _ in pairs], *([theirs] for _, theirs in pairs)]


def in_threads(jobs):
    """The results of functions that run at the same time."""
    found = queue.Queue()
    running = [threading.Thread(target=lambda i=i, job=job: found.put((i, job()))) for i, job in enumerate(jobs)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(20)
    return [result for _, result in sorted(found.get_nowait() for _ in jobs)]


def test_every_process_gets_the_same_bits_of_a_sum():
    rng = np.random.default_rng(0)
    numbers = [(rng.standard_normal(1000) * 10.0 ** rng.integers(-8, 8, 1000)).astype(np.float32) for _ in range(4)]
    flats = [array.copy() for array in numbers]
    groups = [Group(rank, 4, links) for rank, links in enumerate(pipes(4))]
    in_threads([lambda g=g, f=f: g.total(f) for g, f in zip(groups, flats, strict=True)])
    np.testing.assert_allclose(flats[0], np.sum(numbers, 0, dtype=np.float64), rtol=1e-4, atol=1)
    assert all(flat.tobytes() == flats[0].tobytes() for flat in flats)
    assert flats[0].tobytes() == (((numbers[0] + numbers[1]) + numbers[2]) + numbers[3]).tobytes()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_weights_of_all_processes_stay_the_same_to_the_bit(optimizer, tmp_path):
    recipe = replace(RECIPE, optimizer=optimizer, lr=0.01, keep_cells=0.7, accumulate=2)
    alone = fresh(np.float32)
    losses = fit(alone, Pictures(), recipe, steps=3, seed=1).losses

    model = fresh(np.float32)
    before = threads.get_num_threads()
    job = dict(
        model=model, batches=batches_for(recipe), optimiser=recipe.optimiser(model), recipe=recipe, steps=3, seed=1, folder=tmp_path
    )  # fmt: skip
    with together(3, "cpu", train_and_tell, job) as group:
        shared = [step.loss for step in train_and_tell(group=group, **job)]
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("*.safetensors"))) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    found = [arrays_of(tmp_path / f"{rank}.safetensors") for rank in range(3)]
    same_arrays(found[0], found[1])
    same_arrays(found[0], found[2])
    assert shared == pytest.approx(losses, rel=1e-5)
    for name, array in alone.state_dict().items():
        np.testing.assert_allclose(found[0][name], array, rtol=1e-3, atol=1e-5 * np.abs(array).max())
    assert not multiprocessing.active_children() and threads.get_num_threads() == before


def test_fit_with_two_processes_learns_what_one_learns():
    one, two = fresh(np.float32), fresh(np.float32)
    alone = fit(one, Pictures(), RECIPE, steps=3, seed=1)
    shared = fit(two, Pictures(), RECIPE, steps=3, seed=1, processes=2)
    assert shared.losses == pytest.approx(alone.losses, rel=1e-5) and shared.losses != sorted(shared.losses)
    assert [row["step"] for row in shared.rows] == [1, 2, 3]
    for name, array in one.state_dict().items():
        np.testing.assert_allclose(two.state_dict()[name], array, rtol=1e-3, atol=1e-5 * np.abs(array).max())


TROUBLES = {
    "an error": (ValueError("photo7.jpg is gone"), TrainingError, "process 1 of 2: photo7.jpg is gone"),
    "no memory": (MemoryError("9 GiB"), MemoryError, "process 1 of 2: 9 GiB"),
    "death": ("killed", TrainingError, "process 1 of 2 ended without a word.*fewer --processes or a smaller --batch"),
}


@pytest.mark.parametrize("trouble, kind, sentence", TROUBLES.values(), ids=TROUBLES)
def test_trouble_in_another_process_ends_all(trouble, kind, sentence):
    with pytest.raises(kind, match=sentence):
        fit(fresh(np.float32), Troubled(trouble), RECIPE, steps=50, seed=1, processes=2)
    assert not multiprocessing.active_children()


@pytest.mark.skipif(sys.platform == "win32", reason="needs Linux or macOS")
def test_a_process_that_is_stopped_for_ever_does_not_hold_the_first_one(monkeypatch):
    monkeypatch.setattr(group_module, "PATIENCE", 1.0)
    monkeypatch.setattr(group_module, "TIMES", 1)
    began = time.monotonic()
    with pytest.raises(
        TrainingError, match=r"process 1 of 2: was silent for \d+ s and was ended; .* Go on with --resume"
    ):
        fit(fresh(np.float32), Troubled("stopped"), RECIPE, steps=50, seed=1, processes=2)
    assert time.monotonic() - began < 60
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("way", ["receiving", "sending"])
def test_patience_ends_a_wait_in_either_direction(way, monkeypatch):
    monkeypatch.setattr(group_module, "PATIENCE", 0.3)
    mine, theirs = multiprocessing.Pipe()
    with pytest.raises(TrainingError, match="was silent for 0 s"), patience(theirs.close):
        mine.recv() if way == "receiving" else [mine.send_bytes(bytes(1 << 20)) for _ in range(100)]


def test_patience_with_who_answers_costs_nothing_and_other_ends_keep_their_words(monkeypatch):
    monkeypatch.setattr(group_module, "PATIENCE", 0.2)
    killed = []
    with patience(lambda: killed.append(1)):
        pass
    time.sleep(0.5)
    assert not killed
    with pytest.raises(EOFError), patience(lambda: killed.append(1)):
        raise EOFError


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_no_number_ends_all_before_the_weights_change():
    model = fresh(np.float32, dropout=0)
    model.backbone.fc7.weight.data[0] = np.inf
    before = model.state_dict()
    with pytest.raises(TrainingError, match=r"step 1: the loss is nan .*First bad operation: Conv2d\.forward"):
        fit(model, Pictures(), RECIPE, steps=5, seed=1, processes=2)
    same_arrays(model.state_dict(), before)
    assert not multiprocessing.active_children()


def test_an_error_in_the_first_process_ends_all():
    def stop(step):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        fit(fresh(np.float32), Pictures(), RECIPE, steps=50, seed=1, processes=2, callbacks=[stop])
    assert not multiprocessing.active_children()


@pytest.mark.skipif(sys.platform == "win32", reason=needs.POSIX)
def test_only_the_first_process_hears_ctrl_c(tmp_path):
    before = signal.getsignal(signal.SIGINT)  # a shell that starts pytest in the background has it ignored
    with together(3, "cpu", tell_signals, dict(folder=tmp_path)):
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("*.txt"))) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    assert sorted((file.name, file.read_text()) for file in tmp_path.iterdir()) == [
        ("1.txt", "[True, True, True]"), ("2.txt", "[True, True, True]"),
    ]  # fmt: skip
    assert signal.getsignal(signal.SIGINT) == before


def test_a_set_that_cannot_be_sent():
    with pytest.raises(TrainingError, match="cannot be sent to another process: this set cannot be sent"):
        fit(fresh(np.float32), Unsendable(), RECIPE, steps=1, processes=2)


def test_more_processes_than_pictures():
    with pytest.raises(
        TrainingError, match="--processes 6: a batch of 5 pictures cannot be shared by so many; use at most 5"
    ):
        check_processes(6, "cpu", 5)
    check_processes(5, "cpu", 5)


def test_one_process_is_alone():
    with together(1, "cpu", train, {}) as group:
        assert group is ALONE and group.share(4) is None


class PretendedNccl:
    """As much of cupy.cuda.nccl as a group uses, between the threads of one process. A pointer is the array itself."""

    NCCL_FLOAT32, NCCL_FLOAT64, NCCL_SUM = 7, 8, 0

    def __init__(self, count):
        self.arrays, self.barrier, self.aborted = {}, threading.Barrier(count), []
        self.calls = []

    def NcclCommunicator(self, count, unique_id, rank):
        assert unique_id == "one" and count == self.barrier.parties
        return PretendedCommunicator(self, rank)


class PretendedCommunicator:
    def __init__(self, nccl, rank):
        self.nccl, self.rank = nccl, rank

    def allReduce(self, source, target, count, kind, operation, stream):
        assert source is target and count == source.size and (operation, stream) == (0, "the stream")
        self.nccl.calls.append(kind)
        self.nccl.arrays[self.rank] = source.copy()
        self.nccl.barrier.wait(20)
        target[...] = sum(self.nccl.arrays[rank] for rank in sorted(self.nccl.arrays))

    def abort(self):
        self.nccl.aborted.append(self.rank)


class PretendedFlat:
    """An array on a GPU, whose address is the NumPy array that it stands for."""

    def __init__(self, numbers):
        self.size, self.dtype = numbers.size, numbers.dtype
        self.data = type("Memory", (), {"ptr": numbers})


@pytest.fixture
def nccl(monkeypatch):
    pretended = PretendedNccl(2)
    stream = type("Stream", (), {"ptr": "the stream"})
    cuda = type(
        "Cuda", (), {"get_current_stream": staticmethod(lambda: stream)}
    )  # it has no `nccl`: that is a module of its own
    monkeypatch.setattr(backend, "import_cupy", lambda: type("CuPy", (), {"cuda": cuda}))
    monkeypatch.setattr(group_module, "nccl", lambda: pretended)
    return pretended


@pytest.mark.parametrize("dtype, kind", [(np.float32, 7), (np.float64, 8)])
def test_nccl_adds_up_in_place(nccl, dtype, kind):
    flats = [PretendedFlat(np.arange(4, dtype=dtype) + rank) for rank in range(2)]

    def part(rank, links):
        NcclGroup(rank, 2, links, "one").total(flats[rank])

    in_threads([lambda rank=rank, links=links: part(rank, links) for rank, links in enumerate(pipes(2))])
    assert [flat.data.ptr.tolist() for flat in flats] == [[1, 3, 5, 7]] * 2 and nccl.calls == [kind] * 2


def test_nccl_is_broken_off_where_a_process_fails_and_the_sentence_comes(nccl):
    (first, second) = pipes(2)
    second[0].send(None)  # it is ready
    group = NcclGroup(0, 2, first, "one")
    group.check()
    second[0].send((TrainingError, "photo7.jpg is gone"))
    until = time.monotonic() + 20
    while not nccl.aborted and time.monotonic() < until:
        time.sleep(0.01)
    assert nccl.aborted == [0]
    with pytest.raises(TrainingError, match=r"process 1 of 2: photo7\.jpg is gone"):
        group.check()


def test_who_fails_before_the_communicator_is_heard(nccl, monkeypatch):
    """To make it waits for every process in C, where no message and no signal is heard."""
    (first, second) = pipes(2)
    second[0].send((TrainingError, "no memory for its context"))
    monkeypatch.setattr(nccl, "NcclCommunicator", None)
    with pytest.raises(TrainingError, match=r"process 1 of 2: no memory for its context"):
        NcclGroup(0, 2, first, "one")


def test_cupys_module_for_nccl_is_imported_by_name(monkeypatch):
    """`cupy.cuda` does not load it by itself (CuPy 14.2.0, cupy/cuda/__init__.py); None where it or its library is not there."""
    found = type(sys)("cupy.cuda.nccl")
    for name, module in (("cupy", type(sys)("cupy")), ("cupy.cuda", type(sys)("cupy.cuda")), ("cupy.cuda.nccl", found)):
        monkeypatch.setitem(sys.modules, name, module)
    for found.available in (True, False):
        assert group_module.nccl() is (found if found.available else None)
    monkeypatch.setitem(sys.modules, "cupy.cuda.nccl", None)
    assert group_module.nccl() is None


UNGUARDED = """
import numpy as np, minifcn as mf
from minifcn.training import fit
class Pictures:
    def __len__(self): return 2
    def picture(self, i): return np.full((32, 32, 3), 9 * i, np.uint8)
    def labels(self, i): return np.full((32, 32), i, np.uint8)
fit(mf.models.fcn32s("tiny", num_classes=2, width=1), Pictures(), steps=1, batch=2, size=32, processes=2)
"""


@pytest.mark.slow
def test_a_script_that_is_run_again_by_its_own_processes_is_told_so(tmp_path):
    """It was told that memory ran out, and to use a smaller batch."""
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "TrainingError: " in line]
    assert done.returncode == 1 and len(said) == 2, done.stderr  # of the process that was started, and of this one
    assert (
        said[0].endswith("and the classes of its data above that, in a file")
        and "--processes 2: Python runs the script again" in said[0]
    )
    assert (
        "process 1 of 2 could not start: Python runs the script again" in said[1]
        and "if __name__ == '__main__':" in said[1]
    )


def test_a_process_that_is_itself_being_started_starts_no_other(monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with (
        pytest.raises(TrainingError, match="--processes 2: Python runs the script again in each new process"),
        together(2, "cpu", train, {}),
    ):
        pass
