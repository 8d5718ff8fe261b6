"""minifcn predict: the model that ships, the sample portrait, patterns, how sure it is, and pictures of any size."""

import os
import re
import sys

import numpy as np
import pytest
from PIL import Image
from training.helpers import random_model, saved

from minifcn.cli.commands.predict import sample_portrait
from minifcn.cli.predicting import steps
from minifcn.data import ClassMap, DataError, read_labels, read_picture
from minifcn.draw.pictures import sample
from minifcn.models import load
from minifcn.training import predict
from minifcn.training.scoring import picture_tiles as tiles

RNG = np.random.default_rng(11)


def write(path, height=30, width=44):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (height, width, 3)).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def photo(tmp_path):
    return write(tmp_path / "photo.png")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_model_that_ships_is_the_default(call, with_shipped, photo, tmp_path):
    call(f"predict {photo} --out {tmp_path}/a").worked()
    call(f"predict {photo} --out {tmp_path}/b --model voc7").worked()
    call(f"predict {photo} --out {tmp_path}/c --model {with_shipped}").worked()
    labels = [(tmp_path / name / "photo.png").read_bytes() for name in "abc"]
    assert labels[0] == labels[1] == labels[2]
    assert len(np.unique(read_labels(tmp_path / "a" / "photo.png"))) > 1


def test_no_picture_is_the_sample_portrait_and_no_out_is_predictions(call, with_shipped, tmp_path, monkeypatch):
    portrait = write(tmp_path / "samples" / "grace_hopper.jpg")
    monkeypatch.setattr(sample, "portrait", lambda: portrait)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    answer = call("predict").worked()
    assert re.fullmatch(r"grace_hopper\.jpg: \w+ [\d.]+ %(, \w+ [\d.]+ %){2}\n", answer.out)
    assert "matplotlib" in answer.err and "written to predictions: NAME.png, NAME_overlay.png" in answer.err
    assert names_in(tmp_path / "here") == ["predictions"]
    assert names_in(tmp_path / "here" / "predictions") == ["grace_hopper.png", "grace_hopper_overlay.png"]
    again = call("predict").worked()  # our own results may be written anew
    assert again.out == answer.out


def test_no_picture_and_no_portrait(call, with_shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "portrait", lambda: None)
    with pytest.raises(DataError):
        sample_portrait()
    call(f"predict --out {tmp_path}/out").failed("no picture given", "matplotlib", "give a picture")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "pattern, found",
    [
        ("*.jpg", ["a.jpg", "b.jpg"]),
        ("?.png", ["c.png"]),
        ("[ab].*", ["a.jpg", "b.jpg"]),
        ("**/*.jpg", ["a.jpg", "b.jpg", "deep.jpg"]),
        ("*", ["a.jpg", "b.jpg", "c.png"]),
    ],
)
def test_patterns(pattern, found, call, person_model, tmp_path):
    for name in ("b.jpg", "a.jpg", "c.png", "in/deep.jpg"):
        write(tmp_path / "photos" / name)
    answer = call("predict", tmp_path / "photos" / pattern, "--model", person_model, "--out", tmp_path / "out").worked()
    named = [os.path.basename(line.split(": ")[0]) for line in answer.out.splitlines()]
    assert named == found


def test_a_file_whose_name_looks_like_a_pattern_is_itself(call, person_model, tmp_path):
    for name in ("a[1].png", "a1.png"):
        write(tmp_path / name)
    answer = call("predict", tmp_path / "a[1].png", "--model", person_model, "--out", tmp_path / "out").worked()
    assert len(answer.out.splitlines()) == 1 and names_in(tmp_path / "out") == ["a[1].png", "a[1]_overlay.png"]


def test_a_pattern_that_fits_nothing(call, person_model, tmp_path):
    call("predict", tmp_path / "*.jpg", "--model", person_model).failed("*.jpg", "no file fits this pattern")


def probabilities(model, path):
    scores = model(model.preprocessing(read_picture(path))).data[0].astype(float)
    return np.exp(scores) / np.exp(scores).sum(0)


