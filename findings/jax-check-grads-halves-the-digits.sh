#!/usr/bin/env bash
# jax.test_util.check_grads makes float32 of float64 inputs without a word, and its tolerance then is 2e-3.
#
# Guessed: without jax_enable_x64 the NumPy float64 input is cast in silence, so a backward 1.001 times too large passes.
# Happens: so it is, and no warning is given. With jax_enable_x64 the same call rejects it.
# Why it matters: float64 is handed in just to have a strict check. The call looks strict, and a part in a thousand is let through.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "jax==0.10.2" "jaxlib==0.10.2"
cat > "$folder/check.py" <<'PY'
import sys
import warnings
import jax
import numpy as np
from jax.test_util import check_grads

if "x64" in sys.argv:
    jax.config.update("jax_enable_x64", True)

@jax.custom_vjp
def square(x):
    return x**2

square.defvjp(lambda x: (x**2, x), lambda x, grad: (1.001 * 2 * x * grad,))
x = np.random.default_rng(1).standard_normal(5)
assert x.dtype == np.float64
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    try:
        check_grads(square, (x,), order=1, modes=["rev"])
        verdict = "accepted"
    except AssertionError:
        verdict = "rejected"
print(f"jax {jax.__version__}, numpy {np.__version__}, {sys.argv[1:] or 'default'}: {verdict}, {len(heard)} warnings")
sys.exit(verdict != ("rejected" if "x64" in sys.argv else "accepted") or bool(heard))
PY
"$folder/venv/bin/python" "$folder/check.py"
"$folder/venv/bin/python" "$folder/check.py" x64
