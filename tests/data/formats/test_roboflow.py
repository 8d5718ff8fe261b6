"""Roboflow's "Semantic Segmentation Masks"."""

import pytest
from PIL import Image

from .builders import build_roboflow, photo, regions, save, text
from .helpers import same


def test_splits_and_names(tmp_path, imported):
    expected = build_roboflow(tmp_path / "source")
    answer = (
        imported(tmp_path / "source")
        .worked()
        .says("test/_classes.csv, train/_classes.csv, valid/_classes.csv is there")
    )
    assert answer.classes == ["background", "leaf", "stem"]
    names = sorted(expected)
    assert answer.splits == {"train": names[:3], "val": names[3:5], "test": names[5:]}


def test_one_folder_alone(tmp_path, imported):
    expected = build_roboflow(tmp_path / "source")
    answer = imported(tmp_path / "source/train").worked().says("taken for roboflow")
    same(answer.labels, {name: labels for name, labels in expected.items() if name[0] in "abc"})
    assert sorted(answer.splits) == ["train", "val"]


def test_names_that_two_splits_share(tmp_path, imported):
    for split in ("train", "valid"):
        text(tmp_path / f"source/{split}/_classes.csv", "Pixel Value, Class", "0, background", "1, leaf", "2, stem")
        save(photo(), tmp_path / f"source/{split}/a.jpg")
        save(Image.fromarray(regions()), tmp_path / f"source/{split}/a_mask.png")
    assert imported(tmp_path / "source").worked().splits == {"train": ["train__a"], "val": ["valid__a"]}


def test_a_picture_whose_name_ends_as_masks_do(tmp_path, imported):
    expected = build_roboflow(tmp_path / "source")
    save(photo(), tmp_path / "source/train/gas_mask.png")
    save(Image.fromarray(regions(3)), tmp_path / "source/train/gas_mask_mask.png")
    same(imported(tmp_path / "source").worked().labels, expected | {"gas_mask": regions(3)})


def test_what_has_no_partner(tmp_path, imported):
    build_roboflow(tmp_path / "source")
    save(photo(), tmp_path / "source/train/g.jpg")
    save(Image.fromarray(regions()), tmp_path / "source/valid/h_mask.png")
    imported(tmp_path / "source").worked().says(
        "pictures without a mask: 1 (train/g)", "masks without a picture: 1 (valid/h)"
    )


def test_a_number_that_the_table_has_not(tmp_path, imported):
    build_roboflow(tmp_path / "source")
    for split in ("train", "valid", "test"):
        text(tmp_path / f"source/{split}/_classes.csv", "Pixel Value, Class", "0, background", "1, leaf")
    imported(tmp_path / "source").failed("1 numbers in", "list: 2")


def test_tables_that_differ(tmp_path, imported):
    build_roboflow(tmp_path / "source")
    text(tmp_path / "source/valid/_classes.csv", "Pixel Value, Class", "0, background", "2, leaf", "1, stem")
    imported(tmp_path / "source").failed("valid/_classes.csv", "test/_classes.csv", "one export")


def test_other_tables_of_theirs_are_not_taken_for_it(tmp_path, imported):
    """The classification export has _classes.csv of tags."""
    save(photo(), tmp_path / "source/train/a.jpg")
    save(photo(), tmp_path / "source/train/b.jpg")
    text(tmp_path / "source/train/_classes.csv", "filename, cat, dog", "a.jpg, 1, 0")
    imported(tmp_path / "source").failed("of no format that is known here")
    imported(tmp_path / "source", "--format roboflow").failed("_classes.csv", "heading")


def test_no_table(tmp_path, imported):
    (tmp_path / "source").mkdir()
    imported(tmp_path / "source", "--format roboflow").failed("no _classes.csv in it")


@pytest.mark.parametrize("void", ["void", "Void", "__ignore__"])
def test_a_class_called_void(void, tmp_path, imported):
    expected = build_roboflow(tmp_path / "source")
    for split in ("train", "valid", "test"):
        text(tmp_path / f"source/{split}/_classes.csv", "Pixel Value, Class", "0, background", f"1, {void}", "2, stem")
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["background", "stem"]
    for name, labels in expected.items():
        assert ((answer.labels[name] == 255) == (labels == 1)).all()
