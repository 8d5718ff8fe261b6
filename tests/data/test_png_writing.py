"""PNG files written a strip at a time: what comes out is what went in, as Pillow and our own reader of chunks see it."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from minifcn.data.pixels import png_writing
from minifcn.data.pixels.png import readable
from minifcn.data.pixels.png_writing import SUB, UP, filtered, png_of


def cut(pixels, *places):
    """`pixels` in strips that end at these rows."""
    return np.split(pixels, places)


def read_back(content):
    """As Pillow reads it, and with every checksum looked at."""
    readable(io.BytesIO(content))
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


@pytest.mark.parametrize(
    "height, width, places", [(1, 1, ()), (1, 7, ()), (7, 1, (3,)), (40, 33, (1, 2, 39)), (64, 64, (32,))]
)
def test_what_goes_in_comes_out(height, width, places, rng):
    noise = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    slope = (np.arange(height)[:, None, None] * 3 + np.arange(width)[:, None] + np.arange(3)).astype(np.uint8)
    for pixels in (noise, slope, np.zeros_like(noise), np.full_like(noise, 255)):
        np.testing.assert_array_equal(read_back(png_of(width, height, cut(pixels, *places))), pixels)


def test_the_strips_make_no_difference(rng):
    pixels = rng.integers(0, 256, (50, 20, 3)).astype(np.uint8)
    whole = np.concatenate(list(filtered(20, 50, [pixels])))
    np.testing.assert_array_equal(np.concatenate(list(filtered(20, 50, cut(pixels, 1, 17, 18)))), whole)


def test_each_row_takes_the_filter_that_leaves_less():
    across = np.repeat(
        np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], 3, 2
    )  # a row that repeats: nothing is left from above
    down = np.full((1, 120, 3), 200, np.uint8)  # one colour: nothing is left from the left
    rows = next(filtered(120, 4, iter([np.concatenate([across, across, down, across])])))
    assert rows[:, 0].tolist()[1:3] == [UP, SUB]
    assert not rows[1, 1:].any() and rows[2, 1:4].tolist() == [200] * 3 and not rows[2, 4:].any()


def test_a_filter_undone_by_hand(rng):
    """The definition of PNG, number by number."""
    pixels = rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)
    above = [0] * 15
    for row, found in zip(next(filtered(5, 6, iter([pixels]))), pixels, strict=True):
        values = []
        for place, difference in enumerate(row[1:].tolist()):
            left = values[place - 3] if place >= 3 else 0
            values.append((difference + (left if row[0] == SUB else above[place])) % 256)
        assert values == found.ravel().tolist()
        above = values


def test_a_photograph_is_as_large_as_pillow_makes_it_at_its_quickest(rng):
    """Smooth with a little noise, and as JPEG leaves it."""
    rows, columns = np.mgrid[:200, :300]
    smooth = 120 + 60 * np.sin(rows / 40) + 50 * np.cos(columns / 30)
    pixels = np.clip(smooth[..., None] + rng.normal(0, 3, (200, 300, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(photo := io.BytesIO(), "JPEG", quality=85)
    pixels = np.asarray(Image.open(photo))
    by_pillow = io.BytesIO()
    Image.fromarray(pixels).save(by_pillow, "PNG", compress_level=1)
    assert len(png_of(300, 200, [pixels])) < 1.05 * len(by_pillow.getvalue())
    unfiltered = zlib.compress(pixels.tobytes(), 1)
    assert len(png_of(300, 200, [pixels])) < 0.9 * len(unfiltered)


@pytest.mark.parametrize(
    "strips, sentence",
    [
        ([np.zeros((2, 4, 3), np.uint8)], "have 2 rows; expected 3"),
        ([np.zeros((2, 4, 3), np.uint8)] * 2, "have 4 rows; expected 3"),
        ([np.zeros((3, 5, 3), np.uint8)], r"got uint8 \(3, 5, 3\); expected rows of uint8 \(rows, 4, 3\)"),
        ([np.zeros((3, 4, 4), np.uint8)], r"got uint8 \(3, 4, 4\)"),
        ([np.zeros((3, 4, 3), np.int32)], r"got int32 \(3, 4, 3\)"),
        ([np.zeros((0, 4, 3), np.uint8)], r"got uint8 \(0, 4, 3\)"),
    ],
)
def test_strips_that_make_no_such_picture(strips, sentence):
    with pytest.raises(ValueError, match=f"png_of: .*{sentence}"):
        png_of(4, 3, strips)


def test_a_wrong_filter_would_be_seen(rng, monkeypatch):
    pixels = rng.integers(0, 256, (9, 8, 3)).astype(np.uint8)
    monkeypatch.setattr(png_writing, "UP", SUB)  # rows that differ from above, called differences from the left
    tall = np.repeat(pixels[:1], 9, 0)
    assert (read_back(png_of(8, 9, [tall])) != tall).any()
