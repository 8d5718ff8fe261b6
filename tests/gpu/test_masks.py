"""Dropout's masks on the GPU are NumPy's, number by number, and leave the generator where NumPy would."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import backend
from minifcn.backend import Share
from minifcn.kernels import simple
from minifcn.kernels.gpu import masks as gpu_masks

from .conftest import down


def generators(seed, before=0):
    """The same generator twice, after so many numbers."""
    pair = [np.random.default_rng(seed) for _ in range(2)]
    for generator in pair:
        generator.random(before, dtype=np.float32)
    return pair


def standing(generator):
    """Where a generator stands. What was left over earlier is still there, but of no account."""
    found = generator.bit_generator.state
    return found["state"], found["has_uint32"], found["has_uint32"] and found["uinteger"]


SHAPES = [(1,), (2,), (3, 5), (1, 7, 3, 1), (4, 3, 5, 2), (2, 64, 9, 9), (0, 3)]


@pytest.mark.parametrize("before", [0, 1, 2, 7])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_mask_is_that_of_numpy(shape, before, cupy):
    for seed in range(3):
        ours, theirs = generators((2, seed, 9), before)
        for p in (0.5, 0.1, 0.0, 1.0, 0.25):
            mask = gpu_masks.kept(ours, shape, p, "gpu")
            assert mask.dtype == bool and (down(mask) == (theirs.random(shape, dtype=np.float32) >= p)).all()
            assert standing(ours) == standing(theirs)


def test_numbers_far_along_and_at_the_edge_of_a_threshold(cupy):
    ours, theirs = generators(8)
    numbers = theirs.random(50001, dtype=np.float32)
    for p in (float(numbers[0]), float(numbers[49999]), float(np.nextafter(numbers[50000], np.float32(1)))):
        ours, _ = generators(8)
        assert (down(gpu_masks.kept(ours, (50001,), p, "gpu")) == (numbers >= p)).all()


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("rows", [slice(0, 2), slice(2, 3), slice(3, 7)])
def test_a_share_of_a_batch(rows, before, cupy):
    ours, theirs = generators(4, before)
    with backend.sharing(Share(rows, 7)):
        for each in ((3, 5), (5,), (2, 2, 3)):
            mask = gpu_masks.kept(ours, (rows.stop - rows.start, *each), 0.4, "gpu")
            assert (down(mask) == simple.kept(theirs, mask.shape, 0.4, "cpu")).all()
            assert standing(ours) == standing(theirs)


def test_dropout_of_one_seed_is_one_on_every_device(cupy):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(np.float32)
    found = {}
    for device in ("cpu", "gpu"):
        tensor = mf.Tensor(x, requires_grad=True).to(device)
        mf.manual_seed(3)
        y = mf.ops.dropout(mf.ops.dropout(tensor, 0.3), 0.5)
        found[device] = backend.to_device(y.data, "cpu"), np.random.Generator.random(backend.random_generator(), 3)
    assert found["cpu"][0].any() and (found["cpu"][0] == 0).any()
    assert all((one == other).all() for one, other in zip(*found.values(), strict=True))


def test_another_kind_of_generator_draws_on_the_cpu(cupy):
    other = np.random.Generator(np.random.Philox(3))
    assert not gpu_masks.suits(other, (2, 3), 0.5, "gpu") and gpu_masks.suits(
        np.random.default_rng(), (2, 3), 0.5, "gpu"
    )
    x = mf.Tensor(np.ones((4, 50), np.float32)).to("gpu")
    mask = np.random.Generator(np.random.Philox(3)).random((4, 50), dtype=np.float32) >= 0.5
    assert (down(mf.ops.dropout(x, 0.5, rng=other).data) == np.where(mask, 2, 0)).all()
