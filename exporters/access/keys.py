"""API keys: made, listed, revoked and recognised. Of a key's text only a digest is kept."""

import hmac
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, or_, select, update

from exporters.access.audit_events import Action, record_event
from exporters.access.callers import REPORTS_SCOPE, SCOPES, plain_number
from exporters.access.errors import KeyNotFound, KeyRefused
from exporters.access.key_texts import digest_of, key_id_of, new_key
from exporters.access.plans import is_plan_name
from exporters.access.tables import api_key_workshops, api_keys
from exporters.database import Database
from exporters.database.values import utc_now

_LABEL_LENGTH = 200
_NO_DIGEST = "0" * 64
"""Compared with when there is no such key, so that the answer takes as long."""


@dataclass(frozen=True)
class ApiKey:
    """What is on record of a key; neither its text nor its digest."""

    key_id: str
    label: str
    scopes: frozenset[str]
    workshops: frozenset[str]
    """Ids of workshops; empty for a key of an organisation."""
    organisation: str | None
    """Number of the organisation whose workshops, as the served data has them, the key is for."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    plan: str | None
    """Name of its plan; None: the first plan there is."""

    def is_valid(self, now: datetime) -> bool:
        """Whether the key lets anyone in at `now`."""
        has_ended = self.expires_at is not None and now >= self.expires_at
        return self.revoked_at is None and not has_ended and bool(self.workshops or self.organisation)


@dataclass(frozen=True)
class NewKey:
    """A key that was just made."""

    record: ApiKey
    text: str = field(repr=False)
    """The key itself: to be shown once, it cannot be had again."""


class KeyStore:
    """The keys on record. Safe to share between threads; any call may raise DatabaseUnavailable."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        workshops: Iterable[str] = (),
        *,
        organisation: str | None = None,
        label: str = "",
        scopes: Iterable[str] = (REPORTS_SCOPE,),
        expires_at: datetime | None = None,
        plan: str | None = None,
        actor: str = "cli",
    ) -> NewKey:
        """Make a key for workshops or for an organisation; it and its row in the audit log are kept together.

        Raises:
            KeyRefused: it is for nobody or for both kinds, a scope is unknown, it would have expired already,
                or a text cannot be kept.
        """
        now = self._clock()
        ids, granted = frozenset(workshops), frozenset(scopes)
        number = None if organisation is None else plain_number(organisation)
        _check(ids, number, label, granted)
        if plan is not None and not is_plan_name(plan):
            raise KeyRefused(f"the plan is {plan!r}; a plan's name is letters, digits, - and _")
        if expires_at is not None and expires_at <= now:
            raise KeyRefused("the key would have expired already: give an expiry that lies ahead")
        key_id, text = new_key()
        record = ApiKey(key_id, label, granted, ids, number, now, expires_at, None, plan)
        with self._database.writing() as connection:
            connection.execute(
                insert(api_keys).values(
                    key_id=key_id,
                    digest=digest_of(text),
                    label=label,
                    scopes=sorted(granted),
                    organisation=number,
                    created_at=now,
                    expires_at=expires_at,
                    plan=plan,
                )
            )
            if ids:
                rows = [{"key_id": key_id, "workshop_id": workshop_id} for workshop_id in sorted(ids)]
                connection.execute(insert(api_key_workshops), rows)
            _tell(connection, Action.KEY_CREATED, record, now, actor)
        return NewKey(record, text)

    def revoke(self, key_id: str, *, actor: str = "cli") -> ApiKey:
        """End a key for good; one that was revoked before stays as it is.

        Raises:
            KeyNotFound: there is no such key.
        """
        now = self._clock()
        with self._database.writing() as connection:
            changed = connection.execute(
                update(api_keys)
                .where(api_keys.c.key_id == _known_form(key_id), api_keys.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )
            found = _read(connection, select(api_keys).where(api_keys.c.key_id == key_id))
            if not found:
                raise KeyNotFound(key_id)
            if changed.rowcount:
                _tell(connection, Action.KEY_REVOKED, found[0], now, actor)
            return found[0]

    def list(self, workshop_id: str | None = None, *, organisation: str | None = None) -> list[ApiKey]:
        """The keys on record, newest first; with a workshop, its own and those of its organisation."""
        query = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.key_id)
        if workshop_id is not None:
            theirs = select(api_key_workshops.c.key_id).where(api_key_workshops.c.workshop_id == workshop_id)
            query = query.where(
                or_(
                    api_keys.c.key_id.in_(theirs), api_keys.c.organisation == plain_number(organisation or "")
                )
            )
        with self._database.reading() as connection:
            return _read(connection, query)

    def find(self, key_id: str) -> ApiKey | None:
        """The record of a key that lets anyone in now."""
        with self._database.reading() as connection:
            found = _read(connection, select(api_keys).where(api_keys.c.key_id == key_id))
        return found[0] if found and found[0].is_valid(self._clock()) else None

    def match(self, text: str) -> ApiKey | None:
        """The record of the key that `text` is, if it is one and it lets anyone in now."""
        key_id = key_id_of(text)
        if key_id is None:
            return None
        query = select(api_keys).where(api_keys.c.key_id == key_id)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
            same = hmac.compare_digest(row.digest if row else _NO_DIGEST, digest_of(text))
            found = _read(connection, query) if row and same else []
        return found[0] if found and found[0].is_valid(self._clock()) else None


