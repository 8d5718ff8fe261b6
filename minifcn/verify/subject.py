"""What is checked: a function, the arrays it is given, and the parameters it reads by itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from minifcn import backend
from minifcn.autodiff import changes
from minifcn.autodiff.engine import Tensor, TensorLike, no_grad
from minifcn.backend import Array
from minifcn.verify.report import GradcheckError


class Variable(NamedTuple):
    """An array to differentiate by. `array` is what the numeric side moves: a copy of an input, a parameter's own memory."""

    key: int | str
    name: str
    array: Array


class Named(Protocol):
    """A Module, which this room does not know."""

    def named_parameters(self) -> Iterable[tuple[str, Tensor]]: ...


Parameters = Named | Mapping[str, Tensor] | Iterable[Tensor] | Tensor


class Subject:
    """Runs `fn` on the inputs as they came (`gradients`) or on copies that may be moved (`output_array`).

    All arrays here lie on the CPU. Where an input came from a GPU it goes there for `fn`, and what `fn` gives comes back: `Tensor.to`
    carries the gradient too. Parameters on a GPU have copies here, which are written to them before each call.
    """

    forgiven = (0.0, 0.0)  # the caller's own rtol and atol: who gives them means them for every comparison

    def __init__(
        self, fn: Callable[..., Tensor], inputs: TensorLike | Sequence[TensorLike], parameters: Parameters | None
    ) -> None:
        self.fn = fn
        if isinstance(inputs, Mapping | Iterator | set | str):
            raise GradcheckError(
                f"gradcheck: inputs is a {type(inputs).__name__}; expected an array, a Tensor, or a list of them in the order of the function's arguments"
            )
        values = list(inputs) if isinstance(inputs, Sequence) else [inputs]
        check_call(fn, len(values))
        given = [value.data if isinstance(value, Tensor) else value for value in values]
        given = [value if backend.is_array(value) else np.asarray(value) for value in given]
        self.devices = [backend.device_of(array) for array in given]
        self.arrays = [backend.to_device(array, "cpu") for array in given]
        wanted = [isinstance(value, Tensor) and value.requires_grad for value in values]
        self.parameters = named(parameters)
        # the memory of a parameter on the CPU itself, a copy of one on a GPU
        self.weights = {name: self.weight_now(name) for name in self.parameters}
        self.checked = [
            number
            for number, array in enumerate(self.arrays)
            if (wanted[number] or not any(wanted)) and array.dtype.kind == "f"
        ]
        self.before = [array.copy() for array in self.arrays]
        self.weights_before = {name: array.copy() for name, array in self.weights.items()}
        self.moved = [array.copy() for array in self.arrays]
        self.variables = [Variable(number, f"input {number}", self.moved[number]) for number in self.checked]
        self.variables += [Variable(name, f"parameter {name}", array) for name, array in self.weights.items()]
        if not self.variables:
            raise GradcheckError("gradcheck: no floating point input to check, and no parameters")
        for number in self.checked:
            refuse_unfit(f"input {number}", self.arrays[number])
        for name, array in self.weights.items():
            refuse_unfit(f"parameter {name}", array)
            if not array.flags.writeable:
                raise GradcheckError(
                    f"gradcheck: parameter {name} cannot be written to, so it cannot be moved; give it a copy of its array"
                )

    def output_array(self, arrays: Sequence[Array] | None = None) -> Array:
        """fn of the copies, which the numeric side may have moved, or of other arrays."""
        with no_grad():
            tensors = [Tensor(array) for array in (self.moved if arrays is None else arrays)]
            return self.called(tensors).data.copy()  # fn may return the very array that is moved next

    def called(self, tensors: Sequence[Tensor]) -> Tensor:
        """fn of tensors on the CPU, each on the device where it came from; the result on the CPU."""
        for name, tensor in self.parameters.items():
            if tensor.device != "cpu":
                tensor.data[...] = backend.to_device(self.weights[name], tensor.device)
        output = self.fn(*(tensor.to(device) for tensor, device in zip(tensors, self.devices, strict=True)))
        return checked_output(output).to("cpu")

    @property
    def named_inputs(self) -> dict[str, Array]:
        """What fn reads, by the names that a message uses."""
        found = {f"input {number}": array for number, array in enumerate(self.before) if array.dtype.kind == "f"}
        return found | {f"parameter {name}": array for name, array in self.weights_before.items()}

    def weight_now(self, name: str) -> Array:
        """A parameter as it stands, on the CPU."""
        return backend.to_device(self.parameters[name].data, "cpu")

    def record(self, arrays: Sequence[Array]) -> tuple[Tensor, list[Tensor]]:
        """fn's result, with its graph, and the tensors of `variables`."""
        tensors = [Tensor(array, requires_grad=number in self.checked) for number, array in enumerate(arrays)]
        output = self.called(tensors)
        return output, [tensors[number] for number in self.checked] + list(self.parameters.values())

    def gradients(self, cotangent: Array, arrays: Sequence[Array] | None = None) -> list[Array]:
        """What backward says, a gradient a variable; zeros where none arrived. The parameters' own .grad is left as it was."""
        with self.own_gradients(), changes.watching_kept():
            output, tensors = self.record(self.arrays if arrays is None else arrays)
            if output.requires_grad:
                output.backward(cotangent)
            # copies: a backward that gives out one buffer again and again would otherwise be compared with itself
            return [gradient_of(tensor).copy() for tensor in tensors]

    def restore(self) -> None:
        """Put back what the function may have changed in the caller's arrays and parameters."""
        pairs = [*zip(self.arrays, self.before, strict=True)]
        pairs += [(array, self.weights_before[name]) for name, array in self.weights.items()]
        for array, before in pairs:
            if not np.array_equal(array, before, equal_nan=array.dtype.kind == "f"):
                array[...] = before
        for name, tensor in self.parameters.items():
            if tensor.device != "cpu":
                tensor.data[...] = backend.to_device(self.weights_before[name], tensor.device)

    @contextmanager
    def own_gradients(self) -> Iterator[None]:
        """Inside, the parameters hold no gradient; afterwards they hold what they held before."""
        before = [(tensor, tensor.grad) for tensor in self.parameters.values()]
        for tensor, _ in before:
            tensor.grad = None
        try:
            yield
        finally:
            for tensor, grad in before:
                tensor.grad = grad


