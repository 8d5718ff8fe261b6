"""PyTorch's own samples of its operations, each given to ours: values and gradients equal, different, or refused and why.

cd tests; python -m parity.pytorch_samples               a table
cd tests; python -m parity.pytorch_samples --json        the same for a program
cd tests; python -m parity.pytorch_samples --show conv2d every difference of one operation, whole

The samples are those that PyTorch tests itself with. Where ours has another name for an argument, it is translated; where it has none, that is a
refusal too. "meant" is a difference that is told: of several values at one place `max_unpool2d` gives a gradient to the one that stays, PyTorch
to all. What draws random numbers of its own (dropout) is not compared.
"""

import argparse
import collections
import json
import re
import sys
import types
import unittest
import warnings

import numpy as np
from twins import torch

import minifcn as mf
from minifcn import ops

TOLERANCE = {"torch.float32": 2e-4, "torch.float64": 1e-9}


WORDS = ("equal", "meant", "different")


class Missing(Exception):
    """Ours has no such argument."""


def samples_of_pytorch():
    """Their list of operations. It wants a package for the base class of their tests alone, which need not be installed."""
    try:
        import expecttest  # noqa: F401
    except ImportError:
        sys.modules["expecttest"] = types.ModuleType("expecttest")
        sys.modules["expecttest"].TestCase = unittest.TestCase
    from torch.testing._internal.common_methods_invocations import op_db

    return op_db


def bound(names, args, options, **unlike):
    """Arguments by PyTorch's names. `unlike`: those that ours has not, with the values at which they change nothing."""
    given = dict(zip(names.split(), args, strict=False)) | options
    for name, neutral in unlike.items():
        value = given.pop(name, neutral)
        if not (value is neutral or (isinstance(value, int | float | str) and value == neutral)):
            raise Missing(f"no argument {name}")
    return given


def renamed(given, **names):
    return {names.get(name, name): value for name, value in given.items()}


def unary(function):
    return lambda x, args, options: (function, [x], bound("", args, options, inplace=False))


def binary(function):
    def call(x, args, options):
        given = bound("other", args, options, alpha=1, rounding_mode=None)
        return function, [x, given["other"]], {}

    return call


def reflected(function):
    return lambda x, args, options: (lambda a, b: function(b, a), [x, *args], options)


def reduced(function):
    def call(x, args, options):
        given = renamed(bound("dim keepdim", args, options, dtype=None), dim="axis", keepdim="keepdims")
        if given.get("axis") == ():
            raise Missing("all axes as (), ours has None")
        return function, [x], given

    return call


def activation(function):
    def call(x, args, options):
        return function, [x], renamed(bound("dim", args, options, dtype=None), dim="axis")

    return call


def clip(x, args, options):
    given = bound("min max", args, options)
    return ops.clip, [x], given


def concat(tensors, args, options):
    return (
        lambda *parts, **rest: ops.concat(parts, **rest),
        list(tensors),
        renamed(bound("dim", args, options), dim="axis"),
    )


def index(x, args, options):
    key = args[0] if isinstance(args[0], tuple) else (args[0],)
    return ops.index, [x], {"key": tuple(part.numpy() if isinstance(part, torch.Tensor) else part for part in key)}


def reshape(x, args, options):
    return ops.reshape, [x], {"shape": args[0] if len(args) == 1 else args}


def transpose(x, args, options):
    given = bound("dim0 dim1", args, options)
    return lambda v: ops.transpose(v, given["dim0"], given["dim1"]), [x], {}


def permute(x, args, options):
    return ops.transpose, [x], {"axes": tuple(args[0] if len(args) == 1 else args)}


def convolution(function, names):
    def call(x, args, options):
        given = bound(names, args, options)
        tensors = [x, given.pop("weight")]
        bias = given.pop("bias", None)
        return function, tensors if bias is None else [*tensors, bias], given

    return call


def max_pool(x, args, options):
    given = bound("kernel_size stride padding dilation ceil_mode return_indices", args, options)
    return ops.max_pool2d, [x], given


def avg_pool(x, args, options):
    names = "kernel_size stride padding ceil_mode count_include_pad divisor_override"
    given = bound(names, args, options, divisor_override=None)
    return (
        ops.avg_pool2d,
        [x],
        {name: value if name != "stride" or value != [] else None for name, value in given.items()},
    )


def unpool(x, args, options):
    return ops.max_unpool2d, [x], bound("indices kernel_size stride padding output_size", args, options)


def batch_norm(x, args, options):
    names = "running_mean running_var weight bias training momentum eps"
    given = bound(names, args, options)
    given.pop("momentum", None)  # of the running mean, which ours leaves to a layer
    mean, var = given.pop("running_mean"), given.pop("running_var")
    if not given.pop("training", False):
        given |= {"mean": mean, "var": var}
    return ops.batch_norm2d, [x], given