def _check(workshops: Collection[str], organisation: str | None, label: str, scopes: Collection[str]) -> None:
    if bool(workshops) == (organisation is not None):
        raise KeyRefused("a key is for one or more workshops, or for one organisation: name either")
    for name, text in [("a workshop", one) for one in workshops] + [("the organisation", organisation)]:
        if text is None:
            continue
        if not text or not text.isprintable():
            raise KeyRefused(f"{name} is {text!r}: it must be text that can be printed, and not empty")
    if len(label) > _LABEL_LENGTH or not (label.isprintable() or not label):
        raise KeyRefused(f"the label must be one line of at most {_LABEL_LENGTH} characters")
    unknown = set(scopes) - SCOPES
    if unknown or not scopes:
        named = ", ".join(repr(one) for one in sorted(unknown)) or "no scope"
        raise KeyRefused(f"{named} cannot be granted; the scopes are {', '.join(sorted(SCOPES))}")


def _known_form(key_id: str) -> str:
    if key_id_of(f"rk_{key_id}_{_NO_DIGEST}") is None:  # it may hold what SQL refuses
        raise KeyNotFound(key_id)
    return key_id


def _tell(connection: Connection, action: Action, key: ApiKey, now: datetime, actor: str) -> None:
    """One row for each workshop: a workshop that is erased takes its own row along."""
    detail = {"key_id": key.key_id}
    if key.organisation is not None:
        record_event(connection, now, action, actor, None, detail=detail | {"organisation": key.organisation})
    for workshop_id in sorted(key.workshops):
        record_event(connection, now, action, actor, workshop_id, detail=detail)


def _read(connection: Connection, query: Select[Any]) -> list[ApiKey]:
    rows = connection.execute(query).all()
    theirs: dict[str, set[str]] = {row.key_id: set() for row in rows}
    of_keys = select(api_key_workshops)
    if len(rows) == 1:
        of_keys = of_keys.where(api_key_workshops.c.key_id == rows[0].key_id)
    for key_id, workshop_id in connection.execute(of_keys):
        theirs.setdefault(key_id, set()).add(workshop_id)
    return [
        ApiKey(
            row.key_id,
            row.label,
            frozenset(row.scopes),
            frozenset(theirs[row.key_id]),
            row.organisation,
            row.created_at,
            row.expires_at,
            row.revoked_at,
            row.plan,
        )
        for row in rows
    ]
