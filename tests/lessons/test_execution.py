"""Every notebook runs to its end in a fresh kernel, without an error, a warning, or a cell over its time."""

import make
import pytest

from .reading import LESSONS, NAMES, SOURCES

SECONDS = 120  # a lesson takes 5 to 40 on two idle cores


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_lesson_runs(source, record_property):
    notebook, seconds = make.execute(source)
    record_property("lesson_seconds", (source.stem, seconds))
    assert seconds < SECONDS
    assert [cell.source.strip() for cell in notebook.cells]


def planted(tmp_path, body):
    path = tmp_path / "99_planted.py"
    path.write_text(f"# %%\n{body}\n")
    return path


@pytest.mark.parametrize(
    "body, words",
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings\nwarnings.warn('old')", "says on stderr"),
        ("import sys\nprint('x', file=sys.stderr)", "says on stderr: x"),
        ("import matplotlib.pyplot as plt\nplt.plot([1]);", "a figure without alt text"),
        ("print('x\\n' * 50)", "prints 5"),
    ],
)
def test_a_lesson_that_does_not_run_is_told(body, words, tmp_path):
    with pytest.raises(make.LessonError, match=words):
        make.execute(planted(tmp_path, body))


def test_a_cell_over_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(make, "CELL_SECONDS", 1)
    with pytest.raises(make.LessonError, match="a cell took more than 1 s"):
        make.execute(planted(tmp_path, "import time\ntime.sleep(10)"))


def test_a_lesson_that_is_not_there():
    with pytest.raises(make.LessonError, match="there is no lesson '77'"):
        make.sources(["77"])


def test_a_notebook_that_is_not_its_source_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(make, "HERE", tmp_path)
    path = planted(tmp_path, "print(1)")
    assert make.stale(path, make.read(path)) == "99_planted.ipynb is missing"
    make.write(path, make.page_of(path, make.read(path)))
    assert make.stale(path, make.read(path)) == ""
    planted(tmp_path, "print(2)")
    assert "is not made from its source of today; run make.py 99" in make.stale(path, make.read(path))


HEADED = """# %% [markdown]
# # 99 · Planted
# **You need** nothing. **Time** 10 minutes. **Paper** sections 3.1, 3.2 and 4.3, and {more}.
#
# Section 2 is named only by the way.
#
# ## In the paper
# Section 3.4 and
# appendix A. Figure 5 is no section.
"""


def test_sections_of_the_paper_are_read_from_a_lesson(tmp_path):
    path = tmp_path / "99_planted.py"
    path.write_text(HEADED.format(more="table 4"), encoding="utf-8")
    assert make.sections_of(path) == {"3.1", "3.2", "3.4", "4.3", "appendix A"}
    path.write_text(HEADED.format(more="appendices A and B, section 5.5"), encoding="utf-8")
    with pytest.raises(make.LessonError, match=r"99_planted names 5\.5; the paper has 1, 2, 3"):
        make.sections_of(path)


def test_every_section_of_the_paper_is_shown_in_a_lesson():
    named = set().union(*map(make.sections_of, SOURCES))
    assert named == set(make.PAPER), f"no lesson for {sorted(set(make.PAPER) - named)}"


def test_two_runs_make_one_file(tmp_path):
    path = planted(tmp_path, "print(1)")
    assert make.execute(path)[0] == make.execute(path)[0]
    assert LESSONS == make.HERE


def test_what_was_printed_in_pieces_is_one_output(tmp_path):
    body = "import sys, time\nprint('a', end='', flush=True)\ntime.sleep(0.3)\nprint('b', flush=True)\ntime.sleep(0.3)\nprint('c')"
    notebook, _ = make.execute(planted(tmp_path, body))
    assert [output.text for output in notebook.cells[-1].outputs] == ["ab\nc\n"]
