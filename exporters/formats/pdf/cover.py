"""PDF cover: the summary of a table on an A4 page of its own, as PDF/A-1 allows it.

Logo and title on a band of the brand's colour, the details, the key figures, the charts, and the brand's
footer. Charts that find no room go on to further pages. Lengths are millimetres.
"""

import io
from dataclasses import dataclass, replace

import pikepdf
from pikepdf import Name, Rectangle

from exporters.formats.charts import PDF_WIDTH, draw_pdf
from exporters.formats.contrast import readable_on, text_on
from exporters.formats.display import show_value, timestamp_format
from exporters.formats.frames import Frames
from exporters.formats.logo import flatten, read_logo
from exporters.formats.pdf.codes import number_directly
from exporters.formats.pdf.sheet import HEIGHT, MARGIN, WIDTH, Face, Sheet
from exporters.formats.table import Chart, Table
from exporters.formats.wording import say

_ROOM = WIDTH - 2 * MARGIN
_BOTTOM = HEIGHT - 18.0
"""Where the footer begins."""

_GAP, _BLOCK_GAP = 4.0, 6.5
_GREY, _INK, _RULE = "#57606a", "#1f2328", "#d0d7de"
_TITLE = Face(16.0, 7.2, _INK, is_bold=True)
_LABEL, _VALUE = Face(7.5, 3.9, _GREY), Face(10.0, 4.8, _INK)
_FIGURE_LABEL, _FIGURE = Face(7.5, 3.3, _GREY), Face(17.0, 7.0, _INK, is_bold=True)
_CHART_HEADING = Face(10.5, 5.0, _INK, is_bold=True)
_SMALL = Face(7.5, 3.6, _GREY)

_LOGO_HEIGHT, _LOGO_WIDTH = 14.0, 46.0
_CARD_HEIGHT = 20.5
_CHART_TITLE = 6.0
_LEAST_SCALE = 0.7
"""Charts are drawn this much smaller at most, so that all of them stand on the first page."""

_MM_PER_UNIT = _ROOM / PDF_WIDTH
_POINTS_PER_MM = 72 / 25.4


def draw_cover(table: Table, frames: Frames) -> bytes:
    """Returns the cover as a PDF 1.4 document without object streams; equal tables give equal bytes.

    Characters that no font has are shown as a box, and noted. Raises ValueError when the brand's colour is
    none or its logo is no PNG or JPEG image.
    """
    cover = _Cover(table)
    cover.draw()
    frames.note(None, "no_glyph", cover.sheet.boxes)
    frames.note(None, "cut_to_width", cover.sheet.cuts)
    return _finish(cover.sheet.finish(), cover.placed)


@dataclass(frozen=True)
class _Placed:
    """A chart to lay over the page of that number, from 0."""

    page: int
    top: float
    height: float
    drawing: bytes


