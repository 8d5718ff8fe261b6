"""Wrong softmax cross-entropy."""

import numpy as np

from minifcn.kernels import simple
from minifcn.ops import Call
from minifcn.ops.loss import SoftmaxCrossEntropy

from .plant import mutant


def one_hot(labels, classes):
    """labels (N, ...) -> (N, C, ...)."""
    return np.moveaxis(np.eye(classes)[labels], -1, 1)


def scored(reduction="mean", weighted=False, ignored=0, size=(2, 3)):
    """Four classes, two pictures of 2 x 3 pixels, of which the first `ignored` do not count."""

    def sample(rng):
        labels = rng.permutation(np.arange(2 * size[0] * size[1]) % 4).reshape(2, *size)  # every class is there
        labels.reshape(-1)[:ignored] = 255
        weight = rng.permutation([0.4, 0.9, 1.6, 2.5]) if weighted else None
        scores = 2 * rng.standard_normal((2, 4, *size))
        return Call((scores,), dict(labels=labels, weight=weight, reduction=reduction))

    return sample


def with_factor(patch, factor):
    """backward with factor(self, grad), a number a pixel, for what the right one multiplies softmax - one hot by."""

    def backward(self, grad):
        labels, valid, factors = (
            part.reshape(len(self.labels), -1) for part in (self.labels, self.valid, factor(self, grad))
        )
        return simple.softmax_cross_entropy_gradient(self.softmax, labels, valid, factors).reshape(self.shape)

    patch.setattr(SoftmaxCrossEntropy, "backward", backward)


@mutant("softmax_cross_entropy", "the mean's divisor is missing", r"off by a factor 12\.000", sample=scored())
def loss_no_divisor(patch):
    with_factor(patch, lambda self, grad: self.valid * grad)


@mutant("softmax_cross_entropy", "divided by pictures, not pixels", r"off by a factor 6\.000", sample=scored())
def loss_divided_by_pictures(patch):
    with_factor(patch, lambda self, grad: self.valid / len(self.labels) * grad)


@mutant(
    "softmax_cross_entropy",
    "ignored pixels counted in backward's divisor",
    r"off by a factor 0\.750",
    sample=scored(ignored=3),
)
def loss_divided_by_ignored(patch):
    with_factor(patch, lambda self, grad: self.valid / self.valid.size * grad)


@mutant(
    "softmax_cross_entropy",
    "weighted, but divided by the number of pixels in backward",
    r"off by a factor 1\.350",  # the mean weight
    sample=scored(weighted=True),
)
def loss_weights_in_numerator(patch):
    with_factor(patch, lambda self, grad: self.weight[self.labels] / self.labels.size * grad)


@mutant("softmax_cross_entropy", "class weights forgotten in backward", sample=scored("sum", weighted=True))
def loss_unweighted(patch):
    with_factor(patch, lambda self, grad: self.valid * grad)


@mutant("softmax_cross_entropy", "ignores the incoming gradient", "does not use the incoming gradient", sample=scored())
def loss_ignores_incoming(patch):
    with_factor(patch, lambda self, grad: self.valid / self.divisor)


@mutant(
    "softmax_cross_entropy",
    "ignores the incoming gradients of its pixels",
    "does not use the incoming gradient",
    sample=scored("none"),
)
def loss_ignores_incoming_map(patch):
    with_factor(patch, lambda self, grad: 1.0 * self.valid)


@mutant("softmax_cross_entropy", "the first pixel's incoming gradient for all", sample=scored("none"))
def loss_first_incoming(patch):
    with_factor(patch, lambda self, grad: self.valid * grad.flat[0])


@mutant("softmax_cross_entropy", "the incoming gradients summed", sample=scored("none"))
def loss_sums_incoming(patch):
    with_factor(patch, lambda self, grad: self.valid * grad.sum())


@mutant("softmax_cross_entropy", "the incoming gradients column by column", sample=scored("none", size=(3, 3)))
def loss_incoming_transposed(patch):
    with_factor(patch, lambda self, grad: self.valid * grad.swapaxes(1, 2))


@mutant("softmax_cross_entropy", "weighted by the channel and not by the label", sample=scored("sum", weighted=True))
def loss_weight_by_channel(patch):
    def backward(self, grad):
        difference = self.softmax.reshape(self.shape) - one_hot(self.labels, self.shape[1])
        return difference * self.weight[:, None, None] * grad  # (N, C, H, W) times (C, 1, 1)

    patch.setattr(SoftmaxCrossEntropy, "backward", backward)


