"""A zip archive written forward only, its large parts as they come, with no time of its own.

Equal parts give equal bytes. The extensions for more than 4 GiB (ZIP64) are used only where a size or place
needs them.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from isal import isal_zlib

_LIMIT = 0xFFFF_FFFF
"""From here on a size or place is written in the fields of ZIP64."""

_COUNT_LIMIT = 0xFFFF
_DATE = 0x0021
"""The first day of the format's calendar, 1980-01-01, for every part."""

_DEFLATED = 8
_SIZES_FOLLOW = 1 << 3
_VERSION, _VERSION_64 = 20, 45
_LAST_BLOCK = b"\x03\x00"
"""An empty block that ends deflated data."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a part, deflated on its own so that pieces can follow one another."""

    deflated: bytes
    size: int
    """Bytes before they were deflated."""
    checksum: int


def deflate(*contents: bytes | memoryview) -> Piece:
    """Returns the contents, one behind the other, as a piece deflated for speed.

    It may be called by several threads at once.
    """
    engine = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
    deflated, checksum = bytearray(), 0
    for content in contents:
        deflated += engine.compress(content)
        checksum = isal_zlib.crc32(content, checksum)
    deflated += engine.flush(isal_zlib.Z_FULL_FLUSH)
    return Piece(bytes(deflated), sum(map(len, contents)), checksum)


@dataclass
class _Part:
    name: bytes
    place: int
    flags: int = 0
    size: int = 0
    deflated_size: int = 0
    checksum: int = 0


class ZipStream:
    """An archive written to `out`: whole parts by `add`; a large one by `begin`, `append` and `end`."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._place = 0
        self._parts: list[_Part] = []

    def add(self, name: str, content: bytes) -> None:
        """Writes a whole part."""
        engine = zlib.compressobj(6, zlib.DEFLATED, -15)
        deflated = engine.compress(content) + engine.flush()
        self._begin(_Part(name.encode(), self._place, 0, len(content), len(deflated), zlib.crc32(content)))
        self._write(deflated)

    def begin(self, name: str) -> None:
        """Begins a part, whose pieces are then appended."""
        self._begin(_Part(name.encode(), self._place, _SIZES_FOLLOW))

    def append(self, piece: Piece) -> None:
        """Writes the next piece of the part that was begun last."""
        part = self._parts[-1]
        part.checksum = isal_zlib.crc32_combine(part.checksum, piece.checksum, piece.size)
        part.size += piece.size
        self._deflated(part, piece.deflated)

    def end(self) -> None:
        """Ends the part that was begun last."""
        part = self._parts[-1]
        self._deflated(part, _LAST_BLOCK)
        sizes = "QQ" if max(part.size, part.deflated_size) >= _LIMIT else "II"
        self._write(struct.pack(f"<4sI{sizes}", b"PK\x07\x08", part.checksum, part.deflated_size, part.size))

    def finish(self) -> None:
        """Writes the directory of parts, which ends the archive."""
        start = self._place
        for part in self._parts:
            self._write(_directory_entry(part))
        size, count = self._place - start, len(self._parts)
        if max(start, size) >= _LIMIT or count >= _COUNT_LIMIT:
            fields = (44, _VERSION_64, _VERSION_64, 0, 0, count, count, size, start)
            end = self._place
            self._write(struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", *fields))
            self._write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        counts = (min(count, _COUNT_LIMIT),) * 2
        places = (_shown(size), _shown(start))
        self._write(struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, *counts, *places, 0))

    def _begin(self, part: _Part) -> None:
        self._parts.append(part)
        sizes = (part.checksum, part.deflated_size, part.size)
        method = (_VERSION, part.flags, _DEFLATED, 0, _DATE)
        self._write(struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *method, *sizes, len(part.name), 0))
        self._write(part.name)

    def _deflated(self, part: _Part, content: bytes) -> None:
        part.deflated_size += len(content)
        self._write(content)

    def _write(self, content: bytes) -> None:
        self._out.write(content)
        self._place += len(content)


def _shown(number: int) -> int:
    return number if number < _LIMIT else 0xFFFF_FFFF


def _directory_entry(part: _Part) -> bytes:
    numbers = (part.size, part.deflated_size, part.place)
    large = [number for number in numbers if number >= _LIMIT]
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = _VERSION_64 if large else _VERSION
    fields = (version, version, part.flags, _DEFLATED, 0, _DATE, part.checksum)
    sizes = (_shown(part.deflated_size), _shown(part.size), len(part.name), len(extra))
    header = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", *fields, *sizes, 0, 0, 0, 0, _shown(part.place)
    )
    return header + part.name + extra
