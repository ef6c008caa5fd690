"""PDF cover: the summary of a table on an A4 page of its own.

Logo and title on a band of the brand's colour, the details, the key figures, the charts, and the brand's
footer. Charts that find no room go on to further pages. Lengths are millimetres.
"""

from dataclasses import replace

from exporters.formats.contrast import readable_on, text_on
from exporters.formats.display import show_value, timestamp_format
from exporters.formats.frames import Frames
from exporters.formats.pdf.charts import draw_chart
from exporters.formats.pdf.heading import Drawn
from exporters.formats.pdf.logo import LOGO, Logo
from exporters.formats.pdf.sheet import HEIGHT, MARGIN, WIDTH, Face, Sheet
from exporters.formats.pdf.typeface import Typeface
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

_CHART_WIDTH = 640.0
"""Units of a chart that fill the page's width."""


def draw_cover(
    table: Table, faces: tuple[Typeface, Typeface], logo: Logo | None, frames: Frames
) -> list[bytes]:
    """Returns the content of the cover's pages, none when the table has no summary.

    Notes what is cut, and the characters shown as a box.
    """
    if not table.key_figures and not table.charts:
        return []
    cover = _Cover(table, faces, logo, frames)
    cover.draw()
    return [bytes(page) for page in cover.sheet.pages]


class _Cover:
    """A table's cover being drawn from top to bottom."""

    def __init__(
        self, table: Table, faces: tuple[Typeface, Typeface], logo: Logo | None, frames: Frames
    ) -> None:
        self.sheet = Sheet(faces, frames)
        self._table, self._logo, self._body = table, logo, faces[0]
        self._accent = readable_on("#ffffff", table.brand.color)
        created = table.created_at.strftime(timestamp_format(table.language))
        self._created = f"{say(table.language, 'created')}: {created}"
        room = _ROOM - self.sheet.measure(self._created, _SMALL) - 2 * _GAP
        self._footer = self.sheet.wrap(table.brand.footer, _SMALL, room, 2)
        self._y = 0.0

    def draw(self) -> None:
        self.sheet.add_page()
        self._draw_band()
        self._draw_details()
        self._draw_key_figures()
        self._draw_charts()
        self._draw_footer()

    def _draw_band(self) -> None:
        sheet, brand, logo = self.sheet, self._table.brand, self._logo
        left, top = MARGIN, 8.0
        width = logo_height = 0.0
        if logo:
            scale = min(_LOGO_HEIGHT / logo.down, _LOGO_WIDTH / logo.across)
            width, logo_height = logo.across * scale, logo.down * scale
            left += width + 2 * _GAP + 2
        lines = sheet.wrap(self._table.title, _TITLE, WIDTH - MARGIN - left, 3)
        inner = max(logo_height + 4, len(lines) * _TITLE.line)
        height = 2 * top + inner
        sheet.fill(0, 0, WIDTH, height, brand.color)
        if logo:
            middle = (height - logo_height) / 2
            sheet.fill(MARGIN, middle - 2, width + 4, logo_height + 4, "#ffffff")
            sheet.image(LOGO, MARGIN + 2, middle, width, logo_height)
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
        sheet.frame(x, y, width, _CARD_HEIGHT, _RULE)
        sheet.fill(x, y, width, 0.9, self._accent)
        sheet.write_lines(sheet.wrap(label, _FIGURE_LABEL, width - 7, 3), x + 3.5, y + 2.4, _FIGURE_LABEL)
        face = sheet.shrink(shown, replace(_FIGURE, color=self._accent), width - 7)
        sheet.write_lines([shown], x + 3.5, y + _CARD_HEIGHT - 8.5, face)

    def _draw_charts(self) -> None:
        """Draws the charts below their titles, smaller when all of them find room on the page then."""
        charts = self._table.charts
        for chart in charts:
            for text in (*chart.labels, chart.value_title):
                self.sheet.note_missing(text, self._body)
        drawn = [self._draw_chart(chart, 1.0) for chart in charts]
        titles = len(charts) * (_CHART_TITLE + _BLOCK_GAP) - _BLOCK_GAP
        needed = sum(chart.height for chart in drawn) * _ROOM / _CHART_WIDTH
        scale = min(1.0, (_BOTTOM - self._y - titles) / needed) if charts else 1.0
        if scale < _LEAST_SCALE:
            scale = 1.0
        unit = _ROOM / _CHART_WIDTH * scale
        for chart, drawing in zip(charts, drawn, strict=True):
            fitting = drawing if scale == 1.0 else self._draw_chart(chart, scale)
            height = fitting.height * unit
            if self._y + _CHART_TITLE + height > _BOTTOM and self._y > MARGIN:
                self._draw_footer()
                self.sheet.add_page()
                self._y = MARGIN
            lines = self.sheet.wrap(chart.title, _CHART_HEADING, _ROOM, 1)
            self.sheet.write_lines(lines, MARGIN, self._y, _CHART_HEADING)
            self.sheet.place(fitting.content, MARGIN, self._y + _CHART_TITLE, unit)
            self._y += _CHART_TITLE + height + _BLOCK_GAP

    def _draw_chart(self, chart: Chart, scale: float) -> Drawn:
        """Returns the chart, wide enough to fill the page when it is drawn at that scale."""
        return draw_chart(chart, self._table.language, self._accent, _CHART_WIDTH / scale, self._body)

    def _draw_footer(self) -> None:
        sheet, y = self.sheet, _BOTTOM + 4
        sheet.fill(MARGIN, y, _ROOM, 0.2, _RULE)
        sheet.write_lines(self._footer, MARGIN, y + 1.5, _SMALL)
        right = MARGIN + _ROOM - sheet.measure(self._created, _SMALL)
        sheet.write_lines([self._created], right, y + 1.5, _SMALL)
