"""Wrong answers to the exercises of lesson 20, and words of the hint that each must get."""

import importlib.util
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def strides_right(shape, order):
    lengths = [shape["NCHW".index(letter)] for letter in order]
    return [int(np.prod(lengths[order.index(letter) + 1 :])) for letter in "NCHW"]


def strides_of_memory(shape, order):
    lengths = [shape["NCHW".index(letter)] for letter in order]
    return [int(np.prod(lengths[place + 1 :])) for place in range(4)]


def strides_in_bytes(shape, order):
    return [4 * stride for stride in strides_right(shape, order)]


def strides_first_fastest(shape, order):
    return strides_right(shape, order[::-1])


def strides_own_length(shape, order):
    lengths = [shape["NCHW".index(letter)] for letter in order]
    return [int(np.prod(lengths[order.index(letter) :])) for letter in "NCHW"]


def strides_ignore_order(shape, order):
    return strides_right(shape, "NCHW")


def in_tiles(x, weight, rows, stride, last=True, stuck=False, turned=False, unscaled=False):
    kh, kw, c, o = weight.shape
    oh, ow = (x.shape[0] - kh) // stride + 1, (x.shape[1] - kw) // stride + 1
    y = np.zeros((oh, ow, o), x.dtype)
    weight = weight[::-1, ::-1] if turned else weight
    for top in range(0, oh if last else oh // rows * rows or oh, rows):
        now = min(rows, oh - top)
        start = 0 if stuck else top if unscaled else top * stride
        windows = np.empty((now, ow, kh, kw, c), x.dtype)
        for i in range(kh):
            for j in range(kw):
                windows[:, :, i, j] = x[start + i :: stride, j::stride][:now, :ow]
        y[top : top + now] = np.tensordot(windows, weight, 3)
    return y


def tiles_drop_last(x, weight, rows, stride):
    return in_tiles(x, weight, rows, stride, last=False)


def tiles_stuck(x, weight, rows, stride):
    return in_tiles(x, weight, rows, stride, stuck=True)


def tiles_turned(x, weight, rows, stride):
    return in_tiles(x, weight, rows, stride, turned=True)


def tiles_taps_exchanged(x, weight, rows, stride):
    square = weight.shape[0] == weight.shape[1]
    return in_tiles(x, weight.swapaxes(0, 1) if square else weight, rows, stride)


def tiles_unscaled(x, weight, rows, stride):
    return in_tiles(x, weight, rows, stride, unscaled=True)


def tiles_all_windows(x, weight, rows, stride):
    views = sliding_window_view(x, weight.shape[:2], (0, 1))[::stride, ::stride]
    windows = np.ascontiguousarray(views.transpose(0, 1, 3, 4, 2))
    return np.tensordot(windows, weight, 3)


def tiles_kept(x, weight, rows, stride):
    views = sliding_window_view(x, weight.shape[:2], (0, 1))[::stride, ::stride].transpose(0, 1, 3, 4, 2)
    kept = [np.ascontiguousarray(views[top : top + rows]) for top in range(0, len(views), rows)]
    return np.concatenate([np.tensordot(windows, weight, 3) for windows in kept])


def tiles_double(x, weight, rows, stride):
    return in_tiles(x.astype(float), weight, rows, stride)


def evaluate(points, count):
    powers = np.array([[p**k for k in range(count)] for p in points]).reshape(len(points), count)
    return np.vstack([powers, np.eye(count)[-1:]])


POINTS = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0]


def parts(m, r, points=POINTS):
    points = points[: m + r - 2]
    return evaluate(points, m), evaluate(points, r), evaluate(points, m + r - 1)


def winograd_not_transposed(m, r):
    e, g, v = parts(m, r)
    return e, g, np.linalg.inv(v).T


def winograd_painting(m, r):
    e, g, v = parts(m, r)
    return e.T, g, np.linalg.inv(v)


def winograd_not_inverted(m, r):
    e, g, v = parts(m, r)
    return e.T, g, v


def winograd_plain(m, r):
    a = np.kron(np.eye(m), np.ones(r))
    b = np.array([np.eye(m + r - 1)[k + i] for k in range(m) for i in range(r)])
    return a, np.tile(np.eye(r), (m, 1)), b


def winograd_turned(m, r):
    e, g, v = parts(m, r)
    return e.T, g[:, ::-1], np.linalg.inv(v).T


def winograd_without_infinity(m, r):
    e, g, v = parts(m, r)
    return e[:-1].T, g[:-1], np.linalg.pinv(v[:-1]).T


def winograd_same_point(m, r):
    e, g, v = parts(m, r, [0.0, 1.0, 1.0, 0.5, -0.5, 2.0, -2.0])
    return e.T, g, np.linalg.pinv(v).T


ROOT = Path(__file__).resolve().parents[3]


