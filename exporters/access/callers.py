"""Whom a credential stands for, and what it lets them do."""

from dataclasses import dataclass
from datetime import datetime

REPORTS_SCOPE = "reports"
"""To read figures, and to make, list, cancel and download exports."""
SCOPES = frozenset({REPORTS_SCOPE})
"""Every scope there is."""


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    actor: str
    """`key:<key id>` or `token:<subject>`: the name in limits and in the audit log; never a secret."""
    workshops: frozenset[str]
    """Ids of the workshops that may be asked about; a token, or an organisation's key, may have none."""
    scopes: frozenset[str]
    """Some of `SCOPES`."""


@dataclass(frozen=True)
class Identified:
    """A caller, and how long the credential speaks for them at most."""

    caller: Caller
    until: datetime | None
    """None: it does not expire."""


def plain_number(organisation: str) -> str:
    """An organisation number without the spaces that it is often written with."""
    return "".join(organisation.split())
