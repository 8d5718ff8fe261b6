"""The checks of all exercises. In a lesson: `import check`, then `check.NAME(your_answer)`; the lesson says which."""

from importlib import import_module
from pathlib import Path
from typing import Any

from checks.verdict import CHECKS, Verdict
from yours import use

for file in sorted((Path(__file__).parent / "checks").glob("lesson_*.py")):
    import_module(f"checks.{file.stem}")


def __getattr__(name: str) -> Any:
    if name not in CHECKS:
        raise AttributeError(f"check: there is no exercise {name!r}; there are {', '.join(sorted(CHECKS))}")
    return CHECKS[name]


def __dir__() -> list[str]:
    return sorted([*CHECKS, "use"])


__all__ = ["CHECKS", "Verdict", "use"]
