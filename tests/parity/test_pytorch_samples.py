"""Of PyTorch's own samples none may come out different. In a process of its own: their test code changes PyTorch's settings when it is imported."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from twins import MISSING, torch

pytestmark = pytest.mark.skipif(torch is None, reason=MISSING)

# what may be refused, with PyTorch's name of the operation: each says so, or has no such argument
REFUSED = {
    "__rmatmul__": "need at least # axes",
    "add": "no argument alpha",
    "cat": "does not exist in shape (#,)",
    "clamp": "expected one number or None",
    "div": "no argument rounding_mode",
    "log_softmax": "no argument dtype|a single number",
    "matmul": "need at least # axes",
    "mean": "does not exist in shape ()|all axes as ()",
    "nn.functional.avg_pool2d": "no argument divisor_override|padding is (#,)",
    "nn.functional.batch_norm": "expected # (N, C, H, W)",
    "nn.functional.cross_entropy": "labels as probabilities",
    "nn.functional.interpolate": "no argument scale_factor|no mode|expected # (N, C, H, W)",
    "nn.functional.pad": "no argument mode|leaves nothing",
    "softmax": "no argument dtype|a single number",
    "sub": "no argument alpha",
    "sum": "does not exist in shape ()|all axes as ()",
    "transpose": "do not swap two axes of shape ()",
}


def tally(*options):
    command = [sys.executable, "-m", "parity.pytorch_samples", "--json", *options]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_none_of_pytorchs_own_samples_is_different(record_property):
    found = tally("--most", "40")
    assert len(found) >= 40
    different = [said for row in found.values() for said in row["what"]]
    assert not different, "\n".join(different[:10])
    counts = {word: sum(row[word] for row in found.values()) for word in ("equal", "meant")}
    record_property("equal", counts["equal"])
    assert counts["equal"] > 900 and counts["meant"] > 10
    for name, row in found.items():
        assert row["equal"] or name == "clamp", f"{name}: nothing was compared"
        for said in row["refused"]:
            allowed = REFUSED.get(name, "").split("|")
            assert any(part and part in said for part in allowed), f"{name} refuses what it took before: {said}"


def test_a_difference_is_seen():
    """The comparison itself: a value, a gradient and a shape that are not PyTorch's."""
    from .pytorch_samples import difference, last_of_each

    one = np.ones(3)
    assert difference(one, one, 1e-9) == ""
    assert difference(one, one * 1.001, 1e-9) == "1.0e-03 apart"
    assert difference(one, one[:2], 1e-9).startswith("shape")
    assert difference(one.astype("f4"), one, 1e-9).startswith("float32")
    assert difference(one, np.array([1, 1, np.inf]), 1e-9) == "other values where PyTorch is infinite or NaN"
    assert last_of_each(np.array([[[3, 1], [3, 2]]])).tolist() == [[[False, True], [True, True]]]
