"""Checks of lesson 02: the way back of a matrix product, of broadcasting, and the order of visits."""

from collections.abc import Callable
from typing import Any

import numpy as np

from checks.gradients import untouched
from checks.verdict import Wrong, check, close, counted, wrong


@check
def matmul_backward(answer: Any) -> None:
    """matmul_backward(grad, x, w) -> (gradient for x, gradient for w), where the forward is x @ w. grad (s, n, m), x (s, n, k), w (k, m)."""
    rng = np.random.default_rng(2)
    for s, n, k, m in ((3, 3, 3, 3), (2, 2, 3, 4), (1, 1, 4, 1), (1, 1, 1, 1), (4, 5, 1, 2), (5, 1, 2, 3)):
        grad, x, w = rng.standard_normal((s, n, m)), rng.standard_normal((s, n, k)), rng.standard_normal((k, m))
        lent = [array.copy() for array in (grad, x, w)]
        found = answer(*lent)
        for name, array, given in zip(("grad", "x", "w"), (grad, x, w), lent, strict=True):
            untouched(name, array, given)
        if not isinstance(found, tuple | list) or len(found) != 2:
            wrong("expected a pair: the gradient for x, the gradient for w")
        if np.shape(found[0]) == w.shape and np.shape(found[1]) == x.shape:
            wrong("these are the two the other way round; the gradient for x comes first")
        if np.shape(found[1]) == (s, k, m):
            wrong("the gradient for w is a stack: w is used once for each matrix of it, so add up the s gradients")
        patterns = product_faults(grad, x, w)
        for number, (part, wanted) in enumerate(zip(found, by_loops(grad, x, w), strict=True)):
            close(part, wanted, fault_of(patterns[number], "xw"[number]))


