"""SGD with momentum, and Adam. Both update the parameters' arrays in place and skip what has no gradient.

A step is written for one parameter and runs over it block by block: what one line leaves in the cache the next line finds there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.autodiff.engine import Array, Tensor
from minifcn.kernels.pointwise import in_blocks


class Optimiser:
    """Parameters in groups; a subclass says how one of them moves.

    `parameters`: any iterable of Tensors, or of groups: dicts with "params" and, where a group differs, "lr" and "weight_decay",
    or the multipliers "lr_multiplier" and "decay_multiplier" of the optimiser's own (Caffe's lr_mult and decay_mult; the paper doubles
    the rate of biases). `optimiser.lr` may be changed between steps: a schedule.
    """

    kept: tuple[str, ...] = ()  # the names of what it remembers of a parameter from step to step

    def __init__(self, parameters: Iterable[Any], lr: float, weight_decay: float = 0.0) -> None:
        name = type(self).__name__
        at_least_zero(name, lr=lr, weight_decay=weight_decay)
        if isinstance(parameters, Tensor):
            raise TypeError(f"{name}: got one Tensor; give a list of Tensors")
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
        at_least_zero(name, **{key: value for key, value in group.items() if key != "params"})
        return dict(group) | {"params": params}

    def step(self, only_if: Any = True) -> None:
        """Move every parameter that has a gradient, in place; where `only_if`, a truth value or an array of one, is false, none."""
        if not only_if:
            return
        self.steps += 1
        number = 0
        for group in self.groups:
            lr = group.get("lr", self.lr) * group.get("lr_multiplier", 1.0)
            decay = group.get("weight_decay", self.weight_decay) * group.get("decay_multiplier", 1.0)
            for parameter in group["params"]:
                if parameter.requires_grad and parameter.grad is not None:
                    self.move(parameter.data, parameter.grad, lr, decay, self.state[number])
                number += 1

    def move(self, data: Array, gradient: Array, lr: float, decay: float, state: dict[str, Array]) -> None:
        """One step of one parameter: change `data`, and in `state` what is kept of it, in place."""
        raise NotImplementedError

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
        if "steps" not in arrays:
            raise ValueError(f"{type(self).__name__}: the saved state has no steps; give what state_dict() returned")
        for key, value in arrays.items():
            number, _, name = key.partition(".")
            if key == "steps":
                continue
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
            state[int(number)][name] = backend.to_device(np.array(value), parameter.device if value.ndim else "cpu")
        self.state, self.steps = state, int(arrays["steps"])


class SGD(Optimiser):
    """v ← momentum·v + gradient;  parameter ← parameter - lr·v.  Weight decay adds decay·parameter to the gradient."""

    kept = ("velocity",)

    def __init__(self, parameters: Iterable[Any], lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, lr, weight_decay)
        if not 0 <= momentum < 1:
            raise ValueError(f"SGD: momentum is {momentum}; expected 0 or more and below 1")
        self.momentum = momentum

    def move(self, data: Array, gradient: Array, lr: float, decay: float, state: dict[str, Array]) -> None:
        if self.momentum and not state:
            state["velocity"] = backend.array_module(data).zeros_like(data)

        def step(data: Array, gradient: Array, velocity: Array | None = None) -> None:
            if decay:
                gradient = gradient + decay * data
            if velocity is not None:
                velocity *= self.momentum
                velocity += gradient
                gradient = velocity
            data -= lr * gradient

        in_blocks(step, data, gradient, *state.values())


class Adam(Optimiser):
    """Steps of about lr, whatever the gradient's scale. Kingma & Ba 2015, algorithm 1; weight decay as in SGD."""

    kept = ("mean", "square", "count")

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"Adam: betas are {betas}; expected two numbers, 0 or more and below 1")
        self.betas, self.eps = betas, eps

    def move(self, data: Array, gradient: Array, lr: float, decay: float, state: dict[str, Array]) -> None:
        xp = backend.array_module(gradient)
        if not state:
            state["mean"], state["square"] = xp.zeros_like(data), xp.zeros_like(data)
            state["count"] = np.zeros(())  # a parameter's own: one that joins later is corrected from its first step
        first, second = self.betas
        state["count"] += 1
        count = float(state["count"])

        def step(data: Array, gradient: Array, mean: Array, square: Array) -> None:
            if decay:
                gradient = gradient + decay * data
            mean *= first
            mean += (1 - first) * gradient
            square *= second
            square += (1 - second) * gradient * gradient
            # both averages start at 0: dividing by 1 - βᵗ makes up for it
            size = xp.sqrt(square / (1 - second**count)) + self.eps
            data -= lr / (1 - first**count) * mean / size

        in_blocks(step, data, gradient, state["mean"], state["square"])


def at_least_zero(optimiser: str, **numbers: float) -> None:
    for name, value in numbers.items():
        if not value >= 0:
            raise ValueError(f"{optimiser}: {name} is {value}; expected a number of at least 0")
