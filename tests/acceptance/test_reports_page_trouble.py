"""The reports page in trouble: limits, lost connections, errors; and what it is served with."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Route, expect

from tests.acceptance.reports_page import PATH, YEAR, Bench, Visiting, check_figures, open_visit
from tests.api_server import ask_export, run_api, wait_for

_STORED = b"a,b\r\n1,2\r\n"


def test_too_many_requests_are_waited_for(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key)
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        body = json.dumps({"error": {"code": "RATE_LIMITED", "message": "too many", "details": {}}})
        route.fulfill(status=429, headers={"Retry-After": "2"}, content_type="application/json", body=body)

    window.page.route("**/reports/overview*", refuse_once)
    window.page.get_by_role("button", name="All time").click()
    expect(window.page.locator("#notice")).to_have_text(
        "Too many requests just now. Trying again in 2 seconds."
    )
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
    window.sign_in(key)
    codes = ["NO_DATA", "DATA_UNAVAILABLE"]

    def refuse(route: Route) -> None:
        if not codes:
            route.continue_()
            return
        body = json.dumps({"error": {"code": codes.pop(), "message": "not now", "details": {}}})
        route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/json", body=body)

    window.page.route("**/reports/overview*", refuse)
    window.page.locator("#presets button").last.click()
    expect(window.page.locator("#announcements")).to_have_text(
        "Tjenesten er opptatt. Prøver igjen om 1 sekund."
    )
    expect(window.page.locator("#figures-error-text")).to_contain_text("Det er ingen data ennå.")
    window.page.locator("#figures-retry").click()
    check_figures(window, bench, key)
    window.expect_status(503)


def test_a_quota_that_is_used_up_is_told_in_the_dialog(
    browser: Browser, sample_data: Path, tmp_path: Path
) -> None:
    with run_api(sample_data, tmp_path, PENDING_QUOTA="1") as api, open_visit(browser, api.url) as window:
        key = api.new_key("101")
        with api.client(key=key) as client:
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


@dataclass
class OtherOrigin:
    """A store of another origin, which answers pages as S3 does where the bucket's CORS rules let them in."""

    url: str
    calls: list[tuple[str, Message]]
    """Method and headers of each."""


@contextmanager
def run_store(page_origin: str) -> Iterator[OtherOrigin]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            store.calls.append((self.command, self.headers))
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", page_origin)
            self.send_header("Access-Control-Allow-Headers", "x-workshop-id")
            self.end_headers()
            self.wfile.write(b"" if self.command == "OPTIONS" else _STORED)

        do_OPTIONS = do_GET  # noqa: N815  the name that the server asks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        store = OtherOrigin(f"http://127.0.0.1:{server.server_address[1]}", [])
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield store
        finally:
            server.shutdown()


def test_a_download_is_followed_to_the_store_without_the_key(visit: Visiting, bench: Bench, key: str) -> None:
    with bench.api.client(key=key) as client:
        job_id = ask_export(client, filters=YEAR)["job_id"]
        file_name = wait_for(client, job_id)["file_name"]
    with run_store(bench.api.url) as store:
        window = visit()
        # The browser takes a page that is changed on its way for one from outside this machine.
        window.page.context.grant_permissions(["local-network-access"])

        def allow_store(route: Route) -> None:
            page = route.fetch()
            policy = page.headers["content-security-policy"]
            allowed = policy.replace("connect-src 'self'", f"connect-src 'self' {store.url}")
            route.fulfill(response=page, headers=page.headers | {"content-security-policy": allowed})

        window.page.route(f"**{PATH}?*", allow_store)
        link = f"{store.url}/bucket/file?X-Amz-Signature=abc"
        window.page.route("**/download", lambda route: route.fulfill(status=307, headers={"Location": link}))
        window.sign_in(key, **YEAR)
        with window.page.expect_download() as started:
            window.file(job_id).get_by_role("button").click()
        assert started.value.suggested_filename == file_name
        assert Path(started.value.path()).read_bytes() == _STORED
    method, headers = store.calls[-1]
    assert method == "GET"
    assert "Authorization" not in headers
    assert headers["Origin"] == bench.api.url
    window.problems = [problem for problem in window.problems if link not in problem]
