"""The reports page for everyone: keyboard, screen readers, phones, enlarged text, dark, print."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.reports_page import (
    YEAR,
    Bench,
    Visiting,
    find_faults,
    open_bench,
)
from tests.api_server import EXPORTS, ask_export

FEW, MANY = "101", "103"
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def bench(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """With files of every state."""
    with open_bench(sample_data, tmp_path_factory.mktemp("access")) as bench:
        key = bench.api.new_key(FEW)
        with bench.worker.held(), bench.api.client(key=key) as client, bench.api.exports() as exports:
            cancelled = ask_export(client, filters=YEAR)["job_id"]
            client.delete(f"{EXPORTS}/{cancelled}").raise_for_status()
            exports.run(ask_export(client, type="bookings", format="parquet", filters=YEAR)["job_id"])
            expired = ask_export(client, filters=YEAR)["job_id"]
            exports.run(expired)
            exports.jobs.expire(expired)
            (bench.brands / f"{FEW}.toml").write_text('color = "bluish"\n')
            exports.run(ask_export(client, type="revenue", format="pdf", filters=YEAR)["job_id"])
            held = exports.jobs.claim("test", timedelta(hours=1), ask_export(client)["job_id"])
            assert held is not None
            exports.jobs.heartbeat(held, timedelta(hours=1), 620, 1000)
        yield bench


@pytest.fixture(scope="module")
def wide_key(bench: Bench) -> str:
    """Of several workshops."""
    return bench.api.new_key(FEW, MANY)


@pytest.mark.parametrize(("colors", "language"), [("light", "nb-NO"), ("dark", "en-GB")])
def test_axe_finds_nothing(visit: Visiting, wide_key: str, colors: str, language: str) -> None:
    window = visit(color_scheme=colors, locale=language, bypass_csp=True)
    page = window.page
    window.open()
    page.locator("#sign-in-button").click()
    assert find_faults(page) == [], "signing in"
    window.sign_in(wide_key, **YEAR)
    expect(page.locator(".file")).to_have_count(5)
    page.locator("#trend summary").click()
    assert find_faults(page) == [], "the page"
    page.locator("#new-export").click()
    page.locator("#export-type").select_option("ratings")
    page.locator("#filter-rating_min").fill("four")
    page.locator("#export-make").click()
    assert find_faults(page) == [], "the dialog of a new report"
    page.keyboard.press("Escape")
    page.locator("[data-action=cancel]").click()
    assert find_faults(page) == [], "the question whether to cancel"
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 360, "height": 740})
    assert find_faults(page) == [], "on a phone"


def test_axe_finds_nothing_where_nothing_is(visit: Visiting, bench: Bench) -> None:
    window = visit(bypass_csp=True)
    window.sign_in(bench.api.new_key(MANY), date_from="2031-01-01", date_to="2031-01-31")
    expect(window.page.locator("#files-empty")).to_be_visible()
    assert find_faults(window.page) == []


@pytest.mark.parametrize("language", ["nb-NO", "en-GB"])
def test_nothing_is_wider_than_the_window(visit: Visiting, wide_key: str, language: str) -> None:
    window = visit(locale=language)
    page = window.page
    window.open()
    page.locator("#sign-in").wait_for()
    for _ in each_width(page):
        assert overflow(page) == []
    window.sign_in(wide_key, range="all_time")
    expect(page.locator(".file")).to_have_count(5)
    page.locator("#trend summary").click()
    for _ in each_width(page):
        assert overflow(page) == []
    page.locator("#new-export").click()
    for report in ("bookings", "ratings", "revenue", "services"):
        page.locator("#export-type").select_option(report)
        for width in each_width(page):
            assert overflow(page) == []
            box = page.locator("#export-make").bounding_box()
            assert box
            assert box["x"] + box["width"] <= width


def each_width(page: Page) -> Iterator[int]:
    """Make the window so wide; 640 is a window of 1,280 at 200 %."""
    for width in (320, 360, 480, 640, 768, 1024):
        page.set_viewport_size({"width": width, "height": 740})
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        assert page.evaluate("innerWidth") == width
        yield width


def overflow(page: Page) -> list[str]:
    """What sticks out of the window sideways."""
    found = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
          [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth)
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    return [str(one) for one in found]


def test_everything_can_be_done_by_keyboard(visit: Visiting, bench: Bench) -> None:
    window = visit()
    page, keys = window.page, window.page.keyboard
    window.open(**YEAR)
    page.locator("#access-key").wait_for()
    keys.type(bench.api.new_key(MANY))
    keys.press("Enter")
    page.locator(".card").first.wait_for()
    go_to(page, "new-export")
    keys.press("Enter")
    expect(page.locator("#export-type")).to_be_focused()
    keys.type("Rat")
    go_to(page, "export-format")
    keys.type("CSV")
    go_to(page, "filter-rating_min")
    keys.type("1")
    keys.press("Enter")
    expect(page.locator("#export-dialog")).to_be_hidden()
    row = page.locator(".file").first
    expect(row.locator(".state")).to_have_text("Ready")
    expect(row.locator("h3")).to_be_focused()
    keys.press("Tab")
    expect(row.get_by_role("button", name="Download Ratings (CSV)")).to_be_focused()
    with page.expect_download() as started:
        keys.press("Enter")
    assert started.value.suggested_filename.endswith(".csv")
    expect(row.get_by_role("button")).to_be_focused()


def go_to(page: Page, wanted: str, most: int = 40) -> None:
    """Press Tab until the element has the focus; each stop must be seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => ({
              id: document.activeElement.id,
              seen: getComputedStyle(document.activeElement).outlineStyle !== "none",
            })"""
        )
        assert stop["seen"], stop
        if stop["id"] == wanted:
            return
    raise AssertionError(f"Tab never came to {wanted}")


def test_the_skip_link_leads_past_the_header(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    window.page.reload()
    window.page.locator(".card").first.wait_for()
    link = window.page.locator(".skip")
    link.focus()
    expect(link).to_be_in_viewport()
    window.page.keyboard.press("Enter")
    window.page.keyboard.press("Tab")
    expect(window.page.locator("#presets button").first).to_be_focused()


def test_a_dialog_gives_the_focus_back(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    window.page.locator("#new-export").focus()
    window.page.keyboard.press("Enter")
    expect(window.page.locator("#export-type")).to_be_focused()
    window.page.keyboard.press("Escape")
    expect(window.page.locator("#export-dialog")).to_be_hidden()
    expect(window.page.locator("#new-export")).to_be_focused()


def test_a_row_keeps_the_focus_while_its_job_goes_on(visit: Visiting, key: str, bench: Bench) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    with bench.worker.held(), bench.api.exports() as exports, bench.api.client(key=key) as client:
        job_id = ask_export(client)["job_id"]
        window.page.reload()
        row = window.file(job_id)
        row.get_by_role("button", name="Cancel").focus()
        job = exports.jobs.claim("test", timedelta(minutes=5), job_id)
        assert job is not None
        exports.jobs.heartbeat(job, timedelta(minutes=5), 5, 10)
        expect(row.locator("progress")).to_have_attribute("value", "50")
        expect(row.get_by_role("button", name="Cancel")).to_be_focused()
        client.delete(f"{EXPORTS}/{job_id}").raise_for_status()
        expect(row.locator(".state")).to_have_text("Cancelled")
        expect(row.locator("h3")).to_be_focused()


def test_motion_is_left_out_where_it_is_not_wanted(visit: Visiting) -> None:
    durations = []
    for motion in ("reduce", "no-preference"):
        window = visit(reduced_motion=motion)
        window.open()
        button = window.page.locator("#sign-in-button")
        durations.append(button.evaluate("one => getComputedStyle(one).transitionDuration"))
    assert durations[0] == "0s"
    assert durations[1] != "0s"


def test_print_leaves_out_what_cannot_be_used_on_paper(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    window.page.emulate_media(media="print")
    expect(window.page.locator("#cards")).to_be_visible()
    expect(window.page.locator("#trend-chart svg")).to_be_visible()
    for left_out in ("#range-form", "#sign-out", ".files"):
        expect(window.page.locator(left_out)).to_be_hidden()
