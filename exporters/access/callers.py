"""Whom a credential stands for, and what it lets them do."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

REPORTS_SCOPE = "reports"
"""To read figures, and to make, list, cancel and download exports."""
DEFINITIONS_SCOPE = "definitions"
"""To manage report definitions, and with them what is mailed to whom."""
BATCHES_SCOPE = "batches"
"""To make and read batches of reports, and with them what is sent to whom."""
SCOPES = frozenset({REPORTS_SCOPE, DEFINITIONS_SCOPE, BATCHES_SCOPE})
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
    organisation: str | None = None
    """Number of the organisation that the credential is for; None: it is for workshops."""
    plan: str | None = None
    """How many requests an hour it may make, by the name of the plan; None: the first plan there is."""

    @property
    def account(self) -> str:
        """Whom the credential speaks for: the same for all credentials of an organisation, or of the same
        workshops. What is theirs together, such as batches, is kept under it."""
        if self.organisation is not None:
            return f"organisation:{self.organisation}"
        return "workshops:" + hashlib.sha256("\n".join(sorted(self.workshops)).encode()).hexdigest()


@dataclass(frozen=True)
class Identified:
    """A caller, and how long the credential speaks for them at most."""

    caller: Caller
    until: datetime | None
    """None: it does not expire."""


def plain_number(organisation: str) -> str:
    """An organisation number without the spaces that it is often written with."""
    return "".join(organisation.split())
