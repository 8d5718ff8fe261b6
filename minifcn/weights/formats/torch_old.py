"""PyTorch's files before 1.6: five pickles in a row (a magic number, the version, the system, the structure, the storages' keys),
then each storage as a count and its numbers. torchvision's VGG16, AlexNet and GoogLeNet came so.
"""

from typing import Any

from minifcn.weights.formats.contents import Contents, DamagedError
from minifcn.weights.formats.pickles import Machine
from minifcn.weights.formats.tensors import Kind, Storage, meaning, tensors_in
from minifcn.weights.formats.torch_zip import storage_id

MAGIC = 0x1950A86A20F9469CFC6C
BEGINS = b"\x8a\n" + MAGIC.to_bytes(10, "little")  # behind two bytes for the pickle's protocol
VERSION = 1001


class Storages:
    """Where each storage lies, which the file says only after the pickle that needs to know."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}
        self.places: dict[str, memoryview] = {}
        self.big = False

    def stored(self, name: Any) -> Storage:
        """A storage, or a view of one: (key, offset, size) in its numbers stands last then."""
        kind, key, _ = storage_id(name)
        if self.kinds.setdefault(key, kind) != kind:
            raise DamagedError(f"storage {key!r} is of two kinds")
        part = name[5] if len(name) > 5 else None
        if part is None:
            return Storage(lambda: self.bytes_of(key), kind, self.big)
        if (
            not isinstance(part, tuple)
            or len(part) != 3
            or not all(type(each) is int and each >= 0 for each in part[1:])
        ):
            raise DamagedError(f"a view of storage {key!r} that says no offset and size")
        wide = kind.dtype(False).itemsize
        start, end = part[1] * wide, (part[1] + part[2]) * wide
        return Storage(lambda: self.bytes_of(key)[start:end], kind, self.big)

    def locate(self, content: memoryview, place: int, keys: Any) -> None:
        """Note where each storage is, from `place` on: how many numbers, then the numbers."""
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise DamagedError("its list of storages is no list of texts")
        for key in keys:
            if key not in self.kinds or key in self.places:
                raise DamagedError(f"storage {key[:40]!r} is listed, but not used, or twice")
            count = int.from_bytes(content[place : place + 8], "big" if self.big else "little", signed=True)
            length = count * self.kinds[key].dtype(False).itemsize
            if count < 0 or place + 8 + length > len(content):
                left = max(0, len(content) - place - 8)
                raise DamagedError(f"cut off: storage {key[:40]!r} needs {length:,} bytes and {left:,} are left")
            self.places[key] = content[place + 8 : place + 8 + length]
            place += 8 + length

    def bytes_of(self, key: str) -> memoryview:
        if key not in self.places:
            raise DamagedError(f"storage {key!r} is not in the file")
        return self.places[key]


def read_torch_old(content: memoryview) -> Contents:
    """The tensors of the file. Raises DamagedError."""
    storages = Storages()
    place, found = 0, []
    for number in range(5):
        machine = Machine(content, place, meaning, storages.stored if number == 3 else no_storage)
        found.append(machine.run())
        place = machine.place
        if number == 2:
            storages.big = isinstance(found[2], dict) and found[2].get("little_endian") is False
        if number == 1 and (found[0] != MAGIC or found[1] != VERSION):
            raise DamagedError(f"PyTorch's older format, but of version {str(found[1])[:20]}; known is {VERSION}")
    storages.locate(content, place, found[4])
    return tensors_in(found[3], "PyTorch, the format before 1.6")


def no_storage(name: Any) -> Any:
    raise DamagedError("a storage where none belongs")
