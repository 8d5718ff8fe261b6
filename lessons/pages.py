"""What readers get of a lesson that ran: figure code folded, answers folded, the way to the neighbours, a first cell for Colab and Binder.

Authors write none of it. A guess is a text with "before you run the next cell:" in it (or look, read on, train). Then

- what the cells below it show moves into a fold (<details>) under them, which every reader of notebooks draws, GitHub too;
- the paragraph after these cells is folded too, for it says the answer. Where it does not, tag its cell `open`;
- after "before you read on:" the next paragraph is folded. Where a heading follows, the answer comes later: tag the code cell that shows it `answer`.

Comments that speak to the formatter, `# fmt: skip`, stay in the source.

Cells tagged `figure` are folded where Jupyter is. What a figure shows, `alt=`, is kept in figures/words.json and not in the cell, where it
would give the answer away; the picture has it in its metadata.
"""

import ast
import base64
import configparser
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
GUESS = re.compile(r"\bbefore you (?:run|look|read on|train)\b[^.?!:,\n]*:", re.IGNORECASE)
READ_ON = re.compile(r"\bbefore you read on\b", re.IGNORECASE)
FIGURE, ANSWER, OPEN = "figure", "answer", "open"  # the tags that authors set
WAY, INSTALL, SHOWN = "way", "install", "shown"  # the tags of the cells that are made here
MADE = frozenset([WAY, INSTALL, SHOWN])
PICTURES = {"image/png": ".png", "image/svg+xml": ".svg"}
WIDEST = 100  # letters of a line of code
TO_FORMATTER = re.compile(r"^# fmt: (?:on|off)\n|  # fmt: skip$", re.MULTILINE)

# who reads -> in which order, and what to know about it
ORDERS = {
    "You have calculus and some Python": (None, "all of them, one after the other."),
    "You know backpropagation": (
        "03 04 05 09 10 12 13 14 15 17 22",
        "Lesson 03 is worth it all the same: it shows how a gradient check is fooled.",
    ),
    "You have one evening": (
        "00 04 09 10 12 14 15",
        "The paper's idea, without the exercises.",
    ),
    "You want to train": (
        "00 07 12 16 17 18 19",
        "Then [your own pictures](../docs/own-pictures.md).",
    ),
}

BADGES = {
    "colab": ("Open in Colab", "https://colab.research.google.com/github/{name}/blob/main/lessons/{lesson}.ipynb"),
    "binder": ("Open in Binder", "https://mybinder.org/v2/gh/{name}/main?labpath=lessons%2F{lesson}.ipynb"),
}
ELSEWHERE = "README.md#in-a-browser"  # where the badges lead as long as the project has no public address

FIRST_CELL = """\
# In Colab and Binder this fetches what is missing. Where minifcn is installed it does nothing.
import importlib.util, os, subprocess, sys

ADDRESS = "{address}"
if not os.path.exists("check.py"):  # the notebook came alone
    if not ADDRESS:
        raise RuntimeError("the lessons' files are not here: clone the repository, open lessons/ there")
    if not os.path.exists("minifcn-lessons"):
        subprocess.run(["git", "clone", "-q", "--depth=1", ADDRESS, "minifcn-lessons"], check=True)
    os.chdir("minifcn-lessons/lessons")
if importlib.util.find_spec("minifcn") is None:
    print("installing minifcn from this clone")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", ".."], check=True)
    importlib.invalidate_caches()"""


class Page(NamedTuple):
    """`words`: key -> what a figure shows. `pictures`: file name -> content, the figures that answer a guess."""

    notebook: Any
    words: dict[str, str]
    pictures: dict[str, bytes]


