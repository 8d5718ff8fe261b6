"""Which part of a network made a result? A Module notes each of its calls here, and every Function remembers the call that it ran in.

Nothing is computed from it. It lets a picture of the graph fold a network by its modules.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any


class Call:
    """One call of a Module, and the call that it was made from (None at the outermost)."""

    __slots__ = ("module", "outer")

    def __init__(self, module: Any, outer: Call | None) -> None:
        self.module, self.outer = module, outer

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        """Pickled or copied it is None: a result that travels to another process does not take the whole network along."""
        return type(None), ()

    def chain(self) -> list[Call]:
        """The calls from the outermost to this one."""
        found: list[Call] = []
        call: Call | None = self
        while call is not None:
            found.append(call)
            call = call.outer
        return found[::-1]


_current: ContextVar[Call | None] = ContextVar("call", default=None)
current = _current.get


def enter(module: Any) -> Token[Call | None]:
    """Begin a call of `module`; give the token to `leave` when it ends."""
    return _current.set(Call(module, _current.get()))


leave = _current.reset
