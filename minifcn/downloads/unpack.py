"""A tar archive into a folder, and nothing beside it: plain files and folders alone."""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from minifcn.downloads.fetch import CHUNK, SPARE, DownloadError
from minifcn.files import make_folder, named

MOST = 20 << 30  # bytes: VOC 2012 unpacks to 2 GB


def unpack(archive: Path, folder: Path, progress: Callable[[int], Any] = lambda done: None) -> int:
    """Write the files of `archive` into `folder`; how many comes back. Raises DownloadError before anything is written where one of them
    would lie outside, is no file, or there is too little room.
    """
    try:
        with tarfile.open(archive) as opened:
            members = [member for member in opened.getmembers() if not member.isdir()]
            places = [(member, place_of(archive, member, folder)) for member in members]
            total = sum(member.size for member in members)
            if total > MOST:
                raise DownloadError(f"{archive}: it unpacks to {total / 1e9:.0f} GB, more than any data set here")
            make_folder(folder)
            free = shutil.disk_usage(folder).free
            if total + SPARE > free:
                raise DownloadError(
                    f"{archive}: it unpacks to {total / 1e6:,.0f} MB, and {folder} has {free / 1e6:,.0f} MB free: make room"
                )
            for number, (member, place) in enumerate(places, start=1):
                make_folder(place.parent)
                source = opened.extractfile(member)
                assert source is not None  # it is a plain file
                with named(place):
                    file = open(place, "wb")  # noqa: SIM115  # a damaged archive is no fault of this file
                with file:
                    while chunk := source.read(CHUNK):
                        with named(place):
                            file.write(chunk)
                            file.flush()
                progress(number)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DownloadError(
            f"{archive}: an archive that is cut off or damaged ({error}): delete it, and download it again"
        ) from error
    return len(members)


def place_of(archive: Path, member: tarfile.TarInfo, folder: Path) -> Path:
    """Where a member goes. DownloadError where that is not in `folder`, or it is no plain file."""
    path = PurePosixPath(member.name)
    if not member.isfile():
        raise DownloadError(f"{archive}: holds {member.name[:80]!r}, which is no plain file; nothing was unpacked")
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in path.parts[0] or not path.parts:
        raise DownloadError(
            f"{archive}: holds {member.name[:80]!r}, which would lie outside of the folder; nothing was unpacked"
        )
    place = folder / path
    if any(parent.is_symlink() for parent in [place, *place.parents] if parent != folder and folder in parent.parents):
        raise DownloadError(
            f"{archive}: {place} is a link already, and what it holds is left alone; choose an empty folder"
        )
    return place
