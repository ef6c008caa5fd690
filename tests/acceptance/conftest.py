"""Fixtures of the reports page in a browser."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.acceptance.reports_page import Bench, Visiting, open_bench, open_browser, open_visit


# Of a module, not of the session: while Playwright runs, the thread cannot run an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def bench(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The API and the page on the sample, with a worker."""
    with open_bench(sample_data, tmp_path_factory.mktemp("page")) as bench:
        yield bench


@pytest.fixture(scope="module")
def key(bench: Bench) -> str:
    """Of workshop 101 alone."""
    return bench.api.new_key("101")


@pytest.fixture
def visit(browser: Browser, bench: Bench) -> Iterator[Visiting]:
    """Opens windows; the test fails when anything went wrong in one."""
    with ExitStack() as windows:
        yield lambda **options: windows.enter_context(open_visit(browser, bench.api.url, **options))
