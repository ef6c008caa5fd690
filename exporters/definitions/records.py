"""Report definitions and their fires as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exporters.definitions.conditions import Condition
from exporters.definitions.states import FireEventName, FireKind, FireState
from exporters.definitions.timing import Timing


@dataclass(frozen=True)
class Argument:
    """A value that a definition gives a key; a key may have several."""

    argument_id: str
    """Digits."""
    key: str
    value: str
    added: datetime


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A report definition as it stood when it was read. Instants are aware and in UTC."""

    definition_id: str
    """Digits."""
    workshop_id: str
    type_id: str
    """A type of the company API."""
    name: str
    description: str
    active: bool
    """False: the schedule never fires it; sending by hand works."""
    email_link_only: bool
    timing: Timing
    paused_until: datetime | None
    """Fires before this instant are skipped."""
    owner: str | None
    """E-mail address that test sends and failures go to."""
    condition: Condition | None
    """What must hold for a scheduled fire to be sent; None: nothing beside `only_when_data`."""
    arguments: tuple[Argument, ...]
    """In the order in which they were added."""
    next_fire_at: datetime | None
    """None: it is not active, or its schedule never fires again."""
    created_at: datetime
    updated_at: datetime
    revision: int
    """Counts the changes."""

    def values(self, key: str) -> tuple[str, ...]:
        """The values of a key, in order."""
        return tuple(argument.value for argument in self.arguments if argument.key == key)


@dataclass(frozen=True, kw_only=True)
class Fire:
    """One occasion on which a definition was to be sent. Instants are aware and in UTC."""

    fire_id: int
    definition_id: str
    workshop_id: str
    kind: FireKind
    fire_at: datetime
    """Of a scheduled one the instant of the schedule, else when it was asked for."""
    period_start: datetime
    """Of the period that it covers; local and naive, as `period_end`, which is the first instant after."""
    period_end: datetime
    state: FireState
    reason: str | None
    """Why it was skipped: no data, unchanged, threshold, paused or deleted; or the code of its failure."""
    message: str | None
    """For people: why it was skipped, what its failure was, or what it waits for while it is due."""
    plan: Mapping[str, Any] | None
    """What is made of it and for whom (`exporters.definitions.making`), once that is decided."""
    rows: int | None
    """Of the report, as counted when its condition was looked at."""
    digest: str | None
    """Of the report's rows then."""
    actor: str | None
    """Who sent it by hand."""
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class FireEvent:
    """One transition of a fire."""

    at: datetime
    event: FireEventName
    from_state: FireState | None
    to_state: FireState
    detail: Mapping[str, Any]
