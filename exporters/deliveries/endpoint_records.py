"""The endpoints of webhooks as values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from exporters.deliveries.endpoint_transitions import EndpointState, Reason
from exporters.deliveries.errors import DeliveryError
from exporters.deliveries.webhook_auth import Auth, from_text
from exporters.seal import Seal


class EndpointNotFound(DeliveryError):  # noqa: N818  the condition reads better without "Error"
    """There is no such endpoint, or not for whoever asks."""

    def __init__(self, endpoint_id: str) -> None:
        super().__init__(f"there is no webhook endpoint {endpoint_id!r}")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One endpoint as it stood when it was read. Instants are aware and in UTC."""

    endpoint_id: str
    account: str
    """Whose it is, as `Caller.account`."""
    url: str = field(repr=False)
    """Its path and query may hold a secret: shown to the account alone."""
    contact: str | None
    """Who is warned when it is disabled; None: nobody."""
    auth: str | None = field(repr=False)
    """Sealed; None: it is called without."""
    secret: str = field(repr=False)
    """Sealed."""
    old_secret: str | None = field(repr=False)
    """Sealed."""
    old_secret_until: datetime | None
    state: EndpointState
    reason: Reason | None
    """Why it is disabled."""
    first_failure_at: datetime | None
    """When it began to fail; None: it does not."""
    last_failure_at: datetime | None
    last_success_at: datetime | None
    warned_at: datetime | None
    """When the warning of its being disabled was ordered."""
    created_at: datetime

    def open_auth(self, seal: Seal) -> Auth | None:
        """How the endpoint knows the caller.

        Raises:
            SealError: it was sealed with another key, as of the other call.
        """
        return None if self.auth is None else from_text(seal.open(self.auth))

    def open_secrets(self, seal: Seal, now: datetime) -> Sequence[str]:
        """The secrets to sign with: the present one, then one that was replaced lately."""
        sealed = [self.secret]
        if self.old_secret is not None and self.old_secret_until is not None and now < self.old_secret_until:
            sealed.append(self.old_secret)
        return [seal.open(one) for one in sealed]


@dataclass(frozen=True, kw_only=True)
class EndpointEvent:
    """One change of an endpoint."""

    at: datetime
    event: str
    from_state: EndpointState | None
    to_state: EndpointState
    detail: dict[str, Any]


def to_endpoint(row: Any) -> Endpoint:
    """The row of the table as a value."""
    values = {name: value for name, value in row._mapping.items() if name != "signature"}
    reason = None if row.reason is None else Reason(row.reason)
    return Endpoint(**{**values, "state": EndpointState(row.state), "reason": reason})
