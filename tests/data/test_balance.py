"""Balanced classes: rare ones come as often as common ones, still a function of seed and step alone."""

from collections import Counter

import numpy as np
import pytest

from minifcn.data import VOID, Batches, ClassMap, DataError, VOCFolder, write_labels
from minifcn.data.resized import Kept, Resized

from .folders import LABELS, write_folder


class Flat:
    """A data set of 4x4 pictures; the labels of picture i are those in row i, spread over its pixels."""

    def __init__(self, *rows):
        self.rows, self.read = rows, 0

    def __len__(self):
        return len(self.rows)

    def picture(self, i):
        return np.full((4, 4, 3), i, np.uint8)

    def labels(self, i):
        self.read += 1
        return np.resize(np.array(self.rows[i], np.uint8), (4, 4))


RARE = Flat(*[[0, 1]] * 40, [0, 2], *[[0]] * 9)  # class 2 stands in picture 40 alone, picture 41 to 49 in none but 0


def balanced(dataset, batch=4, seed=0, **options):
    return Batches(dataset, batch, 4, seed, balance="classes", **options)


def drawn(batches, count):
    """The first `count` pictures that a loop over `batches` would use."""
    steps = range(-(-count // batches.batch))
    return [index for step in steps for index in batches.indices(step)][:count]


@pytest.mark.parametrize("batch", [1, 3, 4, 7, 50])
def test_every_class_comes_once_a_round(batch):
    one_each = Flat(*[[1]] * 11, *[[4]] * 3, [6])  # a class a picture, so that the picture tells the class
    indices = drawn(balanced(one_each, batch), 3 * 30)
    classes = [one_each.rows[index][0] for index in indices]
    for start in range(0, 90, 3):
        assert sorted(classes[start : start + 3]) == [1, 4, 6]
    orders = {tuple(classes[start : start + 3]) for start in range(0, 90, 3)}
    assert len(orders) >= 5  # of 6: each round has an order of its own


def test_a_class_goes_through_its_pictures():
    one_each = Flat(*[[1]] * 7, *[[4]] * 3)
    counts = Counter(drawn(balanced(one_each), 2 * 21))
    assert [counts[index] for index in range(10)] == [3] * 7 + [7] * 3
    first = [index for index in drawn(balanced(one_each), 100) if index < 7]
    assert sorted(first[:7]) == sorted(first[7:14]) == list(range(7)) and first[:7] != first[7:14]


def test_a_rare_class_comes_as_often_as_any_other():
    plain, even = (Counter(drawn(Batches(RARE, 4, 4, 0, balance=kind), 300)) for kind in ("pictures", "classes"))
    assert plain[40] == 6  # 300 pictures are six epochs of 50
    assert 100 <= even[40] <= 103  # its turns, a third of all, and a few of the background's
    assert all(even[index] >= 1 for index in range(41, 50))  # which the background brings


def test_void_is_no_class_and_pictures_of_it_never_come():
    dataset = Flat([VOID], [VOID, 3], [VOID], [5])
    assert set(drawn(balanced(dataset), 40)) == {1, 3}


def test_it_depends_on_seed_and_step_alone():
    forward = [balanced(RARE, seed=5).indices(step) for step in range(8)]
    again = balanced(RARE, seed=5, threads=1)
    assert [again.indices(step) for step in (7, 0, 3, 3)] == [forward[step] for step in (7, 0, 3, 3)]
    assert [balanced(RARE, seed=6).indices(step) for step in range(8)] != forward
    # the pictures come one after the other, whatever the size of the batch
    assert drawn(balanced(RARE, 3, 5), 32) == [index for indices in forward for index in indices]


def test_batches_hold_the_pictures_that_indices_names():
    batches = balanced(RARE, mirror=False)
    for step, (pictures, labels) in enumerate(batches.iterate(0, 5)):
        assert pictures[:, 0, 0, 0].tolist() == batches.indices(step)
        assert np.array_equal(labels, [RARE.labels(index) for index in batches.indices(step)])


def test_labels_are_read_once_and_only_where_classes_are_balanced():
    dataset = Flat([0], [1], [0, 1])
    Batches(dataset, 1, 4, 0)
    assert dataset.read == 0
    drawn(balanced(dataset), 20)
    assert dataset.read == 3


def test_an_epoch_is_as_many_pictures_as_there_are():
    assert balanced(RARE, 8).steps_per_epoch == 7


def test_all_void_is_refused():
    with pytest.raises(DataError) as caught:
        balanced(Flat([VOID], [VOID]))
    assert str(caught.value) == (
        "batches: cannot balance classes, every pixel of every picture is void; check the classes"
    )


def test_a_broken_label_file_is_named(tmp_path):
    root = write_folder(tmp_path, {"train": ["a", "b", "c"]})
    bad = root / LABELS / "b.png"
    bad.write_text("no labels")
    with pytest.raises(DataError) as caught:
        balanced(VOCFolder(root, "train", ClassMap.voc()))
    assert str(caught.value) == (
        f"labels {bad}: cannot be read (not an image file that Pillow knows); replace the file"
    )


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("others", ["void", "background"])
def test_other_classes_in_the_background_have_a_turn(others, wrapped, tmp_path):
    """One picture of twelve shows a class that is left out. As background it has a turn as any class; as void it has none of its own."""
    root = write_folder(tmp_path, {"train": [f"p{i}" for i in range(12)]})
    for number in range(12):
        labels = np.zeros((4, 4), np.uint8)
        labels[0] = 6 if number == 3 else 8 if number % 2 else 0  # a bus, or a cat
        write_labels(root / LABELS / f"p{number}.png", labels)
    dataset = VOCFolder(root, "train", ClassMap.voc(["cat"], others))
    indices = drawn(balanced(Resized(dataset, 4) if wrapped else dataset), 300)
    said = [dataset.labels_and_others(i) for i in range(12)]
    assert [found for _, found in said] == [others == "background" and i == 3 for i in range(12)]
    for i, (labels, _) in enumerate(said):
        np.testing.assert_array_equal(labels, dataset.labels(i))
    share = Counter(indices)[3] / 300
    # of three groups the bus's alone holds nothing else; it also comes as one of twelve backgrounds
    expected = (1 / 3 + 1 / 12 / 3) if others == "background" else 1 / 12 / 2
    assert share == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("wrapper", [lambda dataset: dataset, Kept, lambda dataset: Resized(dataset, 6)])
def test_each_label_file_is_read_once(wrapper, tmp_path, monkeypatch):
    """With thousands of them a second look costs as much as the first. What is kept is what `labels` gives."""
    root = write_folder(tmp_path, {"train": [f"p{i}" for i in range(5)]})
    for number in range(5):
        write_labels(root / LABELS / f"p{number}.png", np.array([[0, 6, 8, 255]] * (number + 2), np.uint8))
    read, numbers = [], VOCFolder.numbers
    monkeypatch.setattr(VOCFolder, "numbers", lambda self, i: read.append(i) or numbers(self, i))
    dataset = wrapper(VOCFolder(root, "train", ClassMap.voc(["cat"], "background")))
    assert len(balanced(dataset)._by_class) == 3 and sorted(read) == [0, 1, 2, 3, 4]
    fresh = wrapper(VOCFolder(root, "train", ClassMap.voc(["cat"], "background")))
    for i in range(5):
        np.testing.assert_array_equal(dataset.labels(i), fresh.labels(i))


def test_a_dataset_of_ones_own_may_say_it_too():
    """NumPy's bool is as good as Python's."""
    flat = Flat(*[[0, 1]] * 9, [0])
    flat.labels_and_others = lambda i: (flat.labels(i), np.bool_(i == 9))
    assert Counter(drawn(balanced(flat), 300))[9] == pytest.approx(300 * (1 / 3 + 1 / 30), abs=4)


def test_all_classes_chosen_leave_none_in_the_background():
    assert ClassMap.voc(others="background").left_out == []
    assert ClassMap.voc(["cat", "dog"]).left_out == []
    chosen = ClassMap.own({0: "background", 2: "a", 3: "b", 5: "c"}, ["a"], "background", void=[3])
    assert chosen.left_out == [5]  # 1 and 4 are gaps, 3 is void
