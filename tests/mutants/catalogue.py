"""All mutants: importing a file lists its own, and every file of this folder is imported. `python -m tests.mutants.catalogue` prints what the check says of each."""

from importlib import import_module
from pathlib import Path

import minifcn as mf

from .plant import MUTANTS

for file in sorted(Path(__file__).parent.glob("*.py")):
    if not file.stem.startswith(("_", "test_", "catalogue")):
        import_module(f".{file.stem}", __package__)

__all__ = ["MUTANTS"]


def what_is_said(mutant):
    """The line of the check's message that says how the gradient is wrong, for the first seed."""
    with mutant.planted():
        try:
            mutant.run(mutant.call(0), 0)
        except mf.GradcheckError as error:
            lines = [line.strip() for line in str(error).splitlines()]
            said = [line.removeprefix("diagnosis: ") for line in lines if line.startswith("diagnosis: ")]
            named = [line for line in said if "no pattern" not in line and line != "as said above"]
            if len(lines) == 1 or (said and "as said above" not in said and "wrong (" in lines[1]):
                return (named or said or lines)[0]
            return lines[1]
    return "NOT REJECTED"


def table():
    rows = ["| operation | fault | caught by | what it says |", "|---|---|---|---|"]
    return rows + [f"| {m.operation} | {m.fault} | {m.check_name} | {what_is_said(m)} |" for m in MUTANTS]


if __name__ == "__main__":
    print("\n".join(table()))
