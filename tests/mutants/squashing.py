"""Wrong sigmoids, hyperbolic tangents and softmaxes."""

import numpy as np

from minifcn.ops import Call
from minifcn.ops.elementwise.squashing import LogSoftmax, Sigmoid, Softmax, Tanh

from .plant import mutant


def scores(rng):
    return Call((rng.standard_normal((3, 4)),))


def rows(rng):
    """Square, so that a wrong axis fits."""
    return Call((2 * rng.standard_normal((4, 4)),), {"axis": 1})


def with_backward_of_result(patch, backward):
    """A sigmoid that keeps its result y, for a backward that reads it."""

    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    patch.setattr(Sigmoid, "forward", forward)
    patch.setattr(Sigmoid, "backward", backward)


@mutant("sigmoid", "y and not y·(1 - y)", sample=scores)
def sigmoid_half(patch):
    with_backward_of_result(patch, lambda self, grad: grad * self.y)


@mutant("sigmoid", "the slope of the tanh, 1 - y²", sample=scores)
def sigmoid_as_tanh(patch):
    with_backward_of_result(patch, lambda self, grad: grad * (1 - self.y**2))


@mutant("sigmoid", "the slope of the slope's argument: the sigmoid taken twice", sample=scores)
def sigmoid_twice(patch):
    def backward(self, grad):
        again = 1 / (1 + np.exp(-self.y))
        return grad * again * (1 - again)

    with_backward_of_result(patch, backward)


@mutant("sigmoid", "y·(y - 1)", "off by a factor -1.000: the sign is turned round", sample=scores)
def sigmoid_sign(patch):
    with_backward_of_result(patch, lambda self, grad: grad * self.y * (self.y - 1))


@mutant("sigmoid", "ignores the incoming gradient", "does not use the incoming gradient", sample=scores)
def sigmoid_ignores_incoming(patch):
    with_backward_of_result(patch, lambda self, grad: self.y * (1 - self.y))


@mutant("sigmoid", "e^-|x| not squared below", sample=scores)
def sigmoid_not_squared(patch):
    patch.setattr(Sigmoid, "backward", lambda self, grad: grad * (self.power / (1 + self.power)))


@mutant("tanh", "1 - y: the square is forgotten", sample=scores)
def tanh_not_squared(patch):
    patch.setattr(Tanh, "backward", lambda self, grad: grad * (1 - self.y))


@mutant("tanh", "the slope of the sigmoid, y·(1 - y)", sample=scores)
def tanh_as_sigmoid(patch):
    patch.setattr(Tanh, "backward", lambda self, grad: grad * self.y * (1 - self.y))


@mutant("tanh", "1 - tanh² of the result", sample=scores)
def tanh_twice(patch):
    patch.setattr(Tanh, "backward", lambda self, grad: grad * (1 - np.tanh(self.y) ** 2))


@mutant("softmax", "the diagonal of the Jacobian alone, y·(1 - y)", sample=rows)
def softmax_diagonal(patch):
    patch.setattr(Softmax, "backward", lambda self, grad: grad * self.y * (1 - self.y))


@mutant("softmax", "summed over the other axis", sample=rows)
def softmax_other_axis(patch):
    def backward(self, grad):
        return self.y * (grad - (grad * self.y).sum(1 - self.axis, keepdims=True))

    patch.setattr(Softmax, "backward", backward)


@mutant("softmax", "summed over everything", sample=rows)
def softmax_over_all(patch):
    patch.setattr(Softmax, "backward", lambda self, grad: self.y * (grad - (grad * self.y).sum()))


@mutant("softmax", "the sum of the incoming gradient is not weighted by y", sample=rows)
def softmax_unweighted(patch):
    patch.setattr(Softmax, "backward", lambda self, grad: self.y * (grad - grad.sum(self.axis, keepdims=True)))


@mutant("softmax", "the factor y in front is forgotten", sample=rows)
def softmax_factor(patch):
    patch.setattr(Softmax, "backward", lambda self, grad: grad - (grad * self.y).sum(self.axis, keepdims=True))


@mutant("softmax", "as in the loss: y less the incoming gradient", "a zero incoming gradient", sample=rows)
def softmax_as_loss(patch):
    patch.setattr(Softmax, "backward", lambda self, grad: self.y - grad)


@mutant("log_softmax", "the sum is forgotten", sample=rows)
def log_softmax_unsummed(patch):
    patch.setattr(LogSoftmax, "backward", lambda self, grad: grad - np.exp(self.y) * grad)


@mutant("log_softmax", "the logarithm in place of the softmax", sample=rows)
def log_softmax_logarithm(patch):
    patch.setattr(LogSoftmax, "backward", lambda self, grad: grad - self.y * grad.sum(self.axis, keepdims=True))


@mutant("log_softmax", "the softmax's own backward", sample=rows)
def log_softmax_as_softmax(patch):
    def backward(self, grad):
        y = np.exp(self.y)
        return y * (grad - (grad * y).sum(self.axis, keepdims=True))

    patch.setattr(LogSoftmax, "backward", backward)


@mutant("log_softmax", "the mean and not the sum over the axis", sample=rows)
def log_softmax_mean(patch):
    patch.setattr(
        LogSoftmax, "backward", lambda self, grad: grad - np.exp(self.y) * grad.mean(self.axis, keepdims=True)
    )
