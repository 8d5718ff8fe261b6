"""The scripts of docs/make, which are no package: loaded from their files."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def script(name):
    path = ROOT / "docs" / "make" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"docs_make_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
