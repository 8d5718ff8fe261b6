"""A name that there is not: the nearest is named, and nothing where none is like it."""

import pytest

from minifcn.names import did_you_mean, instead, nearest

OPTIONS = ["--help", "--data", "--classes", "--class-names", "--size", "--steps", "--seed", "--lr", "--no-mirror"]
OPERATIONS = ["relu", "conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d", "softmax_cross_entropy", "sub", "sum"]


@pytest.mark.parametrize(
    "name, names, found",
    [
        ("--stepz", OPTIONS, ["--steps"]),  # a letter
        ("-steps", OPTIONS, ["--steps"]),  # a dash too few
        ("--Steps", OPTIONS, ["--steps"]),  # a capital
        ("--step", OPTIONS, ["--steps"]),  # the beginning
        ("--class", OPTIONS, ["--classes", "--class-names"]),  # of two
        ("--class_names", OPTIONS, ["--class-names"]),
        ("--sede", OPTIONS, ["--seed"]),  # two letters exchanged
        ("--mirror", OPTIONS, ["--no-mirror"]),
        ("--learning-rate", OPTIONS, []),
        ("--", OPTIONS, []),
        ("", OPTIONS, []),
        ("conv", OPERATIONS, ["conv2d", "conv_transpose2d"]),
        ("conv3d", OPERATIONS, ["conv2d"]),
        ("MaxPool2d", OPERATIONS, ["max_pool2d"]),
        ("pool2d", OPERATIONS, ["max_pool2d", "avg_pool2d"]),
        ("entropy", OPERATIONS, ["softmax_cross_entropy"]),  # a part
        ("su", OPERATIONS, ["sub", "sum"]),
        ("sigmoid", OPERATIONS, []),
        ("anything", [], []),
    ],
)
def test_nearest(name, names, found):
    assert nearest(name, names) == found


def test_not_more_than_can_be_read():
    assert nearest("layer", [f"layer{number}" for number in range(20)]) == [f"layer{number}" for number in range(5)]


def test_words():
    assert did_you_mean("cta", ["cat", "dog"]) == ": did you mean cat?"
    assert did_you_mean("ca", ["cat", "car", "cap"]) == ": did you mean cat, car or cap?"
    assert did_you_mean("bird", ["cat", "dog"]) == ""
    assert instead("cta", ["cat", "dog"]) == ": did you mean cat? Choose one of cat, dog"
    assert instead("bird", iter(["cat", "dog"])) == "; choose one of cat, dog"
