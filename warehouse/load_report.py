"""The accounts of a load: `load_report`, `quarantine`, `check_report`, `restatements`: tables for analysts.

Each row that comes in is loaded, a duplicate, or quarantined with its reason, and the three add up. This is
counted twice: when a source's files become raw rows (stage `source`), and when staged rows become a canonical
entity (stage `entity`).
"""

from collections.abc import Collection, Mapping
from typing import Literal

import duckdb

from warehouse.database import insert_rows
from warehouse.landing import Landing
from warehouse.models import CheckHeader
from warehouse.sources import Source

Stage = Literal["source", "entity"]

DESCRIPTIONS: Mapping[str, tuple[str, Mapping[str, tuple[str, str]]]] = {
    "load_report": (
        "What became of the rows that came in: rows_in = loaded + duplicate + quarantined.",
        {
            "source": ("VARCHAR", "Name of the source."),
            "entity": ("VARCHAR", "Source entity (stage source) or canonical entity (stage entity)."),
            "stage": ("VARCHAR", "source: files to raw rows; entity: staged rows to a canonical entity."),
            "rows_in": ("BIGINT", "Rows that came in."),
            "loaded": ("BIGINT", "Rows that are there now."),
            "duplicate": ("BIGINT", "Rows that gave way to a newer row of the same key."),
            "quarantined": ("BIGINT", "Rows set aside; the table quarantine holds them with their reasons."),
            "vanished": (
                "BIGINT",
                "Rows besides these that the source once had and has no more (stage source).",
            ),
            "status": ("VARCHAR", "How the last load ended: loaded, unchanged or failed (stage source)."),
            "detail": ("VARCHAR", "What was landed or what failed (stage source)."),
            "data_as_of": ("TIMESTAMP", "UTC instant at which the source was last read without a fault."),
            "new_columns": (
                "VARCHAR[]",
                "Columns that the source delivers and its declaration does not list (stage source).",
            ),
        },
    ),
    "check_report": (
        "How the checks of the models came out when this state was built.",
        {
            "model": ("VARCHAR", "Name of the model."),
            "check_name": ("VARCHAR", "Name of the check."),
            "description": ("VARCHAR", "What must hold."),
            "severity": ("VARCHAR", "error: keeps the build from being published; warn: is reported."),
            "broken_rows": ("BIGINT", "Rows that break it; 0: it holds."),
        },
    ),
    "restatements": (
        "Figures that moved: each publishing adds the days whose figures differ from the generation before.",
        {
            "generation": ("VARCHAR", "The generation that has the new value."),
            "previous_generation": ("VARCHAR", "The generation that had the old value."),
            "restated_at": (
                "TIMESTAMP",
                "UTC instant at which the generation was published; kept for 30 days.",
            ),
            "workshop_id": ("VARCHAR", "Workshop."),
            "day": ("DATE", "Local day whose figure moved."),
            "figure": ("VARCHAR", "Column of booking_days or rating_days, such as done or rating_sum."),
            "old_value": ("DECIMAL(38,2)", "Value before; null: the day had none."),
            "new_value": ("DECIMAL(38,2)", "Value now; null: the day has none any more."),
        },
    ),
    "quarantine": (
        "Rows that were not loaded, with the reason and the row as it came.",
        {
            "source": ("VARCHAR", "Name of the source."),
            "entity": ("VARCHAR", "Source entity (stage source) or canonical entity (stage entity)."),
            "stage": ("VARCHAR", "source: the record could not be read; entity: the row broke a rule."),
            "key": ("VARCHAR", "The row's key as JSON, where it has one."),
            "reason": ("VARCHAR", "Why the row was set aside."),
            "file": ("VARCHAR", "Input file the row came from."),
            "row": (
                "BIGINT",
                "Line of the file (stage source) or number among its readable records (stage entity).",
            ),
            "content": ("VARCHAR", "The row as it came: the line (stage source) or JSON (stage entity)."),
        },
    ),
}


