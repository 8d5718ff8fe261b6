"""Training from ImageNet weights: --trunk, the recipe voc-subset with what it chooses besides, four stages, runs that resume."""

import csv
import json
from argparse import Namespace

import numpy as np
import pytest
from models.test_pretrained import caffe_arrays
from training.helpers import three_stripes, write_set

from minifcn.cli.training.config import crop_size
from minifcn.data import ClassMap, VOCFolder
from minifcn.models import load
from minifcn.training.recipes import VOC_SUBSET


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "squeezenet.npz"
    np.savez(path, **caffe_arrays())
    return path


def test_voc_subset_in_one_command(call, voc_set, weights, tmp_path):
    line = f"train --recipe voc-subset --data {voc_set} --train-split train --classes cat,person --size 32 --batch 2 --steps 2"
    out = call(f"{line} --trunk {weights} --out {tmp_path}/run").worked().out
    assert "fcn4s over squeezenet-fc" in out and f"trunk from {weights}: 50 parameters carried over" in out
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    expected = dict(
        arch="fcn4s", backbone="squeezenet-fc", optimizer="adam", lr=1e-4, head_factor=10.0, balance="classes"
    )
    assert {name: config[name] for name in expected} == expected
    assert config["classes"]["others"] == "background"  # what a photograph holds besides is to be no animal
    model = load(tmp_path / "run" / "best.safetensors")
    assert model.class_names == ("background", "cat", "person")
    assert "SqueezeNet v1.1" in model.notes["trunk"] and "BSD" in model.notes["trunk"]
    moved = np.abs(model.backbone.fire2.squeeze1x1.weight.data - caffe_arrays()["fire2_squeeze1x1_W"]).max()
    assert 0 < moved < 1e-3  # two steps of Adam at 1e-4: the rate of the trunk
    assert np.abs(model.score_fire3.weight.data).max() > 5e-4  # and at ten times that


def test_what_the_recipe_chooses_can_be_chosen_otherwise(call, voc_set, weights, tmp_path):
    line = f"train --recipe voc-subset --data {voc_set} --train-split train --classes cat,person --others void --size 32 --batch 2 --epochs 0.4"
    call(f"{line} --arch fcn16s --backbone squeezenet --trunk {weights} --out {tmp_path}/run").worked()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["arch"], config["backbone"], config["steps"]) == ("fcn16s", "squeezenet", 1)
    assert config["classes"]["others"] == "void"


@pytest.mark.parametrize(
    ("shape", "crop"),
    [((192, 256), (192, 256)), ((500, 375), (192, 256)), ((40, 48), (48, 48)), ((120, 160), (160, 160))],
)
def test_its_crops_are_no_larger_than_the_pictures_warrant(shape, crop, tmp_path):
    root = write_set(tmp_path, [(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8))] * 3)
    given = Namespace(size=None, recipe="voc-subset")
    assert crop_size(given, VOC_SUBSET, VOCFolder(root, "train", ClassMap.voc()), None) == crop
    given.size = (64, 80)
    assert crop_size(given, VOC_SUBSET, VOCFolder(root, "train", ClassMap.voc()), None) == (64, 80)


def named(root, *names):
    """Pictures of three classes of these names."""
    write_set(root, [three_stripes(seed, (0, 1, 2)) for seed in range(6)])
    (root / "class_names.txt").write_text("".join(f"{name}\n" for name in names))
    return root


def test_classes_that_the_recipe_chose_and_the_data_has_not(call, weights, tmp_path):
    """The answer spoke of 'cat' alone, which nobody had typed."""
    root = named(tmp_path / "set", "background", "tree", "road")
    line = f"train --recipe voc-subset --data {root} --train-split train --trunk {weights} --out {tmp_path}/run"
    call(line).failed(
        "--recipe voc-subset learns cat, cow, dog, horse, person, sheep where --classes does not say otherwise: ",
        "there is no class 'cat'; choose one of background, tree, road; or --classes all",
    )
    assert "recipe" not in call(f"{line} --classes cat").failed("there is no class 'cat'").err


@pytest.mark.parametrize(("chosen", "told"), [("all", False), ("sky,tree", True)])
def test_data_without_a_background(chosen, told, call, weights, tmp_path):
    """What is left out cannot count as background there: void, as without the recipe. Whoever asks for background by hand hears why not."""
    root = named(tmp_path / "set", "sky", "tree", "road")
    line = f"train --recipe voc-subset --data {root} --train-split train --classes {chosen} --trunk {weights} --size 32 --batch 2 --steps 1"
    answer = call(f"{line} --out {tmp_path}/run").worked()
    assert ("no class is the background, so the classes left out count as void" in answer.out) == told
    assert json.loads((tmp_path / "run" / "config.json").read_text())["classes"]["others"] == "void"
    call(f"{line} --others background --out {tmp_path}/other").failed("others is background, but none of")


def test_without_a_split_called_trainaug_it_is_said(call, voc_set, weights, tmp_path):
    call(f"train --recipe voc-subset --data {voc_set} --trunk {weights} --out {tmp_path}/run").failed("trainaug")


def test_four_stages_and_a_resume_in_the_third(call, voc_set, weights, tmp_path):
    line = f"train --data {voc_set} --arch staged-4s --backbone squeezenet-fc --size 32 --batch 2 --steps 1 --trunk {weights}"
    call(f"{line} --out {tmp_path}/run").worked()
    with open(tmp_path / "run" / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["stage"] for row in rows] == ["fcn32s", "fcn16s", "fcn8s", "fcn4s"]
    assert all("BSD" in load(tmp_path / "run" / f"{row['stage']}.safetensors").notes["trunk"] for row in rows)
    call(
        f"train --data {voc_set} --arch fcn8s --backbone squeezenet-fc --size 32 --batch 2 --steps 1 "
        f"--init {tmp_path}/run/fcn16s.safetensors --out {tmp_path}/next"
    ).worked()
    assert "BSD" in load(tmp_path / "next" / "last.safetensors").notes["trunk"]
    rates = [float(row["learning_rate"]) for row in rows]
    wide = 128 / 192  # the rate is for 128 features before the scores; this trunk has 192
    assert rates == pytest.approx([0.05 * wide, 0.02 * wide, 0.02 * wide, 0.02 * wide])


def test_a_trunk_that_is_not_there(call, voc_set, tmp_path):
    line = f"train --data {voc_set} --backbone squeezenet --arch fcn16s --steps 1 --trunk {tmp_path}/none.npz --out {tmp_path}/run"
    call(line).failed("none.npz: no such file")


def test_a_trunk_for_another_network(call, voc_set, weights, tmp_path):
    line = f"train --data {voc_set} --backbone tiny --arch fcn32s --steps 1 --trunk {weights} --out {tmp_path}/run"
    call(line).failed("transplant: these parameters have no place in the new network: backbone.conv1.weight")
