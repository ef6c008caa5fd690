"""Report types as the company and batch APIs know them, and the things of a workshop that arguments name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from exporters.catalogue import Filters, ReportType, RequestError
from exporters.report_headers import TENANT, ArgumentHeader, CompanyHeader
from warehouse.generations import Snapshot

PERIOD_ARGUMENTS = frozenset({"date_from", "date_to", "time_from", "time_to"})
"""What a period fills in: no argument of a company type."""


@dataclass(frozen=True)
class CompanyType:
    """A report type of the company API."""

    id: str
    name: str
    description: str | None
    group: str
    added: date
    class_name: str
    reports: Mapping[str | None, ReportType]
    """By the value of the argument `option`; None: the one that is meant when none is given."""

    @property
    def options(self) -> tuple[str, ...]:
        """The values of the argument `option`; none: the type has no such argument."""
        return tuple(option for option in self.reports if option is not None)


@dataclass(frozen=True)
class ArgumentField:
    """An argument of a company type as the company API describes it."""

    key: str
    description: str
    mandatory: bool
    type_text: str
    """bool, text, number, date, list, enum('a', 'b'), or the type of the entity whose id the value is."""


def company_types(catalogue: Mapping[str, ReportType]) -> dict[str, CompanyType]:
    """The types of the company API by id, in the order of their numbers."""
    members: dict[int, list[tuple[CompanyHeader, ReportType]]] = {}
    for report in catalogue.values():
        if company := report.header.company:
            members.setdefault(company.id, []).append((company, report))
    return {str(number): _company_type(members[number]) for number in sorted(members)}


def argument_fields(type_: CompanyType) -> list[ArgumentField]:
    """The arguments of the type's own: those of its reports but for the period, and `option`."""
    reports = {report.name: report for report in type_.reports.values()}
    fields = {
        name: ArgumentField(name, argument.description, False, _type_text(argument))
        for report in reports.values()
        for name, argument in report.header.arguments.items()
        if name not in PERIOD_ARGUMENTS
    }
    if type_.options:
        text = _enum(type_.options)
        fields["option"] = ArgumentField("option", "Which report of the type.", False, text)
    return list(fields.values())


def batch_types(catalogue: Mapping[str, ReportType]) -> dict[str, tuple[int | None, ReportType]]:
    """The types of the batch API by name: those with a number first, then each report by its own name."""
    numbered = {
        known.name: (known.number, report)
        for report in catalogue.values()
        if (known := report.header.batch_type)
    }
    in_order = sorted(numbered.items(), key=lambda item: item[1][0])
    return {**dict(in_order), **{name: (None, report) for name, report in catalogue.items()}}


def list_entities(
    snapshot: Snapshot, report: ReportType, argument: str, workshop_id: str
) -> list[tuple[str, str]]:
    """Id and name of each thing of the workshop that the argument can name, by name; none: it names none.

    Raises:
        WarehouseError: the query fails.
    """
    entity = report.header.arguments[argument].entity
    if entity is None:
        return []
    listed = f"SELECT id, name FROM ({entity.sql}) ORDER BY name, id"  # noqa: S608  declared
    return [(str(id_), str(name)) for id_, name in snapshot.rows(listed, {TENANT: workshop_id})]


def check_entities(snapshot: Snapshot, report: ReportType, filters: Filters, workshop_id: str) -> None:
    """Return if each thing that the parsed filters name is one of the workshop.

    Raises:
        RequestError: one is not.
        WarehouseError: the list of them cannot be read.
    """
    for name, argument in report.header.arguments.items():
        value = filters.get(name)
        if argument.entity is None or value is None:
            continue
        known = {id_ for id_, _ in list_entities(snapshot, report, name, workshop_id)}
        for one in value if isinstance(value, list) else [value]:
            if one not in known:
                message = f"{name} is {one!r}; the workshop has no {argument.entity.type} of that id"
                raise RequestError("VALIDATION_ERROR", message, filter=name)


def _company_type(reports: list[tuple[CompanyHeader, ReportType]]) -> CompanyType:
    ordered = sorted(reports, key=lambda pair: pair[0].position)
    first, meant = ordered[0]
    by_option: dict[str | None, ReportType] = {None: meant}
    by_option |= {company.option: report for company, report in ordered}
    return CompanyType(
        id=str(first.id),
        name=first.name,
        description=first.description,
        group=first.group,
        added=first.added,
        class_name=first.class_name,
        reports=by_option,
    )


def _type_text(argument: ArgumentHeader) -> str:
    if argument.choices:
        return _enum(argument.choices)
    if argument.entity:
        return argument.entity.type
    return {"boolean": "bool", "decimal": "number"}.get(argument.type, argument.type)


def _enum(values: list[str] | tuple[str, ...]) -> str:
    return "enum(" + ", ".join(f"'{value}'" for value in values) + ")"
