"""Conditions: whether a definition that fires has something to send."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

from exporters.catalogue import TENANT, Filters, ReportType
from exporters.definitions.errors import DefinitionError
from exporters.formats.table import Kind
from warehouse.database import quote_name
from warehouse.errors import WarehouseError
from warehouse.generations import Snapshot

ConditionKind = Literal["changed", "above", "below"]
Cause = Literal["holds", "no data", "unchanged", "threshold"]

_NUMERIC = frozenset({"integer", "decimal", "money"})
_TOTAL_TYPE = "DECIMAL(38, 9)"
_CURRENCY = "currency"
"""The column of a report whose rows have a currency each."""
_LARGEST = 10**15
_PATIENCE = 10_000
"""Milliseconds for one look, which takes some of them."""
_WHOLE_PATIENCE = 30.0
"""Seconds for several looks."""


@dataclass(frozen=True)
class Condition:
    """What must hold of the rows for them to be sent."""

    kind: ConditionKind
    column: str | None = None
    """Whose total is held against the threshold; None: the number of rows is."""
    threshold: Decimal | None = None
    """Of `above` and `below`; never reached by being equal to it."""


@dataclass(frozen=True)
class Sight:
    """What a report would hold, seen in the database."""

    rows: int
    totals: Mapping[str, Decimal | None]
    """Of each numeric column; 0 without rows, None where every value is unknown or they cannot be added."""
    digest: str
    """Differs when a row does; the rows' order does not matter."""


@dataclass(frozen=True)
class Verdict:
    """Whether to send, and why."""

    send: bool
    cause: Cause
    reason: str
    """The cause with its figures, for people, in English."""


def check_condition(condition: Condition, report: ReportType) -> None:
    """Return if the condition can be asked of the report.

    Raises:
        DefinitionError: it cannot.
    """
    if condition.kind not in get_args(ConditionKind):
        raise DefinitionError("condition", f"condition must be one of {', '.join(get_args(ConditionKind))}")
    if condition.kind == "changed":
        if condition.column is not None or condition.threshold is not None:
            raise DefinitionError("condition", "the condition changed takes no column and no threshold")
        return
    if condition.threshold is None or not condition.threshold.is_finite():
        raise DefinitionError("threshold", f"the condition {condition.kind} needs a number as its threshold")
    if condition.threshold.copy_abs() >= _LARGEST:  # abs() would overflow before it is compared
        raise DefinitionError("threshold", f"the threshold must lie between {-_LARGEST:,} and {_LARGEST:,}")
    numeric = _numeric_columns(report)
    if condition.column is not None and condition.column not in numeric:
        known = f"it has {', '.join(numeric)}" if numeric else "it has none: leave it out to count rows"
        raise DefinitionError("column", f"{report.name} has no numeric column {condition.column!r}; {known}")


def look(snapshot: Snapshot, report: ReportType, workshop_id: str, filters: Filters) -> Sight:
    """See what the report holds for the workshop under the filters (texts or typed values).

    Raises:
        RequestError: the report takes no such filters.
        WarehouseError: its query fails, or takes longer than ten seconds.
    """
    [sight] = look_at_each(snapshot, report, workshop_id, [filters])
    return sight


def look_at_each(
    snapshot: Snapshot, report: ReportType, workshop_id: str, asked: Iterable[Filters]
) -> list[Sight]:
    """What `look` sees under each of several filters.

    Raises:
        RequestError: the report takes no such filters.
        WarehouseError: a query fails, takes longer than ten seconds, or all take longer than thirty.
    """
    numeric = _numeric_columns(report)
    sql = _sight_sql(report, numeric)
    until = time.monotonic() + _WHOLE_PATIENCE
    sights = []
    with time_limit(snapshot):
        for filters in asked:
            if time.monotonic() > until:
                raise WarehouseError(f"{report.name}: takes too long to look at; ask for fewer periods")
            parameters = {**report.parse_filters(filters), TENANT: workshop_id}
            sights.append(_read_sight(report, numeric, snapshot.rows(sql, parameters)))
    return sights


@contextmanager
def time_limit(snapshot: Snapshot) -> Iterator[None]:
    """Hold each query of the snapshot to ten seconds while the block lasts."""
    snapshot.rows(f"SET max_execution_time = {_PATIENCE}")
    try:
        yield
    finally:
        snapshot.rows("RESET max_execution_time")


