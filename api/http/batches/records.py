"""What the routes of batches work with: the batches, whose they are, and the log of who did what."""

from collections.abc import Generator, Iterator, Sequence

from sqlalchemy import Connection

from api.http.problems import Refusal
from api.http.services import AnyRequest, Services, caller_of, request_id_of
from exporters.access.audit_events import Action, record_event
from exporters.batches.archive import walk_items, write_archive
from exporters.batches.door import Batches, Beside
from exporters.batches.records import Batch, Item
from exporters.database.values import utc_now


class Records:
    """The batches of a process."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.batches = Batches(services.exports, services.options)

    def tell(self, request: AnyRequest, action: Action, **detail: str | int | None) -> None:
        """Write down what was done."""
        actor, request_id = caller_of(request).actor, request_id_of(request)
        self.services.access.audit.record(action, actor, None, request_id, None, **detail)

    def tell_read(self, request: AnyRequest, what: str) -> None:
        """Count what was looked at."""
        self.services.access.audit.read(what, caller_of(request).actor)

    def open_archive(self, request: AnyRequest, batch_id: str) -> Generator[bytes] | None:
        """The zip of the batch's finished reports; None: there is none yet. Raises as `walk_items`.

        Each file that goes into it is on record before it is read.
        """
        pages = walk_items(self.batches, batch_id, account_of(request))
        first = next(pages, None)
        if first is None:
            return None

        def all_pages() -> Iterator[Sequence[Item]]:
            yield first
            yield from pages

        def tell(items: Sequence[Item]) -> None:
            with self.services.database.writing() as connection:
                for item in items:
                    record_event(
                        connection,
                        utc_now(),
                        Action.DOWNLOADED,
                        caller_of(request).actor,
                        item.workshop_id,
                        request_id=request_id_of(request),
                        job_id=item.job_id,
                        detail={"batch_id": item.batch_id},
                    )

        return write_archive(all_pages(), self.services.exports.store, tell)


def beside(request: AnyRequest, action: Action) -> Beside:
    """Writes the row of the log in the transaction of what is done, so that neither is on record alone."""
    actor, request_id = caller_of(request).actor, request_id_of(request)

    def write(connection: Connection, batch: Batch) -> None:
        detail: dict[str, str | int | None] = {"batch_id": batch.batch_id}
        if action is Action.BATCH_MADE:
            detail |= {"type": batch.type_name, "items": batch.counts.size}
        record_event(connection, utc_now(), action, actor, None, request_id=request_id, detail=detail)

    return write


def account_of(request: AnyRequest) -> str:
    """Whose batches the request is about.

    Raises:
        Refusal: the credential is for nobody: all such credentials would share one account.
    """
    caller = caller_of(request)
    if caller.organisation is None and not caller.workshops:
        raise Refusal(403, "FORBIDDEN", "the credential gives access to no workshop")
    return caller.account
