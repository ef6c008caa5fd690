"""A zip archive written forward only: its parts are stored as they are, whole or piece by piece.

The extensions for more than 4 GiB (ZIP64) are used only where a size, a place or the number of parts needs
them. The directory of the parts, which stands at the end, waits in a temporary file once it is large.
"""

import struct
import zlib
from collections.abc import Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile

_LIMIT = 0xFFFF_FFFF
"""From here on a size or place is written in the fields of ZIP64."""
_COUNT_LIMIT = 0xFFFF
_STORED = 0
_UTF8, _SIZES_FOLLOW = 1 << 11, 1 << 3
_VERSION, _VERSION_64 = 20, 45
_UNIX = 3 << 8
_READABLE = 0o100644 << 16
"""Rights of a part once it is taken out: its owner writes it, everybody reads it."""
_IN_MEMORY = 512 * 1024
_BLOCK = 256 * 1024
_FIRST_YEAR, _LAST_YEAR = 1980, 2107


class ZipStream:
    """An archive: each method gives the bytes that come next; `begin`, `append` and `end` of a large part."""

    def __init__(self) -> None:
        self._place = 0
        self._count = 0
        self._directory = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  closed by close
        self._part = _Part(b"", 0, 0, 0)

    def add(self, name: str, content: bytes, written: datetime) -> bytes:
        """A whole part; `written`: its time, in UTC."""
        self._part = _Part(name.encode(), self._place, _UTF8, _dos_time(written))
        self._part.size, self._part.checksum = len(content), zlib.crc32(content)
        head = self._part.header(len(content), self._part.checksum)
        self._list()
        return self._told(head + content)

    def begin(self, name: str, size: int, written: datetime) -> bytes:
        """The beginning of a part of so many bytes, which then come by `append`."""
        self._part = _Part(name.encode(), self._place, _UTF8 | _SIZES_FOLLOW, _dos_time(written))
        self._part.is_large = size >= _LIMIT
        return self._told(self._part.header(0, 0))

    def append(self, content: bytes) -> bytes:
        """The next bytes of the part that was begun."""
        self._part.size += len(content)
        self._part.checksum = zlib.crc32(content, self._part.checksum)
        return self._told(content)

    def end(self) -> bytes:
        """The end of the part that was begun."""
        sizes = "QQ" if self._part.is_large else "II"
        fields = (b"PK\x07\x08", self._part.checksum, self._part.size, self._part.size)
        self._list()
        return self._told(struct.pack(f"<4sI{sizes}", *fields))

    def finish(self) -> Iterator[bytes]:
        """The directory of the parts, which ends the archive."""
        start, size = self._place, self._directory.tell()
        self._directory.seek(0)
        while block := self._directory.read(_BLOCK):
            yield self._told(block)
        end = b""
        if max(start, size) >= _LIMIT or self._count >= _COUNT_LIMIT:
            fields = (44, _VERSION_64, _VERSION_64, 0, 0, self._count, self._count, size, start)
            end += struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", *fields)
            end += struct.pack("<4sIQI", b"PK\x06\x07", 0, self._place, 1)
        counts = (min(self._count, _COUNT_LIMIT),) * 2
        places = (min(size, _LIMIT), min(start, _LIMIT))
        yield self._told(end + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, *counts, *places, 0))

    def close(self) -> None:
        """Remove what waits in a temporary file."""
        self._directory.close()

    def _list(self) -> None:
        self._directory.write(self._part.entry())
        self._count += 1

    def _told(self, content: bytes) -> bytes:
        self._place += len(content)
        return content


class _Part:
    """One part, and what is written of it before and after its bytes."""

    def __init__(self, name: bytes, place: int, flags: int, written: int) -> None:
        self._name = name
        self._place = place
        self._flags = flags
        self._written = written
        self.is_large = False
        self.size = 0
        self.checksum = 0

    def header(self, size: int, checksum: int) -> bytes:
        # Of a large part the sizes follow it, in eight bytes each, as its extra field says.
        extra = struct.pack("<HHQQ", 1, 16, 0, 0) if self.is_large else b""
        version, shown = (_VERSION_64, _LIMIT) if self.is_large else (_VERSION, size)
        method = (version, self._flags, _STORED, self._written, checksum)
        sizes = (shown, shown, len(self._name), len(extra))
        return struct.pack("<4sHHHIIIIHH", b"PK\x03\x04", *method, *sizes) + self._name + extra

    def entry(self) -> bytes:
        large = [number for number in (self.size, self.size, self._place) if number >= _LIMIT]
        extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
        version = _VERSION_64 if large else _VERSION
        method = (_UNIX | version, version, self._flags, _STORED, self._written, self.checksum)
        size, place = min(self.size, _LIMIT), min(self._place, _LIMIT)
        sizes = (size, size, len(self._name), len(extra))
        head = struct.pack("<4sHHHHIIIIHHHHHII", b"PK\x01\x02", *method, *sizes, 0, 0, 0, _READABLE, place)
        return head + self._name + extra


def _dos_time(instant: datetime) -> int:
    """Date and time as the format has them: to two seconds, from 1980 to 2107."""
    year = min(max(instant.year, _FIRST_YEAR), _LAST_YEAR)
    date = (year - _FIRST_YEAR) << 9 | instant.month << 5 | instant.day
    return date << 16 | instant.hour << 11 | instant.minute << 5 | instant.second // 2
