"""TrueType: a font file's characters, advances and outlines, and a font of only some of its glyphs."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_KEPT = ("cvt ", "fpgm", "prep")
"""Tables that glyphs' hints refer to, taken over as they are."""

_WORDS, _MORE, _SCALE, _TWO_SCALES, _MATRIX = 0x0001, 0x0020, 0x0008, 0x0040, 0x0080
"""Flags of a composite glyph's component."""


@dataclass(frozen=True)
class Outline:
    """A glyph in the form of the table `glyf`, and its advance, in units of the font."""

    data: bytes
    advance: int
    left: int
    """Left side bearing."""
    points: int = 0
    contours: int = 0


class TrueType:
    """A TrueType font's glyphs by their code points, up to U+FFFF."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        count = struct.unpack_from(">H", self._data, 4)[0]
        records = (struct.unpack_from(">4sIII", self._data, 12 + 16 * n) for n in range(count))
        self._tables = {tag.decode(): (start, length) for tag, _, start, length in records}
        head = self._table("head")
        self.units: int = struct.unpack_from(">H", head, 18)[0]
        self.bounds: tuple[int, ...] = struct.unpack_from(">4h", head, 36)
        self.ascent, self.descent = struct.unpack_from(">2h", self._table("hhea"), 4)
        is_long = struct.unpack_from(">h", head, 50)[0]
        loca = np.frombuffer(self._table("loca"), ">u4" if is_long else ">u2").astype(np.int64)
        self._places = loca if is_long else loca * 2
        self._glyf = self._tables["glyf"][0]
        measures = struct.unpack_from(">H", self._table("hhea"), 34)[0]
        self._metrics = np.frombuffer(self._table("hmtx"), ">i2", 2 * measures).reshape(-1, 2)
        self.glyphs = self._read_characters()
        """By code point, the number of its glyph, or 0."""

    def _table(self, tag: str) -> bytes:
        start, length = self._tables[tag]
        return self._data[start : start + length]

    def _read_characters(self) -> NDArray[np.uint16]:
        cmap = self._table("cmap")
        for number in range(struct.unpack_from(">H", cmap, 2)[0]):
            start = struct.unpack_from(">HHI", cmap, 4 + 8 * number)[2]
            if struct.unpack_from(">H", cmap, start)[0] == 4:
                return _read_segments(cmap, start)
        raise ValueError("The font file has no table of characters of format 4: use another font.")

    def advances(self) -> NDArray[np.int64]:
        """Returns by code point the advance of its glyph, in units of the font."""
        glyphs = np.minimum(self.glyphs, len(self._metrics) - 1)
        found: NDArray[np.int64] = self._metrics[glyphs, 0].astype(np.int64)
        return found

    def outline(self, glyph: int) -> Outline:
        """Returns one glyph."""
        advance = int(self._metrics[min(glyph, len(self._metrics) - 1), 0])
        start, end = self._places[glyph], self._places[glyph + 1]
        data = self._data[self._glyf + start : self._glyf + end]
        return Outline(data, advance, struct.unpack_from(">h", data, 2)[0] if data else 0)

    def subset(self, code_points: Iterable[int], more: Mapping[int, Outline]) -> tuple[bytes, dict[int, int]]:
        """Returns a font of the glyphs of these code points and of `more`, and the number of each glyph."""
        renumbered = {0: 0}
        outlines = [self.outline(0)]
        pending = {int(self.glyphs[code_point]) for code_point in code_points}
        numbers = {code_point: int(self.glyphs[code_point]) for code_point in code_points}
        while pending:
            parts: set[int] = set()
            for glyph in sorted(pending - renumbered.keys()):
                renumbered[glyph] = len(outlines)
                outlines.append(self.outline(glyph))
                parts.update(glyph for _, glyph in _components(outlines[-1].data))
            pending = parts - renumbered.keys()
        found = {code_point: renumbered[glyph] for code_point, glyph in numbers.items()}
        outlines = [_renumber(outline, renumbered) for outline in outlines]
        for code_point, outline in sorted(more.items()):
            found[code_point] = len(outlines)
            outlines.append(outline)
        return self._assemble(outlines), found

    def _assemble(self, outlines: list[Outline]) -> bytes:
        head, hhea, maxp = (bytearray(self._table(tag)) for tag in ("head", "hhea", "maxp"))
        struct.pack_into(">I", head, 8, 0)
        struct.pack_into(">h", head, 50, 1)
        struct.pack_into(">H", hhea, 34, len(outlines))
        points, contours = struct.unpack_from(">2H", maxp, 6)
        points = max(points, *(outline.points for outline in outlines))
        contours = max(contours, *(outline.contours for outline in outlines))
        struct.pack_into(">3H", maxp, 4, len(outlines), points, contours)
        padded = [outline.data + bytes(-len(outline.data) % 4) for outline in outlines]
        places = np.cumsum([0, *(len(data) for data in padded)], dtype=np.int64)
        tables = {tag: self._table(tag) for tag in _KEPT if tag in self._tables}
        tables |= {"head": bytes(head), "hhea": bytes(hhea), "maxp": bytes(maxp)}
        tables["hmtx"] = b"".join(struct.pack(">Hh", o.advance, o.left) for o in outlines)
        tables["loca"] = places.astype(">u4").tobytes()
        tables["glyf"] = b"".join(padded)
        return _join_tables(tables)


def _read_segments(cmap: bytes, start: int) -> NDArray[np.uint16]:
    glyphs = np.zeros(65_536, np.uint16)
    count = struct.unpack_from(">H", cmap, start + 6)[0] // 2
    ends, firsts, deltas, offsets = (
        np.frombuffer(cmap, ">u2", count, start + at).astype(np.int64)
        for at in (14, 16 + 2 * count, 16 + 4 * count, 16 + 6 * count)
    )
    words = np.frombuffer(cmap[: len(cmap) // 2 * 2], ">u2")
    for number in range(count):
        code_points = np.arange(firsts[number], ends[number] + 1)
        found = code_points
        if offsets[number]:
            place = (start + 16 + 6 * count + 2 * number + offsets[number]) // 2
            found = words[place + code_points - firsts[number]].astype(np.int64)
            glyphs[code_points] = np.where(found == 0, 0, (found + deltas[number]) % 65_536)
        else:
            glyphs[code_points] = (found + deltas[number]) % 65_536
    glyphs[0xFFFF] = 0
    return glyphs


def _components(data: bytes) -> list[tuple[int, int]]:
    """Returns where in a composite glyph the numbers of other glyphs stand, and these."""
    if not data or struct.unpack_from(">h", data)[0] >= 0:
        return []
    found, at, flags = [], 10, _MORE
    while flags & _MORE:
        flags, glyph = struct.unpack_from(">2H", data, at)
        found.append((at + 2, glyph))
        at += 8 if flags & _WORDS else 6
        at += 2 if flags & _SCALE else 4 if flags & _TWO_SCALES else 8 if flags & _MATRIX else 0
    return found


def _renumber(outline: Outline, renumbered: Mapping[int, int]) -> Outline:
    parts = _components(outline.data)
    if not parts:
        return outline
    data = bytearray(outline.data)
    for at, glyph in parts:
        struct.pack_into(">H", data, at, renumbered[glyph])
    return Outline(bytes(data), outline.advance, outline.left)


def _join_tables(tables: Mapping[str, bytes]) -> bytes:
    power = len(tables).bit_length() - 1
    header = struct.pack(
        ">I4H", 0x00010000, len(tables), 16 << power, power, (len(tables) - (1 << power)) * 16
    )
    place, directory, body = 12 + 16 * len(tables), b"", b""
    for tag, data in sorted(tables.items()):
        directory += struct.pack(">4sIII", tag.encode(), _checksum(data), place + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    font = bytearray(header + directory + body)
    at = place + body.index(tables["head"])
    struct.pack_into(">I", font, at + 8, (0xB1B0AFBA - _checksum(font)) % 2**32)
    return bytes(font)


def _checksum(data: bytes | bytearray) -> int:
    return int(np.frombuffer(bytes(data) + bytes(-len(data) % 4), ">u4").sum(dtype=np.uint64)) % 2**32
