"""Batches on the page: made from a list, followed, tried again, downloaded; webhooks tried."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.acceptance.reports_page import LOOKS, SendingBench, Visiting, check_seen, open_sending_bench
from tests.webhook_receiver import Behaviour, WebhookReceiver

FIRST, SECOND, THIRD = "101", "102", "104"
YEAR = {"date_from": "2025-03-01", "date_to": "2026-02-28"}


@pytest.fixture(scope="module")
def bench(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendingBench]:
    with open_sending_bench(sample_data, tmp_path_factory.mktemp("batches")) as bench:
        yield bench


@pytest.fixture(scope="module")
def numbers(sample_files: Path) -> dict[str, str]:
    """Organisation numbers by workshop."""
    with (sample_files / "workshops.csv").open(newline="") as file:
        return {row["id"]: row["org_number"] for row in csv.DictReader(file)}


@pytest.fixture
def key(bench: SendingBench) -> str:
    """Of three workshops, and every scope."""
    return bench.new_key(FIRST, SECOND, THIRD)


def fill_in(page: Page, name: str, listed: str) -> None:
    """Fill in what a batch needs."""
    page.locator("#batch-name").fill(name)
    page.locator("#batch-type").select_option("revenue")
    page.locator("#batch-filter-date_from").fill(YEAR["date_from"])
    page.locator("#batch-filter-date_to").fill(YEAR["date_to"])
    page.locator("#batch-numbers").fill(listed)


def test_one_of_three_fails_and_is_tried_again(
    visit: Visiting, bench: SendingBench, key: str, numbers: dict[str, str]
) -> None:
    brand = bench.brands / f"{THIRD}.toml"
    brand.write_text('color = "bluish"\n')
    listed = f"number,customer\n{numbers[FIRST]},77\n{numbers[SECOND]}\n{numbers[THIRD]}\n"
    window = visit()
    page = window.page
    window.sign_in_to(key, "batches/new")
    fill_in(page, "Winter", listed)
    page.locator("#batch-append").fill("#failed")
    page.locator("#batch-email").fill("kari@verksted.example")
    page.locator("#batch-make").click()
    expect(page.locator("#batches-view h2")).to_have_text("Winter")
    expect(page.locator(".standing .state")).to_have_text("Finished, some failed")
    rows = page.locator("#batches-view .entry")
    expect(rows).to_have_count(3)
    page.locator("#item-state").select_option("Failed")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("#failed")
    expect(rows).to_contain_text("logo or colours cannot be used")
    brand.unlink()
    page.get_by_role("button", name="Try the failed ones again").click()
    expect(page.locator(".standing .state")).to_have_text("Finished")
    page.locator("#item-state").select_option("Completed")
    expect(rows).to_have_count(3)
    row = rows.filter(has_text=f"Organisation number {numbers[FIRST]}")
    with page.expect_download() as one:
        row.get_by_role("button").click()
    assert one.value.suggested_filename.startswith(f"77-{numbers[FIRST]}-")
    assert Path(one.value.path()).read_bytes().startswith(b"%PDF-")
    with page.expect_download() as all_of_them:
        page.get_by_role("button", name="Download all (zip)").click()
    assert all_of_them.value.suggested_filename == "Winter.zip"
    with zipfile.ZipFile(io.BytesIO(Path(all_of_them.value.path()).read_bytes())) as archive:
        assert archive.testzip() is None
        files = [name for name in archive.namelist() if name.endswith(".pdf")]
        assert len(files) == 3
        assert all(archive.read(name).startswith(b"%PDF-") for name in files)
    window.wait_until(lambda: len(bench.mail.mails) >= 4)
    assert len(bench.mail.mails) == 4, "one for each end of a report"


def test_a_list_is_read_while_it_is_written(visit: Visiting, key: str, numbers: dict[str, str]) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, "batches/new")
    fill_in(page, "Names", f"{numbers[FIRST]};12\n")
    expect(page.locator("#batch-count")).to_have_text("1 report")
    page.locator("#batch-template").fill("{type}/{cvr} {balanceday}")
    expect(page.locator("#batch-example")).to_have_text(
        f"For example 12-revenue_{numbers[FIRST]} {YEAR['date_to']}.pdf"
    )
    page.locator("#batch-template").fill("{cvrr}")
    page.locator("#batch-make").click()
    expect(page.locator("#batch-template-error")).to_contain_text("a variable that there is not")
    page.locator("#batch-template").fill("{cvr}")
    page.locator("#batch-numbers").fill(f"{numbers[FIRST]}\n{numbers[SECOND]},seven")
    page.locator("#batch-make").click()
    expect(page.locator("#batch-numbers")).to_be_focused()
    expect(page.locator("#batch-numbers-error")).to_contain_text("Line 2")
    page.locator("#batch-file").set_input_files(
        FilePayload(name="list.csv", mimeType="text/csv", buffer=f"{numbers[SECOND]},5".encode())
    )
    expect(page.locator("#batch-numbers")).to_have_value(f"{numbers[SECOND]},5")
    expect(page.locator("#batch-count")).to_have_text("1 report")


def test_a_time_is_told_in_both_zones(
    visit: Visiting, bench: SendingBench, key: str, numbers: dict[str, str]
) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, "batches/new")
    fill_in(page, "Later", numbers[FIRST])
    page.locator("#batch-time").fill("2027-07-01T08:00")
    expect(page.locator("#batch-instant")).to_have_text(
        "1 Jul 2027, 08:00 in Europe/Oslo, 1 Jul 2027, 06:00 in UTC"
    )
    page.locator("#batch-make").click()
    expect(page.locator(".standing .state")).to_have_text("Planned")
    batch_id = page.url.rsplit("/", 1)[1]
    with bench.api.client(key=key) as client:
        made = client.get(f"/apps/reporting/batches/{batch_id}").json()
    assert made["scheduledTime"] == "2027-07-01T06:00:00Z"
    page.get_by_role("link", name="All batches").click()
    expect(page.locator(f'[data-batch="{batch_id}"]')).to_contain_text("Planned for 1 Jul 2027, 08:00")


def test_a_webhook_is_tried_called_and_switched(
    visit: Visiting, bench: SendingBench, key: str, numbers: dict[str, str]
) -> None:
    with WebhookReceiver() as receiver:
        window = visit()
        page = window.page
        window.sign_in_to(key, "batches/new")
        fill_in(page, "Told", numbers[FIRST])
        page.locator("#batch-webhook").fill(receiver.url)
        page.locator("#batch-auth-method").select_option("Header")
        page.locator("#batch-auth-key").fill("X-Hook-Key")
        page.locator("#batch-auth-value").fill("s3cret-of-the-hook")
        page.locator("#batch-try").click()
        expect(page.locator("#batch-tried")).to_have_text("It answered 200.")
        assert receiver.calls[0].headers["x-hook-key"] == "s3cret-of-the-hook"
        receiver.answer = lambda _call: Behaviour(status=500)
        page.locator("#batch-try").click()
        expect(page.locator("#batch-tried [role=alert]")).to_contain_text("(500)")
        receiver.answer = lambda _call: Behaviour()
        page.locator("#batch-make").click()
        expect(page.locator(".standing .state")).to_have_text("Finished")
        assert "s3cret-of-the-hook" not in page.content()
        page.locator("#to-deliveries").click()
        expect(page.locator('#deliveries-view [data-state="delivered"]').first).to_contain_text("Webhook")
        assert len(receiver.calls) == 3
        page.get_by_role("link", name="Webhooks").click()
        hook = page.locator("#deliveries-view .entry").filter(has_text=receiver.url)
        hook.get_by_role("button", name=f"Switch off {receiver.url}").click()
        page.locator("dialog").get_by_role("button", name="Switch off").click()
        expect(hook.locator(".state")).to_have_text("Switched off")
        expect(hook.get_by_role("button")).to_be_focused()
        hook.get_by_role("button", name=f"Switch on {receiver.url}").click()
        expect(hook.locator(".state")).to_have_text("Active")


def test_what_the_api_refuses_is_said_at_its_field(
    visit: Visiting, key: str, numbers: dict[str, str]
) -> None:
    window = visit()
    page = window.page
    window.sign_in_to(key, "batches/new")
    fill_in(page, "Refused", numbers[FIRST])
    page.locator("#batch-webhook").fill("http://10.0.0.1/hook")
    page.locator("#batch-make").click()
    expect(page.locator("#batch-webhook-error")).to_contain_text("This cannot be used:")
    expect(page.locator("#batch-webhook")).to_be_focused()
    page.locator("#batch-webhook").fill("")
    page.locator("#batch-append").fill("å" * 40)
    page.locator("#batch-make").click()
    expect(page.locator("#batch-append-error")).to_contain_text("at most 50 bytes")
    expect(page.locator("#batch-webhook-error")).to_be_empty()
    window.expect_status(400)


def test_a_key_sees_its_own_alone(
    visit: Visiting, bench: SendingBench, key: str, numbers: dict[str, str]
) -> None:
    asked = {
        "batchName": "Of others",
        "type": "ratings",
        "format": "{cvr}",
        "items": [{"cvr": numbers[FIRST]}],
        "scheduledTime": "2030-01-01 00:00:00",
    }
    with bench.api.client(key=key) as client:
        answer = client.post("/apps/reporting/batches", json=asked)
        assert answer.status_code == 200, answer.text
    window = visit()
    page = window.page
    window.sign_in_to(bench.new_key(SECOND), f"batches/{answer.json()['id']}")
    expect(page.locator("#batches-view [role=alert]")).to_have_text("This is not there any more.")
    page.get_by_role("link", name="All batches").click()
    expect(page.locator("#batches-view")).to_contain_text("No batches yet")
    window.expect_status(404)


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(visit: Visiting, key: str, numbers: dict[str, str], look: str) -> None:
    window = visit(**LOOKS[look])
    page = window.page
    window.sign_in_to(key, "batches/new")
    fill_in(page, "Looked at", f"{numbers[FIRST]}\n999999999")
    page.locator("#batch-auth-method").select_option("BasicAuth")
    page.locator("#batch-try").click()
    check_seen(window, "the form")
    page.locator("#batch-make").click()
    page.locator('.standing .state[data-kind="bad"]').wait_for()
    page.locator("#batches-view .entry").nth(1).wait_for()
    check_seen(window, "one")
    page.locator(".up a").click()
    page.locator("#batches-view .entry").first.wait_for()
    check_seen(window, "the list")
