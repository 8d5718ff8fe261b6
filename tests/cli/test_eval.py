"""minifcn eval repeats what training wrote, shows where a model fails, and says what is no model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training.helpers import STAGES, constant_model, random_model, saved, truth_share, write_set

from minifcn.data import ClassMap, read_picture, write_labels
from minifcn.models import FCN, load
from minifcn.training import predict
from minifcn.weights import load_arrays, save_arrays

from .conftest import ONE


@pytest.mark.parametrize("stage", STAGES)
def test_the_scores_of_training_are_repeated(stage, call, trained, small_set, tmp_path):
    answer = call(f"eval {trained}/{stage}.safetensors --data {small_set} --json {tmp_path}/scores.json").worked()
    block = json.loads((tmp_path / "scores.json").read_text())
    assert block == json.loads((trained / "metrics.json").read_text())[stage]
    assert f"{100 * block['mean_iu']:.1f} %" in answer.out and "crescent" in answer.out


def test_best_has_the_scores_of_the_best_stage(call, trained, small_set, tmp_path):
    call(f"eval {trained}/best.safetensors --data {small_set} --split val --json {tmp_path}/scores.json").worked()
    metrics = json.loads((trained / "metrics.json").read_text())
    assert json.loads((tmp_path / "scores.json").read_text()) == max(metrics.values(), key=lambda m: m["mean_iu"])


def test_another_split(call, trained, small_set, tmp_path):
    call(f"eval {trained}/last.safetensors --data {small_set} --split trainval --json {tmp_path}/scores.json").worked()
    assert (
        json.loads((tmp_path / "scores.json").read_text())
        != json.loads((trained / "metrics.json").read_text())["fcn8s"]
    )
    call(f"eval {trained}/last.safetensors --data {small_set} --split test").failed("'test'", "train, trainval, val")


@pytest.mark.parametrize("others", ["void", "background"])
def test_the_class_subset_comes_from_the_model(others, call, voc_set, tmp_path):
    classes = ClassMap.voc(["person"], others)
    model = saved(constant_model(classes, 1), tmp_path / "person.safetensors")
    call(f"eval {model} --data {voc_set} --json {tmp_path}/scores.json").worked()
    block = json.loads((tmp_path / "scores.json").read_text())
    assert list(block["per_class"]) == ["background", "person"]
    # all is predicted as person: right everywhere where the rest is void, else in person's share
    share = 1.0 if others == "void" else truth_share(voc_set, 15)
    assert block["pixel_accuracy"] == block["per_class"]["person"] == pytest.approx(share)


def test_a_folder_that_names_other_classes_is_refused(call, trained, small_set, copy):
    """A model of nine shapes must not be scored on data whose value 2 is something else."""
    names = copy.root / "class_names.txt"
    names.write_text(names.read_text().replace("square", "aeroplane"))
    call(f"eval {trained}/best.safetensors --data {copy.root}").failed("label value 2 is square", "says aeroplane")
    names.write_text("background\n")
    call(f"eval {trained}/best.safetensors --data {copy.root}").failed("label value 1 is disc", "says nothing")


def test_the_word_synthetic(call, small_synthetic, tmp_path):
    call(f"train --data synthetic {ONE} --out {tmp_path}/run").worked()
    call(f"eval {tmp_path}/run/last.safetensors --data synthetic --json {tmp_path}/scores.json").worked()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert json.loads((tmp_path / "scores.json").read_text()) == metrics["fcn32s"]


def picture(path):
    Image.new("RGB", (9, 9)).save(path, "PNG")


def text(path):
    path.write_text("I am a model")


def nothing(path):
    path.write_bytes(b"")


def other_safetensors(path):
    save_arrays(path, load_arrays_of_a_model(path), {})


def half(path):
    save_model(path)
    path.write_bytes(path.read_bytes()[:-100])


def a_weight_missing(path):
    arrays = load_arrays_of_a_model(path)
    header = load_arrays(path)[1]
    del arrays["score_fr.bias"]
    save_arrays(path, arrays, header)


def header_without_preprocessing(path):
    arrays = load_arrays_of_a_model(path)
    header = {name: value for name, value in load_arrays(path)[1].items() if name != "preprocessing"}
    save_arrays(path, arrays, header)


def folder(path):
    path.mkdir()


def missing(path):
    pass


def save_model(path):
    saved(random_model(classes=ClassMap.voc(["cat"])), path)


def load_arrays_of_a_model(path):
    save_model(path)
    return load_arrays(path)[0]


NO_MODELS = [
    picture, text, nothing, other_safetensors, half, a_weight_missing, header_without_preprocessing, folder, missing,
]  # fmt: skip


@pytest.mark.parametrize("make", NO_MODELS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("command", ["eval {} --data {}", "predict {1} --model {0} --out {2}", "summary {0}"])
def test_a_file_that_is_no_model(make, command, call, small_set, tmp_path):
    path = tmp_path / "model.safetensors"
    make(path)
    call(command.format(path, small_set, tmp_path / "out")).failed("model.safetensors")
    assert not (tmp_path / "out").exists()


def test_a_model_that_does_not_know_its_label_values(call, small_set, tmp_path):
    path = saved(random_model(), tmp_path / "model.safetensors")
    assert load(path).classes is None
    call(f"eval {path} --data {small_set}").failed("model.safetensors", "label values")


def test_a_bad_file_is_found_before_scoring(call, trained, copy, tmp_path):
    copy.picture("val_00002").write_bytes(b"")
    answer = call(f"eval {trained}/last.safetensors --data {copy.root} --json {tmp_path}/scores.json")
    answer.failed("val_00002.jpg")
    assert answer.out == "" and not (tmp_path / "scores.json").exists()


def test_scores_that_cannot_be_written(call, trained, small_set, tmp_path):
    call(f"eval {trained}/last.safetensors --data {small_set} --json {tmp_path}/no/scores.json").failed("scores.json")


# more than four numbers: the table, averages of views, pictures


def truths(root, split="val"):
    names = (root / f"ImageSets/Segmentation/{split}.txt").read_text().split()
    return {name: np.array(Image.open(root / "SegmentationClass" / f"{name}.png")) for name in names}


def predictions(model, root):
    names = (root / "ImageSets/Segmentation/val.txt").read_text().split()
    return {name: predict(load(model), read_picture(root / "JPEGImages" / f"{name}.jpg")) for name in names}


def test_the_confusion_matrix_in_the_scores(call, trained, small_set, tmp_path):
    model = trained / "fcn16s.safetensors"
    call(f"eval {model} --data {small_set} --json {tmp_path}/scores.json").worked()
    expected = [[0] * 9 for _ in range(9)]
    predicted = predictions(model, small_set)
    for name, truth in truths(small_set).items():
        for true, found in zip(truth.flat, predicted[name].flat, strict=True):
            if true != 255:
                expected[true][found] += 1
    assert json.loads((tmp_path / "scores.json").read_text())["confusion"] == expected


def test_the_table_of_classes(call, voc_set, tmp_path):
    """All is predicted as person, of background, cat and person; car is void."""
    model = saved(constant_model(ClassMap.voc(["cat", "person"]), 2), tmp_path / "model.safetensors")
    lines = call(f"eval {model} --data {voc_set}").worked().out.splitlines()
    labels = np.concatenate([truth.ravel() for truth in truths(voc_set).values()])
    cat, person = int((labels == 8).sum()), int((labels == 15).sum())
    share = f"{100 * person / (cat + person):.1f} %"
    assert lines[0].split("  ")[0] == "class" and lines[0].endswith("most often taken for")
    assert lines[1].split() == ["background", "none", "none", "none", "0", "-"]
    assert " ".join(lines[2].split()) == f"cat 0.0 % 0.0 % none {cat:,} person 100.0 %"
    assert " ".join(lines[3].split()) == f"person {share} 100.0 % {share} {person:,} -"


def test_boundary_and_interior_are_printed(call, trained, small_set, tmp_path):
    answer = call(f"eval {trained}/best.safetensors --data {small_set} --band 2 --json {tmp_path}/scores.json").worked()
    block = json.loads((tmp_path / "scores.json").read_text())
    assert block["boundary_width"] == 2 and "another label, or void, within 2 px" in answer.out
    shares = [1, block["boundary_share"], 1 - block["boundary_share"]]
    accuracies = [block[f"{where}_accuracy"] for where in ("pixel", "boundary", "interior")]
    for word, values in (("pixels", shares), ("pixel accuracy", accuracies)):
        line = next(line for line in answer.out.splitlines() if line.startswith(f"{word} "))
        assert line.removeprefix(word).split() == [part for v in values for part in (f"{100 * v:.1f}", "%")]
    assert accuracies[0] == pytest.approx(shares[1] * accuracies[1] + shares[2] * accuracies[2])
    assert 0 < shares[1] < json.loads((trained / "metrics.json").read_text())["fcn8s"]["boundary_share"]


def test_averages_of_views(call, person_model, voc_set, tmp_path):
    blocks = {}
    for options in ("", "--scales 1", "--mirror", "--mirror --scales 0.75,1,1.5"):
        answer = call(f"eval {person_model} --data {voc_set} {options} --json {tmp_path}/scores.json").worked()
        blocks[options] = json.loads((tmp_path / "scores.json").read_text())
    assert "mean of the softmax over scales 0.75, 1, 1.5, each mirrored too" in answer.out
    assert blocks["--scales 1"] == blocks[""] and "scales" not in blocks[""]
    assert (blocks["--mirror"]["mirror"], blocks["--mirror"]["scales"]) == (True, [1])
    assert len({block["pixel_accuracy"] for block in blocks.values()}) == 3
    right, counted = 0, 0
    for name, truth in truths(voc_set).items():  # of the classes background, person 15, cat 8
        picture = read_picture(voc_set / "JPEGImages" / f"{name}.jpg")
        found = predict(load(person_model), picture, mirror=True, scales=(0.75, 1, 1.5))
        right += ((truth == 15) & (found == 1)).sum() + ((truth == 8) & (found == 2)).sum()
        counted += ((truth == 15) | (truth == 8)).sum()
    assert blocks["--mirror --scales 0.75,1,1.5"]["pixel_accuracy"] == right / counted


def test_pictures_of_the_confusions_and_of_the_worst(call, trained, small_set, tmp_path):
    model = trained / "last.safetensors"
    line = f"eval {model} --data {small_set} --confusion {tmp_path}/c.svg --gallery {tmp_path}/g.png --worst 2"
    answer = call(line).worked()
    assert f"confusion  {tmp_path}/c.svg" in answer.out and f"gallery    {tmp_path}/g.png" in answer.out
    svg = (tmp_path / "c.svg").read_text()
    assert "crescent" in svg and "true class" in svg
    with Image.open(tmp_path / "g.png") as image:
        assert image.format == "PNG" and image.size[1] > 2 * 200  # two rows of pictures of 240x200
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.svg", "g.png"]


def test_the_gallery_shows_the_pictures_with_the_lowest_accuracy(call, trained, small_set, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "minifcn.draw.pictures.gallery.row_strip", lambda row, *_: shown.append(row) or Image.new("RGB", (1, 1))
    )
    model = trained / "last.safetensors"
    call(f"eval {model} --data {small_set} --gallery {tmp_path}/g.png").worked()
    predicted = predictions(model, small_set)
    accuracy = {name: (predicted[name] == t)[t != 255].mean() for name, t in truths(small_set).items()}
    expected = sorted(accuracy, key=accuracy.get)
    assert [row.caption.split()[0] for row in shown] == expected and len(set(accuracy.values())) == 3
    for name, row in zip(expected, shown, strict=True):
        assert f"pixel accuracy {100 * accuracy[name]:.1f} %, mean IU " in row.caption
        np.testing.assert_array_equal(row.prediction, predicted[name])
        np.testing.assert_array_equal(row.truth, truths(small_set)[name])


@pytest.mark.parametrize(
    "options, words",
    [
        ("--scales 0", "expected a number above 0"),
        ("--scales 1,big", "'big' is not a number"),
        ("--scales ,", "no scales; expected numbers above 0"),
        ("--band 0", "expected 1 or more"),
        ("--gallery g.svg", "'g.svg' does not end in .png"),
        ("--confusion c.jpg", "ends in neither .png nor .svg"),
        ("--worst 0 --gallery g.png", "expected 1 or more"),
    ],
)
def test_wrong_usage(options, words, call, trained, small_set):
    answer = call(f"eval {trained}/last.safetensors --data {small_set} {options}")
    assert answer.status == 2 and words in answer.err


@pytest.mark.parametrize(
    "options, words",
    [
        ("--worst 3", "--worst says how many pictures --gallery shows; add --gallery FILE.png"),
        ("--gallery {0}/no/g.png", "--gallery {0}/no/g.png: there is no folder {0}/no; give a file in a folder that exists"),
        ("--confusion {0}/sub.png", "--confusion {0}/sub.png: this is a folder"),
        ("--gallery {0}/a.png --confusion {0}/../{1}/a.png", "--gallery {0}/a.png: --confusion is written to the same file"),
    ],
)  # fmt: skip
def test_outputs_that_cannot_be_are_found_before_scoring(options, words, call, trained, small_set, tmp_path):
    (tmp_path / "sub.png").mkdir()
    answer = call(f"eval {trained}/last.safetensors --data {small_set} {options.format(tmp_path, tmp_path.name)}")
    answer.failed(words.format(tmp_path))
    assert answer.out == "" and [path.name for path in tmp_path.iterdir()] == ["sub.png"]


def test_a_set_of_void_alone_has_a_table_and_no_gallery(call, trained, copy, tmp_path):
    for name in copy.split("val").read_text().split():
        write_labels(copy.labels(name), np.full((40, 48), 255))
    line = f"eval {trained}/last.safetensors --data {copy.root} --json {tmp_path}/s.json --confusion {tmp_path}/c.png"
    answer = call(f"{line} --gallery {tmp_path}/g.png").failed("gallery: there are no rows")
    assert "none" in answer.out and json.loads((tmp_path / "s.json").read_text())["mean_iu"] is None
    assert (tmp_path / "c.png").exists() and not (tmp_path / "g.png").exists()


def test_a_score_of_one_class_alone_is_doubted_in_the_file_too(call, trained, copy, tmp_path):
    for name in copy.split("val").read_text().split():
        write_labels(copy.labels(name), np.zeros((40, 48), np.uint8))
    call(f"eval {trained}/last.safetensors --data {copy.root} --json {tmp_path}/s.json").worked()
    assert json.loads((tmp_path / "s.json").read_text())["doubt"] == "meaningless: one class alone"


def test_class_names_say_what_the_numbers_of_the_data_mean(call, own_set, tmp_path):
    """A folder without a list is taken for the model's, which is noted; a list that says otherwise ends it before anything is scored."""
    names = dict(enumerate(("sky", "tree", "road")))
    model = saved(random_model(classes=ClassMap.own(names)), tmp_path / "m.safetensors")
    line = f"eval {model} --data {own_set}"
    assert (
        "has no class list: its numbers are taken for those that the model was trained with" in call(line).worked().err
    )
    (tmp_path / "same.txt").write_text("sky\ntree\nroad\n")
    answer = call(f"{line} --class-names {tmp_path / 'same.txt'}").worked()
    assert "class list" not in answer.err and "road" in answer.out
    (tmp_path / "other.txt").write_text("road\ntree\nsea\n")
    call(f"{line} --class-names {tmp_path / 'other.txt'}").failed(
        f"the model's label value 0 is sky, but {tmp_path / 'other.txt'} says road and has no sky; score it on data of its own classes, "
        "or give --class-names FILE where a class is only called otherwise"
    )
    call(f"{line} --class-names voc").failed("the model's label value 0 is sky, but --class-names voc says background")
    call(f"eval {model} --data synthetic --class-names voc").failed("the synthetic set brings its own names")


