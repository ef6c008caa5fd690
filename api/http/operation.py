"""What is told of an operation of the API: its path, parameters, answers and refusals."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

Parameter = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One path and method."""

    method: str
    path: str
    name: str
    summary: str
    answer: Any
    """The type of the answer's body; None: it is a file."""
    parameters: tuple[Parameter, ...] = ()
    status: int = 200
    refusals: tuple[int, ...] = ()
    """Beside those that every guarded path has."""
    body: Any = None
    guarded: bool = True
    takes_form: bool = False
    """Whether the body may be a form instead of JSON."""


def parameter(
    place: str, name: str, description: str, example: str | None = None, **schema: Any
) -> Parameter:
    told = {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
    }
    return told if example is None else told | {"example": example}


header = partial(parameter, "header")
query = partial(parameter, "query")
path = partial(parameter, "path")

WORKSHOP = header(
    "X-Workshop-Id",
    "Which workshop is asked about; needed where the credential gives access to several.",
    type="string",
)


def matches(path: str) -> re.Pattern[str]:
    """What the paths of an operation look like."""
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
