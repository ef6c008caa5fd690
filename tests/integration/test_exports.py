"""Exports from request to expiry on the sample: files, manifests, sums, tenants, S3, PostgreSQL."""

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.catalogue import RequestError
from exporters.database import DatabaseUnavailable
from exporters.expiry import Expired
from exporters.exports import Exports, open_exports
from exporters.formats import FORMATS
from exporters.formats.table import Column
from exporters.jobs import EventName, IllegalTransition, Job, Status
from exporters.storage import NotFoundError
from tests.exported import (
    FORMAT_NAMES,
    TYPES,
    check_failed,
    events_of,
    export,
    manifest_of,
    options_for,
    read,
    rows_of,
    stored_keys,
)
from tests.s3_server import S3Server
from warehouse.errors import NoGenerationError, UnknownWorkshopError
from warehouse.figures import Workshop, list_workshops, overview
from warehouse.generations import open_snapshot
from warehouse.period import ALL_TIME, Period

EMPTY_WORKSHOP = "103"
MONTH = {"date_from": "2026-01-01", "date_to": "2026-01-31"}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[Exports]:
    with open_exports(options_for(tmp_path_factory.mktemp("exports"), sample_data)) as opened:
        yield opened


@pytest.fixture(scope="module")
def workshops(sample_data: Path) -> dict[str, Workshop]:
    with open_snapshot(sample_data / "warehouse") as snapshot:
        return {workshop.workshop_id: workshop for workshop in list_workshops(snapshot.figures)}


def check_readable(data: bytes, format_: str, columns: tuple[Column, ...], rows: int) -> None:
    """Another program reads the file, and finds the header and that many rows."""
    titles = [column.title for column in columns]
    if format_ == "csv":
        header, *lines = csv.reader(io.StringIO(data.decode(), newline=""))
        assert (header, len(lines)) == (titles, rows)
    elif format_ == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True)["Data"]
        header, *cells = [list(row) for row in sheet.iter_rows(values_only=True)]
        assert (header, len(cells)) == (titles, rows)
    elif format_ == "parquet":
        read_rows = pq.read_table(io.BytesIO(data))
        assert (read_rows.column_names, read_rows.num_rows) == ([column.name for column in columns], rows)
    elif format_ == "html":
        text = data.decode()
        assert all(title in text for title in titles)
        assert text.endswith("</html>\n")
    else:
        text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
        for title in titles:
            assert title in text


def check_stored(exports: Exports, job: Job, workshop: Workshop, filters: dict[str, Any]) -> None:
    """The file is in the store as the record and the manifest say."""
    report, format_ = exports.catalogue[job.report_type], FORMATS[job.format]
    data = read(exports, job.file_key)
    check_readable(data, job.format, report.columns("en"), job.rows_written)
    assert (job.progress, job.size_bytes, job.sha256) == (100, len(data), hashlib.sha256(data).hexdigest())
    assert job.media_type == format_.media_type
    period = f"{filters.get('date_from', 'all')}-{filters.get('date_to', 'all')}"
    assert job.file_name == f"minbil-{job.report_type}-{period}.{format_.extension}"
    manifest = manifest_of(exports, job)
    created_at = datetime.fromisoformat(manifest.pop("created_at"))
    assert created_at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - created_at) < timedelta(minutes=5)
    assert manifest.pop("writer").startswith("workshop-reports ")
    # The sample has ratings with emoji, which no font of the PDF has.
    allowed = {"no_glyph"} if job.format == "pdf" else set()
    assert {note["what"] for note in manifest.pop("notes")} <= allowed
    filled, sums = manifest.pop("filled"), manifest.pop("sums")
    assert filled.keys() == report.header.columns.keys()
    assert all(count <= job.rows_written for count in filled.values())
    assert {c.name for c in report.columns("en") if c.total} <= set(sums) or not job.rows_written
    as_of = manifest.pop("data_as_of")
    assert as_of is not None
    assert datetime.fromisoformat(as_of) < created_at
    assert manifest == {
        "job_id": job.job_id,
        "attempt": 1,
        "workshop_id": workshop.workshop_id,
        "report_type": job.report_type,
        "format": job.format,
        "language": "en",
        "filters": filters,
        "time_zone": workshop.time_zone,
        "currency": workshop.currency,
        "generation": job.generation,
        "file_name": job.file_name,
        "media_type": job.media_type,
        "columns": list(report.header.columns),
        "rows_expected": job.rows_written,
        "rows_written": job.rows_written,
        "size_bytes": job.size_bytes,
        "sha256": job.sha256,
    }


