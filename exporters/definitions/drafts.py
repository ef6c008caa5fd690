"""Drafts of definitions: what may be asked for, and what it is once it has been checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from typing import Any

from exporters.catalogue import RequestError
from exporters.definitions.arguments import Meaning, Pair, check_pair, read_arguments, read_flag, refused
from exporters.definitions.conditions import Condition, check_condition
from exporters.definitions.errors import DefinitionError
from exporters.definitions.periods import INTERVALS, Interval
from exporters.definitions.records import Definition
from exporters.definitions.timing import Timing, check_timing
from exporters.deliveries.mail_addresses import MailAddressError, check_address
from exporters.report_types import CompanyType, check_entities
from warehouse.figures import find_workshop
from warehouse.generations import Snapshot

Flag = bool | int | str
"""0, 1, "0", "1", true or false."""

_LONGEST_NAME, _LONGEST_DESCRIPTION, _LONGEST_CRON = 200, 2000, 200


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A definition as it is asked for; every value is checked."""

    type_id: str
    interval: str
    arguments: tuple[tuple[str, object], ...] = ()
    """Key and value; a key may come several times."""
    name: str = ""
    description: str = ""
    active: Flag = True
    email_link_only: Flag = False
    time_zone: str | None = None
    """None: the workshop's."""
    send_at: str | time = time(6)
    """HH:MM."""
    cron: str | None = None
    weekdays_only: Flag = False
    last_day_of_month: Flag = False
    paused_until: datetime | None = None
    """Aware."""
    owner: str | None = None
    condition: Condition | None = None


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A draft that was checked, as it is recorded."""

    type_id: str
    name: str
    description: str
    active: bool
    email_link_only: bool
    timing: Timing
    paused_until: datetime | None
    owner: str | None
    condition: Condition | None
    arguments: tuple[Pair, ...]


CHANGEABLE = frozenset(field.name for field in fields(Draft)) - {"type_id", "arguments"}
"""What a change may name: the type is for good, and arguments are changed one by one."""


def change_draft(definition: Definition, changes: Mapping[str, Any]) -> Draft:
    """The definition with changes, as a draft.

    Raises:
        DefinitionError: something cannot be changed, or not so.
    """
    for name in changes:
        if name not in CHANGEABLE:
            raise DefinitionError(
                name[:60], f"{name[:60]!r} cannot be changed; {', '.join(sorted(CHANGEABLE))} can"
            )
    timing = definition.timing
    draft = Draft(
        type_id=definition.type_id,
        interval=timing.interval,
        arguments=tuple((argument.key, argument.value) for argument in definition.arguments),
        name=definition.name,
        description=definition.description,
        active=definition.active,
        email_link_only=definition.email_link_only,
        time_zone=timing.time_zone,
        send_at=timing.send_at,
        cron=timing.cron,
        weekdays_only=timing.weekdays_only,
        last_day_of_month=timing.last_day_of_month,
        paused_until=definition.paused_until,
        owner=definition.owner,
        condition=definition.condition,
    )
    return replace(draft, **changes)


def find_type(types: Mapping[str, CompanyType], type_id: object) -> CompanyType:
    """The type of this id.

    Raises:
        DefinitionError: there is none.
    """
    type_ = types.get(str(type_id))
    if type_ is None:
        raise DefinitionError(
            "type_id", f"there is no report type {str(type_id)[:60]!r}; there are {', '.join(types)}"
        )
    return type_


def check_draft(
    draft: Draft, types: Mapping[str, CompanyType], snapshot: Snapshot, workshop_id: str
) -> Plain:
    """The draft as it is recorded for the workshop.

    Raises:
        DefinitionError: something of it cannot be.
        UnknownWorkshopError: the served generation has no such workshop.
    """
    type_ = find_type(types, draft.type_id)
    pairs = tuple(check_pair(type_, key, value) for key, value in draft.arguments)
    meaning = read_arguments(type_, pairs)
    check_values(snapshot, meaning, workshop_id)
    home = find_workshop(snapshot.figures, workshop_id).time_zone
    zone = draft.time_zone or home
    if draft.interval == "hour" and zone != home:
        # Reports take the hour that they are asked for as one of the workshop's clock.
        raise DefinitionError("time_zone", f"an hourly report must be in the workshop's zone, {home}")
    if draft.condition is not None:
        check_condition(draft.condition, meaning.report)
    return Plain(
        type_id=type_.id,
        name=_checked_text("name", draft.name, _LONGEST_NAME),
        description=_checked_text("description", draft.description, _LONGEST_DESCRIPTION, lines=True),
        active=read_flag(draft.active, "active"),
        email_link_only=read_flag(draft.email_link_only, "email_link_only"),
        timing=_checked_timing(draft, zone),
        paused_until=_checked_pause(draft.paused_until),
        owner=_checked_owner(draft.owner),
        condition=draft.condition,
        arguments=pairs,
    )


def check_values(snapshot: Snapshot, meaning: Meaning, workshop_id: str) -> None:
    """Return if what the arguments name is the workshop's.

    Raises:
        DefinitionError: something is not.
    """
    try:
        check_entities(snapshot, meaning.report, meaning.filters, workshop_id)
    except RequestError as error:
        raise refused(error) from error


def check_interval(interval: object) -> Interval:
    """The interval, if there is such a one.

    Raises:
        DefinitionError: there is not.
    """
    if interval not in INTERVALS:
        raise DefinitionError("interval", f"interval must be one of {', '.join(INTERVALS)}")
    return interval


def _checked_timing(draft: Draft, zone: str) -> Timing:
    if draft.cron is not None and len(_checked_text("cron", draft.cron, _LONGEST_CRON)) == 0:
        raise DefinitionError("cron", "cron must have five fields, such as '0 6 * * 1-5'")
    timing = Timing(
        interval=check_interval(draft.interval),
        time_zone=_checked_text("time_zone", zone, _LONGEST_NAME),
        send_at=_checked_time(draft.send_at),
        cron=draft.cron,
        weekdays_only=read_flag(draft.weekdays_only, "weekdays_only"),
        last_day_of_month=read_flag(draft.last_day_of_month, "last_day_of_month"),
    )
    check_timing(timing)
    return timing


def _checked_time(value: object) -> time:
    try:
        read = value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        read = None
    if read is None or read.tzinfo or read != read.replace(second=0, microsecond=0):
        raise DefinitionError("send_at", "send_at must be a local time as HH:MM")
    return read


def _checked_pause(until: object) -> datetime | None:
    if until is None:
        return None
    if not isinstance(until, datetime) or until.tzinfo is None:
        raise DefinitionError("paused_until", "paused_until must be an instant with its zone")
    return until


def _checked_owner(owner: object) -> str | None:
    if owner is None or owner == "":
        return None
    try:
        return check_address(str(owner))
    except MailAddressError as error:
        raise DefinitionError("owner", str(error)) from error


def _checked_text(field: str, value: object, longest: int, *, lines: bool = False) -> str:
    if not isinstance(value, str):
        raise DefinitionError(field, f"{field} must be text")
    visible = value.replace("\n", "").replace("\r", "").replace("\t", "") if lines else value
    if len(value) > longest or not (visible.isprintable() or not visible):
        kind = "text" if lines else "one line"
        raise DefinitionError(
            field, f"{field} must be {kind} of at most {longest} characters that can be printed"
        )
    return value
