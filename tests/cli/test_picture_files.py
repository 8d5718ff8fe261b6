"""Picture and label files of all kinds on the command line: endings, depths, tags, soft edges, and pictures too large for others."""

import io
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from training.helpers import random_model

from minifcn.cli.predicting import files
from minifcn.data import ClassMap, read_labels, write_labels
from minifcn.models import load
from minifcn.models.saving import model_header
from minifcn.weights import save_arrays

ONE = "--arch fcn32s --width 4 --size 32 --batch 2 --steps 2"
RNG = np.random.default_rng(7)
PICTURE = RNG.integers(0, 256, (70, 90, 3)).astype(np.uint8)


def test_a_folder_of_pictures_of_all_kinds(call, person_model, tmp_path):
    (tmp_path / "in").mkdir()
    for ending in ("tif", "bmp", "webp", "gif", "ppm", "png", "jpg", "JFIF"):
        Image.fromarray(PICTURE[:20, :20]).save(tmp_path / "in" / f"of_{ending}.{ending}")
    (tmp_path / "in" / "._of_png.png").write_bytes(b"left by a Mac")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    answer = call(f"predict {tmp_path}/in --model {person_model} --out {tmp_path}/out").worked()
    assert len(answer.out.splitlines()) == 8


@pytest.mark.parametrize("name", ["big.png", "big.tif"])
def test_tiles_of_a_picture_beyond_the_limit(name, call, person_model, tmp_path, monkeypatch, recwarn):
    Image.fromarray(PICTURE).save(
        tmp_path / name, **({"compression": "tiff_lzw", "strip_size": 90 * 3 * 16} if "tif" in name else {})
    )
    line = f"predict {tmp_path}/{name} --model {person_model} --tile 64 --overlap 32"
    call(f"{line} --out {tmp_path}/small").worked()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)
    monkeypatch.setattr(files, "LONGEST_OVERLAY", 45)
    answer = call(f"{line} --out {tmp_path}/large").worked()
    np.testing.assert_array_equal(
        labels_without_limit(tmp_path / "large/big.png", monkeypatch),
        labels_without_limit(tmp_path / "small/big.png", monkeypatch),
    )
    held = "read in pieces, as it is stored" if "tif" in name else "decoded whole, 0.0 GB"
    assert f"{name}: 90x70 pixels, {held}; its labels take 0.0 GB, and its overlay is drawn smaller" in answer.err
    with without_limit(monkeypatch), Image.open(tmp_path / "large/big_overlay.png") as image:
        assert image.width >= 45 and image.height < 70 + 45
    assert not [each for each in recwarn if issubclass(each.category, Image.DecompressionBombWarning)]
    answer = call(f"predict {tmp_path}/{name} --model {person_model} --out {tmp_path}/other").failed(
        "Pillow's limit of 3,000 pixels"
    )
    assert "minifcn predict --tile 512 reads larger ones" in answer.err


