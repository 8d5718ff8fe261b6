"""A whole run: the files it leaves, and that a run stopped anywhere ends as the run that was never stopped."""

import csv
import json
import math

import pytest

from minifcn.models import load
from minifcn.training import Step

from .helpers import (
    RUN_MODULE,
    STAGES,
    Killed,
    StopAt,
    arrays_of,
    config_for,
    kill_before_replacement,
    run_in,
    same_arrays,
)

MODELS = ("last", "best", *STAGES)
# what a run of three stages of two steps over three pictures tells, in order
EVENTS = [
    event
    for stage in STAGES
    for event in (
        f"{stage} begins",
        f"{stage} step 1",
        f"{stage} step 2",
        f"{stage} ends",
        *[f"{stage} picture scored"] * 3,
        f"{stage} scored",
    )
]
# config, log; a stage: checkpoint, last, its model, metrics, checkpoint of the next; best once at least
LEAST_REPLACEMENTS = 2 + 3 * 4 + 2 + 1


@pytest.fixture(scope="module")
def whole(small_set, tmp_path_factory):
    """An uninterrupted run of three stages of two steps."""
    path = tmp_path_factory.mktemp("whole") / "run"
    listener = StopAt()
    run_in(path, config_for(small_set, steps=2, lr=0.5), listener)
    assert listener.events == EVENTS
    return path


def rows_of(path):
    with open(path / "log.csv", newline="") as file:
        return list(csv.DictReader(file))


def same_run(path, whole):
    """The same arrays in every model, the same scores, the same log but for the times."""
    for name in MODELS:
        same_arrays(arrays_of(path / f"{name}.safetensors"), arrays_of(whole / f"{name}.safetensors"))
    assert json.loads((path / "metrics.json").read_text()) == json.loads((whole / "metrics.json").read_text())
    columns = ("stage", "step", "loss", "learning_rate")
    logs = [[[row[name] for name in columns] for row in rows_of(where)] for where in (path, whole)]
    assert logs[0] == logs[1]


def test_the_files_of_a_run(whole, small_set):
    names = {path.name for path in whole.iterdir()}
    assert {"config.json", "log.csv", "metrics.json", "last.safetensors", "best.safetensors"} <= names
    assert not [name for name in names if name.endswith(".tmp")]
    config = json.loads((whole / "config.json").read_text())
    wanted = dict(
        data=str(small_set), arch="staged", backbone="tiny", width=2, size=32, batch=2, steps=2, seed=1, lr=0.5
    )
    assert {name: config[name] for name in wanted} == wanted
    assert len(config["classes"]["names"]) == 9


def test_the_scores_of_a_run(whole):
    metrics = json.loads((whole / "metrics.json").read_text())
    assert list(metrics) == list(STAGES)
    four = ("pixel_accuracy", "mean_accuracy", "mean_iu", "frequency_weighted_iu")
    for block in metrics.values():
        assert [*block][:5] == [*four, "per_class"]
        assert all(0 <= block[key] <= 1 for key in four)
        assert len(block["per_class"]) == 9 and next(iter(block["per_class"])) == "background"
        present = [value for value in block["per_class"].values() if value is not None]
        assert block["mean_iu"] == pytest.approx(sum(present) / len(present))


def test_the_log_of_a_run(whole):
    rows = rows_of(whole)
    assert [(row["stage"], int(row["step"])) for row in rows] == [(stage, step) for stage in STAGES for step in (1, 2)]
    # 0.5 for the first stage, 0.4 of it for the finer ones; the second of two steps at half^0.9 of it
    rates = [0.5, 0.5 * 0.5**0.9, 0.2, 0.2 * 0.5**0.9, 0.2, 0.2 * 0.5**0.9]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx(rates)
    assert float(rows[0]["loss"]) == pytest.approx(math.log(9), rel=1e-6)
    assert all(float(row["seconds"]) > 0 and float(row["images_per_second"]) > 0 for row in rows)


def test_last_is_the_finest_and_best_has_the_best_mean_iu(whole):
    same_arrays(arrays_of(whole / "last.safetensors"), arrays_of(whole / "fcn8s.safetensors"))
    assert load(whole / "last.safetensors").architecture["stride"] == 8
    metrics = json.loads((whole / "metrics.json").read_text())
    best = max(STAGES, key=lambda stage: metrics[stage]["mean_iu"])  # the first of equals
    same_arrays(arrays_of(whole / "best.safetensors"), arrays_of(whole / f"{best}.safetensors"))


