"""Wrong ReLU, dropout and local response normalisation."""

import numpy as np

import minifcn as mf
from minifcn import backend
from minifcn.kernels.simple import channel_sums
from minifcn.ops import Call
from minifcn.ops.activation import Dropout, LocalResponseNorm, Relu
from minifcn.ops.samples import distinct, normal

from .plant import mutant


def both_signs(rng):
    return Call((distinct(rng, 1, 3, 3, 4),))


@mutant("relu", "mask from the wrong side of zero", "the mask is turned round", sample=both_signs)
def relu_wrong_side(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.y > 0, 0, grad))


@mutant("relu", "ignores the incoming gradient", "does not use the incoming gradient", sample=both_signs)
def relu_ignores_incoming(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.y > 0, 1.0, 0.0))


@mutant("relu", "mask y >= 0 from the result, true everywhere", sample=both_signs)
def relu_mask_of_result(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.y >= 0, grad, 0))


@mutant("relu", "mask x > -0.5", sample=both_signs)
def relu_low_threshold(patch):
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    patch.setattr(Relu, "forward", forward)
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.x > -0.5, grad, 0))


@mutant("relu", "leaks 0.01 where x < 0, in backward alone", sample=both_signs)
def relu_leaks(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.y > 0, grad, 0.01 * grad))


NOT_LINEAR = "not linear in the incoming gradient: "


@mutant(
    "relu",
    "guided: a negative incoming gradient is stopped too",
    NOT_LINEAR + "one sign of that is stopped",
    sample=both_signs,
)
def relu_guided(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where((self.y > 0) & (grad > 0), grad, 0))


@mutant("relu", "mask from the incoming gradient", NOT_LINEAR + "one sign of that is stopped", sample=both_signs)
def relu_of_gradient(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.maximum(grad, 0))


@mutant(
    "relu",
    "the incoming gradient's absolute value",
    NOT_LINEAR + "it is the same for -1 times that: an absolute value",
    sample=both_signs,
)
def relu_absolute(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.abs(grad) * (self.y > 0))


def clipped_at(limit):
    def plant(patch):
        patch.setattr(Relu, "backward", lambda self, grad: np.clip(grad, -limit, limit) * (self.y > 0))

    return plant


for limit in (1, 100):  # 100: far above any incoming gradient of the comparison
    mutant("relu", f"the incoming gradient clipped at {limit}", NOT_LINEAR + ".* it is clipped", sample=both_signs)(
        clipped_at(limit)
    )


@mutant("relu", "small incoming gradients dropped", NOT_LINEAR + ".* small ones are dropped", sample=both_signs)
def relu_drops_small(patch):
    patch.setattr(Relu, "backward", lambda self, grad: np.where(np.abs(grad) > 1e-5, grad, 0) * (self.y > 0))


@mutant("relu", "the incoming gradient divided by its length", NOT_LINEAR + "it stays the same", sample=both_signs)
def relu_normalised(patch):
    patch.setattr(Relu, "backward", lambda self, grad: grad / (np.linalg.norm(grad) + 1e-300) * (self.y > 0))


@mutant("relu", "mask and gradient paired in memory order", "depends on memory order", sample=both_signs)
def relu_memory_order(patch):
    def backward(self, grad):
        mask = self.y > 0
        return (grad.ravel("K") * mask.ravel("K")).reshape(grad.shape)

    patch.setattr(Relu, "backward", backward)


@mutant("relu", "mask of the last call, kept on the class", "two calls in one graph", sample=both_signs)
def relu_shared_mask(patch):
    def forward(self, x):
        Relu.mask = x > 0
        return np.maximum(x, 0)

    patch.setattr(Relu, "mask", None, raising=False)
    patch.setattr(Relu, "forward", forward)
    patch.setattr(Relu, "backward", lambda self, grad: np.where(self.mask, grad, 0))


def dropped(p):
    return lambda rng: Call((normal(rng, 1, 3, 3, 4),), dict(p=p, rng=int(rng.integers(1000))))


@mutant("dropout", "mask drawn again in backward", sample=dropped(0.5))
def dropout_redraws(patch):
    def backward(self, grad):
        kept = self.rng.random(grad.shape, dtype=np.float32) >= self.p
        return np.where(kept, grad * self.scale, 0)

    right = Dropout.backward
    patch.setattr(Dropout, "forward", dropout_forward(right))
    patch.setattr(Dropout, "backward", backward)


