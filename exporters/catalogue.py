"""The catalogue of report types: one file of `sql/reports` each, with its arguments, columns and query."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters import report_headers
from exporters.file_names import TemplateError, check_template
from exporters.formats import Format, UnknownFormatError, find_format
from exporters.formats.table import Column, Group, Language
from exporters.formats.wording import LANGUAGES
from exporters.report_arguments import read_value, write_value
from exporters.report_headers import ArgumentHeader, ReportHeader, check_header, check_listens, check_types
from warehouse.errors import InvalidPeriodError
from warehouse.front_matter import SQL_ROOT, read_sql_file
from warehouse.models import MartHeader
from warehouse.period import Period

Filters = Mapping[str, Any]

TENANT = report_headers.TENANT
"""First column of every report's query and its one bound tenant: rows of another are never written."""


class RequestError(ValueError):
    """A request that cannot be met as it stands."""

    def __init__(self, code: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.code = code
        """VALIDATION_ERROR, INVALID_DATE_RANGE, UNSUPPORTED_TYPE or UNSUPPORTED_FORMAT."""
        self.details = details


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
        filters = {name: _parse(name, argument, asked.get(name)) for name, argument in known.items()}
        _check_period(filters)
        return filters


def load_catalogue(sql_root: Path = SQL_ROOT) -> dict[str, ReportType]:
    """Every report type, by name.

    Raises:
        ModelError: a report file is wrong.
    """
    catalogue = {}
    for path in sorted((sql_root / "reports").glob("*.sql")):
        header, sql = read_sql_file(path, ReportHeader)
        check_header(path.name, header)
        if header.listens:
            check_listens(path.name, header, _restated_figures(sql_root))
        catalogue[path.stem] = ReportType(path.stem, header, sql)
    check_types({name: report.header for name, report in catalogue.items()})
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
    return {name: write_value(value) for name, value in filters.items() if value is not None}


def _restated_figures(sql_root: Path) -> set[str]:
    marts = (sql_root / "marts").glob("*.sql")
    return {figure for path in marts for figure in read_sql_file(path, MartHeader)[0].restated}


def _parse(name: str, argument: ArgumentHeader, value: Any) -> Any:
    try:
        return read_value(argument, value)
    except ValueError as error:
        message = f"{name} is {value!r}; it must be {error}"
        raise RequestError("VALIDATION_ERROR", message, filter=name) from error


def _check_period(filters: Filters) -> None:
    """Days are included at both ends; of times the last is not, so a period has at least one minute."""
    try:
        Period(filters.get("date_from"), filters.get("date_to"))
    except InvalidPeriodError as error:
        raise RequestError(
            "INVALID_DATE_RANGE",
            str(error),
            date_from=str(filters.get("date_from")),
            date_to=str(filters.get("date_to")),
        ) from error
    first, end = filters.get("time_from"), filters.get("time_to")
    if first is not None and end is not None and first >= end:
        begins, ends = write_value(first), write_value(end)
        raise RequestError(
            "INVALID_DATE_RANGE",
            f"time_from {begins} is not before time_to {ends}",
            time_from=begins,
            time_to=ends,
        )