def page(notebook: Any, stem: str, titles: dict[str, str]) -> Page:
    """The page of a lesson. `titles`: stem -> title of all lessons, in order. A lesson that did not run gives the same cells without what was shown."""
    made = deepcopy(notebook)
    words: dict[str, str] = {}
    pictures: dict[str, bytes] = {}
    for number, cell in enumerate(made.cells):
        if cell.cell_type == "code":
            source = TO_FORMATTER.sub("", cell.source)
            cell.source, found = without_words(source, f"{stem[:2]}-{number:02d}")
            words |= found
            if has(cell, FIGURE) or has(cell, INSTALL):
                cell.metadata["jupyter"] = {"source_hidden": True}
    hidden, folded = answers(made.cells)
    cells: list[Any] = []
    for number, cell in enumerate(made.cells):
        if number in folded:
            cell.source = with_fold(cell.source, folded[number])
        cells.append(cell)
        if number in hidden:
            text, found_pictures = shown(cell.outputs, f"{stem[:2]}-{number:02d}")
            pictures |= found_pictures
            cell.outputs = []
            if text:
                cells.append(markdown(fold("What the cell shows", text), SHOWN, f"shown-{number:02d}"))
    if stem in titles:
        cells.insert(0, markdown(f"{way(stem, titles)}\n\n{badges(stem)}", WAY, "way-top"))
        cells.append(markdown(way(stem, titles) + in_other_orders(stem, titles), WAY, "way-end"))
    made.cells = cells
    return Page(made, words, pictures)


def has(cell: Any, tag: str) -> bool:
    return tag in cell.get("metadata", {}).get("tags", ())


def is_made(cell: Any) -> bool:
    return any(has(cell, tag) for tag in MADE)


# ---- words ----


def without_words(source: str, key: str) -> tuple[str, dict[str, str]]:
    """A cell in which each `look.show(…, alt="…")` says `alt=look.words(key)`, and key -> words. Words with numbers in them stay."""
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a cell with a command of Jupyter's
        return source, {}
    found = {}
    texts = [keyword.value for call in calls if is_show(call) for keyword in call.keywords if keyword.arg == "alt"]
    plain = [text for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)]
    for count, text in sorted(enumerate(sorted(plain, key=lambda text: text.lineno)), reverse=True):
        name = key + ("abcdefgh"[count - 1] if count else "")
        found[name] = str(text.value)
        source = replaced(source, text, f'look.words("{name}")')
    return ONE_LINE.sub(joined, source), dict(sorted(found.items()))


# what the words were long for: the call fits on a line again
ONE_LINE = re.compile(r"^( *)look\.show\(\n\s+(\w+),\n\s+alt=(look\.words\(\"[\w-]+\"\)),?\n\s*\)", re.MULTILINE)


def joined(match: re.Match[str]) -> str:
    line = f"{match[1]}look.show({match[2]}, alt={match[3]})"
    return line if len(line) <= WIDEST else match[0]