def create_reports(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables where they are not there yet."""
    for table, (_, columns) in DESCRIPTIONS.items():
        declared = ", ".join(f"{column} {type_}" for column, (type_, _) in columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({declared})")


def replace_report(
    connection: duckdb.DuckDBPyConnection,
    *,
    source: str,
    entity: str,
    stage: Stage,
    rows_in: int | None,
    loaded: int,
    duplicate: int,
    quarantine: str,
    vanished: int | None = None,
) -> None:
    """Replace the accounts of one entity.

    `quarantine` is a query for key, reason, file, row and content of the rows set aside. `rows_in` is None
    where nothing counts the rows but the sum of the three.
    """
    create_reports(connection)
    which = {"source": source, "entity": entity, "stage": stage}
    for table in ("load_report", "quarantine"):
        connection.execute(
            f"DELETE FROM {table} WHERE source = $source AND entity = $entity AND stage = $stage", which
        )
    quarantined = insert_rows(
        connection,
        "quarantine",
        "SELECT $source AS source, $entity AS entity, $stage AS stage, key, reason, file, row, content"
        f" FROM ({quarantine})",
        which,
    )
    if rows_in is None:
        rows_in = loaded + duplicate + quarantined
    connection.execute(
        """
        INSERT INTO load_report (source, entity, stage, rows_in, loaded, duplicate, quarantined, vanished)
        VALUES ($source, $entity, $stage, $rows_in, $loaded, $duplicate, $quarantined, $vanished)
        """,
        which
        | {
            "rows_in": rows_in,
            "loaded": loaded,
            "duplicate": duplicate,
            "quarantined": quarantined,
            "vanished": vanished,
        },
    )


def forget_checks(connection: duckdb.DuckDBPyConnection, models: Collection[str]) -> None:
    """Drop what is known of models that are out of date."""
    connection.execute("DELETE FROM check_report WHERE list_contains($names, model)", {"names": list(models)})


def replace_checks(
    connection: duckdb.DuckDBPyConnection, model: str, outcomes: Mapping[CheckHeader, int]
) -> None:
    """Replace how the checks of one model came out: the rows that break each."""
    forget_checks(connection, [model])
    for check, broken_rows in outcomes.items():
        connection.execute(
            "INSERT INTO check_report VALUES ($model, $name, $description, $severity, $broken_rows)",
            {
                "model": model,
                "name": check.name,
                "description": check.description,
                "severity": check.severity,
                "broken_rows": broken_rows,
            },
        )


def forget_inactive(
    connection: duckdb.DuckDBPyConnection, sources: Collection[str], models: Collection[str]
) -> None:
    """Drop the accounts of sources and models that are no longer part of the project."""
    for table in ("load_report", "quarantine"):
        connection.execute(
            f"DELETE FROM {table} WHERE NOT list_contains($names, source)", {"names": list(sources)}
        )
    connection.execute(
        "DELETE FROM check_report WHERE NOT list_contains($names, model)", {"names": list(models)}
    )


def record_verdicts(
    connection: duckdb.DuckDBPyConnection, landing: Landing, sources: Mapping[str, Source]
) -> None:
    """Write how each source entity's last load ended into its row of the load report."""
    for name, source in sources.items():
        for entity in source.entities:
            verdict = landing.verdict(name, entity)
            if verdict is not None:
                connection.execute(
                    """
                    UPDATE load_report SET status = $status, detail = $detail, data_as_of = $data_as_of,
                        new_columns = $new_columns::VARCHAR[]
                    WHERE source = $source AND entity = $entity AND stage = 'source'
                    """,
                    {
                        "status": verdict.status,
                        "detail": verdict.detail,
                        "data_as_of": verdict.data_as_of.replace(tzinfo=None) if verdict.data_as_of else None,
                        "new_columns": list(verdict.new_columns),
                        "source": name,
                        "entity": entity,
                    },
                )