def test_classes_of_other_numbers_are_found_by_name(call, tmp_path):
    """A model of three classes and data whose list has five, in another order: what it knows is scored, the others as --others says."""
    truth = [np.random.default_rng(seed).integers(0, 5, (24, 32)).astype(np.uint8) for seed in range(3)]
    pairs = [(np.zeros((24, 32, 3), np.uint8), labels) for labels in truth]
    root = write_set(tmp_path / "five", pairs)
    (root / "class_names.txt").write_text("background\nbird\ncat\nhorse\ndog\n")
    model = saved(constant_model(ClassMap.own(["background", "dog", "cat"]), 1), tmp_path / "three.safetensors")
    answer = call(f"eval {model} --data {root} --json {tmp_path}/void.json").worked()
    assert (
        f"{root}/class_names.txt has other numbers than the model, so the classes were found by name: dog is 4, not 1"
        in answer.err
    )
    assert "the model knows no bird, horse: their pixels count as void; --others decides" in answer.err
    assert "bird" in answer.out and "horse" in answer.out
    call(f"eval {model} --data {root} --others background --json {tmp_path}/ground.json").worked()
    labels = np.concatenate(list(truths(root).values()))
    void, ground = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("void", "ground"))
    counts = np.bincount(labels.ravel(), minlength=5)
    assert [row[1] for row in void["confusion"]] == [counts[0], counts[4], counts[2]]  # in the model's order
    assert [row[1] for row in ground["confusion"]] == [counts[0] + counts[1] + counts[3], counts[4], counts[2]]


