"""20,000 random calls of the operations: values and gradients against float64 on the simple kernels, and against PyTorch."""

import warnings
from typing import Any

import numpy as np
from ops.calls import LAYOUTS, cotangent_for, empty_call, told
from ops.ranges import complaint, enlarged, magnitudes
from twins import TWINS, torch

import minifcn as mf
from minifcn.ops import OPERATIONS, Call, samples

from .harness import Attempt, Bench, Lost, Promise, some_of

NEAR = {"float32": 2e-5, "float64": 1e-10}  # of the largest value of an array, or of 1
WAYS = ("drawn",) * 5 + ("large",) * 3 + ("empty", "enlarged", "wrong")  # how a call is made
REFUSALS = (ValueError, TypeError)  # what a wrong call raises, with the operation's name
OWN_WORDS = {"index": (IndexError,)}  # `x[key]` says what NumPy says: Python's own `for` listens to it


def large(rng: np.random.Generator, name: str) -> Call:
    """Sizes that reach the fast kernels: many channels, large pictures, batches; else as drawn, several times as large along each axis."""
    n, c, o = (samples.integer(rng, 1, most) for most in (3, 40, 40))
    h, w = (samples.integer(rng, 8, 40) for _ in "hw")
    k, d = samples.integer(rng, 1, 7), samples.integer(rng, 1, 2)
    options: dict[str, Any] = dict(stride=samples.pair(rng, 1, 3), padding=samples.pair(rng, 0, 3), dilation=d)
    h, w = max(h, d * (k - 1) + 1), max(w, d * (k - 1) + 1)
    bias = [samples.normal(rng, o)] if rng.random() < 0.5 else []
    if name == "conv2d":
        if rng.random() < 0.5:  # what most layers are
            k, options = 3, dict(padding=1)
        return Call((samples.normal(rng, n, c, h, w), samples.normal(rng, o, c, k, k), *bias), options)
    if name == "conv_transpose2d":
        c, o, h, w = c % 8 + 1, o % 8 + 1, h // 4, w // 4
        stride = samples.integer(rng, 1, 4)
        k = stride * samples.integer(rng, 1, 2)
        options = dict(stride=stride, padding=(k - stride) // 2)
        bias = [samples.normal(rng, o)] * len(bias)
        return Call((samples.normal(rng, n, c, h, w), samples.normal(rng, c, o, k, k), *bias), options)
    if name in ("max_pool2d", "avg_pool2d"):
        k = k % 3 + 1
        values = samples.distinct(rng, n, c, h, w)
        return Call(
            (values,),
            dict(kernel_size=k, stride=samples.integer(rng, 1, 3), padding=k // 2, ceil_mode=bool(rng.integers(2))),
        )
    if name == "softmax_cross_entropy":
        labels = rng.integers(0, c, (n, h, w))
        labels[rng.random(labels.shape) < 0.1] = 255
        return Call(
            (samples.normal(rng, n, c, h, w),), dict(labels=labels, reduction=str(rng.choice(["mean", "sum", "none"])))
        )
    if name == "matmul":
        return Call((samples.normal(rng, h, 10 * c), samples.normal(rng, 10 * c, w)))
    if name in ("batch_norm2d", "local_response_norm", "resize2d"):
        drawn = OPERATIONS[name].sample(rng)
        channels = drawn.inputs[0].shape[1]
        return drawn._replace(inputs=(samples.normal(rng, n, channels, h, w), *drawn.inputs[1:]))
    return OPERATIONS[name].sample(rng)


def begin(bench: Bench) -> Attempt:
    names = list(OPERATIONS)

    def attempt(number: int) -> str:
        rng, name = bench.rng(number), names[number % len(names)]
        way = WAYS[int(rng.integers(len(WAYS)))]
        mf.set_num_threads(int(rng.integers(1, 4)))
        if way == "wrong":
            return wrong_call(rng, name)
        call = large(rng, name) if way == "large" else OPERATIONS[name].sample(rng)
        if way == "empty":
            call = empty_call(name) or call
        dtype = ("float32", "float64")[int(rng.integers(2))]
        about = f"{told(name, call)}, {way}, {dtype}"
        try:
            if way == "enlarged":
                return large_values(rng, name, call, dtype)
            return compared(rng, name, call, dtype)
        except Lost as lost:
            raise Lost(f"{about}: {lost}") from lost

    return attempt


def large_values(rng: np.random.Generator, name: str, call: Call, dtype: str) -> str:
    sizes = magnitudes(name, dtype)
    ways = list(enlarged(call, sizes[int(rng.integers(len(sizes)))], dtype))
    done, large_call = ways[int(rng.integers(len(ways)))]
    said = complaint(name, OPERATIONS[name].function, large_call, dtype)
    if said:
        raise Lost(f"{done}: {said}")
    return "no right value that fits" if said is None else "as by loops, large values"


def forward_and_backward(
    name: str, call: Call, inputs: list[np.ndarray], cotangent: np.ndarray | None, wanted: list[bool]
) -> list[Any]:
    """The value, and the gradient of each input that is `wanted`."""
    tensors = [mf.Tensor(value, requires_grad=grad) for value, grad in zip(inputs, wanted, strict=True)]
    output = call.run(OPERATIONS[name].function, tensors)
    if any(wanted):
        output.backward(cotangent_for(output) if cotangent is None else cotangent)
    return [output.data, *(tensor.grad for tensor in tensors)]


def compared(rng: np.random.Generator, name: str, call: Call, dtype: str) -> str:
    layouts = [None, *LAYOUTS.values()]
    exact = [value.astype(dtype) for value in call.inputs]
    inputs = [(layouts[int(rng.integers(len(layouts)))] or np.ascontiguousarray)(value) for value in exact]
    wanted = [bool(rng.random() < 0.85) for _ in inputs]
    kernels = "simple" if rng.random() < 0.15 else "fast"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with mf.kernels.use(kernels):
            found = forward_and_backward(name, call, inputs, None, wanted)
            again = forward_and_backward(name, call, inputs, None, wanted)
    for value, before in zip(inputs, exact, strict=True):
        if value.tobytes() != before.tobytes():
            raise Lost("an input was changed")
    for number, (one, other) in enumerate(zip(found, again, strict=True)):
        if (one is None) != (other is None) or (one is not None and one.tobytes() != other.tobytes()):
            raise Lost(f"{part(number)}: other bits the second time")
        if one is not None and one.dtype != dtype:
            raise Lost(f"{part(number)} has dtype {one.dtype}")
        if number and (one is not None) != wanted[number - 1]:
            raise Lost(f"{part(number)}: {'none came' if one is None else 'it came and was not asked for'}")
    cotangent = cotangent_for(found[0])
    with mf.kernels.use("simple"), np.errstate(all="ignore"):
        expected = forward_and_backward(
            name, call, [value.astype("float64") for value in exact], cotangent.astype("float64"), wanted
        )
    close(found, expected, dtype, f"{kernels} kernels, against float64 on the simple ones")
    if torch is None or not found[0].size or undefined(name, call):
        return "as in float64"
    close(
        found, by_pytorch(name, call, exact, cotangent, wanted), dtype, f"{kernels} kernels, against PyTorch in float64"
    )
    return "as in float64 and in PyTorch"


def undefined(name: str, call: Call) -> bool:
    """PyTorch gives NaN for a mean over no pixel; here it is 0."""
    labels = call.options.get("labels")
    return name == "softmax_cross_entropy" and not (labels != call.options.get("ignore_index", 255)).any()


def by_pytorch(name: str, call: Call, exact: list[np.ndarray], cotangent: np.ndarray, wanted: list[bool]) -> list[Any]:
    tensors = [
        torch.tensor(value.astype("float64"), requires_grad=grad) for value, grad in zip(exact, wanted, strict=True)
    ]
    output = call.run(TWINS[name], tensors)
    if any(wanted) and torch.isfinite(output).all():  # else a pool saw padding only
        output.backward(torch.from_numpy(cotangent.astype("float64")))
    return [output.detach().numpy(), *(None if tensor.grad is None else tensor.grad.numpy() for tensor in tensors)]


def part(number: int) -> str:
    return f"gradient {number - 1}" if number else "the value"


def close(found: list[Any], expected: list[Any], dtype: str, about: str) -> None:
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one is None or other is None:
            continue
        if one.shape != other.shape:
            raise Lost(f"{about}: {part(number)} has shape {one.shape}, expected {other.shape}")
        finite = np.isfinite(other)
        scale = max(1.0, float(np.abs(other[finite]).max(initial=0)))
        if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
            raise Lost(f"{about}: {part(number)} has other infinities or NaN")
        error = float(np.abs(one[finite] - other[finite]).max(initial=0))
        if not error <= NEAR[dtype] * scale:
            raise Lost(f"{about}: {part(number)} is off by {error:.3g} where values reach {scale:.3g}")


WRONG = (
    -1,
    0,
    1,
    3,
    7,
    10**9,
    1.5,
    "x",
    None,
    (),
    (1,),
    (2, 3),
    (1, 2, 3),
    -(10**9),
    float("nan"),
    True,
    np.zeros((2, 2)),
)


def wrong_call(rng: np.random.Generator, name: str) -> str:
    """One option, or the shape or dtype of one input, is another one: a result, or a sentence that begins with the operation."""
    call = OPERATIONS[name].sample(rng)
    inputs, options = list(call.inputs), dict(call.options)
    if options and rng.random() < 0.6:
        key = list(options)[int(rng.integers(len(options)))]
        options[key] = WRONG[int(rng.integers(len(WRONG)))]
        done = f"{key}={options[key]!r}"
    else:
        number = int(rng.integers(len(inputs)))
        value = inputs[number]
        ways = [
            value[None], value[..., None], value.reshape(-1), value[:0], value.astype("int64"), value.astype("float16"), value > 0,
            np.concatenate([value, value]), value[..., :0], value.astype("complex128"), value.astype("float32"), value.astype(object),
        ]  # fmt: skip
        way = int(rng.integers(len(ways)))
        inputs[number] = ways[way]
        done = f"input {number} changed in way {way} to {inputs[number].dtype} {inputs[number].shape}"
    changed = call._replace(inputs=tuple(inputs), options=options)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            output = changed.run(
                OPERATIONS[name].function, [v if v.dtype.kind != "f" else mf.Tensor(v) for v in inputs]
            )
    except (*REFUSALS, *OWN_WORDS.get(name, ())) as error:
        if type(error) not in OWN_WORDS.get(name, ()) and not str(error).startswith((f"{name}:", "Tensor")):
            raise Lost(
                f"{told(name, call)} with {done!s:.200}: the error does not say which operation: {error}"
            ) from error
        return "refused by name"
    except Exception as error:
        raise Lost(f"{told(name, call)} with {done}: {type(error).__name__}: {error}") from error
    if not isinstance(output, mf.Tensor):
        raise Lost(f"{told(name, call)} with {done}: a {type(output).__name__} came back")
    return "another valid call"


PROMISE = Promise(
    says="an operation's value and gradients are right: any shape, dtype, memory order, option, number of threads; the same bits each time; "
    "a wrong call is refused by name",
    how="drawn calls against float64 on the simple kernels and PyTorch in float64; large and empty ones; values to 1e305; wrong options",
    numbers=some_of(20_000),
    begin=begin,
    limit=60.0,
    memory=16 << 30,
)
