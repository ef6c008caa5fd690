"""Which workshops an organisation has in the served data: what an organisation's key is for."""

from pathlib import Path
from threading import Lock

from exporters.access.callers import plain_number
from warehouse.errors import NoGenerationError
from warehouse.generations import current_generation, open_snapshot

_MEMBERS = "SELECT org_number, workshop_id FROM workshops WHERE org_number IS NOT NULL"


class Organisations:
    """Workshops by organisation number, read once from each generation. Safe to share between threads."""

    def __init__(self, warehouse_folder: Path) -> None:
        self._folder = warehouse_folder
        self._lock = Lock()
        self._generation: str | None = None
        self._members: dict[str, frozenset[str]] = {}

    def workshops(self, organisation: str) -> frozenset[str]:
        """Ids of the organisation's workshops in the generation that is served now; none before the first.

        Raises:
            WarehouseError: what is served cannot be read.
        """
        try:
            with self._lock:
                if current_generation(self._folder).generation != self._generation:
                    self._read()
                return self._members.get(plain_number(organisation), frozenset())
        except NoGenerationError:
            return frozenset()

    def _read(self) -> None:
        members: dict[str, set[str]] = {}
        with open_snapshot(self._folder) as served:
            for organisation, workshop_id in served.rows(_MEMBERS):
                members.setdefault(plain_number(organisation), set()).add(workshop_id)
            self._members = {number: frozenset(ids) for number, ids in members.items()}
            self._generation = served.generation.generation
