"""The options of access: how tokens are checked, how much one caller may ask, how long the log is kept."""

from dataclasses import dataclass, field
from datetime import timedelta

from exporters.access.plans import DEFAULT_PLANS, Plans


@dataclass(frozen=True)
class TokenOptions:
    """How tokens of another service are checked."""

    keys: str
    """Where the key set (JWKS) is: an http or https URL, or the path of a file."""
    issuer: str
    """What the claim `iss` must be."""
    audience: str
    """What the claim `aud` must be or hold."""
    workshop_claim: str
    """Name of the claim with the id of the token's workshop, or a list of them."""


@dataclass(frozen=True)
class AccessOptions:
    """Who is let in, and how far."""

    tokens: TokenOptions | None
    """None: only API keys are taken."""
    rate_per_minute: int
    """Requests of one caller; all of a minute's may come at once."""
    concurrent_requests: int
    """Requests of one caller under way at once."""
    audit_retention: timedelta
    """How long the audit log is kept."""
    plans: Plans = field(default_factory=lambda: DEFAULT_PLANS)
    """The plans of keys."""
