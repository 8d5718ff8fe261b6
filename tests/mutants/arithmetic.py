"""Wrong sums, products and reductions: broadcasting, factors, signs, axes."""

import numpy as np

import minifcn as mf
from minifcn.ops import Call, arithmetic
from minifcn.ops.arithmetic import Div, Matmul, Maximum, Mean, Mul, Sum, summed_to, total
from minifcn.ops.samples import distinct

from .plant import mutant
from .shaping import backward_is_adjoint


def picture_and_bias(rng):
    return Call((rng.standard_normal((3, 3, 2, 3)), rng.standard_normal((3, 1, 1))))


def same_shape(rng):
    return Call((rng.standard_normal((3, 4)), rng.standard_normal((3, 4))))


def same_shape_alone(rng):
    return Call((rng.standard_normal((3, 4)),))


def away_from_zero(rng):
    return Call((rng.standard_normal((3, 4)), rng.uniform(1.5, 3, (3, 4))))


def square_matrices(rng):
    return Call((rng.standard_normal((3, 3)), rng.standard_normal((3, 3))))


def batch_and_matrix(rng):
    return Call((rng.standard_normal((3, 2, 4)), rng.standard_normal((4, 3))))


def scores_apart(rng):
    """Two score maps without ties, each the larger one somewhere."""
    values = distinct(rng, 2, 1, 3, 3, 4)
    return Call((values[0], values[1]))


def scores_and_floor(rng):
    """A map and one number a channel, in the middle of it: each the larger one somewhere in each channel."""
    return Call((distinct(rng, 2, 3, 3, 4), np.array([0.1, -0.1, 0.3]).reshape(3, 1, 1)))


def cube(rng):
    return Call((rng.standard_normal((3, 3, 3)),), {"axis": 0})


def two_axes(rng):
    return Call((rng.standard_normal((2, 3, 4)),), {"axis": (1, 2)})


def last_axis(rng):
    return Call((rng.standard_normal((2, 3, 4)),), {"axis": 2})


# broadcasting


@mutant(
    "add",
    "the bias hears of the first picture only",
    "only the first output (picture|axis 0) counts",
    sample=picture_and_bias,
)
def add_first_picture(patch):
    def first_picture(grad, shape):
        return summed_to(grad[0], shape) if grad.ndim > len(shape) else summed_to(grad, shape)

    patch.setattr(arithmetic, "summed_to", first_picture)


@mutant(
    "add",
    "mean over the stretched axes and not their sum",
    r"input 1: .*\n.*off by a factor 0\.056",
    sample=picture_and_bias,
)
def add_mean(patch):
    def averaged_to(grad, shape):
        return summed_to(grad, shape) * (np.prod(shape) / grad.size)

    patch.setattr(arithmetic, "summed_to", averaged_to)


@mutant("sub", "stretched columns not added up", "only the first output column counts", sample=picture_and_bias)
def sub_first_column(patch):
    def one_column(grad, shape):
        return summed_to(grad[..., :1] if shape[-1] == 1 else grad, shape)

    patch.setattr(arithmetic, "summed_to", one_column)


@mutant("mul", "sum of products taken as product of sums", sample=picture_and_bias)
def mul_product_of_sums(patch):
    def backward(self, grad):
        return grad * self.b, summed_to(grad, self.b.shape) * summed_to(self.a, self.b.shape)

    patch.setattr(Mul, "backward", backward)


# signs and factors


@mutant("sub", "no minus for the second", "off by a factor -1.000: the sign is turned round", sample=same_shape)
def sub_sign(patch):
    class Neg(arithmetic.Function):
        def forward(self, x):
            return -x

        def backward(self, grad):
            return grad

    patch.setattr(arithmetic, "neg", lambda x: Neg()(x))


@mutant("neg", "the factor -1 is forgotten on the way back", "off by a factor -1.000: the sign is turned round")
def neg_factor(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (grad, grad))


