"""A captured step: it reads what differs from step to step from arrays alone, does what the plain step does, or is not used.

A graph repeats its kernels and knows nothing of Python. Here a launch runs the captured function again, with everything made useless that a
graph would not ask: the learning rate, the random numbers, the batch. Nothing may go up or be waited for meanwhile.
"""

import types
from contextlib import contextmanager
from dataclasses import replace

import needs
import numpy as np
import pytest
from standin import synchronisations
from training.helpers import same_arrays
from training.shared import Pictures

from minifcn import backend
from minifcn.kernels import products, simple
from minifcn.kernels.choice import KERNELS, Fast
from minifcn.kernels.masks import Masks
from minifcn.nn.optim import Optimiser
from minifcn.training import TrainingError, fit
from minifcn.training import cuda_graph as graph_module
from minifcn.training import loop as loop_module
from minifcn.training.recipes import MODERN

from .blas import PretendedCublas
from .test_training import close, fresh

RECIPE = replace(MODERN, batch=3, size=32)
CASES = {
    "sgd": {},
    "adam": dict(optimizer="adam", lr=1e-3),
    "all options": dict(accumulate=2, keep_cells=0.5, class_weights=(0.5, 1.0, 2.0), weight_decay=1e-3, head_factor=3.0),
    "scores alone": dict(learns="scores"),
}  # fmt: skip


class Again(Masks):
    """The masks of the capture, in the order in which they are asked for again."""

    def __init__(self, first):
        super().__init__()
        self.left = [array for array, _ in first.arrays]

    def new(self, shape, p):
        array = self.left.pop(0)
        assert array.shape == shape
        return array


@contextmanager
def useless(monkeypatch):
    """What a graph would not ask is not to be asked: Python's learning rate and random numbers."""

    def refuse(*arguments, **named):
        raise AssertionError("a captured step asked Python")

    with monkeypatch.context() as patch:
        patch.setattr(simple, "kept", refuse)
        patch.setitem(KERNELS, "kept", (Fast(refuse, lambda *arguments: True),))
        patch.setattr(Optimiser, "rates", refuse)
        patch.setattr(Optimiser, "learning_rates", refuse)
        yield


class Replayed:
    """Stands for a graph; see above."""

    launches = 0

    def __init__(self, function, steps, monkeypatch):
        self.function, self.steps, self.monkeypatch = function, steps, monkeypatch
        before = steps.state()
        with synchronisations() as waited, useless(monkeypatch):
            self.losses = function()
        assert waited[0] == 0
        steps.put_back(before)  # a capture takes note and does nothing
        for loss in self.losses:
            loss[...] = np.nan

    def launch(self):
        type(self).launches += 1
        with backend.capturing(Again(self.steps.masks)), synchronisations() as waited, useless(self.monkeypatch):
            found = self.function()
        assert waited[0] == 0
        for place, loss in zip(self.losses, found, strict=True):
            place[...] = loss


@pytest.fixture
def standin(cupy, monkeypatch):
    """The stand-in, with a cuBLAS to be called in a capture."""
    if "stand-in" not in cupy.__version__:
        pytest.skip(needs.STANDIN)
    monkeypatch.setattr(products, "library", PretendedCublas)
    monkeypatch.setattr(products, "handle", lambda cupy: "handle")
    return cupy


@pytest.fixture
def replay(standin, monkeypatch):
    """Graphs are Replayed; the class comes back, to ask how often one was launched."""
    made = []
    kind = type("Counted", (Replayed,), {"launches": 0})
    init = graph_module.CapturedSteps.__init__

    def remember(self, *arguments):
        init(self, *arguments)
        made.append(self)

    def record(function):
        graph = kind(function, made[-1], monkeypatch)
        return graph, graph.losses

    monkeypatch.setattr(graph_module.CapturedSteps, "__init__", remember)
    monkeypatch.setattr(graph_module, "record", record)
    return kind


