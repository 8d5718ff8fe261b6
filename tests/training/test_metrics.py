"""The confusion matrix and the four scores, by loops and by hand."""

import json

import numpy as np
import pytest

from minifcn.training import confusion, scores

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
