#!/usr/bin/env bash
# Keras on PyTorch: RandomRotation turns the picture about its middle, and the mask that comes with it about another place; at 90 degrees nothing of the mask is left.
#
# Guess, before it was run: RandomRotation takes the nearest label, turns picture and mask together, and does the same on each backend.
# Seen: with {"images": ..., "segmentation_masks": ...} the mask is turned by the same angle, but lies elsewhere. Alone, as a picture, the same
# labels with the same seed are turned right; so are pairs on the backends jax and numpy (tried with jax 0.10.2).
# Cause: on PyTorch, keras.ops.image.affine_transform exchanges x and y in the caller's own matrix, in place. The layer makes one matrix for the
# pair: the picture uses it up, and the mask gets it the wrong way round. Whoever calls that function twice with one matrix sees the same.
# Why it matters: no error, no odd label: the network learns from masks that lie beside their objects. Look at pairs, not at one of the two.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 torch==2.13.0 numpy==2.4.6
KERAS_BACKEND=torch "$folder/venv/bin/python" - <<'PY'
import sys
import keras
import numpy as np
import torch

print("Python", sys.version.split()[0], "keras", keras.__version__, "torch", torch.__version__, "numpy", np.__version__)
labels = np.zeros((1, 8, 8, 1), np.float32)
labels[0, :, 1:3] = 1
labels[0, :2] = 2
matrix = torch.tensor([[0.0, -1, 7, 1, 0, 2, 0, 0]])
results = [keras.ops.convert_to_numpy(keras.ops.image.affine_transform(labels, matrix, "nearest")) for _ in range(2)]
print("affine_transform twice, one matrix: equal results", np.array_equal(*results), "- the matrix is now", matrix.tolist())
found = [np.array_equal(*results)]
for factor in (0.05, 0.25):

    def turned(**pair):
        layer = keras.layers.RandomRotation((factor, factor), fill_mode="constant", interpolation="nearest", seed=1)
        return {name: keras.ops.convert_to_numpy(array)[0, ..., 0].astype(int) for name, array in layer(pair, training=True).items()}

    alone = turned(images=labels.copy())["images"]
    pair = turned(images=labels.copy(), segmentation_masks=labels.copy())
    picture, mask = pair["images"], pair["segmentation_masks"]
    print(f"turned by {factor * 360:g} degrees: picture alone | picture of the pair | mask of the pair")
    print("\n".join("    " + " | ".join("".join(map(str, row)) for row in rows) for rows in zip(alone, picture, mask)))
    found.append((np.array_equal(alone, picture), np.array_equal(picture, mask), bool(mask.any())))
print(found)
sys.exit(found != [False, (True, False, True), (True, False, False)])
PY
echo "as found: the picture is turned right, its mask is not"
