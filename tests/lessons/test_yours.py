"""lessons/yours.py and lessons/parts.py: answers are found, tried and built in; the network they make is the library's."""

import json

import check
import numpy as np
import parts
import pytest
import yours

import minifcn as mf
from minifcn import ops

RIGHT = "def my_join(coarse, finer, offset):\n    return together(coarse, finer, offset)\n\n\ncheck.join(my_join)"
HELPER = """from minifcn.models.heads import join

OFFSETS = (0, 1)
LIMIT = open("/no/such/file")  # not run: it is no constant


def together(coarse, finer, offset):
    import minifcn as mf
    return join(mf.Tensor(coarse), mf.Tensor(finer), offset).data"""
WRONG = "def my_join(coarse, finer, offset):\n    return coarse + finer\n\n\ncheck.join(my_join)"
STUB = "def my_join(coarse, finer, offset):\n    ...\n\n\ncheck.join(my_join)"


@pytest.fixture
def folder(tmp_path):
    """Writes the cells of lesson 14 and gives the folder."""

    def write(*cells, name="14_fcn16s.ipynb"):
        made = [dict(cell_type="code", source=text.splitlines(keepends=True)) for text in cells]
        (tmp_path / name).write_text(json.dumps(dict(cells=[dict(cell_type="markdown", source=["# 14"]), *made])))
        return tmp_path

    return write


def test_an_answer_is_found_with_what_it_calls(folder, capsys):
    made = check.use(notebooks=folder("%matplotlib inline", "1 / 0\nraise SystemExit", HELPER, RIGHT))
    assert made.whose["join"] == "yours" and made.whose["mean_loss"] == "the library's"
    assert capsys.readouterr().out == "1 of 11 parts are yours, 10 of 11 parts are the library's\n"
    assert "join                 yours" in repr(made)


def test_a_wrong_answer_is_told_and_not_built_in(folder, capsys):
    made = check.use(notebooks=folder(WRONG))
    said = capsys.readouterr().out
    assert made.whose["join"] == "the library's" and made.of["join"] is parts.LIBRARY["join"]
    assert said.startswith("✗ join: ") and said.endswith("\n11 of 11 parts are the library's\n")


@pytest.mark.parametrize("cells", [(STUB,), ("def my_join(",), ("check.join(nobody)",), ()])
def test_what_is_not_there_is_the_librarys_without_a_word(cells, folder, capsys):
    check.use(notebooks=folder(*cells))
    assert capsys.readouterr().out == "11 of 11 parts are the library's\n"


def test_nothing_in_a_notebook_is_run_but_definitions(folder, tmp_path):
    cell = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\nx = pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    check.use(notebooks=folder(cell, RIGHT))
    assert not (tmp_path / "ran").exists()


def test_a_notebook_that_cannot_be_read_is_told(folder, capsys):
    place = folder(RIGHT.replace("together", "sum"))
    (place / "05_x.ipynb").write_text("{")
    check.use(notebooks=place)
    assert "05_x.ipynb: not a notebook that can be read; save it again in Jupyter" in capsys.readouterr().out


def test_functions_that_are_given_come_first(folder, capsys):
    def my_bilinear_kernel(size):
        return parts.bilinear_kernel(size)

    def other(coarse, finer, offset):
        return parts.join(coarse, finer, offset)

    made = check.use(my_bilinear_kernel, join=other, notebooks=folder(WRONG))
    assert made.of["bilinear_kernel"] is my_bilinear_kernel and made.of["join"] is other
    assert capsys.readouterr().out.startswith("2 of 11 parts are yours")


def test_what_is_no_part_is_told(tmp_path):
    def my_survivors(checker, mutants): ...

    with pytest.raises(ValueError, match="no part is called 'survivors'; parts are order_of_visits, conv2d_taps"):
        check.use(my_survivors, notebooks=tmp_path)
    with pytest.raises(ValueError, match="missing is 'none'; expected"):
        check.use(missing="none", notebooks=tmp_path)


def test_without_solutions_the_library_fills_in(tmp_path, monkeypatch, capsys):
    """As in a learner's copies."""
    monkeypatch.setattr(yours, "HERE", tmp_path)
    check.use(missing="solutions", notebooks=tmp_path)
    assert capsys.readouterr().out == "11 of 11 parts are the library's\n"


@pytest.mark.parametrize("missing, owner", [("solutions", "solutions/"), ("library", "the library's")])
def test_every_operation_is_the_librarys_and_has_its_gradient(missing, owner, tmp_path):
    made = check.use(missing=missing, notebooks=tmp_path)
    assert set(made.whose.values()) == {owner} and list(made.of) == list(parts.LIBRARY)
    rng = np.random.default_rng(26)
    x, weight, bias = rng.standard_normal((2, 3, 5, 7)), rng.standard_normal((4, 3, 3, 3)), rng.standard_normal(4)
    labels = rng.choice([0, 1, 2, 255], (2, 5, 7)).astype(np.uint8)
    finer = rng.standard_normal((2, 3, 6, 8))
    tent = np.eye(3)[:, :, None, None] * parts.bilinear_kernel(4)
    cases = [
        (lambda x, w, b: made.conv2d(x, w, b, 1), (x, weight, bias), ops.conv2d(x, weight, bias, 1, 1)),
        (made.relu, (x,), ops.relu(x)),
        (made.max_pool2d, (x,), ops.max_pool2d(x, 2, 2, ceil_mode=True)),
        (lambda x: made.upsample(x, 2), (x,), ops.conv_transpose2d(x, tent, None, 2, 1)),
        (lambda a, b: made.join(a, b, 1), (x, finer), mf.Tensor(x + finer[:, :, 1:, 1:])),
        (lambda x: made.mean_loss(x, labels), (x,), ops.softmax_cross_entropy(x, labels)),
    ]
    for f, inputs, wanted in cases:
        assert np.allclose(f(*inputs).data, wanted.data, rtol=1e-12, atol=1e-12)
        mf.gradcheck(f, inputs)


def test_the_walk_back_gives_every_leaf_its_gradient(tmp_path):
    made = check.use(missing="solutions", notebooks=tmp_path)
    arrays = [np.random.default_rng(k).standard_normal((2, 3, 4, 4)) for k in (0, 1)]
    ours, theirs = ([mf.Tensor(each.copy(), requires_grad=True) for each in arrays] for _ in range(2))

    def loss(a, b):
        shared = made.relu(a)  # used twice
        return ops.sum(made.join(shared, b * shared))

    for _ in range(2):  # the second time adds
        made.backward(loss(*ours))
        loss(*theirs).backward()
    for a, b in zip(ours, theirs, strict=True):
        assert np.allclose(a.grad, b.grad)
