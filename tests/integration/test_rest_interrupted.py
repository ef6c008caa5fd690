"""A load that is killed goes on from its last page; many workshops are read at once, within the bound."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.integration.test_rest_portal import BOOKINGS, Night
from tests.portal_server import PortalServer, booking_row
from tests.worker_processes import wait_until
from warehouse.landing import Landing

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import sys
from pathlib import Path
from tests.integration.test_rest_portal import Night
from tests.portal_server import PortalServer

portal = PortalServer()
type(portal).url = sys.argv[2]
print(Night(Path(sys.argv[1]), portal).load("bookings").detail)
"""


def test_a_killed_load_goes_on_from_its_last_page(tmp_path: Path) -> None:
    with PortalServer() as portal:
        workshop = portal.add_workshop("101")
        workshop.bookings = [booking_row(number) for number in range(1, 2001)]
        portal.write_secrets(tmp_path / "secrets.toml")
        kept = tmp_path / "landing/portal/bookings/.unfinished/workshop=101/progress.json"
        go_on = threading.Event()

        def hold(_request: Any) -> None:
            """No page any more once some are kept, which they are after two seconds."""
            if kept.exists():
                go_on.wait(120)
            else:
                time.sleep(0.3)

        portal.before_page = hold
        load = subprocess.Popen([sys.executable, "-c", LOAD, str(tmp_path), portal.url], cwd=ROOT)
        try:
            wait_until(kept.exists)
            assert load.poll() is None, "the load ended before it could be killed"
        finally:
            os.kill(load.pid, signal.SIGKILL)
            load.wait()
            go_on.set()
        assert Landing(tmp_path / "landing").loads("portal", "bookings") == []
        portal.before_page = None
        time.sleep(0.5)
        portal.requests.clear()
        night = Night(tmp_path, portal)
        assert night.load("bookings").detail == "2000 rows from 1 of 1 inputs"
        assert "cursor=" in portal.calls(BOOKINGS)[0].target
        assert len(portal.calls(BOOKINGS)) < 20
        assert len(night.rows("bookings")) == 2000


def test_workshops_are_read_at_once_within_the_bound(tmp_path: Path) -> None:
    with PortalServer() as portal:
        for number in range(101, 109):
            portal.add_workshop(str(number)).bookings = [booking_row(number)]
        now: list[int] = []
        most: list[int] = []
        together = threading.Event()

        def count(_request: Any) -> None:
            now.append(1)
            most.append(len(now))
            if len(now) > 1:
                together.set()
            together.wait(30)
            time.sleep(0.1)
            now.pop()

        portal.before_page = count
        night = Night(tmp_path, portal)
        night.changes["concurrency"] = 4
        assert night.load("bookings").status == "loaded"
        assert len(night.rows("bookings")) == 8
        assert 2 <= max(most) <= 4
