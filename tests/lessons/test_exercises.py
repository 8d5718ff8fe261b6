"""Every check accepts its solution, lets the stub pass as not done, and rejects plausible wrong answers with a hint of their own."""

import importlib
import importlib.util
import re

import check
import pytest

from .reading import LESSONS, NAMES, checks_used


def loaded(path):
    """A file that belongs to no package, as a module."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOLUTIONS = {
    name: answer
    for path in sorted((LESSONS / "solutions").glob("lesson_*.py"))
    for name, answer in loaded(path).SOLUTIONS.items()
}
WRONG = [
    entry
    for path in sorted((LESSONS.parent / "tests" / "lessons" / "wrong").glob("lesson_*.py"))
    for entry in loaded(path).WRONG
]
LONG = ("without_oracle", "without_mutants", "five_shapes_of_eight")


def marked(name, *values, long=False):
    """A case, slow where the answer is a clone whose own tests are run, or a network that is scored on hundreds of pictures."""
    marks = pytest.mark.slow if name in ("added_operation", "beats_the_demo") and long else ()
    return pytest.param(name, *values, marks=marks)


@pytest.mark.parametrize("name", [marked(name, long=True) for name in sorted(check.CHECKS)])
def test_the_solution_is_accepted(name):
    verdict = check.CHECKS[name](SOLUTIONS[name])
    assert verdict.state == "passed", verdict
    assert verdict.cases >= 1


@pytest.mark.parametrize("name", sorted(check.CHECKS))
def test_a_stub_is_not_done(name):
    for stub in (lambda *arguments, **named: None, lambda *arguments, **named: ..., None):
        assert check.CHECKS[name](stub).state == "not done"


@pytest.mark.parametrize(
    "name, answer, words",
    [marked(*entry, long=getattr(entry[1], "__name__", "") in LONG) for entry in WRONG],
    ids=[f"{w[0]}-{i}" for i, w in enumerate(WRONG)],
)
def test_a_wrong_answer_gets_its_hint(name, answer, words):
    verdict = check.CHECKS[name](answer)
    assert verdict.state == "wrong", verdict
    assert words in verdict.message, verdict.message


@pytest.mark.parametrize("name", sorted(check.CHECKS))
def test_three_wrong_answers_with_different_hints(name):
    hints = [words for each, _, words in WRONG if each == name]
    assert len(hints) >= 3 and len(set(hints)) >= 3, hints
    assert not any(re.search(r"^it stopped with", words) for words in hints)


def test_each_exercise_stands_in_one_lesson():
    used = [name for lesson in NAMES for name in checks_used(lesson)]
    assert sorted(used) == sorted(check.CHECKS) == sorted(SOLUTIONS)
    for lesson in NAMES:
        for name in checks_used(lesson):
            assert check.CHECKS[name].__module__ == f"checks.lesson_{lesson[:2]}", name
            assert check.CHECKS[name].__doc__, f"{name} says nothing to help()"
