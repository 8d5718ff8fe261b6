"""The mutants and their right twins through other libraries' gradient checks: who catches what, and who rejects what is right.

    pip install torch jax autograd mygrad
    python -m tests.mutants.compare [--seeds 3] [--write docs/gradient-checks.md]

Each operation is handed over as that library's own custom function: forward and backward run here, on float64 arrays, as they would if
they had been written there. A checker that is not installed is left out and named. `--write` puts the table between the page's marks.
"""

import argparse
import contextlib
import datetime
import importlib
import importlib.metadata
import platform
import re
import sys
import warnings
from pathlib import Path

import numpy as np

import minifcn as mf

from .catalogue import MUTANTS

CAUGHT, PASSED = "caught", "passed"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


class Handed:
    """A function of arrays with its vector-Jacobian product, out of a function of Tensors."""

    def __init__(self, fn, arrays):
        self.fn, self.arrays = fn, [np.asarray(array) for array in arrays]

    def forward(self, *arrays):
        with mf.no_grad():
            return np.asarray(self.fn(*(mf.Tensor(np.asarray(array)) for array in arrays)).data)

    def backward(self, arrays, grad):
        tensors = [mf.Tensor(np.asarray(array), requires_grad=True) for array in arrays]
        output = self.fn(*tensors)
        if output.requires_grad:
            output.backward(np.asarray(grad).reshape(output.shape))
        return [np.zeros(t.shape) if t.grad is None else np.asarray(t.grad) for t in tensors]


def handed_over(mutant, call, seed):
    """What the mutant's check hands to gradcheck, caught on the way."""
    caught = []
    right = mf.gradcheck
    try:
        mf.gradcheck = lambda fn, inputs, **options: caught.append(Handed(fn, list(inputs)))
        mutant.run(call, seed)
    finally:
        mf.gradcheck = right
    return caught[0]


# the checkers: each raises, or returns False, where it rejects


def by_minifcn(function, seed):
    mf.gradcheck(function.fn, [array.copy() for array in function.arrays], seed=seed)


