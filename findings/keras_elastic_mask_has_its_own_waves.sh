#!/usr/bin/env bash
# Keras: RandomElasticTransform bends the picture and its segmentation mask by two different random fields, on every backend.
#
# Guess, before it was run: a layer may hand the mask back unmoved or mix its labels; what moves picture and mask at all moves both alike.
# Seen: the layer draws its random field anew for the mask. With the same labels as picture and as mask, both by nearest, a large part of the
# pixels differ, though each of the two is bent by no more than `scale` says. RandomRotation on the same backend keeps every pixel equal.
# Tried with the backends jax, torch and numpy. On numpy an integer seed makes both fields equal; on jax and torch it does not.
# Why it matters: the layer takes {"images": ..., "segmentation_masks": ...}, names no limit, and returns labels that look right for themselves.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 jax==0.10.2 numpy==2.4.6
KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PY'
import sys
import jax
import keras
import numpy as np

print("Python", sys.version.split()[0], "keras", keras.__version__, "jax", jax.__version__, "numpy", np.__version__)
column = np.broadcast_to(np.arange(120, dtype=np.float32)[None, None, :, None], (1, 120, 120, 1))  # each label tells where it came from
common = dict(interpolation="nearest", fill_mode="nearest")
layers = {
    "RandomElasticTransform": keras.layers.RandomElasticTransform((1.0, 1.0), (0.7, 0.7), **common),
    "RandomElasticTransform, seed=1": keras.layers.RandomElasticTransform((1.0, 1.0), (0.7, 0.7), seed=1, **common),
    "RandomRotation": keras.layers.RandomRotation((0.1, 0.1), **common),
}
found = {}
for name, layer in layers.items():
    keras.utils.set_random_seed(3)
    out = layer({"images": column.copy(), "segmentation_masks": column.copy()}, training=True)
    picture, mask = (keras.ops.convert_to_numpy(out[key]) for key in ("images", "segmentation_masks"))
    apart = np.abs(picture - mask)
    print(f"{name}: {(apart > 0).mean():.0%} of the pixels differ, by up to {apart.max():.0f} columns; picture moved by up to "
          f"{np.abs(picture - column).max():.0f}, mask by up to {np.abs(mask - column).max():.0f}")
    found[name] = bool((apart > 0).mean() > 0.3), bool(apart.max() > 3)
sys.exit(found != {name: (name != "RandomRotation",) * 2 for name in layers})
PY
echo "as found: picture and mask are bent each in its own way"
