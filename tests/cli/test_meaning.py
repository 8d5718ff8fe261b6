"""One check, two readers: what minifcn check-data finds stops minifcn train before step 1, and a score of one class is called meaningless."""

import numpy as np
import pytest
from PIL import Image

from minifcn.data import read_labels, write_labels

from .conftest import ONE, SMALL, Copy


@pytest.fixture
def masks(copy):
    """The small set with all its shapes drawn as 255."""
    for file in (copy.root / "SegmentationClass").iterdir():
        labels = read_labels(file)
        write_labels(file, np.where((labels > 0) & (labels < 255), 255, labels * 0).astype(np.uint8))
    return copy


def test_train_stops_where_check_data_has_a_finding(call, masks, tmp_path):
    found = call(f"check-data {masks.root}")
    assert found.status == 1 and "none of disc, square, triangle, ring and 4 more occurs, while 255" in found.out
    answer = call(f"train --data {masks.root} {ONE} --out {tmp_path}/run")
    answer.failed("none of disc, square, triangle, ring and 4 more occurs, while 255", "minifcn check-data", "--anyway")
    assert len(answer.err.splitlines()) == 1 and "step 1" not in answer.out and not (tmp_path / "run").exists()


def test_anyway_goes_on_and_every_score_is_called_meaningless(call, masks, tmp_path):
    run = tmp_path / "run"
    answer = call(f"train --data {masks.root} {SMALL} --arch fcn32s --val-every 1 --anyway --out {run}").worked()
    assert "occurs, while 255" in answer.out and "(going on with --anyway)" in answer.out
    lines = [line for line in answer.out.splitlines() if "mean IU" in line and "best mean IU" not in line]
    table = [line for line in lines if line.startswith("mean IU  ")]  # its row; the line below the table tells
    assert len(lines) >= 5 and len(table) == 1
    assert all("meaningless: one class alone" in line for line in lines if line not in table)
    page = (run / "report.html").read_text()
    assert "over 1 classes" not in page and page.count("meaningless: one class alone") >= 4
    scored = call(f"eval {run}/best.safetensors --data {masks.root} --gallery {tmp_path}/g.png").worked()
    assert "The mean IU is meaningless: one class alone, for the labels show no other than background" in scored.out


def test_two_classes_are_not_called_meaningless(trained, call, small_set):
    assert "meaningless" not in (trained / "report.html").read_text()
    assert "meaningless" not in call(f"eval {trained}/best.safetensors --data {small_set}").worked().out


def test_a_run_that_began_anyway_goes_on_without_being_asked_again(call, masks, tmp_path):
    line = f"train --data {masks.root} {ONE} --checkpoint-every 0 --out {tmp_path}/run"
    call(f"{line} --anyway").worked()
    (tmp_path / "run" / "metrics.json").unlink()  # as if it had been stopped before it was scored
    answer = call(f"{line} --resume").worked()
    assert "occurs, while 255" not in answer.out


def test_other_data_is_looked_at_again(call, copy, tmp_path):
    line = f"train --data {copy.root} {ONE} --checkpoint-every 0 --out {tmp_path}/run"
    call(line).worked()
    (tmp_path / "run" / "metrics.json").unlink()
    for file in (copy.root / "SegmentationClass").iterdir():
        write_labels(file, np.where(read_labels(file) > 0, 255, 0).astype(np.uint8))
    call(f"{line} --resume --other-data").failed("occurs, while 255", "--anyway")
    call(f"{line} --resume --other-data --anyway").worked()


@pytest.mark.parametrize("options", ["", "--processes 2", "--limit 2"])
def test_notes_and_findings_are_seen_whatever_the_way_of_training(options, call, copy, tmp_path):
    copy.split("val").write_text(copy.split("train").read_text())
    Image.new("RGB", (9, 9)).save(copy.picture("left_over"))
    answer = call(f"train --data {copy.root} {ONE} {options} --out {tmp_path}/run")
    answer.failed("train", "val", "what is trained on must not be scored", "--anyway")
    assert "note: " in answer.out and "left_over.jpg: no split uses it" in answer.out


def test_several_findings_are_all_told(call, masks, tmp_path):
    masks.picture("val_00000").write_bytes(masks.picture("train_00001").read_bytes())
    answer = call(f"train --data {masks.root} {ONE} --out {tmp_path}/run")
    answer.failed("the same pixels as")
    assert "also: none of disc" in answer.out


