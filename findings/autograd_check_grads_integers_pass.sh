#!/usr/bin/env bash
# HIPS autograd's check_grads lets wrong gradients pass for integer inputs, and calls right ones wrong in float32.
#
# Guess, before it was run: integers are taken, the random directions are cast to them, mostly to 0, and then nothing is compared.
# Seen: so it is. For x**2 of np.arange(1, 6) a gradient of zeros, or of the wrong sign, is accepted for 14 of 20 seeds. In float32 the
# right one is "Derivative (VJP) check failed": the step 1e-6 and the tolerance 1e-6 are float64's.
# Why it matters: np.arange is what one types for a quick check. A green answer there says nothing. Hand in float64.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "autograd==1.9.1"
"$folder/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads

def accepted(x, factor):
    """For how many of 20 seeds is a gradient accepted that is `factor` times the right one?"""
    @primitive
    def square(x):
        return x**2

    defvjp(square, lambda answer, x: lambda grad: factor * 2 * x * grad)
    count = 0
    for seed in range(20):
        np.random.seed(seed)
        try:
            check_grads(square, modes=["rev"], order=1)(x)
            count += 1
        except AssertionError:
            pass
    return count

print("Python", sys.version.split()[0], "autograd", version("autograd"), "numpy", np.__version__)
whole = np.arange(1, 6)
found = {}
for name, x in (("int64", whole), ("float64", whole * 1.0), ("float32", (whole * 1.1).astype("float32"))):
    found[name] = [accepted(x, factor) for factor in (1, 0, -1)]
    print(f"{name}: accepted for so many of 20 seeds: right {found[name][0]}, zeros {found[name][1]}, wrong sign {found[name][2]}")
sys.exit(not (found["float64"] == [20, 0, 0] and found["int64"][0] == 20 and min(found["int64"]) >= 10 and found["float32"][0] < 10))
PY
