"""The synthetic set: the same bytes from the same call, whole or not at all, and never over somebody's files."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minifcn.data import ClassMap, DataError, VOCFolder, make_synthetic, read_class_names
from minifcn.files import FileError

from .folders import LABELS, PICTURES, SPLITS

SMALL = dict(train=3, val=2, size=(32, 40), seed=4)
NAMES = ["background", "disc", "square", "triangle", "ring", "cross", "star", "bar", "crescent"]


def contents(root):
    """Every file of a folder: path below it -> bytes."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set that the tests only read."""
    return make_synthetic(tmp_path_factory.mktemp("synthetic") / "set", **SMALL)


def test_every_file_is_there_and_none_besides(made):
    train, val = ["train_00000", "train_00001", "train_00002"], ["val_00000", "val_00001"]
    expected = {f"{PICTURES}/{name}.jpg" for name in train + val} | {f"{LABELS}/{name}.png" for name in train + val}
    expected |= {f"{SPLITS}/{split}.txt" for split in ("train", "val", "trainval")}
    files = contents(made)
    assert set(files) == expected | {"class_names.txt", "synthetic.json"}
    assert files[f"{SPLITS}/train.txt"].decode().split("\n") == [*train, ""]
    assert files[f"{SPLITS}/val.txt"].decode().split("\n") == [*val, ""]
    assert files[f"{SPLITS}/trainval.txt"].decode().split("\n") == [*train, *val, ""]
    assert files["class_names.txt"].decode().split("\n") == [*NAMES, ""]
    assert sorted(path.name for path in made.parent.iterdir()) == ["set"]


def test_it_is_read_like_any_other_folder(made):
    assert read_class_names(made / "class_names.txt") == NAMES
    for split, count in (("train", 3), ("val", 2), ("trainval", 5)):
        dataset = VOCFolder(made, split, ClassMap.own(NAMES))
        dataset.check()
        assert len(dataset) == count
        assert all(dataset.picture(i).shape == (32, 40, 3) for i in range(count))


def test_files_are_jpeg_pictures_and_palette_labels(made):
    for folder, ending, kind in ((PICTURES, "jpg", ("JPEG", "RGB")), (LABELS, "png", ("PNG", "P"))):
        with Image.open(made / folder / f"train_00000.{ending}") as image:
            assert (image.format, image.mode) == kind and image.size == (40, 32)


def test_the_same_call_writes_the_same_bytes(made, tmp_path):
    assert contents(make_synthetic(tmp_path / "again", **SMALL)) == contents(made)


def test_another_process_writes_the_same_bytes(made, tmp_path):
    code = f"from minifcn.data import make_synthetic; make_synthetic({str(tmp_path / 'again')!r}, **{SMALL!r})"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    assert contents(tmp_path / "again") == contents(made)


def test_every_picture_of_a_set_and_of_another_seed_is_another_one(made, tmp_path):
    other = make_synthetic(tmp_path / "other", **{**SMALL, "seed": 5})
    pictures = [*(made / PICTURES).iterdir(), *(other / PICTURES).iterdir()]
    labels = [*(made / LABELS).iterdir(), *(other / LABELS).iterdir()]
    assert len({path.read_bytes() for path in pictures}) == len(pictures) == 10
    assert len({path.read_bytes() for path in labels}) == len(labels) == 10


def test_a_picture_does_not_depend_on_how_many_there_are(made, tmp_path):
    more = contents(make_synthetic(tmp_path / "more", **{**SMALL, "train": 5, "val": 3}))
    shared = {path: content for path, content in contents(made).items() if path.startswith((PICTURES, LABELS))}
    assert len(shared) == 10
    assert {path: more[path] for path in shared} == shared


def test_progress_is_called_once_a_picture(tmp_path):
    calls = []
    make_synthetic(tmp_path / "set", **SMALL, progress=lambda: calls.append(1))
    assert len(calls) == 5


def test_a_whole_set_is_kept_untouched(tmp_path):
    root = tmp_path / "set"
    make_synthetic(root, **SMALL)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert make_synthetic(root, **SMALL, progress=lambda: pytest.fail("painted again")) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_an_empty_folder_and_missing_parents(made, tmp_path):
    (tmp_path / "empty").mkdir()
    assert contents(make_synthetic(tmp_path / "empty", **SMALL)) == contents(made)
    deep = tmp_path / "a" / "b" / "c"
    assert make_synthetic(str(deep), **SMALL) == deep and contents(deep) == contents(made)


def refused(root, **options):
    with pytest.raises(DataError) as caught:
        make_synthetic(root, **{**SMALL, **options})
    return str(caught.value)


