"""Wrong resizing: weights, places and sides of the interpolation."""

import numpy as np

from minifcn.ops import Call, resizing
from minifcn.ops.resizing import Resize2d, mixed

from .plant import mutant


def picture(size, **options):
    return lambda rng: Call((rng.standard_normal((2, 2, 4, 4)),), {"size": size, **options})


@mutant("resize2d", "rows come back, columns are left out", sample=picture((7, 4)))
def resize_rows_forgotten(patch):
    def backward(self, grad):
        return mixed(grad, 3, *self.columns_back)[:, :, : self.rows_back[0].shape[0]]

    patch.setattr(Resize2d, "backward", backward)


@mutant("resize2d", "assigned, not added: one of the pixels that read it", sample=picture(7))
def resize_assigned(patch):
    def one(x, axis, columns, weights):
        return mixed(x, axis, columns[:, :1], weights[:, :1])

    patch.setattr(Resize2d, "backward", lambda self, grad: one(one(grad, 3, *self.columns_back), 2, *self.rows_back))


@mutant("resize2d", "the gradient itself resized, not transposed", sample=picture(8))
def resize_not_transposed(patch):
    def backward(self, grad):
        rows, columns = (
            resizing.taps_there_and_back(wanted, length, self.mode, self.align_corners)[0]
            for length, wanted in ((4, 8), (4, 8))
        )
        return mixed(mixed(grad, 2, *rows), 3, *columns)

    patch.setattr(Resize2d, "backward", backward)


@mutant("resize2d", "weights of the corners' way in backward alone", sample=picture(8))
def resize_other_corners(patch):
    def backward(self, grad):
        back = resizing.taps_there_and_back(4, 8, self.mode, not self.align_corners)[1]
        return mixed(mixed(grad, 3, *back), 2, *back)

    patch.setattr(Resize2d, "backward", backward)


@mutant("resize2d", "nearest in backward alone", sample=picture(8))
def resize_nearest_back(patch):
    def backward(self, grad):
        back = resizing.taps_there_and_back(4, 8, "nearest", False)[1]
        return mixed(mixed(grad, 3, *back), 2, *back)

    patch.setattr(Resize2d, "backward", backward)


@mutant("resize2d", "divided by how much larger the result is", r"off by a factor 0\.250", sample=picture(8))
def resize_mean(patch):
    right = Resize2d.backward
    patch.setattr(Resize2d, "backward", lambda self, grad: right(self, grad) / 4)


@mutant("resize2d", "rows and columns exchanged", sample=picture((8, 8), align_corners=True))
def resize_transposed(patch):
    right = Resize2d.backward
    patch.setattr(Resize2d, "backward", lambda self, grad: np.ascontiguousarray(right(self, grad).swapaxes(2, 3)))
