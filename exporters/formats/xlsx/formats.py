"""The looks of the cells that XlsxWriter writes, and texts in them that stay texts."""

from collections.abc import Mapping
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from exporters.formats.xlsx.text import cut, is_like_formula

Look = Mapping[str, Any]
"""Properties of a format, as XlsxWriter names them."""


class CellFormats:
    """A workbook's formats by their properties, each made once."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def of(self, properties: Look) -> Format:
        """Returns the format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._workbook.add_format(dict(properties))
        return self._made[key]

    def number(self, properties: Look) -> int:
        """Returns the number by which cells refer to the format."""
        return int(self.of(properties)._get_xf_index())

    def number_text(self, text: str, properties: Look) -> int:
        """Returns the number of the format that `write_text` gives a text."""
        return int(self._of_text(text, properties)._get_xf_index())

    def write_text(self, sheet: Worksheet, row: int, position: int, text: str, properties: Look) -> None:
        """Writes a string cell, whatever the text holds; one like a formula stays a text when edited."""
        sheet.write_string(row, position, cut(text), self._of_text(text, properties))

    def _of_text(self, text: str, properties: Look) -> Format:
        return self.of({**properties, "quote_prefix": True} if is_like_formula(text) else properties)
