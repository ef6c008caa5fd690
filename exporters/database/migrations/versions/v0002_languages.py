"""The language of a job's file, and the template of its name."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("language", sa.Text, nullable=False, server_default="en"))
    op.add_column("jobs", sa.Column("name_template", sa.Text))
