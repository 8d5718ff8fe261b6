"""How docstrings become pages: an example that begins with `>>>` is code, and what stands between backticks stays as it is."""

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"^>>> .*?(?=\n\n(?!>>> )|\Z)", re.DOTALL | re.MULTILINE)


# a "<" that Markdown would take for a tag, as in <f(x), y>; what stands in code is matched first, and left alone
ANGLE = re.compile(r"```.*?```|`[^`\n]*`|^    [^\n]*$|<(?=[A-Za-z/!?])", re.DOTALL | re.MULTILINE)


def as_markdown(text: str) -> str:
    """The docstring with its examples as blocks of code, and without anything that would pass for HTML."""
    text = EXAMPLE.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```", text)
    return ANGLE.sub(lambda match: "&lt;" if match[0] == "<" else match[0], text)


class Docstrings(Extension):
    """Griffe's hook: called for every module, class, function and attribute that it has read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
