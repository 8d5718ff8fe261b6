"""The page of the paper's claims: one HTML file that needs nothing else, whole after every claim."""

import inspect
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minifcn.draw.paper import figures as paper_figures
from minifcn.draw.paper.plots import Bars, Curves, Picture
from minifcn.draw.report.page import duration, escape, inline, page, plain_table, png_uri
from minifcn.files import write_whole
from minifcn.version import __version__

WIDEST = 1000  # pixels of a picture's longer side; larger ones are reduced
LONG = 24  # rows; a longer table is folded
NARROW = 50  # letters of a table's widest cells side by side; such a table may stand beside a figure
TEXT = 24  # letters of a cell; a longer one is no number, and its table is set as text
SMALL = 240  # pixels: smaller pictures are enlarged, with their pixels to be seen

MARKS = {"holds": "✓", "does not hold": "✗", "not measured": "–", "failed": "!"}
KINDS = {
    "identity": "An identity: it holds exactly, or something here is at fault.",
    "experiment": "An experiment in small: where it comes out otherwise than in the paper, that is a finding, not a fault.",
    "data": "Counted on real labels.",
}

STYLE = """
figcaption { font-weight: 500; margin: 0 0 .3rem; max-width: 46rem; }
.claims td, .claims th { text-align: left; vertical-align: top; white-space: normal; }
.claims .where { color: var(--soft); min-width: 5.5rem; max-width: 8rem; }
.claims .what { min-width: 15rem; width: 36%; }
.claims .found { width: 40%; font-size: .92rem; overflow-wrap: anywhere; }
.claims small { display: block; color: var(--soft); font-size: .92rem; font-weight: 400; }
.claims .time { text-align: right; white-space: nowrap; }
.claims .verdict { white-space: nowrap; }
.verdict { font-weight: 600; }
.holds { color: #00664b; }
.does-not-hold { color: #a03c00; }
.failed { color: #a3004f; }
.not-measured { color: var(--soft); }
a { color: var(--mark); }
section { border-top: 1px solid var(--line); margin-top: 2.2rem; scroll-margin-top: .5rem; }
section h2 { margin-top: 1.2rem; overflow-wrap: anywhere; }
section .says { font-size: 1.08rem; border-left: 4px solid var(--line); padding-left: .9rem; }
section p { overflow-wrap: anywhere; }
details { margin: 0 0 1rem; }
summary { cursor: pointer; color: var(--mark); margin: 0 0 .5rem; }
.pixels { image-rendering: pixelated; }
.pictures { display: flex; flex-wrap: wrap; gap: 0 1.5rem; }
section .plain thead th { text-align: left; }
.pictures figure { max-width: 100%; }
figure img { display: block; max-width: 100%; height: auto; border: 1px solid var(--line); }
@media (max-width: 760px) {
  .claims, .claims tbody { display: block; }
  .claims thead { display: none; }
  .claims tr { display: grid; grid-template-columns: 1fr auto auto; gap: .1rem .9rem; padding: .7rem 0;
    border-bottom: 1px solid var(--line); }
  .claims tr > * { border: 0; padding: 0; }
  .claims .where { max-width: none; grid-area: 1 / 1; }
  .claims .what, .claims .found { grid-column: 1 / -1; width: auto; }
  section tbody th { white-space: normal; min-width: 7rem; }
  .claims .verdict { grid-area: 1 / 2; }
  .claims .time { grid-area: 1 / 3; }
}
"""


