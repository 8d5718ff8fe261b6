"""The training loop: it learns, it repeats itself bit by bit, it stops at a loss that is no number."""

import math

import numpy as np
import pytest

from minifcn import backend
from minifcn.autodiff.engine import Tensor
from minifcn.data import Batches
from minifcn.models import build
from minifcn.nn.optim import SGD, Adam
from minifcn.training import TrainingError, train
from minifcn.training.loop import by_decay
from minifcn.training.recipes import MODERN, Recipe

from .helpers import same_arrays, three_stripes
from .test_evaluate import Pairs

STRIPES = Pairs(*(three_stripes(seed, (0, 1, 2)) for seed in range(4)))
ONE = Pairs(three_stripes(0, (0, 1, 2), size=(32, 32)))


def fresh(arch="fcn32s", seed=0, width=2, dropout=0.5):
    backend.manual_seed(seed)
    model = build(arch, backbone="tiny", width=width, num_classes=3)
    model.backbone.drop6.p = model.backbone.drop7.p = dropout
    return model


def optimiser_for(model, kind=SGD):
    options = dict(momentum=0.9) if kind is SGD else {}
    return kind([p for p in model.parameters() if p.requires_grad], 0.05, **options)


def batches(dataset=STRIPES, seed=0, batch=2):
    return Batches(dataset, batch, 32, seed)


def weights(model):
    return {name: array.copy() for name, array in model.state_dict().items()}


def trained(seed=0, steps=4, kind=SGD, **options):
    model = fresh(seed=seed)
    done = list(train(model, batches(seed=seed), optimiser_for(model, kind), MODERN, steps=steps, seed=seed, **options))
    return model, done


@pytest.mark.parametrize("arch", ["fcn32s", "fcn8s", "fcn8s-atonce"])
def test_the_loss_falls_on_one_picture(arch):
    # stripes as wide as a cell of the coarsest map: FCN-32s can tell them apart too
    labels = np.repeat(np.arange(3, dtype=np.uint8), 32)[None].repeat(96, 0)
    picture = np.array([[60, 90, 230], [40, 160, 40], [220, 50, 50]], np.uint8)[labels]
    model = fresh(arch, width=4, dropout=0)
    data = Batches(Pairs((picture, labels)), 1, 96, 0, mirror=False)
    losses = [step.loss for step in train(model, data, optimiser_for(model, Adam), Recipe(lr=0.003), steps=40, seed=0)]
    assert losses[0] == pytest.approx(math.log(3), rel=1e-6)  # the score layers start at zero
    assert losses[-1] < 0.1 * losses[0]


def test_schedules():
    falling, constant = Recipe(lr=0.1), Recipe(lr=0.1, schedule="constant")
    assert falling.rate(0, 10) == 0.1
    assert falling.rate(5, 10) == pytest.approx(0.0535886731, rel=1e-8)  # 0.1 · 0.5^0.9
    assert falling.rate(9, 10) == pytest.approx(0.0125892541, rel=1e-8)  # 0.1 · 0.1^0.9
    assert [constant.rate(step, 10) for step in (0, 5, 9)] == [0.1] * 3


def test_each_step_tells_what_it_did():
    _, done = trained(steps=3)
    assert [step.step for step in done] == [1, 2, 3]
    assert [step.learning_rate for step in done] == pytest.approx([0.05, 0.05 * (2 / 3) ** 0.9, 0.05 * (1 / 3) ** 0.9])
    assert all(math.isfinite(step.loss) and step.seconds > 0 for step in done)
    for step in done:
        assert step.images_per_second == pytest.approx(2 / step.seconds)


def test_the_step_uses_the_decayed_rate():
    # plain SGD: a step moves the weights by rate · gradient, and the gradients are still there after it
    model = fresh(dropout=0)
    optimiser = SGD([p for p in model.parameters() if p.requires_grad], 1.0)
    before = weights(model)
    for step in train(model, batches(), optimiser, Recipe(lr=0.5), steps=3, seed=0):
        rate = 0.5 * (1 - (step.step - 1) / 3) ** 0.9
        np.testing.assert_allclose(
            model.score_fr.weight.data,
            before["score_fr.weight"] - rate * model.score_fr.weight.grad,
            rtol=1e-5,
            atol=1e-7,
        )
        before = weights(model)


def test_the_model_trains_and_is_left_in_eval_mode():
    model, modes = fresh(), []
    for _ in train(model.eval(), batches(), optimiser_for(model), Recipe(lr=0.05), steps=2, seed=0):
        modes.append(model.training)
    assert modes == [True, True] and not model.training


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_the_same_seed_gives_the_same_bits(kind):
    first, second = trained(kind=kind), trained(kind=kind)
    same_arrays(weights(first[0]), weights(second[0]))
    assert [step.loss for step in first[1]] == [step.loss for step in second[1]]


def test_the_global_generator_does_not_matter():
    first, _ = trained()
    model = fresh()
    for _ in train(model, batches(), optimiser_for(model), Recipe(lr=0.05), steps=4, seed=0):
        backend.manual_seed(77)
        np.random.default_rng(5).random()
    same_arrays(weights(first), weights(model))


def test_another_seed_gives_other_weights():
    first, second = weights(trained(seed=0)[0]), weights(trained(seed=1)[0])
    assert all((first[name] != second[name]).any() for name in ("backbone.conv1_1.weight", "score_fr.weight"))


