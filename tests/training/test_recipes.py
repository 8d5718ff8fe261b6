"""Recipes: presets, the conversion from a summed to a mean loss, and what is minimised."""

import dataclasses

import numpy as np
import pytest

import minifcn as mf
from minifcn import backend
from minifcn.data import VOID, Batches
from minifcn.models import build
from minifcn.nn.optim import SGD, Adam
from minifcn.training import RECIPES, Recipe, TrainingError, train
from minifcn.training.objective import class_counts, divisor, loss_of, median_frequency
from minifcn.training.recipes import MODERN, PAPER, named_recipe
from minifcn.training.sampling import sampled

from .helpers import three_stripes
from .test_evaluate import Pairs


def fresh(dtype=np.float64, seed=0):
    backend.manual_seed(seed)
    return build("fcn8s", backbone="tiny", width=2, num_classes=3).astype(dtype)


def test_the_presets_are_the_reference_s_numbers():
    assert (PAPER.loss, PAPER.batch, PAPER.lr, PAPER.momentum, PAPER.weight_decay) == ("sum", 1, 1e-10, 0.99, 5e-4)
    assert [PAPER.lr * factor for factor in PAPER.stage_factors] == pytest.approx([1e-10, 1e-12, 1e-14])
    assert PAPER.schedule == "constant" and PAPER.bias_factor == 2 and PAPER.size is None
    assert set(RECIPES) == {"modern", "paper", "paper-mean", "voc-subset", "fine-tune"}
    assert named_recipe("modern", 1) is MODERN and named_recipe("paper", 1) is PAPER


def test_paper_mean_converts_rate_and_decay():
    # 500 x 375 pixels: the rate 1e-10 of a summed loss is 1.9e-5 of a mean loss
    recipe = named_recipe("paper-mean", 500 * 375)
    assert (
        recipe.loss == "mean"
        and recipe.lr == pytest.approx(1.875e-5)
        and recipe.weight_decay == pytest.approx(5e-4 / 187500)
    )
    assert dataclasses.replace(recipe, loss="sum", lr=1e-10, weight_decay=5e-4) == PAPER


def test_a_summed_loss_and_its_mean_take_the_same_steps():
    picture, labels = three_stripes(0, (0, 1, 2), size=(40, 44))
    data = Pairs((picture, labels))
    pixels = int((labels != VOID).sum())
    assert pixels < labels.size  # void does not count
    summed = dataclasses.replace(PAPER, lr=1e-6, weight_decay=0.05)
    weights = []
    for recipe in (summed, summed.mean_of(pixels)):
        model = fresh(np.float32)
        batches = Batches(data, 1, None, 0, mirror=False)
        list(train(model, batches, recipe.optimiser(model), recipe, steps=5, seed=0))
        weights.append(model.state_dict())
    start = fresh(np.float32).state_dict()
    for name, array in weights[0].items():
        moved = np.abs(array - start[name]).max()
        assert np.abs(array - weights[1][name]).max() <= 1e-4 * moved + 1e-9, name
    assert any((weights[0][name] != start[name]).any() for name in start)


def test_biases_learn_twice_as_fast_and_do_not_decay():
    model = fresh()
    optimiser = dataclasses.replace(PAPER, lr=0.5, momentum=0.0, weight_decay=0.1).optimiser(model)
    before = model.state_dict()
    for parameter in model.parameters():
        parameter.grad = np.ones(parameter.shape)
    optimiser.step()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            np.testing.assert_array_equal(parameter.data, before[name])  # the fixed bilinear kernels
        elif name.endswith("bias"):
            np.testing.assert_allclose(parameter.data, before[name] - 2 * 0.5, rtol=1e-12, atol=1e-12)
        else:
            np.testing.assert_allclose(parameter.data, before[name] - 0.5 * (1 + 0.1 * before[name]), rtol=1e-12)


def test_the_optimiser_of_a_recipe():
    model = fresh()
    assert isinstance(MODERN.optimiser(model), SGD) and len(MODERN.optimiser(model).groups) == 1
    assert isinstance(Recipe(optimizer="adam").optimiser(model), Adam)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(loss="max"), "loss is 'max'; choose one of mean, sum"),
        (dict(optimizer="lion"), "optimizer is 'lion'; choose one of sgd, adam"),
        (dict(schedule="step"), "schedule is 'step'; choose one of polynomial, constant"),
        (dict(batch=0), "batch 0, accumulate 1; both must be at least 1"),
        (dict(accumulate=0), "accumulate 0; both must be at least 1"),
        (dict(keep_cells=0.0), "keep_cells is 0.0; expected a share above 0"),
        (dict(keep_cells=1.5), "keep_cells is 1.5"),
        (dict(head_factor=0.0), "head_factor 0.0 must be above 0"),
        (dict(lr=0.0), "lr 0.0, bias_factor 1.0, head_factor 1.0 must be above 0"),
        (dict(weight_decay=-1.0), "weight_decay -1.0 not below"),
    ],
)
def test_a_recipe_that_makes_no_sense(changes, message):
    with pytest.raises(TrainingError, match=message):
        Recipe(**changes)