def test_a_list_that_goes_on_is_scored(call, trained, copy):
    """The first classes have the model's numbers, and there is one more."""
    names = copy.root / "class_names.txt"
    names.write_text(names.read_text().strip() + "\nhexagon\n")
    name = copy.split("val").read_text().split()[0]
    write_labels(copy.labels(name), np.full((40, 48), 9))
    answer = call(f"eval {trained}/best.safetensors --data {copy.root}").worked()
    assert "the model knows no hexagon: their pixels count as void; --others decides" in answer.err
    assert "found by name" not in answer.err and "doubt" not in answer.out


def test_pictures_with_names_as_those_of_voc_move_no_class(call, voc_set, tmp_path):
    """Before, the model's number 1, cat, was scored against VOC's number 1, the aeroplane, without a word."""
    model = saved(constant_model(ClassMap.own(["background", "cat", "car"]), 1), tmp_path / "three.safetensors")
    call(f"eval {model} --data {voc_set}").failed(
        "the model's label value 1 is cat, but VOC says aeroplane, for pictures with names such as 2007_000032 are VOC's. "
        "If the labels have VOC's numbers, add --class-names voc, and the classes are found by name; else --class-names FILE, "
        "a list of what the numbers mean"
    )
    answer = call(f"eval {model} --data {voc_set} --class-names voc --json {tmp_path}/s.json").worked()
    assert (
        "--class-names voc has other numbers than the model, so the classes were found by name: cat is 8, not 1, car is 7, not 2"
        in answer.err
    )
    scores = json.loads((tmp_path / "s.json").read_text())
    labels = np.concatenate(list(truths(voc_set).values()))
    assert scores["confusion"][1][1] == (labels == 8).sum() and scores["confusion"][2][1] == (labels == 7).sum()