def test_a_class_of_the_command_line_that_never_occurs(call, own_set, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("sky\ngrass\nwall\nmoon\n")
    for line in (f"train --data {own_set} {ONE} --out {tmp_path}/run", f"check-data {own_set}"):
        answer = call(f"{line} --class-names {names} --classes sky,wall,moon")
        assert answer.status == 1 and "no picture shows moon, which was asked for" in answer.out + answer.err
        call(f"{line} --class-names {names} --classes sky,wall").worked()


def test_the_synthetic_set_has_nothing_to_say(call, small_synthetic, tmp_path):
    answer = call(f"train --data synthetic {ONE} --limit 2 --out {tmp_path}/run").worked()
    assert "also: " not in answer.out and "anyway" not in answer.out


def test_an_archive_s_labels_in_colours_are_shown_before_they_are_converted(call, copy, tmp_path):
    """CamVid's colours are VOC's too: nobody says so, and nothing is converted; then by a table; the way back is kept."""
    names = ["Void", "Building", "Car", "Sky", *(f"more{i}" for i in range(15))]
    (copy.root / "class_names.txt").write_text("\n".join(names) + "\n")
    pixels = np.zeros((40, 48, 3), np.uint8)
    pixels[:10], pixels[10:20], pixels[20:30] = (128, 128, 128), (64, 0, 128), (128, 0, 0)
    for file in (copy.root / "SegmentationClass").iterdir():
        Image.fromarray(pixels).save(file)
    before = {file: file.read_bytes() for file in (copy.root / "SegmentationClass").iterdir()}
    answer = call(f"check-data {copy.root} --fix")
    assert answer.status == 1 and "(128, 128, 128) becomes 7 more3, 25 %, 4,320 pixels, 9 pictures" in answer.out
    assert "nothing was fixed: the folder has a class list of its own" in answer.out
    assert {file: file.read_bytes() for file in before} == before
    call(f"train --data {copy.root} {ONE} --out {tmp_path}/run").failed("--fix --colours FILE", "6 of 6 pairs are bad")
    table = tmp_path / "table.txt"
    table.write_text("128 128 128 Sky\n64 0 128 Car\n128 0 0 Building\n0 0 0 Void\n")
    answer = call(f"check-data {copy.root} --fix --colours {table}").worked()
    assert answer.out.index("(128, 128, 128) becomes 3 Sky, 25 %, 4,320 pixels, 9 pictures") < answer.out.index(
        "fixed: 9 label files"
    )
    assert read_labels(copy.labels("val_00000"))[::10, 0].tolist() == [3, 2, 1, 0]


def test_a_table_in_the_folder_is_taken(call, copy):
    (copy.root / "class_names.txt").write_text("ground\ncat\n")
    (copy.root / "label_colors.txt").write_text("0 0 0 ground\n1 2 3 cat\n")
    for file in (copy.root / "SegmentationClass").iterdir():
        Image.fromarray(np.array([[(0, 0, 0), (1, 2, 3)] * 24] * 40, np.uint8)).save(file)
    answer = call(f"check-data {copy.root} --fix").worked()
    assert "(1, 2, 3) becomes 1 cat, 50 %, 8,640 pixels, 9 pictures" in answer.out
    assert set(read_labels(copy.labels("val_00000")).ravel()) == {0, 1}


def test_a_palette_that_was_sorted_anew(call, voc_set, tmp_path):
    copy = Copy(voc_set, tmp_path / "copy")  # cat 8, car 7, person 15, which become 0, 1, 2 in a palette of their own
    for file in (copy.root / "SegmentationClass").iterdir():
        with Image.open(file) as image:
            labels, palette = np.array(image), image.getpalette()
        order = [7, 8, 15, 255]
        sorted_anew = Image.fromarray(np.searchsorted(order, labels).astype(np.uint8))
        sorted_anew.putpalette([palette[3 * number + channel] for number in order for channel in range(3)])
        sorted_anew.save(file)
    truth = read_labels(voc_set / "SegmentationClass" / "2007_000000.png")
    for line in (
        f"check-data {copy.root}",
        f"train --data {copy.root} {ONE} --out {tmp_path}/run",
        f"check-data {copy.root} --fix",
    ):
        answer = call(line)
        assert (
            answer.status == 1 and "number 0 has the colour of 7 car, number 1 that of 8 cat" in answer.out + answer.err
        )
    call(f"check-data {copy.root} --fix --voc-colours").worked()
    assert np.array_equal(read_labels(copy.labels("2007_000000")), truth)
    call(f"train --data {copy.root} {ONE} --out {tmp_path}/run").worked()


def test_the_colours_are_said_once(call, copy):
    assert call(f"check-data {copy.root} --colours x --voc-colours").status == 2
    call(f"check-data {copy.root} --colours {copy.root}/nowhere").failed("colours", "nowhere", "cannot be read")


def test_a_table_of_colours_needs_a_class_list_or_is_one(call, copy):
    (copy.root / "class_names.txt").unlink()
    table = copy.root / "table.txt"
    table.write_text("0 0 0 ground\n1 2 3 cat\n")
    for file in (copy.root / "SegmentationClass").iterdir():
        Image.fromarray(np.array([[(0, 0, 0), (1, 2, 3)] * 24] * 40, np.uint8)).save(file)
    call(f"check-data {copy.root} --fix --colours {table}").failed("has no class list", "as label_colors.txt")
    table.rename(copy.root / "label_colors.txt")
    call(f"check-data {copy.root} --fix").worked()
    assert set(read_labels(copy.labels("val_00000")).ravel()) == {0, 1}


def test_greys_with_alpha_are_no_numbers_where_nobody_names_them(call, copy):
    (copy.root / "class_names.txt").unlink()
    for file in (copy.root / "SegmentationClass").iterdir():
        labels = np.where(read_labels(file) > 0, 147, 0).astype(np.uint8)
        Image.fromarray(np.stack([labels, labels * 0 + 255], -1)).save(file)
    answer = call(f"check-data {copy.root} --fix")
    assert answer.status == 1 and "holds greys with alpha (147), and in greys the class numbers are lost" in answer.out
    assert "number 147" not in answer.out


def test_a_palette_sorted_anew_is_told_by_voc_s_names_where_nobody_names_the_numbers(call, copy):
    (copy.root / "class_names.txt").unlink()
    for file in (copy.root / "SegmentationClass").iterdir():
        image = Image.fromarray((np.arange(40 * 48).reshape(40, 48) % 2).astype(np.uint8))
        image.putpalette([0, 0, 0, 192, 128, 128])
        image.save(file)
    assert "number 1 has the colour of 15 person" in call(f"check-data {copy.root}").out
