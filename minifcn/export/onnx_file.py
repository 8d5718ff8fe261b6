"""An FCN as an ONNX file, for any size of picture: the same scores in onnxruntime, OpenVINO and others.

Source: the operators of ONNX's opset 13. Paddings are written out, never `auto_pad` or `output_shape`, which runtimes read differently.
The package `onnx` is an extra: it checks what is written, and works out the shapes that OpenCV wants to find in a file.
"""

import json
import os
from typing import Any

import numpy as np

from minifcn import nn
from minifcn.files import write_whole
from minifcn.kernels.windows import Window
from minifcn.models.fcn import FCN
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.steps import PICTURE, SCORES, Step, steps_of
from minifcn.version import __version__

OPSET, IR = 13, 8
RAW, LABELS = "picture_uint8", "labels"


def to_onnx(model: FCN, path: str | os.PathLike[str], *, preprocessing: bool = False, argmax: bool = False) -> None:
    """Write `model` to `path`, whole or not at all.

    Input: `picture`, float32 (N, 3, H, W), preprocessed; with `preprocessing` uint8 (N, H, W, 3) RGB instead. Output: `scores`, float32
    (N, classes, H, W); with `argmax` `labels`, uint8 (N, H, W), instead. Class names, label values and preprocessing stand in the file's
    metadata. Raises ImportError without the package `onnx`, ValueError for a network that ONNX's runtimes do not agree about.
    """
    onnx = onnx_package()
    graph = Graph(onnx, model)
    if preprocessing:
        graph.preprocess(model.preprocessing)
    for step in steps_of(model):
        graph.write(step)
    if argmax:
        graph.choose()
    made = graph.finish(preprocessing, argmax)
    onnx.checker.check_model(made, full_check=True)
    write_whole(path, made.SerializeToString())


