"""The tables of report definitions and of their fires."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    and_,
    text,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from exporters.database.schema import Instant, metadata
from exporters.definitions.states import FireKind, FireState
from exporters.jobs.tables import jobs

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
_ONCE = text(f"kind = '{FireKind.SCHEDULED}'")

definitions = Table(
    "definitions",
    metadata,
    Column("definition_id", _NUMBER, primary_key=True),
    Column("workshop_id", Text, nullable=False),
    Column("type_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("email_link_only", Boolean, nullable=False),
    Column("interval", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("send_at", Text, nullable=False),  # HH:MM
    Column("cron", Text),
    Column("weekdays_only", Boolean, nullable=False),
    Column("last_day_of_month", Boolean, nullable=False),
    Column("paused_until", Instant),
    Column("owner", Text),
    Column("condition_kind", Text),
    Column("condition_column", Text),
    Column("condition_threshold", Text),  # a decimal number
    Column("next_fire_at", Instant),
    Column("planned_at", Instant, nullable=False),  # when next_fire_at was worked out
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("revision", BigInteger, nullable=False),
    CheckConstraint("active OR next_fire_at IS NULL", name="active"),
    Index(None, "next_fire_at"),
    Index(None, "planned_at"),
    Index(None, "workshop_id"),
    sqlite_autoincrement=True,  # the fires and deliveries of a deleted one keep its number
)

definition_arguments = Table(
    "definition_arguments",
    metadata,
    Column("argument_id", _NUMBER, primary_key=True),
    Column(
        "definition_id", _NUMBER, ForeignKey(definitions.c.definition_id, ondelete="CASCADE"), nullable=False
    ),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("added", Instant, nullable=False),
    Index(None, "definition_id"),
    sqlite_autoincrement=True,
)

fires = Table(
    "fires",
    metadata,
    Column("fire_id", _NUMBER, primary_key=True),
    # No reference: what was sent outlives its definition.
    Column("definition_id", _NUMBER, nullable=False),
    Column("workshop_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fire_at", Instant, nullable=False),
    Column("period_start", Text, nullable=False),  # local, as YYYY-MM-DDTHH:MM:SS
    Column("period_end", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("message", Text),
    Column("plan", JSON(none_as_null=True)),
    Column("rows", BigInteger),
    Column("digest", Text),
    Column("actor", Text),
    Column("lease_until", Instant),  # until then others leave it to whoever works on it
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in FireState)), name="state"),
    CheckConstraint("kind IN ({})".format(", ".join(f"'{kind}'" for kind in FireKind)), name="kind"),
    CheckConstraint("(state IN ('due', 'making')) = (finished_at IS NULL)", name="finished"),
    CheckConstraint("(state IN ('skipped', 'failed')) = (reason IS NOT NULL)", name="reason"),
    Index(
        "ux_fires_definition_id_fire_at",
        "definition_id",
        "fire_at",
        unique=True,
        sqlite_where=_ONCE,
        postgresql_where=_ONCE,
    ),
    Index(None, "definition_id", "fire_at"),
    Index(None, "state", "lease_until"),
    Index(None, "workshop_id"),
    sqlite_autoincrement=True,
)

fire_jobs = Table(
    "fire_jobs",
    metadata,
    Column("fire_id", _NUMBER, ForeignKey(fires.c.fire_id, ondelete="CASCADE"), primary_key=True),
    Column("format", Text, primary_key=True),
    Column("job_id", Text, ForeignKey(jobs.c.job_id), nullable=False),
    Index(None, "job_id"),
)

fire_events = Table(
    "fire_events",
    metadata,
    Column("event_id", _NUMBER, primary_key=True),
    Column("fire_id", _NUMBER, ForeignKey(fires.c.fire_id, ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "fire_id"),
    sqlite_autoincrement=True,
)


def is_compared(columns: ReadOnlyColumnCollection[str, Column[Any]]) -> ColumnElement[bool]:
    """Whether a fire is one that later ones may be compared with, given the columns of its table.

    It was sent, or is about to be, with its rows seen; a test is sent to nobody who could tell.
    """
    return and_(
        columns.kind != FireKind.TEST,
        columns.state.in_([FireState.MAKING, FireState.SENT]),
        columns.digest.is_not(None),
    )
