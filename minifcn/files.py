"""Files that appear whole or not at all: the one way in which anything here is written that a killed process must not spoil."""

import os
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes, durable: bool = False) -> None:
    """Put `content` at `path`. Whoever looks, at any moment, finds the old file or the new one; a failure leaves the old one.

    `durable`: also survive a power cut, at the price of waiting for the disk.
    """
    path = Path(path)
    draft = path.with_name(path.name + ".tmp")
    try:
        with open(draft, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())  # the name may change only once the bytes are safe
        os.replace(draft, path)  # atomic within a folder
    finally:
        draft.unlink(missing_ok=True)
