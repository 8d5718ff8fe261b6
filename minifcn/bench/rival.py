"""The third reading: PyTorch runs the network, as well as it can.

It gets as many threads as we use, inference mode for a forward, ReLU in place, the fused SGD, and the memory format (contiguous or
channels last) that was the faster of the two when tried on this case.
"""

import importlib
import importlib.util
from functools import partial
from typing import Any

from minifcn.bench import values
from minifcn.bench.cases import MOMENTUM, RATE, Case
from minifcn.bench.shapes import Shapes
from minifcn.nn.initialisers import bilinear

FORMATS = ("contiguous", "channels_last")


def installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def pytorch() -> Any:
    return importlib.import_module("torch")


class Theirs:
    """A network's calls as calls of torch.nn.functional on parameters by name, in one memory format."""

    def __init__(self, plan: Shapes, memory_format: str) -> None:
        self.torch = pytorch()
        self.functional = importlib.import_module("torch.nn.functional")
        self.format = getattr(
            self.torch, {"contiguous": "contiguous_format", "channels_last": "channels_last"}[memory_format]
        )
        self.parameters: dict[str, Any] = {}
        for name, shape in plan.parameters.items():
            tensor = self.torch.empty(shape)
            values.fill(tensor.numpy(), name)  # they share their memory
            self.parameters[name] = self.laid(tensor).requires_grad_()
        self.kernels = {
            name: self.torch.from_numpy(bilinear(channels, size)) for name, (channels, size) in plan.upsampling.items()
        }

    def laid(self, tensor: Any) -> Any:
        return tensor.contiguous(memory_format=self.format) if tensor.ndim == 4 else tensor

    def conv(self, name: str, x: Any, channels: int, kernel: int, padding: int = 0, stride: int = 1) -> Any:
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        return self.functional.conv2d(x, weight, bias, stride, padding)

    def upsample(self, name: str, x: Any, factor: int, padding: int) -> Any:
        kernel = self.kernels[f"{name}.weight"]
        return self.functional.conv_transpose2d(x, kernel, None, factor, padding, groups=x.shape[1])

    def max_pool(self, name: str, x: Any, kernel: int, stride: int) -> Any:
        return self.functional.max_pool2d(x, kernel, stride, ceil_mode=True)

    def loss(self, name: str, x: Any) -> Any:
        labels = self.torch.from_numpy(values.labels(tuple(x.shape)))
        return self.functional.cross_entropy(x, labels, ignore_index=255)

    def relu(self, x: Any) -> Any:
        return self.functional.relu(x, inplace=True)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def concat(self, maps: list[Any]) -> Any:
        return self.torch.cat(maps, 1)

    def crop(self, x: Any, offset: int, size: tuple[int, int]) -> Any:
        return x[:, :, offset : offset + size[0], offset : offset + size[1]]

    def size(self, x: Any) -> tuple[int, int]:
        return x.shape[2], x.shape[3]


class TheirProgram:
    """A case as PyTorch runs it."""

    def __init__(self, case: Case, memory_format: str) -> None:
        self.name, self.mode, self.format = "PyTorch", case.mode, memory_format
        self.net = Theirs(case.plan(), memory_format)
        self.torch = self.net.torch
        self.run = partial(case.network.run, self.net)
        self.parameters = list(self.net.parameters.values())
        self.x = self.net.laid(self.torch.from_numpy(values.noise(case.shape, "input")))
        self.x.requires_grad_(case.needs and case.mode != "forward")
        if case.mode == "step":
            self.optimiser = sgd(self.torch, self.parameters)
        self.y: Any = None
        self.grad: Any = None

    def before(self) -> None:
        if self.mode == "backward":
            self.forget()
            self.y = self.run(self.x)
            if self.grad is None and self.y.ndim:
                self.grad = self.net.laid(self.torch.from_numpy(values.noise(tuple(self.y.shape), "gradient")))

    def call(self) -> None:
        if self.mode == "forward":
            with self.torch.inference_mode():
                self.run(self.x)
        elif self.mode == "backward":
            self.y.backward(self.grad)
        else:
            self.net.loss("loss", self.run(self.x)).backward()
            self.optimiser.step()
            self.optimiser.zero_grad()

    def check(self) -> dict[str, Any]:
        if self.mode == "forward":
            with self.torch.inference_mode():
                return {"scores": self.run(self.x).numpy()}
        if self.mode == "backward":
            self.before()
            y = self.y
            self.call()
        else:
            y = self.run(self.x)
            self.net.loss("loss", y).backward()
        found = {"scores": y.detach(), "input gradient": self.x.grad}
        if self.parameters:
            found["weight gradient"] = self.parameters[0].grad
        self.forget()
        return {name: tensor.numpy() for name, tensor in found.items() if tensor is not None}

    def forget(self) -> None:
        self.y = None
        for tensor in (self.x, *self.parameters):
            tensor.grad = None


def sgd(torch: Any, parameters: list[Any]) -> Any:
    try:
        return torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM, fused=True)
    except (RuntimeError, TypeError):  # before PyTorch 2.4 there is none for the CPU
        return torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM)
