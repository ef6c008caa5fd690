"""Report definitions, their arguments, and their fires."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_INSTANT = sa.DateTime(timezone=True)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ONCE = sa.text("kind = 'scheduled'")


def upgrade() -> None:
    _create_definitions()
    _create_arguments()
    _create_fires()
    _create_fire_jobs()
    _create_fire_events()


def _create_definitions() -> None:
    op.create_table(
        "definitions",
        sa.Column("definition_id", _NUMBER, nullable=False),
        sa.Column("workshop_id", sa.Text, nullable=False),
        sa.Column("type_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("email_link_only", sa.Boolean, nullable=False),
        sa.Column("interval", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("send_at", sa.Text, nullable=False),
        sa.Column("cron", sa.Text),
        sa.Column("weekdays_only", sa.Boolean, nullable=False),
        sa.Column("last_day_of_month", sa.Boolean, nullable=False),
        sa.Column("paused_until", _INSTANT),
        sa.Column("owner", sa.Text),
        sa.Column("condition_kind", sa.Text),
        sa.Column("condition_column", sa.Text),
        sa.Column("condition_threshold", sa.Text),
        sa.Column("next_fire_at", _INSTANT),
        sa.Column("planned_at", _INSTANT, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("definition_id", name="pk_definitions"),
        sa.CheckConstraint("active OR next_fire_at IS NULL", name="ck_definitions_active"),
        sqlite_autoincrement=True,
    )
    for column in ("next_fire_at", "planned_at", "workshop_id"):
        op.create_index(f"ix_definitions_{column}", "definitions", [column])


def _create_arguments() -> None:
    op.create_table(
        "definition_arguments",
        sa.Column("argument_id", _NUMBER, nullable=False),
        sa.Column("definition_id", _NUMBER, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("added", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("argument_id", name="pk_definition_arguments"),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["definitions.definition_id"],
            name="fk_definition_arguments_definition_id",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_definition_arguments_definition_id", "definition_arguments", ["definition_id"])


def _create_fires() -> None:
    op.create_table(
        "fires",
        sa.Column("fire_id", _NUMBER, nullable=False),
        sa.Column("definition_id", _NUMBER, nullable=False),
        sa.Column("workshop_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("fire_at", _INSTANT, nullable=False),
        sa.Column("period_start", sa.Text, nullable=False),
        sa.Column("period_end", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("plan", sa.JSON),
        sa.Column("rows", sa.BigInteger),
        sa.Column("digest", sa.Text),
        sa.Column("actor", sa.Text),
        sa.Column("lease_until", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.PrimaryKeyConstraint("fire_id", name="pk_fires"),
        *(sa.CheckConstraint(rule, name=f"ck_fires_{name}") for name, rule in _CHECKS.items()),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ux_fires_definition_id_fire_at",
        "fires",
        ["definition_id", "fire_at"],
        unique=True,
        sqlite_where=_ONCE,
        postgresql_where=_ONCE,
    )
    op.create_index("ix_fires_definition_id_fire_at", "fires", ["definition_id", "fire_at"])
    op.create_index("ix_fires_state_lease_until", "fires", ["state", "lease_until"])
    op.create_index("ix_fires_workshop_id", "fires", ["workshop_id"])


_CHECKS = {
    "state": "state IN ('due', 'making', 'sent', 'skipped', 'missed', 'failed')",
    "kind": "kind IN ('scheduled', 'by hand', 'test')",
    "finished": "(state IN ('due', 'making')) = (finished_at IS NULL)",
    "reason": "(state IN ('skipped', 'failed')) = (reason IS NOT NULL)",
}


def _create_fire_jobs() -> None:
    op.create_table(
        "fire_jobs",
        sa.Column("fire_id", _NUMBER, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("job_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("fire_id", "format", name="pk_fire_jobs"),
        sa.ForeignKeyConstraint(
            ["fire_id"], ["fires.fire_id"], name="fk_fire_jobs_fire_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_fire_jobs_job_id"),
    )
    op.create_index("ix_fire_jobs_job_id", "fire_jobs", ["job_id"])


def _create_fire_events() -> None:
    op.create_table(
        "fire_events",
        sa.Column("event_id", _NUMBER, nullable=False),
        sa.Column("fire_id", _NUMBER, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_fire_events"),
        sa.ForeignKeyConstraint(
            ["fire_id"], ["fires.fire_id"], name="fk_fire_events_fire_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_fire_events_fire_id", "fire_events", ["fire_id"])