def trained(graph, recipe=RECIPE, steps=5, arch="fcn32s"):
    model, said = fresh("gpu", arch), []
    losses = fit(model, Pictures(), recipe, steps=steps, seed=1, graph=graph, say=said.append).losses
    return losses, model.state_dict(), said


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_a_captured_step_reads_its_rate_batch_and_masks_from_arrays_alone(changes, replay):
    recipe = replace(RECIPE, **changes)
    plain, captured = trained(False, recipe), trained(True, recipe)
    # two steps to warm up, one taken in both ways, two by the graph, each with its own batch, rate and masks
    assert captured[2] == [] and replay.launches == 3
    assert captured[0] == pytest.approx(plain[0], rel=1e-5) and len(set(plain[0])) == 5
    close(plain[1], captured[1])


def test_a_network_with_skips(replay):
    plain, captured = trained(False, arch="fcn8s"), trained(True, arch="fcn8s")
    assert replay.launches == 3 and captured[0] == pytest.approx(plain[0], rel=1e-5)
    close(plain[1], captured[1])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_where_capturing_fails_training_goes_on_and_says_so_once(optimizer, standin, monkeypatch):
    def refuse(function):
        function()
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported\nat line 3")

    monkeypatch.setattr(graph_module, "record", refuse)
    recipe = replace(RECIPE, optimizer=optimizer, lr=0.001)
    plain, captured = trained(False, recipe), trained(True, recipe)
    assert captured[2] == [
        "--graph: the step could not be captured in a CUDA graph (calling cuBLAS API during stream capture is currently "
        "unsupported); going on without"
    ]
    assert captured[0] == pytest.approx(plain[0], rel=1e-5)  # the first two steps had their products from elsewhere
    close(plain[1], captured[1])


def test_where_the_graph_does_not_fit_training_goes_on(standin, monkeypatch):
    def full(function):
        raise MemoryError("out of memory for the graph")

    monkeypatch.setattr(graph_module, "record", full)
    plain, captured = trained(False), trained(True)
    assert captured[2] == [
        "--graph: the step could not be captured in a CUDA graph (out of memory for the graph); going on without"
    ]
    assert captured[0] == pytest.approx(plain[0], rel=1e-5)


def test_a_scale_of_the_skips_does_not_keep_a_step_from_being_captured(replay):
    """fcn8s-atonce multiplies its skips by a number: that goes up as part of a launch, and not as an array."""
    plain, captured = trained(False, arch="fcn8s-atonce"), trained(True, arch="fcn8s-atonce")
    assert captured[2] == [] and replay.launches == 3
    close(plain[1], captured[1])


def test_where_cublas_is_not_found_training_goes_on(standin, monkeypatch):
    def missing():
        raise OSError("libcublas.so.12: cannot open shared object file")

    monkeypatch.setattr(products, "library", missing)
    plain, captured = trained(False), trained(True)
    assert captured[2] == [
        "--graph: the step could not be captured in a CUDA graph (libcublas.so.12: cannot open shared object file); going on without"
    ]
    assert captured[0] == plain[0]
    same_arrays(captured[1], plain[1])


def test_what_a_capture_uses_is_loaded_before_it(replay, monkeypatch):
    """Whatever is asked of cuBLAS in a capture was asked for by a step before it."""
    asked = {True: set(), False: set()}
    direct = products.direct_product

    def noted(a, b, *where, **how):
        asked[backend.is_capturing()].add((a.shape, b.shape))
        return direct(a, b, *where, **how)

    monkeypatch.setattr(products, "direct_product", noted)
    trained(True)
    assert asked[True] and asked[True] <= asked[False]