def clone_with(*changes, without=(), parts=("minifcn",)):
    """The solution's clone with other words in its new files, or without some of what it adds."""
    path = ROOT / "lessons" / "solutions" / "lesson_20.py"
    spec = importlib.util.spec_from_file_location("solution_20", path)
    solution = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    new = {name: text for name, text in solution.NEW.items() if name not in without and name.startswith(parts)}
    after = {name: places for name, places in solution.AFTER.items() if name not in without and name.startswith(parts)}
    for old, other in changes:
        assert any(old in text for text in new.values()), old
        new = {name: text.replace(old, other) for name, text in new.items()}
    return solution.clone_with(new, after, parts)


def clone_as_it_is():
    return str(ROOT)


def no_clone():
    return str(ROOT / "lessons")


def a_number():
    return 20


def not_listed():
    return clone_with(without=["minifcn/ops/__init__.py"])


def not_registered():
    return clone_with(("@operation(samples.one)\n", ""))


def does_not_load():
    return clone_with(("from minifcn.ops.registry import operation\n", ""))


def without_absolute_value():
    return clone_with(("backend.array_module(x).abs(x)", "x"))


def tanh_instead():
    return clone_with(("return x * self.share", "return backend.array_module(x).tanh(x)"))


def share_not_squared():
    return clone_with(("self.share * self.share", "self.share"))


def incoming_ignored():
    return clone_with(("grad * (self.share * self.share)", "self.share * self.share + 0 * grad"))


def sign_by_side():
    return clone_with(
        ("return x * self.share", "self.side = backend.array_module(x).sign(x)\n        return x * self.share"),
        ("grad * (self.share * self.share)", "grad * (self.share * self.share) * (self.side + (self.side == 0))"),
    )


def float64_inside():
    return clone_with(("return x * self.share", 'return (x * self.share).astype("float64")'))


def square_overflows():
    return clone_with(("self.share * self.share", "(1 / (1 / self.share) ** 2)"))


def without_oracle():
    return clone_with(without=["tests/oracles.py"], parts=("minifcn", "tests"))


def without_mutants():
    return clone_with(without=["tests/mutants/softsign.py"], parts=("minifcn", "tests"))


def shape_in_order_of_memory(shape, order):
    lengths, strides, step = dict(zip(order, shape, strict=True)), {}, 1
    for letter in reversed(order):
        strides[letter] = step
        step *= lengths[letter]
    return [strides[letter] for letter in "NCHW"]


WRONG = [
    ("strides_of", strides_of_memory, "in the order of memory"),
    ("strides_of", strides_in_bytes, "in bytes"),
    ("strides_of", strides_first_fastest, "first letter run fastest"),
    ("strides_of", strides_own_length, "its own left out"),
    ("strides_of", strides_ignore_order, "look at the order"),
    ("tiled_convolution", tiles_drop_last, "the last one is shorter"),
    ("tiled_convolution", tiles_stuck, "the first tile is right"),
    ("tiled_convolution", tiles_unscaled, "t · rows · stride"),
    ("tiled_convolution", tiles_taps_exchanged, "the taps are exchanged"),
    ("tiled_convolution", tiles_turned, "turned round"),
    ("tiled_convolution", tiles_all_windows, "tiles' worth of memory"),
    ("tiled_convolution", tiles_kept, "write the next ones over them"),
    ("tiled_convolution", tiles_double, "keep the type"),
    ("winograd_matrices", winograd_not_transposed, "so transpose it"),
    ("winograd_matrices", winograd_painting, "third matrix transposed"),
    ("winograd_matrices", winograd_not_inverted, "it is the inverse"),
    ("winograd_matrices", winograd_plain, "those of the plain way"),
    ("winograd_matrices", winograd_turned, "turned round"),
    ("winograd_matrices", winograd_without_infinity, "the points and infinity"),
    ("winograd_matrices", winograd_same_point, "must all be different"),
    ("added_operation", clone_as_it_is, "mf.ops has no softsign"),
    ("added_operation", no_clone, "is no clone"),
    ("added_operation", a_number, "expected the path of your clone"),
    ("added_operation", not_listed, "list it in __all__"),
    ("added_operation", not_registered, "the decorator @operation"),
    ("added_operation", does_not_load, "your clone stops with NameError: name 'operation' is not defined"),
    ("added_operation", without_absolute_value, "forward: softsign(-1)"),
    ("added_operation", tanh_instead, "forward: softsign(1)"),
    ("added_operation", share_not_squared, "not squared"),
    ("added_operation", incoming_ignored, "the incoming gradient was not used"),
    ("added_operation", sign_by_side, "its sign is turned round"),
    ("added_operation", float64_inside, "keep the type of x"),
    ("added_operation", square_overflows, "no step on the way may overflow"),
    ("added_operation", without_oracle, "softsign has no oracle"),
    ("added_operation", without_mutants, "softsign has 0 mutants"),
    ("strides_of", shape_in_order_of_memory, "the shape is always (N, C, H, W)"),
]
