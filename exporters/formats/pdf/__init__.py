"""PDF: the table on A4 pages, below its title and details, after a cover when there is a summary.

A text that is wider than its column is wrapped or cut with an ellipsis, and noted when cut; any other value
is set smaller until it fits. Pages are written as they fill.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa

from exporters.formats.contrast import check_color
from exporters.formats.display import show_value
from exporters.formats.frames import Frames
from exporters.formats.parallel import map_in_order
from exporters.formats.pdf.cover import draw_cover
from exporters.formats.pdf.document import Bookmark, write_catalog
from exporters.formats.pdf.fonts import write_font
from exporters.formats.pdf.groups import Groups
from exporters.formats.pdf.heading import FOOTER_SIZE, draw_footer, draw_heading, draw_titles
from exporters.formats.pdf.ink import GREY, draw_text
from exporters.formats.pdf.layout import LONG_SIDE, SHORT_SIDE, lay_out
from exporters.formats.pdf.logo import LOGO, read_logo, write_logo
from exporters.formats.pdf.objects import Objects, PageTree, compress
from exporters.formats.pdf.pages import COUNT, TITLES, PageArt, PageNumbers, Pages, write_page
from exporters.formats.pdf.text import RowEncoder, Rows, show_frame
from exporters.formats.pdf.typeface import Typeface, literal
from exporters.formats.pdf.units import PageBreaker, Units
from exporters.formats.table import Column, Table, Written
from exporters.formats.wording import say

_COVER_NUMBER = b"/Artifact BMC q 1 0 0 1 5.69 -10 cm\n%bQ EMC\n"
"""Moves the number of a page below the footer that a cover has of its own."""

_SAMPLE_ROWS = 1_000
"""First rows, on which the columns' places are chosen."""


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the table as a PDF document.

    Raises ValueError and TypeError as `Frames` does, and ValueError for a logo that is no image or a colour
    that is none. When that is known from the table and the first rows, nothing is written to `out` then.
    """
    frames = Frames(table, batches)
    document = _Document(table, frames)
    document.write(out)
    return frames.written()


def write_brief(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the table as `write` does, with its key figures as lines above it in place of a cover."""
    lines = tuple(
        (figure.label, show_value(figure.value, figure.kind, table.language, figure.currency))
        for figure in table.key_figures
    )
    return write(replace(table, details=(*table.details, *lines), key_figures=(), charts=()), batches, out)