def test_dropout_differs_from_step_to_step_and_by_seed():
    # the same batch and the same weights: only dropout can change the loss
    data = Batches(ONE, 1, 32, 0, mirror=False)
    losses = []
    for seed, first in ((0, 0), (0, 1), (1, 0), (0, 0)):
        model = fresh()
        model.score_fr.weight.data[...] = np.random.default_rng(0).standard_normal(model.score_fr.weight.shape)
        step = next(train(model, data, optimiser_for(model), Recipe(lr=0.05), steps=1, seed=seed, first_batch=first))
        losses.append(step.loss)
    assert losses[0] == losses[3] and len(set(losses)) == 3


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("stop", [0, 1, 3, 5, 6])
def test_a_run_continued_is_the_run_never_stopped(stop, kind):
    whole, done = trained(steps=6, kind=kind, first_batch=10)
    model = fresh()
    optimiser = optimiser_for(model, kind)
    part = train(model, batches(), optimiser, Recipe(lr=0.05), steps=6, seed=0, first_batch=10)
    losses = [next(part).loss for _ in range(stop)]
    part.close()

    other = fresh(seed=9)
    other.load_state_dict(weights(model))
    continued = optimiser_for(other, kind)
    continued.load_state_dict({name: array.copy() for name, array in optimiser.state_dict().items()})
    backend.manual_seed(123)
    rest = train(other, batches(), continued, Recipe(lr=0.05), steps=6, seed=0, start=stop, first_batch=10)
    assert losses + [step.loss for step in rest] == [step.loss for step in done]
    same_arrays(weights(other), weights(whole))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_before_the_weights_change(bad):
    model = fresh(dropout=0)
    seen = []
    with pytest.raises(TrainingError) as caught:
        for step in train(model, batches(), optimiser_for(model), Recipe(lr=0.05), steps=5, seed=0):
            if step.step == 2:
                model.score_fr.bias.data[1] = bad
            seen.append(weights(model))
    assert len(seen) == 2
    same_arrays(weights(model), seen[-1])
    message = str(caught.value)
    assert message.startswith("step 3: the loss is ") and "learning rate 0.0316" in message  # 0.05 · 0.6^0.9


def test_a_batch_of_void_changes_nothing():
    picture, labels = ONE.pairs[0]
    model = fresh()
    before = weights(model)
    data = batches(Pairs((picture, np.full_like(labels, 255))))
    (step,) = train(model, data, optimiser_for(model), Recipe(lr=0.05), steps=1, seed=0)
    assert step.loss == 0
    same_arrays(weights(model), before)


def test_no_steps_left():
    model = fresh()
    before = weights(model)
    assert list(train(model, batches(), optimiser_for(model), Recipe(lr=0.05), steps=3, seed=0, start=3)) == []
    same_arrays(weights(model), before)


def test_an_unreadable_picture_in_the_middle_is_an_error_here():
    class Broken(Pairs):
        def picture(self, i):
            raise ValueError("photo7.jpg is gone")

    model = fresh()
    with pytest.raises(ValueError, match=r"photo7\.jpg is gone"):
        list(train(model, batches(Broken(*STRIPES.pairs)), optimiser_for(model), Recipe(lr=0.05), steps=3, seed=0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_first_bad_operation_is_named():
    model = fresh(dropout=0)
    with pytest.raises(TrainingError) as caught:
        for step in train(model, batches(), optimiser_for(model), Recipe(lr=0.05), steps=5, seed=0):
            if step.step == 1:
                model.backbone.fc7.weight.data[0] = np.inf
    message = str(caught.value)
    assert "1 parameters are no longer finite, backbone.fc7.weight first; the last checkpoint is from before" in message
    assert "First bad operation: Conv2d.forward: " in message and message.endswith("Try a rate ten times smaller")
    assert "got it from input 1: it was there before. Try" in message


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("decay, alone", [(90, True), (60, False)])
def test_weight_decay_that_makes_the_weights_grow_is_named(decay, alone):
    """At a rate of 0.05 and momentum 0.9 it does from 2·1.9 / 0.05 = 76 on; below that it is the rate that is too large, if anything is."""
    model = fresh(dropout=0)
    recipe = Recipe(lr=0.05, weight_decay=decay, schedule="constant")
    said = ""
    try:
        for _ in train(model, batches(), recipe.optimiser(model), recipe, steps=400, seed=0):
            pass
    except TrainingError as error:
        said = str(error)
    assert (
        "The weight decay alone does that: 90 times the learning rate 0.05 is 4.5, and from 3.8 on" in said
    ) is alone
    assert "ten times smaller" not in said or not alone


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_the_border_of_weight_decay_is_where_the_weights_grow(kind):
    """Of a weight with no gradient but its decay, by the optimiser itself."""
    for momentum in (0.0, 0.5, 0.9):
        for times in (0.98, 1.02):
            weight = Tensor(np.ones(3), requires_grad=True)
            rate = 0.01
            decay = times * 2 * (1 + momentum) / rate
            options = dict(momentum=momentum) if kind is SGD else {}
            optimiser = kind([weight], rate, weight_decay=decay, **options)
            for _ in range(600):
                weight.grad = np.zeros(3)
                optimiser.step()
            grew = bool(np.abs(weight.data).max() > 100)
            assert grew == bool(by_decay(optimiser)) == (kind is SGD and times > 1)
