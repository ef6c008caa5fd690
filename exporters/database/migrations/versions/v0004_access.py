"""API keys, their workshops, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_keys()
    _create_audit()


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("organisation", sa.Text),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT),
        sa.Column("revoked_at", _INSTANT),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )
    op.create_table(
        "api_key_workshops",
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("workshop_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "workshop_id", name="pk_api_key_workshops"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.key_id"], name="fk_api_key_workshops_key_id"),
    )
    op.create_index("ix_api_key_workshops_workshop_id", "api_key_workshops", ["workshop_id"])


def _create_audit() -> None:
    op.create_table(
        "audit_events",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("workshop_id", sa.Text),
        sa.Column("job_id", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_workshop_id_at", "audit_events", ["workshop_id", "at"])
    op.create_index("ix_audit_events_at", "audit_events", ["at"])
    op.create_table(
        "audit_reads",
        sa.Column("minute", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("workshop_id", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("minute", "actor", "workshop_id", "what", name="pk_audit_reads"),
    )
    op.create_index("ix_audit_reads_workshop_id_minute", "audit_reads", ["workshop_id", "minute"])
