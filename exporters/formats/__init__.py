"""The formats a table can be written in: one row each."""

from dataclasses import dataclass

from exporters.formats import csv, html, parquet, pdf, xlsx
from exporters.formats.table import Writer


@dataclass(frozen=True)
class Format:
    """A file format and what writes it."""

    key: str
    extension: str
    """Of a file's name, without the point."""
    media_type: str
    write: Writer


FORMATS: dict[str, Format] = {
    row.key: row
    for row in (
        Format("csv", "csv", "text/csv; charset=utf-8", csv.write),
        Format(
            "xlsx", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx.write
        ),
        Format("pdf", "pdf", "application/pdf", pdf.write),
        Format("html", "html", "text/html; charset=utf-8", html.write),
        Format("parquet", "parquet", "application/vnd.apache.parquet", parquet.write),
    )
}
"""Every format by its key."""
