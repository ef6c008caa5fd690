"""The telephony pack, a domain of SQL alone: loaded by the night, its reports worked out from the files."""

import csv
import io
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from exporters.catalogue import RequestError, check_language
from exporters.exports import Exports, open_exports
from exporters.jobs import Status
from exporters.report_types import company_types, list_entities
from tests.built import ROOT, build_once, run_night
from tests.exported import export, manifest_of, options_for, read
from warehouse.generations import Snapshot, open_snapshot

FILES = ROOT / "samples" / "telephony"
ZONES = {"101": "Europe/Oslo", "102": "America/New_York", "901": "Europe/Helsinki"}
CLOCKS_GO_BACK = {"101": "2025-10-26", "102": "2025-11-02", "901": "2025-10-26"}
MISSED = {"ABANDONED", "TIMEOUT", "OVERFLOW"}
REPORTS = ("queue_missed_calls", "queue_report_per_day", "queue_member_report_per_hour")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """A good call of the files."""

    workshop: str
    id: str
    queue: str
    caller: str
    begun: datetime
    status: str
    member: str
    wait: int
    talk: int

    @property
    def local(self) -> datetime:
        return self.begun.astimezone(ZoneInfo(ZONES[self.workshop])).replace(tzinfo=None)


def read_csv(name: str) -> list[dict[str, str]]:
    with (FILES / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_calls() -> tuple[list[Call], set[tuple[str, str]]]:
    """The calls that count, and the keys of those that break a rule."""
    newest: dict[tuple[str, str], dict[str, str]] = {}
    for row in [*read_csv("calls/2025-10.csv"), *read_csv("calls/2025-11.csv")]:
        key = (row["workshop_id"], row["id"])
        if key not in newest or row["updated_at"] >= newest[key]["updated_at"]:
            newest[key] = row
    queues = {
        (row["workshop_id"], row["id"]) for row in read_csv("queues.csv") if row["workshop_id"] in ZONES
    }
    good, bad = [], set()
    for key, row in newest.items():
        try:
            begun = datetime.strptime(row["started_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            wait, talk = int(row["wait_seconds"]), int(row["talk_seconds"])
        except ValueError:
            bad.add(key)
            continue
        if (key[0], row["queue_id"]) not in queues or min(wait, talk) < 0 or not row["status"]:
            bad.add(key)
            continue
        who, ended, member = row["caller_number"], row["status"], row["member_id"]
        good.append(Call(*key, row["queue_id"], who, begun, ended, member, wait, talk))
    return sorted(good, key=lambda call: (call.begun, call.id)), bad


CALLS, BROKEN = read_calls()
QUEUES = {(row["workshop_id"], row["id"]): row["name"] for row in read_csv("queues.csv")}
MEMBERS = {
    (row["workshop_id"], row["queue_id"], row["member_id"]): row["name"]
    for row in read_csv("queue_members.csv")
}


def missed_calls(calls: list[Call]) -> Rows:
    return [
        {
            "call_time": call.local,
            "queue": QUEUES[call.workshop, call.queue],
            "caller_number": call.caller or None,
            "status": call.status,
            "wait_seconds": call.wait,
        }
        for call in sorted(calls, key=lambda call: (call.local.date(), call.begun, call.id))
        if call.status in MISSED
    ]


def per_day(calls: list[Call]) -> Rows:
    groups = defaultdict(list)
    for call in calls:
        groups[QUEUES[call.workshop, call.queue], call.queue, call.local.date()].append(call)
    return [
        {
            "queue": name,
            "day": day,
            "calls": len(group),
            "answered": sum(call.status == "ANSWERED" for call in group),
            "missed": sum(call.status in MISSED for call in group),
            "average_wait": Decimal(sum(call.wait for call in group)) / len(group),
            "longest_wait": max(call.wait for call in group),
            "talk_seconds": sum(call.talk for call in group),
        }
        for (name, _, day), group in sorted(groups.items())
    ]


def per_hour(calls: list[Call]) -> Rows:
    groups = defaultdict(list)
    for call in calls:
        if call.status == "ANSWERED":
            name = MEMBERS.get((call.workshop, call.queue, call.member), call.member)
            groups[name, call.member, call.local.replace(minute=0, second=0)].append(call)
    return [
        {
            "member": name,
            "member_id": member,
            "hour": hour,
            "answered": len(group),
            "average_wait": Decimal(sum(call.wait for call in group)) / len(group),
            "talk_seconds": sum(call.talk for call in group),
            "longest_talk": max(call.talk for call in group),
        }
        for (name, member, hour), group in sorted(groups.items())
    ]


EXPECTED: dict[str, Callable[[list[Call]], Rows]] = dict(
    zip(REPORTS, (missed_calls, per_day, per_hour), strict=True)
)


def assert_equal(written: Rows, expected: Rows) -> None:
    """Equal, but for an average's rounding to one decimal."""
    assert len(written) == len(expected)
    for row, meant in zip(written, expected, strict=True):
        if "average_wait" in row:
            assert abs(row.pop("average_wait") - meant.pop("average_wait")) <= Decimal("0.05")
        assert row == meant


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, sample_files: Path) -> Path:
    """Data folder of a night on the sample and the telephony files."""

    def build(folder: Path) -> None:
        root = folder / "sources"
        shutil.copytree(sample_files, root / "sample")
        shutil.copytree(FILES, root / "telephony")
        run_night(folder, SOURCES="sample,telephony", SOURCE_ROOT=str(root))

    return build_once(tmp_path_factory, "telephony_data", build)


@pytest.fixture(scope="module")
def snapshot(loaded: Path) -> Iterator[Snapshot]:
    with open_snapshot(loaded / "warehouse") as opened:
        yield opened


@pytest.fixture(scope="module")
def exports(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exports]:
    with open_exports(options_for(tmp_path_factory.mktemp("telephony"), loaded)) as opened:
        yield opened


def make(exports: Exports, workshop: str, name: str, **filters: Any) -> Rows:
    """The rows of the report's Parquet file, under the names of its columns."""
    job = export(exports, workshop, name, "parquet", **filters)
    assert job.status is Status.COMPLETED, job
    table = pq.read_table(io.BytesIO(read(exports, job.file_key)))
    rows = table.rename_columns(list(exports.catalogue[name].header.columns)).to_pylist()
    return [
        {
            key: value.replace(tzinfo=None) if isinstance(value, datetime) else value
            for key, value in row.items()
        }
        for row in rows
    ]


def test_the_night_sets_aside_what_breaks_a_rule_and_warns_of_the_rest(snapshot: Snapshot) -> None:
    told = snapshot.rows(
        "select entity, key, reason from quarantine where source = 'telephony' and stage = 'entity'"
    )
    assert {(row[1], row[2]) for row in told} == {
        ('{"workshop_id":"101","call_id":"q1"}', "queue 9 is unknown at workshop 101"),
        ('{"workshop_id":"101","call_id":"q2"}', "talk_seconds -35 is negative"),
        ('{"workshop_id":"101","call_id":"q3"}', "started_at '2025-10-32T09:00:00Z' is not TIMESTAMP"),
        ('{"workshop_id":"101","call_id":"q4"}', "wait_seconds 'soon' is not BIGINT"),
        ('{"workshop_id":"102","call_id":"q1"}', "queue 3 is unknown at workshop 102"),
        ('{"workshop_id":"102","call_id":"q2"}', "wait_seconds -4 is negative"),
        ('{"workshop_id":"901","call_id":"q1"}', "status is missing"),
        ('{"workshop_id":"999","call_id":"q1"}', "workshop 999 is unknown"),
        ('{"workshop_id":"999","queue_id":"1"}', "workshop 999 is unknown"),
        ('{"workshop_id":"101","queue_id":"7","member_id":"201"}', "queue 7 is unknown at workshop 101"),
    }
    assert len(BROKEN) == sum(row[0] == "calls" for row in told) == 8
    [loaded] = snapshot.rows(
        "select rows_in, loaded, duplicate, quarantined from load_report"
        " where source = 'telephony' and entity = 'calls' and stage = 'entity'"
    )
    assert loaded == (len(CALLS) + len(BROKEN), len(CALLS), 0, len(BROKEN))
    warned = snapshot.rows(
        "select check_name, broken_rows from check_report where model = 'calls' and broken_rows > 0"
    )
    assert dict(warned) == {"status_is_known": 1, "member_is_known": 1}


@pytest.mark.parametrize("workshop", ZONES)
@pytest.mark.parametrize("name", REPORTS)
def test_reports_hold_what_the_files_say(exports: Exports, name: str, workshop: str) -> None:
    own = [call for call in CALLS if call.workshop == workshop]
    assert_equal(make(exports, workshop, name), EXPECTED[name](own))
    days = ("2025-10-25", "2025-11-03")
    within = [call for call in own if days[0] <= str(call.local.date()) <= days[1]]
    assert 0 < len(within) < len(own)
    asked = {"date_from": days[0], "date_to": days[1]}
    assert_equal(make(exports, workshop, name, **asked), EXPECTED[name](within))
    for queue in [queue for shop, queue in QUEUES if shop == workshop]:
        calls = [call for call in within if call.queue == queue]
        assert_equal(make(exports, workshop, name, **asked, queue_id=queue), EXPECTED[name](calls))


@pytest.mark.parametrize("workshop", ZONES)
def test_the_hours_of_the_night_on_which_clocks_go_back(exports: Exports, workshop: str) -> None:
    """Each call is in exactly one hour of the day, those of the doubled hour together."""
    day = CLOCKS_GO_BACK[workshop]
    own = [call for call in CALLS if call.workshop == workshop and str(call.local.date()) == day]
    assert max(b.begun - a.begun for a in own for b in own) > timedelta(hours=24)  # the day has 25
    midnight = datetime.fromisoformat(day)
    doubled = 0
    found: Rows = []
    for hour in range(24):
        begin, end = (midnight + timedelta(hours=hour + more) for more in (0, 1))
        asked = {
            "time_from": begin.isoformat(timespec="minutes"),
            "time_to": end.isoformat(timespec="minutes"),
        }
        calls = [call for call in own if begin <= call.local < end]
        doubled += len({call.begun.hour for call in calls}) == 2
        rows = make(exports, workshop, "queue_member_report_per_hour", **asked)
        assert_equal(rows, per_hour(calls))
        found += make(exports, workshop, "queue_missed_calls", **asked)
    assert doubled == 1
    assert found == make(exports, workshop, "queue_missed_calls", date_from=day, date_to=day) != []


@pytest.mark.parametrize("format_", ["csv", "xlsx", "pdf", "html", "parquet"])
@pytest.mark.parametrize("name", REPORTS)
def test_reports_come_in_every_format_and_language(exports: Exports, name: str, format_: str) -> None:
    expected = len(EXPECTED[name]([call for call in CALLS if call.workshop == "101"]))
    for language in ("nb", "sv", "da", "de", "en"):
        asked = exports.request("101", name, format_, {}, language=language)
        job = exports.run(asked.job_id)
        assert job is not None
        assert job.status is Status.COMPLETED
        manifest = manifest_of(exports, job)
        assert (manifest["rows_expected"], manifest["rows_written"]) == (expected, expected)
        content = read(exports, job.file_key)
        assert len(content) == job.size_bytes
        if format_ in {"csv", "html"}:
            for column in exports.catalogue[name].columns(check_language(language)):
                assert column.title in content.decode()


def test_tenants_are_apart(exports: Exports, snapshot: Snapshot) -> None:
    report = exports.catalogue["queue_missed_calls"]
    for workshop in ZONES:
        own = {(id_, name) for (shop, id_), name in QUEUES.items() if shop == workshop}
        assert set(list_entities(snapshot, report, "queue_id", workshop)) == own
    callers = {
        workshop: {row["caller_number"] for row in make(exports, workshop, report.name)} - {None}
        for workshop in ZONES
    }
    assert all(callers.values())
    assert not callers["101"] & callers["102"]
    assert make(exports, "101", report.name, queue_id="1") != make(exports, "102", report.name, queue_id="1")
    with pytest.raises(
        RequestError, match="queue_id is '3'; the workshop has no pbx_queue of that id"
    ) as caught:
        exports.request("102", report.name, "csv", {"queue_id": "3"})
    assert caught.value.code == "VALIDATION_ERROR"
    assert make(exports, "103", report.name) == []


def test_the_company_type_has_the_three_options(exports: Exports) -> None:
    type_ = company_types(exports.catalogue)["1"]
    assert (type_.name, type_.class_name, type_.group) == ("Queue - Missed", "ReportQueueMissed", "queue")
    assert {option: report.name for option, report in type_.reports.items()} == {
        None: "queue_missed_calls",
        "missedCalls": "queue_missed_calls",
        "queueRapportPerDay": "queue_report_per_day",
        "memberRapportPerHour": "queue_member_report_per_hour",
    }
