"""A workshop portal on loopback for tests: a real HTTP server over data in memory, which can misbehave.

    with PortalServer() as portal:
        workshop = portal.add_workshop("101", "Nordre Bilverksted")
        workshop.bookings.append({...})
        portal.misbehave("/api/ws/ratings", status=500, times=2)

Data may be changed while it runs. Every call is recorded in `requests`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback_server import LoopbackServer, Recorded, Reply

STATUSES: list[dict[str, Any]] = [
    {"code": "PENDING", "label": "Venter", "allowed_transitions": ["CONFIRMED", "CANCELLED"]},
    {
        "code": "CONFIRMED",
        "label": "Bekreftet",
        "allowed_transitions": ["COMPLETED", "CANCELLED", "CONFIRMED"],
    },
    {"code": "COMPLETED", "label": "Ferdig", "allowed_transitions": []},
    {"code": "CANCELLED", "label": "Avlyst", "allowed_transitions": []},
]
CATEGORIES = [
    {"id": 1, "name": "Bremser"},
    {"id": 2, "name": "EU-kontroll"},
    {"id": 3, "name": "Dekk og felg"},
]


def status_row(code: str, **changes: Any) -> dict[str, Any]:
    """A booking status as the portal lists it."""
    row = {"code": code, "label": code.title(), "allowed_transitions": [], "color": "#888", "icon": "circle"}
    return row | changes


def booking_row(number: int, **changes: Any) -> dict[str, Any]:
    """A booking as the portal lists it: completed, on a day of January 2026, changed an hour after."""
    day = f"2026-01-{1 + number % 28:02d}"
    row = {
        "id": number,
        "group_id": f"g-{number}",
        "service_id": 2001,
        "customer_id": 30_000 + number,
        "customer_name": "Kari Åsnes",
        "registration_number": "EV12345",
        "status": "COMPLETED",
        "start_time": f"{day}T10:00:00Z",
        "end_time": f"{day}T11:00:00Z",
        "completed_at": f"{day}T11:05:00Z",
        "cancelled_at": None,
        "cancellation_reason": None,
        "price": 1000.5,
        "currency": "NOK",
        "walk_in": False,
        "notes": "Ring når bilen er klar",
        "created_at": "2025-12-20T08:00:00Z",
        "updated_at": f"{day}T11:{number // 28 % 60:02d}:00Z",
    }
    return row | changes


def service_row(number: int, **changes: Any) -> dict[str, Any]:
    """A service as the portal lists it."""
    row = {
        "id": number,
        "title": f"Oljeskift {number:05d}",
        "price": 990,
        "is_active": True,
        "category_ids": [1, 3],
        "duration_minutes": 60,
        "description": None,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "deleted_at": None,
    }
    return row | changes


def rating_row(booking: int, **changes: Any) -> dict[str, Any]:
    """The rating of a booking as the portal lists it."""
    row = {
        "id": 500_000 + booking,
        "booking_id": booking,
        "service_rating": 4.5,
        "service_rating_message": "Rask og hyggelig betjening!",
        "private_service_rating": False,
        "created_at": "2026-01-16T09:00:00Z",
        "updated_at": "2026-01-16T09:00:00Z",
    }
    return row | changes


@dataclass
class PortalWorkshop:
    """One workshop of the portal: its rows, and the tokens that stand for it."""

    id: str
    name: str
    org_number: str
    access_token: str
    refresh_token: str
    bookings: list[dict[str, Any]] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    ratings: list[dict[str, Any]] = field(default_factory=list)
    refresh_is_dead: bool = False
    renewed: int = 0

    def expire(self) -> None:
        """The access token that was given out is refused from now on; refreshing gives a new one."""
        self.renewed += 1
        self.access_token = f"{self.access_token.partition('.')[0]}.{self.renewed}"


class PortalServer(LoopbackServer):
    """The portal; a context manager, or `start` and `stop`."""

    def __init__(self) -> None:
        super().__init__()
        self.workshops: dict[str, PortalWorkshop] = {}
        self.statuses = [status_row(**row) for row in STATUSES]
        self.categories = [dict(row) for row in CATEGORIES]
        self.sorts = True
        """Whether bookings are sorted as asked; else they come in the order of their list."""
        self.wraps = False
        """Whether v2 lists are wrapped in `data` and `meta`."""
        self.groups = False
        """Whether the legacy bookings are grouped by group_id."""
        self.before_page: Callable[[Recorded], None] | None = None
        """Called before a list is answered: here a test changes the rows while they are read."""
        self.keeps_answers = False
        """Whether equal calls are answered from memory: for measuring, over rows that do not change."""
        self._answers: dict[str, Reply] = {}
        self._cursors_from = 0

    def add_workshop(
        self, workshop_id: str, name: str = "Nordre Bilverksted", org_number: str = "999888777"
    ) -> PortalWorkshop:
        """A workshop without rows."""
        workshop = PortalWorkshop(
            workshop_id, name, org_number, f"access-of-{workshop_id}", f"refresh-of-{workshop_id}"
        )
        self.workshops[workshop_id] = workshop
        return workshop

    def write_secrets(self, path: Path, source: str = "portal") -> Path:
        """A file of secrets with the tokens of all workshops as they are now."""
        tables = [
            f'[[{source}.workshops]]\naccess_token = "{one.access_token}"\n'
            f'refresh_token = "{one.refresh_token}"\n'
            for one in self.workshops.values()
        ]
        path.write_text("\n".join(tables), encoding="utf-8")
        path.chmod(0o600)
        return path

    def forget_cursors(self) -> None:
        """Cursors given out so far are not known any more."""
        self._cursors_from += 1

    def answer(self, request: Recorded) -> Reply:
        """See LoopbackServer."""
        parts = urlsplit(request.target)
        if request.method == "POST" and parts.path == "/api/ws/auth/refresh-token":
            return self._refresh(request)
        request.workshop = next(
            (one.id for one in self.workshops.values() if request.bearer == one.access_token), None
        )
        if fault := self.fault_of(request):
            return fault
        if parts.path == "/api/ws/categories/services":
            return Reply(200, {"items": self.categories})
        if request.workshop is None:
            return Reply(401, {"error": {"code": "UNAUTHORIZED", "message": f"bad token {request.bearer}"}})
        kept = f"{request.workshop} {request.target}"
        if self.keeps_answers and kept in self._answers:
            return self._answers[kept]
        reply = self._list(request, self.workshops[request.workshop], dict(parse_qsl(parts.query)))
        if self.keeps_answers:
            reply.encode()
            self._answers[kept] = reply
        return reply

    def _list(self, request: Recorded, workshop: PortalWorkshop, query: Mapping[str, str]) -> Reply:
        if self.before_page is not None:
            self.before_page(request)
        path = request.path
        lists: Mapping[str, Callable[[], Reply]] = {
            "/api/ws/shop": lambda: Reply(
                200,
                {
                    "data": {
                        "id": int(workshop.id),
                        "name": workshop.name,
                        "org_number": workshop.org_number,
                    },
                    "meta": {},
                },
            ),
            "/api/ws/v2/booking-statuses": lambda: self._v2({"statuses": self.statuses}),
            "/api/ws/v2/bookings": lambda: self._v2_bookings(workshop, query),
            "/api/ws/bookings": lambda: self._legacy_bookings(workshop, query),
            "/api/ws/services": partial(
                self._numbered, sorted(workshop.services, key=lambda row: str(row["title"])), query
            ),
            "/api/ws/ratings": partial(self._numbered, list(workshop.ratings), query),
        }
        return lists[path]() if path in lists else Reply(404, {"error": "no such path"})

    def _v2(self, payload: dict[str, Any]) -> Reply:
        return Reply(200, {"data": payload, "meta": {"request_id": "r-1"}} if self.wraps else payload)

    def _v2_bookings(self, workshop: PortalWorkshop, query: Mapping[str, str]) -> Reply:
        limit = int(query.get("limit", "20"))
        if limit > 100:
            return Reply(422, {"error": {"code": "LIMIT", "message": "limit is at most 100"}})
        era, _, offset = query.get("cursor", f"{self._cursors_from}:0").partition(":")
        if int(era) != self._cursors_from:
            return Reply(
                410, {"error": {"code": "CURSOR_GONE", "message": "the cursor is not known any more"}}
            )
        rows = self._days(workshop.bookings, query)
        if self.sorts and query.get("sort") == "-updated_at":
            rows.sort(key=lambda row: str(row["updated_at"]), reverse=True)
        start, end = int(offset), int(offset) + limit
        more = end < len(rows)
        info = {"next_cursor": f"{era}:{end}" if more else None, "has_more": more}
        return self._v2({"items": rows[start:end], "page_info": info})

    def _legacy_bookings(self, workshop: PortalWorkshop, query: Mapping[str, str]) -> Reply:
        rows = self._days(workshop.bookings, query)
        if not self.groups:
            return self._numbered(rows, query)
        groups: dict[str, dict[str, Any]] = {}
        for row in rows:
            group = groups.setdefault(row["group_id"], {"group_id": row["group_id"], "bookings": []})
            group["bookings"].append({name: value for name, value in row.items() if name != "group_id"})
        return self._numbered(list(groups.values()), query)

    def _days(self, rows: list[dict[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
        first, last = query.get("from", ""), query.get("to", "9")
        return [row for row in rows if first <= row["start_time"][:10] <= last]

    def _numbered(self, rows: list[dict[str, Any]], query: Mapping[str, str]) -> Reply:
        page, size = int(query.get("page", "1")), int(query.get("page_size", "20"))
        if size > 200:
            return Reply(422, {"error": "page_size is at most 200"})
        meta = {"total": len(rows), "page": page, "page_size": size}
        return Reply(200, {"items": rows[(page - 1) * size : page * size], "meta": meta})

    def _refresh(self, request: Recorded) -> Reply:
        given = request.cookie.partition("refresh_token=")[2]
        for workshop in self.workshops.values():
            if given and given == workshop.refresh_token and not workshop.refresh_is_dead:
                return Reply(
                    200, {"access_token": workshop.access_token}, {"Set-Cookie": "session=of-one; Path=/"}
                )
        return Reply(401, {"error": {"code": "UNAUTHORIZED", "message": f"bad refresh token {given}"}})
