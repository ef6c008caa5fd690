"""Draws the pictures of the reports page in docs/images: `python -m tests.page_pictures`.

They show the generated sample in Chromium: a file of every kind of state, in both languages, light and dark.
"""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from pipelines.sources.sample import generate_sample
from tests.acceptance.reports_page import YEAR, Bench, open_bench, open_browser, open_visit
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
                    draw_picture(browser, bench.api.url, key, picture)


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


def draw_picture(browser: Browser, url: str, key: str, picture: Picture) -> None:
    """Write one picture, in few colours so that it stays small."""
    size = {"width": picture.width, "height": picture.height}
    with open_visit(
        browser,
        url,
        locale=picture.locale,
        color_scheme=picture.colors,
        viewport=size,
        device_scale_factor=picture.scale,
    ) as window:
        window.sign_in(key, **YEAR)
        window.page.locator(".file").nth(3).wait_for()
        window.page.locator("#trend-chart svg").wait_for()
        path = _IMAGES / f"{picture.name}.png"
        window.page.screenshot(path=path)
    with Image.open(path) as drawn:
        few = drawn.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    draw_pictures()
