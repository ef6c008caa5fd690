"""Keeping an entity up with what changed: only rows that changed landed rows or lookups touch are judged.

The result is what building it whole would give. Where that cannot be told from the changed rows alone, as
when two landed rows share a key, the entity is built whole instead.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb

from warehouse.database import insert_rows, quote_name, quote_text
from warehouse.entities import count_rows, create_typed, entity_header, key_json
from warehouse.inbox import has_keys, inbox_of
from warehouse.models import Model
from warehouse.raw import RawTable, create_raw_view, present_rows, rows_at

_PLACE = 2**40
"""More than a part can have rows."""


class MustBuildWholeError(Exception):
    """The changes alone do not tell what the table must hold."""


@dataclass(frozen=True)
class Stage:
    """A staging model whose rows each come from one row of its raw table."""

    model: Model
    raw: RawTable


class EntityChanges:
    """One step of following: temporary tables tell which rows are touched, and what becomes of them."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        entity: Model,
        stages: Sequence[Stage],
        watched: Collection[str],
    ) -> None:
        self._connection = connection
        self._entity = entity
        self._header = entity_header(entity)
        self._stages = stages
        self._table = quote_name(entity.name)
        self._key = ", ".join(self._header.key)
        self._given = " AND ".join(f"{column} IS NOT NULL" for column in self._header.key)
        self._watched = watched
        self._picked: dict[str, int] = {}

    def prepare(self) -> None:
        """Work out what becomes of the touched rows, in temporary tables; nothing else is written.

        `before` are the touched rows as they were, in their watched columns, `after` as they are.

        Raises:
            MustBuildWholeError: it cannot be told from the changes.
        """
        if self._has_duplicates():
            raise MustBuildWholeError
        try:
            self._find_positions()
            self._find_touched()
            self._stage_again()
            self._judge()
        finally:
            for stage in self._stages:
                create_raw_view(self._connection, stage.raw)

    def _has_duplicates(self) -> bool:
        return bool(
            self._connection.execute(
                "SELECT 1 FROM load_report WHERE entity = ? AND stage = 'entity' AND duplicate > 0",
                [self._entity.name],
            ).fetchall()
        )

    def _find_positions(self) -> None:
        """Per raw table, the shape of its rows and where those lie that came or went."""
        for stage in self._stages:
            name = stage.raw.name
            self._run(
                f"CREATE OR REPLACE TEMP TABLE {_temp('shape', name)} AS FROM {quote_name(name)} LIMIT 0"
            )
            for side, sign in (("gone", "<"), ("came", ">")):
                self._run(
                    f"CREATE OR REPLACE TEMP TABLE {_temp(side, name)} AS SELECT part, row, since"
                    " FROM pipeline.raw_changes WHERE model = $model AND raw = $raw"
                    f" GROUP BY part, row, since HAVING sum(change) {sign} 0",
                    {"model": self._entity.name, "raw": name},
                )

    def _find_touched(self) -> None:
        """Keys whose rows must be judged, into `touched`; those known by their key alone into `asked` too."""
        self._show("gone")
        self._run(
            "CREATE OR REPLACE TEMP TABLE gone_rows AS"
            f" SELECT {self._key}, _file, _row FROM typed_{self._entity.name}"
        )
        self._run(
            f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT {self._key} FROM gone_rows"
            f" WHERE {self._given}"
        )
        self._run(f"CREATE OR REPLACE TEMP TABLE asked AS SELECT {self._key} FROM touched LIMIT 0")
        lookups = [
            (table, columns)
            for table, columns in self._header.lookups.items()
            if has_keys(self._connection, table, self._entity.name)
        ]
        for table, columns in lookups:
            self._run(
                f"INSERT INTO asked SELECT {self._key} FROM {self._table}"
                f" SEMI JOIN {inbox_of(table, self._entity.name)} USING ({', '.join(columns)})"
            )
        if lookups:
            self._run(f"INSERT INTO asked FROM ({self._quarantined_keys()}) WHERE {self._given}")
        self._run(f"INSERT INTO touched SELECT DISTINCT {self._key} FROM asked")

    def _quarantined_keys(self) -> str:
        """Keys of rows that were set aside: a changed lookup may make them good."""
        types = self._header.columns
        columns = ", ".join(
            "source"
            if column == "source"
            else f"CAST(key::JSON ->> {quote_text(column)} AS {types[column].type}) AS {column}"
            for column in self._header.key
        )
        return (
            f"SELECT {columns} FROM quarantine"
            f" WHERE entity = {quote_text(self._entity.name)} AND stage = 'entity'"
        )

    def _stage_again(self) -> None:
        """The touched rows as they are staged now, into `staged_again`."""
        if count_rows(self._connection, "asked"):
            self._pick_asked()
        self._show("came")
        typed = f"typed_{self._entity.name}"
        self._run(f"CREATE OR REPLACE TEMP TABLE staged_again AS FROM {typed}")
        shared = (
            f"SELECT 1 FROM staged_again WHERE {self._given} GROUP BY {self._key} HAVING count(*) > 1 LIMIT 1"
        )
        if self._connection.execute(shared).fetchall():
            raise MustBuildWholeError
        self._keep_before()
        self._run(f"DROP VIEW temp.{typed}")
        self._run(f"CREATE TEMP VIEW {typed} AS FROM staged_again")

    def _keep_before(self) -> None:
        """The rows that give way, into `before`; no row of a key that nothing touched may be among them."""
        key = self._key
        self._run(
            "CREATE OR REPLACE TEMP TABLE new_keys AS"
            f" SELECT DISTINCT {key} FROM staged_again ANTI JOIN touched USING ({key}) WHERE {self._given}"
        )
        columns = ", ".join(dict.fromkeys([*self._header.key, *self._watched]))
        self._run(
            f"CREATE OR REPLACE TEMP TABLE before AS SELECT rowid AS _at, {columns} FROM {self._table}"
            f" SEMI JOIN (FROM touched UNION ALL FROM new_keys) USING ({key})"
        )
        there = f"SELECT {key} FROM before UNION ALL {self._quarantined_keys()}"
        taken = f"SELECT 1 FROM new_keys SEMI JOIN ({there}) AS there USING ({key}) LIMIT 1"
        if self._connection.execute(taken).fetchall():
            raise MustBuildWholeError
        self._run("INSERT INTO touched FROM new_keys")

    def _pick_asked(self) -> None:
        """Find where the asked rows lie: staging carries each raw row's number, here with its part's."""
        for stage in self._stages:
            name = quote_name(stage.raw.name)
            places = _temp("places", stage.raw.name)
            self._run(
                f"CREATE OR REPLACE TEMP TABLE {places} AS SELECT part, row_number() OVER () AS place FROM"
                " (SELECT part FROM pipeline.parts WHERE source = $source AND entity = $entity"
                " UNION SELECT part FROM pipeline.kept WHERE source = $source AND entity = $entity)",
                {"source": stage.raw.source, "entity": stage.raw.entity},
            )
            self._run(
                f"CREATE OR REPLACE TEMP VIEW {name} AS"
                f" SELECT present.* REPLACE (places.place * {_PLACE} + present._row AS _row)"
                f" FROM ({present_rows(self._connection, stage.raw)}) AS present"
                f" JOIN {places} AS places ON places.part = present._part"
            )
        self._run(
            f"CREATE OR REPLACE TEMP TABLE picked AS SELECT source, _row FROM typed_{self._entity.name}"
            f" SEMI JOIN asked USING ({self._key})"
        )
        for stage in self._stages:
            came = _temp("came", stage.raw.name)
            before = count_rows(self._connection, came)
            self._run(
                f"""
                INSERT INTO {came}
                SELECT places.part, picked._row % {_PLACE} AS row, kept.since FROM picked
                JOIN {_temp("places", stage.raw.name)} AS places ON places.place = picked._row // {_PLACE}
                LEFT JOIN pipeline.kept AS kept ON kept.source = $source AND kept.entity = $entity
                  AND kept.part = places.part AND kept.row = picked._row % {_PLACE}
                WHERE picked.source = $source
                EXCEPT SELECT part, row, since FROM {came}
                """,
                {"source": stage.raw.source, "entity": stage.raw.entity},
            )
            self._picked[stage.raw.source] = count_rows(self._connection, came) - before

    def _show(self, side: str) -> None:
        """Let the raw tables, and so all staged from them, show the rows of one side only."""
        for stage in self._stages:
            name = stage.raw.name
            rows = rows_at(self._connection, stage.raw, _temp(side, name), _temp("shape", name))
            self._run(f"CREATE OR REPLACE TEMP VIEW {quote_name(name)} AS {rows}")
        create_typed(self._connection, self._entity, [stage.model for stage in self._stages])

    def _judge(self) -> None:
        columns = ", ".join(quote_name(column) for column in self._header.columns)
        self._run(
            f"""
            CREATE OR REPLACE TEMP TABLE judged AS
            SELECT * EXCLUDE (_staged, misfit, reason), coalesce(misfit, reason) AS reason,
                   CASE WHEN coalesce(misfit, reason) IS NOT NULL THEN to_json(_staged) END AS content
            FROM ({self._entity.sql})
            """
        )
        self._run(
            f"CREATE OR REPLACE TEMP TABLE after AS SELECT {columns} FROM judged WHERE reason IS NULL"
            f" ORDER BY {', '.join(self._header.sort)}"
        )

    def write(self) -> int:
        """Bring the table, the quarantine and the load report up to date; returns the rows written.

        Raises:
            MustBuildWholeError: the rows do not add up, and what was written must be rolled back.
        """
        self._run(f"DELETE FROM {self._table} WHERE rowid IN (SELECT _at FROM before)")
        self._run(f"INSERT INTO {self._table} FROM after")
        for stage in self._stages:
            self._account(stage)
        return count_rows(self._connection, "after")

    def _account(self, stage: Stage) -> None:
        which = {"source": stage.model.source, "entity": self._entity.name}
        where = "source = $source AND entity = $entity AND stage = 'entity'"
        key = key_json(self._header)
        # A row without a key is told by where it lay.
        self._run(
            f"""
            DELETE FROM quarantine WHERE {where} AND (
                key IN (SELECT {key} FROM touched WHERE source = $source)
                OR (key, file, row) IN (
                    SELECT ({key}, _file, _row) FROM gone_rows
                    WHERE source = $source AND NOT ({self._given})))
            """,
            which,
        )
        insert_rows(
            self._connection,
            "quarantine",
            f"SELECT $source AS source, $entity AS entity, 'entity' AS stage, {key} AS key, reason, _file,"
            " _row, content FROM judged WHERE source = $source AND reason IS NOT NULL",
            which,
        )
        self._run(
            f"""
            UPDATE load_report SET
                loaded = (SELECT count(*) FROM {self._table} WHERE source = $source),
                quarantined = (SELECT count(*) FROM quarantine WHERE {where}),
                rows_in = rows_in - (SELECT count(*) FROM gone_rows WHERE source = $source)
                        + (SELECT count(*) FROM staged_again WHERE source = $source)
                        - {self._picked.get(stage.model.source, 0)}
            WHERE {where}
            """,
            which,
        )
        broken = f"SELECT 1 FROM load_report WHERE {where} AND rows_in <> loaded + duplicate + quarantined"
        if self._connection.execute(broken, which).fetchall():
            raise MustBuildWholeError

    def _run(self, sql: str, parameters: dict[str, str] | None = None) -> None:
        self._connection.execute(sql, parameters or {})


def _temp(kind: str, raw: str) -> str:
    """Name of a temporary table of this step that belongs to a raw table."""
    return quote_name(f"{kind}_{raw}")
