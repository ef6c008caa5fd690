"""What is typed at the command line as values: days, periods, filters."""

from collections.abc import Sequence
from datetime import date

from api.cli_errors import refusal
from warehouse.errors import InvalidPeriodError
from warehouse.period import Period, parse_day


def parse_period(first: str | None, last: str | None) -> Period:
    """The period of --from and --to; an absent one leaves its end open.

    Raises:
        Failure: one is no date as YYYY-MM-DD, or they are swapped.
    """
    try:
        return Period(_parse_day("--from", first), _parse_day("--to", last))
    except InvalidPeriodError as error:
        raise refusal(str(error), "INVALID_DATE_RANGE", date_from=first, date_to=last) from error


def _parse_day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError:
        raise refusal(f"{option} is {text!r}; it must be a date as YYYY-MM-DD", option=option) from None


def parse_filters(pairs: Sequence[str], first: str | None, last: str | None) -> dict[str, str | date]:
    """The filters of each `--filter key=value`, --from and --to; the report type judges the values.

    Raises:
        Failure: a pair is malformed or given twice, or the period is wrong.
    """
    period = parse_period(first, last)
    days = {"date_from": period.date_from, "date_to": period.date_to}
    filters: dict[str, str | date] = {name: day for name, day in days.items() if day is not None}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not name or not value:
            raise refusal(f"--filter is {pair!r}; it must be KEY=VALUE", option="--filter")
        if name in filters:
            raise refusal(f"the filter {name} is given twice", filter=name)
        filters[name] = value
    return filters
