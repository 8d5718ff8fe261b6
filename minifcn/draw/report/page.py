"""The paper that a report is written on: its style sheet, and small functions that turn values into safe HTML."""

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from minifcn.data.labels import VOID
from minifcn.draw.curves import to_svg
from minifcn.draw.pictures.overlay import VOID_COLOUR, check_labels

LARGEST = 320  # pixels of the longer side of a picture in the report: enough for its column on a sharp screen

STYLE = """
:root { --ink: #1d2329; --soft: #5a646e; --line: #dfe3e7; --wash: #f5f7f8; --mark: #0072b2; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #fff; color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2.2rem 1.25rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.6rem 0 .7rem; }
p { margin: 0 0 .8rem; max-width: 46rem; }
.lead { font-size: 1.15rem; color: var(--ink); overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .92rem; }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; margin: 0 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .38rem .9rem .38rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { font-weight: 600; color: var(--soft); font-size: .88rem; vertical-align: bottom; white-space: normal; }
tbody th { font-weight: 500; }
td.best { font-weight: 700; }
table.plain td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
table.plain th { vertical-align: top; color: var(--soft); font-weight: 500; }
.samples { table-layout: fixed; width: 100%; }
.samples th, .samples td { padding: 0 .5rem .55rem 0; border: 0; vertical-align: top; text-align: left;
  white-space: normal; }
.samples thead th { padding-bottom: .3rem; }
.samples .cell { display: block; border-radius: 4px; overflow: hidden; background: #000 center / 100% 100% no-repeat;
  background-image: var(--picture); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.samples img { display: block; width: 100%; height: auto; border-radius: 4px; }
.samples .map { opacity: .68; image-rendering: pixelated; }
.samples small { display: block; color: var(--soft); font-size: .8rem; line-height: 1.35; margin-top: .2rem;
  overflow-wrap: anywhere; }
.hints { border-left: 4px solid #d55e00; background: var(--wash); padding: .8rem 1rem .1rem; margin: 1rem 0; }
.flat { margin: 0 .45rem 0 0; accent-color: var(--mark); }
.flat:checked ~ .scroll .cell { background-image: none; }
.flat:checked ~ .scroll .map { opacity: 1; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; padding: 0; margin: .6rem 0 1rem;
  font-size: .92rem; }
.legend i { display: inline-block; width: .95em; height: .95em; margin-right: .4em; background: var(--c);
  border: 1px solid #9aa3ab; border-radius: 3px; vertical-align: -.12em;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.flat:not(:checked) ~ .legend .clear i { background: #fff; }
figure { margin: 0 0 1.2rem; }
figure svg { display: block; width: 100%; min-width: 330px; max-width: 600px; height: auto; }
figure svg text { font-family: inherit !important; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 0 2rem; }
.pair > * { min-width: 0; }
dl { margin: 0; max-width: 46rem; }
dt { font-weight: 600; }
dd { margin: 0 0 .6rem; }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem;
  margin: 0 0 1rem; white-space: pre-wrap; overflow-wrap: anywhere;
  font: .88rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer { margin-top: 2.6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
@media (max-width: 560px) {
  main { padding: 1.4rem 1rem 2rem; }
  h1 { font-size: 1.45rem; }
  th, td { padding-right: .65rem; }
  .lead { font-size: 1.05rem; }
}
@media print { main { max-width: none; } .scroll { overflow: visible; } tr, figure { break-inside: avoid; } }
"""


def page(title: str, body: str, refresh: float | None = None, style: str = "") -> str:
    """A whole HTML document. `title` is plain text, `body` is HTML. A browser loads it again every `refresh` seconds.

    `style`: what a page adds to the style sheet.
    """
    again = f'<meta http-equiv="refresh" content="{max(1, round(refresh))}">\n' if refresh else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{again}"
        '<link rel="icon" href="data:,">\n'  # else a browser asks the server for one
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n"
        "</html>\n"
    )


def escape(value: Any) -> str:
    """`value` as text that is safe in HTML and inside quoted attributes; lone surrogates become question marks."""
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"))


