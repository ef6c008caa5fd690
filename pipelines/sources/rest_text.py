"""Rows of JSON as columns of text: scalars as their text, nested values as JSON, null as null."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.rest_client import RestError
from warehouse.database import DatabaseOptions, connect, quote_name, quote_text

AT = "_at"
"""Column of the rows kept on disk: microseconds since 1970 of the watermark, null where there is none."""

_RESERVED = frozenset(
    {"_load", "_file", "_row", "_part", "_vanished", AT, "filename", "file_row_number", "file_index"}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


# Fractions of more digits than a double surely keeps, as which DuckDB reads them; halves of surrogate pairs.
_INEXACT = "|".join(
    [
        *(rf"[0-9]{{{whole}}}\.[0-9]{{{16 - whole}}}" for whole in range(1, 16)),
        r"[0-9]{16}[.eE]",
        r"\\u[dD][89a-fA-F]",
    ]
)


class _Fraction(str):
    """A fraction that a double does not keep, as the answer writes it."""

    __slots__ = ()


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

        Raises:
            RestError: they cannot be turned into columns, such as for want of memory.
        """
        try:
            texts = pa.array(answers, pa.large_binary())
            if pc.any(pc.match_substring_regex(texts, _INEXACT)).as_py():
                texts = pa.array([_exact(answer, place) for answer in answers], pa.large_binary())
            return self._query(texts.cast(pa.large_string()), place, columns, added, watermark)
        except Exception as error:  # DuckDB is named in the warehouse alone
            reason = str(error).partition("\n")[0]
            raise RestError(f"the rows cannot be turned into columns: {reason}") from error

    def _query(
        self,
        texts: pa.Array,
        place: str,
        columns: Iterable[str],
        added: Mapping[str, str],
        watermark: str | None,
    ) -> pa.Table:
        fields = {name: "VARCHAR" for name in columns if name not in added}
        shape: Any = [fields]
        names = place.split(".") if place else []
        for name in reversed(names):
            shape = {name: shape}
        rows = ".".join([f"from_json(text, {quote_text(json.dumps(shape))})", *map(quote_name, names)])
        values = [f"{quote_text(value)} AS {quote_name(name)}" for name, value in added.items()]
        values += [f"found.{quote_name(name)}" for name in fields]
        query = (
            f"SELECT {', '.join([*values, _instant(watermark, fields)])} FROM ("  # noqa: S608
            f"SELECT unnest({rows}) AS found FROM answers)"
        )
        with self._connection.cursor() as cursor:
            cursor.register("answers", pa.table({"text": texts}))
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


def _exact(answer: bytes, place: str) -> bytes:
    """The rows of an answer at their place, what DuckDB would not keep in them as texts already."""
    rows = json.loads(answer, parse_float=_fraction)
    names = place.split(".") if place else []
    for name in names:
        rows = rows[name]
    rows = [{name: _kept(value) for name, value in row.items()} for row in rows]
    for name in reversed(names):
        rows = {name: rows}
    return json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace")


def _fraction(text: str) -> float | _Fraction:
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else _Fraction(text)


def _kept(value: Any) -> Any:
    """A value as it is, but the JSON of a nested one that has a fraction which a double does not keep."""
    return _json(value) if isinstance(value, dict | list) and _has_fraction(value) else value


def _has_fraction(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_fraction, value.values() if isinstance(value, dict) else value))
    return isinstance(value, _Fraction)


def _json(value: Any) -> str:
    match value:
        case _Fraction():
            return str(value)
        case dict():
            return f"{{{','.join(f'{_json(name)}:{_json(one)}' for name, one in value.items())}}}"
        case list():
            return f"[{','.join(map(_json, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)