@pytest.mark.parametrize("format_", FORMAT_NAMES)
@pytest.mark.parametrize("name", TYPES)
def test_each_type_in_each_format(
    exports: Exports, workshops: dict[str, Workshop], name: str, format_: str
) -> None:
    job = export(exports, "102", name, format_, **MONTH)
    assert job.rows_written > 0
    check_stored(exports, job, workshops["102"], MONTH)
    assert events_of(exports, job) == [EventName.CREATED, EventName.CLAIMED, EventName.COMPLETED]


@pytest.mark.parametrize("format_", FORMAT_NAMES)
@pytest.mark.parametrize("name", ["bookings", "ratings", "revenue"])
def test_nothing_to_tell_is_a_valid_file(
    exports: Exports, workshops: dict[str, Workshop], name: str, format_: str
) -> None:
    job = export(exports, EMPTY_WORKSHOP, name, format_)
    assert (job.status, job.rows_written, job.rows_expected) == (Status.COMPLETED, 0, 0)
    check_stored(exports, job, workshops[EMPTY_WORKSHOP], {})


def test_the_manifest_names_the_resolved_filters(exports: Exports) -> None:
    asked: dict[str, Any] = {
        "date_from": date(2025, 1, 1),
        "date_to": "",
        "rating_min": 2.5,
        "only_public": "TRUE",
    }
    job = export(exports, "101", "ratings", **asked)
    resolved = {"date_from": "2025-01-01", "rating_min": "2.5", "only_public": True}
    assert manifest_of(exports, job)["filters"] == resolved == job.filters
    assert job.file_name == "minbil-ratings-2025-01-01-all.csv"


