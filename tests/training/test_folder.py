"""The run folder: what it refuses to touch, what it reads back, and the configuration it compares."""

import json
import math

import pytest

from minifcn.training import RunFolder, TrainingError
from minifcn.training.loop import Step
from minifcn.training.runs.config import differences

from .helpers import STAGES, Killed, StopAt, config_for, listing, run_in


def test_claim_writes_nothing(tmp_path):
    RunFolder(tmp_path / "run").claim(resume=False)
    RunFolder(tmp_path / "run").claim(resume=True)
    assert not (tmp_path / "run").exists()


def test_an_empty_folder_may_be_used(tmp_path):
    RunFolder(tmp_path).claim(resume=False)


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_is_no_folder(resume, tmp_path):
    (tmp_path / "run").write_text("my notes")
    with pytest.raises(TrainingError, match="this is a file"):
        RunFolder(tmp_path / "run").claim(resume)
    assert (tmp_path / "run").read_text() == "my notes"


def test_a_folder_with_a_run_needs_resume(tmp_path):
    (tmp_path / "config.json").write_text('{"minifcn": "0.1.0"}')
    with pytest.raises(TrainingError, match="holds a run already; continue it with --resume"):
        RunFolder(tmp_path).claim(resume=False)


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_other_things_is_left_alone(resume, tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    with pytest.raises(TrainingError, match="not empty and holds no run"):
        RunFolder(tmp_path).claim(resume)


def test_the_config_of_another_program_is_not_overwritten(small_set, tmp_path):
    (tmp_path / "config.json").write_text('{"theme": "dark"}')
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(TrainingError):
        run_in(tmp_path, config_for(small_set, steps=1, arch="fcn32s"))
    assert (tmp_path / "config.json").read_text() == '{"theme": "dark"}'


CHANGES = [
    dict(seed=7), dict(lr=0.25), dict(batch=3), dict(size=48), dict(steps=5), dict(width=3), dict(arch="fcn32s"),
    dict(optimizer="adam"), dict(padding="paper"), dict(limit=4), dict(init="other.safetensors"), dict(momentum=0.5),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_another_option_is_refused_by_name_and_nothing_changes(change, stopped, small_set):
    before = listing(stopped)
    (name,) = change
    with pytest.raises(TrainingError, match=rf"started with other options: .*\b{name} was .*now {change[name]!r}"):
        run_in(stopped, config_for(small_set, **change))
    assert listing(stopped) == before


@pytest.fixture(scope="module")
def stopped(small_set, tmp_path_factory):
    """A run with a checkpoint, not finished."""
    path = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Killed):
        run_in(path, config_for(small_set), StopAt(6))
    assert (path / "checkpoint.safetensors").exists()
    return path


def test_a_damaged_config_or_checkpoint_is_a_sentence(small_set, tmp_path):
    with pytest.raises(Killed):
        run_in(tmp_path / "run", config_for(small_set), StopAt(6))
    checkpoint, config = tmp_path / "run" / "checkpoint.safetensors", tmp_path / "run" / "config.json"
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors: not a readable safetensors file"):
        run_in(tmp_path / "run", config_for(small_set))
    checkpoint.write_bytes(whole)
    config.write_text('{"seed": ')
    with pytest.raises(TrainingError, match=r"config\.json: cannot be read"):
        run_in(tmp_path / "run", config_for(small_set))


LOGS = {
    "semicolons": "stage;step;loss\nfcn32s;0;1.0\n",
    "another stage": "stage,step,loss,learning_rate,seconds,images_per_second\nfcn99,0,1,1,1,1\n",
    "not text": "\x00\xff\xfe",
}


@pytest.mark.parametrize("text", LOGS.values(), ids=LOGS)
def test_a_damaged_log_is_a_sentence_or_is_repaired(text, small_set, tmp_path):
    with pytest.raises(Killed):
        run_in(tmp_path / "run", config_for(small_set), StopAt(6))
    (tmp_path / "run" / "log.csv").write_text(text, encoding="latin-1")
    try:
        run_in(tmp_path / "run", config_for(small_set))
    except (ValueError, OSError) as error:
        assert "log.csv" in str(error)


def test_the_log_keeps_what_a_checkpoint_covers(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start_log(STAGES, 0, 0)
    assert folder.read_log() == []
    folder.append_log("fcn32s", [Step(1, 2.5, 0.1, 0.25, 8.0), Step(2, 1.5, 0.05, 0.5, 4.0, 0.0, 0, 90, 45.0)])
    folder.append_log("fcn16s", [Step(1, 1.25, 0.04, 0.5, 4.0), Step(2, 1.0, 0.02, 0.5, 4.0)])
    assert folder.read_log()[1] == dict(
        stage="fcn32s", step=2, loss=1.5, learning_rate=0.05, seconds=0.5, images_per_second=4.0, waited=0.0, pixels=90.0, weight=45.0
    )  # fmt: skip
    kept = folder.start_log(STAGES, 1, 1)
    assert math.isnan(kept[0].pop("pixels")) and math.isnan(kept[0].pop("weight"))  # nobody counted in that step
    assert [(row["stage"], row["step"]) for row in kept] == [("fcn32s", 1), ("fcn32s", 2), ("fcn16s", 1)]
    assert folder.read_log()[1] == kept[1]
    assert [row["step"] for row in folder.start_log(STAGES, 1, 0)] == [1, 2]
    assert folder.start_log(STAGES, 0, 0) == []


def test_a_log_from_before_pixels_were_counted_goes_on(tmp_path):
    """Whoever resumes a run of an older version loses no row, and its rows are not taken for steps without a pixel."""
    folder = RunFolder(tmp_path)
    old = "stage,step,loss,learning_rate,seconds,images_per_second,waited"
    folder.log.write_text(f"{old}\nfcn32s,1,1.5,0.1,0.5,4.0,0.0\nfcn32s,2,1.25,0.1,0.5,4.0,0.0\n")
    folder.scores.write_text(
        "stage,step,train_iu,val_iu,train_accuracy,val_accuracy,seconds\nfcn32s,1,0.5,0.25,0.5,0.5,1.0\n"
    )
    assert [row["loss"] for row in folder.start_log(STAGES, 0, 2)] == [1.5, 1.25]
    folder.append_log("fcn32s", [Step(3, 1.0, 0.1, 0.5, 4.0, 0.0, 0, 64, 64.0)])
    assert [row["loss"] for row in folder.read_log()] == [1.5, 1.25, 1.0]
    assert [row["pixels"] == 64 for row in folder.read_log()] == [False, False, True]
    assert all(math.isnan(row["weight"]) for row in folder.read_log()[:2])
    (point,) = folder.read_scores()
    assert point["val_iu"] == 0.25 and math.isnan(point["val_classes"])
    folder.log.write_text(f"{old},speed\n")
    with pytest.raises(TrainingError, match=r"log\.csv: cannot be read \(its columns are .*'speed'"):
        folder.read_log()


def test_loss_survives_the_log_exactly(tmp_path):
    folder, loss = RunFolder(tmp_path), 0.1 + 0.2
    folder.start_log(STAGES, 0, 0)
    folder.append_log("fcn8s", [Step(1, loss, 1e-17, 1.0, 1.0)])
    assert (folder.read_log()[0]["loss"], folder.read_log()[0]["learning_rate"]) == (loss, 1e-17)


def test_config_says_what_it_does_not_know(small_set):
    with pytest.raises(
        TrainingError, match="--arch fcn64s: did you mean fcn4s\\? Choose one of staged, staged-4s, fcn32s"
    ):
        config_for(small_set, arch="fcn64s")
    with pytest.raises(TrainingError, match="recipe: optimizer is 'lion'; choose one of sgd, adam"):
        config_for(small_set, optimizer="lion")
    with pytest.raises(
        TrainingError, match="--init brings a whole network and --trunk only its first layers; give one"
    ):
        config_for(small_set, init="a.safetensors", trunk="b.npz")


def test_config_stages_and_rates(small_set):
    staged = config_for(small_set, lr=0.5)
    assert staged.stages == STAGES
    assert [staged.stage_recipe(number).lr for number in range(3)] == pytest.approx([0.5, 0.2, 0.2])
    single = config_for(small_set, arch="fcn8s-atonce", lr=0.5)
    assert single.stages == ("fcn8s-atonce",) and single.stage_recipe(0).lr == 0.5


def test_config_survives_json(small_set):
    config = config_for(small_set)
    fields = json.loads(json.dumps(config.to_dict()))
    assert differences(fields, config.to_dict()) == []
    assert fields["lr"] == config.recipe.lr and fields["stage_factors"] == list(config.recipe.stage_factors)
    assert differences(dict(a=1, b=2), dict(a=1, c=3)) == ["--b was 2, now None", "--c was None, now 3"]


def test_classes_that_differ_in_their_numbers_or_their_void_alone():
    pets = dict(names=["pet", "background"], values=[1, 2], others="void", known=3, void=[3], gaps=[0])
    said = "pet,background (others void"
    other = {name: value for name, value in pets.items() if name != "void"}
    assert differences({"classes": pets}, {"classes": other}) == [
        f"--classes was {said}, void [3]), now {said}, void [])"
    ]
    moved = pets | {"values": [0, 1]}
    assert differences({"classes": pets}, {"classes": moved}) == [
        f"--classes was {said}, values [1, 2]), now {said}, values [0, 1])"
    ]


def test_going_on_leaves_the_log_as_it_was_to_the_byte(tmp_path):
    """Counts are whole numbers before and after: a run that was stopped writes the log of one that was not."""
    folder = RunFolder(tmp_path)
    folder.start_log(STAGES, 0, 0)
    folder.append_log("fcn32s", [Step(1, 2.5, 0.1, 0.25, 8.0, 0.0, 0, 90, 45.5), Step(2, 1.5, 1e-05, 0.5, 4.0)])
    before = folder.log.read_bytes()
    folder.start_log(STAGES, 0, 2)
    assert folder.log.read_bytes() == before and b",90,45.5" in before
