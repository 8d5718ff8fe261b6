"""Every operation against plain loops: values, dtype, untouched inputs, odd memory orders, the empty batch."""

import numpy as np
import pytest
from oracles import ORACLES

import minifcn as mf

from .calls import (
    LAYOUTS,
    WITH_ORACLE,
    assert_close,
    by_loops,
    cotangent_for,
    draw,
    empty_call,
    gradients,
    missing_empty_batch,
    run,
)

SEEDS = range(25)
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}

each_operation = pytest.mark.parametrize("name", WITH_ORACLE)
each_choice = pytest.mark.parametrize("choice", ["simple", "fast"])


@pytest.mark.parametrize("dtype", TOLERANCE)
@each_choice
@each_operation
def test_forward_equals_the_loops(name, choice, dtype):
    for seed in SEEDS:
        call = draw(name, seed)
        inputs = [value.astype(dtype) for value in call.inputs]
        before = [value.copy() for value in inputs]
        with mf.kernels.use(choice):
            output, _ = run(name, call, inputs)
        about = f"{name}, seed {seed}, {[v.shape for v in inputs]}, {call.options}"
        assert output.dtype == dtype, about
        assert_close(output.data, by_loops(name, seed), TOLERANCE[dtype], about)
        for value, was in zip(inputs, before, strict=True):
            assert value.tobytes() == was.tobytes(), f"{about}: the forward changed an input"


@each_choice
@each_operation
def test_backward_keeps_dtype_and_leaves_inputs_and_gradient_alone(name, choice):
    for seed in range(8):
        call = draw(name, seed)
        inputs = [value.astype(np.float32) for value in call.inputs]
        before = [value.copy() for value in inputs]
        with mf.kernels.use(choice):
            output, tensors = run(name, call, inputs, requires_grad=True)
            cotangent = cotangent_for(output)
            weights, kept = cotangent.copy(), output.data.copy()
            output.backward(cotangent)
        assert cotangent.tobytes() == weights.tobytes(), f"{name}, seed {seed}: backward changed the caller's gradient"
        assert output.data.tobytes() == kept.tobytes(), f"{name}, seed {seed}: backward changed the output"
        for tensor, was in zip(tensors, before, strict=True):
            assert tensor.grad.dtype == np.float32
            assert tensor.data.tobytes() == was.tobytes(), f"{name}, seed {seed}: backward changed an input"
            assert not np.shares_memory(tensor.grad, cotangent), f"{name}, seed {seed}: .grad is the caller's array"
        with mf.kernels.use(choice):
            exact = gradients(name, call, cotangent.astype(np.float64))
        for tensor, expected in zip(tensors, exact, strict=True):
            assert_close(tensor.grad, expected, 1e-4, f"{name}, seed {seed}: float32 gradient")


@pytest.mark.parametrize("layout", LAYOUTS)
@each_operation
def test_memory_order_changes_nothing(name, layout):
    for seed in range(6):
        call = draw(name, seed)
        inputs = [LAYOUTS[layout](value) for value in call.inputs]
        about = f"{name}, seed {seed}"
        for choice in ("simple", "fast"):
            with mf.kernels.use(choice):
                output, _ = run(name, call, inputs)
                assert_close(output.data, by_loops(name, seed), 1e-12, about)
                cotangent = cotangent_for(output)
                expected = gradients(name, call, cotangent)
                found = gradients(name, call, LAYOUTS[layout](cotangent), inputs)
            for one, other in zip(found, expected, strict=True):
                assert_close(one, other, 1e-12, about)


@each_choice
@each_operation
def test_empty_batch(name, choice):
    if missing_empty_batch(name):
        pytest.skip("needs what test_recipe.py says is missing")
    call = empty_call(name)
    with mf.kernels.use(choice):
        output, tensors = run(name, call, requires_grad=True)
        assert_close(output.data, call.run(ORACLES[name], call.inputs), 0)
        output.backward(np.ones(output.shape))
    for tensor in tensors:
        assert tensor.grad.shape == tensor.shape
        assert not tensor.grad.any() or output.size, "nothing went in, so nothing may come back"


@pytest.mark.parametrize("options", [dict(stride=2), dict(padding="same"), dict(dilation=2), dict(groups=2), {}])
def test_empty_batch_conv2d_with_each_option(options):
    x, weight, bias = np.zeros((0, 4, 6, 7)), np.ones((2, 4 // options.get("groups", 1), 3, 3)), np.ones(2)
    tensors = [mf.Tensor(value, requires_grad=True) for value in (x, weight, bias)]
    y = mf.ops.conv2d(*tensors, **options)
    assert y.shape[0] == 0 and y.shape[1] == 2
    y.backward(np.zeros(y.shape))
    for tensor in tensors:
        assert tensor.grad.shape == tensor.shape and not tensor.grad.any()


@pytest.mark.parametrize(
    "options", [dict(stride=2), dict(output_padding=1, stride=2), dict(output_size=(14, 13), stride=2)]
)
def test_empty_batch_conv_transpose2d_with_each_option(options):
    tensors = [mf.Tensor(v, requires_grad=True) for v in (np.zeros((0, 4, 6, 6)), np.ones((4, 2, 3, 3)), np.ones(2))]
    y = mf.ops.conv_transpose2d(*tensors, **options)
    assert y.shape == (0, 2, *options.get("output_size", (13 + options.get("output_padding", 0),) * 2))
    y.backward(np.zeros(y.shape))
    assert [tensor.grad.shape for tensor in tensors] == [tensor.shape for tensor in tensors]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0]])
def test_empty_batch_softmax_cross_entropy_with_each_option(reduction, weight):
    scores = mf.Tensor(np.zeros((0, 2, 3, 3)), requires_grad=True)
    loss = mf.ops.softmax_cross_entropy(scores, np.zeros((0, 3, 3), np.uint8), weight, reduction=reduction)
    assert loss.shape == ((0, 3, 3) if reduction == "none" else ())
    assert loss.data.sum() == 0
    loss.backward(np.ones(loss.shape))
    assert scores.grad.shape == scores.shape
