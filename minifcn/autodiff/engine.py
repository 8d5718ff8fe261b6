"""Reverse-mode differentiation: Tensor and Function. The way back is in `walk.py`.

Two ideas carry everything. Going forward, each result remembers the function that made it, and that function where its inputs came from.
Going back, every function is visited after all the functions that its result went into, so that the gradient is complete when it is used.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from types import EllipsisType
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff import anomaly, calls, changes, profiler
from minifcn.autodiff.attached import Attached, Values
from minifcn.autodiff.foreign import is_plain, plain
from minifcn.autodiff.inputs import Input
from minifcn.autodiff.walk import walk_back
from minifcn.backend import Array, ArrayLike
from minifcn.kernels.later import Later
from minifcn.scopes import Scope

_not_recording: ContextVar[tuple[Scope[None], ...]] = ContextVar("no_grad", default=())


def no_grad() -> Scope[None]:
    """Inside `with no_grad():` results remember nothing: less memory, no backward. `@no_grad()` does so for a function's calls.

    It holds for this thread or asyncio task. A thread started inside records, as in PyTorch, unless it is given what holds here:
    `Thread(target=contextvars.copy_context().run, args=(predict, x))`. A `with` in a generator holds for its caller too while the generator
    waits at a `yield`; decorated by `@no_grad()` the generator keeps it to itself.
    """
    return Scope("no_grad", _not_recording, None)


class Tensor(Attached, Values):
    """An array, the gradient it collects, and the function that made it (None for a leaf).

    `Tensor(array)` shares the array's memory, and so does what an operation keeps for its backward: whoever fills that array again before
    `backward` changes the gradient. Give a copy, `Tensor(array.copy())`, where a buffer is used twice. Assignments to `.data`, optimisers and
    `load_state_dict` are noticed, and `backward` says so; NumPy's own writes only inside `detect_anomaly`, or where `changed()` says them.
    `.data` and `.grad` are plain arrays; `.grad` is None until `backward`.
    `==`, `<` and their like compare element by element and give a plain array of booleans; a tensor is told from another by `is`.

    >>> import numpy as np, minifcn as mf
    >>> x = mf.Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    def __init__(self, data: ArrayLike, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor):
            raise TypeError("Tensor: got a Tensor; give it the array, tensor.data")
        array: Array = plain("Tensor", data)
        if requires_grad is not False and requires_grad is not True:
            raise TypeError(f"Tensor: requires_grad is {requires_grad!r}; expected True or False")
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"Tensor: only floating point can have a gradient, got {array.dtype}; use array.astype('float32')"
            )
        self._data = array
        self.version = changes.Version()
        self.requires_grad = requires_grad
        self.grad: Array | None = None
        self.creator: Function | None = None

    @property
    def data(self) -> Array:
        return self._data

    @data.setter
    def data(self, array: Array) -> None:
        if array is self._data:  # as `w.data *= 2` ends: Python assigns the array that was changed
            self.changed()
        elif not backend.is_array(array):
            raise TypeError(
                f"Tensor: .data is given a {type(array).__name__}; it must be an array, such as tensor.data"
            )
        self._data = plain("Tensor", array, ".data")

    def changed(self) -> None:
        """Say that the array was written to, after `tensor.data[...] = …` by hand. A backward that needs what stood there before refuses.

        >>> import numpy as np, minifcn as mf
        >>> x, w = (mf.Tensor(np.array([n]), requires_grad=True) for n in (2.0, 3.0))
        >>> loss = (x * w).sum()
        >>> w.data[...] = 100  # without the next line the gradient of x would be 100 and not 3
        >>> w.changed()
        >>> loss.backward()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        RuntimeError: backward: input 1 of Mul was changed after the forward that used it ...
        """
        self.version.raised(self._data)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def dtype(self) -> np.dtype:
        return self._data.dtype

    @property
    def device(self) -> str:
        return backend.device_of(self._data)

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

    def detach(self) -> Tensor:
        """A leaf that shares the memory and wants no gradient."""
        leaf = Tensor(self.data)
        leaf.version = self.version
        return leaf

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

    def backward(self, grad: Tensor | Array | None = None) -> None:
        """Add d self / d leaf, weighted by `grad`, to the `.grad` of every leaf below that requires one.

        `grad`: array of this tensor's shape; a tensor with one element starts from 1 without it. A graph is walked once.
        """
        walk_back(self, grad.data if isinstance(grad, Tensor) else grad)


