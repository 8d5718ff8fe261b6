"""The report: whole and well-formed HTML that loads nothing, says what it should, and survives odd input."""

import base64
import io
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minifcn.draw.report import run_report as report
from minifcn.draw.report.page import duration, score_table
from minifcn.draw.report.run_report import headline, sample_sheet, write_report

from .pages import Page

NAMES = ["background", "<script>alert(1)</script>", '猫 & "dog"']
COLOURS = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 120]], np.uint8)
STAGES = ("fcn32s", "fcn16s", "fcn8s")


def sample(name="p<1>", size=(48, 64), seed=0):
    random = np.random.default_rng(seed)
    truth = np.zeros(size, np.uint8)
    truth[size[0] // 4 :, size[1] // 2 :] = 1
    picture = random.integers(0, 256, (*size, 3), dtype=np.uint8)
    predictions = {stage: np.roll(truth, 3 - index, axis=1) for index, stage in enumerate(STAGES)}
    truth = truth.copy()
    truth[:2] = 255
    return SimpleNamespace(id=name, picture=picture, truth=truth, predictions=predictions)


def block(value):
    four = ("pixel_accuracy", "mean_accuracy", "mean_iu", "frequency_weighted_iu")
    return {**dict.fromkeys(four, value), "per_class": dict(zip(NAMES, [value, value / 2, None], strict=True))}


def arguments(**changes):
    rows = [
        {"stage": stage, "step": step, "loss": 1 / step, "learning_rate": 0.1, "seconds": 1.0, "images_per_second": 8.0}
        for stage in STAGES
        for step in (1, 2, 3)
    ]
    usual = {
        "title": "A <b>run</b>",
        "config": {"seed": 0, "classes": ["cat", "dog"], "note": "</td><script>"},
        "rows": rows,
        "metrics": {"fcn32s": block(0.401), "fcn16s": block(0.45), "fcn8s": block(0.4678)},
        "samples": [sample()],
        "names": NAMES,
        "colours": COLOURS,
        "timings": {"fcn32s": 12.0, "fcn16s": 75.0, "fcn8s": 4000.0},
        "command": "minifcn train --title 'a & b'",
    }
    return {**usual, **changes}


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        write_report(tmp_path / "report.html", **arguments(**changes))
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write


def test_the_page_is_well_formed_and_loads_nothing(written):
    text = written()
    page = Page(text)
    loads = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert loads and all(load.startswith("data:") for load in loads)
    assert not re.search(r"url\((?!data:|#)|@import", text)
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object")]
    assert len(page.ids) == len(set(page.ids)), "an id appears twice"
    for reference in re.findall(r"""(?:url\(#|xlink:href="#)([^)"]+)""", text):
        assert reference in page.ids


def test_every_picture_has_a_text_in_its_place(written):
    page = Page(written())
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 5
    assert all(image["alt"].strip() for image in images)
    assert all(attributes.get("aria-label") for tag, attributes in page.tags if tag == "svg")


def test_every_text_is_escaped_and_still_there(written):
    text = written()
    assert "<script" not in text and "<b>" not in text
    page = Page(text)
    for words in ("A <b>run</b>", NAMES[1], NAMES[2], "p<1>", "</td><script>", "minifcn train --title 'a & b'"):
        assert words in page.text


def test_the_page_says_what_came_out(written):
    page = Page(written())
    assert "fcn8s ends at a mean IU of 46.8 % over 2 classes, 6.7 points above fcn32s." in page.text
    for words in ("12.0 s", "1 min 15 s", "1 h 6 min", "cat, dog", "void, not counted", "% right"):
        assert words in page.text
    assert [tag for tag, attributes in page.tags if attributes.get("class") == "best"] == ["td"] * 6


def test_labels_travel_as_palette_pictures_with_a_clear_background(written):
    page = Page(written())
    maps = [attributes for tag, attributes in page.tags if attributes.get("class") == "map"]
    image = Image.open(io.BytesIO(base64.b64decode(maps[0]["src"].partition("base64,")[2])))
    drawn = np.array(image.convert("RGBA"))
    truth = sample().truth
    assert (drawn[truth == 1] == (200, 0, 0, 255)).all()
    assert (drawn[truth == 255] == (224, 224, 192, 255)).all()
    assert (drawn[truth == 0][:, 3] == 0).all()


def test_the_same_run_gives_the_same_page(written):
    assert written() == written()


ODD_METRICS = {"fcn8s-atonce": {**block(math.nan), "mean_iu": None, "per_class": {"cat": None, "dog": math.nan}}}


def example(variations=3, size=(48, 64), sentence="Scaled by <b>0.5</b> to 2."):
    one = sample(size=size)
    pairs = [(one.picture[:16, :20], one.truth[:16, :20])] * variations
    return SimpleNamespace(picture=one.picture, labels=one.truth, variations=pairs, sentence=sentence)


def test_augmentation_is_shown_and_said(written):
    text = written(samples=[], augmentations=[example(), example(size=(30, 64))])
    page = Page(text)
    for words in ("Augmentation", "Scaled by <b>0.5</b> to 2.", "As it is", "64 wide, 30 high", "void, not counted"):
        assert words in page.text
    assert page.text.count("20 wide, 16 high") == 6
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 8 and len({image["alt"] for image in images}) == 8
    assert "Augmentation" not in Page(written()).text


def test_augmented_pictures_are_tinted_by_class(written):
    one = example(variations=1)
    one.picture[:] = 60
    one.variations = [(np.full((32, 32, 3), 60, np.uint8), np.full((32, 32), 1, np.uint8))]
    page = Page(written(samples=[], augmentations=[one]))
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    drawn = [
        np.array(Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))).astype(int)
        for source in sources
    ]
    # class 1 is (200, 0, 0), and 55 % of it; JPEG rounds
    assert abs(drawn[1][16, 16] - (0.55 * 200 + 0.45 * 60, 0.45 * 60, 0.45 * 60)).max() <= 4
    assert abs(drawn[0][30, 5] - 60).max() <= 4  # the background stays as it is
    legend = [attributes["style"] for tag, attributes in page.tags if tag == "i"]
    assert legend == ["--c: rgb(255, 255, 255)", "--c: rgb(200, 0, 0)", "--c: rgb(224, 224, 192)"]


