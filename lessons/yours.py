"""`check.use()`: your answers to exercises of lessons 02 to 14 as the parts of a network, and the library's where yours are missing.

    parts = check.use()                        # from the notebooks in this folder
    parts = check.use(my_conv2d_taps)          # and this one, whatever the notebooks say
    parts = check.use(join=my_other_join)      # under the exercise's name

Each answer is tried by its exercise's check first; a wrong one is not built in, and its hint is shown. Nothing in a notebook is run but
imports, definitions and constants.
"""

import ast
import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checks.verdict import CHECKS, Verdict
from parts import LIBRARY, Answer, Parts

HERE = Path(__file__).resolve().parent


def use(*functions: Answer, notebooks: str | Path = ".", missing: str = "library", **named: Answer) -> Parts:
    """Parts of a network from your answers: those given, and those that the notebooks in the folder `notebooks` hold.

    `functions` are known by their names, with or without "my_". What is missing or wrong is the library's; with missing="solutions",
    where a folder solutions/ lies beside, the answer in there.
    """
    given = {function.__name__.removeprefix("my_"): function for function in functions} | named
    for name in given:
        if name not in LIBRARY:
            raise ValueError(f"check.use: no part is called {name!r}; parts are {', '.join(LIBRARY)}")
    if missing not in ("library", "solutions"):
        raise ValueError(f'check.use: missing is {missing!r}; expected "library" or "solutions"')
    found = dict(from_notebooks(Path(notebooks))) | given
    fallback = dict(from_solutions()) if missing == "solutions" else {}
    of, whose = {}, {}
    for name, library in LIBRARY.items():
        verdict = tried(name, found.get(name))
        if verdict.state == "wrong":
            print(verdict)
        if verdict.state == "passed":
            of[name], whose[name] = found[name], "yours"
        elif name in fallback:
            of[name], whose[name] = fallback[name], "solutions/"
        else:
            of[name], whose[name] = library, "the library's"
    owners = list(whose.values())
    print(
        ", ".join(
            f"{owners.count(each)} of {len(owners)} parts are {words}" for each, words in OWNERS if each in owners
        )
    )
    return Parts(of, whose)


OWNERS = (("yours", "yours"), ("solutions/", "from solutions/"), ("the library's", "the library's"))


def tried(name: str, answer: Answer | None) -> Verdict:
    """What the exercise's check says, without its line."""
    with contextlib.redirect_stdout(io.StringIO()):
        return CHECKS[name](answer)


# ---- where answers are found ----


def from_solutions() -> Iterator[tuple[str, Answer]]:
    for path in sorted((HERE / "solutions").glob("lesson_*.py")):
        if path.stem in {CHECKS[name].__module__.removeprefix("checks.") for name in LIBRARY}:
            space: dict[str, Any] = {"__name__": path.stem}
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
            yield from space["SOLUTIONS"].items()


def from_notebooks(folder: Path) -> Iterator[tuple[str, Answer]]:
    """(exercise, answer) of all notebooks in `folder` that call a part's check. Stubs come along; the check knows them."""
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        code = code_of(path)
        if any(f"check.{name}(" in code for name in LIBRARY):
            yield from answers_in(code, path)


def code_of(path: Path) -> str:
    """The code of a notebook without the cells that are no Python."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        print(f"{path.name}: not a notebook that can be read; save it again in Jupyter")
        return ""
    return "\n\n".join(filter(parses, texts))


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:  # a command of Jupyter's, or a cell that is not finished
        return False
    return True


def answers_in(code: str, path: Path) -> Iterator[tuple[str, Answer]]:
    """What `check.NAME(answer)` is given, for each part. Of the code only imports, definitions and constants are run."""
    tree, space = ast.parse(code), {"__name__": path.stem}
    for node in filter(harmless, tree.body):
        with contextlib.suppress(Exception):  # one that needs what was not run
            exec(compile(ast.Module([node], []), path.name, "exec"), space)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Name):
            continue
        name = getattr(call.func, "attr", "")
        if ast.unparse(call.func) == f"check.{name}" and name in LIBRARY and callable(space.get(call.args[0].id)):
            yield name, space[call.args[0].id]


def harmless(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        with contextlib.suppress(ValueError):
            ast.literal_eval(node.value)
            return True
    return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
