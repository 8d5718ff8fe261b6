"""A fault is planted for each promise: torture must see it. And the harness: seeds, what is kept, cases that hang or end their process."""

import builtins
import io
import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress

import needs
import numpy as np
import pytest
from training.helpers import random_model

import minifcn as mf
from minifcn.data import DataError, images, read_labels, write_labels
from minifcn.ops import OPERATIONS, Call
from minifcn.weights import WeightsError, save_arrays, state

from . import TESTS, __main__, company, disk, files, harness, installs, kills, kinds, operations
from . import state as results
from .harness import Bench, Lost, Result, some_of
from .mutants import mutant
from .slopes import Growth

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason=needs.POSIX)


@pytest.fixture
def bench(tmp_path):
    return Bench(7, tmp_path)


# the harness


def test_a_case_follows_from_seed_and_number(bench):
    first, again, other = bench.rng(3), bench.rng(3), Bench(8, bench.place).rng(3)
    drawn = first.random(4)
    assert (again.random(4) == drawn).all() and not (other.random(4) == drawn).any()
    assert not (bench.rng(0).random(4) == np.random.default_rng(7).random(4)).any()  # NumPy drops zeros at the end


def test_a_larger_share_holds_the_smaller_one(bench):
    numbers = some_of(1000)
    tenth, whole = numbers(bench, 0.1), numbers(bench, 1.0)
    assert len(tenth) == 100 and whole[:100] == tenth and sorted(whole) == list(range(1000))
    assert len({number % 10 for number in tenth}) == 10  # of every kind


@needs_posix
def test_cases_that_hang_end_or_raise_are_results_and_the_others_go_on(bench):
    found = list(harness.tried("planted", bench, iter(range(6))))
    assert [result.case for result in found] == list(range(6))
    assert [result.lost for result in found if result.case in (0, 5)] == ["", ""]
    assert found[1].lost == "no answer after 1 s" and "ended: status 3" in found[2].lost
    assert found[3].lost == "a sentence" and found[4].lost == "KeyError: 'nobody thought of it'"
    assert not harness.LIVING


@needs_posix
def test_torture_goes_on_where_it_stood_and_tries_again_what_was_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(__main__, "NAMES", ("planted",))
    line = ["--only", "planted", "--seed", "7", "--jobs", "1", "--place", str(tmp_path)]
    assert __main__.main([*line, "--minutes", "1e-9"]) == 0 and "0 of 6" in capsys.readouterr().out
    kept = tmp_path / "planted-7.jsonl"
    for number in (0, 1, 2, 4):
        results.State(kept).add(Result(number, 1.0, "held before"))
    results.State(kept).add(Result(3, 1.0, "lost", "before"))
    kept.write_text(kept.read_text() + '{"case": 5, "too')  # cut short by a kill
    assert __main__.main(line) == 1
    said = capsys.readouterr().out
    assert "planted: 2 cases, 4 done before" in said and "LOST planted 3: a sentence" in said
    assert "python -m tests.torture --only planted --seed 7 --case 3" in said
    row = next(text for text in said.splitlines() if text.startswith("| it holds"))
    assert "6 of 6" in row and "held before 4" in row and row.endswith("| 1 |")
    assert json.loads(kept.read_text().splitlines()[-1])["case"] in (3, 5)
    assert __main__.main([*line, "--case", "5"]) == 0 and "planted 5: 5 in 0" in capsys.readouterr().out


# files


def a_kind(folder, read, errors=(DataError,), name="labels", sealed=True):
    path = folder / "first.png"
    write_labels(path, np.arange(12, dtype=np.uint8).reshape(3, 4))
    return kinds.kind(folder, name, "a.png", read, errors, [path.read_bytes()], sealed=sealed, pictures=True)


def look(kind, folder, content=None):
    content = kind.files[0].content[:-1] if content is None else content
    return files.looked_at(kind, kind.put(folder, content), content, kind.files[0], True)


def test_the_file_that_was_the_end_of_a_process_is_kept(bench):
    (files.keep_what_was_in_hand(bench) / "31.png").write_bytes(b"the last one")
    assert list(files.keep_what_was_in_hand(bench).iterdir()) == []
    assert (bench.place / "kept" / "31.png").read_bytes() == b"the last one"


