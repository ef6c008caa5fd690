"""Chart text: the glyphs of a chart's PDF content gathered into lines of text.

The converter places each glyph by itself, and a reader has to guess which of them are one text. Here those
that follow one another on a line are shown by one instruction, at the same places.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pikepdf
from pikepdf import Array, Name, Object, Operator, String

_GLYPH = tuple(map(Operator, ("q", "BT", "Tm", "Tf", "Tj", "ET", "Q")))
"""The instructions for one glyph."""

_Instruction = tuple[Any, Operator]
_Widths = Mapping[bytes, Decimal]
"""By the code of two bytes, in thousandths of the size."""


@dataclass
class _Line:
    """Glyphs of one font and size on one line."""

    font: str
    size: Decimal
    turn: tuple[Decimal, ...]
    """Of the text's matrix, all but the place along the line."""
    glyphs: list[tuple[Decimal, bytes]] = field(default_factory=list)
    """Place along the line, and code."""


def gather_glyphs(page: pikepdf.Page) -> bytes:
    """Returns the page's content with each line of text in one piece."""
    fonts = {name: _read_widths(font) for name, font in page.Resources.get(Name.Font, {}).items()}
    gathered: list[_Instruction] = []
    line: _Line | None = None
    for part in _split(list(pikepdf.parse_content_stream(page))):
        glyph = _read_glyph(part)
        if line and glyph and (line.font, line.size, line.turn) == (glyph.font, glyph.size, glyph.turn):
            line.glyphs += glyph.glyphs
            continue
        if line:
            gathered += _write(line, fonts[line.font])
        line = glyph
        if not glyph:
            gathered += part
    return pikepdf.unparse_content_stream(gathered + (_write(line, fonts[line.font]) if line else []))


def _split(instructions: list[Any]) -> Iterator[list[_Instruction]]:
    """Yields the instructions one by one, but those of one glyph together."""
    at = 0
    while at < len(instructions):
        together = instructions[at : at + len(_GLYPH)]
        is_glyph = tuple(instruction[1] for instruction in together) == _GLYPH
        yield [(instruction[0], instruction[1]) for instruction in (together if is_glyph else together[:1])]
        at += len(_GLYPH) if is_glyph else 1


def _read_glyph(part: list[_Instruction]) -> _Line | None:
    if len(part) == 1:
        return None
    a, b, c, d, x, y = map(Decimal, part[2][0])
    font, size = part[3][0]
    return _Line(str(font), Decimal(size), (a, b, c, d, y), [(x, bytes(part[4][0][0]))])


def _write(line: _Line, widths: _Widths) -> list[_Instruction]:
    a, b, c, d, y = line.turn
    shown: list[Any] = [String(line.glyphs[0][1])]
    for (x, code), (next_x, next_code) in pairwise(line.glyphs):
        # How far the next glyph stands before where this one ends.
        shown.append(round(widths.get(code, Decimal(0)) - (next_x - x) / a / line.size * 1000, 2))
        shown.append(String(next_code))
    instructions: list[tuple[list[Any], str]] = [
        ([], "q"),
        ([], "BT"),
        ([a, b, c, d, line.glyphs[0][0], y], "Tm"),
        ([Name(line.font), line.size], "Tf"),
        ([Array(shown)], "TJ"),
        ([], "ET"),
        ([], "Q"),
    ]
    return [(operands, Operator(name)) for operands, name in instructions]


def _read_widths(font: Object) -> dict[bytes, Decimal]:
    """Reads the widths, which stand as `first [width …]` or as `first last width`."""
    widths: dict[bytes, Decimal] = {}
    parts = iter(list(font.DescendantFonts[0].W))
    for first in parts:
        second = next(parts)
        if isinstance(second, Array):
            found = [Decimal(str(width)) for width in second]
        else:
            found = [Decimal(str(next(parts)))] * (int(second) - int(first) + 1)
        widths |= {(int(first) + at).to_bytes(2, "big"): width for at, width in enumerate(found)}
    return widths
