"""What the site is made of: files of the repository as Markdown, and links that are right in a clone and on the site.

A page of docs/ links as a reader of a clone needs it: `../minifcn/kernels/simple.py`. On the site such a file is a page of its own.
So every link is resolved in the repository first. What it leads to becomes a page or a picture of the site, and the link follows.
A link to nothing is left alone, and the strict build stops at it.
"""

import base64
import json
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOME = {
    "README.md": "index.md",
    "findings/README.md": "findings.md",
}  # files of the repository whose page has another name
# where reading begins; what they link to is found from them
STARTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "findings/README.md", "lessons/README.md"]
PICTURES = {".png", ".jpg", ".jpeg", ".svg", ".gif", ".pdf"}  # shown, or handed over, as they are
DRAWN = {"image/svg+xml": ".svg", "image/png": ".png"}  # what a cell of a notebook may show; of both the sharper one
LANGUAGES = {
    ".py": "python",
    ".cu": "cuda",
    ".toml": "toml",
    ".sh": "bash",
    ".yml": "yaml",
    ".h": "cpp",
    ".json": "json",
}

# code first: what stands in a block or between backticks is no link
CODE = r"(?P<code>^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$|(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
LINK = re.compile(rf"{CODE}|(?P<before>\]\(|(?:src|href)=\")(?P<target>[^)\"\s]+)", re.DOTALL | re.MULTILINE)
# <conv(a), b> is text to a notebook; the site's Markdown would take it for a tag
# a fold with an empty line after its title holds Markdown; others, the hints, hold HTML
FOLD = re.compile(rf"{CODE}|<details>(?=<summary>[^<\n]*</summary>\n\n)", re.DOTALL | re.MULTILINE)
NO_TAG = re.compile(rf"{CODE}|<(?=[A-Za-z][\w-]*[^\w\s/>:-])", re.DOTALL | re.MULTILINE)


def resolved(target: str, origin: str) -> str | None:
    """The path in the repository that a link means, from the file `origin`; None for a link that leads elsewhere, or to nothing."""
    name = target.partition("#")[0]
    if not name or re.match(r"[a-z]+:|/", name):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), name))
    return path if not path.startswith("..") and (ROOT / path).exists() else None


