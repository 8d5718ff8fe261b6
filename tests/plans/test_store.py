"""Plans that `predict` makes for itself: kept for shapes that come again, few of them, dropped with the model; and changes are seen."""

import copy
import gc
import os
import pickle
import threading
import tracemalloc
import warnings
import weakref

import needs
import numpy as np
import pytest

import minifcn as mf
from minifcn import Tensor, plans
from minifcn.kernels import threads
from minifcn.kernels.cpu import memory
from minifcn.nn import watch
from minifcn.plans import store
from minifcn.training import predict

from .networks import network, pictures

SHAPE = (1, 3, 32, 40)


def forward(model, x):
    with mf.no_grad():
        return model(Tensor(x)).data


def close(found, expected):
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def shelf(model):
    return store._shelves.get(model, {})


def test_predict_goes_by_a_plan_and_keeps_it():
    model = network(width=6)
    picture = np.random.default_rng(0).integers(0, 256, (32, 40, 3), np.uint8)
    first = predict(model, picture)
    (plan,) = shelf(model).values()
    assert plan.shape == SHAPE
    np.testing.assert_array_equal(predict(model, picture), first)
    assert list(shelf(model).values()) == [plan]
    with mf.kernels.use("simple"):
        plain = predict(model, picture)
    assert (plain == first).mean() > 0.999


@pytest.mark.parametrize("scope", [lambda: mf.kernels.use("simple"), mf.profile, mf.detect_anomaly])
def test_who_asks_for_the_plain_way_gets_it(scope):
    model = network(width=3)
    with scope():
        plans.scores(model, pictures(SHAPE))
    assert not shelf(model)


def test_a_model_in_training_goes_the_plain_way_for_its_dropout():
    model = network("squeezenet-fc").train()
    x = pictures(SHAPE)
    assert not np.array_equal(plans.scores(model, x), plans.scores(model, x))
    assert not shelf(model)


class Doubled(mf.nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


def changes():
    """What changes a model, by name."""

    def step(model):
        for parameter in model.parameters():
            parameter.grad = np.ones_like(parameter.data)
        mf.optim.SGD(model.parameters(), lr=0.01).step()

    def load(model):
        model.load_state_dict({name: array * 1.1 for name, array in model.state_dict().items()})

    def assigned(model):
        model.backbone.conv2_1.weight.data = model.backbone.conv2_1.weight.data * 1.5

    def in_place(model):
        model.backbone.conv3_1.weight.data *= 1.5

    def by_numpy(model):
        model.backbone.conv1_1.weight.data[...] += 0.3

    def a_filter_by_numpy(model):
        model.backbone.conv5_1.weight.data[7] = 0

    def a_number_by_numpy(model):
        model.backbone.conv1_1.weight.data[1, 1, 1, 1] += 5

    def bias_by_numpy(model):
        model.score_fr.bias.data[1] = 3

    def upsampling(model):
        model.upscore.weight.data[...] *= 2

    def classes_swapped(model):
        model.score_fr.weight.data[[1, 2]] = model.score_fr.weight.data[[2, 1]]

    def bgr(model):
        weight = model.backbone.conv1_1.weight.data
        weight[...] = weight[:, ::-1].copy()

    def filters_sorted(model):
        model.backbone.conv4_1.weight.data.sort(axis=0)

    def two_numbers_swapped(model):
        weight = model.score_fr.weight.data.reshape(-1)
        weight[[0, 2]] = weight[[2, 0]]

    def a_number_that_is_told(model):
        model.score_fr.weight.data[0, 17] += 50
        model.score_fr.weight.changed()

    def another_layer(model):
        model.score_fr = mf.nn.Conv2d(48, 4, 1)

    def fusion(model):
        model.fusion = "max"

    return [value for value in locals().values() if callable(value)]


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.__name__)
def test_a_change_is_seen(change):
    model, x = network(width=6), pictures(SHAPE)
    own = mf.plan(model, SHAPE)
    before = plans.scores(model, x)
    np.testing.assert_array_equal(own(x), before)
    change(model)
    expected = forward(model, x)
    assert np.abs(expected - before).max() > 1e-4 * np.abs(expected).max(), "nothing to be seen"
    close(plans.scores(model, x), expected)
    close(own(x), expected)


