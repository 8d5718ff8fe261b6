"""minifcn predict: pictures of every kind in, label files and overlays out, and nothing lost on the way."""

import re

import numpy as np
import pytest
from PIL import Image
from training.helpers import constant_model, random_model, saved

from minifcn.data import ClassMap, colour_map, read_labels

RNG = np.random.default_rng(4)
PICTURE = RNG.integers(0, 256, (30, 44, 3)).astype(np.uint8)  # 30 high, 44 wide
GREY = PICTURE[:, :, 0]


def labels_of(path):
    with Image.open(path) as image:
        assert image.mode == "P", image.mode
        return np.array(image)


def shares(line):
    return [float(number) for number in re.findall(r"([\d.]+) %", line)]


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(PICTURE).save(path)
    return path


def test_a_picture_gives_labels_an_overlay_and_a_line(call, person_model, photo, tmp_path):
    answer = call(f"predict {photo} --model {person_model} --out {tmp_path}/out").worked()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["photo.png", "photo_overlay.png"]
    labels = labels_of(tmp_path / "out" / "photo.png")
    assert labels.shape == (30, 44)
    assert set(np.unique(labels)) == {0, 8, 15}  # VOC's own values of background, cat and person
    with Image.open(tmp_path / "out" / "photo.png") as image:
        palette = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    np.testing.assert_array_equal(palette[15], [192, 128, 128])
    np.testing.assert_array_equal(palette, colour_map()[: len(palette)])
    with Image.open(tmp_path / "out" / "photo_overlay.png") as overlay:
        assert overlay.mode == "RGB" and overlay.width >= 44 and overlay.height > 30  # the legend is below
    (line,) = answer.out.splitlines()
    assert line.startswith(f"{photo}: ")
    for name, value in (("background", 0), ("cat", 8), ("person", 15)):
        share = float(re.search(rf"{name} ([\d.]+) %", line).group(1))
        assert share == pytest.approx(100 * (labels == value).mean(), abs=0.051)
    assert sum(shares(line)) == pytest.approx(100, abs=0.2)


def test_a_subset_keeps_the_values_of_the_data(call, photo, tmp_path):
    model = saved(constant_model(ClassMap.voc(["cat", "person"]), 2), tmp_path / "m.safetensors")
    answer = call(f"predict {photo} --model {model} --out {tmp_path}/out").worked()
    assert (labels_of(tmp_path / "out" / "photo.png") == 15).all()
    assert answer.out.rstrip().endswith(": person 100.0 %")


def test_own_classes_without_background(call, photo, tmp_path):
    model = saved(
        constant_model(ClassMap.own(["sky", "grass", "wall"], ["wall", "sky"]), 0), tmp_path / "m.safetensors"
    )
    assert "wall 100.0 %" in call(f"predict {photo} --model {model} --out {tmp_path}/out").worked().out
    assert (labels_of(tmp_path / "out" / "photo.png") == 2).all()


def test_a_model_without_label_values_counts_its_classes(call, photo, tmp_path):
    model = saved(random_model(), tmp_path / "m.safetensors")
    answer = call(f"predict {photo} --model {model} --out {tmp_path}/out").worked()
    assert "class 1" in answer.out and labels_of(tmp_path / "out" / "photo.png").max() <= 3


@pytest.mark.parametrize("orientation, turn", [(3, 2), (6, -1), (8, 1)])
def test_a_turned_photo_is_predicted_upright(orientation, turn, call, person_model, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PICTURE).save(tmp_path / "turned.jpg", exif=exif, quality=90)
    stored = np.array(Image.open(tmp_path / "turned.jpg"))
    Image.fromarray(np.rot90(stored, turn)).save(tmp_path / "upright.png")
    call(f"predict {tmp_path}/turned.jpg {tmp_path}/upright.png --model {person_model} --out {tmp_path}/out").worked()
    turned, upright = (labels_of(tmp_path / "out" / f"{name}.png") for name in ("turned", "upright"))
    assert turned.shape == np.rot90(stored, turn).shape[:2]
    np.testing.assert_array_equal(turned, upright)
    assert len(np.unique(upright)) > 1


