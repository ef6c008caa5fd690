"""Parity: what SQL says the file must hold, and whether the writer wrote just that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from exporters.catalogue import Filters, ReportType
from exporters.formats.table import Written
from warehouse.database import quote_name
from warehouse.generations import Snapshot

_EXACT = re.compile("U?(TINY|SMALL|BIG|HUGE)?INT|INTEGER|UINTEGER|DECIMAL")
"""How the names of DuckDB's exact numbers begin."""


@dataclass(frozen=True)
class Expected:
    """The query's rows, counted and summed in the database."""

    rows: int
    filled: Mapping[str, int]
    """Per column, the values that a file can hold: neither null nor an infinite number."""
    sums: Mapping[str, Decimal | None]
    """Per column of exact numbers, the sum; None: every value is null."""


def expect(snapshot: Snapshot, report: ReportType, parameters: Filters) -> Expected:
    """Count and sum what the report's query gives."""
    types = snapshot.types(report.sql, parameters)
    columns = [name for name in report.header.columns if name in types]
    exact = [name for name in columns if _is_summed(report, name) and _EXACT.match(types[name])]
    counted = [
        f"count(*) FILTER (isfinite({quote_name(name)}))"
        if types[name] in {"FLOAT", "DOUBLE"}
        else f"count({quote_name(name)})"
        for name in columns
    ]
    summed = [f"sum({quote_name(name)})" for name in exact]
    [(rows, *values)] = snapshot.rows(
        f"SELECT {', '.join(['count(*)', *counted, *summed])} FROM ({report.sql})",  # noqa: S608  declared names
        parameters,
    )
    filled, sums = values[: len(columns)], values[len(columns) :]
    return Expected(
        rows,
        dict(zip(columns, filled, strict=True)),
        {name: None if total is None else Decimal(total) for name, total in zip(exact, sums, strict=True)},
    )


def find_differences(expected: Expected, written: Written) -> list[str]:
    """What the writer wrote otherwise than the database says, one sentence each; none: the file is whole."""
    if written.rows != expected.rows:
        return [f"{written.rows} rows were written of {expected.rows} expected"]
    found = [
        f"column {name}: {written.filled.get(name)} values were written of {count} expected"
        for name, count in expected.filled.items()
        if written.filled.get(name) != count
    ]
    found += [
        f"column {name}: the values written sum to {written.sums.get(name)}, expected are {total}"
        for name, total in expected.sums.items()
        if written.rows and written.sums.get(name) != total
    ]
    return found


def _is_summed(report: ReportType, name: str) -> bool:
    return report.header.columns[name].kind in {"integer", "decimal", "money"}
