"""Headers of report types: what `sql/reports/<type>.sql` declares, and what must hold of it."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Literal

import sqlglot
from pydantic import Field
from sqlglot import exp

from exporters.formats import FORMATS
from exporters.formats.table import Kind, Language
from warehouse.errors import ModelError
from warehouse.front_matter import Header, read_tables

ArgumentType = Literal["date", "instant", "text", "boolean", "decimal", "list"]

TENANT = "workshop_id"
"""The one tenant that queries bind."""

_WITH_CHOICES = frozenset({"text"})
_WITH_ENTITY = frozenset({"text", "list"})
_PERIODS: Mapping[str, ArgumentType] = {
    "date_from": "date",
    "date_to": "date",
    "time_from": "instant",
    "time_to": "instant",
}
"""The arguments that tell a period have one meaning in every report, so one type."""
_CHOICE = re.compile(r"[^',\s](?:[^',]*[^',\s])?")
"""What enum('a', 'b') can name: no quote, no comma, nothing blank at an end."""

_COMPANY_FIELDS = frozenset({"format", "email", "only_when_data", "report_language", "option"})
"""Fields that the company API has for every type."""


class EntityList(Header):
    """The things of a workshop that an argument names: a query for their `id` and `name`."""

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    sql: str


class ArgumentHeader(Header):
    """A declared argument; every argument may be left out."""

    type: ArgumentType
    title: str
    description: str
    choices: list[str] = Field(default_factory=list)
    """The only values of a text; none: any."""
    entity: EntityList | None = None
    """What the text, or each text of the list, is the id of."""


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


class CompanyHeader(Header):
    """The type of the company API (/company) that the report belongs to.

    Reports with the same `id` are one type, whose argument `option` chooses among them.
    """

    id: int = Field(ge=1)
    name: str
    group: str
    class_name: str
    added: date
    option: str | None = None
    position: int = Field(default=1, ge=1)
    """Place of the option among those of the type; the first is meant when none is asked for."""
    description: str | None = None


class BatchTypeHeader(Header):
    """How the batch API (/apps/reporting) calls the report, beside its own name."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")
    number: int = Field(ge=0)


class ReportHeader(Header):
    """Header of `sql/reports/<type>.sql`. Titles are English; `languages` holds those of the others."""

    title: str
    description: str
    formats: list[str]
    arguments: dict[str, ArgumentHeader]
    columns: dict[str, ReportColumnHeader]
    group: GroupHeader | None = None
    languages: dict[Language, TitlesHeader] = Field(default_factory=dict)
    company: CompanyHeader | None = None
    batch_type: BatchTypeHeader | None = None
    listens: list[str] = Field(default_factory=list)
    """Restated figures whose change makes a listener batch run again; none: no batch can listen."""


def check_header(file_name: str, header: ReportHeader) -> None:
    """Return if the header of the file `file_name` holds together.

    Raises:
        ModelError: it does not.
    """
    where = f"reports/{file_name}"
    unknown = [name for name in header.formats if name not in FORMATS]
    if unknown:
        raise ModelError(f"{where}: there is no format {', '.join(unknown)}")
    for language, titles in header.languages.items():
        strange = [*(titles.columns.keys() - header.columns), *(titles.arguments.keys() - header.arguments)]
        if strange:
            raise ModelError(
                f"{where}: languages.{language} names {', '.join(sorted(strange))},"
                " which the report does not have"
            )
    for name, argument in header.arguments.items():
        _check_argument(f"{where}: arguments.{name}", name, argument)
    company = header.company
    if company and company.option is not None and not _CHOICE.fullmatch(company.option):
        raise ModelError(f"{where}: company.option is {company.option!r}, which no enum can name")


def check_types(headers: Mapping[str, ReportHeader]) -> None:
    """Return if the types that the reports make up, by the reports' names, do not contradict one another.

    Raises:
        ModelError: they do.
    """
    types: dict[int, dict[str, CompanyHeader]] = {}
    for name, header in headers.items():
        if header.company:
            types.setdefault(header.company.id, {})[name] = header.company
    for number, members in types.items():
        where = f"company type {number} ({', '.join(f'reports/{name}.sql' for name in members)})"
        _check_members(where, list(members.values()))
        _check_shared_arguments(where, [headers[name].arguments for name in members])
    _check_batch_types(
        {name: header.batch_type for name, header in headers.items() if header.batch_type}, headers
    )


