"""The workshops of the served generation by id: who they are, and which one an organisation number names."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from exporters.access.callers import plain_number
from warehouse.snapshots import Snapshots

_WORKSHOPS = "SELECT workshop_id, name, time_zone, org_number FROM workshops"


@dataclass(frozen=True)
class Member:
    """A workshop."""

    workshop_id: str
    name: str
    time_zone: str
    number: str | None
    """Its organisation number without spaces."""


@dataclass(frozen=True)
class Directory:
    """The workshops of one generation."""

    generation: str
    published_at: datetime
    members: dict[str, Member]
    """By id."""

    def find(self, number: str, among: Collection[str]) -> str | None:
        """Id of the one workshop of `among` with the organisation number; None: there is none, or several."""
        return self.find_all([number], among)[0]

    def find_all(self, numbers: Collection[str], among: Collection[str]) -> list[str | None]:
        """As `find`, for each of the numbers."""
        known: dict[str, list[str]] = {}
        for workshop_id in among:
            member = self.members.get(workshop_id)
            if member is not None and member.number:
                known.setdefault(member.number, []).append(workshop_id)
        found = [known.get(number, []) for number in numbers]
        return [ids[0] if len(ids) == 1 else None for ids in found]

    def has(self, workshop_id: str, number: str) -> Member | None:
        """The workshop, if it is there and has the organisation number still."""
        member = self.members.get(workshop_id)
        return member if member is not None and member.number == number else None


class Directories:
    """Reads the directory of the served generation, once for each. Safe to share between threads."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._lock = Lock()
        self._read: Directory | None = None

    def current(self) -> Directory:
        """The directory of the generation that is served now.

        Raises:
            NoGenerationError: nothing is published yet.
            WarehouseError: what is served cannot be read.
        """
        with self._lock, self._snapshots.open() as snapshot:
            served = snapshot.generation
            if self._read is None or self._read.generation != served.generation:
                members = {
                    workshop_id: Member(workshop_id, name, zone, plain_number(number) if number else None)
                    for workshop_id, name, zone, number in snapshot.rows(_WORKSHOPS)
                }
                self._read = Directory(served.generation, served.published_at, members)
            return self._read
