#!/usr/bin/env bash
# Flax's serialization and tinygrad's Tensor take no notice of a NumPy array's byte order: big-endian weights, as HDF5, .npz and FITS give them, become numbers near 0, without a word.
#
# Guess, before it was run: weights of dtype ">f4" come back with their values, or are refused.
# Seen: 1, 2, 3 come back from flax.serialization.to_bytes and from_bytes, and out of tinygrad's Tensor, as 4.6e-41, 9.0e-44, 2.3e-41, in dtype float32 and the right shape.
# So a network made of them scores 0 everywhere. torch.tensor, jax.numpy and MLX refuse such arrays; safetensors 0.8.0 swaps them.
# Valid input: h5py and numpy.load give ">f4" where the file says so (MATLAB, Java and IDL write it). astype("float32") after reading helps. No report was found in the issues of Flax that were searched.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet flax==0.12.8 jax==0.10.2 tinygrad==0.14.0 safetensors==0.8.0 numpy==2.4.6 h5py==3.16.0

cat > run.py <<'END'
from importlib.metadata import version

import h5py
import jax.numpy as jnp
import numpy as np
from flax import serialization
from safetensors.numpy import load, save
from tinygrad import Tensor

print(*(f"{name} {version(name)}" for name in ("flax", "jax", "tinygrad", "safetensors", "numpy", "h5py")))
weights = np.arange(1, 19, dtype=">f4").reshape(2, 1, 3, 3)
with h5py.File("weights.h5", "w") as file:
    file["conv"] = weights
np.savez("weights.npz", conv=weights)
with h5py.File("weights.h5") as file:
    read = {"HDF5": file["conv"][:]}
read["npz"] = np.load("weights.npz")["conv"]

wrong = 0
for name, array in read.items():
    assert array[1, 0, 2, 2] == 18, "read rightly"
    target = {"conv": np.zeros(array.shape, np.float32)}
    flax = serialization.from_bytes(target, serialization.to_bytes({"conv": array}))["conv"]
    tiny = Tensor(array).numpy()
    safe = load(save({"conv": array}))["conv"]
    native = serialization.from_bytes(target, serialization.to_bytes({"conv": array.astype(np.float32)}))["conv"]
    try:
        jax = str(np.asarray(jnp.asarray(array)).ravel()[:3])
    except TypeError as error:
        jax = "refused"
    print(f"{name} {array.dtype}: Flax {flax.dtype} {flax.ravel()[:3]} | tinygrad {tiny.dtype} {tiny.ravel()[:3]}")
    print(f"  safetensors {safe.ravel()[:3]} | jax.numpy {jax} | Flax after astype(float32) {native.ravel()[:3]}")
    small = all(each.dtype == np.float32 and each.shape == array.shape and abs(each).max() < 1e-30 for each in (flax, tiny))
    wrong += small and np.array_equal(safe, array) and np.array_equal(native, array)
raise SystemExit(wrong != 2)
END
venv/bin/python run.py
echo "as found: the bytes are taken in the machine's order"
