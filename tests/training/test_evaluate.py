"""One picture in, one label map out, of one view or of many; and a whole set scored."""

import json

import numpy as np
import pytest
from PIL import Image

from minifcn import Tensor
from minifcn.data import ClassMap
from minifcn.models import FCN
from minifcn.training import evaluate, predict, predict_maps
from minifcn.training.scoring.evaluate import Worst, strange_views

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
    with pytest.raises(ValueError, match="expected an RGB picture"):
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


@pytest.mark.parametrize("options", [{}, {"mirror": True}, {"scales": (1, 0.5)}])
@pytest.mark.parametrize("pictures", [1, 2])
def test_several_pictures_at_once_are_refused(pictures, options):
    """Of two only the first was predicted, and nobody was told."""
    model = random_model("fcn32s", width=2)
    with pytest.raises(
        ValueError, match=r"expected an RGB picture, uint8 \(H, W, 3\), not empty; give one after the other"
    ):
        predict(model, np.zeros((pictures, 32, 32, 3), np.uint8), **options)


def test_mirror_is_yes_or_no():
    """ "no" is true in Python, and looked at the picture twice."""
    with pytest.raises(TypeError, match="predict: mirror is 'no'; expected True or False"):
        predict(random_model("fcn32s", width=2), np.zeros((32, 32, 3), np.uint8), mirror="no")


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
    assert {result[f"{where}_{score}"] for where in ("boundary", "interior") for score in ("accuracy", "iu")} == {None}
    assert result["boundary_share"] is None and json.dumps(result, allow_nan=False)


def test_boundary_and_interior_by_hand(rng):
    # 12 columns of 10 rows: 6 of background, 1 of void, 5 of disc; within 2 pixels of the void lie 2 columns on either side
    labels = np.repeat([[0] * 6 + [255] + [1] * 5], 10, axis=0).astype(np.uint8)
    data = Pairs((noise(rng, 10, 12), labels), (noise(rng, 3, 4), np.ones((3, 4), np.uint8)))
    result = evaluate(constant_model(ClassMap.own(NAMES), 1), data, band=2)
    assert result["boundary_width"] == 2 and result["boundary_share"] == pytest.approx(40 / 122)
    assert result["boundary_accuracy"] == 20 / 40 and result["boundary_iu"] == pytest.approx((0 + 20 / 40) / 2)
    assert result["interior_accuracy"] == 42 / 82 and result["interior_iu"] == pytest.approx((0 + 42 / 82) / 2)
    assert result["pixel_accuracy"] == 62 / 122
    assert result["confusion"] == [[0, 60, 0], [0, 62, 0], [0, 0, 0]]


def test_a_set_without_boundaries_has_no_boundary_scores(rng):
    result = evaluate(constant_model(ClassMap.own(NAMES), 0), Pairs((noise(rng, 3, 3), np.zeros((3, 3), np.uint8))))
    assert (result["boundary_share"], result["boundary_accuracy"], result["boundary_iu"]) == (0, None, None)
    assert (result["interior_accuracy"], result["interior_iu"], result["boundary_width"]) == (1, 1, 5)


def test_each_picture_is_shown_with_its_own_matrix_and_prediction(rng):
    model, shown = random_model(), []
    pairs = [(noise(rng, *size), np.full(size, label, np.uint8)) for size, label in (((9, 7), 2), ((5, 8), 0))]
    evaluate(model, Pairs(*pairs), seen=lambda *args: shown.append(args), mirror=True, scales=(1, 1.5))
    assert [number for number, _, _ in shown] == [0, 1]
    for (_, matrix, prediction), (picture, labels) in zip(shown, pairs, strict=True):
        np.testing.assert_array_equal(prediction, predict(model, picture, mirror=True, scales=(1, 1.5)))
        assert matrix[labels[0, 0]].tolist() == [int((prediction == i).sum()) for i in range(4)]


def probabilities(model, picture):
    """Softmax of one view in float64: (C, H, W)."""
    scores = model(Tensor(model.preprocessing(picture))).data[0].astype(float)
    return np.exp(scores) / np.exp(scores).sum(0)


def enlarged(map_, height, width):
    """A map (h, w) at the pixel centres of (height, width), bilinear, by loops."""
    result = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            v = min(max((y + 0.5) * map_.shape[0] / height - 0.5, 0), map_.shape[0] - 1)
            u = min(max((x + 0.5) * map_.shape[1] / width - 0.5, 0), map_.shape[1] - 1)
            top, left = min(int(v), map_.shape[0] - 2), min(int(u), map_.shape[1] - 2)
            a, b = v - top, u - left
            upper = (1 - b) * map_[top, left] + b * map_[top, left + 1]
            lower = (1 - b) * map_[top + 1, left] + b * map_[top + 1, left + 1]
            result[y, x] = (1 - a) * upper + a * lower
    return result


