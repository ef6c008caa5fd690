"""Rows of JSON as columns of text: scalars as their text, nested values as JSON, null as null."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from pipelines.sources.rest_client import RestError
from warehouse.database import DatabaseOptions, connect, quote_name, quote_text

AT = "_at"
"""Column of the rows kept on disk: microseconds since 1970 of the watermark, null where there is none."""

_RESERVED = frozenset(
    {"_load", "_file", "_row", "_part", "_vanished", AT, "filename", "file_row_number", "file_index"}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class TextColumns:
    """Turns lists of JSON objects into columns of text; DuckDB does it, as it does with files of JSON."""

    def __init__(self, options: DatabaseOptions) -> None:
        self._connection = connect(None, options=options)

    def close(self) -> None:
        """Free what it holds."""
        self._connection.close()

    def table(
        self,
        answers: Sequence[bytes],
        place: str,
        columns: Iterable[str],
        added: Mapping[str, str],
        watermark: str | None,
    ) -> pa.Table:
        """The rows of JSON answers, in their order; `place` names the field that lists them.

        The columns that every row has besides come first, the instants of the watermark last.
        """
        fields = {name: "VARCHAR" for name in columns if name not in added}
        texts = pa.array([_without_halves(answer) for answer in answers], pa.large_binary())
        shape: Any = [fields]
        names = place.split(".") if place else []
        for name in reversed(names):
            shape = {name: shape}
        rows = ".".join([f"from_json(text, {quote_text(json.dumps(shape))})", *map(quote_name, names)])
        with self._connection.cursor() as cursor:
            cursor.register("answers", pa.table({"text": texts.cast(pa.large_string())}))
            values = [f"{quote_text(value)} AS {quote_name(name)}" for name, value in added.items()]
            values += [f"found.{quote_name(name)}" for name in fields]
            query = (
                f"SELECT {', '.join([*values, _instant(watermark, fields)])} FROM ("  # noqa: S608
                f"SELECT unnest({rows}) AS found FROM answers)"
            )
            found: pa.Table = cursor.sql(query).to_arrow_table()
            return found


def microseconds(value: Any) -> int | None:
    """An instant of ISO 8601, in UTC unless it has an offset, or of Unix seconds; None: it is neither."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
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


def _instant(watermark: str | None, fields: Mapping[str, str]) -> str:
    if watermark is None or watermark not in fields:
        return f"NULL::BIGINT AS {AT}"
    value = f"found.{quote_name(watermark)}"
    unix = f"CAST(TRY_CAST({value} AS DOUBLE) * 1000000 AS BIGINT)"
    return f"coalesce(epoch_us(TRY_CAST({value} AS TIMESTAMPTZ)), {unix}) AS {AT}"


def _without_halves(text: bytes) -> bytes:
    """JSON without halves of surrogate pairs, which it may write and UTF-8 cannot."""
    if b"\\ud" not in text and b"\\uD" not in text:
        return text
    written = json.dumps(json.loads(text), ensure_ascii=False)
    return written.encode("utf-8", "replace")
