"""A fault of the walk is told apart from one of an operation."""

import inspect

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff import walk
from minifcn.verify.subject import Subject
from minifcn.verify.walks import faults_of_the_walk, plain_gradients, readers

from .functions import cube, function, rejected

X = np.random.default_rng(0).standard_normal((3, 4))
BLAME = "the walk in minifcn/autodiff/walk.py is wrong, and no operation"


def rewritten(monkeypatch, right, wrong):
    """The way back with one line changed."""
    source = inspect.getsource(walk.carried_back)
    assert source.count(right) == 1
    names = {}
    exec("from __future__ import annotations\n" + source.replace(right, wrong), walk.__dict__, names)
    monkeypatch.setattr(walk, "carried_back", names["carried_back"])


GRAPHS = {
    "one function": lambda x: x * 2,
    "used twice": lambda x: x * x + x,
    "a diamond": lambda x: (x * 2) * (x + 1) + (x * 2),
    "the same result thrice": lambda x: (lambda y: y * y + y * y * y)(x - 1),
    "a convolution": lambda x: mf.ops.conv2d(x.reshape(1, 1, 3, 4), np.ones((2, 1, 2, 2)), padding=1),
    "the leaf itself": lambda x: x,
}


@pytest.mark.parametrize("fn", GRAPHS.values(), ids=GRAPHS)
def test_the_plain_walk_gives_what_the_walk_gives(fn):
    subject = Subject(fn, X, None)
    cotangent = np.random.default_rng(5).standard_normal(subject.output_array().shape)
    np.testing.assert_allclose(plain_gradients(subject, cotangent)[0], subject.gradients(cotangent)[0], rtol=1e-12)
    assert faults_of_the_walk(subject, cotangent) == []


def test_a_walk_that_drops_or_keeps_the_wrong_part(monkeypatch):
    for wrong in (lambda a, b: b, lambda a, b: a.copy(), lambda a, b: a - b):
        monkeypatch.setattr(walk, "added", wrong)
        message = rejected(GRAPHS["a diamond"], X)
        assert f"input 0: {BLAME}: each Function's own backward, added up one by one, gives " in message


def test_a_walk_that_owns_too_much_is_blamed_and_not_fresh(monkeypatch):
    rewritten(monkeypatch, "if source in pending or node.fresh:", "if True:")
    message = rejected(lambda x: x + 1, X)
    assert (
        f"its gradient lies in the memory of the incoming gradient; {BLAME}: nothing here says fresh = True" in message
    )


def test_who_says_fresh_and_lends_is_blamed_by_name():
    class Lends(mf.Function):
        fresh = True

        def forward(self, x):
            return x + 1

        def backward(self, grad):
            return grad

    message = rejected(lambda x: Lends()(x * 1.0) if False else Lends()(x), X)
    assert "fresh = True promises an array of its own, in Lends" in message and "walk" not in message


def test_a_walk_that_ignores_what_is_handed_in(monkeypatch):
    monkeypatch.setattr(walk, "starting_gradient", lambda tensor, grad: np.ones(tensor.shape))
    message = rejected(lambda x: x * 2, X)
    assert "does not use the incoming gradient" in message and BLAME in message


OPERATIONS_FAULTS = {
    "a factor": cube(1.01),
    "not linear": function(lambda x: 2 * x, lambda x, g: 2 * np.abs(g)),
    "ignored": function(lambda x: 2 * x, lambda x, g: np.full(x.shape, 2.0)),
    "in place": function(lambda x: 2 * x, lambda x, g: np.multiply(g, 2, out=g)),
    "in place, used twice": lambda x: (lambda f: f(x) + f(x))(
        function(lambda x: 2 * x, lambda x, g: np.multiply(g, 2, out=g))
    ),
    "memory order": function(lambda x: 2 * x, lambda x, g: 2 * g.ravel("K").reshape(x.shape)),
    "lost": cube(0.0),
    "NaN": cube(np.nan),
}


@pytest.mark.parametrize("fn", OPERATIONS_FAULTS.values(), ids=OPERATIONS_FAULTS)
def test_a_fault_of_an_operation_is_not_laid_at_the_walk(fn):
    assert "walk" not in rejected(fn, X.copy())


def test_random_backwards_are_not_laid_at_the_walk():
    rng = np.random.default_rng(0)
    wrong = function(lambda x: 2 * x, lambda x, g: 2 * g * (1 + 0.1 * rng.random(x.shape)))
    assert "walk" not in rejected(wrong, X)


def test_readers_of_a_leaf():
    a, b = (mf.Tensor(X, requires_grad=True) for _ in range(2))
    out = (a * 2) * b + b
    assert [type(node).__name__ for node in readers(out, a)] == ["Mul"]
    assert sorted(type(node).__name__ for node in readers(out, b)) == ["Add", "Mul"]
    assert readers(out, mf.Tensor(X, requires_grad=True)) == []
