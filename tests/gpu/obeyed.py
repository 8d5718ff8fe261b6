"""A case for each rule of the stand-in, `tests/standin/rules.py`. A GPU is held to the same, which shows that a rule is right."""

import subprocess
import sys
from contextlib import contextmanager, suppress

import numpy as np
import pytest


class Asked:
    """CuPy or the stand-in, and a map whose channels lie last."""

    def __init__(self, cupy):
        self.cupy = cupy
        self.values = np.arange(24, dtype=np.float32).reshape(1, 3, 4, 2)
        self.x = cupy.asarray(self.values).transpose(0, 3, 1, 2)

    @contextmanager
    def captured(self):
        """Inside, a stream is captured; that it comes to nothing is of no account."""
        cuda = self.cupy.cuda
        stream = cuda.Stream(non_blocking=True)
        with stream, cuda.using_allocator(cuda.MemoryPool().malloc):
            stream.begin_capture()
            try:
                yield stream
            finally:
                with suppress(Exception):
                    stream.end_capture()

    def refuses(self, error, words, case):
        with pytest.raises(error, match=words):
            case()

    def refuses_in_capture(self, error, words, case):
        with self.captured():
            self.refuses(error, words, case)


def c_order(*arrays):
    for array in arrays:
        assert array.flags.c_contiguous, array.strides


def same_order(made, x):
    assert made.strides == x.strides


def elementwise(a):
    x, cupy = a.x, a.cupy
    c_order(
        x + x,
        x * 2,
        -x,
        abs(x),
        x > 1,
        1 / (x + 1),
        cupy.maximum(x, 0.0),
        cupy.exp(x),
        cupy.where(x > 0, x, 0),
        cupy.clip(x, 0, 1),
    )
    assert (x.strides, x.__iadd__(1).strides) == ((96, 4, 32, 8),) * 2


def reduction(a):
    c_order(a.x.sum(0), a.x.max(3), a.x.sum((0, 2)), a.cupy.sum(a.x, 1, keepdims=True))


