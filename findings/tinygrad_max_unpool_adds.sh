#!/usr/bin/env bash
# tinygrad: max_unpool2d adds where pooling windows overlap: a value that is the largest of four windows comes back four times as large; PyTorch gives it back once.
#
# Guess, before it was run: max_unpool2d puts each maximum where it was found, so a picture with one bright pixel comes back as it was.
# Seen: pooled by 3x3 at stride 2, as in AlexNet and SqueezeNet, a 1 in the middle of 5x5 comes back as 4, one between two windows as 2. By 2x2 at stride 2, as in VGG16, it comes back as 1.
# Its page says "a partial inverse of max_pool2d" and names one difference from PyTorch, another one. PyTorch warns of such indices, and gives 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tinygrad==0.14.0 torch==2.13.0 numpy==2.4.6

cat > run.py <<'END'
from importlib.metadata import version

import numpy as np
import torch
import torch.nn.functional as F
from tinygrad import Tensor

print("tinygrad", version("tinygrad"), "torch", version("torch"))
found = []
for kernel, stride, place in ((3, 2, (2, 2)), (3, 2, (0, 2)), (3, 2, (1, 1)), (2, 2, (2, 2))):
    picture = np.zeros((1, 1, 5, 5), np.float32)
    picture[0, 0][place] = 1
    largest, indices = Tensor(picture).max_pool2d(kernel, stride, return_indices=True)
    tiny = Tensor.max_unpool2d(largest, indices, kernel, stride, output_size=(1, 1, 5, 5)).numpy()[0, 0]
    same, places = F.max_pool2d(torch.tensor(picture), kernel, stride, return_indices=True)
    assert np.array_equal(indices.numpy(), places.numpy())
    other = F.max_unpool2d(same, places, kernel, stride, output_size=(5, 5)).numpy()[0, 0]
    found.append((float(tiny[place]), float(other[place])))
    print(f"{kernel}x{kernel} at stride {stride}, a 1 at {place}: tinygrad {tiny[place]:g}, PyTorch {other[place]:g}")
raise SystemExit(found != [(4, 1), (2, 1), (1, 1), (1, 1)])
END
venv/bin/python run.py
echo "as found: where windows overlap, it adds"
