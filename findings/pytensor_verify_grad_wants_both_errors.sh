#!/usr/bin/env bash
# PyTensor's verify_grad (Theano's) rejects only where the absolute AND the relative error are too large.
#
# Guess, before it was run: with abs_tol 1e-4 a gradient below that may be anything: lost, or of the wrong sign.
# Seen: for y = 1e-5 x a gradient of zeros, and one of the opposite sign, are accepted; for y = x both are rejected.
# Why it matters: an operation whose slopes are small (normalised by a size, multiplied by a rate) is called right whatever its
# gradient says. Scale the operation up for the check, or hand in abs_tol.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pytensor==3.0.7"
PYTENSOR_FLAGS="base_compiledir=$folder/compiled,cxx=,linker=py" "$folder/venv/bin/python" -W ignore - <<'PY'
import sys
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.gradient import GradientError, verify_grad
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

class Scaled(Op):
    def __init__(self, slope, told):
        self.slope, self.told = slope, told

    def make_node(self, x):
        x = pt.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = self.slope * inputs[0]

    def grad(self, inputs, gradients):
        return [self.told * gradients[0]]

    def pullback(self, inputs, outputs, gradients):
        return self.grad(inputs, gradients)

print("Python", sys.version.split()[0], "pytensor", pytensor.__version__, "numpy", np.__version__)
x = np.random.default_rng(1).standard_normal(5)
found = []
for slope in (1.0, 1e-5):
    for told in (slope, 0.0, -slope):
        try:
            verify_grad(Scaled(slope, told), [x], rng=np.random.default_rng(2))
            found.append("accepted")
        except GradientError:
            found.append("rejected")
        print(f"slope {slope:g}, gradient says {told:g}: {found[-1]}")
sys.exit(found != ["accepted", "rejected", "rejected", "accepted", "accepted", "accepted"])
PY
