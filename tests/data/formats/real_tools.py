"""The tools themselves, where they are installed: what they write and how they read it is what the readers are held against."""

import importlib
import warnings

import pytest


def tool(module, package=None):
    """A module of a tool, or a skip."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError:
        apart = module.partition(".")[0]
        extra = f"formats-test-{apart}" if apart in ("supervisely", "ultralytics") else "formats-test"
        pytest.skip(f"needs {package or module}: pip install -e .[{extra}]")


def quietly(function, *arguments, **named):
    """A call into a tool that may warn about itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **named)