def test_an_unknown_recipe():
    with pytest.raises(TrainingError, match="none called 'fast'; choose one of modern, paper, paper-mean"):
        named_recipe("fast", 1)


# what is minimised

LABELS = np.array([[[0, 1, 1], [2, 255, 0]], [[1, 1, 1], [255, 255, 255]]], np.uint8)


def test_the_divisor_counts_pixels_or_weights_over_all_batches():
    batches = [LABELS[:1], LABELS[1:]]
    assert divisor(batches, Recipe()) == 5 + 3
    assert divisor(batches, Recipe(loss="sum")) == 1
    assert divisor(batches, Recipe(class_weights=(1.0, 0.5, 4.0))) == 2 * 1 + 5 * 0.5 + 4
    assert divisor([np.full((1, 2, 2), 255, np.uint8)], Recipe()) == 1


def test_the_loss_is_the_weighted_mean():
    scores = np.random.default_rng(0).standard_normal((2, 3, 2, 3))
    weights = (1.0, 0.5, 4.0)
    recipe = Recipe(class_weights=weights)
    loss = loss_of(mf.Tensor(scores), LABELS, recipe, divisor([LABELS], recipe))
    expected = total = 0.0
    for n, i, j in np.ndindex(LABELS.shape):
        label = LABELS[n, i, j]
        if label != 255:
            s = scores[n, :, i, j]
            expected += weights[label] * (np.log(np.exp(s).sum()) - s[label])
            total += weights[label]
    assert loss.item() == pytest.approx(expected / total, rel=1e-12)


def test_accumulated_batches_are_one_large_batch():
    data = Pairs(*(three_stripes(seed, (0, 1, 2), size=(32, 32)) for seed in range(4)))
    weights = []
    for batch, accumulate in ((4, 1), (2, 2), (1, 4)):
        recipe = dataclasses.replace(MODERN, batch=batch, accumulate=accumulate, size=32)
        model = fresh(np.float32)
        batches = Batches(data, batch, 32, 0, mirror=False)
        (first, *_) = train(model, batches, recipe.optimiser(model), recipe, steps=3, seed=0)
        assert first.images_per_second == pytest.approx(4 / first.seconds)
        weights.append(model.state_dict())
    for other in weights[1:]:
        for name, array in weights[0].items():
            np.testing.assert_allclose(other[name], array, rtol=1e-3, atol=1e-6, err_msg=name)


def test_an_accumulated_run_continued_is_the_run_never_stopped():
    data = Pairs(*(three_stripes(seed, (0, 1, 2), size=(32, 32)) for seed in range(3)))
    recipe = dataclasses.replace(MODERN, batch=1, accumulate=2, size=32, keep_cells=0.5)

    def run(model, optimiser, **place):
        return list(train(model, Batches(data, 1, 32, 0), optimiser, recipe, steps=5, seed=3, **place))

    whole = fresh(np.float32)
    losses = [step.loss for step in run(whole, recipe.optimiser(whole))]
    part = fresh(np.float32)
    optimiser = recipe.optimiser(part)
    steps = train(part, Batches(data, 1, 32, 0), optimiser, recipe, steps=5, seed=3)
    begun = [next(steps).loss for _ in range(2)]
    steps.close()
    assert begun + [step.loss for step in run(part, optimiser, start=2)] == losses
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(part.state_dict()[name], array, err_msg=name)


def test_sampled_cells_are_kept_or_void_as_a_whole():
    labels = np.random.default_rng(0).integers(0, 3, (5, 70, 100)).astype(np.uint8)
    assert sampled(labels, 1.0, 32, np.random.default_rng(0)) is labels
    drawn = sampled(labels, 0.25, 32, np.random.default_rng(0))
    kept = 0
    for n in range(5):
        for top in range(0, 70, 32):
            for left in range(0, 100, 32):
                cell = (n, slice(top, top + 32), slice(left, left + 32))
                whole = np.array_equal(drawn[cell], labels[cell])
                assert whole or (drawn[cell] == VOID).all()
                kept += whole
    assert 5 <= kept <= 28  # of 60 cells about a quarter
    again = sampled(labels, 0.25, 32, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, again)


def test_median_frequency():
    data = Pairs(
        (np.zeros((2, 4, 3), np.uint8), np.array([[0, 0, 0, 0], [0, 0, 1, 255]], np.uint8)),
        (np.zeros((2, 4, 3), np.uint8), np.array([[0, 0, 0, 0], [0, 2, 2, 2]], np.uint8)),
    )
    pixels, pictures = class_counts(data, 4)
    np.testing.assert_array_equal(pixels, [11, 1, 3, 0])
    np.testing.assert_array_equal(pictures, [7 + 8, 7, 8, 0])
    # frequencies 11/15, 1/7, 3/8; their median is 3/8
    assert median_frequency(pixels, pictures) == pytest.approx((0.375 * 15 / 11, 0.375 * 7, 1.0, 1.0))
    assert median_frequency(np.zeros(2), np.zeros(2)) == (1, 1)
