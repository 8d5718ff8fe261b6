"""A data folder looked at as a whole: each thing that can be wrong is found, named and told apart; labels of colours converted."""

import threading

import numpy as np
import pytest
from PIL import Image

from minifcn.data import ClassMap, DataError, colour_map, read_labels, write_labels
from minifcn.data.check import recolour, replacing
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.fixing import fix_colours
from minifcn.data.check.overlap import must_differ
from minifcn.data.check.recolour import convert_colours

from .folders import LABELS, PICTURES, SPLITS, flat_picture, label_image, numbered, write_folder

ALL = ClassMap.voc()
# from the table of the VOC development kit's colours
COLOURS = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 15: (192, 128, 128), 255: (224, 224, 192)}


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "data", {"train": ["a", "b", "c", "d"], "val": ["e", "f"], "trainval": [*"abcdef"]})


def check(root, splits=None, classes=ALL):
    return DataFolder(root, splits).check(classes)


def only(report):
    """The one finding of a report."""
    assert len(report.findings) == 1, [finding.message for finding in report.findings]
    return report.findings[0]


def warnings(report, kind):
    return [finding for finding in report.warnings if finding.kind == kind]


def write_split(root, split, *lines):
    (root / SPLITS / f"{split}.txt").write_text("".join(f"{line}\n" for line in lines))


def coloured(numbers, mode="RGB"):
    """Labels as a picture of their colours."""
    pixels = [[COLOURS[number] for number in row] for row in numbers]
    return Image.fromarray(np.array(pixels, np.uint8)).convert(mode)


NUMBERS = [[0, 1, 1, 255, 0, 0, 0, 2]] * 6  # of the size of the folder's pictures


def test_a_sound_folder(root):
    report = check(root)
    assert not report.findings
    assert [finding.kind for finding in report.warnings] == ["never shown", "one class each"]
    assert list(report.summaries) == ["train", "trainval", "val"] and list(report.pairs) == [*"abcdef"]


def test_figures(root):
    flat_picture(20, 10).save(root / PICTURES / "b.png")
    Image.new("L", (30, 5)).save(root / PICTURES / "c.png")
    label_image([[0, 255, 3, 3]] * 10).save(root / LABELS / "b.png")
    summary = check(root).summaries["train"]
    assert summary.listed == 4 and summary.heights == (5, 20) and summary.widths == (8, 30)
    assert summary.modes == {"RGB": 3, "L": 1} and summary.label_modes == {"P": 4}
    # a, c and d hold their own number in 6x8 pixels, b 0 and 255 in ten and 3 in twenty
    assert summary.pixels == {0: 58, 2: 48, 3: 68, 255: 10}
    assert summary.shown == {0: 2, 2: 1, 3: 2, 255: 1}


def test_splits_that_are_asked_for(root):
    (root / LABELS / "e.png").unlink()
    assert list(check(root, ["train"]).summaries) == ["train"] and not check(root, ["train"]).findings
    assert only(check(root, ["val"])).kind == "no labels"
    data = DataFolder(root, ["val", "train"])
    assert len(data) == 6 and data.names == ["e", "f", "a", "b", "c", "d"]


def test_a_split_that_is_not_there(root):
    with pytest.raises(
        DataError,
        match=r"split 'test': there is no file .*; the splits .* are: train, trainval, val; write it, a name a line, or name another split$",
    ):
        DataFolder(root, ["train", "test"])


def test_no_splits(root):
    for file in (root / SPLITS).iterdir():
        file.unlink()
    with pytest.raises(
        DataError, match=r"no split in .*Segmentation; write picture names, one a line, into train\.txt.*write_splits"
    ):
        DataFolder(root)


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="there is no such folder"):
        DataFolder(tmp_path / "nowhere")


@pytest.mark.parametrize("content, words", [(b"\n \n", "no picture names in it"), (b"\xfa\xfe\x00\x01", "not UTF-8")])
def test_a_split_file_that_cannot_be_used(content, words, root):
    (root / SPLITS / "val.txt").write_bytes(content)
    report = check(root)
    finding = only(report)
    assert finding.kind == "split file" and "val.txt" in finding.message and words in finding.message
    assert list(report.summaries) == ["train", "trainval"]


