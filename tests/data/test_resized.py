"""Pictures and labels that are made once and kept, as they are or resized."""

import numpy as np
import pytest
from PIL import Image

from minifcn.data import resized
from minifcn.data.resized import Kept, Resized


class Noise:
    """Pictures of several sizes; counts how often each is read."""

    sizes = ((30, 50), (50, 30), (7, 100))

    def __init__(self):
        self.read = []

    def __len__(self):
        return len(self.sizes)

    def picture(self, i):
        self.read.append(("picture", i))
        return np.random.default_rng(i).integers(0, 256, (*self.sizes[i], 3)).astype(np.uint8)

    def labels(self, i):
        self.read.append(("labels", i))
        return np.random.default_rng(i).choice([0, 1, 255], self.sizes[i]).astype(np.uint8)


def test_the_longer_side_is_what_was_asked_for_and_labels_never_mix():
    noise, shapes = Noise(), [(60, 100), (100, 60), (7, 100)]
    larger = Resized(noise, 100)
    assert len(larger) == 3
    for i, (height, width) in enumerate(shapes):
        picture, labels = larger.picture(i), larger.labels(i)
        assert picture.shape == (height, width, 3) and labels.shape == (height, width)
        assert set(np.unique(labels)) <= {0, 1, 255}
        expected = Image.fromarray(noise.picture(i)).resize((width, height), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(picture, np.asarray(expected))


def test_a_label_is_that_of_the_nearest_pixel():
    noise = Noise()
    labels, found = noise.labels(0), Resized(noise, 100).labels(0)
    for y, x in ((0, 0), (59, 99), (31, 7)):
        assert found[y, x] == labels[y // 2, x // 2]


def test_what_was_resized_is_kept_while_there_is_room(monkeypatch):
    noise = Noise()
    monkeypatch.setattr(resized, "KEPT_BYTES", 20_000)  # the first picture, 18,000 bytes, and no second one
    larger = Resized(noise, 100)
    first = larger.picture(0)
    for _ in range(3):
        np.testing.assert_array_equal(larger.picture(0), first)
        larger.picture(1)
    assert noise.read == [("picture", 0), *[("picture", 1)] * 3]


def test_what_was_decoded_is_kept_while_there_is_room():
    noise = Noise()
    kept = Kept(noise, 6_100)  # a picture of 4500 bytes, labels of 1500, and no second picture of as much
    assert len(kept) == 3
    for _ in range(2):
        for i in (0, 1):
            np.testing.assert_array_equal(kept.picture(i), Noise().picture(i))
        np.testing.assert_array_equal(kept.labels(0), Noise().labels(0))
    assert noise.read == [("picture", 0), ("picture", 1), ("labels", 0), ("picture", 1)]


def test_nobody_can_write_into_what_is_kept():
    kept = Kept(Noise())
    for array in (kept.picture(0), kept.labels(0)):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
