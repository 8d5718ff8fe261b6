"""What exercise checks are made of: they count, they tell, and they never raise."""

import check as every
import numpy as np
import pytest
from checks import verdict


@pytest.fixture
def doubled(monkeypatch):
    """A check of a function that doubles."""
    monkeypatch.setattr(verdict, "CHECKS", {})

    @verdict.check
    def double(answer):
        "double(x) -> 2x."
        for x in (np.array([1.0, 2.0]), np.zeros((2, 0)), np.array([-3.0])):
            verdict.close(
                answer(x),
                2 * x,
                lambda found, wanted: f"a half of {wanted[0]:g}" if (found == wanted / 2).all() else "no idea",
            )

    return double


def test_a_right_answer_is_counted(doubled, capsys):
    found = doubled(lambda x: x + x)
    assert (found.state, found.cases) == ("passed", 3)
    assert capsys.readouterr().out == "✓ double: 3 cases\n"


@pytest.mark.parametrize("stub", [None, ..., lambda x: None, lambda x: ...])
def test_a_stub_is_not_done(stub, doubled, capsys):
    assert doubled(stub).state == "not done"
    assert capsys.readouterr().out == "… double: not done yet\n"


def test_not_implemented_is_not_done(doubled):
    def stub(x):
        raise NotImplementedError

    assert doubled(stub).state == "not done"


def test_a_way_without_return_is_wrong_and_no_stub(doubled):
    found = doubled(lambda x: x + x if x.size else None)
    assert found.state == "wrong"
    assert (
        found.message == "it gives nothing (None): does a way through it end without return? called with array (2, 0)"
    )


@pytest.mark.parametrize(
    "value, words",
    [
        (np.zeros((2, 3)), "array (2, 3)"),
        ({"a": np.zeros(2), "b": 1}, "{a: array (2,), b: 1}"),
        ([(np.zeros(2), "x"), (np.zeros(3), "y")], "[(array (2,), 'x'), (array (3,), 'y')]"),
        (np.sum, "sum"),
        ([1, 2], "[1, 2]"),
        ("n" * 99, "'" + "n" * 58 + "…"),
    ],
)
def test_arguments_are_told_in_a_few_words(value, words):
    assert verdict.shown(value) == words


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda x: x, "a half of 2"),
        (lambda x: 3 * x, "no idea"),
        (lambda x: x[:1], "expected the shape (2,), got (1,)"),
        (lambda x: 2 * x + np.nan, "NaN or infinity, first at (0,); expected numbers up to 4"),
        (lambda x: "two", "expected an array (2,)"),
        (lambda x: x[5], "it stopped with IndexError: index 5 is out of bounds"),
        (lambda x: x[255], "you forgot void; 255 is no class"),
        (lambda x, y: x, "it stopped with TypeError"),
        (lambda x: 2 * x + 1e-6, "no idea"),
    ],
)
def test_a_wrong_answer_is_told(answer, words, doubled):
    found = doubled(answer)
    assert found.state == "wrong" and words in found.message
    if "stopped" in words:
        assert "called with array (2,)" in found.message


def test_infinities_may_agree():
    verdict.equal([np.inf, -np.inf], [np.inf, -np.inf], "different")
    with pytest.raises(verdict.Wrong, match="different"):
        verdict.equal([np.inf, np.inf], [np.inf, -np.inf], "different")


def test_truth_values_may_be_compared():
    verdict.equal(np.array([True, False]), np.array([True, False]), "different")
    with pytest.raises(verdict.Wrong, match="different"):
        verdict.equal(np.array([True, True]), np.array([True, False]), "different")


def test_a_notebook_shows_the_line_once(doubled, capsys):
    from IPython.core.formatters import DisplayFormatter

    found = doubled(lambda x: x + x)
    assert DisplayFormatter().format(found) == ({}, {})  # else an empty Out[] stands below each exercise
    assert capsys.readouterr().out == "✓ double: 3 cases\n"


def test_two_checks_of_one_name(doubled):
    with pytest.raises(ValueError, match="two checks are called double"):

        @verdict.check
        def double(answer):
            "Again."


def test_an_exercise_that_is_not_there():
    with pytest.raises(AttributeError, match="there is no exercise 'no_such'; there are "):
        every.no_such  # noqa: B018
