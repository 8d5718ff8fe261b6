"""What a graph is made of, as the walk through it sees it: operations, the maps between them, and constants in the form that layers have."""

from dataclasses import dataclass, field, replace

import numpy as np

from minifcn.weights.formats.contents import DamagedError, Entry

OWN = ("", "ai.onnx")
FUSED = {"FusedConv": "Conv", "FusedGemm": "Gemm"}  # onnxruntime's: an activation is in it
QUANTISED = ("ConvInteger", "MatMulInteger", "DequantizeLinear", "DynamicQuantizeMatMul", "MatMulIntegerToFloat")
MOST_AXES = 32
NOTHING: frozenset[int] = frozenset()
FLOATS = {
    1: "float32",
    10: "float16",
    11: "float64",
    16: "bfloat16",
}  # TensorProto.DataType, of those that a Cast may name


@dataclass(frozen=True)
class Node:
    """An operation of the graph."""

    name: str
    operation: str
    inputs: list[str]
    outputs: list[str]
    settings: dict[str, tuple[int, ...]]
    numbers: dict[str, float]
    tensors: dict[str, memoryview]
    domain: str = ""  # whose operation it is; ONNX's own have none
    texts: dict[str, str] = field(default_factory=dict)
    rows: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """A map on its way. `sources`: the steps that it comes from. `passed`: what it went through since. `last`: its channels stand last, or
    did when it was flattened. `pads`: zeros that were put around it, above, left, below and right."""

    sources: frozenset[int] = NOTHING
    passed: frozenset[str] = frozenset()
    last: bool = False
    pads: tuple[int, ...] = ()

    def through(self, *operations: str) -> "Value":
        return replace(self, passed=self.passed | frozenset(operations))


def as_kind(entry: Entry, number: int) -> Entry | None:
    """The numbers after a Cast to a kind of floats; None for other kinds."""
    kind = FLOATS.get(number)
    if kind is None or kind == "bfloat16" or entry.kind not in FLOATS.values():
        return None
    with np.errstate(over="ignore"):  # infinity is refused later, by name
        values = entry.float32() if entry.kind == "bfloat16" else entry.array
        return replace(entry, array=values.astype(kind), kind=kind)


def reshaped(entry: Entry, node: Node, given: np.ndarray | None) -> Entry | None:
    """An array in another shape: `given` are the sides that Reshape asks for, or the axes of Squeeze and Unsqueeze. None where they do not fit."""
    made: np.ndarray
    array, asked = entry.array, [int(each) for each in given.ravel()[:MOST_AXES]] if given is not None else []
    axes = tuple(node.settings.get("axes", asked if len(node.inputs) > 1 else ()))
    try:
        match node.operation:
            case "Reshape":
                sides = [array.shape[place] if side == 0 else side for place, side in enumerate(asked)]
                made = array.reshape(sides)
            case "Unsqueeze":
                made = np.expand_dims(array, axes)
            case "Squeeze":
                made = np.squeeze(array, axes or None)
            case _:
                made = array.reshape(int(np.prod(array.shape[: node.settings.get("axis", (1,))[0]])), -1)
    except (ValueError, IndexError):
        return None
    return None if entry.transposed or entry.channels_last else replace(entry, array=made)


def matrix(entry: Entry, turned: bool, last: bool) -> Entry:
    """A matrix as its layer multiplies with it. `turned`: (inputs, outputs). `last`: its inputs are a map that was flattened with its channels last."""
    transposed = entry.transposed != turned
    if last:
        return Entry(entry.array if transposed else entry.array.T, entry.kind, channels_last=True)
    return Entry(entry.array, entry.kind, transposed)


def plain(node: Node) -> Node:
    """A node with constants as ONNX itself has it. Raises DamagedError where those are no weights as a network has them."""
    if node.operation in QUANTISED or node.operation.startswith("QLinear"):
        raise DamagedError(
            f"its graph has {node.operation}, so its weights are quantised, which is not read; export it before"
        )
    if node.domain in OWN:
        return node
    if node.domain == "com.microsoft" and node.operation in FUSED and not any(node.inputs[3:]):
        return replace(node, operation=FUSED[node.operation], domain="")
    raise DamagedError(
        f"its graph has {node.operation} of {node.domain}, which is no operation of ONNX and can keep its weights in any order; "
        "import the file as it was before a runtime optimised it"
    )
