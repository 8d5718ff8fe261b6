"""A folder in which no VOC folder is found: the message says which part is missing and what lies there instead."""

import os
import shutil

import pytest

from minifcn.data import ClassMap, DataError, VOCFolder
from minifcn.data.check.checking import DataFolder
from minifcn.data.layout import instead_of_file

from .folders import LABELS, PICTURES, SPLITS, write_folder

SAYS = {
    PICTURES: "JPEGImages/ (the pictures)",
    LABELS: "SegmentationClass/ (the labels, a PNG of class numbers a picture)",
    SPLITS: "ImageSets/Segmentation/ (train.txt and val.txt, a picture's name without ending a line)",
}


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "mydata", {"train": ["a", "b"], "val": ["c"]})


def refused(folder):
    """What is said of `folder`, by whoever opens it: training and check-data alike."""
    messages = set()
    for opened in (lambda: VOCFolder(folder, "train", ClassMap.voc()), lambda: DataFolder(folder)):
        with pytest.raises(DataError) as caught:
            opened()
        messages.add(str(caught.value))
    (message,) = messages
    return message


@pytest.mark.parametrize(
    "part, there",
    [
        (PICTURES, "SegmentationClass/, ImageSets/Segmentation/, masks/, notes.txt"),
        (LABELS, "JPEGImages/, ImageSets/Segmentation/, masks/, notes.txt"),
        ("ImageSets", "JPEGImages/, SegmentationClass/, masks/, notes.txt"),
    ],
)
def test_one_part_is_missing(root, part, there):
    shutil.rmtree(root / part)
    (root / "masks").mkdir()
    (root / "notes.txt").touch()
    says = SAYS.get(part, SAYS[SPLITS])
    way = f"What another tool or a public set wrote becomes such a folder with: minifcn import {root} --out ROOT"
    if part == "ImageSets":
        line = f"""python -c "from minifcn.data import write_splits; write_splits({str(root)!r})\""""
        way = f"This line writes the lists: {line}; so does, into a new folder, minifcn import {root} --out ROOT --split 0.2"
    assert refused(root) == f"data {root}: {says} is missing; there is {there}. {way}"


def test_two_parts_are_missing(root):
    shutil.rmtree(root / LABELS)
    shutil.rmtree(root / "ImageSets")
    assert refused(root) == f"data {root}: {SAYS[LABELS]} and {SAYS[SPLITS]} are missing; there is JPEGImages/"


def test_the_lists_lie_one_folder_too_high(root):
    for file in (root / SPLITS).iterdir():
        shutil.move(file, root / "ImageSets")
    (root / SPLITS).rmdir()
    assert refused(root) == (
        f"data {root}: {SAYS[SPLITS]} is missing; in {root / 'ImageSets'} there is train.txt, val.txt: "
        "move the lists into ImageSets/Segmentation"
    )


def test_no_list_is_there_yet(root):
    shutil.rmtree(root / SPLITS)
    assert "This line writes the lists: python -c" in refused(root) and "move the lists" not in refused(root)


def test_a_part_is_nearly_named(root):
    (root / LABELS).rename(root / "SegmentationClasses")
    expected = f"{SAYS[LABELS]} is missing; there is SegmentationClasses/, and if that is meant, rename it to {LABELS}"
    assert refused(root) == f"data {root}: {expected}"


def test_object_numbers_are_not_offered_as_classes(root):
    (root / LABELS).rename(root / "SegmentationObject")
    assert "rename" not in refused(root) and "SegmentationObject/" in refused(root)


def test_a_part_that_is_a_file(root):
    shutil.rmtree(root / LABELS)
    (root / LABELS).touch()
    assert refused(root) == f"data {root}: {SAYS[LABELS]} is missing; {root / LABELS} is there, but is no folder"


def test_the_fullest_of_several_places_is_spoken_of(root, tmp_path):
    (tmp_path / PICTURES).mkdir()  # one part here, two in a year's folder
    root.rename(tmp_path / "VOC2012")
    shutil.rmtree(tmp_path / "VOC2012" / LABELS)
    assert refused(tmp_path).startswith(f"data {tmp_path / 'VOC2012'}: {SAYS[LABELS]} is missing")


def test_the_folder_above_or_below_was_meant(root, tmp_path):
    parts = "the parts JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/ lie in"
    assert refused(tmp_path) == f"data {tmp_path}: {parts} {root}; give that folder"
    assert refused(root / PICTURES) == f"data {root / PICTURES}: {parts} {root}; give that folder"
    assert refused(root / SPLITS) == f"data {root / SPLITS}: {parts} {root}; give that folder"


def test_nothing_is_there(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    none = f"data {folder}: none of JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/ is in it"
    looked = f"Looked in {folder / 'VOCdevkit/VOC20xx'}, "
    assert refused(folder).startswith(f"{none}; the folder is empty. {looked}")
    for number in range(10):
        (folder / f"{number}.jpg").touch()
    shown = ", ".join(f"{number}.jpg" for number in range(8))
    assert refused(folder).startswith(f"{none}; there is {shown} and 2 more. {looked}")


def test_a_file_is_no_folder(tmp_path):
    archive = tmp_path / "VOCtrainval.tar"
    archive.touch()
    assert refused(archive) == (
        f"data {archive}: this is a file; give the folder that holds JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/"
    )


def near(root, name, *files, pictures=()):
    """What is said of the labels `name` where `files` lie among them."""
    for part, there in ((LABELS, files), (PICTURES, pictures)):
        for file in there:
            (root / part / file).parent.mkdir(exist_ok=True)
            (root / part / file).touch()
    return instead_of_file(root, LABELS, name)


@pytest.mark.parametrize(
    "files, said",
    [
        (["x_mask.png"], ", only x_mask.png; drop _mask from the names in SegmentationClass/"),
        (["x-gt.png"], ", only x-gt.png; drop -gt from the names in SegmentationClass/"),
        (["x_2.png"], ""),  # another picture's
        (["x.001.png"], ""),
        (["xy.png"], ""),
        (["y_mask.png"], ""),
        (["x.tga"], "; x.tga is of another kind; minifcn reads PNG: save it as one"),
    ],
)
def test_what_lies_there_instead_of_labels(root, files, said):
    assert near(root, "x", *files) == said


def test_labels_that_another_picture_has_are_not_offered(root):
    assert near(root, "cat", "cat_black.png", pictures=["cat_black.jpg"]) == ""


def test_labels_in_a_folder_of_the_folder(root):
    assert near(root, "sub/x", "sub/x_mask.png") == ", only x_mask.png; drop _mask from the names in SegmentationClass/"
    assert near(root, "none/x") == ""


def test_a_file_that_came_later_is_seen(root):
    assert near(root, "x") == ""
    os.utime(root / LABELS, ns=(0, 0))
    assert near(root, "x", "x_mask.png") != ""


def test_a_listed_name_longer_than_any_disk_takes_is_no_error_of_the_system(tmp_path):
    from minifcn.data.layout import instead_of_file

    for part in ("JPEGImages", "SegmentationClass", "elsewhere"):
        (tmp_path / part).mkdir()
    assert instead_of_file(tmp_path, "SegmentationClass", "x" * 5000) == ""
    assert instead_of_file(tmp_path, "SegmentationClass", f"{'x' * 5000}/a") == ""