@pytest.mark.parametrize("note", [None, "", "[]", "no json", "3", "[" * 100_000])
def test_other_folders_are_left_alone(tmp_path, note):
    root = tmp_path / "mine"
    root.mkdir()
    (root / "holiday.jpg").write_bytes(b"mine")
    if note is not None:
        (root / "synthetic.json").write_text(note)
    before = contents(root)
    assert refused(root) == (
        f"synthetic set: {root} exists and is no whole synthetic set; nothing was touched; choose another folder"
    )
    assert contents(root) == before and [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_is_left_alone(tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(b"mine")
    assert refused(path).startswith(f"synthetic set: {path} exists and is no whole synthetic set")
    assert path.read_bytes() == b"mine"


def test_another_set_is_left_alone(made):
    before = contents(made)
    assert refused(made, seed=5, size=(40, 32)) == (
        f"synthetic set: {made} holds another one (size [32, 40], not [40, 32]; seed 4, not 5); "
        "choose another folder or delete it"
    )
    assert refused(made, train=4) == (
        f"synthetic set: {made} holds another one (train 3, not 4); choose another folder or delete it"
    )
    assert contents(made) == before


def test_a_set_of_an_older_library_is_not_taken_for_a_new_one(tmp_path):
    root = make_synthetic(tmp_path / "set", **SMALL)
    note = json.loads((root / "synthetic.json").read_text())
    (root / "synthetic.json").write_text(json.dumps({**note, "format": 0}))
    message = refused(root)
    assert message.startswith(f"synthetic set: {root} holds another one (format 0, not ")


def test_whole_or_not_at_all_and_leftovers_are_replaced(made, tmp_path):
    root = tmp_path / "set"
    calls = []

    def interrupt():
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_synthetic(root, **{**SMALL, "seed": 99}, progress=interrupt)
    assert not root.exists()
    leftovers = list(tmp_path.iterdir())
    assert [path.name for path in leftovers] == [".set.part"] and contents(leftovers[0])
    (leftovers[0] / "something else").write_text("left over")
    make_synthetic(root, **SMALL)
    assert contents(root) == contents(made)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


BAD_NUMBERS = [dict(train=0), dict(val=0), dict(size=(31, 64)), dict(size=(64, 31)), dict(seed=-1)]


@pytest.mark.parametrize("options", BAD_NUMBERS, ids=str)
def test_numbers_that_make_no_sense(tmp_path, options):
    now = {**SMALL, **options}
    height, width = now["size"]
    assert refused(tmp_path / "set", **options) == (
        f"synthetic set: train {now['train']}, val {now['val']}, size {height}x{width}, seed {now['seed']}; "
        "expected at least 1 picture a split, at least 32 pixels a side and a seed that is not negative"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_defaults(tmp_path):
    """400 + 100 pictures of 96x128: counted without painting them all."""

    class Enough(Exception):
        pass

    def stop():
        raise Enough

    with pytest.raises(Enough):
        make_synthetic(tmp_path / "set", progress=stop)
    (label,) = (tmp_path / ".set.part" / LABELS).iterdir()
    with Image.open(label) as image:
        assert np.asarray(image).shape == (96, 128)


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(self, path, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(
        OSError, match=r"\.jpg: cannot be written \(No space left on device\); the disk, or your share of it, is full"
    ):
        make_synthetic(tmp_path / "set", train=1, val=1, size=(40, 48))
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("call", ["mkdir", "replace"])
def test_a_disk_without_room_for_a_folder_or_a_name_is_said(call, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device", str(arguments[0]))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(
        FileError, match=r"set.*\(No space left on device\); the disk, or your share of it, is full: make room"
    ):
        make_synthetic(tmp_path / "set", train=1, val=1, size=(40, 48))
    assert not (tmp_path / "set").exists()


def test_numpy_s_integers_make_the_same_set(tmp_path):
    """JSON, in which the set says how it was made, has no such numbers."""
    options = dict(train=np.int64(1), val=np.uint8(1), size=(np.int32(40), 48), seed=np.int16(3))
    make_synthetic(tmp_path / "set", **options)
    make_synthetic(tmp_path / "set", train=1, val=1, size=(40, 48), seed=3)  # the same call: it is kept as it is


@pytest.mark.parametrize("options", [dict(size=5), dict(size=(64, 64.0)), dict(seed="a"), dict(train=1.5)])
def test_a_set_of_other_than_whole_numbers(tmp_path, options):
    with pytest.raises(DataError, match=r"synthetic set: .*; expected integers, and a size of \(height, width\)"):
        make_synthetic(tmp_path / "set", **options)
    assert not list(tmp_path.iterdir())
