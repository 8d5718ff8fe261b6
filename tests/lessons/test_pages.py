"""What is folded, kept out of sight and added to each lesson: by the rules of lessons/pages.py on small notebooks, and counted in the committed ones."""

import ast
import html
import re
import subprocess
import sys

import make
import pages
import pytest

from .reading import LESSONS, NAMES, notebook

FOLD = re.compile(r"<details><summary>[^<]+</summary>\n\n.*?\n\n</details>", re.DOTALL)
GUESS = re.compile(r"before you (run|look|read|train)[^.?!:,\n]*:", re.IGNORECASE)


def source_of(cell):
    return "".join(cell["source"])


def tags_of(cell):
    return cell["metadata"].get("tags", [])


# ---- small notebooks ----


def made(tmp_path, body, outputs=()):
    """The page of a planted lesson whose code cells showed `outputs`."""
    path = tmp_path / "99_planted.py"
    path.write_text(body, encoding="utf-8")
    read = make.read(path)
    code = [cell for cell in read.cells if cell.cell_type == "code"]
    for cell, shown in zip(code, outputs, strict=False):
        cell.outputs = [dict(output) for output in shown]
    return pages.page(read, path.stem, {})


def said(text):
    return [{"output_type": "stream", "name": "stdout", "text": text}]


GUESSED = """# %% [markdown]
# **Before you run the next cell:** what is 6 × 7?

# %%
print(6 * 7)

# %% [markdown]{tags}
# {after}
#
# Go on.
"""


def test_an_answer_is_folded_with_what_the_cell_showed(tmp_path):
    page = made(tmp_path, GUESSED.format(tags="", after="It is 42."), [said("42\n")])
    guess, code, shown, after = page.notebook.cells
    assert code.outputs == [] and code.source == "print(6 * 7)"
    assert shown.source == "<details><summary>What the cell shows</summary>\n\n```text\n42\n```\n\n</details>"
    assert after.source == "<details><summary>The answer</summary>\n\nIt is 42.\n\n</details>\n\nGo on."
    assert guess.source.startswith("**Before")


@pytest.mark.parametrize(
    "tags, after, folds", [(' tags=["open"]', "Now to pools.", 1), ("", "## Pools", 1), ("", "It is 42.", 2)]
)
def test_what_is_no_answer_stays_open(tags, after, folds, tmp_path):
    page = made(tmp_path, GUESSED.format(tags=tags, after=after), [said("42\n")])
    assert sum(cell.source.count("<details>") for cell in page.notebook.cells) == folds
    assert page.notebook.cells[-1].source.endswith("Go on.")


def test_a_heading_right_below_an_answer_stays_in_sight(tmp_path):
    page = made(tmp_path, GUESSED.format(tags="", after="It is 42.\n# ## Pools"), [said("42\n")])
    assert page.notebook.cells[-1].source == (
        "<details><summary>The answer</summary>\n\nIt is 42.\n\n</details>\n\n## Pools\n\nGo on."
    )


def test_a_guess_with_its_answer_in_the_same_text(tmp_path):
    body = "# %% [markdown]\n# One.\n#\n# **Before you read on:** why?\n#\n# Because.\n#\n# More.\n\n# %%\nprint(1)\n"
    page = made(tmp_path, body, [said("1\n")])
    assert page.notebook.cells[0].source == (
        "One.\n\n**Before you read on:** why?\n\n<details><summary>The answer</summary>\n\nBecause.\n\n</details>\n\nMore."
    )
    assert page.notebook.cells[1].outputs, "the next cell is no answer to it"


def test_a_cell_that_answers_later_is_marked(tmp_path):
    body = (
        "# %% [markdown]\n# Before you read on: how many?\n#\n# ## Counting\n\n# %%\nx = 3\n\n# %%"
        + ' tags=["answer"]\nprint(x)\n'
    )
    page = made(tmp_path, body, [said("no\n"), said("3\n")])
    assert [bool(cell.get("outputs")) for cell in page.notebook.cells] == [False, True, False, False]
    assert "```text\n3\n```" in page.notebook.cells[-1].source


