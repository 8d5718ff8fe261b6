"""An array that lives on a GPU that is not there. It wraps a NumPy array and lets it out through `.get()` alone, as CuPy does.

Where CuPy would convert a NumPy array silently (as an index, or in an assignment), this refuses: an upload that nobody asked for is a fault too.
`SYNCHRONISATIONS` counts what makes the host wait for the device: get, item, float, int, bool.
"""

import operator

import numpy as np

SYNCHRONISATIONS = [0]
LAUNCHES = [
    0
]  # kernels that CuPy would start: one a result, a copy, a fill or a kernel of ours; a reduction in two steps counts once
REFUSED = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)
# what atomics on a device can do: CuPy refuses ufunc.at on the rest
ATOMIC = ("int32", "uint32", "uint64", "float32", "float64")


def inside(value):
    """The NumPy array within one of ours, a plain number as it is; TypeError for a NumPy array."""
    if isinstance(value, ndarray):
        return value._a
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (tuple, list)):
        return type(value)(inside(each) for each in value)
    return value


def index_of(index):
    """An index as NumPy takes it: of numbers, slices and our arrays."""
    if isinstance(index, tuple):
        return tuple(index_of(each) for each in index)
    if isinstance(index, (list, np.ndarray)):
        raise TypeError(f"the stand-in takes no {type(index).__name__} as an index: CuPy would upload it at every use")
    return inside(index)


def wrapped(value):
    """A NumPy result as ours. CuPy has no scalars: they are arrays without axes."""
    if isinstance(value, tuple):
        return tuple(wrapped(each) for each in value)
    if isinstance(value, list):
        return [wrapped(each) for each in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(np.asarray(value))
    return value


def fresh(value):
    """As `wrapped`, for what CuPy computes: a result lies in C order, whatever order its inputs lie in.

    Source: CuPy 14.2.0, cupy/_core/_kernel.pyx, `_get_out_args_from_optionals`, makes each output by `_ndarray_init(subtype, out_shape, …)`;
    cupy issue 7783. NumPy keeps the order of the inputs, and would hide that a network leaves channels last.
    """
    if isinstance(value, (tuple, list)):
        return type(value)(fresh(each) for each in value)
    LAUNCHES[0] += 1
    if isinstance(value, np.ndarray) and not value.flags.c_contiguous:
        value = value.copy("C")
    return wrapped(value)


def waits(value):
    SYNCHRONISATIONS[0] += 1
    return value


class Pointer:
    """As cupy.cuda.MemoryPointer: the address."""

    def __init__(self, array):
        self.ptr = array.__array_interface__["data"][0]


class Flags:
    def __init__(self, array):
        self.c_contiguous, self.f_contiguous = array.flags.c_contiguous, array.flags.f_contiguous
        self.owndata = array.flags.owndata

    def __getattr__(self, name):
        raise AttributeError(f"cupy's flags have no {name}")

    def __getitem__(self, name):
        return {"C_CONTIGUOUS": self.c_contiguous, "F_CONTIGUOUS": self.f_contiguous, "OWNDATA": self.owndata}[name]


class ndarray:
    __hash__ = None
    __array_priority__ = 100

    def __init__(self, array):
        assert type(array) is np.ndarray and array.dtype.kind in "biufc", array
        self._a = array

    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    nbytes = property(lambda self: self._a.nbytes)
    itemsize = property(lambda self: self._a.itemsize)
    strides = property(lambda self: self._a.strides)
    flags = property(lambda self: Flags(self._a))
    data = property(lambda self: Pointer(self._a))
    T = property(lambda self: ndarray(self._a.T))
    base = property(lambda self: None if self._a.base is None else self)

    def get(self, stream=None, order="C", out=None, blocking=True):
        waits(None)
        if out is None:
            return np.array(self._a, order="C")
        out[...] = self._a
        return out

    def set(self, array, stream=None):
        if type(array) is not np.ndarray:
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        self._a[...] = array

    def item(self):
        return waits(self._a.item())

    def tolist(self):
        return waits(self._a.tolist())

    def __float__(self):
        return waits(float(self._a))

    def __int__(self):
        return waits(int(self._a))

    def __index__(self):
        return waits(operator.index(self._a[()]))

    def __bool__(self):
        return waits(bool(self._a))

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[number] for number in range(len(self)))

    def __repr__(self):
        return repr(self._a)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(REFUSED)

    def __array_ufunc__(self, ufunc, method, *inputs, **named):
        if method != "__call__":
            return NotImplemented
        import cupy

        function = getattr(cupy, ufunc.__name__, None)
        return NotImplemented if function is None else function(*inputs, **named)

    def __array_function__(self, function, types, arguments, named):
        import cupy

        if not all(kind in (ndarray, np.ndarray) for kind in types):
            return NotImplemented
        ours = getattr(cupy, function.__name__, None) if function.__module__ == "numpy" else None
        return NotImplemented if ours is None else ours(*arguments, **named)

    def __getitem__(self, index):
        return wrapped(self._a[index_of(index)])

    def __setitem__(self, index, value):
        LAUNCHES[0] += 1
        self._a[index_of(index)] = inside(value)

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        LAUNCHES[0] += copy or self.dtype != dtype
        return ndarray(self._a.astype(dtype, order=order, copy=copy))

    def copy(self, order="C"):
        LAUNCHES[0] += 1
        return ndarray(self._a.copy(order))

    def view(self, dtype=None, array_class=None):
        return ndarray(self._a.view() if dtype is None else self._a.view(dtype))

    def fill(self, value):
        self._a.fill(inside(value))

    def reshape(self, *shape, order="C"):
        return ndarray(self._a.reshape(*shape, order=order))

    def ravel(self, order="C"):
        return ndarray(self._a.ravel(order))

    def transpose(self, *axes):
        return ndarray(self._a.transpose(*axes))


