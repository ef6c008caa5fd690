"""The register of erasures: what was asked to be erased, when, why and how much, kept beside the landing.

It is the record of what was done, and what later loads are screened by. `erasures.json` names workshops and
customers by their ids; `.erased/` keeps digests of the keys of erased rows, by which rows that go with them
are told when they come later.
"""

import json
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from warehouse.durable_files import write_atomically
from warehouse.errors import WarehouseError

_FILE = "erasures.json"


class ErasureError(WarehouseError):
    """An erasure cannot be done as asked; nothing was erased."""


class Erasure(BaseModel):
    """One workshop or customer that was erased, or is to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    kind: Literal["workshop", "customer"]
    workshop_id: str
    customer_id: str | None = None
    sources: tuple[str, ...]
    """Sources whose later loads are screened."""
    asked_at: datetime
    reason: str = ""
    rows: dict[str, int] = {}
    """Landed rows by `<source>.<entity>`, all versions; of a customer: rows with personal data."""
    inputs: dict[str, tuple[str, ...]] = {}
    """Input files of sources of files that held the rows when they were last landed."""
    days: tuple[date, ...] = ()
    """Local days of a customer's bookings and ratings; forgotten when the erasure is done."""
    jobs: int = 0
    """Export jobs whose records were removed."""
    files: int = 0
    """Files and manifests that were removed from the store."""
    voided: tuple[str, ...] = ()
    """Ids of the export jobs whose files were withdrawn."""
    done_at: datetime | None = None
    """None: it was cut short, or rows have come since; the next run completes it."""

    @property
    def subject(self) -> str:
        """What is erased, for people."""
        of = f"customer {self.customer_id} of " if self.kind == "customer" else ""
        return f"{of}workshop {self.workshop_id}"


_ERASURES = TypeAdapter(list[Erasure])


class Register:
    """The erasures of a landing; one process writes at a time, the one that holds the build file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / _FILE

    def read(self) -> list[Erasure]:
        """Every erasure, oldest first.

        Raises:
            WarehouseError: the register cannot be read; nothing may be landed without it.
        """
        try:
            return _ERASURES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise WarehouseError(
                f"{self._path}: the register of erasures cannot be read; restore it from a backup, or rows"
                " that were erased come back"
            ) from error

    def find(self, kind: str, workshop_id: str, customer_id: str | None) -> Erasure | None:
        """The erasure of this workshop or customer."""
        wanted = (kind, workshop_id, customer_id)
        return next((e for e in self.read() if (e.kind, e.workshop_id, e.customer_id) == wanted), None)

    def of_source(self, source: str) -> list[Erasure]:
        """The erasures that the source's loads are screened by."""
        return [erasure for erasure in self.read() if source in erasure.sources]

    def next_number(self) -> int:
        """Number of the next erasure."""
        return max((erasure.number for erasure in self.read()), default=0) + 1

    def put(self, erasure: Erasure) -> Erasure:
        """Write the erasure in place of what was known under its number."""
        others = [other for other in self.read() if other.number != erasure.number]
        self._root.mkdir(parents=True, exist_ok=True)
        every = sorted([*others, erasure], key=lambda one: one.number)
        record = _ERASURES.dump_python(every, mode="json")
        write_atomically(self._path, json.dumps(record, ensure_ascii=False, indent=1))
        return erasure

    def keys_path(self, erasure: Erasure, source: str) -> Path:
        """File of the digests of the keys of the rows of one source; its folder is made."""
        folder = self._root / ".erased"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{erasure.number:06d}-{source}.parquet"

    def forget_keys(self, erasure: Erasure) -> None:
        """Remove what was kept for an erasure that never came on record."""
        for path in (self._root / ".erased").glob(f"{erasure.number:06d}-*"):
            path.unlink()


def pending(erasures: Collection[Erasure]) -> list[Erasure]:
    """Those that are not done."""
    return [erasure for erasure in erasures if erasure.done_at is None]