@pytest.mark.parametrize(
    "text",
    [
        "Subtract the largest before you take exp.",
        "Weigh the outputs before you add them: sums hide.",
        "Run, look, read on.",
    ],
)
def test_no_guess(text, tmp_path):
    page = made(tmp_path, f"# %% [markdown]\n# {text}\n\n# %%\nprint(1)\n\n# %% [markdown]\n# After.\n", [said("1\n")])
    assert page.notebook.cells[1].outputs and "<details>" not in page.notebook.cells[2].source


def picture(kind, content, words):
    return {"output_type": "display_data", "data": {kind: content}, "metadata": {kind: {"alt": words}}}


def test_pictures_of_an_answer_lie_beside_the_notebook_with_their_words(tmp_path):
    outputs = [picture("image/png", "aGk=", "one [1]"), picture("image/svg+xml", "<svg/>", "two\nlines")]
    page = made(tmp_path, GUESSED.format(tags="", after="It is 42."), [outputs])
    assert page.pictures == {"99-01.png": b"hi", "99-01a.svg": b"<svg/>"}
    assert "![one 1](figures/answers/99-01.png)\n\n![two lines](figures/answers/99-01a.svg)" in (
        page.notebook.cells[2].source
    )


def test_the_code_of_a_figure_is_folded_and_no_other(tmp_path):
    page = made(tmp_path, '# %% tags=["figure"]\nx = 1\n\n# %%\ny = 2\n')
    figure, other = page.notebook.cells
    assert figure.metadata["jupyter"] == {"source_hidden": True} and "jupyter" not in other.metadata


SHOW = """\
figure = 'ä' if 1 else 2
look.show(
    figure,
    alt="A line "
    "and – a dash.",
)
look.show(figure, alt=f"{figure} is no constant")
look.show(figure.rotated(by=2), alt='second')"""


def test_words_leave_the_code_and_nothing_else_does():
    source, words = pages.without_words(SHOW, "07-03")
    assert words == {"07-03": "A line and – a dash.", "07-03a": "second"}
    assert source.splitlines() == [
        "figure = 'ä' if 1 else 2",
        'look.show(figure, alt=look.words("07-03"))',
        'look.show(figure, alt=f"{figure} is no constant")',
        'look.show(figure.rotated(by=2), alt=look.words("07-03a"))',
    ]


@pytest.mark.parametrize("source", ["%timeit 1 + 1", "other.show(figure, alt='a')", "x = dict(alt='a')"])
def test_other_code_is_left_alone(source):
    assert pages.without_words(source, "07-03") == (source, {})


def test_orders_to_the_formatter_stay_in_the_source(tmp_path):
    page = made(
        tmp_path, "# %%\n# fmt: off\nx = [1,\n     2]\n# fmt: on\ny = (3 )  # fmt: skip\nz = '# fmt: skip' + x\n"
    )
    assert page.notebook.cells[0].source == "x = [1,\n     2]\ny = (3 )\nz = '# fmt: skip' + x"


# ---- the committed lessons ----


def open_answers(name):
    """The guesses of a lesson whose answer a reader sees without asking: what the next cells show, or the text after them."""
    cells, found = notebook(name)["cells"], []
    for number, cell in enumerate(cells):
        guess = GUESS.search(source_of(cell)) if cell["cell_type"] == "markdown" else None
        if guess is None:
            continue
        rest = source_of(cell)[guess.end() :].partition("\n\n")[2]
        if guess[1].lower() == "read":
            later = [after for after in cells[number:] if "answer" in tags_of(after)]
            answered = FOLD.match(rest) or (rest.startswith("#") and later)
            if not answered or any(after["outputs"] for after in later):
                found.append(guess[0])
            continue
        following = number + 1
        while cells[following]["cell_type"] == "code" or "shown" in tags_of(cells[following]):
            if cells[following].get("outputs") or re.search(r"alt=['\"]", source_of(cells[following])):
                found.append(guess[0])
            following += 1
        after = cells[following]
        if not (FOLD.match(source_of(after)) or source_of(after).startswith("#") or "open" in tags_of(after)):
            found.append(guess[0])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_stands_open(name):
    assert open_answers(name) == []


def test_the_count_finds_open_answers(monkeypatch):
    """The lesson with its folds undone: each answer is seen."""
    whole = notebook("02_tensors_and_graphs")
    for cell in whole["cells"]:
        cell["source"] = re.sub(r"</?details>|<summary>.*</summary>", "", source_of(cell))
    monkeypatch.setattr(sys.modules[__name__], "notebook", lambda name: whole)
    assert open_answers("02_tensors_and_graphs")
    whole = notebook("02_tensors_and_graphs")


