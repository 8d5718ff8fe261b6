"""minifcn train --init FILE: everything else comes from the file, what is given by hand wins, and what does not fit is a sentence."""

import json
import re

import numpy as np
import pytest
from training.helpers import arrays_of, make_small_set, same_arrays, saved, stop_at, three_stripes, write_set

from minifcn.data import ClassMap
from minifcn.models import build, load

LENGTH = "--steps 2 --batch 2"


def config_of(path):
    return json.loads((path / "config.json").read_text())


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The file of an FCN-8s that knows pictures of 64 pixels, and a class of the small set by its name."""
    classes = ClassMap.own(["background", "whale", "disc"])
    model = build(
        "fcn8s",
        backbone="tiny",
        width=3,
        num_classes=3,
        fusion="max",
        class_names=classes.names,
        classes=classes.to_dict(),
    )
    for _, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data[...] = np.random.default_rng(1).standard_normal(parameter.shape) * 0.1
    model.picture_size = 64
    return saved(model, tmp_path_factory.mktemp("start") / "start.safetensors")


def test_network_recipe_and_sizes_come_from_the_file(start, call, small_set, tmp_path):
    answer = call(f"train --data {small_set} --init {start} {LENGTH} --out {tmp_path}/run").worked()
    config = config_of(tmp_path / "run")
    wanted = dict(arch="fcn8s", backbone="tiny", width=3, fusion="max", optimizer="adam", lr=2e-4, head_factor=5.0)
    wanted |= dict(picture_size=64, longer_side=64, size=[52, 64])  # pictures of 40x48, 64 wide, to a multiple of 4
    assert {name: config[name] for name in wanted} == wanted
    assert {"arch", "width", "lr", "size", "longer_side"} <= set(config["derived"])
    assert not {"steps", "batch", "seed", "data"} & set(config["derived"])
    assert (
        "; the scores of background, disc too; new in fcn8s: those of the other classes\n" in answer.out
        and "left as they start" not in answer.out
    )
    assert load(tmp_path / "run" / "best.safetensors").picture_size == 64


def test_the_number_of_steps_is_derived_too(start, call, small_set, tmp_path):
    call(f"train --data {small_set} --init {start} --size 16 --out {tmp_path}/run").worked()
    config = config_of(tmp_path / "run")
    assert config["steps"] == 75 and "steps" in config["derived"]  # fifty passes through six pictures, four a step


def test_what_is_given_by_hand_wins(start, call, small_set, tmp_path):
    line = "--arch fcn16s --recipe modern --lr 0.25 --longer-side 0 --size 20x30 --fusion sum --val-every 1"
    answer = call(f"train --data {small_set} --init {start} {LENGTH} {line} --out {tmp_path}/run").worked()
    config = config_of(tmp_path / "run")
    wanted = dict(
        arch="fcn16s", lr=0.25, longer_side=None, size=[20, 30], optimizer="sgd", fusion="sum", picture_size=48
    )
    assert {name: config[name] for name in wanted} == wanted
    assert not {"arch", "lr", "longer_side", "size", "fusion"} & set(config["derived"])
    assert "not used: score_pool3" in answer.out  # what a coarser network has no place for
    assert answer.out.count("mean IU of some training pictures") == 2


@pytest.mark.parametrize(
    "options, words",
    [
        (
            "--width 2",
            [
                "start.safetensors: its network (tiny, width 3) does not fit the one asked for (tiny, width 2)",
                "Leave out",
            ],
        ),
        ("--backbone vgg16", ["its network (tiny, width 3) does not fit the one asked for (vgg16): "]),
        (
            "--backbone squeezenet --width 64",
            ["does not fit the one asked for (squeezenet, width 64)", "without --init"],
        ),
        ("--optimizer sgd", ["--optimizer sgd: the rate 0.0002", "give --lr too"]),
        ("--trunk x.npz", ["--init brings a whole network"]),
    ],
)
def test_what_does_not_fit_is_one_sentence(options, words, start, call, small_set, tmp_path):
    answer = call(f"train --data {small_set} --init {start} {LENGTH} {options} --out {tmp_path}/run").failed(*words)
    assert len(answer.err) < 700 and not (tmp_path / "run").exists()


def test_the_wrong_word_for_a_file(call, small_set, tmp_path):
    call(f"train --data {small_set} --init voc8 --out {tmp_path}/run").failed("voc8: no such file", "voc7")


def test_a_run_goes_on_with_what_it_derived_though_the_file_has_changed(start, call, small_set, tmp_path, monkeypatch):
    copied = tmp_path / "copy.safetensors"
    copied.write_bytes(start.read_bytes())
    line = f"train --data {small_set} --init {copied} --steps 3 --batch 2"
    call(f"{line} --out {tmp_path}/whole").worked()
    with monkeypatch.context() as patch:
        stop_at(patch, "fcn8s", 2, KeyboardInterrupt)
        call(f"{line} --out {tmp_path}/cut")
    assert (tmp_path / "cut" / "checkpoint.safetensors").exists()
    copied.unlink()
    monkeypatch.setattr(
        "minifcn.cli.train_config.sizes_for", lambda *_: (32, 32)
    )  # a later version may choose otherwise
    call(f"{line} --out {tmp_path}/cut --resume").worked()
    same_arrays(*(arrays_of(tmp_path / run / "last.safetensors") for run in ("whole", "cut")))
    assert config_of(tmp_path / "cut") == config_of(tmp_path / "whole")
    call(f"train --data {small_set} --init {copied} --steps 4 --batch 2 --out {tmp_path}/cut --resume").failed(
        "--steps was 3, now 4"
    )


def test_a_config_that_no_run_can_have_is_refused_by_name(start, call, small_set, tmp_path, monkeypatch):
    """Written by a minifcn that kept no digest of it, and damaged since."""
    line = f"train --data {small_set} --init {start} --batch 2 --steps 4 --out {tmp_path}/run"
    with monkeypatch.context() as patch:
        stop_at(patch, "fcn8s", 2, KeyboardInterrupt)
        call(line)
    config = tmp_path / "run" / "config.json"
    whole = {name: value for name, value in config_of(tmp_path / "run").items() if name != "sha256"}
    for damage, words in (
        ({"schedule": "5d68"}, "schedule is '5d68'"),
        ({"augmentation": 3}, "no options to go on with"),
        ({"derived": [["lr"]]}, "no options to go on with"),
    ):
        config.write_text(json.dumps(whole | damage))
        call(f"{line} --resume").failed("config.json: damaged", words, "restore the file")
    del whole["fusion"]
    config.write_text(json.dumps(whole))
    call(f"{line} --resume").failed("config.json: damaged: it says nothing of fusion; restore the file")


def test_the_shipped_network_starts_a_run_of_other_classes(call, tmp_path):
    data = write_set(tmp_path / "data", [three_stripes(seed, (0, 1, 2)) for seed in range(4)])
    (data / "class_names.txt").write_text("sea\nsand\nwood\n")
    answer = call(f"train --data {data} --init voc7 --steps 1 --batch 1 --longer-side 64 --out {tmp_path}/run").worked()
    assert (
        "fcn4s from voc7: 56 parameters carried over; new in fcn4s: score_fr, score_fire9, score_fire5, score_fire3"
        in answer.out
    )
    notes = load(tmp_path / "run" / "best.safetensors").notes
    assert "SqueezeNet" in notes["start's origin"] and "BSD" in notes["licence"]


def test_the_score_of_the_start_is_not_said_to_be_that_of_the_run(start, call, small_set, tmp_path):
    model = load(start)
    model.notes = {"score": "mean IU 99 %", "licence": "BSD", "start's score": "mean IU 1 %"}
    given = saved(model, tmp_path / "noted.safetensors")
    call(f"train --data {small_set} --init {given} {LENGTH} --out {tmp_path}/run").worked()
    assert load(tmp_path / "run" / "best.safetensors").notes == {
        "start's score": "mean IU 99 %",
        "licence": "BSD",
        "start's start's score": "mean IU 1 %",
    }


def test_a_checkpoint_is_no_start(start, call, small_set, tmp_path):
    call(f"train --data {small_set} --init {start} {LENGTH} --out {tmp_path}/run").worked()
    best = tmp_path / "run" / "best.safetensors"
    call(
        f"train --data {small_set} --init {tmp_path}/run/checkpoint.safetensors {LENGTH} --out {tmp_path}/again"
    ).failed(
        f"checkpoint.safetensors: a checkpoint, from which train --resume goes on; give {best} or another model of its folder"
    )


def test_a_staged_run_says_what_is_new_and_every_name_only_when_asked(call, tmp_path):
    small = make_small_set(tmp_path / "small")
    line = f"train --data {small} --width 2 --size 32 --batch 2 --steps 1 --arch staged"
    plain = call(f"{line} --out {tmp_path}/plain").worked().out
    assert "fcn16s from fcn32s: 16 parameters carried over; new in fcn16s: score_pool4\n" in plain
    assert "dropped" not in plain and "upscore" not in plain
    assert "dropped upscore.weight" in call(f"{line} --verbose --out {tmp_path}/verbose").worked().out


@pytest.fixture(scope="module")
def coarse(tmp_path_factory):
    """Files of an FCN-32s and an FCN-16s for the small set."""
    folder = tmp_path_factory.mktemp("coarse")
    classes = ClassMap.own(["background", "square", "disc"])
    for name in ("fcn32s", "fcn16s"):
        named = dict(num_classes=3, class_names=classes.names, classes=classes.to_dict())
        saved(build(name, backbone="tiny", width=3, **named), folder / f"{name}.safetensors")
    return folder


@pytest.mark.parametrize(
    "begin, arch, recipe, said",
    [
        (
            "fcn32s",
            "fcn16s",
            "paper",
            "fcn16s begins from FCN-32s at the rate 1e-10, .*; for fcn16s .* a hundredth of that: --lr 1e-12$",
        ),
        (
            "fcn16s",
            "fcn8s",
            "paper",
            "fcn8s begins from FCN-16s at the rate 1e-10, .* a ten-thousandth of that: --lr 1e-14$",
        ),
        ("fcn32s", "fcn4s", "paper", "fcn4s begins from FCN-32s .*; for fcn8s the authors took a ten-thousandth"),
        (
            "fcn32s",
            "fcn16s",
            "paper-mean",
            r"at the rate (\S+), which --recipe paper-mean has for fcn32s; .* --lr (\S+)$",
        ),
        ("fcn32s", "fcn16s", "fine-tune", None),
        ("fcn32s", "fcn16s", "paper --lr 1e-12", None),
        ("fcn32s", "fcn32s", "paper", None),
        ("fcn16s", "fcn16s", "paper", None),
        ("fcn32s", "staged", "paper", None),
        ("fcn32s", "fcn8s-atonce", "paper", None),
    ],
)
def test_the_rate_of_a_later_stage_is_named(begin, arch, recipe, said, coarse, call, small_set, tmp_path):
    start = coarse / f"{begin}.safetensors"
    words = f"train --data {small_set} --init {start} --arch {arch} --recipe {recipe} --steps 1 --out {tmp_path}/run"
    notes = [line for line in call(words).worked().out.splitlines() if line.startswith("note: ") and "the rate" in line]
    assert len(notes) == (said is not None)
    if said:
        found = re.search(said, notes[0])
        assert found
        now, then = map(float, found.groups() or ("1e-10", "1e-12"))
        assert then == pytest.approx(now / 100)
        assert config_of(tmp_path / "run")["lr"] == pytest.approx(now, rel=0.01)  # it is as it was: the first stage's
