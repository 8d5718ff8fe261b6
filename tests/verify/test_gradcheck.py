"""The checks themselves: a right gradient passes, each way of being wrong does not."""

import numpy as np
import pytest

import minifcn as mf


class Cube(mf.Function):
    """x³, whose backward can be spoilt."""

    def __init__(self, spoil=lambda slope, grad: slope * grad):
        self.spoil = spoil

    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, grad):
        return self.spoil(3 * self.x**2, grad)


X = np.random.default_rng(0).uniform(0.5, 2, (2, 3)) * [[1], [-1]]


def test_gradcheck_accepts_a_right_gradient():
    report = mf.gradcheck(lambda x: Cube()(x), X)
    assert report.ok and report.elements == 6 and report.worst < 1e-8


def first_only(slope, grad):
    slope[0, 1] *= 1.001
    return slope * grad


WRONG = {
    "factor 1.0001": lambda slope, grad: slope * grad * 1.0001,
    "constant 1e-3": lambda slope, grad: slope * grad + 1e-3,
    "one element": first_only,
    "sign": lambda slope, grad: -slope * grad,
    "zero": lambda slope, grad: 0 * grad,
    "gradient ignored": lambda slope, grad: slope,
    "gradient summed": lambda slope, grad: slope * grad.sum(),
    "mirrored": lambda slope, grad: (slope * grad)[:, ::-1],
    "nan": lambda slope, grad: slope * grad * np.nan,
    "none": lambda slope, grad: None,
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_gradcheck_rejects(spoil):
    with pytest.raises(mf.GradcheckError, match="input 0"):
        mf.gradcheck(lambda x: Cube(spoil)(x), X)


def test_gradcheck_names_input_index_and_both_values():
    with pytest.raises(mf.GradcheckError) as caught:
        mf.gradcheck(lambda a, b: a * 2 + Cube(first_only)(b), [X, X + 3])
    message = str(caught.value)
    assert (
        "input 1: 1 of 6 elements wrong (curved, step " in message
        and "; worst at (0, 1): analytic " in message
        and "numeric " in message
    )
    assert "right: input 0" in message


def test_gradcheck_rejects_a_softmax_backward_that_returns_zeros():
    class Softmax(mf.Function):
        def forward(self, x):
            e = np.exp(x - x.max(-1, keepdims=True))
            return e / e.sum(-1, keepdims=True)

        def backward(self, grad):
            return np.zeros_like(grad)

    with pytest.raises(mf.GradcheckError):
        mf.gradcheck(lambda x: Softmax()(x), X)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: mf.gradcheck(lambda x: x * 2, X.astype("float32")), "input 0 has dtype float32"),
        (lambda: mf.gradcheck(lambda x: x * 2, np.arange(3)), "no floating point input"),
        (lambda: mf.gradcheck(lambda x: x * 2, np.broadcast_to(1.0, (3,))), "input 0 is expanded"),
        (lambda: mf.gradcheck(lambda x: x.data, X), "the function returned ndarray"),
        (lambda: mf.gradcheck(lambda x: mf.Tensor(x.data.astype("float32")), X), "the output has dtype float32"),
    ],
)
def test_gradcheck_explains_what_it_cannot_check(call, message):
    with pytest.raises(mf.GradcheckError, match=message):
        call()


def test_gradcheck_holds_inputs_fixed_that_want_no_gradient():
    report = mf.gradcheck(lambda a, b: a * b, [mf.Tensor(X, requires_grad=True), mf.Tensor(X + 3)])
    assert list(report.inputs) == [0]


def test_gradcheck_notices_a_function_that_changes_its_input():
    class Spoils(mf.Function):
        def forward(self, x):
            y = x * 2
            x += 1
            return y

        def backward(self, grad):
            return 2 * grad

    with pytest.raises(mf.GradcheckError):
        mf.gradcheck(lambda x: Spoils()(x), X.copy())


def test_gradcheck_leaves_the_inputs_alone():
    x = X.copy()
    mf.gradcheck(lambda t: Cube()(t), x)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", WRONG)
def test_gradcheck_rejects_for_any_seed(name, seed):
    mf.gradcheck(lambda x: Cube()(x), X, seed=seed)
    with pytest.raises(mf.GradcheckError):
        mf.gradcheck(lambda x: Cube(WRONG[name])(x), X, seed=seed)


def test_gradcheck_compares_with_one_cotangent_of_the_seed():
    """Random, so that a gradient that is right for all ones alone is found; the same one for the same seed."""

    def values(seed):
        return mf.gradcheck(lambda x: Cube()(x), X, seed=seed).inputs[0].analytic / (3 * X**2)

    np.testing.assert_array_equal(values(1), values(1))
    assert (values(1) != values(2)).all() and len(np.unique(values(1))) == X.size