@pytest.mark.parametrize("name", NAMES)
def test_no_folded_answer_leads_on_to_what_stands_open(name):
    """Its last sentence would be missing where the page goes on."""
    for cell in notebook(name)["cells"]:
        for answer in re.findall(r"<summary>The answer</summary>\n\n(.*?)\n\n</details>", source_of(cell), re.DOTALL):
            assert not answer.rstrip().endswith(":"), answer


def test_there_are_guesses_to_count():
    texts = [source_of(cell) for name in NAMES for cell in notebook(name)["cells"] if cell["cell_type"] == "markdown"]
    assert sum(len(GUESS.findall(text)) for text in texts) >= 31


@pytest.mark.parametrize("name", NAMES)
def test_figure_code_is_folded_in_the_notebook(name):
    for cell in notebook(name)["cells"]:
        hidden = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        assert hidden == bool({"figure", "install"} & set(tags_of(cell))), source_of(cell)


@pytest.mark.parametrize("name", NAMES)
def test_no_figure_says_in_its_code_what_it_shows(name):
    words = make.json.loads((LESSONS / "figures" / "words.json").read_text(encoding="utf-8"))
    used = set()
    for cell in notebook(name)["cells"]:
        if cell["cell_type"] != "code":
            continue
        for call in ast.walk(ast.parse(source_of(cell))):
            if isinstance(call, ast.Call) and pages.is_show(call):
                (alt,) = [keyword.value for keyword in call.keywords if keyword.arg == "alt"]
                assert not isinstance(alt, ast.Constant)
        used |= set(re.findall(r"look\.words\(\"([\w-]+)\"\)", source_of(cell)))
    assert used == {key for key in words if key.startswith(name[:2])}
    assert all(words[key].strip() for key in used)


def test_pictures_that_answer_are_there_and_all_are_used():
    texts = "".join(source_of(cell) for name in NAMES for cell in notebook(name)["cells"])
    named = set(re.findall(r"\]\(figures/answers/([\w.-]+)\)", texts))
    assert named == {path.name for path in (LESSONS / "figures" / "answers").iterdir()} and named


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_leads_to_its_neighbours(name):
    place = NAMES.index(name)
    expected = [f"{each}.ipynb" for each in NAMES[max(0, place - 1) : place]] + ["README.md"]
    expected += [f"{each}.ipynb" for each in NAMES[place + 1 : place + 2]]
    cells = notebook(name)["cells"]
    orders = [numbers.split() for numbers, _ in pages.ORDERS.values() if numbers]
    next_ones = [order[order.index(name[:2]) + 1] for order in orders if name[:2] in order[:-1]]
    others = [number for number in next_ones if int(number) != place + 1]
    for cell, extra in ((cells[0], 4), (cells[-1], len(others) + bool(others))):
        links = re.findall(r"\]\(([^)]+)\)", source_of(cell))
        assert tags_of(cell) == ["way"] and links[: len(expected)] == expected and len(links) == len(expected) + extra
    assert [link[:2] for link in links[len(expected) + 1 :]] == others


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_notebook_is_todays(name):
    """Text, code, folds, links, badges and first cell; not what was shown."""
    (source,) = make.sources([name])
    assert make.stale(source, make.read(source)) == ""


# ---- the first cell, and the badges ----


def run_first(monkeypatch, folder, address, installed):
    """Run the first cell in `folder`; the commands that it starts."""
    import importlib.util

    commands = []

    def started(command, check):
        assert check
        commands.append(command)
        if "clone" in command:
            (folder / command[-1] / "lessons").mkdir(parents=True)

    monkeypatch.chdir(folder)
    monkeypatch.setattr(subprocess, "run", started)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there" if installed else None)
    exec(pages.FIRST_CELL.replace("{address}", address), {})
    return commands


def test_where_all_is_there_the_first_cell_does_nothing(monkeypatch, tmp_path):
    assert run_first(monkeypatch, LESSONS, "", True) == []


def test_a_clone_without_an_install_is_installed(monkeypatch, capsys):
    assert run_first(monkeypatch, LESSONS, "", False) == [[sys.executable, "-m", "pip", "install", "-q", ".."]]
    assert "installing minifcn" in capsys.readouterr().out


