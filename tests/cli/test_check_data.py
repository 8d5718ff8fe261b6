"""minifcn check-data: what it prints, its exit status, --fix, --sheet and Ctrl-C."""

import numpy as np
import pytest
from PIL import Image

from minifcn.cli.commands import check_data
from minifcn.data import ClassMap, VOCFolder, colour_map, read_class_names, read_labels, write_labels

from . import test_bad_data as faults


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def make_colours(copy, *names):
    for name in names:
        Image.fromarray(colour_map()[read_labels(copy.labels(name))]).save(copy.labels(name))


def test_a_sound_folder_is_a_table_and_status_0(call, copy):
    before = contents(copy.root)
    answer = call(f"check-data {copy.root}").worked()
    lines = answer.out.splitlines()
    assert lines[0] == f"data {copy.root}" and lines[-1] == "9 pictures, no findings"
    rows = [line.split() for line in lines]
    assert ["train", "6", "40", "48", "RGB", "6", "P", "6"] in rows
    assert ["trainval", "9", "40", "48", "RGB", "9", "P", "9"] in rows
    assert ["val", "3", "40", "48", "RGB", "3", "P", "3"] in rows
    assert answer.err == "" and contents(copy.root) == before


def test_all_classes_by_the_word_that_train_has(call, copy):
    plain, said = (call(f"check-data {copy.root} {words}").worked().out for words in ("", "--classes all"))
    assert plain == said


def test_the_classes_and_their_shares(call, copy):
    for number in range(3):
        labels = np.zeros((40, 48), np.uint8)
        labels[: 10 * (number + 1)] = 2  # a quarter, a half, three quarters
        labels[0] = 255  # a fortieth
        write_labels(copy.labels(f"val_0000{number}"), labels)
    answer = call(f"check-data {copy.root} --split val").worked()
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["0", "background", "50.0", "%", "3"] in rows
    assert ["1", "disc", "0.0", "%", "0"] in rows
    assert ["2", "square", "47.5", "%", "3"] in rows
    assert ["255", "void", "2.5", "%", "3"] in rows


def test_sizes_and_modes_are_ranges(call, copy):
    Image.new("L", (70, 30)).save(copy.picture("val_00001"))
    write_labels(copy.labels("val_00001"), np.zeros((30, 70), np.uint8))
    answer = call(f"check-data {copy.root} --split val").worked()
    assert "val    3         30 to 40  48 to 70  RGB 2, L 1         P 3" in answer.out


def test_class_names_from_a_file(call, copy, tmp_path):
    (copy.root / "class_names.txt").unlink()
    names = tmp_path / "names.txt"
    names.write_text("ground\nround\n")
    nameless = call(f"check-data {copy.root}")
    assert nameless.status == 1 and "nobody says what the numbers" in nameless.out
    assert "20 tvmonitor" in call(f"check-data {copy.root} --class-names voc").worked().out
    answer = call(f"check-data {copy.root} --class-names {names}")
    assert answer.status == 1 and "0 ground" in answer.out and "1 round" in answer.out
    assert "label value" in answer.out and "no class" in answer.out


PAIRS = [
    faults.no_picture, faults.no_labels, faults.truncated, faults.half_a_jpeg, faults.no_jpeg, faults.empty_file,
    faults.other_size, faults.turned, faults.unknown_value, faults.colours, faults.folder_for_a_picture,
    faults.empty_split, faults.name_twice, faults.name_of_nothing, faults.binary_split,
]  # fmt: skip


@pytest.mark.parametrize("damage", PAIRS, ids=lambda damage: damage.__name__)
def test_what_stops_training_is_a_finding(damage, call, copy):
    name = damage(copy)
    answer = call(f"check-data {copy.root}")
    assert answer.status == 1 and name in answer.out and answer.err == ""
    assert " no findings" not in answer.out


def test_findings_are_grouped_and_counted(call, copy):
    for damage in (faults.no_picture, faults.truncated, faults.half_a_jpeg, faults.other_size):
        damage(copy)
    answer = call(f"check-data {copy.root}")
    assert answer.status == 1
    for heading in (
        "missing pictures: 1\n  picture",
        "pictures that cannot be read: 2\n  picture",
        "labels of another size than their picture: 1\n  labels",
    ):
        assert heading in answer.out
    assert answer.out.endswith("\n9 pictures, 4 findings\n")


