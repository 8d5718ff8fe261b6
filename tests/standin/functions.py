"""The functions of the stand-in, with the keywords that CuPy 14 has. One that is not listed does not exist: so it is on a GPU."""

import numpy as np

from standin.array import ATOMIC, LAUNCHES, fresh, inside, ndarray, waits, wrapped

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
    "allclose": "rtol atol equal_nan", "copy": "order", "round": "decimals out",
}  # fmt: skip


# what looks at memory that is there; all else is made, in C order
VIEWS = (
    "split", "array_split", "moveaxis", "transpose", "swapaxes", "broadcast_to", "broadcast_arrays", "expand_dims", "squeeze", "flip",
    "ravel", "reshape",
)  # fmt: skip


def plain(name, keywords):
    def function(*arguments, **named):
        unknown = set(named) - set(keywords.split())
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown.pop()!r}")
        if not any(isinstance(each, ndarray) for each in flat(arguments)):
            raise TypeError(f"{name}: Unsupported type {type(arguments[0])}")
        made = wrapped if name in VIEWS else fresh
        return made(getattr(np, name)(*map(inside, arguments), **{k: inside(v) for k, v in named.items()}))

    function.__name__ = name
    return function


def flat(values):
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from flat(value)
        else:
            yield value


class Ufunc:
    """A ufunc with CuPy's keywords; `.at` on the types that a GPU can add up atomically."""

    def __init__(self, name):
        self.__name__, self.ufunc = name, getattr(np, name)

    def __call__(self, *arguments, out=None, dtype=None, casting="same_kind", **named):
        if named:  # NumPy's `where` and `order` do not exist
            raise TypeError(f"Wrong arguments {named}")
        found = self.ufunc(*map(inside, arguments), out=inside(out), dtype=dtype, casting=casting)
        if out is None:
            return fresh(found)
        LAUNCHES[0] += 1
        return out

    def at(self, array, index, value=None):
        if array.dtype.name not in ATOMIC or self.__name__ not in ("add", "subtract", "maximum", "minimum"):
            raise TypeError(f"{self.__name__}.at does not support {array.dtype}")
        from standin.array import index_of

        self.ufunc.at(array._a, index_of(index), inside(value))


def like(name):
    def function(a, dtype=None, order="K", subok=None, shape=None):
        return ndarray(getattr(np, name)(inside(a), dtype=dtype, order=order, shape=shape))

    return function


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    """The one way up: a NumPy array becomes a copy on the device."""
    if isinstance(a, ndarray):
        return ndarray(np.asarray(a._a, dtype, order)) if dtype not in (None, a.dtype) else a
    if isinstance(a, (list, tuple)) and any(isinstance(each, ndarray) for each in flat(a)):
        return wrapped(np.array(inside(a), dtype))
    return ndarray(np.array(a, dtype, order=order or "K"))


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    source = inside(obj) if isinstance(obj, ndarray) else obj
    return ndarray(np.array(source, dtype, order=order, ndmin=ndmin))


def ascontiguousarray(a, dtype=None):
    if not isinstance(a, ndarray):
        return asarray(a, dtype, "C")
    found = np.ascontiguousarray(a._a, dtype)
    LAUNCHES[0] += found is not a._a
    return a if found is a._a else ndarray(found)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def copyto(dst, src, casting="same_kind", where=None):
    LAUNCHES[0] += 1
    np.copyto(inside(dst), inside(src), casting=casting, where=True if where is None else inside(where))


def full(shape, fill_value, dtype=None, order="C"):
    return ndarray(np.full(shape, inside(fill_value), dtype, order))


def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    return ndarray(np.full_like(inside(a), inside(fill_value), dtype, order, shape=shape))


def arange(start, stop=None, step=1, dtype=None):
    found = np.arange(start, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype)
    return ndarray(found)


def may_share_memory(a, b, max_work=None):
    return bool(np.may_share_memory(inside(a), inside(b)))


def array_equal(a1, a2, equal_nan=False):
    return wrapped(np.asarray(np.array_equal(inside(a1), inside(a2), equal_nan=equal_nan)))


def names():
    """Everything that `import cupy` offers here."""
    found = {name: Ufunc(name) for name in UFUNCS}
    found |= {name: plain(name, keywords) for name, keywords in FUNCTIONS.items()}
    found |= {name: like(name) for name in ("zeros_like", "ones_like", "empty_like")}
    for name in ("zeros", "ones", "empty"):
        found[name] = lambda shape, dtype=float, order="C", name=name: ndarray(getattr(np, name)(shape, dtype, order))
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
        shares_memory=may_share_memory, array_equal=array_equal,
    )  # fmt: skip
    return found


__all__ = ["names", "waits"]
