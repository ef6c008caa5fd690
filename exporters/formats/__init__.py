"""The formats a table can be written in: one row each, and what their parameters choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from exporters.formats import csv, html, parquet, pdf, xlsx
from exporters.formats.table import Writer


class UnknownFormatError(ValueError):
    """No format is called so, or it has no such parameters."""


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
"""Every format by its key, as it is without parameters."""

BRIEF_PDF = replace(FORMATS["pdf"], key="pdf;brief", write=pdf.write_brief)
"""PDF without a cover."""

_COMPRESSED = {"gzip": ("csv.gz", "application/gzip"), "zstd": ("csv.zst", "application/zstd")}
"""By compression, the extension and the media type of a CSV file."""


def find_format(text: str) -> Format:
    """Returns the format that a text names: a key with its parameters, as in `csv;excel-nb;gzip`.

    Texts of one meaning give one key. Raises UnknownFormatError.
    """
    key, *parameters = text.split(";")
    if key not in FORMATS:
        raise UnknownFormatError(f"There is no format {key!r}: choose one of {', '.join(FORMATS)}.")
    if not parameters:
        return FORMATS[key]
    if key == "pdf":
        if parameters != ["brief"]:
            raise UnknownFormatError(f"Format {text!r}: pdf takes the parameter 'brief' alone.")
        return BRIEF_PDF
    if key != "csv":
        raise UnknownFormatError(f"Format {text!r}: {key} takes no parameters, write {key!r} alone.")
    try:
        return _find_csv(parameters)
    except ValueError as error:
        raise UnknownFormatError(f"Format {text!r}: {error}") from error


def _find_csv(parameters: Sequence[str]) -> Format:
    dialect = csv.read_dialect(parameters)
    plain = FORMATS["csv"]
    extension, media_type = plain.extension, plain.media_type
    if dialect.compression:
        extension, media_type = _COMPRESSED[dialect.compression]
    key = ";".join(("csv", *csv.name_parameters(dialect)))
    return Format(key, extension, media_type, partial(csv.write, dialect=dialect))
