"""Arrays in, arrays out; nothing here knows of gradients. `call` decides which of two kernels of one name runs.

`simple` holds every kernel, written to be read. `fast` may hold a second one of the same name and arguments; it is tested
against the first. "fast" is the default; what has no fast version runs the simple one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from minifcn.kernels import choice, simple
from minifcn.kernels.windows import Window, pair, same_padding

__all__ = ["Window", "call", "pair", "same_padding", "use"]


def __dir__() -> list[str]:
    return sorted(__all__)


CHOICES = ("simple", "fast")


def _checked(choice: str, source: str) -> str:
    if choice not in CHOICES:
        raise ValueError(f"{source}: unknown kernels {choice!r}; choose one of {', '.join(CHOICES)}")
    return choice


DEFAULT = _checked(os.environ.get("MINIFCN_KERNELS", "fast"), "the environment variable MINIFCN_KERNELS")
_choice: ContextVar[str] = ContextVar("kernels", default=DEFAULT)


@contextmanager
def use(choice: str) -> Iterator[None]:
    """Inside `with minifcn.kernels.use("simple"):` (or "fast") every operation runs on those kernels."""
    token = _choice.set(_checked(choice, "kernels.use"))
    try:
        yield
    finally:
        _choice.reset(token)


def chosen() -> str:
    """ "simple" or "fast": which kernels run here."""
    return _choice.get()


def call(name: str, *arguments: Any) -> Any:
    """Run the kernel called `name`: the fast one where it exists, is wanted and takes these arguments, else the simple one."""
    if _choice.get() == "fast":
        for kernel in choice.KERNELS.get(name, ()):
            if kernel.suits(*arguments):
                return kernel.run(*arguments)
    return getattr(simple, name)(*arguments)
