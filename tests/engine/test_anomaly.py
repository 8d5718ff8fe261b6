"""detect_anomaly names the operation that made the first NaN or infinity, and the line that called it."""

import numpy as np
import pytest

import minifcn as mf


class Root(mf.Function):
    """A square root, whose slope at 0 is infinite."""

    def forward(self, x):
        self.y = np.sqrt(x)
        return self.y

    def backward(self, grad):
        with np.errstate(divide="ignore"):
            return grad / (2 * self.y)


def leaf(*values):
    return mf.Tensor(np.array(values), requires_grad=True)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_first_operation_that_makes_infinity_is_named_with_its_line():
    x = leaf(1.0, 2.0, 3.0)
    with mf.detect_anomaly(), pytest.raises(mf.AnomalyError) as caught:
        y = x * 2
        z = y / np.array([1.0, 0.0, 1.0])  # the culprit
        (z * 0).sum()
    message = str(caught.value)
    assert message.startswith(
        "Div.forward: infinity in 1 of 3 values, the first at (1,); it made it from finite inputs."
    )
    assert "test_anomaly.py" in message and "# the culprit" in message


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_that_came_in_is_not_blamed_on_the_operation():
    with (
        mf.detect_anomaly(),
        pytest.raises(mf.AnomalyError, match=r"Add\.forward: NaN .* got it from input 1: it was there"),
    ):
        leaf(1.0, 2.0) + leaf(np.nan, 0.0)


def test_a_gradient_names_the_line_of_its_forward():
    x = leaf(4.0, 0.0)
    with mf.detect_anomaly():
        loss = Root()(x).sum()  # made here
        with pytest.raises(mf.AnomalyError) as caught:
            loss.backward()
    message = str(caught.value)
    assert message.startswith(
        "Root.backward, gradient 0: infinity in 1 of 2 values, the first at (1,); it made it from finite"
    )
    assert "# made here" in message and x.grad is None


def test_a_forward_outside_is_said_to_be_unknown():
    loss = Root()(leaf(0.0)).sum()
    with mf.detect_anomaly(), pytest.raises(mf.AnomalyError, match="Called at a line outside detect_anomaly"):
        loss.backward()


def test_a_scalar_result_has_its_place_too():
    with mf.detect_anomaly(), pytest.raises(mf.AnomalyError, match=r"NaN in 1 of 1 values, the first at \(\)"):
        mf.ops.sum(mf.Tensor(np.array(np.nan)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nothing_is_checked_outside_or_after_an_exception():
    with pytest.raises(KeyError), mf.detect_anomaly():
        raise KeyError
    assert np.isnan((leaf(np.nan) * 1).data).all()


def test_what_is_finite_passes_unchanged():
    rng = np.random.default_rng(0)
    pictures, labels = rng.standard_normal((1, 3, 20, 20)).astype(np.float32), rng.integers(0, 4, (1, 20, 20))
    gradients = []
    for watched in (False, True):
        mf.manual_seed(0)
        model = mf.models.fcn8s("tiny", 4, width=2)
        with mf.detect_anomaly() if watched else mf.no_grad():
            model(pictures)
        with mf.detect_anomaly():
            mf.ops.softmax_cross_entropy(model(pictures), labels).backward()
        gradients.append([p.grad for p in model.parameters() if p.requires_grad])
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_array_equal(one, other)