FAULTS = {
    "does nothing": lambda graph: None,
    "forgets the masks": lambda graph: [array.fill(False) for array, _ in graph.steps.masks.arrays] and Replayed.launch(graph),
    "another batch": lambda graph: (graph.steps.batch.pictures[0].fill(0), Replayed.launch(graph)),
    "NaN": lambda graph: graph.steps.optimiser.parameters()[0].data.fill(np.nan),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_graph_that_does_something_else_is_not_used(fault, replay, monkeypatch):
    monkeypatch.setattr(replay, "launch", fault)
    plain, captured = trained(False), trained(True)
    assert captured[2] == [
        "--graph: the captured step moved the weights elsewhere than the plain one; going on without"
    ]
    assert captured[0] == pytest.approx(plain[0], rel=1e-5)
    close(plain[1], captured[1])


def test_out_of_memory_before_any_capture_is_out_of_memory(standin, monkeypatch):
    def refuse(*arguments):
        raise MemoryError("Out of memory allocating 9 bytes")

    monkeypatch.setattr(graph_module.CapturedSteps, "warm", refuse)
    with pytest.raises(MemoryError, match="allocating 9 bytes"):
        trained(True)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_no_number_in_a_captured_step_changes_nothing(replay, monkeypatch):
    monkeypatch.setattr(loop_module, "MOST_UNREAD", 1)
    model, before = fresh("gpu"), {}

    def spoil(step):
        if step.step == 4:
            model.score_fr.bias.data[...] = np.nan
            before.update(model.state_dict())

    with pytest.raises(
        TrainingError, match=r"step 5: the loss is nan .*1 parameters are no longer finite, score_fr.bias"
    ):
        fit(model, Pictures(), RECIPE, steps=8, seed=1, graph=True, callbacks=[spoil])
    assert replay.launches == 3
    same_arrays(model.state_dict(), before)


@pytest.mark.parametrize("options", [dict(device="cpu"), dict(size=None)], ids=["cpu", "whole pictures"])
def test_where_no_graph_can_be_it_is_said(options, cupy):
    device, size = options.get("device", "gpu"), options.get("size", 32)
    said = []
    fit(fresh(device), Pictures(), replace(RECIPE, size=size), steps=1, seed=1, graph=True, say=said.append)
    assert said == ["--graph is for one GPU and crops of one size; going on without"]


def test_nothing_goes_up_while_a_step_is_captured(cupy):
    with (
        backend.capturing(Masks()),
        pytest.raises(RuntimeError, match="moves arrays to the gpu cannot be captured"),
    ):
        backend.to_device(np.zeros(3), "gpu")


class Streams:
    """As much of cupy.cuda as `record` uses; `did` is what was done, in order."""

    def __init__(self, fails=False):
        self.did, self.fails = [], fails
        self.MemoryPool = lambda memory: types.SimpleNamespace(malloc="malloc of its own", memory=memory)

    def Stream(self, non_blocking):
        assert non_blocking  # the legacy stream cannot be captured
        return self

    def __enter__(self):
        self.did.append("stream")

    def __exit__(self, *error):
        self.did.append("back")

    @contextmanager
    def using_allocator(self, allocator):
        self.did.append(allocator)
        yield
        self.did.append("allocator back")

    def begin_capture(self):
        self.did.append("begin")

    def end_capture(self):
        self.did.append("end")
        if self.fails:
            raise RuntimeError("cudaErrorStreamCaptureInvalidated")
        return types.SimpleNamespace(launch=lambda: self.did.append("launch"))


def with_pool(cuda, limit):
    """A CuPy whose pool has this limit, and has taken 30 bytes that it keeps when it gives back what is idle."""
    pool = types.SimpleNamespace(
        get_limit=lambda: limit, total_bytes=lambda: 30, free_all_blocks=lambda: cuda.did.append("idle blocks back")
    )
    return types.SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool)


@pytest.mark.parametrize("limit, left", [(100, 70), (20, 1), (0, 0)])
def test_a_graph_gets_what_the_limit_leaves(limit, left, monkeypatch):
    cuda = Streams()
    monkeypatch.setattr(backend, "import_cupy", lambda: with_pool(cuda, limit))
    graph, _ = graph_module.record(list)
    assert graph.memory.limit == left and graph.pool.memory is graph.memory
    assert (cuda.did[0] == "idle blocks back") == (limit > 0)


def test_recording(monkeypatch):
    cuda = Streams()
    monkeypatch.setattr(backend, "import_cupy", lambda: with_pool(cuda, 0))
    graph, found = graph_module.record(lambda: cuda.did.append("work") or ["loss"])
    assert found == ["loss"]
    graph.launch()
    assert cuda.did == ["stream", "malloc of its own", "begin", "work", "end", "allocator back", "back", "launch"]
    assert graph.pool.malloc == "malloc of its own"  # lives with the graph


def test_a_recording_that_fails_is_ended_and_says_what_failed_first(monkeypatch):
    cuda = Streams(fails=True)
    monkeypatch.setattr(backend, "import_cupy", lambda: with_pool(cuda, 0))
    with pytest.raises(ZeroDivisionError):
        graph_module.record(lambda: 1 / 0)
    assert cuda.did[2:4] == ["begin", "end"] and cuda.did[-1] == "back"
