"""The gallery of the worst pictures: its panels, its captions, and how much of it is kept at a time."""

import numpy as np
import pytest

from minifcn.data import colour_map
from minifcn.draw.pictures import gallery as room
from minifcn.draw.pictures.gallery import Shown, gallery

NAMES, COLOURS = ("background", "cat", "dog"), colour_map(3)
COLUMN, GAP = 240, 8


def row(shape=(60, 120), caption="photo", picture=None, **labels):
    truth = labels.get("truth", np.zeros(shape, np.uint8))
    shown = np.full((*shape, 3), 100, np.uint8) if picture is None else picture
    return Shown(caption, shown, truth, labels.get("prediction", truth))


def panel(image, column, top=4 * 16 + 2 * GAP, height=120):
    """The pixels of a panel of the first row, whose picture is twice as wide as high."""
    return np.asarray(image)[top : top + height, column * (COLUMN + GAP) : column * (COLUMN + GAP) + COLUMN]


def test_the_four_panels():
    rng = np.random.default_rng(0)
    picture = np.repeat(rng.integers(0, 256, (120, 240, 1)), 3, axis=2).astype(np.uint8)
    truth, prediction = np.zeros((120, 240), np.uint8), np.zeros((120, 240), np.uint8)
    truth[40:80, 60:120], prediction[40:80, 80:140] = 1, 2
    truth[:, 200:] = 255
    image = gallery([row(picture=picture, truth=truth, prediction=prediction)], NAMES, COLOURS)
    assert image.mode == "RGB" and image.width == 4 * COLUMN + 3 * GAP
    np.testing.assert_array_equal(panel(image, 0), picture)
    for column, labels in ((1, truth), (2, prediction)):
        changed = (panel(image, column) != picture).any(2)
        np.testing.assert_array_equal(changed, labels != 0)  # background stays untinted
    errors = panel(image, 3).astype(int)
    wrong = (truth != prediction) & (truth != 255)
    red = errors[..., 0] - errors[..., 1] > 60
    np.testing.assert_array_equal(red, wrong)
    assert (errors[truth == 255] == (224, 224, 192)).all()
    right = errors[~wrong & (truth != 255)]
    assert (right[:, 0] == right[:, 1]).all() and right.min() >= 110  # pale grey


def test_rows_stand_below_each_other_scaled_to_their_column():
    wide, tall, tiny = row((50, 200)), row((400, 100)), row((1, 3))
    heights = [gallery(rows, NAMES, COLOURS).height for rows in ([wide], [tall], [tiny], [wide, tall, tiny])]
    caption, others = 32 + GAP, heights[0] - (32 + GAP) - (60 + GAP)  # 50x200 becomes 60x240
    assert heights[1] == others + caption + 260 + GAP and heights[2] == others + caption + 80 + GAP
    assert heights[3] == others + 3 * (caption + GAP) + 60 + 260 + 80


def texts_of(monkeypatch, rows, names=NAMES):
    """All texts that are drawn, and the legend's entries: text -> colour."""
    drawn, entries = [], []
    draw, legend = room.text_strip, room.legend
    monkeypatch.setattr(room, "text_strip", lambda texts, anchor: drawn.extend(texts.values()) or draw(texts, anchor))
    monkeypatch.setattr(room, "legend", lambda found, *args: entries.extend(found) or legend(found, *args))
    gallery(rows, names, COLOURS)
    return drawn, {text: tuple(colour) for text, colour in entries}


def test_captions_and_legend(monkeypatch):
    truth = np.array([[0, 0, 2, 255]], np.uint8)
    drawn, entries = texts_of(monkeypatch, [row((1, 4), "first 12.5 %", truth=truth), row(caption="Käfer")])
    assert drawn == ["picture", "truth", "prediction", "errors", "first 12.5 %", "Käfer"]
    assert list(entries) == ["background", "dog", "void, not counted", "wrong"]  # no cat anywhere


def test_only_a_class_0_called_background_has_an_empty_swatch(monkeypatch):
    truth = np.array([[0, 1]], np.uint8)
    assert texts_of(monkeypatch, [row((1, 2), truth=truth)])[1]["background"] == (255, 255, 255)
    swatches = texts_of(monkeypatch, [row((1, 2), truth=truth)], ("sky", "background", "dog"))[1]
    assert swatches["background"] == (128, 0, 0) and swatches["sky"] == (0, 0, 0)


def test_rows_are_taken_one_at_a_time():
    alive = []

    class Picture(np.ndarray):
        def __del__(self):
            if self.base is None:
                alive.remove(id(self))

    def rows():
        for _ in range(5):
            picture = Picture((60, 120, 3), np.uint8)
            picture[...] = 9
            alive.append(id(picture))
            yield row(picture=picture)
            del picture
            assert len(alive) <= 1

    gallery(rows(), NAMES, COLOURS)
    assert not alive


def test_no_rows_are_refused():
    with pytest.raises(
        ValueError, match="gallery: there are no rows; give at least one picture with pixels that are scored"
    ):
        gallery([], NAMES, COLOURS)


def test_labels_without_a_name_are_refused():
    with pytest.raises(ValueError, match="label 7 is not in names, which has 3 entries"):
        gallery([row(prediction=np.full((60, 120), 7, np.uint8))], NAMES, COLOURS)