def test_classes_that_the_model_does_not_know(call, voc_set, tmp_path):
    """Void is not scored, but a person where a bus stands is told all the same; counted as background it costs."""
    model = saved(constant_model(ClassMap.voc(["person"]), 1), tmp_path / "person.safetensors")
    printed = call(f"eval {model} --data {voc_set} --json {tmp_path}/void.json").worked().out
    assert "the model does not know, which were counted as void" in printed and "all of them" in printed
    call(f"eval {model} --data {voc_set} --others background --json {tmp_path}/ground.json").worked()
    void, ground = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("void", "ground"))
    assert void["other_classes"] == ground["other_classes"]
    assert all(each["taken_for"] == {"person": 1.0} for each in void["other_classes"].values())
    assert void["pixel_accuracy"] == 1 and ground["pixel_accuracy"] == pytest.approx(truth_share(voc_set, 15))
    others = sum(each["pixels"] for each in void["other_classes"].values())
    assert sum(map(sum, ground["confusion"])) == sum(map(sum, void["confusion"])) + others


def test_others_as_background_need_a_background(call, small_set, tmp_path):
    classes = ClassMap.own(["sky"] + [f"c{i}" for i in range(8)], ["c1", "c2"])
    model = saved(constant_model(classes, 1), tmp_path / "model.safetensors")
    (small_set / "class_names.txt").rename(tmp_path / "names.txt")
    try:
        call(f"eval {model} --data {small_set} --others background").failed("none of c1, c2 is so named")
    finally:
        (tmp_path / "names.txt").rename(small_set / "class_names.txt")


