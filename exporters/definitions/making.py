"""Making: what is due is looked at, and the jobs of its files are recorded, each once."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from exporters.catalogue import RequestError, write_filters
from exporters.database import DatabaseUnavailable
from exporters.definitions import transitions
from exporters.definitions.arguments import Meaning, read_arguments
from exporters.definitions.conditions import Sight, decide, look
from exporters.definitions.drafts import find_type
from exporters.definitions.due_definitions import PAUSED
from exporters.definitions.errors import DefinitionError, DefinitionNotFound
from exporters.definitions.following import log_end
from exporters.definitions.mails import refusal_orders
from exporters.definitions.periods import Span
from exporters.definitions.records import Definition, Fire
from exporters.definitions.states import FireKind, FireState
from exporters.definitions.store import DefinitionStore
from exporters.definitions.tables import fire_jobs, fires, is_compared
from exporters.deliveries.outbox import queue
from exporters.exports import Exports
from exporters.jobs import Job, QuotaExceeded
from exporters.report_types import company_types
from warehouse.errors import UnknownWorkshopError, WarehouseError
from warehouse.figures import find_workshop
from warehouse.generations import Snapshot

if TYPE_CHECKING:
    from exporters.formats.table import Language

_AT_ONCE = 50
_PAUSE = timedelta(minutes=5)
"""Between two tries of a fire that cannot be made now, such as when the quota is used up."""
_PATIENCE = timedelta(hours=24)
"""From when a fire was recorded; what cannot be made by then has failed."""

_log = logging.getLogger(__name__)


class _OvertakenError(Exception):
    """Somebody else has gone on with the fire, or ended it; what was written is taken back."""


@dataclass(frozen=True)
class _Decided:
    """What is made of a fire."""

    plan: dict[str, Any]
    sight: Sight | None
    """None: nothing hung on it."""


class Maker:
    """Makes jobs of fires that are due. Any number of processes may do so at once."""

    def __init__(
        self, exports: Exports, store: DefinitionStore, *, lease: timedelta, language: "Language"
    ) -> None:
        self._exports = exports
        self._store = store
        self._lease = lease
        self._language = language
        self._types = company_types(exports.catalogue)

    def make_some(self) -> int:
        """Go on with some of the fires that are due, and return how many."""
        now = self._store.clock()
        free = or_(fires.c.lease_until.is_(None), fires.c.lease_until <= now)
        query = select(fires.c.fire_id).where(fires.c.state == FireState.DUE, free)
        with self._store.database.reading() as connection:
            found = connection.execute(query.order_by(fires.c.fire_id).limit(_AT_ONCE)).scalars().all()
        return sum(self._hold_and_make(fire_id) for fire_id in found)

    def _hold_and_make(self, fire_id: int) -> bool:
        with self._store.database.writing() as connection:
            fire = transitions.hold(connection, self._store.clock(), fire_id, self._lease)
        if fire is None:
            return False
        try:
            self._make(fire)
        except _OvertakenError:
            pass
        except DefinitionNotFound:
            self._skip(fire, "deleted", None, None)
        except (DefinitionError, RequestError) as error:
            self._fail(fire, "INVALID_DEFINITION", str(error))
        except UnknownWorkshopError as error:
            self._fail(fire, "UNKNOWN_WORKSHOP", str(error))
        except QuotaExceeded as error:
            self._put_off(fire, "QUOTA_EXCEEDED", str(error))
        except WarehouseError as error:
            self._put_off(fire, "NO_DATA", str(error))
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  it must hold up no other fire, and end some day
            _log.exception("fire %s of report definition %s", fire.fire_id, fire.definition_id)
            self._put_off(fire, "INTERNAL_ERROR", f"it failed unexpectedly: {type(error).__name__}")
        return True

    def _make(self, fire: Fire) -> None:
        decided = self._decide(fire) if fire.plan is None else _Decided(dict(fire.plan), None)
        if decided is None:
            return
        with self._store.database.reading() as connection:
            made = set(connection.execute(_formats_made(fire)).scalars())
        for format_ in decided.plan["formats"]:
            if format_ not in made:
                self._request(fire, decided, format_)

    def _decide(self, fire: Fire) -> _Decided | None:
        """What is made of the fire, by its definition and the data as they are; None: it is skipped."""
        definition = self._store.get(fire.definition_id, fire.workshop_id)
        if fire.kind is FireKind.SCHEDULED and not _is_wanted(definition, fire):
            self._skip(fire, PAUSED, None, None)
            return None
        meaning = read_arguments(
            find_type(self._types, definition.type_id),
            [(argument.key, argument.value) for argument in definition.arguments],
        )
        filters = {
            **write_filters(meaning.filters),
            **Span(fire.period_start, fire.period_end).filters(meaning.report),
        }
        with self._exports.snapshots.open() as snapshot:
            plan = self._plan(snapshot, fire, definition, meaning, filters)
            condition = definition.condition if fire.kind is FireKind.SCHEDULED else None
            only_when_data = meaning.only_when_data and fire.kind is not FireKind.TEST
            if condition is None and not only_when_data:
                return _Decided(plan, None)
            sight = look(snapshot, meaning.report, fire.workshop_id, filters)
        verdict = decide(
            condition, only_when_data=only_when_data, sight=sight, last_digest=self._last_digest(fire)
        )
        if verdict.send:
            return _Decided(plan, sight)
        self._skip(fire, verdict.cause, verdict.reason, sight)
        return None

    def _plan(
        self,
        snapshot: Snapshot,
        fire: Fire,
        definition: Definition,
        meaning: Meaning,
        filters: dict[str, Any],
    ) -> dict[str, Any]:
        language = meaning.language or self._language
        recipients = [definition.owner] if fire.kind is FireKind.TEST else list(meaning.emails)
        return {
            "report_type": meaning.report.name,
            "filters": filters,
            "formats": list(meaning.formats),
            "recipients": recipients,
            "owner": definition.owner,
            "language": language,
            "link_only": definition.email_link_only,
            "name": definition.name,
            "title": meaning.report.title(language),
            "workshop": find_workshop(snapshot.figures, fire.workshop_id).name,
        }

    def _last_digest(self, fire: Fire) -> str | None:
        """The digest of what was last sent."""
        query = (
            select(fires.c.digest)
            .where(
                fires.c.definition_id == int(fire.definition_id),
                is_compared(fires.c),
            )
            .order_by(fires.c.fire_at.desc())
            .limit(1)
        )
        with self._store.database.reading() as connection:
            return connection.execute(query).scalar()

    def _request(self, fire: Fire, decided: _Decided, format_: str) -> None:
        """Record the job of one format, and with it, in one transaction, that it is the fire's."""

        def beside(connection: Connection, job: Job) -> None:
            rows, digest = (decided.sight.rows, decided.sight.digest) if decided.sight else (None, None)
            if not transitions.keep_plan(connection, fire.fire_id, decided.plan, rows, digest):
                raise _OvertakenError
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            row = {"fire_id": fire.fire_id, "format": format_, "job_id": job.job_id}
            added = connection.execute(
                dialect.insert(fire_jobs).values(row).on_conflict_do_nothing().returning(fire_jobs.c.job_id)
            )
            if not added.all():
                raise _OvertakenError
            made = select(func.count()).select_from(_formats_made(fire).subquery())
            if connection.execute(made).scalar_one() == len(decided.plan["formats"]):
                transitions.begin(connection, self._store.clock(), fire.fire_id)

        self._exports.request_once(
            fire.workshop_id,
            decided.plan["report_type"],
            format_,
            decided.plan["filters"],
            language=decided.plan["language"],
            idempotency_key=None,
            beside=beside,
        )

    def _skip(self, fire: Fire, reason: str, message: str | None, sight: Sight | None) -> None:
        with self._store.database.writing() as connection:
            skipped = transitions.skip(
                connection,
                self._store.clock(),
                fire.fire_id,
                reason,
                message=message,
                rows=None if sight is None else sight.rows,
                digest=None if sight is None else sight.digest,
            )
        if skipped is not None:
            log_end(skipped)

    def _put_off(self, fire: Fire, code: str, message: str) -> None:
        now = self._store.clock()
        if now - fire.created_at >= _PATIENCE:
            self._fail(fire, code, message)
            return
        with self._store.database.writing() as connection:
            transitions.put_off(connection, fire.fire_id, now + _PAUSE, message)

    def _fail(self, fire: Fire, code: str, message: str) -> None:
        """The fire has failed, and its owner is told; what is being made of it is still sent, before."""
        try:
            definition = self._store.get(fire.definition_id, fire.workshop_id)
        except DefinitionNotFound:
            definition = None
        now = self._store.clock()
        with self._store.database.writing() as connection:
            if connection.execute(_formats_made(fire)).first() is not None:
                transitions.begin(connection, now, fire.fire_id, (code, message))
                return
            failed = transitions.fail(connection, now, fire.fire_id, code, message)
            if failed is not None and definition is not None:
                queue(connection, now, refusal_orders(failed, definition, self._language))
        if failed is not None:
            log_end(failed)


def _is_wanted(definition: Definition, fire: Fire) -> bool:
    """Whether the definition as it stands now still fires at that time: one that waits may wait for a day."""
    return definition.active and (definition.paused_until is None or definition.paused_until <= fire.fire_at)


def _formats_made(fire: Fire) -> Any:
    return select(fire_jobs.c.format).where(fire_jobs.c.fire_id == fire.fire_id)
