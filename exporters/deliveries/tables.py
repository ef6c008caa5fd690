"""The tables of the deliveries."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from exporters.database.schema import Instant, metadata
from exporters.deliveries.orders import Channel
from exporters.deliveries.records import State
from exporters.jobs.tables import jobs

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Text, primary_key=True),
    Column("workshop_id", Text),
    Column("account", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("job_id", Text, ForeignKey(jobs.c.job_id)),
    Column("language", Text, nullable=False),
    Column("content", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("due_at", Instant),
    Column("lease_owner", Text),
    Column("lease_token", Text),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("code", Text),
    Column("message", Text),
    Column("reason", Text),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in State)), name="state"),
    CheckConstraint("channel IN ({})".format(", ".join(f"'{each}'" for each in Channel)), name="channel"),
    CheckConstraint("(state = 'queued') = (due_at IS NOT NULL)", name="due"),
    CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="lease"),
    CheckConstraint("(state = 'sending') = (lease_token IS NOT NULL)", name="token"),
    CheckConstraint("(state IN ('queued', 'sending')) = (finished_at IS NULL)", name="finished"),
    CheckConstraint("(repeat > 0) = (reason IS NOT NULL)", name="reason"),
    CheckConstraint("attempt >= 0 AND repeat >= 0", name="counts"),
    # The ledger: what is ordered twice is delivered once.
    Index(
        "uq_deliveries_ledger", "subject", "occasion", "channel", "recipient", "format", "repeat", unique=True
    ),
    Index(None, "channel", "state", "due_at"),  # what is due
    Index(None, "channel", "state", "account", "due_at"),  # whose turn it is
    Index(None, "channel", "state", "lease_until"),  # whose sender is gone
    Index(None, "channel", "recipient", "state", "due_at"),  # what waits for an endpoint
    Index(None, "workshop_id", "created_at"),
    Index(None, "account", "created_at"),
    Index(None, "created_at"),
    Index(None, "job_id"),
)

delivery_events = Table(
    "delivery_events",
    metadata,
    Column("event_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # They go with their delivery, also when a workshop is erased.
    Column("delivery_id", Text, ForeignKey(deliveries.c.delivery_id, ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "delivery_id"),
    sqlite_autoincrement=True,  # a number is never used again, whatever is forgotten
)
