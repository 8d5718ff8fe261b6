"""What softmax_cross_entropy promises, by hand: void pixels, weights, label types, scores of any size."""

import numpy as np
import pytest

import minifcn as mf
from minifcn.ops import softmax_cross_entropy

REDUCTIONS = ["mean", "sum", "none"]
LABEL_TYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]

each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)
each_choice = pytest.mark.parametrize("choice", ["simple", "fast"])


def loss_and_gradient(scores, labels, *arguments, grad=None, **options):
    tensor = mf.Tensor(scores, requires_grad=True)
    loss = softmax_cross_entropy(tensor, labels, *arguments, **options)
    loss.backward(np.ones(loss.shape) if grad is None else grad)
    return loss.data, tensor.grad


@each_reduction
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 3.0]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_cross_entropy_of_void_alone_is_0_with_gradient_0(reduction, weight, dtype):
    scores = np.random.default_rng(0).standard_normal((2, 3, 2, 2)).astype(dtype)
    loss, grad = loss_and_gradient(scores, np.full((2, 2, 2), 255), weight, reduction=reduction)
    assert loss.shape == ((2, 2, 2) if reduction == "none" else ()) and loss.dtype == dtype
    assert not loss.any() and not grad.any() and grad.shape == scores.shape


@each_reduction
def test_softmax_cross_entropy_with_weights_that_add_up_to_0(reduction):
    loss, grad = loss_and_gradient(np.ones((1, 2, 3)), np.array([[1, 1, 255]]), [5.0, 0.0], reduction=reduction)
    assert not loss.any() and not grad.any()


