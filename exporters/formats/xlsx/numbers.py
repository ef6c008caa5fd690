"""Number formats of a workbook: how Excel is told to show each kind, by the language's conventions.

Excel itself puts the decimal sign and the separator of groups of its reader's own settings.
"""

from decimal import Decimal

import polars as pl
from babel.numbers import get_currency_symbol

from exporters.formats.display import date_format, find_locale, timestamp_format
from exporters.formats.table import Kind, Language
from exporters.formats.wording import say

DIGITS = 15
"""Significant decimal digits that Excel keeps of a number."""

_MOST_PLACES = 30
_DIRECTIVES = {"%Y": "yyyy", "%m": "mm", "%d": "dd", "%H": "hh", "%M": "mm", "%S": "ss"}


def format_code(kind: Kind, places: int | None, language: Language, currency: str | None) -> str | None:
    """Returns the format of a kind's values, decimals with this many places; None: Excel's own."""
    match kind:
        case "integer":
            return "0"
        case "money":
            return _money_code(language, currency) if currency else "#,##0.00"
        case "decimal" if places is not None:
            return grouped_code(places)
        case "date":
            return _date_code(date_format(language))
        case "timestamp":
            return _date_code(timestamp_format(language))
        case _:
            return None


def grouped_code(places: int) -> str:
    """Returns the format of numbers in groups of three digits with this many places."""
    return f"#,##0.{'0' * min(places, _MOST_PLACES)}" if places else "#,##0"


def column_code(kind: Kind, dtype: pl.DataType, language: Language, currency: str | None) -> str | None:
    """Returns the format of a frame's column."""
    return format_code(kind, dtype.scale if isinstance(dtype, pl.Decimal) else None, language, currency)


def show_number(
    value: Decimal | int | None, kind: Kind, language: Language, currency: str | None
) -> tuple[Decimal | int | str, str]:
    """Returns a number as a cell's value and format; a text when it has more digits than Excel keeps."""
    if value is None:
        return say(language, "no_value"), "General"
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if len(text.replace("-", "").replace(".", "").strip("0")) > DIGITS:
        return text, "General"
    if kind == "money":
        return value, format_code(kind, 2, language, currency) or "General"
    return value, grouped_code(len(text.partition(".")[2]))


def _money_code(language: Language, currency: str) -> str:
    locale = find_locale(language)
    symbol = str(get_currency_symbol(currency, locale=locale)).replace('"', "")
    pattern = str(locale.currency_formats["standard"].pattern).replace("\u00a0", " ")
    if symbol[-1:].isalpha():
        pattern = pattern.replace("¤#", "¤ #")
    return pattern.replace(" ¤", f'" {symbol}"').replace("¤ ", f'"{symbol} "').replace("¤", f'"{symbol}"')


def _date_code(directives: str) -> str:
    code = directives
    # Without the backslash Excel would put its reader's own separator for the slash.
    for directive, letters in (("/", "\\/"), *_DIRECTIVES.items()):
        code = code.replace(directive, letters)
    return code
