"""Training on a GPU: the numbers of the CPU, no waiting inside a step, losses read late, NaN found late and told as ever."""

import math
from dataclasses import replace

import needs
import numpy as np
import pytest
from standin import synchronisations
from training.helpers import same_arrays
from training.shared import Pictures
from training.test_together import in_threads, pipes

from minifcn import backend
from minifcn.models import build
from minifcn.training import TrainingError, fit, train
from minifcn.training import loop as loop_module
from minifcn.training.fit import batches_of
from minifcn.training.processes.group import Group
from minifcn.training.processes.together import check_processes
from minifcn.training.recipes import MODERN

from .conftest import down

RECIPE = replace(MODERN, batch=3, size=32)


def fresh(device="cpu", arch="fcn32s", dropout=0.5):
    backend.manual_seed(3)
    model = build(arch, backbone="tiny", width=2, num_classes=3)
    model.backbone.drop6.p = model.backbone.drop7.p = dropout
    rng = np.random.default_rng(4)
    for name, parameter in model.named_parameters():
        if name.startswith("score_"):
            parameter.data[...] = 0.1 * rng.standard_normal(parameter.shape)
    return model.to(device)


def close(first, second, rtol=2e-4):
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_allclose(array, second[name], rtol=rtol, atol=rtol * np.abs(array).max(), err_msg=name)


CASES = {
    "sgd": {},
    "adam": dict(optimizer="adam", lr=1e-3),
    "all options": dict(accumulate=2, keep_cells=0.5, balance_cells=True, class_weights=(0.5, 1.0, 2.0), weight_decay=1e-3, head_factor=3.0),
    "summed": dict(loss="sum", lr=1e-5, bias_factor=2.0),
    "whole pictures": dict(size=None, batch=2),
}  # fmt: skip


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
@pytest.mark.parametrize("arch", ["fcn32s", "fcn8s"])
def test_training_takes_the_steps_of_the_cpu(changes, arch, cupy):
    found = {}
    for device in ("cpu", "gpu"):
        model = fresh(device, arch)
        history = fit(model, Pictures(), replace(RECIPE, **changes), steps=4, seed=1)
        found[device] = history.losses, model.state_dict()
        assert next(model.parameters()).device == device
    assert found["gpu"][0] == pytest.approx(found["cpu"][0], rel=1e-5)
    close(found["cpu"][1], found["gpu"][1])


def steps_of(model, recipe=RECIPE, steps=8, **options):
    batches = batches_of(Pictures(), recipe, 1, model.preprocessing.fill)
    return train(model, batches, recipe.optimiser(model), recipe, steps=steps, seed=1, **options)


@pytest.fixture
def read_every(monkeypatch):
    """Losses are read after so many steps, however long these take."""

    def set_(number):
        monkeypatch.setattr(loop_module, "READ_SECONDS", math.inf if number > 1 else 0)
        monkeypatch.setattr(loop_module, "MOST_UNREAD", number)

    return set_


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_no_step_waits_for_the_gpu(changes, cupy, read_every, monkeypatch):
    if "stand-in" not in cupy.__version__:
        pytest.skip(needs.STANDIN)
    read_every(4)
    reads = []
    read = loop_module.read

    def counted(losses):
        with synchronisations() as waited:
            values = read(losses)
        reads.append((len(losses), waited[0]))
        return values

    monkeypatch.setattr(loop_module, "read", counted)
    running = steps_of(fresh("gpu"), replace(RECIPE, **changes), steps=9)
    with synchronisations() as waited:
        done = list(running)
    assert reads == [(1, 1), (4, 1), (4, 1)]  # the first at once: a run that cannot work says so soon
    assert waited[0] == 3 and len(done) == 9