def test_a_name_listed_twice(root):
    write_split(root, "train", "a", "b", "", "a", "c", "a")
    twice = check(root, ["train"]).findings
    assert [finding.kind for finding in twice] == ["listed twice"] * 2
    assert [f"train.txt, line {line}: a stands in line 1 too" in twice[i].message for i, line in enumerate((4, 6))]
    assert twice[0].message.endswith("train.txt, line 4: a stands in line 1 too; list it once")
    assert check(root, ["train"]).summaries["train"].listed == 3


@pytest.mark.parametrize(
    "first, second, differ",
    [
        ("train", "val", True),
        ("train", "test", True),
        ("val", "test", True),
        ("trainval", "test", True),
        ("Training", "validation", True),
        ("train", "trainval", False),
        ("val", "trainval", False),
        ("train", "trainaug", False),
        ("fold1_train", "fold2_train", False),
        ("train", "all", True),  # they share some, and neither holds the other
    ],
)
def test_which_splits_must_differ(first, second, differ):
    splits = {first: {"a": 1, "b": 2}, second: {"b": 1, "c": 2}}
    assert must_differ(splits, first, second) == must_differ(splits, second, first) == differ


def test_a_name_that_says_no_use_may_hold_another_split():
    splits = {"train": {"a": 1}, "all": {"a": 1, "b": 2}, "val": {"a": 1}}
    assert not must_differ(splits, "train", "all") and not must_differ(splits, "all", "train")
    assert must_differ(splits, "train", "val")  # there a subset is no excuse


def test_a_name_in_train_and_val(root):
    write_split(root, "val", "e", "c", "f")
    finding = only(check(root))
    assert finding.kind == "in two splits" and finding.names == ("c",)
    assert finding.message == (
        f"split {root / SPLITS / 'train.txt'}, line 3: c stands in val.txt, line 2 too; "
        "what is trained on must not be scored: leave it in one of them"
    )
    assert not check(root, ["train"]).findings and not check(root, ["train", "trainval"]).findings


def test_a_name_in_three_splits_is_one_finding(root):
    write_split(root, "test", "e", "c")
    write_split(root, "val", "c", "e")
    findings = check(root, ["train", "val", "test"]).findings
    assert [finding.names for finding in findings] == [("c",), ("e",)]
    assert "train.txt, line 3: c stands in val.txt, line 1 and test.txt, line 2 too" in findings[0].message


def test_the_same_pixels_in_train_and_val(root):
    with Image.open(root / PICTURES / "b.png") as picture:
        (root / PICTURES / "f.png").unlink()
        picture.save(root / PICTURES / "f.png", compress_level=0)  # other bytes, same pixels
    report = check(root)
    finding = only(report)
    assert finding.kind == "same pixels" and finding.names == ("b", "f")
    assert f"picture {root / PICTURES / 'b.png'} (train, trainval): the same pixels as f.png (trainval, val)" in (
        finding.message
    )
    assert not warnings(report, "repeated")


def test_the_same_pixels_within_a_split_are_a_warning(root):
    for name in "bcd":
        flat_picture().save(root / PICTURES / f"{name}.png")
    report = check(root)
    assert not report.findings
    (warning,) = warnings(report, "repeated")
    assert warning.names == ("b", "c", "d") and "c.png (train, trainval), d.png (train, trainval)" in warning.message


def test_many_copies_are_said_in_one_short_sentence(root):
    for name in "abcdef":
        flat_picture().save(root / PICTURES / f"{name}.png")
    message = only(check(root)).message
    assert "d.png" in message and "e.png" not in message and "and 2 more" in message


def test_pixels_of_another_shape_are_not_the_same(root):
    flat_picture(4, 12).save(root / PICTURES / "a.png")
    flat_picture(12, 4).save(root / PICTURES / "e.png")
    assert {finding.kind for finding in check(root).findings} == {"sizes differ"}


