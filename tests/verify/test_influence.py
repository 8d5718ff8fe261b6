"""Rules that carry out another incoming gradient, other slopes or other windows: each speaks of its own fault, and noise fits none."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops
from minifcn.verify.influence import blocks, mixed_groups, orders

from .functions import diagnosis, function, rejected

RNG = np.random.default_rng(4)
PICTURE = RNG.standard_normal((1, 2, 5, 6))
KERNEL = RNG.standard_normal((4, 2, 3, 3))


class Given(mf.Function):
    """An operation whose backward is another function of (arrays, incoming)."""

    def __init__(self, right, wrong):
        self.right, self.wrong = right, wrong

    def forward(self, *arrays):
        self.arrays = arrays
        return self.right(*(mf.Tensor(array) for array in arrays)).data.copy()

    def backward(self, grad):
        return self.wrong(self.arrays, grad)


def gradients_of(fn, arrays, grad):
    tensors = [mf.Tensor(array, requires_grad=True) for array in arrays]
    fn(*tensors).backward(grad)
    return [tensor.grad for tensor in tensors]


def said_of(fn, wrong, *inputs):
    """The diagnosis where wrong(arrays, incoming) is the backward of fn; two other seeds must say the same kind of thing."""
    texts = {diagnosis(rejected(lambda *t: Given(fn, wrong)(*t), list(inputs), seed=seed)) for seed in range(2)}
    return texts


def conv(x, **options):
    return ops.conv2d(x, KERNEL, **options)


def incoming(change, fn=conv):
    """The right backward of fn for change(incoming)."""
    return lambda arrays, grad: tuple(gradients_of(fn, arrays, np.ascontiguousarray(change(grad))))


REARRANGED = {
    "groups": (
        lambda g: g[:, [0, 2, 1, 3]],
        "its places along channel are taken in the order [0, 2, 1, 3]: 2 groups mixed",
    ),
    "moved on": (lambda g: np.roll(g, 1, 1), "its places along channel are taken in the order [3, 0, 1, 2]"),
    "turned round": (lambda g: g[..., ::-1], "its places along column are taken in the order"),
    "first of all": (lambda g: np.full(g.shape, g.flat[0]), "that of the first place is taken for every place"),
    "sum": (lambda g: np.full(g.shape, g.sum()), "their sum is taken for every place"),
    "mean": (lambda g: np.full(g.shape, g.mean()), "their mean is taken for every place"),
    "first channel": (lambda g: np.broadcast_to(g[:, :1], g.shape), "that of the first channel is taken for each"),
    "sum over rows": (lambda g: np.broadcast_to(g.sum(2, keepdims=True), g.shape), "the sum along row is taken"),
    "read in another order": (lambda g: g.swapaxes(2, 3).reshape(g.shape), "its axes 2 and 3 are exchanged"),
}


@pytest.mark.parametrize("change, says", REARRANGED.values(), ids=REARRANGED)
def test_another_incoming_gradient(change, says):
    for text in said_of(conv, incoming(change), PICTURE):
        assert text.startswith("right for another incoming gradient: ") and says in text


def test_orders():
    assert len(list(orders(4))) == 23 and (0, 1, 2, 3) not in orders(4)
    assert {(5, 4, 3, 2, 1, 0), (1, 2, 3, 4, 5, 0), (0, 3, 1, 4, 2, 5), (0, 2, 4, 1, 3, 5)} <= set(orders(6))
    assert mixed_groups([0, 2, 4, 1, 3, 5]) == 3 and mixed_groups([0, 3, 1, 4, 2, 5]) == 2
    assert mixed_groups([1, 0, 2, 3]) == 0


# slopes with axes exchanged


A, B = RNG.standard_normal((4, 4)), RNG.standard_normal((4, 4))


@pytest.mark.parametrize(
    "wrong, says",
    [
        (lambda a, g: (g @ a[1], a[0].T @ g), "a matrix or kernel is not transposed"),
        (lambda a, g: (g @ a[1].T, a[0] @ g), "a matrix or kernel is not transposed"),
        (lambda a, g: (a[1].T @ g, a[0].T @ g), "the order of a matrix product is exchanged"),
    ],
)
def test_matrices_not_transposed_or_in_another_order(wrong, says):
    for text in said_of(lambda a, b: a @ b, wrong, A, B):
        assert says in text


# windows


def moved(stride=1, dilation=1, padding=0, turned=False, rows_only=False):
    """The input gradient of a convolution, painted with other windows than the right ones."""

    def gradient(x, grad):
        result = np.zeros((x.shape[0], x.shape[1], 40, 40))
        kernel = KERNEL[:, :, ::-1, ::-1] if turned else KERNEL
        for row in range(grad.shape[2]):
            for column in range(grad.shape[3]):
                for i in range(3):
                    for j in range(3):
                        y, z = row * stride[0] + i * dilation[0], column * stride[1] + j * dilation[1]
                        result[:, :, y, z] += np.einsum("no,oc->nc", grad[:, :, row, column], kernel[:, :, i, j])
        return result[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]]

    return gradient


@pytest.mark.parametrize(
    "right, wrong, says",
    [
        (dict(stride=2), dict(stride=(1, 1), dilation=(1, 1)), "the windows lie 1 apart and not 2"),
        (dict(stride=1), dict(stride=(2, 1), dilation=(1, 1)), "the windows lie 2 apart and not 1 along the rows"),
        (dict(stride=2), dict(stride=(2, 1), dilation=(1, 1)), "the windows lie 1 apart and not 2 along the columns"),
        (dict(dilation=2), dict(stride=(1, 1), dilation=(1, 2)), "the dilation is forgotten along the rows"),
        (dict(stride=2, dilation=2), dict(stride=(2, 2), dilation=(1, 1)), "the dilation is forgotten"),
        (dict(), dict(stride=(1, 1), dilation=(1, 1), turned=True), "the window is turned round"),
        (dict(stride=2), dict(stride=(2, 2), dilation=(1, 1), turned=True), "the window is turned round"),
    ],
)
def test_windows_that_lie_elsewhere(right, wrong, says):
    x = RNG.standard_normal((1, 2, 9, 8))
    exact = moved(**{k: (v, v) for k, v in {"stride": 1, "dilation": 1, **right}.items()})
    mf.gradcheck(function(lambda x: conv(x, **right).data, exact), x)
    assert diagnosis(
        rejected(function(lambda x: conv(x, **right).data, moved(**wrong)), x)
    ) == says or says in diagnosis(rejected(function(lambda x: conv(x, **right).data, moved(**wrong)), x))


# parts of the output, sums, shares


@pytest.mark.parametrize(
    "keep, says",
    [
        (lambda g: g[:, :, :2, :3], "only the first 2 of 5 rows and 3 of 6 columns of the output count"),
        (lambda g: g[:, :, :3], "only the first 3 of 5 output places along row count"),
        (lambda g: g[..., 2:], "only the last 4 of 6 output places along column count"),
        (
            lambda g: g.transpose(0, 2, 3, 1).reshape(-1, 4)[:28, None, :, None].transpose(0, 2, 1, 3),
            "only the first 28 of 30 output places count, one after the other: the rest of a loop in blocks is missing",
        ),
    ],
)
def test_a_bias_that_hears_of_a_part(keep, says):
    bias = RNG.standard_normal(4)
    fixed = RNG.standard_normal((1, 4, 5, 6))
    texts = said_of(lambda b: b.reshape(1, 4, 1, 1) + fixed, lambda arrays, g: keep(g).sum((0, 2, 3)), bias)
    assert texts == {says}


def test_blocks_leave_something_and_take_something():
    for _, kept in blocks((2, 3, 2, 2)):
        assert kept.any() and not kept.all()


def test_product_of_sums():
    x, scale = RNG.standard_normal((3, 4, 5)), RNG.standard_normal((3, 1, 1))
    wrong = lambda arrays, g: g.sum((1, 2), keepdims=True) * x.sum((1, 2), keepdims=True)  # noqa: E731
    (text,) = said_of(lambda s: s * x, wrong, scale)
    assert "taken as the product of two sums" in text


def test_a_share_of_another_size():
    pool = lambda x: ops.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)  # noqa: E731
    factors = np.where(np.arange(9).reshape(3, 3) % 2, 0.5, 1.0)
    (text,) = said_of(pool, incoming(lambda g: g * factors, pool), RNG.standard_normal((1, 2, 6, 6)))
    assert text == "the shares of 8 of 18 outputs are off by a factor of their own (0.500): divided by another size"


def test_divided_by_how_many_meet():
    x = RNG.standard_normal((1, 1, 3, 3))
    weight = RNG.standard_normal((1, 2, 3, 3))
    spread = lambda x: ops.conv_transpose2d(x, weight, stride=2)  # noqa: E731
    count = ops.conv_transpose2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), stride=2).data
    (text,) = said_of(spread, incoming(lambda g: g / count, spread), x)
    assert text == "divided by how many meet in each output, as for a mean"


# nothing of the kind


@pytest.mark.parametrize("shape", [(2,), (3,), (2, 2), (2, 3), (3, 3), (1, 2, 2, 2), (1, 1, 3, 3), (2, 2, 3, 2)])
def test_noise_is_no_pattern(shape):
    """However small the array: a rule that tries much must not fit by chance."""
    matrix = np.random.default_rng(9).standard_normal((int(np.prod(shape)),) * 2)

    def mixed(x):
        return (matrix @ x.reshape(-1)).reshape(shape)

    for seed in range(4):
        noise = np.random.default_rng(100 + seed).standard_normal((matrix.shape[0],) * 2)
        for wrong in (noise, matrix + 0.01 * noise):
            backward = lambda x, g, wrong=wrong: (wrong.T @ g.reshape(-1)).reshape(shape)  # noqa: E731
            x = np.random.default_rng(seed).standard_normal(shape)
            assert diagnosis(rejected(function(mixed, backward), x, seed=seed)) == "no pattern that is known here"


@pytest.mark.parametrize("seed", range(3))
def test_a_convolution_with_noise_in_its_gradient_is_no_pattern(seed):
    noise = np.random.default_rng(seed).standard_normal(PICTURE.shape)
    wrong = lambda arrays, g: tuple(x + 0.3 * noise * g.sum() for x in gradients_of(conv, arrays, g))  # noqa: E731
    assert said_of(conv, wrong, PICTURE) == {"no pattern that is known here"}
