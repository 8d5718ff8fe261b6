"""Wrong convolutions and transposed convolutions: operations, kernels, and the pairs of adjoint maps.

Forward and backward share their kernels, so a fault in one kernel shows where the other side does without it.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

import minifcn as mf
from minifcn import ops
from minifcn.kernels import Window, choice, simple
from minifcn.kernels.cpu import upsampling, window_tiles
from minifcn.kernels.cpu.calls import NOW
from minifcn.kernels.simple import channels_last, columns, output_rows, padded, padded_size, tap, taps
from minifcn.ops import Call
from minifcn.ops.convolution import Conv2d, ConvTranspose2d

from .plant import mutant

RIGHT_COLUMNS, RIGHT_INPUT_GRADIENT = simple.columns, simple.conv2d_input_gradient
RIGHT_WEIGHT_GRADIENT, RIGHT_BIAS_GRADIENT = simple.conv2d_weight_gradient, simple.bias_gradient


def normal_call(*shapes, **options):
    """A sampler of normal values in these shapes."""
    return lambda rng: Call(tuple(rng.standard_normal(shape) for shape in shapes), options)


# x (N, C, H, W), weight (O, C, KH, KW), bias (O,)
plain = normal_call((2, 1, 4, 3), (3, 1, 3, 2), (3,))
three_pictures = normal_call((3, 2, 3, 3), (2, 2, 2, 2), (2,))
square = normal_call((2, 2, 3, 3), (2, 2, 2, 2), (2,))  # of the same size with two axes of the kernel exchanged
strided = normal_call((1, 1, 6, 5), (3, 1, 3, 2), (3,), stride=2)  # a row and a column are left over
no_rest = normal_call((1, 1, 7, 3), (2, 1, 3, 2), (2,), stride=(2, 1))
around = normal_call((1, 1, 4, 4), (2, 1, 3, 3), (2,), padding=1)
around_rows = normal_call((1, 1, 4, 3), (2, 1, 3, 2), (2,), padding=(1, 0))
same_rows = normal_call((1, 2, 4, 3), (2, 2, 2, 1), (2,), padding="same")  # one row of padding, at the bottom
dilated = normal_call((1, 1, 4, 6), (2, 1, 2, 3), (2,), dilation=2)
grouped = normal_call((1, 4, 3, 3), (4, 2, 2, 2), (4,), groups=2)
enlarging = normal_call((1, 2, 2, 3), (2, 3, 3, 3), (3,), stride=2, padding=1)
enlarging_square = normal_call((1, 2, 2, 3), (2, 2, 3, 2), (2,), stride=2)
enlarging_more = normal_call((1, 2, 2, 3), (2, 3, 3, 3), (3,), stride=2, padding=1, output_padding=(1, 0))


# the input gradient: columns folded back


@mutant("conv2d", "fold assigns instead of adding", "assigned where windows overlap", sample=plain)
def fold_assigns(patch):
    def add_at_taps(part, window, size, like, shape):
        n, c, h, w = shape
        picture = np.zeros((n, *padded_size(window, (h, w), size), c), like.dtype)
        for number, (i, j) in enumerate(taps(window)):
            tap(picture, window, size, i, j)[...] = part(number)
        (top, _), (left, _) = window.padding
        return picture[:, top : top + h, left : left + w].transpose(0, 3, 1, 2)

    patch.setattr(simple, "add_at_taps", add_at_taps)


@mutant("conv2d", "fold forgets the stride", "input 0: .* wrong", sample=strided)
def fold_without_stride(patch):
    right = simple.fold
    patch.setattr(simple, "fold", lambda r, window, *rest: right(r, window._replace(stride=(1, 1)), *rest))


@mutant("conv2d", "fold forgets the dilation of columns", "input 0: .* wrong", sample=dilated)
def fold_without_dilation(patch):
    right = simple.fold

    def fold(rows, window, size, shape):
        return right(rows, window._replace(dilation=(window.dilation[0], 1)), size, shape)

    patch.setattr(simple, "fold", fold)


def cut_at(patch, start):
    """Plant a fold that cuts the picture out of its padding at start(((top, bottom), (left, right))) = (row, column)."""

    def add_at_taps(part, window, size, like, shape):
        n, c, h, w = shape
        ph, pw = padded_size(window, (h, w), size)
        (top, bottom), (left, right) = window.padding
        picture = np.zeros((n, ph + top + bottom, pw + left + right, c), like.dtype)
        for number, (i, j) in enumerate(taps(window)):
            target = tap(picture, window, size, i, j)
            target += part(number)
        row, column = start(window.padding)
        return picture[:, row : row + h, column : column + w].transpose(0, 3, 1, 2)

    patch.setattr(simple, "add_at_taps", add_at_taps)


@mutant("conv2d", "padding at the top not cut off", "shifted by 1 along the rows", sample=around_rows)
def padding_at_the_top_stays(patch):
    cut_at(patch, lambda padding: (0, padding[1][0]))


@mutant("conv2d", "padding at the left cut off twice", "shifted by -1 along the columns", sample=around)
def padding_at_the_left_cut_twice(patch):
    cut_at(patch, lambda padding: (padding[0][0], 2 * padding[1][0]))


@mutant("conv2d", "padding cut off on no side", "shifted by 1 along the rows and 1 along the columns", sample=around)
def padding_stays(patch):
    cut_at(patch, lambda padding: (0, 0))


@mutant("conv2d", '"same" with the odd row at the top', "shifted by -1 along the rows", sample=same_rows)
def same_padding_on_the_other_side(patch):
    cut_at(patch, lambda padding: (padding[0][1], padding[1][1]))


@mutant("conv2d", "groups mixed in fold", r"in another order: \[0, 2, 1, 3\]", sample=grouped)
def fold_mixes_groups(patch):
    right = simple.fold

    def fold(rows, window, size, shape):
        n, c, h, w = shape
        picture = right(rows, window, size, shape).reshape(n, rows.shape[0], -1, h, w)
        return picture.transpose(0, 2, 1, 3, 4).reshape(n, c, h, w)  # (N, C/G, G, H, W): as if the groups lay innermost

    patch.setattr(simple, "fold", fold)


@mutant("conv2d", "kernel not turned round in the input gradient", "input 0: .* wrong", sample=plain)
def kernel_not_turned(patch):
    def conv2d_input_gradient(grad, weight, window, groups, shape):
        spans = [(span - 1, span - 1) for span in window.span]
        return simple.conv2d(grad, weight.transpose(1, 0, 2, 3), window._replace(padding=spans), groups)

    patch.setattr(simple, "conv2d_input_gradient", conv2d_input_gradient)


@mutant("conv2d", "input and output channels exchanged in the input gradient", "input 0: .* wrong", sample=square)
def kernel_channels_exchanged(patch):
    def conv2d_input_gradient(grad, weight, *rest):
        return RIGHT_INPUT_GRADIENT(grad, weight.swapaxes(0, 1), *rest)

    patch.setattr(simple, "conv2d_input_gradient", conv2d_input_gradient)


@mutant("conv2d", "loop over the windows ends a row early", "the last output row is left out", sample=no_rest)
def loop_ends_early(patch):
    def conv2d_input_gradient(grad, weight, window, groups, shape):
        result, (kh, kw), (sh, sw) = np.zeros(shape), window.kernel, window.stride
        for row in range(0, shape[2] - kh, sh):  # + 1 is missing
            for column in range(0, shape[3] - kw + 1, sw):
                part = np.tensordot(grad[:, :, row // sh, column // sw], weight, 1)
                result[:, :, row : row + kh, column : column + kw] += part
        return result

    patch.setattr(simple, "conv2d_input_gradient", conv2d_input_gradient)


@mutant("conv2d", "input gradient in a buffer that the next call fills", "two calls in one graph disturb", sample=plain)
def gradient_in_a_buffer(patch):
    buffers = {}

    def add_at_taps(part, window, size, like, shape):
        n, c, h, w = shape
        wide = (n, *padded_size(window, (h, w), size), c)
        picture = buffers.setdefault(wide, np.empty(wide))  # saves an allocation a step
        picture[...] = 0
        for number, (i, j) in enumerate(taps(window)):
            target = tap(picture, window, size, i, j)
            target += part(number)
        (top, _), (left, _) = window.padding
        return picture[:, top : top + h, left : left + w].transpose(0, 3, 1, 2)

    patch.setattr(simple, "add_at_taps", add_at_taps)


# the weight gradient: windows times incoming gradient


def weight_gradient(patch, wrong):
    patch.setattr(simple, "conv2d_weight_gradient", wrong)


@mutant("conv2d", "weight gradient of a true convolution", "flipped along rows and columns", sample=plain)
def weight_gradient_flipped(patch):
    weight_gradient(patch, lambda *arguments: RIGHT_WEIGHT_GRADIENT(*arguments)[:, :, ::-1, ::-1])


def product_with_axes(x, grad, window, groups, order):
    """The right product with its axes G, KH, KW, C/G, O/G put in another order."""
    c, o = x.shape[1] // groups, grad.shape[1]
    product = columns(x, window, groups, grad.shape[2:]).transpose(0, 2, 1) @ output_rows(grad, groups)
    return product.reshape(groups, *window.kernel, c, o // groups).transpose(order).reshape(o, c, *window.kernel)


@mutant("conv2d", "weight gradient as C O KH KW", "transposed: axes 0 and 1 are exchanged", sample=square)
def weight_gradient_transposed(patch):
    weight_gradient(patch, lambda *arguments: product_with_axes(*arguments, order=(0, 3, 4, 1, 2)))


@mutant("conv2d", "weight gradient as O C KW KH", "transposed: axes 2 and 3 are exchanged", sample=square)
def weight_gradient_with_kernel_axes_exchanged(patch):
    weight_gradient(patch, lambda *arguments: product_with_axes(*arguments, order=(0, 4, 3, 2, 1)))


@mutant("conv2d", "KH and KW exchanged in the kernel matrix", "transposed: axes 2 and 3 are exchanged", sample=square)
def kernel_matrix_with_axes_exchanged(patch):
    def kernel_matrix(weight, groups):
        o, c, kh, kw = weight.shape
        split = weight.reshape(groups, o // groups, c, kh, kw)
        return split.transpose(0, 4, 3, 2, 1).reshape(groups, kh * kw * c, o // groups)

    patch.setattr(simple, "kernel_matrix", kernel_matrix)


@mutant("conv2d", "weight gradient forgets the stride", "input 1: .* wrong", sample=strided)
def weight_gradient_without_stride(patch):
    def conv2d_weight_gradient(x, grad, window, groups):
        return RIGHT_WEIGHT_GRADIENT(x, grad, window._replace(stride=(1, 1)), groups)

    weight_gradient(patch, conv2d_weight_gradient)


@mutant("conv2d", "weight gradient forgets the padding", "shifted by -1 along the rows and -1 along", sample=around)
def weight_gradient_without_padding(patch):
    def conv2d_weight_gradient(x, grad, window, groups):
        return RIGHT_WEIGHT_GRADIENT(x, grad, window._replace(padding=((0, 0), (0, 0))), groups)

    weight_gradient(patch, conv2d_weight_gradient)


@mutant("conv2d", "groups mixed in the rows of the output", "input 1: .* wrong", sample=grouped)
def output_rows_mix_groups(patch):
    def output_rows(grad, groups):
        n, o, oh, ow = grad.shape
        return channels_last(grad).reshape(n * oh * ow, o // groups, groups).transpose(2, 0, 1)

    patch.setattr(simple, "output_rows", output_rows)


@mutant("conv2d", "weight gradient of the first group only", "zero at .* 2-3 of 0-3", sample=grouped)
def weight_gradient_of_one_group(patch):
    def conv2d_weight_gradient(x, grad, window, groups):
        c, o = x.shape[1] // groups, grad.shape[1] // groups
        result = np.zeros((o * groups, c, *window.kernel))
        result[:o] = RIGHT_WEIGHT_GRADIENT(x[:, :c], grad[:, :o], window, 1)
        return result

    weight_gradient(patch, conv2d_weight_gradient)


@mutant("conv2d", "weight gradient averaged over the pictures", r"off by a factor 0\.500", sample=plain)
def weight_gradient_averaged(patch):
    weight_gradient(patch, lambda x, *rest: RIGHT_WEIGHT_GRADIENT(x, *rest) / len(x))


@mutant(
    "conv2d",
    "weight gradient assigned a picture at a time",
    "only the last output picture counts",
    sample=three_pictures,
)
def weight_gradient_of_the_last_picture(patch):
    def conv2d_weight_gradient(x, grad, window, groups):
        for number in range(len(x)):
            result = RIGHT_WEIGHT_GRADIENT(x[number : number + 1], grad[number : number + 1], window, groups)
        return result

    weight_gradient(patch, conv2d_weight_gradient)


@mutant("conv2d", "weight gradient stored in half the bytes", "rounded to float32", sample=plain)
def weight_gradient_rounded(patch):
    weight_gradient(patch, lambda *arguments: RIGHT_WEIGHT_GRADIENT(*arguments).astype(np.float32))


@mutant("conv2d", "weight gradient computed in float32", "rounded to float32", sample=plain)
def weight_gradient_in_single_precision(patch):
    def conv2d_weight_gradient(x, grad, *rest):
        return RIGHT_WEIGHT_GRADIENT(x.astype(np.float32), grad.astype(np.float32), *rest)

    weight_gradient(patch, conv2d_weight_gradient)


@mutant("conv2d", "weight gradient added to a sum that outlives the call", "not repeatable", sample=plain)
def weight_gradient_added_up(patch):
    sums = {}

    def conv2d_weight_gradient(*arguments):
        gradient = RIGHT_WEIGHT_GRADIENT(*arguments)
        total = sums.setdefault(gradient.shape, np.zeros(gradient.shape))
        total += gradient
        return total

    weight_gradient(patch, conv2d_weight_gradient)


@mutant("conv2d", "windows of the last forward, whosever it was", "two calls in one graph disturb", sample=plain)
def windows_of_the_last_forward(patch):
    kept = {}

    def conv2d(x, weight, window, groups):
        oh, ow = window.output_size(x.shape[2:])
        kept["rows"] = columns(x, window, 1, (oh, ow))[0]  # backward need not copy them again
        y = kept["rows"] @ simple.kernel_matrix(weight, 1)[0]
        return y.reshape(len(x), oh, ow, len(weight)).transpose(0, 3, 1, 2)

    def conv2d_weight_gradient(x, grad, window, groups):
        product = kept["rows"].T @ output_rows(grad, 1)[0]
        return product.reshape(*window.kernel, x.shape[1], grad.shape[1]).transpose(3, 2, 0, 1)

    patch.setattr(simple, "conv2d", conv2d)
    weight_gradient(patch, conv2d_weight_gradient)


@mutant("conv2d", "x saved on the class", "two calls in one graph disturb", sample=plain)
def x_saved_on_the_class(patch):
    right = Conv2d.forward

    def forward(self, x, *rest):
        y = right(self, x, *rest)
        del self.x
        type(self).x = x
        return y

    patch.setattr(Conv2d, "forward", forward)
    patch.setattr(Conv2d, "x", None, raising=False)


@mutant("conv2d", "windows read with the strides of a contiguous x", "depends on memory order", sample=plain)
def windows_by_assumed_strides(patch):
    def conv2d_weight_gradient(x, grad, window, groups):
        n, c, h, w = x.shape
        flat = x if x.flags.forc else x.copy()  # "contiguous", it says, and Fortran's order is so too
        strides = tuple(x.itemsize * step for step in (c * h * w, h * w, w, 1, w, 1))
        windows = as_strided(flat, (n, c, *grad.shape[2:], *window.kernel), strides, writeable=False)
        return np.einsum("nchwij,nohw->ocij", windows, grad)

    weight_gradient(patch, conv2d_weight_gradient)


# the bias


def bias(patch, wrong):
    patch.setattr(simple, "bias_gradient", wrong)


@mutant(
    "conv2d", "bias gradient of the first picture only", "only the first output picture counts", sample=three_pictures
)
def bias_of_the_first_picture(patch):
    bias(patch, lambda grad: grad[0].sum((1, 2)))


@mutant("conv2d", "bias gradient without the first row", "the first output row is left out", sample=plain)
def bias_without_the_first_row(patch):
    bias(patch, lambda grad: grad[:, :, 1:].sum((0, 2, 3)))


@mutant("conv2d", "bias gradient is a mean over pixels", r"off by a factor 0\.250", sample=plain)
def bias_mean(patch):
    bias(patch, lambda grad: grad.mean((2, 3)).sum(0))


@mutant("conv2d", "bias gradient times the pixels", r"off by a factor 4\.000", sample=plain)
def bias_times_pixels(patch):
    bias(patch, lambda grad: grad.sum((0, 2, 3)) * grad[0, 0].size)


@mutant("conv2d", "bias gradient counts pixels", "does not use the incoming gradient", sample=plain)
def bias_ones(patch):
    bias(patch, lambda grad: np.full(grad.shape[1], grad.size / grad.shape[1]))


@mutant("conv2d", "bias gradient in whole blocks of five", "input 2: 3 of 3 elements wrong", sample=plain)
def bias_without_the_rest(patch):
    def bias_gradient(grad):
        rows = channels_last(grad).reshape(-1, grad.shape[1])
        return rows[: len(rows) // 5 * 5].reshape(-1, 5, rows.shape[1]).sum((0, 1))  # and the rest?

    bias(patch, bias_gradient)


@mutant("conv2d", "bias gradient summed into the first picture", "backward changed the incoming gradient", sample=plain)
def bias_in_place(patch):
    def bias_gradient(grad):
        total = grad[0]
        for picture in grad[1:]:
            total += picture  # total is no copy
        return total.sum((1, 2))

    bias(patch, bias_gradient)


@mutant("conv2d", "bias gradient forgotten", "zero everywhere: no gradient arrives here", sample=plain)
def bias_forgotten(patch):
    right = Conv2d.backward
    patch.setattr(Conv2d, "backward", lambda self, grad: (*right(self, grad)[:2], None))


@mutant("conv2d", "forward centres the picture in place", "input 0: was changed by the function", sample=plain)
def forward_in_place(patch):
    right = Conv2d.forward

    def forward(self, x, weight, bias):
        x -= x.mean((2, 3), keepdims=True)
        return right(self, x, weight, bias)

    patch.setattr(Conv2d, "forward", forward)


# transposed convolution


@mutant(
    "conv_transpose2d", "output_padding cut off going back", "the last output row is left out", sample=enlarging_more
)
def output_padding_dropped(patch):
    right = ConvTranspose2d.backward

    def backward(self, grad):
        h, w = self.window.transposed_size(self.x.shape[2:])  # the smallest picture, and not self.size
        return right(self, grad[:, :, :h, :w])

    patch.setattr(ConvTranspose2d, "backward", backward)


@mutant("conv_transpose2d", "stride forgotten going back", "input 0: .* wrong", sample=enlarging)
def transposed_without_stride(patch):
    right = simple.conv2d
    patch.setattr(simple, "conv2d", lambda x, w, window, groups: right(x, w, window._replace(stride=(1, 1)), groups))


@mutant("conv_transpose2d", "x and incoming gradient exchanged", "axes 0 and 1 are exchanged", sample=enlarging_square)
def transposed_roles_exchanged(patch):
    weight_gradient(patch, lambda *arguments: product_with_axes(*arguments, order=(0, 3, 4, 1, 2)))


@mutant("conv_transpose2d", "kernel turned round in forward alone", "flipped along rows and columns", sample=enlarging)
def transposed_kernel_turned(patch):
    def conv2d_input_gradient(grad, weight, *rest):
        return RIGHT_INPUT_GRADIENT(grad, weight[:, :, ::-1, ::-1], *rest)

    patch.setattr(simple, "conv2d_input_gradient", conv2d_input_gradient)


@mutant("conv_transpose2d", "bias gradient as of the small picture", "input 2: .* wrong", sample=enlarging)
def transposed_bias_of_the_small_picture(patch):
    right = ConvTranspose2d.backward

    def backward(self, grad):
        h, w = self.x.shape[2:]
        return (*right(self, grad)[:2], grad[:, :, :h, :w].sum((0, 2, 3)))

    patch.setattr(ConvTranspose2d, "backward", backward)


@mutant("conv_transpose2d", "gradient divided by the overlap", "input 0: .* wrong", sample=enlarging)
def transposed_gradient_by_overlap(patch):
    right = ConvTranspose2d.backward

    def backward(self, grad):
        ones = np.ones((1, 1, *self.window.kernel))
        overlap = RIGHT_INPUT_GRADIENT(np.ones_like(self.x[:1, :1]), ones, self.window, 1, (1, 1, *self.size))
        return right(self, grad / np.maximum(overlap, 1))  # an average belongs to neither side

    patch.setattr(ConvTranspose2d, "backward", backward)


# the fast kernels


def fast_kernel(patch, name, run):
    patch.setitem(choice.KERNELS, name, tuple(kernel._replace(run=run) for kernel in choice.KERNELS[name]))


@mutant(
    "conv2d", "fast: kernel not turned round in the input gradient", "input 0: .* wrong", sample=plain, kernels="fast"
)
def fast_kernel_not_turned(patch):
    def conv2d_input_gradient(grad, weight, window, groups, shape):
        spans = [(span - 1, span - 1) for span in window.span]
        return window_tiles.conv2d(grad, weight.transpose(1, 0, 2, 3), window._replace(padding=spans), 1)

    fast_kernel(patch, "conv2d_input_gradient", conv2d_input_gradient)


@mutant("conv2d", 'fast: "same" padding not mirrored', "shifted by -1 along the rows", sample=same_rows, kernels="fast")
def fast_padding_not_mirrored(patch):
    def conv2d_input_gradient(grad, weight, window, groups, shape):
        turned = weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
        return window_tiles.conv2d(grad, turned, window, 1)  # the odd row belongs to the other side now

    fast_kernel(patch, "conv2d_input_gradient", conv2d_input_gradient)


five_pictures = normal_call((5, 1, 3, 3), (4, 1, 2, 2), (4,))  # a tile each, when tiles are small


@mutant(
    "conv2d",
    "fast: each lane takes one tile",
    "the last output picture is left out",
    sample=five_pictures,
    kernels="fast",
)
def fast_lane_of_one_tile(patch):
    def conv2d_weight_gradient(x, grad, window, groups):
        o, c = grad.shape[1], x.shape[1]
        windows, rows = window_tiles.Windows(x, window, grad.shape[2:]), channels_last(grad)
        totals = np.zeros((window_tiles.LANES, windows.length, o))
        all_tiles = windows.tiles(totals[0].nbytes)
        for lane in range(min(window_tiles.LANES, len(all_tiles))):
            tile = all_tiles[lane]  # and lane + LANES, and so on?
            totals[lane] += windows.rows(NOW, tile).T @ rows[tile].reshape(-1, o)
        return totals.sum(0).reshape(*window.kernel, c, o).transpose(3, 2, 0, 1)

    patch.setattr(window_tiles, "TILE_BYTES", 1)
    fast_kernel(patch, "conv2d_weight_gradient", conv2d_weight_gradient)


@mutant(
    "conv2d",
    "fast: windows kept in the scratch array",
    "two calls in one graph disturb",
    sample=strided,
    kernels="fast",
)
def fast_windows_in_scratch(patch):
    right = Conv2d.forward

    def forward(self, x, *rest):
        y = right(self, x, *rest)
        windows = window_tiles.Windows(x, self.window, y.shape[2:])
        self.rows = windows.rows(NOW, (slice(0, len(x)), slice(0, y.shape[2])))  # the next call writes over them
        return y

    def backward(self, grad):
        o, c = self.weight.shape[:2]
        grad_weight = self.rows.T @ channels_last(grad).reshape(-1, o)
        grad_weight = grad_weight.reshape(*self.window.kernel, c, o).transpose(3, 2, 0, 1)
        grad_x = RIGHT_INPUT_GRADIENT(grad, self.weight, self.window, self.groups, self.x.shape)
        return grad_x, grad_weight, RIGHT_BIAS_GRADIENT(grad)

    patch.setattr(Conv2d, "forward", forward)
    patch.setattr(Conv2d, "backward", backward)


one_channel_a_group = normal_call((1, 2, 6, 8), (2, 1, 4, 4), (2,), stride=2, groups=2)


@mutant("conv2d", "fast: the last cell alone paints a block", sample=one_channel_a_group, kernels="fast")
def fast_blocks_one_cell(patch):
    right = upsampling.Grid.cells

    def cells(self, do, x):
        found = right(self, do, x)
        found[:, :, :-1] = 0
        return found

    patch.setattr(upsampling.Grid, "cells", cells)


@mutant("conv2d", "fast: the cells of a block in the wrong order", sample=one_channel_a_group, kernels="fast")
def fast_blocks_turned(patch):
    right = upsampling.Grid.cells
    patch.setattr(upsampling.Grid, "cells", lambda self, do, x: right(self, do, x)[:, :, ::-1])


# pairs of adjoint maps, without a step size


def by_transposed(name, call, seed):
    """Is conv_transpose2d the adjoint of conv2d?"""
    x, weight = call.inputs
    y = np.random.default_rng(seed).standard_normal(ops.conv2d(x, weight, **call.options).shape)
    mf.adjoint_check(
        lambda v: ops.conv2d(v, weight, **call.options),
        lambda v: ops.conv_transpose2d(v, weight, output_size=x.shape[2:], **call.options),
        x,
        y,
    )


def by_fold(name, call, seed):
    """Is fold the adjoint of columns?"""
    x, weight = call.inputs
    window = Window(weight.shape[2:], (2, 1), ((1, 0), (0, 1)), (1, 2))
    size = window.output_size(x.shape[2:])
    rows = simple.columns(x, window, 1, size)
    y = np.random.default_rng(seed).standard_normal(rows.shape)
    mf.adjoint_check(
        lambda v: simple.columns(v, window, 1, size), lambda v: simple.fold(v, window, size, x.shape), x, y
    )


without_bias = normal_call((2, 2, 6, 5), (3, 2, 3, 2), stride=2, padding=1)
RELATIVE = r"relative error \d"


@mutant("conv2d", "a true convolution", RELATIVE, without_bias, check=by_transposed, check_name="adjoint_check")
def adjoint_true_convolution(patch):
    right = simple.conv2d
    patch.setattr(simple, "conv2d", lambda x, w, *rest: right(x, w[:, :, ::-1, ::-1], *rest))


@mutant(
    "conv_transpose2d", "padding not cut off", RELATIVE, without_bias, check=by_transposed, check_name="adjoint_check"
)
def adjoint_padding_stays(patch):
    cut_at(patch, lambda padding: (0, 0))


@mutant("conv_transpose2d", "rows assigned", RELATIVE, without_bias, check=by_transposed, check_name="adjoint_check")
def adjoint_fold_assigns(patch):
    fold_assigns(patch)


@mutant("conv2d", "columns without padding", RELATIVE, without_bias, check=by_fold, check_name="adjoint_check")
def adjoint_columns_without_padding(patch):
    def columns(x, window, groups, size):
        return RIGHT_COLUMNS(x, window._replace(padding=((0, 0), (0, 0))), groups, size)

    patch.setattr(simple, "columns", columns)


@mutant(
    "conv2d", "columns tap by tap down the kernel", RELATIVE, without_bias, check=by_fold, check_name="adjoint_check"
)
def adjoint_taps_down_the_kernel(patch):
    def columns(x, window, groups, size):
        picture = padded(x, window, 0, size)
        places = [(i, j) for j in range(window.kernel[1]) for i in range(window.kernel[0])]
        rows = np.stack([tap(picture, window, size, i, j) for i, j in places], 3)
        return rows.reshape(1, x.shape[0] * size[0] * size[1], -1)

    patch.setattr(simple, "columns", columns)


@mutant(
    "conv2d",
    "vertical and horizontal stride exchanged in fold",
    RELATIVE,
    without_bias,
    check=by_fold,
    check_name="adjoint_check",
)
def adjoint_strides_exchanged(patch):
    right = simple.fold
    patch.setattr(simple, "fold", lambda r, window, *rest: right(r, window._replace(stride=window.stride[::-1]), *rest))
