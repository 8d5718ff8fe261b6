#!/usr/bin/env bash
# PyTorch: an output_size that names the whole shape is believed in rows and columns alone: the pictures and channels it asks for are not looked at.
#
# Guess, before it was run: an error where the first two numbers are not those of the result. output_size=(7, 5, 4, 4) for one picture of one channel gives
# (1, 1, 4, 4), from max_unpool2d and from ConvTranspose2d; a batch and its size that were mixed up go unseen.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 numpy==2.4.6

cat > run.py <<'END'
import torch

print("torch", torch.__version__)
x = torch.ones(1, 1, 2, 2)
places = torch.tensor([[[[0, 2], [8, 10]]]])
unpooled = torch.nn.functional.max_unpool2d(x, places, 2, output_size=(7, 5, 4, 4))
grown = torch.nn.ConvTranspose2d(1, 1, 3, stride=2)(x, output_size=[7, 5, 6, 6])
found = [tuple(unpooled.shape), tuple(grown.shape)]
print("asked for (7, 5, 4, 4) and (7, 5, 6, 6), got", found)
raise SystemExit(found != [(1, 1, 4, 4), (1, 1, 6, 6)])
END
venv/bin/python run.py
echo "as found: the first two numbers are not looked at"
