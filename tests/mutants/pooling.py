"""Wrong max-pooling, average pooling and unpooling."""

import numpy as np

from minifcn.kernels import simple
from minifcn.kernels.simple import channels_last, padded, padded_size, tap, taps, window_areas
from minifcn.ops import Call
from minifcn.ops.pooling import AvgPool2d, MaxPool2d, MaxUnpool2d
from minifcn.ops.samples import distinct, normal

from .plant import mutant


def pooled(values, n, c, h, w, **options):
    return lambda rng: Call((values(rng, n, c, h, w),), options)


overlapping = pooled(distinct, 1, 2, 7, 7, kernel_size=3, stride=2)
side_by_side = pooled(distinct, 1, 2, 6, 6, kernel_size=2)


def at_places(grad, rows, columns, shape):
    """grad (N, C, OH, OW) added at rows and columns (each of grad's shape) -> `shape`: right where the places are."""
    result = np.zeros(shape)
    pictures, channels = np.ix_(range(shape[0]), range(shape[1]))
    np.add.at(result, (pictures[:, :, None, None], channels[:, :, None, None], rows, columns), grad)
    return result


@mutant("max_pool2d", "assigned where windows overlap", "assigned where windows overlap", sample=overlapping)
def max_pool_assigns(patch):
    def backward(self, grad):
        n, c, h, w = self.shape
        result = np.zeros((n * c, h * w))
        np.put_along_axis(result, self.indices().reshape(n * c, -1), grad.reshape(n * c, -1), 1)
        return result.reshape(self.shape)

    patch.setattr(MaxPool2d, "backward", backward)


@mutant("max_pool2d", "the maximum's place in the window beside it", sample=side_by_side)
def max_pool_wrong_window(patch):
    right = MaxPool2d.backward

    def backward(self, grad):
        self.place = np.roll(self.place, 1, axis=3)
        return right(self, grad)

    patch.setattr(MaxPool2d, "backward", backward)


@mutant("max_pool2d", "the first channel's places for all channels", sample=side_by_side)
def max_pool_first_channel(patch):
    right = MaxPool2d.backward

    def backward(self, grad):
        self.place = np.broadcast_to(self.place[:, :1], self.place.shape)
        return right(self, grad)

    patch.setattr(MaxPool2d, "backward", backward)


@mutant(
    "max_pool2d",
    "the last row is lost in ceil mode",
    "zero at the last row",
    sample=pooled(distinct, 1, 2, 5, 6, kernel_size=2, ceil_mode=True),
)
def max_pool_loses_last_row(patch):
    def backward(self, grad):
        oh, ow = self.window.output_size(self.shape[2:])  # rounds down
        return simple.max_pool2d_gradient(grad[:, :, :oh, :ow], self.place[:, :, :oh, :ow], self.window, self.shape)

    patch.setattr(MaxPool2d, "backward", backward)


def max_pool_places(self):
    """Row and column of each maximum: numbers of the tap (i, j), and where each window starts."""
    i, j = np.divmod(self.place, self.window.kernel[1])
    (top, _), (left, _) = self.window.padding
    rows = np.arange(self.size[0])[:, None] * self.window.stride[0] - top
    columns = np.arange(self.size[1])[None, :] * self.window.stride[1] - left
    return i, j, rows, columns


@mutant(
    "max_pool2d",
    "the stride where the kernel belongs",
    sample=pooled(distinct, 1, 2, 6, 9, kernel_size=2, stride=3),
)
def max_pool_stride_for_kernel(patch):
    def backward(self, grad):
        _, _, rows, columns = max_pool_places(self)
        i, j = np.divmod(self.place, self.window.stride[1])
        return at_places(grad, rows + i, columns + j, self.shape)

    patch.setattr(MaxPool2d, "backward", backward)


@mutant(
    "max_pool2d",
    "the kernel's height where its width belongs",
    sample=pooled(distinct, 1, 2, 6, 7, kernel_size=(3, 2), stride=(3, 2)),
)
def max_pool_height_for_width(patch):
    def backward(self, grad):
        _, _, rows, columns = max_pool_places(self)
        i, j = np.divmod(self.place, self.window.kernel[0])
        return at_places(grad, rows + i, columns + j, self.shape)

    patch.setattr(MaxPool2d, "backward", backward)


@mutant(
    "max_pool2d",
    "dilation dropped along the columns",
    sample=pooled(distinct, 1, 2, 6, 6, kernel_size=2, stride=2, dilation=2),
)
def max_pool_one_dilation(patch):
    def backward(self, grad):
        i, j, rows, columns = max_pool_places(self)
        return at_places(grad, rows + i * self.window.dilation[0], columns + j, self.shape)

    patch.setattr(MaxPool2d, "backward", backward)