def test_one_finding_is_no_findings_with_an_s(call, copy):
    faults.no_labels(copy)
    assert call(f"check-data {copy.root}").out.endswith("9 pictures, 1 finding\n")


def test_one_fault_of_many_files_is_one_sentence_unless_verbose(call, copy):
    lines = copy.split("train").read_text() + "".join(f"gone_{number:02}\n" for number in range(12))
    copy.split("train").write_text(lines)
    short, long = (call(f"check-data {copy.root} {option}").out for option in ("", "--verbose"))
    for out in (short, long):
        assert "missing pictures: 12\n" in out and "missing labels: 12\n" in out and "24 findings" in out
    assert sum("gone_0" in line for line in short.splitlines()) == 2
    assert (
        "JPEGImages for gone_00.jpg, gone_01.jpg, gone_02.jpg and 9 more (12 in all); add them, or take these names out of"
        in short
    )
    assert sum(line.startswith("  picture ") for line in long.splitlines()) == 12


def test_ten_faults_of_a_kind_unless_verbose(call, copy):
    for number in range(12):
        name = f"odd_{number}"
        Image.new("RGB", (48, 40), (number, 9, 9)).save(copy.picture(name))
        write_labels(copy.labels(name), np.zeros((40, 60 + number), np.uint8))  # each of another size
        copy.split("train").write_text(copy.split("train").read_text() + f"{name}\n")
    short, long = (call(f"check-data {copy.root} {option}").out for option in ("", "--verbose"))
    for out, shown in ((short, 10), (long, 12)):
        assert sum(line.startswith("  labels ") for line in out.splitlines()) == shown
    assert "  … and 2 more; --verbose prints them all" in short and "more;" not in long


def test_notes_are_no_findings(call, copy):
    Image.new("RGB", (9, 9)).save(copy.picture("left_over"))
    write_labels(copy.labels("train_00000"), np.zeros((40, 48), np.uint8))
    names = copy.root / "class_names.txt"
    names.write_text(names.read_text() + "dragon\n")
    answer = call(f"check-data {copy.root}").worked()
    assert "note: files that no split uses: 1\n" in answer.out and "left_over.jpg" in answer.out
    assert "split train: no picture contains" in answer.out and "dragon;" in answer.out


def test_train_and_val_that_share(call, copy):
    copy.split("val").write_text(copy.split("val").read_text() + "train_00002\n")
    copy.picture("val_00000").write_bytes(copy.picture("train_00001").read_bytes())
    answer = call(f"check-data {copy.root}")
    assert answer.status == 1 and "9 pictures, 2 findings" in answer.out
    assert "train.txt, line 3: train_00002 stands in val.txt, line 4 too" in answer.out
    assert "train_00001.jpg (train, trainval): the same pixels as val_00000.jpg (trainval, val)" in answer.out
    call(f"check-data {copy.root} --split train trainval").worked()


@pytest.mark.parametrize("line", ["", "--sheet x.jpg", "--sheet", "--split"])
def test_wrong_usage(line, call, copy):
    assert call(f"check-data {copy.root if line else ''} {line}").status == 2


def test_what_is_no_folder_or_split(call, copy, tmp_path):
    call(f"check-data {tmp_path}/nowhere").failed("there is no such folder")
    call(f"check-data {copy.root} --split test").failed("split 'test'", "train, trainval, val")
    call(f"check-data {copy.root} --class-names {tmp_path}/nowhere").failed("class names", "nowhere")


def test_many_splits_stand_in_tables_of_four(call, copy):
    for number in range(6):
        copy.split(f"fold{number}_train").write_text(copy.split("train").read_text())
    out = call(f"check-data {copy.root}").worked().out
    assert sum(line.startswith("class ") for line in out.splitlines()) == 3  # nine splits
    assert max(map(len, out.partition("note:")[0].splitlines())) < 110


def test_fix(call, copy):
    sound = {name: read_labels(copy.labels(name)) for name in ("train_00001", "val_00002")}
    make_colours(copy, *sound)
    coloured = {name: copy.labels(name).read_bytes() for name in sound}
    answer = call(f"check-data {copy.root}")
    assert answer.status == 1 and "9 pictures, 2 findings" in answer.out and "--fix" in answer.out
    assert {name: copy.labels(name).read_bytes() for name in sound} == coloured

    answer = call(f"check-data {copy.root} --fix --voc-colours").worked()
    kept = copy.root / "SegmentationClass_colours"
    assert f"fixed: 2 label files now hold class numbers; the originals are in {kept}\n" in answer.out
    for name, labels in sound.items():
        assert np.array_equal(read_labels(copy.labels(name)), labels)
        assert (kept / f"{name}.png").read_bytes() == coloured[name]
    again = call(f"check-data {copy.root} --fix").worked()
    assert "fixed" not in again.out
    classes = ClassMap.own(read_class_names(copy.root / "class_names.txt"))
    VOCFolder(copy.root, "trainval", classes).check()  # what training asks for


