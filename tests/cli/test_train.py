"""minifcn train: every option, classes of every kind, starts from saved models."""

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image
from training.helpers import STAGES, arrays_of, same_arrays, saved, truth_share

from minifcn import backend
from minifcn.data import ClassMap, read_class_names
from minifcn.models import build, load

from .conftest import ONE, SMALL

# no float32 is so small: a step at this rate changes nothing
STILL = "--lr 1e-60"


def rows_of(path):
    with open(path / "log.csv", newline="") as file:
        return list(csv.DictReader(file))


def config_of(path):
    return json.loads((path / "config.json").read_text())


def test_a_run_from_end_to_end(trained):
    for name in ("config.json", "log.csv", "metrics.json", "last.safetensors", "best.safetensors", "report.html"):
        assert (trained / name).stat().st_size > 0, name
    assert list(json.loads((trained / "metrics.json").read_text())) == list(STAGES)
    assert [row["stage"] for row in rows_of(trained)] == [stage for stage in STAGES for _ in range(2)]
    assert [name for name in trained.iterdir() if name.suffix == ".tmp"] == []
    model = load(trained / "last.safetensors")
    assert model.class_names[:2] == ("background", "disc") and model.classes["values"] == list(range(9))


def test_the_report_is_self_contained(trained):
    html = (trained / "report.html").read_text()
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", html)
    assert sources and all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"@import|url\(\s*[\"']?(?!data:|#)", html)
    assert all(word in html for word in (*STAGES, "crescent", "val_00000"))


@pytest.mark.parametrize(
    "options, wanted",
    [
        ("--arch fcn32s", dict(arch="fcn32s", optimizer="sgd", lr=0.05, seed=0)),
        ("--arch fcn16s", dict(arch="fcn16s")),
        ("--arch fcn8s", dict(arch="fcn8s")),
        ("--arch fcn4s", dict(arch="fcn4s")),
        ("--arch fcn8s-atonce", dict(arch="fcn8s-atonce")),
        ("--arch staged", dict(arch="staged")),
        ("--arch fcn32s --padding paper", dict(padding="paper")),
        ("--arch fcn32s --optimizer adam", dict(optimizer="adam", lr=3e-4)),
        ("--arch fcn32s --optimizer sgd --lr 1e-3", dict(optimizer="sgd", lr=1e-3)),
        ("--arch fcn32s --seed 7", dict(seed=7)),
        ("--arch fcn32s --device cpu", {}),
        ("--arch fcn32s --device auto", {}),
        ("--arch fcn32s --limit 1", dict(limit=1)),
        (
            "--arch fcn32s --train-split trainval --val-split train --anyway",
            dict(train_split="trainval", val_split="train"),
        ),
        ("--arch fcn32s --others background", {}),
        ("--arch fcn16s --fusion max", dict(fusion="max")),
        ("--arch fcn32s --learn-upsampling", dict(learn_upsampling=True)),
        ("--arch fcn32s --learns scores", dict(learns="scores")),
        ("--arch fcn32s --keep-cells 0.5", dict(keep_cells=0.5)),
    ],
)
def test_every_option_is_heard(options, wanted, call, small_set, tmp_path):
    out = tmp_path / "run"
    call(f"train --data {small_set} --width 2 --size 32 --batch 2 --steps 1 {options} --out", out).worked()
    config = config_of(out)
    assert {name: config[name] for name in wanted} == wanted
    stages = STAGES if config["arch"] == "staged" else (config["arch"],)
    assert tuple(json.loads((out / "metrics.json").read_text())) == stages
    assert len(rows_of(out)) == len(stages)
    assert load(out / "last.safetensors").architecture["padding"] == config["padding"]


def test_without_options_but_size_and_steps(call, small_set, tmp_path):
    call(f"train --data {small_set} --steps 1 --width 2 --out", tmp_path / "run").worked()
    config = config_of(tmp_path / "run")
    # pictures of 40x48: a crop of 48 is filled by five sixths, one of 64 by less than half
    assert (config["size"], config["batch"], config["arch"]) == (48, 8, "staged")


