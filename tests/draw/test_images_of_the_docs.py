"""The pictures that the README shows are what the library draws today, and their script says what it lacks."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from .svgs import check_picture, groups, parsed, title_of, words_of

FOLDER = Path(__file__).parents[2] / "docs" / "images"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_images", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(svg):
    """All words, part by part; not the places, which change by a pixel with the version of a font."""
    kinds = {group.get("class") for group in parsed(svg).iter("{http://www.w3.org/2000/svg}g")}
    return [title_of(parsed(svg))] + [(title_of(group), words_of(group)) for group in groups(svg, *kinds)]


@pytest.mark.parametrize("name, make", [("fcn8s.svg", "network"), ("graph.svg", "computation")])
def test_the_committed_picture_is_the_one_that_is_drawn_today(name, make, script):
    committed = (FOLDER / name).read_text(encoding="utf-8")
    check_picture(committed)
    assert told(committed) == told(getattr(script, make)().svg), "run python docs/images/make.py"


def test_the_photograph_is_light():
    path = FOLDER / "photograph.jpg"
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.format == "JPEG" and picture.width > 2 * picture.height


def test_the_script_makes_a_photograph_of_any_picture(script, tmp_path):
    path = tmp_path / "mine.png"
    Image.new("RGB", (48, 32), "grey").save(path)
    content = script.photograph(path)
    (tmp_path / "out.jpg").write_bytes(content)
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.format == "JPEG" and picture.width >= 2 * 48 + script.GAP and picture.height > 32
        assert all(abs(channel - 128) < 6 for channel in picture.getpixel((20, 15)))  # the photograph is on the left


def test_the_script_says_what_it_lacks(script, monkeypatch):
    monkeypatch.setattr(script.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        SystemExit, match=r"scikit-image is not installed.*pip install scikit-image, or give --picture FILE"
    ):
        script.free_photograph()


def test_the_script_has_help():
    done = subprocess.run(
        [sys.executable, str(FOLDER / "make.py"), "--help"], capture_output=True, text=True, check=True
    )
    assert "--picture" in done.stdout and "CC0" in done.stdout
