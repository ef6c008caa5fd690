"""Han, kana and Hangul: glyphs of Noto Sans CJK, as TrueType outlines."""

from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporters.formats.pdf.truetype import Outline

_PACKAGE, _FILE = "noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc"
_JAPANESE = 0
"""Number of the face in the collection; every face has every character, some in another region's form."""

_LARGEST_ERROR = 1.0
"""Of a curve that replaces another, in units of the font."""


@cache
def open_cjk() -> "CjkFont | None":
    """Returns the font, or None when its package is not installed. Takes about a second the first time."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return CjkFont(Path(spec.origin).parent / _FILE)


class CjkFont:
    """The font's characters up to U+FFFF."""

    def __init__(self, path: Path) -> None:
        # fontTools takes a while to import, which nobody should wait for whose rows are in other scripts.
        from fontTools.ttLib import TTFont  # noqa: PLC0415

        self._lock = Lock()
        self._font = TTFont(path, fontNumber=_JAPANESE, lazy=True)
        self._names: dict[int, str] = self._font.getBestCmap()
        self.units: int = self._font["head"].unitsPerEm

    def advances(self) -> NDArray[np.int64]:
        """Returns by code point the advance of its glyph, in units of the font, or -1 where it has none."""
        metrics = self._font["hmtx"].metrics
        found = np.full(65_536, -1, np.int64)
        for code_point, name in self._names.items():
            if code_point < 65_536:
                found[code_point] = metrics[name][0]
        return found

    def outlines(self, code_points: Iterable[int], units: int) -> dict[int, Outline]:
        """Returns the glyphs of these code points, drawn for a font of so many units to the em."""
        scale = units / self.units
        # The font's tables are read when they are first needed, maybe by several documents at a time.
        with self._lock:
            return self._draw(code_points, scale)

    def _draw(self, code_points: Iterable[int], scale: float) -> dict[int, Outline]:
        from fontTools.pens.cu2quPen import Cu2QuPen  # noqa: PLC0415
        from fontTools.pens.transformPen import TransformPen  # noqa: PLC0415
        from fontTools.pens.ttGlyphPen import TTGlyphPen  # noqa: PLC0415

        glyphs: Any = self._font.getGlyphSet()
        found = {}
        for code_point in sorted(code_points):
            pen: Any = TTGlyphPen(None)
            curves: Any = Cu2QuPen(pen, _LARGEST_ERROR * scale, reverse_direction=True)
            name = self._names[code_point]
            glyphs[name].draw(TransformPen(curves, (scale, 0, 0, scale, 0, 0)))
            glyph = pen.glyph()
            advance = round(glyphs[name].width * scale)
            if not glyph.numberOfContours:
                found[code_point] = Outline(b"", advance, 0)
                continue
            glyph.recalcBounds(None)
            points = len(glyph.coordinates)
            found[code_point] = Outline(
                glyph.compile(None), advance, glyph.xMin, points, glyph.numberOfContours
            )
        return found
