"""PDF fonts: a typeface as the objects of a document, with only the glyphs that were shown.

A code is the code point itself in two bytes, so that a row's text is known before the glyphs are.
"""

from functools import cache
from itertools import pairwise

import numpy as np

from exporters.formats.pdf.objects import Objects
from exporters.formats.pdf.typeface import SEPARATOR, Typeface

_TO_UNICODE = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{ranges}
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


def write_font(objects: Objects, number: int, face: Typeface, name: str) -> None:
    """Writes the typeface as the font of that object number; nothing may be shown in it afterwards."""
    face.used[SEPARATOR] = False
    used = [int(code) for code in np.flatnonzero(face.used)]
    drawn = {face.glyph_of(code) for code in used}
    theirs = {code for code in drawn if not face.font.glyphs[code]}
    more = face.cjk.outlines(theirs, face.units) if face.cjk and theirs else {}
    program, glyphs = face.font.subset(sorted(drawn - more.keys()), more)
    numbers = {code: glyphs[face.glyph_of(code)] for code in used}
    program_number = objects.add_stream(program, b"/Length1 %d" % len(program))
    scale = 1000 / face.units
    box = b" ".join(b"%d" % round(edge * scale) for edge in face.font.bounds)
    base = f"{_tag(used)}+{name}".encode()
    descriptor = objects.add(
        b"<< /Type /FontDescriptor /FontName /%b /Flags 4 /FontBBox [%b] /ItalicAngle 0 /Ascent %d "
        b"/Descent %d /CapHeight 729 /StemV %d /FontFile2 %d 0 R /CIDSet %d 0 R >>"
        % (
            base, box, round(face.font.ascent * scale), round(face.font.descent * scale),
            140 if "Bold" in name else 80, program_number, objects.add_stream(_cid_set(used)),
        )
    )  # fmt: skip
    descendant = objects.add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%b /CIDSystemInfo << /Registry (Adobe) "
        b"/Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R /DW 1000 /W [%b] "
        b"/CIDToGIDMap %d 0 R >>"
        % (base, descriptor, _widths(face, used), objects.add_stream(_glyph_map(numbers)))
    )
    objects.write(
        number,
        b"<< /Type /Font /Subtype /Type0 /BaseFont /%b /Encoding /Identity-H /DescendantFonts [%d 0 R] "
        b"/ToUnicode %d 0 R >>" % (base, descendant, objects.add_stream(_to_unicode(used))),
    )


def _tag(used: list[int]) -> str:
    """Returns the six letters that tell this subset of the font from others."""
    value = sum(code * (place + 7) for place, code in enumerate(used)) % 26**6
    return "".join(chr(ord("A") + value // 26**place % 26) for place in range(6))


def _runs(used: list[int]) -> list[tuple[int, int]]:
    """Returns the first and the last of each run of codes that follow one another in the same row of 256."""
    breaks = [
        place for place, (one, other) in enumerate(pairwise(used), 1) if other != one + 1 or not other % 256
    ]
    return [(used[a], used[b - 1]) for a, b in pairwise([0, *breaks, len(used)]) if b > a]


def _widths(face: Typeface, used: list[int]) -> bytes:
    scale = 1000 / face.units
    advances = dict(zip(used, face.advances[used].tolist(), strict=True))
    wide = [code for code in used if round(advances[code] * scale, 3) != 1000]
    return b" ".join(
        b"%d [%b]" % (first, b" ".join(_show_width(advances[c], face.units) for c in range(first, last + 1)))
        for first, last in _runs(wide)
    )


@cache
def _show_width(advance: int, units: int) -> bytes:
    return b"%g" % round(advance * (1000 / units), 2)


def _cid_set(used: list[int]) -> bytes:
    bits = np.zeros(max([*used, 0]) + 1, np.uint8)
    bits[[0, *used]] = 1
    return np.packbits(bits).tobytes()


def _glyph_map(numbers: dict[int, int]) -> bytes:
    found = np.zeros(max([*numbers, 0]) + 1, ">u2")
    found[list(numbers)] = list(numbers.values())
    return found.tobytes()


def _to_unicode(used: list[int]) -> bytes:
    runs = _runs(used)
    blocks = []
    for start in range(0, len(runs), 100):
        block = runs[start : start + 100]
        lines = "\n".join(f"<{first:04X}> <{last:04X}> <{first:04X}>" for first, last in block)
        blocks.append(f"{len(block)} beginbfrange\n{lines}\nendbfrange")
    return _TO_UNICODE.format(ranges="\n".join(blocks)).encode()