def odd_changes():
    """What no plan can follow: `predict` goes the plain way then, and who has a plan is told."""

    def option(model):
        model.backbone.conv2_1.options.update(dilation=2, padding=2)

    def window(model):
        model.backbone.conv2_1.window = model.backbone.conv1_1.window._replace(dilation=(2, 2))

    def forward_of_a_layer(model):
        model.score_fr.forward = lambda x: 2 * type(model.score_fr).forward(model.score_fr, x)

    def kind_of_a_layer(model):
        model.score_fr.__class__ = Doubled

    def forward_of_the_model(model):
        model.forward = lambda x: 2 * type(model).forward(model, x)

    return [value for value in locals().values() if callable(value)]


@pytest.mark.parametrize("change", odd_changes(), ids=lambda change: change.__name__)
def test_a_change_that_no_plan_can_follow_is_seen_too(change):
    model, x = network(width=6), pictures(SHAPE)
    own = mf.plan(model, SHAPE)
    plans.scores(model, x)
    change(model)
    expected = forward(model, x)
    for _ in range(2):
        np.testing.assert_array_equal(plans.scores(model, x), expected)
        with pytest.raises(ValueError, match=r"of its own|other options|known are"):
            own(x)
    with pytest.raises(ValueError, match=r"of its own|other options|known are"):
        mf.plan(model, SHAPE)


def test_another_forward_of_all_layers_of_a_kind_is_seen(monkeypatch):
    model, x = network(width=6), pictures(SHAPE)
    own = mf.plan(model, SHAPE)
    before = own(x)
    monkeypatch.setattr(mf.nn.ReLU, "forward", lambda self, x: mf.ops.relu(x) + mf.ops.relu(-x) * 0.1)
    expected = forward(model, x)
    assert not np.allclose(expected, before)
    np.testing.assert_array_equal(plans.scores(model, x), expected)
    with pytest.raises(ValueError, match="forward of its own"):
        own(x)


def test_a_skip_that_is_taken_away_is_seen():
    model, x = network(width=6), pictures(SHAPE)
    plans.scores(model, x)
    model.skips.pop()
    for _ in range(2):  # what is left does not reach the size of the picture: the network's own error
        with pytest.raises(ValueError, match="crop_like"):
            plans.scores(model, x)


