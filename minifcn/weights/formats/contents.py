"""What every reader hands over: arrays by name, as the file has them, and what else a person wants to see of it."""

from dataclasses import dataclass, field

import numpy as np

from minifcn.weights.state import WeightsError

READABLE = ("float16", "bfloat16", "float32", "float64")  # what float32 can be made of
LONGEST_NAME, LONGEST_SENTENCE = 500, 1500  # characters
MOST_ARRAYS = 100_000  # networks have hundreds: a file with more is none


class DamagedError(WeightsError):
    """A reader's sentence about what it found inside a file; whoever knows the file's name puts it in front."""


@dataclass(frozen=True)
class Entry:
    """One array as it lies in the file, mostly a view of it.

    `kind`: its numbers in plain words, "bfloat16". NumPy lacks bfloat16 and float8, so `array` holds their bits then, as unsigned numbers.
    `transposed`: a matrix (inputs, outputs), where a layer has (outputs, inputs). `channels_last`: as TensorFlow has weights, windows (rows,
    columns, inputs, outputs), and matrices (inputs, outputs) that meet a map whose channels were fastest when it was flattened.
    """

    array: np.ndarray
    kind: str
    transposed: bool = False
    channels_last: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def float32(self) -> np.ndarray:
        """The numbers in C order, as an array of their own; half precision is widened exactly. DamagedError for other kinds."""
        if self.kind not in READABLE:
            raise DamagedError(
                f"holds {self.kind} numbers; expected one of {', '.join(READABLE)}; save it so, in PyTorch: tensor.float()"
            )
        if self.kind == "bfloat16":  # the upper half of a float32
            return (np.ascontiguousarray(self.array).astype("<u4") << 16).view("<f4").reshape(self.shape)
        with np.errstate(
            over="ignore"
        ):  # what is too large for float32 becomes infinity, which is refused by name later
            return np.array(self.array, dtype=np.float32, order="C")


@dataclass(frozen=True)
class Step:
    """A layer of a graph that has weights. `arrays`: their names; `norm`: those of the batch norm behind it, scale, shift, mean and variance.

    `sources`: the numbers of the steps whose results come in, with nothing but layers without weights between; none for the picture.
    `settings`: stride, dilation, groups and padding of a convolution. `passed`: what its input went through since its sources, of all that
    matters: "Relu", "MaxPool 3x3 by 2x2", or another operation's name.
    """

    operation: str
    arrays: tuple[str, ...]
    sources: frozenset[int]
    settings: dict[str, tuple[int, ...]] = field(default_factory=dict)
    norm: tuple[str, ...] = ()
    epsilon: float = 1e-5
    passed: frozenset[str] = frozenset()


@dataclass
class Contents:
    """All of a file. `format` is for people. `nodes`: (name, kind) of every layer or operation, in the file's order, where it has them.

    `steps`: the layers with weights, where the file is a graph. `constants`: arrays that are settings of a graph and no weights.
    `before`: those that a graph works into the picture before its first layer.
    `header`: what else a file of minifcn's own says.
    """

    format: str
    entries: dict[str, Entry] = field(default_factory=dict)
    nodes: list[tuple[str, str]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    before: list[str] = field(default_factory=list)
    header: dict[str, object] = field(default_factory=dict)

    def add(self, name: str, entry: Entry) -> None:
        if (
            not name.isprintable() or len(name) > LONGEST_NAME
        ):  # it is shown on a terminal, where control characters do things
            raise DamagedError(f"holds an array whose name is none, {name[:40]!r}")
        if name in self.entries:
            raise DamagedError(f"holds {name} twice")
        if len(self.entries) >= MOST_ARRAYS:
            raise DamagedError(f"holds more than {MOST_ARRAYS:,} arrays; a network has hundreds")
        self.entries[name] = entry


def shaped(numbers: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    """`numbers` in `shape`. DamagedError where there are more or fewer of them."""
    count = 1
    for side in shape:
        count *= side
    if min(shape, default=0) < 0 or count != numbers.size:
        raise DamagedError(f"{what} has {numbers.size:,} numbers, which do not fill its shape {shape}")
    if len(shape) > 32:
        raise DamagedError(f"{what} has {len(shape)} axes; arrays have up to 32")
    return numbers.reshape(shape)


def one_line(text: str) -> str:
    """A sentence with what a file says in it, without line ends and other control characters that the file may have."""
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:LONGEST_SENTENCE])
    return shown + (" …" if len(text) > LONGEST_SENTENCE else "")
