#!/usr/bin/env bash
# MyGrad's maximum gives a tie to nobody, while its max over an axis gives it to the first.
#
# Guess, before it was run: at a tie both inputs of maximum get 0.
# Seen: so it is: moved together, both inputs change the result by 1, and their gradients add up to 0. mygrad.max of the same two
# numbers gives 1 and 0, PyTorch and autograd a half each.
# Why it matters: maximum(x, x.copy()), a ReLU written as maximum(x, y) with equal scores, or two equal score maps joined by a maximum
# learn nothing where they tie. A slope between the two sides is a matter of taste; a sum that is not the slope of the whole is not.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "mygrad==2.5.0"
"$folder/venv/bin/python" - <<'PY'
import sys
import mygrad as mg
import numpy as np

print("Python", sys.version.split()[0], "mygrad", mg.__version__, "numpy", np.__version__)
a, b = mg.tensor([1.0, 2.0, 3.0]), mg.tensor([1.0, 0.0, 3.0])
mg.maximum(a, b).sum().backward()
print("maximum([1, 2, 3], [1, 0, 3]): gradients", a.grad, b.grad)
both = mg.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 3.0]])
mg.max(both, axis=1).sum().backward()
print("max of the same pairs:         gradients", both.grad[:, 0], both.grad[:, 1])
right = a.grad.tolist() == [0, 1, 0] and b.grad.tolist() == [0, 0, 0] and both.grad.tolist() == [[1, 0], [1, 0], [1, 0]]
sys.exit(not right)
PY