def order_k(a):
    x, cupy = a.x, a.cupy
    for made in (x.astype("float64"), x.copy("K"), cupy.empty_like(x), cupy.zeros_like(x), cupy.ones_like(x)):
        assert [step // made.itemsize for step in made.strides] == [24, 1, 8, 2]
    assert cupy.empty_like(x[:, :, 1:, 1:]).strides == (48, 4, 24, 8)  # gaps are closed


def upload(a):
    """NumPy's own copy would keep the channels last."""
    c_order(a.cupy.asarray(a.values.transpose(0, 3, 1, 2)), a.cupy.array(a.values.transpose(0, 3, 1, 2)))
    assert a.cupy.asarray(np.ones((3, 2)).T).flags.f_contiguous


def waits(a, case):
    from standin.install import synchronisations

    with synchronisations() as found:
        assert case(a.x[0, 1, 0, 0]) == 1
    assert found[0] == ("stand-in" in a.cupy.__version__)


def one_number(a):
    with a.captured():
        assert a.cupy.asarray(2.5).shape == a.cupy.asarray(np.float32(2)).shape == ()
        a.cupy.asarray(np.array(3.0))


def no_product(a):
    row = a.cupy.asarray(np.ones(5, np.float32))
    with a.captured():
        assert (row @ row).shape == ()


def cublas(a):
    for one in (a.cupy.asarray(np.ones((2, 3), np.float32)), a.cupy.asarray(np.ones((4, 2, 3), np.float32))):
        one @ one.swapaxes(-1, -2)  # cuBLAS is found before
        a.refuses_in_capture(
            NotImplementedError, "cuBLAS API during stream capture", lambda one=one: one @ one.swapaxes(-1, -2)
        )


@contextmanager
def limited(a, size):
    """A pool of the case's own with this limit."""
    pool = a.cupy.cuda.MemoryPool()
    pool.set_limit(size=size)
    with a.cupy.cuda.using_allocator(pool.malloc):
        yield pool


def too_much(a):
    with limited(a, 1 << 20):
        a.refuses(MemoryError, r"Out of memory allocating 2,000,384 bytes \(allocated so far: 0 bytes, limit set to: 1,048,576 bytes\)",
                  lambda: a.cupy.empty(500_000, np.float32))  # fmt: skip


def idle(a):
    with limited(a, 1 << 20) as pool:
        first = a.cupy.empty(150_000, np.float32)
        del first
        assert pool.total_bytes() >= 600_000 and pool.used_bytes() == 0
        a.cupy.empty(200_000, np.float32)
        assert pool.total_bytes() <= 1 << 20


def units(a):
    with limited(a, 0) as pool:
        kept = a.cupy.empty(1, np.float32)
        assert pool.used_bytes() == 512
        del kept


def first_stream(a):
    a.refuses(RuntimeError, "cannot capture on the default", a.cupy.cuda.Stream.null.begin_capture)


def no_nccl(a):
    """In a process of its own: once it was imported by name it is there."""
    if "stand-in" in a.cupy.__version__:
        a.refuses(AttributeError, "module 'cupy.cuda' has no attribute 'nccl'", lambda: a.cupy.cuda.nccl)
    else:
        code = "import cupy; raise SystemExit(hasattr(cupy.cuda, 'nccl'))"
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


TRANSFER = "the current stream is capturing, so {} transfers are disallowed"
TYPE = "Unsupported type <class 'numpy.ndarray'>"
OBEYED = {
    "elementwise in C order": elementwise,
    "a product in C order": lambda a: c_order(a.x @ a.x.swapaxes(2, 3), a.x[0, 0] @ a.x[0, 0].T),
    "a reduction in C order": reduction,
    "order K": order_k,
    "copy in C order": lambda a: c_order(a.x.copy(), a.cupy.copy(a.x, order="C")),
    "cupy.copy in order K": lambda a: same_order(a.cupy.copy(a.x), a.x),
    "upload in C order": upload,
    "no silent download": lambda a: a.refuses(TypeError, "Implicit conversion to a NumPy array", lambda: np.asarray(a.x)),
    "no NumPy array in a kernel": lambda a: a.refuses(TypeError, TYPE, lambda: a.x + np.ones(2)),
    "assignment of a NumPy array": lambda a: a.refuses(ValueError, "non-scalar numpy.ndarray cannot be used for fill", lambda: a.x.__setitem__(0, np.ones(2))),
    "no ufunc's where": lambda a: a.refuses(TypeError, "Wrong arguments", lambda: a.cupy.add(a.x, a.x, where=True)),
    "no start of a maximum": lambda a: a.refuses(TypeError, "unexpected keyword argument 'initial'", lambda: a.x.max(initial=0)),
    "copyto from a NumPy array": lambda a: a.refuses(ValueError, "non-scalar numpy.ndarray cannot be used for copyto", lambda: a.cupy.copyto(a.x, np.ones(a.x.shape))),
    "concatenate of a NumPy array": lambda a: a.refuses(TypeError, TYPE, lambda: a.cupy.concatenate([a.x, np.ones(a.x.shape)])),
    "set of another kind": lambda a: a.refuses(TypeError, "Only numpy.ndarray can be set", lambda: a.x.set([1])),
    "set of another shape": lambda a: a.refuses(ValueError, "Shape mismatch. Old shape: ", lambda: a.x.set(np.ones((2, 2), np.float32))),
    "no length without axes": lambda a: a.refuses(TypeError, "len.. of unsized object", lambda: len(a.x[0, 0, 0, 0])),
    "no steps without axes": lambda a: a.refuses(TypeError, "iteration over a 0-d array", lambda: list(a.x[0, 0, 0, 0])),
    "options are a tuple": lambda a: a.refuses(TypeError, "expected tuple, got list", lambda: a.cupy.RawModule(code="", options=["-DA=1"])),
    "no nccl": no_nccl,
    "float waits": lambda a: waits(a, float),
    "item waits": lambda a: waits(a, lambda one: one.item()),
    "printing waits": lambda a: waits(a, lambda one: repr(one) == "array(1., dtype=float32)"),
    "no download in a capture": lambda a: a.refuses_in_capture(RuntimeError, TRANSFER.format("D2H"), lambda: float(a.x[0, 0, 0, 0])),
    "no upload in a capture": lambda a: a.refuses_in_capture(RuntimeError, TRANSFER.format("H2D"), lambda: a.cupy.asarray(np.ones(3))),
    "one number goes up as a fill": one_number,
    "no cuBLAS in a capture": cublas,
    "one number is no product": no_product,
    "no capture of the first stream": first_stream,
    "more than the limit": too_much,
    "idle blocks go first": idle,
    "memory in units": units,
}  # fmt: skip
