"""Polygons and run lengths by loops, as their formats are told: what writes the sets of the tests, and what the readers are held against."""

from fractions import Fraction
from itertools import pairwise

import numpy as np


def counts_of(mask):
    """COCO's counts of a mask, pixel after pixel down the columns."""
    counts, now = [0], False
    for pixel in mask.T.ravel().tolist():
        if bool(pixel) != now:
            counts.append(0)
            now = not now
        counts[-1] += 1
    return counts


def text_of(counts):
    """COCO's text of counts: five bits a letter, differences to the count two before from the fourth on."""
    letters = ""
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            letters += chr(48 + bits + 32 * more)
    return letters


def stream_of(values, word=8, sizes=(3, 4, 8, 16), literal=()):
    """Label Studio's bits for a flat row of values: each run repeated, but the runs whose place is in `literal` one after the other."""
    parts = [f"{len(values):032b}{word - 1:05b}", *(f"{size - 1:04b}" for size in sizes)]
    starts = [*np.flatnonzero(np.r_[True, np.diff(values) != 0]).tolist(), len(values)]
    for place, (start, end) in enumerate(pairwise(starts)):
        while start < end:
            size = next((each for each in range(4) if end - start <= 1 << sizes[each]), 3)
            length = min(end - start, 1 << sizes[size])
            repeated = place not in literal
            parts.append(f"{int(repeated)}{size:02b}{length - 1:0{sizes[size]}b}")
            parts.append(f"{int(values[start]):0{word}b}" * (1 if repeated else length))
            start += length
    bits = "".join(parts)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]


def four_channels(mask, inside=255):
    if mask.size > 1000:
        return (mask * inside).ravel().repeat(4)
    pixels = np.random.default_rng(1).integers(0, 256, (*mask.shape, 1)).repeat(4, 2)  # colours that say nothing
    pixels[..., 3] = mask * inside
    return pixels.ravel()


def coco_by_loops(ring, height, width):
    """The rule of COCO's tool, point after point: along the outline on a grid five times finer, noting where it passes a column's middle."""
    fine = [(int(5 * x + 0.5), int(5 * y + 0.5)) for x, y in np.reshape(ring, (-1, 2)).tolist()]
    walked = []
    for (x0, y0), (x1, y1) in zip(fine, fine[1:] + fine[:1], strict=True):
        flat = abs(x1 - x0) >= abs(y1 - y0)
        back = x0 > x1 if flat else y0 > y1
        (xs, ys), (xe, ye) = ((x1, y1), (x0, y0)) if back else ((x0, y0), (x1, y1))
        length = max(abs(x1 - x0), abs(y1 - y0))
        slope = (ye - ys if flat else xe - xs) / length if length else 0.0
        points = [
            (xs + d, int(ys + slope * d + 0.5)) if flat else (int(xs + slope * d + 0.5), ys + d)
            for d in range(length + 1)
        ]
        walked += points[::-1] if back else points
    flips = np.zeros(height * width + 1, int)
    for (x0, y0), (x1, y1) in pairwise(walked):
        column = (min(x0, x1) - 2) / 5
        if x0 != x1 and column == int(column) and 0 <= column <= width - 1:
            row = -(-(min(y0, y1) - 2) // 5)
            flips[int(column) * height + min(max(row, 0), height)] += 1
    return (np.cumsum(flips)[:-1] % 2).reshape(width, height).T.astype(np.uint8)


def opencv_by_loops(ring, height, width):
    """The rule of OpenCV's fillPoly: rows between crossings in exact fractions, and each side's line with a tie on the line before."""
    points = [tuple(point) for point in np.reshape(ring, (-1, 2)).tolist()]
    sides = list(zip(points, points[1:] + points[:1], strict=True))
    found = np.zeros((height, width), np.uint8)
    for row in range(height):
        crossings = sorted(
            x0 + Fraction(x1 - x0) * (row - y0) / (y1 - y0)
            for (x0, y0), (x1, y1) in sides
            if min(y0, y1) <= row < max(y0, y1)
        )
        for start, end in zip(crossings[::2], crossings[1::2], strict=True):
            for column in range(width):
                found[row, column] |= start <= column <= end
    for a, b in sides:
        (x0, y0), (x1, y1) = sorted((a, b), key=lambda point: point[0])
        across, down, way = x1 - x0, abs(y1 - y0), 1 if y1 >= y0 else -1
        minor, error = 0, max(across, down) - 2 * min(across, down)
        for step in range(max(across, down) + 1):
            x, y = (x0 + step, y0 + way * minor) if across >= down else (x0 + minor, y0 + way * step)
            if 0 <= x < width and 0 <= y < height:
                found[y, x] = 1
            moves = error < 0
            error += 2 * max(across, down) * moves - 2 * min(across, down)
            minor += moves
    return found
