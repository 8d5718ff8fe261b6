"""Networks as they are used, forward alone: minifcn in turns with the runtimes that read its ONNX export, and with PyTorch on its page.

Each program gets the same threads, the same pictures and float32. What it computes is compared before it is timed.
"""

import importlib
import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from minifcn import plans
from minifcn.bench import measure, values
from minifcn.bench.cases import VGG16
from minifcn.bench.measure import Timing
from minifcn.bench.shapes import Shape
from minifcn.export import to_onnx, to_torch
from minifcn.models import FCN, fcn8s, load

TOLERANCE = 1e-3  # of the largest score


class Used(NamedTuple):
    """A network that is used, and the pictures that it gets."""

    build: Callable[[], FCN]
    shape: Shape


def filled(build: Callable[[], FCN]) -> FCN:
    """A network in eval mode whose weights follow from their names: no layer is zero, as score layers are at first."""
    model = build().eval()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            values.fill(parameter.data, name)
    return model


USED = {
    "voc7": Used(partial(load, "voc7"), (1, 3, 192, 256)),
    "voc7-of-8": Used(partial(load, "voc7"), (8, 3, 192, 256)),
    "tiny": Used(partial(filled, partial(fcn8s, "tiny", 9, width=12)), (1, 3, 128, 128)),
    "vgg": Used(partial(filled, VGG16.model), (1, 3, 384, 384)),
}


class Ours:
    """minifcn itself, as `predict` runs it: by a plan."""

    name = "minifcn"

    def __init__(self, model: FCN, x: Any, folder: Path, threads: int) -> None:
        self.model, self.x = model, x

    def call(self) -> Any:
        return plans.scores(self.model, self.x)


class OnnxRuntime:
    """onnxruntime on the export."""

    name = "onnxruntime"

    def __init__(self, model: FCN, x: Any, folder: Path, threads: int) -> None:
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        to_onnx(model, folder / "model.onnx")
        made = runtime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.run = partial(made.run, None, {"picture": x})

    def call(self) -> Any:
        return self.run()[0]


class OpenVino:
    """OpenVINO on the export, told to compute in float32: by itself it may take fewer bits."""

    name = "openvino"

    def __init__(self, model: FCN, x: Any, folder: Path, threads: int) -> None:
        core = importlib.import_module("openvino").Core()
        to_onnx(model, folder / "model.onnx")
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self.run, self.x = core.compile_model(core.read_model(folder / "model.onnx"), "CPU", settings), x

    def call(self) -> Any:
        return next(iter(self.run([self.x]).values()))


class Torch:
    """PyTorch on the page that `export` writes, in the memory format that is the faster of the two."""

    name = "torch"

    def __init__(self, model: FCN, x: Any, folder: Path, threads: int) -> None:
        self.torch = importlib.import_module("torch")
        to_torch(model, folder / "page.py")
        spec = importlib.util.spec_from_file_location("page", folder / "page.py")
        assert spec is not None and spec.loader is not None
        page = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(page)
        self.net = page.load()
        formats = (self.torch.contiguous_format, self.torch.channels_last)
        seconds = {}
        for format_ in formats:
            self.lay(x, format_)
            seconds[format_] = min([measure.once(Timed(self)) for _ in range(4)][1:])
        self.lay(x, min(seconds, key=seconds.__getitem__))

    def lay(self, x: Any, format_: Any) -> None:
        self.net, self.x = self.net.to(memory_format=format_), self.torch.from_numpy(x).to(memory_format=format_)

    def call(self) -> Any:
        with self.torch.inference_mode():
            return self.net(self.x).numpy()


RIVALS: dict[str, Any] = {rival.name: rival for rival in (Torch, OnnxRuntime, OpenVino)}


class Timed:
    """Any of them as `measure` wants a program."""

    def __init__(self, program: Any) -> None:
        self.program, self.name = program, program.name

    def before(self) -> None: ...

    def call(self) -> None:
        self.program.call()

    def check(self) -> dict[str, Any]:
        return {"scores": self.program.call()}


class UsedRow(NamedTuple):
    """Seconds a call, by program; minifcn first."""

    name: str
    timings: dict[str, Timing]

    @property
    def ratio(self) -> float | None:
        """minifcn's median by that of the fastest other program."""
        ours, *others = (timing.median for timing in self.timings.values())
        return ours / min(others) if others else None

    def as_json(self) -> dict[str, Any]:
        seconds = {
            name: {"median": timing.median, "seconds": list(timing.times)} for name, timing in self.timings.items()
        }
        return {"case": self.name, "ratio": self.ratio, "programs": seconds}


def missing(rivals: list[str]) -> list[str]:
    """Which of the programs are not installed; the runtimes need the package onnx too."""
    needed = {name: [name] if name == "torch" else [name, "onnx"] for name in rivals}
    return [name for name, modules in needed.items() if not all(map(importlib.util.find_spec, modules))]


def run_used(name: str, rivals: list[str], threads: int, repeat: int | None) -> UsedRow:
    """Build, compare, time in turns. RuntimeError where a program computes something else."""
    used = USED[name]
    x = values.noise(used.shape, "input")
    with tempfile.TemporaryDirectory() as folder:
        makers = [Ours, *(RIVALS[rival] for rival in rivals)]
        ours, *others = programs = [Timed(make(used.build(), x, Path(folder), threads)) for make in makers]
        expected = ours.check()
        for other in others:
            apart = measure.furthest(other.check(), expected)["scores"]
            if not apart <= TOLERANCE:
                raise RuntimeError(
                    f"bench: {name}: the scores of minifcn and {other.name} differ by {apart:.1e} of the largest"
                )
        return UsedRow(name, measure.in_turns(programs, repeat))
