"""minifcn lessons: what there is, and which exercises somebody's copies solve."""

import json

import pytest

HEAD = "# 05 · Doubling\n\n**Question.** How?\n\n**You need** nothing. **Time** 15 minutes. **Paper** none."
CHECK = """
class Check:
    def double(self, answer):
        found = answer(2)
        print("… double: not done yet" if found is None else "✓ double: 1 cases" if found == 4 else "✗ double: add it to itself")

    def half(self, answer):
        print("… half: not done yet" if answer(2) is None else "✓ half: 1 cases")
"""
STUB = "def my_double(x): ...\n\n\ncheck.double(my_double)"
HALF = "def my_half(x): ...\n\n\ncheck.half(my_half)"


@pytest.fixture
def clone(tmp_path):
    """A clone with one lesson; calling it writes the person's two exercise cells."""
    folder = tmp_path / "lessons"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "05_doubling.py").write_text(f"# %%\n{CHECK}\n# %%\n{STUB}\n\n# %%\n{HALF}\n")

    def write(double=STUB, half=HALF, first=CHECK + "\ncheck = Check()"):
        cells = [dict(cell_type="markdown", source=[HEAD])]
        cells += [dict(cell_type="code", source=text.splitlines(keepends=True)) for text in (first, double, half)]
        (folder / "05_doubling.ipynb").write_text(json.dumps(dict(cells=cells)))
        return folder

    return write


def solved(body):
    return STUB.replace("...", body)


def test_untouched_stubs_are_not_done_and_nothing_is_run(clone, call):
    answer = call(f"lessons {clone(first='raise SystemExit(1)')}").worked()
    assert "05 · Doubling" in answer.out and "15 min   · ·" in answer.out and "0 of 2 exercises solved" in answer.out


@pytest.mark.parametrize(
    "body, marks, hint",
    [
        ("return x + x", "✓ ·", ""),
        ("return x", "✗ ·", "double: add it to itself"),
        ("return 1 / 0", "· ·", "double: the notebook stops before it: ZeroDivisionError"),
        ("import time; time.sleep(30)", "· ·", "double: the notebook stops before it: took more than 2 s"),
    ],
)
def test_an_answer(body, marks, hint, clone, call):
    answer = call(f"lessons {clone(solved(body))} --seconds 2").worked()
    assert f"15 min   {marks}" in answer.out and hint in answer.out
    assert ("1 of 2" in answer.out) == ("✓" in marks)


def test_what_was_solved_before_the_stop_counts(clone, call):
    answer = call(f"lessons {clone(solved('return 2 * x'), HALF.replace('...', 'return 1 / 0'))}").worked()
    assert "15 min   ✓ ·" in answer.out and "half: the notebook stops before it: ZeroDivisionError" in answer.out


def test_from_within_a_clone(clone, call, monkeypatch):
    folder = clone()
    for place in (folder, folder.parent):
        monkeypatch.chdir(place)
        assert "Doubling" in call("lessons").worked().out


def test_one_lesson(clone, call):
    assert "Doubling" in call(f"lessons {clone()} --only 5").worked().out
    call(f"lessons {clone()} --only 6").failed("--only 6: ", "has no such lesson")


def test_elsewhere_it_says_where_to_get_them(call, tmp_path, monkeypatch):
    from minifcn.cli.commands import lessons

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lessons, "BESIDE", tmp_path / "site" / "lessons")
    call("lessons").failed("clone of the repository", "minifcn lessons FOLDER")
    call(f"lessons {tmp_path}").failed("holds no lesson")


def test_a_file_that_is_no_notebook(clone, call):
    folder = clone()
    (folder / "05_doubling.ipynb").write_text("{}")
    call(f"lessons {folder}").failed("not a notebook that can be read", "save it again")


def bars(folder, **scores):
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "leaderboard.json").write_text(json.dumps(scores))
    return folder


def test_the_leaderboard_stands_below(clone, call):
    folder = bars(clone(), demo=67.6, page=53.2)
    said = call(f"lessons {folder}").worked().out
    assert said.splitlines()[-1] == "Leaderboard of lesson 26, mean IU: demo 67.6, page 53.2; yours: none yet"
    (folder / "my_scores.json").write_text('{"best": 60.04, "day": "2026-11-29"}')
    said = call(f"lessons {folder}").worked().out
    assert said.splitlines()[-1] == "Leaderboard of lesson 26, mean IU: demo 67.6, yours 60.0, page 53.2"


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_scores_that_cannot_be_read_are_told(content, clone, call):
    folder = bars(clone(), demo=67.6)
    (folder / "my_scores.json").write_text(content)
    call(f"lessons {folder}").failed("my_scores.json: not the scores that lesson 26 keeps", "delete it")


def test_without_lesson_26_there_is_no_leaderboard(clone, call):
    assert "Leaderboard" not in call(f"lessons {clone()}").worked().out


def test_a_call_that_builds_with_answers_is_no_exercise(clone, call):
    first = CHECK + "\n    def use(self): ...\n\ncheck = Check()\ncheck.use()"
    assert "0 of 2 exercises solved" in call(f"lessons {clone(first=first)}").worked().out
