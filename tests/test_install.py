"""The README's test command is enough: no file needs more to be imported, a test that does skips and says so, a later run takes up what skipped."""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# what a requirement of setup.cfg is imported as, where that is another name
IMPORTED_AS = {"pillow": {"PIL"}, "ipykernel": {"ipykernel", "IPython"}, "pytest": {"pytest", "_pytest"}}
FILES = sorted([*(ROOT / "minifcn").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "lessons").rglob("*.py")])


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def installed_by_the_readme():
    """The modules that `pip install -e ".[test]"` brings, beside Python's own and those that lie here."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = f"{setup['options']['install_requires']}\n{setup['options.extras_require']['test']}".split("\n")
    names = [re.split(r"[^\w.-]", line)[0] for line in lines if line]
    brought = set().union(*(IMPORTED_AS.get(name, {name}) for name in names))
    here = {
        path.stem for folder in ("", "tests", "tests/lessons/wrong", "lessons") for path in (ROOT / folder).iterdir()
    }
    return brought | here | set(sys.stdlib_module_names)


def loaded_at_import(body):
    """The modules that a file needs to be imported: not what a function imports, nor what an `except ImportError` catches."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "importorskip":
            yield f"importorskip({ast.unparse(node.args[0])}): workers do not count a file that skips as a whole; use a mark"
        elif isinstance(node, ast.Try) and any("Import" in ast.unparse(h.type) for h in node.handlers if h.type):
            continue
        elif not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            yield from loaded_at_import(ast.iter_child_nodes(node))


def test_every_file_loads_with_what_the_readme_installs():
    """`--doctest-modules` imports every file of the tests and of the package, on machines without PyTorch and CuPy too."""
    installed = installed_by_the_readme()
    missing = {}
    for path in FILES:
        needed = set(loaded_at_import(parsed(path).body)) - installed
        if needed:
            missing[str(path.relative_to(ROOT))] = needed
    assert not missing, "import it in a function, or catch ImportError and skip"


@pytest.mark.parametrize(
    "line, needed",
    [
        ("import torch.nn.functional as F", {"torch"}),
        ("class A:\n    from torch import nn", {"torch"}),
        ("if True:\n    import cupy, os", {"cupy", "os"}),
        ("try:\n    import torch\nexcept ImportError:\n    torch = None", set()),
        ("try:\n    import torch\nexcept OSError:\n    torch = None", {"torch"}),
        ("def f():\n    import torch", set()),
        ("from .near import far", set()),
    ],
)
def test_what_a_file_loads_is_seen(line, needed):
    assert set(loaded_at_import(ast.parse(line).body)) == needed


def skips(tree):
    """The reasons for which a file skips tests, as written; "" where none is given."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or "skip" not in getattr(call.func, "attr", ""):
            continue
        name = ast.unparse(call.func)
        if name in ("pytest.skip", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.skipif"):
            reasons = [each.value for each in call.keywords if each.arg == "reason"]
            reasons += call.args[:1] if name == "pytest.skip" else []
            yield ast.unparse(reasons[0]) if reasons else ""


def test_every_skip_says_what_would_make_it_run():
    """As tests/needs.py does: "needs PyTorch: pip install torch". The end of a run counts them by it."""
    for path in FILES:
        for reason in skips(parsed(path)):
            good = re.match(r"""f?["'](\{needs\.\w+\}|needs )|needs\.\w+$|MISSING$""", reason)
            assert good, f"{path.relative_to(ROOT)} skips with {reason!r}; say what it needs, as tests/needs.py does"


def test_a_script_above_the_clone_imports_the_package(tmp_path):
    """A clone is a folder called minifcn that holds no __init__.py: found first, it is imported as an empty namespace."""
    (tmp_path / "minifcn").mkdir()
    (tmp_path / "script.py").write_text("import minifcn\nprint(minifcn.__file__, minifcn.Tensor(1.0).item())\n")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == [str(ROOT / "minifcn" / "__init__.py"), "1.0"], (
        f'{done.stderr}install it again: pip install -e ".[test]"'
    )


PLANTED = """
import pytest

def test_plain(): pass

@pytest.mark.slow
@pytest.mark.parametrize("x", ["a b", "[1]"])
def test_slow(x): pass

@pytest.mark.skipif(True, reason="needs a thing: pip install thing")
def test_thing(): pass
"""


@pytest.fixture
def run_planted(tmp_path):
    """options -> (exit code, output) of pytest on planted tests, with the conftest of these ones."""
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    (tmp_path / "tests" / "test_planted.py").write_text(PLANTED)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")

    env = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }  # as outside of a worker

    def run(*options):
        line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, env=env)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("workers", [["-n0"], ["-n2"]], ids=["alone", "workers"])
def test_what_skipped_runs_later_and_nothing_else(workers, run_planted):
    code, out = run_planted(*workers, "--save-skipped=skipped.txt")
    assert code == 0 and "1 passed, 3 skipped" in out
    assert "skipped     2: needs --all: slow and rarely red\n" in out
    assert "skipped     1: needs a thing: pip install thing\n" in out
    code, out = run_planted(*workers, "--all", "--only-skipped=skipped.txt")
    assert code == 0 and "2 passed, 1 skipped" in out and "needs --all" not in out


def test_a_skipped_test_that_is_gone_is_told(run_planted, tmp_path):
    (tmp_path / "skipped.txt").write_text("tests/test_planted.py::test_gone\n")
    code, out = run_planted("-n0", "--only-skipped=skipped.txt")
    assert code == 4 and "--only-skipped: 1 of 1 tests are not here, such as tests/test_planted.py::test_gone" in out


@pytest.mark.parametrize(
    "options, workers",
    [([], True), (["tests/test_planted.py"], False), (["--pdb"], False)],
)
def test_workers_are_for_whole_runs(options, workers, run_planted):
    code, out = run_planted(*options)
    assert code == 0 and ("workers [4 items]" in out) == workers
