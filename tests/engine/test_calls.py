"""Who made a result: the calls of modules that operations remember, and what they do not keep alive."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn
from minifcn.autodiff import calls


class Double(nn.Module):
    def __init__(self):
        self.inner = nn.Sequential(nn.ReLU(), nn.ReLU())

    def forward(self, x):
        return self.inner(x) * 2


def leaf(values):
    return mf.Tensor(np.array(values, float), requires_grad=True)


def modules_of(tensor):
    return [call.module for call in tensor.creator.made_in.chain()]


def test_an_operation_remembers_the_calls_that_it_ran_in():
    model, x = Double(), leaf([1.0, -1.0])
    y = model(x)
    assert modules_of(y) == [model]
    relu = y.creator.inputs[0].source
    assert [call.module for call in relu.made_in.chain()] == [model, model.inner, model.inner[1]]
    assert (x * x).creator.made_in is None and calls.current() is None


def test_two_calls_of_one_module_are_two():
    layer, x = nn.ReLU(), leaf([1.0])
    first, second = layer(x), layer(x)
    assert first.creator.made_in is not second.creator.made_in and modules_of(first) == modules_of(second) == [layer]


def test_a_call_that_fails_is_over():
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        nn.Sequential(Broken())(leaf([1.0]))
    assert calls.current() is None and (leaf([1.0]) * 2).creator.made_in is None


def test_backward_and_no_grad_leave_nothing():
    model, x = Double(), leaf([1.0, 2.0])
    y = model(x)
    function = y.creator
    y.sum().backward()
    assert function.made_in is None and function.inputs is None
    with mf.no_grad():
        assert model(x).creator is None


def test_an_operation_applied_again_is_in_its_own_call():
    relu, layer = mf.ops.activation.Relu(), Double()
    x = leaf([1.0])
    token = calls.enter(layer)
    inside = relu(x)
    calls.leave(token)
    outside = relu(x)
    assert modules_of(inside) == [layer] and outside.creator.made_in is None


def test_a_constant_is_pointed_at_and_not_kept():
    x = leaf([1.0, 2.0])
    values = np.array([3.0, 4.0])
    y = x + values  # Add keeps no values
    pointer = y.creator.inputs[1].constant
    assert pointer() is values and y.creator.inputs[0].constant is None
    seen = weakref.ref(values)
    del values
    gc.collect()
    assert seen() is None and pointer() is None
    assert (x + 7).creator.inputs[1].constant == 7  # a plain number is kept: it is small


def test_a_profile_numbers_operations_and_keeps_none():
    x = leaf([1.0, 2.0])
    relu = mf.ops.activation.Relu()
    with mf.profile() as p:
        y = relu(relu(x))
        z = y.sum()
        z.backward()
    first, second, total, *back = [event.number for event in p.events]
    assert len({first, second, total}) == 3 and back == [total, second, first]
    alive = weakref.ref(z.creator)
    del y, z
    gc.collect()
    assert alive() is None and pickle.loads(pickle.dumps(p)).events == p.events


def test_a_result_still_travels_to_another_process():
    """Graph and all, without the network, whose class nobody there may know; and it can be copied."""

    class Local(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            return self.layer(x) * 3 + np.ones(1, np.float32)

    with mf.profile():
        loss = Local()(np.ones((4, 2), np.float32)).sum()
    for copied in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert copied.data == loss.data and copied.creator.made_in is None
        assert len(mf.draw.graph(copied).boxes) == len(mf.draw.graph(loss).boxes)
        copied.backward()
    assert loss.creator.made_in is None and modules_of_sum(loss)
    loss.backward()


def modules_of_sum(loss):
    return [type(call.module).__name__ for call in loss.creator.inputs[0].source.made_in.chain()] == ["Local"]
