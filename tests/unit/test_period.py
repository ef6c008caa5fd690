"""Periods: inclusive, open where an end is absent, never turned round."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import InvalidPeriodError
from warehouse.period import ALL_TIME, Period, parse_day


@given(st.dates() | st.none(), st.dates() | st.none())
def test_a_period_stands_unless_its_first_day_is_after_its_last(
    first: date | None, last: date | None
) -> None:
    if first and last and first > last:
        with pytest.raises(InvalidPeriodError, match=f"date_from {first} is after date_to {last}"):
            Period(first, last)
    else:
        period = Period(first, last)
        assert (period.date_from, period.date_to) == (first, last)


def test_the_error_is_a_value_error_for_callers_that_know_nothing_of_the_warehouse() -> None:
    with pytest.raises(ValueError, match="2026-03-02 is after"):
        Period(date(2026, 3, 2), date(2026, 3, 1))


def test_all_time_is_open_at_both_ends() -> None:
    assert Period(None, None) == ALL_TIME


@given(st.dates())
def test_a_day_is_read_as_it_is_written(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize(
    "text", ["20260203", "2026-W06-2", "2026-2-3", "2026-02-30", " 2026-02-03", "", "２０２６-02-03"]
)
def test_a_day_has_one_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_day(text)
