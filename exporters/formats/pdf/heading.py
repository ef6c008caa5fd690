"""PDF heading: what stands above the first row, and the titles above the rows of every page."""

from dataclasses import dataclass

from exporters.formats.contrast import text_on
from exporters.formats.frames import Frames
from exporters.formats.pdf.ink import BLACK, GREY, draw_area, draw_text, fill_color
from exporters.formats.pdf.layout import LINES, MARGIN, SIZE, Layout
from exporters.formats.pdf.logo import Logo
from exporters.formats.pdf.text import LINE_HEIGHT, turn_if_needed
from exporters.formats.pdf.typeface import Typeface
from exporters.formats.table import Column, Table

FOOTER_SIZE, FOOTER_Y = 7.5, 20.0
"""Of the type in the lower margin, and its height above the page's edge."""

_TITLE_SIZE, _TITLE_HEIGHT = 15.0, 19.0
_DETAIL_SIZE, _DETAIL_HEIGHT = 8.5, 11.5
_GAP = 3.0
"""Between title and details."""

_LOGO_ROOM = 160.0
_TITLE_LINES = 3
_MOST_DETAILS = 20
"""Lines, of which a page has room beside some rows."""


@dataclass(frozen=True)
class Drawn:
    """Operators and the height that they take."""

    content: bytes
    height: float


def draw_heading(
    table: Table, layout: Layout, faces: tuple[Typeface, Typeface], frames: Frames, logo: Logo | None,
    *, is_whole: bool,
) -> Drawn:  # fmt: skip
    """Draws the title, and when `is_whole` the details and the logo, from the upper margin down."""
    body, bold = faces
    top = layout.page_height - MARGIN
    width = layout.page_width - 2 * MARGIN - (_LOGO_ROOM if logo and is_whole else 0)
    lines = [
        (bold, _TITLE_SIZE, line, _TITLE_HEIGHT)
        for line in _wrap(table.title, bold, width / _TITLE_SIZE, _TITLE_LINES, frames)
    ]
    for label, value in table.details if is_whole else ():
        wrapped = _wrap(f"{label}: {value}", body, width / _DETAIL_SIZE, LINES, frames)
        lines += [(body, _DETAIL_SIZE, line, _DETAIL_HEIGHT) for line in wrapped]
    frames.note(None, "cut_to_width", max(len(lines) - _MOST_DETAILS, 0))
    content, y = f"BT {BLACK}\n".encode(), top
    for place, (face, size, line, height) in enumerate(lines[:_MOST_DETAILS]):
        if place and face is body and lines[place - 1][0] is bold:
            y -= _GAP
        y -= height
        content += draw_text(face, size, MARGIN, y + height - size, line)
    content += b"ET\n"
    height = top - y
    if logo and is_whole:
        content += logo.draw(layout.page_width - MARGIN, top)
        height = max(height, logo.height)
    return Drawn(content, height + 10)


def _wrap(text: str, face: Typeface, room: float, lines: int, frames: Frames) -> list[str]:
    """Returns the lines of a text of the heading, which has so much room at one unit of length."""
    frames.note(None, "no_glyph", face.boxes(text))
    wrapped = face.wrap(text, room, lines)
    frames.note(
        None, "cut_to_width", int(bool(wrapped) and wrapped[-1].endswith("…") and not text.endswith("…"))
    )
    # Not before: what is cut is the end of the text, wherever that is drawn.
    return [turn_if_needed(line) for line in wrapped]


def draw_titles(layout: Layout, bold: Typeface, color: str, frames: Frames) -> Drawn:
    """Draws the columns' titles on a band of the brand's colour that begins at 0 and goes down."""
    titles = [_wrap_title(place.column, place.room, bold, frames) for place in layout.places]
    most = max(len(lines) for _, lines in titles)
    height = 6.0 + most * LINE_HEIGHT
    content = f"{fill_color(color)}\n".encode() + draw_area(MARGIN, -height, layout.width, height) + b"f\n"
    content += f"BT {fill_color(text_on(color))}\n".encode()
    for place, (size, lines) in zip(layout.places, titles, strict=True):
        for number, line in zip(reversed(range(len(lines))), lines, strict=True):
            shift = place.room - bold.measure(line) * size if place.is_right else 0.0
            x, y = place.text_left + shift, 5.0 - height + number * LINE_HEIGHT
            content += draw_text(bold, size, x, y, line)
    return Drawn(content + b"ET\n", height)


def _wrap_title(column: Column, room: float, bold: Typeface, frames: Frames) -> tuple[float, list[str]]:
    """Returns the size and the lines; a title with a word that is too wide is set smaller."""
    title = column.title
    longest = max((bold.measure(word) for word in title.split()), default=0.0)
    size = min(SIZE, max(room / longest, 1.0)) if longest else SIZE
    lines = bold.wrap(title, room / size, LINES)
    is_cut = bool(lines) and lines[-1].endswith("…") and not title.endswith("…")
    frames.note(column, "cut_to_width", int(is_cut))
    frames.note(column, "no_glyph", bold.boxes(title))
    return size, [turn_if_needed(line) for line in lines]


def draw_footer(table: Table, layout: Layout, body: Typeface, frames: Frames) -> bytes:
    """Draws the brand's words on the right of the lower margin."""
    if not table.brand.footer:
        return b""
    shown = table.brand.footer
    frames.note(None, "no_glyph", body.boxes(shown))
    cut = body.cut(" ".join(shown.split()), layout.page_width * 0.6 / FOOTER_SIZE)
    frames.note(None, "cut_to_width", int(cut.endswith("…") and not shown.endswith("…")))
    cut = turn_if_needed(cut)
    x = layout.page_width - MARGIN - body.measure(cut) * FOOTER_SIZE
    return f"BT {GREY} ".encode() + draw_text(body, FOOTER_SIZE, x, FOOTER_Y, cut) + b"ET\n"