def percent(value: float) -> str:
    """A fraction in per cent with one decimal, or a dash for NaN.

    >>> percent(0.4128), percent(float("nan"))
    ('41.3', '–')
    """
    return f"{100 * value:.1f}" if math.isfinite(value) else "–"


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(7.25), duration(192), duration(7500)
    ('7.2 s', '3 min 12 s', '2 h 5 min')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def score_table(corner: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[float]]], best: str) -> str:
    """A table of fractions in per cent, the best ones bold.

    `columns`: the heads. `rows`: pairs (name, a fraction or NaN a column). `best`: "column" marks the best of each
    column, "row" of each row; what reads the same as the best is marked too, and nothing where there is no choice.
    """
    rows = list(rows)
    values = np.array([numbers for _, numbers in rows], float).reshape(len(rows), len(columns))
    axis = 0 if best == "column" else 1
    tops = np.max(np.nan_to_num(values, nan=-1.0), axis=axis, initial=-1.0, keepdims=True)
    marked = np.vectorize(percent, otypes=[object])(values) == np.vectorize(percent, otypes=[object])(tops)
    marked &= values.shape[axis] > 1
    body = []
    for (name, _), numbers, marks in zip(rows, values, marked, strict=True):
        kinds = [' class="best"' if mark else "" for mark in marks]
        cells = [f"<td{kind}>{percent(value)}</td>" for kind, value in zip(kinds, numbers, strict=True)]
        body.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>')
    return _table("", _heads((corner, *columns)), body)


def plain_table(head: Sequence[Any], rows: Iterable[Sequence[Any]], kind: str = "") -> str:
    """A table of plain values, the first of each row its head. `kind` "plain" is for text; else numbers stand right."""
    body = [
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(value)}</td>" for value in rest)}</tr>'
        for first, *rest in rows
    ]
    return _table(kind, _heads(head), body)


def _heads(names: Iterable[Any]) -> str:
    return "".join(f'<th scope="col">{escape(name)}</th>' for name in names)


def _table(kind: str, head: str, body: Iterable[str]) -> str:
    head = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f'<div class="scroll"><table class="{kind}">{head}<tbody>{"".join(body)}</tbody></table></div>'


def inline(figure: Figure, prefix: str, description: str, title: str = "") -> str:
    """`figure` as SVG within the page, `description` for who cannot see it. Its ids get a prefix: several figures share the page."""
    svg = to_svg(figure)
    for before in (' id="', 'href="#', "url(#"):
        svg = svg.replace(before, f"{before}{prefix}-")
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" ', 1)
    caption = f"<figcaption>{escape(title)}</figcaption>" if title else ""
    return f'<figure class="scroll">{caption}{svg}</figure>'


def picture_uri(picture: np.ndarray) -> str:
    """A uint8 (H, W, 3) picture as the data: URI of a JPEG, large ones reduced."""
    image = Image.fromarray(picture)
    return _uri(image.resize(_reduced(image.size), Image.Resampling.LANCZOS), "jpeg", quality=82, optimize=True)


def png_uri(picture: np.ndarray) -> str:
    """A uint8 (H, W, 3) picture, every pixel as it is, as the data: URI of a PNG."""
    return _uri(Image.fromarray(picture), "png", optimize=True)


def labels_uri(labels: np.ndarray, colours: np.ndarray, clear: int | None) -> str:
    """A (H, W) label map as the data: URI of a palette PNG, large ones reduced. Label `clear` is transparent.

    Raises ValueError for a label that has no colour.
    """
    check_labels(labels, len(colours), "report", "names")
    image = Image.fromarray(np.asarray(labels, np.uint8))
    image = image.resize(_reduced(image.size), Image.Resampling.NEAREST)
    palette = np.zeros((VOID + 1, 3), np.uint8)
    palette[: len(colours)] = colours[: VOID + 1]
    palette[VOID] = VOID_COLOUR
    image.putpalette(palette.tobytes())
    return _uri(image, "png", optimize=True, **({} if clear is None else {"transparency": clear}))


def _reduced(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, LARGEST / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _uri(image: Image.Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
