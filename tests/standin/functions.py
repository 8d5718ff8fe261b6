"""The functions of the stand-in, with the keywords that CuPy 14 has. One that is not listed does not exist: so it is on a GPU."""

import numpy as np

from standin.array import ATOMIC, as_value, fresh, index_of, inside, ndarray, wrapped
from standin.work import FILLS, LAUNCHES, asks_cublas, change, flat, goes_up, waits

UFUNCS = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "floor_divide",
    "remainder",
    "divmod",
    "power",
    "maximum",
    "minimum",
    "negative",
    "absolute",
    "abs",
    "sign",
    "square",
    "sqrt",
    "exp",
    "exp2",
    "log",
    "log1p",
    "expm1",
    "tanh",
    "sin",
    "cos",
    "floor",
    "ceil",
    "rint",
    "isfinite",
    "isnan",
    "isinf",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_not",
    "bitwise_and",
    "bitwise_or",
    "invert",
    "matmul",
    "copysign",
    "reciprocal",
    "fmax",
    "fmin",
]
# name -> keywords beside the positional arguments
FUNCTIONS = {
    "sum": "axis dtype out keepdims", "prod": "axis dtype out keepdims", "mean": "axis dtype out keepdims",
    "amax": "axis out keepdims", "amin": "axis out keepdims", "max": "axis out keepdims", "min": "axis out keepdims",
    "any": "axis out keepdims", "all": "axis out keepdims", "argmax": "axis dtype out keepdims",
    "argmin": "axis dtype out keepdims", "cumsum": "axis dtype out", "std": "axis dtype out ddof keepdims",
    "var": "axis dtype out ddof keepdims", "concatenate": "axis out dtype casting", "stack": "axis out dtype casting",
    "split": "axis", "array_split": "axis", "moveaxis": "", "transpose": "axes", "swapaxes": "", "where": "",
    "take_along_axis": "axis", "take": "axis out", "unique": "return_index return_inverse return_counts axis equal_nan",
    "dot": "out", "einsum": "dtype order casting optimize out", "tensordot": "axes", "broadcast_to": "",
    "broadcast_arrays": "", "expand_dims": "axis", "squeeze": "axis", "pad": "mode constant_values", "flip": "axis",
    "roll": "axis", "tile": "", "repeat": "axis", "clip": "out", "bincount": "weights minlength", "searchsorted": "side sorter",
    "argsort": "axis kind", "sort": "axis kind", "nonzero": "", "isin": "assume_unique invert", "ravel": "order",
    "reshape": "order", "count_nonzero": "axis", "diff": "n axis", "outer": "out", "vdot": "", "array_equal": "",
    "allclose": "rtol atol equal_nan", "round": "decimals out",
}  # fmt: skip


# what looks at memory that is there; all else is made, in C order
VIEWS = (
    "split", "array_split", "moveaxis", "transpose", "swapaxes", "broadcast_to", "broadcast_arrays", "expand_dims", "squeeze", "flip",
    "ravel", "reshape",
)  # fmt: skip
# what asks the device how large its result is, or what is in it
WAIT = ("unique", "nonzero", "bincount")
PRODUCTS = ("dot", "tensordot", "einsum", "vdot")


def plain(name, keywords):
    def function(*arguments, **named):
        unknown = set(named) - set(keywords.split())
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown.pop()!r}")
        if not any(isinstance(each, ndarray) for each in flat(arguments)):
            raise TypeError(f"{name}: Unsupported type {type(arguments[0])}")
        if name in ("ravel", "reshape"):
            return getattr(arguments[0], name)(*arguments[1:], **named)
        if name in WAIT:
            waits()
        arguments, named = [inside(each) for each in arguments], {k: inside(v) for k, v in named.items()}
        if name in PRODUCTS:
            asks_cublas(*[each for each in arguments if isinstance(each, np.ndarray)][:2])

        def compute():
            return getattr(np, name)(*arguments, **named)

        return wrapped(compute()) if name in VIEWS else fresh(compute)

    function.__name__ = name
    return function


class Ufunc:
    """A ufunc with CuPy's keywords; `.at` on the types that a GPU can add up atomically."""

    def __init__(self, name):
        self.__name__, self.ufunc = name, getattr(np, name)

    def __call__(self, *arguments, out=None, dtype=None, casting="same_kind", **named):
        if named:  # NumPy's `where` and `order` do not exist
            raise TypeError(f"Wrong arguments {named}")
        values = [inside(each) for each in arguments]
        if self.__name__ == "matmul":
            asks_cublas(*values)
        if out is None:
            return fresh(lambda: self.ufunc(*values, dtype=dtype, casting=casting))
        place = inside(out)
        LAUNCHES[0] += 1
        change(lambda: self.ufunc(*values, out=place, dtype=dtype, casting=casting))
        return out

    def at(self, array, index, value=None):
        if array.dtype.name not in ATOMIC or self.__name__ not in ("add", "subtract", "maximum", "minimum"):
            raise TypeError(f"{self.__name__}.at does not support {array.dtype}")
        LAUNCHES[0] += 1
        place, value = index_of(index), inside(value)
        change(lambda: self.ufunc.at(array._a, place, value))


