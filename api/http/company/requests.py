"""The bodies that the company API takes, in every spelling that its clients use."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.company.answers import read_moment
from api.http.problems import refuse_value
from exporters.definitions.conditions import Condition
from exporters.definitions.drafts import Draft

Flag = Annotated[bool | int | str, Meta(description='0, 1, "0", "1", true or false.', examples=[1])]
Value = str | int | float | bool


class ArgumentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A value of an argument; a key may come several times."""

    key: Annotated[str, Meta(examples=["format"])]
    value: Annotated[Value, Meta(examples=["csv"])]


class ReportCondition(Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold of the rows for a scheduled report to be sent."""

    kind: Literal["changed", "above", "below"]
    column: Annotated[
        str | None, Meta(description="Whose total is looked at; null: the number of rows is.")
    ] = None
    threshold: Annotated[Decimal | None, Meta(description="Of `above` and `below`.")] = None


class ReportChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to change of a report; what is left out stays."""

    interval: Annotated[str | UnsetType, Meta(description="hour, day, week or month.", examples=["day"])] = (
        UNSET
    )
    active: Flag | UnsetType = UNSET
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    email_link_only: Flag | UnsetType = UNSET
    time_zone: Annotated[
        str | UnsetType | None, Meta(description="IANA zone of the schedule; null: the workshop's.")
    ] = UNSET
    send_at: Annotated[
        str | UnsetType,
        Meta(description="Local time as HH:MM; of `hour` its minutes count.", examples=["06:00"]),
    ] = UNSET
    cron: Annotated[
        str | UnsetType | None,
        Meta(description="Five fields, instead of `send_at`.", examples=["0 7 * * 1-5"]),
    ] = UNSET
    weekdays_only: Flag | UnsetType = UNSET
    last_day_of_month: Flag | UnsetType = UNSET
    paused_until: Annotated[
        str | UnsetType | None,
        Meta(description="Local time of Europe/Stockholm.", examples=["2026-08-01 00:00:00"]),
    ] = UNSET
    owner: Annotated[
        str | UnsetType | None, Meta(description="Address of tests and of news of failures.")
    ] = UNSET
    condition: ReportCondition | UnsetType | None = UNSET

    def fields(self) -> dict[str, Any]:
        """What was given, as `exporters.definitions.drafts.Draft` names it.

        Raises:
            Refusal: `paused_until` is no such time.
        """
        given = {name: getattr(self, name) for name in ReportChange.__struct_fields__}
        fields = {name: value for name, value in given.items() if value is not UNSET}
        if asked := fields.get("condition"):
            fields["condition"] = Condition(asked.kind, asked.column, asked.threshold)
        if (until := fields.get("paused_until")) is not None:
            try:
                fields["paused_until"] = read_moment(until)
            except (ValueError, OverflowError):
                expected = "a local time as YYYY-MM-DD HH:MM:SS"
                raise refuse_value("paused_until", until[:60], expected) from None
        return fields


class ReportRequest(ReportChange, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A report that is to be made and mailed at an interval."""

    interval: Annotated[str, Meta(description="hour, day, week or month.", examples=["day"])]
    report_type_id: Annotated[str | int, Meta(examples=["1"])]
    arguments: list[ArgumentRequest]

    def draft(self) -> Draft:
        """The draft that is asked for. Raises as `fields` does."""
        return Draft(type_id=str(self.report_type_id), arguments=to_pairs(self.arguments), **self.fields())


class DownloadRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A report that is to be made now, of the last complete interval."""

    interval: Annotated[str, Meta(description="hour, day, week or month.", examples=["day"])]
    report_type_id: Annotated[str | int, Meta(examples=["1"])]
    arguments: list[ArgumentRequest] = []


def to_pairs(arguments: list[ArgumentRequest]) -> tuple[tuple[str, Value], ...]:
    """Key and value of each."""
    return tuple((argument.key, argument.value) for argument in arguments)