def agree(labels, mean):
    """`labels` are the greatest of `mean` (C, H, W), but for pixels where rounding may decide."""
    first, second = np.sort(mean, axis=0)[:-3:-1]
    clear = first - second > 1e-4
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(labels[clear], mean.argmax(0)[clear])


def test_mirrored_views_are_averaged_by_hand(rng):
    model, picture = random_model(), noise(rng, 41, 34)
    mean = (probabilities(model, picture) + probabilities(model, picture[:, ::-1])[:, :, ::-1]) / 2
    found = predict(model, picture, mirror=True)
    agree(found, mean)
    assert found.dtype == np.uint8 and found.shape == (41, 34)
    assert (found != predict(model, picture)).any()
    np.testing.assert_array_equal(predict(model, picture[:, ::-1], mirror=True), found[:, ::-1])


def test_scaled_views_are_averaged_by_hand(rng):
    model, picture = random_model(), noise(rng, 40, 36)
    half = np.array(Image.fromarray(picture).resize((18, 20), Image.Resampling.BILINEAR))
    scores = model(Tensor(model.preprocessing(half))).data[0].astype(float)
    scores = np.stack([enlarged(one, 40, 36) for one in scores])
    small = np.exp(scores) / np.exp(scores).sum(0)
    agree(predict(model, picture, scales=(0.5,)), small)
    agree(predict(model, picture, scales=(1, 0.5)), (small + probabilities(model, picture)) / 2)


def test_every_view_has_the_size_it_should(rng, monkeypatch):
    sizes, forward = [], FCN.forward
    monkeypatch.setattr(FCN, "forward", lambda self, x: sizes.append(x.shape[2:]) or forward(self, x))
    model = random_model()
    sizes.clear()
    labels = predict(model, noise(rng, 10, 21), mirror=True, scales=(0.001, 0.5, 2))
    assert sizes == [(1, 1)] * 2 + [(5, 10)] * 2 + [(20, 42)] * 2
    assert labels.shape == (10, 21)
    sizes.clear()
    predict(model, noise(rng, 10, 21))
    assert sizes == [(10, 21)]


def test_probabilities_are_averaged_not_scores(rng, monkeypatch):
    # one view is sure of class 0 by 100, two are for class 1 by 3: the mean score is for 0, the mean probability for 1
    leads = iter([(100, 0, 0), (0, 3, 0), (0, 3, 0)])
    model = constant_model(ClassMap.own(NAMES), 2)
    monkeypatch.setattr(
        FCN, "forward", lambda self, x: Tensor(np.zeros((1, 3, *x.shape[2:])) + np.reshape(next(leads), (1, 3, 1, 1)))
    )
    assert (predict(model, noise(rng, 4, 5), scales=(1, 2, 3)) == 1).all()


def test_one_view_of_the_pictures_size_is_the_plain_prediction(rng):
    model, picture = random_model(), noise(rng, 30, 31)
    for same in (dict(scales=[1]), dict(scales=(1.0,), mirror=False), dict(scales=np.ones(1))):
        np.testing.assert_array_equal(predict(model, picture, **same), predict(model, picture))


def test_the_mode_is_restored_after_many_views(rng):
    model = random_model().train()
    model.backbone.drop6.p = 0.9
    first, second = (predict(model, noise(np.random.default_rng(1), 20, 20), mirror=True) for _ in range(2))
    np.testing.assert_array_equal(first, second)  # without dropout
    assert model.training


@pytest.mark.parametrize("scales", [(), (0,), (1, -1), (float("inf"),), (float("nan"), 1)])
def test_scales_that_are_none_are_refused(scales, rng):
    with pytest.raises(ValueError, match=r"predict: scales are .*; expected one or more, each above 0"):
        predict(random_model(), noise(rng, 4, 4), scales=scales)