def check_listens(file_name: str, header: ReportHeader, restated: Iterable[str]) -> None:
    """Return if what the report listens to are restated figures.

    Raises:
        ModelError: one is not.
    """
    known = sorted(set(restated))
    strange = [figure for figure in header.listens if figure not in known]
    if strange:
        raise ModelError(
            f"reports/{file_name}: listens names {', '.join(strange)};"
            f" restated figures are {', '.join(known)}"
        )


def _check_members(where: str, members: list[CompanyHeader]) -> None:
    told = {(part.name, part.group, part.class_name, part.added, part.description) for part in members}
    if len(told) > 1:
        raise ModelError(f"{where}: name, group, class_name, added and description must be the same in all")
    options = [part.option for part in members]
    if len(set(options)) != len(options) or (None in options and len(options) > 1):
        raise ModelError(f"{where}: each report must have an option of its own")
    if len({part.position for part in members}) != len(members):
        raise ModelError(f"{where}: each option must have a position of its own")


def _check_shared_arguments(where: str, members: list[Mapping[str, ArgumentHeader]]) -> None:
    kinds: dict[str, object] = {}
    for arguments in members:
        for name, argument in arguments.items():
            if name in _COMPANY_FIELDS:
                raise ModelError(f"{where}: an argument cannot be named {name}, which each company type has")
            kind = (argument.type, argument.choices, argument.entity)
            if kinds.setdefault(name, kind) != kind:
                raise ModelError(f"{where}: the argument {name} must take the same values in all")


def _check_batch_types(named: Mapping[str, BatchTypeHeader], headers: Collection[str]) -> None:
    names = [its.name.lower() for its in named.values()] + [name.lower() for name in headers]
    numbers = [its.number for its in named.values()]
    if len(set(names)) != len(names) or len(set(numbers)) != len(numbers):
        said = ", ".join(f"reports/{name}.sql: {its.name} ({its.number})" for name, its in named.items())
        raise ModelError(f"batch types must have names and numbers of their own; there are {said}")


def _check_argument(where: str, name: str, argument: ArgumentHeader) -> None:
    if argument.type != _PERIODS.get(name, argument.type):
        raise ModelError(f"{where} is of type {argument.type}; it must be {_PERIODS[name]}")
    if argument.choices and argument.entity:
        raise ModelError(f"{where} has choices and an entity; it can have one of them")
    if argument.choices:
        _check_choices(where, argument)
    if argument.entity:
        if argument.type not in _WITH_ENTITY:
            raise ModelError(f"{where} is of type {argument.type}; only text and list can name an entity")
        _check_entity(f"{where}.entity", argument.entity)


def _check_choices(where: str, argument: ArgumentHeader) -> None:
    if argument.type not in _WITH_CHOICES:
        raise ModelError(f"{where} is of type {argument.type}; only text can have choices")
    if len(set(argument.choices)) != len(argument.choices):
        raise ModelError(f"{where}: choices names one twice")
    for choice in argument.choices:
        if not _CHOICE.fullmatch(choice):
            raise ModelError(
                f"{where}: choices names {choice!r}; a choice has no comma or quote, and no blank at an end"
            )


def _check_entity(where: str, entity: EntityList) -> None:
    read_tables(where, entity.sql)
    query = sqlglot.parse_one(entity.sql, dialect="duckdb")
    given = [select.lower() for select in query.named_selects] if isinstance(query, exp.Query) else []
    if given != ["id", "name"]:
        raise ModelError(f"{where}: the query gives {', '.join(given) or 'nothing'}; it must give id, name")
    bound = set(re.findall(r"\$(\w+)", entity.sql))
    if bound != {TENANT}:
        raise ModelError(f"{where}: the query must bind ${TENANT}, and nothing else")
