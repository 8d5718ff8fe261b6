"""Pictures that their EXIF tag turns on reading: told, and labels that were drawn on the stored pixels are turned on request, once."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from minifcn.data import ClassMap, DataError, VOCFolder, read_labels, write_labels
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.fixing import fix_turned, turn_labels
from minifcn.data.pixels.turned import UPRIGHT, as_stored, upright

from .folders import LABELS, PICTURES, SPLITS, write_folder

FOUR = ClassMap.own(["ground", "x", "y", "z"])


def tagged(path, orientation, height=6, width=8, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)).save(
        path, exif=exif, **options
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [(), (3,)])
def test_upright_as_pillow_turns(orientation, channels, tmp_path, rng):
    pixels = rng.integers(0, 256, (4, 7, *channels), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(upright(pixels, orientation), expected)
    np.testing.assert_array_equal(as_stored(expected, orientation), pixels)


def test_all_eight_are_there():
    assert sorted(UPRIGHT) == list(range(1, 9))


@pytest.fixture
def root(tmp_path):
    root = write_folder(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]})
    labels = np.zeros((6, 8), np.uint8)
    labels[:2, :3] = 2
    for name in "abc":
        write_labels(root / LABELS / f"{name}.png", labels)
    return root


def notes(root, kind, **options):
    return [each.message for each in DataFolder(root, **options).check(FOUR).warnings if each.kind == kind]


def test_no_tag_no_note(root):
    tagged(root / PICTURES / "a.png", 1)
    assert not notes(root, "turned") and not notes(root, "label tag")
    data = VOCFolder(root, "train", FOUR)
    data.check()
    assert data.picture_notes == []


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_one_sentence_for_all_that_are_turned(ending, root):
    for name, orientation in (("a", 3), ("c", 2)):
        (root / PICTURES / f"{name}.png").unlink()
        tagged(root / PICTURES / f"{name}.{ending}", orientation)
    (sentence,) = notes(root, "turned")
    assert sentence.startswith("2 of 3 pictures (a turned by 180 degrees, c mirrored left to right) have an EXIF tag")
    assert "labels must belong to the upright picture: look at them with --sheet" in sentence
    assert "2 of them do not tell by the size" in sentence and "--turn-labels all turns them, once" in sentence
    data = VOCFolder(root, "train", FOUR)
    data.check()
    (line,) = data.picture_notes
    assert line.startswith("train: 1 of 2 pictures has an EXIF tag") and "--sheet" in line


def test_square_pictures_cannot_tell_by_the_size(root):
    tagged(root / PICTURES / "a.png", 6, 8, 8)
    write_labels(root / LABELS / "a.png", np.zeros((8, 8), np.uint8))
    assert "1 of them does not tell by the size" in notes(root, "turned")[0]


def test_a_size_that_tells_is_not_doubted(root):
    tagged(root / PICTURES / "a.png", 6)
    write_labels(root / LABELS / "a.png", np.zeros((8, 6), np.uint8))
    (sentence,) = notes(root, "turned")
    assert "by the size" not in sentence and not DataFolder(root).check(FOUR).findings


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_labels_of_the_size_as_stored(orientation, root):
    tagged(root / PICTURES / "a.png", orientation)
    (finding,) = DataFolder(root).check(FOUR).findings
    assert finding.kind == "as stored" and finding.names == ("a",)
    assert (
        f"labels {root / LABELS / 'a.png'}: 6x8 (height x width), the size of the picture as stored" in finding.message
    )
    assert "to 8x6; minifcn check-data --fix --turn-labels sure" in finding.message


def test_labels_of_neither_size(root):
    tagged(root / PICTURES / "a.png", 6)
    write_labels(root / LABELS / "a.png", np.zeros((5, 5), np.uint8))
    (finding,) = DataFolder(root).check(FOUR).findings
    assert finding.kind == "sizes differ"


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_tag_of_a_label_file_is_told(ending, root):
    (root / LABELS / "a.png").unlink()
    exif = Image.Exif()
    exif[0x0112] = 4
    Image.fromarray(np.eye(6, 8, dtype=np.uint8)).save(root / LABELS / f"a.{ending}", exif=exif)
    (sentence,) = notes(root, "label tag")
    assert sentence.startswith(
        "1 label file has an EXIF tag of its own (a mirrored top to bottom): labels are read as stored"
    )


def fixed(root, how):
    data = DataFolder(root)
    report = data.check(FOUR)
    return report, *fix_turned(data, report, how)


def test_sure_turns_only_what_the_size_tells(root):
    tagged(root / PICTURES / "a.png", 6)
    tagged(root / PICTURES / "b.png", 3)
    before = {name: (root / LABELS / f"{name}.png").read_bytes() for name in "abc"}
    labels = read_labels(root / LABELS / "a.png")
    report, files, kept = fixed(root, "sure")
    assert files == [root / LABELS / "a.png"] and not kept and not report.findings
    np.testing.assert_array_equal(read_labels(root / LABELS / "a.png"), np.rot90(labels, -1))  # clockwise
    assert (root / "SegmentationClass_unturned" / "a.png").read_bytes() == before["a"]
    assert all((root / LABELS / f"{name}.png").read_bytes() == before[name] for name in "bc")
    assert not DataFolder(root).check(FOUR).findings


def test_all_turns_what_it_cannot_tell_too_and_only_once(root):
    tagged(root / PICTURES / "a.png", 6)
    tagged(root / PICTURES / "b.png", 3)
    labels = read_labels(root / LABELS / "b.png")
    assert fixed(root, "all")[1] == [root / LABELS / "a.png", root / LABELS / "b.png"]
    np.testing.assert_array_equal(read_labels(root / LABELS / "b.png"), labels[::-1, ::-1])
    _, files, kept = fixed(root, "all")
    assert (
        not files
        and len(kept) == 1
        and f"labels {root / LABELS / 'b.png'}: not turned, for it was turned before" in kept[0]
    )
    np.testing.assert_array_equal(read_labels(root / LABELS / "b.png"), labels[::-1, ::-1])


def test_labels_that_fit_the_upright_picture_are_never_turned(root):
    tagged(root / PICTURES / "a.png", 6)
    write_labels(root / LABELS / "a.png", np.zeros((8, 6), np.uint8))
    assert fixed(root, "all")[1] == []


def test_a_full_disk_leaves_the_labels_as_they_were(root, fill_disk):
    tagged(root / PICTURES / "a.png", 6)
    data = DataFolder(root)
    report = data.check(FOUR)
    before = (root / LABELS / "a.png").read_bytes()
    fill_disk()
    files, kept = fix_turned(data, report, "sure")
    assert not files and "a.png: not turned, it is as it was" in kept[0] and len(report.findings) == 1
    assert (root / LABELS / "a.png").read_bytes() == before


def test_colours_are_not_turned(root):
    Image.new("RGB", (8, 6), (128, 0, 0)).save(root / LABELS / "a.png")
    with pytest.raises(DataError, match=r"a\.png: mode RGB holds colours"):
        turn_labels(root / LABELS / "a.png", 6)
    assert not (root / "SegmentationClass_unturned").exists()


def test_splits_are_still_what_they_were(root):
    """The originals lie beside the labels, where no reader looks."""
    tagged(root / PICTURES / "a.png", 6)
    fixed(root, "sure")
    assert VOCFolder(root, "train", FOUR).check() == 96 and sorted(file.name for file in (root / SPLITS).iterdir()) == [
        "train.txt",
        "val.txt",
    ]
