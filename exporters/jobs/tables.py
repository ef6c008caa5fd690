"""The tables of the job records."""

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
from exporters.jobs.records import Status

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("workshop_id", Text, nullable=False),
    Column("report_type", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("filters", JSON, nullable=False),
    Column("language", Text, nullable=False, server_default="en"),
    Column("name_template", Text),
    Column("rows_estimated", BigInteger),
    Column("estimated_completion", Instant),
    Column("status", Text, nullable=False),
    Column("progress", Integer, nullable=False),
    Column("rows_expected", BigInteger),
    Column("rows_written", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_token", Text),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("expires_at", Instant),
    Column("generation", Text),
    Column("file_key", Text),
    Column("file_name", Text),
    Column("media_type", Text),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("manifest_key", Text),
    Column("notes", Integer),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("turn", BigInteger, nullable=False, server_default="0"),
    Column("weight", Integer, nullable=False, server_default="1"),
    CheckConstraint("status IN ({})".format(", ".join(f"'{status}'" for status in Status)), name="status"),
    CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
    CheckConstraint("(progress = 100) = (status IN ('completed', 'expired'))", name="done"),
    CheckConstraint("rows_written >= 0 AND rows_expected >= 0", name="rows"),
    CheckConstraint("attempt BETWEEN 0 AND max_attempts", name="attempt"),
    CheckConstraint("(status = 'processing') = (lease_until IS NOT NULL)", name="lease"),
    CheckConstraint("lease_token IS NULL OR lease_until IS NOT NULL", name="token"),
    CheckConstraint("(status IN ('pending', 'processing')) = (finished_at IS NULL)", name="finished"),
    CheckConstraint("(status = 'completed') = (file_key IS NOT NULL)", name="file"),
    CheckConstraint("(status = 'failed') = (error_code IS NOT NULL)", name="error"),
    Index(None, "status", "created_at"),
    Index(None, "status", "turn", "created_at", "job_id"),  # whose turn it is
    Index(None, "status", "lease_until"),
    Index(None, "status", "expires_at"),
    Index(None, "workshop_id", "weight", "turn"),  # the last turn of a workshop
    Index(None, "workshop_id", "created_at"),
    Index(None, "workshop_id", "status", "created_at"),  # a workshop's jobs in one state: quotas, lists
    Index(None, "report_type", "format", "finished_at"),  # how long such jobs took
    Index(None, "finished_at"),  # what ended lately
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("workshop_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("job_id", Text, ForeignKey(jobs.c.job_id), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "job_id"),
    Index(None, "created_at"),
)

chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("taken_at", Instant, nullable=False),
)

job_events = Table(
    "job_events",
    metadata,
    Column("event_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("job_id", Text, ForeignKey(jobs.c.job_id), nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "job_id"),
    sqlite_autoincrement=True,  # a number is never used again, whatever is forgotten
)
