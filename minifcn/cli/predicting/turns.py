"""Pictures in turn, with a thread beside: while the network looks at one, the thread reads the next and writes what was found in the last.

Reading, drawing and packing a picture take about as long as a small network does, and most of that leaves Python's lock alone. What comes out, and
in which order, is as if it were done one after the other; no more than two pictures lie in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from minifcn.data.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Steps(Generic[Item, Result]):
    """What is done with each item.

    `read`     beside: what `compute` needs; None of an item that is too large to lie in memory beside others
    `compute`  here: what is found in it
    `write`    beside, with what both gave: the result
    `whole`    all three, here, while nothing is done beside
    """

    read: Callable[[Item], Any]
    compute: Callable[[Item, Any], Any]
    write: Callable[[Item, Any, Any], Result]
    whole: Callable[[Item], Result]


def in_turns(items: Sequence[Item], steps: Steps[Item, Result]) -> Iterator[tuple[Item, Result | Exception]]:
    """Each item with its result, in order, or with the DataError or OSError that it ended in: one bad file does not cost the others theirs.

    To be closed, or looped to its end: then the thread ends, with what it has begun.
    """
    if len(items) == 1:
        yield items[0], attempt(steps.whole, items[0])
        return
    from minifcn.data.loader import decoders  # threads need modules that a single picture can do without

    with decoders(1) as beside:
        coming = beside.submit(attempt, steps.read, items[0])
        last: tuple[Item, Any] | None = None
        for number, item in enumerate(items):
            ready, found = coming.result(), None
            if ready is None:
                if last:
                    yield finished(*last)
                last, found = None, attempt(steps.whole, item)
            if number + 1 < len(items):  # the thread has the last picture written by then
                coming = beside.submit(attempt, steps.read, items[number + 1])
            if ready is not None:
                found = ready if isinstance(ready, Exception) else attempt(steps.compute, item, ready)
            if last:
                yield finished(*last)
            if ready is not None and not isinstance(found, Exception):
                found = beside.submit(attempt, steps.write, item, ready, found)
            last = item, found
        if last:
            yield finished(*last)


def finished(item: Item, found: Any) -> tuple[Item, Any]:
    """An item and its result, for which this waits where it is still being written."""
    return item, found.result() if isinstance(found, Future) else found


def attempt(step: Callable[..., Any], *arguments: Any) -> Any:
    """What a step gives, or the error about a file that it ended in."""
    try:
        return step(*arguments)
    except BrokenPipeError:
        raise
    except (DataError, OSError) as error:
        return error
