"""The picture of how sure a prediction is, and the photograph that every installation has."""

import needs
import numpy as np
import pytest
from PIL import Image

from minifcn.data import read_picture
from minifcn.draw.pictures import sample
from minifcn.draw.pictures.confidence import confidence_picture

# the ends and the middle of viridis, as matplotlib's documentation of its colour maps lists them
ENDS = {0.0: (68, 1, 84), 1.0: (253, 231, 37)}


@pytest.mark.parametrize("value", ENDS)
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (700, 20), (300, 400)])
def test_each_pixel_has_the_colour_of_its_value(value, size):
    image = confidence_picture(np.full(size, value, np.float32))
    assert image.mode == "RGB" and image.width >= size[1] and image.height > size[0]
    pixels = np.array(image)[: size[0], : size[1]]
    assert (pixels == ENDS[value]).all()


def test_more_is_brighter():
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(4, 0)
    grey = np.array(confidence_picture(ramp).convert("L"))[0, :256].astype(int)
    assert (np.diff(grey) >= 0).all() and grey[-1] - grey[0] > 150


def test_the_scale_below_shows_all_colours_whatever_the_map():
    image = np.array(confidence_picture(np.full((200, 300), 0.5, np.float32)))
    below = {tuple(pixel) for pixel in image[200:].reshape(-1, 3)}
    assert set(ENDS.values()) <= below


def test_the_mean_is_written_below():
    """Two maps of one mean have the same legend, and of another mean another one."""
    even, mixed = np.full((100, 300), 0.5, np.float32), np.full((100, 300), 0.25, np.float32)
    mixed[:, 150:] = 0.75
    legends = [np.array(confidence_picture(one))[100:] for one in (even, mixed, even / 2)]
    np.testing.assert_array_equal(legends[0], legends[1])
    assert (legends[0] != legends[2]).any()


@pytest.mark.parametrize("wrong", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3)), np.zeros((0, 3))])
def test_what_is_no_map_is_refused(wrong):
    with pytest.raises(ValueError, match=r"confidence_picture: got .*; expected floats \(H, W\)"):
        confidence_picture(wrong)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(ValueError, match=r"confidence_picture: values from .* to .*; expected probabilities, 0 to 1"):
        confidence_picture(np.full((2, 2), value))


def test_the_portrait_is_a_picture():
    path = sample.portrait()
    if path is None:
        pytest.skip(needs.PORTRAIT)
    with Image.open(path) as image:
        assert read_picture(path).shape == (image.height, image.width, 3)


@pytest.mark.parametrize("how", ["no file", "an error"])
def test_a_matplotlib_without_sample_data(how, tmp_path, monkeypatch):
    import matplotlib.cbook

    def missing(name, asfileobj):
        if how == "an error":
            raise FileNotFoundError(name)
        return str(tmp_path / name)

    monkeypatch.setattr(matplotlib.cbook, "get_sample_data", missing)
    assert sample.portrait() is None
