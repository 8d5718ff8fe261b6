"""mf.Function as a user writes one: options, several inputs, needs, reuse; and what it says of a wrong backward."""

import numpy as np
import pytest

import minifcn as mf


def leaf(values, dtype="float64"):
    return mf.Tensor(np.asarray(values, dtype), requires_grad=True)


class Square(mf.Function):
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, grad):
        return 2 * self.x * grad


class ScaledProduct(mf.Function):
    """factor·a·b, computing only what is needed."""

    def __init__(self, factor, log=None):
        self.factor, self.log = factor, log

    def forward(self, a, b):
        self.a, self.b = a, b
        return self.factor * a * b

    def backward(self, grad):
        if self.log is not None:
            self.log.append(self.needs)
        return (
            self.factor * self.b * grad if self.needs[0] else None,
            self.factor * self.a * grad if self.needs[1] else None,
        )


class Returns(mf.Function):
    """Adds its inputs; its backward returns whatever it was told to."""

    def __init__(self, value, forward=None):
        self.value, self.instead = value, forward

    def forward(self, *arrays):
        return sum(arrays) if self.instead is None else self.instead

    def backward(self, grad):
        return self.value


def test_a_function_of_one_input():
    x = leaf([3.0, -2.0])
    y = Square()(x)
    np.testing.assert_array_equal(y.data, [9, 4])
    assert y.requires_grad and isinstance(y.creator, Square)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [6, -4])
    mf.gradcheck(lambda t: Square()(t), np.array([0.3, -1.2]))


def test_a_function_of_two_inputs_with_options_and_needs():
    for wanted, expected in (
        ((True, True), ([12.0], [8.0])),
        ((True, False), ([12.0], None)),
        ((False, True), (None, [8.0])),
    ):
        log = []
        a, b = (mf.Tensor(np.array([v]), requires_grad=want) for v, want in zip((2.0, 3.0), wanted, strict=True))
        y = ScaledProduct(4.0, log)(a, b)
        assert y.data == [24]
        y.backward()
        assert log == [wanted]
        assert (a.grad, b.grad) == expected


def test_needs_can_be_read_in_forward():
    class Looks(mf.Function):
        def forward(self, a, b):
            seen.append(self.needs)
            return a + b

        def backward(self, grad):
            return grad, grad

    seen = []
    Looks()(leaf([1.0]), np.array([1.0]))
    with mf.no_grad():
        Looks()(leaf([1.0]), np.array([1.0]))
    assert seen == [(True, False), (False, False)]


def test_plain_arrays_and_numbers_are_constants():
    a = leaf([2.0])
    y = ScaledProduct(1.0)(a, np.array([5.0]))
    y.backward()
    assert a.grad == [5]
    assert not ScaledProduct(1.0)(np.array([2.0]), 3.0).requires_grad


def test_the_same_tensor_in_both_places_gets_both_parts():
    a = leaf([5.0])
    ScaledProduct(1.0)(a, a).backward()
    assert a.grad == [10]


def test_one_instance_called_twice_in_one_graph():
    square = Square()
    x = leaf([3.0])
    y = square(square(x))  # x⁴
    y.backward()
    assert x.grad == [4 * 27]


def test_one_instance_called_many_times_keeps_each_calls_arrays():
    square = ScaledProduct(2.0)
    leaves = [leaf([float(number)]) for number in range(1, 6)]
    outputs = [square(x, x) for x in leaves]
    for x, y in reversed(list(zip(leaves, outputs, strict=True))):
        y.backward()
        assert x.grad == 4 * x.data


def test_one_instance_can_be_used_again_after_its_graph_was_walked():
    scaled = ScaledProduct(2.0)
    for value in (3.0, 5.0):
        x = leaf([value])
        scaled(x, x).backward()
        assert x.grad == 4 * value
    assert scaled.factor == 2.0


def test_one_instance_in_two_graphs_is_walked_once_each():
    square = Square()
    x = leaf([3.0])
    first, second = square(x), square(x)
    first.backward()
    second.backward()
    assert x.grad == [12]
    for walked in (first, second):
        with pytest.raises(RuntimeError, match="walked before"):
            walked.backward()


