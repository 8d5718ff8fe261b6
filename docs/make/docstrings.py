"""How docstrings become pages: an example that begins with `>>>` is code, and what stands between backticks stays as it is."""

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"^>>> .*?(?=\n\n(?!>>> )|\Z)", re.DOTALL | re.MULTILINE)


def fenced(text: str) -> str:
    """The docstring with its examples as blocks of code."""
    return EXAMPLE.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```", text)


class Docstrings(Extension):
    """Griffe's hook: called for every module, class, function and attribute that it has read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