@pytest.mark.parametrize("size", [3, 4, 1021, 5000, watch.WHOLE + 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_tell_orders_apart(size, dtype):
    numbers = np.random.default_rng(size).normal(size=size).astype(dtype)
    sums = {
        watch.sums_of(numbers),
        watch.sums_of(numbers[::-1]),
        watch.sums_of(np.roll(numbers, 1)),
        watch.sums_of(-numbers),
    }
    assert len(sums) == 4
    assert watch.sums_of(numbers.copy()) in sums


@pytest.mark.parametrize("again", [False, True])
def test_what_another_thread_writes_while_weights_are_laid_out_is_seen_the_next_time(again, monkeypatch):
    model, x = network(width=6), pictures(SHAPE)
    weight = model.score_fr.weight
    plan = mf.plan(model, SHAPE)
    plan(x)
    layer = next(each for each in plan.network.layers if getattr(each, "layer", None) is model.score_fr)
    kind, name = type(layer), "begin" if again else "prepare"
    plain = getattr(kind, name)

    def then_written_to(self, *other):
        plain(self, *other)
        if self.layer is model.score_fr:
            weight.data[...] += 1

    monkeypatch.setattr(kind, name, then_written_to)
    if again:
        plan = mf.plan(model, SHAPE)
    else:
        weight.data[...] *= 2
        plan(x)
    monkeypatch.undo()
    close(plan(x), forward(model, x))


@pytest.mark.parametrize("shape", [(512, 512, 3, 3), (1024, 256, 7, 7), (4096, 257, 1, 1), (1031, 1031, 1, 1)])
def test_a_large_array_is_looked_at_everywhere(shape):
    """A row, a column, or one place of all kernels."""
    numbers = np.ones(shape, np.float32)
    before = watch.sums_of(numbers)
    rng = np.random.default_rng(0)
    for axis, length in enumerate(shape):
        for place in {0, length - 1, *rng.integers(0, length, 3).tolist()}:
            some = [slice(None)] * 4
            some[axis] = place
            numbers[tuple(some)] = 2
            assert watch.sums_of(numbers) != before, (axis, place)
            numbers[tuple(some)] = 1
    assert watch.sums_of(numbers) == before


def test_numbers_of_an_array_with_gaps_are_seen():
    model, x = network(width=6), pictures(SHAPE)
    weight = model.score_fr.weight
    weight.data = np.repeat(weight.data, 2, axis=1)[:, ::2]
    assert not weight.data.flags.c_contiguous
    before = plans.scores(model, x)
    weight.data[...] *= 2
    expected = forward(model, x)
    assert not np.allclose(expected, before)
    close(plans.scores(model, x), expected)


def test_a_model_of_another_precision_gets_another_plan():
    model, x = network(width=6), pictures(SHAPE)
    own = mf.plan(model, SHAPE)
    single = plans.scores(model, x)
    model.astype("float64")
    double = plans.scores(model, x.astype(np.float64))
    assert double.dtype == own(x).dtype == np.float64
    close(single, double)
    np.testing.assert_array_equal(own(x), double)


def test_a_plan_that_does_not_look_is_caught(monkeypatch):
    """The test above can fail."""
    monkeypatch.setattr(plans.Plan, "look", lambda self: None)
    with pytest.raises(AssertionError):
        test_a_change_is_seen(changes()[3])


def test_few_shapes_are_kept_the_last_ones(monkeypatch):
    model = network(width=3)
    monkeypatch.setattr(store, "SHAPES", 3)
    for width in (8, 9, 10, 8, 11):
        plans.scores(model, pictures((1, 3, 8, width)))
    assert [shape[3] for shape, _ in shelf(model)] == [10, 8, 11]


def test_plans_of_one_model_share_the_weights_and_both_see_a_change():
    model, xs = network(width=12), [pictures((1, 3, 32, width)) for width in (40, 44)]
    for x in xs:
        close(plans.scores(model, x), forward(model, x))
    one, other = (plan.network.layers for plan in shelf(model).values())
    shared = [a.kernels[0] is b.kernels[0] for a, b in zip(one, other, strict=True) if getattr(a, "kernels", [])]
    assert len(shared) > 5 and all(shared)
    for change in (lambda array: array.__imul__(1.5), lambda array: array.__iadd__(0.1)):
        for parameter in model.parameters():
            change(parameter.data)
        for x in xs:
            close(plans.scores(model, x), forward(model, x))


def test_few_bytes_are_kept(monkeypatch):
    model = network(width=3)
    plans.scores(model, pictures((1, 3, 64, 64)))
    (plan,) = shelf(model).values()
    assert plan.bytes >= sum(arena.nbytes for each in plan.idle for maps in each.maps for arena in maps.arenas) > 0
    monkeypatch.setattr(store, "BYTES", 1000)
    close(plans.scores(model, pictures((1, 3, 64, 65))), forward(model, pictures((1, 3, 64, 65))))
    assert not shelf(model)


def traced(run):
    """Bytes that stay in use, and the most meanwhile."""
    memory._new_store()
    gc.collect()
    tracemalloc.start()
    run()
    found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return found


@pytest.mark.parametrize("sizes", [[136, 144, 152, 160], [160, 152, 144, 136]])
def test_plans_of_one_model_share_memory(sizes, monkeypatch):
    """Four shapes take little more than the largest, whichever comes first: their calls are kept, and nothing that was outgrown."""
    monkeypatch.setattr(threads, "_number", 1)  # which parts a second thread gets, and so needs memory for, is chance

    def all_of(sizes):
        model = network(width=12)
        for _ in range(2):
            for size in sizes:
                plans.scores(model, pictures((1, 3, 144, size)))
        return lambda: shelf(model)

    kept = []
    alone = traced(lambda: kept.append(all_of([max(sizes)])))[0]
    together = traced(lambda: kept.append(all_of(sizes)))[0]
    assert [len(each()) for each in kept] == [1, 4]
    (plan,) = kept[0]().values()
    arrays = sum(each.bytes for workspace in plan.workspaces for each in workspace.scratch.values())
    assert together < alone + arrays, "three plans with memory of their own would take as much again, each"


def test_a_plan_that_needs_much_more_takes_its_memory_along(monkeypatch):
    monkeypatch.setattr(store, "SHAPES", 2)
    model, small = network(width=3), (1, 3, 32, 32)
    plans.scores(model, pictures(small))
    before = shelf(model)[small, np.dtype("float32")].bytes
    plans.scores(model, pictures((1, 3, 256, 256)))
    expected = forward(model, pictures(small))
    for shape in (small, (1, 3, 32, 36), small):
        plans.scores(model, pictures(shape))
    close(plans.scores(model, pictures(small)), expected)
    assert shelf(model)[small, np.dtype("float32")].bytes < 2 * before


def test_the_scores_are_the_callers_alone():
    """A plan that held on to its last scores, and four of them, took as much memory as their maps."""
    plan = mf.plan(network(width=3), SHAPE)
    found = plan(pictures(SHAPE))
    held = weakref.ref(found.base)
    del found
    gc.collect()
    assert held() is None


def test_plans_go_with_the_model_and_do_not_travel():
    model, x = network(width=3), pictures(SHAPE)
    found = plans.scores(model, x)
    gone = weakref.ref(next(iter(shelf(model).values())))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert not shelf(other)
        np.testing.assert_array_equal(plans.scores(other, x), found)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason=needs.POSIX)
def test_a_forked_process_goes_on_with_the_plan():
    model, x = network(width=6), pictures(SHAPE)
    expected = plans.scores(model, x)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns of a fork beside threads: that is the test
        child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(plans.scores(model, x), expected) else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(plans.scores(model, x), expected)


@pytest.mark.parametrize("shape", [(8, 3, 64, 64), (1, 3, 256, 320)])
def test_a_plan_needs_less_memory_than_a_plain_forward(shape):
    model, x = network("squeezenet", num_classes=21), pictures(shape)
    peaks = []
    for run in (lambda: forward(model, x), lambda: mf.plan(model, shape)(x)):
        memory._new_store()  # nothing lies idle from before
        tracemalloc.start()
        run()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    laid = sum(layer.weights for layer in mf.plan(model, shape).network.layers)
    assert peaks[1] - laid < peaks[0]


def test_python_threads_do_not_meet():
    """Many callers of one model and one plan, each with its own picture."""
    model = network(width=6)
    shared = mf.plan(model, SHAPE)
    xs = [pictures(SHAPE, seed=seed) for seed in range(4)]
    expected = [shared(x) for x in xs]
    wrong = []

    def work(k):
        for _ in range(15):
            for found in (plans.scores(model, xs[k]), shared(xs[k])):
                if not np.array_equal(found, expected[k]):
                    wrong.append(k)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_an_error_in_the_middle_leaves_nothing_wrong(monkeypatch):
    model, x = network(width=6), pictures(SHAPE)
    monkeypatch.setattr(threads, "_number", 1)
    plan = mf.plan(model, SHAPE)
    for _ in range(2):  # calls that were taken down before memory grew are taken down again
        expected = plan(x)
    (replay,) = plan.idle
    assert all(lane.records for lane in replay.lanes)
    for lane in replay.lanes:
        for calls in lane.records.values():
            calls.insert(1, lambda: [][0])
    with pytest.raises(IndexError):
        plan(x)
    assert not plan.idle, "a thread may still write to its memory"
    np.testing.assert_array_equal(plan(x), expected)


def test_pictures_that_are_no_pictures_get_the_networks_own_error():
    with pytest.raises(ValueError, match="expected pictures"):
        plans.scores(network(width=3), pictures((3, 8, 8)))
