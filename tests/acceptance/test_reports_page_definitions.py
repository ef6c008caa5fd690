"""Scheduled reports on the page: made by keyboard, tried out, sent, paused, changed and deleted."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from exporters.access.callers import REPORTS_SCOPE
from tests.acceptance.reports_page import (
    LOOKS,
    SendingBench,
    Visiting,
    check_seen,
    find_faults,
    open_sending_bench,
)
from tests.company_api import build_company_data, company_client, make_report, read_report

FEW, MANY = "101", "103"
OWNER, KARI, OLA = "eier@verksted.example", "kari@verksted.example", "ola@verksted.example"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, sample_files: Path) -> Iterator[SendingBench]:
    """With telephone queues beside the sample, which definitions can name."""
    data = build_company_data(tmp_path_factory, sample_files)
    with open_sending_bench(data, tmp_path_factory.mktemp("definitions")) as bench:
        yield bench


@pytest.fixture(scope="module")
def key(bench: SendingBench) -> str:
    """Of one workshop, and every scope."""
    return bench.new_key(FEW)


def test_one_is_made_by_keyboard_alone_tried_out_and_sent(
    visit: Visiting, bench: SendingBench, key: str
) -> None:
    with company_client(bench.api, FEW) as client:
        count = client.get("/company/report").json()["count"]
    window = visit()
    page, keys = window.page, window.page.keyboard
    window.sign_in(key)
    go_to(page, "to-definitions")
    keys.press("Enter")
    expect(page.locator("#definitions-view h2")).to_be_focused()
    go_to_link(page, "New scheduled report")
    keys.press("Enter")
    page.locator("#definition-name").wait_for()
    go_to(page, "definition-name")
    keys.type("Front desk")
    go_to(page, "definition-type")
    keys.type("Bookings")
    go_to(page, "definition-weekdays")
    keys.press("Space")
    go_to(page, "definition-emails")
    keys.type(f"{KARI}\n{OLA}")
    go_to(page, "definition-owner")
    keys.type(OWNER)
    go_to(page, "definition-preview")
    keys.press("Enter")
    expect(page.locator("#definitions-view h3")).to_be_focused()
    expect(page.locator("#definitions-view tbody tr")).to_have_count(5)
    with company_client(bench.api, FEW) as client:
        assert client.get("/company/report").json()["count"] == count, "nothing is saved yet"
    go_to(page, "definition-save", backwards=True)
    keys.press("Enter")
    expect(page.locator("#definitions-view h2")).to_have_text("Front desk")
    expect(page.locator(".back-test")).to_have_text(
        re.compile(r"It would have been sent \d+ times in the last 90 days, of \d+ planned\.")
    )
    expect(page.locator(".facts")).to_contain_text("Every weekday at 06:00 (Europe/Oslo)")
    go_to_action(page, "send")
    keys.press("Enter")
    expect(page.locator(".fires .state")).to_have_text("Sent")
    page.get_by_role("link", name="The deliveries of this report").press("Enter")
    expect(page.locator('#deliveries-view [data-state="delivered"]')).to_have_count(2)
    received = {mail.recipients for mail in bench.mail.mails}
    assert {(KARI,), (OLA,)} <= received
    mail = next(mail for mail in bench.mail.mails if mail.recipients == (KARI,))
    assert [part.get_content_type() for part in mail.message.iter_attachments()] == ["application/pdf"]


def test_what_is_filled_in_is_what_is_recorded(visit: Visiting, bench: SendingBench, key: str) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, "definitions/new")
    page.locator("#definition-name").fill("Queue by the hour")
    page.locator("#definition-type").select_option("1")
    page.locator("#argument-option").select_option("queueRapportPerDay")
    queues = page.locator("#argument-queue_id option")
    assert queues.count() > 1, "the workshop's queues are offered"
    chosen = queues.nth(1).get_attribute("value")
    page.locator("#argument-queue_id").select_option(index=1)
    page.locator("#definition-interval").select_option("month")
    page.locator("#definition-send-at").fill("07:30")
    page.locator("#definition-last-day").check()
    page.locator("#definition-time-zone").fill("Europe/Berlin")
    page.locator("#definition-emails").fill(f"{KARI}, {OLA}")
    page.locator("#definition-format-csv").check()
    page.locator("#definition-language").select_option("de")
    page.locator("#definition-link-only").check()
    page.locator("#definition-when-data").check()
    page.locator("#definition-condition").select_option("above")
    page.locator("#definition-threshold").fill("2,5")
    page.locator("#definition-preview").click()
    expect(page.locator("#definitions-view tbody tr").first).to_contain_text("Queue: ")
    page.locator("#definition-save").click()
    expect(page.locator(".facts")).to_contain_text("the number of rows is above 2.5")
    with company_client(bench.api, FEW) as client:
        made = read_report(client, window.page.url.rsplit("/", 1)[1])
    assert made["interval"] == "month"
    assert made["send_at"] == "07:30"
    assert made["time_zone"] == "Europe/Berlin"
    assert (made["last_day_of_month"], made["email_link_only"], made["active"]) == ("1", "1", "1")
    assert float(made["condition"].pop("threshold")) == 2.5
    assert made["condition"] == {"kind": "above", "column": None}
    values = {name: sorted(one["value"] for one in each) for name, each in made["arguments"].items()}
    assert values == {
        "format": ["csv", "pdf"],
        "email": [KARI, OLA],
        "report_language": ["de"],
        "only_when_data": ["1"],
        "option": ["queueRapportPerDay"],
        "queue_id": [chosen],
    }


def test_a_change_keeps_what_was_not_touched(visit: Visiting, bench: SendingBench, key: str) -> None:
    with company_client(bench.api, FEW) as client:
        made = make_report(client, name="Before", owner=OWNER)
        before = read_report(client, made)
        window = visit()
        page = window.page
        window.sign_in_to(key, f"definitions/{made}/change")
        expect(page.locator("#definition-type")).to_be_disabled()
        page.locator("#definition-name").fill("After")
        page.locator("#definition-emails").fill(f"{KARI}\n{OLA}")
        page.locator("#definition-save").click()
        expect(page.locator("#definitions-view h2")).to_have_text("After")
        after = read_report(client, made)
    assert [one["value"] for one in after["arguments"]["email"]] == [KARI, OLA]
    assert after["arguments"]["format"] == before["arguments"]["format"]
    ours = {"name", "arguments", "updated", "next_fire_at"}
    assert {k: v for k, v in after.items() if k not in ours} == {
        k: v for k, v in before.items() if k not in ours
    }


def test_pause_resume_test_and_delete(visit: Visiting, bench: SendingBench, key: str) -> None:
    with company_client(bench.api, FEW) as client:
        made = make_report(client, name="For a while", owner=OWNER)
        window = visit()
        page = window.page
        window.sign_in_to(key, f"definitions/{made}")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Resume")).to_be_focused()
        assert read_report(client, made)["active"] == "0"
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_role("button", name="Pause")).to_be_focused()
        assert read_report(client, made)["active"] == "1"
        page.get_by_role("button", name="Test to the owner").click()
        expect(page.locator(".fires .state")).to_have_text("Sent")
        window.wait_until(lambda: any(mail.recipients == (OWNER,) for mail in bench.mail.mails))
        assert [mail.recipients for mail in bench.mail.mails if OWNER in mail.recipients] == [(OWNER,)]
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Leave it").click()
        expect(page.get_by_role("button", name="Delete")).to_be_focused()
        assert client.get(f"/company/report/{made}").status_code == 200
        page.get_by_role("button", name="Delete").click()
        page.locator("dialog").get_by_role("button", name="Delete").click()
        expect(page.locator("#definitions-view h2")).to_have_text("Scheduled reports")
        assert client.get(f"/company/report/{made}").status_code == 404
    expect(page.locator(f'[data-definition="{made}"]')).to_have_count(0)


def test_what_is_refused_is_said_at_its_field(visit: Visiting, key: str) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, "definitions/new")
    page.locator("#definition-save").click()
    expect(page.locator("#definition-name")).to_be_focused()
    expect(page.locator("#definition-name-error")).to_have_text("Give it a name.")
    page.locator("#definition-name").fill("Wrong")
    page.locator("#definition-emails").fill(f"{KARI}\nnobody")
    page.locator("#definition-save").click()
    expect(page.locator("#definition-emails-error")).to_have_text("This is not an e-mail address: nobody")
    page.locator("#definition-emails").fill(KARI)
    page.locator(".expert summary").click()
    page.locator("#definition-cron").fill("every morning")
    page.locator("#definition-save").click()
    expect(page.locator("#definition-cron-error")).to_contain_text("This cannot be used:")
    expect(page.locator("#definition-cron")).to_be_focused()
    expect(page.locator("#definition-cron")).to_have_attribute("aria-invalid", "true")
    page.locator("#definition-cron").fill("")
    page.locator("#definition-condition").select_option("above")
    page.locator("#definition-column").fill("nothing")
    page.locator("#definition-threshold").fill("1")
    page.locator("#definition-preview").click()
    expect(page.locator("#definition-column-error")).to_contain_text("has no numeric column")
    page.locator("#definition-column").fill("")
    page.locator("#definition-interval").select_option("hour")
    page.locator("#definition-minute").fill("75")
    page.locator("#definition-preview").click()
    expect(page.locator("#definition-minute-error")).to_contain_text("send_at must be a local time")
    window.expect_status(422)


def test_a_key_sees_its_own_alone(visit: Visiting, bench: SendingBench, key: str) -> None:
    with company_client(bench.api, FEW) as client:
        made = make_report(client, name="Of the first")
    window = visit()
    page = window.page
    window.sign_in_to(bench.new_key(MANY), f"definitions/{made}")
    expect(page.locator("#definitions-view [role=alert]")).to_have_text("This is not there any more.")
    page.get_by_role("link", name="All scheduled reports").click()
    expect(page.locator("#definitions-view")).to_contain_text("No scheduled reports yet")
    window.expect_status(404)


def test_a_key_without_the_scope_is_told_kindly(visit: Visiting, bench: SendingBench) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(bench.new_key(FEW, scopes=[REPORTS_SCOPE]), "definitions")
    expect(page.locator("#definitions-view .lacking")).to_contain_text("This access key is not for this")
    expect(page.locator("#definitions-view [role=alert]")).to_have_count(0)
    page.locator("#to-batches").click()
    expect(page.locator("#batches-view .lacking")).to_contain_text("the scope “batches”")
    page.locator("#to-figures").click()
    expect(page.locator(".card").first).to_be_visible()
    window.expect_status(403)


def test_views_have_addresses_of_their_own(visit: Visiting, bench: SendingBench) -> None:
    window = visit()
    page = window.page
    window.sign_in(bench.new_key(FEW, MANY), workshop=MANY)
    page.locator("#to-definitions").click()
    expect(page.locator("#to-definitions")).to_have_attribute("aria-current", "page")
    expect(page.locator("#figures-view")).to_be_hidden()
    expect(page).to_have_title(re.compile("^Scheduled reports – "))
    page.locator("#workshop").select_option(FEW)
    assert page.url.endswith(f"workshop={FEW}&range=last_12_months#definitions")
    page.go_back()
    expect(page.locator("#workshop")).to_have_value(MANY)
    page.go_back()
    expect(page.locator("#figures-view")).to_be_visible()
    expect(page.locator("#to-figures")).to_have_attribute("aria-current", "page")


def test_a_form_that_is_filled_in_changes_its_words_alone(visit: Visiting, key: str) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, "definitions/new")
    page.locator("#definition-name").fill("Half done")
    page.locator("#language").select_option("nb")
    expect(page.locator("label[for=definition-emails]")).to_have_text("Mottakere")
    expect(page.locator("#definition-name")).to_have_value("Half done")
    page.locator("#to-definitions").click()
    expect(page.locator("#definitions-view h2")).to_have_text("Faste rapporter")
    page.locator('a[href="#definitions/new"]').click()
    expect(page.locator("#definition-type")).to_contain_text("Bestillinger")


def test_both_languages_have_every_text(visit: Visiting) -> None:
    window = visit()
    window.open()
    for part in ("", "_definitions", "_batches", "_deliveries"):
        keys = [
            window.page.evaluate(
                "async (path) => Object.keys((await import(path)).default).sort()",
                f"/dashboard/reports/texts_{language}{part}.js",
            )
            for language in ("en", "nb")
        ]
        assert keys[0] == keys[1]


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(visit: Visiting, bench: SendingBench, key: str, look: str) -> None:
    with company_client(bench.api, FEW) as client:
        made = make_report(client, name="Looked at", condition={"kind": "changed"})
        client.get(f"/company/report/{made}/send").raise_for_status()
    window = visit(**LOOKS[look])
    page = window.page
    window.sign_in_to(key, "definitions")
    page.locator(".entry").first.wait_for()
    check_seen(window, "the list")
    page.goto(f"{page.url.split('#')[0]}#definitions/{made}")
    page.locator(".back-test").wait_for()
    page.locator(".outlook summary").click()
    page.locator('.fires .state[data-kind="good"]').wait_for()
    check_seen(window, "one")
    page.locator('[data-action="delete"]').click()
    page.locator("dialog[open]").wait_for()
    assert find_faults(page) == [], "the question"
    page.keyboard.press("Escape")
    page.goto(f"{page.url.split('#')[0]}#definitions/new")
    page.locator("#definition-save").click()
    check_seen(window, "the form")


def go_to(page: Page, wanted: str, *, backwards: bool = False) -> None:
    """Press Tab until the element has the focus."""
    _tab(page, f"document.activeElement.id === '{wanted}'", backwards=backwards)


def go_to_action(page: Page, action: str) -> None:
    """Press Tab until the button of an action has the focus."""
    _tab(page, f"document.activeElement.dataset.action === '{action}'")


def go_to_link(page: Page, text: str) -> None:
    """Press Tab until the link has the focus."""
    _tab(page, f"document.activeElement.textContent === '{text}'")


def _tab(page: Page, reached: str, *, backwards: bool = False) -> None:
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if page.evaluate(reached):
            return
    raise AssertionError(f"not reached by Tab: {reached}")
