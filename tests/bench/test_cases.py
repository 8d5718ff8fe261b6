"""The measured networks are what they are called: the built-in models' layers, counts and scores, and PyTorch's."""

from math import prod

import numpy as np
import pytest
from models.nets import vgg16 as zero_vgg16

import minifcn as mf
from minifcn.bench import cases, measure, rival, running, values
from minifcn.bench.cases import Case, layer_cases
from minifcn.bench.ours import OurProgram
from minifcn.bench.shapes import plan
from minifcn.models import summary

from .small import CASES, PAPER, SMALL, SQUEEZE, needs_torch


@pytest.mark.parametrize("name, size", [("vgg-forward", (384, 384)), ("paper-forward", (375, 500))])
def test_vgg16_is_the_built_in_one(name, size, monkeypatch):
    case = cases.CASES[name]
    model = zero_vgg16(monkeypatch, 8, case.network.padding)
    trained = {name.removeprefix("backbone."): p.shape for name, p in model.named_parameters() if p.requires_grad}
    found = case.plan()
    assert found.parameters == trained and sum(map(prod, found.parameters.values())) > 134e6
    assert case.flops() == 2 * sum(row.multiply_adds for row in summary.rows(model, size))


def test_the_measured_shapes_are_those_agreed_on():
    said = {name: (case.mode, case.shape, case.variants) for name, case in cases.CASES.items()}
    assert said == {
        "tiny-step": ("step", (8, 3, 96, 96), ("ops", "model")),
        "small-step": ("step", (8, 3, 128, 128), ("ops", "model")),
        "squeeze-step": ("step", (8, 3, 256, 256), ("ops",)),
        "vgg-forward": ("forward", (1, 3, 384, 384), ("ops", "model", "plan")),
        "paper-forward": ("forward", (1, 3, 375, 500), ("ops", "model", "plan")),
        "vgg-step": ("step", (2, 3, 256, 256), ("ops", "model")),
    }


def test_tiny_step_is_the_demos_network():
    demo = mf.models.fcn8s("tiny", 9, width=12)
    trained = {name.removeprefix("backbone."): p.shape for name, p in demo.named_parameters() if p.requires_grad}
    assert cases.CASES["tiny-step"].plan().parameters == trained


def test_squeezenet_has_the_parameters_of_version_1_1():
    trunk = {
        name: shape for name, shape in cases.CASES["squeeze-step"].plan().parameters.items() if "score" not in name
    }
    assert sum(map(prod, trunk.values())) == 722_496  # of torchvision's squeezenet1_1().features
    x = np.zeros((1, 3, 256, 256), np.float32)
    sizes = {call.name: call.x.shape[2:] for call in plan(SQUEEZE, x.shape).calls}
    assert (sizes["score_4s"], sizes["score_8s"], sizes["score_16s"]) == ((64, 64), (32, 32), (16, 16))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("variant", ["ops", "model"])
def test_counted_flops_are_those_that_run(name, variant):
    """The plan counts before, from shapes; the profiler counts what the operations were given."""
    case = CASES[name]._replace(mode="step")
    if variant not in case.variants:
        return
    program = OurProgram(case, variant)
    with mf.profile() as p:
        program.call()
    rows = {
        direction: sum(row.flops for row in p.rows() if row.direction == direction)
        for direction in ("forward", "backward")
    }
    assert rows == {"forward": case.plan().forward_flops, "backward": case.plan().backward_flops}
    assert case.flops() == sum(rows.values())


@pytest.mark.parametrize("network", [SMALL, PAPER], ids=["same", "paper"])
@pytest.mark.parametrize("mode", ["forward", "step"])
def test_both_ways_of_writing_it_compute_the_same(network, mode):
    case = Case("both", mode, (2, 3, 35, 46), network)
    ops, model = (OurProgram(case, variant).check() for variant in ("ops", "model"))
    assert ops["scores"].shape == (2, 4, 35, 46) and np.abs(ops["scores"]).max() > 0.1
    assert max(measure.furthest(ops, model).values()) < 1e-6