def test_what_cannot_be_met_is_refused_before_it_is_recorded(fresh: Exports, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no report type 'invoices'"):
        fresh.request("101", "invoices", "csv", {})
    with pytest.raises(RequestError, match="does not come as 'docx'"):
        fresh.request("101", "bookings", "docx", {})
    with pytest.raises(RequestError, match="wings"):
        fresh.request("101", "bookings", "csv;wings", {})
    with pytest.raises(RequestError, match="language is 'fr'; it must be one of nb, sv, da, de, en"):
        fresh.request("101", "bookings", "csv", {}, language="fr")
    with pytest.raises(RequestError, match="its variables can be"):
        fresh.request("101", "bookings", "csv", {}, name_template="{secret}")
    for bad in ({"date_from": "2026-02-30"}, {"status": "a\0b"}, {"status": "\ud800"}, {"colour": "red"}):
        with pytest.raises(RequestError, match=next(iter(bad))):
            fresh.request("101", "bookings", "csv", bad)
    with pytest.raises(UnknownWorkshopError, match="999"):
        fresh.request("999", "bookings", "csv", {})
    with open_exports(options_for(tmp_path, tmp_path / "nothing")) as unbuilt:
        with pytest.raises(NoGenerationError, match="nothing is published here yet"):
            unbuilt.request("101", "bookings", "csv", {})
        assert unbuilt.run() is None
    assert fresh.jobs.list() == ()


def test_jobs_that_cannot_succeed_fail_at_once(fresh: Exports) -> None:
    for workshop_id, name, format_, filters, code in [
        ("999", "bookings", "csv", {}, "WORKSHOP_NOT_FOUND"),
        ("101", "invoices", "csv", {}, "UNSUPPORTED_TYPE"),
        ("101", "bookings", "docx", {}, "UNSUPPORTED_FORMAT"),
        ("101", "bookings", "csv", {"date_from": "soon"}, "VALIDATION_ERROR"),
    ]:
        recorded = fresh.jobs.create(workshop_id, name, format_, filters, max_attempts=3)
        job = fresh.run(recorded.job_id)
        assert job is not None
        check_failed(fresh, job, code)


def test_the_oldest_job_is_run_first(fresh: Exports) -> None:
    asked = [fresh.request("112", "services", "csv", {}).job_id for _ in range(3)]
    ran = [fresh.run() for _ in range(4)]
    assert [job and job.job_id for job in ran] == [*asked, None]


days = st.none() | st.dates(date(2024, 2, 15), date(2026, 3, 10))


@settings(max_examples=15, deadline=None)
@given(workshop_id=st.sampled_from([str(number) for number in range(101, 113)]), edges=st.tuples(days, days))
def test_sums_of_files_are_the_figures(
    exports: Exports, sample_data: Path, workshop_id: str, edges: tuple[date | None, date | None]
) -> None:
    if None not in edges:
        edges = (min(edges, key=str), max(edges, key=str))
    with open_snapshot(sample_data / "warehouse") as snapshot:
        figures = overview(snapshot.figures, workshop_id, Period(*edges))
    period: dict[str, Any] = dict(zip(("date_from", "date_to"), edges, strict=True))

    months = rows_of(exports, export(exports, workshop_id, "revenue", **period))
    assert sum(Decimal(row["Revenue"] or 0) for row in months) == figures.revenue
    assert sum(int(row["Done jobs"]) for row in months) == figures.done

    bookings = rows_of(exports, export(exports, workshop_id, "bookings", status="COMPLETED", **period))
    assert len(bookings) == figures.done
    assert sum(Decimal(row["Price"] or 0) for row in bookings) == figures.revenue

    ratings = [
        Decimal(row["Rating"]) for row in rows_of(exports, export(exports, workshop_id, "ratings", **period))
    ]
    assert len(ratings) == figures.rating_count
    mean = sum(ratings, Decimal(0)) / len(ratings) if ratings else None
    assert (mean and mean.quantize(Decimal("0.01"), ROUND_HALF_UP)) == figures.rating_average


def test_active_services_are_the_figure(
    exports: Exports, sample_data: Path, workshops: dict[str, Workshop]
) -> None:
    with open_snapshot(sample_data / "warehouse") as snapshot:
        figures = {name: overview(snapshot.figures, name, ALL_TIME).services for name in workshops}
    for workshop_id, services in figures.items():
        job = export(exports, workshop_id, "services", is_active=True)
        assert len(rows_of(exports, job)) == services > 0


@pytest.fixture(scope="module")
def owners(sample_data: Path) -> dict[str, str]:
    """The workshop of each booking."""
    with open_snapshot(sample_data / "warehouse") as snapshot:
        return dict(snapshot.rows("select booking_id, workshop_id from bookings"))


@settings(max_examples=12, deadline=None)
@given(
    workshop_id=st.sampled_from([str(number) for number in range(101, 113)]),
    name=st.sampled_from(["bookings", "ratings"]),
    since=days,
)
def test_no_file_holds_a_row_of_another_workshop(
    exports: Exports, owners: dict[str, str], workshop_id: str, name: str, since: date | None
) -> None:
    rows = rows_of(exports, export(exports, workshop_id, name, date_from=since))
    assert {owners[row["Booking"]] for row in rows} <= {workshop_id}
    if since is None and name == "bookings":
        assert len(rows) == list(owners.values()).count(workshop_id)


@pytest.mark.parametrize(
    ("language", "title", "word"),
    [
        ("nb", "Bestillinger", "Verksted"),
        ("sv", "Bokningar", "Verkstad"),
        ("da", "Bookinger", "Værksted"),
        ("de", "Buchungen", "Werkstatt"),
        ("en", "Bookings", "Workshop"),
    ],
)
def test_a_file_speaks_the_language_asked(exports: Exports, language: str, title: str, word: str) -> None:
    asked = exports.request("102", "bookings", "html", MONTH, language=language)
    job = exports.run(asked.job_id)
    assert job is not None
    text = read(exports, job.file_key).decode()
    assert f'<html lang="{language}' in text
    assert title in text
    assert word in text
    assert manifest_of(exports, job)["language"] == language


def test_a_file_is_named_by_the_template_asked(exports: Exports) -> None:
    template = "{name} / {type} {cvr}{date_from}"
    asked = exports.request("102", "revenue", "csv;excel-nb;gzip", MONTH, name_template=template)
    job = exports.run(asked.job_id)
    assert job is not None
    assert re.fullmatch(r".+ _ revenue [0-9-]+2026-01-01\.csv\.gz", job.file_name or "")
    assert job.media_type == "application/gzip"
    assert gzip.decompress(read(exports, job.file_key)).startswith(b"\xef\xbb\xbfMonth;Done jobs;Revenue\r\n")


def test_a_brand_is_in_the_file_and_a_broken_one_fails_the_job(tmp_path: Path, sample_data: Path) -> None:
    brands = tmp_path / "brands"
    brands.mkdir()
    (brands / "default.toml").write_text('footer = "Everybody"')
    (brands / "101.toml").write_text('color = "#aa3300"\nfooter = "Org. no. 987 654 321"')
    (brands / "102.toml").write_text('color = "red"')
    with open_exports(options_for(tmp_path, sample_data, brand_folder=brands)) as exports:
        own = read(exports, export(exports, "101", "revenue", "html").file_key).decode()
        others = read(exports, export(exports, "103", "revenue", "html").file_key).decode()
        broken = export(exports, "102", "revenue", "html")
    assert "Org. no. 987 654 321" in own
    assert "#aa3300" in own
    assert "Everybody" in others
    assert (broken.status, broken.error_code) == (Status.FAILED, "BRAND_BROKEN")
    assert "102.toml: color" in (broken.error_message or "")


def test_a_lost_answer_to_completing_keeps_the_file(fresh: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = fresh.jobs.complete

    def lose_the_answer(*arguments: Any, **values: Any) -> Job:
        complete(*arguments, **values)
        raise DatabaseUnavailable("the server was lost during the commit")

    monkeypatch.setattr(fresh.jobs, "complete", lose_the_answer)
    job = export(fresh, "112", "revenue")
    assert job.status is Status.COMPLETED
    assert rows_of(fresh, job)
    assert manifest_of(fresh, job)["sha256"] == job.sha256


def test_completing_out_of_reach_is_tried_again(fresh: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    complete, refusals = fresh.jobs.complete, [DatabaseUnavailable("no answer")]

    def refuse_once(*arguments: Any, **values: Any) -> Job:
        if refusals:
            raise refusals.pop()
        return complete(*arguments, **values)

    monkeypatch.setattr(fresh.jobs, "complete", refuse_once)
    job = export(fresh, "112", "revenue")
    assert (job.status, job.attempt) == (Status.COMPLETED, 2)
    assert len(stored_keys(fresh)) == 4
    assert fresh.expire() == Expired(jobs=0, leftovers=2)
    assert stored_keys(fresh) == [job.file_key, job.manifest_key]


def test_expiry_removes_the_file_and_keeps_the_record(tmp_path: Path, sample_data: Path) -> None:
    with open_exports(options_for(tmp_path, sample_data, retention=timedelta(0))) as exports:
        due = export(exports, "101", "revenue")
        assert rows_of(exports, due)
        with open_exports(options_for(tmp_path, sample_data)) as longer:
            kept = export(longer, "101", "revenue", "xlsx")
        waiting = exports.request("101", "revenue", "csv", {})
        assert exports.expire() == Expired(jobs=1, leftovers=0)
        for key in (due.file_key, due.manifest_key):
            with pytest.raises(NotFoundError):
                read(exports, key)
        gone = exports.jobs.get(due.job_id)
        assert gone == replace(due, status=Status.EXPIRED, file_key=None)
        assert events_of(exports, due)[-1] is EventName.EXPIRED
        assert stored_keys(exports) == [kept.file_key, kept.manifest_key]
        assert exports.jobs.get(waiting.job_id).status is Status.PENDING
        assert exports.expire() == Expired(jobs=0, leftovers=0)
        assert exports.jobs.get(due.job_id) == gone
        with pytest.raises(IllegalTransition):
            exports.jobs.expire(due.job_id)


def test_an_expiry_that_was_cut_short_is_finished_by_the_next(fresh: Exports) -> None:
    job = export(fresh, "101", "revenue")
    fresh.jobs.expire(job.job_id)  # where a killed process stops: the record is changed, the files are not
    assert stored_keys(fresh) == [job.file_key, job.manifest_key]
    assert fresh.expire() == Expired(jobs=0, leftovers=2)
    assert stored_keys(fresh) == []


def test_expiry_leaves_alone_what_no_run_wrote(fresh: Exports) -> None:
    for key in ("exports/readme.txt", "elsewhere/1/2/3/4.csv"):
        with fresh.store.writer(key) as out:
            out.write(b"x")
    assert fresh.expire() == Expired(jobs=0, leftovers=0)
    assert stored_keys(fresh) == ["elsewhere/1/2/3/4.csv", "exports/readme.txt"]


def test_a_file_lies_under_its_workshop_job_and_try(fresh: Exports) -> None:
    job = export(fresh, "102", "bookings", "pdf", **MONTH)
    assert job.file_key == f"exports/102/{job.job_id}/1/minbil-bookings-2026-01-01-2026-01-31.pdf"
    assert job.manifest_key == f"{job.file_key}.manifest.json"


def test_on_s3(
    tmp_path: Path, sample_data: Path, s3_server: S3Server, workshops: dict[str, Workshop]
) -> None:
    place = {"store_url": f"s3://{s3_server.bucket}/exported", "s3": s3_server.options()}
    with open_exports(options_for(tmp_path, sample_data, retention=timedelta(0), **place)) as exports:
        jobs = [export(exports, "102", name, form, **MONTH) for name in TYPES for form in FORMAT_NAMES]
        for job in jobs:
            check_stored(exports, job, workshops["102"], MONTH)
        stored = [key for job in jobs for key in (job.file_key, job.manifest_key)]
        assert s3_server.names("exported/") == sorted(f"exported/{key}" for key in stored)
        assert exports.expire() == Expired(jobs=len(jobs), leftovers=0)
        assert s3_server.names("exported/") == []


def test_a_wrong_secret_is_told_and_kept(
    tmp_path: Path, sample_data: Path, s3_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "wrong-secret-of-the-bucket"
    place = {
        "store_url": f"s3://{s3_server.bucket}/wrong",
        "s3": s3_server.options(secret_key=wrong),
    }
    caplog.set_level("DEBUG", "exporters")
    with open_exports(options_for(tmp_path, sample_data, **place)) as exports:
        job = export(exports, "102", "revenue")
        told = f"{job!r} {exports.jobs.events(job.job_id)!r} {caplog.text}"
    assert (job.status, job.error_code) == (Status.FAILED, "STORE_FAILED")
    assert "refused (SignatureDoesNotMatch). Check the keys" in (job.error_message or "")
    records = b"".join(path.read_bytes() for path in tmp_path.glob("jobs.db*"))
    for secret in (wrong, s3_server.secret_key):
        assert secret not in told
        assert secret.encode() not in records
    assert job.job_id.encode() in records
    assert s3_server.names("wrong/") == []


def test_records_in_postgresql(
    tmp_path: Path, sample_data: Path, new_pg_url: Callable[[], str], workshops: dict[str, Workshop]
) -> None:
    url = new_pg_url()
    with open_exports(options_for(tmp_path, sample_data, jobs_url=url, retention=timedelta(0))) as exports:
        for name in TYPES:
            job = export(exports, "102", name, **MONTH)
            check_stored(exports, job, workshops["102"], MONTH)
            assert events_of(exports, job) == [EventName.CREATED, EventName.CLAIMED, EventName.COMPLETED]
        failing = exports.jobs.create("102", "invoices", "csv", {}, max_attempts=2)
        failed = exports.run(failing.job_id)
        assert failed is not None
        assert (failed.status, failed.error_code) == (Status.FAILED, "UNSUPPORTED_TYPE")
        assert exports.expire() == Expired(jobs=len(TYPES), leftovers=0)
        assert stored_keys(exports) == []
    assert not (tmp_path / "jobs.db").exists()
