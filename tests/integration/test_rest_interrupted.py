"""A load that is killed goes on from its last page; many workshops are read at once, within the bound."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.integration.test_rest_portal import BOOKINGS, Night
from tests.portal_server import PortalServer, booking_row
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
        portal.misbehave(BOOKINGS, times=14, delay=0.4)
        load = subprocess.Popen([sys.executable, "-c", LOAD, str(tmp_path), portal.url], cwd=ROOT)
        kept = tmp_path / "landing/portal/bookings/.unfinished/workshop=101/progress.json"
        end = time.monotonic() + 60
        while not (kept.exists() and len(portal.calls(BOOKINGS)) > 9):
            assert time.monotonic() < end, "nothing was kept"
            assert load.poll() is None, "the load ended before it could be killed"
            time.sleep(0.02)
        os.kill(load.pid, signal.SIGKILL)
        load.wait(10)
        assert Landing(tmp_path / "landing").loads("portal", "bookings") == []
        portal.behave()
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

        def count(request: Any) -> None:
            now.append(1)
            most.append(len(now))
            time.sleep(0.1)
            now.pop()

        portal.before_page = count
        night = Night(tmp_path, portal)
        night.changes["concurrency"] = 4
        assert night.load("bookings").status == "loaded"
        assert len(night.rows("bookings")) == 8
        assert 2 <= max(most) <= 4