def test_an_option_changed_between_two_calls_counts_from_then_on():
    scaled = ScaledProduct(2.0)
    x = leaf([1.0])
    first = scaled(x, x)
    scaled.factor = 10.0
    second = scaled(x, x)
    assert (first.data, second.data) == ([2], [10])


def test_what_forward_saved_is_gone_after_the_walk_and_options_stay():
    scaled = ScaledProduct(2.0)
    x = leaf([1.0])
    scaled(x, x).backward()
    assert not hasattr(scaled, "a") and scaled.inputs is None and scaled.factor == 2.0


def test_none_where_a_gradient_was_wanted_means_none_came():
    a, b = leaf([1.0]), leaf([2.0])
    (Returns((None, np.array([4.0])))(a, b) * 1).backward()
    assert a.grad is None and b.grad == [4]
    c = leaf([1.0])
    Returns(None)(c * 2).backward()
    assert c.grad is None


def test_an_extra_gradient_for_an_input_that_wants_none_is_dropped():
    a, constant = leaf([1.0]), mf.Tensor(np.array([2.0]))
    Returns((np.array([3.0]), np.array([4.0])))(a, constant).backward()
    assert a.grad == [3] and constant.grad is None


def test_a_function_without_inputs_is_a_constant():
    assert Returns(None, forward=np.ones(3))().shape == (3,)


ERRORS = {
    "too many gradients": (
        lambda: Returns((np.ones(1), np.ones(1)))(leaf([1.0])).backward(),
        ValueError,
        "Returns.backward returned 2 gradients for 1 inputs",
    ),
    "too few gradients": (
        lambda: Returns(np.ones(1))(leaf([1.0]), leaf([1.0])).backward(),
        ValueError,
        "Returns.backward returned 1 gradients for 2 inputs",
    ),
    "shape of a gradient": (
        lambda: Returns((np.ones(3), np.ones(2)))(leaf(np.ones(3)), leaf(np.ones(3))).sum().backward(),
        ValueError,
        "Returns.backward: gradient 1 has shape (2,), its input (3,)",
    ),
    "a number for an array": (
        lambda: Returns(1.0)(leaf(np.ones(3))).sum().backward(),
        ValueError,
        "Returns.backward: gradient 0 has shape (), its input (3,)",
    ),
    "Tensor from backward": (
        lambda: Returns(mf.Tensor(np.ones(1)))(leaf([1.0])).backward(),
        TypeError,
        "Returns.backward returned a Tensor; gradients of gradients are not supported, return arrays",
    ),
    "Tensor from forward": (
        lambda: Returns(None, forward=mf.Tensor(np.ones(1)))(leaf([1.0])),
        TypeError,
        "Returns.forward returned Tensor; it gets arrays and must return an array",
    ),
    "no forward": (
        lambda: mf.Function()(leaf([1.0])),
        NotImplementedError,
        "Function has no forward: write forward(self, *arrays), which returns an array",
    ),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS)
def test_error(case):
    call, error, message = case
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_error_no_backward():
    class OneWay(mf.Function):
        def forward(self, x):
            return x * 1

    y = OneWay()(leaf([1.0]))  # forward alone is fine
    with pytest.raises(NotImplementedError) as caught:
        y.backward()
    assert str(caught.value) == "OneWay has no backward: write backward(self, grad), one gradient an input"


def test_error_forward_returned_nothing_names_the_function():
    class Silent(mf.Function):
        def forward(self, x):
            self.y = x * 2

    with pytest.raises(TypeError, match=r"^Silent\.forward returned None"):
        Silent()(leaf([1.0]))


def test_integers_from_forward_claim_no_gradient():
    class Largest(mf.Function):
        def forward(self, x):
            return x.argmax(0)

    try:
        result = Largest()(leaf([1.0, 3.0]))
    except TypeError as error:
        assert "Largest" in str(error)
    else:
        assert result.data == 1 and not result.requires_grad


def test_error_mixed_devices(on_gpu):
    with pytest.raises(ValueError) as caught:
        ScaledProduct(1.0)(np.ones(2), on_gpu(np.ones(2)))
    assert str(caught.value) == (
        "ScaledProduct: inputs lie on different devices ['cpu', 'gpu']; move them with .to('cpu') or .to('gpu')"
    )
