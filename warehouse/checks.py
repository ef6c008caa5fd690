"""Running the checks of a model: how many rows break each, with a few of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from warehouse.entities import count_rows
from warehouse.errors import ModelError
from warehouse.models import CheckHeader

_SAMPLE_ROWS = 5


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


def run_checks(
    connection: duckdb.DuckDBPyConnection, model: str, checks: Iterable[CheckHeader]
) -> list[CheckResult]:
    """Run checks of a model in the build file.

    Raises:
        ModelError: a check's query fails.
    """
    return [_run_check(connection, model, check) for check in checks]


def pass_checks(checks: Iterable[CheckHeader]) -> list[CheckResult]:
    """The outcome of checks that are known to hold."""
    return [CheckResult(check, 0, ()) for check in checks]


def _run_check(connection: duckdb.DuckDBPyConnection, model: str, check: CheckHeader) -> CheckResult:
    try:
        broken = count_rows(connection, f"({check.sql})")
        rows = connection.execute(f"{check.sql} LIMIT {_SAMPLE_ROWS}").fetchall() if broken else []
    except duckdb.Error as error:
        raise ModelError(f"{model}: the check {check.name} cannot run: {error}") from error
    return CheckResult(check, broken, tuple(str(row) for row in rows))
