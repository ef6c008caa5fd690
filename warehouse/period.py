"""Days and periods: the one meaning of date_from and date_to, shared by figures and reports."""

from dataclasses import dataclass
from datetime import date

from warehouse.errors import InvalidPeriodError


@dataclass(frozen=True)
class Period:
    """Local days of the workshop's own time zone, inclusive at both ends; an absent end is open.

    Raises:
        InvalidPeriodError: date_from is after date_to.
    """

    date_from: date | None = None
    date_to: date | None = None

    def __post_init__(self) -> None:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise InvalidPeriodError(f"date_from {self.date_from} is after date_to {self.date_to}")


ALL_TIME = Period()


def parse_day(text: str) -> date:
    """The day that a text of the one form YYYY-MM-DD names.

    Raises:
        ValueError: the text has another form, or there is no such day.
    """
    day = date.fromisoformat(text)
    # Other forms of ISO 8601 are read too, such as 20260203 and 2026-W06-2.
    if day.isoformat() != text:
        raise ValueError(f"{text!r} is not a date as YYYY-MM-DD")
    return day
