"""Schedules: when definitions fire, what each fire covers, and what cannot be a schedule."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporters.catalogue import ReportType
from exporters.definitions.errors import DefinitionError
from exporters.definitions.periods import Span, last_complete
from exporters.definitions.timing import Fire, Timing, check_timing, fires, period_before
from exporters.report_headers import ReportHeader

_OSLO = "Europe/Oslo"


def _next(timing: Timing, after: str, count: int) -> list[Fire]:
    return list(islice(fires(timing, datetime.fromisoformat(after).astimezone(UTC)), count))


def _locals(timing: Timing, after: str, count: int) -> list[str]:
    return [f"{fire.local:%a %Y-%m-%d %H:%M}" for fire in _next(timing, after, count)]


def _instants(found: list[Fire]) -> list[str]:
    return [f"{fire.at:%d %H:%M}" for fire in found]


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _span(start: str, end: str) -> Span:
    return Span(_local(start), _local(end))


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [
        ("hour", "2026-03-02T08:00", "2026-03-02T09:00"),
        ("day", "2026-03-01", "2026-03-02"),
        ("week", "2026-02-23", "2026-03-02"),
        ("month", "2026-02-01", "2026-03-01"),
    ],
)
def test_a_period_is_the_last_that_is_over(interval: Any, start: str, end: str) -> None:
    assert last_complete(interval, _local("2026-03-02T09:59")) == _span(start, end)


def test_a_period_that_ends_at_this_moment_is_over() -> None:
    assert last_complete("month", _local("2027-01-01")) == _span("2026-12-01", "2027-01-01")
    assert last_complete("hour", _local("2027-01-01")) == _span("2026-12-31T23:00", "2027-01-01")


def test_at_an_instant_the_last_period_that_is_over_is_that_of_the_zone() -> None:
    at = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
    assert period_before("day", ZoneInfo("Asia/Kathmandu"), at) == _span("2026-02-28", "2026-03-01")
    assert period_before("day", ZoneInfo("America/New_York"), at) == _span("2026-02-27", "2026-02-28")
    assert period_before("month", ZoneInfo("America/New_York"), at) == _span("2026-01-01", "2026-02-01")


def test_after_a_clock_was_put_forward_the_hour_before_is_not_the_one_left_out() -> None:
    at = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    assert period_before("hour", ZoneInfo(_OSLO), at) == _span("2026-03-29T01:00", "2026-03-29T02:00")


def test_a_time_skipped_by_the_clock_fires_when_the_clock_has_gone_past_it() -> None:
    found = _next(Timing("day", _OSLO, time(2, 30)), "2026-03-28T12:00+00:00", 2)
    assert _instants(found) == ["29 01:00", "30 00:30"]
    assert [fire.local for fire in found] == [_local("2026-03-29T02:30"), _local("2026-03-30T02:30")]
    assert [fire.period for fire in found] == [
        _span("2026-03-28", "2026-03-29"),
        _span("2026-03-29", "2026-03-30"),
    ]


def test_a_time_shown_twice_fires_the_first_time() -> None:
    found = _next(Timing("day", _OSLO, time(2, 30)), "2026-10-24T12:00+00:00", 2)
    assert _instants(found) == ["25 00:30", "26 01:30"]


def test_after_the_first_of_two_equal_times_the_second_does_not_fire() -> None:
    [found] = _next(Timing("day", _OSLO, time(2, 30)), "2026-10-25T00:45+00:00", 1)
    assert found.at == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_cron_times_skipped_together_are_one_fire() -> None:
    found = _next(Timing("day", _OSLO, cron="0 2,3 * * *"), "2026-03-28T12:00+00:00", 3)
    assert _instants(found) == ["29 01:00", "30 00:00", "30 01:00"]


def test_the_hour_that_comes_twice_is_covered_once_when_both_are_over() -> None:
    found = _next(Timing("hour", _OSLO, time(0, 5)), "2026-10-24T23:30+00:00", 3)
    assert _instants(found) == ["25 00:05", "25 02:05", "25 03:05"]
    assert [(fire.period.start.hour, fire.period.end.hour) for fire in found] == [(1, 2), (2, 3), (3, 4)]
    cron = _next(Timing("hour", _OSLO, cron="5 * * * *"), "2026-10-24T23:30+00:00", 3)
    assert [(fire.at, fire.period) for fire in cron] == [(fire.at, fire.period) for fire in found]


@pytest.mark.parametrize("at", ["2026-10-25T00:30+00:00", "2026-10-25T01:30+00:00"])
def test_while_the_hour_comes_twice_the_one_before_is_the_last_complete(at: str) -> None:
    found = period_before("hour", ZoneInfo(_OSLO), datetime.fromisoformat(at))
    assert found == _span("2026-10-25T01:00", "2026-10-25T02:00")


def test_where_a_clock_is_put_back_by_two_hours_what_it_shows_again_is_covered_again() -> None:
    found = _next(Timing("hour", "Antarctica/Troll"), "2026-10-24T23:30+00:00", 3)
    assert _instants(found) == ["25 00:00", "25 03:00", "25 04:00"]
    assert [(fire.period.start.hour, fire.period.end.hour) for fire in found] == [(1, 2), (1, 3), (3, 4)]


def test_the_hour_that_is_left_out_is_covered_by_no_fire() -> None:
    found = _next(Timing("hour", _OSLO, time(0, 5)), "2026-03-29T00:30+00:00", 3)
    assert [(fire.local.hour, fire.period.start.hour, fire.period.end.hour) for fire in found] == [
        (3, 1, 2),
        (4, 3, 4),
        (5, 4, 5),
    ]


def test_a_clock_that_moves_by_half_an_hour_has_two_long_hours_a_year() -> None:
    timing = Timing("hour", "Australia/Lord_Howe", time(0, 10))
    back = _next(timing, "2026-04-04T14:00+00:00", 3)
    assert _instants(back) == ["04 14:10", "04 15:40", "04 16:40"]
    assert back[1].period == _span("2026-04-05T01:00", "2026-04-05T02:00")
    forward = _next(timing, "2026-10-03T15:00+00:00", 2)
    assert _instants(forward) == ["03 16:10", "03 17:10"]
    assert forward[0].period == _span("2026-10-04T01:00", "2026-10-04T03:00")


def test_a_zone_that_came_to_its_full_hour_early_has_a_short_hour() -> None:
    found = _next(Timing("hour", "Asia/Pyongyang"), "2018-05-04T13:45+00:00", 3)
    assert [fire.period for fire in found] == [
        _span("2018-05-04T22:00", "2018-05-04T23:00"),
        _span("2018-05-04T23:00", "2018-05-05"),
        _span("2018-05-05", "2018-05-05T01:00"),
    ]
    late = Timing("hour", "Asia/Pyongyang", time(0, 45))
    delayed = _next(late, "2018-05-04T13:45+00:00", 4)
    assert _instants(delayed) == ["04 14:15", "04 15:15", "04 15:45", "04 16:45"]
    assert [fire.period.start.hour for fire in delayed] == [21, 22, 23, 0]
    assert _instants(_next(late, "2018-05-04T15:10+00:00", 1)) == ["04 15:15"]


def test_a_day_that_a_zone_left_out_fires_at_its_end() -> None:
    found = _next(Timing("day", "Pacific/Apia"), "2011-12-29T17:00+00:00", 2)
    assert _instants(found) == ["30 10:00", "30 16:00"]
    assert found[0].period == _span("2011-12-29", "2011-12-30")


def test_daily_reports_on_weekdays_only_cover_the_day_before() -> None:
    timing = Timing("day", _OSLO, weekdays_only=True)
    found = _next(timing, "2026-03-05T12:00+00:00", 3)
    assert [f"{fire.local:%a}" for fire in found] == ["Fri", "Mon", "Tue"]
    assert found[1].period == _span("2026-03-08", "2026-03-09")


def test_hourly_reports_on_weekdays_only_rest_at_the_weekend() -> None:
    timing = Timing("hour", _OSLO, time(0, 15), weekdays_only=True)
    assert _locals(timing, "2026-03-06T21:30+00:00", 3) == [
        "Fri 2026-03-06 23:15",
        "Mon 2026-03-09 00:15",
        "Mon 2026-03-09 01:15",
    ]


def test_the_first_of_a_month_on_a_weekend_is_sent_on_monday() -> None:
    timing = Timing("month", _OSLO, weekdays_only=True)
    found = _next(timing, "2026-01-15T00:00+00:00", 2)
    assert [f"{fire.local:%a %d}" for fire in found] == ["Mon 02", "Mon 02"]
    assert found[0].period == _span("2026-01-01", "2026-02-01")


def test_the_last_day_of_a_month_on_a_weekend_is_sent_on_friday() -> None:
    timing = Timing("month", _OSLO, weekdays_only=True, last_day_of_month=True)
    assert _locals(timing, "2026-01-15T00:00+00:00", 3) == [
        "Fri 2026-01-30 06:00",
        "Fri 2026-02-27 06:00",
        "Tue 2026-03-31 06:00",
    ]


def test_the_last_day_of_a_month_covers_the_month_before_as_this_one_is_not_over() -> None:
    [found] = _next(Timing("month", _OSLO, time(23, 59), last_day_of_month=True), "2028-02-10T00:00Z", 1)
    assert found.local == _local("2028-02-29T23:59")
    assert found.period == _span("2028-01-01", "2028-02-01")


def test_a_cron_keeps_the_period_of_its_interval() -> None:
    timing = Timing("month", _OSLO, cron="0 18 15 * *")
    [found] = _next(timing, "2026-03-01T00:00+00:00", 1)
    assert (found.local, found.period) == (_local("2026-03-15T18:00"), _span("2026-02-01", "2026-03-01"))


def test_an_hour_between_two_cron_fires_is_the_last_full_one() -> None:
    [found] = _next(Timing("hour", _OSLO, cron="30 9 * * *"), "2026-03-02T00:00+00:00", 1)
    assert found.period == _span("2026-03-02T08:00", "2026-03-02T09:00")


def test_a_fire_is_later_than_the_instant() -> None:
    timing = Timing("day", _OSLO)
    at = datetime(2026, 3, 2, 5, tzinfo=UTC)
    assert next(fires(timing, at)).at == at + timedelta(days=1)
    assert next(fires(timing, at - timedelta.resolution)).at == at


def test_an_instant_may_be_told_in_any_zone() -> None:
    found = _next(Timing("day", _OSLO), "2026-03-02T08:30+05:45", 1)
    assert [fire.at for fire in found] == [datetime(2026, 3, 2, 5, tzinfo=UTC)]


@pytest.mark.parametrize(
    "cron", ["0 6 * * *", "30 7-16 * * MON-FRI", "0 0 L * *", "15 */2 1,15 * *", "0 6 * * 1#1", "0 6 29 2 *"]
)
def test_a_cron_of_five_fields_and_one_minute_is_taken(cron: str) -> None:
    timing = Timing("day", _OSLO, cron=cron)
    check_timing(timing)
    assert len(_next(timing, "2026-01-01T00:00+00:00", 2)) == 2


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"interval": "year"}, "interval", "one of hour, day, week, month"),
        ({"time_zone": "Europe/Olso"}, "time_zone", "'Europe/Olso'"),
        ({"time_zone": "localtime"}, "time_zone", "such as Europe/Oslo"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "no time zone"),
        ({"time_zone": ""}, "time_zone", "no time zone"),
        ({"send_at": time(6, 0, 30)}, "send_at", "HH:MM"),
        ({"send_at": time(6, tzinfo=UTC)}, "send_at", "HH:MM"),
        ({"last_day_of_month": True}, "last_day_of_month", "interval month"),
        ({"interval": "month", "cron": "0 6 * * *", "last_day_of_month": True}, "last_day_of_month", "cron"),
        ({"cron": ""}, "cron", "five fields"),
        ({"cron": "@daily"}, "cron", "five fields"),
        ({"cron": "0 0 6 * * *"}, "cron", "five fields"),
        ({"cron": "0 ６ * * *"}, "cron", "five fields"),
        ({"cron": f"0 {'1,' * 60}2 * * *"}, "cron", "five fields"),
        ({"cron": "0 25 * * *"}, "cron", "cannot be read"),
        ({"cron": "a b c d e"}, "cron", "cannot be read"),
        ({"cron": "0 0 31 2 *"}, "cron", "cannot be read"),
        ({"cron": "*/30 * * * *"}, "cron", "more than once an hour"),
        ({"cron": "* * * * *"}, "cron", "more than once an hour"),
        ({"cron": "0 6 * * SAT,SUN", "weekdays_only": True}, "weekdays_only", "no weekday"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused(changes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        check_timing(Timing(**({"interval": "day", "time_zone": _OSLO} | changes)))
    assert caught.value.field == field


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_a_schedule_of_the_usual_kind_is_taken(interval: Any) -> None:
    check_timing(Timing(interval, "America/New_York", weekdays_only=True))


def _report(*arguments: str) -> ReportType:
    types = {"date_from": "date", "date_to": "date", "time_from": "instant", "time_to": "instant"}
    header = ReportHeader.model_validate(
        {
            "title": "Calls",
            "description": "Calls.",
            "formats": ["csv"],
            "columns": {"calls": {"title": "Calls", "kind": "integer", "description": "Calls."}},
            "arguments": {
                name: {"type": types[name], "title": name, "description": name} for name in arguments
            },
        }
    )
    return ReportType("calls", header, "")


_DAYS, _TIMES = ("date_from", "date_to"), ("time_from", "time_to")
_HOUR = _span("2026-03-02T08:00", "2026-03-02T09:00")
_LAST_HOUR = _span("2026-03-01T23:00", "2026-03-02T00:00")
_WEEK = _span("2026-02-23", "2026-03-02")


@pytest.mark.parametrize(
    ("span", "arguments", "filters"),
    [
        (_WEEK, _DAYS, {"date_from": "2026-02-23", "date_to": "2026-03-01"}),
        (_WEEK, _DAYS + _TIMES, {"date_from": "2026-02-23", "date_to": "2026-03-01"}),
        (_WEEK, _TIMES, {"time_from": "2026-02-23T00:00", "time_to": "2026-03-02T00:00"}),
        (_WEEK, ("date_to",), {"date_to": "2026-03-01"}),
        (_WEEK, (), {}),
        (_HOUR, _TIMES, {"time_from": "2026-03-02T08:00", "time_to": "2026-03-02T09:00"}),
        (_HOUR, _DAYS + _TIMES, {"time_from": "2026-03-02T08:00", "time_to": "2026-03-02T09:00"}),
        (_HOUR, _DAYS, {"date_from": "2026-03-02", "date_to": "2026-03-02"}),
        (_LAST_HOUR, _DAYS, {"date_from": "2026-03-01", "date_to": "2026-03-01"}),
    ],
)
def test_a_period_is_asked_for_by_the_arguments_that_the_report_has(
    span: Span, arguments: tuple[str, ...], filters: dict[str, str]
) -> None:
    report = _report(*arguments)
    assert span.filters(report) == filters
    report.parse_filters(filters)
