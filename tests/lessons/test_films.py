"""The pictures that move: drawn anew they are those that are committed, they are small, and they stand still for who wants that."""

import re
from xml.etree import ElementTree

import films
import numpy as np
import pytest

from minifcn import ops

from .reading import LESSONS, NAMES, notebook

MADE = films.all_of_them()
MOVING = [name for name, content in MADE.items() if "@keyframes" in content]


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_committed_picture_is_todays(name):
    path = LESSONS / "figures" / name
    assert path.read_text(encoding="utf-8") == MADE[name], "run: python lessons/films.py"
    assert path.stat().st_size < 300_000
    assert ElementTree.fromstring(MADE[name]).find("{http://www.w3.org/2000/svg}title") is not None


def test_three_lessons_show_one_each():
    assert len(MOVING) == 3
    shown = {}
    for lesson in NAMES:
        text = "".join("".join(cell["source"]) for cell in notebook(lesson)["cells"])
        for words, name in re.findall(r"!\[([^]]+)\]\(figures/([\w]+\.svg)\)", text):
            if name in MOVING:
                shown[name] = lesson[:2]
                assert len(words) > 40, "words for who does not see it"
    assert shown == {"sliding.svg": "04", "painting.svg": "10", "walking_back.svg": "02"}


@pytest.mark.parametrize("name", MOVING)
def test_they_repeat_and_they_stand_still_when_asked(name):
    style = re.search(r"<style>(.*?)</style>", MADE[name], re.DOTALL)[1]
    rules = re.findall(r"^\.[\w-]+\{animation:[^}]+\}", style, re.MULTILINE)
    assert rules and all(" infinite" in rule for rule in rules)
    still = re.search(r"@media \(prefers-reduced-motion: reduce\) \{(.*)\}", style)[1]
    assert "animation:none !important" in still and ".passing{visibility:hidden}" in still
    assert "<script" not in MADE[name] and "http" not in MADE[name].replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("name", MOVING)
def test_every_class_has_its_frames(name):
    classes = set(re.findall(r'class="([^"]+)"', MADE[name]))
    defined = set(re.findall(r"^\.([\w-]+)\{animation", MADE[name], re.MULTILINE))
    assert {each.split()[0] for each in classes} == defined


def texts(svg, at):
    """The words that are seen in frame `at`, in their order, worked out from the keyframes alone."""
    frames = {}
    for name, steps in re.findall(r"@keyframes k([\w-]+)\{(.*)\}$", svg, re.MULTILINE):
        frames[name] = [
            (float(stop), float(value))
            for stops, value in re.findall(r"([\d.%,]+)\{opacity:(\d)\}", steps)
            for stop in stops.replace("%", "").split(",")
        ]
    found = []
    for attributes, words in re.findall(r"<text ([^>]*)>([^<]*)</text>", svg):
        name = re.search(r'class="([\w-]+)', attributes)
        steps = sorted(frames.get(name[1], [])) if name else []
        before = [value for stop, value in steps if stop <= at]
        if not steps or (before and before[-1] == 1):
            found.append(words)
    return found


def numbers(svg, at):
    return [float(words) for words in texts(svg, at) if re.fullmatch(r"-?\d+", words)]


def test_the_window_gives_what_the_library_gives():
    shown = numbers(MADE["sliding.svg"], 99.9)
    picture, kernel, result = (
        np.array(part).reshape(side, side) for part, side in zip(np.split(shown, [36, 45]), (6, 3, 4), strict=True)
    )
    assert np.array_equal(ops.conv2d(picture[None, None], kernel[None, None]).data[0, 0], result)
    assert len(numbers(MADE["sliding.svg"], 0)) == 36 + 9 + 1, "at first one number of the result is there"


def test_the_painting_gives_what_the_library_gives():
    shown = numbers(MADE["painting.svg"], 99.9)
    coarse, kernel = np.reshape(shown[:4], (2, 2)), np.reshape(shown[4:13], (3, 3))
    result = ops.conv_transpose2d(coarse[None, None], kernel[None, None], stride=2).data[0, 0]
    assert np.array_equal(np.reshape(shown[13:], (5, 5)), result)
    assert numbers(MADE["painting.svg"], 0) == shown[:13], "at first nothing is painted"


def test_the_walk_ends_with_the_gradients():
    last = texts(MADE["walking_back.svg"], 99.9)
    assert [words for words in last if words.startswith("grad")] == ["grad 1", "grad 2", "grad 4"]
    assert last.count("complete") == 3
    first = texts(MADE["walking_back.svg"], 0)
    assert first.count("waits: 0 of 2 have come") == 2 and first.count("complete") == 1
