"""Arguments of definitions: what a type takes, what is refused, and what they say together."""

from decimal import Decimal
from typing import Any

import pytest

from exporters.catalogue import load_catalogue
from exporters.definitions.arguments import Meaning, check_pair, read_arguments, read_flag
from exporters.definitions.errors import DefinitionError
from exporters.report_types import company_types

TYPES = company_types(load_catalogue())
BOOKINGS, RATINGS, SERVICES, QUEUES = TYPES["101"], TYPES["102"], TYPES["104"], TYPES["1"]
FORMAT, EMAIL = ("format", "csv"), ("email", "kari@verksted.example")


def read(type_: Any, *pairs: tuple[str, object]) -> Meaning:
    return read_arguments(type_, [check_pair(type_, key, value) for key, value in pairs])


def test_what_arguments_say() -> None:
    said = read(
        RATINGS,
        FORMAT,
        EMAIL,
        ("format", "pdf"),
        ("email", "ola@verksted.example"),
        ("only_when_data", True),
        ("report_language", "sv_SE"),
        ("rating_min", "3.5"),
        ("only_public", 0),
    )
    assert said.report.name == "ratings"
    assert (said.formats, said.emails) == (("csv", "pdf"), (EMAIL[1], "ola@verksted.example"))
    assert (said.only_when_data, said.language) == (True, "sv")
    assert said.filters == {"rating_min": Decimal("3.5"), "only_public": False}


def test_what_is_left_out_is_not_there() -> None:
    said = read(BOOKINGS, FORMAT, EMAIL)
    assert (said.only_when_data, said.language, dict(said.filters)) == (False, None, {})


def test_a_repeated_recipient_gets_one_mail() -> None:
    assert read(BOOKINGS, FORMAT, FORMAT, EMAIL, EMAIL).emails == (EMAIL[1],)


def test_lists_may_be_repeated() -> None:
    said = read(SERVICES, FORMAT, EMAIL, ("category_ids", "1,2"), ("category_ids", "7"), ("is_active", "1"))
    assert said.filters == {"category_ids": ["1", "2", "7"], "is_active": True}


def test_the_option_chooses_the_report() -> None:
    first = read(QUEUES, FORMAT, EMAIL).report
    chosen = {option: read(QUEUES, FORMAT, EMAIL, ("option", option)).report for option in QUEUES.options}
    assert chosen["missedCalls"] == first
    assert len({report.name for report in chosen.values()}) == 3


@pytest.mark.parametrize(
    "language", ["en_GB", "nb_NO", "sv_SE", "da_DK", "de_DE", "nb", "sv", "da", "de", "en"]
)
def test_languages(language: str) -> None:
    assert read(BOOKINGS, FORMAT, EMAIL, ("report_language", language)).language == language[:2]


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (0, False),
        (1, True),
        ("0", False),
        ("1", True),
        (False, False),
        (True, True),
        ("true", True),
        ("False", False),
    ],
)
def test_flags(value: object, flag: bool) -> None:
    assert read_flag(value, "active") is flag
    assert check_pair(BOOKINGS, "only_when_data", value) == ("only_when_data", str(int(flag)))


@pytest.mark.parametrize("value", [2, -1, "", "yes", None, 1.0, [1], {"a": 1}, "1 ", "on"])
def test_what_is_no_flag(value: object) -> None:
    with pytest.raises(DefinitionError, match="must be 0 or 1"):
        read_flag(value, "active")


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("format", "doc", "arguments.format"),
        ("format", "CSV", "arguments.format"),
        ("format", "csv;excel-nb", "arguments.format"),
        ("format", "csv', 'pdf", "arguments.format"),
        ("format", "", "arguments.format"),
        ("format", None, "arguments.format"),
        ("format", ["csv"], "arguments.format"),
        ("format", True, "arguments.format"),
        ("email", "kari", "arguments.email"),
        ("email", "a@b.example\r\nBcc: c@d.example", "arguments.email"),
        ("email", "a@b.example, c@d.example", "arguments.email"),
        ("email", "Kari <a@b.example>", "arguments.email"),
        ("email", 7, "arguments.email"),
        ("only_when_data", "maybe", "arguments.only_when_data"),
        ("report_language", "fr_FR", "arguments.report_language"),
        ("status", "a\nb", "arguments.status"),
        ("status", "x" * 1001, "arguments.status"),
        ("status", "\ud800", "arguments.status"),
        ("date_from", "2026-01-01", "arguments.date_from"),
        ("queue_id", "1", "arguments.queue_id"),
        ("", "1", "arguments."),
        ("x" * 5000, "1", "arguments." + "x" * 60),
        ("a\nb", "1", "arguments.?"),
    ],
)
def test_values_that_cannot_be(key: str, value: object, field: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        check_pair(BOOKINGS, key, value)
    assert refused.value.field == field
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ((FORMAT,), "arguments.email"),
        ((EMAIL,), "arguments.format"),
        ((FORMAT, EMAIL, ("only_when_data", 1), ("only_when_data", 0)), "arguments.only_when_data"),
        ((FORMAT, EMAIL, ("report_language", "en"), ("report_language", "nb")), "arguments.report_language"),
        ((FORMAT, EMAIL, ("rating_min", "1"), ("rating_min", "2")), "arguments.rating_min"),
        ((FORMAT, EMAIL, ("rating_min", "many")), "arguments.rating_min"),
        ((FORMAT, *[("email", f"a{number}@b.example") for number in range(100)]), "arguments"),
    ],
)
def test_arguments_that_do_not_go_together(pairs: tuple[tuple[str, object], ...], field: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        read(RATINGS, *pairs)
    assert refused.value.field == field