def write_palette(path):
    Image.fromarray(PICTURE).quantize(16).save(path)


KINDS = {
    "grey.png": lambda path: Image.fromarray(GREY).save(path),
    "grey.jpg": lambda path: Image.fromarray(GREY).save(path),
    "grey_alpha.png": lambda path: Image.fromarray(PICTURE).convert("LA").save(path),
    "rgba.png": lambda path: Image.fromarray(np.dstack([PICTURE, GREY])).save(path),
    "cmyk.jpg": lambda path: Image.fromarray(PICTURE).convert("CMYK").save(path),
    "deep.png": lambda path: Image.fromarray(GREY.astype(np.uint16) * 257).save(path),
    "palette.png": write_palette,
    "palette.gif": write_palette,
    "bits.png": lambda path: Image.fromarray(GREY > 127).save(path),
    "photo.bmp": lambda path: Image.fromarray(PICTURE).save(path),
    "photo.webp": lambda path: Image.fromarray(PICTURE).save(path),
    "a b ü.JPG": lambda path: Image.fromarray(PICTURE).save(path),
    "no_ending": lambda path: Image.fromarray(PICTURE).save(path, "PNG"),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture(name, call, person_model, tmp_path):
    path = tmp_path / name
    KINDS[name](path)
    call("predict", path, "--model", person_model, "--out", tmp_path / "out").worked()
    labels = labels_of(tmp_path / "out" / f"{path.stem}.png")
    assert labels.shape == (30, 44) and set(np.unique(labels)) <= {0, 8, 15}
    assert (tmp_path / "out" / f"{path.stem}_overlay.png").exists()


def test_grey_of_any_kind_is_the_same_picture(call, person_model, tmp_path):
    Image.fromarray(np.dstack([GREY] * 3)).save(tmp_path / "rgb.png")
    for name in ("grey.png", "deep.png"):
        KINDS[name](tmp_path / name)
    call(f"predict {tmp_path} --model {person_model} --out {tmp_path}/out").worked()
    rgb, grey, deep = (labels_of(tmp_path / "out" / f"{name}.png") for name in ("rgb", "grey", "deep"))
    np.testing.assert_array_equal(grey, rgb)
    np.testing.assert_array_equal(deep, rgb)
    assert len(np.unique(rgb)) > 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (300, 2)])
def test_tiny_pictures(size, call, person_model, tmp_path):
    Image.new("RGB", size).save(tmp_path / "t.png")
    call(f"predict {tmp_path}/t.png --model {person_model} --out {tmp_path}/out").worked()
    assert labels_of(tmp_path / "out" / "t.png").shape == size[::-1]


def test_a_folder_and_a_file(call, person_model, photo, small_set, tmp_path):
    answer = call(f"predict {small_set}/JPEGImages {photo} --model {person_model} --out {tmp_path}/out").worked()
    assert len(list((tmp_path / "out").iterdir())) == 2 * (9 + 1)
    named = [line.split(": ")[0] for line in answer.out.splitlines()]
    assert named == [*sorted(str(path) for path in (small_set / "JPEGImages").iterdir()), str(photo)]
    assert all(sum(shares(line)) == pytest.approx(100, abs=0.3) for line in answer.out.splitlines())


def test_a_picture_given_twice_is_done_once(call, person_model, photo, tmp_path):
    answer = call(f"predict {photo} {photo} --model {person_model} --out {tmp_path}/out").worked()
    assert len(answer.out.splitlines()) == 1


