"""Figures of the lessons: small, with words, and refused without."""

import io
from types import SimpleNamespace
from xml.etree import ElementTree

import look
import numpy as np
import pytest
from PIL import Image

import minifcn as mf


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr(look, "display", lambda *args, **named: found.append((args, named)))
    return found


def test_a_figure_has_its_words(shown):
    look.show(np.zeros((8, 8, 3), np.uint8), "a black square")
    (bundle,), named = shown[0]
    assert bundle["text/plain"] == "a black square" == named["metadata"]["image/png"]["alt"]
    assert Image.open(io.BytesIO(bundle["image/png"])).size == (8, 8)


def test_what_the_library_draws_is_shown_as_text_and_as_pixels(shown):
    w = mf.Tensor(np.ones(3), requires_grad=True)
    look.show(mf.draw.graph((w * w).sum()), "a graph")
    (bundle,), named = shown[0]
    svg = ElementTree.fromstring(bundle["image/svg+xml"])
    pixels = Image.open(io.BytesIO(bundle["image/png"]))
    about = named["metadata"]
    assert bundle["text/plain"] == "a graph" == about["image/svg+xml"]["alt"] == about["image/png"]["alt"]
    assert (about["image/png"]["width"], about["image/png"]["height"]) == (
        round(float(svg.get("width"))),
        round(float(svg.get("height"))),
    )
    assert abs(pixels.width - 2 * float(svg.get("width"))) <= 1


def test_a_drawing_that_is_too_large_is_refused(shown):
    drawing = SimpleNamespace(svg="<svg>" + " " * look.LARGEST + "</svg>", _repr_png_=lambda: (b"", {}))
    with pytest.raises(ValueError, match="the drawing has 80011 bytes; expected at most 80000: fold or draw less"):
        look.show(drawing, "a drawing")


def test_a_figure_without_words_is_refused(shown):
    with pytest.raises(ValueError, match="alt is empty; say in a sentence"):
        look.show(np.zeros((8, 8, 3), np.uint8), " ")


def test_a_large_picture_is_made_small(shown):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    look.show(noise, "noise")
    assert len(shown[0][0][0]["image/png"]) <= look.LARGEST


def test_a_picture_that_stays_too_large_is_refused(shown):
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3)).astype(np.uint8)
    with pytest.raises(ValueError, match="even when small; expected at most 80000: draw less"):
        look.show(noise, "noise")


def test_a_small_patch_keeps_its_colour_when_colours_get_fewer():
    """Noise in thousands of greens, and three patches of a legend. Pillow's first method makes one colour of two of them."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (200, 300, 3)).astype(np.uint8) // [4, 1, 4] + np.uint8(40)
    patches = {"orange": (230, 159, 0), "yellow": (240, 228, 66), "pink": (204, 121, 167)}
    for row, colour in enumerate(patches.values()):
        picture[20 * row : 20 * row + 8, 10:20] = colour
    image = Image.fromarray(picture.astype(np.uint8))
    found = look.with_fewer(image, 64)
    assert len(found.getcolors()) <= 64 and len(look.moved(image, image.quantize(64))) >= 1
    for row, colour in enumerate(patches.values()):
        assert np.abs(np.asarray(found.convert("RGB"), int)[20 * row + 4, 15] - colour).max() <= 8
    assert len(look.moved(image, found)) == len(look.moved(image, image)) == 0
