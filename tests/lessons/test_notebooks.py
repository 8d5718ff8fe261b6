"""The notebooks that a reader sees are their sources, executed; each has all its parts, figures have words, names and links exist."""

import base64
import re
import subprocess
import sys

import pytest

from .reading import LESSONS, NAMES, SOURCES, cells_of_notebook, cells_of_source, checks_used, notebook, text_of

PARTS = ["**Question.**", "**You need**", "**Time**", "**Paper**", "## In the library", "**Honesty box.**", "## Exercises",
         "## Summary", "## In the paper"]  # fmt: skip


def test_no_lesson_is_missing():
    assert [name[:2] for name in NAMES] == [f"{number:02}" for number in range(27)]


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_is_its_source(source):
    """Line by line, read without jupytext: none got lost on the way to the page. test_pages.py holds the whole."""
    kept = "\n".join(text for _, text in cells_of_notebook(source.stem))
    for kind, text in cells_of_source(source):
        text = re.sub(r"^# fmt: o(n|ff)\n|  # fmt: skip$", "", text, flags=re.MULTILINE)  # these stay in the source
        lines = [line for line in text.splitlines() if kind == "markdown" or "alt" not in text]
        assert all(line in kept for line in lines), f"run: python lessons/make.py {source.name[:2]}"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_ran_to_its_end(name):
    code = [cell for cell in notebook(name)["cells"] if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in code if "".join(cell["source"]).strip()]
    assert counts == list(range(1, len(counts) + 1))
    for cell in code:
        for output in cell["outputs"]:
            assert output["output_type"] != "error" and output.get("name") != "stderr"


@pytest.mark.parametrize("name", NAMES)
def test_figures_have_words_and_are_small(name):
    answers = [path.stat().st_size for path in (LESSONS / "figures" / "answers").glob(f"{name[:2]}-*")]
    assert all(size <= 80_000 for size in answers)
    shown = len(answers)
    for cell in notebook(name)["cells"]:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                shown += 1
                assert len(base64.b64decode(output["data"]["image/png"])) <= 80_000
                assert output["metadata"]["image/png"]["alt"].strip()
            if "image/svg+xml" in output.get("data", {}):
                assert len("".join(output["data"]["image/svg+xml"])) <= 80_000
                assert output["metadata"]["image/svg+xml"]["alt"].strip()
    assert shown >= 1


def test_the_folder_is_small():
    assert sum(path.stat().st_size for path in LESSONS.rglob("*") if path.is_file()) <= 15_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_has_its_parts_in_order(name):
    text = text_of(name)
    places = [text.find(part) for part in PARTS]
    assert -1 not in places, f"missing: {[part for part, place in zip(PARTS, places, strict=True) if place < 0]}"
    assert places == sorted(places), "the parts stand in another order"
    assert text.startswith(f"# {name[:2]} · ")
    summary = text.split("## Summary")[1].split("## In the paper")[0]
    assert len(re.findall(r"^(?:- |\d\. )", summary, re.M)) == 3, "a summary has three lines"
    assert len(checks_used(name)) == exercises_of(name), "a lesson has three exercises"


def exercises_of(name):
    """Three; the last one of 20 leaves the notebook and works in the clone."""
    return 4 if name.startswith("20") else 3


MINUTES = {"S": 5, "M": 15, "L": 30}  # what an exercise may take
TIME = re.compile(
    r"\*\*Time\*\* (\d+) minutes to read, (\d+) for the exercises(?:; second sitting (\d+)(?: and (\d+))?)?\. \*\*Paper"
)


@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_says_how_long_it_may_take(name):
    """`**2 · M.**` begins an exercise; the minutes of a sitting's exercises stand in the lesson's head, beside those for reading."""
    text = text_of(name)
    marks = re.findall(r"^\*\*(\d) · ([SML])\.\*\* ", text, re.MULTILINE)
    assert [int(number) for number, _ in marks] == list(range(1, exercises_of(name) + 1))
    assert not re.search(r"^\*\*\d+\.\*\*", text, re.MULTILINE), "an exercise without a mark"
    first, _, second = text.partition("## Second sitting")
    time = TIME.search(text)
    assert time, "expected: **Time** 15 minutes to read, 20 for the exercises; second sitting 10 and 15. **Paper**"
    assert 10 <= int(time[1]) <= 25
    assert bool(time[3]) == bool(second) and (not second or 5 <= int(time[3]) <= 20)
    for part, minutes in ((first, time[2]), (second, time[4])):
        spent = sum(MINUTES[mark] for mark in re.findall(r"^\*\*\d · ([SML])\.\*\* ", part, re.MULTILINE))
        assert spent == int(minutes or 0)


@pytest.mark.parametrize("name", NAMES)
def test_hints_hold_no_signs_that_are_shown_as_they_are(name):
    """Inside a tag's line neither backticks nor asterisks nor formulas are set: <code>, <i>, and an empty line after the summary for formulas."""
    hints = re.findall(r"<details><summary>Hint</summary>(.*?)</details>", text_of(name), re.DOTALL)
    assert len(hints) >= exercises_of(name)
    for hint in hints:
        assert not re.search(r"`|\*\*|\$|(?<![\w ])\*\w+\*", hint.split("\n\n")[0]), hint
        assert hint.count("<code>") == hint.count("</code>")


