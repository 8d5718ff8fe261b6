#!/usr/bin/env bash
# PyTorch: a max-pooling window that sees padding only names a place outside the picture, and PyTorch's own unpooling refuses it.
#
# Guess, before it was run: the address of the first tap that is neither above nor left of the picture, which lies beyond it; no mark such as -1.
# So it is: windows of two taps, two apart, over a picture of one pixel with padding 1 give -inf and place 2, where 0 is the only one. With three
# pixels in a row the places are 4, 3 and 4, of 0 to 2. max_unpool2d stops at them, so a net with such a window cannot be unpooled.
# Only the ways forward are run here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 numpy==2.4.6

cat > run.py <<'END'
import torch
import torch.nn.functional as F

print("torch", torch.__version__)
found = []
for width in (1, 3):
    values, places = F.max_pool2d(torch.ones(1, 1, 1, width), 2, stride=1, padding=1, dilation=2, return_indices=True)
    print(f"a picture of {width} pixels, places 0 to {width - 1}: maxima {values.flatten().tolist()}, at {places.flatten().tolist()}")
    try:
        F.max_unpool2d(values, places, 1, output_size=(1, width))
        said = "taken"
    except RuntimeError as error:
        said = str(error).splitlines()[0]
    print("  max_unpool2d:", said)
    found.append((places.flatten().tolist(), said.startswith("Found an invalid max index")))
raise SystemExit(found != [([2], True), ([4, 3, 4], True)])
END
venv/bin/python run.py
echo "as found: places outside the picture, refused by max_unpool2d"