def test_a_bad_picture_does_not_cost_the_others(call, person_model, small_set, photo, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes((small_set / "JPEGImages" / "val_00000.jpg").read_bytes()[:400])
    (tmp_path / "zebra.png").write_bytes(photo.read_bytes())
    line = f"predict {photo} {bad} {tmp_path}/zebra.png --model {person_model} --out {tmp_path}/out"
    answer = call(line).failed("bad.jpg", "1 of 3")
    assert len(answer.out.splitlines()) == 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["photo.png", "photo_overlay.png", "zebra.png", "zebra_overlay.png"]


def test_a_result_never_overwrites_a_picture(call, person_model, photo):
    before = photo.read_bytes()
    call(f"predict {photo} --model {person_model} --out {photo.parent}").failed("would overwrite", "photo.png")
    assert photo.read_bytes() == before and list(photo.parent.iterdir()) == [photo]


def test_an_overlay_never_overwrites_another_picture(call, person_model, tmp_path):
    for name in ("a.jpg", "a_overlay.png"):
        Image.fromarray(PICTURE).save(tmp_path / name)
    before = {name: (tmp_path / name).read_bytes() for name in ("a.jpg", "a_overlay.png")}
    line = f"predict {tmp_path} --model {person_model} --out"
    call(f"{line} {tmp_path}").failed("would overwrite", "a_overlay.png", "1 of 2")
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    for extra in ("a_overlay_png.png", "a_overlay_png_overlay.png"):  # the other picture's results
        (tmp_path / extra).unlink()
    answer = call(f"{line} {tmp_path}/out").worked()
    assert "a_overlay.png -> a_overlay_png.png: " in answer.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.png", "a_overlay.png", "a_overlay_png.png", "a_overlay_png_overlay.png",
    ]  # fmt: skip


def test_two_pictures_of_one_name_both_get_results(call, person_model, photo, tmp_path):
    (tmp_path / "other").mkdir()
    white = np.full((20, 24, 3), 255, np.uint8)
    Image.fromarray(white).save(tmp_path / "other" / "photo.jpg")
    Image.fromarray(white).save(tmp_path / "other" / "PHOTO.png")
    line = f"predict {photo} {tmp_path}/other --model {person_model} --out {tmp_path}/out"
    answer = call(line).worked()
    assert len(answer.out.splitlines()) == 3 and "photo.jpg -> photo_jpg.png: " in answer.out
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len({name.casefold() for name in made}) == 6  # also where upper and lower case are one
    assert labels_of(tmp_path / "out" / "photo.png").shape == (30, 44)
    assert labels_of(tmp_path / "out" / "photo_jpg.png").shape == (20, 24)
    before = {name: (tmp_path / "out" / name).read_bytes() for name in made}
    call(line).worked()
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize("where", ["nowhere.jpg", "empty"])
def test_nothing_to_predict(where, call, person_model, tmp_path):
    (tmp_path / "empty").mkdir()
    call(f"predict {tmp_path}/{where} --model {person_model} --out {tmp_path}/out").failed(where)
    assert not (tmp_path / "out").exists()


def test_without_any_model_it_says_how_to_get_one(call, photo, tmp_path, no_shipped):
    answer = call(f"predict {photo} --out {tmp_path}/out")
    answer.failed("voc7", "not in this installation", no_shipped, "--model", "minifcn train", "minifcn demo")
    assert not (tmp_path / "out").exists()


def test_out_is_a_file(call, person_model, photo, tmp_path):
    (tmp_path / "out").write_text("notes")
    for below in ("", "/below", "/far/below"):
        call(f"predict {photo} --model {person_model} --out {tmp_path}/out{below}").failed(
            f"out{below}: no folder can be made here", f"{tmp_path}/out is a file: give a folder"
        )
    assert (tmp_path / "out").read_text() == "notes"


def test_averages_over_views(call, small_set, tmp_path):
    file = saved(random_model("fcn8s", num_classes=3), tmp_path / "m.safetensors")
    picture = sorted((small_set / "JPEGImages").iterdir())[0]
    labels = {}
    for name, options in (
        ("plain", ""),
        ("same", "--scales 1"),
        ("mirror", "--mirror"),
        ("scaled", "--scales 0.5,1.5"),
    ):
        call(f"predict {picture} --model {file} --out {tmp_path / name} {options}").worked()
        labels[name] = read_labels(tmp_path / name / f"{picture.stem}.png")
    np.testing.assert_array_equal(labels["plain"], labels["same"])
    assert (labels["plain"] != labels["mirror"]).any() and (labels["plain"] != labels["scaled"]).any()
    assert labels["scaled"].shape == labels["plain"].shape
    wrong = call(f"predict {picture} --model {file} --out {tmp_path} --scales 0")
    assert wrong.status == 2
