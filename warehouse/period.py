"""A period: the one meaning of date_from and date_to, shared by figures and reports."""

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
