#!/usr/bin/env bash
# oxipng, a lossless PNG optimiser, renumbers the pixels of palette PNGs, at every level: VOC's labels 0, 2, 7, 15, 255 become 0 to 4, with the colours as they were.
#
# Guess, before it was run: the colours stay, but unused palette entries go and what is left gets new numbers.
# Seen: so it is, at levels 0 to 6, and each file gets numbers of its own: person is 15 in every file before; after, it is 2 in one and 1 in another.
# Grey labels of the same numbers stay as they were. palette_reduction=False keeps the numbers; a small picture becomes RGB at the higher levels.
# Who keeps pictures small with it (a hook before each commit, a web host) trains on other classes. Go by the colours, or write labels grey.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pyoxipng==9.1.1 numpy==2.2.6 pillow==12.3.0

cat > run.py <<'END'
from importlib.metadata import version

import numpy as np
import oxipng
from PIL import Image

print("pyoxipng", version("pyoxipng"), "pillow", version("pillow"))
palette = []
for number in range(256):
    palette += [sum((number >> 3 * bit + channel & 1) << 7 - bit for bit in range(3)) for channel in range(3)]


def label(numbers):
    y, x = np.mgrid[:120, :200]
    out = np.zeros((120, 200), np.uint8)
    for place, number in enumerate(numbers):
        out[(x - 30 - 17 * place) ** 2 + (y - 30 - 7 * place) ** 2 < (40 - 4 * place) ** 2] = number
    return out


def shrunk(array, colours, **options):
    picture = Image.fromarray(array)
    if colours:
        picture.putpalette(palette)
    picture.save("label.png")
    before = np.asarray(picture.convert("RGB"))
    oxipng.optimize("label.png", **options)
    after = Image.open("label.png")
    assert np.array_equal(before, np.asarray(after.convert("RGB"))), "lossless in its colours"
    return np.asarray(after)


right = 0
one, two = label([2, 7, 12, 15, 18, 20, 255]), label([15])
for level in range(7):
    out = shrunk(one, True, level=level)
    print("level", level, "| before", np.unique(one), "| after", np.unique(out), "| person (15) is", np.unique(out[one == 15]))
    right += np.array_equal(out, one)
other = shrunk(two, True)
assert out.ndim == 2, "still a palette PNG"
print("another file: before", np.unique(two), "| after", np.unique(other), "| person (15) is", np.unique(other[two == 15]))
moved = set(np.unique(shrunk(one, True)[one == 15]).tolist()) != set(np.unique(other[two == 15]).tolist())
grey = np.array_equal(shrunk(one, False), one)
kept = np.array_equal(shrunk(one, True, palette_reduction=False), one)
print("grey PNG equal:", grey, "| palette PNG with palette_reduction=False equal:", kept, "| number of person differs by file:", moved)
raise SystemExit(right != 0 or not grey or not moved)
END
venv/bin/python run.py
echo "as found: the colours stay, the numbers go"
