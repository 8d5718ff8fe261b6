"""Paints one picture of the synthetic set: textured shapes over a cluttered ground, with exact labels."""

import colorsys

import numpy as np
from PIL import Image, ImageDraw

from minifcn.data.labels import VOID
from minifcn.data.synthetic.shapes import SHAPES

SHAPE_CLASSES = ("background", *SHAPES)

BORDER = 0.75  # pixels to either side of an edge that the labels leave void
HUE_SPREAD = 0.06  # standard deviation of a class's hue, in turns of the colour circle; classes are 1/8 turn apart
ANY_HUE = 0.12  # the share of objects whose hue says nothing at all


def paint(size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture, uint8 (H, W, 3), and its labels, uint8 (H, W): 0 background, 1 to 8 the shapes, 255 their edges."""
    height, width = size
    picture = _ground(height, width, rng)
    labels = np.zeros(size, np.uint8)
    placed: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(2, 5))):
        radius = min(size) * rng.uniform(0.18, 0.42)
        x, y = rng.uniform(0.08, 0.92, 2) * (width, height)
        # objects may overlap, but none may disappear behind another
        if any(np.hypot(x - px, y - py) < 0.72 * (radius + pr) for px, py, pr in placed):
            continue
        placed.append((x, y, radius))
        _object(picture, labels, int(rng.integers(1, len(SHAPE_CLASSES))), x, y, radius, rng)
    picture += rng.normal(0, 3, picture.shape)  # what a camera's sensor adds
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), labels


def _ground(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Soft light and shade with strokes and blobs, all in pale or dull colours: float64 (H, W, 3)."""
    tone = rng.uniform(70, 185)
    patches = np.clip(tone + rng.normal(0, 26, (3, 4, 1)) + rng.normal(0, 10, (3, 4, 3)), 0, 255).astype(np.uint8)
    canvas = Image.fromarray(patches).resize((2 * width, 2 * height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(8, 16))):
        colour = tuple(int(value) for value in np.clip(tone + rng.normal(0, 32) + rng.normal(0, 13, 3), 0, 255))
        x, y = rng.uniform(0, 1, 2) * canvas.size
        if rng.random() < 0.5:
            turns = np.cumsum(rng.normal(0, 0.5, 6)) + rng.uniform(0, 2 * np.pi)
            steps = rng.uniform(0.05, 0.14) * canvas.height * np.stack([np.cos(turns), np.sin(turns)], 1)
            steps[0] = x, y
            points = [tuple(point) for point in np.cumsum(steps, 0).tolist()]
            draw.line(points, fill=colour, width=int(rng.integers(1, 5)), joint="curve")
        else:
            a, b = rng.uniform(0.01, 0.07, 2) * canvas.height
            draw.ellipse([x - a, y - b, x + a, y + b], fill=colour)
    return np.asarray(canvas.reduce(2)).astype(np.float64)  # drawn at twice the size, so that edges come out smooth


def _object(
    picture: np.ndarray, labels: np.ndarray, label: int, x: float, y: float, radius: float, rng: np.random.Generator
) -> None:
    """Paint one shape into `picture` and `labels`, over what is there."""
    reach = int(1.3 * radius) + 6  # no shape, edge or shadow goes beyond this
    window = tuple(slice(max(int(centre) - reach, 0), int(centre) + reach) for centre in (y, x))
    rows, columns = (np.arange(labels.shape[axis])[window[axis]] + 0.5 for axis in (0, 1))
    across, down = np.meshgrid(columns - x, rows - y)  # pixels from the centre, both (h, w) of the window
    angle = rng.uniform(0, 2 * np.pi)
    distance = _turned_distance(label, across, down, radius, angle)

    shadow = _turned_distance(label, across - 2, down - 2.5, radius, angle)
    picture[window] *= 1 - 0.45 * np.clip(0.6 - shadow / 4, 0, 1)[..., None]

    light = 1 + 0.22 * np.clip(-(across + down) / radius, -1, 1)  # from the upper left
    rim = np.clip(0.72 - 0.14 * distance, 0.72, 1)
    colours = _texture(across / radius, down / radius, _hue(label, rng), rng) * (light * rim)[..., None]
    cover = np.clip(0.5 - distance, 0, 1)[..., None]
    picture[window] = picture[window] * (1 - cover) + np.clip(colours, 0, 255) * cover

    labels[window][distance < BORDER] = VOID
    labels[window][distance < -BORDER] = label


def _turned_distance(label: int, across: np.ndarray, down: np.ndarray, radius: float, angle: float) -> np.ndarray:
    """Signed distance in pixels to shape `label`, turned by `angle` (radians)."""
    cos, sin = np.cos(angle) / radius, np.sin(angle) / radius
    return SHAPES[SHAPE_CLASSES[label]](cos * across + sin * down, cos * down - sin * across) * radius


def _hue(label: int, rng: np.random.Generator) -> float:
    if rng.random() < ANY_HUE:
        return rng.random()
    return ((label - 1) / len(SHAPES) + rng.normal(0, HUE_SPREAD)) % 1.0


def _texture(x: np.ndarray, y: np.ndarray, hue: float, rng: np.random.Generator) -> np.ndarray:
    """Two colours of nearly one hue, mixed by a random pattern: float64 (h, w, 3), 0 to 255."""
    saturation, value = rng.uniform(0.5, 0.9), rng.uniform(0.7, 0.95)
    first = np.array(colorsys.hsv_to_rgb(hue, saturation, value))
    second = np.array(colorsys.hsv_to_rgb((hue + rng.normal(0, 0.03)) % 1.0, 0.7 * saturation, 0.65 * value))
    angle, waves = rng.uniform(0, np.pi), rng.uniform(5, 9)
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    pattern = int(rng.integers(5))
    if pattern == 0:  # a gradient
        mix = 0.5 + 0.5 * u
    elif pattern == 1:  # stripes
        mix = 0.5 + 1.5 * np.sin(waves * u)
    elif pattern == 2:  # checks
        mix = 0.5 + 2.0 * np.sin(waves * u) * np.sin(waves * v)
    elif pattern == 3:  # dots
        mix = 2.0 * np.cos(waves * u) * np.cos(waves * v) - 0.6
    else:  # speckles
        mix = rng.random(x.shape)
    mix = np.clip(mix, 0, 1)[..., None]
    return 255 * (first * (1 - mix) + second * mix)
