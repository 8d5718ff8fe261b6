"""MATLAB's labelers: PixelLabelData."""

import numpy as np
from PIL import Image

from .builders import STEMS, build_matlab, photo, regions, save, text
from .helpers import same

MEANT = np.array([255, 0, 1], np.uint8)


def test_numbers_count_from_one_and_zero_is_void(tmp_path, imported):
    build_matlab(tmp_path / "source")
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["road", "sky"]
    assert answer.row("0")[:2] == ["0", "void"] and answer.row("1")[:3] == ["1", "0", "road"]
    answer.says("Label_1.png is a, the last one f", "its first name for number 1")


def test_without_a_list(tmp_path, imported):
    expected = build_matlab(tmp_path / "source")
    (tmp_path / "source/classes.txt").unlink()
    answer = imported(tmp_path / "source").worked()
    assert answer.classes == ["number 1", "number 2"]
    same(answer.labels, expected)
    answer = imported(tmp_path / "source", "--values 1=road,2=background", out="o2").worked()
    assert answer.classes == ["background", "road"]
    same(
        answer.labels,
        {
            name: np.array([1, 0, 255], np.uint8)[np.where(labels == 255, 2, labels)]
            for name, labels in expected.items()
        },
    )


def test_a_table_of_ids(tmp_path, imported):
    expected = build_matlab(tmp_path / "source")
    (tmp_path / "source/classes.txt").unlink()
    text(tmp_path / "source/PixelLabelData/classes.csv", "Name,ID", "road,1", "sky,2")
    same(imported(tmp_path / "source").worked().labels, expected)


def test_names_of_pictures_in_the_files(tmp_path, imported):
    """Newer ones say it: Label_1_NAME.png."""
    for seed, stem in enumerate(STEMS):
        save(photo(seed), tmp_path / f"pictures/{stem}_1.jpg")
        save(Image.fromarray(regions(seed)), tmp_path / f"source/PixelLabelData_1/Label_{6 - seed}_{stem}_1.png")
    imported(tmp_path / "source").failed("6 label files", "--pictures FOLDER")
    answer = imported(tmp_path / "source", f"--pictures {tmp_path / 'pictures'}").worked()
    same(answer.labels, {f"{stem}_1": MEANT[regions(seed)] for seed, stem in enumerate(STEMS)})


def test_the_last_export_counts(tmp_path, imported):
    expected = build_matlab(tmp_path / "source")
    for number in (1, 2, 10):
        for seed, _ in enumerate(STEMS):
            labels = regions(seed) if number == 10 else np.zeros((24, 32), np.uint8)
            save(Image.fromarray(labels), tmp_path / f"source/PixelLabelData_{number}/Label_{seed + 1}.png")
    answer = imported(tmp_path / "source").worked().says("PixelLabelData_10")
    same(answer.labels, expected)


def test_the_folder_of_labels_itself(tmp_path, imported):
    expected = build_matlab(tmp_path / "source")
    source = tmp_path / "source/PixelLabelData"
    imported(source).failed("say where their pictures are with --pictures FOLDER")
    imported(source, "--pictures nowhere").failed("--pictures nowhere", "no such folder")
    answer = imported(source, f"--pictures {tmp_path / 'source/images'} --values 1=road,2=sky").worked()
    same(answer.labels, expected)


def test_more_labels_than_pictures(tmp_path, imported):
    build_matlab(tmp_path / "source")
    (tmp_path / "source/images/f.jpg").unlink()
    imported(tmp_path / "source").worked().says("labels without a picture: 1 (Label_6)")


def test_pictures_that_nobody_labelled_keep_their_places(tmp_path, imported):
    """The number in a file's name is the picture's place, and some pictures have no file."""
    expected = build_matlab(tmp_path / "source")
    (tmp_path / "source/PixelLabelData/Label_2.png").unlink()
    answer = imported(tmp_path / "source").worked()
    same(answer.labels, {name: labels for name, labels in expected.items() if name != "b"})


def test_no_such_folder(tmp_path, imported):
    (tmp_path / "source").mkdir()
    imported(tmp_path / "source", "--format matlab").failed("no PixelLabelData/ with Label_1.png")
