"""One picture without a batch axis: the same numbers as in a batch of one, and a result without one too."""

import numpy as np
import pytest
from twins import MISSING, TWINS, torch

import minifcn as mf
from minifcn import ops

from .calls import cotangent_for, draw

WINDOWED = ["conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d", "max_unpool2d"]
each_choice = pytest.mark.parametrize("choice", ["simple", "fast"])


def alone(call):
    """The first picture of a call, with and without the batch axis: inputs and options of both."""
    first, *others = call.inputs
    options = {name: value[:1] if name == "indices" else value for name, value in call.options.items()}
    if len(np.shape(size := options.get("output_size"))) == 1 and len(size) == 4:
        options["output_size"] = (1, *size[1:])
    without = options | {name: value[0] for name, value in options.items() if name == "indices"}
    if len(np.shape(size)) == 1 and len(size) == 4:
        without["output_size"] = size[1:]
    return ([first[:1], *others], options), ([first[0], *others], without)


def differentiated(name, inputs, options, cotangent):
    tensors = [mf.Tensor(value, requires_grad=True) for value in inputs]
    output = getattr(ops, name)(*tensors, **options)
    output.backward(cotangent)
    return output.data, [tensor.grad for tensor in tensors]


@each_choice
@pytest.mark.parametrize("name", WINDOWED)
def test_a_picture_alone_is_a_batch_of_one(name, choice):
    with mf.kernels.use(choice):
        for seed in range(40):
            batch, single = alone(draw(name, seed))
            cotangent = cotangent_for(getattr(ops, name)(*batch[0], **batch[1]), seed)
            y, gradients = differentiated(name, *batch, cotangent)
            z, others = differentiated(name, *single, cotangent[0])
            assert z.ndim == 3 and others[0].shape == single[0][0].shape
            np.testing.assert_array_equal(z, y[0], err_msg=str(batch[1]))
            np.testing.assert_array_equal(others[0], gradients[0][0])
            for one, other in zip(gradients[1:], others[1:], strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", WINDOWED)
def test_the_gradient_of_a_picture_alone(name):
    for seed in range(5):
        _, (inputs, options) = alone(draw(name, 100 + seed))
        mf.gradcheck(lambda *tensors, o=options: getattr(ops, name)(*tensors, **o), inputs)


@pytest.mark.skipif(torch is None, reason=MISSING)
@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d"])
def test_pytorch_says_the_same_of_a_picture_alone(name):
    for seed in range(10):
        _, (inputs, options) = alone(draw(name, 200 + seed))
        if "output_size" in options:
            continue  # the twin counts axes
        theirs = TWINS[name](*map(torch.from_numpy, inputs), **options).numpy()
        np.testing.assert_allclose(getattr(ops, name)(*inputs, **options).data, theirs, rtol=1e-12, atol=1e-12)


def test_places_come_and_go_without_a_batch_axis_too():
    x = np.random.default_rng(0).standard_normal((2, 4, 6))
    y, places = ops.max_pool2d(mf.Tensor(x, requires_grad=True), 2, return_indices=True)
    assert y.shape == places.shape == (2, 2, 3)
    expected = np.zeros((2, 24))
    np.put_along_axis(expected, places.reshape(2, 6), y.data.reshape(2, 6), 1)
    for indices in (places, mf.Tensor(places), places.tolist()):
        for size in (None, (4, 6), (2, 4, 6), (1, 2, 4, 6)):
            back = ops.max_unpool2d(y, indices, 2, output_size=size)
            np.testing.assert_array_equal(back.data, expected.reshape(2, 4, 6))


def test_layers_take_a_picture_alone():
    net = mf.nn.Sequential(mf.nn.Conv2d(3, 4, 3), mf.nn.ReLU(), mf.nn.MaxPool2d(2), mf.nn.AvgPool2d(2))
    x = np.random.default_rng(0).standard_normal((3, 10, 12)).astype(np.float32)
    np.testing.assert_array_equal(net(x).data, net(x[None]).data[0])
    grown = mf.nn.ConvTranspose2d(3, 2, 4, stride=2)
    np.testing.assert_array_equal(grown(x, (2, 23, 27)).data, grown(x[None], (1, 2, 23, 27)).data[0])


def test_arguments_may_come_by_name():
    x, weight = np.ones((1, 3, 3)), np.ones((2, 1, 3, 3))
    np.testing.assert_array_equal(
        ops.conv2d(x=x, weight=weight, padding=1).data, ops.conv2d(x, weight, None, 1, 1).data
    )
