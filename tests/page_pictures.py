"""Draws the pictures of the reports page in docs/images: `python -m tests.page_pictures`.

They show the generated sample in Chromium: a file of every kind of state, a scheduled report, a batch and
deliveries, in both languages, light and dark.
"""

import csv
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from pipelines.sources.sample import generate_sample
from tests.acceptance.reports_page import (
    YEAR,
    Bench,
    SendingBench,
    Visit,
    open_bench,
    open_browser,
    open_sending_bench,
    open_visit,
)
from tests.api_server import ask_export
from tests.built import ROOT, run_night

_WORKSHOP = "101"
_IMAGES = ROOT / "docs" / "images"
_LEASE = timedelta(hours=1)
_COLORS = 256


@dataclass(frozen=True)
class Picture:
    """One picture: the window it is taken in."""

    name: str
    locale: str
    colors: str
    width: int
    height: int
    """Of what is shown of the page."""
    scale: float


_PICTURES = (
    Picture("page-desktop", "en-GB", "light", 1280, 1420, 1),
    Picture("page-dark", "nb-NO", "dark", 1280, 1420, 1),
    Picture("page-phone", "nb-NO", "light", 375, 1440, 1.5),
)
_DEFINITION = Picture("page-definition", "en-GB", "light", 1280, 1090, 1)
_BATCH = Picture("page-batch", "nb-NO", "dark", 1280, 960, 1)
_DELIVERIES = Picture("page-deliveries", "nb-NO", "light", 375, 720, 1.5)


def draw_pictures() -> None:
    """Build the sample, make files, and write every picture."""
    with tempfile.TemporaryDirectory() as folder:
        generate_sample(Path(folder, "sources", "sample"))
        data = Path(folder, "data")
        run_night(data, SOURCE_ROOT=str(Path(folder, "sources")))
        with open_bench(data, Path(folder, "page")) as bench, bench.worker.held():
            make_files(bench)
            key = bench.api.new_key(_WORKSHOP)
            with open_browser() as browser:
                for picture in _PICTURES:
                    draw_figures(browser, bench.api.url, key, picture)
        with open_sending_bench(data, Path(folder, "sending")) as sending, open_browser() as browser:
            draw_views(browser, sending, Path(folder, "sources", "sample", "workshops.csv"))


def make_files(bench: Bench) -> None:
    """Jobs that failed, have ended well, and are under way."""
    with bench.api.client(_WORKSHOP) as client, bench.api.exports() as exports:

        def ask(report: str, format_: str) -> str:
            return str(ask_export(client, type=report, format=format_, filters=YEAR, language="nb")["job_id"])

        brand = bench.brands / f"{_WORKSHOP}.toml"
        brand.write_text('logo = "logo.png"\n')
        exports.run(ask("ratings", "pdf"))
        brand.unlink()
        exports.run(ask("revenue", "pdf"))
        exports.run(ask("bookings", "xlsx"))
        under_way = exports.jobs.claim("pictures", _LEASE, ask("bookings", "csv"))
        assert under_way is not None
        exports.jobs.heartbeat(under_way, _LEASE, 2_650, 4_209)


def draw_figures(browser: Browser, url: str, key: str, picture: Picture) -> None:
    """Write a picture of the figures and files."""
    with open_window(browser, url, picture) as window:
        window.sign_in(key, **YEAR)
        window.page.locator(".file").nth(3).wait_for()
        window.page.locator("#trend-chart svg").wait_for()
        write_picture(window.page, picture)


def draw_views(browser: Browser, bench: SendingBench, workshops: Path) -> None:
    """Write a picture of each view that sends; what they show is made in them before."""
    with workshops.open(newline="") as file:
        numbers = {row["id"]: row["org_number"] for row in csv.DictReader(file)}
    bench.mail.recipients["verkstedet@sluttet.example"] = "550 5.1.1 no such mailbox"
    key = bench.new_key(_WORKSHOP, "102", "104")
    with open_window(browser, bench.api.url, _DEFINITION) as window:
        window.sign_in_to(key, "definitions/new")
        make_definition(window.page)
        write_picture(window.page, _DEFINITION)
    with open_window(browser, bench.api.url, _DELIVERIES) as window:
        window.sign_in_to(key, "deliveries")
        window.page.locator('[data-state="refused"]').wait_for()
        write_picture(window.page, _DELIVERIES)
    (bench.brands / "104.toml").write_text('color = "bluish"\n')
    with open_window(browser, bench.api.url, _BATCH) as window:
        window.sign_in_to(key, "batches/new")
        make_batch(window.page, f"{numbers[_WORKSHOP]},77\n{numbers['102']}\n{numbers['104']}")
        write_picture(window.page, _BATCH)


def make_definition(page: Page) -> None:
    """Fill in the form, and send what it makes."""
    page.locator("#definition-name").fill("Services of the week")
    page.locator("#definition-type").select_option("104")
    page.locator("#definition-interval").select_option("week")
    page.locator("#definition-emails").fill("kari@verksted.example\nverkstedet@sluttet.example")
    page.locator("#definition-owner").fill("eier@verksted.example")
    page.locator("#definition-when-data").check()
    page.locator("#definition-save").click()
    page.locator(".back-test").wait_for()
    page.locator('[data-action="send"]').click()
    page.locator('.fires .state[data-kind="good"]').wait_for()
    page.locator("#definitions-view h2").focus()


def make_batch(page: Page, numbers: str) -> None:
    """Fill in the form of a batch, and wait until it has ended."""
    page.locator("#batch-name").fill("Kvartalet")
    page.locator("#batch-type").select_option("revenue")
    page.locator("#batch-numbers").fill(numbers)
    page.locator("#batch-email").fill("regnskap@verksted.example")
    page.locator("#batch-make").click()
    page.locator('.standing .state[data-kind="bad"]').wait_for()
    page.locator("#batches-view .entry").nth(2).wait_for()


def open_window(browser: Browser, url: str, picture: Picture) -> AbstractContextManager[Visit]:
    """A window of the picture's size and kind."""
    return open_visit(
        browser,
        url,
        locale=picture.locale,
        color_scheme=picture.colors,
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=picture.scale,
    )


def write_picture(page: Page, picture: Picture) -> None:
    """Write the picture, in few colours so that it stays small."""
    path = _IMAGES / f"{picture.name}.png"
    page.screenshot(path=path)
    with Image.open(path) as drawn:
        few = drawn.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    draw_pictures()
