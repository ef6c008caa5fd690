"""Requests for jobs: the keys they came with, and what quotas and estimates look up."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "request_keys",
        sa.Column("workshop_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workshop_id", "key", name="pk_request_keys"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_request_keys_job_id"),
    )
    op.create_index("ix_request_keys_job_id", "request_keys", ["job_id"])
    op.create_index("ix_request_keys_created_at", "request_keys", ["created_at"])
    op.create_index("ix_jobs_workshop_id_status_created_at", "jobs", ["workshop_id", "status", "created_at"])
    op.create_index(
        "ix_jobs_report_type_format_finished_at", "jobs", ["report_type", "format", "finished_at"]
    )
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"])
