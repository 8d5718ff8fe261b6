"""The whole step as one CUDA graph: a small network's step is a hundred short kernels, and Python asks for each; a graph is asked for once.

The GPU notes a step that it is asked for on a stream of its own and does not take. A launch repeats the note to the letter: the same kernels on
the same addresses. So whatever differs from step to step is read from arrays that stay where they are and are filled before each launch:
pictures, labels, what the loss is multiplied by, what the optimiser multiplies by, and the dropout masks.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from minifcn import backend
from minifcn.kernels import products
from minifcn.kernels.masks import Masks
from minifcn.training.steps import Steps
from minifcn.training.supply import Array, Batch

WARM_UP = 2  # steps before: kernels are compiled, cuBLAS is loaded and memory is found, none of which may happen in the middle of a capture
TOLERANCE = 1e-3  # how far, in parts of the largest number, a captured step may be from a plain one: products may be added up in another order


class CapturedSteps:
    """Takes the steps of `plain`, after a few of them by a graph. Where that cannot be, `say` is told why, once, and all goes on without.

    The first step that could be taken by the graph is taken in both ways, from the same weights. Only a graph that does what the plain
    step does is used. A batch of another shape is taken plainly.

    `possible`: whether there may still be a graph; `taken`: steps to warm up so far.
    """

    def __init__(self, plain: Steps, say: Callable[[str], Any]) -> None:
        self.plain, self.say, self.optimiser = plain, say, plain.optimiser
        self.taken, self.possible = 0, True
        self.graph: Any = None
        self.masks = Masks()

    def __call__(self, batch: Batch) -> list[Array]:
        if self.graph is not None and self.fits(batch):
            return self.launched(batch)
        if self.possible:
            try:
                return self.first(batch) if self.taken == WARM_UP else self.warm(batch)
            except Exception as error:
                if backend.no_memory_left(error) and self.taken < WARM_UP:
                    raise  # no capture was tried yet: the step itself does not fit
                why = (str(error).strip() or type(error).__name__).splitlines()[0]
                self.without(f"the step could not be captured in a CUDA graph ({why})")
        return self.plain(batch)

    def warm(self, batch: Batch) -> list[Array]:
        with products.directly():
            losses = self.plain(batch)
        self.taken += 1
        return losses

    def without(self, why: str) -> None:
        self.possible = False
        self.say(f"--graph: {why}; going on without")

    def first(self, batch: Batch) -> list[Array]:
        """Capture the step, and take it in both ways. What is kept is the plain one."""
        self.moving = [p.requires_grad and p.grad is not None for p in self.optimiser.parameters()]
        self.batch = batch._replace(
            pictures=[part.copy() for part in batch.pictures],
            labels=[part.copy() for part in batch.labels],
            factor=batch.factor.copy(),
        )
        self.rates = backend.to_device(self.next_rates(), "gpu")
        start = self.state()
        try:
            with backend.capturing(self.masks):
                graph, self.losses = record(lambda: self.plain.compute(self.batch, self.rates))
            self.masks.fill(np.random.default_rng(self.plain.random_of(batch)))
            graph.launch()
            found = self.state()
        except BaseException:
            self.put_back(start)
            self.uncount()
            raise
        self.put_back(start)
        backend.manual_seed(self.plain.random_of(batch))
        losses = self.plain.compute(batch, self.rates)
        if alike(found, self.state(), start):
            self.graph, self.possible = graph, False
        else:
            self.without("the captured step moved the weights elsewhere than the plain one")
        return losses

    def launched(self, batch: Batch) -> list[Array]:
        """The same step with the arrays of `batch`."""
        for place, array in zip(arrays_of(self.batch), arrays_of(batch), strict=True):
            place[...] = array
        self.rates[...] = backend.to_device(self.next_rates(), "gpu")
        self.masks.fill(np.random.default_rng(self.plain.random_of(batch)))
        self.graph.launch()
        return [loss.copy() for loss in self.losses]  # the next launch writes over them

    def fits(self, batch: Batch) -> bool:
        return [array.shape for array in arrays_of(batch)] == [array.shape for array in arrays_of(self.batch)]

    def next_rates(self) -> np.ndarray:
        """What the optimiser multiplies by in the step that comes."""
        return self.optimiser.rates(self.moving).astype(self.optimiser.parameters()[0].dtype)

    def uncount(self) -> None:
        """The step that `next_rates` counted was not taken."""
        self.optimiser.steps -= 1
        for moving, state in zip(self.moving, self.optimiser.state, strict=True):
            if moving and "count" in state:
                state["count"] -= 1

    def state(self) -> list[Array]:
        """Copies of all that a step changes on the GPU."""
        return [array.copy() for array in self.changing()]

    def put_back(self, arrays: list[Array]) -> None:
        for place, array in zip(self.changing(), arrays, strict=True):
            place[...] = array

    def changing(self) -> list[Array]:
        kept = [array for state in self.optimiser.state for name, array in state.items() if name != "count"]
        return [self.plain.good, *(parameter.data for parameter in self.optimiser.parameters()), *kept]


def arrays_of(batch: Batch) -> list[Array]:
    return [*batch.pictures, *batch.labels, batch.factor]


def record(function: Callable[[], list[Array]]) -> tuple[Any, list[Array]]:
    """(graph, what `function` returned): all that it asks of the GPU, noted and not done.

    What it makes on the way lies in a pool of the graph's own, which lives as long as the graph: elsewhere somebody else would be given the same
    memory between two launches.
    """
    cupy = backend.import_cupy()
    cuda, common = cupy.cuda, cupy.get_default_memory_pool()
    limit = common.get_limit()
    if limit:
        common.free_all_blocks()
        limit = max(1, limit - common.total_bytes())
    memory = Kept(cuda, limit)
    stream, pool = cuda.Stream(non_blocking=True), cuda.MemoryPool(memory)
    with stream, cuda.using_allocator(pool.malloc):
        stream.begin_capture()
        try:
            result = function()
        except BaseException:
            with suppress(Exception):  # what was begun must be ended; that it came to nothing is known
                stream.end_capture()
            raise
        graph = stream.end_capture()
    return Graph(graph, pool, memory), result


class Kept:
    """The memory of a graph: what was handed out once is never given back to the device, while the graph lives.

    A pool that meets its limit gives its idle blocks back (CuPy 14.2.0, cupy/cuda/memory.pyx, `_try_malloc`), in a capture too. But a block that
    is idle by then has its address in kernels that were captured before, and they would write where somebody else is.
    """

    def __init__(self, cuda: Any, limit: int) -> None:
        self.cuda, self.limit, self.bytes = cuda, limit, 0
        self.blocks: list[Any] = []

    def __call__(self, size: int) -> Any:
        """Fresh memory, as a pool asks for it. Raises MemoryError beyond the limit, 0 for none."""
        if self.limit and self.bytes + size > self.limit:
            raise MemoryError(f"the graph needs more than the {self.limit:,} bytes that are left for it")
        block = self.cuda.Memory(size)
        self.blocks.append(block)
        self.bytes += size
        return self.cuda.MemoryPointer(block, 0)


class Graph:
    """A captured graph and the memory that it works in."""

    def __init__(self, graph: Any, pool: Any, memory: Kept) -> None:
        self.graph, self.pool, self.memory = graph, pool, memory

    def launch(self) -> None:
        """On the current stream, after all that was asked of it before."""
        self.graph.launch()


def alike(found: list[Array], wanted: list[Array], start: list[Array]) -> bool:
    """Whether two ways to take a step from `start` came to the same, but for rounding. Waits for the GPU, once in a training."""
    for one, other, before in zip(found, wanted, start, strict=True):
        one, other, before = (backend.to_device(array, "cpu").astype(np.float64) for array in (one, other, before))
        moved = np.abs(other - before).max(initial=0.0)
        rounding = np.finfo(np.float32).eps * np.abs(other).max(initial=0.0)
        if not np.abs(one - other).max(initial=0.0) <= TOLERANCE * moved + 4 * rounding:
            return False
    return True