def cross_entropy(x, args, options):
    names = "target weight size_average ignore_index reduce reduction label_smoothing"
    given = bound(names, args, options, size_average=None, reduce=None, label_smoothing=0.0)
    if given["target"].is_floating_point():
        raise Missing("labels as probabilities")
    return ops.softmax_cross_entropy, [x], {"ignore_index": -100} | renamed(given, target="labels")


def response_norm(x, args, options):
    return ops.local_response_norm, [x], bound("size alpha beta k", args, options)


def pad(x, args, options):
    given = bound("pad mode value", args, options, mode="constant")
    value = given.pop("value", None)
    return ops.pad, [x], renamed(given, pad="padding") | ({} if value is None else {"value": value})


def resize(x, args, options):
    names = "size scale_factor mode align_corners recompute_scale_factor antialias"
    given = bound(names, args, options, scale_factor=None, recompute_scale_factor=None, antialias=False)
    if given.get("align_corners") is None:
        given.pop("align_corners", None)
    if given["mode"] not in ("bilinear", "nearest"):
        raise Missing(f"no mode {given['mode']}")
    return ops.resize2d, [x], given


CALLS = {
    **{name: unary(getattr(ops, name)) for name in ("abs", "exp", "log", "neg", "sigmoid", "sqrt", "tanh")},
    "nn.functional.relu": unary(ops.relu),
    **{
        name: binary(getattr(ops, name)) for name in ("add", "div", "matmul", "maximum", "minimum", "mul", "pow", "sub")
    },
    **{f"__r{name}__": reflected(getattr(ops, name)) for name in ("add", "div", "matmul", "mul", "pow", "sub")},
    "sum": reduced(ops.sum),
    "mean": reduced(ops.mean),
    "softmax": activation(ops.softmax),
    "log_softmax": activation(ops.log_softmax),
    "clamp": clip,
    "cat": concat,
    "__getitem__": index,
    "reshape": reshape,
    "transpose": transpose,
    "permute": permute,
    "nn.functional.conv2d": convolution(ops.conv2d, "weight bias stride padding dilation groups"),
    "nn.functional.conv_transpose2d": convolution(
        ops.conv_transpose2d, "weight bias stride padding output_padding groups dilation"
    ),
    "nn.functional.max_pool2d": max_pool,
    "nn.functional.avg_pool2d": avg_pool,
    "nn.functional.max_unpool2d": unpool,
    "nn.functional.batch_norm": batch_norm,
    "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.local_response_norm": response_norm,
    "nn.functional.pad": pad,
    "nn.functional.interpolate": resize,
}


def as_arrays(value):
    """PyTorch's tensors as arrays, in whatever they are packed."""
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, tuple | list):
        return type(value)(map(as_arrays, value))
    return {name: as_arrays(part) for name, part in value.items()} if isinstance(value, dict) else value


def verdict(op, sample, dtype):
    """("equal", "meant" (a difference that is told), "different" or "refused"; what is said of it)."""
    try:
        function, tensors, options = CALLS[op.name](sample.input, sample.args, dict(sample.kwargs))
        taken = [mf.Tensor(as_arrays(t), t.is_floating_point()) if isinstance(t, torch.Tensor) else t for t in tensors]
        result = function(*taken, **as_arrays(options))
        ours, places = result if isinstance(result, tuple) else (result, None)
        cotangent = np.random.default_rng([1, 8]).standard_normal(ours.shape).astype(ours.dtype)
        if ours.requires_grad:
            ours.backward(cotangent)
    except (Missing, ValueError, TypeError, IndexError) as error:
        return "refused", f"{type(error).__name__}: {error}"
    theirs, wanted = by_pytorch(op, sample, tensors, cotangent)
    found = [ours.data, *(t.grad if isinstance(t, mf.Tensor) and t.requires_grad else None for t in taken)]
    if places is not None:
        found.append(places)
        wanted.append(theirs[1])
    said = compared(found, wanted, dtype)
    if said and op.name == "nn.functional.max_unpool2d":
        # where windows overlap several values can name one place. The last one stays; PyTorch gives a gradient to the others too
        wanted[1] = wanted[1] * torch.from_numpy(last_of_each(as_arrays(options["indices"])))
        if not compared(found, wanted, dtype):
            return "meant", said
    return ("different", said) if said else ("equal", "")


def last_of_each(places):
    """True at the last of the values of a channel that name one place."""
    rows = places.reshape(-1, places.shape[-2] * places.shape[-1])
    stays = np.zeros(rows.shape, bool)
    for row, stay in zip(rows, stays, strict=True):
        stay[[max(np.flatnonzero(row == place)) for place in set(row.tolist())]] = True
    return stays.reshape(places.shape)


