"""The README's example prints what the README says it prints; its commands are those that CI runs; it stays short."""

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_example_prints_what_stands_below_it():
    code, printed = re.search(r"```python\n(.*?)```\n```text\n(.*?)```", README, re.DOTALL).groups()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {})
    assert output.getvalue() == printed


def test_the_commands_are_the_ones_ci_runs():
    """Each in a block of its own, on one line: CI takes it from there."""
    for command in (
        "pip install . && minifcn demo",
        'pip install -e ".[test]" && python -m pytest',
        "python -m pytest --all",
    ):
        assert f"```sh\n{command}\n```" in README


def test_it_stays_short():
    assert len(README.splitlines()) <= 100


def test_it_can_be_read_aloud_in_two_minutes():
    """Prose alone, at 150 words a minute. Licences, tables, code and pictures are looked at, not read."""
    prose = re.sub(r"```.*?```", "", README.split("## More")[0], flags=re.DOTALL)
    prose = re.sub(r"!\[.*?\]\(.*?\)|(?<=\])\(.*?\)", "", prose)
    words = [
        word
        for line in prose.splitlines()
        if not line.startswith("|")
        for word in line.split()
        if re.search(r"\w", word)
    ]
    assert len(words) <= 300


def test_thumbnails_are_small():
    pictures = re.findall(r"\(docs/images/(lesson-\d\d\.png)\)", README)
    assert len(pictures) == 4
    for name in pictures:
        assert (ROOT / "docs/images" / name).stat().st_size < 60_000, name