def test_how_sure_the_model_is(call, trained, small_set, tmp_path):
    answer = call(
        f"eval {trained}/best.safetensors --data {small_set} --reliability {tmp_path}/curve.svg --calibrate {tmp_path}/honest.safetensors"
    ).worked()
    assert (
        "expected calibration error" in answer.out and "best: calibration error" in (tmp_path / "curve.svg").read_text()
    )
    before, after = load(trained / "best.safetensors"), load(tmp_path / "honest.safetensors")
    factor = float(after.notes["temperature"].partition(" ")[0])
    np.testing.assert_allclose(after.score_fr.weight.data * factor, before.score_fr.weight.data, rtol=1e-3)
    # the labels are as likely as they can be: fitted once more, there is nothing left to do
    again = call(f"eval {tmp_path}/honest.safetensors --data {small_set} --calibrate {tmp_path}/again.safetensors")
    assert "scores divided by 1.000" in again.worked().out


def test_the_curve_stands_in_the_json_too(call, trained, small_set, tmp_path):
    """Plain numbers, void not among them."""
    line = f"eval {trained}/best.safetensors --data {small_set} --json {tmp_path}/s.json"
    call(line).worked()
    before = json.loads((tmp_path / "s.json").read_text())
    printed = call(f"{line} --reliability {tmp_path}/curve.svg").worked().out
    after = json.loads((tmp_path / "s.json").read_text())
    found = after.pop("reliability")
    assert after == before
    assert sum(found["pixels"]) == sum(map(sum, after["confusion"]))
    assert sum(found["right"]) == sum(after["confusion"][i][i] for i in range(len(after["confusion"])))
    gaps = [abs(right - sure) for right, sure in zip(found["right"], found["confidence"], strict=True)]
    assert found["expected_calibration_error"] == pytest.approx(sum(gaps) / sum(found["pixels"]))
    assert f"expected calibration error {100 * found['expected_calibration_error']:.1f} %" in printed