def test_gradcheck_takes_one_array_or_tensor_or_a_sequence():
    for inputs in (X, mf.Tensor(X), [X], (X,), [mf.Tensor(X, requires_grad=True)]):
        assert mf.gradcheck(lambda x: Cube()(x), inputs).elements == 6


def test_gradcheck_leaves_integers_out():
    report = mf.gradcheck(lambda x, places: x[places.data], [X, np.array([1, 0, 1])])
    assert list(report.inputs) == [0]


def expanded():
    return np.broadcast_to(np.arange(3.0), (2, 3))


def parameter(values):
    return mf.Tensor(np.array(values), requires_grad=True)


MESSAGES = {
    "directions": (dict(directions=0), "gradcheck: directions is 0; expected an integer of at least 1"),
    "negative directions": (dict(directions=-2), "gradcheck: directions is -2; expected an integer of at least 1"),
    "nothing given": (dict(inputs=()), "gradcheck: no floating point input to check, and no parameters"),
    "integers": (dict(inputs=np.arange(3)), "gradcheck: no floating point input to check, and no parameters"),
    "only frozen parameters": (
        dict(inputs=(), parameters=[mf.Tensor(np.ones(2))]),
        "gradcheck: no floating point input to check, and no parameters",
    ),
    "float32": (
        dict(inputs=[X, X.astype("float32")]),
        "gradcheck: input 1 has dtype float32; a difference needs float64: array.astype('float64')",
    ),
    "float16": (
        dict(inputs=X.astype("float16")),
        "gradcheck: input 0 has dtype float16; a difference needs float64: array.astype('float64')",
    ),
    "expanded": (
        dict(inputs=[X, expanded()]),
        "gradcheck: input 1 is expanded: several elements share one number; pass a copy",
    ),
    "NaN": (
        dict(inputs=X * np.nan),
        "gradcheck: input 0 holds NaN or infinity; there is no difference to take there",
    ),
    "infinity": (
        dict(inputs=np.array([1.0, -np.inf])),
        "gradcheck: input 0 holds NaN or infinity; there is no difference to take there",
    ),
    "an array for a parameter": (
        dict(parameters={"weight": X}),
        "gradcheck: parameter weight is ndarray; expected a Tensor, the very one that fn reads",
    ),
    "an array for parameters": (
        dict(parameters=[parameter([1.0]), X]),
        "gradcheck: parameter 1 is ndarray; expected a Tensor, the very one that fn reads",
    ),
    "float32 parameter": (
        dict(parameters={"weight": parameter(np.ones(2, "float32"))}),
        "gradcheck: parameter weight has dtype float32; a difference needs float64: model.astype('float64')",
    ),
    "float32 model": (
        dict(parameters=mf.nn.Conv2d(1, 1, 1)),
        "gradcheck: parameter weight has dtype float32; a difference needs float64: model.astype('float64')",
    ),
    "expanded parameter": (
        dict(parameters={"bias": mf.Tensor(expanded(), requires_grad=True)}),
        "gradcheck: parameter bias is expanded: several elements share one number; pass a copy",
    ),
    "NaN in a parameter": (
        dict(parameters=[parameter([np.nan])]),
        "gradcheck: parameter 0 holds NaN or infinity; there is no difference to take there",
    ),
    "an array returned": (
        dict(fn=lambda x: x.data),
        "gradcheck: the function returned ndarray; expected one Tensor",
    ),
    "two tensors returned": (
        dict(fn=lambda x: (x, x)),
        "gradcheck: the function returned tuple; expected one Tensor",
    ),
    "nothing returned": (
        dict(fn=lambda x: None),
        "gradcheck: the function returned NoneType; expected one Tensor",
    ),
    "float32 returned": (
        dict(fn=lambda x: mf.Tensor(x.data.astype("float32"))),
        "gradcheck: the output has dtype float32 for float64 inputs; the dtype must be kept",
    ),
    "integers returned": (
        dict(fn=lambda x: mf.Tensor(x.data.argmax(1))),
        "gradcheck: the output has dtype int64 for float64 inputs; the dtype must be kept",
    ),
}


@pytest.mark.parametrize("arguments, message", MESSAGES.values(), ids=MESSAGES)
def test_each_message(arguments, message):
    arguments = {"fn": lambda *tensors: sum((t * 2.0 for t in tensors), start=mf.Tensor(0.0)), "inputs": X, **arguments}
    with pytest.raises(mf.GradcheckError) as caught:
        mf.gradcheck(arguments.pop("fn"), arguments.pop("inputs"), **arguments)
    assert str(caught.value) == message


