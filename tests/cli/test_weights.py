"""minifcn weights: a file of somebody's in, a model of ours out, and training that begins from either."""

import numpy as np
import pytest
from models.test_pretrained import caffe_arrays
from pretrained import stand_ins

from minifcn.models import load
from minifcn.pretrained import load_pretrained


@pytest.fixture(scope="session")
def caffemodel(tmp_path_factory):
    """SqueezeNet v1.1 as Caffe writes it, with random numbers."""
    path = tmp_path_factory.mktemp("theirs") / "squeezenet_v1.1.caffemodel"
    layers = stand_ins.squeezenet()
    path.write_bytes(stand_ins.caffemodel(layers, stand_ins.numbers(layers)))
    return path


def test_import_says_of_every_array_where_it_went(call, caffemodel, tmp_path):
    out = call(f"weights import {caffemodel} --out {tmp_path}/m.safetensors").worked().out
    lines = out.splitlines()
    assert "fire2/squeeze1x1.0 16x64x1x1 -> backbone.fire2.squeeze1x1.weight 16x64x1x1: copied" in lines
    assert sum(" -> " in line for line in lines) == 52
    assert "pictures: channels bgr, mean 104, 117, 123, scale 1" in lines
    assert (
        "Caffe's squeezenet from squeezenet_v1.1.caffemodel (Caffe): 52 parameters: 52 copied; 0 arrays left" in lines
    )
    assert lines[-1] == f"use it   minifcn train --trunk {tmp_path}/m.safetensors …"
    network = load_pretrained(tmp_path / "m.safetensors")
    expected = stand_ins.numbers(stand_ins.squeezenet())["fire5/expand3x3"][0]
    np.testing.assert_array_equal(network.backbone.fire5.expand3x3.weight.data, expected)


def test_show_lists_what_is_there(call, caffemodel, tmp_path):
    out = call(f"weights show {caffemodel}").worked().out
    assert out.startswith(f"{caffemodel}: Caffe, 52 arrays, ") and "\nconv1.0  64x3x3x3  float32\n" in out
    assert (
        "network: Caffe's squeezenet\npictures: channels bgr, mean 104, 117, 123, scale 1, as usual for such a file\n"
        in out
    )
    call(f"weights import {caffemodel} --out {tmp_path}/m.safetensors").worked()
    out = call(f"weights show {tmp_path}/m.safetensors").worked().out
    assert (
        "a file of minifcn's own\nsource: squeezenet_v1.1.caffemodel, Caffe, SHA-256 " in out
        and "trunk: began from SqueezeNet v1.1" in out
    )
    np.savez(tmp_path / "x.npz", a=np.ones(3), b=np.float16(2))
    out = call(f"weights show {tmp_path}/x.npz").worked().out
    assert (
        "a  3  float64\nb  a number  float16\nnetwork: holds a, b, which are not the names of a network that is known here"
        in out
    )


def test_options_of_import(call, caffemodel, tmp_path):
    line = f"weights import {caffemodel} --out {tmp_path}/m.safetensors"
    out = call(f"{line} --as squeezenet --channels rgb --mean 1,2,3 --scale 0.5 --flip").worked().out
    assert "pictures: channels bgr, mean 3, 2, 1, scale 0.5" in out
    call(f"{line} --channels rgb").failed(
        "--channels, --mean and --scale say together how pictures were prepared: give all three, or none"
    )
    call(f"{line} --as vgg16").failed(
        "squeezenet_v1.1.caffemodel: holds conv1.0, conv1.1, fire2/squeeze1x1.0 …, which are not the names of vgg16"
    )
    call(f"weights import {caffemodel}").failed("import: where to? Give --out M.safetensors")
    call(f"weights import {tmp_path}/m.safetensors --out {tmp_path}/m.safetensors").failed(
        "this is the file itself; give another name"
    )
    np.savez(tmp_path / "more.npz", **caffe_arrays(), extra=np.ones(1))
    call(f"weights import {tmp_path}/more.npz --out {tmp_path}/n.safetensors").failed(
        "also holds extra, for which", "--ignore 'extra'"
    )
    assert not (tmp_path / "n.safetensors").exists()
    assert (
        "extra: left, as --ignore says"
        in call(f"weights import {tmp_path}/more.npz --out {tmp_path}/n.safetensors --ignore extra").worked().out
    )


@pytest.mark.parametrize("words, said", [
    ("weights improt x", "unknown action improt: did you mean import?"),
    ("weights import x --as vgg17", "unknown network vgg17: did you mean vgg16"),
    ("weights import x --mean 1,2", "'1,2' is not three numbers, such as 104,117,123"),
    ("weights import x --scale 1,2", "'1,2' is neither one number nor three"),
    ("weights import x --out y", "'y' does not end in .safetensors"),
])  # fmt: skip
def test_wrong_usage(call, words, said):
    answer = call(words)
    assert answer.status == 2 and said in answer.err


TRAIN = "--size 32 --batch 2 --steps 1 --arch fcn16s"


def test_training_begins_from_their_file(call, voc_set, caffemodel, tmp_path):
    out = call(f"train --data {voc_set} --trunk {caffemodel} {TRAIN} --lr 1e-9 --out {tmp_path}/run").worked().out
    assert f"trunk from {caffemodel}: 50 parameters carried over" in out and "fcn16s over squeezenet, " in out
    model = load(tmp_path / "run" / "best.safetensors")
    assert "SHA-256" in model.notes["source"] and model.preprocessing == ("bgr", (104.0, 117.0, 123.0), 1.0)