@mutant("softmax_cross_entropy", "gradient flows at ignored pixels", sample=scored("sum", ignored=4))
def loss_ignored_flow(patch):
    def backward(self, grad):
        # the label is 0 where ignored
        return (self.softmax.reshape(self.shape) - one_hot(self.labels, self.shape[1])) * grad

    patch.setattr(SoftmaxCrossEntropy, "backward", backward)


@mutant("softmax_cross_entropy", "softmax over the pixels in backward", sample=scored())
def loss_softmax_axis(patch):
    right = SoftmaxCrossEntropy.forward

    def forward(self, scores):
        self.scores = scores
        return right(self, scores)

    def backward(self, grad):
        n, classes, h, w = self.scores.shape
        exponentials = np.exp(np.moveaxis(self.scores, 1, -1).reshape(-1, classes))
        rows = exponentials / exponentials.sum(0, keepdims=True)
        rows[np.arange(len(rows)), self.labels.reshape(-1)] -= 1
        return np.moveaxis((rows * grad / len(rows)).reshape(n, h, w, classes), -1, 1)

    patch.setattr(SoftmaxCrossEntropy, "forward", forward)
    patch.setattr(SoftmaxCrossEntropy, "backward", backward)


@mutant("softmax_cross_entropy", "reshaped where the class axis should move", sample=scored())
def loss_rows_go_back_wrong(patch):
    def backward(self, grad):
        labels, valid = (part.reshape(len(part), -1) for part in (self.labels, self.valid))
        factor = valid * grad / self.divisor
        scores = simple.softmax_cross_entropy_gradient(self.softmax, labels, valid, factor)  # (N, C, P)
        return scores.transpose(0, 2, 1).reshape(self.shape)

    patch.setattr(SoftmaxCrossEntropy, "backward", backward)


def with_kernel(patch, gradient):
    patch.setattr(simple, "softmax_cross_entropy_gradient", gradient)


@mutant("softmax_cross_entropy", "the one hot is not subtracted", sample=scored())
def loss_no_one_hot(patch):
    with_kernel(patch, lambda softmax, labels, valid, factor: np.where(valid[:, None], softmax * factor[:, None], 0))


@mutant("softmax_cross_entropy", "one hot minus softmax", "the sign is turned round", sample=scored())
def loss_sign(patch):
    def gradient(softmax, labels, valid, factor):
        return np.where(valid[:, None], (one_hot(labels, softmax.shape[1]) - softmax) * factor[:, None], 0)

    with_kernel(patch, gradient)


@mutant("softmax_cross_entropy", "labels counted from 1", sample=scored())
def loss_labels_shifted(patch):
    def gradient(softmax, labels, valid, factor):
        # label 0 becomes -1, which NumPy takes for the last class
        return np.where(valid[:, None], (softmax - one_hot(labels - 1, softmax.shape[1])) * factor[:, None], 0)

    with_kernel(patch, gradient)


@mutant("softmax_cross_entropy", "softmax's backward of all ones: 0 but for rounding", sample=scored("sum"))
def loss_zero(patch):
    def gradient(softmax, labels, valid, factor):
        ones = np.ones_like(softmax)
        return softmax * (ones - (softmax * ones).sum(1, keepdims=True)) * factor[:, None]  # s·(g - Σ s·g) with g = 1

    with_kernel(patch, gradient)


@mutant("softmax_cross_entropy", "backward returns zeros", "zero everywhere", sample=scored())
def loss_unwritten(patch):
    with_kernel(patch, lambda softmax, labels, valid, factor: np.zeros_like(softmax))


@mutant(
    "softmax_cross_entropy",
    "softmax of the last call, kept on the class",
    "two calls in one graph disturb each other",
    sample=scored(),
)
def loss_shared_softmax(patch):
    right = SoftmaxCrossEntropy.forward

    def forward(self, scores):
        loss = right(self, scores)
        SoftmaxCrossEntropy.softmax = vars(self).pop("softmax")
        return loss

    patch.setattr(SoftmaxCrossEntropy, "softmax", None, raising=False)
    patch.setattr(SoftmaxCrossEntropy, "forward", forward)


@mutant("softmax_cross_entropy", "gradient in float32", "rounded to float32", sample=scored("sum"))
def loss_single(patch):
    right = simple.softmax_cross_entropy_gradient

    def gradient(softmax, labels, valid, factor):
        return right(softmax, labels, valid, factor).astype(np.float32)

    patch.setattr(simple, "softmax_cross_entropy_gradient", gradient)
