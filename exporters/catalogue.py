"""The catalogue of report types: one file of `sql/reports` each, with its arguments, columns and query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from exporters.file_names import TemplateError, check_template
from exporters.formats import FORMATS, Format, UnknownFormatError, find_format
from exporters.formats.table import Column, Group, Kind, Language
from exporters.formats.wording import LANGUAGES
from warehouse.errors import InvalidPeriodError, ModelError
from warehouse.front_matter import SQL_ROOT, Header, read_sql_file
from warehouse.period import Period, parse_day

ArgumentType = Literal["date", "text", "boolean", "decimal", "list"]
Filters = Mapping[str, Any]

TENANT = "workshop_id"
"""First column of every report's query and its one bound tenant: rows of another are never written."""


class RequestError(ValueError):
    """A request that cannot be met as it stands."""

    def __init__(self, code: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.code = code
        """VALIDATION_ERROR, INVALID_DATE_RANGE, UNSUPPORTED_TYPE or UNSUPPORTED_FORMAT."""
        self.details = details


class ArgumentHeader(Header):
    """A declared argument; every argument may be left out."""

    type: ArgumentType
    title: str
    description: str


class ReportColumnHeader(Header):
    """A declared column of the file."""

    title: str
    kind: Kind
    description: str
    total: bool = False


class GroupHeader(Header):
    """What rows are grouped by: a text column, or a text field that the query gives after the workshop."""

    name: str
    title: str


class TitlesHeader(Header):
    """The report's titles in another language than English; what is left out stays English."""

    title: str
    arguments: dict[str, str] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    group: str | None = None


class ReportHeader(Header):
    """Header of `sql/reports/<type>.sql`. Titles are English; `languages` holds those of the others."""

    title: str
    description: str
    formats: list[str]
    arguments: dict[str, ArgumentHeader]
    columns: dict[str, ReportColumnHeader]
    group: GroupHeader | None = None
    languages: dict[Language, TitlesHeader] = Field(default_factory=dict)


@dataclass(frozen=True)
class ReportType:
    """One report type."""

    name: str
    header: ReportHeader
    sql: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the query gives, in order."""
        group = self.header.group
        hidden = (group.name,) if group and group.name not in self.header.columns else ()
        return (TENANT, *hidden, *self.header.columns)

    def title(self, language: Language) -> str:
        """The report's title."""
        titles = self.header.languages.get(language)
        return titles.title if titles else self.header.title

    def argument_title(self, name: str, language: Language) -> str:
        """What an argument is called."""
        titles = self.header.languages.get(language)
        return (titles and titles.arguments.get(name)) or self.header.arguments[name].title

    def columns(self, language: Language) -> tuple[Column, ...]:
        """The file's columns, in order."""
        titles = self.header.languages.get(language)
        translated = titles.columns if titles else {}
        return tuple(
            Column(name, translated.get(name, column.title), column.kind, column.total)
            for name, column in self.header.columns.items()
        )

    def group(self, language: Language) -> Group | None:
        """What the file's rows are grouped by."""
        group = self.header.group
        if group is None:
            return None
        titles = self.header.languages.get(language)
        return Group(group.name, (titles and titles.group) or group.title)

    def parse_filters(self, asked: Filters) -> dict[str, Any]:
        """The values of all arguments, None for those left out. Texts are converted; typed values pass.

        Raises:
            RequestError: an argument is unknown or has a value it cannot take, or the dates are swapped.
        """
        known = self.header.arguments
        for name in asked:
            if name not in known:
                raise RequestError(
                    "VALIDATION_ERROR",
                    f"{self.name} takes no filter {name!r}; it takes {', '.join(known)}",
                    filter=name,
                )
        filters = {name: _parse(name, argument.type, asked.get(name)) for name, argument in known.items()}
        try:
            Period(filters.get("date_from"), filters.get("date_to"))
        except InvalidPeriodError as error:
            raise RequestError(
                "INVALID_DATE_RANGE",
                str(error),
                date_from=str(filters.get("date_from")),
                date_to=str(filters.get("date_to")),
            ) from error
        return filters


def load_catalogue(sql_root: Path = SQL_ROOT) -> dict[str, ReportType]:
    """Every report type, by name.

    Raises:
        ModelError: a report file is wrong.
    """
    catalogue = {}
    for path in sorted((sql_root / "reports").glob("*.sql")):
        header, sql = read_sql_file(path, ReportHeader)
        _check_header(path.name, header)
        catalogue[path.stem] = ReportType(path.stem, header, sql)
    return catalogue


def find_report(
    catalogue: Mapping[str, ReportType], name: str, format_name: str
) -> tuple[ReportType, Format]:
    """The report type of this name and the format, with its options, in which it must come.

    Raises:
        RequestError: there is no such type or format, or the type does not come in the format.
    """
    report = catalogue.get(name)
    if report is None:
        raise RequestError(
            "UNSUPPORTED_TYPE",
            f"there is no report type {name!r}; there are {', '.join(catalogue)}",
            type=name,
        )
    if format_name.partition(";")[0] not in report.header.formats:
        raise RequestError(
            "UNSUPPORTED_FORMAT",
            f"{name} does not come as {format_name!r}; it comes as {', '.join(report.header.formats)}",
            format=format_name,
        )
    try:
        return report, find_format(format_name)
    except UnknownFormatError as error:
        raise RequestError("UNSUPPORTED_FORMAT", str(error), format=format_name) from error


def check_language(language: str) -> Language:
    """The language, if files are written in it.

    Raises:
        RequestError: they are not.
    """
    for known in LANGUAGES:
        if language == known:
            return known
    message = f"language is {language!r}; it must be one of {', '.join(LANGUAGES)}"
    raise RequestError("VALIDATION_ERROR", message, language=language)


def check_name(template: str) -> None:
    """Return if files can be named by the template.

    Raises:
        RequestError: they cannot.
    """
    try:
        check_template(template)
    except TemplateError as error:
        raise RequestError("VALIDATION_ERROR", str(error), name=template) from error


def write_filters(filters: Filters) -> dict[str, Any]:
    """Filters as JSON values, which `parse_filters` reads back; those left out are not there."""
    return {
        name: value if isinstance(value, bool | list) else str(value)
        for name, value in filters.items()
        if value is not None
    }


def _check_header(file_name: str, header: ReportHeader) -> None:
    unknown = [name for name in header.formats if name not in FORMATS]
    if unknown:
        raise ModelError(f"reports/{file_name}: there is no format {', '.join(unknown)}")
    for language, titles in header.languages.items():
        strange = [*(titles.columns.keys() - header.columns), *(titles.arguments.keys() - header.arguments)]
        if strange:
            raise ModelError(
                f"reports/{file_name}: languages.{language} names {', '.join(sorted(strange))},"
                " which the report does not have"
            )


def _parse(name: str, type_: ArgumentType, value: Any) -> Any:
    if value is None or value == "":
        return None
    expected = {
        "date": "a date as YYYY-MM-DD",
        "boolean": "true or false",
        "decimal": "a number",
        "list": "ids separated by commas",
        "text": "text",
    }[type_]
    try:
        return _PARSERS[type_](value)
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
        message = f"{name} is {value!r}; it must be {expected}"
        raise RequestError("VALIDATION_ERROR", message, filter=name) from error


def _parse_date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return parse_day(value)


def _parse_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return _BOOLEANS[value.lower()]


def _parse_decimal(value: Any) -> Decimal:
    number = Decimal(str(value))
    return number if number.is_finite() else _refuse(value)


def _parse_list(value: Any) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise TypeError(value)
    texts = [_parse_text(str(item) if type(item) is int else item).strip() for item in items]
    return [text for text in texts if text]


def _parse_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    value.encode()  # half of a surrogate pair can be neither stored nor found
    return value


def _refuse(value: Any) -> Any:
    raise ValueError(value)


_BOOLEANS = {"true": True, "false": False}

_PARSERS: Mapping[ArgumentType, Any] = {
    "date": _parse_date,
    "text": _parse_text,
    "boolean": _parse_boolean,
    "decimal": _parse_decimal,
    "list": _parse_list,
}
