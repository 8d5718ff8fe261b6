#!/usr/bin/env bash
# augmax: RandomCrop begins between two pixels, so each picture is blurred and its mask lies up to half a pixel beside it; CenterCrop does so too where the difference of sizes is odd.
#
# Guess, before it was run: with input types IMAGE and MASK a crop is a piece of the array, and picture and labels lie on each other exactly.
# Seen: the place of the crop is a real number. The picture is interpolated there (a checkerboard of 0 and 1 comes out as two shades of grey), the
# mask takes the nearest label. Alone, without any other transform, so nothing is saved by joining it with them. Resize to a larger size blends the
# rim with 0, the value outside.
# Why it matters: the crop is the first line of the project's example, and is thought to be the one augmentation that changes no pixel.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet augmax==0.4.1 jax==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PY'
import importlib.metadata
import sys
import augmax
import jax
import numpy as np
from augmax import InputType

print("Python", sys.version.split()[0], "augmax", importlib.metadata.version("augmax"), "jax", jax.__version__, "numpy", np.__version__)
board = (np.indices((20, 20)).sum(0) % 2).astype(np.float32)[..., None]
column = np.broadcast_to(np.arange(20, dtype=np.float32)[None, :, None], (20, 20, 1))  # tells where it came from


def both(transform, picture, seed=0):
    chain = augmax.Chain(transform, input_types=[InputType.IMAGE, InputType.MASK])
    return [np.asarray(array) for array in chain(jax.random.PRNGKey(seed), [picture, column[..., 0].astype(np.uint8)])]


between, beside, contrast = 0, [], []
for seed in range(20):
    picture, mask = both(augmax.RandomCrop(8, 8), column, seed)
    between += bool(abs(picture - picture.round()).max() > 0.01)
    beside.append(float((mask - picture[..., 0]).mean()))
    contrast.append(float(np.ptp(both(augmax.RandomCrop(8, 8), board, seed)[0])))
print(f"RandomCrop(8, 8): {between} of 20 crops begin more than 0.01 pixel beside one; mask minus picture {min(beside):+.2f} to {max(beside):+.2f} columns")
print(f"    of a checkerboard of 0 and 1 there remains a contrast of {min(contrast):.2f} to {max(contrast):.2f}, on average {np.mean(contrast):.2f}")
centre = {size: both(augmax.CenterCrop(size, size), board)[0] for size in (8, 9)}
print("CenterCrop of the checkerboard:", {size: sorted({round(float(v), 2) for v in crop.ravel()}) for size, crop in centre.items()})
white = both(augmax.Resize(40, 40), np.ones((20, 20, 1), np.float32))[0][..., 0]
print("Resize(40, 40) of a white picture: first pixels of the first row", white[0, :3].tolist(), "of the middle row", white[20, :3].tolist())
sys.exit(not (between > 15 and max(map(abs, beside)) > 0.3 and np.mean(contrast) < 0.6 and np.ptp(centre[8]) == 1 and np.ptp(centre[9]) == 0
              and white[0, 0] < 0.6 and white[20, 0] < 0.8 and white[20, 1] == 1))
PY
echo "as found: crops begin between pixels"
