"""The tables of the webhooks' endpoints."""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from exporters.database.schema import Instant, metadata

endpoints = Table(
    "endpoints",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("contact", Text),
    Column("signature", Text, nullable=False),
    Column("auth", Text),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", Instant),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("first_failure_at", Instant),
    Column("last_failure_at", Instant),
    Column("last_success_at", Instant),
    Column("warned_at", Instant),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("state IN ('active', 'disabled')", name="state"),
    CheckConstraint("(state = 'disabled') = (reason IS NOT NULL)", name="reason"),
    CheckConstraint("(first_failure_at IS NULL) = (last_failure_at IS NULL)", name="failures"),
    CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
    # Of account, URL and authentication: what is sealed is another text each time, so it cannot be sought.
    Index("uq_endpoints_signature", "signature", unique=True),
    Index(None, "account", "created_at"),
    Index(None, "state", "first_failure_at"),  # which have failed for a day
)

endpoint_events = Table(
    "endpoint_events",
    metadata,
    Column("event_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("endpoint_id", Text, ForeignKey(endpoints.c.endpoint_id, ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "endpoint_id"),
    sqlite_autoincrement=True,  # a number is never used again
)
