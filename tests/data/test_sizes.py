"""What is found out about a training set before its first step."""

import numpy as np
import pytest

from minifcn.data.sizes import usual_size


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
