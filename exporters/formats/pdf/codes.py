"""PDF codes: the characters of a font written by their own numbers in it.

fpdf2 numbers the characters of a font of PostScript outlines anew and embeds the map from the one number to
the other, which not every reader of texts follows. Without a map there is nothing to follow.
"""

import re
from typing import Any

import pikepdf
from pikepdf import Array, Name, Object, Operator, Pdf, Stream, String

_PAIR = re.compile(rb"^<([0-9A-F]{4})> (\d+)$", re.MULTILINE)
_CHARACTER = re.compile(rb"^<([0-9A-F]{4})>(?= <[0-9A-F]+>$)", re.MULTILINE)

_Codes = dict[bytes, bytes]
"""By the code of two bytes, the character's number in the font."""


def number_directly(document: Pdf) -> None:
    """Does away with the embedded maps of the document's fonts."""
    fonts: dict[str, _Codes] = {}
    for page in document.pages:
        for name, font in page.Resources.get(Name.Font, pikepdf.Dictionary()).items():
            if isinstance(font.Encoding, Stream):
                fonts[name] = _renumber(document, font)
        if fonts:
            page.Contents = document.make_stream(_rewrite(page, fonts))


def _renumber(document: Pdf, font: Object) -> _Codes:
    codes = {
        bytes.fromhex(code.decode()): int(number).to_bytes(2, "big")
        for code, number in _PAIR.findall(font.Encoding.read_bytes())
    }
    font.Encoding = Name("/Identity-H")

    def replace(match: re.Match[bytes]) -> bytes:
        code = bytes.fromhex(match[1].decode())
        return b"<" + codes.get(code, code).hex().upper().encode() + b">"

    font.ToUnicode = document.make_stream(_CHARACTER.sub(replace, font.ToUnicode.read_bytes()))
    return codes


def _rewrite(page: pikepdf.Page, fonts: dict[str, _Codes]) -> bytes:
    """Returns the page's content with the texts in these fonts in their new codes."""
    instructions = []
    codes: _Codes | None = None
    for instruction in pikepdf.parse_content_stream(page):
        operands: list[Any] = list(instruction.operands)
        operator = instruction.operator
        if operator == Operator("Tf"):
            codes = fonts.get(str(operands[0]))
        elif codes is not None and operator == Operator("Tj"):
            operands[0] = _translate(operands[0], codes)
        elif codes is not None and operator == Operator("TJ"):
            operands[0] = Array([_translate(part, codes) for part in operands[0]])
        instructions.append((operands, operator))
    return pikepdf.unparse_content_stream(instructions)


def _translate(part: Object, codes: _Codes) -> Object:
    if not isinstance(part, String):
        return part
    text = bytes(part)
    return String(b"".join(codes[text[at : at + 2]] for at in range(0, len(text), 2)))
