"""What all optimisers have in common: parameters in groups, rates, a step of each parameter that has a gradient, and what is kept of it.

A step is written for one parameter and runs over it block by block: what one line leaves in the cache the next line finds there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minifcn import backend, kernels
from minifcn.autodiff.engine import Array, Tensor
from minifcn.autodiff.foreign import plain
from minifcn.kernels.cpu import memory
from minifcn.kernels.cpu.pointwise import in_blocks
from minifcn.kernels.gpu import optimiser as gpu_steps
from minifcn.ops import checks


class Optimiser:
    """Parameters in groups; a subclass says how one of them moves.

    `parameters`: any iterable of Tensors, or of groups: dicts with "params" and, where a group differs, "lr" and "weight_decay",
    or the multipliers "lr_multiplier" and "decay_multiplier" of the optimiser's own (Caffe's lr_mult and decay_mult; the paper doubles
    the rate of biases). `optimiser.lr` may be changed between steps: a schedule.
    """

    kept: tuple[str, ...] = ()  # the names of what it remembers of a parameter from step to step
    still: tuple[float, ...] = ()  # the row of a parameter that does not move
    kernel = ""  # the name of the formula in cuda/optimiser.cu

    def __init__(self, parameters: Iterable[Tensor | Mapping[str, Any]], lr: float, weight_decay: float = 0.0) -> None:
        name = type(self).__name__
        at_least_zero(name, lr=lr, weight_decay=weight_decay)
        if isinstance(parameters, Tensor):
            raise TypeError(f"{name}: got one Tensor; give a list of Tensors")
        if not isinstance(parameters, Iterable):
            raise TypeError(
                f"{name}: got a {type(parameters).__name__}; give a list of Tensors, of a module its .parameters()"
            )
        entries = list(parameters)
        if not entries:
            raise ValueError(f"{name}: no parameters to optimise; give model.parameters() or a list of Tensors")
        groups = entries if isinstance(entries[0], Mapping) else [{"params": entries}]
        self.groups = [self._group(name, group) for group in groups]
        self.lr, self.weight_decay, self.steps = lr, weight_decay, 0
        everything = [id(parameter) for parameter in self.parameters()]
        if len(set(everything)) != len(everything):
            raise ValueError(f"{name}: a parameter is listed twice; it would be moved twice a step")
        self.state: list[dict[str, Array]] = [{} for _ in everything]

    @staticmethod
    def _group(name: str, group: Any) -> dict[str, Any]:
        known = {"params", "lr", "weight_decay", "lr_multiplier", "decay_multiplier"}
        if not isinstance(group, Mapping) or "params" not in group or set(group) - known:
            got = sorted(group) if isinstance(group, Mapping) else type(group).__name__
            raise ValueError(
                f"{name}: a group is a dict with params and any of {sorted(known - {'params'})}; got {got}"
            )
        params = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
        for parameter in params:
            if not isinstance(parameter, Tensor):
                raise TypeError(f"{name}: expected Tensors, got {type(parameter).__name__}")
            if parameter.creator is not None:
                raise ValueError(
                    f"{name}: a parameter is the result of {type(parameter.creator).__name__}, which the next forward makes anew, so nothing would "
                    "be trained; give the leaf that it is made from"
                )
        at_least_zero(name, **{key: value for key, value in group.items() if key != "params"})
        return dict(group) | {"params": params}

    def step(self, only_if: bool | Array = True, rates: Array | None = None) -> None:
        """Move every parameter that has a gradient, in place; where `only_if`, a truth value or an array of one, is false, none.

        A GPU is not waited for: it looks at `only_if` itself, and reads what the step multiplies by, `rates()`, from an array of its own.
        That may be given, where a captured step is to find the numbers of today in the same place.
        """
        parameters = self.parameters()
        moving = [parameter.requires_grad and parameter.grad is not None for parameter in parameters]
        for number, parameter in enumerate(parameters):
            if moving[number]:
                check_fit(type(self).__name__, number, parameter, self.arrays_of(self.state[number]))
        device = parameters[0].device
        if device == "cpu" and not only_if:
            return
        if rates is None:
            rates = backend.to_device(
                self.rates(moving).astype(parameters[0].dtype if device == "gpu" else None), device
            )
        moved = self.move_together(moving, rates, only_if)
        for number, (parameter, decay) in enumerate(zip(parameters, self.decays(), strict=True)):
            if moving[number] and parameter.grad is not None:
                if number not in moved:
                    self.move(parameter.data, parameter.grad, rates[number], decay, self.state[number], only_if)
                parameter.changed()

    def rates(self, moving: Sequence[bool]) -> np.ndarray:
        """What the next step multiplies by, a row a parameter: float64 (P, K). That step is counted, for parameters that are `moving`."""
        at_least_zero(type(self).__name__, lr=self.lr)  # a schedule may have changed it
        self.steps += 1
        rows = []
        for number, (parameter, lr) in enumerate(zip(self.parameters(), self.learning_rates(), strict=True)):
            rows.append(self.row(lr, parameter.data, self.state[number]) if moving[number] else self.still)
        return np.array(rows)

    def learning_rates(self) -> Iterator[float]:
        """One a parameter."""
        for group in self.groups:
            yield from [group.get("lr", self.lr) * group.get("lr_multiplier", 1.0)] * len(group["params"])

    def decays(self) -> Iterator[float]:
        """One a parameter."""
        for group in self.groups:
            decay = group.get("weight_decay", self.weight_decay) * group.get("decay_multiplier", 1.0)
            yield from [decay] * len(group["params"])

    def row(self, lr: float, data: Array, state: dict[str, Array]) -> tuple[float, ...]:
        """The numbers of one parameter's next step, which is counted. What is kept of it begins here, in `state`."""
        raise NotImplementedError

    def update(self, data: Array, gradient: Array, row: Sequence[float] | Array, *kept: Array) -> None:
        """The formula: change `data` and what is kept of it, in place. `row`: numbers, or on a GPU an array of them."""
        raise NotImplementedError

    def constants(self) -> tuple[float, ...]:
        """The numbers of the formula beside `row`, in the order in which `kernel`, its twin in cuda/optimiser.cu, takes them."""
        raise NotImplementedError

    def move(
        self,
        data: Array,
        gradient: Array,
        row: Array,
        decay: float,
        state: dict[str, Array],
        only_if: bool | Array = True,
    ) -> None:
        """One step of one parameter: change `data`, and in `state` what is kept of it, in place; on a GPU only where `only_if` is true."""
        kept = self.arrays_of(state)

        def step(data: Array, gradient: Array, *kept: Array) -> None:
            if decay:
                decayed = times(DECAY, data, decay)
                decayed += gradient
                gradient = decayed
            self.update(data, gradient, numbers, *kept)

        numbers: Sequence[float] | Array
        if backend.device_of(data) == "cpu":
            numbers = row.tolist()
            in_blocks(step, data, gradient, *kept)
        elif self.kernel and kernels.chosen() == "fast" and gpu_steps.suits(data, gradient, row, *kept):
            gpu_steps.step(self.kernel, data, gradient, kept, row, (decay, *self.constants()), only_if)
        else:
            numbers = row
            moved = [data, *kept] if only_if is True else [array.copy("K") for array in (data, *kept)]
            step(moved[0], gradient, *moved[1:])
            for array, new in zip((data, *kept), moved, strict=True):
                if array is not new:
                    backend.array_module(data).copyto(array, new, where=only_if)

    def move_together(self, moving: Sequence[bool], rates: Array, only_if: bool | Array) -> set[int]:
        """`move` of all parameters that the kernel takes at once, on a GPU. The numbers of those that moved."""
        if kernels.chosen() != "fast" or not self.kernel or not gpu_steps.possible(rates):
            return set()
        moves = {}
        for number, (parameter, decay) in enumerate(zip(self.parameters(), self.decays(), strict=True)):
            if moving[number] and parameter.grad is not None:
                each = gpu_steps.Parameter(parameter.data, parameter.grad, self.arrays_of(self.state[number]), decay)
                if gpu_steps.suits(rates, each.data, each.gradient, *each.kept):
                    moves[number] = each
        gpu_steps.step_all(self.kernel, moves, rates, self.constants(), only_if)
        return set(moves)

    def arrays_of(self, state: dict[str, Array]) -> list[Array]:
        """What is kept of a parameter, but for the count of its steps."""
        return [state[name] for name in self.kept if name in state and name != "count"]

    def parameters(self) -> list[Tensor]:
        """All of its parameters, group by group: the order in which `state` keeps what it remembers of them."""
        return [parameter for group in self.groups for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Forget every gradient."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything a resumed run needs, as arrays on the CPU: "steps", and "3.velocity" for the fourth parameter."""
        arrays = {
            f"{number}.{name}": np.array(backend.to_device(value, "cpu"))
            for number, state in enumerate(self.state)
            for name, value in state.items()
        }
        return arrays | {"steps": np.array(self.steps)}

    def load_state_dict(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `state_dict` gave, for the same parameters in the same order."""
        parameters = self.parameters()
        state: list[dict[str, Array]] = [{} for _ in parameters]
        if not isinstance(arrays, Mapping) or "steps" not in arrays:
            raise ValueError(f"{type(self).__name__}: the saved state has no steps; give what state_dict() returned")
        arrays = {str(key): plain(f"{type(self).__name__}: the saved {key}", value) for key, value in arrays.items()}
        steps = arrays.pop("steps")
        if steps.shape != () or not steps >= 0:
            raise ValueError(f"{type(self).__name__}: the saved steps are {steps}; expected one number of at least 0")
        for key, value in arrays.items():
            number, _, name = key.partition(".")
            parameter = parameters[int(number)] if number.isdigit() and int(number) < len(parameters) else None
            if (
                parameter is None
                or name not in self.kept
                or value.shape != (() if name == "count" else parameter.shape)
            ):
                raise ValueError(
                    f"{type(self).__name__}: the saved {key} {value.shape} fits none of the {len(parameters)} parameters; "
                    f"this optimiser keeps {', '.join(self.kept)} for each"
                )
            state[int(number)][name] = backend.to_device(
                np.array(value), "cpu" if name == "count" else parameter.device
            )
        for place, each in enumerate(state):
            if each and set(each) != set(self.kept):
                missing = ", ".join(f"{place}.{name}" for name in self.kept if name not in each)
                raise ValueError(
                    f"{type(self).__name__}: of parameter {place} the saved state lacks {missing}; this optimiser keeps "
                    f"{', '.join(self.kept)} for each"
                )
        self.state, self.steps = state, int(steps)


STEP, SIZE, DECAY = range(3)  # slots of scratch memory


def times(slot: int, array: Array, factor: float | Array) -> Array:
    """array·factor, on a CPU in scratch memory: fresh memory for fc6's 450,000 numbers took longer than the arithmetic."""
    if backend.device_of(array) != "cpu":
        return factor * array
    return np.multiply(array, factor, out=memory.scratch(slot, array.shape, array.dtype))


def at_least_zero(optimiser: str, **numbers: float) -> None:
    for name, value in numbers.items():
        if not checks.number(optimiser, name, value) >= 0:
            raise ValueError(f"{optimiser}: {name} is {value}; expected a number of at least 0")
        if value == np.inf:
            raise ValueError(f"{optimiser}: {name} is infinite; expected a number of at least 0")


def check_fit(optimiser: str, number: int, parameter: Tensor, kept: Sequence[Array]) -> None:
    """Raise where parameter `number`, its gradient and what is kept of it do not belong together: NumPy would stretch one of them, or say something else."""
    data, gradient, shape = parameter.data, parameter.grad, parameter.data.shape
    alike = type(gradient) is np.ndarray and gradient.dtype is data.dtype and gradient.shape == shape
    if alike and data.dtype.kind == "f" and data.flags.writeable and all(each.shape == shape for each in kept):
        return  # as nearly always: no more time is spent
    name = f"parameter {number}"
    if data.dtype.kind != "f":
        raise TypeError(
            f"{optimiser}: {name} has dtype {data.dtype}; only floating point can be trained: array.astype('float32')"
        )
    if not backend.is_array(gradient) or gradient.dtype.kind not in "fiub":
        raise TypeError(
            f"{optimiser}: the .grad of {name} is {getattr(gradient, 'dtype', type(gradient).__name__)}; expected an array of numbers "
            f"of shape {data.shape}, as backward leaves it"
        )
    if gradient.shape != data.shape:
        raise ValueError(
            f"{optimiser}: {name} has shape {data.shape}, and its .grad {gradient.shape}; they must be equal"
        )
    for each in kept:
        if each.shape != data.shape:
            raise ValueError(
                f"{optimiser}: {name} has shape {data.shape}, and had {each.shape} when it was moved last; make a new optimiser"
            )
    if isinstance(data, np.ndarray) and not data.flags.writeable:
        raise ValueError(
            f"{optimiser}: {name} cannot be written to; give it an array of its own: tensor.data = tensor.data.copy()"
        )
