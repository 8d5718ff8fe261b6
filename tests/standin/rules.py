"""What the stand-in obeys, and the line of CuPy 14.2.0's source that each rule stands for.

Three tests hold this list. Every rule has a case that the stand-in, and a GPU, must obey: `tests/gpu/test_standin.py`. Where CuPy is installed,
what can be asked of it without a GPU is asked: `tests/gpu/test_as_cupy.py`; an error must come from the very line. And with its source at
MINIFCN_CUPY_SOURCE, a checkout of v14.2.0, the words must stand in the line.
"""

from typing import NamedTuple

VERSION = "14.2.0"


class Rule(NamedTuple):
    """`words` stand in `line` of `file`, within `function`."""

    file: str
    line: int
    function: str | None
    words: str


RULES = {
    # how results lie
    "elementwise in C order": Rule("cupy/_core/_kernel.pyx", 658, "_get_out_args_from_optionals", "subtype, out_shape, out_types[i], obj)"),
    "a product in C order": Rule("cupy/_core/_routines_linalg.pyx", 602, "tensordot_core", "out = c = _ndarray_init(cupy.ndarray, ret_shape, dtype, None)"),
    "a reduction in C order": Rule("cupy/_core/_reduction.pyx", 658, "_get_out_args", "return _get_out_args_from_optionals("),
    "order K": Rule("cupy/_core/core.pyx", 765, "_astype", "strides = internal._get_strides_for_order_K(self, dtype)"),
    "copy in C order": Rule("cupy/_core/core.pyx", 861, "copy", "cpdef _ndarray_base copy(self, order='C')"),
    "cupy.copy in order K": Rule("cupy/_creation/from_data.py", 130, "copy", "def copy(a, order='K')"),
    "upload in C order": Rule("cupy/_core/core.pyx", 3033, "_array_default", "if isinstance(obj, numpy.ndarray) and obj.flags.fnc"),
    # what is refused
    "no silent download": Rule("cupy/_core/core.pyx", 1807, "__array__", "raise TypeError("),
    "no NumPy array in a kernel": Rule("cupy/_core/_scalar.pyx", 344, "__init__", "raise TypeError(f'Unsupported type {type(value)}')"),
    "assignment of a NumPy array": Rule("cupy/_core/core.pyx", 1018, "fill", "raise ValueError("),
    "no ufunc's where": Rule("cupy/_core/_kernel.pyx", 1277, "__call__", "raise TypeError('Wrong arguments %s' % kwargs)"),
    "no start of a maximum": Rule("cupy/_core/core.pyx", 1288, "max", "cpdef _ndarray_base max(self, axis=None, out=None, keepdims=False)"),
    "copyto from a NumPy array": Rule("cupy/_manipulation/basic.py", 49, "copyto", "raise ValueError("),
    "concatenate of a NumPy array": Rule("cupy/_core/_routines_manipulation.pyx", 663, "concatenate_method", "arrays = _preprocess_args(dev_id, tup)"),
    "set of another kind": Rule("cupy/_core/core.pyx", 2220, "set", "raise TypeError('Only numpy.ndarray can be set to cupy.ndarray')"),
    "set of another shape": Rule("cupy/_core/core.pyx", 2225, "set", "raise ValueError("),
    "no length without axes": Rule("cupy/_core/core.pyx", 1828, "__len__", "raise TypeError('len() of unsized object')"),
    "no steps without axes": Rule("cupy/_core/core.pyx", 1823, "__iter__", "raise TypeError('iteration over a 0-d array')"),
    "options are a tuple": Rule("cupy/_core/raw.pyx", 364, "__init__", "tuple options=()"),
    "no nccl": Rule("cupy/cuda/__init__.py", 98, "__getattr__", "raise AttributeError("),
    # what waits for the device
    "float waits": Rule("cupy/_core/core.pyx", 2052, "__float__", "return float(self.get())"),
    "item waits": Rule("cupy/_core/core.pyx", 692, "item", "return self.get().item()"),
    "printing waits": Rule("cupy/_core/core.pyx", 2069, "__repr__", "return repr(self.get())"),
    # what a capture refuses
    "no download in a capture": Rule("cupy/cuda/memory.pyx", 718, "copy_to_host_async", "'the current stream is capturing, so D2H transfers '"),
    "no upload in a capture": Rule("cupy/cuda/memory.pyx", 620, "copy_from_host_async", "'the current stream is capturing, so H2D transfers '"),
    "one number goes up as a fill": Rule("cupy/_core/core.pyx", 3069, "_array_default", "a.fill(a_cpu)"),
    "no cuBLAS in a capture": Rule("cupy_backends/cuda/libs/cublas.pyx", 650, "setStream", "'calling cuBLAS API during stream capture is currently '"),
    "one number is no product": Rule("cupy/_core/_routines_linalg.pyx", 566, "tensordot_core", "if m == 1 and n == 1:"),
    "no capture of the first stream": Rule("cupy/cuda/stream.pyx", 394, "begin_capture", "raise RuntimeError('cannot capture on the default (legacy) stream')"),
    # memory
    "more than the limit": Rule("cupy/cuda/memory.pyx", 1479, "_try_block_total_bytes", "raise OutOfMemoryError(size, self._total_bytes.load(), limit)"),
    "idle blocks go first": Rule("cupy/cuda/memory.pyx", 1523, "_try_malloc", "self.free_all_blocks(None)"),
    "memory in units": Rule("cupy/cuda/memory.pyx", 40, None, "cdef const int ALLOCATION_UNIT_SIZE = 512"),
}  # fmt: skip