def test_an_augmented_label_without_a_name_is_refused(tmp_path):
    one = example()
    one.variations[1][1][:] = 7
    with pytest.raises(ValueError, match="label 7 is not in names"):
        write_report(tmp_path / "report.html", **arguments(augmentations=[one]))


@pytest.mark.parametrize(
    "changes",
    [
        {"samples": []},
        {"rows": []},
        {"rows": [], "timings": None},
        {"metrics": {}},
        {"metrics": ODD_METRICS},
        {"metrics": {"fcn8s-atonce": block(0.5)}},
        {"config": {}, "command": None},
        {"samples": [sample(size=(1, 1)), sample(size=(400, 31))]},
        {"samples": [SimpleNamespace(**{**vars(sample()), "truth": np.full((48, 64), 255, np.uint8)})]},
        {"samples": [sample(), SimpleNamespace(**{**vars(sample()), "predictions": {}})]},
        {"augmentations": [example(), example(variations=1)]},
        {"config": {"path": object(), "nested": {"a": [1, None]}}, "title": "\udcff surrogate"},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_anything_may_be_missing(written, changes):
    page = Page(written(**changes))
    assert "What the scores mean" in page.text
    assert "nan" not in page.text.lower().split()


def test_headline_tells_a_fall_as_a_fall():
    assert "1.0 points below fcn32s" in headline({"fcn32s": {"mean_iu": 0.4}, "fcn8s": {"mean_iu": 0.39}})
    assert headline({"fcn8s": {"mean_iu": None}}) == "No mean IU was measured for fcn8s."
    assert headline({}) == "No stage has been scored yet."


def test_bold_marks_the_best_that_is_shown():
    rows = [("a", [0.5001, math.nan]), ("b", [0.5004, math.nan])]
    assert score_table("", ["x", "y"], rows, "column").count('class="best"') == 2
    assert score_table("", ["x"], [("a", [0.5])], "column").count("best") == 0


def test_durations_round_up_into_the_next_unit():
    assert [duration(value) for value in (59.94, 59.96, 3599.6, math.nan)] == ["59.9 s", "1 min 0 s", "1 h 0 min", "–"]


@pytest.mark.parametrize("failing", ["replace", "write"])
def test_a_failing_write_leaves_the_old_report(tmp_path, monkeypatch, fill_disk, failing):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_, **__):
        raise OSError("No space left on device")

    if failing == "replace":
        monkeypatch.setattr(report.os, "replace", fail)
    else:
        fill_disk()
    with pytest.raises(OSError, match="No space left on device"):
        write_report(path, **arguments(samples=[]))
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    assert path.read_bytes() == b"old"


def test_a_label_without_a_name_is_refused(tmp_path):
    wrong = sample()
    wrong.predictions["fcn8s"] = np.full((48, 64), 9, np.uint8)
    with pytest.raises(ValueError, match="label 9 is not in names"):
        write_report(tmp_path / "report.html", **arguments(samples=[wrong]))


def test_eight_samples_of_three_stages_stay_small(tmp_path):
    ramp = np.add.outer(np.arange(256), np.arange(256)) // 2
    photo = np.stack([ramp, ramp[::-1], ramp.T], axis=2) + np.random.default_rng(0).integers(-9, 9, (256, 256, 3))
    many = [sample(str(index), (256, 256), index) for index in range(8)]
    for one in many:
        one.picture = np.clip(photo, 0, 255).astype(np.uint8)
    write_report(tmp_path / "report.html", **arguments(samples=many))
    assert (tmp_path / "report.html").stat().st_size < 1_500_000


def test_sample_sheet_has_a_column_for_each_map_and_a_row_for_each_sample():
    image = sample_sheet([sample(), sample(size=(64, 48))], NAMES, COLOURS)
    assert image.mode == "RGB"
    assert image.width == 5 * 240 + 4 * 8
    assert 180 + 260 < image.height < 180 + 260 + 120
    assert sample_sheet([sample(size=(1, 900))], NAMES, COLOURS).width == image.width
    with pytest.raises(ValueError, match="no samples"):
        sample_sheet([], NAMES, COLOURS)
