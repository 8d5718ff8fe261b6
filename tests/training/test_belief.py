"""What a run folder does not believe: other data, another run's files, files of another shape; and the lock that holds it."""

import io
import itertools
import json
import os
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minifcn.data import read_labels, read_picture, write_labels
from minifcn.files import make_folder, write_whole
from minifcn.training import Options, RunFolder, TrainingError
from minifcn.training.runs import lock
from minifcn.training.runs.config import Config
from minifcn.weights import load_arrays, save_arrays

from .helpers import Killed, StopAt, arrays_of, config_for, listing, random_model, run_in, same_arrays, saved

SPLIT = "ImageSets/Segmentation/train.txt"


@pytest.fixture
def data(small_set, tmp_path):
    return shutil.copytree(small_set, tmp_path / "data")


@pytest.fixture
def stopped(data, tmp_path):
    """A run of two stages on `data` with a checkpoint in the middle of the first."""
    with pytest.raises(Killed):
        run_in(tmp_path / "run", config_for(data), StopAt(3), options=Options(0))
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    return tmp_path / "run"


def repaint(data):
    path = data / "JPEGImages" / "train_00002.jpg"
    picture = read_picture(path)
    picture[4:9, 4:9] = 255 - picture[4:9, 4:9]
    Image.fromarray(picture).save(path, quality=92)


def relabel(data):
    path = data / "SegmentationClass" / "train_00001.png"
    labels = read_labels(path)
    labels[0, 0] = 1 - min(labels[0, 0], 1)
    write_labels(path, labels)


def reorder(data):
    lines = (data / SPLIT).read_text().split()
    (data / SPLIT).write_text("\n".join(lines[::-1]) + "\n")


def shorten(data):
    lines = (data / SPLIT).read_text().split()
    (data / SPLIT).write_text("\n".join(lines[:-1]) + "\n")


def relabel_val(data):
    path = data / "SegmentationClass" / "val_00000.png"
    write_labels(path, 1 - np.minimum(read_labels(path), 1))


