"""Pictures that move, for lessons 02, 04 and 10, and the two badges: SVG files that the lessons show. `python lessons/films.py` writes them.

Every number in them is computed here. Whoever has asked the system for less motion sees the last picture at once, with all that came before.
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path

import numpy as np

FIGURES = Path(__file__).resolve().parent / "figures"
# Okabe and Ito's colours, as in look.py
BLUE, ORANGE, RED, INK, GREY = "#0072B2", "#E69F00", "#D55E00", "#1f2328", "#c8ccd0"
FONT = "'DejaVu Sans', Verdana, Arial, sans-serif"
STILL = "@media (prefers-reduced-motion: reduce) {*{animation:none !important} .passing{visibility:hidden}}"


class Film:
    """A picture of `frames` steps that begins again after the last. What is drawn says from which frame on it is to be seen, and until which."""

    def __init__(self, width: int, height: int, frames: int, title: str, seconds: float = 0.8, hold: int = 3) -> None:
        self.width, self.height, self.title = width, height, title
        self.last = frames - 1
        self.frames = frames + hold  # the whole stands still for some frames
        self.seconds = seconds
        self.styles: dict[str, str] = {}
        self.drawn: list[str] = []

    def seen(self, begin: int = 0, end: int | None = None) -> str:
        """Attributes of what is there from frame `begin` to before `end` (to the end of the film)."""
        if begin <= 0 and end is None:
            return ""
        name = f"s{begin}" + ("" if end is None else f"-{end}")
        start = 100 * begin / self.frames
        stop = 100 if end is None else 100 * end / self.frames
        before = f"0%,{start - 0.01:.2f}%{{opacity:0}}" if begin > 0 else ""
        after = f"{stop:.2f}%,100%{{opacity:0}}" if end is not None else ""
        self.styles[name] = f"{before}{start:.2f}%,{stop - 0.01:.2f}%{{opacity:1}}{after}"
        return f' class="{name}{"" if end is None else " passing"}"'

    def moves(self, places: Iterable[tuple[float, float]], name: str) -> str:
        """Attributes of what stands at another place in each frame, shifted from where it is drawn, which is its last place."""
        places = list(places)
        steps = []
        for frame, (x, y) in enumerate(places):
            stop = 100 if frame == len(places) - 1 else 100 * (frame + 1) / self.frames - 0.01
            steps.append(f"{100 * frame / self.frames:.2f}%,{stop:.2f}%{{transform:translate({x:g}px,{y:g}px)}}")
        self.styles[name] = "".join(steps)
        return f' class="{name}"'

    def rectangle(
        self, x: float, y: float, w: float, h: float, fill: str, stroke: str = GREY, seen: str = "", wide: float = 1
    ) -> None:
        self.drawn.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" fill="{fill}" stroke="{stroke}" stroke-width="{wide:g}"{seen}/>'
        )

    def text(
        self, x: float, y: float, words: str, size: int = 13, colour: str = INK, anchor: str = "middle", seen: str = ""
    ) -> None:
        self.drawn.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{seen}>{escape(words)}</text>'
        )

    def svg(self) -> str:
        length = self.frames * self.seconds
        rules = [f"text{{font-family:{FONT}}}"]
        for name, steps in self.styles.items():
            rules.append(f"@keyframes k{name}{{{steps}}}")
            rules.append(f".{name}{{animation:k{name} {length:g}s step-end infinite}}")
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img">\n<title>{escape(self.title)}</title>\n'
        )
        style = "<style>\n" + "\n".join([*rules, STILL]) + "\n</style>\n"
        ground = f'<rect width="{self.width}" height="{self.height}" rx="8" fill="white"/>\n'
        return head + style + ground + "\n".join(self.drawn) + "\n</svg>\n"


def shade(value: float, largest: float) -> str:
    """White to blue for positive numbers, white to orange for negative ones; light enough for black digits."""
    share = 0.6 * min(1.0, abs(value) / largest)
    target = (0, 114, 178) if value >= 0 else (230, 159, 0)
    return "#" + "".join(f"{round(255 + share * (part - 255)):02x}" for part in target)


def grid(film: Film, numbers: np.ndarray, left: float, top: float, cell: int, largest: float) -> None:
    for (i, j), number in np.ndenumerate(numbers):
        film.rectangle(left + j * cell, top + i * cell, cell, cell, shade(number, largest))
        film.text(left + (j + 0.5) * cell, top + (i + 0.66) * cell, f"{number:g}")


def sliding() -> Film:
    """A window of 3 x 3 slides over a picture of 6 x 6; each place gives one number."""
    picture = np.array([[1, 1, 1, 4, 4, 4]] * 3 + [[1, 1, 4, 4, 4, 4]] + [[1, 4, 4, 4, 4, 4]] * 2, float)
    kernel = np.array([[-1.0, 0.0, 1.0]] * 3)
    rows, columns = picture.shape[0] - 2, picture.shape[1] - 2
    cell, top = 36, 48
    right = 24 + 6 * cell + 190
    film = Film(
        right + columns * cell + 24,
        top + 6 * cell + 46,
        rows * columns,
        "A window slides over a picture: at each place nine products are added up to one number of the result.",
    )
    film.text(24, 30, "picture, 6 × 6", anchor="start")
    film.text(24 + 6 * cell + 95, 30, "kernel, 3 × 3")
    film.text(right, 30, "result, 4 × 4", anchor="start")
    grid(film, picture, 24, top, cell, 8)
    grid(film, kernel, 24 + 6 * cell + 95 - 1.5 * cell, top + cell, cell, 2)
    places = list(np.ndindex(rows, columns))
    for frame, (i, j) in enumerate(places):
        window = picture[i : i + 3, j : j + 3]
        total = (window * kernel).sum()
        film.rectangle(
            right + j * cell, top + (i + 1) * cell, cell, cell, shade(total, 9), seen=film.seen(frame) if frame else ""
        )
        film.text(
            right + (j + 0.5) * cell,
            top + (i + 1.66) * cell,
            f"{total:g}",
            seen=film.seen(frame) if frame else "",
        )
        sums = " + ".join(
            f"({row @ weights:g})" if row @ weights < 0 else f"{row @ weights:g}"
            for row, weights in zip(window, kernel, strict=True)
        )
        film.text(
            24 + 6 * cell + 95,
            top + 4.9 * cell,
            f"rows: {sums} = {total:g}",
            seen=film.seen(frame, frame + 1 if frame < film.last else None),
        )
    shifts = [((j - columns + 1) * cell, (i - rows + 1) * cell) for i, j in places]
    film.rectangle(
        24 + (columns - 1) * cell,
        top + (rows - 1) * cell,
        3 * cell,
        3 * cell,
        "none",
        RED,
        film.moves(shifts, "window"),
        3,
    )
    film.rectangle(
        right + (columns - 1) * cell, top + rows * cell, cell, cell, "none", RED, film.moves(shifts, "place"), 3
    )
    film.text(
        24,
        top + 6 * cell + 30,
        "The same nine weights at each of the 16 places: large where it gets lighter to the right.",
        anchor="start",
    )
    return film


def painting() -> Film:
    """A transposed convolution: each of four numbers paints the kernel, 2 places further; where they meet they add up."""
    coarse = np.array([[1.0, 3.0], [2.0, 1.0]])
    kernel = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
    stride, cell, top = 2, 40, 48
    side = stride * (len(coarse) - 1) + len(kernel)
    middle, right = 24 + 2 * cell + 60, 24 + 2 * cell + 60 + 3 * cell + 60
    frames = coarse.size + 1
    film = Film(
        right + side * cell + 24,
        top + side * cell + 46,
        frames,
        "A transposed convolution paints: each number of the coarse map puts the kernel, times itself, into the result, two places further; "
        "where two meet they add up.",
        seconds=1.6,
        hold=2,
    )
    film.text(24, 30, "coarse, 2 × 2", anchor="start")
    film.text(middle, 30, "kernel, 3 × 3", anchor="start")
    film.text(right, 30, f"result, {side} × {side}, stride 2", anchor="start")
    grid(film, coarse, 24, top + 1.5 * cell, cell, 4)
    grid(film, kernel, middle, top + cell, cell, 6)
    states = [np.zeros((side, side))]
    for i, j in np.ndindex(coarse.shape):
        painted = states[-1].copy()
        painted[stride * i : stride * i + 3, stride * j : stride * j + 3] += coarse[i, j] * kernel
        states.append(painted)
    for i, j in np.ndindex(side, side):
        film.rectangle(right + j * cell, top + i * cell, cell, cell, "white")
        history = [state[i, j] for state in states]
        changes = [frame for frame in range(1, frames) if history[frame] != history[frame - 1]]
        for change, following in zip(changes, [*changes[1:], None], strict=True):
            value, seen = history[change], film.seen(change, following)
            film.rectangle(right + j * cell, top + i * cell, cell, cell, shade(value, 16), seen=seen)
            film.text(right + (j + 0.5) * cell, top + (i + 0.64) * cell, f"{value:g}", seen=seen)
    for frame, (i, j) in enumerate(np.ndindex(coarse.shape), 1):
        seen = film.seen(frame, frame + 1)
        film.rectangle(24 + j * cell, top + (i + 1.5) * cell, cell, cell, "none", RED, seen, 3)
        film.rectangle(right + stride * j * cell, top + stride * i * cell, 3 * cell, 3 * cell, "none", RED, seen, 3)
        film.text(middle, top + 4.7 * cell, f"{coarse[i, j]:g} × kernel", colour=RED, anchor="start", seen=seen)
    film.text(
        24, top + side * cell + 30, "Where two meet, they add up: 2 × (2 − 1) + 3 = 5 rows come out.", anchor="start"
    )
    return film


def walking() -> Film:
    """The walk back through a = 1, b = a + a, c = b + b: nobody sends before all of its gradients have come."""
    film = Film(
        620,
        212,
        6,
        "The walk back: c sends 1 to b twice; only then has b its whole gradient, 2, and sends it to a twice; a ends with 4.",
        seconds=1.6,
        hold=2,
    )
    across, middle = {"a": 100, "b": 310, "c": 520}, 96
    film.text(24, 28, "b = a + a, c = b + b: which gradients arrive, in which order?", anchor="start")
    for bend in (-1, 1):
        for source, result in (("a", "b"), ("b", "c")):
            film.drawn.append(
                f'<path d="M{across[source] + 24} {middle + 10 * bend} Q{(across[source] + across[result]) / 2:g} {middle + 44 * bend} '
                f'{across[result] - 24} {middle + 10 * bend}" fill="none" stroke="{GREY}" stroke-width="2"/>'
            )
    arrivals = [("c", "b", -1), ("c", "b", 1), ("b", "a", -1), ("b", "a", 1)]
    grad, history = {"a": 0, "b": 0, "c": 1}, []
    for result, source, _ in arrivals:
        grad[source] += grad[result]
        history.append(dict(grad))
    for frame, (result, source, bend) in enumerate(arrivals, 1):
        seen = film.seen(frame, frame + 1)
        left, right = across[source] + 24, across[result] - 24
        film.drawn.append(
            f'<path d="M{right} {middle + 10 * bend} Q{(left + right) / 2:g} {middle + 44 * bend} {left} {middle + 10 * bend}" '
            f'fill="none" stroke="{RED}" stroke-width="4"{seen}/>'
        )
        film.text(
            (left + right) / 2, middle + 52 * bend + 4, f"sends {history[frame - 1][result]}", colour=RED, seen=seen
        )
    for name, x in across.items():
        film.drawn.append(f'<circle cx="{x}" cy="{middle}" r="22" fill="white" stroke="{INK}" stroke-width="2"/>')
        film.text(x, middle + 5, name, size=16)
    film.text(across["c"], middle + 72, "grad 1")
    film.text(across["c"], middle + 92, "complete", colour=BLUE)
    for name, first in (("b", 1), ("a", 3)):
        changes = [(0, 0, 0), (first, history[first - 1][name], 1), (first + 1, history[first][name], 2)]
        for (frame, value, count), following in zip(changes, [first, first + 1, None], strict=True):
            seen = film.seen(frame, following)
            film.text(across[name], middle + 72, f"grad {value}", seen=seen)
            words = "complete" if count == 2 else f"waits: {count} of 2 have come"
            film.text(across[name], middle + 92, words, colour=BLUE if count == 2 else RED, seen=seen)
    return film


def badge(words: str, colour: str) -> str:
    """A small sign with words on it."""
    width = 22 + 6.6 * len(words)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="20" role="img">\n<title>{words}</title>\n'
        f'<rect width="{width:g}" height="20" rx="4" fill="{colour}"/>\n<path d="M8 5v10l8-5z" fill="white"/>\n'
        f'<text x="20" y="14" font-family="{FONT}" font-size="11" fill="white">{words}</text>\n</svg>\n'
    )


def all_of_them() -> dict[str, str]:
    """File name -> its content."""
    films = {"sliding": sliding, "painting": painting, "walking_back": walking}
    made = {f"{name}.svg": make().svg() for name, make in films.items()}
    return made | {"colab.svg": badge("Open in Colab", "#b35900"), "binder.svg": badge("Open in Binder", "#2f6f9f")}


if __name__ == "__main__":
    for name, content in all_of_them().items():
        (FIGURES / name).write_text(content, encoding="utf-8")
        print(FIGURES / name, len(content), "bytes")