def by_loops(grad: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From the definition: y[q, i, j] grows with x[q, i, p] by w[p, j], and with w[p, j] by x[q, i, p]."""
    grad_x, grad_w = np.zeros(x.shape), np.zeros(w.shape)
    for q, i, j in np.ndindex(grad.shape):
        for p in range(len(w)):
            grad_x[q, i, p] += grad[q, i, j] * w[p, j]
            grad_w[p, j] += grad[q, i, j] * x[q, i, p]
    return grad_x, grad_w


def product_faults(grad: np.ndarray, x: np.ndarray, w: np.ndarray) -> list[list[tuple[Any, str]]]:
    """For x and for w: what a known mistake gives, and its hint. Where all sides are equal, no shape gives it away."""
    _, grad_w = by_loops(grad, x, w)
    ones = by_loops(np.ones_like(grad), x, w)
    ignores = "you do not use the incoming gradient: what you return is right for a gradient of ones only"
    first, second = [(ones[0], ignores)], [(ones[1], ignores)]
    second += [(grad_w / len(x), "you take the mean over the stack; each use adds its part, so take the sum")]
    second += [(x[-1].T @ grad[-1], "that is the part of the last matrix alone; add up all of the stack")]
    second += [(x[0].T @ grad[0], "that is the part of the first matrix alone; add up all of the stack")]
    if len({*grad.shape, *x.shape, *w.shape}) == 1:
        first += [(grad @ w, "w is not transposed: y[q, i, j] takes w[p, j], so sum over j")]
        second += [((x @ grad).sum(0), "x is not transposed: y[q, i, j] takes x[q, i, p], so sum over q and i")]
        second += [((x.T @ grad).sum(0), "x.T turns round all three axes; x.swapaxes(1, 2) the last two")]
        second += [(grad_w.T, "that is the transpose of it: xᵀ·grad, not gradᵀ·x")]
    return [first, second]


def fault_of(patterns: list[tuple[Any, str]], name: str) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        for pattern, hint in patterns:
            if np.allclose(found, pattern):
                return hint
        if np.allclose(found, -wanted):
            return f"the gradient for {name} has its sign turned round"
        return f"the gradient for {name} is wrong: its first element should be {wanted.flat[0]:.4g} and is {found.flat[0]:.4g}"

    return fault


STRETCHED = [  # the shape of an input, that of the result
    ((2, 3), (2, 3)),
    ((3,), (5, 3)),
    ((1, 3), (5, 3)),
    ((5, 1), (5, 3)),
    ((), (2, 3)),
    ((1,), (4,)),
    ((1, 3, 1), (2, 4, 3, 5)),
    ((2, 1), (3, 2, 1)),
    ((1, 1), (1, 1)),
    ((3, 3), (3, 3, 3)),
]


@check
def sum_to_shape(answer: Any) -> None:
    """sum_to_shape(grad, shape) -> array of that shape: what broadcasting had repeated is added up."""
    rng = np.random.default_rng(3)
    for shape, stretched in STRETCHED:
        grad = rng.standard_normal(stretched)
        lent = grad.copy()
        try:
            found = np.asarray(answer(lent, shape))
        except Wrong as fault:
            wrong(f"{fault}. The input's shape {shape} was stretched to {stretched}")
        untouched("grad", grad, lent)
        wanted = element_by_element(grad, shape)
        if found.shape != shape:
            wrong(
                f"for an input {shape} stretched to {stretched} you return {found.shape}; {shape_fault(found, shape, stretched)}"
            )
        close(found, wanted, sum_fault(grad, shape))


def element_by_element(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which element of the input stands at each place of the result? Let NumPy say, and add there."""
    numbers = np.broadcast_to(np.arange(np.prod(shape, dtype=int)).reshape(shape), grad.shape)
    wanted = np.zeros(int(np.prod(shape, dtype=int)))
    for number, value in zip(numbers.flat, grad.flat, strict=True):
        wanted[number] += value
    return wanted.reshape(shape)


def shape_fault(found: np.ndarray, shape: tuple[int, ...], stretched: tuple[int, ...]) -> str:
    if found.shape == stretched[: len(shape)] != shape and len(stretched) > len(shape):
        return "NumPy lines shapes up at their ends: what the input lacks are the leading axes, not the last ones"
    if found.ndim == len(shape) and any(mine == 1 < theirs for mine, theirs in zip(found.shape, shape, strict=True)):
        return "you sum an axis that was not stretched; only where the input has length 1"
    if found.ndim < len(shape):
        return "an axis that has length 1 is summed but stays: keepdims=True"
    if found.ndim > len(shape):
        return "leading axes that the input does not have are summed away"
    return "axes where the input has length 1 are summed as well"


def sum_fault(grad: np.ndarray, shape: tuple[int, ...]) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        times = grad.size / max(1, wanted.size)
        if np.allclose(found * times, wanted):
            return "that is the mean; each use adds its part, so take the sum"
        if any(np.allclose(found, part) for part in picks(grad, shape)):
            return "that is the gradient of one use alone; add up all of them"
        if np.allclose(found, grad.sum()):
            return f"you add up everything; only what was stretched from {shape} to {grad.shape}"
        return f"the shape is right, the values are not: {shape} was stretched to {grad.shape}, so add up over what was stretched, and over no other axis"

    return fault


def picks(grad: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """The first use, and the last."""
    axes = [axis for axis in range(grad.ndim) if axis < grad.ndim - len(shape) or shape[axis - grad.ndim] == 1]
    index = [slice(None)] * grad.ndim
    found = []
    for which in (0, -1):
        for axis in axes:
            index[axis] = which  # type: ignore[call-overload]
        found.append(grad[tuple(index)].reshape(shape))
    return found


@check
def order_of_visits(answer: Any) -> None:
    """order_of_visits(result, sources) -> all nodes below, each once, the result first, each after all that it went into. sources: node -> list of nodes."""
    for name, graph in graphs().items():
        asked = 0

        def sources(node: Any, graph: Any = graph) -> list[Any]:
            nonlocal asked
            asked += 1
            if asked > 10 * len(graph) + 10:
                raise AsksTooOften
            return list(graph[node])

        result = next(iter(graph))
        try:
            found = answer(result, sources)
        except Wrong as fault:
            wrong(stopped(fault, name, len(graph)))
        if not isinstance(found, list | tuple):
            wrong(f"expected a list of nodes, got {type(found).__name__}")
        order_fault(list(found), graph, result, name)
        counted()


class AsksTooOften(Exception):
    """More than ten times as many questions as nodes."""


def stopped(fault: Wrong, name: str, count: int) -> str:
    if isinstance(fault.__cause__, RecursionError):
        return f"on {name} Python's recursion ends; keep a list of nodes to look at, and a loop"
    if isinstance(fault.__cause__, AsksTooOften):
        return f"on {name}, {count} nodes, you ask for the sources more than {10 * count} times: you walk every path; remember which nodes you have met"
    return f"on {name}: {fault}"


def order_fault(found: list[Any], graph: dict[Any, list[Any]], result: Any, name: str) -> None:
    """Raise Wrong unless `found` holds every node once, each after all that it went into."""
    if len(set(found)) < len(found):
        wrong(f"on {name} a node stands in your list more than once; it is visited once, when all is there")
    missing = [node for node in graph if node not in set(found)]
    if missing == [result]:
        wrong(f"on {name} the result itself is missing; it comes first")
    twice = {source for sources in graph.values() for source in sources if sources.count(source) > 1}
    if twice and all(node in below(twice, graph) for node in missing) and missing:
        wrong(
            f"on {name} {len(missing)} nodes are missing, {missing[0]!r} for one: count uses up and down alike. What stands twice among the sources is used twice"
        )
    if missing:
        leaves = all(not graph[node] for node in missing)
        wrong(
            f"on {name} {'the leaves are' if leaves else f'{len(missing)} nodes are'} missing; a node without sources belongs to it too"
        )
    if found[0] != result:
        backwards = found[-1] == result
        wrong(f"on {name} the result is {'last: turn the list round' if backwards else 'not the first'}")
    place = {node: number for number, node in enumerate(found)}
    for node in graph:
        for source in graph[node]:
            if place[source] < place[node]:
                wrong(
                    f"on {name} you visit {source!r} before {node!r}, which it went into: its gradient is not complete then; wait until all its uses have been visited"
                )


def below(nodes: set[Any], graph: dict[Any, list[Any]]) -> set[Any]:
    """`nodes`, and all that went into them."""
    found, to_look_at = set(nodes), list(nodes)
    while to_look_at:
        new = set(graph[to_look_at.pop()]) - found
        found |= new
        to_look_at += new
    return found


def graphs() -> dict[str, dict[Any, list[Any]]]:
    """Node -> what went into it; the result stands first, and every node is below it."""
    rng = np.random.default_rng(4)
    chosen: dict[str, dict[Any, list[Any]]] = {
        "a single node": {"a": []},
        "c = b + b, b = a + a": {"c": ["b", "b"], "b": ["a", "a"], "a": []},
        "d = b·c with c = b + b": {"d": ["b", "c"], "c": ["b", "b"], "b": ["a"], "a": []},
        "d = c·b with c = b + b": {"d": ["c", "b"], "c": ["b", "b"], "b": ["a"], "a": []},
        # used twice by one and once by the other, which is looked at first or last
        "e = b·c with b = a + a, c = -a": {"e": ["b", "c"], "b": ["a", "a"], "c": ["a"], "a": []},
        "e = c·b with b = a + a, c = -a": {"e": ["c", "b"], "c": ["a"], "b": ["a", "a"], "a": []},
        "two branches of unlike length": {
            "e": ["a", "d"],
            "d": ["c"],
            "c": ["b"],
            "b": ["a", "x"],
            "a": ["x"],
            "x": [],
        },
    }
    for number in range(8):
        count = int(rng.integers(5, 12))
        graph = {
            node: sorted(rng.choice(np.arange(node + 1, count), min(2, count - node - 1), False).tolist())
            for node in range(count)
        }
        for node in range(1, count):  # all are below node 0
            if not any(node in graph[earlier] for earlier in range(node)):
                graph[node - 1].append(node)
        chosen[f"random graph {number}"] = graph
    chosen["40 doublings"] = {node: [node + 1, node + 1] if node < 40 else [] for node in range(41)}
    chosen["a chain of 5,000 nodes"] = {node: [node + 1] if node < 4999 else [] for node in range(5000)}
    return chosen  # fmt: skip
