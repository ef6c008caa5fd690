"""Mails are sent by turns of their accounts."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    columns = ["channel", "state", "account", "due_at"]
    op.create_index("ix_deliveries_channel_state_account_due_at", "deliveries", columns)
