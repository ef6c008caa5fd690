"""The endpoints of webhooks: where an account is called, how it knows the caller, and if it is called."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from exporters.database import Database
from exporters.database.values import storable, utc_now
from exporters.deliveries import endpoint_transitions as transitions
from exporters.deliveries.addresses import read_url
from exporters.deliveries.endpoint_transitions import EndpointState, Reason
from exporters.deliveries.errors import DeliveryError
from exporters.deliveries.mail_addresses import check_address
from exporters.deliveries.signatures import make_secret
from exporters.deliveries.tables_endpoints import endpoint_events, endpoints
from exporters.deliveries.webhook_auth import Auth, from_text
from exporters.seal import Seal

_OLD_SECRET = timedelta(hours=24)
"""How long calls are signed with a replaced secret, too."""

BesideEndpoint = Callable[[Connection, str], None]
"""Writes what belongs to a change of the endpoint of this id, in its transaction: both last, or neither."""

__all__ = [
    "BesideEndpoint",
    "Endpoint",
    "EndpointEvent",
    "EndpointNotFound",
    "EndpointState",
    "Endpoints",
    "Reason",
]


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


class Endpoints:
    """Makes, shows and switches endpoints. Safe to share between threads.

    With an `account` those of others are not found. Any call raises DatabaseUnavailable when the database
    fails.
    """

    def __init__(self, database: Database, seal: Seal, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock

    def find_or_create(
        self, connection: Connection, account: str, url: str, auth: Auth | None, contact: str | None
    ) -> str:
        """The id of the account's endpoint for this URL and authentication, in the caller's transaction.

        One that is there keeps its state, secret and failures; a new contact takes the place of the old.
        Whether the URL's addresses may be called is for `addresses.check_url`, before the transaction.

        Raises:
            AddressRefused: the URL is not one that could be called.
            MailAddressError: the contact is not one e-mail address.
            SealError: the key that seals cannot be used.
        """
        read_url(url)
        kept = None if contact is None else check_address(contact)
        wanted = None if auth is None else auth.to_text()
        signature = self._seal.sign("endpoint", json.dumps([account, url, wanted]))
        now = self._clock()
        values = {
            "endpoint_id": str(uuid.uuid4()),
            "account": account,
            "url": url,
            "contact": kept,
            "signature": signature,
            "auth": None if wanted is None else self._seal.close(wanted),
            "secret": self._seal.close(make_secret()),
            "state": EndpointState.ACTIVE,
            "created_at": now,
        }
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        added = connection.execute(
            dialect.insert(endpoints)
            .values(values)
            .on_conflict_do_nothing(index_elements=["signature"])
            .returning(endpoints.c.endpoint_id)
        ).scalar_one_or_none()
        if added is not None:
            transitions.write_event(
                connection, now, added, "created", from_state=None, to_state=EndpointState.ACTIVE
            )
            return str(added)
        alike = endpoints.c.signature == signature
        if kept is not None:
            connection.execute(update(endpoints).where(alike).values(contact=kept))
        return str(connection.execute(select(endpoints.c.endpoint_id).where(alike)).scalar_one())

    def list(self, account: str | None = None) -> Sequence[Endpoint]:
        """Endpoints, the newest first."""
        query = select(endpoints).where(*_of(account))
        ordered = query.order_by(endpoints.c.created_at.desc(), endpoints.c.endpoint_id)
        with self._database.reading() as connection:
            return [_to_endpoint(row) for row in connection.execute(ordered)]

    def get(self, endpoint_id: str, account: str | None = None) -> Endpoint:
        """One endpoint.

        Raises:
            EndpointNotFound: there is none, or it is another account's.
        """
        found = self.find(endpoint_id, account)
        if found is None:
            raise EndpointNotFound(endpoint_id)
        return found

    def find(self, endpoint_id: str, account: str | None = None) -> Endpoint | None:
        """One endpoint, or None."""
        query = select(endpoints).where(endpoints.c.endpoint_id == storable(endpoint_id), *_of(account))
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _to_endpoint(row)

    def events(self, endpoint_id: str) -> Sequence[EndpointEvent]:
        """What happened to an endpoint, in order; not its calls, which their deliveries tell of."""
        query = select(endpoint_events).where(endpoint_events.c.endpoint_id == endpoint_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(endpoint_events.c.event_id)).all()
        return [
            EndpointEvent(
                at=row.at,
                event=row.event,
                from_state=None if row.from_state is None else EndpointState(row.from_state),
                to_state=EndpointState(row.to_state),
                detail=row.detail,
            )
            for row in rows
        ]

    def enable(
        self,
        endpoint_id: str,
        actor: str,
        account: str | None = None,
        *,
        beside: BesideEndpoint | None = None,
    ) -> Endpoint:
        """Call the endpoint again, its failures forgotten; one that is active stays as it is.

        Deliveries that died meanwhile stay dead until they are replayed.

        Raises:
            EndpointNotFound: there is none, or it is another account's.
        """
        with self._database.writing() as connection:
            _lock(connection, endpoint_id, account)
            transitions.enable(connection, self._clock(), endpoint_id, actor)
            if beside is not None:
                beside(connection, endpoint_id)
        return self.get(endpoint_id, account)

    def disable(
        self,
        endpoint_id: str,
        actor: str,
        account: str | None = None,
        *,
        beside: BesideEndpoint | None = None,
    ) -> Endpoint:
        """Call the endpoint no more, by someone's wish: nobody is warned, and what waits for it is dead.

        Raises:
            EndpointNotFound: there is none, or it is another account's.
        """
        with self._database.writing() as connection:
            _lock(connection, endpoint_id, account)
            transitions.disable(connection, self._clock(), endpoint_id, Reason.BY_HAND, actor)
            if beside is not None:
                beside(connection, endpoint_id)
        return self.get(endpoint_id, account)

    def secret(self, endpoint_id: str, account: str | None = None) -> str:
        """The signing secret, for the account to give to its receiver; never to be logged.

        Raises:
            EndpointNotFound: there is none, or it is another account's.
            SealError: it was sealed with another key.
        """
        return self._seal.open(self.get(endpoint_id, account).secret)

    def rotate_secret(
        self,
        endpoint_id: str,
        actor: str,
        account: str | None = None,
        *,
        beside: BesideEndpoint | None = None,
    ) -> str:
        """Sign with a new secret, which is returned; for 24 h calls are signed with the one before, too.

        Raises:
            EndpointNotFound: there is none, or it is another account's.
        """
        new = make_secret()
        with self._database.writing() as connection:
            before = _lock(connection, endpoint_id, account)
            now = self._clock()
            connection.execute(
                update(endpoints)
                .where(endpoints.c.endpoint_id == endpoint_id)
                .values(
                    secret=self._seal.close(new),
                    old_secret=before.secret,
                    old_secret_until=now + _OLD_SECRET,
                )
            )
            state = EndpointState(before.state)
            transitions.write_event(
                connection, now, endpoint_id, "secret_rotated", from_state=state, to_state=state, actor=actor
            )
            if beside is not None:
                beside(connection, endpoint_id)
        return new


def _of(account: str | None) -> list[ColumnElement[bool]]:
    return [] if account is None else [endpoints.c.account == account]


def _lock(connection: Connection, endpoint_id: str, account: str | None) -> Any:
    query = select(endpoints).where(endpoints.c.endpoint_id == storable(endpoint_id), *_of(account))
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise EndpointNotFound(endpoint_id)
    return row


def _to_endpoint(row: Any) -> Endpoint:
    values = {name: value for name, value in row._mapping.items() if name != "signature"}
    reason = None if row.reason is None else Reason(row.reason)
    return Endpoint(**{**values, "state": EndpointState(row.state), "reason": reason})
