"""The second reading: minifcn runs the network, from plain operations or from the built-in model."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minifcn import nn, ops, plans
from minifcn.autodiff.engine import Tensor, no_grad
from minifcn.bench import values
from minifcn.bench.cases import MOMENTUM, RATE, Case
from minifcn.bench.shapes import Shapes
from minifcn.nn.initialisers import bilinear


class Ours:
    """A network's calls as `mf.ops` calls on parameters by name."""

    def __init__(self, plan: Shapes) -> None:
        self.parameters: dict[str, Tensor] = {}
        for name, shape in plan.parameters.items():
            array = np.empty(shape, np.float32)
            values.fill(array, name)
            self.parameters[name] = Tensor(array, requires_grad=True)
        self.kernels = {name: Tensor(bilinear(channels, size)) for name, (channels, size) in plan.upsampling.items()}

    def conv(self, name: str, x: Any, channels: int, kernel: int, padding: int = 0, stride: int = 1) -> Tensor:
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        return ops.conv2d(x, weight, bias, stride=stride, padding=padding)

    def upsample(self, name: str, x: Any, factor: int, padding: int) -> Tensor:
        return ops.conv_transpose2d(
            x, self.kernels[f"{name}.weight"], stride=factor, padding=padding, groups=x.shape[1]
        )

    def max_pool(self, name: str, x: Any, kernel: int, stride: int) -> Tensor:
        return ops.max_pool2d(x, kernel, stride, ceil_mode=True)

    def loss(self, name: str, x: Any) -> Tensor:
        return ops.softmax_cross_entropy(x, values.labels(x.shape))

    def relu(self, x: Any) -> Tensor:
        return ops.relu(x)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b

    def concat(self, maps: list[Tensor]) -> Tensor:
        return ops.concat(maps, 1)

    def crop(self, x: Tensor, offset: int, size: tuple[int, int]) -> Tensor:
        return x[:, :, offset : offset + size[0], offset : offset + size[1]]

    def size(self, x: Tensor) -> tuple[int, int]:
        return x.shape[2], x.shape[3]


class OurProgram:
    """A case as minifcn runs it. `variant`: "ops", "model", or "plan", the built-in model as `predict` runs it."""

    def __init__(self, case: Case, variant: str) -> None:
        self.name, self.mode = f"minifcn {variant}", case.mode
        plan = case.plan()
        if variant != "ops":
            model = case.network.model()
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    values.fill(parameter.data, name.removeprefix("backbone."))
            self.run: Callable[[Any], Tensor] = by_plan(model.eval()) if variant == "plan" else model
            self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        else:
            net = Ours(plan)
            self.run = partial(case.network.run, net)
            self.parameters = list(net.parameters.values())
        x = values.noise(case.shape, "input")
        # in the middle of a network a map lies as the layer before made it: the upsampled scores plane by plane, others channels last
        upsampled = getattr(case.network, "kind", "") == "loss"
        x = channels_last(x) if case.needs and not upsampled else x
        self.x = Tensor(x, requires_grad=case.needs and case.mode != "forward")
        if case.mode == "step":
            self.optimiser = nn.optim.SGD(self.parameters, lr=RATE, momentum=MOMENTUM)
        self.y: Tensor | None = None
        self.grad: Any = None

    def before(self) -> None:
        if self.mode == "backward":
            self.forget()
            self.y = self.run(self.x)
            if self.grad is None:
                # and a gradient lies as the map does
                self.grad = np.empty_like(self.y.data)
                self.grad[...] = values.noise(self.y.shape, "gradient") if self.y.ndim else 1.0

    def call(self) -> None:
        if self.mode == "forward":
            with no_grad():
                self.run(self.x)
        elif self.mode == "backward":
            assert self.y is not None
            self.y.backward(self.grad)
        else:
            self.loss(self.run(self.x)).backward()
            self.optimiser.step()
            self.optimiser.zero_grad()

    def check(self) -> dict[str, Any]:
        if self.mode == "forward":
            with no_grad():
                return {"scores": self.run(self.x).data}
        if self.mode == "backward":
            self.before()
            assert self.y is not None
            y = self.y
            self.call()
        else:
            y = self.run(self.x)
            self.loss(y).backward()
        found = {"scores": y.data, "input gradient": self.x.grad}
        if self.parameters:
            found["weight gradient"] = self.parameters[0].grad
        self.forget()
        return {name: array for name, array in found.items() if array is not None}

    def loss(self, scores: Tensor) -> Tensor:
        return ops.softmax_cross_entropy(scores, values.labels(scores.shape))

    def forget(self) -> None:
        """Drop the gradients and the graph of the call before."""
        self.y = None
        for tensor in (self.x, *self.parameters):
            tensor.grad = None


def by_plan(model: Any) -> Callable[[Tensor], Tensor]:
    """The model's forward, without a graph."""
    return lambda x: Tensor(plans.scores(model, x.data))


def channels_last(x: Any) -> Any:
    """The same values (N, C, H, W), in memory N, H, W, C: as they come out of the layer before."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