class PaperPage:
    """index.html in a folder; `write` it as often as there is news. What was drawn once is kept.

    Results have `claim` (`name`, `section`, `says`, `kind`, `run`), `outcome` (`measured`, `table`, `plots`), `verdict`
    (one of MARKS) and `seconds`, as minifcn.paper has them.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder) / "index.html"
        self.parts: dict[str, str] = {}

    def draw(self, result: Any) -> None:
        """Make the part of one result. Raises what is wrong with its table or plots."""
        self.parts[result.claim.name] = part(result)

    def write(self, results: Sequence[Any], headline: str, about: str, notice: str = "", command: str = "") -> None:
        """Write the page, whole or not at all. `results`: drawn ones, in the order of the page.

        `headline`: the result in a sentence. `about`: what ran where. `notice`: what is missing, in a box. `command`: the line that repeats it.
        """
        body = [
            "<h1>What the paper says, held against measurements</h1>",
            f'<p class="lead">{escape(headline)}</p>',
            f'<p class="soft">{escape(about)}</p>',
            f'<div class="hints"><p>{escape(notice)}</p></div>' if notice else "",
            '<p class="soft">The paper: J. Long, E. Shelhamer, T. Darrell, “Fully Convolutional Networks for Semantic Segmentation”, CVPR 2015. '
            "Every number below was measured in this run, save those that are said to be the paper’s.</p>",
            overview(results),
            *(self.parts[result.claim.name] for result in results),
            f"<h2>Repeat it</h2><pre><code>{escape(command)}</code></pre>" if command else "",
            '<footer class="soft">The same in figures, to compare with another run: <code>claims.json</code> beside this page. '
            "A claim that goes on with a network that an earlier one trained does not count that time again. "
            f"Written by minifcn {escape(__version__)}.</footer>",
        ]
        write_whole(self.path, page("The paper's claims, measured", "\n".join(body), style=STYLE).encode())


def overview(results: Sequence[Any]) -> str:
    """The table of all claims, each with a link to its part."""
    if not results:
        return ""
    rows = [
        f'<tr><td class="where">{escape(result.claim.section)}</td>'
        f'<td class="what"><a href="#{anchor(result.claim)}">{escape(result.claim.name)}</a>'
        f"<small>{escape(result.claim.says)}</small></td>"
        f'<td class="found">{escape(result.outcome.measured)}</td>'
        f'<td class="verdict {kind_of(result)}">{in_words(result)}</td><td class="time">{taken(result.seconds)}</td></tr>'
        for result in results
    ]
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Section", "Claim", "Measured here", "Verdict"))
    return (
        f'<table class="claims" id="all"><thead><tr>{heads}<th scope="col" class="time">Time</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def anchor(claim: Any) -> str:
    """The id of a claim's part: the same in every run, so that a link to it lasts.

    >>> from types import SimpleNamespace
    >>> anchor(SimpleNamespace(name="fully connected = convolution"))
    'claim-fully-connected-convolution'
    """
    return "-".join(["claim", *re.findall(r"\w+", claim.name.lower())])


def part(result: Any) -> str:
    """One claim in full: its sentence, how it is judged, what was measured, table and plots."""
    claim, outcome = result.claim, result.outcome
    judged = " ".join((inspect.getdoc(claim.run) or "").split())
    judged = re.sub(r"^False where", "It does not hold where", judged)  # what `holds` is, in the reader's words
    lines = [
        f'<section id="{anchor(claim)}"><h2>{escape(claim.section)} · {escape(claim.name)}</h2>',
        f'<p class="says">{escape(claim.says)}</p>',
        f'<p><span class="verdict {kind_of(result)}">{in_words(result)}</span>: {escape(outcome.measured)}</p>',
        shown(outcome.table, outcome.plots, anchor(claim)),
        '<p class="soft">',
        f"How it is judged: {escape(judged)}<br>" if judged else "",
        f'{KINDS[claim.kind]} {taken(result.seconds)}. <a href="#all">All claims</a></p></section>',
    ]
    return "\n".join(lines)


def taken(seconds: float) -> str:
    """As `duration`, with the hundredths of what is short."""
    return f"{seconds:.2f} s" if seconds < 9.95 else duration(seconds)


def kind_of(result: Any) -> str:
    """The verdict as a class of the style sheet."""
    return result.verdict.replace(" ", "-")


def in_words(result: Any) -> str:
    return f"{MARKS[result.verdict]} {result.verdict}"


def shown(rows: Sequence[Sequence[Any]], plots: Sequence[Any], name: str) -> str:
    """Table, figures, and then pictures in a row of their own; a narrow table beside a figure, where there is room."""
    written = table(rows)
    parts = [(plot, drawn(plot, f"{name}-{number}")) for number, plot in enumerate(plots, 1)]
    figures = "".join(part for plot, part in parts if not isinstance(plot, Picture))
    pictures = "".join(part for plot, part in parts if isinstance(plot, Picture))
    letters = sum(max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True))
    if figures and written and letters <= NARROW:
        written, figures = "", f"<div>{written}</div>{figures}"
    figures = f'<div class="pair">{figures}</div>' if figures else ""
    pictures = f'<div class="pictures">{pictures}</div>' if pictures else ""
    return f"{written}{figures}{pictures}"


def table(rows: Sequence[Sequence[Any]]) -> str:
    """The first row is the head. ValueError for rows of different lengths."""
    if not rows:
        return ""
    head, *rest = rows
    for row in rest:
        if len(row) != len(head):
            raise ValueError(
                f"table: the row {tuple(row)} has {len(row)} cells; expected {len(head)}, as many as the head"
            )
    texts = any(len(str(cell)) > TEXT for row in rest for cell in row[1:])
    written = plain_table(head, rest, "plain" if texts else "")
    return f"<details><summary>{len(rest)} rows</summary>{written}</details>" if len(rest) > LONG else written


def drawn(plot: Curves | Bars | Picture, name: str) -> str:
    """A plot as a figure of the page. TypeError for what is none of the three."""
    if isinstance(plot, Curves):
        words = f"Curves, {plot.y_label} over {plot.x_label}: {', '.join(plot.lines)}"
        return inline(paper_figures.curves(plot), name, words, plot.title)
    if isinstance(plot, Bars):
        values = (f"{label} {paper_figures.in_figures(np.asarray(some, float))}" for label, some in plot.values.items())
        several = any(len(some) > 1 for some in plot.values.values())
        title = f"{plot.title} (a dot a seed, a bar their mean)" if several else plot.title
        return inline(paper_figures.bars(plot), name, f"Bars, {plot.y_label}: {'; '.join(values)}", title)
    if isinstance(plot, Picture):
        return picture(plot)
    raise TypeError(f"plot: got {type(plot).__name__}; expected Curves, Bars or Picture")


def picture(plot: Picture) -> str:
    """Every pixel as it is; small pictures enlarged by a whole factor, very large ones reduced."""
    pixels = np.asarray(plot.pixels)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(
            f"picture {plot.caption!r}: got {pixels.dtype} {pixels.shape}; expected uint8 (height, width, 3)"
        )
    longest = max(pixels.shape[:2])
    if longest > WIDEST:
        size = [max(1, round(side * WIDEST / longest)) for side in pixels.shape[1::-1]]
        pixels = np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), Image.Resampling.LANCZOS))
    factor = max(1, SMALL // longest)
    wide = factor * pixels.shape[1]
    caption = escape(plot.caption)
    return (
        f'<figure style="width: {max(wide, SMALL)}px"><img class="{"pixels" if factor > 1 else ""}" '
        f'src="{png_uri(np.ascontiguousarray(pixels))}" alt="{caption}" width="{wide}"><figcaption>{caption}</figcaption></figure>'
    )
