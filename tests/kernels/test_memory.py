"""Memory for results: used again when nobody looks at it, never while somebody does, and not hoarded."""

import gc
import weakref

import numpy as np
import pytest

import minifcn as mf
from minifcn.kernels.cpu import memory

MIB = 1 << 20


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    store = memory.Store()
    monkeypatch.setattr(memory, "_store", store)
    return store


def address(array):
    return array.__array_interface__["data"][0]


def test_a_result_takes_the_memory_that_another_left():
    first = memory.empty((MIB,), np.uint8)
    before = address(first)
    view = first[10:20].reshape(2, 5)
    del first
    assert address(memory.empty((MIB,), np.uint8)) != before  # the view still looks at it
    del view
    assert address(memory.empty((1000, 1000), np.uint8)) == before  # a little smaller serves too


def test_results_begin_at_a_cache_line_and_do_not_overlap():
    arrays = [memory.empty((n, 1000), np.float64) for n in (10, 100, 33, 10)]
    assert all(address(array) % memory.LINE == 0 for array in arrays)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_small_results_are_left_to_numpy(own_store):
    memory.empty((10,), np.float32)
    assert own_store.live == 0


def test_a_block_does_not_serve_where_most_of_it_would_lie_idle():
    large = memory.empty((8 * MIB,), np.uint8)
    before = address(large)
    del large
    small = memory.empty((MIB,), np.uint8)
    assert not before <= address(small) < before + 8 * MIB


def test_what_lies_idle_is_bounded_by_what_was_once_in_use(own_store):
    for size in range(1, 30):
        memory.empty((size * MIB,), np.uint8)
        assert own_store.live + own_store.idle_bytes <= memory.SPARE * own_store.most
    assert own_store.most <= 30 * MIB


def test_two_arrays_at_once_are_counted_and_given_back(own_store):
    arrays = [memory.empty((MIB,), np.uint8) for _ in range(3)]
    assert own_store.live >= 3 * MIB
    del arrays
    memory.empty((MIB,), np.uint8)
    assert own_store.live < 2 * MIB and own_store.most >= 3 * MIB


def test_scratch_grows_and_is_the_same_memory_again():
    small = memory.scratch(9, (10, 10), np.float32)
    large = memory.scratch(9, (1000,), np.float64)
    assert small.shape == (10, 10) and large.shape == (1000,) and large.dtype == np.float64
    assert np.shares_memory(large, memory.scratch(9, (3, 3), np.float32))
    assert not np.shares_memory(large, memory.scratch(8, (3, 3), np.float32))


def test_a_map_that_no_backward_reads_is_gone_before_the_walk():
    x = mf.Tensor(np.ones((1, 8, 64, 64), np.float32), requires_grad=True)
    weight = mf.Tensor(np.ones((8, 8, 3, 3), np.float32), requires_grad=True)
    y = mf.ops.conv2d(x, weight, padding=1)
    convolved = weakref.ref(y.data)
    z = mf.ops.relu(y)  # keeps its result, and not what it was made from
    del y
    gc.collect()
    assert convolved() is None
    z.backward(np.ones(z.shape, np.float32))
    assert x.grad.shape == x.shape and weight.grad.any()


def test_scratch_begins_at_a_cache_line_and_grows():
    for size in (1000, 10, 100_000, 3):
        array = memory.scratch(9, (size,), np.float32)
        assert array.size == size and address(array) % memory.LINE == 0
    first = memory.scratch(9, (50_000,), np.float32)
    assert np.shares_memory(first, memory.scratch(9, (25_000, 2), np.float32))
