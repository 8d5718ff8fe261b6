"""A clone in which somebody added an operation, looked at from outside: each question is asked in a process of its own, so that this one keeps its library."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from checks.verdict import wrong

SECONDS = 600  # what its tests may take on a busy machine; some five on an idle one

SAYS = re.compile(r"^(?:AssertionError|Failed): ")

# what a clone says of the operation named in argv[1] at the numbers in argv[2]; values, slopes and warnings for both number types
QUESTIONS = """
import json, sys, warnings
import numpy as np
import minifcn as mf
from minifcn.ops.registry import OPERATIONS

name, numbers = sys.argv[1], json.loads(sys.argv[2])
said = {"where": mf.__file__, "listed": name in mf.ops.__all__ and hasattr(mf.ops, name), "registered": name in OPERATIONS}
if said["listed"]:
    for dtype in ("float64", "float32"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with np.errstate(all="warn", under="ignore"):
                x = mf.Tensor(np.array(numbers[dtype], dtype), requires_grad=True)
                y = getattr(mf.ops, name)(x)
                y.backward(np.full(y.shape, 3, y.dtype))
        said[dtype] = {
            "values": [float(value) for value in y.data], "slopes": [float(value) / 3 for value in x.grad],
            "kept": str(y.dtype), "warned": [str(one.message) for one in caught],
        }
print(json.dumps(said))
"""


def folder_of(answer: Any) -> Path:
    """The folder of a clone. Wrong where there is none."""
    given = answer() if callable(answer) else answer
    try:
        folder = Path(given).expanduser().resolve()
    except TypeError:
        wrong(f"expected the path of your clone, such as '..', got {given!r:.60}")
    if not (folder / "minifcn" / "ops" / "__init__.py").is_file():
        wrong(
            f"{given!r} is no clone: there is no minifcn/ops/__init__.py in it; give the folder that holds minifcn and tests"
        )
    return folder


def called(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in that folder, which finds the clone's library before any other."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    environment["COLUMNS"] = "2000"  # a sentence is told whole
    environment.pop("PYTEST_ADDOPTS", None)
    for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
        environment.pop(name)  # or it takes itself for a worker of the tests that run this check
    try:
        return subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8",
            timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        wrong(f"in your clone `python {' '.join(arguments[:2])}` took more than {SECONDS} s")
        raise  # never reached


def asked(folder: Path, name: str, numbers: dict[str, list[float]]) -> dict[str, Any]:
    """What the clone says of an operation. Wrong where its library does not even load, or the operation stops."""
    done = called(folder, "-c", QUESTIONS, name, json.dumps(numbers))
    if done.returncode:
        wrong(f"your clone stops with {last_line(done.stderr)}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def tested(folder: Path, name: str) -> int:
    """How many tests of the operation pass in the clone. Wrong with the first sentence of the first that does not."""
    done = called(
        folder, "-m", "pytest", "tests/ops", "tests/mutants", "-k", name, "-q", "-x", "-p", "no:cacheprovider"
    )
    lines = done.stdout.splitlines()
    if "No module named pytest" in done.stderr:
        wrong("values and slopes are right; its tests need pytest: pip install -e '.[test]' in your clone")
    if done.returncode:
        # FAILED tests/ops/test_forward.py::test_x[softsign] - Failed: the sentence
        failed = next((line for line in lines if line.startswith(("FAILED ", "ERROR "))), "")
        sentence = failed.partition(" - ")[2] or last_line(done.stdout + done.stderr)
        wrong(f"values and slopes are right; of its tests one fails: {SAYS.sub('', sentence)[:400]}")
    last = next((line.split() for line in reversed(lines) if " passed" in line), ["0"])
    return int(last[0])


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["nothing said"])[-1][:300]
