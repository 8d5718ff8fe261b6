"""What a folder says about its numbers reaches every command alike: class lists, void, lists of pictures, and files that are nearly there."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from training.helpers import constant_model, saved, three_stripes, write_set

from minifcn.cli.commands import train
from minifcn.data import ClassMap, VOCFolder, read_labels
from minifcn.data.synthetic.painting import SHAPE_CLASSES

from .conftest import ONE


@pytest.fixture
def pets(tmp_path):
    """As Oxford's pets lie: 1 pet, 2 background, 3 border, and 0 never; the folder says so itself."""
    root = write_set(tmp_path / "pets", [three_stripes(seed, (1, 3, 2)) for seed in range(4)])
    (root / "class_names.txt").write_text("1: pet\n2: background\n")
    (root / "void.txt").write_text("3  # the border\n")
    return root


@pytest.fixture
def begin(call, monkeypatch):
    """begin(line): train as far as its first line about the data, without the training."""

    def run(line):
        with monkeypatch.context() as patch:
            for name in ("run_stages", "finish"):
                patch.setattr(train, name, lambda *_, **__: None)
            return call(line)

    return run


def test_void_that_the_folder_declares_reaches_every_command(pets, call, tmp_path):
    out = call(f"check-data {pets}").worked().out
    rows = [line.split()[:2] for line in out.splitlines() if line[:3].strip().isdigit()]
    assert rows == [["1", "pet"], ["2", "background"], ["3", "void"], ["255", "void"]] and "no findings" in out

    run = tmp_path / "run"
    answer = call(f"train --data {pets} {ONE} --out {run}").worked()
    assert "2 classes: pet, background" in answer.out
    classes = json.loads((run / "config.json").read_text())["classes"]
    assert classes == {
        "names": ["pet", "background"],
        "values": [1, 2],
        "others": "void",
        "known": 3,
        "void": [3],
        "gaps": [0],
    }
    truth = [read_labels(pets / "SegmentationClass" / f"photo{number}.png") for number in (2, 3)]
    scored = sum(int(np.isin(labels, (1, 2)).sum()) for labels in truth)

    scores = tmp_path / "scores.json"
    call(f"eval {run}/best.safetensors --data {pets} --json {scores}").worked()
    assert np.sum(json.loads(scores.read_text())["confusion"]) == scored

    call(f"predict {pets}/JPEGImages/photo3.jpg --model {run}/best.safetensors --out {tmp_path}/p").worked()
    assert set(np.unique(read_labels(tmp_path / "p" / "photo3.png"))) <= {1, 2}
    assert (run / "report.html").is_file()


def test_void_that_a_folder_to_be_scored_declares(pets, call, tmp_path):
    model = saved(constant_model(ClassMap.own({1: "pet", 2: "background"}), 1), tmp_path / "m.safetensors")
    call(f"eval {model} --data {pets}").worked()
    (pets / "void.txt").unlink()
    call(f"eval {model} --data {pets}").failed("label value 3 stands in", "void.txt")
    (pets / "void.txt").write_text("2, 3")
    call(f"eval {model} --data {pets}").failed("the model's label value 2 is background, but", "declares it void")


def test_a_model_that_knows_the_void_scores_where_nobody_says_it(pets, call, tmp_path):
    model = saved(constant_model(ClassMap.own({1: "pet", 2: "background"}, void=[3]), 1), tmp_path / "m.safetensors")
    for name in ("void.txt", "class_names.txt"):
        (pets / name).unlink()
    answer = call(f"eval {model} --data {pets}").worked()
    assert "has no class list: its numbers are taken for those that the model was trained with" in answer.err


def test_the_sheet_shows_classes_and_not_numbers(pets, call, tmp_path):
    """Number 1 is class 0: taken as an index it would be drawn as background, and number 2 as no class."""
    from minifcn.draw.pictures import contact

    seen = []
    with pytest.MonkeyPatch.context() as patch:
        real = contact.contact_sheet
        patch.setattr(contact, "contact_sheet", lambda tiles, *rest: seen.extend(tiles) or real(tiles, *rest))
        call(f"check-data {pets} --sheet {tmp_path}/sheet.png").worked()
    for tile in seen:
        numbers = read_labels(pets / "SegmentationClass" / f"{tile.name}.png")
        np.testing.assert_array_equal(tile.labels, np.select([numbers == 1, numbers == 2], [0, 1], 255))