@mutant(
    "dropout", "mask drawn in backward from the global generator", "not repeatable: two backward", sample=dropped(0.5)
)
def dropout_redraws_globally(patch):
    def backward(self, grad):
        kept = backend.random_generator().random(grad.shape) >= self.p
        return np.where(kept, grad * self.scale, 0)

    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", backward)


def dropout_forward(apply):
    """The right forward, which in the library runs the method backward: here `apply` instead."""

    def forward(self, x):
        self.kept = self.rng.random(x.shape, dtype=np.float32) >= self.p
        self.scale = 1 / (1 - self.p)
        return apply(self, x)

    return forward


@mutant("dropout", "scale forgotten in backward", r"off by a factor 0\.500", sample=dropped(0.5))
def dropout_unscaled(patch):
    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", lambda self, grad: np.where(self.kept, grad, 0))


@mutant("dropout", "scaled twice in backward", r"off by a factor 4\.000", sample=dropped(0.75))
def dropout_scaled_twice(patch):
    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", lambda self, grad: np.where(self.kept, grad * self.scale**2, 0))


@mutant("dropout", "divides by p and not by 1 - p in backward", r"off by a factor 3\.000", sample=dropped(0.25))
def dropout_scaled_by_p(patch):
    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", lambda self, grad: np.where(self.kept, grad / self.p, 0))


@mutant("dropout", "passes what was dropped", "the mask is turned round", sample=dropped(0.5))
def dropout_mask_turned(patch):
    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", lambda self, grad: np.where(self.kept, 0, grad * self.scale))


@mutant("dropout", "no mask in backward", sample=dropped(0.5))
def dropout_unmasked(patch):
    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", lambda self, grad: grad * self.scale)


@mutant("dropout", "mask and gradient in float32", "rounded to float32", sample=dropped(0.3))
def dropout_single_precision(patch):
    def backward(self, grad):
        mask = (self.kept * self.scale).astype(np.float32)
        return mask * grad.astype(np.float32)

    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", backward)


@mutant("dropout", "multiplies the incoming gradient in place", "changed the incoming gradient", sample=dropped(0.5))
def dropout_in_place(patch):
    def backward(self, grad):
        grad *= self.kept * self.scale
        return grad

    patch.setattr(Dropout, "forward", dropout_forward(Dropout.backward))
    patch.setattr(Dropout, "backward", backward)


def after_relu(rng):
    return Call((np.maximum(distinct(rng, 1, 3, 3, 4), 0),), dict(p=0.3, rng=int(rng.integers(1000))))


@mutant("dropout", "mask read off the result: a 0 that was kept counts as dropped", sample=after_relu)
def dropout_mask_of_result(patch):
    right = Dropout.backward

    def forward(self, x):
        y = dropout_forward(right)(self, x)
        self.kept = y != 0
        return y

    patch.setattr(Dropout, "forward", forward)
    patch.setattr(Dropout, "backward", right)


def two_masks(name, call, seed):
    """A net with two dropout layers of their own seeds."""
    p, rng = call.options["p"], call.options["rng"]
    mf.gradcheck(
        lambda x: mf.ops.dropout(x, p, rng=rng) + 2 * mf.ops.dropout(x, p, rng=rng + 1), call.inputs, seed=seed
    )


@mutant("dropout", "mask of the last call, kept on the class", sample=dropped(0.5), check=two_masks)
def dropout_shared_mask(patch):
    def forward(self, x):
        Dropout.kept = self.rng.random(x.shape, dtype=np.float32) >= self.p
        self.scale = 1 / (1 - self.p)
        return np.where(self.kept, x * self.scale, 0)

    patch.setattr(Dropout, "kept", None, raising=False)
    patch.setattr(Dropout, "forward", forward)


def normalised(size, channels=6):
    def sample(rng):
        options = dict(size=size, alpha=float(rng.uniform(0.5, 2)), beta=float(rng.uniform(0.4, 0.9)), k=1.5)
        return Call((normal(rng, 1, channels, 2, 3),), options)

    return sample