CHANGES = {
    "a picture": (repaint, r"train: other pictures \(train_00002\)"),
    "labels": (relabel, r"train: other labels \(train_00001\)"),
    "the order": (reorder, "train: another order of the list"),
    "the list": (shorten, r"train: 1 name fewer \(train_00005\)"),
    "labels to score": (relabel_val, r"val: other labels \(val_00000\)"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_does_not_go_on_over_other_data(change, stopped, data):
    alter, words = CHANGES[change]
    alter(data)
    before = listing(stopped)
    with pytest.raises(
        TrainingError, match=rf"the data is not what the run began with: {words}\. Put it back; or .*--other-data"
    ):
        run_in(stopped, config_for(data))
    assert listing(stopped) == before


def test_the_same_data_elsewhere_in_time_is_the_same(stopped, data):
    for path in data.rglob("*"):
        os.utime(path, (1, 1))
    run_in(stopped, config_for(data))


def test_an_older_run_that_noted_nothing_goes_on_and_says_so(stopped, data):
    (stopped / "fingerprint.json").unlink()
    listener = StopAt()
    run_in(stopped, config_for(data), listener)
    assert "the run did not note what its data was: whether it changed since is not known" in listener.said
    assert (stopped / "fingerprint.json").exists()


def test_another_version_is_said(stopped, data):
    config = json.loads((stopped / "config.json").read_text())
    (stopped / "config.json").write_text(json.dumps(config | {"minifcn": "0.0.1"}))
    notes = RunFolder(stopped).agree(config_for(data))
    assert len(notes) == 1 and notes[0].startswith("the run was started by minifcn 0.0.1, this is ")


@pytest.mark.parametrize("name, text, words", [
    ("config.json", "[]", r"config\.json: holds list \[\], expected names and values; restore"),
    ("config.json", "null", r"config\.json: holds NoneType None, expected"),
    ("metrics.json", "[]", r"metrics\.json: holds list \[\], expected names and values; restore"),
    ("metrics.json", '{"fcn32s": 3}', r"metrics\.json: what it holds of fcn32s are no scores; restore"),
    ("metrics.json", '{"fcn32s": {"mean_iu": 1, "pixel_accuracy": 0, "mean_accuracy": 0, "frequency_weighted_iu": 0, "per_class": {"a": 1}, "confusion": [[[]]]}}', "are no scores"),
    ("metrics.json", '{"fcn32s": {"mean_iu": 7, "pixel_accuracy": 0, "mean_accuracy": 0, "frequency_weighted_iu": 0, "per_class": {}}}', "are no scores"),
    ("metrics.json", "[" * 100_000, "cannot be read"),
    ("config.json", '{"classes": {"names": [["a"], 3]}, "derived": 5}', "the run was started with other options"),
    ("fingerprint.json", '{"train": {"names": [["a"]], "pictures": [1], "labels": [2]}}', "train: no list of what it was"),
    ("fingerprint.json", "[]", r"fingerprint\.json: holds list"),
    ("fingerprint.json", '{"train": 3, "val": {"names": []}}', "train: no list of what it was; val: no list of what it was"),
])  # fmt: skip
def test_files_of_another_shape_are_a_sentence(name, text, words, stopped, data):
    (stopped / name).write_text(text)
    before = listing(stopped)
    with pytest.raises(TrainingError, match=words):
        run_in(stopped, config_for(data))
    assert listing(stopped) == before


def test_a_config_that_is_not_what_was_written_is_refused(stopped, data):
    """A run that goes on takes options from there, so damage must not choose others in silence."""
    config = json.loads((stopped / "config.json").read_text())
    for changed in ({"lr": config["lr"] * 2}, {"steps": 4}, {"derived": ["lr"]}, {"sha256": "0" * 64}):
        (stopped / "config.json").write_text(json.dumps(config | changed))
        with pytest.raises(
            TrainingError, match=r"config\.json: damaged: what it holds is not what was written; restore"
        ):
            RunFolder(stopped).agree(config_for(data))
        with pytest.raises(TrainingError, match="damaged"):
            RunFolder(stopped).begun(init=None)
    del config["sha256"]  # of a minifcn that wrote none
    (stopped / "config.json").write_text(json.dumps(config))
    assert RunFolder(stopped).agree(config_for(data)) == []


def test_a_config_alone_of_any_depth_is_none_of_ours(tmp_path):
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(TrainingError, match="the folder is not empty and holds no run"):
        RunFolder(tmp_path).claim(resume=True)


def test_a_lock_whose_words_are_damaged_locks_all_the_same(tmp_path):
    with lock.held(tmp_path):
        (tmp_path / lock.NAME).write_bytes(b"\xff\xfeprocess")
        with pytest.raises(TrainingError, match=r"in use by another process \(.*process\)"), lock.held(tmp_path):
            pass


@pytest.mark.parametrize("call", ["open", "write"])
def test_a_full_disk_is_not_taken_for_one_without_locks(call, tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, content):
            raise OSError(28, "No space left on device")

    def full(path, mode, **options):
        if call == "open":
            raise OSError(28, "No space left on device", str(path))
        return io.TextIOWrapper(io.BufferedRandom(Full(path, "w+")), **options)

    monkeypatch.setattr(lock, "open", full, raising=False)
    words = (
        r"run\.lock: cannot be written \(No space left on device\); the disk, or your share of it, is full: make room"
    )
    with pytest.raises(OSError, match=words), lock.held(tmp_path):
        pass
    monkeypatch.undo()
    with lock.held(tmp_path):
        pass


PLACES = [[3, 0, 0.5], [-1, 0, 0.5], [0, 4, 0.5], [0, -1, 0.5], [0, 1], [0, 1, "best"], [0, 1, float("nan")], [0.0, 1, 0.5], [True, 1, 0.5], "0 1 2", None, 7]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_place_that_the_run_has_not_is_refused(place, stopped, data):
    arrays, header = load_arrays(stopped / "checkpoint.safetensors")
    save_arrays(stopped / "checkpoint.safetensors", arrays, header | {"place": place})
    with pytest.raises(
        TrainingError,
        match=r"checkpoint\.safetensors: says that the run stands at .*; expected a stage from 0 to 2, a step from 0 to 3",
    ):
        run_in(stopped, config_for(data))


def test_a_model_in_the_place_of_the_checkpoint_is_refused(stopped, data):
    saved(random_model(), stopped / "checkpoint.safetensors")
    with pytest.raises(
        TrainingError,
        match=r"checkpoint\.safetensors: holds no checkpoint but a model; put a whole one there, or delete it",
    ):
        run_in(stopped, config_for(data))
    save_arrays(stopped / "checkpoint.safetensors", {"x": np.zeros(1)}, {})
    with pytest.raises(TrainingError, match="holds no checkpoint but something else"):
        run_in(stopped, config_for(data))


def test_the_checkpoint_of_another_run_is_refused(stopped, data, tmp_path):
    with pytest.raises(Killed):
        run_in(tmp_path / "other", config_for(data, lr=0.02), StopAt(3), options=Options(0))
    shutil.copy(tmp_path / "other" / "checkpoint.safetensors", stopped)
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors: belongs to another run; put a whole one there"):
        run_in(stopped, config_for(data))


HEADS = {
    "no architecture": lambda arrays, model: model.pop("architecture"),
    "NaN": lambda arrays, model: arrays["model.score_fr.bias"].fill(np.nan),
    "an array less": lambda arrays, model: arrays.pop("model.score_fr.bias"),
    "an optimiser without steps": lambda arrays, model: arrays.pop("optimiser.steps"),
}


@pytest.mark.parametrize("fault", HEADS)
def test_a_checkpoint_that_cannot_be_gone_on_from_is_a_sentence(fault, stopped, data):
    arrays, header = load_arrays(stopped / "checkpoint.safetensors")
    HEADS[fault](arrays, header["model"])
    save_arrays(stopped / "checkpoint.safetensors", arrays, header)
    with pytest.raises(
        TrainingError,
        match=r"checkpoint\.safetensors: .*; put a whole one there, or delete it and the run begins again",
    ):
        run_in(stopped, config_for(data))


def test_the_remedy_for_a_damaged_checkpoint_works(stopped, data, tmp_path):
    """One flipped bit: refused; deleted: the run begins again, and ends where one ends that was never stopped."""
    path = stopped / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 4
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors: damaged: what it holds is not what was written"):
        run_in(stopped, config_for(data))
    path.unlink()
    run_in(stopped, config_for(data))
    run_in(tmp_path / "whole", config_for(data))
    same_arrays(arrays_of(stopped / "last.safetensors"), arrays_of(tmp_path / "whole" / "last.safetensors"))


def test_what_a_run_needs_is_on_the_disk_before_it_goes_on(data, tmp_path, monkeypatch):
    """Config, metrics, log, models and checkpoint survive a power cut: each was synced under the content that it has."""
    synced, fsync = set(), os.fsync

    def note(descriptor):
        stat = os.fstat(descriptor)
        synced.add((stat.st_ino, stat.st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    run_in(tmp_path / "run", config_for(data, arch="fcn32s"))
    for path in (tmp_path / "run").iterdir():
        assert (path.stat().st_ino, path.stat().st_size) in synced, f"{path.name} was not synced"


def hold_often(path, seconds):
    """When this process held the lock, and errors that no one should see."""
    spans, strange, until = [], [], time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with RunFolder(path).locked():
                began = time.monotonic()
                time.sleep(0.001)
                spans.append((began, time.monotonic()))
        except TrainingError as error:
            if "in use by another process" not in str(error):
                strange.append(str(error))
        except Exception as error:
            strange.append(repr(error))
    return spans, strange


@pytest.mark.skipif(sys.platform == "win32", reason="needs Linux or macOS")
@pytest.mark.parametrize("existed", [True, False])
def test_the_lock_is_never_held_twice(existed, tmp_path):
    """Also where the folder itself comes and goes."""
    if existed:
        (tmp_path / "run").mkdir()
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(hold_often, [tmp_path / "run"] * 3, [1.5] * 3))
    spans = sorted(span for part, _ in found for span in part)
    assert [error for _, part in found for error in part] == []
    assert len(spans) > 30 and all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    assert not (tmp_path / "run" / lock.NAME).exists()


@pytest.mark.parametrize("error", [FileExistsError, FileNotFoundError])
def test_a_folder_that_another_process_removed_meanwhile_is_made(error, tmp_path, monkeypatch):
    made, errors = Path.mkdir, [error(17, "it was there, and is not"), error(17, "again")]

    def mkdir(self, *arguments, **options):
        if errors:
            raise errors.pop()
        made(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    make_folder(tmp_path / "run")
    assert (tmp_path / "run").is_dir() and not errors


def write_often(path, letter, seconds):
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        write_whole(path, letter * 20_000)
        count += 1
    return count


def test_processes_that_write_one_file_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "same"
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        counts = [pool.submit(write_often, path, letter, 1.5) for letter in (b"a", b"b", b"c")]
        time.sleep(0.5)
        while not all(count.done() for count in counts):
            if path.exists():
                content = path.read_bytes()
                assert len(content) == 20_000 and len(set(content)) == 1
    assert sum(count.result() for count in counts) > 30 and os.listdir(tmp_path) == ["same"]


def test_drafts_of_a_killed_process_are_removed_and_do_not_block_a_folder(tmp_path):
    draft = tmp_path / ".minifcn-0123456789abcdef.tmp"
    draft.write_bytes(b"half")
    RunFolder(tmp_path).claim(resume=False)
    with RunFolder(tmp_path).locked():
        assert not draft.exists()


def test_the_options_that_follow_from_the_data_are_options_of_a_run(small_set):
    """A name here that no option has would never be looked at."""
    from minifcn.training.runs.folder import DERIVED

    assert isinstance(config_for(small_set), Config) and set(DERIVED) <= config_for(small_set).to_dict().keys()
