"""What a job was expected to take when it was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("rows_estimated", sa.BigInteger))
    op.add_column("jobs", sa.Column("estimated_completion", sa.DateTime(timezone=True)))