@mutant(
    "max_pool2d",
    "padding cut off above and not on the left",
    "shifted by 1 along the columns",
    sample=pooled(distinct, 1, 2, 6, 7, kernel_size=3, stride=2, padding=1),
)
def max_pool_forgets_left(patch):
    def gradient(grad, place, window, shape):
        n, c, h, w = shape
        grad, place = channels_last(grad), channels_last(place)
        size = grad.shape[1:3]
        picture = np.zeros((n, *padded_size(window, (h, w), size), c))
        for number, (i, j) in enumerate(taps(window)):
            target = tap(picture, window, size, i, j)
            target += np.where(place == number, grad, 0)
        top = window.padding[0][0]
        return picture[:, top : top + h, :w].transpose(0, 3, 1, 2)

    patch.setattr(simple, "max_pool2d_gradient", gradient)


def all_negative(rng):
    x = -np.abs(distinct(rng, 1, 2, 6, 6))
    return Call((x + distinct(rng, 1, 2, 6, 6) / 1000,), dict(kernel_size=3, stride=2, padding=1))


@mutant("max_pool2d", "searches again in backward, with 0 for padding", sample=all_negative)
def max_pool_zero_padding(patch):
    def forward(self, x):
        self.x = x
        y, _ = simple.max_pool2d(x, self.window, self.size)
        return y

    def backward(self, grad):
        picture = padded(self.x, self.window, 0, self.size)
        seen = np.stack([tap(picture, self.window, self.size, i, j) for i, j in taps(self.window)])
        place = seen.argmax(0).transpose(0, 3, 1, 2)
        return simple.max_pool2d_gradient(grad, place, self.window, self.x.shape)

    patch.setattr(MaxPool2d, "forward", forward)
    patch.setattr(MaxPool2d, "backward", backward)


def with_ties(rng):
    x = rng.integers(0, 3, (1, 2, 6, 6)).astype(float)
    x[:, :, :2, :2] = 3  # a tie for every seed
    return Call((x,), dict(kernel_size=2))


@mutant("max_pool2d", "every tied maximum gets the gradient", "a tie is counted more than once", sample=with_ties)
def max_pool_pays_ties_twice(patch):
    def forward(self, x):
        self.x = x
        self.y, _ = simple.max_pool2d(x, self.window, self.size)
        return self.y

    def backward(self, grad):
        kh, kw = self.window.kernel
        tall = [np.repeat(np.repeat(values, kh, 2), kw, 3) for values in (self.y, grad)]
        return np.where(self.x == tall[0], tall[1], 0)

    patch.setattr(MaxPool2d, "forward", forward)
    patch.setattr(MaxPool2d, "backward", backward)


@mutant(
    "max_pool2d", "a tied maximum is paid to nobody", "a tie is counted more than once, or not at all", sample=with_ties
)
def max_pool_drops_ties(patch):
    def forward(self, x):
        self.x = x
        y, _ = simple.max_pool2d(x, self.window, self.size)
        return y

    def backward(self, grad):
        seen = np.stack([tap(channels_last(self.x), self.window, self.size, i, j) for i, j in taps(self.window)])
        others = [np.delete(seen, number, 0).max(0) for number in range(len(seen))]
        won = [mine > rest for mine, rest in zip(seen, others, strict=True)]  # > where >= was meant for one of them
        return simple.add_at_taps(
            lambda number: np.where(won[number], channels_last(grad), 0), self.window, self.size, grad, self.x.shape
        )

    patch.setattr(MaxPool2d, "forward", forward)
    patch.setattr(MaxPool2d, "backward", backward)


@mutant("max_pool2d", "shared out over the window as a mean's", sample=side_by_side)
def max_pool_shares(patch):
    def backward(self, grad):
        return simple.avg_pool2d_gradient(grad, self.window, self.size, True, self.shape)

    patch.setattr(MaxPool2d, "backward", backward)


@mutant("max_pool2d", "the mean's divisor as well", r"off by a factor 0\.250", sample=side_by_side)
def max_pool_divides(patch):
    right = MaxPool2d.backward
    patch.setattr(MaxPool2d, "backward", lambda self, grad: right(self, grad) / (self.window.kernel[0] ** 2))


@mutant("max_pool2d", "places of the last call, kept on the class", "two calls in one graph", sample=side_by_side)
def max_pool_shared_places(patch):
    def forward(self, x):
        self.shape = x.shape
        y, MaxPool2d.place = simple.max_pool2d(x, self.window, self.size)
        return y

    patch.setattr(MaxPool2d, "place", None, raising=False)
    patch.setattr(MaxPool2d, "forward", forward)


