"""What the names in PyTorch's pickles stand for here: storages, tensors that are views of them, and containers. No other name means anything.

A tensor in such a file is a storage, numbers in a row, with an offset, a shape and strides; several can share one storage.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minifcn.weights.formats.contents import Contents, DamagedError, Entry
from minifcn.weights.formats.pickles import Box, Stand, harmless

# PyTorch's names of numbers: NumPy's, which for those that NumPy lacks are unsigned numbers of the same size
KINDS = {
    "float32": "f4", "float64": "f8", "float16": "f2", "bfloat16": "u2", "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "?", "complex64": "c8", "complex128": "c16",
    "float8_e4m3fn": "u1", "float8_e5m2": "u1", "float8_e4m3fnuz": "u1", "float8_e5m2fnuz": "u1", "float8_e8m0fnu": "u1",
}  # fmt: skip
STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "LongStorage": "int64",
    "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128", "UntypedStorage": "uint8",
}  # fmt: skip
MOST_PARTS = 200_000  # of nested containers: a file of a kB can hold itself a thousand times, nested


@dataclass(frozen=True)
class Kind:
    """A kind of numbers, by PyTorch's name."""

    name: str

    def dtype(self, big: bool) -> np.dtype[Any]:
        return np.dtype(KINDS[self.name]).newbyteorder(">" if big else "<")


@dataclass(frozen=True)
class StorageKind:
    """What a pickle calls a class of storages: the kind of its numbers."""

    kind: Kind


@dataclass(frozen=True)
class Storage:
    """Numbers in a row: where they are is asked when the first tensor needs them."""

    bytes_of: Callable[[], memoryview]
    kind: Kind
    big: bool

    def numbers(self, kind: Kind) -> np.ndarray:
        found, dtype = self.bytes_of(), kind.dtype(self.big)
        return np.frombuffer(found[: len(found) // dtype.itemsize * dtype.itemsize], dtype)


@dataclass(frozen=True)
class View:
    """A tensor as a pickle describes it. Nothing is looked up yet: in the older format the storages come after the pickle."""

    storage: Storage
    kind: Kind
    offset: Any
    shape: Any
    strides: Any
    flags: Any


@harmless
def ordered_dict(pairs: Any = ()) -> Box:
    if isinstance(pairs, dict):
        return Box(pairs)
    if not isinstance(pairs, list | tuple) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    ):
        raise DamagedError("a pickle whose dict is not made of pairs")
    return Box((key, value) for key, value in pairs if isinstance(key, str | int))


@harmless
def default_dict(kind: Any = None) -> Box:
    return Box()


@harmless
def size(sides: Any = ()) -> tuple[int, ...]:
    return tuple(sides) if isinstance(sides, list | tuple) else ()


@harmless
def device(*where: Any) -> None:
    return None


@harmless
def one_of(values: Any = ()) -> list[Any]:
    """set([…]) and frozenset([…]) of older pickles."""
    return list(values) if isinstance(values, list | tuple) else []


@harmless
def no_bytes() -> bytes:
    """bytes(): how older pickles write b""."""
    return b""


@harmless
def number_kind(*said: Any) -> Box:
    """numpy.dtype: what kind of number follows."""
    return Box()


@harmless
def number(kind: Any, content: Any = None) -> None:
    """A number of NumPy's, such as the best score so far beside the weights of a checkpoint; it is no weight."""
    return None


@harmless
def encoded(text: Any, how: Any = "latin1") -> bytes:
    """_codecs.encode: how older pickles write bytes."""
    if not isinstance(text, str) or how not in ("latin1", "latin-1"):
        raise DamagedError("a pickle that encodes otherwise than bytes are written")
    return text.encode("latin-1", "replace")


@harmless
def tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> View:
    """torch._utils._rebuild_tensor and _v2. `rest`: requires_grad, hooks and flags."""
    if not isinstance(storage, Storage):
        raise DamagedError("a tensor without a storage")
    return View(storage, storage.kind, offset, shape, strides, rest[2] if len(rest) > 2 else None)


@harmless
def tensor_of_kind(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, kind: Any, *rest: Any
) -> View:
    """torch._utils._rebuild_tensor_v3, for kinds that have no storage class of their own: the storage is bytes."""
    if not isinstance(storage, Storage) or not isinstance(kind, Kind):
        raise DamagedError("a tensor without a storage or a kind")
    return View(storage, kind, offset, shape, strides, rest[0] if rest else None)


@harmless
def parameter(data: Any, *rest: Any) -> View:
    if not isinstance(data, View):
        raise DamagedError("a parameter without a tensor")
    return data


@harmless
def with_attributes(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """torch._tensor._rebuild_from_type_v2: a tensor on which somebody has set attributes, which are left out."""
    if function not in (tensor, tensor_of_kind, parameter) or not isinstance(arguments, tuple):
        raise DamagedError("a tensor that is rebuilt by something else; nothing was run")
    return function(*arguments)


class TensorClass:
    """The name torch.Tensor, which may stand in a pickle but makes nothing."""


NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): ordered_dict,
    ("collections", "defaultdict"): default_dict,
    ("collections", "Counter"): ordered_dict,
    ("_codecs", "encode"): encoded,
    ("torch", "Size"): size,
    ("torch", "device"): device,
    ("torch", "Tensor"): TensorClass,
    ("torch.nn.parameter", "Parameter"): TensorClass,
    ("torch._utils", "_rebuild_tensor"): tensor,
    ("torch._utils", "_rebuild_tensor_v2"): tensor,
    ("torch._utils", "_rebuild_tensor_v3"): tensor_of_kind,
    ("torch._utils", "_rebuild_parameter"): parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): with_attributes,
}
NAMES[("numpy", "dtype")] = number_kind
NAMES |= {(module, "scalar"): number for module in ("numpy.core.multiarray", "numpy._core.multiarray")}
for module in ("builtins", "__builtin__"):
    NAMES |= {
        (module, "set"): one_of,
        (module, "frozenset"): one_of,
        (module, "dict"): ordered_dict,
        (module, "bytes"): no_bytes,
    }
