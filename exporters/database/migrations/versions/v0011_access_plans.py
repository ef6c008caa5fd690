"""An API key has a plan: how many requests an hour it may make of the APIs that count by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("plan", sa.Text))
