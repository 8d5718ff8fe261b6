"""minifcn lessons --start: copies for a learner, which an update brings up to date and never writes over."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import needs
import pytest

from minifcn.cli import lesson_copies
from minifcn.cli.commands import lessons

ROOT = Path(__file__).resolve().parents[2]
STUB, ANSWER = (
    "def my_double(x): ...\n\n\ncheck.double(my_double)",
    "def my_double(x): return 2 * x\n\n\ncheck.double(my_double)",
)
HEAD = "# 05 · Doubling\n\n**Time** 15 minutes to read, 25 for the exercises. See [06](06_more.ipynb), [the code](../minifcn/x.py) and [it](https://example.org)."


def cell(kind, text, **more):
    code = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)} | code | more


@pytest.fixture
def clone(tmp_path):
    """A clone with two lessons; calling it writes the first one's text and stub of today, and gives lessons/."""
    folder = tmp_path / "clone" / "lessons"
    for name in ("src", "solutions", "checks", "data", "figures", "figures/answers", "__pycache__"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "file.txt").write_text(name)
    for name in ("check.py", "play.py", "make.py", "pages.py", "films.py"):
        (folder / name).write_text("from pathlib import Path\n")
    (folder / "README.md").write_text(
        "[05](05_doubling.ipynb) [answers](solutions/) ![](figures/file.txt) [web](https://example.org)\n"
    )

    def write(text="Double it.", stub=STUB):
        cells = [
            cell("code", "install()", metadata={"tags": ["install"]}),
            cell("markdown", HEAD),
            cell("markdown", "<details>42</details>", metadata={"tags": ["shown"]}),
            cell("markdown", text),
            cell("code", "print(42)", outputs=[{"output_type": "stream", "name": "stdout", "text": "42\n"}], execution_count=3),
            cell("code", "figure()", metadata={"jupyter": {"source_hidden": True}}),
            cell("code", stub),
        ]  # fmt: skip
        for name in ("05_doubling", "06_more"):
            (folder / f"{name}.ipynb").write_text(
                json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
            )
            (folder / "src" / f"{name}.py").write_text("# %%\n" + stub)
        return folder

    return write


def sources(path):
    return ["".join(each["source"]) for each in json.loads(path.read_text())["cells"]]


def prose(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(each["source"]) for each in cells if each["cell_type"] == "markdown")


def change(path, old, new, run=True):
    """As somebody in Jupyter does: a cell is written anew, and the notebook is run."""
    notebook = json.loads(path.read_text())
    for each in notebook["cells"]:
        text = "".join(each["source"])
        each["source"] = text.replace(old, new).splitlines(keepends=True)
        if run and each["cell_type"] == "code":
            each.update(outputs=[{"output_type": "stream", "name": "stdout", "text": "mine\n"}], execution_count=9)
    path.write_text(json.dumps(notebook))


def test_copies_are_clean_and_whole(clone, tmp_path, call):
    mine = tmp_path / "mine"
    answer = call(f"lessons {clone()} --start {mine}").worked()
    assert (
        "2 lessons from" in answer.out
        and f"jupyter lab {mine}" in answer.out
        and f"minifcn lessons {mine}" in answer.out
    )
    written = {path.relative_to(mine).as_posix() for path in mine.rglob("*") if path.is_file()}
    kept = {
        "05_doubling.ipynb",
        "06_more.ipynb",
        "README.md",
        "check.py",
        "play.py",
        "checks/file.txt",
        "data/file.txt",
        "figures/file.txt",
    }
    assert {name for name in written if not name.startswith(".minifcn-lessons/")} == kept | {".gitignore"}
    notebook = json.loads((mine / "05_doubling.ipynb").read_text())
    assert sources(mine / "05_doubling.ipynb") == [
        HEAD.replace("[the code](../minifcn/x.py)", "the code"), "Double it.", "print(42)", "figure()", STUB
    ]  # fmt: skip
    assert all(
        each["outputs"] == [] and each["execution_count"] is None
        for each in notebook["cells"]
        if each["cell_type"] == "code"
    )
    assert [each["metadata"] for each in notebook["cells"]][3] == {"jupyter": {"source_hidden": True}}
    assert (
        mine / "README.md"
    ).read_text() == "[05](05_doubling.ipynb) answers ![](figures/file.txt) [web](https://example.org)\n"


def test_progress_is_read_there(clone, tmp_path, call, monkeypatch):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    answer = call(f"lessons {mine}").worked()
    assert "15 + 25 min   ·" in answer.out and "0 of 2 exercises solved" in answer.out
    check = "print('✓ double: 1 cases' if my_double(3) == 6 else '✗ double: add it')"
    (mine / "check.py").write_text(f"def double(my_double):\n    {check}\n")
    change(mine / "05_doubling.ipynb", "figure()", "import check")
    change(mine / "05_doubling.ipynb", STUB, ANSWER)
    monkeypatch.chdir(mine)
    assert "1 of 2 exercises solved" in call("lessons").worked().out


