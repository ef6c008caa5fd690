"""The reports page shows the figures of the API: signing in, ranges of days, workshops, languages."""

import json
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.acceptance.reports_page import YEAR, Bench, Visiting, check_figures
from tests.built import ROOT

OSLO, BROOKLYN = "101", "102"


def test_the_page_shows_the_figures_of_the_api(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    expect(window.page.locator("h1:visible")).to_have_text("Brødrene Sørli Bilverksted AS")
    check_figures(window, bench, key, **YEAR)
    assert "X-Workshop-Id".lower() in window.asked("reports/overview")[0].headers


def test_a_wrong_key_is_refused_and_not_kept(visit: Visiting) -> None:
    window = visit()
    window.open()
    window.page.locator("#sign-in-button").click()
    expect(window.page.locator("#sign-in-error")).to_have_text("Enter an access key.")
    window.page.locator("#access-key").fill("rk_0000000000000000_wrong")
    window.page.locator("#sign-in-button").click()
    expect(window.page.locator("#sign-in-error")).to_contain_text("was not accepted")
    expect(window.page.locator("#report")).to_be_hidden()
    assert window.page.evaluate("sessionStorage.length + localStorage.length") == 0
    window.expect_status(401)


def test_a_revoked_key_leads_back_to_signing_in(visit: Visiting, bench: Bench) -> None:
    window = visit()
    revoked = bench.api.new_key(OSLO)
    window.sign_in(revoked)
    bench.api.revoke(revoked)

    def is_out() -> bool:
        """After one more press; in one go, for a press waits in vain once the button is gone."""
        window.page.evaluate(
            """() => {
              const button = document.querySelector("#presets button");
              if (button?.checkVisibility()) button.click();
            }"""
        )
        window.page.wait_for_timeout(150)
        return window.page.locator("#sign-in").is_visible()

    window.wait_until(is_out)  # the servers forget a revoked key within seconds, not at once
    expect(window.page.locator("#sign-in-error")).to_contain_text("withdrawn")
    assert window.page.evaluate("sessionStorage.length") == 0
    window.expect_status(401)


def test_signing_out_forgets_the_key_and_the_figures(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key)
    window.page.reload()
    window.page.locator(".card").first.wait_for()
    window.page.locator("#sign-out").click()
    expect(window.page.locator("#sign-in")).to_be_visible()
    assert window.page.locator(".card").count() == 0
    window.page.reload()
    expect(window.page.locator("#sign-in")).to_be_visible()
    assert window.page.evaluate("sessionStorage.length") == 0


def test_ranges_are_days_of_the_workshop_and_can_be_come_back_to(
    visit: Visiting, bench: Bench, key: str
) -> None:
    window = visit(timezone_id="Pacific/Auckland")
    window.sign_in(key, range="all_time")
    everything = window.card("done").inner_text()
    window.page.get_by_role("button", name="Last 30 days").click()
    expect(window.card("done")).not_to_have_text(everything)
    today = datetime.now(ZoneInfo("Europe/Oslo")).date()
    last = window.asked("reports/overview")[-1].url
    assert f"date_from={today - timedelta(days=29)}" in last
    assert f"date_to={today}" in last
    assert window.page.url.endswith("?range=last_30_days")
    expect(window.page.get_by_role("button", name="Last 30 days")).to_have_attribute("aria-pressed", "true")
    window.page.go_back()
    expect(window.card("done")).to_have_text(everything)
    window.page.locator("#date-from").fill("2025-05-02")
    window.page.locator("#date-to").fill("2025-08-31")
    window.page.get_by_role("button", name="Show", exact=True).click()
    expect(window.card("done")).not_to_have_text(everything)
    assert window.page.url.endswith("?date_from=2025-05-02&date_to=2025-08-31")
    check_figures(window, bench, key, date_from="2025-05-02", date_to="2025-08-31")


def test_every_preset_is_the_days_it_says(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key)
    found = window.page.evaluate(
        """async () => {
          const { PRESETS, resolveRange } = await import("/dashboard/reports/range.js");
          const now = new Date("2026-03-01T02:30:00Z");
          return PRESETS.map((preset) => {
            const { from, to } = resolveRange({ preset }, "America/New_York", now);
            return [preset, from, to];
          });
        }"""
    )
    assert found == [
        ["this_month", "2026-02-01", "2026-02-28"],
        ["last_month", "2026-01-01", "2026-01-31"],
        ["last_30_days", "2026-01-30", "2026-02-28"],
        ["this_year", "2026-01-01", "2026-02-28"],
        ["last_12_months", "2025-03-01", "2026-02-28"],
        ["all_time", None, None],
    ]


def test_swapped_days_are_told_and_not_asked_for(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    asked = len(window.asked("reports/overview"))
    window.page.locator("#date-from").fill("2026-03-01")
    window.page.locator("#date-from").press("Enter")
    expect(window.page.locator("#range-error")).to_have_text("The first day is after the last.")
    expect(window.page.locator("#date-from")).to_be_focused()
    assert len(window.asked("reports/overview")) == asked


def test_a_key_of_several_workshops_chooses_one(visit: Visiting, bench: Bench) -> None:
    window = visit()
    window.sign_in(bench.api.new_key(OSLO, BROOKLYN), **YEAR)
    expect(window.page.locator("h1:visible")).to_have_text("Brødrene Sørli Bilverksted AS")
    first = window.card("revenue").inner_text()
    window.page.get_by_label("Workshop", exact=True).select_option(BROOKLYN)
    expect(window.page.locator("h1:visible")).to_have_text("Nordic Auto Brooklyn")
    expect(window.card("revenue")).not_to_have_text(first)
    assert "$" in window.card("revenue").inner_text()
    assert f"workshop={BROOKLYN}" in window.page.url
    window.page.reload()
    expect(window.page.locator("h1:visible")).to_have_text("Nordic Auto Brooklyn")
    check_figures(window, bench, bench.api.new_key(BROOKLYN), **YEAR)


def test_both_languages(visit: Visiting, bench: Bench, key: str) -> None:
    window = visit(locale="nb-NO")
    window.sign_in(key, **YEAR)
    assert window.page.locator("html").get_attribute("lang") == "nb"
    expect(window.page.get_by_role("heading", name="Vurderinger per måned")).to_be_visible()
    average = bench.shown(key, "reports/overview", **YEAR)["ratings"]["avg"]
    expect(window.card("rating")).to_have_text(f"{average:.2f}".replace(".", ","))
    window.page.get_by_label("Språk", exact=True).select_option("en")
    expect(window.page.get_by_role("heading", name="Ratings by month")).to_be_visible()
    expect(window.card("rating")).to_have_text(f"{average:.2f}")
    window.page.reload()
    expect(window.page.get_by_role("heading", name="Ratings by month")).to_be_visible()
    assert window.page.locator("html").get_attribute("lang") == "en"


def test_the_texts_of_both_languages_are_the_same_and_used(visit: Visiting) -> None:
    window = visit()
    window.open()
    texts = window.page.evaluate(
        """async () => {
          const parts = ["nb", "en"].map((code) => import(`/dashboard/reports/texts_${code}.js`));
          return (await Promise.all(parts)).map((part) => part.default);
        }"""
    )
    norwegian, english = (
        {name: set(re.findall(r"\{\w+\}", json.dumps(text))) for name, text in language.items()}
        for language in texts
    )
    assert norwegian == english
    sources = "".join(
        path.read_text() for path in (ROOT / "api" / "page").iterdir() if not path.name.startswith("texts_")
    )
    made_up = (
        "figure_",
        "note_",
        "state_",
        "announce_",
        "fault_",
        "format_",
        "about_",
        "hint_",
        "wait_",
        "quota_",
    )
    unused = [name for name in english if not name.startswith(made_up) and name not in sources]
    assert unused == []


def test_a_range_without_anything_says_so(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, date_from="2031-01-01", date_to="2031-01-31")
    assert window.card("done").inner_text() == "0"
    for name, why in (("rating", "no ratings"), ("per_job", "no jobs done in the period")):
        expect(window.card(name)).to_have_text("–")
        expect(window.page.locator(f'[data-figure="{name}"] .note')).to_have_text(why)
    expect(window.page.locator("#trend-empty")).to_be_visible()
    expect(window.page.locator("#trend")).to_be_hidden()


def test_months_without_ratings_are_gaps_in_the_line(visit: Visiting, key: str) -> None:
    window = visit()
    window.sign_in(key, **YEAR)
    found = window.page.evaluate(
        """async () => {
          const { runs } = await import("/dashboard/reports/trend.js");
          const of = (...averages) => runs(averages.map((avg) => ({ avg })));
          return [of(4, 5, null, null, 3), of(null, 4), of(4, null), of(null)];
        }"""
    )
    assert found == [[[0, 1], [4]], [[1]], [[0]], []]
    assert window.page.locator("#trend-chart polyline").count() == 1
    assert window.page.locator("#trend-chart circle").count() == 12
