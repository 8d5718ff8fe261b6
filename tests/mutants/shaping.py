"""Wrong reshapes, transposes, joins, borders, crops and indices: right values at wrong places."""

import numpy as np

import minifcn as mf
from minifcn.ops import OPERATIONS, Call, crop_like, pad
from minifcn.ops.shaping import Concat, Index, Pad, Reshape, Transpose

from .plant import mutant


def normal(*shape, **options):
    """A sample: random values of one shape, and the options as they stand."""
    return lambda rng: Call((rng.standard_normal(shape),), options)


def two_pictures(rng):
    return Call((rng.standard_normal((2, 2, 3, 3)), rng.standard_normal((2, 2, 3, 3))), {"axis": 1}, as_list=True)


def crop(offset, size=(3, 3)):
    return normal(2, 2, 5, 5, reference=np.zeros((2, 2, *size)), offset=offset)


# checks that ask for one linear map to be the adjoint of another


def backward_is_adjoint(name, call, seed):
    """<f(x), y> = <x, backward(y)>, for an operation on one array."""
    apply = lambda x: call.run(OPERATIONS[name].function, [x])  # noqa: E731

    def backward(y):
        x = mf.Tensor(np.zeros_like(call.inputs[0]), requires_grad=True)
        apply(x).backward(y)
        return x.grad

    y = np.random.default_rng([seed, 13]).standard_normal(apply(call.inputs[0]).shape)
    mf.adjoint_check(apply, backward, call.inputs[0], y)


def pad_and_crop_are_adjoint(name, call, seed):
    """Cutting a border off is the adjoint of adding one: two forward maps, and no backward."""
    rng = np.random.default_rng([seed, 14])
    small, large = rng.standard_normal((2, 3, 4, 4)), rng.standard_normal((2, 3, 7, 7))
    enlarge = lambda x: pad(x, (1, 2, 3, 0))  # noqa: E731
    cut = lambda x: crop_like(x, small, offset=(3, 1))  # noqa: E731
    mf.adjoint_check(enlarge, cut, small, large)


# reshape and transpose


@mutant("reshape", "read back in Fortran order", "transposed: axes 0 and 1", sample=normal(4, 4, shape=(16,)))
def reshape_fortran(patch):
    patch.setattr(Reshape, "backward", lambda self, grad: grad.reshape(self.before, order="F"))


@mutant("reshape", "read back as if channels lay last", sample=normal(2, 3, 2, 2, shape=(2, -1)))
def reshape_channels_last(patch):
    def backward(self, grad):
        n, c, h, w = self.before
        return grad.reshape(n, h, w, c).transpose(0, 3, 1, 2)

    patch.setattr(Reshape, "backward", backward)


@mutant("reshape", "the last of the batch comes first", "flipped along axis 0", sample=normal(4, 6, shape=(24,)))
def reshape_reversed(patch):
    patch.setattr(Reshape, "backward", lambda self, grad: grad.reshape(self.before)[::-1])


@mutant("transpose", "the same permutation, not its inverse", sample=normal(3, 3, 3, axes=(1, 2, 0)))
def transpose_same(patch):
    patch.setattr(Transpose, "backward", lambda self, grad: grad.transpose(self.axes))


@mutant("transpose", "sent back as it came", "transposed: axes 0 and 1", sample=normal(3, 3, 4, axes=(1, 0, 2)))
def transpose_unchanged(patch):
    patch.setattr(Transpose, "backward", lambda self, grad: grad)


@mutant(
    "transpose",
    "all axes turned round, whatever they were",
    "relative error",
    sample=normal(3, 3, 3, axes=(1, 2, 0)),
    check=backward_is_adjoint,
    check_name="adjoint_check",
)
def transpose_turned_round(patch):
    patch.setattr(Transpose, "backward", lambda self, grad: grad.T)


# concat


@mutant("concat", "the parts are exchanged", sample=two_pictures)
def concat_exchanged(patch):
    patch.setattr(Concat, "backward", lambda self, grad: tuple(np.split(grad, self.ends[:-1], self.axis)[::-1]))


@mutant("concat", "every part gets the gradient of the first", "right: input 0", sample=two_pictures)
def concat_all_first(patch):
    def backward(self, grad):
        first = grad.take(range(self.ends[0]), self.axis)
        return tuple(first for _ in self.ends)

    patch.setattr(Concat, "backward", backward)


@mutant("concat", "each part ends one channel early", "zero at the last place along axis 1", sample=two_pictures)
def concat_ends_early(patch):
    def backward(self, grad):
        pieces = np.split(grad.copy(), self.ends[:-1], self.axis)
        for piece in pieces:
            piece.swapaxes(0, self.axis)[-1] = 0
        return tuple(pieces)

    patch.setattr(Concat, "backward", backward)


# pad and crop_like