@mutant("local_response_norm", "window not turned round in backward, of an even size", sample=normalised(4))
def norm_window_not_turned(patch):
    def backward(self, grad):
        through_s = channel_sums(grad * self.x * self.s ** (-self.beta - 1), self.below, self.above)
        return grad * self.s**-self.beta - 2 * self.scale * self.beta * self.x * through_s

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant("local_response_norm", "the 2 of the square's slope is missing", sample=normalised(5))
def norm_without_two(patch):
    def backward(self, grad):
        through_s = channel_sums(grad * self.x * self.s ** (-self.beta - 1), self.above, self.below)
        return grad * self.s**-self.beta - self.scale * self.beta * self.x * through_s

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant("local_response_norm", "the sign of beta is lost: + for -", sample=normalised(5))
def norm_sign(patch):
    def backward(self, grad):
        through_s = channel_sums(grad * self.x * self.s ** (-self.beta - 1), self.above, self.below)
        return grad * self.s**-self.beta + 2 * self.scale * self.beta * self.x * through_s

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant("local_response_norm", "the power is not lowered by 1", sample=normalised(3))
def norm_power(patch):
    def backward(self, grad):
        through_s = channel_sums(grad * self.x * self.s**-self.beta, self.above, self.below)
        return grad * self.s**-self.beta - 2 * self.scale * self.beta * self.x * through_s

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant("local_response_norm", "s taken for a constant", sample=normalised(5))
def norm_s_constant(patch):
    patch.setattr(LocalResponseNorm, "backward", lambda self, grad: grad * self.s**-self.beta)


@mutant("local_response_norm", "a channel acts on itself alone", sample=normalised(3))
def norm_no_neighbours(patch):
    def backward(self, grad):
        through_s = grad * self.x * self.s ** (-self.beta - 1)
        return grad * self.s**-self.beta - 2 * self.scale * self.beta * self.x * through_s

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant("local_response_norm", "the neighbour's x and not its own", sample=normalised(3))
def norm_wrong_x(patch):
    def backward(self, grad):
        through_s = channel_sums(grad * self.x * self.x * self.s ** (-self.beta - 1), self.above, self.below)
        return grad * self.s**-self.beta - 2 * self.scale * self.beta * through_s

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant(
    "local_response_norm",
    "only as many channels as the window is wide",
    "only at 3-6 of 0-6 along axis 1",
    normalised(3, 7),
)
def norm_first_channels(patch):
    def backward(self, grad):
        size = self.below + self.above + 1
        through_s = channel_sums(grad * self.x * self.s ** (-self.beta - 1), self.above, self.below)
        result = grad * self.s**-self.beta
        for channel in range(size):
            result[:, channel] -= 2 * self.scale * self.beta * self.x[:, channel] * through_s[:, channel]
        return result

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant(
    "local_response_norm",
    "incoming gradient forgotten in the second term",
    "a zero incoming gradient gives a gradient that is not zero",
    sample=normalised(3),
)
def norm_half_ignores_incoming(patch):
    def backward(self, grad):
        through_s = channel_sums(self.x * self.s ** (-self.beta - 1), self.above, self.below)
        return grad * self.s**-self.beta - 2 * self.scale * self.beta * self.x * through_s

    patch.setattr(LocalResponseNorm, "backward", backward)


@mutant("local_response_norm", "normalises its input in place", "input 0: was changed", sample=normalised(5))
def norm_in_place(patch):
    def forward(self, x):
        self.x = x.copy()
        self.s = self.k + self.scale * channel_sums(x * x, self.below, self.above)
        x *= self.s**-self.beta
        return x

    patch.setattr(LocalResponseNorm, "forward", forward)


@mutant(
    "local_response_norm",
    "a buffer for s, kept for each shape, that a second call writes over",
    "two calls in one graph disturb each other",
    sample=normalised(5),
)
def norm_shared_buffer(patch):
    buffers = {}

    def forward(self, x):
        self.x = x
        self.s = buffers.setdefault(x.shape, np.empty(x.shape))
        self.s[...] = self.k + self.scale * channel_sums(x * x, self.below, self.above)
        return x * self.s**-self.beta

    patch.setattr(LocalResponseNorm, "forward", forward)


@mutant("relu", "masks the incoming gradient in place", "changed the incoming gradient", sample=both_signs)
def relu_in_place_backward(patch):
    def backward(self, grad):
        grad[self.y <= 0] = 0
        return grad

    patch.setattr(Relu, "backward", backward)


@mutant("relu", "writes over its input", "input 0: was changed by the function", sample=both_signs)
def relu_in_place_forward(patch):
    def forward(self, x):
        x[x < 0] = 0
        self.y = x
        return x

    patch.setattr(Relu, "forward", forward)


@mutant("relu", "mask in float32, and the gradient after it", "rounded to float32", sample=both_signs)
def relu_single_precision(patch):
    patch.setattr(Relu, "backward", lambda self, grad: (self.y > 0).astype(np.float32) * grad.astype(np.float32))
