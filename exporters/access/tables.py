"""The tables of access: API keys, their workshops, and the audit log."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from exporters.database.schema import Instant, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("organisation", Text),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("plan", Text),
)

api_key_workshops = Table(
    "api_key_workshops",
    metadata,
    Column("key_id", Text, ForeignKey(api_keys.c.key_id), primary_key=True),
    Column("workshop_id", Text, primary_key=True),
    Index(None, "workshop_id"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("event_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("workshop_id", Text),
    # No reference: the log outlives what it tells of.
    Column("job_id", Text),
    Column("request_id", Text),
    Column("detail", JSON, nullable=False),
    Index(None, "workshop_id", "at"),
    Index(None, "at"),
)

audit_reads = Table(
    "audit_reads",
    metadata,
    Column("minute", Instant, primary_key=True),
    Column("actor", Text, primary_key=True),
    # Empty where what was read is nobody's, such as the report types: a key has no NULL.
    Column("workshop_id", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Index(None, "workshop_id", "minute"),
)