@mutant("neg", "ignores the incoming gradient", "does not use the incoming gradient", sample=same_shape_alone)
def neg_ignores_incoming(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (self.b * np.ones(self.a.shape), None))


@mutant("mul", "each factor gets itself and not the other", sample=same_shape)
def mul_exchanged(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (grad * self.a, grad * self.b))


@mutant(
    "mul",
    "the incoming gradient stands where the other factor should",
    "not linear in the incoming gradient: it grows with its square",
    sample=same_shape,
)
def mul_gradient_squared(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (grad * grad, grad * self.a))


def half_squares(name, call, seed):
    """x² / 2, of which grad·grad is right where the incoming gradient equals x."""
    mf.gradcheck(lambda x: x * x * 0.5, call.inputs, seed=seed)


@mutant(
    "mul",
    "of x²/2 the incoming gradient times itself",
    "not linear in the incoming gradient",
    sample=lambda rng: Call((rng.standard_normal((3, 4)),)),
    check=half_squares,
)
def mul_half_squares(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (grad * grad, grad * 0))


@mutant("mul", "ignores the incoming gradient", "does not use the incoming gradient", sample=same_shape)
def mul_ignores_incoming(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (self.b, self.a))


@mutant("div", "no minus for the divisor", "off by a factor -1.000: the sign is turned round", sample=away_from_zero)
def div_sign(patch):
    patch.setattr(Div, "backward", lambda self, grad: (grad / self.b, grad * self.a / self.b**2))


@mutant("div", "divided by b and not by b squared", sample=away_from_zero)
def div_not_squared(patch):
    patch.setattr(Div, "backward", lambda self, grad: (grad / self.b, -grad * self.a / self.b))


@mutant("mean", "the divisor is missing on the way back", r"off by a factor 12\.000", sample=two_axes)
def mean_divisor(patch):
    patch.setattr(Mean, "backward", Sum.backward)


@mutant(
    "mean", "divided by the whole size, and not by the axes' share of it", r"off by a factor 0\.500", sample=two_axes
)
def mean_of_everything(patch):
    patch.setattr(Mean, "backward", lambda self, grad: Sum.backward(self, grad) / np.prod(self.shape))


# numbers far from 1


def times_tiny(name, call, seed):
    mf.gradcheck(lambda x: x * 1e-20, call.inputs, seed=seed)


one_matrix = lambda rng: Call((rng.standard_normal((3, 4)),))  # noqa: E731


@mutant(
    "mul", "of x times 1e-20 the gradient is lost", "zero everywhere: no gradient", sample=one_matrix, check=times_tiny
)
def mul_lost(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (np.zeros_like(grad), None))


@mutant(
    "mul", "of x times 1e-20 the gradient is doubled", r"off by a factor 2\.000", sample=one_matrix, check=times_tiny
)
def mul_doubled(patch):
    patch.setattr(Mul, "backward", lambda self, grad: (2 * grad * self.b, None))


def large_quotient(rng):
    return Call((1e100 * rng.standard_normal((3, 4)), 1e100 * rng.uniform(1.5, 3, (3, 4))))


@mutant("div", "of a quotient at 1e100 the divisor's gradient is lost", "zero everywhere", sample=large_quotient)
def div_lost(patch):
    patch.setattr(Div, "backward", lambda self, grad: (grad / self.b, np.zeros_like(self.b)))


# maxima


@mutant("maximum", "the gradient goes to the smaller one", "the mask is turned round", sample=scores_apart)
def maximum_to_the_smaller(patch):
    patch.setattr(Maximum, "backward", lambda self, grad: (grad * (self.a < self.b), grad * (self.b < self.a)))


@mutant("maximum", "all of it goes to both, as for a sum", sample=scores_apart)
def maximum_as_sum(patch):
    patch.setattr(Maximum, "backward", lambda self, grad: (grad.copy(), grad.copy()))


