"""Verdicts: how the last attempt to load an entity ended, kept as a file beside the entity's loads."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from warehouse.durable_files import write_atomically

VerdictStatus = Literal["loaded", "unchanged", "failed"]

_FILE = "verdict.json"


@dataclass(frozen=True)
class Verdict:
    """How the last attempt to load an entity ended."""

    status: VerdictStatus
    at: datetime
    detail: str = ""
    """What failed, or what was landed."""
    data_as_of: datetime | None = None
    """When the entity was last read without a fault."""
    new_columns: tuple[str, ...] = ()
    """Columns of the landed inputs that the declaration does not list, in the order they came."""


def read_verdict(folder: Path) -> Verdict | None:
    """The verdict of the entity whose loads lie in `folder`; None before the first."""
    path = folder / _FILE
    if not path.exists():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    as_of = record["data_as_of"]
    return Verdict(
        record["status"],
        datetime.fromisoformat(record["at"]),
        record["detail"],
        datetime.fromisoformat(as_of) if as_of else None,
        tuple(record.get("new_columns", ())),
    )


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Keep the verdict; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    as_of = verdict.data_as_of
    record = asdict(verdict) | {
        "at": verdict.at.isoformat(),
        "data_as_of": as_of.isoformat() if as_of else None,
    }
    write_atomically(folder / _FILE, json.dumps(record, ensure_ascii=False, indent=1))
