"""The claims about geometry hold, and a fault planted in what they measure is found."""

import pytest

from minifcn.models import geometry
from minifcn.models.fcn import FCN
from minifcn.models.geometry import field, maps, network
from minifcn.paper import CLAIMS, Setting
from minifcn.paper.topics import geometry as claims

NAMES = ("composition", "crops", "every-height", "least-padding", "receptive-fields", "any-size")


def run(name):
    return CLAIMS[name].run(Setting())


@pytest.mark.parametrize("name", NAMES)
def test_the_claims_hold(name):
    outcome = run(name)
    assert outcome.holds is True, outcome.measured
    assert CLAIMS[name].kind == "identity" and len({len(row) for row in outcome.table}) == 1 < len(outcome.table)


def test_what_they_measured_is_what_the_paper_prints():
    assert (
        "36 of 36 pairs" in run("composition").measured
        and "VGG16 is (404, 32), AlexNet (355, 32)" in run("composition").measured
    )
    assert "7 of the reference's 7 crops" in run("crops").measured
    assert run("every-height").measured.startswith("0 of 15,600 pairs of network and height do not fit")
    assert (
        "VGG16 needs 97 pixels" in run("least-padding").measured and "81 for the crop" in run("least-padding").measured
    )
    assert "16 of 16 cells" in run("receptive-fields").measured
    assert "404 x 404 for fc6 of VGG16, 355 x 355 for AlexNet's" in run("receptive-fields").measured
    assert "40 of 40 runs" in run("any-size").measured


def test_a_wrong_law_is_found(monkeypatch):
    real = field.compose
    monkeypatch.setattr(geometry, "compose", lambda f, g: (real(f, g)[0], f[1]))  # s in place of s s'
    outcome = run("composition")
    assert outcome.holds is False and "36 of 36" not in outcome.measured


def test_a_pool_that_does_not_compose_is_found(monkeypatch):
    real = claims.ops.max_pool2d
    monkeypatch.setattr(claims.ops, "max_pool2d", lambda x, *window: real(x, *window) + (window == (3, 1)))
    assert run("composition").holds is False


def test_a_crop_that_is_off_by_one_is_found(monkeypatch):
    real = maps.head_maps

    def shifted(head, *arguments):
        for each in real(head, *arguments):
            yield each._replace(offsets=tuple(offset + (offset > 20) for offset in each.offsets))

    monkeypatch.setattr(maps, "head_maps", shifted)
    outcome = run("crops")
    assert outcome.holds is False and outcome.measured.startswith("5 of the reference's 7 crops")


def test_a_map_that_is_too_small_at_some_height_is_found(monkeypatch):
    real = network.output_size

    def floored(layer, size):  # pools that round down, 31 pixels lost at the worst
        return layer.window.output_size(size) if hasattr(layer, "ceil_mode") else real(layer, size)

    monkeypatch.setattr(network, "output_size", floored)
    assert run("every-height").holds is False
    assert run("least-padding").holds is False


def test_a_field_of_another_place_or_size_is_found(monkeypatch):
    real = network.inputs_of
    monkeypatch.setattr(
        network, "inputs_of", lambda layer, axis, first, last: real(layer, axis, first, last + (axis == 1))
    )
    assert run("receptive-fields").holds is False


def test_a_size_that_is_foretold_wrongly_and_scores_of_another_size_are_found(monkeypatch):
    real = geometry.sizes
    monkeypatch.setattr(geometry, "sizes", lambda *arguments: real(*arguments) | {"pool1": (7, 7)})
    assert run("any-size").holds is False
    monkeypatch.undo()
    forward = FCN.forward
    monkeypatch.setattr(FCN, "forward", lambda self, x: forward(self, x)[:, :, :1])
    assert run("any-size").holds is False