@pytest.mark.parametrize("epochs, steps", [("1", 3), ("2", 6), ("0.5", 2), ("0.01", 1)])
def test_epochs_are_passes_through_the_pictures(epochs, steps, call, small_set, tmp_path):
    # six pictures, two a step; half a pass is one and a half steps, and none is no training
    call(
        f"train --data {small_set} --width 2 --size 32 --batch 2 --arch fcn32s --epochs {epochs} --out {tmp_path}/r"
    ).worked()
    assert config_of(tmp_path / "r")["steps"] == steps == len(rows_of(tmp_path / "r"))


def test_a_limit_keeps_other_pictures_out(call, copy, tmp_path):
    copy.picture("train_00004").write_bytes(b"no picture")
    answer = call(f"train --data {copy.root} {ONE} --limit 3 --out {tmp_path}/run").worked()
    assert "3 training pictures, 3 to score" in answer.out
    call(f"train --data {copy.root} {ONE} --limit 5 --out {tmp_path}/other").failed("train_00004.jpg")


def test_a_crop_larger_and_smaller_than_the_pictures(call, small_set, tmp_path):
    for size in (7, 70):
        call(
            f"train --data {small_set} --width 2 --batch 1 --steps 1 --arch fcn8s --size {size} --out {tmp_path}/{size}"
        ).worked()


def test_a_subset_of_classes(call, voc_set, tmp_path):
    answer = call(f"train --data {voc_set} --classes person,cat {ONE} --out", tmp_path / "run").worked()
    assert "3 classes: background, person, cat" in answer.out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())["fcn32s"]
    assert list(metrics["per_class"]) == ["background", "person", "cat"]
    model = load(tmp_path / "run" / "best.safetensors")
    assert model.class_names == ("background", "person", "cat")
    assert model.classes == dict(names=["background", "person", "cat"], values=[0, 15, 8], others="void", known=21)


def test_other_classes_void_or_background(call, voc_set, tmp_path):
    # person is 15; cat and car are void by default, and no pixel is background then
    scores = {}
    for others in ("void", "background"):
        out = tmp_path / others
        call(f"train --data {voc_set} --classes person --others {others} {ONE} {STILL} --anyway --out", out).worked()
        scores[others] = json.loads((out / "metrics.json").read_text())["fcn32s"]
    # zero scores: all is predicted as class 0, background
    assert scores["void"]["pixel_accuracy"] == 0 and scores["void"]["mean_accuracy"] == 0
    share = truth_share(voc_set, 15)
    assert scores["background"]["pixel_accuracy"] == pytest.approx(1 - share)
    assert scores["background"]["mean_accuracy"] == 0.5


@pytest.mark.parametrize("classes", ["zebra", "person,zebra", "Person", "person,person", "background", "person cat"])
def test_classes_that_do_not_fit(classes, call, voc_set, tmp_path):
    answer = call(f"train --data {voc_set} {ONE} --out {tmp_path}/run --classes", classes).failed("classes: ")
    assert classes == "background" or "aeroplane" in answer.err  # the names there are
    assert not (tmp_path / "run").exists()


def test_own_classes_from_names_to_prediction(call, own_set, tmp_path):
    names, run, out = tmp_path / "names.txt", tmp_path / "run", tmp_path / "out"
    names.write_text("sky\ngrass\nbrick wall\n")
    line = f"train --data {own_set} --class-names {names} --arch fcn8s --width 4 --size 32 --batch 4 --steps 60"
    call(f"{line} --optimizer adam --lr 0.004 --out", run).worked()
    metrics = json.loads((run / "metrics.json").read_text())["fcn8s"]
    assert list(metrics["per_class"]) == ["sky", "grass", "brick wall"]
    # three plain colours: whoever learns anything tells them apart
    assert metrics["pixel_accuracy"] > 0.75 and metrics["mean_iu"] > 0.55

    call(f"eval {run}/best.safetensors --data {own_set} --json {tmp_path}/scores.json").worked()
    assert json.loads((tmp_path / "scores.json").read_text()) == metrics
    answer = call(f"predict {own_set}/JPEGImages/photo9.jpg --model {run}/best.safetensors --out", out).worked()
    assert "sky" in answer.out and "brick wall" in answer.out
    predicted = np.array(Image.open(out / "photo9.png"))
    truth = np.array(Image.open(own_set / "SegmentationClass" / "photo9.png"))
    assert set(np.unique(predicted)) == {0, 1, 2}
    assert (predicted == truth)[truth != 255].mean() > 0.6


