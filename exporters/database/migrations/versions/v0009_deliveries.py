"""Deliveries, the endpoints of webhooks, and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_deliveries()
    _create_delivery_events()
    _create_endpoints()
    _create_endpoint_events()


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Text, nullable=False),
        sa.Column("workshop_id", sa.Text),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("repeat", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("due_at", _INSTANT),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.Column("code", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name="fk_deliveries_job_id"),
        *(sa.CheckConstraint(rule, name=f"ck_deliveries_{name}") for name, rule in _CHECKS.items()),
    )
    ledger = ["subject", "occasion", "channel", "recipient", "format", "repeat"]
    op.create_index("uq_deliveries_ledger", "deliveries", ledger, unique=True)
    for columns in _INDEXES:
        op.create_index(f"ix_deliveries_{'_'.join(columns)}", "deliveries", list(columns))


_CHECKS = {
    "state": "state IN ('queued', 'sending', 'delivered', 'refused', 'dead', 'cancelled')",
    "channel": "channel IN ('email', 'webhook')",
    "due": "(state = 'queued') = (due_at IS NOT NULL)",
    "lease": "(state = 'sending') = (lease_until IS NOT NULL)",
    "token": "(state = 'sending') = (lease_token IS NOT NULL)",
    "finished": "(state IN ('queued', 'sending')) = (finished_at IS NULL)",
    "reason": "(repeat > 0) = (reason IS NOT NULL)",
    "counts": "attempt >= 0 AND repeat >= 0",
}
_INDEXES = (
    ("channel", "state", "due_at"),
    ("channel", "state", "lease_until"),
    ("channel", "recipient", "state", "due_at"),
    ("workshop_id", "created_at"),
    ("account", "created_at"),
    ("created_at",),
    ("job_id",),
)


def _create_delivery_events() -> None:
    op.create_table(
        "delivery_events",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("delivery_id", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_delivery_events"),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.delivery_id"],
            name="fk_delivery_events_delivery_id",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_events_delivery_id", "delivery_events", ["delivery_id"])


def _create_endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("endpoint_id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("contact", sa.Text),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("auth", sa.Text),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("old_secret", sa.Text),
        sa.Column("old_secret_until", _INSTANT),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("first_failure_at", _INSTANT),
        sa.Column("last_failure_at", _INSTANT),
        sa.Column("last_success_at", _INSTANT),
        sa.Column("warned_at", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", name="pk_endpoints"),
        sa.CheckConstraint("state IN ('active', 'disabled')", name="ck_endpoints_state"),
        sa.CheckConstraint("(state = 'disabled') = (reason IS NOT NULL)", name="ck_endpoints_reason"),
        sa.CheckConstraint(
            "(first_failure_at IS NULL) = (last_failure_at IS NULL)", name="ck_endpoints_failures"
        ),
        sa.CheckConstraint(
            "(old_secret IS NULL) = (old_secret_until IS NULL)", name="ck_endpoints_old_secret"
        ),
    )
    op.create_index("uq_endpoints_signature", "endpoints", ["signature"], unique=True)
    op.create_index("ix_endpoints_account_created_at", "endpoints", ["account", "created_at"])
    op.create_index("ix_endpoints_state_first_failure_at", "endpoints", ["state", "first_failure_at"])


def _create_endpoint_events() -> None:
    op.create_table(
        "endpoint_events",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("endpoint_id", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_endpoint_events"),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.endpoint_id"],
            name="fk_endpoint_events_endpoint_id",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_endpoint_events_endpoint_id", "endpoint_events", ["endpoint_id"])
