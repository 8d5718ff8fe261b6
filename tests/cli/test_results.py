"""The files that minifcn predict writes: whose they are, what they are called, and what happens where one cannot be written."""

import errno
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training.helpers import constant_model, saved

from minifcn import files
from minifcn.cli.main import main
from minifcn.cli.results import DEVICES, LONGEST, mark_of, marked, names_for, safe
from minifcn.data import ClassMap, read_labels, write_labels

RNG = np.random.default_rng(5)
ENDINGS = [".png", "_overlay.png", "_confidence.png", "_probabilities.npz"]


def write(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(seed).integers(0, 256, (20, 26, 3)).astype(np.uint8)
    Image.fromarray(picture).save(path, "PNG")
    return path


@pytest.fixture
def predict(call, person_model, tmp_path):
    return lambda *words: call("predict", "--model", person_model, "--out", tmp_path / "out", *words)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_not_its_own_is_never_written_over(ending, predict, tmp_path):
    photo, other = write(tmp_path / "a.png"), write(tmp_path / "b.png", 1)
    mine = tmp_path / "out" / f"a{ending}"
    mine.parent.mkdir()
    mine.write_bytes(b"my own work")
    answer = predict(photo, other, "--confidence", "--probabilities")
    answer.failed(photo, mine, "exists and was not written by predict", "choose another --out", "1 of 2 pictures")
    assert mine.read_bytes() == b"my own work"
    assert sorted(os.listdir(tmp_path / "out")) == sorted([f"a{ending}", *(f"b{ending}" for ending in ENDINGS)])


@pytest.mark.parametrize("kind", ["folder", "broken link"])
def test_nor_what_is_no_file(kind, predict, tmp_path):
    photo = write(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    if kind == "folder":
        (tmp_path / "out" / "a.png").mkdir()
    else:
        (tmp_path / "out" / "a.png").symlink_to(tmp_path / "nowhere")
    predict(photo).failed("a.png exists and was not written by predict")
    assert os.listdir(tmp_path / "out") == ["a.png"]


def test_an_earlier_result_is_written_anew_but_not_that_of_another_picture(predict, tmp_path):
    first, second = write(tmp_path / "x" / "a.png"), write(tmp_path / "y" / "a.png", 1)
    predict(first).worked()
    before = (tmp_path / "out" / "a.png").read_bytes()
    predict(second).failed(second, "would overwrite that of another picture; choose another --out")
    assert (tmp_path / "out" / "a.png").read_bytes() == before
    predict(first).worked()
    write(first, 2)  # the same photograph, worked over
    predict(first).worked()
    moved = first.rename(tmp_path / "a.png")
    predict(moved).worked()


def test_labels_that_somebody_corrected_are_kept(predict, tmp_path):
    photo = write(tmp_path / "a.png")
    predict(photo).worked()
    corrected = read_labels(tmp_path / "out" / "a.png")
    corrected[3:9, 3:9] = 15
    write_labels(tmp_path / "out" / "a.png", corrected)
    predict(photo).failed("a.png exists and was not written by predict, or was changed since")
    np.testing.assert_array_equal(read_labels(tmp_path / "out" / "a.png"), corrected)


def test_a_mark_fits_its_file_alone(tmp_path):
    photo = write(tmp_path / "a.png").read_bytes()
    source, again = ("0" * 32, "1" * 32), ("2" * 32, "3" * 32)
    np.savez(tmp_path / "n.npz", x=np.arange(6))
    for content in (photo, (tmp_path / "n.npz").read_bytes()):
        made = marked(content, source)
        assert mark_of(content) is None and mark_of(made) == source and mark_of(marked(content, again)) == again
        for place in range(0, len(made), 11):
            damaged = bytearray(made)
            damaged[place] ^= 4
            assert mark_of(bytes(damaged)) != source
        for cut in (0, 1, 50, len(made) - 1):
            assert mark_of(made[:cut]) is None
    (tmp_path / "m.npz").write_bytes(made)
    with np.load(tmp_path / "m.npz") as file:
        assert file["x"].tolist() == list(range(6))


STRANGE = [
    "CON",
    "nul",
    "Aux.old",
    "com1",
    "LPT9",
    "a:b",
    "what?",
    "tab\there",
    "line\nbreak",
    "\x1b[31mred",
    "trailing ",
    "a.",
    "back\\slash",
]


@pytest.mark.skipif(os.name == "nt", reason="needs Linux or macOS")
@pytest.mark.parametrize("stem", STRANGE)
def test_names_that_windows_forbids_get_others(stem, predict, tmp_path):
    photo = write(tmp_path / "in" / f"{stem}.png")
    answer = predict(photo).worked()
    made = sorted(os.listdir(tmp_path / "out"))
    assert len(made) == 2 and made[0].endswith(".png") and made[1] == made[0].removesuffix(".png") + "_overlay.png"
    for name in made:
        assert not set(name) & set('<>:"/\\|?*\n\t\x1b') and not name.endswith((".", " "))
        assert name.split(".")[0].rstrip().lower() not in ("con", "nul", "aux", "com1", "lpt9")
    assert (f"-> {made[0]}: " in answer.out) == (made[0] != photo.name)


def test_every_device_of_windows_is_known():
    for name in ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]:
        assert name in DEVICES
        for written in (name, name.upper(), f"{name}.tar", f"{name} "):
            assert safe(written).startswith("_")
    assert safe("console") == "console" and safe("a.nul") == "a.nul"


@pytest.mark.skipif(os.name == "nt", reason="needs Linux or macOS")
def test_names_as_long_as_the_disk_has_them(predict, tmp_path):
    long = [write(tmp_path / "in" / f"{'ä' * 118}{end}.png", seed) for seed, end in enumerate("abc")]  # 241 bytes
    short = write(tmp_path / "in" / "z.png", 7)
    answer = predict(*long, short, "--confidence", "--probabilities").worked()
    made = os.listdir(tmp_path / "out")
    assert len(made) == 16 and len(answer.out.splitlines()) == 4
    assert max(len(os.fsencode(name)) for name in made) <= 255


def test_no_two_results_ever_meet():
    """Names that were made to collide, through every way of telling them apart."""
    pictures = [Path(f"{folder}/{stem}.{kind}") for folder in ("x", "y", "X") for stem in ("a", "A", "a_png", "x_a", "a_overlay", "a_2") for kind in ("png", "jpg")]  # fmt: skip
    pictures += [Path(f"{'b' * LONGEST}{n}.png") for n in range(3)]
    names = names_for(pictures, ENDINGS)
    results = [f"{name}{ending}".casefold() for name in names for ending in ENDINGS]
    assert len(set(results)) == len(results) == 4 * len(pictures)
    assert names == names_for(pictures, ENDINGS)


def test_a_full_disk_is_said_of_each_file_and_loses_nothing(predict, tmp_path, fill_disk):
    first, second = write(tmp_path / "a.png"), write(tmp_path / "b.png", 1)
    predict(first).worked()
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    fill_disk()
    answer = predict(first, second)
    answer.failed(
        "a_overlay.png: cannot be written (No space left on device)", "make room, then go on", "b_overlay.png", "2 of 2"
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_file_that_may_not_be_so_large_is_said(predict, tmp_path, monkeypatch):
    class LimitedFile(io.FileIO):
        def write(self, content):
            raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(files, "open", LimitedFile, raising=False)
    answer = predict(write(tmp_path / "a.png"))
    answer.failed("a_overlay.png: cannot be written (File too large)", "no file may be so large here", "ulimit -f")


def test_a_line_that_cannot_be_printed_is_no_fault_of_a_picture(predict, tmp_path, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    answer = predict(write(tmp_path / "a.png"), write(tmp_path / "b.png", 1))
    assert answer.status == 1 and "No space left" in answer.err and "could not be predicted" not in answer.err


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_stops_nobody(closed, tmp_path, monkeypatch):
    """`minifcn predict a.png >&-`, or pythonw: the stream is None then."""
    monkeypatch.setattr(sys, closed, None)
    assert main(["predict", str(write(tmp_path / "a.png")), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "a.png").is_file()
    assert getattr(sys, closed) is None


def test_a_folder_that_vanishes_is_said(predict, tmp_path, monkeypatch):
    first, second = write(tmp_path / "a.png"), write(tmp_path / "b.png", 1)
    put = files.put_in_place

    def put_and_remove(draft, path):
        put(draft, path)
        if path.name == "a.png":
            for file in path.parent.iterdir():
                file.unlink()
            path.parent.rmdir()

    monkeypatch.setattr(files, "put_in_place", put_and_remove)
    answer = predict(first, second)
    answer.failed("b_overlay.png", f"the folder {tmp_path / 'out'} is not there (any more): make it", "1 of 2")


def test_a_picture_without_a_number_gets_a_sentence_and_eval_no_score(call, photo_of_overflow, tmp_path, small_set):
    model, photo = photo_of_overflow
    call(f"predict {photo} --model {model} --out {tmp_path}/out").failed(photo, "scores hold NaN or infinity")
    assert not list((tmp_path / "out").iterdir())
    call(f"eval {model} --data {small_set} --split val").failed("picture val_00000: ", "scores hold NaN or infinity")


@pytest.fixture
def photo_of_overflow(tmp_path, small_set):
    """A model of finite weights that are too large, and a picture."""
    names = (small_set / "class_names.txt").read_text().split()
    model = constant_model(ClassMap.own(names), 1)
    for name, parameter in model.named_parameters():
        if name.startswith("backbone") and name.endswith("weight"):
            parameter.data[...] = 3e38
    return saved(model, tmp_path / "m.safetensors"), write(tmp_path / "a.png")
