"""The tables of the job records, the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

from exporters.jobs.records import Status


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC.

    SQLite has no instants: there it is UTC text of fixed width, which sorts as the instants do.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

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
    Column("error_code", Text),
    Column("error_message", Text),
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
    Index(None, "workshop_id", "created_at"),
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
)
