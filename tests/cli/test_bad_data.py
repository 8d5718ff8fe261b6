"""minifcn train looks at every file before step 1: exit status 1, the file's name, and no run folder."""

import numpy as np
import pytest
from PIL import Image

from minifcn.data import read_labels, write_labels

from .conftest import ONE


def no_picture(copy):
    copy.picture("train_00003").unlink()
    return "train_00003.jpg"


def no_labels(copy):
    copy.labels("val_00001").unlink()
    return "val_00001.png"


def truncated(copy):
    path = copy.picture("train_00002")
    path.write_bytes(path.read_bytes()[:300])
    return "train_00002.jpg"


def half_a_jpeg(copy):
    path = copy.picture("train_00005")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    return "train_00005.jpg"


def no_jpeg(copy):
    copy.picture("val_00000").write_text("<html>404</html>")
    return "val_00000.jpg"


def empty_file(copy):
    copy.labels("train_00000").write_bytes(b"")
    return "train_00000.png"


def other_size(copy):
    write_labels(copy.labels("train_00001"), np.zeros((40, 47), np.uint8))
    return "train_00001.png"


def turned(copy):
    write_labels(copy.labels("train_00001"), np.zeros((48, 40), np.uint8))
    return "train_00001.png"


def unknown_value(copy):
    write_labels(copy.labels("val_00002"), np.full((40, 48), 9, np.uint8))
    return "val_00002.png"


def colours(copy):
    Image.new("RGB", (48, 40), (128, 0, 0)).save(copy.labels("train_00004"))
    return "train_00004.png"


def folder_for_a_picture(copy):
    copy.picture("train_00004").unlink()
    copy.picture("train_00004").mkdir()
    return "train_00004.jpg"


def no_split(copy):
    copy.split("val").unlink()
    return "val.txt"


def empty_split(copy):
    copy.split("train").write_text("\n \n")
    return "train.txt"


def name_twice(copy):
    copy.split("train").write_text("train_00000\ntrain_00000\n")
    return "train.txt"


def name_of_nothing(copy):
    copy.split("train").write_text(copy.split("train").read_text() + "train_99999\n")
    return "train_99999.jpg"


def binary_split(copy):
    copy.split("train").write_bytes(b"\xff\xfe\x00\x01")
    return "train.txt"


FAULTS = [
    no_picture, no_labels, truncated, half_a_jpeg, no_jpeg, empty_file, other_size, turned, unknown_value, colours,
    folder_for_a_picture, no_split, empty_split, name_twice, name_of_nothing, binary_split,
]  # fmt: skip


@pytest.mark.parametrize("damage", FAULTS, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("resume", ["", "--resume"])
def test_a_fault_stops_before_step_1(damage, resume, call, copy, tmp_path):
    name = damage(copy)
    answer = call(f"train --data {copy.root} {ONE} {resume} --out {tmp_path}/run").failed(name)
    assert "step 1" not in answer.out and len(answer.err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_without_size_the_fault_is_found_too(call, copy, tmp_path):
    name = truncated(copy)
    call(f"train --data {copy.root} --width 2 --steps 1 --out {tmp_path}/run").failed(name)
    assert not (tmp_path / "run").exists()


def test_several_faults_are_counted(call, copy, tmp_path):
    for damage in (no_picture, truncated, other_size):
        damage(copy)
    call(f"train --data {copy.root} {ONE} --out {tmp_path}/run").failed("train_00001.png", "3 of 6")


@pytest.mark.parametrize("what", ["missing", "file", "empty", "pictures"])
def test_data_that_is_no_voc_folder(what, call, copy, tmp_path):
    root = {"missing": tmp_path / "nowhere", "file": copy.split("val"), "pictures": copy.root / "JPEGImages"}.get(what)
    if root is None:
        root = tmp_path / "empty"
        root.mkdir()
    call(f"train --data {root} {ONE} --out {tmp_path}/run").failed(f"data {root}: ")
    assert not (tmp_path / "run").exists()


def test_a_split_that_is_not_there_says_which_are(call, small_set, tmp_path):
    for option in ("--train-split", "--val-split"):
        call(f"train --data {small_set} {ONE} {option} test --out {tmp_path}/run").failed(
            "test", "train, trainval, val"
        )
    assert not (tmp_path / "run").exists()


def test_a_folder_inside_an_archive_is_found(call, copy, tmp_path):
    (tmp_path / "archive" / "VOCdevkit").mkdir(parents=True)
    copy.root.rename(tmp_path / "archive" / "VOCdevkit" / "VOC2012")
    # the class names stand in VOC2012, so these are the classes of VOC: 0 to 8 fit
    answer = call(f"train --data {tmp_path}/archive {ONE} --out {tmp_path}/run").worked()
    assert "6 training pictures, 3 to score" in answer.out


def test_a_set_of_void_alone_has_no_scores_but_a_run(call, copy, tmp_path):
    for name in ("val_00000", "val_00001", "val_00002"):
        write_labels(copy.labels(name), np.full((40, 48), 255, np.uint8))
    call(f"train --data {copy.root} {ONE} --out {tmp_path}/run").worked()
    assert (tmp_path / "run" / "best.safetensors").exists() and (tmp_path / "run" / "report.html").exists()
    answer = call(f"eval {tmp_path}/run/best.safetensors --data {copy.root}").worked()
    assert "none" in answer.out


@pytest.mark.parametrize("options", ["", "--balance pictures"])
def test_labels_that_are_all_void_teach_nothing(options, call, copy, tmp_path):
    for path in (copy.root / "SegmentationClass").glob("train_*.png"):
        write_labels(path, np.full_like(read_labels(path), 255))
    answer = call(f"train --data {copy.root} {ONE} --out {tmp_path}/run {options}")
    answer.failed(
        "split train: every pixel of all 6 label files is void, so there is nothing to learn", "minifcn check-data"
    )
    assert not (tmp_path / "run").exists()


def test_classes_that_no_picture_shows_teach_nothing(call, own_set, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("sky\ngrass\nwall\nmoon\nsun\n")
    answer = call(f"train --data {own_set} --class-names {names} --classes moon,sun {ONE} --out {tmp_path}/run")
    answer.failed("is void, so there is nothing to learn", "--classes")
