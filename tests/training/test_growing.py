"""A loss that grows a thousandfold ends the training with the reason; and every trunk trains from random weights with the defaults."""

import numpy as np
import pytest

from minifcn import backend
from minifcn.models import build
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.trunks.backbones import rate_factor
from minifcn.training import Listener, TrainingError, fit
from minifcn.training.run import first_model

from .helpers import config_for
from .test_fit import STRIPES, fresh


def start(backbone, **options):
    backend.manual_seed(0)
    return build("fcn16s", backbone=backbone, num_classes=3, **options)


def test_random_weights_on_raw_pictures_stop_with_the_reason():
    """SqueezeNet as Caffe feeds it, at the rate of `tiny`: 1.1, 1e3, 1e29 …"""
    with pytest.raises(TrainingError) as caught:
        fit(start("squeezenet"), STRIPES, steps=9, batch=2, size=32)
    text = str(caught.value)
    assert "a thousand times the 1.1" in text and "at learning rate 0.0" in text and "(--lr 0.00" in text
    assert "random weights want about 2" in text and "Preprocessing()" in text


def test_a_rate_alone_is_named_where_the_pictures_are_not_to_blame():
    with pytest.raises(TrainingError) as caught:
        fit(fresh(), STRIPES, steps=30, batch=2, size=32, lr=100.0)
    assert "a thousand times" in str(caught.value) and "Preprocessing" not in str(caught.value)


class OneSure:
    """A picture of void alone, and one with a single pixel that counts."""

    def __len__(self):
        return 2

    def picture(self, i):
        return np.zeros((64, 64, 3), np.uint8)

    def labels(self, i):
        labels = np.full((64, 64), 255, np.uint8)
        labels[32, 32] = 0 if i else 255
        return labels


@pytest.mark.parametrize("loss", ["mean", "sum"])
def test_a_loss_that_begins_high_or_at_nothing_is_no_alarm(loss):
    """The first batch may be void, with a loss of 0; a trained network may be sure and wrong."""
    model = fresh()
    model.score_fr.bias.data[1] = 900.0
    history = fit(model, OneSure(), steps=4, batch=1, size=None, loss=loss, lr=1e-12)
    assert sorted(history.losses) == pytest.approx([0, 0, 900, 900])


# AlexNet and VGG16 are too large for a test of seconds; their rate and preprocessing come out of the same two functions
@pytest.mark.parametrize("backbone", ["tiny", "squeezenet", "squeezenet32", "squeezenet-fc", "googlenet"])
def test_a_trunk_trains_from_random_weights_with_the_defaults(backbone, small_set):
    arch = "fcn16s" if backbone == "squeezenet" else "fcn32s"
    config = config_for(small_set, backbone=backbone, width=None, arch=arch)
    model = first_model(config, Listener())
    assert model.preprocessing == Preprocessing()
    losses = fit(model, STRIPES, steps=12, batch=2, size=64, lr=0.05 * rate_factor(backbone)).losses
    assert max(losses) < 5 * losses[0] and np.mean(losses[-4:]) < losses[0]


@pytest.mark.parametrize(
    "backbone, width, factor",
    [
        ("tiny", 16, 1),
        ("tiny", 4, 1),
        ("tiny", 32, 1 / 2),
        ("vgg16", None, 1 / 32),
        ("alexnet", None, 1 / 32),
        ("googlenet", None, 1 / 8),
    ],
)
def test_the_rate_falls_with_the_number_of_features(backbone, width, factor):
    assert rate_factor(backbone, width) == factor
