"""Reverse-mode differentiation: Tensor and Function. The way back is in `walk.py`.

Two ideas carry everything. Going forward, each result remembers the function that made it, and that function where its inputs came from.
Going back, every function is visited after all the functions that its result went into, so that the gradient is complete when it is used.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.autodiff import anomaly, profiler
from minifcn.autodiff.attached import Attached
from minifcn.autodiff.foreign import refuse
from minifcn.autodiff.walk import walk_back

Array = Any  # a NumPy or a CuPy array

_recording: ContextVar[bool] = ContextVar("recording", default=True)


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside `with no_grad():` results remember nothing: less memory, no backward."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


class Tensor(Attached):
    """An array, the gradient it collects, and the function that made it (None for a leaf).

    `Tensor(array)` shares the array's memory. `.data` and `.grad` are plain arrays; `.grad` is None until `backward`.
    `==`, `<` and their like compare element by element and give a plain array of booleans; a tensor is told from another by `is`.

    >>> import numpy as np, minifcn as mf
    >>> x = mf.Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor):
            raise TypeError("Tensor: got a Tensor; give it the array, tensor.data")
        refuse("Tensor", data)
        data = data if backend.is_array(data) else np.asarray(data)
        if data.dtype.kind not in "fiub":
            raise TypeError(f"Tensor: expected an array of numbers, got {data.dtype}")
        if requires_grad and data.dtype.kind != "f":
            raise TypeError(
                f"Tensor: only floating point can have a gradient, got {data.dtype}; use array.astype('float32')"
            )
        self.data = data
        self.requires_grad = requires_grad
        self.grad: Array | None = None
        self.creator: Function | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def device(self) -> str:
        return backend.device_of(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(backend.to_device(self.data, "cpu"), dtype, copy=bool(copy) or dtype is not None)

    def __repr__(self) -> str:
        note = (
            f", creator={type(self.creator).__name__}"
            if self.creator
            else ", requires_grad=True"
            if self.requires_grad
            else ""
        )
        return f"Tensor({self.data}, shape={self.shape}, dtype={self.dtype}{note})"

    def item(self) -> float:
        """The value of a tensor with one element, as a Python number."""
        if self.size != 1:
            raise ValueError(
                f"Tensor: a single number was asked for, and there are {self.size} in shape {self.shape}; index one"
            )
        return self.data.item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def detach(self) -> Tensor:
        """A leaf that shares the memory and wants no gradient."""
        return Tensor(self.data)

    def to(self, device: str) -> Tensor:
        """This tensor on "cpu" or "gpu"; the same tensor where it is there already. Gradients move back by themselves."""
        return self if device == self.device else Move(device)(self)

    def retain_grad(self) -> Tensor:
        """Keep the gradient of this result in `.grad` too; by itself only a leaf keeps one. Returns the tensor."""
        if not self.requires_grad:
            raise ValueError(
                "retain_grad: this tensor needs no gradient, so none will come; set requires_grad on a leaf it is made from"
            )
        if self.creator is not None:
            self.creator.retained = self
        return self

    def backward(self, grad: Any = None) -> None:
        """Add d self / d leaf, weighted by `grad`, to the `.grad` of every leaf below that requires one.

        `grad`: array of this tensor's shape; a tensor with one element starts from 1 without it. Saved arrays are dropped on
        the way, so a graph can be walked once.
        """
        walk_back(self, grad.data if isinstance(grad, Tensor) else grad)


class Input(NamedTuple):
    """An input of a Function as the way back sees it: `source`, where its gradient goes, and what the gradient must look like.

    `source` is a leaf, or the Function that made the input, or None where no gradient is wanted. The values are not here: they live as
    long as the caller or some Function keeps them, so that a map which no backward reads is gone when the next one is made.
    """

    source: Tensor | Function | None
    shape: tuple[int, ...]
    dtype: np.dtype
    device: str


class Function:
    """A differentiable operation: a forward on arrays and the backward that belongs to it.

    Subclass it, write both, call an instance on tensors. Options go to `__init__`, what backward needs is kept on `self`:

        class Square(mf.Function):
            def forward(self, x):
                self.x = x
                return x * x

            def backward(self, grad):  # grad: d loss / d output, of the output's shape
                return 2 * self.x * grad  # d(x²)/dx = 2x

        y = Square()(x)

    `backward` returns one array for one input, else a tuple with an array or None an input. `self.needs[i]` says whether
    input i wants a gradient; where it does not, None saves the work. Gradients of gradients are not supported.

    `fresh = True` promises that `backward` makes its arrays anew and keeps none, so that a leaf can have them without a copy.
    """

    fresh = False
    inputs: tuple[Input, ...] | None = None
    retained: Tensor | None = None  # the result, where it wants to keep its gradient
    needs: tuple[bool, ...] = ()
    _options: tuple[str, ...] | None = None
    _called_at = "a line outside detect_anomaly(), so it is not known"

    def forward(self, *arrays: Array) -> Array:
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: write forward(self, *arrays), which returns an array"
        )

    def backward(self, grad: Array) -> Array | tuple[Array | None, ...]:
        raise NotImplementedError(
            f"{type(self).__name__} has no backward: write backward(self, grad), one gradient an input"
        )

    def __call__(self, *inputs: Any) -> Tensor:
        # an instance may be applied many times: every call after the first works on a copy that has the options alone
        function = self
        if self._options is None:
            self._options = tuple(vars(self))
        else:
            function = copy.copy(self)
            function.release()
        return function._apply(*(value if isinstance(value, Tensor) else Tensor(value) for value in inputs))

    def _apply(self, *inputs: Tensor) -> Tensor:
        name = type(self).__name__
        devices = [tensor.device for tensor in inputs]
        if len(set(devices)) > 1:
            raise ValueError(
                f"{name}: inputs lie on different devices {devices}; move them with .to('cpu') or .to('gpu')"
            )
        record = _recording.get()
        self.needs = tuple(record and tensor.requires_grad for tensor in inputs)
        forward = profiler.watched(self, "forward") if profiler.watching() else self.forward
        result = forward(*(tensor.data for tensor in inputs))
        if isinstance(result, Tensor) or not (backend.is_array(result) or np.isscalar(result)):
            raise TypeError(f"{name}.forward returned {type(result).__name__}; it gets arrays and must return an array")
        output = Tensor(result)
        if any(self.needs) and output.dtype.kind != "f":
            raise TypeError(f"{name}.forward returned {output.dtype}; a result with a gradient must be floating point")
        if anomaly.watching():
            self._called_at = anomaly.caller()
            sources = {f"input {number}": tensor.data for number, tensor in enumerate(inputs)}
            anomaly.check(f"{name}.forward", output.data, sources, self._called_at)
        if any(self.needs):
            self.inputs = tuple(
                Input((tensor.creator or tensor) if need else None, tensor.shape, tensor.dtype, tensor.device)
                for tensor, need in zip(inputs, self.needs, strict=True)
            )
            output.requires_grad, output.creator = True, self
        return output

    def input_gradients(self, grad: Array) -> Iterator[tuple[Tensor | Function, Array]]:
        """Yield (source, gradient) for every input that wants one, after checking what `backward` returned."""
        name, inputs = type(self).__name__, self.inputs
        assert inputs is not None
        backward = profiler.watched(self, "backward") if profiler.watching() else self.backward
        gradients = backward(grad)
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        if len(gradients) != len(inputs):
            raise ValueError(f"{name}.backward returned {len(gradients)} gradients for {len(inputs)} inputs")
        for index, (given, gradient) in enumerate(zip(inputs, gradients, strict=True)):
            if given.source is None or gradient is None:
                continue
            if isinstance(gradient, Tensor):
                raise TypeError(
                    f"{name}.backward returned a Tensor; gradients of gradients are not supported, return arrays"
                )
            gradient = backend.module_of(given.device).asarray(gradient, dtype=given.dtype)
            if gradient.shape != given.shape:
                raise ValueError(
                    f"{name}.backward: gradient {index} has shape {gradient.shape}, its input {given.shape}"
                )
            if anomaly.watching():
                sources = {"the incoming gradient": grad}
                anomaly.check(f"{name}.backward, gradient {index}", gradient, sources, self._called_at)
            yield given.source, gradient

    def release(self) -> None:
        """Drop the inputs and all that forward saved; only what `__init__` set stays."""
        self.__dict__ = {name: vars(self)[name] for name in (*(self._options or ()), "_options")}


class Move(Function):
    """Copy to another device; the gradient comes back the same way."""

    def __init__(self, device: str) -> None:
        self.device = device

    def forward(self, x: Array) -> Array:
        self.home = backend.device_of(x)
        return backend.to_device(x, self.device)

    def backward(self, grad: Array) -> Array:
        return backend.to_device(grad, self.home)
