"""Each layer is the operation of its name with the layer's own parameters; values and gradients agree bit for bit."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import nn, ops

PICTURE = np.random.default_rng(1).standard_normal((2, 4, 7, 9)).astype(np.float32)


def tensors(*arrays):
    return [mf.Tensor(array.copy(), requires_grad=True) for array in arrays]


CASES = {
    "conv": (nn.Conv2d(4, 6, 3), lambda x, w, b: ops.conv2d(x, w, b)),
    "conv options": (
        nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, bias=False),
        lambda x, w: ops.conv2d(x, w, None, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2),
    ),
    "conv same": (nn.Conv2d(4, 2, 4, padding="same"), lambda x, w, b: ops.conv2d(x, w, b, padding="same")),
    "transposed": (nn.ConvTranspose2d(4, 3, 3), lambda x, w, b: ops.conv_transpose2d(x, w, b)),
    "transposed options": (
        nn.ConvTranspose2d(4, 2, (4, 3), (3, 2), (1, 0), (2, 1), 2, False, (1, 2)),
        lambda x, w: ops.conv_transpose2d(
            x, w, stride=(3, 2), padding=(1, 0), output_padding=(2, 1), groups=2, dilation=(1, 2)
        ),
    ),
    "max": (nn.MaxPool2d(2), lambda x: ops.max_pool2d(x, 2)),
    "max options": (
        nn.MaxPool2d(3, 2, 1, 2, True),
        lambda x: ops.max_pool2d(x, 3, stride=2, padding=1, dilation=2, ceil_mode=True),
    ),
    "avg": (nn.AvgPool2d((2, 3)), lambda x: ops.avg_pool2d(x, (2, 3))),
    "avg options": (
        nn.AvgPool2d(3, 2, 1, True, False),
        lambda x: ops.avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    ),
    "relu": (nn.ReLU(), ops.relu),
    "lrn": (nn.LocalResponseNorm(3), lambda x: ops.local_response_norm(x, 3, 1e-4, 0.75, 1.0)),
    "lrn options": (nn.LocalResponseNorm(5, 0.1, 0.5, 2.0), lambda x: ops.local_response_norm(x, 5, 0.1, 0.5, 2.0)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_layer_is_its_operation(case, rng):
    layer, operation = CASES[case]
    for parameter in layer.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
        parameter.grad = None
    (x,), own = tensors(PICTURE), tensors(*layer.state_dict().values())
    (other,) = tensors(PICTURE)
    y, expected = layer(x), operation(other, *own)
    np.testing.assert_array_equal(y.data, expected.data)
    grad = rng.standard_normal(y.shape).astype(np.float32)
    y.backward(grad)
    expected.backward(grad)
    np.testing.assert_array_equal(x.grad, other.grad)
    for parameter, copy in zip(layer.parameters(), own, strict=True):
        np.testing.assert_array_equal(parameter.grad, copy.grad)


def test_parameters_as_they_start():
    conv = nn.Conv2d(6, 4, (3, 5), groups=2)
    assert conv.weight.shape == (4, 3, 3, 5) and conv.weight.dtype == conv.bias.dtype == np.float32
    np.testing.assert_array_equal(conv.bias.data, np.zeros(4))
    up = nn.ConvTranspose2d(6, 4, (3, 5), groups=2)
    assert up.weight.shape == (6, 2, 3, 5) and up.bias.shape == (4,)
    assert nn.Conv2d(1, 1, 1, bias=False).bias is None and nn.ConvTranspose2d(1, 1, 1, bias=False).bias is None
    assert len(list(nn.Conv2d(1, 1, 1, bias=False).parameters())) == 1


def test_output_size_chooses_and_takes_the_place_of_output_padding():
    layer = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, output_padding=1)
    x = np.ones((1, 1, 8, 8), np.float32)
    assert layer(x).shape == (1, 1, 17, 17)
    for size in (16, 17):
        wanted = ops.conv_transpose2d(x, layer.weight, layer.bias, 2, 1, output_size=(size, size))
        np.testing.assert_array_equal(layer(x, (size, size)).data, wanted.data)
    with pytest.raises(ValueError, match="conv_transpose2d: output size 18 is impossible"):
        layer(x, (18, 18))
    assert layer(x).shape == (1, 1, 17, 17)  # the layer's own options have not changed


def test_output_size_can_be_given_by_name():
    layer = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1)
    assert layer(np.ones((1, 1, 8, 8), np.float32), output_size=(17, 16)).shape == (1, 1, 17, 16)


def test_dropout_is_off_in_eval_and_drops_in_training():
    x = np.ones((100, 100), np.float32)
    layer = nn.Dropout(0.25)
    mf.manual_seed(3)
    y = layer(x).data
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.02) and y.max() == pytest.approx(4 / 3)
    mf.manual_seed(3)
    np.testing.assert_array_equal(layer(x).data, y)
    np.testing.assert_array_equal(layer.eval()(x).data, x)
    assert nn.Dropout().p == 0.5


def test_sequential_runs_in_order():
    layers = nn.Conv2d(2, 3, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 1, 1)
    net = nn.Sequential(*layers)
    x = PICTURE[:, :2]
    np.testing.assert_array_equal(net(x).data, layers[3](layers[2](layers[1](layers[0](x)))).data)
    assert len(net) == 4 and net[1] is layers[1] and net[-1] is layers[3]
    assert [name for name, _ in net.named_parameters()][::2] == ["layers.0.weight", "layers.3.weight"]
    empty = nn.Sequential()
    assert empty(x) is x and len(empty) == 0


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "Conv2d: 2 groups must divide 3 input and 4 output channels"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), "Conv2d: 2 groups must divide 4 input and 3 output channels"),
        (lambda: nn.Conv2d(4, 4, 0), "Conv2d: kernel_size is 0; it must be at least 1"),
        (lambda: nn.Conv2d(4, 4, (3, 3, 3)), "Conv2d: kernel_size is .* expected an integer or"),
        (lambda: nn.Conv2d(4, 4, 3, stride=0), "Conv2d: stride is 0; it must be at least 1"),
        (lambda: nn.Conv2d(4, 4, 3, padding=-1), "Conv2d: padding is -1; it must be at least 0"),
        (lambda: nn.Conv2d(4, 4, 3, padding="full"), "Conv2d: padding is 'full'; expected an integer"),
        (lambda: nn.Conv2d(4, 4, 3, 2, "same"), 'Conv2d: padding "same" needs stride 1'),
        (lambda: nn.Conv2d(4, 4, 3, dilation=0), "Conv2d: dilation is 0; it must be at least 1"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, groups=2), "ConvTranspose2d: 2 groups must divide 3 input and 4 output"),
        (lambda: nn.ConvTranspose2d(3, 4, 0), "ConvTranspose2d: kernel_size is 0"),
        (
            lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"),
            "ConvTranspose2d: padding is 'same'; expected an integer",
        ),
        (lambda: nn.MaxPool2d(0), "MaxPool2d: kernel_size is 0"),
        (lambda: nn.MaxPool2d(2, padding=2), r"MaxPool2d: padding \(2, 2\) must be smaller than the kernel"),
        (lambda: nn.AvgPool2d(2, stride=0), "AvgPool2d: stride is 0"),
        (lambda: nn.Dropout(1.5), "Dropout: p is 1.5; expected a probability from 0 to 1"),
        (lambda: nn.Dropout(float("nan")), "Dropout: p is nan"),
    ],
)
def test_what_a_layer_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d"])
@pytest.mark.parametrize("channels, groups", [((4, 4), 0), ((4, 4), -1), ((0, 4), 1), ((4, 0), 1), ((4, -4), 1)])
def test_impossible_numbers_of_groups_and_channels_get_a_sentence(kind, channels, groups):
    with pytest.raises(ValueError, match=f"{kind}: "):
        getattr(nn, kind)(*channels, 3, groups=groups)


WORDS = {
    "Conv2d": (lambda: nn.Conv2d(1, 1, 1, bias="no"), "Conv2d: bias is 'no'; expected True or False"),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(1, 1, 2, bias="no"), "ConvTranspose2d: bias is 'no'; expected True or False"),
    "Linear": (lambda: nn.Linear(1, 1, bias=None), "Linear: bias is None; expected True or False"),
    "MaxPool2d": (lambda: nn.MaxPool2d(2, ceil_mode="off"), "MaxPool2d: ceil_mode is 'off'; expected True or False"),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, ceil_mode="off"), "AvgPool2d: ceil_mode is 'off'; expected True or False"),
    "AvgPool2d, padding": (lambda: nn.AvgPool2d(2, count_include_pad=3), "AvgPool2d: count_include_pad is 3; expected True or False"),
    "Dropout": (lambda: nn.Dropout("a"), "Dropout: p is 'a'; expected a number"),
    "train": (lambda: nn.ReLU().train("no"), "train: training is 'no'; expected True or False"),
    "a list of layers": (lambda: nn.Sequential([nn.ReLU()]), "Sequential: layer 0 is a list; expected Modules, one after the other: Sequential(*layers)"),
    "the class of a layer": (lambda: nn.Sequential(nn.ReLU(), nn.ReLU), "Sequential: layer 1 is the class ReLU; expected Modules, one after the other: ReLU(…)"),
    "a function": (lambda: nn.Sequential(mf.ops.relu), "Sequential: layer 0 is a function; expected Modules, one after the other"),
    "integers": (lambda: nn.Linear(1, 1).astype("int64"), "astype: dtype is 'int64'; expected floating point: 'float32' or 'float64'"),
    "no dtype": (lambda: nn.Linear(1, 1).astype("nosuch"), "astype: dtype is 'nosuch'; expected floating point: 'float32' or 'float64'"),
    "a gradient perhaps": (lambda: mf.Tensor(np.ones(2), requires_grad="no"), "Tensor: requires_grad is 'no'; expected True or False"),
}  # fmt: skip


@pytest.mark.parametrize("case", WORDS.values(), ids=WORDS)
def test_what_python_would_take_for_true_is_refused(case):
    make, message = case
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value) == message
