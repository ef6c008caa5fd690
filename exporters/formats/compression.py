"""Compression of a stream of bytes, block by block in several threads."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal, Protocol, Self

import pyarrow as pa
from isal import isal_zlib

from exporters.formats.parallel import WorkInOrder

Compression = Literal["gzip", "zstd"]

_BLOCK_BYTES = 1 << 20
"""What one thread compresses at a time, however the pieces are cut, so that equal bytes stay equal."""

_GZIP_LEVEL = 3
_ZSTD_LEVEL = 3

_GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
"""Deflate; no name, no time and no operating system, so that equal input gives equal bytes."""

_LAST_BLOCK = b"\x03\x00"
"""An empty deflate block that ends the stream."""


class Writable(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> object: ...


@contextmanager
def compressing(out: BinaryIO, method: Compression | None) -> Iterator[Writable]:
    """What is written within the block goes to `out` compressed, or as it is when the method is None.

    Gzip is one member, whose blocks can be read one by one; zstd is one frame for each block.
    """
    match method:
        case None:
            yield out
        case "gzip":
            checksum = _Checksum()

            def take(deflated: tuple[bytes, int, int]) -> None:
                checksum.add(*deflated[1:])
                out.write(deflated[0])

            out.write(_GZIP_HEADER)
            with WorkInOrder(_deflate, take) as working, _Blocks(working.add) as blocks:
                yield blocks
            out.write(_LAST_BLOCK + checksum.trailer())
        case "zstd":
            with WorkInOrder(_zstd_frame, out.write) as framing, _Blocks(framing.add) as blocks:
                yield blocks


class _Blocks:
    """Cuts what is written into blocks of one length, the last of what is left."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take = take
        self._held = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._held and kind is None:
            self._take(bytes(self._held))

    def write(self, data: bytes, /) -> int:
        self._held += data
        while len(self._held) >= _BLOCK_BYTES:
            self._take(bytes(self._held[:_BLOCK_BYTES]))
            del self._held[:_BLOCK_BYTES]
        return len(data)


class _Checksum:
    """Of all blocks, from those of each."""

    def __init__(self) -> None:
        self._checksum, self._length = 0, 0

    def add(self, checksum: int, length: int) -> None:
        self._checksum = isal_zlib.crc32_combine(self._checksum, checksum, length)
        self._length += length

    def trailer(self) -> bytes:
        return struct.pack("<LL", self._checksum, self._length & 0xFFFFFFFF)


def _deflate(block: bytes) -> tuple[bytes, int, int]:
    stream = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    deflated = stream.compress(block) + stream.flush(isal_zlib.Z_FULL_FLUSH)
    return deflated, isal_zlib.crc32(block), len(block)


def _zstd_frame(block: bytes) -> bytes:
    return bytes(pa.Codec("zstd", compression_level=_ZSTD_LEVEL).compress(block, asbytes=True))