# what the arguments of operations may be; without quotes, so that help() shows what stands here
TensorLike = Tensor | ArrayLike
Axes = int | Sequence[int]  # one axis (or length) or several
Index = int | slice | EllipsisType | Array | Tensor | Sequence | None
Key = Index | tuple[Index, ...]


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
    input i wants a gradient; where it does not, None saves the work, and `late.py` saves waiting. Gradients of gradients are not supported.

    `fresh = True` promises that `backward` makes its arrays anew and keeps none, so that a leaf can have them without a copy.
    """

    fresh = False
    inputs: tuple[Input, ...] | None = None
    retained: Tensor | None = None  # the result, where it wants to keep its gradient
    _versions: tuple[tuple[changes.Version, int], ...] = ()
    _checksums: Mapping[str, tuple[Array, int]] = {}
    needs: tuple[bool, ...] = ()
    made_in: calls.Call | None = None  # the call of a Module that it ran in
    _options: tuple[str, ...] | None = None

    def forward(self, *arrays: Any) -> Array:
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: write forward(self, *arrays), which returns an array"
        )

    def backward(self, grad: Array) -> Array | tuple[Array | None, ...]:
        raise NotImplementedError(
            f"{type(self).__name__} has no backward: write backward(self, grad), one gradient an input"
        )

    def __call__(self, *inputs: TensorLike) -> Tensor:
        # an instance may be applied many times: every call after the first works on a copy that has the options alone
        function = self
        if self._options is None:
            self._options = tuple(vars(self))
        else:
            function = copy.copy(self)
            function.release()
        return function._apply(*(value if isinstance(value, Tensor) else Tensor(value) for value in inputs))

    def _apply(self, *inputs: Tensor) -> Tensor:
        name, arrays = type(self).__name__, [tensor._data for tensor in inputs]
        devices = [backend.device_of(array) for array in arrays]
        if len(set(devices)) > 1:
            raise ValueError(
                f"{name}: inputs lie on different devices {devices}; move them with .to('cpu') or .to('gpu')"
            )
        record = not _not_recording.get()
        self.needs = tuple([record and tensor.requires_grad for tensor in inputs])
        result = profiler.watched(self.forward)(*arrays)
        if isinstance(result, Tensor) or not (backend.is_array(result) or np.isscalar(result)):
            raise TypeError(f"{name}.forward returned {type(result).__name__}; it gets arrays and must return an array")
        output = Tensor(result if is_plain(result) else plain(f"{name}.forward", result, "its result"))
        if (needed := any(self.needs)) and output.dtype.kind != "f":
            raise TypeError(f"{name}.forward returned {output.dtype}; a result with a gradient must be floating point")
        anomaly.check_forward(self, output._data, arrays)
        changes.share_version(output, inputs)
        if needed:
            self.inputs = tuple([Input.of(*each) for each in zip(inputs, self.needs, devices, strict=True)])
            self._versions = tuple([(tensor.version, tensor.version.count) for tensor in (*inputs, output)])
            self.made_in = calls.current()
            changes.note(self, anomaly.watching())
            output.requires_grad, output.creator = True, self
        return output

    def input_gradients(self, grad: Array) -> Iterator[tuple[Tensor | Function, Array | Later]]:
        """Yield (source, gradient) for every input that wants one, after checking what `backward` returned; what comes later is checked then."""
        name, inputs = type(self).__name__, self.inputs
        assert inputs is not None
        gradients = profiler.watched(self.backward)(grad)
        if isinstance(gradients, list):
            raise TypeError(
                f"{name}.backward returned a list; return one array, or a tuple with a gradient for each of {len(inputs)} inputs"
            )
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
            if isinstance(gradient, Later):
                gradient.then(partial(given.accepted, name, index))
            else:
                gradient = given.accepted(name, index, gradient)
                anomaly.check_backward(self, index, gradient, grad)
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
