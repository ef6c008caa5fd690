"""What must hold before a build is published; else the served generation stays."""

from pathlib import Path

from warehouse.build import Build
from warehouse.database import quote_name
from warehouse.errors import CheckFailedError, WarehouseError
from warehouse.generations import open_snapshot
from warehouse.models import EntityHeader, published_models

_SMALL = 100
"""Rows below which an entity may shrink as it likes, as long as some are left."""


def refuse_unchecked(build: Build) -> None:
    """Refuse a build with a broken check, or with a model that is older than what it reads.

    Raises:
        CheckFailedError: which check or model it is.
    """
    rows = build.connection.execute(
        "SELECT model, check_name, severity, broken_rows FROM check_report"
    ).fetchall()
    broken = [
        f"{model}: {check} ({broken_rows} rows)"
        for model, check, severity, broken_rows in rows
        if model in build.models and severity == "error" and broken_rows
    ]
    if broken:
        raise CheckFailedError(f"not published: checks do not hold: {', '.join(broken)}")
    stale = published_models(build.models).keys() - {row[0] for row in rows}
    if stale:
        raise CheckFailedError(
            f"not published: {', '.join(sorted(stale))} must be built again, something they read is newer"
        )


def refuse_shrunk(build: Build, folder: Path, max_loss: float) -> None:
    """Refuse a build in which an entity lost all, or more than a share, of the rows that a source had served.

    Raises:
        CheckFailedError: which entity and source it is.
    """
    shrunk = []
    for entity, header in published_models(build.models).items():
        if isinstance(header, EntityHeader):
            built = dict(build.connection.execute(_rows_by_source(entity)).fetchall())
            for source, rows in _served_rows(folder, entity).items():
                left = built.get(source, 0)
                if source in build.sources and _lost_too_much(rows, left, max_loss):
                    shrunk.append(f"{entity} of {source}: {left} rows of {rows}")
    if shrunk:
        raise CheckFailedError(
            f"not published: too many rows would be gone: {', '.join(shrunk)}."
            " If that is meant, run the night once with REPORTS_MAX_LOSS_PERCENT=100"
        )


def _lost_too_much(rows: int, left: int, max_loss: float) -> bool:
    if max_loss >= 1:
        return False
    return left == 0 or (rows >= _SMALL and left < rows * (1 - max_loss))


def _served_rows(folder: Path, entity: str) -> dict[str, int]:
    try:
        with open_snapshot(folder) as served:
            tables = {row[0] for row in served.rows("SELECT table_name FROM duckdb_tables()")}
            return dict(served.rows(_rows_by_source(entity))) if entity in tables else {}
    except WarehouseError:  # nothing that can be read is served: there is nothing to keep
        return {}


def _rows_by_source(entity: str) -> str:
    return f"SELECT source, count(*) FROM {quote_name(entity)} GROUP BY source"