def decide(
    condition: Condition | None, *, only_when_data: bool, sight: Sight, last_digest: str | None
) -> Verdict:
    """Whether to send what was seen; `last_digest` is that of the last fire that was sent, None before one.

    `only_when_data` and the condition must both hold. A total that is not known is neither above nor below.

    Raises:
        DefinitionError: the report no longer has the condition's column.
    """
    if only_when_data and not sight.rows:
        return Verdict(False, "no data", "there are no rows")
    if condition is None:
        return Verdict(True, "holds", _say_rows(sight.rows))
    if condition.kind == "changed":
        return _decide_changed(sight, last_digest)
    return _decide_threshold(condition, sight)


def _decide_changed(sight: Sight, last_digest: str | None) -> Verdict:
    if last_digest is None:
        return Verdict(True, "holds", "nothing was sent before")
    if sight.digest == last_digest:
        return Verdict(False, "unchanged", "the rows are those of the last one that was sent")
    return Verdict(True, "holds", "the rows are others than those of the last one that was sent")


def _decide_threshold(condition: Condition, sight: Sight) -> Verdict:
    threshold = condition.threshold
    if threshold is None:
        raise ValueError(f"the condition {condition.kind} has no threshold")
    if condition.column is None:
        value: Decimal | None = Decimal(sight.rows)
        what = _say_rows(sight.rows)
    elif condition.column not in sight.totals:
        raise DefinitionError("column", f"the report no longer has the numeric column {condition.column!r}")
    else:
        value = sight.totals[condition.column]
        what = f"the total of {condition.column} is {'not known' if value is None else f'{value:f}'}"
    holds = value is not None and (value > threshold if condition.kind == "above" else value < threshold)
    if holds:
        return Verdict(True, "holds", f"{what}, {condition.kind} {threshold:f}")
    return Verdict(False, "threshold", f"{what}, not {condition.kind} {threshold:f}")


def _read_sight(report: ReportType, numeric: tuple[str, ...], found: list[tuple[Any, ...]]) -> Sight:
    [(rows, digest, *totals)] = found
    kinds = [report.header.columns[name].kind for name in numeric]
    known = [_tidy(total, kind) if rows else Decimal(0) for total, kind in zip(totals, kinds, strict=True)]
    return Sight(rows, dict(zip(numeric, known, strict=True)), f"{rows:x}.{digest or 0:x}")


def _sight_sql(report: ReportType, numeric: tuple[str, ...]) -> str:
    """One row: how many rows there are, the sum of their digests, and the total of each numeric column.

    The values of a row are told apart by their lengths; a sum does not depend on the order of its terms, and
    unlike an exclusive or, it counts rows that are there twice.
    """
    texts = [f"cast({quote_name(name)} AS varchar)" for name in report.header.columns]
    row = " || ".join(f"coalesce(strlen({text}) || ':' || {text}, '-')" for text in texts)
    totals = [_total_sql(report, name) for name in numeric]
    return f"SELECT {', '.join(['count(*)', f'sum(md5_number_lower({row}))', *totals])} FROM ({report.sql})"  # noqa: S608  declared names


def _total_sql(report: ReportType, name: str) -> str:
    """The exact sum; null where there is none.

    That is where a value is no number that can be added exactly, such as an infinite one, and where amounts
    come in several currencies, which are never added.
    """
    column = quote_name(name)
    exact = f"try_cast({column} AS {_TOTAL_TYPE})"
    holds = f"count({column}) = count({exact})"
    if report.header.columns[name].kind != "integer" and _CURRENCY in report.header.columns:
        holds += f" AND count(DISTINCT coalesce({_CURRENCY}, '')) FILTER ({column} IS NOT NULL) < 2"
    return f"CASE WHEN {holds} THEN sum({exact}) END"


def _numeric_columns(report: ReportType) -> tuple[str, ...]:
    return tuple(name for name, column in report.header.columns.items() if column.kind in _NUMERIC)


def _tidy(total: Decimal | None, kind: Kind) -> Decimal | None:
    """The same number without the zeros that its type adds behind the point, but money with two decimals."""
    if total is None:
        return None
    # As text: arithmetic would round to the digits of the context.
    whole, _, places = f"{total:f}".partition(".")
    return Decimal(f"{whole}.{places.rstrip('0').ljust(2 if kind == 'money' else 0, '0')}")


def _say_rows(rows: int) -> str:
    return "there is 1 row" if rows == 1 else f"there are {rows} rows"
