"""What a network makes of classes that it does not know, counted pixel by pixel."""

import numpy as np
import pytest

from minifcn.data import VOC_CLASSES, ClassMap, VOCFolder, write_labels
from minifcn.training.scoring.other_classes import OtherClasses, together

from .helpers import write_set

NAMES = dict(enumerate(VOC_CLASSES))


@pytest.fixture
def folder(tmp_path, rng):
    """Three pictures with background, cat (8), bus (6), train (19) and void."""
    pairs = []
    for size in ((20, 30), (17, 9), (8, 8)):
        labels = rng.choice(np.array([0, 6, 8, 19, 255], np.uint8), size)
        pairs.append((rng.integers(0, 256, (*size, 3)).astype(np.uint8), labels))
    write_set(tmp_path, pairs, val=3)
    return tmp_path, [labels for _, labels in pairs]


@pytest.mark.parametrize("others", ["void", "background"])
def test_every_pixel_of_another_class_is_counted(others, folder, rng):
    root, _ = folder
    dataset = VOCFolder(root, "val", ClassMap.voc(["cat", "person"], others))
    counted = OtherClasses(dataset, NAMES)
    expected = {"bus": [0, 0, 0], "train": [0, 0, 0]}
    for number in range(len(dataset)):
        labels = dataset.numbers(number)
        prediction = rng.integers(0, 3, labels.shape).astype(np.uint8)
        counted(number, np.zeros((3, 3)), prediction)
        for value, taken in zip(labels.ravel(), prediction.ravel(), strict=True):
            if value in (6, 19):
                expected[VOC_CLASSES[value]][taken] += 1
    found = {each.name: each for each in counted.found()}
    assert found.keys() == expected.keys()
    for name, (background, cat, person) in expected.items():
        total = background + cat + person
        assert found[name].pixels == total
        assert found[name].taken_for == pytest.approx({"cat": cat / total, "person": person / total})
        assert found[name].wrong == pytest.approx((cat + person) / total)
    assert [each.wrong for each in counted.found()] == sorted((each.wrong for each in found.values()), reverse=True)
    whole, totals = together(counted.found()), np.sum(list(expected.values()), 0)
    assert whole.pixels == totals.sum() and whole.wrong == pytest.approx(totals[1:].sum() / totals.sum())


def test_nothing_is_said_where_all_classes_are_known_or_none_is_background(folder, rng):
    root, _ = folder
    for classes in (ClassMap.voc(), ClassMap.own(["sky", "earth"] + [f"c{i}" for i in range(19)], ["sky", "earth"])):
        counted = OtherClasses(dataset := VOCFolder(root, "val", classes), NAMES)
        counted(0, np.zeros((2, 2)), np.zeros(dataset.numbers(0).shape, np.uint8))
        assert counted.found() == []


def test_numbers_are_those_of_the_file(folder):
    root, _ = folder
    dataset = VOCFolder(root, "val", ClassMap.voc(["cat"]))
    write_labels(dataset.files(0)[1], wanted := np.array([[0, 6], [19, 255]], np.uint8))
    np.testing.assert_array_equal(dataset.numbers(0), wanted)
    np.testing.assert_array_equal(dataset.labels(0), [[0, 255], [255, 255]])


def test_a_number_that_nobody_named(folder):
    counted = OtherClasses(dataset := VOCFolder(folder[0], "val", ClassMap.voc(["cat"])), {})
    counted(0, np.zeros((2, 2)), np.ones(dataset.numbers(0).shape, np.uint8))
    assert {each.name for each in counted.found()} == {"number 6", "number 19"}
    assert all(each.wrong == 1 for each in counted.found())


def test_no_label_file_is_read_where_there_is_nothing_to_count(folder, monkeypatch):
    monkeypatch.setattr(VOCFolder, "numbers", lambda self, i: pytest.fail("read for nothing"))
    nothing = np.zeros((2, 2), np.uint8)
    OtherClasses(VOCFolder(folder[0], "val", ClassMap.voc()), NAMES)(0, nothing, nothing)
    with pytest.raises(pytest.fail.Exception):
        OtherClasses(VOCFolder(folder[0], "val", ClassMap.voc(["cat"])), NAMES)(0, nothing, nothing)