@mutant("maximum", "half to each, everywhere and not at ties alone", sample=scores_apart)
def maximum_halved(patch):
    patch.setattr(Maximum, "backward", lambda self, grad: (grad / 2, grad / 2))


@mutant("maximum", "the first alone is told", r"input 1: .*\n.*zero everywhere", sample=scores_apart)
def maximum_second_forgotten(patch):
    patch.setattr(Maximum, "backward", lambda self, grad: (grad * (self.a > self.b), np.zeros(self.b.shape)))


@mutant("maximum", "compared by size without sign", sample=scores_apart)
def maximum_of_absolute(patch):
    def backward(self, grad):
        first = np.abs(self.a) > np.abs(self.b)
        return grad * first, grad * ~first

    patch.setattr(Maximum, "backward", backward)


@mutant("maximum", "compared with 0, as in a ReLU", sample=scores_apart)
def maximum_with_zero(patch):
    patch.setattr(Maximum, "backward", lambda self, grad: (grad * (self.a > 0), grad * (self.b > 0)))


@mutant("maximum", "forward takes the smaller", sample=scores_apart)
def maximum_forward_minimum(patch):
    right = Maximum.forward
    patch.setattr(Maximum, "forward", lambda self, a, b: (right(self, a, b), np.minimum(a, b))[1])


@mutant("maximum", "shared out softly, as of log-sum-exp", sample=scores_apart)
def maximum_soft(patch):
    def backward(self, grad):
        first = 1 / (1 + np.exp(self.b - self.a))
        return grad * first, grad * (1 - first)

    patch.setattr(Maximum, "backward", backward)


@mutant("maximum", "ignores the incoming gradient", "does not use the incoming gradient", sample=scores_apart)
def maximum_ignores_incoming(patch):
    patch.setattr(Maximum, "backward", lambda self, grad: ((self.a > self.b) * 1.0, (self.b > self.a) * 1.0))


@mutant("maximum", "masks the incoming gradient in place", "changed the incoming gradient", sample=scores_apart)
def maximum_in_place(patch):
    def backward(self, grad):
        to_b = grad * (self.b > self.a)
        grad *= self.a > self.b
        return grad, to_b

    patch.setattr(Maximum, "backward", backward)


@mutant("maximum", "writes the larger over its input", "input 0: was changed by the function", sample=scores_apart)
def maximum_over_its_input(patch):
    def forward(self, a, b):
        self.a, self.b = a.copy(), b
        return np.maximum(a, b, out=a)

    patch.setattr(Maximum, "forward", forward)


@mutant("maximum", "mask of the last call, kept on the class", "two calls in one graph", sample=scores_apart)
def maximum_shared_mask(patch):
    def forward(self, a, b):
        Maximum.first = a > b
        return np.maximum(a, b)

    patch.setattr(Maximum, "first", None, raising=False)
    patch.setattr(Maximum, "forward", forward)
    patch.setattr(Maximum, "backward", lambda self, grad: (grad * self.first, grad * ~self.first))


@mutant("maximum", "mask and gradient in float32", "rounded to float32", sample=scores_apart)
def maximum_single_precision(patch):
    def backward(self, grad):
        first = (self.a > self.b).astype(np.float32)
        return first * grad.astype(np.float32), (1 - first) * grad.astype(np.float32)

    patch.setattr(Maximum, "backward", backward)


@mutant("maximum", "mask and gradient paired in memory order", "depends on memory order", sample=scores_apart)
def maximum_memory_order(patch):
    def backward(self, grad):
        first = self.a.ravel("K") > self.b.ravel("K")
        to_a, to_b = ((grad.ravel("K") * mask).reshape(grad.shape) for mask in (first, ~first))
        return to_a, to_b

    patch.setattr(Maximum, "backward", backward)


