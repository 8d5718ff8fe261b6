"""Upper bounds by coarse labels: against plain loops, by hand, and what is refused."""

from collections import Counter

import numpy as np
import pytest

from minifcn.data import make_synthetic, read_labels
from minifcn.training.scoring.upper_bounds import WAYS, coarse, upper_bound, upper_bounds


def blobs(rng, shape, classes):
    labels = np.zeros(shape, np.uint8)
    for _ in range(8):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        labels[y : y + rng.integers(1, 12), x : x + rng.integers(1, 12)] = rng.choice([*range(classes), 255])
    return labels


def block_label_by_loops(labels, top, left, factor, way):
    bottom, right = min(top + factor, labels.shape[0]), min(left + factor, labels.shape[1])
    if way == "nearest":
        return int(labels[(top + bottom) // 2, (left + right) // 2])
    votes = Counter(int(labels[y, x]) for y in range(top, bottom) for x in range(left, right))
    votes.pop(255, None)
    return min(votes, key=lambda label: (-votes[label], label)) if votes else 255


def mean_iu_by_loops(maps, factor, classes, way):
    correct, union = [0] * classes, [0] * classes
    right = total = 0
    for labels in maps:
        for y in range(labels.shape[0]):
            for x in range(labels.shape[1]):
                truth = int(labels[y, x])
                if truth == 255:
                    continue
                found = block_label_by_loops(labels, y - y % factor, x - x % factor, factor, way)
                total += 1
                right += found == truth
                correct[truth] += found == truth
                union[truth] += 1
                if found not in (truth, 255):
                    union[found] += 1
    ratios = [c / u for c, u in zip(correct, union, strict=True) if u]
    return sum(ratios) / len(ratios), right / total


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 7, 16, 50])
def test_bounds_equal_plain_loops(factor, way, rng):
    maps = [blobs(rng, shape, 5) for shape in ((20, 26), (17, 9), (1, 30), (24, 24), (5, 1))]
    found = upper_bound(maps, factor, 5, way)
    assert found == pytest.approx(mean_iu_by_loops(maps, factor, 5, way), rel=1e-13)


@pytest.mark.parametrize("way", WAYS)
def test_bounds_of_the_synthetic_set_equal_plain_loops_and_fall_with_the_factor(way, tmp_path):
    root = make_synthetic(tmp_path / "set", 1, 3, (48, 64))
    maps = [read_labels(path) for path in sorted((root / "SegmentationClass").glob("val_*.png"))]
    found = upper_bounds(iter(maps), [16, 8, 4, 2, 1], 9, way)
    for factor, bound in found.items():
        assert bound == pytest.approx(mean_iu_by_loops(maps, factor, 9, way), rel=1e-13)
    rising = [bound.mean_iu for bound in found.values()]
    assert rising == sorted(rising) and rising[-1] == 1 and rising[0] < 0.8


def test_coarse_by_hand():
    labels = np.array([[1, 1, 2], [1, 2, 2], [255, 3, 255]], np.uint8)
    assert coarse(labels, 2).tolist() == [[1, 2], [3, 255]]
    assert coarse(labels, 2, "nearest").tolist() == [[2, 2], [3, 255]]
    assert coarse(labels, 3, "nearest").tolist() == [[2]] and coarse(labels, 9).tolist() == [[1]]  # 1 and 2 are equals
    assert coarse(labels, 3).dtype == coarse(labels, 3, "nearest").dtype == np.uint8


def test_factor_1_is_perfect_and_void_that_comes_back_is_missed():
    labels = np.array([[0, 0, 255, 1, 1, 1]], np.uint8)
    assert upper_bound([labels], 1, 3, "nearest") == upper_bound([labels], 1, 3) == (1, 1)
    # blocks 0 0 v | 1 1 1: the middle of the first is 0; blocks of 4, 0 0 v 1 | 1 1: its middle is void, and 0, 0 and 1 are missed
    assert upper_bound([labels], 3, 2, "nearest") == (1, 1)
    assert upper_bound([labels], 4, 2, "nearest") == pytest.approx(((0 / 2 + 2 / 3) / 2, 2 / 5))
    assert upper_bound([labels], 4, 2) == pytest.approx(((2 / 3 + 2 / 3) / 2, 4 / 5))


def test_void_alone_has_no_score():
    assert upper_bound([np.full((4, 4), 255, np.uint8)], 2, 3) == (None, None)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: coarse(np.zeros((2, 2, 2), np.uint8), 2), r"coarse: labels are uint8 \(2, 2, 2\); expected a label map"),
        (lambda: coarse(np.zeros((2, 2)), 2), r"coarse: labels are float64 \(2, 2\); expected a label map, uint8 \(H, W\)"),
        (lambda: coarse(np.zeros((0, 2), np.uint8), 2), r"coarse: labels are uint8 \(0, 2\); .*, not empty"),
        (lambda: coarse(np.zeros((2, 2), np.uint8), 0), "coarse: factor is 0; expected an integer of at least 1"),
        (lambda: coarse(np.zeros((2, 2), np.uint8), 1.5), "coarse: factor is 1.5; expected an integer of at least 1"),
        (lambda: coarse(np.zeros((2, 2), np.uint8), 2, "cubic"), "coarse: way is 'cubic'; choose one of nearest, majority"),
        (lambda: upper_bound([np.full((2, 2), 3, np.uint8)], 2, 3), "upper_bounds: labels reach 3; expected 0 to 2, or 255"),
    ],
)  # fmt: skip
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()