def test_a_missing_picture(root):
    (root / PICTURES / "c.png").unlink()
    finding = only(check(root))
    assert finding.kind == "no picture" and finding.names == ("c",)
    assert finding.message == (
        f"picture {root / PICTURES / 'c.jpg'}: there is no such file; add it, or take c out of train.txt, line 3"
    )


def test_missing_labels(root):
    (root / LABELS / "f.png").unlink()
    finding = only(check(root, ["val"]))
    assert (
        finding.kind == "no labels" and f"labels {root / LABELS / 'f.png'}: there is no such file;" in finding.message
    )
    assert "take f out of val.txt, line 2" in finding.message


@pytest.mark.parametrize(
    "listed, file, words",
    [
        ("x", "x.pcx", "no such file; x.pcx is of another kind; minifcn reads JPG, JPEG, PNG and others"),
        ("x", "X.png", "no such file, only X.png: upper and lower case differ; write X, as the file has it"),
    ],
)
def test_a_file_that_is_nearly_it_is_named_with_what_differs(listed, file, words, root):
    flat_picture().save(root / PICTURES / file)
    label_image(np.eye(6, 8)).save(root / LABELS / f"{listed}.png")
    write_split(root, "odd", listed)
    finding = only(check(root, ["odd"]))
    assert finding.kind == "no picture" and words in finding.message
    assert "take" not in finding.message  # the picture is there: to take its name out would lose it


@pytest.mark.parametrize("ending, words", [(".mat", "a MATLAB file"), (".npy", "a NumPy array"), (".json", "outlines")])
def test_labels_of_another_kind_are_told_by_their_kind(ending, words, root):
    (root / LABELS / "b.png").rename(root / LABELS / f"b{ending}")
    message = only(check(root)).message
    assert f"b{ending} is " in message and words in message and "minifcn reads PNG, TIF, TIFF and others: " in message
    assert "case" not in message


def test_a_name_with_a_dot_is_no_name_with_an_ending(root):
    """x.001 may be a picture beside x: that x.png is there explains nothing."""
    flat_picture().save(root / PICTURES / "x.png")
    label_image(np.eye(6, 8)).save(root / LABELS / "x.001.png")
    write_split(root, "odd", "x.001")
    assert "there is no such file; add it, or take x.001 out of odd.txt, line 1" in only(check(root, ["odd"])).message


@pytest.mark.parametrize("kept", [0.3, 0.9])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_picture_cut_short(ending, kept, root, rng):
    path = root / PICTURES / f"a.{ending}"
    Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    finding = only(check(root))
    assert finding.kind == "broken picture" and str(path) in finding.message and "replace the file" in finding.message


def test_labels_that_are_no_image(root):
    (root / LABELS / "b.png").write_text("<html>404</html>")
    report = check(root)
    assert only(report).kind == "broken labels" and str(root / LABELS / "b.png") in only(report).message
    assert report.pairs["b"].counts is None and report.pairs["b"].size == (6, 8)


def test_both_files_of_a_pair_can_be_bad(root):
    (root / PICTURES / "a.png").unlink()
    (root / LABELS / "a.png").write_bytes(b"")
    assert [finding.kind for finding in check(root).findings] == ["no picture", "broken labels"]


def test_sizes_that_differ(root):
    label_image(np.zeros((8, 6))).save(root / LABELS / "d.png")
    finding = only(check(root))
    assert finding.kind == "sizes differ" and "8x6 (height x width), but the picture d.png" in finding.message
    assert "6x8" in finding.message


def test_values_that_are_no_class(root):
    labels = np.zeros((6, 8), np.uint8)
    labels[0, :5], labels[1, 0], labels[2, 0], labels[3, 0] = 21, 30, 254, 40
    write_labels(root / LABELS / "a.png", labels)
    finding = only(check(root))
    assert finding.kind == "not a class"
    assert "a.png: label value 21 in 5 pixels, 30 in 1 pixels, 40 in 1 pixels and 1 more" in finding.message
    assert "the classes are 0 to 20" in finding.message


