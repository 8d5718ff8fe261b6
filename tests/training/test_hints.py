"""Sentences about losses: judged a pixel, right whatever pictures came first and last, silent where there is nothing to say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from minifcn.data import Batches
from minifcn.models import build
from minifcn.training import fit
from minifcn.training.hints import about_loss, about_nothing_scored, about_scores
from minifcn.training.recipes import MODERN, PAPER
from minifcn.training.supply import supply

SIZES = (64 * 64, 500 * 375)
GUESS = math.log(3)


def sums(per_pixel, seed, sizes=SIZES, counted=True):
    """Rows of a summed loss over pictures whose sizes come by chance."""
    drawn = np.random.default_rng(seed).choice(sizes, len(per_pixel))
    rows = [{"loss": float(loss * size)} for loss, size in zip(per_pixel, drawn, strict=True)]
    return (
        [row | {"pixels": int(size), "weight": float(size)} for row, size in zip(rows, drawn, strict=True)]
        if counted
        else rows
    )


@pytest.mark.parametrize("counted", [True, False])
def test_a_summed_loss_of_guessing_did_not_fall_whatever_came_first_and_last(counted):
    for seed in range(200):
        (said,) = about_loss(sums([GUESS] * 60, seed, counted=counted), 3, summed=True)
        assert said.startswith("The loss did not fall: ")
        assert ("1.1 at the first step, 1.1 at the end, and 1.1 is what guessing gives (ln 3)" in said) == counted


@pytest.mark.parametrize("counted", [True, False])
def test_a_summed_loss_that_falls_is_not_accused(counted):
    falling = GUESS * np.geomspace(1, 0.05, 120)
    said = [about_loss(sums(falling, seed, counted=counted), 3, summed=True) for seed in range(100)]
    assert said == [[]] * 100


def test_a_summed_loss_that_rises_is_told():
    curve = np.concatenate([np.linspace(GUESS, 0.3, 40), np.linspace(0.3, 4, 40)])
    for seed in range(100):
        (said,) = about_loss(sums(curve, seed), 3, summed=True)
        assert said.startswith("The loss rose: from 0.3")


@pytest.mark.parametrize("draw", ["uniform", "gamma"])
def test_a_steady_curve_is_met_with_silence(draw):
    """Pictures are hard or easy; a trained network's loss goes up and down with them and says nothing."""
    accused = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        steps = int(random.integers(20, 200))
        losses = random.uniform(0.2, 1.0, steps) if draw == "uniform" else random.gamma(2, 0.25, steps)
        accused += bool(about_loss([{"loss": float(loss), "pixels": 100} for loss in losses], 3))
    assert accused <= 3


def test_steps_without_a_pixel_are_left_out_and_counted():
    rows = [{"loss": 0.0, "pixels": 0} if i % 3 == 0 else {"loss": 0.5, "pixels": 64} for i in range(40)]
    (said,) = about_loss(rows, 3)
    assert said.startswith("In 14 of 40 steps there was nothing to learn: not a pixel counted")
    rows = [row if row["pixels"] == 0 else row | {"loss": GUESS} for row in rows]
    counted, fell = about_loss(rows, 3)
    assert counted.startswith("In 14 of 40") and fell.startswith("The loss did not fall: 1.1 at the first step, 1.1")
    assert about_loss([{"loss": 0.0, "pixels": 0}] * 7, 3)[0].startswith("In all 7 steps there was nothing to learn")


def test_where_nobody_counted_a_loss_of_0_is_left_out_and_no_more_is_said():
    assert about_loss([{"loss": 0.0 if i in (3, 4) else 0.5} for i in range(40)], 3) == []
    assert about_loss([{"loss": 0.0 if i in (0, 39) else GUESS} for i in range(40)], 3)[0].startswith(
        "The loss did not"
    )


def test_few_such_steps_among_many_are_not_worth_a_word():
    assert about_loss([{"loss": 0.5 * (i != 3), "pixels": 64 * (i != 3)} for i in range(200)], 3) == []


def test_one_class_by_the_labels_though_another_was_predicted():
    """By IU alone two classes are there; the labels show one."""
    scores = {"per_class": {"background": 0.9, "cat": 0.0}, "confusion": [[90, 10], [0, 0]]}
    (said,) = about_scores(scores)
    assert said.startswith("The mean IU is meaningless: one class alone. All labels that are scored are background")


class Halves:
    """Two pictures: of the first the upper half is void, of the second all."""

    def __len__(self):
        return 2

    def picture(self, i):
        return np.full((32, 32, 3), 100 * i, np.uint8)

    def labels(self, i):
        labels = np.full((32, 32), 255, np.uint8)
        labels[16:] = 255 if i else 1
        return labels


@pytest.mark.parametrize("weights, weight", [(None, 512.0), ((1.0, 0.25), 128.0)])
def test_the_pixels_that_count_are_counted_for_all_processes(weights, weight):
    recipe = replace(PAPER, class_weights=weights, batch=2, size=32)
    batches = Batches(Halves(), 2, 32, 0)
    for rows in (
        slice(None),
        slice(0, 1),
        slice(1, 2),
    ):  # a process's part of the batch changes nothing about what is said of it
        (batch,) = supply(batches, recipe, 0, 32, range(1), rows)
        assert (batch.pixels, batch.weight, batch.factor) == (512, weight, 1.0)


def test_a_training_writes_down_what_counted():
    model = build("fcn32s", backbone="tiny", width=2, num_classes=2)
    rows = fit(model, Halves(), MODERN, steps=4, batch=1, size=32).rows
    assert sorted(row["pixels"] for row in rows) == [0, 0, 512, 512]
    assert all((row["loss"] == 0) == (row["pixels"] == 0) for row in rows)


def test_scores_of_which_not_a_pixel_counts():
    none = {"per_class": {"background": None, "cat": None}, "confusion": [[0, 0], [0, 0]]}
    (said,) = about_scores(none)
    assert said.startswith("There are no scores: of the pictures to score not a pixel counts")
    assert about_nothing_scored(none) == [said]
    assert about_nothing_scored({"per_class": {"background": 0.5, "cat": 0.5}, "confusion": [[1, 1], [1, 1]]}) == []
