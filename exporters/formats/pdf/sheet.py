"""PDF sheet: upright A4 pages on which texts are wrapped, cut and shown with the glyphs that there are."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import cast
from xml.sax.saxutils import escape

from fpdf import FPDF
from fpdf.enums import DocumentCompliance
from fpdf.fonts import TTFFont

from exporters.formats.contrast import channels
from exporters.formats.pdf.text import turn_if_needed
from exporters.formats.table import Chart, Table

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 14.0
"""In millimetres, like every length here but sizes of type, which are points."""

_FONTS = Path(__file__).parents[1] / "fonts"
_FAMILY, _HAN_FAMILY = "DejaVu", "Noto"
_BOX, _ELLIPSIS = "□", "…"
_PRODUCER = "fpdf2"
_METADATA = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>1</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<xmp:CreateDate>{created}</xmp:CreateDate>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdf:Producer>{producer}</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>"""
"""With every property an element of its own, the form that all checkers read."""


@dataclass(frozen=True)
class Face:
    """How a text looks: its size, the height of a line, its colour, and whether it is bold."""

    points: float
    line: float
    color: str
    is_bold: bool = False


class Sheet:
    """Pages of a document that tells the table's title, language and time of creation."""

    def __init__(self, table: Table) -> None:
        self.boxes = 0
        """Characters shown as a box because no font has a glyph for them."""
        self.cuts = 0
        """Texts cut with an ellipsis."""
        pages = FPDF(enforce_compliance=DocumentCompliance.PDFA_1B)
        title = "".join(character if character.isprintable() else " " for character in table.title)
        pages.set_title(title)
        pages.set_lang(table.language)
        pages.set_creation_date(table.created_at)
        pages.set_producer(_PRODUCER)
        created = table.created_at.isoformat(timespec="seconds")
        pages.set_xmp_metadata(_METADATA.format(title=escape(title), created=created, producer=_PRODUCER))
        pages.set_auto_page_break(False)
        pages.c_margin = 0
        pages.add_font(_FAMILY, "", _FONTS / "DejaVuSans.ttf")
        pages.add_font(_FAMILY, "B", _FONTS / "DejaVuSans-Bold.ttf")
        self._pages = pages
        self._glyphs = frozenset(
            code
            for style in ("", "B")
            for code in cast(TTFFont, pages.fonts[f"{_FAMILY.lower()}{style}"]).cmap
        )
        self._han: frozenset[int] | None = None
        self._cleaned: dict[str, str] = {}
        """By the text; each is counted once, however often it is shown."""

    @property
    def pages_count(self) -> int:
        """How many pages there are."""
        return self._pages.pages_count

    def add_page(self) -> None:
        """Begins a new page."""
        self._pages.add_page()

    def finish(self) -> bytes:
        """Returns the document."""
        return bytes(self._pages.output())

    def fill(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Fills a rectangle."""
        self._pages.set_fill_color(*channels(color))
        self._pages.rect(x, y, width, height, style="F")

    def frame(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Draws a thin line around a rectangle."""
        self._pages.set_draw_color(*channels(color))
        self._pages.set_line_width(0.2)
        self._pages.rect(x, y, width, height)

    def image(self, png: bytes, x: float, y: float, width: float, height: float) -> None:
        """Draws an image without transparency."""
        self._pages.image(BytesIO(png), x, y, width, height)

    def measure(self, text: str, face: Face) -> float:
        """Returns how wide a text is, whose every character has a glyph."""
        self._pages.set_font(_FAMILY, "B" if face.is_bold else "", face.points)
        return self._pages.get_string_width(text)

    def shrink(self, text: str, face: Face, width: float) -> Face:
        """Returns the face, made smaller until the text is at most so wide."""
        fitting = face.points * width / max(self.measure(text, face), 0.1)
        return replace(face, points=min(face.points, fitting))

    def wrap(self, text: str, face: Face, width: float, most: int) -> list[str]:
        """Returns the text as at most so many lines of at most that width, the last one cut if need be."""
        words = self._clean(text).split(" ")
        lines = [""]
        while words:
            word = words.pop(0)
            joined = f"{lines[-1]} {word}" if lines[-1] else word
            if self.measure(joined, face) <= width:
                lines[-1] = joined
            elif len(lines) == most:
                self.cuts += 1
                lines[-1] = (
                    self._cut(joined, face, width - self.measure(_ELLIPSIS, face)).rstrip() + _ELLIPSIS
                )
                return lines
            elif lines[-1]:
                lines.append("")
                words.insert(0, word)
            else:
                lines[-1] = self._cut(word, face, width) or word[0]
                words.insert(0, word[len(lines[-1]) :])
                lines.append("")
        return lines

    def write_lines(self, lines: Iterable[str], x: float, y: float, face: Face) -> None:
        """Writes the lines one below the other."""
        self._pages.set_font(_FAMILY, "B" if face.is_bold else "", face.points)
        self._pages.set_text_color(*channels(face.color))
        for position, line in enumerate(lines):
            if line:
                self._pages.set_xy(x, y + position * face.line)
                self._pages.cell(None, face.line, self._order(line))

    def replace_missing(self, chart: Chart) -> Chart:
        """Returns the chart with a box for each character of its texts that no font has."""
        labels = tuple(self._clean(label) for label in chart.labels)
        return replace(chart, labels=labels, value_title=self._clean(chart.value_title))

    def _cut(self, text: str, face: Face, width: float) -> str:
        """Returns as much of the text's beginning as is so wide."""
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.measure(text[:middle], face) <= width
            low, high = (middle, high) if fits else (low, middle - 1)
        return text[:low]

    def _clean(self, text: str) -> str:
        """Returns the text as one line whose every character has a glyph."""
        if text in self._cleaned:
            return self._cleaned[text]
        line = " ".join(text.split())
        missing = {character for character in line if ord(character) not in self._glyphs}
        if missing:
            han = self._load_han()
            missing = {character for character in missing if ord(character) not in han}
        missing |= {character for character in line if not character.isprintable() and character != " "}
        self.boxes += sum(line.count(character) for character in missing)
        self._cleaned[text] = line.translate({ord(character): _BOX for character in missing})
        return self._cleaned[text]

    def _load_han(self) -> frozenset[int]:
        """Loads the font of Han, kana and Hangul, which is large and seldom needed."""
        if self._han is None:
            from noto_cjk_sans_otc import FONT_PATH  # noqa: PLC0415

            self._pages.add_font(_HAN_FAMILY, "", str(FONT_PATH))
            self._pages.set_fallback_fonts([_HAN_FAMILY], exact_match=False)
            self._han = frozenset(cast(TTFFont, self._pages.fonts[_HAN_FAMILY.lower()]).cmap)
        return self._han

    def _order(self, line: str) -> str:
        """Returns the line in the order in which it is drawn, from left to right."""
        return turn_if_needed(line)
