"""Training from Python, and what a person is told when it went wrong."""

import math

import numpy as np
import pytest

import minifcn as mf
from minifcn import backend
from minifcn.data import Batches, DataError
from minifcn.draw.curves import loss_curve
from minifcn.models import build
from minifcn.training import Recipe, TrainingError, fit
from minifcn.training.hints import about_loss, about_scores
from minifcn.training.scoring.metrics import scores

from .helpers import three_stripes
from .test_evaluate import Pairs

STRIPES = Pairs(*(three_stripes(seed, (0, 1, 2)) for seed in range(4)))


def fresh(seed=0):
    backend.manual_seed(seed)
    return build("fcn32s", backbone="tiny", width=2, num_classes=3)


def test_fit_trains_scores_and_keeps_a_history():
    model = fresh()
    before = model.state_dict()
    history = fit(model, STRIPES, steps=4, batch=2, size=32, validation=STRIPES, seed=1)
    assert [row["step"] for row in history.rows] == [1, 2, 3, 4] and {row["stage"] for row in history.rows} == {"train"}
    assert history.losses[0] == pytest.approx(math.log(3), rel=1e-6)
    assert set(history.scores["per_class"]) == set(model.class_names)
    assert any((array != before[name]).any() for name, array in model.state_dict().items()) and not model.training
    assert loss_curve(history.rows, 3).axes  # what a notebook draws


def test_fit_repeats_itself_and_takes_recipes_by_name():
    losses = [fit(fresh(), STRIPES, recipe, steps=3, batch=2, size=32).losses for recipe in ("modern", Recipe())]
    assert losses[0] == losses[1]
    paper = fit(fresh(), STRIPES, "paper", steps=2)
    pixels = [int((labels != 255).sum()) for _, labels in STRIPES.pairs]
    assert paper.losses[0] in [pytest.approx(n * math.log(3), rel=1e-5) for n in pixels]  # summed, one whole picture


def test_callbacks_see_every_step_and_may_end_the_training():
    seen, others = [], []
    history = fit(
        fresh(), STRIPES, steps=9, batch=2, size=32,
        callbacks=[lambda step: seen.append(step.step) or step.step == 3, others.append],
    )  # fmt: skip
    assert seen == [1, 2, 3] and len(others) == len(history.rows) == 3
    assert others[0].learning_rate == 0.05


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(steps=0), "fit: steps is 0; expected an integer of at least 1"),
        (dict(steps=1, rate=0.1), "fit: a recipe has no rate; choose one of loss, optimizer, lr"),
        (dict(steps=1, recipe="fast"), "none called 'fast'"),
        (dict(steps=1, recipe="paper-mean"), '"paper-mean" depends on the pictures'),
        (
            dict(steps=1, recipe="paper-mean", lr=1e-5),
            '"paper-mean" depends on the pictures',
        ),  # weight decay goes with them too
        (dict(steps=1, optimizer="adam", momentum=0.5), "fit: momentum is of SGD, and the optimizer is adam"),
        (dict(steps=1, batch=0), "batch 0"),
    ],
)
def test_fit_says_what_it_cannot_do(options, message):
    with pytest.raises(TrainingError, match=message):
        fit(fresh(), STRIPES, **options)


# hints


def rows(losses):
    return [{"loss": loss} for loss in losses]


GUESS = math.log(5)
FALLING = np.geomspace(GUESS, 0.2, 60)


@pytest.mark.parametrize(
    "losses, words",
    [
        (FALLING, None),
        (np.full(60, GUESS), "did not fall: 1.61 at the first step, 1.61 at the end, and 1.61 is what guessing gives"),
        (GUESS - np.linspace(0, 0.03, 60), "did not fall"),
        (1e5 * np.full(60, GUESS), "did not fall: 1.61e"),
        (np.concatenate([FALLING, np.linspace(0.2, 3, 60)]), "rose: from 0.2"),
        (np.full(60, 0.3), None),  # a later stage, already trained
        (FALLING + 0.1 * np.random.default_rng(0).standard_normal(60), None),
        (np.full(19, GUESS), None),  # too short to tell
        ([], None),
        ([float("nan")] * 30, None),
    ],
)
def test_what_is_said_of_a_loss(losses, words):
    said = about_loss(rows(losses), 5)
    assert len(said) == (words is not None)
    if words:
        assert words in said[0] and "rate" in said[0]
    if words and "1e" in words:
        assert "guessing" not in said[0]  # a sum, not a mean


@pytest.mark.parametrize(
    "matrix, words",  # true classes down, predicted ones across
    [
        ([[7, 0, 0, 0], [2, 0, 0, 0], [1, 0, 0, 0], [0] * 4], "Every picture is labelled as background everywhere: none of the other 2"),
        ([[7, 0], [3, 0]], "Every picture is labelled as background everywhere: the other class was never right"),
        ([[0, 0, 4], [0, 0, 4], [0, 0, 0]], "Every picture is labelled as dog everywhere: nothing of that is right"),
        ([[7, 2, 0], [3, 0, 1], [1, 0, 0]], "Only background was ever right: none of the other 2 classes was ever right"),
        ([[7, 1], [3, 0]], "Only background was ever right: the other class was never right"),
        ([[0, 4], [4, 0]], "Not a pixel is right"),
        ([[7, 0, 0], [1, 1, 0], [1, 0, 0]], None),
        ([[7, 0], [0, 0]], "The mean IU is meaningless: one class alone. All labels that are scored are background"),
    ],
)  # fmt: skip
def test_what_is_said_of_scores(matrix, words):
    """That one class is everywhere is said only where no other was predicted."""
    names = ["background", "cat", "dog", "cow"][: len(matrix)]
    said = about_scores(scores(np.array(matrix), names) | {"confusion": matrix})
    assert len(said) == (words is not None)
    assert not words or words in said[0]
    assert not words or ("Usual causes" in said[0]) == ("meaningless" not in said[0])


