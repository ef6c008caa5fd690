"""The tables of the batches."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from exporters.batches.records import BatchState, ItemState
from exporters.database.schema import Instant, metadata
from exporters.jobs.tables import jobs

_BATCH_STATES = ", ".join(f"'{state}'" for state in BatchState)
_ITEM_STATES = ", ".join(f"'{state}'" for state in ItemState)

batches = Table(
    "batches",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type_name", Text, nullable=False),
    Column("report_type", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("filters", JSON, nullable=False),
    Column("name_template", Text, nullable=False),
    Column("error_append", Text, nullable=False),
    Column("scheduled_time", Instant),
    Column("notification_email", Text),
    Column("endpoint_id", Text),
    Column("is_listener", Boolean, nullable=False),
    Column("trigger_now", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("ended", Integer, nullable=False),  # items that have ended: the last one's number
    Column("heard", Text),  # the generation whose changes a listener has followed, and those before it
    Column("heard_at", Instant),  # when that one was published
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("stopped_at", Instant),
    Column("archived_at", Instant),
    CheckConstraint(f"state IN ({_BATCH_STATES})", name="state"),
    CheckConstraint("size > 0 AND ended >= 0", name="counts"),
    CheckConstraint("is_listener OR stopped_at IS NULL", name="stopped"),
    Index(None, "account", "created_at", "batch_id"),
    Index(None, "state", "scheduled_time"),
)

batch_items = Table(
    "batch_items",
    metadata,
    Column("item_id", Text, primary_key=True),
    Column("batch_id", Text, ForeignKey(batches.c.batch_id), nullable=False),
    Column("position", Integer, nullable=False),
    Column("run", Integer, nullable=False),
    Column("workshop_id", Text),
    Column("cvr", Text, nullable=False),
    Column("internal_customer_id", BigInteger),
    Column("name_template", Text),
    Column("state", Text, nullable=False),
    Column("stem", Text),  # the name before a failure or an equal name has added to it
    Column("name", Text),
    # Alike for names that some file systems take for one; null where a retry stands for the item.
    Column("name_key", Text),
    Column("job_id", Text, ForeignKey(jobs.c.job_id)),
    Column("generation", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("number", Integer),  # in the order in which the batch's items ended
    Column("replaced", Boolean, nullable=False),  # a retry stands for it
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    CheckConstraint(f"state IN ({_ITEM_STATES})", name="state"),
    CheckConstraint("(state IN ('completed', 'warning', 'failed')) = (number IS NOT NULL)", name="number"),
    CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="error"),
    UniqueConstraint("batch_id", "position", "run", name="uq_batch_items_run"),
    UniqueConstraint("batch_id", "position", "generation", name="uq_batch_items_generation"),
    UniqueConstraint("batch_id", "name_key", name="uq_batch_items_name"),
    UniqueConstraint("batch_id", "number", name="uq_batch_items_number"),
    Index(None, "batch_id", "state", "replaced"),  # what is counted, without a look at the rows
    Index(None, "state", "batch_id"),
    Index(None, "workshop_id"),
    Index(None, "job_id"),
)

batch_events = Table(
    "batch_events",
    metadata,
    Column("event_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("batch_id", Text, ForeignKey(batches.c.batch_id), nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "batch_id"),
    sqlite_autoincrement=True,
)