@pytest.mark.parametrize("picture", [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused_for_many_views_too(picture):
    with pytest.raises(ValueError, match=r"predict: got .*; expected an RGB picture"):
        predict(random_model(), picture, mirror=True)


def show(worst, *accuracies):
    """Pictures of 10 pixels with that many right; None for one of void alone."""
    for number, right in enumerate(accuracies):
        matrix = np.zeros((2, 2), int) if right is None else np.array([[right, 10 - right], [0, 0]])
        worst(number, matrix, np.full((1, 1), number))
    return [(scored.number, scored.accuracy) for scored in worst.found]


def test_a_picture_is_not_enlarged_without_end(rng):
    """--size 100000 for --size 1000: the system killed the process, and nobody said why. What is large already is the caller's wish."""
    with pytest.raises(
        ValueError,
        match=r"a view of 75000x100000 \(height x width\) of a picture of 30x40; enlarged to more than 67,108,864 pixels",
    ):
        predict(random_model(), noise(rng, 30, 40), scales=(2500.0,))


def test_the_worst_pictures_are_kept_and_no_others():
    worst = Worst(3)
    assert show(worst, 5, 9, 0, 7, None, 4, 10) == [(2, 0.0), (5, 0.4), (0, 0.5)]
    assert [scored.prediction.item() for scored in worst.found] == [2, 5, 0]
    assert [scored.mean_iu for scored in worst.found] == [0, pytest.approx(0.2), pytest.approx(0.25)]


def test_of_equally_bad_pictures_the_first_are_kept():
    assert show(Worst(2), 5, 5, 8, 5) == [(0, 0.5), (1, 0.5)]
    assert show(Worst(9), 8, None, 3) == [(2, 0.3), (0, 0.8)]


def test_no_worst_pictures_is_refused():
    with pytest.raises(ValueError, match="Worst: count is 0; keep at least 1 picture"):
        Worst(0)


MANY = FCN("tiny", 32, 300, width=1)
GREY = FCN("tiny", 32, 3, width=1, in_channels=1)


@pytest.mark.parametrize(
    "call", [predict, predict_maps, lambda model, picture: evaluate(model, Pairs((picture, picture[..., 0])))]
)
def test_a_network_whose_answer_no_label_can_tell(call):
    """Class 256 as a byte would be class 0."""
    picture = np.zeros((8, 9, 3), np.uint8)
    with pytest.raises(ValueError, match=": the network has 300 classes, but labels are bytes of which 255 is void"):
        call(MANY, picture)
    with pytest.raises(ValueError, match=": the network takes 1 channel, and pictures have three"):
        call(GREY, picture)


@pytest.mark.parametrize("scales", [None, 2.0, "12", ("a",), (0,), ()])
def test_scales_that_are_none(scales):
    for call in (predict, predict_maps):
        with pytest.raises(ValueError, match=r"predict: scales are .*; expected one or more, each above 0"):
            call(random_model(), np.zeros((8, 9, 3), np.uint8), scales=scales)


def test_a_mask_is_not_lost():
    picture = np.ma.masked_array(np.zeros((8, 9, 3), np.uint8), True)
    for call in (predict, predict_maps):
        with pytest.raises(TypeError, match="predict: the picture is a masked array"):
            call(random_model(), picture)
        with pytest.raises(TypeError, match="predict: the picture is a masked array"):
            call(random_model(), picture, scales=(0.5, 1))


@pytest.mark.parametrize("labels", [np.zeros((8, 9)), np.zeros((8, 9), bool)])
def test_labels_that_are_no_class_numbers_are_not_scored(labels):
    with pytest.raises(TypeError, match=r"confusion: labels have dtype .*; expected integers"):
        evaluate(random_model(), Pairs((np.zeros((8, 9, 3), np.uint8), labels)))


def test_what_is_no_set_of_pictures():
    with pytest.raises(TypeError, match="evaluate: the data is a list, without picture, labels; expected a VOCFolder"):
        evaluate(random_model(), [1, 2])


@pytest.mark.parametrize(
    "known, size, scales, said",
    [
        (None, 1, (1.0,), ""),
        (256, 256, (1.0,), ""),
        (256, 64, (1.0,), ""),  # a quarter
        (256, 1024, (0.5, 1.0), ""),
        (256, 63, (1.0,), "shown a longer side of 63 pixels; it was trained on 256, and knows nothing so small"),
        (256, 256, (1.0, 0.001), "shown a longer side of 1 pixels; it was trained on 256, and knows nothing so small"),
        (256, 256, (5.0,), "shown a longer side of 1280 pixels; it was trained on 256, and knows nothing so large"),
    ],
)
def test_views_that_a_network_cannot_know(known, size, scales, said):
    found = strange_views(known, size, scales)
    assert (said in found) if said else found == ""