class _Cover:
    """A table's cover being drawn from top to bottom."""

    def __init__(self, table: Table) -> None:
        self.sheet = Sheet(table)
        self.placed: list[_Placed] = []
        self._table = table
        self._y = 0.0

    def draw(self) -> None:
        self.sheet.add_page()
        self._draw_band()
        self._draw_details()
        self._draw_key_figures()
        self._draw_charts()
        self._draw_footer()

    def _draw_band(self) -> None:
        sheet, brand = self.sheet, self._table.brand
        left, top = MARGIN, 8.0
        logo_height = 0.0
        if brand.logo is not None:
            logo = read_logo(brand.logo)
            scale = min(_LOGO_HEIGHT / logo.height, _LOGO_WIDTH / logo.width)
            width, logo_height = logo.width * scale, logo.height * scale
            left += width + 2 * _GAP + 2
        lines = sheet.wrap(self._table.title, _TITLE, WIDTH - MARGIN - left, 3)
        inner = max(logo_height + 4, len(lines) * _TITLE.line)
        height = 2 * top + inner
        sheet.fill(0, 0, WIDTH, height, brand.color)
        if brand.logo is not None:
            middle = (height - logo_height) / 2
            sheet.fill(MARGIN, middle - 2, width + 4, logo_height + 4, "#ffffff")
            sheet.image(flatten(logo), MARGIN + 2, middle, width, logo_height)
        y = (height - len(lines) * _TITLE.line) / 2
        sheet.write_lines(lines, left, y, replace(_TITLE, color=text_on(brand.color)))
        self._y = height + 7

    def _draw_details(self) -> None:
        """Draws label and value pairs, two beside each other."""
        details = self._table.details
        width = (_ROOM - _GAP) / 2
        for position in range(0, len(details), 2):
            heights = []
            for column, (label, value) in enumerate(details[position : position + 2]):
                x = MARGIN + column * (width + _GAP)
                self.sheet.write_lines(self.sheet.wrap(label, _LABEL, width, 1), x, self._y, _LABEL)
                lines = self.sheet.wrap(value, _VALUE, width, 3)
                self.sheet.write_lines(lines, x, self._y + _LABEL.line, _VALUE)
                heights.append(_LABEL.line + len(lines) * _VALUE.line)
            self._y += max(heights) + 2.5
        self._y += 2.0

    def _draw_key_figures(self) -> None:
        figures = self._table.key_figures
        columns = len(figures) if len(figures) in {2, 4} else 3
        width = (_ROOM - _GAP * (columns - 1)) / columns
        language = self._table.language
        for position, figure in enumerate(figures):
            row, column = divmod(position, columns)
            if column == 0 and row:
                self._y += _CARD_HEIGHT + _GAP
            shown = show_value(figure.value, figure.kind, language, figure.currency)
            self._draw_card(MARGIN + column * (width + _GAP), width, figure.label, shown)
        if figures:
            self._y += _CARD_HEIGHT + _BLOCK_GAP

    def _draw_card(self, x: float, width: float, label: str, shown: str) -> None:
        sheet, y = self.sheet, self._y
        accent = readable_on("#ffffff", self._table.brand.color)
        sheet.frame(x, y, width, _CARD_HEIGHT, _RULE)
        sheet.fill(x, y, width, 0.9, accent)
        sheet.write_lines(sheet.wrap(label, _FIGURE_LABEL, width - 7, 3), x + 3.5, y + 2.4, _FIGURE_LABEL)
        face = sheet.shrink(shown, replace(_FIGURE, color=accent), width - 7)
        sheet.write_lines([shown], x + 3.5, y + _CARD_HEIGHT - 8.5, face)

    def _draw_charts(self) -> None:
        """Draws the charts' titles, and finds each its place."""
        charts = self._table.charts
        drawn = [self._draw_chart(chart, 1.0) for chart in charts]
        titles = len(charts) * (_CHART_TITLE + _BLOCK_GAP) - _BLOCK_GAP
        needed = sum(_height(chart) for chart in drawn)
        scale = min(1.0, (_BOTTOM - self._y - titles) / needed) if charts else 1.0
        if scale < _LEAST_SCALE:
            scale = 1.0
        for chart, drawing in zip(charts, drawn, strict=True):
            fitting = drawing if scale == 1.0 else self._draw_chart(chart, scale)
            height = min(_height(fitting) * scale, _BOTTOM - MARGIN - _CHART_TITLE)
            if self._y + _CHART_TITLE + height > _BOTTOM and self._y > MARGIN:
                self._draw_footer()
                self.sheet.add_page()
                self._y = MARGIN
            lines = self.sheet.wrap(chart.title, _CHART_HEADING, _ROOM, 1)
            self.sheet.write_lines(lines, MARGIN, self._y, _CHART_HEADING)
            self.placed.append(_Placed(self.sheet.pages_count - 1, self._y + _CHART_TITLE, height, fitting))
            self._y += _CHART_TITLE + height + _BLOCK_GAP

    def _draw_chart(self, chart: Chart, scale: float) -> bytes:
        """Returns the chart, wide enough to fill the page when it is drawn at that scale."""
        color = readable_on("#ffffff", self._table.brand.color)
        return draw_pdf(
            self.sheet.replace_missing(chart), self._table.language, color, round(PDF_WIDTH / scale)
        )

    def _draw_footer(self) -> None:
        table, sheet = self._table, self.sheet
        created = (
            f"{say(table.language, 'created')}: {table.created_at.strftime(timestamp_format(table.language))}"
        )
        right = sheet.measure(created, _SMALL)
        y = _BOTTOM + 4
        sheet.fill(MARGIN, y, _ROOM, 0.2, _RULE)
        lines = sheet.wrap(table.brand.footer, _SMALL, _ROOM - right - 2 * _GAP, 2)
        sheet.write_lines(lines, MARGIN, y + 1.5, _SMALL)
        sheet.write_lines([created], MARGIN + _ROOM - right, y + 1.5, _SMALL)


def _height(chart: bytes) -> float:
    """Returns how high a drawn chart is when it is PDF_WIDTH units wide."""
    with pikepdf.open(io.BytesIO(chart)) as document:
        return float(document.pages[0].mediabox[3]) * _MM_PER_UNIT


def _finish(cover: bytes, placed: list[_Placed]) -> bytes:
    """Returns the cover with the charts laid over it, as vectors."""
    finished = io.BytesIO()
    with pikepdf.open(io.BytesIO(cover)) as document:
        number_directly(document)
        for position, chart in enumerate(placed):
            edges = (MARGIN, HEIGHT - chart.top - chart.height, WIDTH - MARGIN, HEIGHT - chart.top)
            page = document.pages[chart.page]
            with pikepdf.open(io.BytesIO(chart.drawing)) as drawing:
                form = document.copy_foreign(drawing.pages[0].as_form_xobject())
            # Not by add_overlay, which chooses names at random.
            name = page.add_resource(form, Name.XObject, Name(f"/Chart{position}"))
            place = Rectangle(*(edge * _POINTS_PER_MM for edge in edges))
            page.contents_add(
                page.calc_form_xobject_placement(
                    form, name, place, invert_transformations=True, allow_shrink=True, allow_expand=True
                )
            )
        # Else the first of the two would stay, which is made from the clock.
        del document.trailer.ID
        document.save(
            finished,
            deterministic_id=True,
            force_version="1.4",
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return finished.getvalue()
