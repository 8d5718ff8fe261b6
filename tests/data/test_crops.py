"""Crops and mirrors, watched through pixels that tell where they come from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minifcn.data import VOID, DataError, random_crop, random_mirror

from .coded import FILL, coded_pair, label_of

few = settings(deadline=None, max_examples=60, derandomize=True, database=None)
sides = st.integers(1, 12)


@few
@given(sides, sides, sides, st.integers(0, 2**32 - 1))
def test_a_crop_is_one_piece_on_a_ground_of_fill_and_void(height, width, size, seed):
    picture, labels = coded_pair(height, width)
    before = picture.copy(), labels.copy()
    crop, crop_labels = random_crop(picture, labels, size, np.random.default_rng(seed), FILL)
    assert (crop.shape, crop_labels.shape) == ((size, size, 3), (size, size))
    assert crop.dtype == crop_labels.dtype == np.uint8
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(labels, before[1])

    inside = crop_labels != VOID
    rows, columns = np.nonzero(inside)
    top, left = rows.min(), columns.min()
    tall, wide = min(size, height), min(size, width)
    expected = np.zeros((size, size), bool)
    expected[top : top + tall, left : left + wide] = True
    np.testing.assert_array_equal(inside, expected)  # all of the picture that fits, in one rectangle
    piece = crop[inside].reshape(tall, wide, 3).astype(int)
    # neighbours in the crop were neighbours in the picture
    assert (piece[..., 0] == piece[0, 0, 0] + np.arange(tall)[:, None]).all()
    assert (piece[..., 1] == piece[0, 0, 1] + np.arange(wide)).all()
    np.testing.assert_array_equal(crop_labels[inside].reshape(tall, wide), label_of(piece[..., 0], piece[..., 1]))
    assert (crop[~inside] == FILL).all()


def corners(height, width, size, times=400):
    """(row, column) of the picture's corner seen from the crop's, for many crops."""
    picture, labels = coded_pair(height, width)
    found = []
    for seed in range(times):
        crop, crop_labels = random_crop(picture, labels, size, np.random.default_rng(seed), FILL)
        row, column = np.argwhere(crop_labels != VOID)[0]
        found.append((row - int(crop[row, column, 0]), column - int(crop[row, column, 1])))
    return found


@pytest.mark.parametrize(
    "height, width, size, rows, columns",
    [
        (6, 9, 4, range(-2, 1), range(-5, 1)),  # the crop moves in the picture
        (3, 2, 5, range(3), range(4)),  # the picture moves in the crop
        (7, 2, 4, range(-3, 1), range(3)),  # one of each
        (4, 4, 4, range(1), range(1)),
    ],
)
def test_every_place_is_as_likely_as_any_other(height, width, size, rows, columns):
    found = corners(height, width, size)
    places = {(row, column) for row in rows for column in columns}
    assert set(found) == places
    average = len(found) / len(places)
    for place in places:
        assert abs(found.count(place) - average) <= 4.5 * average**0.5


def test_the_generator_alone_decides():
    pair = coded_pair(9, 9)
    first, again, other = (random_crop(*pair, 3, np.random.default_rng(seed))[0] for seed in (5, 5, 6))
    assert (first == again).all() and (first != other).any()


def test_fill_is_black_unless_given():
    crop, labels = random_crop(*coded_pair(1, 1), 3, np.random.default_rng(0))
    assert (labels == VOID).sum() == 8 and not crop[labels == VOID].any()


def test_the_mirror_moves_picture_and_labels_together(rng):
    picture, labels = coded_pair(4, 5)
    mirrored = 0
    for _ in range(400):
        seen, seen_labels = random_mirror(picture, labels, rng)
        np.testing.assert_array_equal(seen_labels, label_of(seen[..., 0], seen[..., 1]))
        assert (seen[:, 0, 0] == np.arange(4)).all()  # rows stay
        assert seen[0, :, 1].tolist() in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0])
        mirrored += int(seen[0, 0, 1] == 4)
    assert 160 <= mirrored <= 240


ok, labels = coded_pair(4, 5)
EXPECTED = "crop: expected picture (H, W, 3) and labels (H, W), both uint8, got "
REFUSED = {
    "size": (ok, labels, 0, "random_crop: size is 0; it must be at least 1"),
    "sizes differ": (ok, labels.T, 3, EXPECTED + "uint8 (4, 5, 3) and uint8 (5, 4)"),
    "four channels": (np.zeros((4, 5, 4), np.uint8), labels, 3, EXPECTED + "uint8 (4, 5, 4) and uint8 (4, 5)"),
    "grey": (ok[..., 0], labels, 3, EXPECTED + "uint8 (4, 5) and uint8 (4, 5)"),
    "channels first": (ok.transpose(2, 0, 1), labels, 3, EXPECTED + "uint8 (3, 4, 5) and uint8 (4, 5)"),
    "labels with channels": (ok, labels[..., None], 3, EXPECTED + "uint8 (4, 5, 3) and uint8 (4, 5, 1)"),
    "picture from 0 to 1": (ok / 255, labels, 3, EXPECTED + "float64 (4, 5, 3) and uint8 (4, 5)"),
    "labels with -1": (ok, labels.astype(np.int64), 3, EXPECTED + "uint8 (4, 5, 3) and int64 (4, 5)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(rng, case):
    *arguments, message = REFUSED[case]
    with pytest.raises(DataError) as caught:
        random_crop(*arguments, rng)
    assert str(caught.value) == message