@contextmanager
def without_limit(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        yield


def labels_without_limit(path, monkeypatch):
    with without_limit(monkeypatch):
        return read_labels(path)


@pytest.fixture
def twelve(copy):
    """The small set with pictures of 12 bits in 16."""
    for path in list((copy.root / "JPEGImages").iterdir()):
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"))
        Image.fromarray(grey.astype(np.uint16) * 16).save(path.with_suffix(".png"))
        path.unlink()
    return copy


def test_the_model_remembers_how_many_bits_count(call, twelve, tmp_path):
    run = tmp_path / "run"
    call(f"train --data {twelve.root} {ONE} --out {run}").failed("no number is above", "give --bits 12")
    answer = call(f"check-data {twelve.root}")
    assert answer.status == 1 and "pictures of 16 bits that use fewer, and come out nearly black: 1\n" in answer.out
    assert call(f"check-data {twelve.root} --bits 12").status == 0
    call(f"train --data {twelve.root} {ONE} --bits 12 --out {run}").worked()
    assert load(run / "best.safetensors").picture_bits == 12
    assert "12 bits of pictures of 16" in call(f"summary {run}/best.safetensors").worked().out
    call(f"eval {run}/best.safetensors --data {twelve.root}").worked()
    picture = twelve.root / "JPEGImages/val_00001.png"
    if not picture.exists():
        picture = next((twelve.root / "JPEGImages").glob("val*.png"))
    with Image.open(picture) as image:
        Image.fromarray((np.asarray(image) // 16).astype(np.uint8)).save(tmp_path / "bytes.png")
    call(
        f"predict {picture} {tmp_path}/bytes.png --model {run}/best.safetensors --own-size --confidence --out {tmp_path}/out"
    ).worked()
    confidence = [np.asarray(Image.open(tmp_path / f"out/{name}_confidence.png")) for name in (picture.stem, "bytes")]
    np.testing.assert_array_equal(*confidence)  # the same picture, in 12 bits and in 8
    call(f"train --data {twelve.root} {ONE} --bits 16 --out {tmp_path}/sixteen").worked()


def test_going_on_with_other_bits_is_another_run(call, twelve, tmp_path):
    run = tmp_path / "run"
    call(f"train --data {twelve.root} {ONE} --bits 12 --checkpoint-every 1 --out {run}").worked()
    (run / "report.html").unlink()
    call(f"train --data {twelve.root} {ONE} --bits 12 --out {run} --resume").worked()
    call(f"train --data {twelve.root} {ONE} --init {run}/best.safetensors --out {tmp_path}/next").worked()
    assert load(tmp_path / "next/best.safetensors").picture_bits == 12  # as what it goes on from


def test_predict_says_that_a_picture_is_nearly_black(call, person_model, tmp_path):
    Image.fromarray(PICTURE[..., 0].astype(np.uint16) * 16).save(tmp_path / "dark.png")
    answer = call(f"predict {tmp_path}/dark.png --model {person_model} --out {tmp_path}/out").worked()
    assert "dark.png: 1 of 16 bits a number, and no number is above 4080, as of a camera of 12 bits" in answer.err
    answer = call(f"predict {tmp_path}/dark.png --model {person_model} --bits 12 --out {tmp_path}/out").worked()
    assert "bits" not in answer.err
    Image.fromarray(PICTURE[..., 0].astype(np.uint16)).save(tmp_path / "black.png")
    call(f"predict {tmp_path}/black.png --model {person_model} --out {tmp_path}/out").failed(
        "it would come out black", "give --bits 8"
    )


@pytest.mark.parametrize("bits", ["7", "17", "x"])
def test_bits_that_cannot_be(bits, call, person_model):
    assert call(f"predict a.png --model {person_model} --bits {bits}").status == 2


def test_a_model_file_with_bits_that_cannot_be(call, tmp_path):
    model = random_model(classes=ClassMap.voc(["cat"]))
    header = model_header(model) | {"picture_bits": 99}  # by another program: save would refuse
    save_arrays(tmp_path / "m.safetensors", model.state_dict(), header)
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    call(f"predict {tmp_path}/a.png --model {tmp_path}/m.safetensors").failed(
        "picture_bits is 99; expected 8 to 16, or none"
    )


def tagged(path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(path) as image:
        image.load()
    image.save(path, exif=exif)


def test_train_eval_and_check_data_say_how_many_pictures_are_turned(call, copy, tmp_path):
    first, *_ = sorted((copy.root / "JPEGImages").glob("train*.jpg"))
    tagged(first, 3)
    answer = call(f"train --data {copy.root} {ONE} --out {tmp_path}/run").worked()
    assert answer.out.count(f"note: 1 of 9 pictures ({first.stem} turned by 180 degrees) has an EXIF tag") == 1
    answer = call(f"check-data {copy.root}").worked()
    assert (
        f"note: pictures that their EXIF tag turns: 1\n  1 of 9 pictures ({first.stem} turned by 180 degrees)"
        in answer.out
    )
    answer = call(f"eval {tmp_path}/run/best.safetensors --data {copy.root} --split train").worked()
    assert "train: 1 of 6 pictures has an EXIF tag" in answer.err


def test_fix_turns_labels(call, copy):
    first, second, *_ = sorted((copy.root / "JPEGImages").glob("train*.jpg"))
    tagged(first, 6)
    tagged(second, 3)
    before = [read_labels(copy.labels(path.stem)) for path in (first, second)]
    assert call(f"check-data {copy.root}").status == 1
    call(f"check-data {copy.root} --turn-labels sure").failed("--turn-labels says how --fix writes labels; add --fix")
    answer = call(f"check-data {copy.root} --fix --turn-labels all").worked()
    kept = copy.root / "SegmentationClass_unturned"
    assert f"fixed: 2 label files are turned as their pictures are; the originals are in {kept}\n" in answer.out
    np.testing.assert_array_equal(read_labels(copy.labels(first.stem)), np.rot90(before[0], -1))
    np.testing.assert_array_equal(read_labels(copy.labels(second.stem)), before[1][::-1, ::-1])
    answer = call(f"check-data {copy.root} --fix --turn-labels all").worked()
    assert "not turned, for it was turned before" in answer.out and "fixed:" not in answer.out


def test_fix_soft_edges(call, copy):
    path = copy.labels("train_00001")
    colours = np.zeros((160, 192, 3), np.uint8)
    colours[40:120, 50:130] = (128, 0, 0)
    Image.fromarray(colours).resize((48, 40), Image.Resampling.BICUBIC).save(path)
    call(f"check-data {copy.root} --soft-edges void").failed("--soft-edges says how --fix writes labels; add --fix")
    answer = call(f"check-data {copy.root} --fix")
    assert (
        answer.status == 1
        and "labels of colours with soft edges: 1\n" in answer.out
        and "--soft-edges nearest" in answer.out
    )
    before = path.read_bytes()
    answer = call(f"check-data {copy.root} --fix --soft-edges nearest")  # a list of its own: whose colours nobody said
    assert answer.status == 1 and "--voc-colours (VOC's palette)" in answer.out and path.read_bytes() == before
    answer = call(f"check-data {copy.root} --fix --voc-colours --soft-edges nearest").worked()
    assert "colours on soft edges become 1 disc" in answer.out
    assert "fixed: 1 label files with colours with soft edges now hold one class number a pixel" in answer.out
    assert set(np.unique(read_labels(path))) == {0, 1}


def test_fix_says_what_it_wrote_in_one_channel(call, copy):
    path = copy.labels("train_00001")
    labels = np.zeros((40, 48), np.uint8)
    labels[:10] = 2
    Image.fromarray(labels).convert("RGB").save(path)
    answer = call(f"check-data {copy.root} --fix").worked()
    assert "fixed: 1 label files with numbers in equal channels now hold one class number a pixel" in answer.out
    np.testing.assert_array_equal(read_labels(path), labels)


def test_labels_and_pictures_of_other_endings_train(call, copy, tmp_path):
    for path in list((copy.root / "JPEGImages").iterdir()):
        with Image.open(path) as image:
            image.load()
        image.save(path.with_suffix(".tif"))
        path.unlink()
    for path in list((copy.root / "SegmentationClass").iterdir()):
        labels = read_labels(path)
        path.unlink()
        Image.fromarray(labels.astype(np.uint16)).save(path.with_suffix(".tif"))
    call(f"check-data {copy.root}").worked()
    call(f"train --data {copy.root} {ONE} --out {tmp_path}/run").worked()
    name = next((copy.root / "SegmentationClass").iterdir()).with_suffix(".png")
    write_labels(name, np.zeros((40, 48), np.uint8))
    assert (
        "files of which another with the same name and another ending is read: 1\n"
        in call(f"check-data {copy.root}").out
    )


@pytest.mark.parametrize("top, anyway", [(4000, True), (60, False)])
def test_pictures_of_few_bits_stop_a_training_before_it_begins(top, anyway, call, copy, tmp_path):
    """Nearly black ones may be meant so; black ones are not read at all, and are not called alike for being black."""
    rng = np.random.default_rng(0)
    for path in (copy.root / "JPEGImages").iterdir():
        path.unlink()
        Image.fromarray(rng.integers(0, top, (40, 48)).astype(np.uint16)).save(path.with_suffix(".png"))
    line = f"train --data {copy.root} {ONE} --out {tmp_path}/run"
    answer = call(line)
    answer.failed("--bits", "--anyway" if anyway else "pairs are bad")
    assert "the same pixels" not in answer.out + answer.err and "step 1" not in answer.out
    answer = call(f"{line} --anyway")
    assert answer.status == (0 if anyway else 1)
    call(f"train --data {copy.root} {ONE} --bits 12 --out {tmp_path}/other").worked()


def test_bits_that_change_nothing_are_said(call, person_model, voc_set, tmp_path):
    """Its pictures have 8 bits: check-data, train, eval and predict say so once, and go on."""
    said = "of 16 bits 12 are said to hold something (--bits, or the model's file), and no picture here has more than 8"
    assert said in call(f"check-data {voc_set} --bits 12").out
    assert said in call(f"train --data {voc_set} {ONE} --bits 12 --out {tmp_path}/run").worked().out
    assert said in call(f"eval {person_model} --data {voc_set} --bits 12").worked().err
    pictures = voc_set / "JPEGImages"
    answer = call(f"predict {pictures} --model {person_model} --bits 12 --out {tmp_path}/out").worked()
    assert answer.err.count(said) == 1
    assert said not in call(f"predict {pictures} --model {person_model} --out {tmp_path}/out").worked().err


def test_broken_exif_data_are_left_aside_without_a_word_of_pillow_s(call, tmp_path):
    """No pixel depends on them; a warning with a line of Pillow's code says nothing to who wanted a picture segmented."""
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 99, 9)).save(stream, "JPEG")
    content = stream.getvalue()
    broken = b"\xff\xe1" + (20).to_bytes(2, "big") + b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(4)
    (tmp_path / "a.jpg").write_bytes(content[:2] + broken + content[2:])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        call(f"predict {tmp_path}/a.jpg --out {tmp_path}/out --device cpu").worked()
    assert not said and (tmp_path / "out" / "a.png").exists()


@pytest.mark.parametrize("ending", ["gif", "tif"])
def test_predict_says_that_of_several_pages_it_looks_at_one(ending, call, person_model, tmp_path):
    first, second = (Image.new("RGB", (40, 30), (shade, 99, 9)) for shade in (9, 200))
    first.save(tmp_path / f"a.{ending}", save_all=True, append_images=[second])
    first.save(tmp_path / f"b.{ending}")
    answer = call(
        f"predict {tmp_path}/a.{ending} {tmp_path}/b.{ending} --model {person_model} --out {tmp_path}/out"
    ).worked()
    assert f"a.{ending}: 2 pages or frames, of which the first is looked at" in answer.err
    assert f"b.{ending}: " not in answer.err
