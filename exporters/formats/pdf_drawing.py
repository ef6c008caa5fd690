"""PDF drawing: the rows' texts, cell by cell, on numbered pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import polars as pl
from fpdf import FPDF
from fpdf.fonts import TTFFont

from exporters.formats.frames import Frames
from exporters.formats.pdf_layout import MARGIN, PADDING, lay_out
from exporters.formats.table import Column, Kind, NoteKind, Table
from exporters.formats.typeface import Typeface

_FONTS = Path(__file__).parent / "fonts"
_FAMILY = "DejaVu"
_LANGUAGE = "en"
"""Of the document's own words."""

_TITLE_POINTS, _POINTS = 14.0, 8.0
_TITLE_HEIGHT, _LINE_HEIGHT = 8.0, 5.0
_BLACK, _GREY, _LIGHT = 20, 110, 245
"""Grey levels from 0, black, to 255, white."""

_PAGE_COUNT = "{pages}"
"""Stands in the footer until the number is known, and keeps room for as many digits."""

_REPLACED: NoteKind = "no_glyph"

_RIGHT_ALIGNED: frozenset[Kind] = frozenset({"integer", "decimal", "money"})


class _Pages(FPDF):
    """Empty A4 pages of a titled document, numbered in the footer."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.set_title(table.title)
        self.set_lang(_LANGUAGE)
        self.set_creation_date(table.created_at)
        self.set_margin(MARGIN)
        self.c_margin = PADDING
        self.add_font(_FAMILY, "", _FONTS / "DejaVuSans.ttf")
        self.add_font(_FAMILY, "B", _FONTS / "DejaVuSans-Bold.ttf")
        self.set_text_color(_BLACK)
        self.set_draw_color(_GREY)
        self.set_fill_color(_LIGHT)

    def typeface(self, style: str, points: float) -> Typeface:
        self.set_font(_FAMILY, style, points)
        return Typeface(cast(TTFFont, self.current_font), style, points)

    def header(self) -> None:
        # Only the footer names the number of pages: in a cell the same characters are data.
        self.alias_nb_pages("")

    def footer(self) -> None:
        self.alias_nb_pages(_PAGE_COUNT)
        self.set_y(-MARGIN)
        self.set_font(_FAMILY, "", _POINTS)
        self.set_text_color(_GREY)
        self.cell(0, _LINE_HEIGHT, f"Page {self.page_no()} of {_PAGE_COUNT}")
        self.set_text_color(_BLACK)


class Drawing:
    """The table being drawn, row by row; `sample` are texts to measure the columns on."""

    def __init__(self, table: Table, frames: Frames, sample: pl.DataFrame) -> None:
        self._table = table
        self._frames = frames
        self._pages = _Pages(table)
        self._body = self._pages.typeface("", _POINTS)
        self._bold = self._pages.typeface("B", _POINTS)
        layout = lay_out(table.columns, sample, self._body, self._bold)
        self._widths = layout.widths
        self._orientation = "landscape" if layout.is_landscape else "portrait"
        self._titles = [
            self._fit(column, self._bold, column.title, width)
            for column, width in zip(table.columns, self._widths, strict=True)
        ]
        self._pages.add_page(self._orientation)
        self._draw_heading()
        self._draw_titles()

    def add(self, texts: pl.DataFrame) -> None:
        """Draws the rows of `texts` below the ones before, on as many pages as they need."""
        first = self._frames.rows - texts.height
        for number, row in enumerate(texts.iter_rows(), start=first):
            self._make_room()
            if number % 2:
                self._pages.rect(MARGIN, self._pages.get_y(), sum(self._widths), _LINE_HEIGHT, style="F")
            self._draw_row(self._body, row)

    def finish(self) -> bytearray:
        """Draws what stands below the rows and returns the document."""
        if not self._frames.rows:
            self._pages.set_text_color(_GREY)
            self._pages.cell(0, 2 * _LINE_HEIGHT, "No rows")
        elif self._frames.totals():
            self._draw_totals()
        return self._pages.output()

    def _draw_heading(self) -> None:
        pages = self._pages
        pages.set_auto_page_break(True, 2 * MARGIN)
        title = pages.typeface("B", _TITLE_POINTS)
        pages.multi_cell(
            0, _TITLE_HEIGHT, self._clean(title, self._table.title), align="L", new_x="LMARGIN", new_y="NEXT"
        )
        pages.set_font(_FAMILY, "", _POINTS)
        for label, value in self._table.details:
            line = self._clean(self._body, f"{label}: {value}")
            pages.multi_cell(0, _LINE_HEIGHT, line, align="L", new_x="LMARGIN", new_y="NEXT")
        pages.ln(_LINE_HEIGHT / 2)
        pages.set_auto_page_break(False)

    def _draw_titles(self) -> None:
        for column, width, title in zip(self._table.columns, self._widths, self._titles, strict=True):
            self._draw_cell(column, width, title, self._bold)
        self._pages.ln(_LINE_HEIGHT)
        self._draw_rule()

    def _draw_totals(self) -> None:
        columns, totals = self._table.columns, self._frames.totals()
        sums = [totals.get(column.name) for column in columns]
        cells = [None if value is None else f"{value:f}" for value in sums]
        if not columns[0].total:
            cells[0] = "Total"
        self._make_room()
        self._draw_rule()
        self._draw_row(self._bold, cells)

    def _draw_row(self, face: Typeface, values: Sequence[str | None]) -> None:
        for column, width, value in zip(self._table.columns, self._widths, values, strict=True):
            shown = self._fit(column, face, value or "", width) if column.kind == "text" else value or ""
            self._draw_cell(column, width, shown, face)
        self._pages.ln(_LINE_HEIGHT)

    def _draw_cell(self, column: Column, width: float, shown: str, face: Typeface) -> None:
        room = (width - 2 * PADDING) / max(face.width(shown), 0.1)
        self._pages.set_font(_FAMILY, face.style, face.points * min(1.0, room))
        align = "R" if column.kind in _RIGHT_ALIGNED else "L"
        self._pages.cell(width, _LINE_HEIGHT, shown, align=align)

    def _draw_rule(self) -> None:
        y = self._pages.get_y()
        self._pages.line(MARGIN, y, MARGIN + sum(self._widths), y)

    def _make_room(self) -> None:
        """Goes on to a new page, with the column titles above, when the next row has no place on this one."""
        if self._pages.get_y() + _LINE_HEIGHT > self._pages.h - MARGIN - _LINE_HEIGHT:
            self._pages.add_page(self._orientation)
            self._draw_titles()

    def _fit(self, column: Column, face: Typeface, text: str, width: float) -> str:
        fitted = face.fit(text, width - 2 * PADDING)
        if fitted.is_cut:
            self._frames.note(column, "cut_to_width", 1)
        self._frames.note(column, _REPLACED, fitted.replaced)
        return fitted.text

    def _clean(self, face: Typeface, text: str) -> str:
        shown, replaced = face.clean(text)
        self._frames.note(None, _REPLACED, replaced)
        return shown
