"""Build the site into site/: `python docs/make/build.py`, or `make docs`. Anything wrong, down to a link, stops it with status 1.

The pages are first written as plain Markdown into build/pages, so that the generator needs no hooks and can be exchanged: it makes
HTML and the search. Then formulas become MathML, and every page is held.
"""

import html
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import cheat_sheet
import phone
from faults import faults, public_names, unsearched
from latex2mathml.converter import convert
from sources import ROOT, written

PAGES, SITE = ROOT / "build" / "pages", ROOT / "site"
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


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
            path.write_text(formulas(path.read_text(encoding="utf-8")), encoding="utf-8")
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
