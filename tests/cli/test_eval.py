"""minifcn eval repeats what training wrote; and says what is no model."""

import json

import pytest
from PIL import Image
from training.helpers import STAGES, constant_model, random_model, saved, truth_share

from minifcn.data import ClassMap
from minifcn.models import load
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