def test_fix_leaves_the_rest_alone(call, copy):
    make_colours(copy, "train_00001")
    faults.unknown_value(copy)
    image = Image.fromarray(colour_map()[read_labels(copy.labels("train_00003"))])
    image.putpixel((5, 5), (3, 3, 3))
    image.save(copy.labels("train_00003"))
    before = contents(copy.root)
    answer = call(f"check-data {copy.root} --fix --voc-colours")
    assert answer.status == 1 and "fixed: 1 label files" in answer.out and "9 pictures, 2 findings" in answer.out
    after = contents(copy.root)
    changed = {path.as_posix() for path in after if after[path] != before.get(path)}
    assert changed == {"SegmentationClass/train_00001.png", "SegmentationClass_colours/train_00001.png"}


def test_sheet(call, copy, tmp_path):
    faults.other_size(copy)
    answer = call(f"check-data {copy.root} --sheet {tmp_path}/sheet.png")
    assert answer.status == 1 and f"sheet: {tmp_path}/sheet.png, 9 of 9 pictures" in answer.out
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.array(sheet)
    # the bad one comes first, in a red frame; eight in the first row, one in the second
    assert (pixels[10, 10:210] == (200, 0, 0)).all() and not (pixels[10, 220:] == (200, 0, 0)).all(-1).any()
    assert pixels.shape[1] == 1690


def test_a_sheet_leaves_out_what_cannot_be_shown(call, copy, tmp_path):
    copy.picture("train_00000").unlink()
    copy.labels("train_00000").unlink()
    copy.picture("train_00001").unlink()
    answer = call(f"check-data {copy.root} --sheet {tmp_path}/sheet.png")
    assert "sheet.png, 8 of 9 pictures" in answer.out


def test_no_sheet_of_nothing(call, copy, tmp_path):
    copy.split("train").write_text("nothing\n")
    answer = call(f"check-data {copy.root} --split train --sheet {tmp_path}/sheet.png")
    assert answer.status == 1 and "no picture can be shown" in answer.out and not (tmp_path / "sheet.png").exists()


def test_where_a_sheet_cannot_be(call, copy, tmp_path):
    before = contents(copy.root)
    call(f"check-data {copy.root} --sheet {tmp_path}/none/s.png").failed("there is no folder", "make it first")
    name = copy.labels("train_00000")
    call(f"check-data {copy.root} --sheet {name}").failed("this folder holds the data; choose another place")
    call(f"check-data {copy.root} --sheet {copy.root}/JPEGImages/s.png").failed("choose another place")
    assert contents(copy.root) == before


def test_the_sheet_shows_every_kind_before_a_second_of_one():
    def finding(kind, *names):
        return check_data.Finding(kind, "", names)

    found = [finding("a", "1", "2"), finding("a", "3"), finding("b", "4"), finding("b", "1"), finding("c", "5")]
    assert list(check_data.bad_ones(found).items()) == [("1", "a"), ("4", "b"), ("5", "c"), ("2", "a"), ("3", "a")]


def test_ctrl_c_is_one_line(call, copy, monkeypatch, tmp_path):
    class Bar:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self):
            raise KeyboardInterrupt

    make_colours(copy, "train_00001")
    before = contents(copy.root)
    monkeypatch.setattr(check_data, "bar", lambda *_, **__: Bar())
    answer = call(f"check-data {copy.root} --fix --sheet {tmp_path}/sheet.png")
    assert answer.status == 130 and answer.out == "" and answer.err == "\nminifcn check-data: stopped\n"
    assert contents(copy.root) == before and not (tmp_path / "sheet.png").exists()


def test_the_bar_counts_the_pictures(call, copy, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, what, **options):
            bars.append([total, what, 0])

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self):
            bars[-1][2] += 1

    monkeypatch.setattr(check_data, "bar", Bar)
    call(f"check-data {copy.root}").worked()
    assert bars == [[9, "checking", 9]]
