"""Readings of files by others' libraries, and what these must find, worked out without the product.

Rows are lists of cells in the file's order; values are those of the database.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pypdfium2

from exporters.formats.table import Column, Language

Rows = list[list[Any]]

CELL_LIMIT = 32_767
"""UTF-16 code units that a workbook's cell holds."""

_DIGITS = 15
"""That Excel keeps of a number."""

_SIGNS: Mapping[Language, tuple[str, str, str]] = {
    "nb": ("\u00a0", ",", "\u2212"),
    "sv": ("\u00a0", ",", "\u2212"),
    "da": (".", ",", "-"),
    "de": (".", ",", "-"),
    "en": (",", ".", "-"),
}
"""Between thousands, before the places, before a negative number."""

_DAYS: Mapping[Language, str] = {
    "nb": "{d:02}.{m:02}.{y:04}",
    "sv": "{y:04}-{m:02}-{d:02}",
    "da": "{d:02}.{m:02}.{y:04}",
    "de": "{d:02}.{m:02}.{y:04}",
    "en": "{d:02}/{m:02}/{y:04}",
}
_YES_NO: Mapping[Language, tuple[str, str]] = {
    "nb": ("Ja", "Nei"),
    "sv": ("Ja", "Nej"),
    "da": ("Ja", "Nej"),
    "de": ("Ja", "Nein"),
    "en": ("Yes", "No"),
}
_PAGES: Mapping[Language, str] = {
    "nb": "Side {} av {}",
    "sv": "Sida {} av {}",
    "da": "Side {} af {}",
    "de": "Seite {} von {}",
    "en": "Page {} of {}",
}


def is_finite(value: Any) -> bool:
    """Whether a file can hold the value; of the others no file holds more than that there is none."""
    return not isinstance(value, float) or abs(value) < float("inf")


def sum_exactly(values: Sequence[Any]) -> Decimal | None:
    """The sum of numbers, of which some may be null; None when all are."""
    filled = [Decimal(value) for value in values if value is not None]
    return sum(filled, Decimal(0)) if filled else None


def in_workbook(value: Any) -> Any:
    """What a workbook's cell holds: a value in its own type where Excel can hold it exactly."""
    match value:
        case bool() | None:
            return value
        case int() | float() | Decimal():
            return _in_number_cell(value)
        case date():
            return _in_date_cell(value)
    return value.encode("utf-16-le")[: 2 * CELL_LIMIT].decode("utf-16-le", "ignore")


def _in_number_cell(value: float | Decimal) -> Any:
    if isinstance(value, float):
        return value if is_finite(value) else None
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    digits = text.replace(".", "").replace("-", "")
    kept = digits.strip("0") if isinstance(value, Decimal) else digits
    return float(value) if len(kept) <= _DIGITS else text


def _in_date_cell(value: date) -> Any:
    if value < type(value)(1900, 3, 1):
        return str(value).partition(".")[0]
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return datetime.combine(value, time())


def in_csv(value: Any, *, decimal_comma: bool = False) -> str | None:
    """The text of a field, safe from being taken for a formula."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value
        case float() if not is_finite(value):
            return None
        case float() | Decimal():
            point = repr(value) if isinstance(value, float) else f"{value:f}"
            return point.replace(".", ",") if decimal_comma else point
        case date():
            return str(value).partition(".")[0]
    return None if value is None else str(value)


def on_page(value: Any, language: Language) -> str:
    """What people read."""
    thousands, point, minus = _SIGNS[language]
    match value:
        case None:
            return ""
        case bool():
            return _YES_NO[language][not value]
        case int() | Decimal():
            text = f"{value:,}" if isinstance(value, int) else f"{value:,f}"
            return text.translate({ord(","): thousands, ord("."): point, ord("-"): minus})
        case date():
            day = _DAYS[language].format(d=value.day, m=value.month, y=value.year)
            return f"{day} {value:%H:%M:%S}" if isinstance(value, datetime) else day
    return str(value)


def read_with_openpyxl(file: Path, sheet: int = 1) -> Rows:
    """The rows of a sheet, titles first; texts with what Excel's escapes stand for."""
    cells = openpyxl.load_workbook(file).worksheets[sheet].iter_rows()
    return [[_plain(cell.value) for cell in row] for row in cells]


def read_with_polars(file: Path) -> Rows:
    """The rows of the second sheet, titles first; polars makes dates of times that are all midnight."""
    frame = pl.read_excel(file, sheet_id=2, infer_schema_length=None)
    frame = frame.cast({pl.Date: pl.Datetime("us")})
    return [frame.columns, *(list(row) for row in frame.iter_rows())]


def _plain(value: Any) -> Any:
    if value in {"=TRUE()", "=FALSE()"}:  # as LibreOffice writes booleans
        return value == "=TRUE()"
    if isinstance(value, str):
        return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), value)
    return value


def read_pages(file: Path) -> list[str]:
    """The texts of a PDF's pages in the order in which PDFium reads them, as people copy them."""
    document = pypdfium2.PdfDocument(file)
    return [page.get_textpage().get_text_range() for page in document]


def check_pages_numbered(pages: Sequence[str], language: Language) -> None:
    """Each page says its number and how many there are."""
    for number, page in enumerate(pages, start=1):
        assert _PAGES[language].format(number, len(pages)) in " ".join(page.split())


def check_rows_on_pages(pages: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Each row's cells are found one after the other, below those of the row before, and once only."""
    text, reached = _close_up("".join(pages)), 0
    between = []
    for row in rows:
        cells = _close_up("".join(row))
        found = text.find(cells, reached)
        assert found >= 0, row
        between.append(text[reached:found])
        reached = found + len(cells)
    rest = "|".join([*between, text[reached:]])
    assert [row for row in rows if _close_up("".join(row)) in rest] == []


def check_rows_in_layout(layout: str, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> None:
    """Each row has a line of its own in its place: all that is no text, after the beginning of a first text.

    Texts may go on in the lines below.
    """
    lines = iter(layout.replace("\f", "\n").splitlines())
    for row in rows:
        keys = [cell for cell, column in zip(row, columns, strict=True) if column.kind != "text" and cell]
        pattern = ".*".join(re.escape(_close_up(key)) for key in keys)
        first = row[0] if columns[0].kind == "text" else None
        assert any(_starts(line, first) and re.search(pattern, _close_up(line)) for line in lines), row


def _starts(line: str, cell: str | None) -> bool:
    begins = line.split(maxsplit=1)[:1]
    return cell is None or (bool(begins) and cell.startswith(begins[0]))


def _close_up(text: str) -> str:
    return "".join(text.split())


class PageTable(HTMLParser):
    """The one table of rows in an HTML file, as the parser of the standard library has it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.titles: list[str] = []
        self.rows: Rows = []
        self.groups: list[str] = []
        self.sums: Rows = []
        self._inside = self._in_cell = False
        self._kind: str | None = None
        self._cells: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "section":
            self._inside = (named.get("class") or "").startswith("data")
        elif tag == "tr":
            self._cells, self._kind = [], named.get("class")
        elif tag in {"td", "th"}:
            self._in_cell = True
            self._cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._in_cell = False
        elif tag == "tr" and self._inside:
            self._keep()

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self._cells[-1] += data

    def _keep(self) -> None:
        if not self.titles:
            self.titles = self._cells
        elif self._kind == "group":
            self.groups += self._cells
        elif self._kind == "sum":
            self.sums.append(self._cells)
        else:
            self.rows.append(self._cells)
