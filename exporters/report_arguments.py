"""Values of report arguments: texts and JSON read as what a query binds, and written back."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from exporters.report_headers import ArgumentHeader, ArgumentType
from warehouse.period import parse_day


def read_value(argument: ArgumentHeader, value: Any) -> Any:
    """The value as the query binds it; None for one that is left out. Texts are converted; typed values pass.

    Raises:
        ValueError: the argument cannot take it; its text says what it must be.
    """
    if value is None or value == "":
        return None
    try:
        read = _READERS[argument.type](value)
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
        raise ValueError(_expected(argument)) from error
    if argument.choices and read not in argument.choices:
        raise ValueError(_expected(argument))
    return read


def write_value(value: Any) -> Any:
    """The value as JSON, which `read_value` reads back."""
    match value:
        case bool() | list():
            return value
        case datetime():
            return value.isoformat(timespec="minutes")
    return str(value)


def _expected(argument: ArgumentHeader) -> str:
    if argument.choices:
        return f"one of {', '.join(argument.choices)}"
    return {
        "date": "a date as YYYY-MM-DD",
        "instant": "a local time as YYYY-MM-DDTHH:MM",
        "boolean": "true or false",
        "decimal": "a number",
        "list": "ids separated by commas",
        "text": "text",
    }[argument.type]


def _read_date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return parse_day(value)


def _read_instant(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    written = moment.isoformat(timespec="minutes")
    # Other forms of ISO 8601 are read too, and a zone or seconds would be lost where it is written.
    if moment != datetime.fromisoformat(written) or moment.tzinfo or value not in (moment, written):
        raise ValueError(value)
    return moment


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return _BOOLEANS[value.lower()]


def _read_decimal(value: Any) -> Decimal:
    number = Decimal(str(value))
    return number if number.is_finite() else _refuse(value)


def _read_list(value: Any) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise TypeError(value)
    texts = [_read_text(str(item) if type(item) is int else item).strip() for item in items]
    return [text for text in texts if text]


def _read_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    value.encode()  # half of a surrogate pair can be neither stored nor found
    return value


def _refuse(value: Any) -> Any:
    raise ValueError(value)


_BOOLEANS = {"true": True, "false": False}

_READERS: Mapping[ArgumentType, Any] = {
    "date": _read_date,
    "instant": _read_instant,
    "text": _read_text,
    "boolean": _read_boolean,
    "decimal": _read_decimal,
    "list": _read_list,
}
