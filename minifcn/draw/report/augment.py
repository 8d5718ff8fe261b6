"""The part of a report that shows what augmentation makes of a training picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minifcn.draw.pictures.legend import PAPER
from minifcn.draw.pictures.overlay import has_background, shown_classes, tint
from minifcn.draw.report.page import escape, picture_uri

COLUMN = 138  # pixels a picture has at least; narrower screens scroll


def augmentation_section(examples: Sequence[Any], names: Sequence[str], colours: np.ndarray) -> str:
    """A row a training picture, as it is and as batches may hold it, tinted by class: HTML, "" without examples.

    `examples`: what `Batches.examples` gives: `picture` uint8 (H, W, 3), `labels` uint8 (H, W) with 255 for void,
    `variations`, a list of such pairs, and `sentence`, which says what is varied. `names`: the K classes. `colours`:
    uint8 (K, 3). Raises ValueError for a label without a name and for labels that do not fit their picture.
    """
    if not examples:
        return ""
    most = max(len(example.variations) for example in examples)
    rows = []
    for number, example in enumerate(examples, 1):
        pairs = [(example.picture, example.labels), *example.variations]
        alts = [f"Training picture {number}", *(f"Variation {i} of picture {number}" for i in range(1, most + 1))]
        tinted = [tint(picture, labels, names, colours) for picture, labels in pairs]
        cells = [_cell(picture, alt) for picture, alt in zip(tinted, alts, strict=False)]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    heads = f'<th scope="col">As it is</th><th scope="colgroup" colspan="{most}">As training may see it</th>'
    return (
        f"<h2>Augmentation</h2><p>{escape(examples[0].sentence)}</p>{_legend(examples, names, colours)}"
        f'<div class="scroll"><table class="samples" style="min-width: {COLUMN * (1 + most)}px">'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(picture: np.ndarray, alt: str) -> str:
    height, width = picture.shape[:2]
    image = f'<img src="{picture_uri(picture)}" alt="{escape(alt)}">'
    return f"<td>{image}<small>{width} wide, {height} high</small></td>"


def _legend(examples: Sequence[Any], names: Sequence[str], colours: np.ndarray) -> str:
    maps = [labels for example in examples for labels in (example.labels, *(pair[1] for pair in example.variations))]
    entries = shown_classes(maps, names, colours)
    if has_background(names) and entries[0][0] == names[0]:
        entries[0] = (names[0], PAPER)  # untinted, so its swatch stays empty
    items = []
    for name, colour in entries:
        red, green, blue = map(int, colour)
        items.append(f'<li><i style="--c: rgb({red}, {green}, {blue})"></i>{escape(name)}</li>')
    return f'<ul class="legend">{"".join(items)}</ul>'
