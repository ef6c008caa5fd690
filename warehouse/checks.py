"""Checking a built model: its columns, and how many rows break each check, with a few of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import duckdb

from warehouse.database import quote_name
from warehouse.entities import count_rows
from warehouse.errors import ModelError
from warehouse.models import CheckHeader, Model

_SAMPLE_ROWS = 5

Manner = Literal["whole", "followed", "unchanged"]
"""How a model was brought up to date."""


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check of one model."""

    check: CheckHeader
    broken_rows: int
    sample: tuple[str, ...]
    """A few of the rows that break it."""

    @property
    def passed(self) -> bool:
        """Whether no row breaks the check."""
        return self.broken_rows == 0


def check_columns(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Compare the columns of a model in the build file with those that its header declares.

    Raises:
        ModelError: they differ.
    """
    rows = connection.execute(f"DESCRIBE {quote_name(model.name)}").fetchall()
    built = {row[0]: row[1] for row in rows}
    declared = {name: column.type for name, column in model.header.columns.items()}
    if built != declared:
        faults = [
            f"{column}: declared {declared.get(column, 'nothing')}, built {built.get(column, 'nothing')}"
            for column in sorted(built.keys() | declared.keys())
            if built.get(column) != declared.get(column)
        ]
        raise ModelError(
            f"{model.layer}/{model.name}.sql: built columns differ from the header: {'; '.join(faults)}"
        )


def check_built(connection: duckdb.DuckDBPyConnection, model: Model, manner: Manner) -> list[CheckResult]:
    """Run the checks of a model in the build file: those of single rows and keys over what is new alone.

    Raises:
        ModelError: a check's query fails.
    """
    implied = model.implied_checks
    match manner:
        case "unchanged":
            results = _pass(implied)
        case "followed":
            name = quote_name(model.name)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM after")
            results = _run(connection, model, implied)
            connection.execute(f"DROP VIEW temp.{name}")
        case "whole":
            # Building an entity whole has looked for rows that share a key already.
            proven = {"key_is_unique"} if model.layer == "entities" else set()
            results = [
                *_pass(check for check in implied if check.name in proven),
                *_run(connection, model, (check for check in implied if check.name not in proven)),
            ]
    return [*results, *_run(connection, model, model.header.checks)]


def _run(
    connection: duckdb.DuckDBPyConnection, model: Model, checks: Iterable[CheckHeader]
) -> list[CheckResult]:
    return [_run_check(connection, model.name, check) for check in checks]


def _pass(checks: Iterable[CheckHeader]) -> list[CheckResult]:
    """The outcome of checks that are known to hold."""
    return [CheckResult(check, 0, ()) for check in checks]


def _run_check(connection: duckdb.DuckDBPyConnection, model: str, check: CheckHeader) -> CheckResult:
    try:
        broken = count_rows(connection, f"({check.sql})")
        rows = connection.execute(f"{check.sql} LIMIT {_SAMPLE_ROWS}").fetchall() if broken else []
    except duckdb.Error as error:
        raise ModelError(f"{model}: the check {check.name} cannot run: {error}") from error
    return CheckResult(check, broken, tuple(str(row) for row in rows))
