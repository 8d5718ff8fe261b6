"""Same seed, same bits: on one core and on several, however many threads BLAS would like to have."""

import os
import subprocess
import sys

import pytest

WORK = """
import hashlib, os, sys
import numpy as np

if "one core" in sys.argv:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import minifcn as mf
from minifcn import ops

mf.set_num_threads({"three threads": 3}.get(sys.argv[2], mf.kernels.threads.available_cores()))
digest = hashlib.sha256()


def note(*tensors):
    for tensor in tensors:
        digest.update(np.ascontiguousarray(tensor.data).tobytes())
        if tensor.grad is not None:
            digest.update(np.ascontiguousarray(tensor.grad).tobytes())


def leaf(*shape, seed=5):
    return mf.Tensor(np.random.default_rng(seed).standard_normal(shape, np.float32), requires_grad=True)


def products():
    for a, b in (((300, 401), (401, 203)), ((115, 679), (679, 327)), ((660, 643), (643, 436)), ((402, 10920), (10920, 1)), ((1, 5000), (5000, 7)), ((7, 5000), (5000, 1)), ((6, 50, 70), (6, 70, 90)), ((3, 2, 90, 80), (2, 80, 60))):
        a, b = leaf(*a), leaf(*b)
        y = ops.matmul(a, b)
        y.backward(y.data)
        note(y, a, b)
    a = leaf(200, 300)
    y = ops.matmul(a, ops.transpose(a))  # BLAS has a product of its own for this
    y.backward(y.data)
    note(y, a)


def grouped():
    for groups, shape, kernel in ((2, (2, 48, 27, 27), 5), (4, (1, 64, 30, 31), 3), (32, (2, 32, 40, 40), 3)):
        x, weight = leaf(*shape), leaf(96 if groups < 32 else 32, shape[1] // groups, kernel, kernel)
        y = ops.conv2d(x, weight, None, 1, kernel // 2, groups=groups)
        y.backward(y.data)
        note(y, x, weight)


def trunk(name):
    mf.manual_seed(3)
    model = mf.models.fcn8s(backbone=name, num_classes=3) if name != "alexnet" else mf.models.fcn32s(backbone=name, num_classes=3)
    x = np.random.default_rng(0).standard_normal((2, 3, 70, 90), np.float32)
    labels = np.random.default_rng(1).integers(0, 3, (2, 70, 90))
    optimiser = mf.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    for _ in range(2):
        optimiser.zero_grad()
        ops.softmax_cross_entropy(model(x), labels).backward()
        optimiser.step()
    note(*model.parameters())


{"products": products, "grouped": grouped}.get(sys.argv[1], lambda: trunk(sys.argv[1]))()
print(digest.hexdigest())
"""

WAYS = {
    "as it comes": {},
    "one core": {},
    "BLAS with one thread": {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    "BLAS with two threads": {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    "three threads": {},
}


def digest_of(work, way):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    }
    command = [sys.executable, "-c", WORK, work, way]
    done = subprocess.run(command, env=environment | WAYS[way], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="needs a system on which a process can be held to one core"
)
@pytest.mark.parametrize("work", ["products", "grouped", "tiny", "squeezenet", "alexnet"])
def test_the_bits_do_not_depend_on_cores_or_threads(work):
    found = {way: digest_of(work, way) for way in WAYS}
    assert len(set(found.values())) == 1, found
