"""minifcn export: the same model in a smaller file, with notes; and what summary and demo say of it."""

import importlib.util
import re
import sys

import needs
import numpy as np
import pytest
from training.helpers import arrays_of, random_model, saved

from minifcn.cli.commands import demo
from minifcn.draw.pictures import sample
from minifcn.models import load
from minifcn.weights import load_arrays

from .conftest import SMALL


@pytest.fixture
def file(tmp_path):
    return saved(random_model("fcn16s", width=6), tmp_path / "m.safetensors")


def test_half(call, file, tmp_path):
    out = tmp_path / "half.safetensors"
    answer = call(f"export {file} --out {out} --half").worked()
    before, after = arrays_of(file), arrays_of(out)
    assert list(before) == list(after)
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array.astype(np.float16), strict=True)
    assert load_arrays(out)[1] == load_arrays(file)[1]
    lines = answer.out.splitlines()
    assert "float32" in lines[0] and lines[0].endswith(str(file)) and "float16" in lines[1]
    assert [float(line.split()[0]) for line in lines[:2]] == [
        pytest.approx(path.stat().st_size / 1e6, abs=0.0006) for path in (file, out)
    ]
    assert f"{sum(array.size for array in before.values()):,}" in lines[2]


def test_without_half_the_weights_are_the_same(call, file, tmp_path):
    out = tmp_path / "again.safetensors"
    call(f"export {file} --out {out}").worked()
    assert out.read_bytes() == file.read_bytes()


def test_notes_and_size_are_kept_added_and_printed(call, file, tmp_path):
    first, second = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    call(
        "export", file, "--out", first, "--note", "licence=BSD = free", "--note", "origin=here", "--picture-size", "256"
    ).worked()
    answer = call("export", first, "--out", second, "--half", "--note", "origin=SqueezeNet v1.1").worked()
    model = load(second)
    assert model.notes == {"licence": "BSD = free", "origin": "SqueezeNet v1.1"} and model.picture_size == 256
    for text in (answer.out, call(f"summary {second} --size 64x64").worked().out):
        assert re.search("licence: BSD = free\n.*origin: SqueezeNet v1.1\n", text) and "256 pixels" in text
    plain = call(f"summary {file} --size 64x64").worked().out
    assert "note" not in plain and "256" not in plain


def test_the_model_itself_is_not_overwritten(call, file):
    before = file.read_bytes()
    call(f"export {file} --out {file} --half").failed("--out", "this is the model itself", "another file")
    assert file.read_bytes() == before


def test_a_model_that_is_none(call, tmp_path):
    call(f"export {tmp_path}/none.safetensors --out {tmp_path}/out.safetensors").failed(
        "none.safetensors", "no such file"
    )
    assert not list(tmp_path.iterdir())


def test_the_shipped_model_by_its_name(call, with_shipped, tmp_path):
    call(f"export voc7 --out {tmp_path}/mine.safetensors").worked()
    assert load(tmp_path / "mine.safetensors").class_names == load(with_shipped).class_names
    assert "score_fr" in call("summary voc7 --size 64x64").worked().out


@pytest.fixture
def small_demo(small_synthetic, monkeypatch):
    monkeypatch.setattr(demo, "OPTIONS", f"--data synthetic --arch staged {SMALL}")


@pytest.mark.parametrize("portrait", [True, False])
def test_the_demo_shows_a_photograph_first(portrait, call, small_demo, with_shipped, tmp_path, monkeypatch):
    if not portrait:
        monkeypatch.setattr(sample, "portrait", lambda: None)
    elif sample.portrait() is None:
        pytest.skip(needs.PORTRAIT)
    first, second, *_ = call(f"demo --out {tmp_path}/demo").worked().out.splitlines()
    what = r"grace_hopper\.jpg" if portrait else "a drawn picture"
    assert re.fullmatch(
        rf"voc7 on {what}: \w+ [<\d.]+ %(, \w+ [<\d.]+ %)*; on yours: minifcn predict photo\.jpg", first
    )
    assert second.startswith("minifcn train --data synthetic")
    assert (tmp_path / "demo" / "report.html").exists()


def test_the_demo_works_without_the_shipped_model(call, small_demo, no_shipped, tmp_path):
    out = call(f"demo --out {tmp_path}/demo").worked().out
    assert out.startswith("minifcn train --data synthetic") and "voc7" not in out


def test_a_page_of_pytorch(call, file, tmp_path):
    out = tmp_path / "net.py"
    answer = call(f"export {file} --format torch-py --out {out}").worked()
    assert (
        out.is_file() and out.with_suffix(".safetensors").is_file() and f"python {out} PHOTO LABELS.png" in answer.out
    )


def test_torchvisions_names(call, tmp_path):
    out = tmp_path / "w.safetensors"
    answer = call(f"export voc7 --format torch-safetensors --out {out}").worked()
    assert "the trunk has torchvision's names; under our own: " in answer.out and "score_fr.weight" in answer.out
    assert "features.3.squeeze.weight" in load_arrays(out)[0]


@pytest.mark.skipif(not importlib.util.find_spec("onnx"), reason=needs.ONNX)
@pytest.mark.parametrize("more", ["", "--preprocessing --argmax"])
def test_onnx(more, call, file, tmp_path):
    out = tmp_path / "net.onnx"
    answer = call(f"export {file} --format onnx --out {out} {more}").worked()
    assert out.is_file()
    for text in (
        ("picture_uint8, uint8", "labels, uint8") if more else ("picture, float32 (N, 3, H, W): (RGB", "scores")
    ):
        assert text in answer.out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--out m.py", "--out m.py: a file of format minifcn ends in .safetensors"),
        ("--out m.onnx", "ends in .safetensors; or --format onnx"),
        ("--out m.safetensors --format onnx", "ends in .onnx; or --format minifcn"),
        ("--out m.safetensors --argmax", "belong to --format onnx"),
        ("--out m.py --format torch-py --half", "--half belongs to minifcn's own files"),
    ],
)
def test_formats_and_options_that_do_not_fit(line, says, call, file):
    call(f"export {file} {line}").failed(says)


def test_a_package_that_is_not_installed_is_named(call, person_model, tmp_path, monkeypatch):
    """What the README installs has no onnx: who asks for such a file got a traceback."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    call(f"export {person_model} --out {tmp_path}/m.onnx --format onnx").failed(
        "minifcn export: export to ONNX needs the package onnx: pip install 'minifcn[onnx]'"
    )
