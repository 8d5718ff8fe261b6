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
    assert [name[:2] for name in NAMES] == [f"{number:02}" for number in range(23)]


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_a_notebook_is_its_source(source):
    assert cells_of_notebook(source.stem) == cells_of_source(source), f"run: python lessons/make.py {source.name[:2]}"


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
    shown = 0
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
    assert len(checks_used(name)) == 3, "a lesson has three exercises"
    minutes = re.search(r"\*\*Time\*\* (?:about )?(\d+)", text)
    assert minutes and 10 <= int(minutes[1]) <= 25


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
