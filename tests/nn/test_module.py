"""Module: names, order, state dicts, train and eval, dtype and device. No layer is needed to say what it promises."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn


class Block(nn.Module):
    """One of everything that a module may hold: parameters, a child, a list of children, a tuple, and plain values."""

    def __init__(self):
        self.scale = nn.Parameter(np.ones(2, np.float32))
        self.first = nn.Conv2d(2, 3, 1)
        self.more = [nn.Conv2d(3, 3, 1, bias=False), nn.ReLU(), nn.Sequential(nn.Conv2d(3, 1, 1), nn.Dropout(0.5))]
        self.pair = (nn.Conv2d(1, 1, 1, bias=False),)
        self.frozen = nn.Parameter(np.full(3, 7, np.float32), requires_grad=False)
        self.note, self.number = "text", 3

    def forward(self, x):
        for layer in (self.first, *self.more, *self.pair):
            x = layer(x)
        return x


NAMES = [
    "scale",
    "frozen",
    "first.weight",
    "first.bias",
    "more.0.weight",
    "more.2.layers.0.weight",
    "more.2.layers.0.bias",
    "pair.0.weight",
]


def test_names_and_order_of_parameters():
    block = Block()
    named = list(block.named_parameters())
    assert [name for name, _ in named] == NAMES
    assert [id(p) for p in block.parameters()] == [id(p) for _, p in named]
    assert named[0][1] is block.scale and named[4][1] is block.more[0].weight
    assert [name for name, _ in Block().named_parameters()] == NAMES  # the same in every object


def test_children_and_modules():
    block = Block()
    assert [name for name, _ in block.named_children()] == ["first", "more.0", "more.1", "more.2", "pair.0"]
    kinds = [type(module).__name__ for module in block.modules()]
    assert kinds == ["Block", "Conv2d", "Conv2d", "ReLU", "Sequential", "Conv2d", "Dropout", "Conv2d"]


def test_a_list_inside_a_list_is_seen():
    class Nested(nn.Module):
        def __init__(self):
            self.stages = [[nn.Conv2d(1, 1, 1, bias=False)], [nn.Dropout(0.5), nn.Conv2d(1, 2, 1, bias=False)]]

    nested = Nested().eval()
    assert [p.shape for p in nested.parameters()] == [(1, 1, 1, 1), (2, 1, 1, 1)]
    assert [name for name, _ in nested.named_parameters()] == ["stages.0.0.weight", "stages.1.1.weight"]
    assert not nested.stages[1][0].training


def test_a_list_of_parameters_is_seen():
    class Weights(nn.Module):
        def __init__(self):
            self.weights = [nn.Parameter(np.zeros(2)), nn.Parameter(np.zeros(3))]

    assert [(name, p.shape) for name, p in Weights().named_parameters()] == [("weights.0", (2,)), ("weights.1", (3,))]


def test_a_shared_parameter_is_listed_once():
    """`parameters` promises every Parameter once; twice would move it twice a step, and the optimisers refuse it."""

    class Tied(nn.Module):
        def __init__(self):
            self.one = nn.Conv2d(2, 2, 1)
            self.two = self.one

    tied = Tied()
    assert [id(p) for p in tied.parameters()] == [id(tied.one.weight), id(tied.one.bias)]
    mf.optim.SGD(tied.parameters(), lr=0.1)


def test_state_dict_holds_copies():
    block = Block()
    state = block.state_dict()
    assert list(state) == NAMES and all(type(array) is np.ndarray for array in state.values())
    state["scale"][...] = 5
    state["first.weight"][...] = 5
    np.testing.assert_array_equal(block.scale.data, [1, 1])
    assert not (block.first.weight.data == 5).any()
    block.scale.data[...] = 9
    assert (state["scale"] == 5).all()


def test_load_state_dict_writes_into_the_same_arrays():
    block, other = Block(), Block()
    arrays = [p.data for p in block.parameters()]
    for number, parameter in enumerate(other.parameters()):
        parameter.data[...] = number
    state = other.state_dict()
    block.load_state_dict(state)
    for number, (parameter, array) in enumerate(zip(block.parameters(), arrays, strict=True)):
        assert parameter.data is array
        np.testing.assert_array_equal(array, np.full(array.shape, number))
    state["scale"][...] = 77  # and it took copies
    assert (block.scale.data == 0).all()


def test_load_state_dict_takes_tensors_lists_and_other_dtypes():
    layer = nn.Conv2d(1, 2, 1)
    layer.load_state_dict({"weight": mf.Tensor(np.arange(2.0).reshape(2, 1, 1, 1)), "bias": [3, 4]})
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    np.testing.assert_array_equal(layer.weight.data.ravel(), [0, 1])
    np.testing.assert_array_equal(layer.bias.data, [3, 4])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.pop("more.0.weight"), r"do not fit this Block: missing: more\.0\.weight$"),
        (lambda s: s.update(extra=np.zeros(1)), r"unexpected: extra$"),
        (
            lambda s: s.update({"first.bias": np.zeros((3, 1))}),
            r"of another shape: first\.bias is \(3, 1\), expected \(3,\)$",
        ),
        (lambda s: s.update(scale=np.float32(2)), r"scale is \(\), expected \(2,\)$"),
        (lambda s: (s.pop("scale"), s.update(extra=np.zeros(1))), r"missing: scale; unexpected: extra$"),
    ],
)
def test_load_state_dict_refuses_and_writes_nothing(change, message):
    block = Block()
    before, state = block.state_dict(), {name: np.full_like(array, 5) for name, array in block.state_dict().items()}
    change(state)
    with pytest.raises(ValueError, match=message):
        block.load_state_dict(state)
    for name, array in block.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_load_state_dict_writes_nothing_when_the_last_array_is_no_numbers():
    layer = nn.Conv2d(1, 2, 1, bias=True)
    before = layer.weight.data.copy()
    with pytest.raises((ValueError, TypeError)):
        layer.load_state_dict({"weight": np.full((2, 1, 1, 1), 5.0), "bias": np.array(["a", "b"])})
    np.testing.assert_array_equal(layer.weight.data, before)


def test_train_and_eval_reach_every_dropout():
    block = Block()
    dropout = block.more[2][1]
    assert block.training and dropout.training  # a new module trains
    assert block.eval() is block
    assert not any(module.training for module in block.modules())
    assert block.train() is block
    assert all(module.training for module in block.modules())
    dropout.eval()
    assert block.training and not dropout.training
    x = np.ones((1, 2, 30, 30), np.float32)
    np.testing.assert_array_equal(block(x).data, block(x).data)
    block.train()
    assert not np.array_equal(block(x).data, block(x).data)


def test_eval_of_one_object_leaves_others_alone():
    one, other = nn.Dropout(), nn.Dropout()
    one.eval()
    assert other.training and nn.Dropout().training


def test_astype_converts_everything_and_drops_gradients():
    block = Block()
    block.scale.grad = np.ones(2, np.float32)
    ones = list(block.parameters())
    assert block.astype(np.float64) is block
    assert [id(p) for p in block.parameters()] == [id(p) for p in ones]  # an optimiser made before keeps working
    assert all(p.dtype == np.float64 and p.grad is None for p in block.parameters())
    assert not block.frozen.requires_grad and block.scale.requires_grad


def test_zero_grad():
    block = Block()
    block(np.ones((1, 2, 3, 3), np.float32)).sum().backward()
    assert block.first.weight.grad is not None
    block.zero_grad()
    assert all(p.grad is None for p in block.parameters())


def test_to_cpu_changes_nothing_and_a_wrong_device_is_named():
    block = Block()
    before = block.state_dict()
    assert block.to("cpu") is block
    assert all(np.array_equal(array, before[name]) for name, array in block.state_dict().items())
    with pytest.raises(ValueError, match="unknown device 'cuda'"):
        block.to("cuda")


def test_frozen_parameters_are_saved_and_stay():
    block = Block()
    assert "frozen" in block.state_dict() and not block.frozen.requires_grad
    block.frozen.grad = np.ones(3, np.float32)  # even with a gradient in it
    mf.optim.SGD(block.parameters(), lr=1.0).step()
    np.testing.assert_array_equal(block.frozen.data, [7, 7, 7])
    block.load_state_dict(block.state_dict() | {"frozen": np.zeros(3)})
    assert (block.frozen.data == 0).all() and not block.frozen.requires_grad


def test_forward_is_asked_for():
    with pytest.raises(NotImplementedError, match=r"Module has no forward: write forward\(self, x\)"):
        nn.Module()(1)


@pytest.mark.parametrize("value", [1e300, -1e39])
def test_load_state_dict_refuses_numbers_that_would_become_infinite(value):
    """float64 holds what float32 does not; nothing is written, nobody warns, and what is infinite already is as it was."""
    layer = nn.Conv2d(1, 2, 1)
    before = layer.weight.data.copy()
    wide = layer.weight.data.astype(np.float64)
    wide[1] = value
    with pytest.raises(ValueError, match="load_state_dict: weight: 1 of 2 numbers are too large for float32"):
        layer.load_state_dict(layer.state_dict() | {"weight": wide})
    np.testing.assert_array_equal(layer.weight.data, before)
    wide[1] = 3e38 if value > 0 else -np.inf
    layer.load_state_dict(layer.state_dict() | {"weight": wide})
    assert layer.weight.data[1, 0, 0, 0] == np.float32(wide[1, 0, 0, 0])


def test_load_state_dict_with_the_arrays_of_the_module_itself():
    """Two layers change places: each gets what the other had, not what it has just been given."""
    block = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1))
    first, second = block.layers[0].weight, block.layers[1].weight
    was = first.data.copy(), second.data.copy()
    block.load_state_dict(block.state_dict() | {"layers.0.weight": second.data, "layers.1.weight": first.data[:]})
    assert not np.array_equal(*was)
    np.testing.assert_array_equal(first.data, was[1])
    np.testing.assert_array_equal(second.data, was[0])


def test_repr_counts_parameters():
    assert repr(nn.Conv2d(30, 40, 1)) == "Conv2d(1,240 parameters)"


def test_a_parameter_must_be_floating_point():
    with pytest.raises(TypeError, match="only floating point can have a gradient"):
        nn.Parameter(np.zeros(3, np.int64))


LOST = {
    "complex numbers": (1j * np.ones((2, 1, 1, 1)), "load_state_dict: weight: expected an array of numbers for it, got complex128"),
    "a mask": (np.ma.masked_array(np.ones((2, 1, 1, 1)), True), "load_state_dict: weight: it is a masked array"),
    "None": (None, "load_state_dict: weight: expected an array of numbers for it, got object"),
}  # fmt: skip


@pytest.mark.parametrize("case", LOST.values(), ids=LOST)
def test_load_state_dict_loses_nothing_in_silence(case):
    value, message = case
    layer = nn.Conv2d(1, 2, 1)
    before = layer.weight.data.copy()
    with pytest.raises(TypeError) as caught:
        layer.load_state_dict(layer.state_dict() | {"weight": value})
    assert message in str(caught.value)
    np.testing.assert_array_equal(layer.weight.data, before)


def test_load_state_dict_wants_a_dict():
    layer = nn.Conv2d(1, 2, 1)
    for other in (3, list(layer.state_dict().items())):
        with pytest.raises(TypeError, match=r"load_state_dict: got a .*; expected a dict of names and arrays"):
            layer.load_state_dict(other)
