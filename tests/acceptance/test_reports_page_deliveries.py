"""Deliveries on the page: listed, looked into, sent again, and replayed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from exporters.access.callers import REPORTS_SCOPE
from tests.acceptance.reports_page import LOOKS, SendingBench, Visiting, check_seen, open_sending_bench
from tests.company_api import arguments, company_client, make_report

FIRST, SECOND = "101", "102"
KARI, NOBODY = "kari@verksted.example", "nobody@verksted.example"
UNKNOWN = "550 5.1.1 no such mailbox"


@pytest.fixture(scope="module")
def bench(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendingBench]:
    """With a recipient that the mail server does not know."""
    with open_sending_bench(sample_data, tmp_path_factory.mktemp("deliveries")) as bench:
        bench.mail.recipients[NOBODY] = UNKNOWN
        yield bench


@pytest.fixture(scope="module")
def key(bench: SendingBench) -> str:
    """Of one workshop, and every scope."""
    return bench.new_key(FIRST)


@pytest.fixture(scope="module")
def report(bench: SendingBench) -> str:
    """A scheduled report that was sent to two, of whom one is not known."""
    given = arguments(("email", KARI), ("email", NOBODY))
    with company_client(bench.api, FIRST) as client:
        made = make_report(client, name="To two", arguments=given)
        client.get(f"/company/report/{made}/send").raise_for_status()
    return made


def test_who_got_it_and_who_did_not(visit: Visiting, key: str, report: str) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, f"deliveries/of/definition:{report}")
    entries = page.locator("#deliveries-view .entry")
    expect(entries.filter(has_text=KARI).locator(".state")).to_have_text("Delivered")
    refused = entries.filter(has_text=NOBODY)
    expect(refused.locator(".state")).to_have_text("Refused")
    expect(refused.locator(".error")).to_contain_text("550")
    expect(refused.locator(".error")).to_contain_text("no such mailbox")
    page.locator("#delivery-state").select_option("refused")
    expect(entries).to_have_count(1)
    refused.get_by_role("link").click()
    expect(page.locator(".facts")).to_contain_text("no such mailbox")
    steps = page.locator("#deliveries-view tbody tr")
    expect(steps.last).to_contain_text("Refused")
    page.get_by_role("link", name=f"scheduled report {report}").click()
    expect(page.locator("#definitions-view h2")).to_have_text("To two")


def test_one_is_sent_again_with_a_reason(visit: Visiting, bench: SendingBench, key: str, report: str) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, f"deliveries/of/definition:{report}")
    delivered = page.locator('[data-state="delivered"]').filter(has_text=KARI).first
    delivered.get_by_role("link").click()
    before = sum(mail.recipients == (KARI,) for mail in bench.mail.mails)
    page.locator("#resend").click()
    page.locator("dialog").get_by_role("button", name="Send again").click()
    expect(page.locator("#ask-error")).to_have_text("Write a reason.")
    expect(page.locator("#ask-reason")).to_be_focused()
    page.keyboard.type("She deleted it.")
    page.keyboard.press("Enter")
    expect(page.locator(".facts")).to_contain_text("She deleted it.")
    expect(page.locator(".standing .state")).to_have_text("Delivered")
    assert sum(mail.recipients == (KARI,) for mail in bench.mail.mails) == before + 1


def test_nothing_was_given_up(visit: Visiting, key: str, report: str) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, "deliveries")
    page.locator("#replay").click()
    page.locator("#ask-reason").fill("To see.")
    page.keyboard.press("Enter")
    expect(page.locator("#deliveries-view .done")).to_have_text("0 deliveries are sent again.")
    page.locator("#delivery-state").select_option("dead")
    expect(page.locator("#deliveries-view")).to_contain_text("No deliveries")


def test_a_key_that_may_not_send_is_told_so(
    visit: Visiting, bench: SendingBench, key: str, report: str
) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(bench.new_key(FIRST, scopes=[REPORTS_SCOPE]), f"deliveries/of/definition:{report}")
    page.locator('[data-state="delivered"] a').first.click()
    page.locator("#resend").click()
    page.locator("#ask-reason").fill("To see.")
    page.keyboard.press("Enter")
    expect(page.locator("#deliveries-view [role=alert]")).to_contain_text("the scope “definitions”")
    page.get_by_role("link", name="All deliveries").click()
    page.get_by_role("link", name="Webhooks").click()
    expect(page.locator("#deliveries-view .lacking")).to_contain_text("the scope “batches”")
    window.expect_status(403)


def test_a_key_sees_its_own_alone(visit: Visiting, bench: SendingBench, key: str, report: str) -> None:
    with bench.api.client(key=key) as client:
        items = client.get("/api/ws/v2/reports/deliveries").json()["data"]["items"]
    window = visit()
    page = window.page
    window.sign_in_to(bench.new_key(SECOND), "deliveries")
    expect(page.locator("#deliveries-view")).to_contain_text("No deliveries")
    page.goto(f"{page.url.split('#')[0]}#deliveries/{items[0]['delivery_id']}")
    expect(page.locator("#deliveries-view [role=alert]")).to_have_text("This is not there any more.")
    window.expect_status(404)


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(visit: Visiting, key: str, report: str, look: str) -> None:
    window = visit(**LOOKS[look])
    page = window.page
    window.sign_in_to(key, "deliveries")
    page.locator('[data-state="refused"]').wait_for()
    check_seen(window, "the list")
    page.locator('[data-state="refused"] a').click()
    page.locator("#resend").click()
    expect(page.locator("#ask-reason")).to_be_focused()
    check_seen(window, "the question")
    page.keyboard.press("Escape")
    check_seen(window, "one")
    page.locator(".up a").click()
    page.locator("a[href='#deliveries/webhooks']").click()
    expect(page.locator("#deliveries-view .empty")).to_be_visible()
    check_seen(window, "the webhooks")
    assert re.search(r"#deliveries/webhooks$", page.url)
