"""The scripts of docs/make, which are no package: loaded from their files."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def script(name):
    path = ROOT / "docs" / "make" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"docs_make_{name}", path)
    module = importlib.util.module_from_spec(spec)
    before = sys.path.copy()
    sys.path.insert(0, str(path.parent))  # as where it is run: its neighbours are found by their names
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module
