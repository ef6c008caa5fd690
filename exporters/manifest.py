"""The manifest beside each file: what the file is, how it was made, and that it is whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

PRODUCT = "workshop-reports"


@dataclass(frozen=True)
class Manifest:
    """Everything needed to trust a file, or to make it again. Instants are ISO 8601 in UTC."""

    job_id: str
    attempt: int
    workshop_id: str
    report_type: str
    format: str
    language: str
    filters: Mapping[str, Any]
    """As resolved; a filter that was left out is not there."""
    time_zone: str
    currency: str | None
    generation: str
    data_as_of: str | None
    created_at: str
    file_name: str
    media_type: str
    columns: tuple[str, ...]
    rows_expected: int
    rows_written: int
    filled: Mapping[str, int]
    """Per column, the values in the file that are not null, as the database and the writer both count."""
    sums: Mapping[str, str | None]
    """Per column of exact numbers, their sum, as the database and the writer both give it."""
    size_bytes: int
    sha256: str
    notes: tuple[Mapping[str, Any], ...]
    """What was cut, left out or replaced: `column` (none: the heading), `what`, `count` and the sentence
    `text`; empty: nothing was."""

    def encode(self) -> bytes:
        """The manifest as JSON, with the version of the product that wrote the file."""
        record = asdict(self) | {"writer": f"{PRODUCT} {_version()}"}
        return json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True).encode()


def manifest_key(file_key: str) -> str:
    """Where the manifest of a stored file lies."""
    return f"{file_key}.manifest.json"


@cache
def _version() -> str:
    # It is read from a file.
    return version(PRODUCT)