for module in ("torch", "torch.cuda"):
    NAMES |= {(module, name): StorageKind(Kind(kind)) for name, kind in STORAGES.items()}
NAMES[("torch.storage", "UntypedStorage")] = NAMES[("torch", "UntypedStorage")]
NAMES |= {("torch", kind): Kind(kind) for kind in KINDS}
QUANTISED = {("torch", name) for name in ("qint8", "quint8", "qint32")} | {("torch._utils", "_rebuild_qtensor")}


def meaning(module: str, name: str) -> Stand:
    """What a pickle's global name stands for. DamagedError for every name that is no tensor, storage or container."""
    found = NAMES.get((module, name))
    if found is None:
        called = f"{module}.{name}"[:100]
        quantised = (module, name) in QUANTISED
        what = "quantised weights, which are not read" if quantised else "more than weights"
        more = f"; it holds {what}: save the state alone{', before it is quantised' * quantised}: in PyTorch, torch.save(model.state_dict(), file)"
        raise DamagedError(
            f"its pickle names {called!r}, and only tensors and containers are read; nothing was run{more}"
        )
    return found  # type: ignore[no-any-return]


def entry(described: View) -> Entry:
    """The tensor: a view of its storage, within its bounds. DamagedError where it would reach beyond."""
    kind, offset, shape, strides = described.kind, described.offset, described.shape, described.strides
    if not (
        is_count(offset)
        and all(isinstance(each, list | tuple) and all(map(is_count, each)) for each in (shape, strides))
    ):
        raise DamagedError("a tensor whose offset, shape or strides are no whole numbers from 0 on")
    if len(shape) != len(strides) or len(shape) > 32:
        raise DamagedError(f"a tensor with {len(shape)} axes and {len(strides)} strides")
    numbers = described.storage.numbers(kind)
    empty = 0 in shape
    end = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True)) + 1
    if not empty and end > numbers.size:
        raise DamagedError(f"a tensor {tuple(shape)} that needs {end:,} numbers of a storage of {numbers.size:,}")
    if empty:
        return Entry(np.zeros(shape if max(shape) < 1 << 20 and len(shape) < 3 else (0,), numbers.dtype), kind.name)
    steps = [stride * numbers.itemsize for stride in strides]
    if any(step > sys.maxsize for step in steps):
        steps = [step if side > 1 else 0 for side, step in zip(shape, steps, strict=True)]
    if np.prod([float(side) for side in shape]) > 2.0**40:  # strides of 0: a number as a picture of any size
        raise DamagedError(f"a tensor {tuple(shape)}, larger than any network's")
    found = np.ndarray(tuple(shape), numbers.dtype, numbers, offset * numbers.itemsize, steps)
    return Entry(flagged(found, kind, described.flags, numbers.size), kind.name)


def flagged(found: np.ndarray, kind: Kind, flags: Any, most: int) -> np.ndarray:
    """`found` as the flags say: in PyTorch, minus and conjugate may be remembered and not done."""
    if not isinstance(flags, dict) or not flags:
        return found
    if unknown := sorted(str(name) for name in flags if name not in ("conj", "neg")):
        raise DamagedError(f"a tensor with the flag {unknown[0]!r}; known are conj and neg")
    if found.size > most or (
        flags.get("neg") and kind.name not in ("float16", "float32", "float64", "complex64", "complex128")
    ):
        raise DamagedError("a tensor with flags that do not fit it")
    found = np.conj(found) if flags.get("conj") else found
    return -found if flags.get("neg") else found


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def tensors_in(value: Any, format: str) -> Contents:
    """Every tensor in nested containers, their keys joined by dots: {"state_dict": {"conv1.weight": …}} -> state_dict.conv1.weight."""
    contents, seen = Contents(format), 0
    waiting: list[Iterator[tuple[str, Any]]] = [iter([("", value)])]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        name, part = found
        seen += 1
        if seen > MOST_PARTS or len(waiting) > 100:
            raise DamagedError("containers that are nested without an end; a file of weights has a few")
        if isinstance(part, View):
            contents.add(name or "tensor", entry(part))
        elif isinstance(part, dict):
            waiting.append(iter([(joined(name, key), inner) for key, inner in part.items()]))
        elif isinstance(part, list | tuple):
            waiting.append(iter([(joined(name, place), inner) for place, inner in enumerate(part)]))
    return contents


def joined(name: str, key: Any) -> str:
    return f"{name}.{key}" if name else str(key)
