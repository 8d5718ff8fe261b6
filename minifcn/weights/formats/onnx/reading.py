"""ONNX: a graph of operations with its constants. Names say little, exporters make them up; so the graph is followed, and each layer
says which layers it reads. Field numbers from onnx.proto.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minifcn.weights.formats.contents import Contents, DamagedError, Entry, shaped
from minifcn.weights.formats.mapped import mapped
from minifcn.weights.formats.onnx.following import follow
from minifcn.weights.formats.onnx.nodes import Node
from minifcn.weights.formats.wire import Field, grouped, numbers, whole_numbers

GRAPH, FUNCTION = 7, 25  # ModelProto
NODE, INITIALIZER, SPARSE = 1, 5, 15  # GraphProto
INPUT, OUTPUT, NODE_NAME, OPERATION, ATTRIBUTE, DOMAIN = 1, 2, 3, 4, 5, 7  # NodeProto
ATTRIBUTE_NAME, FLOAT, INT, TEXT, TENSOR, ATTRIBUTE_FLOATS, INTS, ATTRIBUTE_SPARSE = (
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    22,
)  # AttributeProto
IN_ATTRIBUTE = frozenset((ATTRIBUTE_NAME, FLOAT, INT, TEXT, TENSOR, ATTRIBUTE_FLOATS, INTS, ATTRIBUTE_SPARSE))
DIMS, KIND, FLOATS, INT32S, INT64S, NAME, RAW, DOUBLES, OUTSIDE, WHERE = 1, 2, 4, 5, 7, 8, 9, 10, 13, 14  # TensorProto
PAIR_KEY, PAIR_VALUE = 1, 2
FUNCTION_NAME, FUNCTION_DOMAIN = 1, 10  # FunctionProto
# TensorProto.DataType: our name, NumPy's, and in which field the numbers stand where they are not raw
KINDS = {
    1: ("float32", "<f4", FLOATS), 2: ("uint8", "u1", INT32S), 3: ("int8", "i1", INT32S), 4: ("uint16", "<u2", INT32S),
    5: ("int16", "<i2", INT32S), 6: ("int32", "<i4", INT32S), 7: ("int64", "<i8", INT64S), 9: ("bool", "?", INT32S),
    10: ("float16", "<f2", INT32S), 11: ("float64", "<f8", DOUBLES), 16: ("bfloat16", "<u2", INT32S), 17: ("float8_e4m3fn", "u1", INT32S),
    18: ("float8_e4m3fnuz", "u1", INT32S), 19: ("float8_e5m2", "u1", INT32S), 20: ("float8_e5m2fnuz", "u1", INT32S),
}  # fmt: skip
WEIGHTS = ("float32", "float16", "bfloat16", "float64")


def read_onnx(content: memoryview, folder: Path | None = None) -> Contents:
    """The constants of the graph, and its layers. `folder`: where a file lies that holds the numbers apart. Raises DamagedError."""
    parts = grouped(content, frozenset((GRAPH, FUNCTION)))
    graphs = parts[GRAPH]
    if not graphs:
        raise DamagedError(
            "a model without a graph, so no ONNX file; those of Core ML and TensorFlow begin like one, and are not read"
        )
    found = grouped(graphs[-1].bytes(), frozenset((NODE, INITIALIZER, SPARSE)))
    if found[SPARSE]:
        raise DamagedError("its weights are sparse; save them dense")
    contents, beside = Contents("ONNX"), Beside(folder)
    for field in found[INITIALIZER]:
        name, entry = tensor(field.bytes(), beside)
        contents.add(name, entry)
    nodes = [node(field.bytes()) for field in found[NODE]]
    check_functions(nodes, parts[FUNCTION])
    for each in nodes:
        if each.operation == "Constant" and each.outputs and (held := constant(each, beside)) is not None:
            contents.add(each.outputs[0], held)
    contents.nodes = [(each.name or f"number {number}", each.operation) for number, each in enumerate(nodes)]
    contents.steps = follow(nodes, contents, lambda message: tensor(message, beside)[1])
    contents.constants |= {name for name, entry in contents.entries.items() if entry.kind not in WEIGHTS}
    return contents


def check_functions(nodes: list[Node], functions: list[Field]) -> None:
    """Raise DamagedError where the graph calls functions that the file defines: what is in them is not followed."""
    parts = [grouped(function.bytes(), frozenset((FUNCTION_NAME, FUNCTION_DOMAIN))) for function in functions]
    known = {(last(each[FUNCTION_DOMAIN], Field.text, ""), last(each[FUNCTION_NAME], Field.text, "")) for each in parts}
    if called := [each.operation for each in nodes if (each.domain, each.operation) in known]:
        raise DamagedError(
            f"its graph calls functions of its own, such as {called[0]}: write them out before, with onnx.inliner.inline_local_functions"
        )


def node(message: memoryview) -> Node:
    found = grouped(message, frozenset((INPUT, OUTPUT, NODE_NAME, OPERATION, ATTRIBUTE, DOMAIN)))
    settings: dict[str, tuple[int, ...]] = {}
    numbers_of: dict[str, float] = {}
    tensors: dict[str, memoryview] = {}
    texts: dict[str, str] = {}
    rows: dict[str, np.ndarray] = {}
    for field in found[ATTRIBUTE]:
        parts = grouped(field.bytes(), IN_ATTRIBUTE)
        name = last(parts[ATTRIBUTE_NAME], Field.text, "")
        if parts[ATTRIBUTE_SPARSE]:
            raise DamagedError("its weights are sparse; save them dense")
        if parts[TEXT]:
            texts[name] = parts[TEXT][-1].text()
        if parts[ATTRIBUTE_FLOATS]:
            rows[name] = numbers(parts[ATTRIBUTE_FLOATS], "<f4")
        if parts[INTS]:
            settings[name] = tuple(whole_numbers(parts[INTS]))
        elif parts[INT]:
            settings[name] = (parts[INT][-1].signed(),)
        if parts[FLOAT]:
            numbers_of[name] = float(numbers(parts[FLOAT][-1:], "<f4")[-1])
        if parts[TENSOR]:
            tensors[name] = parts[TENSOR][-1].bytes()
    inputs, outputs = ([field.text() for field in found[number]] for number in (INPUT, OUTPUT))
    return Node(
        last(found[NODE_NAME], Field.text, ""), last(found[OPERATION], Field.text, ""), inputs, outputs, settings, numbers_of, tensors,
        last(found[DOMAIN], Field.text, ""), texts, rows,
    )  # fmt: skip


def constant(node: Node, beside: "Beside") -> Entry | None:
    """What a Constant holds, in any of the ways that ONNX has for numbers; None for texts."""
    if "value" in node.tensors:
        return tensor(node.tensors["value"], beside)[1]
    if "value_floats" in node.rows:
        return Entry(node.rows["value_floats"], "float32")
    if "value_float" in node.numbers:
        return Entry(np.array(node.numbers["value_float"], np.float32), "float32")
    if "value_ints" in node.settings:
        return Entry(np.array(node.settings["value_ints"], np.int64), "int64")
    if "value_int" in node.settings:
        return Entry(np.array(node.settings["value_int"][0], np.int64), "int64")
    return None


def last(found: list[Field], read: Callable[[Field], Any], default: Any) -> Any:
    return read(found[-1]) if found else default


def tensor(message: memoryview, beside: "Beside") -> tuple[str, Entry]:
    """(name, numbers) of a TensorProto."""
    found = grouped(message, frozenset((DIMS, KIND, FLOATS, INT32S, INT64S, NAME, RAW, DOUBLES, OUTSIDE, WHERE)))
    name, number = last(found[NAME], Field.text, "(no name)"), last(found[KIND], Field.whole, 0)
    if number not in KINDS:
        raise DamagedError(f"{name} holds numbers of the kind {number}, which is none that weights have")
    kind, dtype, where = KINDS[number]
    shape = tuple(whole_numbers(found[DIMS]))
    if last(found[WHERE], Field.whole, 0) == 1:
        size = np.dtype(dtype).itemsize * math.prod(shape)
        values = raw(beside.part(name, dict(pair(field.bytes()) for field in found[OUTSIDE]), size), dtype, name)
    elif found[RAW]:
        values = raw(found[RAW][-1].bytes(), dtype, name)
    elif where in (FLOATS, DOUBLES):
        values = numbers(found[where], dtype) if found[where] else np.empty(0, dtype)
    else:
        listed = whole_numbers(found[where])
        wide = np.dtype("<u2" if kind == "float16" else dtype)
        if any(not -(1 << 63) <= value < 1 << 63 for value in listed):
            raise DamagedError(f"{name} holds a number that is too large")
        values = np.array(listed, np.int64).astype(wide).view(dtype)
    return name, Entry(shaped(values, shape, name), kind)


def raw(content: memoryview, dtype: str, name: str) -> np.ndarray:
    if len(content) % np.dtype(dtype).itemsize:
        raise DamagedError(f"{name} is cut off within a number")
    return np.frombuffer(content, dtype)


def pair(message: memoryview) -> tuple[str, str]:
    found = grouped(message, frozenset((PAIR_KEY, PAIR_VALUE)))
    return last(found[PAIR_KEY], Field.text, ""), last(found[PAIR_VALUE], Field.text, "")


class Beside:
    """Files beside the model that hold numbers of its tensors, as PyTorch writes model.onnx.data. Nothing outside the folder is opened."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.files: dict[str, memoryview] = {}

    def part(self, name: str, said: dict[str, str], size: int) -> memoryview:
        """The bytes of the tensor `name`: `said` tells where they are, and how many unless it is `size`, those of its shape."""
        file, offset, length = said.get("location", ""), said.get("offset", "0"), said.get("length", str(size))
        file = file.removeprefix("./")
        if not file or Path(file).name != file or "\\" in file or ":" in file or file in (".", ".."):
            raise DamagedError(f"{name} lies in another file, {file[:60]!r}; only one beside this one is read")
        if self.folder is None or not (self.folder / file).is_file():
            raise DamagedError(
                f"{name} lies in another file, {file[:60]!r}, which is not there: put it beside this one"
            )
        if file not in self.files:
            self.files[file] = mapped(self.folder / file)
        if not (offset.isdecimal() and length.isdecimal() and len(offset) < 16 and len(length) < 16):
            raise DamagedError(f"{name} lies in {file}, but not said where")
        content = self.files[file][int(offset) : int(offset) + int(length)]
        if len(content) < int(length):
            raise DamagedError(f"{name} is cut off in {file}")
        return content
