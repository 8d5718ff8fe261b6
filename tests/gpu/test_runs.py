"""Whole runs on a GPU: what lies in the folder fits the CPU, and a run goes on on the other device from any checkpoint."""

import csv
import json
import math

import numpy as np
import pytest
from training.helpers import Killed, StopAt, arrays_of, config_for, make_small_set, run_in

import minifcn as mf
from minifcn.nn.optim import SGD, Adam
from minifcn.training import Options, TrainingError
from minifcn.training import loop as loop_module

from .conftest import down

STAGES = ("fcn32s", "fcn16s", "fcn8s")


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    return make_small_set(tmp_path_factory.mktemp("gpu") / "set")


@pytest.fixture(scope="module", params=["sgd", "adam"])
def config(request, small_set):
    return config_for(small_set, steps=5, lr=0.05 if request.param == "sgd" else 0.002, optimizer=request.param)


@pytest.fixture(scope="module")
def on_cpu(config, tmp_path_factory):
    """The folder of the whole run on the CPU."""
    path = tmp_path_factory.mktemp("cpu") / "run"
    run_in(path, config)
    return path


@pytest.fixture
def three_at_a_time(monkeypatch):
    """The losses of three steps are read together, after the first: 1, 2 to 4, 5."""
    monkeypatch.setattr(loop_module, "READ_SECONDS", math.inf)
    monkeypatch.setattr(loop_module, "MOST_UNREAD", 3)


def log_of(path):
    with open(path / "log.csv", newline="") as file:
        return list(csv.DictReader(file))


def close(path, wanted):
    rows, others = log_of(path), log_of(wanted)
    assert [(row["stage"], row["step"], row["learning_rate"]) for row in rows] == [
        (row["stage"], row["step"], row["learning_rate"]) for row in others
    ]
    np.testing.assert_allclose([float(row["loss"]) for row in rows], [float(row["loss"]) for row in others], rtol=1e-4)
    for stage in STAGES:
        mine, theirs = (arrays_of(folder / f"{stage}.safetensors") for folder in (path, wanted))
        for name, array in theirs.items():
            np.testing.assert_allclose(mine[name], array, rtol=2e-3, atol=2e-3 * np.abs(array).max(), err_msg=name)
    scores, wanted_scores = (json.loads((folder / "metrics.json").read_text()) for folder in (path, wanted))
    for stage in STAGES:
        assert scores[stage]["pixel_accuracy"] == pytest.approx(wanted_scores[stage]["pixel_accuracy"], abs=0.01)


def test_a_run_on_a_gpu_is_the_run_on_the_cpu_but_for_rounding(config, on_cpu, cupy, three_at_a_time, tmp_path):
    run_in(tmp_path / "run", config, device="gpu", options=Options(checkpoint_every=0))
    close(tmp_path / "run", on_cpu)


@pytest.mark.parametrize("first, second", [("gpu", "cpu"), ("cpu", "gpu")])
@pytest.mark.parametrize("stage, step, saved", [("fcn32s", 3, 1), ("fcn16s", 5, 4)])
def test_a_run_goes_on_on_the_other_device(
    stage, step, saved, first, second, config, on_cpu, cupy, three_at_a_time, tmp_path
):
    """Killed while the losses of several steps are told: the checkpoint is from before them, when the weights were those of its step."""

    class Kill(StopAt):
        def stepped(self, name, done):
            if (name, done.step) == (stage, step):
                raise Killed(name)

    with pytest.raises(Killed):
        run_in(tmp_path / "run", config, Kill(), device=first, options=Options(checkpoint_every=0))
    if first == "cpu":
        saved = step - 1
    resumed = StopAt()
    run_in(tmp_path / "run", config, resumed, device=second)
    assert f"resumed from step {saved} of {stage}" in resumed.said
    close(tmp_path / "run", on_cpu)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_no_number_never_spoils_a_checkpoint(config, cupy, three_at_a_time, tmp_path):
    class Ruin(StopAt):
        def look(self, stage, done, model):
            if done.step == 1:
                model.backbone.conv1_1.weight.data[...] *= math.nan

    with pytest.raises(TrainingError, match=r"fcn32s: after step 1 |step 2: the loss is nan"):
        run_in(tmp_path / "run", config, Ruin(), device="gpu", options=Options(checkpoint_every=0))
    file = tmp_path / "run" / "checkpoint.safetensors"
    assert not file.exists() or all(np.isfinite(array).all() for array in arrays_of(file).values())


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_the_state_of_an_optimiser_moves_between_devices(kind, cupy):
    options = dict(lr=0.1, momentum=0.9, weight_decay=0.01) if kind is SGD else dict(lr=0.1, weight_decay=0.01)
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(shape).astype(np.float32) for shape in ((2, 3), (4,), ())]
    gradients = [[rng.standard_normal(start.shape).astype(np.float32) for start in starts] for _ in range(6)]

    def parameters(device):
        return [mf.Tensor(mf.Tensor(np.array(start)).to(device).data, requires_grad=True) for start in starts]

    def drive(optimiser, given):
        for step in given:
            for parameter, gradient in zip(optimiser.parameters(), step, strict=True):
                parameter.grad = mf.Tensor(gradient).to(parameter.device).data
            optimiser.step()

    whole = kind(parameters("cpu"), **options)
    drive(whole, gradients)
    first = kind(parameters("gpu"), **options)
    drive(first, gradients[:3])
    state = first.state_dict()
    assert all(type(array) is np.ndarray for array in state.values())
    second = kind([mf.Tensor(down(p.data).copy(), requires_grad=True) for p in first.parameters()], **options)
    second.load_state_dict(state)
    drive(second, gradients[3:4])
    third = kind(
        [mf.Tensor(mf.Tensor(p.data).to("gpu").data, requires_grad=True) for p in second.parameters()], **options
    )
    third.load_state_dict(second.state_dict())
    drive(third, gradients[4:])
    for found, wanted in zip(third.parameters(), whole.parameters(), strict=True):
        np.testing.assert_allclose(down(found.data), wanted.data, rtol=1e-5, atol=1e-6)
