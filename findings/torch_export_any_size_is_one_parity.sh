#!/usr/bin/env bash
# PyTorch: torch.export with Dim.DYNAMIC of a network that enlarges its scores and cuts them to the picture says "any size", and takes only those that are even, or only those that are odd, as the example was.
#
# Guess, before it was run: either the export refuses, as Dim.DYNAMIC promises where a size turns out to be tied to the example, or the program takes every size from 2 on.
# Valid input: a convolution of stride 2, its transposed convolution, and a slice to the picture's height and width, as every FCN ends. The program's own
# range_constraints say 2 to infinity. Where the enlarged map is just as large as the picture, the slice takes all of it, and that is remembered: no
# error at export, and an AssertionError where it runs. torch.onnx.export, which builds on torch.export, gives a file that takes all sizes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 numpy==2.4.6

cat > cut.py <<'END_OF_PYTHON'
import sys

import torch
from torch import nn
from torch.export import Dim


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1)

    def forward(self, x):
        return self.up(self.down(x))[:, :, : x.shape[2], : x.shape[3]]


def takes(program, network, side):
    x = torch.ones(1, 3, side, side + 16)
    try:
        return torch.equal(program(x), network(x))
    except AssertionError as error:
        print("   ", side, str(error).splitlines()[0][:130])
        return False


network, found = Network().eval(), {}
for example in (31, 32):
    x = torch.ones(1, 3, example, example + 16)
    exported = torch.export.export(network, (x,), dynamic_shapes=({2: Dim.DYNAMIC, 3: Dim.DYNAMIC},))
    said = sorted({str(bounds) for bounds in exported.range_constraints.values()})
    program = exported.module()
    found[example] = said, [side for side in (20, 31, 32, 33, 64) if takes(program, network, side)]
    print(f"example {example}: says {said}, takes {found[example][1]} of 20, 31, 32, 33 and 64")
sys.exit(found != {31: (["VR[2, int_oo]"], [31, 33]), 32: (["VR[2, int_oo]"], [20, 32, 64])})
END_OF_PYTHON
venv/bin/pip list 2>/dev/null | grep -i -e "^torch "
venv/bin/python cut.py 2> /dev/null
echo "as found: every other size is refused where the program runs"