@each_choice
@pytest.mark.parametrize("size", [1e4, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_cross_entropy_of_huge_scores_does_not_overflow(size, dtype, choice):
    scores = np.array([[size, -size, 0], [size, -size, 0]], dtype)
    with mf.kernels.use(choice):
        loss, grad = loss_and_gradient(scores, np.array([0, 1]), reduction="none")
    np.testing.assert_allclose(loss, [0, 2 * size], rtol=1e-6)
    np.testing.assert_array_equal(grad, [[0, 0, 0], [1, -1, 0]])


def test_softmax_cross_entropy_of_a_very_sure_right_answer_is_not_negative():
    loss, _ = loss_and_gradient(np.array([[40.0, 0.0]]), np.array([0]), reduction="none")
    assert 0 <= loss[0] < 1e-15


@pytest.mark.parametrize("classes", [1, 2, 21, 300])
@each_reduction
def test_softmax_cross_entropy_of_equal_scores_is_ln_c(classes, reduction):
    labels = np.random.default_rng(0).integers(0, min(classes, 255), (2, 3, 4))
    loss, grad = loss_and_gradient(np.zeros((2, classes, 3, 4)), labels, reduction=reduction)
    np.testing.assert_allclose(loss, np.log(classes) * (24 if reduction == "sum" else 1), rtol=1e-14, atol=0)
    one_hot = np.moveaxis(np.eye(classes)[labels], -1, 1)
    expected = (1 / classes - one_hot) / (24 if reduction == "mean" else 1)
    np.testing.assert_allclose(grad, expected, atol=1e-15)


@pytest.mark.parametrize("dtype", LABEL_TYPES)
@pytest.mark.parametrize("ignore_index", [100, 255, -1, 2, 2**31, 2**40, -(2**63), 2**64 - 1])
def test_softmax_cross_entropy_takes_every_integer_type(dtype, ignore_index):
    scores = np.random.default_rng(0).standard_normal((3, 3, 2))
    fits = np.iinfo(dtype).min <= ignore_index <= np.iinfo(dtype).max
    labels = np.array([[0, 1], [1, 0], [0, 0]], dtype)
    kept = np.ones((3, 2), bool)
    if fits:
        labels[2, 1], kept[2, 1] = ignore_index, False
    before = labels.copy()
    loss, grad = loss_and_gradient(scores, labels, ignore_index=ignore_index, reduction="none")
    probability = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    for n, place in np.ndindex(3, 2):
        label = int(labels[n, place]) if kept[n, place] else 0
        expected = -np.log(probability[n, label, place]) if kept[n, place] else 0
        assert loss[n, place] == pytest.approx(expected, rel=1e-12)
        one_hot = np.arange(3) == label
        np.testing.assert_allclose(grad[n, :, place], (probability[n, :, place] - one_hot) * kept[n, place], atol=1e-14)
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("ignore_index", [np.int64(255), np.uint8(255), np.int8(-1), 10**30])
def test_softmax_cross_entropy_takes_any_ignore_index(ignore_index):
    labels = np.array([0, 1], np.uint8)
    loss, _ = loss_and_gradient(np.zeros((2, 2)), labels, ignore_index=ignore_index)
    assert loss == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    "labels", [np.array([-1], np.int8), np.array([255], np.uint8), np.array([2**40]), np.array([3])]
)
def test_softmax_cross_entropy_never_takes_a_wrong_label_for_a_right_one(labels):
    # a cast to another width could turn each of these into a class
    with pytest.raises(ValueError, match="out of range"):
        softmax_cross_entropy(np.zeros((1, 3)), labels, ignore_index=-100)


def test_softmax_cross_entropy_can_ignore_a_class():
    scores = np.random.default_rng(0).standard_normal((4, 3))
    loss, grad = loss_and_gradient(scores, np.array([0, 1, 2, 1]), ignore_index=1)
    expected, kept = loss_and_gradient(scores[[0, 2]], np.array([0, 2]))
    assert loss == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(grad, np.stack([kept[0], np.zeros(3), kept[1], np.zeros(3)]), atol=1e-16)


@each_choice
@each_reduction
@pytest.mark.parametrize("weight", [None, [1.0, 2.0]])
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_softmax_cross_entropy_leaves_out_what_an_ignored_pixel_holds(broken, weight, reduction, choice):
    scores = np.array([[broken, 0.5], [1.0, -2.0], [broken, broken]])
    with mf.kernels.use(choice):
        loss, grad = loss_and_gradient(scores, np.array([255, 1, 255]), weight, reduction=reduction)
    alone, kept = loss_and_gradient(np.array([[1.0, -2.0]]), np.array([1]), weight, reduction=reduction)
    np.testing.assert_allclose(loss, [0, alone[0], 0] if reduction == "none" else alone, rtol=1e-15)
    np.testing.assert_allclose(grad, [[0, 0], kept[0], [0, 0]], rtol=1e-15)


def test_softmax_cross_entropy_lets_nan_through_where_the_pixel_counts():
    loss, grad = loss_and_gradient(np.array([[np.nan, 0.0], [1.0, 2.0]]), np.array([0, 1]), reduction="none")
    assert np.isnan(loss[0]) and np.isfinite(loss[1]) and np.isnan(grad[0]).all() and np.isfinite(grad[1]).all()


def test_softmax_cross_entropy_where_a_class_is_ruled_out_by_minus_infinity():
    loss, grad = loss_and_gradient(np.array([[-np.inf, 0.0, 0.0]]), np.array([1]))
    assert loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(grad, [[0, -0.5, 0.5]])


@each_reduction
def test_softmax_cross_entropy_weights_are_those_of_the_label(reduction):
    scores, labels, weight = np.zeros((3, 2)), np.array([0, 1, 1]), np.array([1.0, 3.0])
    loss, grad = loss_and_gradient(scores, labels, weight, reduction=reduction)
    each = np.log(2) * np.array([1, 3, 3])
    expected = {"none": each, "sum": each.sum(), "mean": np.log(2)}[reduction]  # the mean divides by 1 + 3 + 3
    np.testing.assert_allclose(loss, expected, rtol=1e-14)
    slopes = np.array([[-0.5, 0.5], [1.5, -1.5], [1.5, -1.5]])
    np.testing.assert_allclose(grad, slopes / (7 if reduction == "mean" else 1), rtol=1e-14)


def test_softmax_cross_entropy_takes_plain_lists_arrays_and_tensors():
    scores = np.random.default_rng(0).standard_normal((2, 3)).astype("float32")
    expected = softmax_cross_entropy(scores, np.array([0, 2]), np.array([1.0, 2.0, 3.0])).data
    assert expected.dtype == np.float32 and expected.shape == ()
    for labels in ([0, 2], mf.Tensor(np.array([0, 2]))):
        for weight in ([1, 2, 3], np.array([1, 2, 3]), mf.Tensor(np.array([1, 2, 3], "float32"))):
            assert softmax_cross_entropy(scores, labels, weight).data == expected


def test_softmax_cross_entropy_sees_the_incoming_gradient():
    scores, labels = np.random.default_rng(0).standard_normal((2, 3, 2)), np.array([[0, 2], [1, 255]])
    _, one = loss_and_gradient(scores, labels)
    _, scaled = loss_and_gradient(scores, labels, grad=np.array(-2.5))
    np.testing.assert_allclose(scaled, -2.5 * one, rtol=1e-14)
    _, each = loss_and_gradient(scores, labels, reduction="none", grad=np.array([[1.0, 0], [0, 7.0]]))
    assert each[0, :, 0].any() and not each[0, :, 1].any() and not each[1].any()


def test_softmax_cross_entropy_does_not_see_labels_changed_after_the_call():
    scores, labels = mf.Tensor(np.zeros((2, 2)), requires_grad=True), np.array([0, 1])
    loss = softmax_cross_entropy(scores, labels, reduction="sum")
    labels[:] = 0
    loss.backward()
    np.testing.assert_allclose(scores.grad, [[-0.5, 0.5], [0.5, -0.5]])


@pytest.mark.parametrize("last", [False, True], ids=["planes", "classes last"])
@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 3, 0, 5), (0, 3, 0, 0)])
def test_a_loss_of_no_pixels_has_a_gradient_of_none(shape, last):
    n, classes, h, w = shape
    array = np.ones((n, h, w, classes)).transpose(0, 3, 1, 2) if last else np.ones(shape)
    scores = mf.Tensor(array, requires_grad=True)
    mf.ops.softmax_cross_entropy(scores, np.zeros((n, h, w), int)).backward()
    assert scores.grad.shape == shape
