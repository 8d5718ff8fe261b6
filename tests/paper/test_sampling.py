"""The claims about patches, cells and batches hold, and each check can fail."""

import numpy as np
import pytest

from minifcn import nn
from minifcn.models import FCN
from minifcn.paper import CLAIMS, Curves, Setting
from minifcn.paper.topics import sampling, sampling_trained
from minifcn.paper.topics.sampling_trained import clearly_above, first_at, late, smooth, spread

IDENTITIES = (
    "patchwise-is-sampling",
    "cells-kept",
    "sum-over-cells",
    "accumulation",
    "zero-scores",
    "sampling-is-dropconnect",
)
EXPERIMENTS = ("figure-5", "class-balancing", "random-scores", "neighbours-alike")


def run(name, **setting):
    return CLAIMS[name].run(Setting(**setting))


@pytest.mark.parametrize("name", IDENTITIES)
def test_the_identities_hold(name):
    outcome = run(name)
    assert CLAIMS[name].kind == "identity" and outcome.holds is True, outcome.measured
    assert not outcome.table or len({len(row) for row in outcome.table}) == 1


# every check can fail


def test_patches_one_pixel_off_are_found(monkeypatch):
    right = sampling.patches
    monkeypatch.setattr(sampling, "patches", lambda x, *rest: right(np.roll(x, 1, 3), *rest))
    assert run("patchwise-is-sampling").holds is False


def test_patches_with_other_labels_are_found(monkeypatch):
    right = sampling.patches

    def shuffled(*arguments):
        cut, own = right(*arguments)
        return cut, own[::-1]

    monkeypatch.setattr(sampling, "patches", shuffled)
    assert run("patchwise-is-sampling").holds is False


def test_padding_that_went_missing_is_found(monkeypatch):
    right = sampling.whole_against_patches
    monkeypatch.setattr(
        sampling, "whole_against_patches", lambda net, *rest: (0.0, right(net, *rest)[1])
    )  # as if padding changed nothing
    assert run("patchwise-is-sampling").holds is False


@pytest.mark.parametrize("fault", ["keeps too many", "keeps whole rows", "keeps parts of cells"])
def test_cells_not_kept_as_said_are_found(fault, monkeypatch):
    right = sampling.sampled

    def wrong(labels, keep, cell, rng):
        if fault == "keeps too many":
            return right(labels, min(1, keep + 0.02), cell, rng)
        drawn = right(labels, keep, cell, rng)
        if fault == "keeps whole rows":
            drawn[:] = drawn[:, :, :1]
        else:
            drawn[0, 0, 0] = 255 - drawn[0, 0, 0]
        return drawn

    monkeypatch.setattr(sampling, "sampled", wrong)
    assert run("cells-kept").holds is False


def test_a_loss_that_is_a_mean_is_no_sum_of_its_cells(monkeypatch):
    right = sampling.squared
    monkeypatch.setattr(sampling, "squared", lambda scores, labels: right(scores, labels) * (1 / (labels != 255).sum()))
    assert run("sum-over-cells").holds is False


def test_a_divisor_of_each_pass_alone_is_found(monkeypatch):
    right = sampling.loss_of
    monkeypatch.setattr(
        sampling,
        "loss_of",
        lambda scores, labels, recipe, over: right(
            scores, labels, recipe, over if recipe.loss == "sum" else 4 * (labels != 255).sum() / len(labels)
        ),
    )
    assert run("accumulation").holds is False


@pytest.mark.parametrize("fault", ["scores not zero", "a trunk that stays"])
def test_another_beginning_is_found(fault, monkeypatch):
    if fault == "scores not zero":
        monkeypatch.setattr("minifcn.models.heads.score_layer", random_score_layer)
    else:
        monkeypatch.setattr(sampling, "largest", lambda model, prefix: 0.0)
    assert run("zero-scores").holds is False


def random_score_layer(channels, classes):
    return nn.Conv2d(channels, classes, 1)


def test_a_mask_that_scales_is_found(monkeypatch):
    right = sampling.cross_entropy
    monkeypatch.setattr(sampling, "cross_entropy", lambda scores, labels: right(scores, labels) * 1.001)
    assert run("sampling-is-dropconnect").holds is False


