"""The reports page in a real browser: Chromium on the API on loopback, and a worker that can be held up."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from exporters.access.callers import SCOPES
from tests.api_server import ApiServer, run_api
from tests.built import ROOT
from tests.smtp_server import SmtpServer
from tests.tools import find_tool

PATH = "/dashboard/reports"
PATIENCE = 60_000
"""Milliseconds after which something that should be seen is missing."""
LOOKS: dict[str, dict[str, Any]] = {
    f"{colors}-{width}": {
        "color_scheme": colors,
        "locale": locale,
        "viewport": {"width": width, "height": 800},
        "bypass_csp": True,
    }
    for colors, locale, width in (("light", "nb-NO", 360), ("dark", "en-GB", 1280))
}
"""Windows in which nothing may be wrong for anyone: for axe-core, which is a script from outside."""
YEAR = {"date_from": "2025-03-01", "date_to": "2026-02-28"}
"""Days of which the sample has data in every month."""

_AXE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
_AXE_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


class Worker:
    """Runs the jobs of an API, one after the other, in a thread; it can be held up."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._free = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Worker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @contextmanager
    def held(self) -> Iterator[None]:
        """No job is begun meanwhile."""
        with self._free:
            yield

    def _work(self) -> None:
        with self._api.exports() as exports:
            while not self._stop.is_set():
                with self._free:
                    done = exports.run()
                if done is None:
                    self._stop.wait(0.1)