def test_names_beside_the_pictures_are_found(trained):
    names = read_class_names(config_of(trained)["data"] + "/class_names.txt")
    assert list(json.loads((trained / "metrics.json").read_text())["fcn8s"]["per_class"]) == names


@pytest.mark.parametrize(
    "text, words",
    [
        (None, ["names.txt", "cannot be read"]),
        ("", ["names.txt", "no names"]),
        ("sky\n\ngrass\n", ["names.txt, line 2", "blank"]),
        ("sky\nsky\n", ["names.txt, line 2", "'sky'"]),
        ("sky\n", ["at least 2 classes"]),
        ("sky\ngrass\n", ["label value 2", "photo0.png"]),
    ],
)
def test_names_that_do_not_fit(text, words, call, own_set, tmp_path):
    if text is not None:
        (tmp_path / "names.txt").write_text(text)
    call(f"train --data {own_set} {ONE} --class-names {tmp_path}/names.txt --out {tmp_path}/run").failed(*words)
    assert not (tmp_path / "run").exists()


def test_others_background_needs_a_background(call, own_set, tmp_path):
    (tmp_path / "names.txt").write_text("sky\ngrass\nwall\n")
    line = f"train --data {own_set} {ONE} --class-names {tmp_path}/names.txt --classes sky,wall"
    call(f"{line} --others background --out {tmp_path}/run").failed("others is background")
    call(f"{line} --out {tmp_path}/run").worked()
    assert load(tmp_path / "run" / "best.safetensors").classes["values"] == [0, 2]


def test_init_from_a_coarser_model(call, small_set, trained, tmp_path):
    line = f"train --data {small_set} --width 2 --size 32 --batch 2 --steps 1 --arch fcn16s {STILL}"
    answer = call(f"{line} --init {trained}/fcn32s.safetensors --out {tmp_path}/run").worked()
    assert "new in fcn16s: score_pool4\n" in answer.out
    old, new = arrays_of(trained / "fcn32s.safetensors"), arrays_of(tmp_path / "run" / "last.safetensors")
    shared = old.keys() - {"upscore.weight"}
    assert f"{len(shared)} parameters carried over" in answer.out
    same_arrays({name: old[name] for name in shared}, {name: new[name] for name in shared})


def test_init_from_a_model_with_other_classes(call, voc_set, person_model, tmp_path):
    line = f"train --data {voc_set} --width 2 --size 32 --batch 2 --steps 1 --arch fcn8s {STILL}"
    answer = call(f"{line} --init {person_model} --out {tmp_path}/run").worked()
    assert "the scores of background, cat, person too; new in fcn8s: those of the other classes" in answer.out
    old, new = arrays_of(person_model), arrays_of(tmp_path / "run" / "last.safetensors")
    same_arrays(*({"w": arrays["backbone.conv3_1.weight"]} for arrays in (old, new)))
    # background, person and cat of the old network are classes 0, 15 and 8 of the new one; the others start at zero
    scores, others = new["score_fr.weight"], [number for number in range(21) if number not in (0, 15, 8)]
    np.testing.assert_array_equal(scores[[0, 15, 8]], old["score_fr.weight"])
    assert len(scores) == 21 and not scores[others].any()


@pytest.mark.parametrize(
    "arch, width, words",
    [("fcn32s", 3, ["no place", "conv1_1", "Leave out --backbone and --width"]), (None, 0, ["model.safetensors"])],
    ids=["wider", "missing"],
)
def test_a_model_that_cannot_be_the_start_leaves_no_run(arch, width, words, call, small_set, tmp_path):
    if arch:
        classes = ClassMap.own(read_class_names(small_set / "class_names.txt"))
        names = dict(num_classes=len(classes.names), class_names=classes.names, classes=classes.to_dict())
        saved(build(arch, backbone="tiny", width=width, **names), tmp_path / "model.safetensors")
    call(f"train --data {small_set} {ONE} --init {tmp_path}/model.safetensors --out {tmp_path}/run").failed(*words)
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_rate_far_too_high_is_a_sentence(call, small_set, tmp_path):
    line = (
        f"train --data {small_set} --width 2 --size 32 --batch 2 --arch fcn32s --steps 9 --lr 1e30 --out {tmp_path}/run"
    )
    call(line).failed("minifcn train: step ", "the loss is ", "learning rate", "rate ten times smaller")