@pytest.mark.parametrize("name", NAMES)
def test_formulas_are_closed_and_set(name):
    """Dollars come in pairs, and a formula on a line of its own has an empty line around it, or it is shown as text."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(name), flags=re.DOTALL)
    lines = text.splitlines()
    for number, line in enumerate(lines):
        assert line.count("$") % 2 == 0, line
        if "$$" in line:
            assert line.startswith("$$") and line.endswith("$$") and line.count("$$") == 2, line
            assert not lines[number - 1].strip() and not (lines[number + 1 :] or [""])[0].strip(), line
    # a fold whose inside is Markdown says so to the site, and begins with an empty line
    for fold in re.findall(r"<details markdown=\"1\">.*?</details>", text, re.DOTALL):
        assert re.match(r"<details markdown=\"1\"><summary>[^\n]+</summary>\n\n", fold) and fold.endswith(
            "\n\n</details>"
        )


@pytest.mark.parametrize("number, word", [("05", "bias"), ("07", "softmax")])
def test_the_derivations_are_there_and_folded(number, word):
    (name,) = [each for each in NAMES if each.startswith(number)]
    (fold,) = re.findall(r"<details markdown=\"1\">(.*?)</details>", text_of(name), re.DOTALL)
    assert fold.count("$$") >= 4 and r"\partial" in fold and word in fold


@pytest.mark.parametrize(
    "number, drawn", [("02", "graph"), ("14", "graph"), *((n, "architecture") for n in ("12", "13", "14", "15"))]
)
def test_what_the_library_draws_is_shown(number, drawn):
    (name,) = [each for each in NAMES if each.startswith(number)]
    cells = [cell for cell in notebook(name)["cells"] if f"mf.draw.{drawn}(" in "".join(cell["source"])]
    assert cells
    assert any(
        "image/svg+xml" in output.get("data", {})
        for cell in notebook(name)["cells"]
        for output in cell.get("outputs", ())
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_a_lesson_needs_comes_before_it(name):
    line = text_of(name).split("**You need**")[1].split("**Time**")[0]
    needed = re.findall(r"\b\d\d\b", line)
    assert all(number < name[:2] for number in needed), line


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_in_the_library_exists(name):
    root = LESSONS.parent
    text = text_of(name)
    for path in re.findall(r"`(minifcn/[\w/.]+|tests/[\w/.]+|lessons/[\w/.]+)`", text):
        assert (root / path).exists(), f"{name} names {path}"
    for link in re.findall(r"\]\(([\w./]+)(?:#[\w-]*)?\)", text):
        if not link.startswith("http"):
            assert (LESSONS / link).exists(), f"{name} links to {link}"
    for dotted in re.findall(r"`(?:mf|minifcn)\.([\w.]+)", text):
        assert resolves(dotted.rstrip(".")), f"{name} names minifcn.{dotted}"


def resolves(dotted):
    """Whether minifcn has an attribute or module of that name."""
    import importlib

    value = importlib.import_module("minifcn")
    for number, part in enumerate(dotted.split(".")):
        try:
            value = getattr(value, part)
        except AttributeError:
            module = ".".join(["minifcn", *dotted.split(".")[: number + 1]])
            if importlib.util.find_spec(module) is None:
                return False
            value = importlib.import_module(module)
    return True


@pytest.mark.parametrize("name", NAMES)
def test_no_path_of_the_machine_that_made_it(name):
    text = (LESSONS / f"{name}.ipynb").read_text(encoding="utf-8")
    assert not re.search(r"/home/|/Users/|/root/|/tmp/|/work/|[A-Z]:\\\\", text)


def test_the_map_is_of_today():
    """README.md holds the table that make.py writes."""
    found = subprocess.run(
        [sys.executable, "-c", "import make; print(make.with_map((make.HERE / 'README.md').read_text(encoding='utf-8')), end='')"],
        cwd=LESSONS, capture_output=True, text=True, encoding="utf-8", check=True, env={**__import__("os").environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert found.stdout == (LESSONS / "README.md").read_text(encoding="utf-8"), "run: python lessons/make.py"


WIDEST = 100  # letters: what a page shows beside its margin without being scrolled


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_no_line_of_code_has_to_be_scrolled(source):
    lines = [line for kind, text in cells_of_source(source) if kind == "code" for line in text.splitlines()]
    assert not [line for line in lines if len(line) > WIDEST]


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_comment_stays_a_comment(source):
    """Without this line in its head jupytext reads "# copy the weights" as the command copy."""
    head = source.read_text(encoding="utf-8").split("# %%")[0]
    assert "#   jupytext:\n#     comment_magics: false\n" in head


def test_no_comment_becomes_a_command(tmp_path):
    import make

    pytest.importorskip("jupytext", reason="needs jupytext: pip install 'minifcn[lessons]'")
    head = SOURCES[0].read_text(encoding="utf-8").split("# %%")[0]
    body = "# %%\n# copy the weights\n# echo of the first\n# %time is short\nx = 1\n"
    for text, kept in ((head + body, True), (body, False)):
        path = tmp_path / "99_planted.py"
        path.write_text(text, encoding="utf-8")
        assert ("# copy the weights" in make.read(path).cells[0].source) is kept
