#!/usr/bin/env bash
# PyTorch's ONNX exporter leaves a bias of zeros out of the file, so an untrained network's has no biases at all; the older exporter keeps them.
#
# Guess, before it was run: every parameter of the network is an initialiser of the file, under its own name, whichever exporter writes it.
# Valid input: a network of two convolutions with biases, exported with no options but the exporter. Runtimes score the same, as nothing is
# added where zeros were. But who reads the file's arrays by name (to train on, to compare, to convert) misses half of them, and only where they
# happen to be zero: most networks start so, and the same code works on a trained one. Batch norm is folded into the convolution before it by
# both exporters; the newer one leaves the convolution's name as it was, so `first.weight` is no longer the parameter of that name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6

cat > bias.py <<'END'
import sys
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper

warnings.simplefilter("ignore")


class Network(torch.nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4) if norm else torch.nn.Identity()
        self.second = torch.nn.Conv2d(4, 5, 1)

    def forward(self, x):
        return self.second(torch.relu(self.norm(self.first(x))))


def exported(network, dynamo):
    torch.onnx.export(network, (torch.zeros(1, 3, 8, 8),), "m.onnx", dynamo=dynamo, verbose=False)
    return {each.name: numpy_helper.to_array(each) for each in onnx.load("m.onnx").graph.initializer}


found = {}
for fill in (0.0, 0.5):
    torch.manual_seed(0)
    network = Network(norm=False).eval()
    for layer in (network.first, network.second):
        torch.nn.init.constant_(layer.bias, fill)
    for dynamo in (False, True):
        names = [name for name in exported(network, dynamo) if name in network.state_dict()]
        found[fill, dynamo] = len(names)
        print(f"biases of {fill}, {'newer' if dynamo else 'older'} exporter: {', '.join(names)}")

network = Network(norm=True).eval()
network.norm.running_var.fill_(4.0)
state = network.state_dict()
arrays = exported(network, True)
folded = "first.weight" in arrays and not np.allclose(arrays["first.weight"], state["first.weight"].numpy())
print(f"with batch norm, newer exporter: first.weight is {'another array than' if folded else 'equal to'} the parameter of that name")
sys.exit(found != {(0.0, False): 4, (0.0, True): 2, (0.5, False): 4, (0.5, True): 4} or not folded)
END
venv/bin/pip list 2>/dev/null | grep -i -e "^torch " -e "^onnx"
venv/bin/python bias.py 2>/dev/null
echo "as found: the newer exporter leaves out biases of zeros, and keeps a convolution's name where it holds other numbers"
