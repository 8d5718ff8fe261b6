"""A graph folded by the modules of its network: all that one call of a module did becomes one box."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import prod
from typing import Any

from minifcn.autodiff.calls import Call
from minifcn.draw.diagrams.tracing import Node, Shape, Trace

MOST = 24  # operations: a graph of more is folded where nobody says how


@dataclass
class Box:
    """One box. `kind`: "leaf", "parameter", "operation", "module" or "result". `results`: name of the maker and shape of what leaves it.

    `full` is the name with all that it is in; `of` the type of operation or module; `operations`, `parameters`: how many are in it.
    """

    kind: str
    name: str
    full: str
    of: str
    results: list[tuple[str, Shape]]
    gradient: bool = True
    stored: bool = False
    value: str = ""
    slope: str = ""
    dtype: str = ""
    operations: int = 0
    parameters: int = 0
    functions: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Link:
    """An arrow between boxes, by their numbers; `tensor` is the number of what goes along it."""

    source: int
    target: int
    tensor: int
    shape: Shape
    gradient: bool


def folded(trace: Trace, unfold: Any) -> tuple[list[Box], list[Link]]:
    """The boxes and arrows of `trace`. `unfold`: None (by size), True (all), or the names of the parts to open."""
    is_open = opener(trace, unfold)
    home = homes(trace, is_open)
    members = defaultdict(list)
    for number, node in trace.nodes.items():
        members[home[number]].append((number, node))
    place = {key: at for at, key in enumerate(members)}
    calls = {id(call): call for node in trace.nodes.values() for call in node.calls}
    seen: Counter[int] = Counter()
    boxes = []
    for key, inside in members.items():
        if isinstance(key, int):
            boxes.append(single_box(inside[0][1], trace))
        else:
            call = calls[key[1]]
            seen[id(call.module)] += 1
            boxes.append(module_box(call, [node for _, node in inside], trace, seen[id(call.module)]))
    links: list[Link] = []
    known: set[tuple[int, Any]] = set()
    for arrow in trace.arrows:
        source, target = home[arrow.source], home[arrow.target]
        if source == target:
            continue
        if not isinstance(source, int):
            add_result(boxes[place[source]], trace, arrow.source)
        if not isinstance(target, int):  # a folded part takes a tensor once, however often it uses it
            if (arrow.source, target) in known:
                continue
            known.add((arrow.source, target))
        links.append(Link(place[source], place[target], arrow.source, arrow.shape, arrow.gradient))
    return boxes, links


def opener(trace: Trace, unfold: Any) -> Any:
    """call -> whether its inside is drawn."""
    names = trace.names
    if unfold is True:
        return lambda call: True
    if unfold is None:
        if sum(node.kind == "operation" for node in trace.nodes.values()) <= MOST:
            return lambda call: True
        return lambda call: call.outer is None and any(call.module.named_children())
    wanted = [unfold] if isinstance(unfold, str) else list(unfold) if isinstance(unfold, Iterable) else None
    if wanted is None or not all(isinstance(name, str) for name in wanted):
        raise TypeError(
            f"draw.graph: unfold is {unfold!r}; expected True for all, or names of parts, such as 'backbone'"
        )
    there = {names.of(call) for node in trace.nodes.values() for call in node.calls}
    for name in wanted:
        if name not in there:
            near = get_close_matches(name, there, 3)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise ValueError(
                f"draw.graph: nothing called {name!r} to unfold; {hint}this graph has {', '.join(sorted(there - {''})) or 'no modules'}"
            )
    return lambda call: bool(wanted) and any(holds(names.of(call), name) for name in wanted)


def holds(outer: str, name: str) -> bool:
    """Whether `name` is `outer` or a part of it."""
    return outer in ("", name) or name.startswith(outer + ".")


def homes(trace: Trace, is_open: Any) -> dict[int, Any]:
    """For each node the box that it is drawn in: its own number, or ("call", id) of the outermost call that is not open.

    A parameter is drawn inside the module that owns it, where nothing else uses it; a plain number with the operation that made it.
    """
    home: dict[int, Any] = {}
    inside: dict[Any, set[int]] = {}
    users = defaultdict(set)
    for number, node in trace.nodes.items():
        closed = next((call for call in node.calls if not is_open(call)), None)
        home[number] = number if closed is None else ("call", id(closed))
        if closed is not None:
            key = home[number]
            if key not in inside:
                inside[key] = {id(parameter) for parameter in closed.module.parameters()}
    for arrow in trace.arrows:
        users[arrow.source].add(home[arrow.target])
    for number, node in trace.nodes.items():
        if node.kind in ("leaf", "parameter") and len(users[number]) == 1:
            (user,) = users[number]
            number_of_the_operation = node.kind == "leaf" and not node.gradient and prod(node.shape) == 1
            if user in inside and (node.owner in inside[user] or number_of_the_operation):
                home[number] = user
    return home


def within(trace: Trace, calls: list[Call], name: str) -> str:
    """`name` without what it shares with the calls around it: "conv1_1" inside an open "backbone"."""
    for call in reversed(calls):
        outer = trace.names.of(call)
        if outer and name.startswith(outer + "."):
            return name[len(outer) + 1 :]
    return name


def single_box(node: Node, trace: Trace) -> Box:
    full = node.name
    of = {"leaf": "tensor", "parameter": "parameter", "result": "result"}.get(node.kind, node.name)
    if node.kind == "operation" and node.calls:
        full = trace.names.of(node.calls[-1])
        of = full.rpartition(".")[2]
    return Box(
        node.kind, node.name, full, of, [("", node.shape)], node.gradient, node.stored, node.value, node.slope, node.dtype,
        operations=int(node.kind == "operation"), functions=[] if node.number is None else [node.number],
    )  # fmt: skip


def module_box(call: Call, nodes: list[Node], trace: Trace, time: int) -> Box:
    full, kind = trace.names.of(call), type(call.module).__name__
    outer = call.outer.chain() if call.outer else []
    name = within(trace, outer, full) or kind
    return Box(
        "module", name if time == 1 else f"{name}, call {time}", full or kind, kind, [], dtype=nodes[0].dtype,
        operations=sum(node.kind == "operation" for node in nodes),
        parameters=sum(prod(node.shape) for node in nodes if node.kind == "parameter"),
        functions=[node.number for node in nodes if node.number is not None],
    )  # fmt: skip


def add_result(box: Box, trace: Trace, number: int) -> None:
    """Note in a folded box that the result of node `number` leaves it, with the name of the innermost part that made it."""
    node = trace.nodes[number]
    maker = trace.names.of(node.calls[-1]) if node.calls else node.name
    if maker == box.full:
        maker = ""
    elif maker.startswith(box.full + "."):
        maker = maker[len(box.full) + 1 :]
    if (maker, node.shape) not in box.results:
        box.results.append((maker, node.shape))