def state(answer, folder):
    """What an update said, and every file."""
    return answer.out, {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_update_without_news_changes_nothing(clone, tmp_path, call):
    mine = tmp_path / "mine"
    first = state(call(f"lessons {clone()} --start {mine}").worked(), mine)
    change(mine / "06_more.ipynb", STUB, ANSWER)
    after = (mine / "06_more.ipynb").read_bytes()
    said, files = state(call(f"lessons {clone()} --start {mine}").worked(), mine)
    assert "06_more.ipynb: yours; there is nothing newer" in said and "7 as they were, 1 changed by you" in said
    assert (mine / "06_more.ipynb").read_bytes() == after
    assert files == first[1] | {"06_more.ipynb": files["06_more.ipynb"]}


def test_a_notebook_that_was_only_run_is_renewed(clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    change(mine / "05_doubling.ipynb", "nothing", "")
    assert "2 renewed" in call(f"lessons {clone('Double it twice.')} --start {mine}").worked().out
    assert "Double it twice." in sources(mine / "05_doubling.ipynb")


def test_a_notebook_that_was_run_keeps_what_it_shows_where_there_is_no_news(clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    change(mine / "05_doubling.ipynb", "nothing", "")
    after = (mine / "05_doubling.ipynb").read_bytes()
    call(f"lessons {clone()} --start {mine}").worked()
    assert (mine / "05_doubling.ipynb").read_bytes() == after


def test_a_changed_notebook_is_kept_and_the_new_one_lies_beside_it_with_the_answers(clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    change(mine / "05_doubling.ipynb", STUB, ANSWER)
    after = (mine / "05_doubling.ipynb").read_bytes()
    said = call(f"lessons {clone('Double it twice.')} --start {mine}").worked().out
    assert (
        "05_doubling.ipynb: yours, and kept; the new version lies beside it: new_05_doubling.ipynb, with 1 of your answers"
        in said
    )
    assert (mine / "05_doubling.ipynb").read_bytes() == after
    assert sources(mine / "new_05_doubling.ipynb")[1:] == ["Double it twice.", "print(42)", "figure()", ANSWER]
    assert "Double it twice." in sources(mine / "06_more.ipynb")
    # once more: nothing is newer than what was laid beside it
    assert (
        "05_doubling.ipynb: yours; there is nothing newer"
        in call(f"lessons {clone('Double it twice.')} --start {mine}").worked().out
    )
    assert lessons.find_folder(mine) == mine and "new_05" not in call(f"lessons {mine}").worked().out


def test_what_lies_beside_is_not_written_over_once_it_was_changed(clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    change(mine / "05_doubling.ipynb", STUB, ANSWER)
    call(f"lessons {clone('Two.')} --start {mine}").worked()
    call(f"lessons {clone('Three.')} --start {mine}").worked()
    assert "Three." in sources(mine / "new_05_doubling.ipynb"), "nobody had touched it"
    change(mine / "new_05_doubling.ipynb", "Three.", "Three, and a note of mine.")
    after = (mine / "new_05_doubling.ipynb").read_bytes()
    call(f"lessons {clone('Four.')} --start {mine}").worked()
    assert (mine / "new_05_doubling.ipynb").read_bytes() == after
    assert "Four." in sources(mine / "new_2_05_doubling.ipynb")


def test_an_exercise_that_is_asked_in_another_way_is_left_empty(clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    change(mine / "05_doubling.ipynb", STUB, ANSWER)
    new = STUB.replace("(x)", "(x, y)")
    said = call(f"lessons {clone('Two.', new)} --start {mine}").worked().out
    assert "with 1" not in said and sources(mine / "new_05_doubling.ipynb")[-1] == new


@pytest.mark.parametrize("text", ["{}", "no json", "[]", '{"cells": [1]}'])
def test_a_notebook_that_cannot_be_read_any_more_is_kept(text, clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    (mine / "05_doubling.ipynb").write_text(text)
    call(f"lessons {clone('Two.')} --start {mine}").worked()
    assert (mine / "05_doubling.ipynb").read_text() == text and "Two." in sources(mine / "new_05_doubling.ipynb")


def test_other_files_that_were_changed_are_kept_too(clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    (mine / "play.py").write_text("mine")
    (clone() / "play.py").write_text("new")
    (clone() / "check.py").write_text("new")
    call(f"lessons {clone()} --start {mine}").worked()
    assert [(mine / name).read_text() for name in ("play.py", "new_play.py", "check.py")] == ["mine", "new", "new"]


def test_a_file_that_was_there_before_is_somebodys(clone, tmp_path, call):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "README.md").write_text("notes")
    (mine / "other.txt").write_text("other")
    call(f"lessons {clone()} --start {mine}").worked()
    assert (mine / "README.md").read_text() == "notes" and (mine / "new_README.md").is_file()
    ignored = (mine / ".gitignore").read_text().splitlines()
    assert "*" not in ignored and "/05_doubling.ipynb" in ignored, "only what is ours is hidden from git"


def test_a_file_that_was_deleted_comes_again(clone, tmp_path, call):
    mine = tmp_path / "mine"
    call(f"lessons {clone()} --start {mine}").worked()
    (mine / "check.py").unlink()
    assert "1 new" in call(f"lessons {clone()} --start {mine}").worked().out and (mine / "check.py").is_file()


def test_killed_in_between_nothing_counts_as_changed(clone, tmp_path, monkeypatch):
    """Each file is written before its record: an update that was cut short goes on where it stopped."""
    mine, real = tmp_path / "mine", lesson_copies.put
    lesson_copies.start(clone(), mine)
    for stop in range(4):
        left = [stop]

        def put(path, content, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            real(path, content)

        monkeypatch.setattr(lesson_copies, "put", put)
        with pytest.raises(KeyboardInterrupt):
            lesson_copies.start(clone(f"Version {stop}."), mine)
        monkeypatch.setattr(lesson_copies, "put", real)
        steps = lesson_copies.start(clone(f"Version {stop}."), mine)
        assert not {step.state for step in steps} & {"yours", "beside"}
        assert f"Version {stop}." in sources(mine / "06_more.ipynb") and not list(mine.glob("new_*"))


def test_places_that_will_not_do(clone, tmp_path, call, monkeypatch):
    folder = clone()
    call(f"lessons {folder} --start {folder}").failed("that is where the lessons come from")
    call(f"lessons {folder} --start {folder}/mine").failed("that is where the lessons come from")
    (tmp_path / "file").write_text("")
    call(f"lessons {folder} --start {tmp_path}/file").failed("is a file: give a folder")
    mine = tmp_path / "mine"
    call(f"lessons {folder} --start {mine}").worked()
    call(f"lessons {mine} --start {tmp_path}/second").failed("holds copies of lessons; copies are made from a clone")
    call(f"lessons {tmp_path} --start {tmp_path}/second").failed(
        "is neither a clone of the repository nor its folder lessons/"
    )
    assert not (tmp_path / "second").exists()
    call(f"lessons {folder.parent} --start {tmp_path}/third").worked()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lessons, "BESIDE", tmp_path / "nowhere")
    call(f"lessons --start {tmp_path}/second").failed(
        "clone of the repository", "minifcn lessons CLONE/lessons --start DIR"
    )


def test_an_editable_install_finds_its_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lessons.find_source(None) == ROOT / "lessons" == lessons.find_folder(None)


@pytest.mark.skipif(shutil.which("git") is None, reason=needs.GIT)
def test_git_does_not_see_them(clone, tmp_path, call):
    folder = clone()
    subprocess.run(["git", "init", "-q", folder.parent], check=True)
    call(f"lessons {folder} --start {folder.parent}/mine").worked()
    seen = subprocess.run(
        ["git", "status", "--porcelain"], cwd=folder.parent, capture_output=True, text=True, check=True
    ).stdout
    assert "mine" not in seen and "lessons" in seen


# ---- the lessons of this clone ----


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learner") / "mine"
    lesson_copies.start(ROOT / "lessons", folder)
    return folder


def test_no_answer_of_a_lesson_is_in_sight_in_its_copy(mine):
    folds = re.compile(r"<details>.*?</details>", re.DOTALL)
    for path in mine.glob("[0-9][0-9]_*.ipynb"):
        text = json.loads(path.read_text(encoding="utf-8"))
        for each in text["cells"]:
            assert not each.get("outputs") and not {"shown", "install"} & set(each["metadata"].get("tags", []))
            assert "What the cell shows" not in "".join(each["source"])
            assert "figures/answers" not in folds.sub("", "".join(each["source"]))
    assert not (mine / "solutions").exists() and not (mine / "figures" / "answers").exists()


def test_links_of_the_copies_lead_somewhere(mine):
    for path in [*mine.glob("*.md"), *mine.glob("*.ipynb")]:
        text = path.read_text(encoding="utf-8") if path.suffix == ".md" else prose(path)
        for link in re.findall(r"\]\(([^)#\s]+)", re.sub(r"`[^`\n]*`", "", text)):
            assert re.match(r"[a-z]+:", link) or (path.parent / link).exists(), (path.name, link)


def test_what_the_lessons_import_and_read_lies_beside_them(mine):
    ours = {path.stem for path in (ROOT / "lessons").glob("*.py")}
    for path in mine.glob("[0-9][0-9]_*.ipynb"):
        code = "\n".join(lessons.code_cells(path))
        for name in set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)) & ours:
            assert (mine / f"{name}.py").is_file(), (path.name, name)
        for name in re.findall(r"[\"']((?:data|figures)/[\w./-]+)[\"']", code):
            assert (mine / name).is_file(), (path.name, name)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["04", "10", "18"])
def test_a_copy_runs_to_its_end(number, mine):
    (path,) = mine.glob(f"{number}_*.ipynb")
    output, stopped = lessons.run_cells(lessons.code_cells(path), mine, 300)
    assert not stopped and output.count("not done yet") == 3
