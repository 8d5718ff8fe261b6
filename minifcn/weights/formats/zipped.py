"""What lies in a zip file: checked names, sizes and checksums; members that are not compressed are handed over where they lie."""

import struct
import zipfile
import zlib

from minifcn.weights.formats.contents import DamagedError
from minifcn.weights.formats.mapped import ViewFile

LOCAL = 30  # bytes of a member's own header, before its name
MOST_UNPACKED = 8 << 30  # bytes: VGG16 in float64 is 1.1 GB. A few kB can claim to unpack to any size
FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, EOFError, OSError, RuntimeError, IndexError, OverflowError)  # fmt: skip


class Zipped:
    """The members of a zip file by name. Raises DamagedError for what is no whole zip."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        try:
            self.archive = zipfile.ZipFile(ViewFile(content))  # type: ignore[arg-type]
            self.members = {info.filename: info for info in self.archive.infolist()}
        except FAULTS as error:
            raise DamagedError(f"a zip file that is cut off or damaged ({error}); copy or download it again") from error
        if len(self.members) < len(self.archive.infolist()):
            raise DamagedError("a zip file with two members of one name")
        if sum(info.file_size for info in self.members.values()) > MOST_UNPACKED:
            raise DamagedError(
                f"a zip file that unpacks to more than {MOST_UNPACKED >> 30} GiB; no weights file here is that large"
            )

    def read(self, name: str) -> memoryview:
        """A member's bytes. DamagedError where it is not whole."""
        info = self.members[name]
        if info.compress_type != zipfile.ZIP_STORED:
            try:
                return memoryview(self.archive.read(name))  # looks at the checksum itself
            except FAULTS as error:
                raise DamagedError(f"{name} in it cannot be unpacked ({error})") from error
        header = self.content[info.header_offset : info.header_offset + LOCAL]
        if len(header) < LOCAL or header[:4] != b"PK\x03\x04":
            raise DamagedError(f"{name} in it is not where the zip file says")
        name_length, more = struct.unpack("<HH", header[26:30])
        start = info.header_offset + LOCAL + name_length + more
        found = self.content[start : start + info.file_size]
        if len(found) < info.file_size:
            raise DamagedError(f"{name} in it is cut off: {len(found):,} of {info.file_size:,} bytes")
        # PyTorch writes 0 where it was told to work out no checksums
        if info.CRC and zlib.crc32(found) != info.CRC:
            raise DamagedError(f"{name} in it is damaged: its checksum is another one")
        return found