def test_own_classes_decide_what_is_one(root):
    kinds = [finding.names for finding in check(root, classes=ClassMap.own(["ground", "x", "y", "z"])).findings]
    assert kinds == [("e",), ("f",)]  # 4 and 5


def test_grey_with_alpha_has_lost_the_numbers(root):
    Image.new("LA", (8, 6), (147, 255)).save(root / LABELS / "a.png")
    finding = only(check(root))
    assert finding.kind == "wrong mode" and finding.fixable is None
    assert "a.png: mode LA holds greys with alpha (147), and in greys the class numbers are lost;" in finding.message
    assert "save in indexed mode, a palette PNG" in finding.message


def test_grey_and_bilevel_labels_are_sound(root):
    Image.fromarray(np.full((6, 8), 3, np.uint8)).save(root / LABELS / "a.png")
    Image.fromarray(np.eye(6, 8, dtype=bool)).save(root / LABELS / "b.png")
    report = check(root)
    assert not report.findings
    assert report.pairs["a"].counts == {3: 48} and report.pairs["b"].counts == {0: 42, 1: 6}


def test_labels_of_void_alone(root):
    write_labels(root / LABELS / "e.png", np.full((6, 8), 255, np.uint8))
    finding = only(check(root))
    assert finding.kind == "void alone" and "e.png: every pixel is void (255)" in finding.message


def test_classes_that_are_never_trained_on(root):
    report = check(root, classes=ClassMap.own(["ground", "x", "y", "z", "u", "v"]))
    (warning,) = warnings(report, "never shown")  # trainval and val are not what a model is trained on here
    assert warning.message.startswith("split train: no picture contains u, v; ")
    write_labels(root / LABELS / "a.png", np.arange(48, dtype=np.uint8).reshape(6, 8) % 6)
    assert not warnings(check(root, classes=ClassMap.own(["ground", *"xyzuv"])), "never shown")


def test_a_folder_without_a_split_to_score(root):
    for split in ("val", "trainval"):
        (root / SPLITS / f"{split}.txt").unlink()
    (warning,) = warnings(check(root), "nothing to score")
    assert "minifcn train scores another one" in warning.message and str(root / SPLITS / "val.txt") in warning.message
    assert not warnings(check(root, ["train"]), "nothing to score")  # who names a split knows the others
    for other in ("val", "fit"):
        write_split(root, other, "e", "f")
        assert not warnings(check(root), "nothing to score")
        (root / SPLITS / f"{other}.txt").unlink()


def test_files_that_no_split_uses(root):
    flat_picture().save(root / PICTURES / "left.png")
    flat_picture(colour=(99, 9, 9)).save(root / PICTURES / "a.jpg")  # goes before a.png, which nobody reads now
    (root / LABELS / "notes.txt").write_text("x")
    (root / LABELS / ".hidden").write_text("x")
    report = check(root, ["val"])  # the files of train are used, though not looked at
    assert not report.findings
    files = [finding.message for finding in warnings(report, "unused")]
    assert files == [
        f"{file}: no split uses it" for file in (root / PICTURES / "left.png", root / LABELS / "notes.txt")
    ]
    (finding,) = warnings(report, "same name")
    assert finding.message == f"{root / PICTURES / 'a.png'}: not read, for a.jpg beside it is"


def test_findings_stand_in_the_order_of_their_kinds(root):
    label_image(np.full((6, 8), 77)).save(root / LABELS / "a.png")
    (root / PICTURES / "b.png").unlink()
    write_split(root, "val", "e", "e", "f")
    assert [finding.kind for finding in check(root).findings] == ["listed twice", "no picture", "not a class"]


def test_progress_is_called_once_a_picture(root):
    calls = []
    DataFolder(root).check(ALL, lambda: calls.append(1))
    assert len(calls) == 6


