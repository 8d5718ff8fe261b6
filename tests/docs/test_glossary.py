"""The glossary: every word in it is used where its entry leads."""

import re

import pytest

from tests.docs.loading import ROOT

PAGE = ROOT / "docs" / "glossary.md"
ENTRY = re.compile(r"^- \*\*(.+?)\*\* \(\[(.+?)\]\((.+?)\)\): (.+)$", re.MULTILINE)
ENTRIES = ENTRY.findall(PAGE.read_text(encoding="utf-8"))


def prose(path):
    """What a lesson says: its text, without its code."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.removeprefix("# ") for line in lines if line.startswith("#"))


def is_used(word, text):
    plural = "leaf|leaves" if word == "leaf" else re.escape(word) + "(?:e?s)?"
    return re.search(rf"(?<![\w-])(?:{plural})(?![\w-])", text, re.IGNORECASE)


def test_every_line_of_the_list_is_an_entry():
    assert len(ENTRIES) == PAGE.read_text(encoding="utf-8").count("\n- ") >= 60
    words = [entry[0].lower() for entry in ENTRIES]
    assert words == sorted(set(words)), "in the order of the alphabet, each once"


@pytest.mark.parametrize("word, name, link, meaning", ENTRIES, ids=[entry[0] for entry in ENTRIES])
def test_a_word_is_used_where_its_entry_leads(word, name, link, meaning):
    path = (PAGE.parent / link).resolve()
    assert path.is_file()
    if name == "code":
        assert is_used(word, path.read_text(encoding="utf-8"))
    else:
        assert path.name.startswith(name)
        assert is_used(word, prose(ROOT / "lessons/src" / f"{path.stem}.py"))
    assert len(meaning) > 20 and meaning.endswith(".")


@pytest.mark.parametrize(
    "word, used", [("leaf", "the leaves"), ("tile", "Tiles of"), ("mean IU", "a mean IU"), ("warp", "32 warps")]
)
def test_a_word_is_found(word, used):
    assert is_used(word, used)


@pytest.mark.parametrize(
    "word, other", [("tile", "textile"), ("cell", "cellar"), ("loss", "lossless"), ("fuse", "refuse")]
)
def test_another_word_is_not_it(word, other):
    assert not is_used(word, other)


def test_the_lessons_lead_to_it():
    assert "(../docs/glossary.md)" in (ROOT / "lessons/README.md").read_text(encoding="utf-8")
