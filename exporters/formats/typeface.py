"""Typefaces: text as one PDF font can show it, measured by its glyphs."""

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection
from fpdf.fonts import TTFFont

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ELLIPSIS = "…"
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc]")

_LOOKED_AT = 1_000
"""Characters of a text that are looked at to fill a line: no page is as wide as the rest."""

_MM_PER_POINT = 25.4 / 72


@dataclass(frozen=True)
class Fitted:
    """A text made to fit a width."""

    text: str
    is_cut: bool
    replaced: int
    """Characters shown as � because the font has no glyph for them."""


class Typeface:
    """A font in a style ("" or "B") and a size in points."""

    def __init__(self, font: TTFFont, style: str, points: float) -> None:
        self.style = style
        self.points = points
        self._advances = font.cw
        self._mm_per_advance = points / 1000 * _MM_PER_POINT
        self._shown = _Shown(font.cmap)

    def clean(self, text: str) -> tuple[str, int]:
        """Returns `text` as one line in the order it is drawn, and how many of its characters became �."""
        shown = text.translate(self._shown)
        replaced = shown.count(_REPLACEMENT) - text.count(_REPLACEMENT)
        if _RIGHT_TO_LEFT.search(shown):
            shown = BidiParagraph(shown, base_direction=TextDirection.LTR).get_reordered_string()
        return shown, replaced

    def width(self, shown: str) -> float:
        """Returns the width, in millimetres, of a text that `clean` returned."""
        return sum(map(self._advances.__getitem__, map(ord, shown))) * self._mm_per_advance

    def fit(self, text: str, width: float) -> Fitted:
        """Returns `text` cleaned and, where it is wider than `width` millimetres, cut with an ellipsis."""
        head = text[:_LOOKED_AT]
        shown, replaced = self.clean(head)
        is_cut = len(head) < len(text) or self.width(shown) > width
        return Fitted(self._cut(shown, width) if is_cut else shown, is_cut, replaced)

    def _cut(self, shown: str, width: float) -> str:
        left = width - self.width(_ELLIPSIS)
        for length, character in enumerate(shown):
            left -= self.width(character)
            if left < 0:
                return shown[:length].rstrip() + _ELLIPSIS
        return shown + _ELLIPSIS


class _Shown(dict[int, str]):
    """What is shown for each code point, worked out when it first occurs."""

    def __init__(self, glyphs: Container[int]) -> None:
        self._glyphs = glyphs

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        if character.isspace():
            shown = " "
        elif code_point in self._glyphs and unicodedata.category(character) != "Cc":
            shown = character
        else:
            shown = _REPLACEMENT
        self[code_point] = shown
        return shown