def by_torch(function, seed, fast_mode=False):
    import torch

    class Op(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            ctx.tensors = tensors
            # the arrays themselves, not copies: who writes into them writes into PyTorch's
            return torch.from_numpy(function.forward(*(t.detach().numpy() for t in tensors)).copy())

        @staticmethod
        def backward(ctx, grad):
            gradients = function.backward([t.detach().numpy() for t in ctx.tensors], grad.numpy())
            return tuple(torch.from_numpy(np.array(gradient, dtype=np.float64)) for gradient in gradients)

    torch.manual_seed(seed)
    inputs = tuple(torch.tensor(array, requires_grad=True) for array in function.arrays)
    torch.autograd.gradcheck(Op.apply, inputs, fast_mode=fast_mode)


def by_torch_fast(function, seed):
    by_torch(function, seed, fast_mode=True)


def by_jax(function, seed):
    import jax

    jax.config.update("jax_enable_x64", True)  # else float64 becomes float32 without a word, and the tolerance 2e-3
    from jax.test_util import check_grads

    shape = function.forward(*function.arrays).shape
    result = jax.ShapeDtypeStruct(shape, np.float64)
    structs = tuple(jax.ShapeDtypeStruct(array.shape, np.float64) for array in function.arrays)

    def copies(arrays):
        return [np.array(array) for array in arrays]  # JAX's own cannot be written to

    @jax.custom_vjp
    def op(*arrays):
        return jax.pure_callback(lambda *a: function.forward(*copies(a)), result, *arrays)

    def back(arrays, grad):
        return jax.pure_callback(lambda g, *a: tuple(function.backward(copies(a), np.array(g))), structs, grad, *arrays)

    op.defvjp(lambda *arrays: (op(*arrays), arrays), back)
    check_grads(op, tuple(function.arrays), order=1, modes=("rev",))


def by_autograd(function, seed):
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    op = primitive(function.forward)

    def vjp_of(number):
        return lambda answer, *arrays: lambda grad: function.backward(arrays, grad)[number]

    defvjp(op, *(vjp_of(number) for number in range(len(function.arrays))))
    np.random.seed(seed)  # its directions come from NumPy's global generator
    for number in range(len(function.arrays)):  # by itself it looks at the first input alone
        check_grads(op, number, modes=["rev"], order=1)(*(array.copy() for array in function.arrays))


CHECKERS = {
    "minifcn `gradcheck`": ("minifcn", by_minifcn),
    "PyTorch `gradcheck`": ("torch", by_torch),
    "PyTorch `gradcheck(fast_mode=True)`": ("torch", by_torch_fast),
    "JAX `check_grads` (rev, float64)": ("jax", by_jax),
    "autograd `check_grads` (rev)": ("autograd", by_autograd),
}


def judged(check, function, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with np.errstate(all="ignore"):
                check(function, seed)
        except Exception as error:  # each library has its own, and a bridge that breaks must not pass for a verdict
            if isinstance(error, (ImportError, AttributeError, NameError)):
                raise
            return CAUGHT
    return PASSED


def checkers_here():
    """(name -> check, package -> version, packages that are missing)."""
    there, versions, missing = {}, {}, []
    for name, (package, check) in CHECKERS.items():
        try:
            importlib.import_module(package)
        except ImportError:
            missing.append(package)
            continue
        there[name] = check
        versions[package] = mf.__version__ if package == "minifcn" else importlib.metadata.version(package)
    versions["numpy"] = np.__version__
    return there, versions, sorted(set(missing))


def measured(checkers, seeds):
    """name -> {mutant: seeds caught}, name -> [right calls rejected]; and how many right calls there were."""
    mutants = [mutant for mutant in MUTANTS if mutant.check_name == "gradcheck"]
    found = {name: {} for name in checkers}
    rejected = {name: [] for name in checkers}
    calls = set()
    for mutant in mutants:
        key = (mutant.operation, mutant.sample, mutant.kernels, mutant.check)
        for name, check in checkers.items():
            caught = 0
            for seed in range(seeds):
                with mf.kernels.use(mutant.kernels):
                    if (key, seed, name) not in calls:
                        calls.add((key, seed, name))
                        if judged(check, handed_over(mutant, mutant.call(seed), seed), seed) == CAUGHT:
                            rejected[name].append(f"{mutant.operation}, seed {seed}")
                    with mutant.planted():
                        caught += judged(check, handed_over(mutant, mutant.call(seed), seed), seed) == CAUGHT
            found[name][mutant] = caught
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return mutants, found, rejected, len(calls) // max(1, len(checkers))


def kind_of(mutant):
    """Groups of the table by what the check must say: values, or how a backward behaves."""
    for words, kind in (
        ("the memory of", "hands out what is not its own"),
        ("disturb|two calls", "state shared between calls"),
        ("not repeatable", "does not repeat"),
        ("changed", "writes into what it was lent"),
        ("memory order", "depends on memory order"),
        ("float32", "rounded to float32"),
        ("linear", "not linear in the incoming gradient"),
        ("incoming gradient", "does not use the incoming gradient"),
        ("tie", "ties paid twice or not at all"),
    ):
        if re.search(words, mutant.says):
            return kind
    return "wrong values"


def page(mutants, found, rejected, right, versions, missing, seeds):
    rows = [
        f"Measured {datetime.date.today():%d %B %Y}, Python {platform.python_version()}, "
        + ", ".join(f"{package} {version}" for package, version in sorted(versions.items()))
        + f". {len(mutants)} mutants, each with {seeds} calls; {right} right calls.",
        "",
        "| checker | caught | only for some calls | missed | right ones rejected |",
        "|---|---|---|---|---|",
    ]
    for name, caught in found.items():
        counts = list(caught.values())
        some = sum(0 < count < seeds for count in counts)
        rows.append(
            f"| {name} | {sum(count == seeds for count in counts)} | {some} | {counts.count(0)} | {len(rejected[name])} of {right} |"
        )
    rows += ["", "By kind of fault, caught for every call:", ""]
    kinds = list(dict.fromkeys(kind_of(mutant) for mutant in mutants))
    rows += ["| kind of fault | mutants | " + " | ".join(found) + " |", "|---" * (len(found) + 2) + "|"]
    for kind in kinds:
        members = [mutant for mutant in mutants if kind_of(mutant) == kind]
        cells = [str(sum(caught[mutant] == seeds for mutant in members)) for caught in found.values()]
        rows.append(f"| {kind} | {len(members)} | " + " | ".join(cells) + " |")
    rows += ["", "Missed by some checker (- missed, ± caught for some calls, + caught):", ""]
    rows += ["| operation | fault | " + " | ".join(found) + " |", "|---" * (len(found) + 2) + "|"]
    for mutant in mutants:
        counts = [caught[mutant] for caught in found.values()]
        if min(counts) < seeds:
            cells = ["+" if count == seeds else "±" if count else "-" for count in counts]
            rows.append(f"| {mutant.operation} | {mutant.fault} | " + " | ".join(cells) + " |")
    for name, calls in rejected.items():
        if calls:
            rows += ["", f"Right, and rejected by {name}: " + "; ".join(calls) + "."]
    if missing:
        rows += ["", f"Not installed, so left out: {', '.join(missing)}."]
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="calls a mutant (3)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this page")
    options = parser.parse_args()
    checkers, versions, missing = checkers_here()
    versions["mygrad"] = "not installed"
    with contextlib.suppress(ImportError):
        mygrad = importlib.import_module("mygrad")
        versions["mygrad"] = mygrad.__version__ + (
            " (has a checker)" if hasattr(mygrad, "check_grads") else " (ships no checker)"
        )
    text = page(*measured(checkers, options.seeds), versions, missing, options.seeds)
    print(text)
    if options.write:
        before, _, rest = options.write.read_text(encoding="utf-8").partition(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
