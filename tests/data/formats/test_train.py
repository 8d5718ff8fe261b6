"""The promise: one command from a set as its tool writes it to a folder that trains. Each format goes through both commands."""

import os
import time

import pytest

from minifcn.cli.main import main

from .builders import BUILDERS
from .imported import importing, same_labels


def files_of(folder):
    """All that is below a folder, with what tells that it was touched."""
    paths = sorted(folder.rglob("*"))
    return {
        path.relative_to(folder): (os.stat(path).st_mtime_ns, path.is_file() and path.read_bytes()) for path in paths
    }


def built(name, folder):
    """The set, written; where a writer it needs is absent it skips for itself."""
    folder.mkdir()
    return BUILDERS[name](folder)


@pytest.mark.parametrize("name", BUILDERS)
def test_labels_are_what_the_tool_means_and_the_source_stays(name, tmp_path, capsys):
    expected = built(name, tmp_path / "set")
    before = files_of(tmp_path / "set")
    done = importing(capsys, tmp_path / "set", tmp_path / "root").worked()
    same_labels(done.labels, expected)
    assert files_of(tmp_path / "set") == before
    named = [one for names in done.splits.values() for one in names]
    assert sorted(named) == sorted(expected), "each picture is in one split"
    assert {"train", "val"} <= set(done.splits)
    for one in expected:
        assert len(list((tmp_path / "root/JPEGImages").glob(f"{one}.*"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_import_then_train_and_no_other_step(name, tmp_path, capsys, record_property):
    built(name, tmp_path / "set")
    start = time.perf_counter()
    importing(capsys, tmp_path / "set", tmp_path / "root").worked()
    took = time.perf_counter() - start
    words = f"train --data {tmp_path / 'root'} --limit 4 --steps 2 --width 2 --size 32 --batch 2 --device cpu --out {tmp_path / 'run'}"
    status = main(words.split())
    printed = capsys.readouterr()
    assert status == 0, printed.out + printed.err
    record_property("import_seconds", (name, took))
    record_property("import_and_train_seconds", (name, time.perf_counter() - start))
