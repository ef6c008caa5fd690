"""Typefaces: what each character is shown as, how wide it is, and lines of text made of it."""

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from exporters.formats.pdf.cjk import CjkFont, open_cjk
from exporters.formats.pdf.truetype import TrueType

_FONTS = Path(__file__).parents[1] / "fonts"

SEPARATOR = 0xFFFF
"""The code that stands between cells; it is no character."""

BOX = 0xFFFD
"""The code of the box that stands for a character which no font has."""

SPACE, ELLIPSIS = 0x20, 0x2026
_SQUARE = 0x25A1

_SPACES = tuple(code for code in range(0x3001) if chr(code).isspace())
_CONTROLS = tuple(code for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc")


@cache
def _open_font(name: str) -> TrueType:
    return TrueType(_FONTS / name)


@cache
def _read_codes(name: str) -> tuple[NDArray[np.uint16], NDArray[np.int64], list[int]]:
    """Returns `shown` and `advances` of a typeface as its font alone gives them, and those of Latin-1."""
    font = _open_font(name)
    shown = np.where(font.glyphs > 0, np.arange(65_536, dtype=np.uint16), BOX).astype(np.uint16)
    shown[list(_CONTROLS)] = BOX
    shown[list(_SPACES)] = SPACE
    shown[SEPARATOR] = SEPARATOR
    advances = font.advances()
    advances[BOX] = advances[_SQUARE]
    advances[SEPARATOR] = 0
    return shown, advances, advances[shown[:256]].tolist()


class Typeface:
    """A font as one document uses it: it remembers which characters were shown.

    Codes are code points up to U+FFFF. Lengths are in units of the font, `units` to the size of the type.
    """

    def __init__(self, resource: str, file: str) -> None:
        self.resource = resource
        """What content streams call the font."""
        self.font = _open_font(file)
        self.units = self.font.units
        self.cjk: CjkFont | None = None
        self.used = np.zeros(65_536, np.bool_)
        """By code, whether it was shown."""
        self._lock = Lock()
        shown, advances, self._latin = _read_codes(file)
        self.shown = shown.copy()
        """By code, the code that is shown for it."""
        self.advances = advances.copy()
        """By code, how far its glyph goes on."""

    def glyph_of(self, code: int) -> int:
        """Returns which code's glyph of the font is drawn."""
        return _SQUARE if code == BOX else code

    def show(self, codes: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """Returns the codes that are shown for code points; `used` is not changed."""
        small = np.where(codes > 0xFFFF, 0xFFFE, codes).astype(np.uint16)
        shown: NDArray[np.uint16] = self.shown[small]
        if self.cjk is None and bool(((shown == BOX) & (small >= 0x1100) & (small < BOX)).any()):
            self._add_cjk()
            shown = self.shown[small]
        return shown

    def _add_cjk(self) -> None:
        with self._lock:
            font = open_cjk()
            if self.cjk or not font:
                return
            advances = font.advances()
            added = (self.font.glyphs == 0) & (advances >= 0) & (self.shown == BOX)
            added[list(_CONTROLS)] = False
            self.advances[added] = np.rint(advances[added] * self.units / font.units).astype(np.int64)
            self.shown[added] = np.flatnonzero(added)
            self.cjk = font

    def codes(self, text: str) -> NDArray[np.uint16]:
        """Returns the codes that show one line of text, and remembers them as used."""
        shown = self.show(_code_points(text))
        self.used[shown] = True
        return shown

    def measure(self, text: str) -> float:
        """Returns the width of a text that is not shown, set at one unit of length."""
        if text.isascii():  # most words; to begin arrays takes longer
            return sum(map(self._latin.__getitem__, text.encode())) / self.units
        return float(self.advances[self.show(_code_points(text))].sum()) / self.units

    def measure_all(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Returns the width of each text as `measure` does."""
        ended = "".join([text.replace(chr(SEPARATOR), chr(SEPARATOR - 1)) + chr(SEPARATOR) for text in texts])
        shown = self.show(np.frombuffer(ended.encode("utf-32-le"), np.uint32))
        reached = np.cumsum(self.advances[shown])[shown == SEPARATOR]
        widths: NDArray[np.float64] = np.diff(reached, prepend=0) / self.units
        return widths

    def boxes(self, text: str) -> int:
        """Returns how many characters of the text are shown as a box."""
        return int((self.codes(text) == BOX).sum()) - text.count(chr(BOX))

    def cut(self, text: str, room: float) -> str:
        """Returns the text or, where it is wider than `room` at one unit of length, its head and …"""
        text = text[:2_000]
        if self.measure(text) <= room:
            return text
        ends = np.cumsum(self.advances[self.show(_code_points(text))]) / self.units
        fitting = int(np.searchsorted(ends, room - self.measure("…"), "right"))
        return text[:fitting].rstrip() + "…"

    def wrap(self, text: str, room: float, lines: int) -> list[str]:
        """Returns the text as at most so many lines, broken at spaces if it has any; the last may be cut."""
        done: list[str] = []
        rest = " ".join(text.split())
        while rest and len(done) < lines - 1 and self.measure(rest[:2_000]) > room:
            ends = np.cumsum(self.advances[self.show(_code_points(rest[:2_000]))]) / self.units
            fitting = max(int(np.searchsorted(ends, room, "right")), 1)
            space = rest.rfind(" ", 1, fitting + 1)
            done.append(rest[: space if space > 0 else fitting].rstrip())
            rest = rest[space if space > 0 else fitting :].lstrip()
        return [*done, self.cut(rest, room)] if rest else done


def _code_points(text: str) -> NDArray[np.uint32]:
    """Returns the text's code points, without the one that separates cells."""
    return np.frombuffer(text.replace(chr(SEPARATOR), chr(SEPARATOR - 1)).encode("utf-32-le"), np.uint32)


def literal(codes: NDArray[np.uint16]) -> bytes:
    """Returns codes as the literal string of a content stream."""
    raw = codes.astype(">u2").tobytes()
    for special in (b"\\", b"(", b")"):
        raw = raw.replace(special, b"\\" + special)
    return b"(" + raw.replace(b"\r", b"\\r") + b")"
