"""Option types shared by the commands; a wrong value is wrong usage, exit status 2."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from minifcn import backend, workers
from minifcn.cli.output import raw
from minifcn.data.errors import DataError


def as_typed(words: Sequence[str]) -> str:
    """Words as they are typed into the shell of this system, to be copied from a message."""
    if os.name == "nt":
        from subprocess import list2cmdline

        return list2cmdline(words)
    from shlex import join

    return join(words)


def at_least(least: float, kind: type = int) -> Callable[[str], Any]:
    """An argparse type: a number of `kind`, `least` or more."""

    def number(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a {'whole ' if kind is int else ''}number") from None
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is out of range; expected {least} or more")
        return value

    return number


def model_name(text: str) -> Path:
    """An argparse type: a file's name that ends in .safetensors."""
    if not text.endswith(".safetensors"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .safetensors")
    return Path(text)


def number_or_mpi(text: str) -> int | str:
    """An argparse type: how many processes, or the word mpi."""
    return text if text == "mpi" else at_least(1)(text)


def above_zero(text: str) -> float:
    """An argparse type: a number above 0."""
    value = at_least(0, float)(text)
    if value == 0:
        raise argparse.ArgumentTypeError("0 is out of range; expected a number above 0")
    return value


def share(text: str) -> float:
    """An argparse type: a number above 0 and at most 1, such as 0.8."""
    value = above_zero(text)
    if value > 1:
        raise argparse.ArgumentTypeError(
            f"{text} is out of range; expected a share, above 0 and at most 1, such as 0.8"
        )
    return value


def height_by_width(text: str) -> tuple[int, int]:
    """An argparse type: "375x500" -> (375, 500)."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; expected HEIGHTxWIDTH, such as 375x500")
    return int(parts[0]), int(parts[1])


def comma_list(text: str) -> list[str]:
    """An argparse type: "cat,dog" -> ["cat", "dog"]."""
    return [name.strip() for name in text.split(",") if name.strip()]


def picture_bits(text: str) -> int:
    """An argparse type: how many of 16 bits hold something, 8 to 16."""
    value = at_least(8)(text)
    if value > 16:
        raise argparse.ArgumentTypeError(f"{text} is out of range; expected 8 to 16, such as 12")
    return int(value)


def two_numbers(text: str) -> tuple[float, float]:
    """An argparse type: "0.7,1.6" -> (0.7, 1.6), the first above 0 and not above the second."""
    parts = text.split(",")
    try:
        low, high = (float(part) for part in parts)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers, such as 0.7,1.6") from None
    if not 0 < low <= high < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 < first <= second")
    return low, high


def scale_list(text: str) -> tuple[float, ...]:
    """An argparse type: "0.75,1" -> (0.75, 1.0)."""
    scales = tuple(above_zero(part) for part in comma_list(text))
    if not scales:
        raise argparse.ArgumentTypeError("no scales; expected numbers above 0, such as 0.75,1,1.25")
    return scales


def seed_list(text: str) -> tuple[int, ...]:
    """An argparse type: "0,1,2" -> (0, 1, 2), each once."""
    seeds = tuple(at_least(0)(part) for part in comma_list(text))
    if not seeds or len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f"{text!r}: expected different whole numbers, such as 0,1,2")
    return seeds


def picture_file(text: str) -> str:
    """An argparse type: a file's name that ends in .png or .svg."""
    if not text.lower().endswith((".png", ".svg")):
        raise argparse.ArgumentTypeError(f"{text!r} ends in neither .png nor .svg")
    return text


def memory_size(text: str) -> str:
    """An argparse type: bytes, "6G" or "500M", or a share of what there is, "80%"."""
    number = text[:-1] if text[-1:].upper() in "KMGT%" else text
    try:
        value = above_zero(number)
    except argparse.ArgumentTypeError as error:
        if text != os.environ.get(backend.MEMORY_LIMIT):
            raise
        raise argparse.ArgumentTypeError(
            f"{error} (the environment variable {backend.MEMORY_LIMIT} says so)"
        ) from error
    if text.endswith("%") and value > 100:
        raise argparse.ArgumentTypeError(f"{text}: expected a share of up to 100%")
    return text


def add_device(parser: Any, default: str = "auto") -> None:
    """The options that say where to compute."""
    parser.add_argument(
        "--device", choices=("auto", "cpu", "gpu"), default=default,
        help=f"auto: a GPU that works, else the CPU, and why ({default})",
    )  # fmt: skip
    parser.add_argument(
        "--gpu-memory", type=memory_size, default=os.environ.get(backend.MEMORY_LIMIT), metavar="6G|80%",
        help=f"use no more of the GPU's memory (the environment variable {backend.MEMORY_LIMIT}, else all of it)",
    )  # fmt: skip


def refuse_given(arguments: argparse.Namespace, options: Iterable[str], why: str) -> None:
    """Raise DataError where one of `options`, such as "--out", was given, which would change nothing. Their defaults are none, or empty."""
    for option in options:
        value = getattr(arguments, option.strip("-").replace("-", "_"))
        if value is not None and value is not False and value != []:  # 0 was given
            raise DataError(f"{option} {why}")


def chosen_device(arguments: argparse.Namespace) -> str:
    """ "cpu" or "gpu", the latter with its limit. Processes that are started later have the same one."""
    device = backend.choose_device(arguments.device, lambda line: print(line, file=sys.stderr))
    if device == "gpu" and arguments.gpu_memory:
        os.environ[backend.MEMORY_LIMIT] = arguments.gpu_memory
        backend.limit_gpu_memory(arguments.gpu_memory)
    elif arguments.gpu_memory:
        print("--gpu-memory is about a GPU, and this runs on the cpu: it changes nothing", file=sys.stderr)
    return device


def device_words(device: str) -> str:
    """ "the cpu", or "the gpu (NVIDIA …)": what a command says of where it computes."""
    return f"the gpu ({backend.device_name()})" if device == "gpu" else "the cpu"


class NoBar:
    """What stands for a bar where there is no terminal: lines are printed, all else is nothing. tqdm takes 0.05 s to load."""

    disable, n = True, 0

    def __init__(self, total: int) -> None:
        self.total = total

    def __enter__(self) -> "NoBar":
        return self

    def __exit__(self, *error: Any) -> None: ...

    def write(self, line: str, file: Any = None) -> None:
        print(line, file=file)

    def nothing(self, *values: Any, **options: Any) -> None: ...

    update = close = refresh = set_postfix_str = set_description_str = nothing


def bar(total: int, what: str, hidden: bool = False, **options: Any) -> Any:
    """A progress bar on a terminal; nothing elsewhere, or where it is to be `hidden`."""
    if hidden or not sys.stderr.isatty():
        return NoBar(total)
    from tqdm import tqdm

    if not workers.threads_to_be_had(1):
        tqdm.monitor_interval = 0  # it would warn that its own thread does not start
    return tqdm(total=total, desc=what, file=raw(sys.stderr), leave=False, dynamic_ncols=True, **options)
