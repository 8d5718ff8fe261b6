"""Folders in the layout of VOC: where they are found, what a split lists, and which faults `check` names."""

import time

import numpy as np
import pytest
from PIL import Image

from minifcn.data import ClassMap, DataError, VOCFolder

from .folders import LABELS, PICTURES, SPLITS, flat_picture, label_image, write_folder

ALL = ClassMap.voc()


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "data", {"train": ["a", "b", "c", "d"], "val": ["e", "f"]})


def refused(call, *arguments, **options):
    with pytest.raises(DataError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def test_ids_pictures_and_labels(root):
    dataset = VOCFolder(root, "train", ALL)
    assert dataset.ids == ["a", "b", "c", "d"] and len(dataset) == 4
    assert dataset.split == "train" and dataset.class_map is ALL
    picture, labels = dataset.picture(2), dataset.labels(2)
    assert picture.shape == (6, 8, 3) and picture.dtype == np.uint8 and (picture == (2, 0, 0)).all()
    assert labels.shape == (6, 8) and labels.dtype == np.uint8 and (labels == 2).all()
    assert VOCFolder(str(root), "val", ALL).ids == ["e", "f"]


def test_the_class_map_is_applied(root):
    dataset = VOCFolder(root, "train", ClassMap.voc(["boat", "bicycle"]))  # 4 and 2
    assert [int(dataset.labels(i)[0, 0]) for i in range(4)] == [0, 255, 2, 255]


def test_void_pixels_stay_void(root):
    numbers = np.array([[0, 255, 3]], np.uint8)
    label_image(numbers).save(root / LABELS / "a.png")
    assert VOCFolder(root, "train", ALL).labels(0).tolist() == numbers.tolist()
    mapped = VOCFolder(root, "train", ClassMap.voc(["bird"], others="background"))
    assert mapped.labels(0).tolist() == [[0, 255, 1]]


def test_the_order_of_the_split_file_stays(root):
    (root / SPLITS / "mixed.txt").write_text("d\na\nf\nb\n")
    dataset = VOCFolder(root, "mixed", ALL)
    assert dataset.ids == ["d", "a", "f", "b"]
    assert [int(dataset.picture(i)[0, 0, 0]) for i in range(4)] == [3, 0, 5, 1]


def test_blank_lines_spaces_and_marks_in_a_split(root):
    (root / SPLITS / "odd.txt").write_bytes(b"\xef\xbb\xbfa \r\n\r\n  b\r\n\n")
    assert VOCFolder(root, "odd", ALL).ids == ["a", "b"]


@pytest.mark.parametrize("limit, expected", [(1, ["a"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c", "d"])])
def test_limit(root, limit, expected):
    dataset = VOCFolder(root, "train", ALL, limit=limit)
    assert dataset.ids == expected and len(dataset) == len(expected)


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_1(root, limit):
    message = refused(VOCFolder, root, "train", ALL, limit)
    assert message == f"train: limit is {limit}; keep at least 1 picture"


@pytest.mark.parametrize("place", ["VOCdevkit/VOC2012", "VOC2012", "VOC2007", "TrainVal/VOCdevkit/VOC2011"])
def test_layouts_of_the_archives(tmp_path, place):
    folder = write_folder(tmp_path / place, {"train": ["a"]})
    dataset = VOCFolder(tmp_path, "train", ALL)
    assert dataset.folder == folder and dataset.picture(0).shape == (6, 8, 3)


def test_of_several_years_the_latest_that_has_the_split(tmp_path):
    write_folder(tmp_path / "VOC2007", {"train": ["a"], "test": ["t"]})
    write_folder(tmp_path / "VOCdevkit/VOC2012", {"train": ["b"]})
    write_folder(tmp_path / "VOC2010", {"train": ["c"], "test": ["u"]})
    assert VOCFolder(tmp_path, "train", ALL).ids == ["b"]
    assert VOCFolder(tmp_path, "test", ALL).ids == ["u"]
    missing = tmp_path / "VOCdevkit/VOC2012" / SPLITS / "val.txt"
    message = refused(VOCFolder, tmp_path, "val", ALL)
    assert (
        message
        == f"split 'val': there is no file {missing}; the splits in this folder are: train; write it, a name a line, or name another split"
    )


def test_the_folder_itself_goes_before_those_below_it(tmp_path):
    write_folder(tmp_path, {"train": ["own"]})
    write_folder(tmp_path / "VOC2012", {"train": ["below"]})
    assert VOCFolder(tmp_path, "train", ALL).ids == ["own"]


def test_a_year_without_labels_is_passed_over(tmp_path):
    whole = write_folder(tmp_path / "VOC2007", {"train": ["a"]})
    (tmp_path / "VOC2012" / PICTURES).mkdir(parents=True)
    assert VOCFolder(tmp_path, "train", ALL).folder == whole


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".png", ".JPG", ".PNG"])
def test_endings(root, ending):
    (root / PICTURES / "a.png").unlink()
    flat_picture(5, 9, (200, 200, 200)).save(root / PICTURES / f"a{ending}")
    picture = VOCFolder(root, "train", ALL).picture(0)
    assert picture.shape == (5, 9, 3) and abs(int(picture[0, 0, 0]) - 200) < 4


def test_jpg_goes_before_png(root):
    flat_picture(5, 9).save(root / PICTURES / "a.jpg")
    assert VOCFolder(root, "train", ALL).picture(0).shape == (5, 9, 3)


def test_labels_end_in_png_of_any_case(root):
    (root / LABELS / "a.png").rename(root / LABELS / "a.PNG")
    assert VOCFolder(root, "train", ALL).labels(0).shape == (6, 8)


def test_no_folder(tmp_path):
    assert refused(VOCFolder, tmp_path / "x", "train", ALL) == f"data {tmp_path / 'x'}: there is no such folder"


def test_a_missing_split_lists_the_others(root):
    path = root / SPLITS / "trainaug.txt"
    message = refused(VOCFolder, root, "trainaug", ALL)
    assert message == (
        f"split 'trainaug': there is no file {path}: did you mean train? The splits in this folder are: train, val; write it, a name a line, or name another split"
    )
    for file in (root / SPLITS).iterdir():
        file.unlink()
    message = refused(VOCFolder, root, "trainaug", ALL)
    start = (
        f"split 'trainaug': there is no file {path}; the splits in this folder are: none. This line writes the lists: "
    )
    assert message.startswith(f'{start}python -c "from minifcn.data import write_splits; write_splits({str(root)!r})"')


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_split(root, content):
    path = root / SPLITS / "none.txt"
    path.write_text(content)
    assert refused(VOCFolder, root, "none", ALL) == f"split {path}: no picture names in it; write one a line"


def test_a_picture_listed_twice(root):
    path = root / SPLITS / "twice.txt"
    path.write_text("a\nb\n\nc\n b\n")
    message = refused(VOCFolder, root, "twice", ALL, limit=2)
    assert message == f"split {path}, line 5: b stands in line 2 too; list it once"


def test_a_split_that_is_no_text(root):
    path = root / SPLITS / "bytes.txt"
    path.write_bytes(b"a\n\xff\xfe\n")
    message = refused(VOCFolder, root, "bytes", ALL)
    assert message == f"split {path}: cannot be read (not UTF-8 text); write one picture name a line"


def test_check_of_a_sound_folder_counts_every_pair(root):
    calls = []
    VOCFolder(root, "train", ALL).check(lambda: calls.append(1))
    assert len(calls) == 4
    VOCFolder(root, "val", ALL).check()


def no_picture(root, name):
    (root / PICTURES / f"{name}.png").unlink()
    path = root / PICTURES / name
    return (
        f"picture {path}.jpg: there is no such file, nor {name} with another ending of pictures that are read beside it"
    )


def no_labels(root, name):
    path = root / LABELS / f"{name}.png"
    path.unlink()
    return f"labels {path}: there is no such file"


def broken_picture(root, name):
    path = root / PICTURES / f"{name}.png"
    path.write_text("no picture")
    return f"picture {path}: cannot be read (not an image file that Pillow knows); replace the file"


def broken_labels(root, name):
    path = root / LABELS / f"{name}.png"
    path.write_text("no labels")
    return f"labels {path}: cannot be read (not an image file that Pillow knows); replace the file"


def coloured_labels(root, name):
    path = root / LABELS / f"{name}.png"
    flat_picture(colour=(9, 99, 200)).save(path)
    return (
        f"labels {path}: mode RGB holds colours, not one class number (0 to 255) a pixel; "
        "save the class numbers as a palette PNG, for example with minifcn.data.write_labels, or see what minifcn check-data can make of it"
    )


def unknown_value(root, name):
    path = root / LABELS / f"{name}.png"
    label_image(np.full((6, 8), 21)).save(path)
    return (
        f"labels {path}: label value 21 stands in 48 pixels, but the classes are 0 to 20 and 255 for void; "
        "name this class, write its number into void.txt if it is nobody's, or correct the file"
    )


def of_size(root, name, height, width, to_do):
    """Labels of a size that is not their picture's, and what is said of them."""
    path = root / LABELS / f"{name}.png"
    label_image(np.zeros((height, width))).save(path)
    return (
        f"labels {path}: {height}x{width} (height x width), but the picture {name}.png, upright, is 6x8; both must have the same size: "
        f"{to_do}"
    )


def other_size(root, name):
    to_do = "height and width are exchanged, as if one of the two had been turned: turn the labels as the picture is"
    return of_size(root, name, 8, 6, to_do)


def half_size(root, name):
    to_do = "they are 0.5 times as large: resize them by nearest neighbour, which makes no new numbers, or give the pictures that they were drawn on"
    return of_size(root, name, 3, 4, to_do)


def cut_size(root, name):
    return of_size(root, name, 6, 5, "give the picture that they were drawn on, neither cut nor stretched")


FAULTS = [
    no_picture,
    no_labels,
    broken_picture,
    broken_labels,
    coloured_labels,
    unknown_value,
    other_size,
    half_size,
    cut_size,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_check_names_the_fault_the_file_and_the_count(root, fault):
    message = fault(root, "c")
    calls = []
    dataset = VOCFolder(root, "train", ALL)
    assert refused(dataset.check, lambda: calls.append(1)) == f"{message} (split train: 1 of 4 pairs are bad)"
    assert len(calls) == 4
    VOCFolder(root, "val", ALL).check()
    VOCFolder(root, "train", ALL, limit=2).check()


@pytest.mark.parametrize("fault", FAULTS)
def test_check_sees_what_happened_after_the_folder_was_listed(root, fault):
    dataset = VOCFolder(root, "train", ALL)
    message = fault(root, "a")
    if fault is no_picture:  # it was there, so this one file is missed, no other ending is looked for
        message = f"picture {root / PICTURES / 'a.png'}: there is no such file"
    assert refused(dataset.check) == f"{message} (split train: 1 of 4 pairs are bad)"


def test_labels_that_came_after_the_folder_was_listed(root):
    (root / LABELS / "a.png").unlink()
    dataset = VOCFolder(root, "train", ALL)
    message = other_size(root, "a")
    assert refused(dataset.check) == f"{message} (split train: 1 of 4 pairs are bad)"


def test_check_reports_the_first_in_split_order(root):
    """Even where a later one is found earlier."""
    (root / SPLITS / "mixed.txt").write_text("e\nd\na\nb\n")
    message = other_size(root, "d")
    no_labels(root, "a")
    no_picture(root, "b")

    class Slow(VOCFolder):
        def picture(self, i):
            time.sleep(0.05 if i == 1 else 0)
            return super().picture(i)

    assert refused(Slow(root, "mixed", ALL).check) == f"{message} (split mixed: 3 of 4 pairs are bad)"


def test_check_compares_with_the_upright_picture(root):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    flat_picture(8, 6).save(root / PICTURES / "a.png", exif=exif)
    dataset = VOCFolder(root, "train", ALL)
    assert dataset.picture(0).shape == (6, 8, 3)
    dataset.check()
