"""The delivery record and its history as plain values, with the names of its states and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from exporters.deliveries.orders import Channel

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.formats.table import Language


class State(StrEnum):
    """Where a delivery stands. All but the first two are ends, though a dead one may be queued again."""

    QUEUED = "queued"
    """It waits for its next try."""
    SENDING = "sending"
    """A sender has it, under a lease."""
    DELIVERED = "delivered"
    """The other side took it."""
    REFUSED = "refused"
    """The other side says no for good, or a mail that was taken came back."""
    DEAD = "dead"
    """Its tries are used up, or its endpoint is disabled."""
    CANCELLED = "cancelled"


ENDS = frozenset({State.DELIVERED, State.REFUSED, State.DEAD, State.CANCELLED})
"""States in which nothing is tried."""


class EventName(StrEnum):
    """What happened to a delivery; each is one transition."""

    QUEUED = "queued"  # -> queued
    CLAIMED = "claimed"  # queued -> sending
    RECLAIMED = "reclaimed"  # sending -> sending: the lease had ended, another sender took it
    RETURNED = "returned"  # sending -> queued: the sender stopped, the try does not count
    RETRIED = "retried"  # sending -> queued: the try failed, the next one has its time
    DELIVERED = "delivered"  # sending -> delivered
    REFUSED = "refused"  # sending -> refused
    DIED = "died"  # queued or sending -> dead
    CANCELLED = "cancelled"  # queued or sending -> cancelled
    BOUNCED = "bounced"  # delivered -> refused: what was taken came back
    REPLAYED = "replayed"  # dead -> queued


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One delivery as it stood when it was read. Instants are aware and in UTC."""

    delivery_id: str
    """The same at every try: the Message-ID of a mail, the webhook-id of a call."""
    workshop_id: str | None
    account: str
    """Whose it is, as `Caller.account`."""
    subject: str
    """What is delivered, such as `definition:7` or `item:<id>`."""
    occasion: str
    """When: the instant of a fire, the number of a run."""
    channel: Channel
    recipient: str
    """An e-mail address, or the id of an endpoint."""
    format: str
    repeat: int
    """0; each time it is sent again, one more."""
    job_id: str | None
    """The job whose file is delivered; None: there is no file."""
    language: "Language"
    content: Mapping[str, Any]
    state: State
    attempt: int
    """Tries begun since it was queued."""
    due_at: datetime | None
    """When the next try may begin; set exactly while it is queued."""
    lease_owner: str | None
    lease_token: str | None = field(repr=False)
    """What the sender shows to change the record; new with each try."""
    lease_until: datetime | None
    """From this instant on another sender may take it; set exactly while it is being sent."""
    created_at: datetime
    finished_at: datetime | None
    """When it came to its end."""
    code: str | None
    """Of the last outcome: the other side's number, or a word such as TIMEOUT."""
    message: str | None
    """Of the last outcome: what the other side said, bounded."""
    reason: str | None
    """Why it was sent again; None: it is the first."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One transition of a delivery."""

    delivery_id: str
    at: datetime
    event: EventName
    from_state: State | None
    """None for the first."""
    to_state: State
    attempt: int
    detail: Mapping[str, Any]
