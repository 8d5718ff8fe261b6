"""The confusion matrix, the scores and the band round boundaries, by loops and by hand."""

import json

import numpy as np
import pytest

from minifcn.training import confusion, scores
from minifcn.training.scoring.metrics import class_scores, near_boundary

FOUR = ("pixel_accuracy", "mean_accuracy", "mean_iu", "frequency_weighted_iu")


def by_loops(labels, predictions, classes):
    matrix = [[0] * classes for _ in range(classes)]
    for truth, predicted in zip(labels.flat, predictions.flat, strict=True):
        if truth != 255:
            matrix[truth][predicted] += 1
    return matrix


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
@pytest.mark.parametrize("shape, classes", [((1, 1), 2), ((7, 9), 3), ((2, 5, 4), 21), ((50,), 255), ((0, 4), 3)])
def test_confusion_equals_loops(shape, classes, dtype, rng):
    labels = rng.integers(0, classes, shape).astype(dtype)
    labels[rng.random(shape) < 0.3] = 255
    predictions = rng.integers(0, classes, shape).astype(dtype)
    matrix = confusion(labels, predictions, classes)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == by_loops(labels, predictions, classes)


def test_confusion_has_the_truth_in_rows():
    assert confusion(np.array([[0, 0, 1]]), np.array([[1, 1, 1]]), 2).tolist() == [[0, 2], [0, 1]]


def test_void_is_not_counted_whatever_is_predicted_there():
    assert confusion(np.array([255, 255, 1]), np.array([0, 1, 1]), 2).tolist() == [[0, 0], [0, 1]]
    assert confusion(np.array([255, 0]), np.array([255, 0]), 2).tolist() == [[1, 0], [0, 0]]


def test_many_uint8_pixels_do_not_overflow():
    labels = np.full((300, 300), 200, np.uint8)
    assert confusion(labels, labels, 201)[200, 200] == 90_000


@pytest.mark.parametrize(
    "labels, predictions, words",
    [
        ([[0, 1]], [[0], [1]], r"labels have shape \(1, 2\), predictions \(2, 1\)"),
        ([0, 3], [0, 0], "labels reach from 0 to 3; expected 0 to 2 or 255"),
        ([0, 0], [1, 7], "predictions reach from 1 to 7; expected 0 to 2"),
        ([-1, 0], [0, 0], "labels reach from -1 to 0"),
        ([0, 0], [-1, 0], "predictions reach from -1"),
        ([0, 0], [0, 255], "predictions reach from 0 to 255"),
    ],
)
def test_confusion_refuses(labels, predictions, words):
    with pytest.raises(ValueError, match=words):
        confusion(np.array(labels), np.array(predictions), 3)


def test_the_four_scores_by_hand():
    # truth has 10, 6 and 4 pixels; predicted are 9, 5 and 6; right are 8, 3 and 4
    result = scores(np.array([[8, 2, 0], [1, 3, 2], [0, 0, 4]]), ["a", "b", "c"])
    iu = {"a": 8 / 11, "b": 3 / 8, "c": 4 / 6}
    assert result["per_class"] == pytest.approx(iu, rel=1e-15)
    assert result["pixel_accuracy"] == pytest.approx(15 / 20, rel=1e-15)
    assert result["mean_accuracy"] == pytest.approx((8 / 10 + 3 / 6 + 4 / 4) / 3, rel=1e-15)
    assert result["mean_iu"] == pytest.approx((8 / 11 + 3 / 8 + 4 / 6) / 3, rel=1e-15)
    assert result["frequency_weighted_iu"] == pytest.approx((10 * 8 / 11 + 6 * 3 / 8 + 4 * 4 / 6) / 20, rel=1e-15)
    assert list(result) == [*FOUR, "per_class"]


def test_a_class_absent_from_both_sides_is_left_out():
    result = scores(np.array([[3, 0, 1], [0, 0, 0], [0, 0, 4]]), ["a", "absent", "c"])
    assert result["per_class"] == {"a": 3 / 4, "absent": None, "c": 4 / 5}
    assert result["mean_iu"] == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert result["mean_accuracy"] == pytest.approx((3 / 4 + 1) / 2)
    assert result["frequency_weighted_iu"] == pytest.approx((4 * 3 / 4 + 4 * 4 / 5) / 8)


