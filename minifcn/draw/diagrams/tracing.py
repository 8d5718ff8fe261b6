"""The graph below some results as plain nodes and arrows, with the names that the network knows. Nothing here holds an array or keeps a graph alive."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from minifcn.autodiff.calls import Call
from minifcn.autodiff.engine import Function, Input, Tensor
from minifcn.autodiff.profiler import number_of
from minifcn.autodiff.walk import is_leaf
from minifcn.nn import Module, Parameter

Shape = tuple[int, ...]


@dataclass
class Node:
    """A leaf, a parameter, an operation, or a result. `gradient`: whether one comes back to it; `stored`: whether a leaf has one."""

    kind: str
    name: str
    shape: Shape
    dtype: str
    gradient: bool = True
    stored: bool = False
    value: str = ""  # of a single number, where it is still there
    slope: str = ""  # its gradient
    owner: int = 0  # id of the parameter, by which a module knows it
    number: int | None = None  # of a Function, as a profile knows it
    calls: list[Call] = field(default_factory=list)  # from the outermost


@dataclass(frozen=True)
class Arrow:
    """An input of an operation: the tensor that goes along it. Two where a tensor is used twice."""

    source: int
    target: int
    shape: Shape
    gradient: bool


@dataclass
class Trace:
    """`nodes` by number, inputs before what is made of them; `arrows`; `names` of the parts of the network by id."""

    nodes: dict[int, Node]
    arrows: list[Arrow]
    names: Names


class Names:
    """What parameters and parts are called, by the modules that own them and by what the caller says."""

    def __init__(self, owners: Mapping[str, Module], given: Mapping[str, Any]) -> None:
        self.tensors: dict[int, str] = {}
        self.arrays: dict[int, str] = {}
        self.parts: dict[int, str] = {}
        self.parameters: dict[int, Parameter] = {}
        for name, thing in given.items():
            if isinstance(thing, Tensor):
                self.tensors.setdefault(id(thing), name)
                self.arrays.setdefault(id(thing.data), name)
            elif not isinstance(thing, Module):
                self.arrays.setdefault(id(thing), name)
        modules = {name: thing for name, thing in given.items() if isinstance(thing, Module)}
        for prefix, module in [*modules.items(), *owners.items()]:
            for name, part in parts_of(module, prefix):
                self.parts.setdefault(id(part), name)
            for name, parameter in module.named_parameters():
                full = f"{prefix}.{name}" if prefix else name
                self.tensors.setdefault(id(parameter), full)
                self.arrays.setdefault(id(parameter.data), full)
                self.parameters[id(parameter.data)] = parameter

    def of(self, call: Call) -> str:
        """The name of the called part, dotted; "" for the network itself; its type where nobody has a name for it."""
        known = self.parts.get(id(call.module))
        if known is None:
            outer = self.of(call.outer) if call.outer else ""
            known = f"{outer}.{type(call.module).__name__}" if outer else type(call.module).__name__
        return known


def parts_of(module: Module, prefix: str) -> Iterator[tuple[str, Module]]:
    yield prefix, module
    for name, part in module.named_children():
        yield from parts_of(part, f"{prefix}.{name}" if prefix else name)


def trace(results: Mapping[str, Tensor], model: Module | None, given: Mapping[str, Any]) -> Trace:
    """All that the `results` (by name) were made from. `given`: names of tensors, arrays and modules that only the caller knows."""
    functions = forward_order(results)
    known = Names(owners_of(functions, model), given)
    nodes: dict[int, Node] = {}
    numbers: dict[int, int] = {}  # id of a Function, a leaf, or an array, or the pointer to one that is gone
    arrows: list[Arrow] = []

    def place_of(thing: Any, node: Node) -> int:
        if id(thing) not in numbers:
            numbers[id(thing)] = len(nodes)
            nodes[len(nodes)] = node
        return numbers[id(thing)]

    for function in functions:
        assert function.inputs is not None
        incoming = []
        for given_input in function.inputs:
            thing = thing_of(given_input)
            if id(thing) in numbers:
                source = numbers[id(thing)]
            elif given_input.source is None:
                source = place_of(thing, constant(given_input, known))
            else:
                source = place_of(thing, leaf(given_input.source, known))
            nodes[source].shape, nodes[source].dtype = given_input.shape, str(given_input.dtype)
            incoming.append((source, given_input))
        node = Node("operation", type(function).__name__, (), "", number=number_of(function))
        node.calls = function.made_in.chain() if function.made_in else []
        target = place_of(function, node)
        arrows += [Arrow(source, target, each.shape, each.source is not None) for source, each in incoming]
    for name, tensor in results.items():
        thing = tensor.creator or tensor
        source = numbers[id(thing)] if id(thing) in numbers else place_of(thing, leaf(tensor, known))
        nodes[source].shape, nodes[source].dtype = tensor.shape, str(tensor.dtype)
        target = len(nodes)
        nodes[target] = Node("result", name, tensor.shape, str(tensor.dtype), value=single(tensor.data))
        arrows.append(Arrow(source, target, tensor.shape, True))
    return Trace(nodes, arrows, known)


def forward_order(results: Mapping[str, Tensor]) -> list[Function]:
    """Every Function below the results, each after those that made its inputs. ValueError where there is no graph any more."""
    order: list[Function] = []
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(each.creator, False) for each in list(results.values())[::-1] if each.creator]
    while stack:
        function, complete = stack.pop()
        if complete:
            order.append(function)
        elif id(function) not in seen:
            seen.add(id(function))
            if function.inputs is None:
                raise ValueError(
                    f"draw.graph: backward() has walked this graph already (at {type(function).__name__}) and dropped it on the way; "
                    "call draw.graph before backward(), or run the forward again"
                )
            stack.append((function, True))
            sources = [each.source for each in function.inputs if each.source is not None]
            stack += [(source, False) for source in sources[::-1] if not is_leaf(source)]
    return order


def owners_of(functions: list[Function], model: Module | None) -> dict[str, Module]:
    """The networks at work, by what their parts' names begin with: nothing where there is one, its type and a number where there are more."""
    outermost = [function.made_in.chain()[0].module for function in functions if function.made_in]
    found = list({id(module): module for module in outermost}.values())
    if model is not None:
        inside = {id(part) for part in model.modules()}
        found = [module for module in found if id(module) not in inside]
    counts, used = Counter(type(module).__name__ for module in found), Counter[str]()
    owners: dict[str, Module] = {} if model is None else {"": model}
    for module in found:
        name = type(module).__name__
        used[name] += 1
        alone = len(found) == 1 and model is None
        owners["" if alone else f"{name} {used[name]}" if counts[name] > 1 else name] = module
    return owners