def test_a_gpu_that_is_not_there(call, small_set, tmp_path):
    if backend.gpu_problem() is None:
        pytest.skip("needs a machine without a GPU")
    call(f"train --data {small_set} {ONE} --device gpu --out {tmp_path}/run").failed("--device gpu: ")
    assert not (tmp_path / "run").exists()


def test_vgg16_has_one_width(call, small_set, tmp_path):
    call(f"train --data {small_set} {SMALL} --backbone vgg16 --out {tmp_path}/run").failed("vgg16: width is 2")
    assert not (tmp_path / "run").exists()


def test_options_of_the_network_reach_the_network(call, small_set, tmp_path):
    line = f"train --data {small_set} {SMALL} --arch fcn16s --fusion max --learn-upsampling --learns scores --lr 0.5"
    call(f"{line} --out {tmp_path}/run").worked()
    model = load(tmp_path / "run" / "last.safetensors")
    assert model.architecture["fusion"] == "max" and model.architecture["learn_upsampling"]
    start = build("fcn16s", backbone="tiny", width=2, num_classes=9)
    assert np.abs(model.upscore.weight.data - start.upscore.weight.data).max() > 0
    call(f"{line} --steps 1 --out {tmp_path}/short").worked()
    short = load(tmp_path / "short" / "last.safetensors")
    for name, parameter in model.named_parameters():  # only what gives scores moved between one step and two
        same = np.array_equal(parameter.data, dict(short.named_parameters())[name].data)
        assert same == name.startswith("backbone."), name


def test_the_word_all_is_every_class(call, voc_set, tmp_path):
    answer = call(f"train --data {voc_set} --classes all {ONE} --out", tmp_path / "run").worked()
    assert "21 classes: background, aeroplane" in answer.out


def test_the_size_of_the_pictures_travels_with_the_model(call, small_set, tmp_path):
    call(f"train --data {small_set} {ONE} --out", tmp_path / "run").worked()
    assert load(tmp_path / "run" / "last.safetensors").picture_size == 48  # they are 40x48


@pytest.mark.parametrize(
    "options, said",
    [
        ("--size 96", "crops of 96x96 pixels show pictures on"),
        ("--size 32 --scale 0.1,0.2", "give a smaller --size, or a larger --scale"),
        ("--size 32 --longer-side 8", "give a smaller --size, or a larger --longer-side"),
        ("--size 32 --scale 0.25,1 --jitter 8", "give a smaller --size, or a larger --scale, or less --jitter"),
        ("--size 32 --jitter 4", ""),
        ("--size 0", ""),
    ],
)
def test_crops_of_void_are_said(options, said, call, small_set, tmp_path):
    out = call(f"train --data {small_set} {ONE} {options} --out {tmp_path}/run").worked().out
    assert "note: crops of" in out and said in out if said else "note: crops of" not in out


@pytest.mark.parametrize(
    "idle, in_use, said",
    [
        (
            "--others background",
            "--others background --classes disc",
            "--others is about classes that --classes leaves out",
        ),
        ("--other-data", "", "--other-data is for a run that goes on, and this one begins"),
        ("--learns heads", "--learns all", "the trunk keeps the random weights it begins with"),
    ],
)
def test_options_that_change_nothing_are_said(idle, in_use, said, call, small_set, tmp_path):
    for number, (options, there) in enumerate(((idle, True), (in_use, False))):
        answer = call(f"train --data {small_set} {ONE} {options} --anyway --out {tmp_path}/{number}").worked()
        assert (said in answer.out) is there


def test_a_limit_for_a_gpu_that_is_not_used_is_said(call, small_set, tmp_path):
    answer = call(f"train --data {small_set} {ONE} --device cpu --gpu-memory 1G --out {tmp_path}/run").worked()
    assert "--gpu-memory is about a GPU, and this runs on the cpu: it changes nothing" in answer.err