class _Document:
    """The document: first what its pages have in common, then these, then what they have referred to."""

    def __init__(self, table: Table, frames: Frames) -> None:
        check_color(table.brand.color)
        self._table, self._frames = table, frames
        columns = tuple(_name_currency(column, table.currency) for column in table.columns)
        self._body = Typeface("F1", "DejaVuSans.ttf")
        self._bold = Typeface("F2", "DejaVuSans-Bold.ttf")
        self._sample = show_frame(frames.sample(_SAMPLE_ROWS), table.columns, table.language)
        self._layout = lay_out(columns, self._sample, self._body, self._bold)
        self._encoder = RowEncoder(self._layout, self._body)
        self._logo = read_logo(table.brand.logo) if table.brand.logo else None
        self._cover = draw_cover(table, (self._body, self._bold), self._logo, frames)

    def write(self, out: BinaryIO) -> None:
        objects = Objects(out)
        tree = PageTree(objects)
        shared = _Shared(objects)
        art = self._draw_art()
        for number, content in enumerate(self._cover, start=1):
            numbered = compress(content + _COVER_NUMBER % art.numbers.draw(number))
            write_page(objects, tree, shared.resources, numbered, (SHORT_SIDE, LONG_SIDE))
        pages = Pages(objects, tree, shared.resources, art)
        breaker = PageBreaker(art.first_room, art.room)
        groups = Groups(self._table, self._layout, (self._body, self._bold), self._frames, breaker)
        first = tree.count
        pages.write(self._fill_pages(groups))
        self._finish(objects, shared, art, tree.count)
        tree.finish()
        top = self._layout.page_height
        below = tuple(Bookmark(title, tree.pages[page], y) for title, page, y in pages.headings)
        data = Bookmark(say(self._table.language, "data"), tree.pages[first], top, below)
        summary = Bookmark(say(self._table.language, "summary"), tree.pages[0], LONG_SIDE)
        write_catalog(objects, tree.root, self._table, (summary, data) if self._cover else (data,))

    def _draw_art(self) -> PageArt:
        table, frames, faces = self._table, self._frames, (self._body, self._bold)
        heading = draw_heading(table, self._layout, faces, frames, self._logo, is_whole=not self._cover)
        titles = draw_titles(self._layout, self._bold, table.brand.color, frames)
        footer = draw_footer(table, self._layout, self._body, frames)
        start, top = self._encoder.start, self._encoder.top
        numbers = PageNumbers(self._body, table.language)
        return PageArt(self._layout, numbers, heading, titles, footer, start, top)

    def _fill_pages(self, groups: Groups) -> Iterator[Units]:
        """Yields each page's units; notes what was cut or shown as a box in them."""
        columns, language = self._table.columns, self._table.language
        cut = boxes = np.zeros(len(columns), np.int64)

        def encode(place: int, part: pl.DataFrame) -> tuple[Rows, pl.DataFrame]:
            # The sample is of the first rows: all of a small table.
            is_shown = place == 0 and part.height <= self._sample.height
            texts = self._sample.head(part.height) if is_shown else show_frame(part, columns, language)
            return self._encoder.encode(texts), part

        parts = enumerate(part for frame in self._frames for part in self._encoder.cut(frame))
        for rows, part in map_in_order(lambda numbered: encode(*numbered), parts):
            cut, boxes = cut + rows.cut, boxes + rows.boxes
            yield from groups.add(rows, part)
        for number, column in enumerate(columns):
            self._frames.note(column, "cut_to_width", int(cut[number]))
            self._frames.note(column, "no_glyph", int(boxes[number]))
        if self._frames.rows:
            yield from groups.finish()
        else:
            words = literal(self._body.codes(say(language, "no_data")))
            yield Units.of(Rows(b" 0 -6 Td " + words + b"Tj ", np.array([0, 1]), np.zeros(1), cut, boxes))

    def _finish(self, objects: Objects, shared: "_Shared", art: PageArt, pages: int) -> None:
        """Writes the forms and fonts, when all that is shown in them is known."""
        total = f"BT {GREY} ".encode() + draw_text(self._body, FOOTER_SIZE, 0, 0, str(pages)) + b"ET"
        shared.write_form(shared.count, total, (60, 12))
        shared.write_form(shared.titles, art.titles.content, (self._layout.page_width, art.titles.height))
        logo = write_logo(objects, self._logo) if self._logo else None
        shared.write_resources(logo)
        write_font(objects, shared.body, self._body, "DejaVuSans")
        write_font(objects, shared.bold, self._bold, "DejaVuSans-Bold")


class _Shared:
    """The numbers of the objects that pages refer to and that are written last."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.resources, self._font_resources = objects.reserve(), objects.reserve()
        self.body, self.bold = objects.reserve(), objects.reserve()
        self.titles, self.count = objects.reserve(), objects.reserve()

    def write_form(self, number: int, content: bytes, size: tuple[float, float]) -> None:
        """Writes operators that can be drawn on any page, as far below 0 as above; they show text alone."""
        box = b"%.2f %.2f %.2f %.2f" % (0, -size[1], size[0], size[1])
        self._objects.write_stream(
            number,
            compress(content),
            b"/Type /XObject /Subtype /Form /BBox [%b] /Resources %d 0 R /Filter /FlateDecode"
            % (box, self._font_resources),
        )

    def write_resources(self, logo: int | None) -> None:
        """Writes what the names in content streams mean."""
        fonts = b"/Font << /F1 %d 0 R /F2 %d 0 R >>" % (self.body, self.bold)
        forms = f"/{TITLES} {self.titles} 0 R /{COUNT} {self.count} 0 R"
        images = f" /{LOGO} {logo} 0 R" if logo else ""
        self._objects.write(self._font_resources, b"<< %b >>" % fonts)
        everything = f"/XObject << {forms}{images} >>".encode()
        self._objects.write(self.resources, b"<< %b %b >>" % (fonts, everything))


def _name_currency(column: Column, currency: str | None) -> Column:
    if column.kind != "money" or not currency:
        return column
    return replace(column, title=f"{column.title} ({currency})")