@dataclass
class Bench:
    """What the page is tested on."""

    api: ApiServer
    worker: Worker
    brands: Path
    """Folder of the workshops' brands, empty."""

    def shown(self, key: str, path: str, **query: str) -> Any:
        """The payload of a GET, as any client gets it."""
        with self.api.client(key=key) as client:
            answer = client.get(f"/api/ws/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def open_bench(data: Path, folder: Path) -> Iterator[Bench]:
    """Serve the API and the page on the warehouse of the data folder `data`."""
    brands = folder / "brands"
    brands.mkdir(parents=True)
    with run_api(data, folder / "api", BRANDS=str(brands)) as api, Worker(api) as worker:
        yield Bench(api, worker, brands)


@dataclass
class SendingBench:
    """What the views that send are tested on: an installation with slots, a dispatcher and a mail server."""

    api: ApiServer
    mail: SmtpServer
    brands: Path
    """Folder of the workshops' brands, empty."""

    def new_key(self, *workshops: str, **options: Any) -> str:
        """Of every scope, unless others are given."""
        return self.api.new_key(*workshops, **({"scopes": SCOPES} | options))


@contextmanager
def open_sending_bench(data: Path, folder: Path, **settings: str) -> Iterator[SendingBench]:
    """Serve the page on the warehouse of the data folder `data`; what is due is made and sent."""
    brands = folder / "brands"
    brands.mkdir(parents=True)
    usual = {"SMTP_HOST": "127.0.0.1", "SMTP_SECURITY": "none", "WEBHOOK_NETWORKS": "127.0.0.0/8"}
    with SmtpServer() as mail:
        known = {"SMTP_PORT": str(mail.port), "BRANDS": str(brands)} | usual | settings
        with run_api(data, folder / "api", "--slots", "1", **known) as api:
            yield SendingBench(api, mail, brands)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium; the test that asks is skipped where it is not installed."""
    find_tool("chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A browser window on the page, and what went wrong in it."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    """Errors of the console and of scripts, and requests that left the origin."""
    requests: list[Request] = field(default_factory=list)

    def sign_in(self, key: str, **query: str) -> None:
        """Open the page at an address and sign in; returns once figures are seen."""
        self.open(**query)
        self.page.locator("#access-key").fill(key)
        self.page.locator("#access-key").press("Enter")
        self.page.locator(".card").first.wait_for()

    def open(self, view: str = "", **query: str) -> None:
        """Open the page at an address."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        self.page.goto(f"{self.url}{PATH}?{text}{view and '#' + view}")

    def sign_in_to(self, key: str, view: str) -> None:
        """Open a view at its address and sign in; returns once it is seen."""
        self.open(view)
        self.page.locator("#access-key").fill(key)
        self.page.locator("#access-key").press("Enter")
        self.page.locator(f"#{view.partition('/')[0]}-view h2").wait_for()

    def card(self, name: str) -> Locator:
        """The value of a key figure."""
        return self.page.locator(f'[data-figure="{name}"] .value')

    def file(self, job_id: str) -> Locator:
        """The row of a report file."""
        return self.page.locator(f'[data-job="{job_id}"]')

    def rows(self, body: str) -> list[list[str]]:
        """The texts of a table's cells."""
        cells = self.page.locator(f"{body} tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        )
        return [[str(cell) for cell in row] for row in cells]

    def asked(self, path: str) -> list[Request]:
        """The requests of a path below /api/ws/."""
        return [one for one in self.requests if urlsplit(one.url).path == f"/api/ws/{path}"]

    def asked_at(self, path: str) -> list[float]:
        """When the requests below a path below /api/ws/ were begun, in seconds by the page's own clock."""
        begun = self.page.evaluate(
            """path => performance.getEntriesByType("resource")
              .filter((one) => new URL(one.name).pathname.startsWith(path))
              .map((one) => one.startTime / 1000)""",
            f"/api/ws/{path}",
        )
        return sorted(map(float, begun))

    def wait_until(self, done: Callable[[], object]) -> None:
        """Return once `done` gives something true; the page goes on meanwhile."""
        for _ in range(PATIENCE // 100):
            if done():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("it did not happen in time")

    def expect_seen(self, look: Callable[[], object], wanted: object) -> None:
        """What is looked at is what is wanted, if not at once then soon: older figures stay until then."""
        for _ in range(PATIENCE // 100):
            if look() == wanted:
                return
            self.page.wait_for_timeout(100)
        assert look() == wanted

    def expect_status(self, *statuses: int) -> None:
        """Forget that the browser told of answers with these statuses: they were called for."""
        told = re.compile(rf"responded with a status of ({'|'.join(map(str, statuses))})\b")
        self.problems = [problem for problem in self.problems if not told.search(problem)]


Visiting = Callable[..., Visit]
"""Opens a window; its options are those of a browser context."""


@contextmanager
def open_visit(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A new window; in the end nothing may have gone wrong in it."""
    usual: dict[str, Any] = {
        "locale": "en-GB",
        "viewport": {"width": 1280, "height": 900},
        "accept_downloads": True,
    }
    context = browser.new_context(**(usual | options))
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visit = Visit(page, url)

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            visit.problems.append(f"console: {message.text}")

    def see(request: Request) -> None:
        visit.requests.append(request)
        if not request.url.startswith((url + "/", "blob:", "data:")):
            visit.problems.append(f"left the origin: {request.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: visit.problems.append(f"script: {error}"))
    page.on("request", see)
    try:
        yield visit
        assert visit.problems == [], visit.problems
    finally:
        context.close()


def check_figures(visit: Visit, bench: Bench, key: str, **days: str) -> None:
    """The page shows what the API answers."""
    overview = bench.shown(key, "reports/overview", **days)
    jobs, ratings = overview["jobs"], overview["ratings"]
    cards = {
        "done": str(jobs["done_in_range"]),
        "revenue": digits(f"{jobs['revenue_in_range']:.2f}"),
        "services": str(overview["services"]["total"]),
        "rating": digits(f"{ratings['avg']:.2f}"),
    }
    visit.expect_seen(lambda: {name: digits(visit.card(name).inner_text()) for name in cards}, cards)
    categories = bench.shown(key, "reports/services/by-category", **days)["items"]
    visit.expect_seen(
        lambda: {(row[0], *map(digits, row[1:3])) for row in visit.rows("#categories-body")},
        {(row["category"], str(row["count"]), str(row["booked_count"])) for row in categories},
    )
    visit.page.locator("#trend summary").click()
    points = bench.shown(key, "reports/ratings/timeseries", group="month", **days)["points"]
    visit.expect_seen(
        lambda: [(digits(row[2]), digits(row[1])) for row in visit.rows("#trend-table")],
        [
            (str(point["count"]), "" if point["avg"] is None else digits(f"{point['avg']:.2f}"))
            for point in points
        ],
    )


def find_faults(page: Page) -> list[str]:
    """What axe-core finds in the page as it stands; the context must have been opened with `bypass_csp`."""
    if not _AXE.exists():
        pytest.skip("axe-core is not installed")
    page.add_script_tag(path=_AXE)
    options = json.dumps({"runOnly": {"type": "tag", "values": _AXE_RULES}})
    found = page.evaluate(f"axe.run(document, {options})")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def check_seen(window: Visit, what: str) -> None:
    """Nothing is wrong with what is seen, and nothing is wider than the window."""
    assert find_faults(window.page) == [], what
    assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what


def digits(text: str) -> str:
    """The digits alone, so that numbers of every language can be compared."""
    return re.sub(r"\D", "", text)
