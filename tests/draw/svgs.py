"""What the tests of SVG pictures share: the text of a picture read back, and what must hold for every picture."""

import os
import re
import xml.etree.ElementTree as ET
from itertools import combinations
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import ImageFont

SVG = "{http://www.w3.org/2000/svg}"
GROUNDS = ("#ffffff", "#000000", "#0d1117")  # a page, a terminal, a code host at night
LEAST = 11  # pixels: letters
MARKS = {"arrow", "skip"}


class Rect(NamedTuple):
    x: float
    y: float
    w: float
    h: float
    fill: str = ""

    def holds(self, other, slack=0.0):
        return (
            other.x >= self.x - slack
            and other.y >= self.y - slack
            and other.x + other.w <= self.x + self.w + slack
            and other.y + other.h <= self.y + self.h + slack
        )

    def meets(self, other, slack=0.0):
        return (
            min(self.x + self.w, other.x + other.w) - max(self.x, other.x) > slack
            and min(self.y + self.h, other.y + other.h) - max(self.y, other.y) > slack
        )


def parsed(svg):
    return ET.fromstring(svg.encode())


def groups(svg, *kinds):
    """The groups of these classes, in order."""
    return [group for group in parsed(svg).iter(SVG + "g") if group.get("class") in kinds]


def words_of(group):
    return [element.text for element in group.iter(SVG + "text")]


def title_of(element):
    return element.find(SVG + "title").text


def first_rect(group):
    rect = group.find(SVG + "rect")
    return Rect(*(float(rect.get(name)) for name in ("x", "y", "width", "height")), rect.get("fill"))


def measured(text):
    """The box that a <text> may fill: DejaVu Sans, as matplotlib ships it, is about as wide as fonts for screens get."""
    size, bold = float(text.get("font-size")), text.get("font-weight") == "bold"
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    font = ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", name), 200)
    width = font.getlength(text.text or "") * size / 200
    x, y = float(text.get("x")), float(text.get("y"))
    left = {"middle": x - width / 2, "start": x, "end": x - width}[text.get("text-anchor")]
    return Rect(left, y - 0.76 * size, width, 0.98 * size)  # ascender and descender of letters, not of accents


def luminance(colour):
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def points_of(path, steps=12):
    """Points along a path of M, H, V, C and L commands."""
    found, x, y = [], 0.0, 0.0
    for command, rest in re.findall(r"([MHVC])([^MHVC]*)", path):
        numbers = [float(each) for each in rest.split()]
        if command == "M":
            x, y = numbers
            found.append((x, y))
            continue
        if command == "C":
            corners = np.array([(x, y), *zip(numbers[::2], numbers[1::2], strict=True)])
            for t in np.linspace(0, 1, steps + 1)[1:]:
                weights = np.array([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
                found.append(tuple(weights @ corners))
            x, y = numbers[-2:]
            continue
        nx, ny = (numbers[0], y) if command == "H" else (x, numbers[0])
        found += [(x + (nx - x) * t, y + (ny - y) * t) for t in np.linspace(0, 1, steps + 1)[1:]]
        x, y = nx, ny
    return found


def check_picture(svg, most=800):
    """All that makes a picture readable; AssertionError with the reason for one that is not. Returns its width and height."""
    root = parsed(svg)
    width, height = float(root.get("width")), float(root.get("height"))
    assert root.tag == SVG + "svg" and root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert width <= most, f"{width} pixels wide: at {most} its letters would shrink"
    assert root.get("role") == "img" and root.get("aria-label") == title_of(root) and root.get("aria-label")
    assert "href" not in svg and "url(" not in svg and " id=" not in svg, "the picture leans on something else"
    page = Rect(0, 0, width, height)
    texts = []
    for group in root.iter(SVG + "g"):
        assert title_of(group), "a part without a title"
        for text in group.findall(SVG + "text"):
            box, plate = measured(text), first_rect(group)
            assert float(text.get("font-size")) >= LEAST, f"{text.text!r} is too small"
            assert plate.holds(box), f"{text.text!r} leaves its box"
            assert page.holds(plate), f"{text.text!r} is clipped"
            assert contrast(plate.fill, root.get("fill")) >= 7, f"{text.text!r} is hard to read"
            texts.append((text.text, box))
    assert len(texts) == len(list(root.iter(SVG + "text"))), "words that stand on no box"
    for (one, a), (other, b) in combinations(texts, 2):
        assert not a.meets(b), f"{one!r} and {other!r} overlap"
    check_lines(root, page)
    return width, height


def check_lines(root, page):
    """Boxes apart from one another; arrows seen on light and dark ground, and over no box."""
    marks = [group for group in root.iter(SVG + "g") if group.get("class") in MARKS]
    plates = [first_rect(group) for group in root.iter(SVG + "g") if group.get("class") not in MARKS]
    for a, b in combinations(plates, 2):
        assert not a.meets(b), "two boxes overlap"
    for group in marks:
        (line,) = group.findall(SVG + "path")
        (head,) = group.findall(SVG + "polygon")
        for ground in GROUNDS:
            assert contrast(line.get("stroke"), ground) >= 3, f"the line {line.get('stroke')} is lost on {ground}"
            assert contrast(head.get("fill"), ground) >= 3
        points = points_of(line.get("d"))
        for x, y in points:
            assert page.holds(Rect(x, y, 0, 0)), "an arrow leaves the picture"
            for plate in plates:
                inside = plate.x + 1 < x < plate.x + plate.w - 1 and plate.y + 1 < y < plate.y + plate.h - 1
                assert not inside, f"{title_of(group)!r} runs over a box"
        tip = tuple(float(each) for each in head.get("points").split()[0].split(","))
        assert any(Rect(p.x - 1, p.y - 1, p.w + 2, p.h + 2).holds(Rect(*tip, 0, 0)) for p in plates), (
            "a head in mid-air"
        )