def test_a_right_reader_of_files_passes(tmp_path):
    kind = a_kind(tmp_path, lambda path: kinds.told(read_labels(path)))
    assert look(kind, tmp_path) == "DataError"
    assert look(kind, tmp_path, kind.files[0].content) == "unchanged"
    assert look(kind, tmp_path, kind.files[0].content + b"more") == "the same values"


def raising(error):
    def read(path):
        if len(path.read_bytes()) < 100 or path.read_bytes()[-1:] != b"\x82":
            raise error
        return "whole"

    return read


READERS = {
    "silent": (lambda path: kinds.told(path.read_bytes().hex()), "other values were read, and nobody was told"),
    "undocumented": (raising(KeyError("x")), "KeyError, which nobody documents"),
    "names no file": (raising(DataError("cannot be read")), "the error names no file"),
}


@pytest.mark.parametrize("fault", READERS)
def test_a_wrong_reader_of_files_is_seen(fault, tmp_path):
    read, words = READERS[fault]
    with pytest.raises(Lost, match=words):
        look(a_kind(tmp_path, read), tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason=needs.LINUX)
def test_a_reader_that_takes_much_memory_is_seen(tmp_path):
    def read(path):
        return str(np.ones(20_000_000).sum())

    with pytest.raises(Lost, match=r"1\d\d MB for a file of \d+ bytes; 48 MB are allowed"):
        look(a_kind(tmp_path, read), tmp_path)


def first_loss(kind, folder, seed=0):
    """What the first of 400 damaged files shows."""
    for number in range(400):
        rng = np.random.default_rng([seed, number])
        content, sealed = mutant(rng, kind.files[0].content, kind.files[-1].content, kind.ending)
        try:
            files.looked_at(kind, kind.put(folder, content), content, kind.files[0], sealed)
        except Lost as lost:
            return str(lost)
    return ""


def test_labels_whose_checksums_nobody_looks_at_are_seen(tmp_path, monkeypatch):
    kind = a_kind(tmp_path, lambda path: kinds.told(read_labels(path)))
    assert first_loss(kind, tmp_path) == ""
    monkeypatch.setattr(images, "readable", lambda file: file)
    assert "other values were read" in first_loss(kind, tmp_path)


def test_models_whose_digest_nobody_looks_at_are_seen(tmp_path, monkeypatch):
    content = kinds.saved(tmp_path, lambda path: mf.models.save(random_model("fcn32s"), path))

    def read(path):
        return kinds.told(*mf.models.load(path).state_dict().values())

    kind = kinds.kind(tmp_path, "model", "a.safetensors", read, (WeightsError,), [content], sealed=True)
    monkeypatch.setattr(state, "check_digest", lambda path, arrays, header, rewritten: None)
    assert "other values were read" in first_loss(kind, tmp_path)


# operations


class Doubled(mf.Function):
    """A sum that is wrong in one dtype, one memory order or one run."""

    def __init__(self, wrong):
        self.wrong = wrong

    def forward(self, x):
        result = x + x
        return result + np.asarray(1e-3, x.dtype) if self.wrong == "float32" and x.dtype == np.float32 else result

    def backward(self, grad):
        if self.wrong == "other bits":
            return 2 * grad + np.asarray(np.random.default_rng().random(), grad.dtype)
        return 3 * grad if self.wrong == "gradient" else 2 * grad


def doubled(wrong):
    def function(x):
        if wrong == "input" and isinstance(x, mf.Tensor):
            x.data[...] = 0
        if wrong == "told":
            raise ValueError("no name")
        return Doubled(wrong)(x if isinstance(x, mf.Tensor) else mf.Tensor(x))

    return function


@pytest.mark.parametrize("wrong, words", [
    ("", ""), ("float32", "off by 0.001"), ("other bits", "other bits the second time"), ("input", "an input was changed"),
])  # fmt: skip
def test_a_wrong_operation_is_seen(wrong, words, monkeypatch):
    monkeypatch.setitem(OPERATIONS, "add", OPERATIONS["add"]._replace(function=doubled(wrong)))
    monkeypatch.setitem(operations.TWINS, "add", lambda x: x + x)
    monkeypatch.setattr(operations, "forward_and_backward", against_right_doubles(operations.forward_and_backward))
    said = ""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        try:
            operations.compared(rng, "add", Call((rng.standard_normal((3, 4)),)), "float32")
        except Lost as lost:
            said = said or str(lost)
    assert words in said and bool(words) == bool(said)


