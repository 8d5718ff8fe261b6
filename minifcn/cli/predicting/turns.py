"""Pictures in turn, with a thread beside: while the network looks at one, the thread reads the next and writes what was found in the last.

Reading, drawing and packing a picture take about as long as a small network does, and most of that leaves Python's lock alone. What comes out, and
in which order, is as if it were done one after the other; no more than two pictures lie in memory.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from minifcn import workers
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


def in_turns(
    items: Sequence[Item], steps: Steps[Item, Result]
) -> Generator[tuple[Item, Result | Exception], None, None]:
    """Each item with its result, in order, or with the DataError or OSError that it ended in: one bad file does not cost the others theirs.

    To be closed, or looped to its end: then the thread ends, with what it has begun.
    """
    if len(items) < 2:
        yield from ((item, attempt(steps.whole, item)) for item in items)
        return
    with closing(workers.pool(1)) as beside:
        coming = beside.submit(attempt, steps.read, items[0])
        last: tuple[Item, Callable[[], Any]] | None = None  # and how to get its result
        for number, item in enumerate(items):
            ready, found = coming.result(), None
            if ready is None:
                if last:
                    yield last[0], last[1]()
                last, found = None, attempt(steps.whole, item)
            if number + 1 < len(items):  # the thread has the last picture written by then
                coming = beside.submit(attempt, steps.read, items[number + 1])
            if ready is not None:
                found = ready if isinstance(ready, Exception) else attempt(steps.compute, item, ready)
            if last:
                yield last[0], last[1]()
            if ready is None or isinstance(found, Exception):
                last = item, partial(given, found)
            else:
                last = item, beside.submit(attempt, steps.write, item, ready, found).result
        if last:
            yield last[0], last[1]()


@contextmanager
def closing(pool: Any) -> Iterator[Any]:
    """The pool, whose threads end with the `with`: they finish what they have begun, and nothing else."""
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def given(found: Any) -> Any:
    return found


def attempt(step: Callable[..., Any], *arguments: Any) -> Any:
    """What a step gives, or the error about a file that it ended in."""
    try:
        return step(*arguments)
    except BrokenPipeError:
        raise
    except (DataError, OSError) as error:
        return error