def test_numbers_that_nobody_names(call, own_set, tmp_path):
    words = [
        "nobody says what the numbers in its labels mean",
        "The labels hold 0 to 2, and 255 for void",
        "class_names.txt",
        "--class-names voc",
    ]
    call(f"train --data {own_set} {ONE} --out {tmp_path}/run").failed(*words, f"minifcn check-data {own_set}")
    assert not (tmp_path / "run").exists()
    answer = call(f"check-data {own_set}")
    assert answer.status == 1 and all(word in answer.out for word in words)
    assert "  1 number 1" in answer.out and "aeroplane" not in answer.out and "1 finding" in answer.out
    assert "20 tvmonitor" in call(f"check-data {own_set} --class-names voc").worked().out


def test_what_else_is_wrong_is_said_where_nobody_names_the_numbers(call, own_set, tmp_path):
    root = shutil.copytree(own_set, tmp_path / "copy")
    path = root / "SegmentationClass/photo0.png"
    image = Image.open(path)
    image.putpalette([0, 0, 0, 192, 128, 128, 128, 0, 0] + [0] * 252 * 3 + [224, 224, 192])
    image.save(path)
    for said in both(call, root, tmp_path):
        assert "nobody says what the numbers" in said and "photo0.png: number 1 " in said and "15" in said


def test_voc_by_the_names_of_its_pictures_is_said(call, begin, voc_set, tmp_path):
    for line in (f"check-data {voc_set}", f"train --data {voc_set} {ONE} --out {tmp_path}/run"):
        assert "its pictures have the names of VOC's" in begin(line).worked().out


def test_the_list_beside_the_pictures_counts_wherever_the_folder_was_found(call, begin, copy, tmp_path):
    above = tmp_path / "above"
    above.mkdir()
    shutil.move(copy.root, above / "VOC2012")
    assert "1 disc" in call(f"check-data {above}").worked().out
    answer = begin(f"train --data {above} {ONE} --out {tmp_path}/run").worked()
    assert "9 classes: background, disc" in answer.out
    model = saved(constant_model(ClassMap.own(SHAPE_CLASSES), 1), tmp_path / "m.safetensors")
    (above / "class_names.txt").write_text("sky\nsea\n")
    for line in (
        f"check-data {above}",
        f"train --data {above} {ONE} --out {tmp_path}/run2",
        f"eval {model} --data {above}",
    ):
        answer = begin(line).worked()
        assert (
            f"{above / 'VOC2012/class_names.txt'} counts: it says that number 0 is 'background'"
            in answer.out + answer.err
        )


@pytest.mark.parametrize("chosen", ["wall,building, edifice", "1,2", "@FILE", '\\"building, edifice\\",wall'])
def test_names_with_commas(chosen, call, begin, tmp_path):
    root = write_set(tmp_path / "ade", [three_stripes(seed, (1, 2, 3)) for seed in range(4)])
    (root / "class_names.txt").write_text("other\nwall\nbuilding, edifice\nsky\n")
    (tmp_path / "mine.txt").write_text("wall\nbuilding, edifice\n")
    chosen = chosen.replace("FILE", str(tmp_path / "mine.txt"))
    answer = begin(f'train --data {root} {ONE} --classes "{chosen}" --out {tmp_path}/run').worked()
    names = ['"wall"', '"building, edifice"'][:: -1 if chosen.startswith("\\") else 1]
    assert f"2 classes: {', '.join(names)}\n" in answer.out
    begin(f"train --data {root} {ONE} --classes building --out {tmp_path}/no").failed(
        "did you mean building, edifice?", "--classes @FILE"
    )


def test_background_between_underscores_is_background(call, begin, tmp_path):
    root = write_set(tmp_path / "lm", [three_stripes(seed, (0, 1, 2)) for seed in range(4)])
    (root / "class_names.txt").write_text("_background_\ncat\ndog\n")
    for options in (
        "--classes cat",
        "--classes _background_,cat --others background",
        "--classes cat --others background",
    ):
        out = tmp_path / options.replace(" ", "")
        answer = begin(f"train --data {root} {ONE} {options} --out {out}").worked()
        assert "2 classes: background, cat\n" in answer.out


def test_a_model_of_before_that_says_background_between_underscores(call, tmp_path):
    root = write_set(tmp_path / "lm", [three_stripes(seed, (0, 1, 2)) for seed in range(4)])
    (root / "class_names.txt").write_text("_background_\ncat\ndog\n")
    classes = ClassMap(("_background_", "cat", "dog"), (0, 1, 2), "void", 3)
    call(f"eval {saved(constant_model(classes, 1), tmp_path / 'm.safetensors')} --data {root}").worked()


def both(call, root, tmp_path):
    """What check-data and train say, each to who asks."""
    checked = call(f"check-data {root}")
    trained = call(f"train --data {root} {ONE} --out {tmp_path}/run")
    assert checked.status == trained.status == 1, checked.out + trained.out
    return checked.out + checked.err, trained.err


