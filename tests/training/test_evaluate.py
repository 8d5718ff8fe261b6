"""One picture in, one label map out; and a whole set scored."""

import numpy as np
import pytest

from minifcn import Tensor
from minifcn.data import ClassMap
from minifcn.models import FCN
from minifcn.training import evaluate, predict

from .helpers import constant_model, random_model

NAMES = ("background", "disc", "square")


class Pairs:
    """Pictures and labels in memory."""

    def __init__(self, *pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def picture(self, i):
        return self.pairs[i][0]

    def labels(self, i):
        return self.pairs[i][1]


def noise(rng, height, width):
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("padding", ["same", "paper"])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (37, 1), (2, 3), (31, 33), (64, 50)])
def test_a_prediction_has_the_size_of_its_picture(size, padding, rng):
    labels = predict(random_model(padding=padding), noise(rng, *size))
    assert labels.shape == size and labels.dtype == np.uint8 and isinstance(labels, np.ndarray)
    assert labels.max() < 4


def test_each_pixel_gets_the_class_of_the_highest_score(rng):
    model, picture = random_model(), noise(rng, 45, 38)
    scores = model(Tensor(model.preprocessing(picture))).data
    best = [[max(range(4), key=lambda c, y=y, x=x: scores[0, c, y, x]) for x in range(38)] for y in range(45)]
    assert len(np.unique(best)) > 1
    np.testing.assert_array_equal(predict(model, picture), best)


def test_the_mode_is_restored_and_no_graph_is_kept(rng, monkeypatch):
    results, forward, model = [], FCN.forward, random_model()
    monkeypatch.setattr(FCN, "forward", lambda self, x: results.append(forward(self, x)) or results[-1])
    for training in (True, False):
        model.train(training)
        predict(model, noise(rng, 20, 20))
        assert model.training is training and model.backbone.drop6.training is training
    assert len(results) == 2 and not any(result.requires_grad for result in results)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_mode_is_restored_after_an_error():
    model = random_model().train()
    with pytest.raises(ValueError, match="expected RGB pictures"):
        predict(model, np.zeros((4, 4), np.uint8))
    assert model.training


def test_dropout_is_off(rng):
    model, picture = random_model(), noise(rng, 50, 50)
    expected = predict(model, picture)
    model.backbone.drop6.p = model.backbone.drop7.p = 0.9
    model.train()
    np.testing.assert_array_equal(predict(model, picture), expected)
    with_dropout = model(Tensor(model.preprocessing(picture))).data[0].argmax(0)
    assert (with_dropout != expected).any()


@pytest.mark.parametrize("picture", [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(picture):
    with pytest.raises(ValueError, match="expected"):
        predict(random_model(), picture)


def test_a_set_of_pictures_of_different_sizes_by_hand(rng):
    # all is predicted as class 1: of 20 + 6 counted pixels 5 + 6 are right
    first = np.zeros((4, 6), np.uint8)
    first[0, :5], first[3, :4] = 1, 255
    second = np.full((2, 3), 1, np.uint8)
    called = []
    result = evaluate(
        constant_model(ClassMap.own(NAMES), 1),
        Pairs((noise(rng, 4, 6), first), (noise(rng, 2, 3), second)),
        lambda: called.append(1),
    )
    assert result["pixel_accuracy"] == pytest.approx(11 / 26)
    assert result["mean_accuracy"] == pytest.approx((0 + 1) / 2)
    assert result["per_class"] == {"background": 0.0, "disc": pytest.approx(11 / 26), "square": None}
    assert result["mean_iu"] == pytest.approx(11 / 26 / 2)
    assert result["frequency_weighted_iu"] == pytest.approx(11 / 26 * 11 / 26)
    assert len(called) == 2


def test_a_set_of_void_alone_has_no_scores(rng):
    result = evaluate(constant_model(ClassMap.own(NAMES), 0), Pairs((noise(rng, 3, 3), np.full((3, 3), 255, np.uint8))))
    assert result["mean_iu"] is None and set(result["per_class"].values()) == {None}