@mutant(
    "avg_pool2d",
    "the divisor is missing",
    r"off by a factor 6\.000",
    sample=pooled(normal, 1, 2, 6, 6, kernel_size=(2, 3)),
)
def avg_pool_no_divisor(patch):
    def gradient(grad, window, size, count_include_pad, shape):
        share = channels_last(grad)
        return simple.add_at_taps(lambda _: share, window, size, grad, shape)

    patch.setattr(simple, "avg_pool2d_gradient", gradient)


@mutant(
    "avg_pool2d",
    "divides by the stride's area",
    r"off by a factor 2\.250",
    sample=pooled(normal, 1, 2, 7, 7, kernel_size=3, stride=2),
)
def avg_pool_stride_area(patch):
    def gradient(grad, window, size, count_include_pad, shape):
        share = channels_last(grad) / (window.stride[0] * window.stride[1])
        return simple.add_at_taps(lambda _: share, window, size, grad, shape)

    patch.setattr(simple, "avg_pool2d_gradient", gradient)


def avg_pool_full_area(patch):
    def gradient(grad, window, size, count_include_pad, shape):
        share = channels_last(grad) / (window.kernel[0] * window.kernel[1])
        return simple.add_at_taps(lambda _: share, window, size, grad, shape)

    patch.setattr(simple, "avg_pool2d_gradient", gradient)


mutant(
    "avg_pool2d",
    "the whole kernel's area at the border, where padding does not count",
    sample=pooled(normal, 1, 2, 6, 6, kernel_size=3, stride=2, padding=1, count_include_pad=False),
)(avg_pool_full_area)
mutant(
    "avg_pool2d",
    "the whole kernel's area for the last row in ceil mode",
    r"off by a factor of its own for each row: 0\.500 at row 4",
    sample=pooled(normal, 1, 2, 5, 6, kernel_size=2, ceil_mode=True),
)(avg_pool_full_area)


@mutant(
    "avg_pool2d",
    "count_include_pad forgotten in backward",
    sample=pooled(normal, 1, 2, 6, 6, kernel_size=3, stride=2, padding=1, count_include_pad=True),
)
def avg_pool_forgets_option(patch):
    def backward(self, grad):
        return simple.avg_pool2d_gradient(grad, self.window, self.size, False, self.shape)

    patch.setattr(AvgPool2d, "backward", backward)


@mutant(
    "avg_pool2d", "only the first pixel of a window gets its share", sample=pooled(normal, 1, 2, 6, 6, kernel_size=2)
)
def avg_pool_first_tap(patch):
    def gradient(grad, window, size, count_include_pad, shape):
        result = np.zeros(shape)
        share = grad / (window.kernel[0] * window.kernel[1])
        result[:, :, :: window.stride[0], :: window.stride[1]] = share
        return result

    patch.setattr(simple, "avg_pool2d_gradient", gradient)


@mutant(
    "avg_pool2d",
    "assigned where windows overlap",
    "assigned where windows overlap",
    sample=pooled(normal, 1, 1, 5, 5, kernel_size=3, stride=2),
)
def avg_pool_assigns(patch):
    def gradient(grad, window, size, count_include_pad, shape):
        (kh, kw), (sh, sw) = window.kernel, window.stride
        result = np.zeros(shape)
        for row in range(size[0]):
            for column in range(size[1]):
                share = grad[:, :, row, column] / (kh * kw)
                result[:, :, row * sh : row * sh + kh, column * sw : column * sw + kw] = share[:, :, None, None]
        return result

    patch.setattr(simple, "avg_pool2d_gradient", gradient)


@mutant(
    "avg_pool2d", "windows a kernel apart and not a stride", sample=pooled(normal, 1, 2, 7, 7, kernel_size=3, stride=2)
)
def avg_pool_kernel_for_stride(patch):
    def gradient(grad, window, size, count_include_pad, shape):
        kh, kw = window.kernel
        result = np.zeros(shape)
        for row in range(size[0]):
            for column in range(size[1]):
                share = grad[:, :, row, column] / (kh * kw)
                result[:, :, row * kh : (row + 1) * kh, column * kw : (column + 1) * kw] += share[:, :, None, None]
        return result

    patch.setattr(simple, "avg_pool2d_gradient", gradient)


