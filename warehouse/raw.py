"""Raw tables: the present landed rows of a source entity, as the staging models read them.

A raw table is a view `raw_<source>__<entity>` over the landing, with the columns as landed and `_load`,
`_file`, `_part`, `_row` (the record's number among the readable ones of its input). Where an entity keeps
vanished rows, `_vanished` is the UTC instant since which the source has a row no more; of a source with a
tenant, `_workshop` is that workshop's id. The table `sources` tells each source's zone, currency and tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from warehouse.database import quote_name, quote_text
from warehouse.landing import Landing, Part
from warehouse.present import relation
from warehouse.sources import Source, SourceEntity


@dataclass(frozen=True)
class RawTable:
    """A raw table: an entity of a source, its declaration and the landing that its rows lie in."""

    landing: Landing
    source: str
    entity: str
    declared: SourceEntity
    tenant: str | None = None
    """The workshop that all rows are of; None: they tell themselves."""

    @property
    def name(self) -> str:
        """Name of the table."""
        return raw_table(self.source, self.entity)


def raw_table(source: str, entity: str) -> str:
    """Name of the raw table of a source entity."""
    return f"raw_{source}__{entity}"


def create_sources(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]) -> None:
    """Create `sources`, one row per active source, and `time_zones`, the names that instants convert with."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE sources"
        " (source VARCHAR, position BIGINT, time_zone VARCHAR, currency VARCHAR, service_time VARCHAR,"
        " tenant VARCHAR, tenant_name VARCHAR, tenant_org_number VARCHAR)"
    )
    for position, (name, source) in enumerate(sources.items()):
        tenant = source.tenant
        whose = [tenant.id, tenant.name, tenant.org_number] if tenant else [None, None, None]
        connection.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [name, position, source.time_zone, source.currency, source.service_time, *whose],
        )
    connection.execute("CREATE OR REPLACE TEMP TABLE time_zones AS SELECT name FROM pg_timezone_names()")


def create_raw_view(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> None:
    """Create the raw table's view for this connection."""
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote_name(raw.name)} AS {present_rows(connection, raw)}"
    )


def rows_at(connection: duckdb.DuckDBPyConnection, raw: RawTable, positions: str, shape: str) -> str:
    """A query for the rows of a raw table at `positions`, a table of part, row and since.

    `shape` is a table without rows that has the raw table's columns, in their types.
    """
    numbers = connection.execute(f"SELECT DISTINCT part FROM {positions}").fetchall()
    wanted = {number for (number,) in numbers}
    parts = [part for part in every_part(raw) if part.number in wanted]
    if not parts:
        return f"SELECT * FROM {shape}"
    vanished = ", positions.since AS _vanished" if raw.declared.keep_vanished else ""
    return f"""
        SELECT landed.*{vanished}{_whose(raw)} FROM {relation(parts)} AS landed
        JOIN {positions} AS positions ON positions.part = landed._part AND positions.row = landed._row
        UNION ALL BY NAME SELECT * FROM {shape}"""


def present_rows(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> str:
    """A query for the rows that were present when the raw table was refreshed.

    An entity of which nothing was ever landed has no rows and its declared columns, so that the models stand.
    """
    known = {part.number: part for part in every_part(raw)}
    live = [known[number] for number in _parts_in(connection, raw, "parts")]
    kept = [known[number] for number in _parts_in(connection, raw, "kept")]
    this = f"source = {quote_text(raw.source)} AND entity = {quote_text(raw.entity)}"
    vanished = ", NULL::TIMESTAMP AS _vanished" if raw.declared.keep_vanished else ""
    if not live and not kept:
        columns = ", ".join(f"NULL::VARCHAR AS {quote_name(column)}" for column in raw.declared.columns)
        origin = "NULL::BIGINT AS _load, NULL::VARCHAR AS _file, NULL::BIGINT AS _part, NULL::BIGINT AS _row"
        return f"SELECT {columns}, {origin}{vanished}{_whose(raw)} WHERE false"
    selects = []
    if live:
        absent = ""
        if connection.execute(f"SELECT 1 FROM pipeline.absent WHERE {this} LIMIT 1").fetchall():
            absent = (
                f" ANTI JOIN (SELECT part, row FROM pipeline.absent WHERE {this}) AS absent"
                " ON absent.part = landed._part AND absent.row = landed._row"
            )
        selects.append(f"SELECT landed.*{vanished}{_whose(raw)} FROM {relation(live)} AS landed{absent}")
    if kept:
        selects.append(
            f"SELECT landed.*, kept.since AS _vanished{_whose(raw)} FROM {relation(kept)} AS landed"
            f" JOIN (SELECT part, row, since FROM pipeline.kept WHERE {this}) AS kept"
            " ON kept.part = landed._part AND kept.row = landed._row"
        )
    return " UNION ALL BY NAME ".join(selects)


def every_part(raw: RawTable) -> list[Part]:
    """Every landed part of the raw table, those that were replaced among them."""
    parts = [
        *raw.landing.replaced_parts(raw.source, raw.entity),
        *raw.landing.live_parts(raw.source, raw.entity),
    ]
    return sorted(parts, key=lambda part: part.number)


def _whose(raw: RawTable) -> str:
    return f", {quote_text(raw.tenant)} AS _workshop" if raw.tenant is not None else ""


def _parts_in(connection: duckdb.DuckDBPyConnection, raw: RawTable, table: str) -> list[int]:
    rows = connection.execute(
        f"SELECT DISTINCT part FROM pipeline.{table} WHERE source = ? AND entity = ? ORDER BY part",
        [raw.source, raw.entity],
    ).fetchall()
    return [number for (number,) in rows]