def test_confidence_and_probabilities(call, person_model, photo, tmp_path):
    line = f"predict {photo} --model {person_model} --confidence --probabilities --out {tmp_path}/out"
    answer = call(line).worked()
    assert names_in(tmp_path / "out") == [
        "photo.png", "photo_confidence.png", "photo_overlay.png", "photo_probabilities.npz",
    ]  # fmt: skip
    assert "NAME_confidence.png, NAME_probabilities.npz" in answer.err
    expected = probabilities(load(person_model), photo)
    with np.load(tmp_path / "out" / "photo_probabilities.npz", allow_pickle=False) as file:
        assert file["names"].tolist() == list(ClassMap.voc(["person", "cat"]).names)
        assert file["values"].tolist() == [0, 15, 8]
        assert file["probabilities"].dtype == np.float16
        np.testing.assert_allclose(file["probabilities"], expected, rtol=2e-3, atol=1e-5)
        labels = file["values"][file["probabilities"].argmax(0)]
    assert (labels == read_labels(tmp_path / "out" / "photo.png")).mean() > 0.99
    with Image.open(tmp_path / "out" / "photo_confidence.png") as image:
        assert image.mode == "RGB" and image.height > 30
        grey = np.array(image.convert("L"))[:30, :44].astype(float)
    # viridis is brighter where there is more
    assert np.corrcoef(grey.ravel(), expected.max(0).ravel())[0, 1] > 0.95


def test_only_what_was_asked_for(call, person_model, photo, tmp_path):
    call(f"predict {photo} --model {person_model} --probabilities --out {tmp_path}/p").worked()
    assert names_in(tmp_path / "p") == ["photo.png", "photo_overlay.png", "photo_probabilities.npz"]
    call(f"predict {photo} --model {person_model} --confidence --out {tmp_path}/c").worked()
    assert names_in(tmp_path / "c") == ["photo.png", "photo_confidence.png", "photo_overlay.png"]


def test_what_it_is_not_sure_of_has_no_class(call, person_model, photo, tmp_path):
    expected = probabilities(load(person_model), photo)
    sure = float(np.median(expected.max(0)))  # so half of the picture has none
    answer = call(f"predict {photo} --model {person_model} --sure {sure} --out {tmp_path}/out").worked()
    assert names_in(tmp_path / "out") == ["photo.png", "photo_overlay.png"]
    found, values = read_labels(tmp_path / "out" / "photo.png"), np.array([0, 15, 8], np.uint8)
    clear = np.abs(expected.max(0) - sure) > 1e-5  # not for rounding to decide
    wanted = np.where(expected.max(0) < sure, 255, values[expected.argmax(0)])
    np.testing.assert_array_equal(found[clear], wanted[clear])
    share = 100 * (found == 255).mean()
    assert 45 < share < 55 and f"unsure {share:.1f} %" in answer.out  # of all of the picture, as every other share is
    assert sum(map(float, re.findall(r"([0-9.]+) %", answer.out))) == pytest.approx(100, abs=0.3)
    with Image.open(tmp_path / "out" / "photo_overlay.png") as image:
        assert image.height > found.shape[0]


def test_sure_leaves_what_is_sure(call, person_model, photo, tmp_path):
    call(f"predict {photo} --model {person_model} --out {tmp_path}/a").worked()
    call(f"predict {photo} --model {person_model} --sure 0.01 --confidence --out {tmp_path}/b").worked()
    assert (tmp_path / "b" / "photo_confidence.png").exists()  # --sure takes nothing of what else was asked for
    for name in ("photo.png", "photo_overlay.png"):
        first, second = (np.asarray(Image.open(tmp_path / folder / name)) for folder in "ab")
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("given, says", [("0", "above 0"), ("80", "at most 1, such as 0.8"), ("much", "not a number")])
def test_how_sure_is_a_share(call, photo, given, says):
    answer = call(f"predict {photo} --sure {given}")
    assert answer.status == 2 and "--sure" in answer.err and says in answer.err


def test_sure_in_tiles(call, person_model, tmp_path):
    photo = write(tmp_path / "large.png", 96, 130)
    sure = np.median(probabilities(load(person_model), photo).max(0))
    for name, how in (("all", ""), ("sure", f"--sure {sure}")):
        line = f"predict {photo} --model {person_model} --tile 96 --overlap 64 {how} --out {tmp_path}/{name}"
        call(line).worked()
    every, some = (read_labels(tmp_path / name / "large.png") for name in ("all", "sure"))
    assert 0.2 < (some == 255).mean() < 0.8 and not (every == 255).any()
    np.testing.assert_array_equal(some[some != 255], every[some != 255])


def test_a_confidence_map_never_overwrites_a_picture(call, person_model, tmp_path):
    for name in ("a.jpg", "a_confidence.png"):
        write(tmp_path / name)
    line = f"predict {tmp_path}/a.jpg {tmp_path}/a_confidence.png --model {person_model}"
    before = (tmp_path / "a_confidence.png").read_bytes()
    call(f"{line} --out {tmp_path} --confidence").failed("would overwrite", "a_confidence.png", "1 of 2")
    assert (tmp_path / "a_confidence.png").read_bytes() == before and not (tmp_path / "a.png").exists()
    call(f"{line} --out {tmp_path}/out --confidence").worked()
    assert len(names_in(tmp_path / "out")) == 6