def test_without_a_matrix_nothing_is_said_of_what_was_predicted():
    assert about_scores({"per_class": {"background": 0.7, "cat": 0.0}})[0].startswith(
        "Only background was ever right: "
    )
    assert about_scores({"per_class": {}}) == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("lr, words", [(1e-9, "did not fall"), (0.05, None)])
def test_a_rate_far_too_small_is_told(lr, words):
    history = fit(fresh(), STRIPES, steps=40, batch=2, size=32, lr=lr)
    assert len(history.hints) == (words is not None) and (not words or words in history.hints[0])


def test_labels_that_are_all_void_are_said():
    class Void:
        def __len__(self):
            return 2

        def picture(self, i):
            return np.full((64, 64, 3), 60 * i, np.uint8)

        def labels(self, i):
            return np.full((64, 64), 255, np.uint8)

    history = fit(build("fcn32s", backbone="tiny", width=2, num_classes=3), Void(), steps=2, batch=2, size=64)
    assert history.losses == [0, 0]
    assert len(history.hints) == 1 and history.hints[0].startswith(
        "In all 2 steps there was nothing to learn: not a pixel"
    )
    assert [(row["pixels"], row["weight"]) for row in history.rows] == [(0, 0.0)] * 2


class Nothing:
    pass


UNFIT = {
    "the data": (lambda: fit(fresh(), [1, 2], steps=1), TypeError, "fit: the data is a list, without picture, labels; expected a VOCFolder"),
    "no data": (lambda: fit(fresh(), None, steps=1), TypeError, "fit: the data is a NoneType, without __len__, picture, labels"),
    "what is scored": (lambda: fit(fresh(), STRIPES, steps=1, validation=Nothing()), TypeError, "fit: the data is a Nothing"),
    "the network": (lambda: fit(None, STRIPES, steps=1), TypeError, "fit: the model is a NoneType; expected an FCN"),
    "its classes": (lambda: fit(mf.models.fcn32s("tiny", width=1, num_classes=256), STRIPES, steps=1), ValueError, "fit: the network has 256 classes, but"),
    "its channels": (lambda: fit(mf.models.fcn32s("tiny", width=1, in_channels=1), STRIPES, steps=1), ValueError, "fit: the network takes 1 channel, and"),
    "no recipe": (lambda: fit(fresh(), STRIPES, None, steps=1), TypeError, "fit: recipe is a NoneType; expected a Recipe"),
    "steps": (lambda: fit(fresh(), STRIPES, steps="3"), TrainingError, "fit: steps is '3'; expected an integer of at least 1"),
    "part of a step": (lambda: fit(fresh(), STRIPES, steps=1.5), TrainingError, "fit: steps is 1.5; expected an integer of at least 1"),
    "processes": (lambda: fit(fresh(), STRIPES, steps=1, processes=0), TrainingError, "fit: processes is 0; expected an integer of at least 1"),
    "batch": (lambda: fit(fresh(), STRIPES, steps=1, batch=2.5), TrainingError, "recipe: batch 2.5, accumulate 1; both must be at least 1"),
    "accumulate": (lambda: fit(fresh(), STRIPES, steps=1, accumulate=1.5), TrainingError, "recipe: batch 8, accumulate 1.5; both"),
    "rate": (lambda: fit(fresh(), STRIPES, steps=1, lr="0.1"), TrainingError, "recipe: lr is '0.1'; expected a number"),
    "size": (lambda: fit(fresh(), STRIPES, steps=1, size="32"), DataError, "batches: batch is 8 and size '32'; expected integers"),
    "sizes": (lambda: fit(fresh(), STRIPES, steps=1, size=(32,)), DataError, r"batches: batch is 8 and size \(32,\); expected integers"),
    "seed": (lambda: fit(fresh(), STRIPES, steps=1, seed=1.5), DataError, "batches: seed is 1.5; expected an integer of at least 0"),
    "weights as a word": (lambda: fit(fresh(), STRIPES, steps=1, class_weights="median"), TrainingError, "class_weights is 'median'; expected one number"),
    "weights of two": (lambda: fit(fresh(), STRIPES, steps=1, class_weights=(1, 2)), TrainingError, "class_weights has 2 numbers, and the network 3"),
    "weights of NaN": (lambda: fit(fresh(), STRIPES, steps=1, class_weights=(1, 2, math.nan)), TrainingError, "class_weights is .*of at least 0"),
    "weights of 0": (lambda: fit(fresh(), STRIPES, steps=1, class_weights=(0, 0, 0)), TrainingError, "class_weights is .*not all 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT.values(), ids=UNFIT)
def test_what_no_training_can_begin_with(case):
    call, error, message = case
    with pytest.raises(error, match=message):
        call()


BATCHES = {
    "fill a word": (dict(fill="abc"), "fill is 'abc'; expected 3 numbers from 0 to 255"),
    "fill None": (dict(fill=None), "fill is None; expected 3 numbers from 0 to 255"),
    "part of a thread": (dict(threads=1.5), "threads is 1.5; at least 1 must decode"),
    "an augmentation by name": (dict(augmentation="mirror"), "augmentation is a str; expected an Augmentation"),
}


@pytest.mark.parametrize("case", BATCHES.values(), ids=BATCHES)
def test_what_no_batches_can_be_made_of(case):
    options, message = case
    with pytest.raises(DataError, match=f"batches: {message}"):
        Batches(STRIPES, 2, 16, 0, **options)
