"""HTML rows: frames, and sums, as the rows of a table."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import polars as pl

from exporters.formats.display import show_column
from exporters.formats.frames import Frames
from exporters.formats.html.text import count_replaced, write_column
from exporters.formats.table import Column, Kind, Table

CLASSES: dict[Kind, str] = {"text": "t", "integer": "n", "decimal": "n", "money": "n"}
"""Of a cell: text, which may wrap, and numbers, which stand to the right."""


def write_rows(table: Table, frames: Frames, frame: pl.DataFrame) -> pl.Series:
    """Returns each row of the frame as HTML, and notes what was replaced in it."""
    parts = [pl.lit("<tr>")]
    for column in table.columns:
        if column.kind == "text":
            frames.note(column, "characters_replaced", frame.select(count_replaced(column.name)).item())
            shown = write_column(column.name)
        else:
            shown = pl.lit(show_column(frame[column.name], column.kind, table.language))
        parts += [pl.lit(_open_cell(column)), shown.fill_null(""), pl.lit("</td>")]
    return frame.select(pl.concat_str(*parts, pl.lit("</tr>\n"))).to_series()


def show_sums(sums: Iterable[Decimal | None], column: Column, table: Table) -> list[str]:
    """Returns sums of the column as they are shown, of any number of digits; None as nothing."""
    texts = [None if value is None else f"{value:f}" for value in sums]
    shown = show_column(pl.Series(column.name, texts, pl.String), column.kind, table.language)
    return shown.fill_null("").to_list()


def write_sums(table: Table, label: str, shown: Sequence[str]) -> str:
    """Returns the row of the sums of the columns that have a total, named by the HTML `label`."""
    texts = iter(shown)
    cells = [f'<td class="n">{next(texts)}</td>' if column.total else "<td></td>" for column in table.columns]
    before = next(position for position, column in enumerate(table.columns) if column.total)
    if before:
        cells[:before] = [f'<th scope="row" colspan="{before}">{label}</th>']
    else:
        # The label has no column of its own.
        cells[0] = f'<th scope="row" class="n">{label}: {shown[0]}</th>'
    return f'<tr class="sum">{"".join(cells)}</tr>\n'


def _open_cell(column: Column) -> str:
    return f'<td class="{CLASSES[column.kind]}">' if column.kind in CLASSES else "<td>"
