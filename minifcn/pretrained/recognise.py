"""Which network a file holds, from the names of its arrays, or from its graph."""

from dataclasses import dataclass

from minifcn.names import instead
from minifcn.pretrained.graph import graph_layers
from minifcn.pretrained.names import TABLES
from minifcn.pretrained.names.authors import MORE_THAN_A_PICTURE
from minifcn.pretrained.names.table import Names
from minifcn.pretrained.spelling import by_layer
from minifcn.weights.formats.contents import Contents, DamagedError

HALF = 0.5  # of a table's layers, less is another network
FAMILIES = tuple(dict.fromkeys(name for table in TABLES for name in (table.family, table.network) if " " not in name))


@dataclass(frozen=True)
class Found:
    """A network in a file. `layers`: {our layer: {part: array}}, `norms` the same for batch norms to be folded."""

    names: Names
    layers: dict[str, dict[str, str]]
    norms: dict[str, dict[str, str]]
    epsilon: float
    prefix: str = ""


def recognised(contents: Contents, wanted: str | None = None, prefix: str | None = None) -> Found:
    """The network that `contents` hold, one that --as calls `wanted`, behind `prefix`. Raises DamagedError where there is none, or a part of one."""
    tables = [table for table in TABLES if wanted is None or wanted in (table.family, table.network)]
    if not tables:
        raise DamagedError(f"--as {wanted}: no network of that name{instead(str(wanted), FAMILIES)}")
    if contents.steps:
        if prefix is not None:
            raise DamagedError("a graph, in which no name is looked at: leave out --prefix")
        return from_graph(contents, tables)
    layers = by_layer(contents.entries)
    if more := next((what for layer, what in MORE_THAN_A_PICTURE.items() if layer in layers), None):
        raise DamagedError(more)
    fits = [fit for table in tables if (fit := share(table, layers, contents, prefix)) is not None]
    if not fits:
        some = ", ".join(list(contents.entries)[:3]) or "nothing"
        raise DamagedError(
            f"holds {some}{' …' if len(contents.entries) > 3 else ''}, which are not the names of {wanted or 'a network that is known here'}; "
            f"known are {', '.join(dict.fromkeys(table.family for table in tables if not table.head or wanted))} as {', '.join(dict.fromkeys(table.who for table in tables))} write them"
        )
    best = max(fits, key=lambda fit: fit[:3])
    _, _, _, table, before = best
    return from_names(table, before, layers)


Fit = tuple[float, int, int, Names, str]


def share(table: Names, layers: dict[str, dict[str, str]], contents: Contents, given: str | None) -> Fit | None:
    """(share of the table's layers that are there, how many, whether their order is the table's, table, what stands before the names).

    None where there are too few. Raises DamagedError where several networks are there as whole.
    """
    found: list[Fit] = []
    for prefix in prefixes(table, layers) if given is None else [given]:
        wanted = [*table.layers, *table.norms.values(), *table.constants]
        there = sum(prefix + name in layers for name in wanted)
        if there >= HALF * len(wanted):
            found.append((there / len(wanted), there, in_order(table, contents), table, prefix))
    if not found:
        return None
    best = max(found, key=lambda fit: fit[:3])
    also = [fit[4] for fit in found if fit[1] == best[1] and fit is not best]
    if also:
        raise DamagedError(f"holds several networks, under {best[4]!r} and {also[0]!r}; say which with --prefix")
    return best


def prefixes(table: Names, layers: dict[str, dict[str, str]]) -> list[str]:
    """What can stand before the names: "module." or "state_dict." where the file's writer packed the network into something."""
    found = {""}
    for name in (next(iter(table.layers)), list(table.layers)[-1]):
        found |= {layer.removesuffix(name) for layer in layers if layer.endswith(f".{name}")}
    return sorted(found)


def in_order(table: Names, contents: Contents) -> int:
    """1 where the layers follow each other as in the table, -1 where they do not, 0 where the file does not say."""
    kinds = [kind for _, kind in contents.nodes if kind in ("LRN", "Pooling", "MaxPool")]
    kinds = ["Pooling" if kind == "MaxPool" else kind for kind in kinds]
    if not table.order or "LRN" not in kinds or "Pooling" not in kinds:
        return 0
    return 1 if tuple(kinds[: len(table.order)]) == table.order else -1


def from_names(table: Names, prefix: str, layers: dict[str, dict[str, str]]) -> Found:
    missing = [
        prefix + name
        for name in (*table.layers, *table.norms.values(), *table.constants)
        if prefix + name not in layers
    ]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DamagedError(f"not the whole of {table.title}: there is no {', '.join(missing[:3])}{more}")
    return Found(
        table,
        {ours: layers[prefix + theirs] for theirs, ours in table.layers.items()},
        {table.layers[theirs]: layers[prefix + norm] for theirs, norm in table.norms.items()},
        table.epsilon,
        prefix,
    )


def from_graph(contents: Contents, tables: list[Names]) -> Found:
    """By the graph, whatever the names are. They only say whose network it is where two have the same layers."""
    caffe = all(name.endswith(("_0", "_w", "_b")) for step in contents.steps for name in step.arrays)
    order = sorted(tables, key=lambda table: (table.who == "Caffe") != caffe)
    tried: dict[str, str] = {}
    for table in order:
        if table.network in tried or " " in table.network or in_order(table, contents) < 0:
            continue
        found = graph_layers(table.network, contents)
        if isinstance(found, str):
            tried[table.network] = found
            continue
        layers, norms, epsilon = found
        return Found(table, layers, norms, epsilon)
    why = "; ".join(f"{network}: {reason}" for network, reason in tried.items())
    raise DamagedError(f"a graph with {len(contents.steps)} layers of weights that is no network known here ({why})")
