"""What a backward must do whatever its values are: each rule with what breaks it, and with what looks like it and does not."""

import numpy as np
import pytest

import minifcn as mf

from .functions import Formula, cube, elementwise, function, rejected

X = np.array([[1.0, -2.0, 0.5], [-0.25, 3.0, -1.5]])


def faults(*arguments, **options):
    """The sentences of the message that belong to no element."""
    lines = rejected(*arguments, **options).splitlines()[1:]
    return [
        line.strip()
        for line in lines
        if line.startswith("  ") and line[2] != " " and " wrong" not in line and "right: " not in line
    ]


# repeatable


def test_a_forward_with_random_numbers():
    rng = np.random.default_rng(0)
    said = faults(lambda x: x * rng.random(3), X)
    assert len(said) == 1
    assert said[0].startswith(
        "not repeatable: two forward runs on the same arrays differ; fix the seed of what is random"
    )


def test_dropout_without_a_seed_is_not_repeatable_and_with_one_it_is():
    assert "not repeatable" in faults(lambda x: mf.ops.dropout(x, 0.5), X)[0]
    mf.gradcheck(lambda x: mf.ops.dropout(x, 0.5, rng=3), X)


def test_a_forward_that_is_random_in_the_last_digit():
    rng = np.random.default_rng(0)
    said = faults(lambda x: x * (1 + 1e-15 * rng.integers(2, 9)), X)
    assert said[0].startswith("not repeatable: two forward runs")


def test_a_backward_with_random_numbers():
    rng = np.random.default_rng(0)
    said = faults(function(lambda x: 2 * x, lambda x, grad: 2 * grad * (1 + 1e-12 * rng.random(x.shape))), X)
    assert said[0].startswith("input 0: not repeatable: two backward runs differ; at (0, 0) ")


def test_a_function_that_counts_its_calls():
    class Momentum(mf.Function):
        seen = 0.0

        def forward(self, x):
            Momentum.seen = 0.9 * Momentum.seen + 0.1 * x.mean()
            return x - Momentum.seen

        def backward(self, grad):
            return grad

    assert "not repeatable" in faults(lambda x: Momentum()(x), X)[0]


def test_infinite_and_missing_outputs_repeat():
    mf.gradcheck(function(lambda x: np.append(x, -np.inf), lambda x, grad: grad[:-1].reshape(x.shape)), X)


# the incoming gradient


def test_a_gradient_that_ignores_what_comes_in():
    said = faults(function(lambda x: 2 * x, lambda x, grad: np.full(x.shape, 2.0)), X)
    assert said == ["input 0: does not use the incoming gradient: it is the same when 0 comes in"]


def test_a_gradient_with_something_added():
    said = faults(function(lambda x: 2 * x, lambda x, grad: 2 * grad + 1e-9), X)
    assert said == ["input 0: a zero incoming gradient gives a gradient that is not zero"]


def test_each_input_and_parameter_is_named():
    class Pair(mf.Function):
        def forward(self, a, b):
            return a + b

        def backward(self, grad):
            return grad + 1, np.ones(grad.shape)

    weight = mf.Tensor(X.copy(), requires_grad=True)
    said = faults(lambda a: Pair()(a, weight), X, parameters={"w": weight})
    assert said == [
        "input 0: a zero incoming gradient gives a gradient that is not zero",
        "parameter w: does not use the incoming gradient: it is the same when 0 comes in",
    ]


def test_a_gradient_that_is_zero_needs_no_incoming_one():
    mf.gradcheck(function(np.sign, lambda x, grad: np.zeros(x.shape)), X)


def test_minus_zero_is_zero():
    mf.gradcheck(function(lambda x: -x, lambda x, grad: -grad), X)


def test_a_gradient_of_nan_does_use_the_incoming_one():
    """NaN times anything is NaN: that says nothing about what comes in."""
    message = rejected(cube(np.nan), X)
    assert "does not use the incoming gradient" not in message
    assert "6 values are not a number" in message


# arrays that are not the function's own