def reduction(name, *keywords):
    """A method that reduces, with CuPy's keywords and no others: NumPy's `initial` and `where` do not exist there."""

    def method(self, axis=None, **named):
        unknown = set(named) - set(keywords)
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown.pop()!r}")
        named = {key: inside(value) for key, value in named.items()}
        return fresh(getattr(self._a, name)(axis, **named))

    return method


for name, keywords in {
    "sum": ("dtype", "out", "keepdims"), "prod": ("dtype", "out", "keepdims"), "mean": ("dtype", "out", "keepdims"),
    "std": ("dtype", "out", "ddof", "keepdims"), "var": ("dtype", "out", "ddof", "keepdims"),
    "max": ("out", "keepdims"), "min": ("out", "keepdims"), "any": ("out", "keepdims"), "all": ("out", "keepdims"),
    "argmax": ("dtype", "out", "keepdims"), "argmin": ("dtype", "out", "keepdims"), "cumsum": ("dtype", "out"),
    "squeeze": (), "argsort": (),
}.items():  # fmt: skip
    setattr(ndarray, name, reduction(name, *keywords))


def passed(name):
    """A method whose arguments are ours, and whose result is."""

    def method(self, *arguments, **named):
        made = wrapped if name in VIEWS else fresh
        return made(getattr(self._a, name)(*map(inside, arguments), **{k: inside(v) for k, v in named.items()}))

    return method


VIEWS = ("swapaxes", "diagonal")
for name in (*VIEWS, "repeat", "take", "dot", "clip", "round", "nonzero", "flatten"):
    setattr(ndarray, name, passed(name))


def binary(name):
    def method(self, other):
        if (
            getattr(other, "__array_ufunc__", self) is None
        ):  # CuPy asks the object itself, and leaves the operator to it
            return NotImplemented
        try:
            return fresh(getattr(self._a, name)(inside(other)))
        except TypeError:
            if isinstance(other, np.ndarray):
                raise
            return NotImplemented

    return method


def in_place(name):
    def method(self, other):
        LAUNCHES[0] += 1
        if self._a.ndim == 0:  # NumPy would answer with a scalar of its own
            self._a[...] = getattr(self._a, name.replace("__i", "__"))(inside(other))
        else:
            getattr(self._a, name)(inside(other))
        return self

    return method


for word in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
):
    setattr(ndarray, f"__{word}__", binary(f"__{word}__"))
    setattr(ndarray, f"__r{word}__", binary(f"__r{word}__"))
    setattr(ndarray, f"__i{word}__", in_place(f"__i{word}__"))
for word in ("eq", "ne", "lt", "le", "gt", "ge", "divmod"):
    setattr(ndarray, f"__{word}__", binary(f"__{word}__"))
for word in ("neg", "pos", "abs", "invert"):
    setattr(ndarray, f"__{word}__", lambda self, word=word: fresh(getattr(self._a, f"__{word}__")()))
ndarray.__module__ = "cupy"  # the library tells devices apart by this name
