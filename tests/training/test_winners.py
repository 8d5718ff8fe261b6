"""Which class is ahead, found without the softmax of all: to the pixel what the softmax says. Here that is worked out in full, the way it was before."""

import numpy as np
import pytest
from PIL import Image

from minifcn.training.scoring import winners as module
from minifcn.training.scoring.winners import CLOSE, ahead_somewhere, averaged, leading, least, resized, window, winners


def in_full(views, size, rows):
    """The class with the largest mean probability: every class of every view resized and through the softmax."""
    height, width = size
    total = np.zeros((len(views[0]), rows.stop - rows.start, width), np.float32)
    for view in views:
        box = (0, rows.start * view.shape[1] / height, view.shape[2], rows.stop * view.shape[1] / height)
        maps = [Image.fromarray(np.ascontiguousarray(one, np.float32)) for one in view]
        scores = np.stack(
            [np.asarray(one.resize((width, rows.stop - rows.start), Image.Resampling.BILINEAR, box)) for one in maps]
        )
        powers = np.exp(scores - scores.max(0))
        total += powers / powers.sum(0)
    return (total / np.float32(len(views))).argmax(0)


def blobs(rng, classes, h, w, sharp=4.0):
    """Scores as networks have them: smooth, some classes ahead in places, others nowhere."""
    coarse = rng.normal(0, sharp, (classes, h // 6 + 2, w // 6 + 2)).astype(np.float32)
    coarse[rng.random(classes) < 0.5] -= 3 * sharp
    return np.stack([np.asarray(Image.fromarray(one).resize((w, h), Image.Resampling.BICUBIC)) for one in coarse])


SIZES = [
    ((24, 32), (47, 62)),
    ((24, 32), (24, 32)),
    ((40, 30), (17, 19)),
    ((5, 7), (300, 200)),
    ((30, 31), (31, 30)),
    ((1, 1), (9, 4)),
    ((9, 4), (1, 1)),
    ((60, 8), (7, 90)),
]


@pytest.mark.parametrize("before, after", SIZES)
@pytest.mark.parametrize("classes", [1, 2, 7, 21])
def test_as_the_softmax_in_full(before, after, classes, rng):
    for sharp in (0.01, 4.0, 200.0):
        views = [blobs(rng, classes, *before, sharp)]
        np.testing.assert_array_equal(
            winners(views, after, slice(0, after[0])), in_full(views, after, slice(0, after[0]))
        )
        noise = [rng.normal(0, sharp, (classes, *before)).astype(np.float32)]
        np.testing.assert_array_equal(
            winners(noise, after, slice(0, after[0])), in_full(noise, after, slice(0, after[0]))
        )


def test_some_rows_of_it(rng):
    views = [blobs(rng, 7, 24, 32)]
    for rows in (slice(0, 5), slice(5, 6), slice(17, 47)):
        np.testing.assert_array_equal(winners(views, (47, 62), rows), in_full(views, (47, 62), rows))


def test_several_views_and_double_precision(rng):
    views = [blobs(rng, 5, 24, 32), blobs(rng, 5, 30, 40)]
    np.testing.assert_array_equal(winners(views, (47, 62), slice(0, 47)), in_full(views, (47, 62), slice(0, 47)))
    exact = [rng.normal(0, 1, (5, 12, 9))]
    np.testing.assert_array_equal(winners(exact, (20, 20), slice(0, 20)), in_full(exact, (20, 20), slice(0, 20)))


@pytest.mark.parametrize("gap", [0.0, 1e-8, 6e-8, 1.2e-7, 1e-6, 1e-5])
def test_classes_so_close_that_their_probabilities_are_one_number(gap, rng):
    """The softmax then says the first of them, though another has the larger score: a largest score alone would be wrong."""
    scores = np.full((3, 8, 8), -5, np.float32)
    scores[0] = rng.normal(0, 0.05, (8, 8))
    scores[1] = np.float32(scores[0] + np.float32(gap))
    views, size = [scores], (8, 8)
    expected = in_full(views, size, slice(0, 8))
    np.testing.assert_array_equal(winners(views, size, slice(0, 8)), expected)
    if gap == 6e-8:
        assert (expected != scores.argmax(0)).any()


def test_without_the_look_at_close_ones_it_would_be_wrong(rng, monkeypatch):
    monkeypatch.setattr(module, "CLOSE", -1.0)
    scores = np.zeros((2, 8, 8), np.float32)
    scores[1] = np.nextafter(np.float32(0), np.float32(1))
    assert (winners([scores], (8, 8), slice(0, 8)) != in_full([scores], (8, 8), slice(0, 8))).any()


def test_a_class_that_is_ahead_only_between_two_others():
    """At 0 the first class is far ahead, at 1 the second, and in between a third that is ahead at neither."""
    scores = np.array([[[10, -10]], [[-10, 10]], [[4, 4]], [[-11, -11]]], np.float32)
    assert ahead_somewhere(scores, (1, 20)) == [0, 1, 2]
    found = winners([scores], (1, 20), slice(0, 1))
    assert set(found.ravel().tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(found, in_full([scores], (1, 20), slice(0, 1)))


def test_what_is_behind_everywhere_is_not_resized(rng, monkeypatch):
    scores = blobs(rng, 21, 24, 32)
    scores[3:] -= 1000
    counted = []
    real = module.resized_map
    monkeypatch.setattr(module, "resized_map", lambda *arguments: counted.append(1) or real(*arguments))
    np.testing.assert_array_equal(winners([scores], (47, 62), slice(0, 47)), in_full([scores], (47, 62), slice(0, 47)))
    assert len(counted) <= 3


@pytest.mark.parametrize("before, after", [(10, 10), (10, 23), (10, 11), (10, 7), (100, 13), (3, 1), (1, 50)])
def test_no_number_is_made_of_more_than_a_window(before, after):
    """Each neighbour in turn: which results it moves, and so of how many a result is made."""
    reached = np.zeros(after, int)
    for place in range(before):
        line = np.zeros((1, before), np.float32)
        line[0, place] = 1
        moved = np.asarray(Image.fromarray(line).resize((after, 1), Image.Resampling.BILINEAR))[0]
        reached += moved > 1e-6
    assert reached.max() <= window(before, after)


def test_the_least_of_each_window(rng):
    values = rng.normal(0, 1, (9, 11))
    for rows, columns in ((1, 1), (2, 3), (4, 5), (9, 11)):
        expected = [
            [values[r : r + rows, c : c + columns].min() for c in range(12 - columns)] for r in range(10 - rows)
        ]
        np.testing.assert_array_equal(least(values, (rows, columns)), expected)


def test_who_leads_and_by_how_much():
    first, lead = leading(iter(np.array([[[1, 5, 2]], [[3, 5, 2]], [[2, 0, 9]]], np.float32)))
    assert first.tolist() == [[1, 0, 2]] and lead.tolist() == [[1, 0, 7]] and first.dtype == np.uint8
    first, lead = leading([np.zeros((2, 2), np.float32)])
    assert not first.any() and np.isinf(lead).all()


def test_the_mean_of_the_softmax(rng):
    view = rng.normal(0, 1, (4, 6, 5)).astype(np.float32)
    exact = np.exp(view.astype(np.float64)) / np.exp(view.astype(np.float64)).sum(0)
    np.testing.assert_allclose(averaged([view, view], (6, 5), slice(0, 6)), exact, atol=1e-6)
    np.testing.assert_array_equal(resized(view, (6, 5), slice(0, 6)), view)
    assert 10 * np.finfo(np.float32).eps < CLOSE
