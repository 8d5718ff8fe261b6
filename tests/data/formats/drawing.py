"""Pictures and labels that the writers of the formats' tests share: small, odd in size, each number in every file."""

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 35, 49


def photo(seed=0, height=HEIGHT, width=WIDTH):
    """A picture of slopes, another for each seed."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([(3 * x + 37 * seed) % 256, 5 * y % 256, (x + y) % 256], -1).astype(np.uint8))


def blocks(numbers, seed=0, height=HEIGHT, width=WIDTH, side=5):
    """Blocks of `numbers` by chance, but the first of them in order, so that each stands in every file; int64 (H, W)."""
    numbers = np.asarray(numbers)
    rows, columns = -(-height // side), -(-width // side)
    assert len(numbers) <= rows * columns
    drawn = np.random.default_rng(seed).integers(len(numbers), size=rows * columns)
    drawn[: len(numbers)] = np.roll(np.arange(len(numbers)), seed)
    return numbers[drawn].reshape(rows, columns).repeat(side, 0).repeat(side, 1)[:height, :width]


def becomes(labels, table):
    """`labels` by a table that a person wrote: what an import should give, uint8."""
    return np.vectorize(table.__getitem__, otypes=[np.uint8])(labels)


def save(path, pixels, **options):
    """An image file, with the folders above it. `pixels`: an image, or an array; numbers become 8-bit grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels).astype(np.uint8))
    image.save(path, **options)
    return path


def text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def coloured_blocks(colours, seed=0):
    """Blocks of colours, uint8 (H, W, 3)."""
    return np.asarray(colours, np.uint8)[blocks(range(len(colours)), seed)]


def opened(path):
    """An image file, decoded and closed."""
    with Image.open(path) as image:
        image.load()
    return image
