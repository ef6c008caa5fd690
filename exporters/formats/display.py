"""Display: values as the text that people read, in the conventions of the language.

Numbers are grouped and have the language's decimal sign; dates are in the short form of CLDR with four digits
of the year. No digit is rounded away.
"""

import re
from datetime import date, datetime
from decimal import Decimal, localcontext
from functools import lru_cache

import polars as pl
from babel import Locale
from babel.numbers import format_currency, get_minus_sign_symbol

from exporters.formats.table import Kind, Language
from exporters.formats.wording import say

_LOCALES: dict[Language, str] = {"nb": "nb_NO", "sv": "sv_SE", "da": "da_DK", "de": "de_DE", "en": "en_GB"}

_DIGITS = 100
"""Enough that no sum is rounded."""


@lru_cache
def find_locale(language: Language) -> Locale:
    """Returns the locale whose conventions a language's files follow."""
    return Locale.parse(_LOCALES[language])


@lru_cache
def date_format(language: Language) -> str:
    """Returns how a date is written, in the directives of strftime: `%Y`, `%m` and `%d`."""
    pattern = str(find_locale(language).date_formats["short"].pattern)
    for letter, directive in (("y", "%Y"), ("M", "%m"), ("d", "%d")):
        pattern = re.sub(f"(?<!%){letter}+", directive, pattern, count=1)
    return pattern


def timestamp_format(language: Language) -> str:
    """Returns how a timestamp is written, to the second, in the directives of strftime."""
    return f"{date_format(language)} %H:%M:%S"


def show_time(value: date, language: Language) -> str:
    """Returns a date, or a timestamp in its own wall clock, as `show_column` does."""
    form = timestamp_format(language) if isinstance(value, datetime) else date_format(language)
    return value.strftime(form)


def show_value(
    value: Decimal | int | None, kind: Kind, language: Language, currency: str | None = None
) -> str:
    """Returns one number as `show_column` does, money of a known currency with its sign; None as a dash."""
    if value is None:
        return say(language, "no_value")
    if kind == "money" and currency:
        locale = find_locale(language)
        with localcontext(prec=_DIGITS):
            shown = format_currency(value, currency, locale=locale, decimal_quantization=False)
        # Babel leaves out CLDR's space between a letter and a digit, and writes a hyphen for the minus.
        spaced = re.sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", str(shown))
        return spaced.replace("-", get_minus_sign_symbol(locale))
    symbols = find_locale(language).number_symbols["latn"]
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    whole, _, places = text.removeprefix("-").partition(".")
    sign = symbols["minusSign"] if text.startswith("-") else ""
    shown = sign + f"{int(whole):,}".replace(",", symbols["group"])
    return shown + symbols["decimal"] + places if places else shown


def show_column(values: pl.Series, kind: Kind, language: Language) -> pl.Series:
    """Returns the values of a frame's column as texts; nulls stay null."""
    match kind:
        case "text":
            return values
        case "boolean":
            yes, no = say(language, "yes"), say(language, "no")
            return values.replace_strict({True: yes, False: no}, return_dtype=pl.String)
        case "date":
            return values.dt.to_string(date_format(language))
        case "timestamp":
            return values.dt.to_string(timestamp_format(language))
        case _:
            return _show_numbers(values, language)


def _show_numbers(values: pl.Series, language: Language) -> pl.Series:
    symbols = find_locale(language).number_symbols["latn"]
    texts = values.cast(pl.String).alias("t").to_frame()
    whole = pl.col("t").str.extract(r"^-?(\d+)", 1)
    # The engine of polars' expressions looks neither ahead nor back: groups of three are cut from the end.
    grouped = (
        whole.str.reverse()
        .str.replace_all(r"(\d{3})", f"$1{symbols['group']}")
        .str.reverse()
        .str.strip_prefix(symbols["group"])
    )
    rest = pl.col("t").str.replace(r"^-?\d+", "").str.replace(".", symbols["decimal"], literal=True)
    sign = pl.when(pl.col("t").str.starts_with("-")).then(pl.lit(symbols["minusSign"])).otherwise(pl.lit(""))
    return texts.select(pl.concat_str(sign, grouped, rest).alias(values.name)).to_series()
