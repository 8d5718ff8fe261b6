"""An ONNX graph followed from the picture on: which layers have weights, and which of them each reads."""

from dataclasses import dataclass, replace

from minifcn.weights.formats.contents import Contents, DamagedError, Entry, Step

SETTINGS = ("strides", "dilations", "group", "pads")
NORM = "BatchNormalization"
MATRICES = ("Gemm", "MatMul")
ARITHMETIC = ("Mul", "Add", "Sub", "Div")
RESHAPING = ("Reshape", "Unsqueeze", "Squeeze")
OWN = ("", "ai.onnx")
FUSED = {"FusedConv": "Conv", "FusedGemm": "Gemm"}  # onnxruntime's: an activation is in it
QUANTISED = ("ConvInteger", "MatMulInteger", "DequantizeLinear", "DynamicQuantizeMatMul", "MatMulIntegerToFloat")
MOST_NODES = 20_000
NOTHING: frozenset[int] = frozenset()
# whose constants are settings: a ratio, bounds, sizes
BY_SETTINGS = (
    "Dropout",
    "Clip",
    "Reshape",
    "Unsqueeze",
    "Squeeze",
    "Pad",
    "ReduceMean",
    "Slice",
    "Gather",
    "Concat",
    "Cast",
    "Resize",
)


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


class Walk:
    """What is known so far: the steps, which of them a value comes from, and other names of constants."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.steps: list[Step] = []
        self.origin: dict[str, frozenset[int]] = {}
        self.alias: dict[str, str] = {}

    def constant(self, name: str) -> str | None:
        """The array that `name` stands for; None for a value that is computed."""
        name = self.alias.get(name, name)
        return name if name in self.contents.entries else None

    def origins(self, node: Node) -> frozenset[int]:
        return NOTHING.union(*(self.origin.get(name, NOTHING) for name in node.inputs))

    def visit(self, node: Node) -> None:
        """Note what `node` adds."""
        arrays = tuple(found for name in node.inputs if (found := self.constant(name)) is not None)
        sources = self.origins(node)
        if arrays:
            node = plain(node)
        if len(arrays) == len(node.inputs) > 0 and node.operation in ("Identity", "Transpose"):
            return self.rename(node, arrays[0])
        if node.operation in RESHAPING and node.inputs and self.constant(node.inputs[0]):
            self.alias |= dict.fromkeys(node.outputs, arrays[0])  # a bias of 1 x channels x 1 x 1
            return self.contents.constants.update(arrays[1:])
        if node.operation == "Conv" or (node.operation in MATRICES and arrays):
            sources = self.layer(node, arrays, sources)
        elif node.operation == NORM and len(arrays) >= 4:
            sources = self.norm(node, arrays[:4], sources)
        elif node.operation == "Add" and arrays and self.bias(arrays[0], sources):
            pass
        elif arrays and node.operation in BY_SETTINGS:
            self.contents.constants.update(arrays)
        elif arrays and node.operation in ARITHMETIC and not sources:
            self.contents.before += arrays
        for name in node.outputs:
            self.origin[name] = sources

    def rename(self, node: Node, array: str) -> None:
        """A constant under another name, perhaps as a matrix turned round."""
        for name in node.outputs[:1]:
            if node.operation == "Identity":
                self.alias[name] = array
                continue
            if node.settings.get("perm", (1, 0)) != (1, 0) or len(self.contents.entries[array].shape) != 2:
                raise DamagedError(f"its graph turns the axes of {array}; fold its constants before")
            found = self.contents.entries.pop(array)
            self.contents.add(name, Entry(found.array, found.kind, not found.transposed))

    def layer(self, node: Node, arrays: tuple[str, ...], sources: frozenset[int]) -> frozenset[int]:
        turned = node.operation == "MatMul" or (node.operation == "Gemm" and node.settings.get("transB", (0,)) == (0,))
        if any(node.numbers.get(name, 1.0) != 1.0 for name in ("alpha", "beta")) or node.settings.get(
            "transA", (0,)
        ) != (0,):
            raise DamagedError(f"its graph has a {node.operation} with factors, which no layer here has")
        if turned and len(self.contents.entries[arrays[0]].shape) == 2:
            found = self.contents.entries[arrays[0]]
            self.contents.entries[arrays[0]] = Entry(found.array, found.kind, not found.transposed)
        settings = {name: node.settings[name] for name in SETTINGS if name in node.settings}
        self.steps.append(Step(node.operation, arrays, sources, settings))
        return frozenset((len(self.steps) - 1,))

    def norm(self, node: Node, arrays: tuple[str, ...], sources: frozenset[int]) -> frozenset[int]:
        """A batch norm behind a convolution belongs to it; any other is a layer."""
        place = next(iter(sources), None)
        epsilon = node.numbers.get("epsilon", 1e-5)
        if (
            len(sources) == 1
            and place is not None
            and not self.steps[place].norm
            and self.steps[place].operation == "Conv"
        ):
            step = self.steps[place]
            self.steps[place] = Step(step.operation, step.arrays, step.sources, step.settings, arrays, epsilon)
            return sources
        self.steps.append(Step(NORM, arrays, sources))
        return frozenset((len(self.steps) - 1,))

    def bias(self, array: str, sources: frozenset[int]) -> bool:
        """Whether an Add is the bias of the layer before it, which has none yet."""
        place = next(iter(sources), None)
        if len(sources) != 1 or place is None or len(self.steps[place].arrays) != 1 or self.steps[place].norm:
            return False
        step = self.steps[place]
        self.steps[place] = Step(step.operation, (*step.arrays, array), step.sources, step.settings)
        return True


def plain(node: Node) -> Node:
    """A node with constants as ONNX itself has it. Raises DamagedError where those are no weights as a network has them."""
    if node.operation in QUANTISED or node.operation.startswith("QLinear"):
        raise DamagedError(
            f"its graph has {node.operation}, so its weights are quantised, which is not read; export it before"
        )
    if node.domain in OWN:
        return node
    if node.domain == "com.microsoft" and node.operation in FUSED:
        return replace(node, operation=FUSED[node.operation], domain="")
    raise DamagedError(
        f"its graph has {node.operation} of {node.domain}, which is no operation of ONNX and can keep its weights in any order; "
        "import the file as it was before a runtime optimised it"
    )


def follow(nodes: list[Node], contents: Contents) -> list[Step]:
    """The layers with weights in the order of the file, which ONNX says is that of computing. Raises DamagedError."""
    if len(nodes) > MOST_NODES:
        raise DamagedError(f"a graph of more than {MOST_NODES:,} operations")
    walk = Walk(contents)
    for node in nodes:
        walk.visit(node)
    return walk.steps
