"""The committed notebooks and their sources, read with the standard library alone: these tests skip nowhere."""

import ast
import json
import re
from pathlib import Path

LESSONS = Path(__file__).parents[2] / "lessons"
SOURCES = sorted((LESSONS / "src").glob("[0-9][0-9]_*.py"))
NAMES = [path.stem for path in SOURCES]


def cells_of_source(path):
    """(kind, text) of each cell of a py:percent file."""
    found = []
    for part in re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
        first, _, body = part.partition("\n")
        if "[markdown]" in first:
            lines = [re.sub(r"^# ?", "", line) for line in body.splitlines()]
            found.append(("markdown", "\n".join(lines).strip()))
        else:
            found.append(("code", body.strip()))
    return found


def notebook(name):
    return json.loads((LESSONS / f"{name}.ipynb").read_text(encoding="utf-8"))


def cells_of_notebook(name):
    return [(cell["cell_type"], "".join(cell["source"]).strip()) for cell in notebook(name)["cells"]]


def text_of(name):
    """All prose of a lesson."""
    return "\n\n".join(text for kind, text in cells_of_source(LESSONS / "src" / f"{name}.py") if kind == "markdown")


def code_of(name):
    return "\n\n".join(text for kind, text in cells_of_source(LESSONS / "src" / f"{name}.py") if kind == "code")


def checks_used(name):
    """The exercises of a lesson in their order: names called as check.NAME(...)."""
    calls = [node for node in ast.walk(ast.parse(code_of(name))) if isinstance(node, ast.Call)]
    found = [
        (call.lineno, call.func.attr)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and getattr(call.func.value, "id", "") == "check"
        and call.func.attr != "use"
    ]
    return [attribute for _, attribute in sorted(found)]
