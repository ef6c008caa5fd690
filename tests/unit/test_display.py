"""Display: whole columns are shown as Babel shows each value."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any

import polars as pl
import pytest
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, get_minus_sign_symbol
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.formats.display import find_locale, show_column, show_value
from exporters.formats.table import Kind, Language
from exporters.formats.wording import LANGUAGES

PATTERNS: dict[Language, str] = {
    "nb": "dd.MM.y",
    "sv": "y-MM-dd",
    "da": "dd.MM.y",
    "de": "dd.MM.y",
    "en": "dd/MM/y",
}
"""How people of the language write a date in figures."""


def show_date(value: date, language: Language) -> str:
    return format_date(value, PATTERNS[language].replace("y", "yyyy"), locale=find_locale(language))


def show_clock(value: datetime, language: Language) -> str:
    clock = format_time(value, "HH:mm:ss", locale=find_locale(language))
    return f"{show_date(value, language)} {clock}"


def show_number(places: int) -> Callable[[Any, Language], str]:
    pattern = "#,##0" + ("." + "0" * places if places else "")

    def show(value: Any, language: Language) -> str:
        with localcontext(prec=100):
            shown = str(format_decimal(value, pattern, locale=find_locale(language)))
        return with_minus(shown, language)

    return show


def with_minus(shown: str, language: Language) -> str:
    """The text with the language's own minus sign, for which Babel writes a hyphen."""
    return shown.replace("-", get_minus_sign_symbol(find_locale(language)))


CASES: list[tuple[Kind, pl.DataType, st.SearchStrategy[Any], Callable[[Any, Language], str]]] = [
    ("integer", pl.Int64(), st.integers(-(2**63), 2**63 - 1), show_number(0)),
    ("integer", pl.Int128(), st.integers(-(10**37), 10**37), show_number(0)),
    ("decimal", pl.Decimal(18, 4), st.decimals(-(10**14) + 1, 10**14 - 1, places=4), show_number(4)),
    ("money", pl.Decimal(38, 2), st.decimals(-(10**20), 10**20, places=2), show_number(2)),
    ("date", pl.Date(), st.dates(), show_date),
    ("timestamp", pl.Datetime("us"), st.datetimes(), show_clock),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "dtype", "values", "show"), CASES)
def test_column_is_shown_as_babel_shows_each_value(
    kind: Kind,
    dtype: pl.DataType,
    values: st.SearchStrategy[Any],
    show: Callable[[Any, Language], str],
    language: Language,
) -> None:
    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.none() | values, max_size=8))
    def holds(drawn: list[Any]) -> None:
        shown = show_column(pl.Series("x", drawn, dtype), kind, language)
        assert shown.name == "x"
        assert shown.to_list() == [None if value is None else show(value, language) for value in drawn]

    holds()


@pytest.mark.parametrize("language", LANGUAGES)
@given(value=st.decimals(-(10**12), 10**12, places=2))
def test_value_is_shown_as_its_column(language: Language, value: Decimal) -> None:
    column = show_column(pl.Series([value], dtype=pl.Decimal(38, 2)), "money", language)
    assert show_value(value, "money", language) == column[0]
    money = format_currency(value, "NOK", locale=find_locale(language)).replace("NOK", "NOK\u00a0")
    money = money.removesuffix("\u00a0")  # where the code stands behind
    assert show_value(value, "money", language, "NOK") == with_minus(money, language)


@pytest.mark.parametrize(
    ("language", "number", "day", "truth"),
    [
        ("nb", "−1\u00a0234\u00a0567,50", "31.03.2025", "Ja"),
        ("sv", "−1\u00a0234\u00a0567,50", "2025-03-31", "Ja"),
        ("da", "-1.234.567,50", "31.03.2025", "Ja"),
        ("de", "-1.234.567,50", "31.03.2025", "Ja"),
        ("en", "-1,234,567.50", "31/03/2025", "Yes"),
    ],
)
def test_each_language_has_its_conventions(language: Language, number: str, day: str, truth: str) -> None:
    money = pl.Series([Decimal("-1234567.50"), None], dtype=pl.Decimal(38, 2))
    assert show_column(money, "money", language).to_list() == [number, None]
    assert show_column(pl.Series([date(2025, 3, 31)]), "date", language).to_list() == [day]
    assert show_column(pl.Series([True, None]), "boolean", language).to_list() == [truth, None]
    assert show_value(None, "money", language) == "–"


def test_sums_of_any_length_are_shown_exactly() -> None:
    assert show_value(10**30, "integer", "en") == "1" + ",000" * 10
    assert show_value(Decimal(10**30), "money", "en", "GBP") == "£1" + ",000" * 10 + ".00"


def test_texts_are_not_changed() -> None:
    texts = pl.Series(["=1", "1234567", None])
    assert show_column(texts, "text", "nb").to_list() == texts.to_list()
