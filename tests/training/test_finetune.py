"""What a model file says about how to train on from it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from minifcn.models import FCN, build
from minifcn.training import Recipe, TrainingError
from minifcn.training.finetune import as_begun, network_of, sizes_for, steps_for
from minifcn.training.recipes import FINE_TUNE, MODERN
from minifcn.training.runs.config import Config, differences


class Sized:
    def __init__(self, *sizes, classes=2):
        self.sizes, self.classes = sizes, classes

    def __len__(self):
        return len(self.sizes)

    def picture(self, i):
        return np.zeros((*self.sizes[i], 3), np.uint8)

    def labels(self, i):
        labels = np.full(self.sizes[i], 255, np.uint8)
        labels.flat[: self.classes] = range(self.classes)
        return labels


@pytest.mark.parametrize("arch", ["fcn32s", "fcn8s", "fcn4s", "fcn8s-atonce"])
def test_the_network_that_a_file_asks_for_is_its_own(arch):
    model = build(arch, backbone="tiny", width=3, num_classes=2, padding="paper", fusion="max", learn_upsampling=True)
    options = network_of(model, "model.safetensors")
    again = build(options.pop("arch"), num_classes=2, **options)
    assert again.architecture == model.architecture


@pytest.mark.parametrize("options", [dict(stride=16, at_once=True), dict(stride=8, in_channels=4)])
def test_a_network_that_no_option_builds_is_a_sentence(options):
    with pytest.raises(
        TrainingError, match=r"--init x: its network .* is none that minifcn train builds; train it from Python"
    ):
        network_of(FCN("tiny", num_classes=2, width=2, **options), "x")


@pytest.mark.parametrize(
    "known, sizes, wanted",
    [
        (256, [(192, 256)] * 3, (None, 256)),
        (256, [(180, 240)] * 3, (None, 240)),  # within a tenth
        (256, [(96, 128)] * 3, (256, 256)),
        (256, [(600, 800)] * 3, (256, 256)),
        (256, [(96, 96), (50, 256)], (256, 256)),  # they differ
        (None, [(96, 128)] * 3, (None, 128)),  # the file does not say
        (None, [(96, 96), (50, 256)], (None, None)),
    ],
)
def test_pictures_become_as_large_as_those_that_the_network_knows(known, sizes, wanted):
    assert sizes_for(known, Sized(*sizes)) == wanted


@pytest.mark.parametrize(
    "known, size, wanted",
    [
        (256, (180, 240), (352, 352)),
        (256, (264, 340), (None, 340)),
        (128, (180, 240), (176, 176)),
        (None, (180, 240), (None, 240)),
    ],
)
def test_scenes_of_many_classes_are_made_larger(known, size, wanted):
    assert sizes_for(known, Sized(size, size, classes=5)) == wanted
    assert sizes_for(known, Sized(size, size, classes=4)) != wanted or known is None


def test_steps_follow_from_pictures_and_size():
    small, large = replace(FINE_TUNE, size=(180, 240)), replace(FINE_TUNE, size=256)
    batch = FINE_TUNE.batch
    # as many as the time allows
    assert steps_for(200, small) == -(-170_000_000 // (180 * 240 * batch)) > steps_for(200, large)
    assert steps_for(10, small) == 50 * 10 / batch  # no more than fifty passes
    assert steps_for(5000, large) == 2 * 5000 / batch  # no less than two
    assert steps_for(1, small) == 50
    assert steps_for(200, replace(small, accumulate=2)) == -(-170_000_000 // (180 * 240 * batch * 2))
    assert steps_for(200, replace(large, size=None)) == steps_for(200, large)


def test_a_recipe_comes_back_from_json():
    for recipe in (MODERN, FINE_TUNE, replace(FINE_TUNE, size=(180, 240), class_weights=(1.0, 2.0))):
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_run_that_goes_on_keeps_what_it_derived_but_not_what_is_given_now():
    classes = dict(names=["a", "b"], values=[0, 1], others="void", known=2)
    config = Config(
        "data", "train", "val", classes, arch="fcn4s", steps=70, recipe=replace(FINE_TUNE, lr=0.5), init="x"
    )
    began = replace(
        config,
        arch="fcn8s",
        steps=50,
        derived=("arch", "steps", "lr", "size"),
        recipe=replace(FINE_TUNE, lr=0.25, size=(20, 30)),
    )
    saved = json.loads(json.dumps(began.to_dict()))
    again = as_begun(config, saved, given=())
    assert again == began and differences(saved, json.loads(json.dumps(again.to_dict()))) == []
    other = as_begun(config, saved, given={"steps", "lr"})
    assert (other.steps, other.recipe.lr, other.arch) == (70, 0.5, "fcn8s")
    assert differences(saved, json.loads(json.dumps(other.to_dict()))) == [
        "--lr was 0.25, now 0.5",
        "--steps was 50, now 70",
    ]
