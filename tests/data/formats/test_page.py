"""docs/own-pictures.md lists every format that `minifcn import` reads."""

from pathlib import Path

from minifcn.data.formats.registry import FORMATS

PAGE = Path(__file__).parents[3] / "docs" / "own-pictures.md"


def test_the_page_lists_every_format():
    page = PAGE.read_text(encoding="utf-8")
    assert [each.name for each in FORMATS if f"| `{each.name}` | {each.title} |" not in page] == []
