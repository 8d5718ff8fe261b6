"""Times and memory beside PyTorch's, in turns, in both of its memory formats, in float32 and in TF32; and the targets."""

import gc

import numpy as np

from minifcn import backend
from minifcn.bench import gpu, rival, values
from minifcn.bench.cases import SMALL
from minifcn.bench.running import compared
from minifcn.kernels import products
from minifcn.kernels.masks import Masks
from minifcn.training import cuda_graph

# ratio to the faster of PyTorch's two formats, in the precision: (to reach, to hope for)
TARGETS = {
    ("vgg-forward-512", "highest"): (1.0, 0.8),
    ("vgg-step-384", "highest"): (1.2, 1.0),
    ("small-step with a graph", "highest"): (1.2, 0.9),
    ("vgg-forward-512", "high"): (1.5, None),
    ("vgg-step-384", "high"): (1.5, None),
}
MEMORY = 1.2
REPEAT = 15


class Captured(gpu.OnGpu):
    """A step of the bench as one graph: `call` launches it."""

    def __init__(self, case):
        super().__init__(case)
        self.name = "minifcn with a graph"
        moving = [True] * len(self.parameters)
        self.rates = backend.to_device(self.optimiser.rates(moving).astype(np.float32), "gpu")
        with products.directly():
            for _ in range(2):
                self.step()
        with backend.capturing(Masks()):
            self.graph, _ = cuda_graph.record(self.step)

    def step(self):
        self.optimiser.zero_grad()
        loss = self.loss(self.run(self.x))
        loss.backward()
        self.optimiser.step(rates=self.rates)
        return [loss.data]

    def call(self):
        self.graph.launch()


def bench(stage):
    compare(stage, "highest")


def bench_tf32(stage):
    compare(stage, "high")


def compare(stage, precision):
    cases = dict(gpu.GPU_CASES)
    if stage.small:
        tiny = gpu.GPU_CASES["small-step"]._replace(
            shape=(1, 3, 32, 32), network=SMALL._replace(widths=(2, 2, 2, 2, 2), fc=4)
        )
        cases = {"small-step": tiny, "vgg-forward-512": tiny._replace(mode="forward")}
    problem = "a GPU" if stage.standin else gpu.problem_of_rival()
    torch = None if problem else rival.pytorch()
    with gpu.precision(precision, torch):
        for name, case in cases.items():
            stage.check(
                f"{name}, {precision}", one_case, case, name, precision, torch, 2 if stage.small else REPEAT, gpu.OnGpu
            )
            if name == "small-step":
                named = f"{name} with a graph"
                stage.check(
                    f"{named}, {precision}",
                    one_case,
                    case,
                    named,
                    precision,
                    torch,
                    2 if stage.small else REPEAT,
                    Captured,
                )
    if problem:
        stage.check("beside PyTorch", dict, needs=problem if stage.standin else f"PyTorch with CUDA ({problem})")


def one_case(case, name, precision, torch, repeat, kind):
    """Turn by turn; each program's memory is what its pool reserved at most since it was made."""
    gc.collect()
    pool = backend.import_cupy().get_default_memory_pool()
    pool.free_all_blocks()
    programs = {"minifcn": kind(case)}
    ours = getattr(programs["minifcn"], "graph", None)
    found, memory = {}, {}
    rivals = {f"PyTorch, {form}": form for form in rival.FORMATS} if torch else {}
    for label, form in rivals.items():  # one after the other: each with its memory to itself
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        programs[label] = gpu.TheirsOnGpu(case, memory_format=form)
        same_scores(case, programs["minifcn"], programs[label])
        found[label] = turns(programs, ("minifcn", label), repeat)
        memory[label] = programs[label].memory() >> 20
        del programs[label]
        gc.collect()
    if not rivals:
        found["alone"] = turns(programs, ("minifcn",), repeat)
    memory["minifcn"] = (pool.total_bytes() + (ours.memory.bytes if ours else 0)) >> 20
    best = min(rivals, key=lambda label: found[label][label]) if rivals else None
    result = dict(ms=found, memory_mib=memory, faster=best)
    if best is not None:
        result["ratio"] = round(found[best]["minifcn"] / found[best][best], 3)
        result["memory_ratio"] = round(memory["minifcn"] / max(1, memory[best]), 3)
        reach, hope = TARGETS.get((name, precision), (None, None))
        result["targets"] = dict(ratio=reach, hoped=hope, memory_ratio=MEMORY)
        if reach is not None:
            result["reached"] = result["ratio"] <= reach
        result["memory_reached"] = result["memory_ratio"] <= MEMORY
    return result


def same_scores(case, ours, theirs):
    """Raises RuntimeError where the two do not compute the same: their times are not compared."""
    x = values.noise(case.shape, "input")
    ours.x.data[...] = backend.to_device(x, "gpu")
    theirs.x.data[...] = theirs.torch.from_numpy(x)
    compared(case, ours, theirs)


def turns(programs, names, repeat):
    """Median milliseconds of each, which call in turns."""
    times = {name: [] for name in names}
    for number in range(gpu.WARM + repeat):
        for name in names:
            seconds = programs[name].seconds()
            if number >= gpu.WARM:
                times[name].append(seconds)
    return {name: round(1000 * float(np.median(each)), 4) for name, each in times.items()}