@mutant("maximum", "a stretched element hears of every place, won or lost", sample=scores_and_floor)
def maximum_stretched_unmasked(patch):
    def backward(self, grad):
        return grad * (self.a > self.b), summed_to(grad, self.b.shape)

    patch.setattr(Maximum, "backward", backward)


@mutant("maximum", "a stretched element hears of the first picture only", sample=scores_and_floor)
def maximum_first_picture(patch):
    def backward(self, grad):
        return grad * (self.a > self.b), summed_to((grad * (self.b > self.a))[0], self.b.shape)

    patch.setattr(Maximum, "backward", backward)


# matrix products


@mutant("matmul", "the gradients come out transposed", "transposed: axes 0 and 1 are exchanged", sample=square_matrices)
def matmul_transposed(patch):
    patch.setattr(Matmul, "backward", lambda self, grad: (self.b @ grad.T, grad.T @ self.a))


@mutant("matmul", "the other matrix is not transposed", sample=square_matrices)
def matmul_not_transposed(patch):
    patch.setattr(Matmul, "backward", lambda self, grad: (grad @ self.b, self.a @ grad))


@mutant("matmul", "order of the product exchanged", sample=square_matrices)
def matmul_order(patch):
    patch.setattr(Matmul, "backward", lambda self, grad: (self.b.T @ grad, grad @ self.a.T))


@mutant(
    "matmul",
    "a shared matrix hears of the first of the batch only",
    "only the first place of the output along axis 0 counts",
    sample=batch_and_matrix,
)
def matmul_first_of_batch(patch):
    patch.setattr(Matmul, "backward", lambda self, grad: (grad @ self.b.T, self.a[0].T @ grad[0]))


@mutant("matmul", "gradients kept in float32", "rounded to float32", sample=square_matrices)
def matmul_float32(patch):
    def backward(self, grad):
        to_a, to_b = np.empty(self.a.shape, "float32"), np.empty(self.b.shape, "float32")
        to_a[...], to_b[...] = grad @ self.b.T, self.a.T @ grad
        return to_a, to_b

    patch.setattr(Matmul, "backward", backward)


@mutant("matmul", "multiplied in float32 on the way back", sample=square_matrices)
def matmul_in_float32(patch):
    def backward(self, grad):
        a, b, grad = (array.astype("float32") for array in (self.a, self.b, grad))
        return grad @ b.T, a.T @ grad

    patch.setattr(Matmul, "backward", backward)


# reductions


@mutant("sum", "divided by the count, as for a mean", r"off by a factor 0\.083", sample=two_axes)
def sum_divided(patch):
    def backward(self, grad):
        spread = np.broadcast_to(np.expand_dims(grad, self.axes), self.shape)
        return spread * (grad.size / spread.size)

    patch.setattr(Sum, "backward", backward)


@mutant("sum", "the gradient goes to the first place only", "zero at places 1-3 of 0-3 along axis 2", sample=last_axis)
def sum_first_place(patch):
    def backward(self, grad):
        result = np.zeros(self.shape)
        result[..., 0] = grad
        return result

    patch.setattr(Sum, "backward", backward)


@mutant("sum", "the lost axis comes back at the end", sample=cube)
def sum_wrong_axis(patch):
    patch.setattr(Sum, "backward", lambda self, grad: np.broadcast_to(grad[..., None], self.shape).copy())


@mutant("sum", "the lost axis comes back one place too late", "transposed: axes 0 and 1 are exchanged", sample=cube)
def sum_next_axis(patch):
    patch.setattr(Sum, "backward", lambda self, grad: np.broadcast_to(grad[:, None], self.shape).copy())


@mutant(
    "sum", "adds in float32", "relative error", sample=last_axis, check=backward_is_adjoint, check_name="adjoint_check"
)
def sum_in_float32(patch):
    def rounded(x, axes, keepdims):
        return total(x.astype("float32"), axes, keepdims).astype("float64")

    patch.setattr(arithmetic, "total", rounded)
