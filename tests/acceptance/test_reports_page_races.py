"""The reports page when answers cross: what is shown is what was asked for last."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Route, expect

from tests.acceptance.reports_page import Bench, Visiting
from tests.api_server import EXPORTS, ask_export

_WAITING = 20


@pytest.fixture
def own_key(bench: Bench) -> Iterator[str]:
    """Of a workshop without files; what is asked for with it does not begin."""
    key = bench.api.new_key("106")
    with bench.worker.held():
        yield key
        with bench.api.client(key=key) as client:
            for job in client.get(EXPORTS, params={"limit": 100}).json()["data"]["items"]:
                client.delete(f"{EXPORTS}/{job['job_id']}")


def test_a_cancelled_file_is_asked_about_no_more(visit: Visiting, own_key: str) -> None:
    window = visit()
    window.sign_in(own_key)
    window.page.locator("#new-export").click()
    window.page.locator("#export-make").click()
    window.page.locator('[data-action="cancel"]').click()
    window.page.locator("#cancel-confirm").click()
    row = window.page.locator('li[data-status="cancelled"]')
    row.wait_for()
    path = f"v2/reports/exports/{row.get_attribute('data-job')}"
    asked = len(window.asked(path))
    window.page.wait_for_timeout(1500)
    assert len(window.asked(path)) == asked
    assert window.problems == []


def test_files_are_named_in_the_language_that_was_chosen_last(
    visit: Visiting, bench: Bench, own_key: str
) -> None:
    with bench.api.client(key=own_key) as client:
        ask_export(client, type="bookings")
    window = visit()
    window.sign_in(own_key)
    heading = window.page.locator("#files-list h3").first
    expect(heading).to_contain_text("Bookings")
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    window.page.route(re.compile(r"/types\?language=nb"), hold)
    with window.page.expect_request(re.compile(r"/types\?language=nb")):
        window.page.locator("#language").select_option("nb")
    with window.page.expect_response(re.compile(r"/types\?language=en")):
        window.page.locator("#language").select_option("en")
    with window.page.expect_response(re.compile(r"/types\?language=nb")):
        late[0].continue_()
    window.page.wait_for_timeout(200)
    expect(heading).to_contain_text("Bookings")


def test_many_waiting_files_do_not_use_up_what_the_key_may_ask(
    visit: Visiting, bench: Bench, own_key: str
) -> None:
    with bench.api.client(key=own_key) as client:
        for _ in range(_WAITING):
            ask_export(client)
    window = visit()
    window.sign_in(own_key)
    expect(window.page.locator("li.file")).to_have_count(_WAITING)
    window.wait_until(lambda: len(window.asked_at("v2/reports/exports/")) >= 8)
    begun = window.asked_at("v2/reports/exports/")
    pauses = [after - before for before, after in pairwise(begun)]
    assert min(pauses) > 0.24, pauses
    before = len(window.requests)
    window.wait_until(lambda: len(window.asked_at("v2/reports/exports/")) >= len(begun) + 4)
    others = [one.url for one in window.requests[before:] if "/v2/reports/exports/" not in one.url]
    assert others == [], "nothing else is asked for meanwhile"
