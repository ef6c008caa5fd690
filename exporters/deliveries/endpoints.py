"""The endpoints of webhooks: where an account is called, how it knows the caller, and if it is called."""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from exporters.database import Database
from exporters.database.values import storable, utc_now
from exporters.deliveries import endpoint_transitions as transitions
from exporters.deliveries.addresses import read_url
from exporters.deliveries.endpoint_records import Endpoint, EndpointEvent, EndpointNotFound, to_endpoint
from exporters.deliveries.endpoint_transitions import EndpointState, Reason
from exporters.deliveries.mail_addresses import check_address
from exporters.deliveries.signatures import make_secret
from exporters.deliveries.tables_endpoints import endpoint_events, endpoints
from exporters.deliveries.webhook_auth import Auth
from exporters.seal import Seal, SealError

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
        found = _find_signed(connection, signature) or self._sign_again(
            connection, account, url, auth, signature
        )
        if found is None:
            found = self._add(connection, account, url, wanted, signature)
        if kept is not None:
            of_it = endpoints.c.endpoint_id == found
            connection.execute(update(endpoints).where(of_it).values(contact=kept))
        return found

    def _sign_again(
        self, connection: Connection, account: str, url: str, auth: Auth | None, signature: str
    ) -> str | None:
        """Sign the endpoint that the account took over from one before: it was signed for that, if at all."""
        alike = select(endpoints).where(endpoints.c.account == account, endpoints.c.url == url)
        for row in connection.execute(alike.order_by(endpoints.c.created_at)).all():
            try:
                self._seal.open(row.secret)
                same = to_endpoint(row).open_auth(self._seal) == auth
            except SealError:  # of another key: it could not be called
                continue
            if same:
                of_it = endpoints.c.endpoint_id == row.endpoint_id
                connection.execute(update(endpoints).where(of_it).values(signature=signature))
                return str(row.endpoint_id)
        return None

    def _add(self, connection: Connection, account: str, url: str, auth: str | None, signature: str) -> str:
        """A new endpoint, or the one that another transaction has made meanwhile."""
        now = self._clock()
        values = {
            "endpoint_id": str(uuid.uuid4()),
            "account": account,
            "url": url,
            "signature": signature,
            "auth": None if auth is None else self._seal.close(auth),
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
        if added is None:
            return str(_find_signed(connection, signature))
        transitions.ENDPOINTS.tell(connection, now, "created", None, [values], detail={})
        return str(added)

    def list(self, account: str | None = None) -> Sequence[Endpoint]:
        """Endpoints, the newest first."""
        query = select(endpoints).where(*_of(account))
        ordered = query.order_by(endpoints.c.created_at.desc(), endpoints.c.endpoint_id)
        with self._database.reading() as connection:
            return [to_endpoint(row) for row in connection.execute(ordered)]

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
        return None if row is None else to_endpoint(row)

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
            transitions.ENDPOINTS.tell(
                connection, now, "secret_rotated", before.state, [before._mapping], detail={"actor": actor}
            )
            if beside is not None:
                beside(connection, endpoint_id)
        return new


def _find_signed(connection: Connection, signature: str) -> str | None:
    query = select(endpoints.c.endpoint_id).where(endpoints.c.signature == signature)
    return connection.execute(query).scalar_one_or_none()


def _of(account: str | None) -> list[ColumnElement[bool]]:
    return [] if account is None else [endpoints.c.account == account]


def _lock(connection: Connection, endpoint_id: str, account: str | None) -> Any:
    query = select(endpoints).where(endpoints.c.endpoint_id == storable(endpoint_id), *_of(account))
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise EndpointNotFound(endpoint_id)
    return row