def test_ctrl_c_drops_what_has_not_begun(tmp_path, monkeypatch):
    root = write_folder(tmp_path / "data", {"train": [f"p{number}" for number in range(200)]})
    data, read = DataFolder(root), []
    monkeypatch.setattr(
        data,
        "_read_pair",
        lambda name, classes, source, real=data._read_pair: (read.append(name), real(name, classes, source))[1],
    )

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.check(ALL, stop)
    assert len(read) < 100
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


def test_load_gives_what_can_be_read(root):
    coloured(NUMBERS).save(root / LABELS / "a.png")
    (root / PICTURES / "b.png").write_bytes(b"")
    (root / LABELS / "c.png").unlink()
    data = DataFolder(root)
    picture, labels = data.load("a", ALL)
    assert picture.shape == (6, 8, 3) and labels.tolist() == NUMBERS
    assert data.load("b", ALL)[0] is None and (data.load("b", ALL)[1] == 1).all()
    assert data.load("c", ALL)[0] is not None and data.load("c", ALL)[1] is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_exact_colours_are_counted_as_classes(mode, root):
    coloured(NUMBERS, mode).save(root / LABELS / "a.png")
    report = check(root)
    finding = only(report)
    assert finding.kind == "colours" and finding.fixable == root / LABELS / "a.png"
    assert (
        f"a.png: mode {mode}" in finding.message and "--fix converts the file and keeps the original" in finding.message
    )
    assert report.pairs["a"].counts == {0: 24, 1: 12, 2: 6, 255: 6} and report.pairs["a"].label_mode == mode


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda image: image.putpixel((3, 2), (1, 0, 90)), "(1, 0, 90) in 1 pixels: no class"),
        (lambda image: image.putpixel((0, 0), (255, 255, 255)), "(255, 255, 255) in 1 pixels"),
        (lambda image: image.putpixel((0, 0), COLOURS[15]), "(192, 128, 128) in 1 pixels"),  # person is no class here
        (lambda image: [image.putpixel((x, 0), (x + 1, 9, 90)) for x in range(5)], "and 2 more"),
    ],
)
def test_other_colours_are_a_finding_that_is_not_fixed(spoil, words, root):
    image = coloured(NUMBERS)
    spoil(image)
    image.save(root / LABELS / "a.png")
    content = (root / LABELS / "a.png").read_bytes()
    report = check(root, classes=ClassMap.own([*"ghijkl"]))
    finding = only(report)
    assert finding.kind == "other colours" and words in finding.message and finding.fixable is None
    assert fix_colours(report, numbered(6)) == [] and len(report.findings) == 1
    with pytest.raises(DataError, match="not converted"):
        convert_colours(root / LABELS / "a.png", 6)
    assert (root / LABELS / "a.png").read_bytes() == content and not (root / "SegmentationClass_colours").exists()


def test_transparent_colours_are_other_colours(root):
    image = coloured(NUMBERS, "RGBA")
    image.putpixel((1, 1), (*COLOURS[1], 254))
    image.save(root / LABELS / "a.png")
    assert only(check(root)).kind == "other colours"


def test_all_255_classes_leave_strange_colours_strange(root):
    image = coloured(NUMBERS)
    image.putpixel((0, 0), (1, 2, 103))
    image.save(root / LABELS / "a.png")
    names = [f"class {number}" for number in range(255)]
    assert only(check(root, classes=ClassMap.own(names))).kind == "other colours"


def test_fix_converts_and_keeps_the_originals(root):
    for name in "ae":
        coloured(NUMBERS).save(root / LABELS / f"{name}.png")
    original = (root / LABELS / "a.png").read_bytes()
    (root / PICTURES / "b.png").unlink()
    report = check(root)
    assert fix_colours(report, numbered(21)) == [root / LABELS / "a.png", root / LABELS / "e.png"]
    assert only(report).kind == "no picture"
    assert read_labels(root / LABELS / "a.png").tolist() == NUMBERS
    with Image.open(root / LABELS / "a.png") as image:
        assert image.mode == "P"
    assert (root / "SegmentationClass_colours" / "a.png").read_bytes() == original
    assert only(check(root)).kind == "no picture"