def filled(made, value=None):
    """A NumPy array, new on the device, and full of `value`."""
    found = ndarray(made)
    if value is not None:
        FILLS[0] += 1
        change(lambda: made.fill(value))
    return found


FIRST = {"zeros": 0, "ones": 1, "empty": None}


def like(name):
    value = FIRST[name.removesuffix("_like")]

    def function(a, dtype=None, order="K", subok=None, shape=None):
        return filled(np.empty_like(inside(a), dtype=dtype, order=order, shape=shape), value)

    return function


def uploaded(a, dtype=None, order=None, ndmin=0):
    """A NumPy array, copied to the device: in C order, or F where it is F alone; rule "upload in C order". One number is a fill."""
    source = np.array(a, dtype, ndmin=ndmin)
    if order in (None, "K", "A"):
        order = "F" if isinstance(a, np.ndarray) and a.flags.fnc else "C"
    if not source.ndim:
        return filled(np.empty((), source.dtype), source[()])
    goes_up()
    return ndarray(np.array(source, order=order))


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    """The one way up: a NumPy array becomes a copy on the device."""
    if isinstance(a, ndarray):
        right = dtype in (None, a.dtype) and (order in (None, "K", "A") or a.flags[f"{order}_CONTIGUOUS"])
        return a if right else a._laid(order or "K", dtype or a.dtype)
    if isinstance(a, (list, tuple)) and any(isinstance(each, ndarray) for each in flat(a)):
        values = inside(a)
        return fresh(lambda: np.array(values, dtype))
    return uploaded(a, dtype, order)


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if not isinstance(obj, ndarray):
        return uploaded(obj, dtype, order, ndmin)
    found = obj._laid(order, dtype or obj.dtype)
    return ndarray(found._a[(None,) * max(0, ndmin - found.ndim)])


def ascontiguousarray(a, dtype=None):
    if not isinstance(a, ndarray):
        return asarray(a, dtype, "C")
    return asarray(a if a.ndim else a.reshape(1), dtype, "C")


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def copyto(dst, src, casting="same_kind", where=None):
    if not isinstance(dst, ndarray):
        raise AttributeError(f"{type(dst).__name__!r} object has no attribute 'device'")
    if isinstance(src, np.ndarray) and src.size != 1:
        raise ValueError("non-scalar numpy.ndarray cannot be used for copyto")
    value = src._a if isinstance(src, ndarray) else np.asarray(src, None if type(src) is np.ndarray else dst.dtype)
    chosen = True if where is None else inside(where)
    LAUNCHES[0] += 1
    change(lambda: np.copyto(dst._a, value, casting=casting, where=chosen))


def full(shape, fill_value, dtype=None, order="C"):
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, ndarray) else np.asarray(fill_value).dtype
    return filled(np.empty(shape, dtype, order), as_value(fill_value, dtype))


def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    made = np.empty_like(inside(a), dtype, order, shape=shape)
    return filled(made, as_value(fill_value, made.dtype))


def arange(start, stop=None, step=1, dtype=None):
    first, last = (0, start) if stop is None else (start, stop)
    return fresh(lambda: np.arange(first, last, step, dtype))


def may_share_memory(a, b, max_work=None):
    return bool(np.may_share_memory(inside(a), inside(b)))


def array_equal(a1, a2, equal_nan=False):
    one, other = inside(a1), inside(a2)
    return fresh(lambda: np.asarray(np.array_equal(one, other, equal_nan=equal_nan)))


def names():
    """Everything that `import cupy` offers here."""
    found = {name: Ufunc(name) for name in UFUNCS}
    found |= {name: plain(name, keywords) for name, keywords in FUNCTIONS.items()}
    found |= {name: like(name) for name in ("zeros_like", "ones_like", "empty_like")}
    for name in ("zeros", "ones", "empty"):
        found[name] = lambda shape, dtype=float, order="C", name=name: filled(
            np.empty(shape, dtype, order), FIRST[name]
        )
    for name in [
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool_",
        "intp",
        "inf",
        "nan",
        "newaxis",
        "pi",
        "dtype",
        "finfo",
        "iinfo",
        "result_type",
        "can_cast",
        "promote_types",
        "isscalar",
        "ndim",
        "shape",
        "integer",
        "floating",
    ]:
        found[name] = getattr(np, name)
    found |= dict(
        ndarray=ndarray, asarray=asarray, asanyarray=asarray, array=array, ascontiguousarray=ascontiguousarray, asnumpy=asnumpy,
        copyto=copyto, full=full, full_like=full_like, arange=arange, may_share_memory=may_share_memory,
        shares_memory=may_share_memory, array_equal=array_equal, copy=lambda a, order="K": a.copy(order),
    )  # fmt: skip
    return found
