"""The claims of sections 3.1 and 3.2 hold, and their checks see a fault where there is one."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn
from minifcn.bench.measure import Timing
from minifcn.paper import CLAIMS, Setting
from minifcn.paper.topics import stitching as claims

NAMES = [
    "shift-and-stitch",
    "rarefaction",
    "padding-breaks-it",
    "fully-connected-is-convolution",
    "one-pass-is-all-windows",
]


def run(name):
    return CLAIMS[name].run(Setting())


@pytest.mark.parametrize("name", NAMES)
def test_it_holds(name):
    outcome = run(name)
    assert outcome.holds is True, outcome.measured
    assert CLAIMS[name].kind == "identity" and CLAIMS[name].section in ("3.1", "3.2")


def test_what_is_told_is_what_the_facts_say():
    assert "became 30x37" in run("shift-and-stitch").measured
    assert run("rarefaction").measured.startswith("Dilations 1, 1, 2, 2, 4:")


def test_a_stitch_in_the_wrong_order_is_seen(monkeypatch):
    right = claims.shift_and_stitch
    monkeypatch.setattr(claims, "shift_and_stitch", lambda net, x: mf.Tensor(np.roll(right(net, x).data, 1, 2)))
    assert run("shift-and-stitch").holds is False
    assert run("rarefaction").holds is False


def test_pools_that_are_not_dilated_are_seen(monkeypatch):
    def forgetful(net):
        rare = claims_rarefy(net)
        rare.layers = [nn.MaxPool2d(p.window.kernel, 1) if isinstance(p, nn.MaxPool2d) else p for p in rare.layers]
        return rare

    claims_rarefy = claims.rarefy
    monkeypatch.setattr(claims, "rarefy", forgetful)
    assert run("rarefaction").holds is False


def test_padding_that_breaks_more_than_said_or_nothing_is_seen(monkeypatch):
    right = claims.exact_cells
    with monkeypatch.context() as planted:
        planted.setattr(
            claims, "exact_cells", lambda net, size: (slice(0, right(net, size)[0].stop), right(net, size)[1])
        )
        assert run("padding-breaks-it").holds is False
    monkeypatch.setattr(claims, "small_net", lambda padding=0, small=claims.small_net: small(0))
    assert run("padding-breaks-it").holds is False


def test_the_red_cells_are_those_that_differ():
    (shown,) = run("padding-breaks-it").plots
    red = (shown.pixels[::8, ::8] == (213, 40, 0)).all(2)
    assert red[:4].any() and red[:, :4].any() and not red[4:, 4:].any()
    assert f" {red.sum()} of {red.size:,} cells differ" in run("padding-breaks-it").measured


def test_a_classifier_of_another_order_is_seen(monkeypatch):
    right = claims.classifier
    monkeypatch.setattr(claims, "classifier", lambda w, b, maps: right(w, b, maps.transpose(0, 2, 3, 1)))
    assert run("fully-connected-is-convolution").holds is False


def fixed_clock(monkeypatch, seconds):
    monkeypatch.setattr(
        claims, "alternate", lambda turns, theirs, repeat: {t.name: Timing((seconds[t.name],)) for t in turns}
    )


def test_times_are_compared_as_the_paper_does(monkeypatch):
    times = {"one pass": 1.0, "all 100 windows in a batch": 6.0, "window by window": 2.0}
    fixed_clock(monkeypatch, times)
    outcome = run("one-pass-is-all-windows")
    assert outcome.holds is True and "6.0 times faster than all of them in a batch and 20.0 times" in outcome.measured
    assert outcome.table[1] == ["forward", "1000.0 ms", "6000.0 ms", "20000.0 ms"]
    fixed_clock(monkeypatch, times | {"all 100 windows in a batch": 4.9})
    assert run("one-pass-is-all-windows").holds is False


def test_windows_that_lie_elsewhere_are_seen(monkeypatch):
    fixed_clock(monkeypatch, {"one pass": 1.0, "all 100 windows in a batch": 6.0, "window by window": 2.0})
    right = claims.windows
    monkeypatch.setattr(claims, "windows", lambda x, side, step: right(np.roll(x, 1, 3), side, step))
    assert run("one-pass-is-all-windows").holds is False


def test_one_turn_runs_every_window_and_leaves_gradients_where_asked():
    net, x = claims.grid_classifier(), np.zeros((1, 3, 64, 64), np.float32)
    claims.Turn("forward", net, [x, x], backward=False).call()
    assert all(p.grad is None for p in net.parameters())
    claims.Turn("both", net, [x, x], backward=True).call()
    assert np.array_equal(net.layers[-1].bias.grad, np.full(21, 2))
