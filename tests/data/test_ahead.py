"""The next one is loaded while the caller is at work on this one: in order, one ahead and no more."""

import threading
from contextlib import closing

import numpy as np
import pytest
from training.helpers import random_model

from minifcn.data import DataError
from minifcn.data.loader import ahead
from minifcn.training import evaluate


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_each_in_order(count):
    loaded = []
    with closing(ahead(lambda number: loaded.append(number) or 10 * number, count)) as found:
        for place, value in enumerate(found):
            assert value == 10 * place and max(loaded) <= place + 1
    assert loaded == list(range(count))


def test_the_next_is_loaded_meanwhile():
    second = threading.Event()

    def load(number):
        if number == 1:
            second.set()
        return threading.current_thread() is threading.main_thread()

    with closing(ahead(load, 2)) as found:
        assert next(found) is False
        assert second.wait(10)  # nobody has asked for it yet


def test_an_error_comes_when_its_turn_does_and_the_thread_ends():
    def load(number):
        if number == 2:
            raise DataError("broken")
        return number

    before, seen = threading.active_count(), []
    with pytest.raises(DataError, match="broken"), closing(ahead(load, 5)) as found:
        for value in found:
            seen.append(value)
    assert seen == [0, 1] and threading.active_count() <= before  # a loop before may have left one that is just ending


class Pairs:
    """Three pictures, of which the last cannot be read where it is `broken`."""

    def __init__(self, broken):
        rng = np.random.default_rng(0)
        self.pairs = [
            (rng.integers(0, 256, (20, 24, 3)).astype(np.uint8), rng.integers(0, 3, (20, 24)).astype(np.uint8))
            for _ in range(3)
        ]
        self.broken = broken

    def __len__(self):
        return 3

    def picture(self, i):
        if i == 2 and self.broken:
            raise DataError("picture 2: cannot be read")
        return self.pairs[i][0]

    def labels(self, i):
        return self.pairs[i][1]


def test_a_set_is_scored_picture_by_picture_and_up_to_a_broken_one():
    model, counted, matrices = random_model(), [], []
    whole = evaluate(
        model, Pairs(False), lambda: counted.append(1), seen=lambda number, matrix, _: matrices.append((number, matrix))
    )
    assert [number for number, _ in matrices] == [0, 1, 2] and len(counted) == 3
    assert sum(matrix for _, matrix in matrices).tolist() == whole["confusion"]
    numbers, before = [], threading.active_count()
    with pytest.raises(DataError, match="picture 2: cannot be read"):
        evaluate(model, Pairs(True), seen=lambda number, *_: numbers.append(number))
    assert numbers == [0, 1] and threading.active_count() <= before
