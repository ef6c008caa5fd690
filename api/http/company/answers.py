"""The bodies that the company API answers with and takes: bare objects and arrays, without an envelope.

Flags, numbers and instants are written as the clients of this API know them: `"0"` and `"1"`, digits as text,
and times of Stockholm without a zone.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from exporters.definitions.records import Definition
from exporters.definitions.states import FireKind, FireState

_STOCKHOLM = ZoneInfo("Europe/Stockholm")

Digits = Annotated[str, Meta(pattern="^[0-9]+$", examples=["2613"])]
Flag = Annotated[Literal["0", "1"], Meta(description="1: yes.")]
Moment = Annotated[
    str,
    Meta(
        description="Local time of Europe/Stockholm.",
        pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$",
        examples=["2024-09-02 14:26:51"],
    ),
]
LocalTime = Annotated[
    str, Meta(pattern=r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$", examples=["2024-09-02 06:00:00"])
]
Nothing = Annotated[list[Any], Meta(max_length=0, description="Empty: it is done.")]


class CompanyReportType(Struct, frozen=True):
    """A type of reports."""

    id: Digits
    name: Annotated[
        str,
        Meta(description="In the language of Accept-Language if it has one.", examples=["Queue - Missed"]),
    ]
    description: str | None
    group: Annotated[str, Meta(description="Hints at which optional data applies.", examples=["queue"])]
    added: Moment
    class_name: Annotated[str, Meta(examples=["ReportQueueMissed"])]


class CompanyField(Struct, frozen=True):
    """An argument that reports take."""

    key: str
    description: str | None
    mandatory: Flag
    type: Annotated[
        str,
        Meta(
            description="enum('a', 'b'), email, bool, text, number, date, list, or what the value is the id"
            " of: /company/report/argument/values/{type} lists those.",
            examples=["enum('html', 'csv', 'xlsx', 'pdf')"],
        ),
    ]


class CompanyValue(Struct, frozen=True):
    """Something that an argument can name."""

    id: str
    name: str


class CompanyId(Struct, frozen=True):
    """What was just made."""

    id: Digits


class CompanyArgument(Struct, frozen=True):
    """A value of an argument."""

    id: Digits
    value: str
    added: Moment


class CompanyCondition(Struct, frozen=True):
    """What must hold of the rows for a scheduled report to be sent."""

    kind: Literal["changed", "above", "below"]
    column: Annotated[str | None, Meta(description="Whose total is looked at; null: the number of rows is.")]
    threshold: Decimal | None


class CompanyReport(Struct, frozen=True):
    """A report that is made and mailed at an interval."""

    id: Digits
    report_type_id: Digits
    interval: Literal["hour", "day", "week", "month"]
    active: Flag
    name: str
    description: str
    email_link_only: Flag
    arguments: Annotated[
        dict[str, list[CompanyArgument]], Meta(description="By key; a key may have several values.")
    ]
    time_zone: Annotated[str, Meta(description="IANA zone of the schedule.", examples=["Europe/Oslo"])]
    send_at: Annotated[str, Meta(pattern=r"^\d{2}:\d{2}$", examples=["06:00"])]
    cron: str | None
    weekdays_only: Flag
    last_day_of_month: Flag
    paused_until: Moment | None
    owner: str | None
    condition: CompanyCondition | None
    next_fire_at: Annotated[Moment | None, Meta(description="null: it is not active.")]
    added: Moment
    updated: Moment


class CompanyFire(Struct, frozen=True):
    """An occasion on which a report was to be sent."""

    id: Digits
    kind: Annotated[FireKind, Meta(description="What made it so.")]
    fire_at: Moment
    period_start: Annotated[LocalTime, Meta(description="Of the period covered, in the report's zone.")]
    period_end: Annotated[LocalTime, Meta(description="The first moment after the period.")]
    state: FireState
    reason: Annotated[str | None, Meta(description="Why it was skipped, or the code of its failure.")]
    message: str | None
    rows: int | None
    finished: Moment | None


class CompanyRehearsal(Struct, frozen=True):
    """A time at which a report will be sent."""

    fire_at: Moment
    local: Annotated[LocalTime, Meta(description="The time it is meant for, in the report's zone.")]
    filters: Annotated[dict[str, Any], Meta(description="As the file will have them.")]
    rows_estimated: Annotated[int | None, Meta(description="null: nothing to estimate it from.")]


class CompanySkipped(Struct, frozen=True):
    """A time at which nothing would have been sent."""

    fire_at: Moment
    local: LocalTime
    filters: dict[str, Any]
    reason: Annotated[str, Meta(examples=["no data"])]


class CompanyBackTest(Struct, frozen=True):
    """How often a report would have been sent, judged by the data as they are now."""

    since: Annotated[Moment, Meta(description="From here on every time was looked at.")]
    is_cut: Annotated[
        bool, Meta(description="Whether the days asked for hold more times than are looked at.")
    ]
    fires: int
    sent: int
    skipped: list[CompanySkipped]


class CompanyReports(Struct, frozen=True):
    """A page of reports, the oldest first."""

    count: Annotated[Digits, Meta(description="How many there are.")]
    limit: Annotated[int, Meta(description="As it was used.", examples=[20])]
    limit_from: Annotated[int, Meta(description="As it was used.", examples=[0])]
    reports: list[CompanyReport]


def flag(value: bool) -> Literal["0", "1"]:
    """A flag as text."""
    return "1" if value else "0"


def moment(instant: datetime) -> str:
    """An instant as local time."""
    return f"{instant.astimezone(_STOCKHOLM):%Y-%m-%d %H:%M:%S}"


def local_time(naive: datetime) -> str:
    """A time of a report's own zone."""
    return f"{naive:%Y-%m-%d %H:%M:%S}"


def read_moment(text: str) -> datetime:
    """The instant of a local time; of one that comes twice, as an hour is set back, the first.

    Raises:
        ValueError: it is no such time.
    """
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_STOCKHOLM).astimezone(UTC)


def describe_report(definition: Definition) -> CompanyReport:
    """The definition as this API shows it."""
    timing, asked = definition.timing, definition.condition
    arguments: dict[str, list[CompanyArgument]] = {}
    for argument in definition.arguments:
        shown = CompanyArgument(argument.argument_id, argument.value, moment(argument.added))
        arguments.setdefault(argument.key, []).append(shown)
    return CompanyReport(
        id=definition.definition_id,
        report_type_id=definition.type_id,
        interval=timing.interval,
        active=flag(definition.active),
        name=definition.name,
        description=definition.description,
        email_link_only=flag(definition.email_link_only),
        arguments=arguments,
        time_zone=timing.time_zone,
        send_at=f"{timing.send_at:%H:%M}",
        cron=timing.cron,
        weekdays_only=flag(timing.weekdays_only),
        last_day_of_month=flag(timing.last_day_of_month),
        paused_until=moment(definition.paused_until) if definition.paused_until else None,
        owner=definition.owner,
        condition=CompanyCondition(asked.kind, asked.column, asked.threshold) if asked else None,
        next_fire_at=moment(definition.next_fire_at) if definition.next_fire_at else None,
        added=moment(definition.created_at),
        updated=moment(definition.updated_at),
    )
