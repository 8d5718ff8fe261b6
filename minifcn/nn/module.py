"""Module: parameters with names, in the order in which they were made. No registration magic: it looks at its own attributes."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from minifcn import backend
from minifcn.autodiff import calls
from minifcn.autodiff.engine import Tensor
from minifcn.autodiff.foreign import plain
from minifcn.backend import ArrayLike
from minifcn.ops.checks import flag


class Parameter(Tensor):
    """A leaf that a Module owns. With requires_grad=False it is saved and moved with the model, but not trained."""

    def __init__(self, data: ArrayLike, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad)


M = TypeVar("M", bound="Module")


def named_parts(values: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The Parameters and Modules among `values`, and in lists, tuples and dicts of them, with their names."""
    for name, value in values.items():
        # tuples, not A | B, which Python makes anew each time: a network is walked at each prediction
        if isinstance(value, (Parameter, Module)):
            yield str(name), value
        elif isinstance(value, (list, tuple, dict)):
            inner = value if isinstance(value, dict) else dict(enumerate(value))
            yield from ((f"{name}.{place}", part) for place, part in named_parts(inner))


class Module:
    """A part of a network: write `forward`, assign Parameters and Modules (or lists of Modules) to attributes.

    class Scores(mf.nn.Module):
        def __init__(self, channels, classes):
            self.conv = mf.nn.Conv2d(channels, classes, 1)

        def forward(self, x):
            return self.conv(x)
    """

    training = True

    def forward(self, *inputs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward: write forward(self, x)")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        token = calls.enter(self)
        try:
            return self.forward(*inputs, **options)
        finally:
            calls.leave(token)

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """(name, Module) of the direct parts, in the order of assignment; in a list or dict, with the number or key."""
        return ((name, part) for name, part in named_parts(vars(self)) if isinstance(part, Module))

    def modules(self) -> Iterator["Module"]:
        yield self
        for _, child in self.named_children():
            yield from child.modules()

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, Parameter), names joined by dots: ("backbone.conv1_1.weight", …). Frozen ones are among them.

        A Parameter that two parts share comes once, under its first name.
        """
        seen: set[int] = set()
        for name, parameter in self._all_parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield name, parameter

    def _all_parameters(self) -> Iterator[tuple[str, Parameter]]:
        parts = list(named_parts(vars(self)))
        yield from ((name, part) for name, part in parts if isinstance(part, Parameter))
        for name, child in ((name, part) for name, part in parts if isinstance(part, Module)):
            yield from ((f"{name}.{inner}", parameter) for inner, parameter in child._all_parameters())

    def parameters(self) -> Iterator[Parameter]:
        """Every Parameter once, in a fixed order."""
        for _, parameter in self.named_parameters():
            yield parameter

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name -> a copy of the array, on the CPU."""
        return {name: np.array(backend.to_device(p.data, "cpu")) for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copy arrays into the parameters of the same names. ValueError, before anything is written, if a name or shape differs or a number is too large."""
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict: got a {type(state).__name__}; expected a dict of names and arrays, as state_dict() gives it"
            )
        state = {name: plain(f"load_state_dict: {name}", value, "it") for name, value in state.items()}
        parameters = dict(self.named_parameters())
        missing = [name for name in parameters if name not in state]
        unexpected = [name for name in state if name not in parameters]
        reshaped = [
            f"{name} is {tuple(np.shape(state[name]))}, expected {parameter.shape}"
            for name, parameter in parameters.items()
            if name in state and tuple(np.shape(state[name])) != parameter.shape
        ]
        faults = [("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped)]
        if any(names for _, names in faults):
            listed = "; ".join(f"{fault}: {', '.join(names)}" for fault, names in faults if names)
            raise ValueError(f"load_state_dict: the arrays do not fit this {type(self).__name__}: {listed}")
        values = {
            name: fitting(name, np.asarray(state[name]), parameter.dtype) for name, parameter in parameters.items()
        }
        own = [parameter.data for parameter in parameters.values() if parameter.device == "cpu"]
        # two layers that are to change places: neither is read after it was written to
        for name, value in values.items():
            if any(np.may_share_memory(value, array) for array in own):
                values[name] = value.copy()
        for name, parameter in parameters.items():
            parameter.data[...] = backend.to_device(values[name], parameter.device)
            parameter.changed()

    def train(self: M, training: bool = True) -> M:
        """Switch dropout on (or off). Returns the module."""
        training = flag("train", "training", training)
        for module in self.modules():
            module.training = training
        return self

    def eval(self: M) -> M:
        """Switch dropout off. Returns the module."""
        return self.train(False)

    def to(self: M, device: str) -> M:
        """Move every parameter to "cpu" or "gpu", in place; their gradients are dropped. Returns the module."""
        for parameter in self.parameters():
            parameter.data, parameter.grad = backend.to_device(parameter.data, device), None
        return self

    def astype(self: M, dtype: str | type | np.dtype) -> M:
        """Convert every parameter, in place: float64 for a gradient check. Returns the module."""
        try:
            floating = np.dtype(dtype).kind == "f"
        except TypeError:
            floating = False
        if not floating:
            raise TypeError(f"astype: dtype is {dtype!r}; expected floating point: 'float32' or 'float64'")
        for parameter in self.parameters():
            parameter.data, parameter.grad = parameter.data.astype(dtype), None
        return self

    def zero_grad(self) -> None:
        for parameter in self.parameters():
            parameter.grad = None

    def __repr__(self) -> str:
        count = sum(parameter.size for parameter in self.parameters())
        return f"{type(self).__name__}({count:,} parameters)"


def fitting(name: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`array` as numbers of `dtype`. What was finite stays so: 1e300 is no float32, and infinite weights would make every score NaN."""
    with np.errstate(over="ignore"):
        values = array.astype(dtype, copy=False)
    if array.dtype != dtype and (lost := np.count_nonzero(np.isinf(values) & ~np.isinf(array))):
        raise ValueError(f"load_state_dict: {name}: {lost} of {array.size} numbers are too large for {dtype}")
    return values