@pytest.mark.slow
def test_training_begins_from_their_file_or_from_ours_with_the_same_weights(call, voc_set, caffemodel, tmp_path):
    call(f"weights import {caffemodel} --out {tmp_path}/m.safetensors").worked()
    models = []
    for number, trunk in enumerate((caffemodel, tmp_path / "m.safetensors")):
        out = call(f"train --data {voc_set} --trunk {trunk} {TRAIN} --out {tmp_path}/run{number}").worked().out
        assert f"trunk from {trunk}: 50 parameters carried over" in out and "fcn16s over squeezenet, " in out
        models.append(load(tmp_path / f"run{number}" / "best.safetensors"))
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        np.testing.assert_array_equal(one.data, two.data)
    assert models[0].notes == models[1].notes and "SHA-256" in models[0].notes["source"]
    assert models[0].preprocessing == ("bgr", (104.0, 117.0, 123.0), 1.0)


def test_the_trunk_of_another_backbone_is_named(call, voc_set, caffemodel, tmp_path):
    call(f"train --data {voc_set} --backbone googlenet --trunk {caffemodel} {TRAIN} --out {tmp_path}/run").failed(
        f"--trunk {caffemodel}: transplant: these parameters have no place in the new network:",
        "the file holds squeezenet: leave out --backbone, which then is the file's",
    )


@pytest.mark.slow
def test_a_staged_run_takes_one_more_pool(call, voc_set, caffemodel, tmp_path):
    out = (
        call(
            f"train --data {voc_set} --trunk {caffemodel} --lr 1e-9 --size 32 --batch 2 --steps 1 --out {tmp_path}/run"
        )
        .worked()
        .out
    )
    assert "fcn32s then fcn16s then fcn8s over squeezenet32" in out


@pytest.mark.slow
def test_a_trunk_keeps_the_colours_that_it_knows(call, voc_set, caffemodel, tmp_path):
    """Imported as another order: what is trained reads that order, and so does what predicts with it."""
    call(f"weights import {caffemodel} --out {tmp_path}/m.safetensors --flip").worked()
    call(f"train --data {voc_set} --trunk {tmp_path}/m.safetensors {TRAIN} --out {tmp_path}/run").worked()
    assert load(tmp_path / "run" / "best.safetensors").preprocessing == ("rgb", (123.0, 117.0, 104.0), 1.0)


@pytest.fixture
def authors(tmp_path, monkeypatch):
    """The authors' FCN-16s as they give it away, on a VGG16 with an eighth of the channels: a file of 0.5 MB."""
    from minifcn.models.trunks import backbones

    def vgg16(padding="same", width=None, in_channels=3):
        return backbones.vgg((2, 2, 3, 3, 3), (8, 16, 32, 64, 64), 32, 0.5, padding, in_channels)

    monkeypatch.setitem(backbones.BACKBONES, "vgg16", vgg16)
    layers = []
    for name, kind, (out, into, *window) in stand_ins.fcn("fcn16s"):
        if kind != stand_ins.DECONVOLUTION:
            out = out if name.startswith("score") else 32 if out == 4096 else out // 8
            into = into if into == 3 else 32 if into == 4096 else into // 8
        layers.append((name, kind, (out, into, *window)))
    path = tmp_path / "fcn16s-heavy-pascal.caffemodel"
    path.write_bytes(stand_ins.caffemodel(layers, stand_ins.numbers(layers), "old"))
    return path


def test_their_file_is_read_once(call, voc_set, authors, monkeypatch, tmp_path):
    """--init looks into it for the network, and hands on what it read."""
    from minifcn.pretrained import importing

    read = []
    whole = importing.read_file
    monkeypatch.setattr(importing, "read_file", lambda path: read.append(path) or whole(path))
    line = f"train --data {voc_set} --size 32 --batch 2 --steps 1 --arch fcn8s --init {authors} --out {tmp_path}/run"
    assert f"fcn8s from {authors}: " in call(line).worked().out and read == [authors]
    folder = tmp_path / "run"
    (folder / "metrics.json").unlink(missing_ok=True)
    call(f"{line} --resume").worked()
    assert read == [authors]  # the checkpoint has it


def test_the_authors_network_predicts_and_is_trained_on(call, voc_set, authors, tmp_path):
    out = call(f"weights import {authors} --out {tmp_path}/fcn16s.safetensors").worked().out
    assert "upscore2.0 21x21x4x4 -> upscore_16s.weight 21x1x4x4: diagonal" in out
    assert f"use it   minifcn predict --model {tmp_path}/fcn16s.safetensors …" in out
    model = load(tmp_path / "fcn16s.safetensors")
    assert model.class_names[0] == "background" and "the authors of the paper" in model.notes["model"]
    call(f"eval {tmp_path}/fcn16s.safetensors --data {voc_set}").worked()
    line = f"train --data {voc_set} --size 32 --batch 2 --steps 1 --arch fcn8s"
    out = call(f"{line} --init {authors} --out {tmp_path}/run").worked().out
    assert f"fcn8s from {authors}: " in out and "new in fcn8s: score_pool3" in out
    trained = load(tmp_path / "run" / "best.safetensors")
    assert trained.architecture["padding"] == "paper" and trained.architecture["stride"] == 8
    call(f"{line} --trunk {authors} --out {tmp_path}/other").failed(
        "not a classifier, which a trunk begins from; start from all of it with --init"
    )


def test_what_ships_is_shown_by_its_name(call):
    out = call("weights show voc7").worked().out
    assert (
        "voc7.safetensors: " in out and "\nscore_fr.weight  7x192x1x1  " in out and "a file of minifcn's own\n" in out
    )
    assert "did you mean voc7?" in call("weights show voc8").failed().err
