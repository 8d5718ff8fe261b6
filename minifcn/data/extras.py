"""Readers that an extra brings: loaded when a format needs them, and named where they are missing."""

from importlib import import_module
from types import ModuleType

from minifcn.data.errors import DataError


def extra(module: str, package: str, what: str) -> ModuleType:
    """The module, loaded. DataError with what to install where it is not there; `what` is what cannot be read without it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise DataError(
            f"{what} are read by {package}, which cannot be loaded ({error}): pip install 'minifcn[formats]', or pip install {package.lower()}"
        ) from error
