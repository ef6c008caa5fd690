"""The order in which jobs are run, and the chores that one of several workers does."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # Jobs that wait already have the first turns, the oldest before the others.
    op.add_column("jobs", sa.Column("turn", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("weight", sa.Integer, nullable=False, server_default="1"))
    in_line = ["status", "turn", "created_at", "job_id"]
    op.create_index("ix_jobs_status_turn_created_at_job_id", "jobs", in_line)
    op.create_index("ix_jobs_workshop_id_weight_turn", "jobs", ["workshop_id", "weight", "turn"])
    op.create_index("ix_jobs_status_lease_until", "jobs", ["status", "lease_until"])
    op.create_index("ix_jobs_status_expires_at", "jobs", ["status", "expires_at"])
    op.create_table(
        "chores",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )
