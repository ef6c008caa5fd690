"""File names: templates filled, made fit for every file system, and sent over HTTP.

The template is that of contracts of report batches: `{name}`, `{balanceday}`, `{cvr}`, `{type}` and
`{rundate}`, and ours beside: `{workshop}`, `{date_from}` and `{date_to}`. A variable without a value becomes
empty text.
"""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

DEFAULT_TEMPLATE = "minbil-{type}-{date_from}-{date_to}"

VARIABLES = frozenset({"name", "balanceday", "cvr", "type", "rundate", "workshop", "date_from", "date_to"})

LONGEST_TEMPLATE = 200
"""Characters."""

LONGEST_STEM = 150
"""Bytes, so that the name of a manifest or a copy beside the file still fits."""

_BRACES = {"(": "{", ")": "}"}
"""Variables of no template that is asked for: by them a template stands for a name with braces."""

_BRACED = re.compile(r"\{([^{}]*)\}")
_ILLEGAL = re.compile(r'[\\/:*?"<>|]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for itself."""

_SPELLED = str.maketrans({"æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ß": "ss", "ł": "l", "Ł": "L", "đ": "d"})
"""Letters that have no accent to take off."""


class TemplateError(ValueError):
    """A template that cannot be used."""


def check_template(template: str) -> str:
    """The template, if it can be used.

    Raises:
        TemplateError: it is empty or too long, or holds a variable that there is not.
    """
    if not template.strip() or len(template) > LONGEST_TEMPLATE or "\0" in template:
        raise TemplateError(
            f"the name template must have 1 to {LONGEST_TEMPLATE} characters, none of them NUL"
        )
    unknown = [name for name in _BRACED.findall(template) if name not in VARIABLES]
    if unknown or re.search(r"[{}]", _BRACED.sub("", template)):
        shown = ", ".join(f"{{{name}}}" for name in sorted(VARIABLES))
        raise TemplateError(f"the name template is {template!r}; its variables can be {shown}")
    return template


def fill_template(template: str, values: Mapping[str, object], extension: str) -> str:
    """The file's name: the checked template with its variables filled in, made fit, and the extension.

    What a file system cannot take becomes `_`, in the values as in the template. A value is not looked at
    for variables.
    """
    return f"{fit_stem(fill_variables(template, values))}.{extension}"


def fill_variables(template: str, values: Mapping[str, object]) -> str:
    """The checked template with its variables filled in, as they are."""
    known = {**values, **_BRACES}
    return _BRACED.sub(lambda match: str(known.get(match[1]) or ""), template)


def as_template(stem: str) -> str:
    """A template that stands for exactly this name, without its extension."""
    return re.sub(r"[{}]", lambda brace: "{(}" if brace[0] == "{" else "{)}", stem)


def has_variable(template: str, name: str) -> bool:
    """Whether the template asks for the variable."""
    return f"{{{name}}}" in template


def fit_stem(stem: str, longest: int = LONGEST_STEM) -> str:
    """A name without an extension that every file system takes, of so many bytes at most."""
    # Format characters are invisible, and some turn around what follows: `fdp.exe` looks like `exe.pdf`.
    # Of spaces, stores take the plain one alone.
    spaced = "".join(" " if unicodedata.category(letter)[0] == "Z" else letter for letter in stem)
    shown = "".join("_" if unicodedata.category(letter)[0] == "C" else letter for letter in spaced)
    shown = _ILLEGAL.sub("_", unicodedata.normalize("NFC", shown)).strip(" .")
    shown = _cut(shown, longest)
    return shown if shown and not _DEVICES.fullmatch(shown) else _cut(f"_{shown}", longest)


def _cut(name: str, longest: int) -> str:
    return name.encode()[:longest].decode(errors="ignore").strip(" .")


def content_disposition(name: str) -> str:
    """The value of Content-Disposition by which a browser saves the file as `name` (RFC 6266).

    Every browser reads `filename*`; `filename` is for what is older, in ASCII.
    """
    plain = unicodedata.normalize("NFKD", name.translate(_SPELLED)).encode("ascii", "ignore").decode()
    # Taking accents off makes `/` of a full-width one, and of others.
    plain = re.sub(r"%|\s", lambda found: "_" if found[0] == "%" else " ", _ILLEGAL.sub("_", plain))
    if plain.startswith("."):  # no letter was left of the name
        plain = f"report{plain}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