@mutant(
    "avg_pool2d",
    "padding not cut off above",
    "shifted by 1 along the rows",
    sample=pooled(normal, 1, 2, 6, 6, kernel_size=3, stride=1, padding=1),
)
def avg_pool_forgets_top(patch):
    def gradient(grad, window, size, count_include_pad, shape):
        n, c, h, w = shape
        share = channels_last(grad) / window_areas(grad, window, size, count_include_pad, (h, w))
        picture = np.zeros((n, *padded_size(window, (h, w), size), c))
        for i, j in taps(window):
            target = tap(picture, window, size, i, j)
            target += share
        left = window.padding[1][0]
        return picture[:, :h, left : left + w].transpose(0, 3, 1, 2)

    patch.setattr(simple, "avg_pool2d_gradient", gradient)


def unpooled(rng):
    """2 x 2 windows of a 6 x 6 picture, one place in each."""
    rows = np.arange(3)[:, None] * 2 + rng.integers(0, 2, (2, 3, 3, 3))
    columns = np.arange(3)[None, :] * 2 + rng.integers(0, 2, (2, 3, 3, 3))
    return Call((normal(rng, 2, 3, 3, 3),), dict(indices=rows * 6 + columns, kernel_size=2))


def unpooled_with_repeats(rng):
    """As overlapping windows give them: some places are named twice."""
    indices = rng.integers(0, 8, (2, 2, 3, 3))  # 9 values on 8 places
    return Call((normal(rng, 2, 2, 3, 3),), dict(indices=indices, kernel_size=2, output_size=(6, 6)))


@mutant("max_unpool2d", "values that were written over get a gradient too", sample=unpooled_with_repeats)
def max_unpool_pays_overwritten(patch):
    def backward(self, grad):
        n, c, oh, ow = self.shape
        flat = grad.reshape(n * c, -1)
        return np.take_along_axis(flat, self.indices.reshape(n * c, oh * ow), 1).reshape(self.shape)

    patch.setattr(MaxUnpool2d, "backward", backward)


def max_unpool_reading(patch, places):
    """backward reads the gradient at places(indices, shape of x, output size): flat, in a picture."""

    def backward(self, grad):
        n, c, oh, ow = self.shape
        read = places(self.indices, self.shape, self.size).reshape(n * c, oh * ow)
        return np.take_along_axis(grad.reshape(n * c, -1), read, 1).reshape(self.shape)

    patch.setattr(MaxUnpool2d, "backward", backward)


def unpooled_with_holes(rng):
    """Some windows saw padding only."""
    call = unpooled(rng)
    call.options["indices"][rng.random(call.inputs[0].shape) < 0.3] = -1
    return call


@mutant(
    "max_unpool2d",
    "a value without a place is paid as if it stood at the last one, which is NumPy's -1",
    sample=unpooled_with_holes,
)
def max_unpool_counts_from_the_end(patch):
    max_unpool_reading(patch, lambda indices, shape, size: indices)


@mutant("max_unpool2d", "row and column exchanged", sample=unpooled)
def max_unpool_exchanges(patch):
    def places(indices, shape, size):
        rows, columns = np.divmod(indices, size[1])
        return columns * size[0] + rows

    max_unpool_reading(patch, places)


@mutant("max_unpool2d", "the first channel's places for all channels", sample=unpooled)
def max_unpool_first_channel(patch):
    max_unpool_reading(patch, lambda indices, shape, size: np.broadcast_to(indices[:, :1], shape))


@mutant("max_unpool2d", "reads the corner of each window, whatever the places", sample=unpooled)
def max_unpool_corners(patch):
    def backward(self, grad):
        return grad[:, :, :: self.size[0] // self.shape[2], :: self.size[1] // self.shape[3]]

    patch.setattr(MaxUnpool2d, "backward", backward)


def unpooled_with_rest(rng):
    """A picture of 7 x 7, a row and a column wider than the windows reach."""
    call = unpooled(rng)
    rows, columns = np.divmod(call.options["indices"], 6)
    return Call(call.inputs, dict(indices=rows * 7 + columns, kernel_size=2, output_size=(7, 7)))


@mutant("max_unpool2d", "places split by the width of the windows, without the rest", sample=unpooled_with_rest)
def max_unpool_wrong_width(patch):
    def places(indices, shape, size):
        rows, columns = np.divmod(indices, 2 * shape[3])
        return rows * size[1] + columns

    max_unpool_reading(patch, places)


@mutant("max_unpool2d", "pools the gradient's maxima", sample=unpooled)
def max_unpool_pools(patch):
    def backward(self, grad):
        n, c, oh, ow = self.shape
        return grad.reshape(n, c, oh, self.size[0] // oh, ow, self.size[1] // ow).max((3, 5))

    patch.setattr(MaxUnpool2d, "backward", backward)