def matlab(root, labels):
    labels.unlink()
    labels.with_suffix(".mat").write_bytes(b"MATLAB 5.0 MAT-file")
    return f"{labels.stem}.mat is a MATLAB file; minifcn reads PNG, TIF, TIFF and others: save its numbers"


def numpy(root, labels):
    np.save(labels.with_suffix(".npy"), np.zeros((3, 3)))
    labels.unlink()
    return f"{labels.stem}.npy is a NumPy array; minifcn reads PNG"


def suffix(root, labels):
    labels.rename(labels.with_stem(f"{labels.stem}_mask"))
    return f"only {labels.stem}_mask.png; drop _mask from the names in SegmentationClass/"


def case(root, labels):
    labels.rename(labels.with_stem(labels.stem.upper()))
    return f"only {labels.stem.upper()}.png: upper and lower case differ"


def other_folder(root, labels):
    (root / "SegmentationClassPNG").mkdir()
    labels.rename(root / "SegmentationClassPNG" / labels.name)
    return f"{labels.name} lies in SegmentationClassPNG/, so put its files into SegmentationClass/"


def label_studio(root, labels):
    labels.rename(labels.with_stem("task-1-annotation-1-by-1-tag-tree-0"))
    return "are Label Studio's, one a brush stroke, of 0 and 255"


@pytest.mark.parametrize("damage", [matlab, numpy, suffix, case, other_folder, label_studio])
def test_labels_that_are_nearly_there(damage, call, copy, tmp_path):
    words = damage(copy.root, next(iter(sorted((copy.root / "SegmentationClass").glob("train_*.png")))))
    for said in both(call, copy.root, tmp_path):
        assert words in said and "case and ending" not in said


def test_matlab_files_are_named_where_nobody_names_the_numbers(call, copy, tmp_path):
    (copy.root / "class_names.txt").unlink()
    matlab(copy.root, copy.labels("train_00000"))
    for said in both(call, copy.root, tmp_path):
        assert "nobody says what the numbers" in said and "train_00000.mat is a MATLAB file" in said


@pytest.mark.parametrize("form", ["{}.png", "JPEGImages/{0}.jpg SegmentationClass/{0}.png", "{} 1"])
def test_lists_in_other_forms(form, call, begin, copy, tmp_path):
    for split in ("train", "val"):
        lines = copy.split(split).read_text().split()
        copy.split(split).write_text("".join(f"{form.format(line)}\n" for line in lines))
    assert "no findings" in call(f"check-data {copy.root} --split train val").worked().out
    begin(f"train --data {copy.root} {ONE} --out {tmp_path}/run").worked()


def test_lines_that_are_left_out_are_said(call, begin, copy, tmp_path):
    names = copy.split("train").read_text().split()
    copy.split("train").write_text("".join(f"{name} {-1 if place else 1}\n" for place, name in enumerate(names)))
    for line in (
        f"check-data {copy.root} --split train",
        f"train --data {copy.root} {ONE} --batch 1 --out {tmp_path}/run",
    ):
        assert "5 of 6 lines end in -1" in begin(line).worked().out


def test_a_folder_of_another_tool(call, tmp_path):
    for part in ("train", "valid"):
        (tmp_path / "robo" / part).mkdir(parents=True)
    for said in both(call, tmp_path / "robo", tmp_path):
        assert f"minifcn import {tmp_path / 'robo'} --out ROOT" in said


def test_the_line_that_writes_the_lists_does(call, begin, copy, tmp_path, monkeypatch):
    shutil.rmtree(copy.root / "ImageSets")
    (said, _) = both(call, copy.root, tmp_path)
    line = said.partition("python -c ")[2].partition("; so does")[0].strip('"')
    exec(line, {})
    names = [VOCFolder(copy.root, split, ClassMap.voc()).ids for split in ("train", "val")]
    assert (len(names[0]), len(names[1])) == (7, 2) and not set(names[0]) & set(names[1])
    begin(f"train --data {copy.root} {ONE} --out {tmp_path}/run").worked()


def test_labelmes_mark(call, copy, tmp_path):
    names = copy.root / "class_names.txt"
    names.write_text("__ignore__\n_background_\n" + "".join(f"c{number}\n" for number in range(9)))
    for said in both(call, copy.root, tmp_path):
        assert f"class names {names}, line 1: '__ignore__' is the mark" in said


def test_a_picture_is_drawn_over_an_untinted_background(tmp_path):
    from minifcn.draw.pictures.overlay import overlay

    picture = np.full((20, 20, 3), 99, np.uint8)
    labels = np.zeros((20, 20), np.uint8)
    shown = np.array(overlay(picture, labels, ["_background_", "cat"], np.array([[0, 0, 0], [128, 0, 0]], np.uint8)))
    assert (shown[:20, :20] == 99).all()
    assert Image.fromarray(shown).size[1] > 20  # the legend