def test_a_float32_model_is_checked_after_astype():
    model = mf.nn.Conv2d(3, 2, 1).astype("float64")
    assert mf.gradcheck(model, np.ones((1, 3, 2, 2)), parameters=model).ok


def test_what_looks_expanded_and_is_not():
    """A stride of 0 along an axis of length 1 shares nothing."""
    one = np.lib.stride_tricks.as_strided(np.arange(3.0), (1, 3), (0, 8))
    assert mf.gradcheck(lambda x: Cube()(x), one).elements == 3


def test_what_the_function_raises_comes_through():
    def broken(x):
        raise ZeroDivisionError("by the function itself")

    with pytest.raises(ZeroDivisionError, match="by the function itself"):
        mf.gradcheck(broken, X)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(step=0), "gradcheck: step is 0; expected a number above 0"),
        (dict(step=float("nan")), "step is nan"),
        (dict(rtol=-1.0), "gradcheck: rtol is -1.0; expected a number 0 or more"),
        (dict(atol=-1e-9), "atol is -1e-09"),
    ],
)
def test_numbers_that_make_no_sense(options, message):
    with pytest.raises(mf.GradcheckError, match=message):
        mf.gradcheck(lambda x: Cube()(x), X, **options)


def test_a_parameter_that_cannot_be_moved():
    weight = mf.Tensor(X.copy(), requires_grad=True)
    weight.data.flags.writeable = False
    with pytest.raises(mf.GradcheckError, match="parameter 0 cannot be written to"):
        mf.gradcheck(lambda x: x * weight, X, parameters=[weight])


class Logarithm(mf.Function):
    def forward(self, x):
        if (x <= 0).any():
            raise ValueError("log of a number that is not above 0")
        self.x = x
        return np.log(x)

    def backward(self, grad):
        return grad / self.x


def test_a_function_that_refuses_values_beside_these():
    x = np.array([1e-6, 0.5, 3.0])
    assert mf.gradcheck(lambda x: Logarithm()(x), x).ok
    assert mf.gradcheck(lambda x: Logarithm()(1 - x), np.array([0.2, 0.9])).ok
    with pytest.raises(mf.GradcheckError, match=r"off by a factor 1\.001"):
        mf.gradcheck(lambda x: 1.001 * Logarithm()(x) + Logarithm()(x).detach() * -0.001, np.array([0.5, 3.0]))


def two(a, b):
    return a * b


ONE = np.array([1.0, 2.0])
UNFIT = {
    "a dict": (lambda: mf.gradcheck(two, {"a": ONE, "b": ONE}), "inputs is a dict; expected an array, a Tensor, or a list"),
    "a generator": (lambda: mf.gradcheck(two, (ONE for _ in range(2))), "inputs is a generator; expected"),
    "too few": (lambda: mf.gradcheck(two, [ONE]), "cannot be called with the 1 inputs given (missing a required argument: 'b')"),
    "a list of lists": (lambda: mf.gradcheck(mf.ops.exp, [[1.0], [2.0]]), "cannot be called with the 2 inputs given"),
    "anything passes": (lambda: mf.gradcheck(mf.ops.exp, ONE, rtol=1.0), "rtol is 1.0; expected a part of the value, below 1"),
    "rtol a string": (lambda: mf.gradcheck(mf.ops.exp, ONE, rtol="1e-3"), "rtol is '1e-3'; expected a number 0 or more"),
    "atol infinite": (lambda: mf.gradcheck(mf.ops.exp, ONE, atol=np.inf), "atol is inf; expected a number 0 or more"),
    "step infinite": (lambda: mf.gradcheck(mf.ops.exp, ONE, step=np.inf), "step is inf; expected a number above 0"),
    "a part of a direction": (lambda: mf.gradcheck(mf.ops.exp, ONE, directions=2.5), "directions is 2.5; expected an integer of at least 1"),
    "a complex step": (lambda: mf.gradcheck(mf.ops.exp, ONE, step=np.complex128(1)), "; expected a number above 0"),
    "a step of True": (lambda: mf.gradcheck(mf.ops.exp, ONE, step=True), "step is True; expected a number above 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT.values(), ids=UNFIT)
def test_a_call_that_checks_nothing_says_so(case):
    call, message = case
    with pytest.raises(mf.GradcheckError) as caught:
        call()
    assert str(caught.value).startswith("gradcheck: ") and message in str(caught.value)
