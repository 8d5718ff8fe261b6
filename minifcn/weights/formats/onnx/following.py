"""An ONNX graph followed from the picture on: which layers have weights, which of them each reads, and what stands between."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from minifcn.weights.formats.contents import Contents, DamagedError, Entry, Step
from minifcn.weights.formats.onnx.nodes import MOST_AXES, NOTHING, OWN, Node, Value, as_kind, matrix, plain, reshaped
from minifcn.weights.formats.onnx.windows import around, padded_by, window_settings, words

NORM = "BatchNormalization"
MATRICES = ("Gemm", "MatMul")
ARITHMETIC = ("Mul", "Add", "Sub", "Div")
RESHAPING = ("Reshape", "Unsqueeze", "Squeeze", "Flatten")
AVERAGES = ("AveragePool", "GlobalAveragePool", "ReduceMean")
AVERAGE = "average"
MOST_NODES = 20_000
# a Clip from above beyond it does nothing: so exporters write that there is none
LARGEST = float(np.finfo(np.float16).max)
LARGEST_MADE = 1 << 20  # numbers of a ConstantOfShape: a few bytes can ask for any
# whose first input is the map, and whose other inputs are settings: a ratio, bounds, sizes
BY_SETTINGS = ("Dropout", "Clip", *RESHAPING, "Pad", "ReduceMean", "Slice", "Gather", "Cast", "Resize")
# what gives the same numbers to the next layer, perhaps in another shape
HARMLESS = ("Identity", "Cast", "Dropout", *RESHAPING, "Concat")
LAST, FIRST = (0, 2, 3, 1), (0, 3, 1, 2)  # the axes turned: channels last, and back
FOLD = "fold its constants before, for example with onnxsim"


class Walk:
    """What is known so far: the steps, what every value is, other names of constants, those that others were made of, and what is worked out
    from constants alone."""

    def __init__(self, contents: Contents, tensor: Callable[[memoryview], Entry]) -> None:
        self.contents, self.tensor = contents, tensor
        self.steps: list[Step] = []
        self.values: dict[str, Value] = {}
        self.alias: dict[str, str] = {}
        self.other_forms: set[str] = set()
        self.worked: dict[str, str] = {}

    def constant(self, name: str) -> str | None:
        """The array that `name` stands for; None for a value that is computed."""
        name = self.alias.get(name, name)
        return name if name in self.contents.entries else None

    def incoming(self, node: Node) -> Value:
        """What comes into `node`, all of it as one."""
        names = node.inputs[:1] if node.operation in BY_SETTINGS else node.inputs
        found = [self.values.get(name, Value()) for name in names if name and self.constant(name) is None]
        made = Value(
            NOTHING.union(*(each.sources for each in found)), frozenset[str]().union(*(each.passed for each in found)),
            any(each.last for each in found), found[0].pads if found else (),
        )  # fmt: skip
        return made.through("Pad") if len(found) > 1 and any(each.pads for each in found) else made

    def visit(self, node: Node) -> None:
        """Note what `node` adds."""
        if not node.outputs:
            return
        if node.operation == "Constant":
            self.worked |= {name: "Constant" for name in node.outputs if name not in self.contents.entries}
            return
        given = [name for name in node.inputs if name]
        arrays = tuple(found for name in given if (found := self.constant(name)) is not None)
        if arrays:
            node = plain(node)
        if (
            node.operation == "CastLike" and node.inputs and (found := self.constant(node.inputs[0]))
        ):  # as wide as the map
            self.alias[node.outputs[0]] = found
            return
        if given and all(self.constant(name) is not None or name in self.worked for name in given):
            return self.of_constants(node, arrays)
        value = self.incoming(node)
        if node.operation == "Conv" or (node.operation in MATRICES and self.has_weight(node, arrays)):
            value = self.layer(node, value)
        elif node.operation == NORM:
            value = self.norm(node, value)
        elif node.operation == "Add" and arrays and self.bias(arrays[0], value):
            pass
        else:
            value = self.between(node, arrays, value)
        self.values |= dict.fromkeys(node.outputs, value)

    def of_constants(self, node: Node, arrays: tuple[str, ...]) -> None:
        """Constants under another name, turned, or of another kind. What else is made of constants is no weight that can be read."""
        if len(arrays) < len([name for name in node.inputs if name]):
            pass
        elif node.operation == "Identity":
            self.alias[node.outputs[0]] = arrays[0]
            return
        elif node.operation in RESHAPING and (
            made := reshaped(self.contents.entries[arrays[0]], node, self.array(arrays[-1]))
        ):
            self.contents.constants.update(arrays[1:])
            return self.replaced(arrays[0], node.outputs[0], made)
        elif node.operation == "Transpose":
            found = self.contents.entries[arrays[0]]
            if node.settings.get("perm", (1, 0)) != (1, 0) or len(found.shape) != 2:
                raise DamagedError(f"its graph turns the axes of {arrays[0]}; fold its constants before")
            self.replaced(arrays[0], node.outputs[0], Entry(found.array, found.kind, not found.transposed))
            return
        elif node.operation == "Cast" and (
            made := as_kind(self.contents.entries[arrays[0]], node.settings.get("to", (0,))[0])
        ):
            self.replaced(arrays[0], node.outputs[0], made)
            return
        elif made := self.filled(node, arrays):
            if node.operation != "Shape":
                self.contents.constants.update(arrays)
            self.contents.add(node.outputs[0], made)
            return
        self.worked |= dict.fromkeys(node.outputs, node.operation)

    def replaced(self, name: str, by: str, entry: Entry) -> None:
        """An array in another form. The first stays for others: programs that shrink a file keep equal ones once."""
        self.other_forms.add(name)
        self.contents.add(by, entry)

    def drop_other_forms(self) -> None:
        """Forget what only served to make arrays that are read."""
        used = {name for step in self.steps for name in (*step.arrays, *step.norm)}
        for name in self.other_forms - used - set(self.contents.before):
            del self.contents.entries[name]

    def filled(self, node: Node, arrays: tuple[str, ...]) -> Entry | None:
        """The sides of an array, and an array of one number everywhere: how PyTorch's exporter, unoptimised, writes a bias of zeros."""
        first = self.contents.entries[arrays[0]]
        if node.operation == "Shape":
            start, end = (node.settings.get(name, (None,))[0] for name in ("start", "end"))
            return Entry(np.array(first.shape[start:end], np.int64), "int64")
        if node.operation == "ConstantOfShape":
            said = (
                self.tensor(node.tensors["value"]) if "value" in node.tensors else Entry(np.zeros(1, "f4"), "float32")
            )
        elif node.operation == "Expand":
            said = first
        else:
            return None
        asked = self.contents.entries[arrays[-1]]
        if asked.kind != "int64" or asked.array.size > MOST_AXES:
            return None
        sides = [int(side) for side in asked.array.ravel()]
        large = any(side < 0 for side in sides) or np.prod([float(side) for side in sides]) > LARGEST_MADE
        return Entry(np.full(sides, said.array.flat[0]), said.kind) if said.array.size == 1 and not large else None

    def has_weight(self, node: Node, arrays: tuple[str, ...]) -> bool:
        return bool(arrays) or node.operation == "Gemm" or any(name in self.worked for name in node.inputs)

    def weights(self, node: Node, names: list[str]) -> tuple[str, ...]:
        """The arrays of a layer. Raises DamagedError where one is worked out by the graph: left out, the layer would be another."""
        found = []
        for name in filter(None, names):
            array = self.constant(name)
            if array is None:
                how = f"from constants, by {self.worked[name]}" if name in self.worked else "as it runs"
                raise DamagedError(f"its graph works out {name[:60]}, of {node.operation}, {how}; {FOLD}")
            found.append(array)
        return tuple(found)

    def layer(self, node: Node, value: Value) -> Value:
        names = node.inputs[1:]
        if node.operation == "MatMul":
            names = [name for name in node.inputs if self.constant(name) is not None or name in self.worked]
        arrays = self.weights(node, names)
        if not arrays:
            raise DamagedError(f"its graph has a {node.operation} without a weight: damaged")
        turned = node.operation == "MatMul" or (node.operation == "Gemm" and node.settings.get("transB", (0,)) == (0,))
        if any(node.numbers.get(name, 1.0) != 1.0 for name in ("alpha", "beta")) or node.settings.get(
            "transA", (0,)
        ) != (0,):
            raise DamagedError(f"its graph has a {node.operation} with factors, which no layer here has")
        weight = self.contents.entries[arrays[0]]
        if node.operation in MATRICES and len(weight.shape) == 2:
            self.contents.entries[arrays[0]] = matrix(weight, turned, value.last)
        settings: dict[str, tuple[int, ...]] = {}
        if node.operation == "Conv":
            value = value.through("Transpose") if value.last else value
            settings, strange = window_settings(node.settings, node.texts, weight.shape[2:], value.pads)
            value = value.through(*strange)
        elif value.pads:
            value = value.through("Pad")
        self.steps.append(Step(node.operation, arrays, value.sources, settings, passed=value.passed))
        activation = node.texts.get("activation", "")
        return Value(frozenset((len(self.steps) - 1,)), frozenset((activation,) if activation else ()))

    def norm(self, node: Node, value: Value) -> Value:
        """A batch norm right behind a convolution belongs to it; any other is a layer."""
        arrays, place = self.weights(node, node.inputs[1:5]), next(iter(value.sources), None)
        epsilon = node.numbers.get("epsilon", 1e-5)
        if len(value.sources) == 1 and place is not None and not value.passed:
            step = self.steps[place]
            if not step.norm and step.operation == "Conv":
                self.steps[place] = replace(step, norm=arrays, epsilon=epsilon)
                return value
        self.steps.append(Step(NORM, arrays, value.sources, passed=value.passed))
        return Value(frozenset((len(self.steps) - 1,)))

    def bias(self, array: str, value: Value) -> bool:
        """Whether an Add is the bias of the layer right before it, which has none yet: a number a channel, (C, 1, 1) where rows and columns
        follow."""
        place = next(iter(value.sources), None)
        if len(value.sources) != 1 or place is None or value.passed or len(self.steps[place].arrays) != 1:
            return False
        entry, step = self.contents.entries[array], self.steps[place]
        behind = 2 if step.operation == "Conv" and not value.last else 0
        channels = entry.shape[-1 - behind :][:1]
        if step.norm or not channels or entry.array.size != channels[0] or len(entry.shape) <= behind:
            return False
        self.steps[place] = replace(step, arrays=(*step.arrays, array))
        return True

    def between(self, node: Node, arrays: tuple[str, ...], value: Value) -> Value:
        """What a map is behind an operation without weights."""
        operation = node.operation if node.domain in OWN else f"{node.operation} of {node.domain}"
        if operation in BY_SETTINGS or operation == "Concat":
            self.contents.constants.update(arrays)
        if arrays and not value.sources and (operation in ARITHMETIC or self.reorders(operation, arrays)):
            self.contents.before += [name for name in arrays if name not in self.contents.before]
            self.contents.constants -= set(arrays)
        if name := next((name for name in node.inputs if name in self.worked and operation in ARITHMETIC), None):
            self.weights(node, [name])
        if operation == "Transpose":
            return self.turned(node, value)
        if operation == "Pad":
            pads = padded_by(node.settings, node.texts, node.numbers, [self.array(name) for name in node.inputs[1:3]])
            pads = around(pads, value.last)
            return value.through("Pad") if pads is None or value.pads else replace(value, pads=pads)
        if operation == "MaxPool":
            return replace(value, pads=()).through(words("MaxPool", node.settings, node.texts, value.pads))
        if operation in AVERAGES:
            same = operation == "AveragePool" and set(node.settings.get("kernel_shape", ())) == {1}
            return value if same else value.through(AVERAGE)
        if (operation == "Clip" and self.is_relu(node)) or (operation == "Max" and self.all_zero(arrays)):
            self.contents.constants.update(arrays)
            return value.through("Relu")
        return value if operation in HARMLESS else value.through(operation)

    def array(self, name: str) -> np.ndarray | None:
        found = self.constant(name)
        return None if found is None else self.contents.entries[found].array

    def is_relu(self, node: Node) -> bool:
        """Whether a Clip cuts at 0 from below, and from above where no number is."""
        low, high = (*node.inputs[1:3], "", "")[:2]
        least = self.single(low) if low else node.numbers.get("min")
        most = self.single(high) if high else node.numbers.get("max", np.inf)
        return least == 0 and most is not None and most >= LARGEST

    def single(self, name: str) -> float | None:
        """The number that a constant of one number holds."""
        found = self.array(name)
        return float(found.flat[0]) if found is not None and found.size == 1 else None

    def all_zero(self, arrays: tuple[str, ...]) -> bool:
        return len(arrays) == 1 and self.single(arrays[0]) == 0

    def reorders(self, operation: str, arrays: tuple[str, ...]) -> bool:
        """Whether the picture's channels may come in another order behind it: picked one by one, or counted from behind."""
        found = [self.contents.entries[name].array for name in arrays]
        return (operation == "Gather" and found[0].size > 1) or (
            operation == "Slice" and any((each < 0).any() for each in found[3:])
        )

    def turned(self, node: Node, value: Value) -> Value:
        axes = node.settings.get("perm", ())
        if axes == LAST and not value.last:
            return replace(value, last=bool(value.sources))
        if axes == FIRST or (axes == (2, 0, 1) and not value.sources):
            return replace(value, last=False)
        return value.through(f"Transpose to {axes}")


def follow(nodes: list[Node], contents: Contents, tensor: Callable[[memoryview], Entry]) -> list[Step]:
    """The layers with weights in the order of the file, which ONNX says is that of computing. `tensor` reads a node's own. Raises DamagedError."""
    if len(nodes) > MOST_NODES:
        raise DamagedError(f"a graph of more than {MOST_NODES:,} operations")
    walk = Walk(contents, tensor)
    for node in nodes:
        walk.visit(node)
    walk.drop_other_forms()
    return walk.steps
