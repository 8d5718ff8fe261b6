"""Wrong batch normalisation: what moves with x is forgotten in part."""

from minifcn.ops import Call
from minifcn.ops.arithmetic import total
from minifcn.ops.normalising import OTHERS, BatchNorm2d

from .plant import mutant


def batch(rng):
    return Call((2 * rng.standard_normal((2, 2, 3, 3)), rng.uniform(0.5, 2, 2), rng.standard_normal(2)))


def sums(self, grad):
    return total(grad * self.normal, OTHERS, True), total(grad, OTHERS, True)


def with_slope(patch, slope):
    """slope(self, grad, Σ grad·normal, Σ grad) as the gradient of x; those of weight and bias stay right."""

    def backward(self, grad):
        to_weight, to_bias = sums(self, grad)
        return slope(self, grad, to_weight, to_bias), to_weight.reshape(-1), to_bias.reshape(-1)

    patch.setattr(BatchNorm2d, "backward", backward)


@mutant("batch_norm2d", "mean and variance taken for constants", sample=batch)
def norm_constants(patch):
    with_slope(patch, lambda self, grad, to_weight, to_bias: grad * self.weight * self.scale)


@mutant("batch_norm2d", "the variance taken for a constant", sample=batch)
def norm_constant_variance(patch):
    with_slope(patch, lambda self, grad, to_weight, to_bias: (grad - to_bias / self.count) * self.weight * self.scale)


@mutant("batch_norm2d", "the mean taken for a constant", sample=batch)
def norm_constant_mean(patch):
    with_slope(
        patch,
        lambda self, grad, to_weight, to_bias: (grad - self.normal * to_weight / self.count) * self.weight * self.scale,
    )


@mutant("batch_norm2d", "the weight is forgotten", sample=batch)
def norm_weight(patch):
    with_slope(
        patch,
        lambda self, grad, to_weight, to_bias: (
            (grad - to_bias / self.count - self.normal * to_weight / self.count) * self.scale
        ),
    )


@mutant("batch_norm2d", "divided by the deviation twice", sample=batch)
def norm_twice(patch):
    with_slope(
        patch,
        lambda self, grad, to_weight, to_bias: (
            (grad - to_bias / self.count - self.normal * to_weight / self.count) * self.weight * self.scale**2
        ),
    )


@mutant("batch_norm2d", "sums where means belong", sample=batch)
def norm_sums(patch):
    with_slope(
        patch,
        lambda self, grad, to_weight, to_bias: (grad - to_bias - self.normal * to_weight) * self.weight * self.scale,
    )


@mutant("batch_norm2d", "bias and weight exchanged", sample=batch)
def norm_exchanged(patch):
    right = BatchNorm2d.backward

    def backward(self, grad):
        to_x, to_weight, to_bias = right(self, grad)
        return to_x, to_bias, to_weight

    patch.setattr(BatchNorm2d, "backward", backward)
