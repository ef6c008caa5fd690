"""Who may ask for what, how much of it, and the log of who did; `exporters.access.door` opens it all.

Only what is quick to import is named here: the settings need no more.
"""

from exporters.access.callers import REPORTS_SCOPE, SCOPES, Caller
from exporters.access.errors import (
    AccessError,
    KeyNotFound,
    KeyRefused,
    KeySetUnavailable,
    LimitExceeded,
    Unauthenticated,
)
from exporters.access.options import AccessOptions, TokenOptions

__all__ = [
    "REPORTS_SCOPE",
    "SCOPES",
    "AccessError",
    "AccessOptions",
    "Caller",
    "KeyNotFound",
    "KeyRefused",
    "KeySetUnavailable",
    "LimitExceeded",
    "TokenOptions",
    "Unauthenticated",
]