def test_losses_are_read_several_at_a_time_and_all_are_told(cupy, read_every):
    read_every(4)
    done = list(steps_of(fresh("gpu"), steps=10))
    assert [step.step for step in done] == list(range(1, 11))
    assert [step.ahead for step in done] == [0, 3, 2, 1, 0, 3, 2, 1, 0, 0]
    read_every(1)
    assert [step.loss for step in steps_of(fresh("gpu"), steps=10)] == [step.loss for step in done]
    assert all(step.seconds > 0 and step.images_per_second > 0 for step in done)
    assert [step.ahead for step in steps_of(fresh("cpu"), steps=3)] == [0, 0, 0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_loss_that_is_no_number_is_found_late_and_has_changed_nothing(optimizer, cupy, read_every):
    """A picture that ruins step 4 alone; steps 5 and 6 are asked for before anybody knows, and are good by themselves."""
    read_every(5)
    recipe = replace(RECIPE, optimizer=optimizer, lr=0.01)

    def spoilt(model):
        forward, calls = type(model).forward, []

        def ruined(x):
            calls.append(1)
            return forward(model, x * (math.nan if len(calls) in (4, 7) else 1.0))  # 7: when it is looked for again

        model.forward = ruined
        return model

    good, model = fresh("gpu"), spoilt(fresh("gpu"))
    wanted = [step.loss for step in steps_of(good, replace(recipe, schedule="constant"), steps=3)]
    losses = []
    with pytest.raises(TrainingError) as caught:
        for step in steps_of(model, replace(recipe, schedule="constant"), steps=20):
            losses.append((step.loss, step.ahead))
    assert [loss for loss, _ in losses] == wanted and [ahead for _, ahead in losses] == [
        0,
        4,
        3,
    ]  # nobody may save these
    same_arrays(model.state_dict(), good.state_dict())
    message = str(caught.value)
    assert message.startswith(
        "step 4: the loss is nan at learning rate 0.01; the model still has the weights of the step before"
    )
    assert "First bad operation: " in message and message.endswith("Try a rate ten times smaller")


def test_a_callback_that_ends_the_training_ends_it_after_the_last_step_asked_for(cupy, read_every):
    read_every(4)
    model = fresh("gpu")
    history = fit(model, Pictures(), RECIPE, steps=20, seed=1, callbacks=[lambda step: step.step == 3])
    assert [row["step"] for row in history.rows] == [1, 2, 3, 4, 5]
    assert set(history.rows[0]) == {
        "stage",
        "step",
        "loss",
        "learning_rate",
        "seconds",
        "images_per_second",
        "waited",
        "pixels",
        "weight",
    }


def test_a_wrong_label_is_found_before_it_goes_up(cupy):
    data = Pictures()
    data.pairs[2][1][3, 4] = 7
    with pytest.raises(
        ValueError, match=r"training: 1 labels are out of range, such as \[7\]; expected 0 to 2 for 3 classes"
    ):
        fit(fresh("gpu"), data, replace(RECIPE, size=None), steps=6, seed=1)


def test_the_parameters_stay_on_the_device(cupy):
    model = fresh("gpu")
    list(steps_of(model, steps=2))
    for parameter in model.parameters():
        assert parameter.device == "gpu" and (parameter.grad is None or down(parameter.grad).shape == parameter.shape)


def test_processes_without_nccl_add_up_by_way_of_the_cpu(cupy):
    numbers = [np.random.default_rng(rank).standard_normal(50).astype(np.float32) for rank in range(3)]
    flats = [cupy.asarray(array) for array in numbers]
    groups = [Group(rank, 3, links) for rank, links in enumerate(pipes(3))]
    in_threads([lambda g=g, f=f: g.total(f) for g, f in zip(groups, flats, strict=True)])
    for flat in flats:
        np.testing.assert_array_equal(down(flat), (numbers[0] + numbers[1]) + numbers[2])


def test_shares_of_a_batch_on_the_gpu_add_up(cupy):
    recipe = replace(RECIPE, keep_cells=0.5, accumulate=2)

    class Alone(Group):
        def total(self, flat):
            self.sent = down(flat).copy()

    def sent(rank, count):
        group = Alone(rank, count)
        model = fresh("gpu")
        optimiser = recipe.optimiser(model)
        batches = batches_of(Pictures(), recipe, 1, model.preprocessing.fill)
        loss = next(train(model, batches, optimiser, recipe, steps=1, seed=1, group=group)).loss
        gradients = [down(p.grad).reshape(-1) for p in optimiser.parameters() if p.grad is not None]
        return group.sent if count > 1 else np.concatenate(gradients), loss

    whole, loss = sent(0, 1)
    parts = [sent(rank, 2) for rank in range(2)]
    found = sum(flat for flat, _ in parts)[: len(whole)]
    np.testing.assert_allclose(found, whole, rtol=1e-3, atol=1e-5 * np.abs(whole).max())
    assert sum(part for _, part in parts) == pytest.approx(loss, rel=1e-5)


def test_each_process_needs_a_gpu_of_its_own(cupy):
    count = cupy.cuda.runtime.getDeviceCount()
    with pytest.raises(
        TrainingError, match=f"--processes {count + 1}: each needs a GPU of its own, and this machine has {count}"
    ):
        check_processes(count + 1, "gpu", 99)
    check_processes(count, "gpu", 99)