def against_right_doubles(forward_and_backward):
    """Where float64 is asked for, the expected values: they come from no operation under test."""

    def run(name, call, inputs, cotangent, wanted):
        if inputs[0].dtype == np.float64:
            return [2 * inputs[0], 2 * cotangent if wanted[0] else None]
        return forward_and_backward(name, call, inputs, cotangent, wanted)

    return run


def test_a_gradient_that_is_wrong_alike_in_both_dtypes_is_seen_by_pytorch(monkeypatch):
    if operations.torch is None:
        pytest.skip(needs.PYTORCH)
    monkeypatch.setitem(OPERATIONS, "add", OPERATIONS["add"]._replace(function=doubled("gradient")))
    monkeypatch.setitem(operations.TWINS, "add", lambda x: x + x)
    rng = np.random.default_rng(1)
    with pytest.raises(Lost, match="against PyTorch in float64: gradient 0 is off by"):
        for _ in range(8):  # not each call asks for a gradient
            operations.compared(rng, "add", Call((rng.standard_normal((3, 4)),)), "float64")


def test_a_refusal_without_the_operation_is_seen(monkeypatch):
    monkeypatch.setitem(OPERATIONS, "relu", OPERATIONS["relu"]._replace(function=doubled("told")))
    with pytest.raises(Lost, match="the error does not say which operation: no name"):
        operations.wrong_call(np.random.default_rng(0), "relu")


# kills

WRITER = """
import sys, numpy as np
from pathlib import Path
from torture import dying
from minifcn.weights import save_arrays, state
folder, number, planted = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if planted == "plain":
    state.write_whole = lambda path, content, durable: open(path, "wb").write(content) and None
dying.watch(dying.Points(number, folder))
save_arrays(folder / "checkpoint.safetensors", {"x": np.ones(50)}, {})
"""


@needs_posix
@pytest.mark.parametrize("planted", ["whole", "plain"])
def test_a_writer_that_is_killed_half_way_is_seen(planted, tmp_path):
    seen, died, number = "", True, 0
    while died:
        folder = tmp_path / str(number)
        folder.mkdir()
        save_arrays(folder / "checkpoint.safetensors", {"x": np.zeros(50)}, {})
        done = subprocess.run(
            [sys.executable, "-c", WRITER, str(folder), str(number), planted], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        )  # fmt: skip
        died = done.returncode == -9
        assert died or done.returncode == 0, done.stderr
        try:
            kills.all_whole(folder)
        except Lost as lost:
            seen = str(lost)
        number += 1
    # opening, write, sync, rename, sync of the folder, removal of the draft where there is one; and of the plain one opening and write
    assert number - 1 == {"whole": 6, "plain": 2}[planted]
    assert ("checkpoint.safetensors is not whole" in seen) == (planted == "plain")


def test_other_bits_after_a_resume_are_seen(tmp_path):
    whole = {"last.safetensors": {"x": np.zeros(3, np.float32)}, "log": [("fcn32s", 1, 0.5)]}
    kills.compare(whole, whole, tmp_path)
    with pytest.raises(Lost, match=r"last\.safetensors is not that of the run that was never killed"):
        kills.compare({**whole, "last.safetensors": {"x": np.float32([0, 0, -0.0])}}, whole, tmp_path)
    with pytest.raises(Lost, match="log is not that of the run"):
        kills.compare({**whole, "log": []}, whole, tmp_path)


# a full disk


def silent(folder):
    with suppress(OSError):
        write_labels(folder / "a.png", np.zeros((3, 4), int))


def plain(folder):
    with open(folder / "a.png", "wb") as file:
        file.write(b"something new")


def wordless(folder):
    try:
        write_labels(folder / "a.png", np.zeros((3, 4), int))
    except OSError as error:
        raise OSError("something went wrong") from error


def old(folder):
    (folder / "a.png").write_bytes(b"what was there")