def onnx_package() -> Any:
    """The package, imported when it is needed."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError("export to ONNX needs the package onnx: pip install 'minifcn[onnx]'") from error
    return onnx


class Graph:
    """The nodes and constants of a file that is being written."""

    def __init__(self, onnx: Any, model: FCN) -> None:
        self.onnx, self.model = onnx, model
        self.weights = model.state_dict()
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, array: Any) -> str:
        """An array of the file, once for each name."""
        if name not in self.constants:
            # a copy in C order: the writer takes the memory as it lies
            self.constants[name] = self.onnx.numpy_helper.from_array(np.array(array, order="C"), name)
        return name

    def write(self, step: Step) -> None:
        getattr(self, step.kind)(step)

    def conv(self, step: Step) -> None:
        """Cross-correlation, as ours; paddings above, left, below, right."""
        window, groups = options_of(step)
        self.node("Conv", self.with_weights(step), step.output, group=groups, **window_attributes(window))

    def conv_transpose(self, step: Step) -> None:
        window, groups = options_of(step)
        assert isinstance(step.layer, nn.ConvTranspose2d)
        more = step.layer.options["output_padding"]
        if more >= min(window.stride):
            raise ValueError(
                f"export: {step.name} has an output padding of {more}, a whole stride; runtimes refuse that"
            )
        self.node(
            "ConvTranspose", self.with_weights(step), step.output,
            group=groups, output_padding=[more, more], **window_attributes(window),
        )  # fmt: skip

    def max_pool(self, step: Step) -> None:
        assert isinstance(step.layer, nn.MaxPool2d)
        window = step.layer.window
        if step.layer.ceil_mode:
            window = rounded_up(step.name, window)
        self.node("MaxPool", [*step.inputs], step.output, **window_attributes(window))

    def relu(self, step: Step) -> None:
        self.node("Relu", [*step.inputs], step.output)

    def lrn(self, step: Step) -> None:
        assert isinstance(step.layer, nn.LocalResponseNorm)
        options = step.layer.options
        if options["size"] % 2 == 0:
            raise ValueError(f"export: {step.name} sums {options['size']} channels; runtimes take odd numbers alone")
        self.node(
            "LRN",
            [*step.inputs],
            step.output,
            size=options["size"],
            alpha=options["alpha"],
            beta=options["beta"],
            bias=options["k"],
        )

    def concat(self, step: Step) -> None:
        self.node("Concat", [*step.inputs], step.output, axis=1)

    def times(self, step: Step) -> None:
        factor = self.constant(f"{step.output}_factor", np.float32(step.number))
        self.node("Mul", [*step.inputs, factor], step.output)

    def add(self, step: Step) -> None:
        self.node("Add", [*step.inputs], step.output)

    def max(self, step: Step) -> None:
        self.node("Max", [*step.inputs], step.output)

    def crop(self, step: Step) -> None:
        """Rows and columns from `number` on, at most as many as the second input has: a cut that would end outside ends at the edge."""
        start = int(step.number)
        end = self.size_of(step.inputs[1])
        if start:
            end = self.node("Add", [end, self.constant(f"by_{start}", np.array([start, start]))], f"{step.output}_end")
        self.cut(step, start, end)

    def cut(self, step: Step, start: int, end: str) -> None:
        inputs = [step.inputs[0], self.constant(f"from_{start}", np.array([start, start])), end]
        self.node("Slice", [*inputs, self.constant("rows_and_columns", np.array([2, 3]))], step.output)

    def size_of(self, name: str) -> str:
        """Height and width of a map, int64 (2,)."""
        if not any(node.output[0] == f"{name}_size" for node in self.nodes):
            shape = self.node("Shape", [name], f"{name}_shape")
            self.node("Gather", [shape, self.constant("rows_and_columns", np.array([2, 3]))], f"{name}_size", axis=0)
        return f"{name}_size"

    def with_weights(self, step: Step) -> list[str]:
        """The inputs of a convolution: map, weight, and bias if it has one."""
        parameters = [name for name in (f"{step.name}.weight", f"{step.name}.bias") if name in self.weights]
        return [*step.inputs, *(self.constant(name, self.weights[name].astype(np.float32)) for name in parameters)]

    def preprocess(self, chosen: Preprocessing) -> None:
        """uint8 (N, H, W, 3) RGB -> what the network expects, as `Preprocessing` does it."""
        values = self.node("Cast", [RAW], "values", to=self.onnx.TensorProto.FLOAT)
        values = self.node("Transpose", [values], "channels_first", perm=[0, 3, 1, 2])
        if chosen.channels == "bgr":
            values = self.node("Gather", [values, self.constant("bgr", np.array([2, 1, 0]))], "turned", axis=1)
        mean = self.constant("mean", by_channel(chosen.mean))
        values = self.node("Sub", [values, mean], "centred")
        self.node("Mul", [values, self.constant("scale", by_channel(chosen.scale))], PICTURE)

    def choose(self) -> None:
        """The class of the highest score, the first of equals."""
        chosen = self.node("ArgMax", [SCORES], "chosen", axis=1, keepdims=0)
        self.node("Cast", [chosen], LABELS, to=self.onnx.TensorProto.UINT8)

    def finish(self, preprocessing: bool, argmax: bool) -> Any:
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        channels = self.weights["backbone." + next(iter(self.model.backbone.order)) + ".weight"].shape[1]
        classes = len(self.model.class_names)
        source = (
            (RAW, kinds.UINT8, ["N", "H", "W", 3])
            if preprocessing
            else (PICTURE, kinds.FLOAT, ["N", channels, "H", "W"])
        )
        result = (LABELS, kinds.UINT8, ["N", "H", "W"]) if argmax else (SCORES, kinds.FLOAT, ["N", classes, "H", "W"])
        graph = helper.make_graph(
            self.nodes, "minifcn", [helper.make_tensor_value_info(*source)], [helper.make_tensor_value_info(*result)],
            list(self.constants.values()),
        )  # fmt: skip
        opset = helper.make_opsetid("", OPSET)
        made = helper.make_model(graph, opset_imports=[opset], producer_name="minifcn", producer_version=__version__)
        made.ir_version = IR
        helper.set_model_props(made, self.metadata())
        return self.onnx.shape_inference.infer_shapes(made, strict_mode=True)

    def metadata(self) -> dict[str, str]:
        """What a program needs to use the file, as texts."""
        model = self.model
        facts = {
            "class_names": list(model.class_names),
            "classes": model.classes,
            "preprocessing": model.preprocessing._asdict(),
            "architecture": model.architecture,
            "picture_size": model.picture_size,
        }
        return {name: json.dumps(fact) for name, fact in facts.items() if fact is not None} | model.notes


def by_channel(numbers: float | tuple[float, ...]) -> np.ndarray:
    """One number, or one a channel, to be multiplied with pictures (N, 3, H, W)."""
    return np.array(numbers, np.float32).reshape(1, -1, 1, 1)


def options_of(step: Step) -> tuple[Window, int]:
    """The window of a convolution and its groups."""
    assert isinstance(step.layer, nn.Conv2d | nn.ConvTranspose2d)
    return step.layer.window, step.layer.options["groups"]


def rounded_up(name: str, window: Window) -> Window:
    """A window that counts without rounding what this one counts rounding up: a stride less one of padding below and to the right.

    Without padding and with strides up to the kernel both are the same for every size. ONNX's `ceil_mode` is not: OpenVINO refuses a
    map smaller than the kernel, and a last window that begins in the padding is dropped by onnxruntime and kept by others.
    """
    if any(map(any, window.padding)) or any(s > k for s, k in zip(window.stride, window.span, strict=True)):
        raise ValueError(f"export: {name} rounds up with padding or leaves gaps; ONNX's runtimes differ about that")
    return window._replace(padding=((0, window.stride[0] - 1), (0, window.stride[1] - 1)))


def window_attributes(window: Window) -> dict[str, list[int]]:
    """Sides, strides, paddings and dilations as ONNX has them. OpenCV 4 wants a convolution's sides, which its weight says too."""
    (top, bottom), (left, right) = window.padding
    return {
        "kernel_shape": [*window.kernel],
        "strides": [*window.stride],
        "pads": [top, left, bottom, right],
        "dilations": [*window.dilation],
    }