def test_tiles(call, person_model, tmp_path):
    big, model = write(tmp_path / "big.png", 500, 40), load(person_model)
    far = tiles.reach(model)
    call(f"predict {big} --model {person_model} --tile 448 --overlap {2 * far} --out {tmp_path}/t").worked()
    whole = predict(model, read_picture(big))
    assert len(np.unique(whole)) == 3
    same = read_labels(tmp_path / "t" / "big.png") == np.array([0, 15, 8])[whole]
    assert same.mean() > 0.999  # rounding may decide a pixel
    answer = call(f"predict {big} --model {person_model} --tile 64 --out {tmp_path}/small")
    answer.failed("tile is 64", f"overlap by {far} pixels", f"at least {far + 32}")


def test_overlap_without_tiles(call, person_model, photo):
    call(f"predict {photo} --model {person_model} --overlap 64").failed("--overlap", "add --tile")


def test_too_little_memory_names_the_way_out_and_does_not_cost_the_others(
    call, person_model, photo, tmp_path, monkeypatch
):
    real, small = steps.predict_maps, write(tmp_path / "small.png", 10, 10)

    def little_memory(model, picture, **options):
        if picture.shape[0] > 20:
            raise MemoryError("Unable to allocate 9 GiB")
        return real(model, picture, **options)

    monkeypatch.setattr(steps, "predict_maps", little_memory)
    line = f"predict {photo} {small} --model {person_model} --out {tmp_path}/out"
    answer = call(line).failed("photo.png", "not enough memory for 44x30 pixels", "9 GiB", "--tile 512", "1 of 2")
    assert len(answer.out.splitlines()) == 1 and names_in(tmp_path / "out") == ["small.png", "small_overlay.png"]
    call(f"{line} --tile 400").failed("try a smaller --tile than 400")


def test_the_size_that_the_model_knows(call, tmp_path):
    model = random_model(num_classes=3)
    model.picture_size = 32
    file, big = saved(model, tmp_path / "m.safetensors"), write(tmp_path / "big.png", 96, 64)
    picture, labels = read_picture(big), {}
    for name, options in (("known", ""), ("other", "--size 48"), ("own", "--own-size"), ("tiled", "--tile 400")):
        answer = call(f"predict {big} --model {file} --out {tmp_path / name} {options}").worked()
        warned = "96 pixels, but the model was trained on pictures of 32" in answer.err
        assert warned == (name in ("own", "tiled"))
        labels[name] = read_labels(tmp_path / name / "big.png")
    np.testing.assert_array_equal(labels["known"], predict(model, picture, scales=(32 / 96,)))
    np.testing.assert_array_equal(labels["other"], predict(model, picture, scales=(48 / 96,)))
    np.testing.assert_array_equal(labels["own"], predict(model, picture))
    np.testing.assert_array_equal(labels["tiled"], labels["own"])
    assert (labels["known"] != labels["own"]).any()
    assert call(f"predict {big} --model {file} --size 48 --tile 400").status == 2


def test_a_bar_for_several_pictures(call, person_model, tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        write(tmp_path / "photos" / name)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    answer = call(f"predict {tmp_path}/photos --model {person_model} --tile 400 --out {tmp_path}/out").worked()
    assert "predicting" in answer.err and "0/2" in answer.err and "tile" in answer.err
    assert len(answer.out.splitlines()) == 2


def test_views_far_from_what_the_model_knows_are_said(call, voc_set, tmp_path):
    """The network that ships was trained on pictures of 256 pixels: eval says it once, predict of each picture."""
    pictures = voc_set / "JPEGImages"
    said = "the network is shown a longer side of {} pixels; it was trained on 256, and knows nothing so {}"
    small = call(f"predict {pictures} --size 32 --out {tmp_path}/small").worked().err
    assert small.count(said.format(32, "small")) == len(list(pictures.iterdir()))
    assert said.format(2, "small") in call(f"eval voc7 --data {voc_set} --scales 1,0.0078125").worked().err
    assert "is shown a longer side" not in call(f"eval voc7 --data {voc_set} --scales 1,1.25").worked().err
    assert "is shown a longer side" not in call(f"predict {pictures} --out {tmp_path}/usual").worked().err
