"""Lists of pictures in the forms that people and tools write, and lists that the library writes."""

import unicodedata

import numpy as np
import pytest

from minifcn.data import ClassMap, DataError, VOCFolder, write_splits
from minifcn.data.check.checking import DataFolder

from .folders import LABELS, PICTURES, SPLITS, flat_picture, label_image, write_folder

ALL = ClassMap.voc()


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "data", {"val": ["a", "b c", "d.e", "f"]})


def listed(root, *lines, encoding="utf-8"):
    (root / SPLITS / "train.txt").write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return VOCFolder(root, "train", ALL)


def refused(root, *lines):
    """What is said of a list, by training and check-data alike, and once."""
    with pytest.raises(DataError) as caught:
        listed(root, *lines)
    said = [finding.message for finding in DataFolder(root, ["train"]).check(ALL).findings]
    assert [sentence for sentence in said if "train.txt" in sentence] == [str(caught.value)]
    return str(caught.value)


FORMS = {
    "names": "{}",
    "endings": "{}.jpg",
    "endings in capitals": "{}.PNG",
    "a path": "JPEGImages/{}.jpg",
    "a path from above": "data/JPEGImages/{}.jpg",
    "a path from the root": "/JPEGImages/{}.jpg",
    "a path from here": "./JPEGImages/{}.png",
    "a path without ending": "JPEGImages/{}",
    "a path of the labels": "SegmentationClass/{}.png",
    "a path out of the folder": "../other/{}.jpg",
    "two paths": "/JPEGImages/{0}.jpg /SegmentationClass/{0}.png",
    "two files and a comma": "{0}.jpg, {0}.png",
    "two names and a tab": "{0}.jpg\t{0}.png",
    "three paths": "JPEGImages/{0}.jpg SegmentationClass/{0}.png x/{0}.png",
    "of Windows": r"C:\data\JPEGImages\{0}.jpg C:\data\SegmentationClass\{0}.png",
    "in quotes": '"JPEGImages/{0}.jpg","SegmentationClass/{0}.png"',
    "two paths and a number": "JPEGImages/{0}.jpg SegmentationClass/{0}.png 3",
    "two files, commas and numbers": "{0}.jpg,{0}.png,3,1",
    "Oxford's pets": "{} 1 1 1",
    "VOC's Main": "{}  1",
    "and blanks": "   {}\t",
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(root, form):
    names = ["f", "b c", "a", "d.e"]
    dataset = listed(root, *(FORMS[form].format(name) for name in names))
    assert dataset.ids == names and dataset.check() > 0 and not dataset.notes
    data = DataFolder(root, ["train"])
    assert data.names == names and not data.check(ALL).findings


def test_another_unicode_form_is_the_same_name(root):
    for number, (picture, labels, line) in enumerate(
        (("NFC", "NFD", "NFC"), ("NFD", "NFC", "NFC"), ("NFC", "NFC", "NFD"))
    ):
        name = [unicodedata.normalize(form, f"caf\u00e9 {number}") for form in (picture, labels, line)]
        flat_picture().save(root / PICTURES / f"{name[0]}.png")
        label_image(np.zeros((6, 8))).save(root / LABELS / f"{name[1]}.png")
        assert listed(root, name[2]).check() == 48, (picture, labels, line)
        kinds = {finding.kind for finding in DataFolder(root, ["train"]).check(ALL).findings}
        assert not kinds & {"no picture", "no labels", "sizes differ"}


@pytest.mark.parametrize(
    "form",
    [
        "sub/{}",
        "sub/{}.png",
        "JPEGImages/sub/{}.png",
        r"sub\{}",
        "/JPEGImages/sub/{0}.png /SegmentationClass/sub/{0}.png",
    ],
)
def test_names_in_folders(root, form):
    for part in (PICTURES, LABELS):
        (root / part / "sub").mkdir()
    for number, name in enumerate(("a", "z")):  # a is in the folder above too
        flat_picture(6, 8, (90 + number, 0, 0)).save(root / PICTURES / "sub" / f"{name}.png")
        label_image(np.full((6, 8), 5 + number)).save(root / LABELS / "sub" / f"{name}.png")
    dataset = listed(root, form.format("a"), form.format("z"))
    assert dataset.ids == ["sub/a", "sub/z"] and dataset.picture(0)[0, 0, 0] == 90 and dataset.labels(1)[0, 0] == 6
    report = DataFolder(root).check(ALL)  # val lists what is not in the folder
    assert not report.findings and not [each for each in report.warnings if each.kind == "unused"]


def test_a_name_is_taken_whole_before_it_is_cut(root):
    for name in ("img", "img 1", "f.png", "f"):
        flat_picture().save(root / PICTURES / f"{name}.png")
    assert listed(root, "img 1", "f.png").ids == ["img 1", "f.png"]
    (root / PICTURES / "img.png").unlink()
    (root / PICTURES / "img 1.png").unlink()
    assert listed(root, "a", "img 1", "img 2").ids == ["a", "img 1", "img 2"]  # no such pictures: nothing is cut


def test_a_picture_that_is_not_there_is_called_by_its_name(root):
    assert listed(root, "a 1 1", "gone 1 1").ids == ["a", "gone"]
    assert listed(root, "JPEGImages/a.jpg", "/JPEGImages/gone.jpg /SegmentationClass/gone.png").ids == ["a", "gone"]


def test_a_word_behind_a_name_may_be_a_part_of_it(root):
    flat_picture().save(root / PICTURES / "my.png")
    assert listed(root, "a", "my photo").ids == ["a", "my photo"]  # and not my, which is there
    refused(root, "a cat", "f dog")


def test_comments_and_headings(root):
    assert listed(root, "a  # sunny", "f # rain").ids == ["a", "f"]
    assert listed(root, "# name class species", "a", "f").ids == ["a", "f"]
    assert listed(root, "image,label", "a.jpg,a.png", "f.jpg,f.png").ids == ["a", "f"]


def test_pictures_without_the_class_are_not_in_the_split(root):
    dataset = listed(root, "a -1", "b c  1", "f -1", "d.e  0")
    assert dataset.ids == ["b c", "d.e"]
    (note,) = dataset.notes
    assert "2 of 4 lines end in -1" in note and "train.txt" in note
    assert DataFolder(root, ["train"]).notes == [note]


def test_a_list_for_which_powershell_chose_the_letters(root):
    assert listed(root, "a", "f", encoding="utf-16").ids == ["a", "f"]


def test_one_sentence_a_list_where_no_line_is_understood(root):
    message = refused(root, "x/y.jpg 3.5 2", "x/z.jpg 2.5 2")
    path = root / SPLITS / "train.txt"
    expected = f"split {path}: none of its 2 lines names a picture in JPEGImages, line 1 is 'x/y.jpg 3.5 2'; "
    assert message == f"{expected}write a picture's name without ending a line, such as a"


def test_every_line_without_the_class(root):
    assert "every line ends in -1, VOC's mark for a picture without the class" in refused(root, "a -1", "f -1")


def test_labels_of_another_picture(root):
    message = refused(root, "JPEGImages/a.jpg SegmentationClass/a.png", "JPEGImages/f.jpg SegmentationClass/a.png")
    assert (
        "line 2: pairs JPEGImages/f.jpg with SegmentationClass/a.png" in message
        and "SegmentationClass/f.png" in message
    )


def test_two_lines_that_mean_one_picture(root):
    assert "line 2: a stands in line 1 too" in refused(root, "a", "JPEGImages/a.jpg")


def test_lists_are_written(root):
    (root / SPLITS / "val.txt").unlink()
    flat_picture().save(root / PICTURES / "bare.png")  # without labels
    assert write_splits(root, 0.3, seed=1) == (3, 1)
    names = [VOCFolder(root, split, ALL).ids for split in ("train", "val")]
    assert sorted(names[0] + names[1]) == ["a", "b c", "d.e", "f"] and names[0] == sorted(names[0])
    first = (root / SPLITS / "train.txt").read_bytes()
    with pytest.raises(DataError, match="there is one already"):
        write_splits(root)
    others = set()
    for seed in range(6):
        for split in ("train", "val"):
            (root / SPLITS / f"{split}.txt").unlink()
        write_splits(root, 0.3, seed)
        others.add((root / SPLITS / "val.txt").read_text())
        if seed == 1:
            assert (root / SPLITS / "train.txt").read_bytes() == first
    assert len(others) > 1


def test_lists_cannot_be_written(tmp_path, root):
    with pytest.raises(DataError, match="JPEGImages/ is missing"):
        write_splits(tmp_path)
    with pytest.raises(DataError, match="share 1"):
        write_splits(root, 1.0)
    alone = write_folder(tmp_path / "alone", {"x": ["a"]})
    with pytest.raises(DataError, match="1 pictures have labels"):
        write_splits(alone)