def test_steps_move_both_alike():
    programs = [OurProgram(CASES["small-step"], variant) for variant in ("ops", "model")]
    first = programs[0].parameters[0].data.copy()
    for program in programs:
        program.call()
        program.call()
    moved = programs[0].parameters[0].data
    assert np.abs(moved - first).max() > 0
    np.testing.assert_allclose(programs[1].parameters[0].data, moved, rtol=1e-5, atol=1e-7)


@needs_torch
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("memory_format", rival.FORMATS)
def test_pytorch_computes_the_same(name, memory_format):
    case = CASES[name]
    theirs = rival.TheirProgram(case, memory_format)
    for variant in case.variants:
        difference = running.compared(case, OurProgram(case, variant), theirs)
        wanted = {"scores"} if case.mode == "forward" else {"scores", "weight gradient"}
        assert difference.keys() == wanted and max(difference.values()) < 1e-4


@needs_torch
@pytest.mark.parametrize("case", layer_cases(SMALL, (1, 3, 32, 48)), ids=lambda case: f"{case.name}-{case.mode}")
def test_every_layer_is_pytorchs(case):
    programs = [OurProgram(case, "ops"), rival.TheirProgram(case, "channels_last")]
    difference = running.compared(case, *programs)
    assert max(difference.values()) < 1e-4
    assert ("input gradient" in difference) == (case.mode == "backward" and case.name != "conv1_1")
    for program in programs:
        assert measure.once(program) > 0


@needs_torch
def test_two_different_things_are_not_compared(monkeypatch):
    case = CASES["small-forward"]
    ours, theirs = OurProgram(case, "ops"), rival.TheirProgram(case, "contiguous")
    ours.parameters[0].data[0] *= 2
    with pytest.raises(RuntimeError, match=r"small-forward forward: the scores of minifcn ops and PyTorch differ by"):
        running.compared(case, ours, theirs)


def test_layers_of_vgg16():
    found = layer_cases()
    assert [case.mode for case in found] == ["forward", "backward"] * (len(found) // 2)
    alike = {case.name: case.times for case in found}
    # 13 convolutions, 2 of them twice and one three times; fc6, fc7, three scores; 5 pools; 3 upsamplings; the loss
    assert sum(alike.values()) == 13 + 5 + 5 + 3 + 1
    assert {name: times for name, times in alike.items() if times > 1} == {"conv3_2": 2, "conv4_2": 2, "conv5_1": 3}
    by_name = {(case.name, case.mode): case for case in found}
    assert by_name["conv1_2", "forward"].flops() == 2 * 384 * 384 * 64 * 64 * 9
    assert by_name["conv1_2", "backward"].flops() == 2 * by_name["conv1_2", "forward"].flops()
    assert by_name["conv1_1", "backward"].flops() == by_name["conv1_1", "forward"].flops()  # the picture wants none
    assert by_name["fc6", "forward"].shape == (1, 512, 12, 12) and by_name["loss", "forward"].shape == (1, 21, 384, 384)


def test_values_follow_from_names_alone():
    first, again, other = (
        np.empty((5, 4, 3, 3), np.float32),
        np.empty((5, 4, 3, 3), np.float32),
        np.empty(180, np.float32),
    )
    values.fill(first, "conv")
    values.fill(again, "conv")
    values.fill(other, "other")
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first.ravel(), other)
    large = np.empty((300, 400, 3, 3), np.float32)  # longer than the noise it is filled from
    values.fill(large, "large")
    assert large.std() == pytest.approx(np.sqrt(2 / 3600), rel=0.01) and abs(large.mean()) < 1e-3


def test_labels_are_classes_or_void():
    drawn = values.labels((2, 3, 40, 50))
    assert drawn.shape == (2, 40, 50) and set(np.unique(drawn)) == {0, 1, 2, 255}
    assert drawn is values.labels((2, 3, 40, 50))  # not drawn again while the clock runs
