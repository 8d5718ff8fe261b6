"""An array that lives on a GPU that is not there. It wraps a NumPy array and lets it out through `.get()` alone, as CuPy does.

Where CuPy would convert a NumPy array silently (as an index, or in an assignment), this refuses: an upload that nobody asked for is a fault too.
"""

import operator

import numpy as np

from standin.work import FILLS, LAUNCHES, change, goes_up, result, take, waits

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


def advanced(index):
    """Whether an index has arrays in it, so that what it takes is a copy."""
    return any(map(advanced, index)) if isinstance(index, tuple) else isinstance(index, ndarray)


def as_value(value, dtype):
    """What may be assigned or filled in: an array of ours, or one number; rule "assignment of a NumPy array"."""
    if isinstance(value, ndarray):
        return value._a
    value = np.asarray(value, dtype)
    if value.shape:
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
    return value[()]


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


def fresh(compute):
    """What CuPy computes: `result`, wrapped. `compute` may be asked again, by a captured graph."""
    LAUNCHES[0] += 1
    return wrapped(result(compute))


class Pointer:
    """As cupy.cuda.MemoryPointer: the address."""

    def __init__(self, array):
        self.ptr = array.__array_interface__["data"][0]


class Flags:
    def __init__(self, array):
        self.c_contiguous, self.f_contiguous = array.flags.c_contiguous, array.flags.f_contiguous
        self.owndata = array.flags.owndata

    def __getattr__(self, name):
        raise AttributeError(f"'Flags' object has no attribute {name!r}")

    def __getitem__(self, name):
        return {"C_CONTIGUOUS": self.c_contiguous, "F_CONTIGUOUS": self.f_contiguous, "OWNDATA": self.owndata}[name]


class ndarray:
    __hash__ = None
    __array_priority__ = 100

    def __init__(self, array):
        assert type(array) is np.ndarray and array.dtype.kind in "biufc", array
        self._a = array
        take(array)

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
        waits()
        if out is None:
            LAUNCHES[0] += not self._a.flags.c_contiguous  # laid anew before it comes down
            return np.array(self._a, order="C")
        if not isinstance(out, np.ndarray) or self.dtype != out.dtype:
            raise TypeError(f"{getattr(out, 'dtype', type(out))} array cannot be obtained from {self.dtype} array")
        if self.shape != out.shape:
            raise ValueError(f"Shape mismatch. Expected shape: {out.shape}, actual shape: {self.shape}")
        out[...] = self._a
        return out

    def set(self, array, stream=None):
        if type(array) is not np.ndarray:
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if self.dtype != array.dtype:
            raise TypeError(f"{array.dtype} array cannot be set to {self.dtype} array")
        if self.shape != array.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {array.shape}")
        if not (self._a.flags.c_contiguous or self._a.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        goes_up()
        self._a[...] = array

    def item(self):
        waits()
        return self._a.item()

    def tolist(self):
        waits()
        return self._a.tolist()

    def __float__(self):
        waits()
        return float(self._a)

    def __int__(self):
        waits()
        return int(self._a)

    def __index__(self):
        waits()
        return operator.index(self._a[()])

    def __bool__(self):
        waits()
        return bool(self._a)

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return len(self._a)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[number] for number in range(len(self)))

    def __repr__(self):  # so an error that names an array waits for it too
        return repr(self.get())

    def __format__(self, form):
        return format(self.get(), form)

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
        found = index_of(index)
        if not advanced(index):
            return wrapped(self._a[found])
        if any(
            each.dtype == bool
            for each in (index if isinstance(index, tuple) else (index,))
            if isinstance(each, ndarray)
        ):
            waits()  # how many there are is asked of the device
        return fresh(lambda: self._a[found])

    def __setitem__(self, index, value):
        LAUNCHES[0] += 1
        place, value = index_of(index), as_value(value, self.dtype)
        change(lambda: self._a.__setitem__(place, value))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if not copy and self.dtype == dtype:
            return self
        return self._laid(order, dtype)

    def copy(self, order="C"):
        return self._laid(order, self.dtype)

    def _laid(self, order, dtype):
        """A copy in the memory order that is asked for: rule "order K"."""
        made = np.empty_like(self._a, dtype, order=order)
        LAUNCHES[0] += 1
        change(lambda: np.copyto(made, self._a, casting="unsafe"))
        return ndarray(made)

    def view(self, dtype=None, array_class=None):
        return ndarray(self._a.view() if dtype is None else self._a.view(dtype))

    def fill(self, value):
        FILLS[0] += 1
        if isinstance(value, ndarray) and value.shape:
            raise ValueError("non-scalar cupy.ndarray cannot be used for fill")
        value = as_value(value, self.dtype)
        change(lambda: self._a.fill(value))

    def reshape(self, *shape, order="C"):
        return self._turned(lambda: self._a.reshape(*shape, order=order))

    def ravel(self, order="C"):
        return self._turned(lambda: self._a.ravel(order))

    def _turned(self, compute):
        """A view where there can be one, else a copy, which is a launch."""
        found = compute()
        return ndarray(found) if found.size == 0 or np.may_share_memory(found, self._a) else fresh(compute)

    def transpose(self, *axes):
        return ndarray(self._a.transpose(*axes))


ndarray.__module__ = "cupy"  # the library tells devices apart by this name
