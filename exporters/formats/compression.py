"""Compression of a stream of bytes, block by block in several threads."""

import struct
from collections.abc import Iterable, Iterator
from typing import Literal

import pyarrow as pa
from isal import isal_zlib

from exporters.formats.parallel import map_in_order

Compression = Literal["gzip", "zstd"]

_BLOCK_BYTES = 1 << 20
"""What one thread compresses at a time, however the pieces are cut, so that equal bytes stay equal."""

_GZIP_LEVEL = 3
_ZSTD_LEVEL = 3

_GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
"""Deflate; no name, no time and no operating system, so that equal input gives equal bytes."""

_LAST_BLOCK = b"\x03\x00"
"""An empty deflate block that ends the stream."""


def compress(pieces: Iterable[bytes], method: Compression | None) -> Iterator[bytes]:
    """Yields the pieces compressed, or as they are when the method is None.

    Gzip is one member, whose blocks can be read one by one; zstd is one frame for each block.
    """
    match method:
        case None:
            yield from pieces
        case "gzip":
            yield from _gzip(_cut(pieces))
        case "zstd":
            yield from map_in_order(_zstd_frame, _cut(pieces))


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the same bytes in blocks of one length, the last of what is left."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= _BLOCK_BYTES:
            yield bytes(held[:_BLOCK_BYTES])
            del held[:_BLOCK_BYTES]
    if held:
        yield bytes(held)


def _gzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    checksum, length = 0, 0
    yield _GZIP_HEADER
    for deflated, block_checksum, block_length in map_in_order(_deflate, blocks):
        checksum = isal_zlib.crc32_combine(checksum, block_checksum, block_length)
        length += block_length
        yield deflated
    yield _LAST_BLOCK + struct.pack("<LL", checksum, length & 0xFFFFFFFF)


def _deflate(block: bytes) -> tuple[bytes, int, int]:
    stream = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    deflated = stream.compress(block) + stream.flush(isal_zlib.Z_FULL_FLUSH)
    return deflated, isal_zlib.crc32(block), len(block)


def _zstd_frame(block: bytes) -> bytes:
    return bytes(pa.Codec("zstd", compression_level=_ZSTD_LEVEL).compress(block, asbytes=True))