def is_show(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "show" and ast.unparse(call.func.value) == "look"


def replaced(source: str, node: ast.expr, text: str) -> str:
    """`source` with `text` in place of an expression of it. Python counts columns in bytes."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    assert node.end_lineno is not None and node.end_col_offset is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + text.encode() + after).decode()


# ---- answers ----


def answers(cells: list[Any]) -> tuple[set[int], dict[int, int]]:
    """Which code cells show an answer, and which paragraph of which text cell says one (cell -> paragraph)."""
    hidden, folded = set[int](), dict[int, int]()
    for number, cell in enumerate(cells):
        guess = GUESS.search(cell.source) if cell.cell_type == "markdown" else None
        if guess and READ_ON.search(guess[0]):
            paragraph = cell.source[: guess.start()].count("\n\n") + 1
            if says_something(cell.source, paragraph):
                folded[number] = paragraph
        elif guess or has(cell, ANSWER):
            first = number + 1 if guess else number
            following = next((n for n in range(first, len(cells)) if cells[n].cell_type != "code"), len(cells))
            hidden |= set(range(first, following))
            after = cells[following] if following < len(cells) else None
            if after and not has(after, OPEN) and says_something(after.source, 0):
                folded[following] = 0
    return hidden, folded


def says_something(text: str, paragraph: int) -> bool:
    """Whether that paragraph is there and is no heading."""
    paragraphs = text.split("\n\n")
    return paragraph < len(paragraphs) and not paragraphs[paragraph].startswith(("#", "<details"))


def with_fold(text: str, paragraph: int) -> str:
    paragraphs = text.split("\n\n")
    first, _, rest = paragraphs[paragraph].partition("\n#")  # a heading right below it stays in sight
    paragraphs[paragraph] = fold("The answer", first) + (f"\n\n#{rest}" if rest else "")
    return "\n\n".join(paragraphs)


def fold(title: str, text: str) -> str:
    """With an empty line after the summary: what follows is Markdown, on GitHub, in Jupyter and on the site."""
    return f"<details><summary>{title}</summary>\n\n{text.strip()}\n\n</details>"


def shown(outputs: list[Any], name: str) -> tuple[str, dict[str, bytes]]:
    """What a cell showed, as Markdown, and its pictures."""
    parts, pictures = [], dict[str, bytes]()
    for output in outputs:
        data = output.get("data", {})
        kind = next((kind for kind in PICTURES if kind in data), None)
        if kind is not None:
            file = name + ("abcdefgh"[len(pictures) - 1] if pictures else "") + PICTURES[kind]
            pictures[file] = base64.b64decode(data[kind]) if kind == "image/png" else data[kind].encode()
            words = re.sub(r"[\[\]]", "", " ".join(output["metadata"][kind]["alt"].split()))
            parts.append(f"![{words}](figures/answers/{file})")
        elif "text/markdown" in data:
            parts.append(data["text/markdown"])
        else:
            parts.append(f"```text\n{output.get('text', data.get('text/plain', '')).rstrip()}\n```")
    return "\n\n".join(parts), pictures


# ---- the way ----


def markdown(source: str, tag: str, name: str) -> Any:
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(source, id=name, metadata={"tags": [tag]})


def first_cell() -> Any:
    """The cell that installs: run with the lesson, like any other."""
    from nbformat.v4 import new_code_cell

    return new_code_cell(
        FIRST_CELL.replace("{address}", address()),
        id="install",
        metadata={"tags": [INSTALL], "jupyter": {"source_hidden": True}},
    )


def way(stem: str, titles: dict[str, str]) -> str:
    """To the lesson before, all of them, and the next one."""
    stems = list(titles)
    place = stems.index(stem)
    parts = [f"[← {titles[stems[place - 1]]}]({stems[place - 1]}.ipynb)"] if place else []
    parts.append("[all lessons](README.md)")
    parts += [f"[{titles[name]} →]({name}.ipynb)" for name in stems[place + 1 : place + 2]]
    return " · ".join(parts)


def in_other_orders(stem: str, titles: dict[str, str]) -> str:
    """A paragraph with the next lesson of each order in which that is not the neighbour; "" where there is none."""
    stems = list(titles)
    numbers = [name[:2] for name in stems]
    found = []
    for reader, (order, _) in ORDERS.items():
        chosen = (order or "").split()
        if stem[:2] not in chosen[:-1]:
            continue
        following = chosen[chosen.index(stem[:2]) + 1]
        name = stems[numbers.index(following)]
        if numbers.index(following) != stems.index(stem) + 1:
            found.append(f"{reader[0].lower()}{reader[1:]}: [{titles[name]} →]({name}.ipynb)")
    return (
        f"\n\nIn [another order](README.md#where-to-begin) the next one is, if {', if '.join(found)}" if found else ""
    )


def address() -> str:
    """Where the project lies for everybody, a repository on GitHub: `url` in setup.cfg, or ""."""
    config = configparser.ConfigParser()
    config.read(HERE.parent / "setup.cfg", encoding="utf-8")
    return config.get("metadata", "url", fallback="").strip().removesuffix(".git").rstrip("/")


def badges(stem: str) -> str:
    """Two pictures that open the lesson where nothing has to be installed."""
    return " ".join(f"[![{words}](figures/{place}.svg)]({link(place, stem)})" for place, (words, _) in BADGES.items())


def link(place: str, stem: str) -> str:
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", address())
    return BADGES[place][1].format(name=found[1], lesson=stem) if found else ELSEWHERE


def blank(cells: list[Any]) -> Iterator[Any]:
    """The cells of a page that follow from its source alone: two pages of one source have these in common, whatever was shown."""
    return (cell for cell in cells if not has(cell, SHOWN))
