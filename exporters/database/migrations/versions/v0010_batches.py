"""Batches of reports, and what the manifest of a job's file notes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_INSTANT = sa.DateTime(timezone=True)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("notes", sa.Integer))
    _create_batches()
    _create_items()
    _create_events()


def _create_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type_name", sa.Text, nullable=False),
        sa.Column("report_type", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("filters", sa.JSON, nullable=False),
        sa.Column("name_template", sa.Text, nullable=False),
        sa.Column("error_append", sa.Text, nullable=False),
        sa.Column("scheduled_time", _INSTANT),
        sa.Column("notification_email", sa.Text),
        sa.Column("endpoint_id", sa.Text),
        sa.Column("is_listener", sa.Boolean, nullable=False),
        sa.Column("trigger_now", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("ended", sa.Integer, nullable=False),
        sa.Column("heard", sa.Text),
        sa.Column("heard_at", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("started_at", _INSTANT),
        sa.Column("finished_at", _INSTANT),
        sa.Column("stopped_at", _INSTANT),
        sa.Column("archived_at", _INSTANT),
        sa.PrimaryKeyConstraint("batch_id", name="pk_batches"),
        sa.CheckConstraint(
            "state IN ('Initializing', 'Scheduled', 'Executing', 'Finished', 'FinishedWithWarning',"
            " 'FinishedWithErrors', 'Listening', 'ListeningStopped')",
            name="ck_batches_state",
        ),
        sa.CheckConstraint("size > 0 AND ended >= 0", name="ck_batches_counts"),
        sa.CheckConstraint("is_listener OR stopped_at IS NULL", name="ck_batches_stopped"),
    )
    op.create_index(
        "ix_batches_account_created_at_batch_id", "batches", ["account", "created_at", "batch_id"]
    )
    op.create_index("ix_batches_state_scheduled_time", "batches", ["state", "scheduled_time"])


def _create_items() -> None:
    op.create_table(
        "batch_items",
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("workshop_id", sa.Text),
        sa.Column("cvr", sa.Text, nullable=False),
        sa.Column("internal_customer_id", sa.BigInteger),
        sa.Column("name_template", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("stem", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("name_key", sa.Text),
        sa.Column("job_id", sa.Text),
        sa.Column("generation", sa.Text),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("number", sa.Integer),
        sa.Column("replaced", sa.Boolean, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.PrimaryKeyConstraint("item_id", name="pk_batch_items"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.batch_id"], name="fk_batch_items_batch_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_batch_items_job_id"),
        sa.CheckConstraint(
            "state IN ('watching', 'waiting', 'making', 'completed', 'warning', 'failed')",
            name="ck_batch_items_state",
        ),
        sa.CheckConstraint(
            "(state IN ('completed', 'warning', 'failed')) = (number IS NOT NULL)",
            name="ck_batch_items_number",
        ),
        sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="ck_batch_items_error"),
        sa.UniqueConstraint("batch_id", "position", "run", name="uq_batch_items_run"),
        sa.UniqueConstraint("batch_id", "position", "generation", name="uq_batch_items_generation"),
        sa.UniqueConstraint("batch_id", "name_key", name="uq_batch_items_name"),
        sa.UniqueConstraint("batch_id", "number", name="uq_batch_items_number"),
    )
    for columns in (["batch_id", "state", "replaced"], ["state", "batch_id"], ["workshop_id"], ["job_id"]):
        op.create_index(f"ix_batch_items_{'_'.join(columns)}", "batch_items", columns)


def _create_events() -> None:
    op.create_table(
        "batch_events",
        sa.Column("event_id", _NUMBER, nullable=False),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_batch_events"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.batch_id"], name="fk_batch_events_batch_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_batch_events_batch_id", "batch_events", ["batch_id"])