def test_a_notebook_that_came_alone_fetches_the_rest(monkeypatch, tmp_path):
    address = "https://github.com/somebody/minifcn"
    clone, install = run_first(monkeypatch, tmp_path, address, False)
    assert clone == ["git", "clone", "-q", "--depth=1", address, "minifcn-lessons"] and install[-1] == ".."
    assert make.Path.cwd() == tmp_path / "minifcn-lessons" / "lessons"
    assert run_first(monkeypatch, tmp_path, address, True) == [], "run again, it is there"


def test_a_notebook_that_came_alone_and_knows_no_address_says_so(monkeypatch, tmp_path):
    with pytest.raises(RuntimeError, match="the lessons' files are not here: clone the repository"):
        run_first(monkeypatch, tmp_path, "", False)


@pytest.mark.parametrize(
    "url, colab",
    [
        ("", "README.md#in-a-browser"),
        ("https://example.org/minifcn", "README.md#in-a-browser"),
        (
            "https://github.com/ann/fcn.git",
            "https://colab.research.google.com/github/ann/fcn/blob/main/lessons/NN_x.ipynb",
        ),
    ],
)
def test_badges_lead_to_the_address_of_the_project(url, colab, monkeypatch, tmp_path):
    (tmp_path / "setup.cfg").write_text(f"[metadata]\nurl = {url}\n", encoding="utf-8")
    monkeypatch.setattr(pages, "HERE", tmp_path / "lessons")
    assert f"]({colab})" in pages.badges("NN_x")
    assert ("mybinder.org/v2/gh/ann/fcn/main?labpath=lessons%2FNN_x.ipynb" in pages.badges("NN_x")) == ("ann" in url)


def test_links_are_set_without_a_run(monkeypatch, tmp_path):
    """make.py --links: badges and neighbours of today, and what the lesson showed stays."""
    (source,) = make.sources(["04"])
    before = notebook("04_convolution")
    monkeypatch.setattr(make, "notebook_of", lambda source: tmp_path / "04.ipynb")
    (tmp_path / "04.ipynb").write_text(make.json.dumps(before), encoding="utf-8")
    monkeypatch.setattr(pages, "address", lambda: "https://github.com/ann/fcn")
    make.write_links(source)
    after = make.json.loads((tmp_path / "04.ipynb").read_text(encoding="utf-8"))
    assert "github/ann/fcn" in source_of(after["cells"][0])
    assert "https://github.com/ann/fcn" in source_of(
        next(cell for cell in after["cells"] if "install" in tags_of(cell))
    )
    outputs = [[cell.get("outputs") for cell in each["cells"]] for each in (before, after)]
    assert outputs[0] == outputs[1] and any(outputs[0])


# ---- the orders of reading ----


def test_the_orders_go_forward_and_say_their_hours(monkeypatch):
    monkeypatch.setattr(make, "header_of", lambda source: {"Time": "30 minutes to read, 60 for the exercises"})
    lines = make.orders().splitlines()
    assert len(lines) == len(pages.ORDERS) == 4
    for line, (numbers, _) in zip(lines, pages.ORDERS.values(), strict=True):
        linked = re.findall(r"\[(\d\d)\]", line)
        assert linked == sorted(set(linked)) == (numbers or "").split()
        count = len(linked) or len(NAMES)
        assert f"({round(count / 2)} hours to read, {round(count * 1.5)} with the exercises)" in line


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_says_its_minutes(name):
    (source,) = make.sources([name])
    reading, whole = make.minutes_of(source)
    assert 10 <= reading <= 30 and reading <= whole <= 200


@pytest.mark.slow
def test_words_of_figures_reach_html():
    """By nbconvert's template that reads them; its other one does not (findings/nbconvert_lab_template_loses_alt.sh)."""
    nbconvert = pytest.importorskip("nbconvert", reason="needs nbconvert: pip install 'minifcn[lessons]'")
    import nbformat

    read = nbformat.read(LESSONS / "13_where_pixels_land.ipynb", as_version=4)
    try:
        text, _ = nbconvert.HTMLExporter(template_name="classic").from_notebook_node(read)
    except ValueError:
        pytest.skip("needs nbconvert's templates beside this Python")
    words = [
        output["metadata"]["image/png"]["alt"]
        for cell in read.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert words
    for each in words:
        assert f'alt="{html.escape(each)}"' in text