def test_the_size_that_was_asked_for_is_that_of_the_temperature(call, trained, small_set, tmp_path):
    """It was always fitted at the size that the model knows."""
    line = f"eval {trained}/best.safetensors --data {small_set} --calibrate"
    call(f"{line} {tmp_path}/own.safetensors").worked()
    call(f"{line} {tmp_path}/large.safetensors --size 72").worked()
    own, large = (load(tmp_path / f"{name}.safetensors").notes["temperature"] for name in ("own", "large"))
    assert own != large


@pytest.mark.parametrize(("option", "ending"), [("reliability", "png"), ("calibrate", "safetensors")])
def test_a_file_of_its_own_that_cannot_be(option, ending, call, trained, small_set, tmp_path):
    call(f"eval {trained}/best.safetensors --data {small_set} --{option} {tmp_path}/no/x.{ending}").failed(
        "there is no folder"
    )


@pytest.mark.parametrize("option", ["json", "calibrate"])
def test_the_model_itself_is_not_written_over(option, call, trained, small_set, tmp_path):
    """The scores took its place. By another name it is the same file."""
    shutil.copy(trained / "best.safetensors", tmp_path / "m.safetensors")
    (tmp_path / "link.safetensors").symlink_to(tmp_path / "m.safetensors")
    for name in ("m", "link"):
        call(f"eval {tmp_path}/m.safetensors --data {small_set} --{option} {tmp_path}/{name}.safetensors").failed(
            f"--{option} {tmp_path}/{name}.safetensors: this is the model itself; give another file"
        )
    assert (tmp_path / "m.safetensors").read_bytes() == (trained / "best.safetensors").read_bytes()