@mutant(
    "pad", "cut from the first row on", "shifted by 1 along the rows", sample=normal(2, 2, 4, 3, padding=(0, 0, 1, 1))
)
def pad_offset_forgotten(patch):
    patch.setattr(Pad, "backward", lambda self, grad: grad[tuple(slice(n) for n in self.shape)])


@mutant("pad", "cut from the first row and column on", sample=normal(2, 2, 4, 4, padding=(1, 1, 1, 1)))
def pad_both_offsets_forgotten(patch):
    patch.setattr(Pad, "backward", lambda self, grad: grad[tuple(slice(n) for n in self.shape)])


@mutant("pad", "right and left exchanged", "shifted by -1 along the columns", sample=normal(2, 2, 3, 4, padding=(1, 2)))
def pad_sides_exchanged(patch):
    def backward(self, grad):
        return grad[tuple(slice(after, after + n) for n, (_, after) in zip(self.shape, self.added, strict=True))]

    patch.setattr(Pad, "backward", backward)


@mutant(
    "pad",
    "both borders cut from the left",
    "shifted by -2 along the columns",
    sample=normal(2, 2, 3, 5, padding=(2, 2)),
)
def pad_one_side(patch):
    patch.setattr(Pad, "backward", lambda self, grad: grad[tuple(slice(-n, None) for n in self.shape)])


@mutant("pad", "the border's gradient is given to the edge", sample=normal(2, 2, 3, 4, padding=(1, 1), value=2.0))
def pad_border_added(patch):
    right = Pad.backward

    def backward(self, grad):
        result = right(self, grad).copy()
        result[..., 0] += grad[..., 0]
        result[..., -1] += grad[..., -1]
        return result

    patch.setattr(Pad, "backward", backward)


@mutant(
    "pad",
    "left and right exchanged, forward and backward alike",
    "relative error",
    check=pad_and_crop_are_adjoint,
    check_name="adjoint_check",
)
def pad_exchanged_both_ways(patch):
    right = Pad.__init__

    def init(self, widths, value):
        right(self, [(after, before) for before, after in widths], value)

    patch.setattr(Pad, "__init__", init)


@mutant("crop_like", "row and column of the offset exchanged", sample=crop((0, 2)))
def crop_exchanged(patch):
    def backward(self, grad):
        result = np.zeros(self.shape)
        *front, rows, columns = self.index
        result[(*front, columns, rows)] = grad
        return result

    patch.setattr(Index, "backward", backward)


@mutant(
    "crop_like", "offset forgotten on the way back", "shifted by -1 along the rows", sample=crop((1, 0), size=(3, 5))
)
def crop_offset_forgotten(patch):
    def backward(self, grad):
        result = np.zeros(self.shape)
        result[..., : grad.shape[2], : grad.shape[3]] = grad
        return result

    patch.setattr(Index, "backward", backward)


@mutant(
    "crop_like",
    "row and column of the offset exchanged, forward and backward alike",
    "relative error",
    check=pad_and_crop_are_adjoint,
    check_name="adjoint_check",
)
def crop_exchanged_both_ways(patch):
    def init(self, index):
        *front, rows, columns = index
        self.index = (*front, columns, rows)

    patch.setattr(Index, "__init__", init)


# index


def assigned(self, grad):
    result = np.zeros(self.shape)
    result[self.index] = grad
    return result


REPEATED = normal(4, 3, key=np.array([2, 0, 2, 2, 1]))


@mutant("index", "assigned where a row is named twice", "assigned where contributions meet", sample=REPEATED)
def index_assigned(patch):
    patch.setattr(Index, "backward", assigned)


@mutant(
    "index",
    "assigned where a row is named twice, seen by its adjoint",
    "relative error",
    sample=REPEATED,
    check=backward_is_adjoint,
    check_name="adjoint_check",
)
def index_assigned_by_adjoint(patch):
    patch.setattr(Index, "backward", assigned)


@mutant(
    "index",
    "the last place is left out",
    "zero at places 4 of 0-5 along axis 0",
    sample=normal(6, 3, key=(slice(1, 5),)),
)
def index_last_left_out(patch):
    def backward(self, grad):
        result = np.zeros(self.shape)
        result[self.index][:-1] = grad[:-1]
        return result

    patch.setattr(Index, "backward", backward)


@mutant("index", "steps ignored", sample=normal(2, 7, key=(slice(None), slice(0, None, 2))))
def index_steps_ignored(patch):
    def backward(self, grad):
        result = np.zeros(self.shape)
        result[tuple(slice(n) for n in grad.shape)] = grad
        return result

    patch.setattr(Index, "backward", backward)


@mutant(
    "index",
    "runs forwards where the key runs backwards",
    "flipped along axis 1",
    sample=normal(3, 5, key=(..., slice(None, None, -1))),
)
def index_direction_ignored(patch):
    patch.setattr(Index, "backward", lambda self, grad: grad)
