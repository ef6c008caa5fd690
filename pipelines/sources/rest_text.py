"""Rows of JSON as columns of text: scalars as their text, nested values as JSON, null as null."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any

import pyarrow as pa

from pipelines.sources.rest_client import RestError
from pipelines.sources.rest_shapes import Row

AT = "_at"
"""Column of the rows kept on disk: microseconds since 1970 of the watermark, null where there is none."""

_RESERVED = frozenset(
    {"_load", "_file", "_row", "_part", "_vanished", AT, "filename", "file_row_number", "file_index"}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(value: object) -> int | None:
    """An instant of ISO 8601, in UTC unless it has an offset, or of Unix seconds; None: it is neither."""
    try:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return int(value * 1_000_000)
        if not isinstance(value, str):
            return None
        instant = datetime.fromisoformat(value)
        return ((instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def instant_text(instant: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC."""
    return (_EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")


def table_of(
    rows: Sequence[Row], columns: Iterable[str], added: Mapping[str, str], at: list[int | None]
) -> pa.Table:
    """The rows as a table of text columns, those that every row has besides first, and their instants."""
    arrays: dict[str, pa.Array] = {
        name: pa.repeat(pa.scalar(value, pa.string()), len(rows)) for name, value in added.items()
    }
    for name in columns:
        if name not in added:
            arrays[name] = _text_array([row.get(name) for row in rows])
    arrays[AT] = pa.array(at, pa.int64())
    return pa.table(arrays)


def check_names(columns: Iterable[str]) -> None:
    """Refuse names that the landing cannot keep.

    Raises:
        RestError: a name is empty, used by the landing itself, or differs from another only in its case.
    """
    seen: set[str] = set()
    for name in columns:
        if not name:
            raise RestError("the answer has a field without a name")
        if name.lower() in _RESERVED:
            raise RestError(f"the field {name} has a name that the landing uses itself")
        if name.lower() in seen:
            raise RestError(f"the field {name} is there twice; upper and lower case make no difference")
        seen.add(name.lower())


def _text_array(values: list[Any]) -> pa.Array:
    kinds = set(map(type, values)) - {NoneType}
    if kinds - {str}:
        write = _WRITERS.get(next(iter(kinds)), _json_text) if len(kinds) == 1 else _text
        values = [None if value is None else write(value) for value in values]
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write and UTF-8 cannot
        whole = [value and value.encode("utf-8", "replace").decode() for value in values]
        return pa.array(whole, pa.string())


def _text(value: Any) -> str:
    writer: Callable[[Any], str] = _WRITERS.get(type(value), _json_text)
    return writer(value)


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: lambda text: text,
    bool: lambda truth: "true" if truth else "false",
    int: str,
    Decimal: str,
}