def test_a_finer_stage_starts_from_the_coarser_one(small_set, tmp_path):
    config = config_for(small_set, steps=1, lr=1e-60)  # no float32 is so small: nothing changes
    run_in(tmp_path / "run", config)
    coarse, middle, fine = (arrays_of(tmp_path / "run" / f"{stage}.safetensors") for stage in STAGES)
    shared = [name for name in coarse if name != "upscore.weight"]
    assert {"backbone.conv1_1.weight", "backbone.fc6.bias", "backbone.fc7.weight", "score_fr.weight"} <= set(shared)
    same_arrays({name: coarse[name] for name in shared}, {name: fine[name] for name in shared})
    assert not middle["score_pool4.weight"].any() and not fine["score_pool3.weight"].any()


def test_two_folders_the_same_run(whole, small_set, tmp_path):
    run_in(tmp_path / "again", config_for(small_set, steps=2, lr=0.5))
    same_run(tmp_path / "again", whole)


@pytest.mark.parametrize("change", [dict(seed=2), dict(steps=3), dict(optimizer="adam")])
def test_another_option_another_result(change, whole, small_set, tmp_path):
    run_in(tmp_path / "other", config_for(small_set, **(dict(steps=2, lr=0.5, arch="fcn32s") | change)))
    name = "backbone.conv1_1.weight"
    first, second = (arrays_of(path / "fcn32s.safetensors")[name] for path in (whole, tmp_path / "other"))
    assert (first != second).any()


@pytest.mark.parametrize("number", range(len(EVENTS)), ids=lambda number: f"{number}-{EVENTS[number]}")
def test_a_run_stopped_at_any_event_ends_the_same(number, whole, small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(RUN_MODULE, "CHECKPOINT_SECONDS", 0)
    config = config_for(small_set, steps=2, lr=0.5)
    with pytest.raises(Killed):
        run_in(tmp_path / "run", config, StopAt(number))
    rest = StopAt()
    run_in(tmp_path / "run", config, rest)
    same_run(tmp_path / "run", whole)
    if number > 1:  # before that there is no checkpoint
        stage = EVENTS[number].split()[0]
        done = sum(event.startswith(f"{stage} step") for event in EVENTS[:number])
        assert f"resumed from step {done} of {stage}" in rest.said
    else:
        assert not any("resumed" in line for line in rest.said)


def test_a_run_stopped_again_and_again_ends_the_same(whole, small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(RUN_MODULE, "CHECKPOINT_SECONDS", 0)
    config = config_for(small_set, steps=2, lr=0.5)
    stops = 0
    for _ in range(50):
        try:
            run_in(tmp_path / "run", config, StopAt(7))
            break
        except Killed:
            stops += 1
    assert stops >= 3
    same_run(tmp_path / "run", whole)


def test_a_run_stopped_between_rare_checkpoints_ends_the_same(whole, small_set, tmp_path):
    config = config_for(small_set, steps=2, lr=0.5)
    with pytest.raises(Killed):
        run_in(tmp_path / "run", config, StopAt(EVENTS.index("fcn16s step 2")))
    rest = StopAt()
    run_in(tmp_path / "run", config, rest)
    assert rest.said[0] == "resumed from step 0 of fcn16s"
    same_run(tmp_path / "run", whole)


@pytest.mark.parametrize("number", range(LEAST_REPLACEMENTS))
def test_a_run_killed_while_any_file_is_written_ends_the_same(number, whole, small_set, tmp_path, monkeypatch):
    config = config_for(small_set, steps=2, lr=0.5)
    with monkeypatch.context() as patch:
        kill_before_replacement(patch, number)
        with pytest.raises(Killed):
            run_in(tmp_path / "run", config)
    run_in(tmp_path / "run", config)
    same_run(tmp_path / "run", whole)


def test_a_log_line_cut_short_is_written_again(whole, small_set, tmp_path):
    config = config_for(small_set, steps=2, lr=0.5)
    with pytest.raises(Killed):
        run_in(tmp_path / "run", config, StopAt(EVENTS.index("fcn16s begins")))
    log = tmp_path / "run" / "log.csv"
    for rest in ("fcn16s,1,2.1", "fcn16s,", "fcn", "fcn16s,1,2.1,0.2,0.01,3"):
        log.write_text(log.read_text() + rest)
        with pytest.raises(Killed):
            run_in(tmp_path / "run", config, StopAt(0))
        assert [row["stage"] for row in rows_of(tmp_path / "run")] == ["fcn32s", "fcn32s"]
    run_in(tmp_path / "run", config)
    same_run(tmp_path / "run", whole)


def test_a_run_keeps_no_row_of_its_steps_in_memory(small_set, tmp_path, monkeypatch):
    """Each row is made once, for the log: a history of a run of a million steps would be 400 MB that nobody asked for."""
    made, row = [], Step.row
    monkeypatch.setattr(Step, "row", lambda self, stage: made.append(self.step) or row(self, stage))
    run_in(tmp_path / "run", config_for(small_set))
    assert made == [1, 2, 3] * len(STAGES)
