#!/usr/bin/env bash
# scipy.differentiate.derivative reports success, and an error estimate of 0, where there is no derivative.
#
# Guess, before it was run: at the kink of |x| it says success and 0, since it looks at both sides alike.
# Seen: so it is, and for max(x, 0) it says 0.5 with an error estimate of 0.0. At a step it does report failure. numdifftools does the same.
# Why it matters: who takes it as the judge of a hand-written slope calls 0 and 1, which TensorFlow and PyTorch use at 0, wrong with
# great certainty. Ask on both sides (step_direction=-1 and 1): there it says 0 and 1.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "scipy==1.17.1"
"$folder/venv/bin/python" - <<'PY'
import sys
import numpy as np
import scipy
from scipy.differentiate import derivative

print("Python", sys.version.split()[0], "scipy", scipy.__version__, "numpy", np.__version__)
relu = lambda x: np.maximum(x, 0)
found = {}
for name, function, options in (
    ("|x|", np.abs, {}), ("max(x, 0)", relu, {}), ("sign(x)", np.sign, {}),
    ("max(x, 0) from the left", relu, {"step_direction": -1}), ("max(x, 0) from the right", relu, {"step_direction": 1}),
):
    result = derivative(function, 0.0, **options)
    found[name] = bool(result.success), round(float(result.df), 9), float(result.error)
    print(f"{name} at 0: success {result.success}, derivative {result.df:.3g}, error estimate {result.error:.3g}")
sys.exit(
    not (
        found["|x|"] == (True, 0.0, 0.0) and found["max(x, 0)"][:2] == (True, 0.5) and found["max(x, 0)"][2] < 1e-12
        and not found["sign(x)"][0]
        and found["max(x, 0) from the left"][:2] == (True, 0.0) and found["max(x, 0) from the right"][:2] == (True, 1.0)
    )
)
PY
