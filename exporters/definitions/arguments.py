"""Arguments of definitions: the fields that every type has, and what the values together mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporters.catalogue import ReportType, RequestError
from exporters.definitions.errors import DefinitionError
from exporters.deliveries.mail_addresses import MailAddressError, check_address
from exporters.formats.wording import LANGUAGES
from exporters.report_types import ArgumentField, CompanyType, argument_fields

if TYPE_CHECKING:
    from exporters.formats.table import Language

FORMAT_NAMES = ("html", "csv", "xlsx", "pdf")
_LOCALES: Mapping[str, "Language"] = {
    "en_GB": "en",
    "nb_NO": "nb",
    "sv_SE": "sv",
    "da_DK": "da",
    "de_DE": "de",
    **{language: language for language in LANGUAGES},
}
_MOST_ARGUMENTS, _LONGEST_VALUE = 100, 1000
_FLAGS = {"0": False, "1": True, "false": False, "true": True}

Pair = tuple[str, str]
"""Key and value."""


def _enum(values: Iterable[str]) -> str:
    return "enum(" + ", ".join(f"'{value}'" for value in values) + ")"


COMMON_FIELDS = (
    ArgumentField("format", "File format", True, _enum(FORMAT_NAMES)),
    ArgumentField("email", "Recipient of the report", True, "email"),
    ArgumentField("only_when_data", "No message when the report has no rows", False, "bool"),
    ArgumentField("report_language", "Language of the report and its message", False, _enum(_LOCALES)),
)
"""The fields that every type has."""


@dataclass(frozen=True)
class Meaning:
    """What the arguments of a definition say together."""

    report: ReportType
    filters: Mapping[str, Any]
    """Parsed, without the period."""
    formats: tuple[str, ...]
    emails: tuple[str, ...]
    only_when_data: bool
    language: "Language | None"
    """None: the installation's."""


def read_flag(value: object, field: str) -> bool:
    """The flag, written in any of the ways in which flags come: 0, 1, "0", "1", true, false.

    Raises:
        DefinitionError: it is none.
    """
    known = _FLAGS.get(str(value).lower()) if isinstance(value, bool | int | str) else None
    if known is None:
        raise DefinitionError(field, f"{field} must be 0 or 1")
    return known


def check_pair(type_: CompanyType, key: str, value: object) -> Pair:
    """The argument as it is kept, if the type has its key and the key takes the value.

    Raises:
        DefinitionError: it does not.
    """
    fields = {field.key: field for field in (*COMMON_FIELDS, *argument_fields(type_))}
    field = fields.get(key)
    if field is None:
        known = ", ".join(fields)
        raise DefinitionError(
            f"arguments.{_shown(key)}", f"{type_.name} takes no argument {_shown(key)!r}; it takes {known}"
        )
    return key, _checked_value(field, value)


def read_arguments(
    type_: CompanyType, pairs: Iterable[Pair], *, needed: Iterable[str] = ("format", "email")
) -> Meaning:
    """What checked arguments mean.

    Raises:
        DefinitionError: one that is needed is missing, there are too many, or one does not go with
            the others.
    """
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        given.setdefault(key, []).append(value)
    if sum(map(len, given.values())) > _MOST_ARGUMENTS:
        raise DefinitionError("arguments", f"a definition has at most {_MOST_ARGUMENTS} arguments")
    for key in needed:
        if key not in given:
            raise DefinitionError(f"arguments.{key}", f"at least one argument {key} is needed")
    report = _find_report(type_, _only(given, "option"))
    formats = tuple(dict.fromkeys(given.get("format", ())))
    for name in formats:
        if name not in report.header.formats:
            comes = ", ".join(each for each in FORMAT_NAMES if each in report.header.formats)
            raise DefinitionError("arguments.format", f"{type_.name} does not come as {name}, but as {comes}")
    language = _only(given, "report_language")
    return Meaning(
        report,
        _read_filters(type_, report, given),
        formats,
        tuple(dict.fromkeys(given.get("email", ()))),
        _only(given, "only_when_data") == "1",
        None if language is None else _LOCALES[language],
    )


def _find_report(type_: CompanyType, option: str | None) -> ReportType:
    report = type_.reports.get(option)
    if report is None:
        chosen = ", ".join(type_.options)
        raise DefinitionError("arguments.option", f"{type_.name} needs the argument option: one of {chosen}")
    return report


def _read_filters(
    type_: CompanyType, report: ReportType, given: Mapping[str, list[str]]
) -> Mapping[str, Any]:
    asked: dict[str, Any] = {}
    for field in argument_fields(type_):
        if field.key == "option" or field.key not in given:
            continue
        argument = report.header.arguments.get(field.key)
        if argument is None:
            raise DefinitionError(
                f"arguments.{field.key}", f"{report.header.title} takes no argument {field.key}"
            )
        if argument.type == "list":
            asked[field.key] = [part for value in given[field.key] for part in value.split(",")]
        else:
            value = _only(given, field.key)
            asked[field.key] = value == "1" if argument.type == "boolean" else value
    try:
        filters = report.parse_filters(asked)
    except RequestError as error:
        raise refused(error) from error
    return {name: value for name, value in filters.items() if value is not None}


def refused(error: RequestError) -> DefinitionError:
    """The refusal of a filter as one of the argument that gave it."""
    name = error.details.get("filter")
    return DefinitionError(f"arguments.{name}" if name else "arguments", str(error))


def _only(given: Mapping[str, list[str]], key: str) -> str | None:
    values = given.get(key, [])
    if len(values) > 1:
        raise DefinitionError(f"arguments.{key}", f"the argument {key} can be given once")
    return values[0] if values else None


def _checked_value(field: ArgumentField, value: object) -> str:
    where = f"arguments.{field.key}"
    if field.type_text == "bool":
        return "1" if read_flag(value, where) else "0"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DefinitionError(where, f"{field.key} must be text")
    text = str(value)
    if field.type_text == "email":
        try:
            return check_address(text)
        except MailAddressError as error:
            raise DefinitionError(where, str(error)) from error
    if not text or len(text) > _LONGEST_VALUE or not text.isprintable():
        raise DefinitionError(
            where, f"{field.key} must be one line of 1 to {_LONGEST_VALUE} characters that can be printed"
        )
    if field.type_text.startswith("enum(") and f"'{text}'" not in _choices(field.type_text):
        raise DefinitionError(where, f"{field.key} must be one of {', '.join(_choices(field.type_text))}")
    return text


def _choices(type_text: str) -> list[str]:
    return type_text.removeprefix("enum(").removesuffix(")").split(", ")


def _shown(key: str) -> str:
    return key[:60] if key.isprintable() else "?"
