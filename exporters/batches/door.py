"""The door to batches: what an account asks of them; nothing here waits for a report to be made."""

import uuid
from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from exporters.batches.directory import Directories
from exporters.batches.drafts import BatchDraft, Checked, check_draft
from exporters.batches.errors import BatchError, BatchNotFound, ItemNotFound
from exporters.batches.items import add_runs, bind_items, new_item
from exporters.batches.reading import read_events, read_item, read_page, select_batches, to_batches
from exporters.batches.records import ENDED, Batch, BatchEvent, BatchState, Item, ItemState, Page
from exporters.batches.tables import batch_items, batches
from exporters.batches.transitions import EventName, create, hold, move
from exporters.database.values import storable, utc_now
from exporters.deliveries.addresses import AddressRefused
from exporters.deliveries.endpoints import Endpoints
from exporters.exports import Exports
from exporters.options import ExportOptions

MOST_ON_PAGE = 1_000

Beside = Callable[[Connection, Batch], None]
"""Writes what goes with a change of a batch, in one transaction with it: both last, or neither."""


class Batches:
    """Batches of reports, from the request to their files. Safe to share between threads.

    A batch is found by its account alone; None as the account, which is for operators, finds everyone's. Any
    call raises DatabaseUnavailable when the database fails.
    """

    def __init__(
        self, exports: Exports, options: ExportOptions, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._catalogue = exports.catalogue
        self._database = exports.jobs.database
        self._directories = Directories(exports.snapshots)
        self._options = options
        self._clock = clock

    def create(
        self,
        account: str,
        workshops: Collection[str],
        draft: BatchDraft,
        *,
        actor: str,
        beside: Beside | None = None,
    ) -> Batch:
        """Record a batch. Each item is bound to the one of `workshops` that has its number now.

        An item whose number none of them has, or several, is there as one that will fail.

        Raises:
            BatchError: a field cannot be met; that there is an organisation number is never looked at.
            NoGenerationError, WarehouseError: nothing is published yet, or it cannot be read.
        """
        checked = check_draft(draft, self._catalogue, self._options)
        bound = self._directories.current().find_all(checked.numbers, workshops)
        batch_id = str(uuid.uuid4())
        with self._database.writing() as connection:
            now = self._clock()
            endpoint_id = self._find_endpoint(connection, account, draft, checked)
            values = {
                "batch_id": batch_id,
                "account": account,
                "actor": actor,
                "name": checked.name,
                "type_name": checked.type_name,
                "report_type": checked.report.name,
                "format": checked.format,
                "language": checked.language,
                "filters": dict(checked.filters),
                "name_template": draft.name_template,
                "error_append": storable(draft.error_append),
                "scheduled_time": checked.scheduled_time,
                "notification_email": checked.notification_email,
                "endpoint_id": endpoint_id,
                "is_listener": draft.is_listener,
                "trigger_now": draft.is_listener and draft.trigger_now,
            }
            items = [
                new_item(
                    now,
                    batch_id,
                    position,
                    0,
                    workshop_id=workshop_id,
                    cvr=number,
                    internal_customer_id=item.internal_customer_id,
                    name_template=item.name_template,
                )
                for position, (item, number, workshop_id) in enumerate(
                    zip(draft.items, checked.numbers, bound, strict=True)
                )
            ]
            create(connection, now, values, items)
            return self._tell(connection, batch_id, account, beside)

    def get(self, batch_id: str, account: str | None) -> Batch:
        """The batch.

        Raises:
            BatchNotFound: there is no such batch, or it is another account's.
        """
        with self._database.reading() as connection:
            return self._read(connection, _known_form(batch_id), account)

    def events(self, batch_id: str, account: str | None) -> tuple[BatchEvent, ...]:
        """What happened to the batch, oldest first.

        Raises:
            BatchNotFound: as `get`.
        """
        with self._database.reading() as connection:
            batch = self._read(connection, _known_form(batch_id), account)
            return read_events(connection, batch.batch_id)

    def list(self, account: str | None, *, archived: bool | None = None) -> tuple[Batch, ...]:
        """The account's batches, newest first; `archived`: only those that are, or that are not."""
        query = select_batches(account)
        if archived is not None:
            query = query.where((batches.c.archived_at.is_not(None)) == archived)
        order = batches.c.created_at.desc(), batches.c.batch_id.desc()
        with self._database.reading() as connection:
            return to_batches(connection, connection.execute(query.order_by(*order)).all())

    def items(
        self,
        batch_id: str,
        account: str | None,
        state: ItemState | None = None,
        token: str | None = None,
        limit: int = 100,
    ) -> Page:
        """At most `limit` ended items, in the order in which they ended; those of one state, if it is given.

        `token` is that of the page before. Items that end meanwhile come after the others, so that a walk
        through the pages shows each once.

        Raises:
            BatchNotFound: as `get`.
            BatchError: the token is not one of this list, or the limit is not 1 to 1,000.
        """
        if not 1 <= limit <= MOST_ON_PAGE:
            raise BatchError("limit", f"a page has 1 to {MOST_ON_PAGE:,} items")
        if state is not None and state not in ENDED:
            raise BatchError("status", f"the items that are shown are {', '.join(ENDED)}")
        with self._database.reading() as connection:
            batch = self._read(connection, _known_form(batch_id), account)
            return read_page(connection, batch.batch_id, state, token, limit)

    def item(self, batch_id: str, account: str | None, item_id: str) -> Item:
        """One ended item.

        Raises:
            BatchNotFound: as `get`.
            ItemNotFound: the batch has no such item, or it has not ended.
        """
        with self._database.reading() as connection:
            batch = self._read(connection, _known_form(batch_id), account)
            item = read_item(connection, storable(item_id), batch.batch_id)
        if item is None or item.state not in ENDED:
            raise ItemNotFound(item_id)
        return item

    def retry_failed(
        self,
        batch_id: str,
        account: str | None,
        workshops: Collection[str],
        *,
        actor: str,
        beside: Beside | None = None,
    ) -> Batch:
        """Begin a new run of each failed item, which stands for it from now on.

        A number that named no workshop is looked for among `workshops` again.

        Raises:
            BatchNotFound: as `get`.
            BatchError: no item has failed.
            NoGenerationError, WarehouseError: nothing is published yet, or it cannot be read.
        """
        directory = self._directories.current()
        with self._database.writing() as connection:
            batch = self._hold(connection, batch_id, account)
            now = self._clock()
            which = (
                batch_items.c.batch_id == batch.batch_id,
                batch_items.c.state == ItemState.FAILED,
                batch_items.c.replaced.is_(False),
            )
            query = select(batch_items).where(*which).order_by(batch_items.c.number)
            # Of a listener, several runs of one position may have failed: one new run stands for them all.
            failed = {row.position: row for row in connection.execute(query)}
            if not failed:
                raise BatchError("status", "no item of the batch has failed: there is nothing to retry")
            # Its name is free for the new run.
            connection.execute(update(batch_items).where(*which).values(replaced=True, name_key=None))
            unbound = [row for row in failed.values() if row.workshop_id is None]
            found = directory.find_all([row.cvr for row in unbound], workshops)
            positions = [row.position for row in unbound]
            bound = bind_items(connection, batch.batch_id, dict(zip(positions, found, strict=True)))
            count = add_runs(connection, now, batch.batch_id, list(failed.values()), workshops=bound)
            detail = {"actor": actor, "items": count}
            begun = batch.state != BatchState.INITIALIZING
            target = BatchState.EXECUTING if begun else BatchState.INITIALIZING
            move(connection, now, EventName.RETRIED, batch, target, detail=detail)
            return self._tell(connection, batch.batch_id, account, beside)

    def stop_listening(
        self, batch_id: str, account: str | None, *, actor: str, beside: Beside | None = None
    ) -> Batch:
        """Let changes make no more runs; items that wait or are in the making are still made.

        Raises:
            BatchNotFound: as `get`.
            BatchError: the batch is no listener.
        """
        with self._database.writing() as connection:
            batch = self._hold(connection, batch_id, account)
            if not batch.is_listener:
                raise BatchError("isListener", "the batch is no listener: there is nothing to stop")
            if batch.stopped_at is None:
                listens = batch.state == BatchState.LISTENING
                target = BatchState.LISTENING_STOPPED if listens else BatchState(batch.state)
                now = self._clock()
                values, detail = {"stopped_at": now}, {"actor": actor}
                move(connection, now, EventName.STOPPED, batch, target, values=values, detail=detail)
            return self._tell(connection, batch.batch_id, account, beside)

    def archive(
        self, batch_id: str, account: str | None, *, actor: str, beside: Beside | None = None
    ) -> Batch:
        """Put a batch away that is at its end; its items and files stay.

        Raises:
            BatchNotFound: as `get`.
            BatchError: items are left, or it listens.
        """
        with self._database.writing() as connection:
            batch = self._hold(connection, batch_id, account)
            if batch.archived_at is None:
                now = self._clock()
                values, detail = {"archived_at": now}, {"actor": actor}
                state = BatchState(batch.state)
                if not move(connection, now, EventName.ARCHIVED, batch, state, values=values, detail=detail):
                    raise BatchError("status", f"the batch is {state}: only one at its end can be archived")
            return self._tell(connection, batch.batch_id, account, beside)

    def _find_endpoint(
        self, connection: Connection, account: str, draft: BatchDraft, checked: Checked
    ) -> str | None:
        deliveries = self._options.deliveries
        if draft.webhook_url is None or deliveries is None:
            return None
        try:
            return Endpoints(self._database, deliveries.seal).find_or_create(
                connection, account, draft.webhook_url, checked.auth, checked.notification_email
            )
        except AddressRefused as error:
            raise BatchError("notificationWebhookUrl", str(error)) from error

    def _hold(self, connection: Connection, batch_id: str, account: str | None) -> Row[tuple[object, ...]]:
        batch = hold(connection, _known_form(batch_id), account, wait=True)
        if batch is None:
            raise BatchNotFound(batch_id)
        return batch

    def _tell(
        self, connection: Connection, batch_id: str, account: str | None, beside: Beside | None
    ) -> Batch:
        batch = self._read(connection, batch_id, account)
        if beside is not None:
            beside(connection, batch)
        return batch

    def _read(self, connection: Connection, batch_id: str, account: str | None) -> Batch:
        query = select_batches(account).where(batches.c.batch_id == batch_id)
        rows = connection.execute(query).all()
        if not rows:
            raise BatchNotFound(batch_id)
        return to_batches(connection, rows)[0]


def _known_form(batch_id: str) -> str:
    """The id as it is recorded: what is no UUID is the id of no batch, and may hold what SQL refuses."""
    try:
        return str(uuid.UUID(batch_id))
    except ValueError:
        raise BatchNotFound(batch_id) from None
