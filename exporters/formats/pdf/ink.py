"""PDF ink: lines of text, areas and rules as operators of a content stream."""

from exporters.formats.contrast import channels
from exporters.formats.pdf.typeface import Typeface, literal

BLACK, GREY, ZEBRA, RULE = "0.1 g", "0.4 g", "0.95 g", "0.6 G"
"""Operators that choose a colour."""


def fill_color(color: str) -> str:
    """Returns the operator that fills with a colour `#rrggbb`.

    Raises ValueError when it is of another form.
    """
    return f"{_show_channels(color)} rg"


def stroke_color(color: str) -> str:
    """Returns the operator that draws lines in a colour, as `fill_color` does."""
    return f"{_show_channels(color)} RG"


def draw_text(face: Typeface, size: float, x: float, y: float, text: str) -> bytes:
    """Returns the operators of one line of text at an absolute place, within BT and ET."""
    where = f"/{face.resource} {size:g} Tf 1 0 0 1 {x:.2f} {y:.2f} Tm ".encode()
    return where + literal(face.codes(text)) + b" Tj\n"


def draw_area(x: float, y: float, width: float, height: float) -> bytes:
    """Returns a rectangle's path; `y` is its lower edge."""
    return f"{x:.2f} {y:.2f} {width:.2f} {height:.2f} re\n".encode()


def _show_channels(color: str) -> str:
    return " ".join(f"{part / 255:.3f}" for part in channels(color))
