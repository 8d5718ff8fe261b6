"""Build the site into site/: `python docs/make/build.py`, or `make docs`. Anything wrong, down to a link, stops it with status 1.

The pages are first written as plain Markdown into build/pages, so that the generator needs no hooks and can be exchanged: it makes
HTML and the search. Then formulas become MathML, pictures say their width, long lines are wrapped, and every page is held.
"""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import cheat_sheet
import phone
from faults import faults, public_names, unsearched
from latex2mathml.converter import convert
from PIL import Image
from sources import ROOT, written

PAGES, SITE = ROOT / "build" / "pages", ROOT / "site"
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
PICTURE = re.compile(r'<p><img(?P<before>[^>]*?) src="(?P<source>[^":?#]+)"')  # alone in its paragraph, or first
LETTERED = {".png", ".svg"}  # figures; a photograph has no letters
WIDE = 560  # pixels of a picture whose letters are hard to read once it is as narrow as a phone
BLOCK = re.compile(r'<div class="highlight">(?P<inside><pre>.*?</pre>)</div>', re.DOTALL)
ROW = re.compile(r"(?<=</a>)[^\n<]*?[^\s<] {2,}[^\s<][^\n<]*")  # a line in columns; each begins with an anchor
WIDEST = 110  # letters of a line that is shown as it was printed; a longer one is prose, a report or a message, and is wrapped


def formulas(page: str) -> str:
    """LaTeX becomes MathML, which browsers draw by themselves: no script, no font, nothing fetched. Raises ValueError with the formula."""

    def formula(match: re.Match[str]) -> str:
        source = html.unescape(match[2])
        try:
            drawn = convert(source, display="block" if match[1] == "div" else "inline")
        except Exception as error:  # the converter has many, and no class of its own above them
            raise ValueError(f"formula {source!r} cannot be read: {type(error).__name__} {error}") from error
        try:
            ElementTree.fromstring(drawn)
        except (
            ElementTree.ParseError
        ) as error:  # an environment that it does not know comes back as text with a bare "&"
            raise ValueError(f"formula {source!r} cannot be read: what came of it is no XML, {error}") from error
        return f'<{match[1]} class="formula">{drawn}</{match[1]}>'

    return FORMULA.sub(formula, page)


def sized(page: str, folder: Path) -> str:
    """Wide pictures with their own width, for the style sheet: on a phone they scroll rather than become unreadable."""

    def marked(match: re.Match[str]) -> str:
        file = folder / unquote(html.unescape(match["source"]))
        width = width_of(file) if file.suffix in LETTERED and file.is_file() else 0
        if width < WIDE:
            return match[0]
        return f'<p><img class="wide" style="--own-width: {width}px"{match["before"]} src="{match["source"]}"'

    return PICTURE.sub(marked, page)


def width_of(file: Path) -> int:
    """In pixels, of a picture in dots or of an SVG that says it; 0 for others."""
    if file.suffix == ".svg":
        found = re.search(r'<svg[^>]*? width="(\d+)', file.read_text(encoding="utf-8"))
        return int(found[1]) if found else 0
    with Image.open(file) as picture:
        return picture.width


def wrapped(page: str) -> str:
    """What was printed in lines too long to be seen whole, wrapped, but for the rows of tables. Code, which has colours, stays."""

    def marked(match: re.Match[str]) -> str:
        lines = html.unescape(re.sub(r"<[^>]*>", "", match["inside"])).splitlines()
        long = '<span class="' not in match["inside"] and max(map(len, lines), default=0) > WIDEST
        if not long:
            return match[0]
        inside = ROW.sub(r'<span class="row">\g<0></span>', match["inside"])
        return f'<div class="highlight wrapped">{inside}</div>'

    return BLOCK.sub(marked, page)


def stage() -> None:
    """Everything that the site shows, as Markdown and pictures, in build/pages; the cheat sheet is drawn anew."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for name, content in written():
        target = PAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    (PAGES / cheat_sheet.PAGE.name).write_bytes(cheat_sheet.drawn())


def generated() -> bool:
    """Whether the generator made the site without a warning; what it has to say is printed, without the traceback that it ends in."""
    command = [
        sys.executable,
        "-m",
        "zensical",
        "build",
        "--clean",
        "--strict",
        "--config-file",
        str(ROOT / "mkdocs.yml"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    known = done.returncode == 0 or "--strict flag" in done.stderr
    said = done.stdout + (done.stderr.partition("Traceback (most recent")[0] if known else done.stderr)
    print(re.sub(r"\x1b\[[0-9;]*m", "", said), end="")
    return done.returncode == 0


def main() -> int:
    stage()
    shutil.rmtree(SITE, ignore_errors=True)
    if not generated():
        return 1
    problems = []
    for path in sorted(SITE.rglob("*.html")):
        try:
            page = wrapped(sized(formulas(path.read_text(encoding="utf-8")), path.parent))
            path.write_text(page, encoding="utf-8")
        except ValueError as error:
            problems.append(f"{path.relative_to(SITE)}: {error}")
    problems += faults(SITE, public_names()) + unsearched(SITE)
    browser = phone.browser()
    problems += phone.faults(SITE, browser) if browser else []
    fits = (
        f"and fits into {phone.WIDTH} pixels" if browser else "whether it fits on a phone was not looked at: no browser"
    )
    print(
        "\n".join(problems) or f"{SITE}/index.html: every link leads somewhere, nothing is fetched from outside, {fits}"
    )
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