def single(array: Any) -> str:
    """The value of an array with one number, else nothing."""
    return f"{array.item():.4g}" if array.size == 1 else ""


def leaf(tensor: Any, known: Names) -> Node:
    kind = "parameter" if isinstance(tensor, Parameter) else "leaf"
    name = known.tensors.get(id(tensor)) or kind
    node = Node(kind, name, tensor.shape, str(tensor.dtype), value=single(tensor.data), owner=id(tensor))
    if tensor.grad is not None:
        node.stored, node.slope = True, single(tensor.grad)
    return node


def values_of(given: Input) -> Any:
    """The array of an input without a gradient, or None where nobody has kept it."""
    return given.constant() if isinstance(given.constant, weakref.ref) else given.constant


def thing_of(given: Input) -> Any:
    """What makes an input the same as another one: its leaf or Function; without a gradient its array.

    Where nobody has kept the array it is the pointer, of which an array has one only. A graph that was copied has none either.
    """
    for thing in (given.source, values_of(given), given.constant):
        if thing is not None:
            return thing
    return given


def constant(given: Input, known: Names) -> Node:
    """An input that gets no gradient: a picture, a number, a parameter that is not trained."""
    array = values_of(given)
    name, value = "constant", ""
    parameter = None
    if array is not None:
        name, value = known.arrays.get(id(array), name), single(array)
        parameter = known.parameters.get(id(array))
    kind = "leaf" if parameter is None else "parameter"
    return Node(kind, name, given.shape, str(given.dtype), gradient=False, value=value, owner=id(parameter))
