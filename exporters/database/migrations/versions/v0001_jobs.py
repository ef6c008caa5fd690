"""The first schema: jobs and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_jobs()
    _create_job_events()


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("workshop_id", sa.Text, nullable=False),
        sa.Column("report_type", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("filters", sa.JSON, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("rows_expected", sa.BigInteger),
        sa.Column("rows_written", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("started_at", _INSTANT),
        sa.Column("finished_at", _INSTANT),
        sa.Column("expires_at", _INSTANT),
        sa.Column("generation", sa.Text),
        sa.Column("file_key", sa.Text),
        sa.Column("file_name", sa.Text),
        sa.Column("media_type", sa.Text),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("manifest_key", sa.Text),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.PrimaryKeyConstraint("job_id", name="pk_jobs"),
        *(sa.CheckConstraint(rule, name=f"ck_jobs_{name}") for name, rule in _CHECKS.items()),
    )
    op.create_index("ix_jobs_status_created_at", "jobs", ["status", "created_at"])
    op.create_index("ix_jobs_workshop_id_created_at", "jobs", ["workshop_id", "created_at"])


_CHECKS = {
    "status": "status IN ('pending', 'processing', 'completed', 'failed', 'expired', 'cancelled')",
    "progress": "progress BETWEEN 0 AND 100",
    "done": "(progress = 100) = (status IN ('completed', 'expired'))",
    "rows": "rows_written >= 0 AND rows_expected >= 0",
    "attempt": "attempt BETWEEN 0 AND max_attempts",
    "lease": "(status = 'processing') = (lease_until IS NOT NULL)",
    "token": "lease_token IS NULL OR lease_until IS NOT NULL",
    "finished": "(status IN ('pending', 'processing')) = (finished_at IS NULL)",
    "file": "(status = 'completed') = (file_key IS NOT NULL)",
    "error": "(status = 'failed') = (error_code IS NOT NULL)",
}


def _create_job_events() -> None:
    op.create_table(
        "job_events",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("from_status", sa.Text),
        sa.Column("to_status", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_job_events"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_job_events_job_id"),
    )
    op.create_index("ix_job_events_job_id", "job_events", ["job_id"])