# the experiments, at a scale that shows that they run


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_experiments_run(name, monkeypatch):
    right = sampling_trained.synthetic_data
    monkeypatch.setattr(sampling_trained, "synthetic_data", lambda *_: right(8, 3, (64, 96)))
    outcome = run(name, seeds=(4, 5), scale=0.02)
    assert CLAIMS[name].kind == "experiment" and outcome.holds in (True, False)
    assert outcome.plots and len({len(row) for row in outcome.table}) == 1
    for plot in outcome.plots:
        lines = plot.lines.values() if isinstance(plot, Curves) else [(v, v) for v in plot.values.values()]
        for x, y in lines:
            assert len(x) == len(y) >= 2 and np.isfinite(x).all() and np.isfinite(y).all()


def test_neighbours_no_more_alike_than_strangers_are_told(monkeypatch):
    def all_alike(model, picture, labels):
        places = np.stack(np.mgrid[:5, :6], 2).reshape(-1, 2)
        return places, np.ones((30, 4), np.float32)

    monkeypatch.setattr(sampling_trained, "cell_gradients", all_alike)
    monkeypatch.setattr(sampling_trained, "shortly_trained", lambda setting, seed: (None, FourPictures()))
    outcome = run("neighbours-alike")
    assert outcome.holds is False and "1.000 ± 0.000 side by side" in outcome.measured


class FourPictures:
    def picture(self, i):
        return None

    labels = picture


@pytest.mark.parametrize("faster, slower, holds", [(False, True, True), (True, True, False), (False, False, False)])
def test_sampling_that_changes_the_loss_or_costs_nothing_is_told(faster, slower, holds, monkeypatch):
    right = sampling_trained.train

    def made_up(model, batches, optimiser, recipe, **options):
        for step in right(model, batches, optimiser, recipe, **options):
            fallen = 0.1 * (step.step - 1) / (recipe.keep_cells if faster else 1)
            yield step._replace(loss=2 - fallen, seconds=1 / (recipe.keep_cells if slower else 1))

    monkeypatch.setattr(sampling_trained, "train", made_up)
    data = sampling_trained.synthetic_data(8, 3, (64, 96))
    monkeypatch.setattr(sampling_trained, "synthetic_data", lambda *_: data)
    outcome = run("figure-5", seeds=(0,), scale=0.05)
    assert outcome.holds is holds
    steps = ["6", "6", "6"] if not faster else ["6", "4", "3"]  # means so far: 2 - 0.05 n / p reaches 1.75
    assert [row[3] for row in outcome.table[1:]] == steps


@pytest.mark.parametrize("name", ["class-balancing", "random-scores"])
def test_a_way_that_wins_is_told(name, monkeypatch):
    def made_up(model, data, steps, seed, **changes):
        won = "class_weights" in changes or bool(model.score_fr.weight.data.any())
        iu = 0.4 + 0.1 * won + 0.01 * seed
        return dict(mean_iu=iu, pixel_accuracy=iu, mean_accuracy=iu, losses=[2.0] * steps)

    data = sampling_trained.synthetic_data(8, 3, (64, 96))
    monkeypatch.setattr(sampling_trained, "synthetic_data", lambda *_: data)
    monkeypatch.setattr(sampling_trained, "trained", made_up)
    outcome = run(name)
    assert outcome.holds is False and "0.510 ± 0.010" in outcome.measured


# the small helpers


def test_a_difference_counts_where_all_seeds_agree_and_it_is_large():
    assert clearly_above([0.5, 0.6], [0.4, 0.5], 0.05)
    assert not clearly_above([0.5, 0.6], [0.4, 0.5], 0.15)
    assert not clearly_above([0.9, 0.4], [0.4, 0.5], 0.05)


def test_spread_late_and_smooth():
    assert first_at([3, 2, 1, 0.5], 1) == 3 and first_at([3, 2], 1) == 3
    assert spread([1.0, 2.0, 3.0]) == "2.000 ± 1.000" and spread([0.25], 2) == "0.25"
    assert late([9, 9, 1, 3]) == 2
    ramp = np.arange(30.0)
    np.testing.assert_allclose(smooth([ramp, ramp + 2])[:3], [1, 1.5, 2])
    np.testing.assert_allclose(smooth([ramp, ramp + 2])[20], np.arange(11, 21).mean() + 1)


def test_the_networks_are_what_the_claims_say(monkeypatch):
    monkeypatch.setattr(sampling_trained, "fit", lambda *_, **__: None)
    monkeypatch.setattr(sampling_trained, "synthetic_data", lambda *_: (None, None))
    model, _ = sampling_trained.shortly_trained(Setting(), 0)
    assert isinstance(model, FCN) and model.architecture["stride"] == 32