def test_a_folder_in_which_one_may_not_write(call, trained, small_set, tmp_path, monkeypatch):
    """Told before the first picture is scored; whoever runs the tests may be allowed everything, so the system's answer is replaced."""
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
    answer = call(f"eval {trained}/best.safetensors --data {small_set} --reliability {tmp_path}/x.png")
    answer.failed(f"--reliability {tmp_path}/x.png: you may not write in {tmp_path}")
    assert not answer.out


def test_a_calibrated_model_is_called_as_models_are(call, trained, small_set, tmp_path, capsys):
    answer = call(f"eval {trained}/best.safetensors --data {small_set} --calibrate {tmp_path}/x.onnx")
    assert answer.status == 2 and "does not end in .safetensors" in answer.err


def test_labels_of_void_alone_are_told(call, trained, copy):
    """A table of nothing but `none` says nothing of why."""
    for file in (copy.root / "SegmentationClass").iterdir():
        write_labels(file, np.full_like(np.array(Image.open(file)), 255))
    answer = call(f"eval {trained}/best.safetensors --data {copy.root}").worked()
    assert "There are no scores: of the pictures to score not a pixel counts" in answer.out


def test_what_a_model_of_python_lacks_is_said_with_the_remedy(call, small_set, tmp_path):
    model = saved(FCN("tiny", 32, 9, width=1), tmp_path / "plain.safetensors")
    call(f"eval {model} --data {small_set}").failed(
        "does not say which label values", "model.classes = ClassMap.own(names).to_dict()"
    )
    again = load(model)
    names = [line.strip() for line in (small_set / "class_names.txt").read_text().splitlines()]
    again.class_names, again.classes = tuple(names), ClassMap.own(names).to_dict()
    call(f"eval {saved(again, tmp_path / 'said.safetensors')} --data {small_set}").worked()


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(in_channels=1), "takes 1 channel, and pictures have three"),
        (dict(num_classes=300), "has 300 classes, but labels are bytes"),
    ],
)
def test_predict_says_of_a_model_what_no_label_can_tell(options, words, call, small_set, tmp_path):
    mf_model = FCN("tiny", 32, **{"num_classes": 3, "width": 1, **options})
    picture = next((small_set / "JPEGImages").iterdir())
    call(f"predict {picture} --model {saved(mf_model, tmp_path / 'm.safetensors')} --out {tmp_path}/out").failed(words)


def test_options_of_eval_that_change_nothing(call, person_model, voc_set, small_set, tmp_path):
    call(f"eval {person_model} --data {voc_set} --worst 3").failed(
        "--worst says how many pictures --gallery shows; add --gallery FILE"
    )
    said = "--others is about classes that the model does not know, and the data has none: it changes nothing"
    assert said not in call(f"eval {person_model} --data {voc_set} --others void").worked().err  # VOC's other classes
    call(
        f"train --data {small_set} --arch fcn32s --width 2 --size 32 --batch 2 --steps 1 --out {tmp_path}/run"
    ).worked()
    assert said in call(f"eval {tmp_path}/run/best.safetensors --data {small_set} --others void").worked().err
