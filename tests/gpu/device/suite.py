"""The project's own tests of the GPU path, on the device; and some of them under NVIDIA's memory checker, where it is installed.

This file is a plugin of pytest too: of tests/gpu only what asks for the device itself is run, and each outcome is noted as it comes, so that a
run cut short says what it did.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .report import Stage

NOTES = "MINIFCN_DEVICE_NOTES"  # the environment variable with the file of notes
ROOT = Path(__file__).parents[3]
# one fault of a warning must not hide what is looked for: CuPy warns of what it likes
PYTEST = [
    "-m",
    "pytest",
    "-q",
    "-p",
    "gpu.device.suite",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "-o",
    "filterwarnings=default",
    "--tb=short",
]
KERNELS = "tests/gpu/test_kernels.py"
CHECKED = (
    "winograd",
    "any_memory",
    "empty_batch",
    "nan_wins",
    "void",
)  # parts of the names of its tests: under the checker each takes long


def run(stage, words, before=(), **environment):
    """pytest in a process of its own; its words go to the log."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    # a worker of xdist may have started this; what runs here is none of its own
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    environment = {**own, NOTES: str(stage.path), "PYTHONPATH": path, **environment}
    return subprocess.run([*before, sys.executable, *PYTEST, *words], cwd=ROOT, env=environment, check=False).returncode


def tests(stage):
    if stage.small:
        run(stage, ["tests/gpu/test_masks.py", "-k", "edge"])
        return
    parallel = ["-n", "4"] if importlib.util.find_spec("xdist") else ["-p", "no:xdist"]
    run(stage, ["tests/gpu", *parallel])


def sanitizer(stage):
    program = shutil.which("compute-sanitizer")
    missing = stage.gpu or (None if program else "compute-sanitizer, which is in NVIDIA's CUDA toolkit")
    stage.check("memcheck finds nothing in the kernels", memcheck, stage, program, needs=missing)


def memcheck(stage, program):
    log, cache = stage.path.with_suffix(".memcheck"), stage.path.with_suffix(".cache")
    words = [KERNELS, "-p", "no:xdist", "-k", " or ".join(CHECKED)]
    code = run(stage, words, (program, "--tool", "memcheck", "--log-file", str(log)), CUPY_CACHE_DIR=str(cache))
    return verdict(log.read_text(encoding="utf-8"), code)


def verdict(text, code):
    """What the memory checker wrote, and the exit code of what it watched."""
    found = re.findall(r"ERROR SUMMARY: (\d+) error", text)
    first = [line for line in text.splitlines() if "Invalid" in line or "Error" in line][:5]
    return dict(ok=bool(found) and set(found) == {"0"} and code == 0, errors=found, code=code, first=first)


def pytest_collection_modifyitems(config, items):
    keep, drop = [], []
    for item in items:
        spec = getattr(item, "callspec", None)
        (keep if spec is not None and spec.params.get("cupy") == "gpu" else drop).append(item)
    config.hook.pytest_deselected(items=drop)
    items[:] = keep


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" in os.environ or (report.when != "call" and report.passed):
        return  # a worker's reports come to the process that started it, and are noted there
    stage, name = Stage("tests", os.environ[NOTES]), report.nodeid.removeprefix("tests/gpu/")
    if report.skipped:
        stage.note(name, "not tried: " + report.longrepr[2].removeprefix("Skipped: "))
    else:
        said = {} if report.passed else {"said": str(report.longrepr)[-600:]}
        stage.note(name, "right" if report.passed else "wrong", **said)
