"""Kernels for speed. Each has a simple twin of the same name and arguments in `simple.py` and is tested against it."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Fast(NamedTuple):
    """A fast kernel and the question whether it takes these arguments."""

    run: Callable[..., Any]
    suits: Callable[..., bool]


KERNELS: dict[str, Fast] = {}
