"""PDF sheet: upright A4 pages whose content is drawn from their upper left corner."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporters.formats.frames import Frames
from exporters.formats.pdf.ink import draw_area, draw_text, fill_color, stroke_color
from exporters.formats.pdf.layout import LONG_SIDE
from exporters.formats.pdf.text import turn_if_needed
from exporters.formats.pdf.typeface import Typeface

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 14.0
"""In millimetres, like every length here but sizes of type, which are points."""

_POINTS = 72 / 25.4
"""In a millimetre."""

_BASE_SHARE = 0.3
"""Of the size of the type, from the middle of a line down to what its letters stand on."""


@dataclass(frozen=True)
class Face:
    """How a text looks: its size, the height of a line, its colour, and whether it is bold."""

    points: float
    line: float
    color: str
    is_bold: bool = False


class Sheet:
    """The content of pages, drawn in the two typefaces; what is cut or has no glyph is noted."""

    def __init__(self, faces: tuple[Typeface, Typeface], frames: Frames) -> None:
        self.pages: list[bytearray] = []
        self._body, self._bold = faces
        self._frames = frames

    def add_page(self) -> None:
        """Begins a new page."""
        self.pages.append(bytearray())

    def fill(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Fills a rectangle."""
        self._put(f"{fill_color(color)} ".encode() + _rectangle(x, y, width, height) + b"f\n")

    def frame(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Draws a thin line around a rectangle."""
        ink = f"{stroke_color(color)} {0.2 * _POINTS:.2f} w ".encode()
        self._put(ink + _rectangle(x, y, width, height) + b"S\n")

    def place(self, content: bytes, x: float, y: float, scale: float) -> None:
        """Draws operators whose 0, 0 comes to this place, and whose unit is so long."""
        size = scale * _POINTS
        where = f"q {size:.4f} 0 0 {size:.4f} {x * _POINTS:.2f} {_up(y):.2f} cm\n"
        self._put(where.encode() + content + b"Q\n")

    def image(self, name: str, x: float, y: float, width: float, height: float) -> None:
        """Draws the image of that name."""
        size = f"{width * _POINTS:.2f} 0 0 {height * _POINTS:.2f}"
        self._put(f"q {size} {x * _POINTS:.2f} {_up(y + height):.2f} cm /{name} Do Q\n".encode())

    def measure(self, text: str, face: Face) -> float:
        """Returns how wide a text is."""
        return self._typeface(face).measure(text) * face.points / _POINTS

    def shrink(self, text: str, face: Face, width: float) -> Face:
        """Returns the face, made smaller until the text is at most so wide."""
        fitting = face.points * width / max(self.measure(text, face), 0.1)
        return replace(face, points=min(face.points, fitting))

    def wrap(self, text: str, face: Face, width: float, most: int) -> list[str]:
        """Returns the text as at most so many lines of at most that width, the last one cut if need be."""
        typeface = self._typeface(face)
        self.note_missing(text, typeface)
        lines = typeface.wrap(text, width * _POINTS / face.points, most)
        is_cut = "".join("".join(lines).split()) != "".join(text.split())
        self._frames.note(None, "cut_to_width", int(is_cut))
        return lines

    def note_missing(self, text: str, typeface: Typeface) -> None:
        """Notes the characters of a text that are shown as a box."""
        self._frames.note(None, "no_glyph", typeface.boxes(text))

    def write_lines(self, lines: Iterable[str], x: float, y: float, face: Face) -> None:
        """Writes the lines one below the other."""
        typeface, base = self._typeface(face), face.line / 2 + _BASE_SHARE * face.points / _POINTS
        drawn = [
            draw_text(
                typeface, face.points, x * _POINTS, _up(y + row * face.line + base), turn_if_needed(line)
            )
            for row, line in enumerate(lines)
        ]
        self._put(f"BT {fill_color(face.color)}\n".encode() + b"".join(drawn) + b"ET\n")

    def _typeface(self, face: Face) -> Typeface:
        return self._bold if face.is_bold else self._body

    def _put(self, content: bytes) -> None:
        self.pages[-1] += content


def _up(y: float) -> float:
    """Returns in points how far above the page's lower edge a place is."""
    return LONG_SIDE - y * _POINTS


def _rectangle(x: float, y: float, width: float, height: float) -> bytes:
    return draw_area(x * _POINTS, _up(y + height), width * _POINTS, height * _POINTS)
