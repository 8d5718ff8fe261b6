"""A file's bytes without reading them all: what is looked at is fetched by the system, and given back under pressure."""

import io
import mmap
import os
from pathlib import Path

from minifcn.files import not_there
from minifcn.weights.state import WeightsError


def mapped(path: str | os.PathLike[str]) -> memoryview:
    """The bytes of a file, read-only. Raises WeightsError where there is none, or nothing in it."""
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path}: a folder; give a file of weights in it")
    if not path.is_file():
        raise WeightsError(f"{path}: {not_there(path, 'no such file')}")
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise WeightsError(f"{path}: an empty file; copy or download it again")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error


class ViewFile(io.RawIOBase):
    """Bytes in memory as a file to be read, without a copy: what zipfile wants."""

    def __init__(self, content: memoryview) -> None:
        self.content, self.place = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: len(self.content)}[whence]
        if start + offset < 0:
            raise OSError(f"seek to {start + offset}, before the beginning")  # what zipfile expects of a file
        self.place = start + offset
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self.content[self.place : self.place + len(buffer)]
        buffer[: len(piece)] = piece
        self.place += len(piece)
        return len(piece)