def page_of(path: str) -> str:
    """The site's name of a file of the repository: docs/gpu.md is gpu.md, a source is a page that shows it."""
    if path in HOME:
        return HOME[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    shown = "/".join(part.lstrip(".") for part in path.split("/"))  # the generator passes over what begins with a dot
    if (ROOT / path).is_dir():
        return f"source/{shown}/index.md"
    suffix = Path(path).suffix
    if suffix == ".ipynb":
        return path.removesuffix(suffix) + ".md"
    return path if suffix in PICTURES | {".md"} else f"source/{shown}.md"


def with_links(text: str, origin: str, page: str) -> str:
    """Text whose links count from `origin` in the repository, its links as they count from `page` on the site."""
    here = posixpath.dirname(page)

    def replaced(match: re.Match[str]) -> str:
        path = None if match["code"] else resolved(match["target"], origin)
        if path is None:
            return match[0]
        mark, anchor = match["target"].partition("#")[1:]
        return match["before"] + posixpath.relpath(page_of(path), here or ".") + mark + anchor

    return LINK.sub(replaced, text)


def links(text: str, origin: str) -> Iterator[str]:
    """What the text leads to in the repository."""
    for match in LINK.finditer(text):
        path = None if match["code"] else resolved(match["target"], origin)
        if path is not None:
            yield path


def markdown(path: str) -> str:
    """A file or folder of the repository as Markdown; its links still as they stand in it."""
    file = ROOT / path
    if file.is_dir():
        return listing(path)
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return text
    if file.suffix == ".ipynb":
        return "\n\n".join(cells(json.loads(text), file.stem))
    return (
        f"---\nsearch:\n  exclude: true\n---\n# `{path}`\n\n"
        f'~~~~~~ {{ .{LANGUAGES.get(file.suffix, "text")} linenums="1" }}\n{text.rstrip()}\n~~~~~~\n'
    )


def listing(path: str) -> str:
    """The Python files, pages and folders of a folder, a line each."""
    names = sorted(
        entry.name for entry in (ROOT / path).iterdir() if entry.suffix in {".py", ".md", ".cu", ".sh", ".ipynb"}
    )
    lines = [f"- [`{name}`]({name})" for name in names]
    return "\n".join(["---\nsearch:\n  exclude: true\n---", f"# `{path}/`", "", *lines, ""])


def cells(notebook: dict[str, Any], name: str) -> Iterator[str]:
    """A notebook as Markdown: text, code, and what the code showed. Its pictures lie beside the page, with their words.

    Code that is folded in Jupyter is folded here. The cell that installs is for other places and is left out.
    """
    for number, cell in enumerate(notebook["cells"]):
        source, metadata = "".join(cell["source"]), cell.get("metadata", {})
        if "install" in metadata.get("tags", ()):
            continue
        if cell["cell_type"] == "markdown":
            yield as_page(source)
            continue
        if source.strip():
            code = f"~~~~~~python\n{source}\n~~~~~~"
            hidden = metadata.get("jupyter", {}).get("source_hidden")
            yield folded(f"Code of the {shown_by(source)}, {count_of(source)}", code, "code") if hidden else code
        for count, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            kind = next((kind for kind in DRAWN if kind in data), None)
            if kind is not None:
                yield f"![{words_of(output, kind)}]({name}/{number}-{count}{DRAWN[kind]})"
            elif "text/markdown" in data:
                yield as_page("".join(data["text/markdown"]))
            else:
                said = "".join(output.get("text", data.get("text/plain", [])))
                yield f"~~~~~~text\n{said.rstrip()}\n~~~~~~"


def shown_by(source: str) -> str:
    return "figure" if re.search(r"\b(?:show|sliders)\(", source) else "table"


def count_of(source: str) -> str:
    lines = len(source.strip().splitlines())
    return f"{lines} line{'s' * (lines > 1)}"


def words_of(output: dict[str, Any], kind: str) -> str:
    """What a picture shows, as its author said it, on one line and without what would end the Markdown around it."""
    words = output.get("metadata", {}).get(kind, {}).get("alt", "what the cell drew")
    return re.sub(r"[\[\]]", "", " ".join(words.split()))


def folded(title: str, text: str, kind: str) -> str:
    """A fold whose inside is Markdown."""
    return f'<details class="{kind}" markdown="1"><summary>{title}</summary>\n\n{text}\n\n</details>'


def as_page(text: str) -> str:
    """A notebook's Markdown as the site's: no text passes for a tag, and what is inside a fold is Markdown here as well."""
    text = FOLD.sub(lambda match: match[0] if match["code"] else '<details class="answer" markdown="1">', text)
    return without_tags(text)


def without_tags(text: str) -> str:
    """Markdown in which no text passes for a tag; real tags and code stay."""
    return NO_TAG.sub(lambda match: match[0] if match["code"] else "&lt;", text)


def drawn(notebook: dict[str, Any], name: str) -> Iterator[tuple[str, bytes]]:
    """The pictures of a notebook, by the names that `cells` gives them."""
    for number, cell in enumerate(notebook["cells"]):
        for count, output in enumerate(cell.get("outputs", [])):
            for kind, ending in DRAWN.items():
                if kind in output.get("data", {}):
                    content = "".join(output["data"][kind])
                    yield (
                        f"{name}/{number}-{count}{ending}",
                        base64.b64decode(content) if kind == "image/png" else content.encode(),
                    )
                    break


def needed() -> dict[str, str]:
    """Every file of the repository that the site shows: its path and its Markdown ("" for a picture), found by following links."""
    pages = sorted(str(path.relative_to(ROOT)).replace(os.sep, "/") for path in (ROOT / "docs").rglob("*.md"))
    waiting, found = [*STARTS, *pages], dict[str, str]()
    while waiting:
        path = waiting.pop()
        if path in found or not (ROOT / path).exists():
            continue
        found[path] = "" if Path(path).suffix in PICTURES else markdown(path)
        if Path(path).suffix in {".md", ".ipynb"} or (ROOT / path).is_dir():
            inside = f"{path}/-" if (ROOT / path).is_dir() else path
            waiting.extend(links(found[path], inside))
    return found


def written() -> Iterator[tuple[str, str | bytes]]:
    """Every file of the site before it is HTML: its name and its content, links set."""
    for file in sorted((ROOT / "docs").rglob("*")):
        if file.is_file() and file.suffix != ".md" and "make" not in file.relative_to(ROOT / "docs").parts:
            yield file.relative_to(ROOT / "docs").as_posix(), file.read_bytes()
    for path, text in needed().items():
        name = page_of(path)
        if not text:
            yield name, (ROOT / path).read_bytes()
            continue
        origin = f"{path}/-" if (ROOT / path).is_dir() else path
        yield name, with_links(text, origin, name)
        if path.endswith(".ipynb"):
            notebook = json.loads((ROOT / path).read_text(encoding="utf-8"))
            yield from drawn(notebook, posixpath.splitext(name)[0])