def test_fix_does_not_touch_another_original(root):
    coloured(NUMBERS).save(root / LABELS / "a.png")
    coloured(NUMBERS).save(root / LABELS / "b.png")
    content = (root / LABELS / "a.png").read_bytes()
    backup = root / "SegmentationClass_colours" / "a.png"
    backup.parent.mkdir()
    backup.write_text("somebody's")
    report = check(root)
    assert fix_colours(report, numbered(21)) == [root / LABELS / "b.png"]
    assert f"a.png: not converted, for {backup} is there already" in only(report).message
    assert backup.read_text() == "somebody's" and (root / LABELS / "a.png").read_bytes() == content


def test_fix_goes_on_where_it_was_stopped(root):
    coloured(NUMBERS).save(root / LABELS / "a.png")
    backup = root / "SegmentationClass_colours" / "a.png"
    backup.parent.mkdir()
    backup.write_bytes((root / LABELS / "a.png").read_bytes())  # killed between the copy and the conversion
    assert fix_colours(check(root), numbered(21)) == [root / LABELS / "a.png"]
    assert read_labels(root / LABELS / "a.png").tolist() == NUMBERS


def test_the_original_is_kept_before_the_labels_are_replaced(root, monkeypatch):
    coloured(NUMBERS).save(root / LABELS / "a.png")
    content = (root / LABELS / "a.png").read_bytes()

    def killed(path, labels):
        raise KeyboardInterrupt

    monkeypatch.setattr(replacing, "write_labels", killed)
    with pytest.raises(KeyboardInterrupt):
        convert_colours(root / LABELS / "a.png", 21)
    assert (root / "SegmentationClass_colours" / "a.png").read_bytes() == content
    assert (root / LABELS / "a.png").read_bytes() == content


def test_every_colour_of_the_palette_is_known(tmp_path):
    numbers = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(colour_map()[numbers]).save(tmp_path / "all.png")
    with Image.open(tmp_path / "all.png") as image:
        found, others = recolour.numbers_of_colours(image, 255)
        assert np.array_equal(found, numbers) and not others
        found, others = recolour.numbers_of_colours(image, 100)
        assert np.array_equal(found, np.where(numbers < 100, numbers, 255)) and len(others) == 155


def test_a_full_disk_leaves_the_labels_as_they_were(root, fill_disk):
    coloured(NUMBERS).save(root / LABELS / "a.png")
    content = (root / LABELS / "a.png").read_bytes()
    report = check(root)
    fill_disk()
    assert fix_colours(report, numbered(21)) == []
    assert "a.png: not converted, it is as it was" in only(report).message and "No space left" in only(report).message
    assert (root / LABELS / "a.png").read_bytes() == content
    assert sorted(file.name for file in (root / LABELS).iterdir()) == [f"{name}.png" for name in "abcdef"]
    assert not list((root / "SegmentationClass_colours").iterdir())


def test_what_convert_colours_does_not_convert(root):
    with pytest.raises(DataError, match=r"a\.png: mode P is of class numbers already; there is nothing to convert"):
        convert_colours(root / LABELS / "a.png", 21)
    Image.new("LA", (8, 6)).save(root / LABELS / "a.png")
    with pytest.raises(DataError, match=r"a\.png: mode LA holds no colours; there is nothing to convert"):
        convert_colours(root / LABELS / "a.png", 21)


def test_a_picture_beyond_a_limit_is_used_by_its_split(tmp_path):
    """`train --limit 1` said of all pictures but the first that no split used them."""
    root = write_folder(tmp_path / "set", {"train": ["a", "b", "c"], "val": ["d"]})
    flat_picture().save(root / PICTURES / "left.png")
    folder = DataFolder(root, ["train", "val"], limits={"train": 1})
    assert folder.names == ["a", "d"]
    report = folder.check(numbered(4))
    assert [finding.message for finding in warnings(report, "unused")] == [
        f"{root / PICTURES / 'left.png'}: no split uses it"
    ]
