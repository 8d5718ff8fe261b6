"""What a new operation still lacks: one test a piece, which says in one sentence which file wants what. CONTRIBUTING.md has the recipe.

Whatever needs a missing piece is not generated for that operation, so that these sentences are all there is to read.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mutants.catalogue import MUTANTS
from oracles import ORACLES
from twins import TWINS

import minifcn as mf
from minifcn import ops
from minifcn.ops import OPERATIONS

from .calls import draw, empty_batches, missing_empty_batch
from .test_errors import CONVOLUTION
from .test_errors_other import CASES as OTHER_CASES

FOLDER = Path(ops.__file__).parent
each_operation = pytest.mark.parametrize("name", OPERATIONS)


def demand(condition, sentence):
    """A sentence and no traceback: nothing is wrong in this file."""
    if not condition:
        pytest.fail(sentence, pytrace=False)


def decorated(node):
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(d, ast.Call) and isinstance(d.func, ast.Name) and d.func.id == "operation"
        for d in node.decorator_list
    )


def file_of(name):
    return OPERATIONS[name].function.__module__.replace(".", "/") + ".py"


WRITTEN = {  # whether or not anybody imports the file: name -> (module below minifcn.ops, the function as it stands there)
    node.name: (".".join(path.relative_to(FOLDER).with_suffix("").parts), node)
    for path in sorted(FOLDER.rglob("*.py"))
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if decorated(node)
}


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_exported(name):
    imported = f"from minifcn.ops.{WRITTEN[name][0]} import {name}"
    demand(
        name in OPERATIONS and hasattr(ops, name) and name in ops.__all__,
        f'{name} is not exported: minifcn/ops/__init__.py wants "{imported}" and "{name}" in __all__',
    )


@each_operation
def test_it_has_a_docstring(name):
    demand(
        OPERATIONS[name].function.__doc__,
        f"{name} has no docstring: {file_of(name)} wants its formula, its shapes, and its slope at each kink",
    )


@each_operation
def test_it_has_an_oracle(name):
    demand(name in ORACLES, f"{name} has no oracle: tests/oracles.py wants its definition in plain loops, in ORACLES")


@each_operation
def test_it_has_a_twin(name):
    demand(name in TWINS, f"{name} has no twin: tests/twins.py wants what PyTorch calls it, in TWINS")


@each_operation
def test_it_has_mutants(name):
    count = sum(mutant.operation == name for mutant in MUTANTS)
    demand(
        count >= 2,
        f"{name} has {count} mutants: tests/mutants/ wants at least 2 wrong versions of it, of the kinds that people write, "
        f'each under @mutant("{name}", …) in the file of its family, tests/mutants/{Path(file_of(name)).name}',
    )


@each_operation
def test_it_has_a_call_on_an_empty_batch(name):
    demand(not missing_empty_batch(name), missing_empty_batch(name))


@each_operation
def test_its_own_messages_are_tested(name):
    raised = sum(isinstance(node, ast.Raise) for node in ast.walk(WRITTEN[name][1])) if name in WRITTEN else 0
    cases = [case for case in (*CONVOLUTION, *OTHER_CASES) if case.split()[0] == name]
    demand(
        len(cases) >= raised,
        f"{name} raises {raised} errors in {file_of(name)} and {len(cases)} of its messages are tested: "
        f'CASES in tests/ops/test_errors_other.py wants one each, under a name that begins with "{name} "',
    )


@each_operation
def test_it_refuses_integers_under_its_own_name(name):
    """By registration alone: the wrapper looked at its arguments, and its messages carry no other operation's name."""
    call = draw(name, 0)
    integers = [mf.Tensor(np.ones(value.shape, int)) for value in call.inputs]
    said = "nothing"
    try:
        call.run(OPERATIONS[name].function, integers)
    except Exception as error:  # whatever it is, the sentence below says what it should be
        said = f"{error}"
    demand(
        said.startswith(f"{name}: ") and "int64" in said,
        f'{name} on integers says "{said}": {file_of(name)} wants checks.as_tensor("{name}", …) for each input',
    )


def test_nothing_is_listed_for_an_operation_that_there_is_not():
    for where, names in {
        "tests/oracles.py": set(ORACLES),
        "tests/twins.py": set(TWINS),
        "tests/mutants": {mutant.operation for mutant in MUTANTS},
        "tests/ops/calls.py": set(empty_batches()),
    }.items():
        assert names <= set(OPERATIONS), f"{where}: no such operation: {names - set(OPERATIONS)}"


HALF_DONE = """
from minifcn.autodiff.engine import Function
from minifcn.ops import checks, samples
from minifcn.ops.registry import operation

class HalfDone(Function):
    def forward(self, x):
        self.x = x
        return {formula}

    def backward(self, grad):
        return grad * {slope}

@operation(samples.one)
def halfdone(x):
    "Half of x, or what is said."
    return HalfDone()(checks.as_tensor("halfdone", x))
"""


@pytest.mark.parametrize(
    "formula, slope, more",
    [
        ("x / 2", "0.5", []),
        ("np.log1p(np.exp(x))", "1 / (1 + np.exp(-self.x))", ["overflow encountered in exp"] * 2),  # the classic fault
    ],
)
def test_whoever_follows_the_recipe_reads_three_sentences_and_no_traceback(formula, slope, more, tmp_path):
    """An operation that is registered and has nothing else yet, in a process of its own."""
    (tmp_path / "halfdone.py").write_text(
        "import numpy as np" + HALF_DONE.format(formula=formula, slope=slope), encoding="utf-8"
    )
    files = ["gradients", "forward", "parity", "range", "recipe"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "halfdone", "-p", "no:cacheprovider", "-k", "halfdone"]
    done = subprocess.run(
        [*command, *(str(Path(__file__).parent / f"test_{name}.py") for name in files)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(FOLDER.parent.parent)])},
        capture_output=True,
        text=True,
    )
    failures = [line for line in done.stdout.splitlines() if line.startswith(("halfdone ", "halfdone, "))]
    wanted = ["halfdone has no oracle: ", "halfdone has no twin: ", "halfdone has 0 mutants: "]
    assert len(failures) == len(wanted) + len(more), done.stdout
    for sentence in wanted:
        assert any(line.startswith(sentence) for line in failures), done.stdout
    for sentence in more:
        assert sum(sentence in line for line in failures) == len(more), done.stdout
    assert "KeyError" not in done.stdout and "Traceback" not in done.stdout
    assert f"{len(failures)} failed, " in done.stdout, "and nothing else fails"