def test_a_class_that_is_predicted_but_never_true_counts_as_0():
    result = scores(np.array([[6, 2], [0, 0]]), ["a", "never"])
    assert result["per_class"] == {"a": 6 / 8, "never": 0.0}
    assert result["mean_iu"] == pytest.approx(6 / 16)
    assert result["mean_accuracy"] == pytest.approx(6 / 8)  # it has no pixels that could be got right
    assert result["frequency_weighted_iu"] == pytest.approx(6 / 8)


def test_a_class_that_is_never_found_counts_as_0():
    result = scores(np.array([[4, 0], [4, 0]]), ["a", "missed"])
    assert result["per_class"] == {"a": 0.5, "missed": 0.0}
    assert (result["mean_iu"], result["mean_accuracy"], result["frequency_weighted_iu"]) == (0.25, 0.5, 0.25)


def test_perfect_and_all_wrong():
    perfect = scores(np.diag([5, 1]), ["a", "b"])
    assert [perfect[key] for key in FOUR] == [1, 1, 1, 1]
    wrong = scores(np.array([[0, 5], [1, 0]]), ["a", "b"])
    assert [wrong[key] for key in FOUR] == [0, 0, 0, 0]


def test_all_void_gives_none_everywhere():
    result = scores(confusion(np.full((3, 3), 255), np.zeros((3, 3), int), 2), ["a", "b"])
    assert [result[key] for key in FOUR] == [None] * 4
    assert result["per_class"] == {"a": None, "b": None}


def test_scores_are_plain_json_numbers():
    result = scores(np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), ("a", "b", "c"))
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_the_whole_set_is_not_the_mean_over_pictures():
    easy = confusion(np.zeros((1, 1), int), np.zeros((1, 1), int), 2)
    hard = confusion(np.array([[0] * 9 + [1] * 90]), np.zeros((1, 99), int), 2)
    whole = scores(easy + hard, ["a", "b"])
    assert whole["pixel_accuracy"] == pytest.approx(10 / 100)
    assert whole["mean_iu"] == pytest.approx((10 / 100 + 0) / 2)
    by_picture = [scores(matrix, ["a", "b"])["pixel_accuracy"] for matrix in (easy, hard)]
    assert np.mean(by_picture) == pytest.approx((1 + 9 / 99) / 2)


def test_the_scores_of_each_class_by_hand():
    # rows: 10, 6, 4 and 0 true pixels; columns: 9, 5, 5 and 1 predicted
    matrix = np.array([[7, 2, 0, 1], [2, 3, 1, 0], [0, 0, 4, 0], [0, 0, 0, 0]])
    a, b, c, never = class_scores(matrix, ["a", "b", "c", "never"])
    assert (a.name, a.iu, a.accuracy, a.precision, a.pixels) == ("a", 7 / 12, 7 / 10, 7 / 9, 10)
    assert a.taken_for == (("b", 2 / 10), ("never", 1 / 10))
    assert (b.iu, b.accuracy, b.precision, b.pixels) == (3 / 8, 3 / 6, 3 / 5, 6)
    assert b.taken_for == (("a", 2 / 6), ("c", 1 / 6))
    assert (c.iu, c.accuracy, c.precision, c.pixels, c.taken_for) == (4 / 5, 1, 4 / 5, 4, ())
    assert (never.iu, never.accuracy, never.precision, never.pixels, never.taken_for) == (0, None, 0, 0, ())


def test_a_class_on_neither_side_has_no_scores():
    absent = class_scores([[3, 0], [0, 0]], ["a", "absent"])[1]
    assert (absent.iu, absent.accuracy, absent.precision, absent.pixels) == (None, None, None, 0)


def test_only_the_two_greatest_confusions_are_named_the_first_of_equals_first():
    (score, *_) = class_scores([[9, 1, 3, 1, 3]] + [[0] * 5] * 4, list("abcde"))
    assert score.taken_for == (("c", 3 / 17), ("e", 3 / 17))


def test_class_scores_refuses_another_shape():
    with pytest.raises(
        ValueError, match=r"class_scores: matrix has shape \(2, 2\), but there are 3 names; give C by C"
    ):
        class_scores(np.eye(2, dtype=int), ["a", "b", "c"])


def near_by_loops(labels, width):
    height, length = labels.shape
    near = np.zeros(labels.shape, bool)
    for y in range(height):
        for x in range(length):
            for other_y in range(max(0, y - width), min(height, y + width + 1)):
                for other_x in range(max(0, x - width), min(length, x + width + 1)):
                    near[y, x] |= labels[other_y, other_x] != labels[y, x]
    return near


