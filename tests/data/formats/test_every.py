"""What holds for every format: recognised by itself, the right pixels, the source as it was, and the golden picture."""

from pathlib import Path

import numpy as np
import pytest

from minifcn.data import VOCFolder, read_class_names
from minifcn.data.classes import ClassMap
from minifcn.data.formats.masks import mode_of
from minifcn.data.formats.registry import recognise

from .builders import BUILDERS, TOOLS, sheet
from .drawing import opened
from .helpers import digest, same
from .imported import same_labels
from .other_fields import FIELDS
from .public_sets import PUBLIC_SETS

GOLDEN = Path(__file__).parent / "golden"


def looked_at(name, labels):
    """What the golden picture of a set shows: all of its labels, or those of the first picture."""
    if name in TOOLS:
        return sheet(labels)
    return next(iter(labels.values())) if name in {**PUBLIC_SETS, **FIELDS} else np.hstack(list(labels.values()))


@pytest.mark.parametrize("name", BUILDERS)
def test_the_golden_picture(name, place, bring):
    """What was written is what comes out; and the labels are as they were on the day that somebody looked at them."""
    expected = BUILDERS[name](place)
    labels = bring().worked().labels
    same_labels(labels, expected)
    golden = opened(GOLDEN / f"{name}.png")
    assert golden.mode == "P"
    np.testing.assert_array_equal(looked_at(name, labels), np.asarray(golden))


@pytest.mark.parametrize("name", TOOLS)
def test_a_set_becomes_what_it_means(name, tmp_path, imported):
    source = tmp_path / "source"
    expected = TOOLS[name](source)
    before = digest(source)
    answer = imported(source).worked().says(f"taken for {name} (")
    same(answer.labels, expected)
    assert digest(source) == before
    assert [each.name for each, _ in recognise(source)[1]] == [name]


@pytest.mark.parametrize("name", TOOLS)
def test_what_is_written_is_a_folder_to_train_on(name, tmp_path, imported):
    TOOLS[name](tmp_path / "source")
    answer = imported(tmp_path / "source").worked()
    names = read_class_names(answer.root / "class_names.txt")
    for split in ("train", "val"):
        folder = VOCFolder(answer.root, split, ClassMap.own(names))
        assert folder.check() > 0
    assert all(mode_of(path) == "P" for path in (answer.root / "SegmentationClass").iterdir())
    assert sum(map(len, answer.splits.values())) == len(answer.labels) == answer.record["pictures"]
