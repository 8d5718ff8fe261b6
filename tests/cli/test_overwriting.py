"""What commands do not write over: pictures, labels and lists of a data folder, files of others, models of a run."""

import json
import shutil

import pytest
from training.helpers import random_model, saved

from minifcn.export import to_torch, to_torchvision
from minifcn.models import build, load
from minifcn.weights.formats.safetensors_header import is_own_file


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(trained, tmp_path / "run")


def content_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "option, file, words",
    [
        ("json", "class_names.txt", "this is another file, which eval did not write; give another name"),
        ("json", "JPEGImages/val_00000.jpg", "this folder holds the data; choose another place"),
        ("gallery", "JPEGImages/new.png", "this folder holds the data"),
        ("confusion", "SegmentationClass/val_00000.png", "this folder holds the data"),
        ("reliability", "ImageSets/Segmentation/x.svg", "this folder holds the data"),
    ],
)
def test_eval_leaves_the_data_alone(option, file, words, call, run, copy):
    (copy.root / "class_names.txt").write_text("a\nb\n")
    before = content_of(copy.root)
    path = copy.root / file
    call(f"eval {run}/best.safetensors --data {copy.root} --{option} {path}").failed(f"--{option} {path}: {words}")
    assert content_of(copy.root) == before


@pytest.mark.parametrize(
    "line",
    [
        "eval {run}/last.safetensors --data {data} --calibrate {run}/best.safetensors",
        "eval {run}/last.safetensors --data {data} --calibrate {run}/checkpoint.safetensors",
        "export {run}/last.safetensors --half --out {run}/best.safetensors",
        "export {run}/last.safetensors --format torch-safetensors --out {run}/best.safetensors",
        "weights import {run}/last.safetensors --out {run}/best.safetensors",
    ],
)
def test_a_model_of_a_run_is_not_written_over(line, call, run, small_set):
    before = content_of(run)
    call(line.format(run=run, data=small_set)).failed(
        ".safetensors: this is a model of the run in", "give another file"
    )
    assert content_of(run) == before


@pytest.mark.parametrize("place", ["run/best", "m"])
def test_the_weights_beside_a_page_of_pytorch_take_no_model_s_place(place, call, run, tmp_path):
    """`--out best.py` writes best.safetensors too, which is how the model itself is called."""
    shutil.copy(run / "best.safetensors", tmp_path / "m.safetensors")
    model = tmp_path / f"{place}.safetensors"
    before = model.read_bytes()
    call(f"export {model} --format torch-py --out {model.with_suffix('.py')}").failed(
        f"export: {model} is a model of minifcn's, and the weights for PyTorch would take its place"
    )
    assert model.read_bytes() == before and not model.with_suffix(".py").exists()
    call(f"export {model} --format torch-py --out {tmp_path}/page.py").worked()
    call(f"export {model} --format torch-py --out {tmp_path}/page.py").worked()  # its own results may come again


def test_from_python_too(tmp_path):
    model = random_model("fcn16s", width=2)
    file = saved(model, tmp_path / "m.safetensors")
    before = file.read_bytes()
    with pytest.raises(ValueError, match="is a model of minifcn's"):
        to_torch(model, tmp_path / "m.py")
    with pytest.raises(ValueError, match="is a model of minifcn's"):
        to_torchvision(build("fcn16s", backbone="squeezenet", num_classes=2), file)
    assert file.read_bytes() == before and load(file)


def test_earlier_results_may_be_written_again(call, run, small_set, tmp_path):
    (tmp_path / "s.json").touch()  # as mktemp makes a file for it
    for _ in range(2):
        call(f"eval {run}/best.safetensors --data {small_set} --json {tmp_path}/s.json").worked()
        call(f"export {run}/best.safetensors --out {tmp_path}/half.safetensors --half").worked()
    assert "per_class" in json.loads((tmp_path / "s.json").read_text())


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"{}", (9).to_bytes(8, "little") + b"{}", bytes(8)])
def test_files_that_are_no_model(content, tmp_path):
    (tmp_path / "x").write_bytes(content)
    assert not is_own_file(tmp_path / "x") and not is_own_file(tmp_path / "none") and not is_own_file(tmp_path)