def check_call(fn: Callable[..., Tensor], count: int) -> None:
    """Raise GradcheckError where `fn` cannot be called with so many inputs: a list of lists, for one, is as many inputs as it has rows."""
    try:
        takes = signature(fn)
    except (TypeError, ValueError):
        return  # a function of C's does not tell
    try:
        takes.bind(*[None] * count)
    except TypeError as error:
        raise GradcheckError(
            f"gradcheck: the function cannot be called with the {count} inputs given ({error}); one array alone is given as [array], an option "
            "by a function of your own: lambda x: f(x, option)"
        ) from error


def gradient_of(tensor: Tensor) -> Array:
    """Its gradient on the CPU, zeros where none arrived."""
    return np.zeros(tensor.shape) if tensor.grad is None else backend.to_device(tensor.grad, "cpu")


def named(parameters: Parameters | None) -> dict[str, Tensor]:
    """A Module's parameters, a dict's or a sequence's tensors by name, without those that want no gradient."""
    if parameters is None:
        return {}
    if hasattr(parameters, "named_parameters"):
        pairs = list(cast(Named, parameters).named_parameters())
    elif isinstance(parameters, Mapping):
        pairs = list(parameters.items())
    else:
        listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        pairs = [(str(number), tensor) for number, tensor in enumerate(listed)]
    for name, tensor in pairs:
        if not isinstance(tensor, Tensor):
            raise GradcheckError(
                f"gradcheck: parameter {name} is {type(tensor).__name__}; expected a Tensor, the very one that fn reads"
            )
    return {name: tensor for name, tensor in pairs if tensor.requires_grad}


def refuse_unfit(name: str, array: Array) -> None:
    if array.dtype != np.float64:
        raise GradcheckError(
            f"gradcheck: {name} has dtype {array.dtype}; a difference needs float64: "
            + ("array.astype('float64')" if name.startswith("input") else "model.astype('float64')")
        )
    if array.size > 1 and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True)):
        raise GradcheckError(f"gradcheck: {name} is expanded: several elements share one number; pass a copy")
    if not np.isfinite(array).all():
        raise GradcheckError(f"gradcheck: {name} holds NaN or infinity; there is no difference to take there")


def checked_output(output: Any) -> Tensor:
    if not isinstance(output, Tensor):
        raise GradcheckError(f"gradcheck: the function returned {type(output).__name__}; expected one Tensor")
    if output.dtype != np.float64:
        raise GradcheckError(
            f"gradcheck: the output has dtype {output.dtype} for float64 inputs; the dtype must be kept"
        )
    return output