@pytest.mark.parametrize("width", [1, 2, 5, 50])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (12, 1), (3, 4), (23, 17)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_the_band_equals_loops(shape, width, dtype, rng):
    for blobs in range(4):
        labels = np.full(shape, 3, dtype)
        for _ in range(blobs):  # boxes, so that there is an interior too
            y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
            labels[y : y + rng.integers(1, 7), x : x + rng.integers(1, 7)] = rng.choice([0, 3, 20, 255])
        before = labels.copy()
        near = near_boundary(labels, width)
        assert near.dtype == bool and near.shape == shape
        np.testing.assert_array_equal(near, near_by_loops(labels, width))
        np.testing.assert_array_equal(labels, before)


def test_the_band_reaches_as_far_on_both_sides_and_void_is_a_boundary():
    labels = np.array([[1] * 6 + [2] * 6])
    assert near_boundary(labels, 2)[0].tolist() == [False] * 4 + [True] * 4 + [False] * 4
    labels[0, 5:7] = 255
    assert near_boundary(labels, 2)[0].tolist() == [False] * 3 + [True] * 6 + [False] * 3
    corner = np.zeros((8, 8), int)
    corner[0, 0] = 1
    assert np.argwhere(near_boundary(corner, 3)).max(0).tolist() == [3, 3] and near_boundary(corner, 3).sum() == 16


def test_the_band_is_five_pixels_wide_by_default_and_the_pictures_edge_is_none():
    assert near_boundary(np.arange(2).repeat(20)[None]).sum() == 10
    assert not near_boundary(np.full((9, 9), 4)).any()


@pytest.mark.parametrize(
    "labels, width, words",
    [
        (np.zeros((2, 3, 4)), 5, r"near_boundary: labels have shape \(2, 3, 4\); expected \(H, W\)"),
        (np.zeros((2, 3)), 0, "near_boundary: width is 0; expected at least 1 pixel"),
    ],
)
def test_near_boundary_refuses(labels, width, words):
    with pytest.raises(ValueError, match=words):
        near_boundary(labels, width)


ONES = np.ones(2, int)
UNFIT = {
    "fractions": (lambda: confusion(np.array([0.0, 1.7]), ONES, 2), TypeError, "confusion: labels have dtype float64; expected integers"),
    "predictions in fractions": (lambda: confusion(ONES, np.array([0.2, 0.9]), 2), TypeError, "confusion: predictions have dtype float64"),
    "masks": (lambda: confusion(ONES, ONES == 1, 2), TypeError, "confusion: predictions have dtype bool"),
    "a masked array": (lambda: confusion(np.ma.masked_array(ONES, [0, 1]), ONES, 2), TypeError, "confusion: labels is a masked array"),
    "more classes than a byte": (lambda: confusion(ONES, ONES, 256), ValueError, "confusion: classes is 256; expected an integer from 1 to 255"),
    "no class": (lambda: confusion(ONES, ONES, 0), ValueError, "confusion: classes is 0; expected"),
    "part of a class": (lambda: confusion(ONES, ONES, 2.0), ValueError, "confusion: classes is 2.0; expected"),
    "void predicted": (lambda: confusion(ONES, np.array([1, 255]), 2), ValueError, "predictions reach from 1 to 255; expected 0 to 1$"),
    "names": (lambda: scores(np.eye(2), ["a"]), ValueError, r"scores: matrix has shape \(2, 2\), but there are 1 names; give C by C"),
    "no square": (lambda: scores(np.ones((2, 3)), ["a", "b"]), ValueError, "scores: matrix has shape"),
    "below 0": (lambda: scores(-np.eye(2), ["a", "b"]), ValueError, "scores: matrix holds -1.0; expected how many pixels"),
    "no number": (lambda: class_scores(np.full((2, 2), np.nan), "ab"), ValueError, "class_scores: matrix holds nan"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_scored(case):
    call, error, message = case
    with pytest.raises(error, match=message):
        call()


def test_the_matrix_may_be_lists():
    assert scores([[3, 1], [0, 4]], ["a", "b"])["pixel_accuracy"] == 7 / 8


def test_two_classes_of_one_name_have_no_place_in_per_class():
    with pytest.raises(
        ValueError, match="scores: two classes are called 'cat', and per_class has one place for a name"
    ):
        scores(np.eye(3), ["sky", "cat", "cat"])