WRITERS = {
    "right": (lambda folder: write_labels(folder / "a.png", np.zeros((3, 4), int)), ""),
    "silent": (silent, "in the end not what it is on a disk with room"),
    "not whole": (plain, "which was there before, is neither|does not say how to go on|names no file"),
    "without words": (wordless, "it does not say that the disk is full"),
}


@pytest.mark.parametrize("fault", WRITERS)
def test_a_writer_on_a_full_disk(fault, bench):
    write, words = WRITERS[fault]
    kept, replace = io.open, os.replace
    writer = disk.Writer(write, old)
    expected = disk.whole(bench, writer)
    said = []
    for point in range(expected.requests):
        try:
            disk.tried(writer, expected, bench.fresh("disk"), point)
        except Lost as lost:
            said.append(str(lost))
    assert expected.requests >= 2 and bool(said) == bool(words)
    assert builtins.open is io.open is kept and os.replace is replace  # as before
    if words:
        assert any(re.search(words, text) for text in said), said


# slopes


@needs_posix
@pytest.mark.parametrize("leak", ["nothing", "objects", "handles", "memory"])
def test_what_leaks_is_seen_and_what_only_jumps_is_not(leak, tmp_path):
    growth, kept = Growth(), []
    for step in range(4000):
        if leak == "objects":
            kept.append(object())
        elif leak == "handles" and step % 50 == 0:
            kept.append((tmp_path / "a").open("w"))
        elif leak == "memory":
            kept.append(np.ones(512))
        elif step == 3500:
            kept.append([object() for _ in range(20_000)])  # once: a cache that fills
        if step % 20 == 19:
            growth.look(step)
    try:
        if leak == "nothing":
            assert growth.judged("step").startswith("a step: memory ")
        else:
            with pytest.raises(
                Lost, match=rf"{'blocks|memory' if leak == 'memory' else leak.replace('objects', 'blocks')} grow by"
            ):
                growth.judged("step")
    finally:
        for each in kept:
            if hasattr(each, "close"):
                each.close()


def test_too_few_samples_are_no_slope():
    with pytest.raises(Lost, match="too few"):
        Growth().judged("step")


# in company


def test_a_network_that_others_disturb_is_seen(monkeypatch, tmp_path):
    shared = np.random.default_rng(0)
    monkeypatch.setattr(company, "steps", lambda seed: shared.random(3).tobytes())
    with pytest.raises(Lost, match="eight networks in eight threads: 8 of 8 have other bits than alone"):
        company.networks_in_threads(1, tmp_path)


def test_files_that_are_not_written_whole_are_seen_by_who_reads_them_meanwhile(monkeypatch, tmp_path):
    def half(path, content, durable=False):
        with open(path, "wb") as file:
            for start in range(0, len(content), 4096):
                file.write(content[start : start + 4096])
                file.flush()

    monkeypatch.setattr(state, "write_whole", half)
    with pytest.raises((Lost, WeightsError)):
        company.one_file_of_many(0, tmp_path)


def test_a_child_that_never_answers_is_seen(monkeypatch):
    monkeypatch.setattr(company, "LIMIT", 0.2)
    with pytest.raises(Lost, match=r"spawn: no answer after 0\.2 s"):
        company.in_child("spawn", time.sleep, 30)


# installing


def test_the_corners_are_tried_first_and_all_pythons_that_setup_promises():
    corners, found = installs.cases()[:4], installs.cases()
    assert {(python, oldest) for python, oldest, _ in corners} == {
        (installs.oldest_python(), True),
        (installs.NEWEST, False),
    }
    assert {python for python, _, _ in found} == set(range(installs.oldest_python(), installs.NEWEST + 1))
    workflow = (installs.ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    assert f'"3.{installs.oldest_python()}", "3.{installs.NEWEST}"' in workflow
    assert "numpy==1.24" in installs.pinned(oldest=True) and len(installs.pinned(oldest=True)) == 6


def test_what_does_not_run_from_a_clean_folder_is_seen(tmp_path):
    with pytest.raises(Lost, match=r"(?s)status 1.*AssertionError"):
        installs.run(
            [sys.executable, *installs.words("-c assert '{clean}' == 'x', 'AssertionError'", {"clean": tmp_path})]
        )
