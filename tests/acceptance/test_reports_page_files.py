"""The reports page makes files: asked for, followed, downloaded, cancelled, refused, failed."""

import hashlib
import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.acceptance.reports_page import YEAR, Bench, Visit, Visiting
from tests.api_server import EXPORTS, ask_export, wait_for

BRANDED, BUSY = "103", "104"
LEASE = timedelta(minutes=5)


def make(window: Visit, report: str, format_: str, **fields: str) -> Any:
    """Ask for a file in the dialog; the payload of what the API answers."""
    page = window.page
    page.locator("#new-export").click()
    page.locator("#export-type").select_option(report)
    page.locator("#export-format").select_option(format_)
    for name, value in fields.items():
        page.locator(f"#filter-{name}").fill(value)
    with page.expect_response(lambda one: one.request.method == "POST") as answered:
        page.locator("#export-make").click()
    return answered.value.json().get("data")


def test_a_file_is_made_and_downloaded(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    made = make(window, "bookings", "xlsx", status="COMPLETED")
    row = window.file(made["job_id"])
    expect(row.locator(".state")).to_have_text("Ready")
    expect(row).to_contain_text("Expires in")
    expect(window.page.locator("#announcements")).to_have_text("Bookings (XLSX) is ready to download.")
    job = bench.shown(key, f"v2/reports/exports/{made['job_id']}")
    assert job["filters"] == YEAR | {"status": "COMPLETED"}
    assert job["language"] == "en"
    with window.page.expect_download() as started:
        row.get_by_role("button", name="Download Bookings (XLSX)").click()
    content = Path(started.value.path()).read_bytes()
    assert hashlib.sha256(content).hexdigest() == job["sha256"]
    assert started.value.suggested_filename == job["file_name"]
    expect(window.page.locator("#announcements")).to_have_text("Bookings (XLSX) is downloaded.")


def test_progress_is_seen_while_a_file_is_made(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    with bench.worker.held(), bench.api.exports() as exports:
        made = make(window, "ratings", "csv")
        row = window.file(made["job_id"])
        expect(row.locator(".state")).to_have_text("Waiting")
        job = exports.jobs.claim("test", LEASE, made["job_id"])
        assert job is not None
        exports.jobs.heartbeat(job, LEASE, 620, 1000)
        expect(row.locator(".state")).to_have_text("In progress")
        expect(row).to_contain_text("620 of 1,000 rows")
        expect(row.locator("progress")).to_have_attribute("value", "62")
        exports.jobs.hand_back(job)
    expect(row.locator(".state")).to_have_text("Ready")
    asked = window.asked(f"v2/reports/exports/{made['job_id']}")
    window.page.wait_for_timeout(2500)
    assert len(window.asked(f"v2/reports/exports/{made['job_id']}")) == len(asked), "it had ended"


def test_polling_backs_off_while_nothing_changes(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    with bench.worker.held():
        made = make(window, "ratings", "csv")
        path = f"v2/reports/exports/{made['job_id']}"
        window.wait_until(lambda: len(window.asked_at(path)) >= 5)
        asked, begun = window.asked(path), window.asked_at(path)
    pauses = [after - before for before, after in pairwise(begun)]
    least = (1, 1, 1.5, 2.25)
    assert all(pause > wanted - 0.05 for pause, wanted in zip(pauses, least, strict=False)), pauses
    statuses = [answer.status for answer in (one.response() for one in asked) if answer]
    assert statuses == [200, 200, *[304] * (len(asked) - 2)]
    expect(window.file(made["job_id"]).locator(".state")).to_have_text("Ready")


def test_a_file_is_cancelled_once_that_is_confirmed(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    with bench.worker.held():
        made = make(window, "services", "pdf")
        row = window.file(made["job_id"])
        cancel = row.get_by_role("button", name="Cancel Services (PDF)")
        cancel.click()
        expect(window.page.locator("#cancel-dialog")).to_contain_text("“Services (PDF)” will not be made.")
        window.page.keyboard.press("Escape")
        expect(window.page.locator("#cancel-dialog")).to_be_hidden()
        expect(cancel).to_be_focused()
        assert bench.shown(key, f"v2/reports/exports/{made['job_id']}")["status"] == "pending"
        cancel.click()
        window.page.locator("#cancel-confirm").click()
        expect(row.locator(".state")).to_have_text("Cancelled")
        expect(row.get_by_role("button")).to_have_count(0)
    assert bench.shown(key, f"v2/reports/exports/{made['job_id']}")["status"] == "cancelled"


def test_a_file_that_had_ended_before_it_was_cancelled_says_so(
    visit: Visiting, bench: Bench, key: str
) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    with bench.worker.held():
        made = make(window, "services", "csv")
        row = window.file(made["job_id"])
        row.get_by_role("button", name="Cancel Services (CSV)").click()
        # The page does not learn of it before it cancels.
        window.page.route("**/reports/exports/*", lambda one: one.continue_() if is_delete(one) else None)
        with bench.api.exports() as exports:
            exports.run(made["job_id"])
        window.page.locator("#cancel-confirm").click()
        expect(row).to_contain_text("It had ended before it could be cancelled.")
    window.expect_status(409)


def is_delete(route: Route) -> bool:
    return route.request.method == "DELETE"


def test_a_failed_file_shows_why(visit: Visiting, bench: Bench) -> None:
    key = bench.api.new_key(BRANDED)
    (bench.brands / f"{BRANDED}.toml").write_text('color = "bluish"\n')
    window = visit(locale="nb-NO")
    window.sign_in(key, **YEAR)
    made = make(window, "revenue", "pdf")
    row = window.file(made["job_id"])
    expect(row.locator(".state")).to_have_text("Mislyktes")
    expect(row).to_contain_text("Verkstedets logo eller farger kan ikke brukes.")
    expect(row).to_contain_text(f"{BRANDED}.toml: color")
    expect(row.get_by_role("button")).to_have_count(0)


def test_fields_are_those_of_the_report_and_numbers_are_checked(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    page = window.page
    page.locator("#new-export").click()
    page.locator("#export-type").select_option("ratings")
    names = page.locator("#export-filters [id^=filter-]:is(input, select)").evaluate_all(
        "fields => fields.map(field => field.id)"
    )
    assert names == [f"filter-{name}" for name in (*YEAR, "rating_min", "rating_max", "only_public")]
    assert page.locator("#filter-date_from").input_value() == YEAR["date_from"]
    page.locator("#filter-rating_min").fill("four")
    page.locator("#export-make").click()
    expect(page.locator("#filter-rating_min")).to_be_focused()
    expect(page.locator("#filter-rating_min")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#filter-rating_min-error")).to_have_text("Enter a number, such as 4 or 4.5.")
    page.locator("#filter-rating_min").fill("4,5")
    page.locator("#filter-only_public").select_option("true")
    with page.expect_request(lambda one: one.method == "POST") as sent:
        page.locator("#export-make").click()
    assert sent.value.post_data_json is not None
    assert sent.value.post_data_json["filters"] == YEAR | {"rating_min": 4.5, "only_public": True}


def test_local_times_are_sent_and_a_thing_that_is_not_there_is_told_at_its_field(
    visit: Visiting, key: str
) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    times = {"time_from": "2026-01-05T08:00", "time_to": "2026-01-05T09:00"}
    with window.page.expect_request(lambda one: one.method == "POST") as sent:
        assert make(window, "queue_missed_calls", "csv", queue_id="7", **times) is None
    assert sent.value.post_data_json is not None
    assert sent.value.post_data_json["filters"] == YEAR | times | {"queue_id": "7"}
    expect(window.page.locator("#filter-queue_id")).to_have_attribute("aria-invalid", "true")
    window.page.locator("#filter-queue_id").fill("")
    with window.page.expect_response(lambda one: one.request.method == "POST") as answered:
        window.page.locator("#export-make").click()
    assert answered.value.status == 202
    window.expect_status(422)


def test_what_the_api_refuses_is_shown_at_its_field(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)

    def spoil(route: Route) -> None:
        body = route.request.post_data_json
        assert body is not None
        body["filters"]["rating_max"] = "many"
        route.continue_(post_data=json.dumps(body))

    window.page.route("**/reports/exports", spoil)
    assert make(window, "ratings", "csv", rating_max="5") is None
    expect(window.page.locator("#filter-rating_max")).to_be_focused()
    expect(window.page.locator("#filter-rating_max-error")).to_contain_text("rating_max is 'many'")
    expect(window.page.locator("#export-dialog")).to_be_visible()
    window.expect_status(422)


def test_a_request_whose_answer_was_lost_is_made_once(visit: Visiting, bench: Bench) -> None:
    key = bench.api.new_key("105")
    window = visit()
    window.sign_in(key, **YEAR)
    lost: list[int] = []

    def lose_first(route: Route) -> None:
        if lost or route.request.method != "POST":
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    window.page.route("**/reports/exports", lose_first)
    made = make(window, "ratings", "csv")
    assert lost == [202]
    jobs = bench.shown(key, "v2/reports/exports")["items"]
    assert [job["job_id"] for job in jobs] == [made["job_id"]]
    window.problems = [problem for problem in window.problems if "ERR_FAILED" not in problem]


def test_the_list_goes_on_where_it_ended(visit: Visiting, bench: Bench) -> None:
    key = bench.api.new_key(BUSY)
    with bench.worker.held(), bench.api.client(key=key) as client:
        made = [ask_export(client, filters={})["job_id"] for _ in range(23)]
        for job_id in made:
            client.delete(f"{EXPORTS}/{job_id}").raise_for_status()
    window = visit()
    window.sign_in(key)
    expect(window.page.locator(".file")).to_have_count(20)
    window.page.get_by_role("button", name="Show more").click()
    expect(window.page.locator(".file")).to_have_count(23)
    expect(window.page.locator("#files-more")).to_be_hidden()
    shown = window.page.locator(".file").evaluate_all("rows => rows.map(row => row.dataset.job)")
    assert shown == made[::-1]


def test_a_file_that_has_expired_meanwhile_says_so(visit: Visiting, bench: Bench, key: str) -> None:
    with bench.api.client(key=key) as client:
        job_id = ask_export(client, filters=YEAR)["job_id"]
        wait_for(client, job_id)
    window = visit()
    window.sign_in(key)
    row = window.file(job_id)
    expect(row.locator(".state")).to_have_text("Ready")
    with bench.api.records() as jobs:
        jobs.expire(job_id)
    row.get_by_role("button").click()
    expect(row.locator(".state")).to_have_text("Expired")
    expect(row).to_contain_text("The file has expired. Make it again.")
    expect(row.get_by_role("button")).to_have_count(0)
    window.expect_status(410)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=\"plain.csv\"; filename*=UTF-8''%C3%98rsta%20%231.csv", "Ørsta #1.csv"),
        ('attachment; filename="with \\"quotes\\".csv"', 'with "quotes".csv'),
        ("attachment; filename=bare.csv", "bare.csv"),
        ("attachment; filename*=UTF-8''%ff; filename=fallback.csv", "fallback.csv"),
        ("attachment", None),
    ],
)
def test_names_of_downloads(visit: Visiting, header: str, name: str | None) -> None:
    window = visit()
    window.open()
    found = window.page.evaluate(
        """async (header) => {
          const { fileName } = await import("/dashboard/reports/download.js");
          return fileName(header);
        }""",
        header,
    )
    assert found == name
