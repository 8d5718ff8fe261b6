"""Sampling: cells kept alike or by class, patches cut out, and how alike the gradients of cells are."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn
from minifcn.data import VOID
from minifcn.models import build
from minifcn.models.geometry import Field
from minifcn.training import Recipe, TrainingError, fit
from minifcn.training import supply as supply_module
from minifcn.training.sampling import (
    balanced_chances,
    by_distance,
    cell_classes,
    cell_gradients,
    cosine_table,
    gradient_correlation,
    patches,
    sampled,
    water_level,
)

from .helpers import three_stripes
from .test_evaluate import Pairs


def network():
    """FCN-32s with random biases and score layers, so that every parameter has a gradient."""
    mf.manual_seed(0)
    rng = np.random.default_rng(9)
    model = build("fcn32s", backbone="tiny", width=1, num_classes=3)
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or name.startswith("score_"):
            parameter.data[...] = 0.3 * rng.standard_normal(parameter.shape)
    return model


def generator(seed=0):
    return np.random.default_rng(seed)


# which class a cell stands for, and how likely it is kept


def test_a_cell_stands_for_the_rarest_class_it_shows():
    labels = np.zeros((2, 5, 6), np.uint8)  # cells of 2: 3 x 3, the last row of cells one pixel high
    labels[0, 0, 0:4] = 7
    labels[0, 1, 3] = 2
    labels[0, 4, 4] = 2
    labels[1, 2:4, 2:4] = VOID
    labels[1, 0:2, 0:2] = VOID
    labels[1, 1, 1] = 7
    # pixels: class 0 most, 7 five, 2 two
    np.testing.assert_array_equal(
        cell_classes(labels, 2), [[[7, 2, 0], [0, 0, 0], [0, 0, 2]], [[7, 0, 0], [0, VOID, 0], [0, 0, 0]]]
    )


def test_classes_by_plain_loops(rng):
    labels = rng.choice([0, 0, 0, 0, 1, 1, 4, 254, VOID], (3, 13, 17)).astype(np.uint8)
    found = cell_classes(labels, 4)
    pixels = {value: (labels == value).sum() for value in (0, 1, 4, 254)}
    assert len(set(pixels.values())) == 4  # no ties
    for n, i, j in np.ndindex(found.shape):
        shown = set(labels[n, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].ravel().tolist()) - {VOID}
        assert found[n, i, j] == min(shown, key=pixels.get, default=VOID)


@pytest.mark.parametrize(
    "counts, total, level",
    [
        ([10, 10], 10, 5),
        ([2, 10, 30], 15, 6.5),  # 2 + 6.5 + 6.5
        ([30, 2, 10], 15, 6.5),
        ([1, 1, 98], 50, 48),  # 1 + 1 + 48
        ([4], 1, 0.25 * 4),
        ([3, 5], 8, 5),  # all of them
        ([], 0, 0),
    ],
)
def test_the_level_at_which_all_classes_come_equally_often(counts, total, level):
    assert water_level(np.array(counts, int), total) == pytest.approx(level)


def a_batch_with_rare_classes():
    """100 pixels that are cells too: 80 of class 0, 12 of class 1, 5 of class 2, and 3 void."""
    values = np.repeat([0, 1, 2, VOID], [80, 12, 5, 3])
    return generator(1).permutation(values).reshape(4, 5, 5).astype(np.uint8)


def test_balanced_chances():
    labels = a_batch_with_rare_classes()
    chances = balanced_chances(labels, 0.5, 1)
    # 48.5 of 97 cells: all 5, all 12, and 31.5 of the 80
    for value, expected in ((0, 31.5 / 80), (1, 1), (2, 1), (VOID, 0)):
        np.testing.assert_allclose(chances[labels == value], expected)
    chances = balanced_chances(labels, 0.2, 1)  # 19.4: all 5, and 7.2 of either other
    for value, expected in ((0, 7.2 / 80), (1, 7.2 / 12), (2, 1), (VOID, 0)):
        np.testing.assert_allclose(chances[labels == value], expected)


def test_void_alone_has_no_chance_and_makes_no_trouble():
    labels = np.full((1, 8, 8), VOID, np.uint8)
    assert (balanced_chances(labels, 0.5, 4) == 0).all()
    assert (sampled(labels, 0.5, 4, generator(), True) == VOID).all()


def test_rare_classes_come_as_often_as_common_ones():
    labels = a_batch_with_rare_classes()
    kept = np.zeros(3)
    draws = 2000
    for seed in range(draws):
        drawn = sampled(labels, 0.15, 1, generator(seed), balanced=True)
        assert ((drawn == labels) | (drawn == VOID)).all()
        kept += [(drawn == value).sum() for value in range(3)]
    # 14.55 cells a draw, 4.85 a class; four standard errors of a count of variance below 4.85
    assert np.abs(kept / draws - 4.85).max() < 4 * (4.85 / draws) ** 0.5
    alike = [(sampled(labels, 0.15, 1, generator(seed)) == 2).sum() for seed in range(draws)]
    assert np.mean(alike) == pytest.approx(0.15 * 5, abs=0.08)


def test_balance_keeps_or_voids_whole_cells_of_the_seed():
    labels = generator(2).choice([0, 0, 0, 1, 2], (2, 50, 70)).astype(np.uint8)
    labels[:, :32] = 0
    first, again = (sampled(labels, 0.5, 16, generator(3), True) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    for n, top, left in np.ndindex(2, 4, 5):
        cell = (n, slice(16 * top, 16 * top + 16), slice(16 * left, 16 * left + 16))
        assert np.array_equal(first[cell], labels[cell]) or (first[cell] == VOID).all()
    assert sampled(labels, 1.0, 16, generator(), True) is labels


def test_the_training_loop_balances_cells(monkeypatch):
    seen = []

    def watched(labels, keep, cell, rng, balanced=False):
        seen.append((keep, cell, balanced))
        return sampled(labels, keep, cell, rng, balanced)

    monkeypatch.setattr(supply_module, "sampled", watched)
    data = Pairs(*(three_stripes(seed, (0, 1, 2), size=(64, 64)) for seed in range(2)))
    losses = {}
    for balanced in (False, True):
        losses[balanced] = fit(
            network(), data, steps=2, batch=2, size=64, keep_cells=0.4, balance_cells=balanced
        ).losses
    assert seen == [(0.4, 32, False)] * 2 + [(0.4, 32, True)] * 2
    assert losses[False] != losses[True]


def test_a_recipe_that_balances_nothing():
    with pytest.raises(TrainingError, match="balance_cells chooses which cells are kept, but keep_cells is 1"):
        Recipe(balance_cells=True)
    assert dataclasses.replace(Recipe(), keep_cells=0.5, balance_cells=True).to_dict()["balance_cells"] is True


# patches


def test_patches_by_plain_loops(rng):
    x = rng.standard_normal((2, 3, 20, 15))
    field = Field().window(3).window(2, 2).window(3)  # 8 pixels at stride 2
    assert (field.size, field.stride) == (8, 2)
    labels = rng.integers(0, 9, (2, 7, 4)).astype(np.uint8)
    cells = rng.random((2, 7, 4)) < 0.4
    cut, own = patches(x, labels, field, cells)
    expected = [
        (x[n, :, 2 * i : 2 * i + 8, 2 * j : 2 * j + 8], labels[n, i, j])
        for n, i, j in np.ndindex(labels.shape)
        if cells[n, i, j]
    ]
    assert cut.shape == (len(expected), 3, 8, 8) and own.shape == (len(expected), 1, 1)
    for number, (patch, label) in enumerate(expected):
        np.testing.assert_array_equal(cut[number], patch)
        assert own[number, 0, 0] == label


def test_the_output_of_a_patch_is_its_cell(rng):
    mf.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(3, 4, 2)).astype(np.float64)
    x = rng.standard_normal((2, 2, 13, 12))
    scores = net(mf.Tensor(x)).data
    labels = rng.integers(0, 4, (2, *scores.shape[2:]))
    cut, _ = patches(x, labels, Field().through(net.layers), np.ones(labels.shape, bool))
    np.testing.assert_allclose(
        net(mf.Tensor(cut)).data[:, :, 0, 0], scores.transpose(0, 2, 3, 1).reshape(-1, 4), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(
    "field, cells, message",
    [
        (Field().window(3, padding=1), np.ones((1, 8, 8), bool), "stride 1 and begins at pixel -1; expected a whole stride and 0"),
        (Field().window(4, 2).transposed(8, 4), np.ones((1, 8, 8), bool), "the field has stride 1/2"),
        (Field().window(3), np.ones((1, 8, 8), bool), r"cells are bool \(1, 8, 8\), labels \(1, 8, 8\); expected bool and labels of shape \(1, 6, 6\)"),
        (Field(), np.ones((1, 8, 8)), "cells are float64"),
    ],
)  # fmt: skip
def test_what_cannot_be_cut(field, cells, message):
    with pytest.raises(ValueError, match=f"patches: .*{message}"):
        patches(np.zeros((1, 3, 8, 8)), np.zeros(cells.shape, np.uint8), field, cells)
    assert Field().window(4, 2).transposed(8, 4).stride == Fraction(1, 2)


# how alike the gradients of cells are


def test_cell_gradients_add_up_to_the_gradient_of_the_picture():
    picture, labels = three_stripes(0, (0, 1, 2), size=(70, 96))
    labels[:32, :32] = VOID
    model = network().train()
    places, gradients = cell_gradients(model, picture, labels)
    assert places.tolist() == [[i, j] for i in range(3) for j in range(3) if (i, j) != (0, 0)]
    assert model.training and all(p.grad is None for p in model.parameters())
    scores = model(mf.Tensor(model.preprocessing(picture)))
    mf.ops.softmax_cross_entropy(scores, labels[None], reduction="sum").backward()
    whole = np.concatenate([p.grad.ravel() for p in model.parameters() if p.requires_grad])
    assert gradients.shape == (8, len(whole)) and gradients.dtype == np.float32
    np.testing.assert_allclose(gradients.sum(0), whole, rtol=1e-3, atol=1e-4 * np.abs(whole).max())


def test_the_correlation_by_plain_loops():
    picture, labels = three_stripes(1, (0, 1, 2), size=(64, 128))
    model = network()
    places, gradients = cell_gradients(model, picture, labels)
    found = gradient_correlation(model, picture, labels, 5)
    assert found.distances.tolist() == [1, 2, 3]  # 2 x 4 cells
    expected = {1: [], 2: [], 3: []}
    for a in range(8):
        for b in range(a):
            apart = max(abs(places[a][0] - places[b][0]), abs(places[a][1] - places[b][1]))
            lengths = np.sqrt((gradients[a] ** 2).sum()) * np.sqrt((gradients[b] ** 2).sum())
            expected[apart].append((gradients[a] * gradients[b]).sum() / lengths)
    assert found.pairs.tolist() == [len(expected[d]) for d in (1, 2, 3)] == [16, 8, 4]
    np.testing.assert_allclose(found.cosines, [np.mean(expected[d]) for d in (1, 2, 3)], rtol=1e-4, atol=1e-6)
    assert gradient_correlation(model, picture, labels, 1).distances.tolist() == [1]


def test_cosines_of_known_rows():
    rows = np.array([[3.0, 0, 0], [0, 2, 0], [5, 5, 0], [-1, 0, 0]])
    r = 0.5**0.5
    np.testing.assert_allclose(cosine_table(rows[:1], rows), [[1, 0, r, -1]], atol=1e-15)
    found = by_distance(np.array([[0, 0], [0, 1], [1, 1], [4, 0]]), rows, 9)
    np.testing.assert_array_equal(found.distances, [1, 3, 4])
    np.testing.assert_array_equal(found.pairs, [3, 1, 2])
    np.testing.assert_allclose(found.cosines, [2 * r / 3, -r, -0.5])


def test_a_network_that_has_no_gradient_is_refused():
    picture, labels = three_stripes(0, (0, 1, 2), size=(64, 64))
    void = np.full_like(labels, VOID)
    with pytest.raises(
        TrainingError, match="gradient_correlation: 0 of the picture's cells have labels and a gradient"
    ):
        gradient_correlation(network(), picture, void, 3)
    with pytest.raises(ValueError, match="max_distance is 0; expected at least 1 cell"):
        gradient_correlation(network(), picture, labels, 0)
