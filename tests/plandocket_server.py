"""A PlanDocket on loopback for tests: its five resources over data in memory."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback_server import LoopbackServer, Recorded, Reply

RESOURCES = ("events", "participants", "applications", "invoices", "payments")


class PlanDocketServer(LoopbackServer):
    """PlanDocket; a context manager, or `start` and `stop`."""

    def __init__(self) -> None:
        super().__init__()
        self.api_key = "pd-key-of-tests"
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in RESOURCES}

    def write_secrets(self, path: Path, source: str = "plandocket") -> Path:
        """A file of secrets with the key."""
        path.write_text(f'[{source}]\napi_key = "{self.api_key}"\n', encoding="utf-8")
        path.chmod(0o600)
        return path

    def answer(self, request: Recorded) -> Reply:
        """See LoopbackServer."""
        if fault := self.fault_of(request):
            return fault
        if request.bearer != self.api_key:
            return Reply(401, {"error": f"Unknown key {request.bearer}"})
        name = request.path.removeprefix("/api/v1/")
        if name not in self.rows:
            return Reply(404, {"error": "Not found"})
        query = dict(parse_qsl(urlsplit(request.target).query))
        page, size = int(query.get("page", "1")), int(query.get("per_page", "25"))
        rows = self.rows[name]
        meta = {"request_id": "req_1", "total": len(rows), "last_page": max(1, -(-len(rows) // size))}
        return Reply(200, {"data": rows[(page - 1) * size : page * size], "meta": meta})
