"""What is found out about a training set before its first step."""

import numpy as np
import pytest

from minifcn.data.sizes import classes_a_picture, default_crop, usual_size, whole_crop


class Pictures:
    def __init__(self, sizes):
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def picture(self, number):
        return np.zeros((*self.sizes[number], 3), np.uint8)


@pytest.mark.parametrize(
    "sizes, wanted",
    [
        ([(30, 50)] * 4, 50),
        ([(50, 30), (20, 50), (50, 50)], 50),  # the longer side, lying or standing
        ([(30, 100)] * 9 + [(30, 40)], 100),  # nine of ten
        ([(30, 100)] * 8 + [(30, 40)] * 2, None),
        ([(30, 95), (30, 100), (30, 104)], 100),
        ([(30, 50), (30, 100)], None),
        ([(30, 100)] * 300 + [(30, 40)] * 299, None),  # those looked at are spread over the set
    ],
)
def test_usual_size(sizes, wanted):
    assert usual_size(Pictures(sizes)) == wanted


class Labelled(Pictures):
    def labels(self, number):
        return np.zeros(self.sizes[number], np.uint8)


@pytest.mark.parametrize(
    "sizes, wanted",
    [
        ([(192, 256)] * 3, 256),  # a quarter void
        ([(170, 256)] * 3, 240),  # at 256 more than a third would be
        ([(96, 128)] * 3, 128),
        ([(180, 240)], 240),
        ([(500, 375)] * 3, 256),  # never larger
        ([(96, 96), (176, 176)], 160),  # (96² + 160²) / 2 is 68 % of 160², and (96² + 176²) / 2 65 % of 176²
        ([(5, 9)], 16),
    ],
)
def test_a_crop_is_no_larger_than_the_pictures_warrant(sizes, wanted):
    side = default_crop(Labelled(sizes))
    assert side == wanted
    covered = np.mean([min(h, side) * min(w, side) for h, w in sizes]) / side**2
    assert covered >= 2 / 3 or side == 16


@pytest.mark.parametrize(
    "sizes, longer_side, wanted",
    [
        ([(180, 240)] * 3, None, (180, 240)),
        ([(375, 500)] * 3, None, (256, 256)),
        ([(375, 500)] * 3, 256, (192, 256)),
        ([(96, 64), (96, 128), (100, 176)], None, (96, 128)),
        ([(96, 128)] * 3, 256, (192, 256)),
    ],
)
def test_crops_that_show_most_pictures_whole(sizes, longer_side, wanted):
    assert whole_crop(Labelled(sizes), longer_side) == wanted


def test_crops_may_be_allowed_to_be_larger():
    assert whole_crop(Labelled([(180, 240)] * 3), 352, 352) == (264, 352)


def test_classes_a_picture_shows():
    class Shown(Labelled):
        def labels(self, number):
            return np.array([[0, 3, 3, 255], [0, 255, 7, 254]][number : number + 1], np.uint8)

    assert classes_a_picture(Shown([(1, 4)] * 2)) == (2 + 3) / 2
