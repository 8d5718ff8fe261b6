#!/usr/bin/env bash
# PyTorch's gradcheck(fast_mode=True) accepts a gradient that is lost, where the array is large.
#
# Guessed: its absolute tolerance (1e-5) is multiplied by the sums of two random vectors, so what is forgiven grows with the array.
# Happens: for y = 0.01 x a backward that returns zeros is rejected at 100 elements and accepted at 1,000. The default mode rejects both.
# Why it matters: fast mode is the one people take for large arrays, and there a missing gradient of a small slope (a loss averaged over
# pixels, a scaled residual) passes. Compare with a small array too, or with the default mode.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" "numpy<3"
"$folder/venv/bin/python" - <<'PY'
import sys
import torch
from torch.autograd import gradcheck

class Lost(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 0.01 * x

    @staticmethod
    def backward(ctx, grad):
        return torch.zeros_like(grad)  # the right one is 0.01 * grad

print("Python", sys.version.split()[0], "torch", torch.__version__)
found = {}
for size in (100, 1000):
    for fast in (False, True):
        torch.manual_seed(0)
        x = torch.randn(size, dtype=torch.float64, requires_grad=True)
        found[size, fast] = gradcheck(Lost.apply, (x,), fast_mode=fast, raise_exception=False)
        print(f"{size} elements, fast_mode={fast}: {'accepted' if found[size, fast] else 'rejected'}")
expected = {(100, False): False, (100, True): False, (1000, False): False, (1000, True): True}
sys.exit(found != expected)
PY
