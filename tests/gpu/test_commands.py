"""The commands with --device: the same files and scores on the device, and where it was computed is said."""

import json

import numpy as np
import pytest
from PIL import Image
from training.helpers import make_small_set

from minifcn.cli.main import main

OPTIONS = "--arch fcn8s --backbone tiny --width 2 --size 48 --batch 2 --steps 2 --lr 0.1"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_small_set(tmp_path_factory.mktemp("set") / "data")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data):
    """What a run on the CPU left."""
    out = tmp_path_factory.mktemp("run") / "run"
    assert main(f"train --data {data} {OPTIONS} --device cpu --out {out}".split()) == 0
    return out / "last.safetensors"


def name_of(cupy):
    return cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()


def test_train(cupy, data, tmp_path, capsys):
    assert main(f"train --data {data} {OPTIONS} --device gpu --out {tmp_path}/run".split()) == 0
    assert f"on the gpu ({name_of(cupy)})" in capsys.readouterr().out
    assert (tmp_path / "run" / "report.html").exists()


def test_eval(cupy, data, trained, tmp_path, capsys):
    scores = {}
    for device in ("cpu", "gpu"):
        line = f"eval {trained} --data {data} --device {device} --mirror --json {tmp_path}/{device}.json"
        assert main(line.split()) == 0
        said = capsys.readouterr().err
        assert ("scoring on the cpu" if device == "cpu" else f"scoring on the gpu ({name_of(cupy)})") in said
        scores[device] = json.loads((tmp_path / f"{device}.json").read_text())["confusion"]
    total = np.sum(scores["cpu"])
    assert np.abs(np.subtract(scores["cpu"], scores["gpu"])).sum() <= 1e-3 * total  # a tie may fall either way


@pytest.mark.parametrize("options", ["", "--mirror --scales 0.5,1 --confidence --probabilities", "--tile 224"])
def test_predict(options, cupy, trained, tmp_path, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 290, 3)).astype(np.uint8)).save(tmp_path / "p.png")
    found = {}
    for device in ("cpu", "gpu"):
        line = f"predict {tmp_path}/p.png --model {trained} --device {device} --out {tmp_path}/{device} {options}"
        assert main(line.split()) == 0
        found[device] = np.array(Image.open(tmp_path / device / "p.png"))
    assert (found["cpu"] != found["gpu"]).mean() <= 1e-3
    assert f"computed on the gpu ({name_of(cupy)})" in capsys.readouterr().err


def test_gradcheck(cupy, tmp_path, capsys):
    line = f"gradcheck conv2d relu --device gpu --cases 2 --plot {tmp_path}/u.svg"
    assert main(line.split()) == 0
    assert capsys.readouterr().out.startswith(f"on the gpu ({name_of(cupy)})\n")
    assert main(["gradcheck", "--model", "fcn32s", "--device", "gpu", "--directions", "1"]) == 0


def test_bench_auto_goes_on_with_the_cpu(monkeypatch, capsys):
    from minifcn import backend

    def said(wanted, say):
        say("--device auto: no reason. Going on with the CPU")
        return "cpu"

    monkeypatch.setattr(backend, "choose_device", said)
    assert main(["bench", "--device", "auto", "--case", "paper-500"]) == 1  # a case of the GPU's: nothing is timed
    assert "Going on with the CPU" in capsys.readouterr().err
