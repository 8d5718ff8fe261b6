"""PyTorch's files since 1.6: a zip with a pickle of the structure, and the numbers of each storage in a member of its own."""

from typing import Any

from minifcn.weights.formats.contents import Contents, DamagedError
from minifcn.weights.formats.pickles import Machine
from minifcn.weights.formats.tensors import Kind, Storage, StorageKind, meaning, tensors_in
from minifcn.weights.formats.zipped import Zipped


def read_torch_zip(archive: Zipped) -> Contents:
    """The tensors of the file. Its folder is called as the file was once, or archive: whatever holds data.pkl. Raises DamagedError."""
    folders = [
        name.removesuffix("data.pkl") for name in archive.members if name.count("/") <= 1 and name.endswith("data.pkl")
    ]
    if len(folders) != 1:
        raise DamagedError(f"a zip file with {len(folders)} members called data.pkl; PyTorch writes one")
    (folder,) = folders
    if f"{folder}constants.pkl" in archive.members:
        raise DamagedError(
            "a TorchScript program; save the weights alone: in PyTorch, torch.save(model.state_dict(), file)"
        )
    order = bytes(archive.read(f"{folder}byteorder")).strip() if f"{folder}byteorder" in archive.members else b"little"
    if order not in (b"little", b"big"):
        raise DamagedError("its byte order is neither little nor big")
    known: dict[str, memoryview] = {}

    def bytes_of(key: str) -> memoryview:
        if key not in known:  # several tensors may share it
            if f"{folder}data/{key}" not in archive.members:
                raise DamagedError(f"storage {key!r} is not in the file")
            known[key] = archive.read(f"{folder}data/{key}")
        return known[key]

    def stored(name: Any) -> Storage:
        kind, key, _ = storage_id(name)
        return Storage(lambda: bytes_of(key), kind, order == b"big")

    value = Machine(archive.read(f"{folder}data.pkl"), 0, meaning, stored).run()
    return tensors_in(value, "PyTorch, zip format")


def storage_id(name: Any) -> tuple[Kind, str, int]:
    """(kind, key, how many numbers) of ("storage", class, key, device, numbers, …). DamagedError for anything else."""
    if not isinstance(name, tuple) or len(name) < 5 or name[0] != "storage" or not isinstance(name[1], StorageKind):
        raise DamagedError("a pickle that names something outside, and no storage of PyTorch's")
    if not isinstance(name[2], str) or type(name[4]) is not int or name[4] < 0:
        raise DamagedError("a storage without a key or a size")
    return name[1].kind, name[2], name[4]
