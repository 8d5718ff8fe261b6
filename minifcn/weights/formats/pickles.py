"""A pickle without running it. A pickle is a program for a small stack machine, and can call any function there is; this machine has no
instruction that calls one. It builds numbers, texts, lists, tuples, dicts and sets, and asks `meaning` what a name stands for: one of a
few stand-ins of ours, or an error. Whatever a file says, its memory is at most a few times the file.
"""

import struct
from collections.abc import Callable
from typing import Any

from minifcn.weights.formats.contents import DamagedError

Stand = Callable[..., Any]
MARK = object()
LONGEST_LINE = 65536
KEYS = (
    str,
    int,
    float,
    bytes,
    bool,
    type(None),
)  # what may be a key: hashing a tuple of tuples of tuples can take for ever


class Box(dict):  # type: ignore[type-arg]
    """A dict as a pickle builds it."""


class Machine:
    """One pickle, from `place` in `content` on. `meaning(module, name)`: what a global name stands for. `stored(id)`: what a persistent id does."""

    def __init__(
        self, content: memoryview, place: int, meaning: Callable[[str, str], Stand], stored: Callable[[Any], Any]
    ) -> None:
        self.content, self.place, self.meaning, self.stored = content, place, meaning, stored
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}  # by number; Python's own keeps a list, which a large number makes 16 GB long

    def run(self) -> Any:
        """The value that the pickle describes; `place` is behind it then. Raises DamagedError."""
        try:
            while True:
                code = self.take(1)[0]
                if code == 0x2E:  # STOP
                    return self.pop()
                step = STEPS.get(code)
                if step is None:
                    raise DamagedError(f"a pickle with the unknown instruction {code:#04x}: damaged, or no pickle")
                step(self)
        except DamagedError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, struct.error, OverflowError, AttributeError) as error:
            raise DamagedError(f"a pickle that is cut off or damaged ({type(error).__name__})") from error

    def take(self, count: int) -> memoryview:
        if count < 0 or self.place + count > len(self.content):
            raise DamagedError("a pickle that is cut off")
        self.place += count
        return self.content[self.place - count : self.place]

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def sized(self, form: str) -> bytes:
        return bytes(self.take(self.number(form)))

    def line(self) -> str:
        """The text up to the end of the line: of a name, or a number in digits."""
        found = bytes(self.content[self.place : self.place + LONGEST_LINE])
        end = found.index(b"\n")
        self.place += end + 1
        return found[:end].decode("latin-1")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is MARK:
            raise DamagedError("a pickle whose instructions do not fit together")
        return value

    def since_mark(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not MARK:
            if place == 0:
                raise DamagedError("a pickle whose instructions do not fit together")
            place -= 1
        found = self.stack[place + 1 :]
        del self.stack[place:]
        return found

    def top(self, kind: type) -> Any:
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise DamagedError("a pickle that adds to what is no container")
        return value

    def fill(self, pairs: list[Any]) -> None:
        box = self.top(Box)
        if len(pairs) % 2:
            raise DamagedError("a pickle with a key that has no value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            box[plain(key)] = value

    def call(self, stand: Any, arguments: Any) -> None:
        """REDUCE: what would call any function in Python calls one of the stand-ins that `meaning` gave."""
        if not callable(stand) or not getattr(stand, "harmless", False) or not isinstance(arguments, tuple):
            raise DamagedError("a pickle that calls what is no name of a tensor or container; nothing was run")
        try:
            self.push(stand(*arguments))
        except TypeError as error:
            raise DamagedError(
                f"a pickle that gives {getattr(stand, '__name__', 'a name')} what it does not take"
            ) from error

    def attributes(self) -> None:
        """BUILD: sets attributes in Python. A state dict keeps its versions there, which nobody needs; nothing else may have any."""
        self.pop()
        self.top(Box)


def plain(key: Any) -> Any:
    if not isinstance(key, KEYS):
        raise DamagedError(f"a pickle with a key of kind {type(key).__name__}; expected texts and numbers")
    return key


def harmless(function: Stand) -> Stand:
    """Mark a stand-in of ours, which a pickle may name and call."""
    function.harmless = True  # type: ignore[attr-defined]
    return function


def long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def quoted(text: str) -> str:
    """'abc' of an old text pickle, with the few escapes that names need."""
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        raise DamagedError("a pickle with a text that is not closed")
    return text[1:-1].encode("latin-1").decode("unicode_escape") if "\\" in text else text[1:-1]


def whole(text: str) -> int | bool:
    return {"00": False, "01": True}[text] if text in ("00", "01") else int(text.removesuffix("L"))


def refuse(what: str) -> Callable[[Machine], None]:
    def step(machine: Machine) -> None:
        raise DamagedError(f"a pickle that {what}, which tensors and containers do not need; nothing was run")

    return step


def item(machine: Machine) -> None:
    value = machine.pop()
    machine.top(list).append(value)


def items(machine: Machine) -> None:
    values = machine.since_mark()
    machine.top(list).extend(values)


def pair(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    machine.fill([key, value])


def pairs(machine: Machine) -> None:
    values = machine.since_mark()
    machine.fill(values)


def filled(machine: Machine) -> None:
    values = machine.since_mark()
    machine.push(Box())
    machine.fill(values)


def members(machine: Machine) -> None:
    values = machine.since_mark()
    machine.top(set).update(map(plain, values))


def last(machine: Machine, count: int) -> None:
    machine.push(tuple([machine.pop() for _ in range(count)][::-1]))


def keep(machine: Machine, place: int) -> None:
    if not machine.stack or machine.stack[-1] is MARK:
        raise DamagedError("a pickle whose instructions do not fit together")
    machine.memo[place] = machine.stack[-1]


def twice(machine: Machine) -> None:
    value = machine.pop()
    machine.stack += [value, value]


def reduce(machine: Machine) -> None:
    arguments, stand = machine.pop(), machine.pop()
    machine.call(stand, arguments)


def named(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if not (isinstance(name, str) and isinstance(module, str)):
        raise DamagedError("a pickle with a name that is no text")
    machine.push(machine.meaning(module, name))


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


STEPS: dict[int, Callable[[Machine], Any]] = {
    0x80: lambda m: m.take(1),  # PROTO
    0x95: lambda m: m.take(8),  # FRAME
    ord("("): lambda m: m.push(MARK),
    ord("0"): lambda m: m.stack.pop(),
    ord("1"): lambda m: m.since_mark(),
    ord("2"): twice,
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("I"): lambda m: m.push(whole(m.line())),
    ord("L"): lambda m: m.push(whole(m.line())),
    ord("F"): lambda m: m.push(float(m.line())),
    ord("J"): lambda m: m.push(m.number("<i")),
    ord("K"): lambda m: m.push(m.number("<B")),
    ord("M"): lambda m: m.push(m.number("<H")),
    ord("G"): lambda m: m.push(m.number(">d")),
    0x8A: lambda m: m.push(long(m.sized("<B"))),
    0x8B: lambda m: m.push(long(m.sized("<i"))),
    ord("S"): lambda m: m.push(quoted(m.line())),
    ord("T"): lambda m: m.push(m.sized("<i").decode("latin-1")),
    ord("U"): lambda m: m.push(m.sized("<B").decode("latin-1")),
    ord("V"): lambda m: m.push(m.line().encode("latin-1").decode("raw_unicode_escape")),
    ord("X"): lambda m: m.push(text(m.sized("<I"))),
    0x8C: lambda m: m.push(text(m.sized("<B"))),
    0x8D: lambda m: m.push(text(m.sized("<Q"))),
    ord("B"): lambda m: m.push(m.sized("<I")),
    ord("C"): lambda m: m.push(m.sized("<B")),
    0x8E: lambda m: m.push(m.sized("<Q")),
    0x96: lambda m: m.push(m.sized("<Q")),
    ord("]"): lambda m: m.push([]),
    ord("a"): item,
    ord("e"): items,
    ord("l"): lambda m: m.push(m.since_mark()),
    ord(")"): lambda m: m.push(()),
    ord("t"): lambda m: m.push(tuple(m.since_mark())),
    0x85: lambda m: last(m, 1),
    0x86: lambda m: last(m, 2),
    0x87: lambda m: last(m, 3),
    ord("}"): lambda m: m.push(Box()),
    ord("d"): filled,
    ord("s"): pair,
    ord("u"): pairs,
    0x8F: lambda m: m.push(set()),
    0x90: members,
    0x91: lambda m: m.push(frozenset(map(plain, m.since_mark()))),
    ord("g"): lambda m: m.push(m.memo[int(m.line())]),
    ord("h"): lambda m: m.push(m.memo[m.number("<B")]),
    ord("j"): lambda m: m.push(m.memo[m.number("<I")]),
    ord("p"): lambda m: keep(m, int(m.line())),
    ord("q"): lambda m: keep(m, m.number("<B")),
    ord("r"): lambda m: keep(m, m.number("<I")),
    0x94: lambda m: keep(m, len(m.memo)),
    ord("c"): lambda m: m.push(m.meaning(m.line(), m.line())),
    0x93: named,
    ord("R"): reduce,
    ord("b"): lambda m: m.attributes(),
    ord("Q"): lambda m: m.push(m.stored(m.pop())),
    ord("P"): lambda m: m.push(m.stored(m.line())),
    0x81: refuse("makes an object of a class (NEWOBJ)"),
    0x92: refuse("makes an object of a class (NEWOBJ_EX)"),
    ord("i"): refuse("makes an object of a class (INST)"),
    ord("o"): refuse("makes an object of a class (OBJ)"),
    0x82: refuse("names an extension (EXT1)"),
    0x83: refuse("names an extension (EXT2)"),
    0x84: refuse("names an extension (EXT4)"),
    0x97: refuse("takes memory from outside (NEXT_BUFFER)"),
    0x98: refuse("takes memory from outside (READONLY_BUFFER)"),
}
