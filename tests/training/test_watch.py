"""The scores on the way: when they are taken, what they are, and that nothing else changes."""

import numpy as np
import pytest

from minifcn.data import Batches
from minifcn.data.augment import Augmentation
from minifcn.training import Options, RunFolder, Step, Watch, evaluate, fit
from minifcn.training.hints import about_learning_by_heart

from .helpers import STAGES, Killed, StopAt, arrays_of, config_for, random_model, run_in, same_arrays, three_stripes
from .test_evaluate import Pairs
from .test_fit import STRIPES, fresh
from .test_run import rows_of

MORE = Pairs(*(three_stripes(seed, (0, 1, 2)) for seed in range(20, 23)))


def step(number, seconds=1.0, ahead=0):
    return Step(number, 1.0, 0.1, seconds, 2 / seconds, 0.0, ahead)


def test_the_weights_are_the_same_bits_with_and_without():
    models, watches = [fresh(), fresh(), fresh()], []
    for model, every in zip(models, (None, 1, 2), strict=True):
        model.backbone.drop6.p = 0.5  # what is random in the network must come out the same too
        watches.append(Watch(model, STRIPES, MORE, steps=5, every=every))
        fit(model, STRIPES, steps=5, batch=2, size=32, callbacks=[watches[-1]] if every else [])
    for model in models[1:]:
        same_arrays(models[0].state_dict(), model.state_dict())
    assert [[point.step for point in watch.points] for watch in watches[1:]] == [[1, 2, 3, 4, 5], [2, 4, 5]]


def test_a_point_is_the_scores_of_both_sets():
    model = random_model(num_classes=3).train()
    watch = Watch(model, STRIPES, MORE, steps=1, every=1)
    watch(step(1))
    found, (train, val) = watch.points[0], (evaluate(model, data) for data in (STRIPES, MORE))
    assert (found.train_iu, found.train_accuracy) == (train["mean_iu"], train["pixel_accuracy"])
    assert (found.val_iu, found.val_accuracy) == (val["mean_iu"], val["pixel_accuracy"])
    assert train["mean_iu"] != val["mean_iu"] and model.training


def test_large_sets_are_looked_at_in_part_and_evenly():
    many = Pairs(*[three_stripes(seed, (0, 1, 2)) for seed in range(5)] * 20)
    watch = Watch(random_model(num_classes=3), many, many, steps=1)
    numbers = watch.sets[0].numbers
    assert len(numbers) == 16 and (numbers[0], numbers[-1]) == (0, 99) and set(np.diff(numbers)) == {6, 7}


def test_looking_takes_a_twentieth_of_the_time(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("minifcn.training.scoring.watch.time.perf_counter", lambda: clock[0])

    def look(model, data):
        clock[0] += 1.0
        return 0.5, 0.5, 2

    monkeypatch.setattr("minifcn.training.scoring.watch.quick_scores", look)
    watch = Watch(fresh(), STRIPES, MORE, steps=400)
    for number in range(1, 401):
        watch(step(number))
        assert watch.spent <= 0.05 * watch.trained
    # seven pictures at two a second are 1.75 s forward at most, which 35 s of training pay for; then each look costs 2 s, that is 40 s of it
    assert [point.step for point in watch.points] == list(range(40, 401, 40))


def test_never_and_not_while_the_weights_are_ahead():
    model = fresh()
    never, always = Watch(model, STRIPES, MORE, steps=3, every=0), Watch(model, STRIPES, MORE, steps=3, every=1)
    for number in (1, 2, 3):
        never(step(number))
        always(step(number, ahead=3 - number))
    assert never.points == [] and [point.step for point in always.points] == [3]


def test_a_run_writes_its_scores_down_and_ends_the_same_when_stopped(small_set, tmp_path):
    config, options = config_for(small_set, steps=2, lr=0.5), dict(val_every=1)
    run_in(tmp_path / "whole", config, options=Options(**options))
    rows = RunFolder(tmp_path / "whole").read_scores()
    assert [(row["stage"], row["step"]) for row in rows] == [(stage, step) for stage in STAGES for step in (1, 2)]
    run_in(tmp_path / "without", config, options=Options(val_every=0))
    assert not (tmp_path / "without" / "scores.csv").exists()
    for stage in STAGES:
        same_arrays(*(arrays_of(tmp_path / run / f"{stage}.safetensors") for run in ("whole", "without")))
    assert [row["loss"] for row in rows_of(tmp_path / "whole")] == [
        row["loss"] for row in rows_of(tmp_path / "without")
    ]

    # stopped after a look that no checkpoint covers: it is taken again, once
    with pytest.raises(Killed):
        run_in(tmp_path / "cut", config, StopAt(10), options=Options(**options))  # step 2 of fcn16s
    assert len(RunFolder(tmp_path / "cut").read_scores()) == 3
    run_in(tmp_path / "cut", config, options=Options(**options))
    kept = RunFolder(tmp_path / "cut").read_scores()
    assert [{**row, "seconds": 0} for row in kept] == [{**row, "seconds": 0} for row in rows]
    # of the last stage the final score is of all three pictures, as the last look is
    metrics = RunFolder(tmp_path / "cut").read_metrics()
    assert [row["val_iu"] for row in kept if row["step"] == 2] == [metrics[stage]["mean_iu"] for stage in STAGES]


def points(train, val):
    return [
        dict(step=10 * (i + 1), train_iu=a / 100, val_iu=b / 100)
        for i, (a, b) in enumerate(zip(train, val, strict=True))
    ]


@pytest.mark.parametrize(
    "train, val, told",
    [
        ([20, 40, 60, 80, 90], [20, 35, 45, 40, 36], True),
        ([20, 40, 60, 80, 90], [20, 35, 45, 50, 52], False),  # far apart, but still learning
        ([20, 40, 45, 40, 36], [20, 35, 45, 40, 36], False),  # both fell: no heart in it
        ([20, 40, 60, 80, 90], [40, 30, 41, 31, 40], False),  # a score that jumps
        ([40, 90, 95], [40, 30, 20], False),  # too few to tell
        ([20, 40, float("nan"), 60, 80, 90], [20, 35, 45, 45, 40, 36], True),
    ],
)
def test_what_is_said_of_learning_by_heart(train, val, told):
    said = about_learning_by_heart(points(train, val))
    assert len(said) == told
    if told:
        assert "85 % on them and 38 % on validation" in said[0] and "--scale" in said[0] and "--steps" in said[0]


def test_a_crop_may_be_a_rectangle():
    pictures, labels = Batches(STRIPES, 3, (20, 28), 0, augmentation=Augmentation(scale=(0.5, 2.0))).at(0)
    assert pictures.shape == (3, 20, 28, 3) and labels.shape == (3, 20, 28)
    assert "cropped to 20x28 pixels" in Augmentation().describe((20, 28))
    history = fit(fresh(), STRIPES, steps=2, batch=2, size=(20, 28))
    assert len(history.losses) == 2
