"""What the pipeline's commands print, and how they end."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console
from rich.table import Table

from exporters.database import RecordError
from exporters.storage import StoreError
from settings import SettingsError
from warehouse.erasures import ErasureError
from warehouse.errors import WarehouseError

_ANY_WIDTH = 10_000


class ExitCode(IntEnum):
    """What scripts can trust; docs/cli.md says it in words."""

    DONE = 0
    FAILED = 1
    """Nothing was published or written."""
    REFUSED = 2
    """Wrong usage; Typer's own code."""
    SOURCE_FAILED = 3
    """Published, but a source could not be read whole."""


def first_line(message: str) -> str:
    """The first line of an error's text."""
    # Below it DuckDB and the parser of SQL draw pictures of the statement.
    return message.strip().partition("\n")[0]


def fail(error: Exception) -> typer.Exit:
    """Say what was wrong; gives the exit to raise."""
    reason = str(error)
    if isinstance(error, OSError) and error.filename:
        reason = f"{error.filename}: cannot be made or written: {error.strerror}"
    complain(f"error: {first_line(reason)}")
    return typer.Exit(ExitCode.FAILED)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> None:
    """Print a table, whose last `numbers` columns are numbers."""
    table = Table()
    words = len(columns) - numbers
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < words else "right")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    _console().print(table)


def print_line(text: str) -> None:
    """Print a line, however long."""
    _console().print(text, soft_wrap=True)


def complain(text: str) -> None:
    """Print a line to the standard error."""
    _console(stderr=True).print(text, soft_wrap=True)


def _console(*, stderr: bool = False) -> Console:
    # A pipe has no width to fold the tables into.
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _ANY_WIDTH
    return console


@contextmanager
def told_errors() -> Iterator[None]:
    """End with what was wrong."""
    try:
        yield
    except ErasureError as error:
        complain(f"error: {first_line(str(error))}")
        raise typer.Exit(ExitCode.REFUSED) from error
    except (SettingsError, WarehouseError, StoreError, RecordError, OSError) as error:
        raise fail(error) from error