CHANGED = {
    "again and again": lambda x: np.add(x, 1, out=x),
    "once and for all": lambda x: np.maximum(x, 0, out=x),
    "one element": lambda x: x.__setitem__((0, 0), 7.0),
    "sorted": lambda x: x.sort(0),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_a_forward_that_changes_its_input(change):
    """In place, x[x < 0] = 0 is what people write; a second run finds nothing left to change."""

    def formula(x):
        change(x)
        return 2 * x

    said = faults(function(formula, lambda x, grad: 2 * grad), X.copy())
    assert said == ["input 0: was changed by the function; it must leave its inputs alone"]


def test_a_relu_in_place():
    def formula(x):
        x[x < 0] = 0
        return x * 1

    said = faults(function(formula, lambda x, grad: grad * (x > 0)), X.copy())
    assert said == ["input 0: was changed by the function; it must leave its inputs alone"]


@pytest.mark.parametrize("dtype", ["int64", "float64", "bool"])
def test_an_input_that_is_held_fixed_may_not_be_changed_either(dtype):
    def clears(x, mask):
        y = x * mask.data.astype("float64")
        mask.data[0, 1] = 0
        return y

    said = faults(clears, [mf.Tensor(X, requires_grad=True), mf.Tensor(np.ones(X.shape, dtype))])
    assert said == ["input 1: was changed by the function; it must leave its inputs alone"]


def test_a_backward_that_changes_its_input():
    def gradient(x, grad):
        x *= 3
        return 2 * grad

    assert faults(function(lambda x: 2 * x, gradient), X.copy()) == [
        "input 0: was changed by the function; it must leave its inputs alone"
    ]


def test_a_backward_that_scales_the_incoming_gradient_in_place():
    said = faults(function(lambda x: 2 * x, lambda x, grad: np.multiply(grad, 2, out=grad)), X)
    assert said == ["backward changed the incoming gradient, which other results may share; it must work on a copy"]


def test_a_relu_whose_backward_works_in_place():
    """grad[x <= 0] = 0: the second time there is nothing left to change, and the right value comes out."""

    def gradient(x, grad):
        grad[x <= 0] = 0
        return grad

    said = faults(function(lambda x: np.maximum(x, 0), gradient), X)
    assert said == ["backward changed the incoming gradient, which other results may share; it must work on a copy"]


def test_a_backward_may_return_the_incoming_gradient_itself():
    mf.gradcheck(function(lambda x: x + 1, lambda x, grad: grad), X)
    mf.gradcheck(function(lambda x: x[::-1], lambda x, grad: grad[::-1]), X)


def test_a_forward_may_work_in_place_on_a_copy():
    def formula(x):
        y = x.copy()
        y[y < 0] = 0
        return y

    mf.gradcheck(function(formula, lambda x, grad: grad * (x > 0)), X)


# memory order


ORDERS = {
    "reads the incoming gradient as it lies": lambda x, grad: 2 * grad.ravel("K").reshape(x.shape),
    "writes into a copy, x lying otherwise": lambda x, grad: written(x, 2 * grad),
    "writes into a copy, grad lying otherwise": lambda x, grad: written(grad, 2 * grad),
    "reads behind its strides": lambda x, grad: 2 * behind(grad),
}


def written(like, values):
    result = np.zeros_like(like)
    result.reshape(-1)[:] = values.reshape(-1)  # a view where `like` lies row by row, else a copy, and lost
    return result


def behind(array):
    """What lies in memory from the first element on."""
    return np.lib.stride_tricks.as_strided(array, array.shape, np.zeros(array.shape).strides)


@pytest.mark.parametrize("gradient", ORDERS.values(), ids=ORDERS)
def test_a_gradient_that_depends_on_memory_order(gradient):
    assert faults(function(lambda x: 2 * x, gradient), X)[0].startswith(
        "input 0: the gradient depends on memory order: "
    )


def test_memory_order_of_the_input_alone():
    """With the incoming gradient as it is, and the input in Fortran order."""
    wrong = function(lambda x: x**2, lambda x, grad: 2 * grad * x.ravel("K").reshape(x.shape))
    assert faults(wrong, X)[0].startswith("input 0: the gradient depends on memory order: with inputs in Fortran order")


def test_a_channels_last_gradient_does_not_depend_on_memory_order():
    picture = np.arange(24.0).reshape(1, 2, 3, 4)

    def gradient(x, grad):
        return np.ascontiguousarray(2 * grad.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    mf.gradcheck(function(lambda x: 2 * x, gradient), picture)


def test_a_sum_in_another_order_is_no_other_gradient():
    """NumPy adds in the order in which the numbers lie: the last digit differs, and that is nothing to complain of."""
    x = np.random.default_rng(0).standard_normal((50, 7)) * 1e3
    mf.gradcheck(
        function(
            lambda x: x.sum() * x.mean(keepdims=True), lambda x, grad: 2 * x.sum() / x.size * grad * np.ones(x.shape)
        ),
        x[:5],
    )


# two calls in one graph


def test_state_that_two_calls_share():
    class Shared(mf.Function):
        def forward(self, x):
            Shared.x = x
            return x**2

        def backward(self, grad):
            return 2 * Shared.x * grad

    said = faults(lambda x: Shared()(x), X)
    assert said[0].startswith(
        "input 0: two calls in one graph disturb each other (state shared between calls, or a gradient that is changed later); at ("
    )


def test_a_gradient_in_a_buffer_that_is_used_again():
    buffer = np.empty(X.shape)
    said = faults(function(lambda x: x**2, lambda x, grad: np.multiply(2 * x, grad, out=buffer)), X)
    assert "two calls in one graph disturb each other" in said[0]


def test_state_of_a_parameter_that_two_calls_share():
    weight = mf.Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)

    class Shared(mf.Function):
        def forward(self, x, w):
            Shared.saved = x, w
            return x * w

        def backward(self, grad):
            x, w = Shared.saved
            return grad * w, (grad * x).sum(0)

    said = faults(lambda x: Shared()(x, weight), X, parameters={"w": weight})
    assert said and said[0].startswith("parameter w: two calls in one graph disturb each other")


def test_one_function_object_may_be_called_many_times():
    again = Formula(lambda x: x**2, lambda x, grad: 2 * x * grad)
    mf.gradcheck(again, X)
    mf.gradcheck(lambda x: again(again(x)), X)


def test_a_cache_that_is_keyed_by_its_values_is_fine():
    cache = {}
    fn = function(lambda x: cache.setdefault(x.tobytes(), x**2).copy(), lambda x, grad: 2 * x * grad)
    mf.gradcheck(fn, X)


# all together


def test_a_fault_is_told_once_and_before_the_numbers():
    """A broken rule stops the later ones, which trust it; the comparison of values goes on."""
    message = rejected(function(lambda x: 3 * x, lambda x, grad: np.full(x.shape, 3.0)), X)
    lines = message.splitlines()
    assert lines[0] == "gradcheck: WRONG, 6 values compared"
    assert lines[1] == "  input 0: does not use the incoming gradient: it is the same when 0 comes in"
    assert lines[2].startswith("  input 0: 6 of 6 elements wrong")


def test_a_fault_alone_is_enough():
    """All values are right, and still it is wrong."""
    message = rejected(function(lambda x: 2 * x, lambda x, grad: 2 * grad + (0.0 if grad.any() else 1e-3)), X)
    assert "a zero incoming gradient gives a gradient that is not zero" in message
    assert "elements wrong" not in message and "right:" not in message  # what is blamed is not called right


def test_what_is_not_blamed_is_called_right():
    class Pair(mf.Function):
        def forward(self, a, b):
            return a + b

        def backward(self, grad):
            return grad, grad + (0.0 if grad.any() else 1e-3)

    assert "\n  right: input 0" in rejected(lambda a, b: Pair()(a, b), [X, X + 3])


# precision


def test_a_gradient_through_float32():
    said = faults(function(lambda x: 3 * x, lambda x, grad: (3 * grad).astype("f4")), X)
    assert len(said) == 1 and said[0].startswith("input 0: rounded to float32 on the way")


def test_a_curve_may_not_go_through_float32_either_though_it_is_near_enough():
    said = faults(function(lambda x: x**3, lambda x, grad: (3 * x**2 * grad).astype("f4")), X)
    assert said[0].startswith("input 0: rounded to float32 on the way")


def test_zeros_and_single_numbers_are_not_called_rounded():
    mf.gradcheck(function(np.sign, lambda x, grad: np.zeros(x.shape)), X)
    mf.gradcheck(lambda x: x[0, 0] * 2.0, X)
    mf.gradcheck(lambda x: x * 0.5, X)  # a power of two adds no digit, and takes none
    mf.gradcheck(lambda x: x.sum(), X)


def test_float32_in_the_forward_is_not_called_so_in_the_gradient():
    said = rejected(function(lambda x: (2 * x).astype("f4").astype("f8"), lambda x, grad: 5 * grad), X)
    assert "rounded to float32" not in said


def test_integers_and_masks_are_left_out_of_what_is_scaled():
    labels = np.array([0, 2, 1])
    mask = np.array([True, False, True])
    report = mf.gradcheck(
        lambda x, labels, mask: x[labels.data] * mask.data[:, None], [np.arange(6.0).reshape(3, 2), labels, mask]
    )
    assert list(report.inputs) == [0]


def test_a_right_function_passes_all_rules():
    for x in (X, np.asfortranarray(X), X[:, ::-1], X.T, np.array(2.0), X.reshape(1, 1, 2, 3)):
        mf.gradcheck(cube(), x)
        mf.gradcheck(elementwise(np.exp, np.exp), x)


def test_terms_that_cancel_are_not_called_rounded():
    x = np.random.default_rng(0).standard_normal((3, 3)) + 3
    assert mf.gradcheck(lambda x: x / x, x).ok  # the gradient is 0 but for the last digit of 1


class Handed(mf.Function):
    """a + b, whose backward hands out the gradient that came in, and says that it does not."""

    fresh = True

    def forward(self, a, b):
        return a + b

    def backward(self, grad):
        return grad, grad


def test_an_array_that_is_not_fresh():
    a, b = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    with pytest.raises(mf.GradcheckError) as caught:
        mf.gradcheck(Handed(), [a, b])
    said = str(caught.value)
    assert "input 0: its gradient lies in the memory of the incoming gradient; fresh = True promises" in said
    assert "input 1: its gradient lies in the memory of the gradient of input 0" in said


def test_without_the_promise_the_engine_copies():
    class Copied(Handed):
        fresh = False

    mf.gradcheck(Copied(), [np.array([1.0, 2.0]), np.array([0.5, 3.0])])


# one number for all places: the incoming gradient of whoever ends in y.sum()


class OfStrides(mf.Function):
    """x², whose backward goes by how the incoming gradient lies in memory."""

    def __init__(self, wrong):
        self.wrong = wrong

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, grad):
        return 2 * self.x * self.wrong(grad)


ONE_NUMBER = {
    "strides of 0": (lambda g: g if 0 not in g.strides else 0 * g, "input 0: the gradient depends on memory order: it is another where"),
    "memory that is locked": (lambda g: g if g.flags.writeable else 2 * g, "input 0: the gradient depends on memory order: it is another where"),
    "no array of its own": (lambda g: np.frombuffer(memoryview(g).cast("B"), float).reshape(g.shape), "backward fails where the incoming"),
}  # fmt: skip


@pytest.mark.parametrize("case", ONE_NUMBER.values(), ids=ONE_NUMBER)
def test_a_backward_that_cannot_read_what_a_sum_sends_back(case):
    wrong, message = case
    x = np.random.default_rng(0).standard_normal((3, 4))

    def contiguous_or(grad):
        return wrong(grad) if 0 in grad.strides else grad

    text = rejected(lambda t: OfStrides(contiguous_or)(t), [x])
    assert message in text and "as that of y.sum() is" in text
    assert mf.gradcheck(lambda t: OfStrides(lambda g: g)(t), [x]).ok