def compared(found, wanted, dtype):
    """What differs first, and how; "" where nothing does."""
    for number, (a, b) in enumerate(zip(found, wanted, strict=True)):
        if (a is None) != (b is None) and not (a is None and not b.any()):
            return f"gradient {number - 1}: {'ours' if a is None else 'theirs'} is missing"
        if a is not None and b is not None and (said := difference(a, b.detach().numpy(), TOLERANCE[str(dtype)])):
            return f"{'value' if not number else f'gradient {number - 1}'}: {said}"
    return ""


def by_pytorch(op, sample, tensors, cotangent):
    leaves = [
        t.detach().clone().requires_grad_() if isinstance(t, torch.Tensor) and t.is_floating_point() else t
        for t in tensors
    ]
    swapped = {id(old): new for old, new in zip(tensors, leaves, strict=True)}

    def swap(value):
        if isinstance(value, tuple | list):
            return type(value)(map(swap, value))
        return swapped.get(id(value), value)

    result = op(swap(sample.input), *swap(sample.args), **{name: swap(value) for name, value in sample.kwargs.items()})
    value = result[0] if isinstance(result, tuple) else result
    wanted = [leaf if isinstance(leaf, torch.Tensor) and leaf.requires_grad else None for leaf in leaves]
    if value.requires_grad:
        value.backward(torch.from_numpy(cotangent).to(value.dtype).reshape(value.shape))
    return result, [value, *(None if leaf is None else leaf.grad for leaf in wanted)]


def difference(ours, theirs, tolerance):
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, PyTorch {theirs.shape}"
    if ours.dtype != theirs.dtype:
        return f"{ours.dtype}, PyTorch {theirs.dtype}"
    finite = np.isfinite(theirs)
    if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=ours.dtype.kind == "f"):
        return "other values where PyTorch is infinite or NaN"
    scale = max(1.0, float(np.abs(theirs[finite]).max(initial=0)))
    error = float(np.abs(ours[finite] - theirs[finite]).max(initial=0)) / scale
    return "" if error <= tolerance else f"{error:.1e} apart"


def tally(show=None, most=None):
    """{operation: {"equal": …, "meant": …, "different": …, "refused": {why: …}, "what": [the different ones]}}; `most` samples of each."""
    found = {}
    for op in samples_of_pytorch():
        if op.name not in CALLS or (show and show not in op.name):
            continue
        row = found.setdefault(
            op.name, {"equal": 0, "meant": 0, "different": 0, "refused": collections.Counter(), "what": []}
        )
        for dtype in (torch.float32, torch.float64):
            if not op.supports_dtype(dtype, "cpu"):
                continue
            samples = list(op.sample_inputs("cpu", dtype, requires_grad=False))
            for sample in samples[:: max(1, len(samples) // (most or len(samples)))]:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    word, said = verdict(op, sample, dtype)
                if word == "refused":
                    row["refused"][re.sub(r"-?\d+(\.\d+)?", "#", said)] += 1
                else:
                    row[word] += 1
                if word == "different" or (show and word == "refused"):
                    shapes = getattr(
                        sample.input, "shape", [t.shape for t in sample.input] if isinstance(sample.input, list) else ""
                    )
                    args = [list(a.shape) if isinstance(a, torch.Tensor) else a for a in sample.args]
                    options = {n: list(a.shape) if isinstance(a, torch.Tensor) else a for n, a in sample.kwargs.items()}
                    row["what"].append(f"{op.name} {op.variant_test_name} {dtype} {shapes} {args} {options}: {said}")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--most", type=int, help="about so many samples of each, evenly chosen")
    parser.add_argument("--show", help="part of an operation's name")
    options = parser.parse_args()
    torch.manual_seed(0)
    found = tally(options.show, options.most)
    if options.json:
        print(json.dumps(found))
        return
    print(f"PyTorch {torch.__version__}\n{'operation':34}{'equal':>8}{'meant':>8}{'different':>11}{'refused':>9}")
    rows = {name: [*(row[word] for word in WORDS), row["refused"].total()] for name, row in sorted(found.items())}
    for name, row in (rows | {"all": [sum(column) for column in zip(*rows.values(), strict=True)]}).items():
        print(f"{name:34}{row[0]:>8}{row[1]:>8}{row[2]:>11}{row[3]:>9}")
    print()
    for name, row in sorted(found.items()):
        for said, count in row["refused"].most_common():
            print(f"{count:6} refused {name}: {said}")
    for row in found.values():
        for said in row["what"]:
            print(said)


if __name__ == "__main__":
    main()
