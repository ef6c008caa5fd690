"""The reports page in trouble: limits, lost connections, errors; and what it is served with."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.acceptance.reports_page import PATH, YEAR, Bench, Visiting, check_figures, open_visit
from tests.api_server import ApiServer, ask_export, run_api, wait_for
from tests.s3_server import S3Server


def test_too_many_requests_are_waited_for(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.page.clock.install()
    window.sign_in(key)
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        body = json.dumps({"error": {"code": "RATE_LIMITED", "message": "too many", "details": {}}})
        route.fulfill(status=429, headers={"Retry-After": "90"}, content_type="application/json", body=body)

    window.page.route("**/reports/overview*", refuse_once)
    window.page.get_by_role("button", name="All time").click()
    expect(window.page.locator("#notice")).to_have_text(
        "Too many requests just now. Trying again in 90 seconds."
    )
    window.page.clock.fast_forward(90_000)
    expect(window.page.locator("#notice")).to_be_hidden()
    check_figures(window, bench, key)
    window.expect_status(429)


def test_a_lost_connection_is_told_and_come_back_from(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key)
    window.page.context.set_offline(True)
    window.page.get_by_role("button", name="All time").click()
    expect(window.page.locator("#notice")).to_contain_text("No connection.")
    window.page.context.set_offline(False)
    expect(window.page.locator("#notice")).to_be_hidden()
    check_figures(window, bench, key)
    window.problems = [problem for problem in window.problems if "ERR_INTERNET_DISCONNECTED" not in problem]


def test_an_answer_that_is_an_error_can_be_asked_for_again(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key)
    window.page.route("**/reports/overview*", lambda route: route.fulfill(status=500, body="<html>"))
    window.page.get_by_role("button", name="This year").click()
    expect(window.page.locator("#figures-error-text")).to_have_text(
        "The server could not answer. Try again in a while."
    )
    expect(window.page.locator("#figures")).to_be_hidden()
    window.page.unroute("**/reports/overview*")
    window.page.locator("#figures-retry").click()
    expect(window.card("done")).to_be_visible()
    expect(window.page.locator("#figures-error")).to_be_hidden()
    window.expect_status(500)


def test_a_server_that_is_busy_is_waited_for_but_not_one_without_data(
    visit: Visiting, bench: Bench, key: str
) -> None:
    window = visit(locale="nb-NO")
    window.page.clock.install()
    window.sign_in(key)
    codes = ["NO_DATA", "DATA_UNAVAILABLE"]

    def refuse(route: Route) -> None:
        if not codes:
            route.continue_()
            return
        body = json.dumps({"error": {"code": codes.pop(), "message": "not now", "details": {}}})
        route.fulfill(status=503, headers={"Retry-After": "90"}, content_type="application/json", body=body)

    window.page.route("**/reports/overview*", refuse)
    window.page.locator("#presets button").last.click()
    expect(window.page.locator("#announcements")).to_have_text(
        "Tjenesten er opptatt. Prøver igjen om 90 sekunder."
    )
    window.page.clock.fast_forward(90_000)
    expect(window.page.locator("#figures-error-text")).to_contain_text("Det er ingen data ennå.")
    window.page.locator("#figures-retry").click()
    check_figures(window, bench, key)
    window.expect_status(503)


@pytest.fixture(scope="module")
def narrow_api(
    sample_data: Path, tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server
) -> Iterator[ApiServer]:
    """One report of a workshop may wait, and the files are in a store that links lead to."""
    settings = {
        "PENDING_QUOTA": "1",
        "STORE_URL": f"s3://{s3_server.bucket}/page",
        "S3_ENDPOINT": s3_server.endpoint_url,
        "S3_ACCESS_KEY": s3_server.access_key,
        "S3_SECRET_KEY": s3_server.secret_key,
        "LINK_SECONDS": "60",
    }
    with run_api(sample_data, tmp_path_factory.mktemp("narrow"), **settings) as api:
        yield api


def test_a_quota_that_is_used_up_is_told_in_the_dialog(browser: Browser, narrow_api: ApiServer) -> None:
    with open_visit(browser, narrow_api.url) as window:
        key = narrow_api.new_key("102")
        with narrow_api.client(key=key) as client:
            ask_export(client)
        window.sign_in(key)
        window.page.locator("#new-export").click()
        window.page.locator("#export-make").click()
        expect(window.page.locator("#export-error")).to_have_text(
            "The queue is full: 1 of 1 reports wait. Try again when some are made, or cancel some."
        )
        expect(window.page.locator("#export-dialog")).to_be_visible()
        window.expect_status(429)


def test_only_the_page_itself_is_served(bench: Bench) -> None:
    with bench.api.client("101") as client:
        page = client.get(PATH)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
            " require-trusted-types-for 'script'; trusted-types 'none'"
        )
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "camera=()" in page.headers["permissions-policy"]
        known = client.get(PATH, headers={"If-None-Match": page.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        script = client.get(f"{PATH}/main.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.headers["content-security-policy"] == page.headers["content-security-policy"]
        for name in ("none.js", "index.html", "..%2Fcli.py", "%2e%2e/cli.py", "__init__.py"):
            assert client.get(f"{PATH}/{name}").status_code == 404


def test_a_download_is_followed_to_the_store_without_the_key(
    browser: Browser, narrow_api: ApiServer, s3_server: S3Server
) -> None:
    with open_visit(browser, narrow_api.url) as window:
        key = narrow_api.new_key("101")
        with narrow_api.client(key=key) as client:
            job_id = ask_export(client, filters=YEAR)["job_id"]
            narrow_api.run(job_id)
            job = wait_for(client, job_id)
        window.sign_in(key, **YEAR)
        with window.page.expect_download() as started:
            window.file(job_id).get_by_role("button").click()
        assert started.value.suggested_filename == job["file_name"]
        assert hashlib.sha256(Path(started.value.path()).read_bytes()).hexdigest() == job["sha256"]
        [fetched] = [one for one in window.requests if one.url.startswith(s3_server.endpoint_url)]
        assert "authorization" not in fetched.all_headers()
        window.problems = [problem for problem in window.problems if fetched.url not in problem]
