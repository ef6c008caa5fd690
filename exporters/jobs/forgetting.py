"""Forgetting: every row that the tables of the job records hold of a workshop is removed."""

from sqlalchemy import Connection, delete, exists, func, select, update

import exporters.definitions.tables
import exporters.deliveries.tables  # noqa: F401  so that they are known
from exporters.access.callers import Caller
from exporters.access.tables import api_key_workshops, api_keys
from exporters.batches import tables as of_batches  # which refers to jobs, and may be half loaded now
from exporters.database.schema import metadata
from exporters.deliveries.tables_endpoints import endpoints
from exporters.jobs.tables import jobs


def forget_workshop(connection: Connection, workshop_id: str) -> int:
    """Remove the workshop's jobs and all that refers to them; returns how many jobs there were.

    It leaves the API keys that it shares with others; those that were for it alone go.

    A table is told by its columns, so that a new one is not left out: `workshop_id`, or a reference to a job.
    A batch that had items of this workshop alone goes; others keep their size, of which fewer are left. What
    a key's account has stays its own, although the account is named by the workshops that it is for; that of
    the workshop alone goes with all it has, such as endpoints and batches of unknown workshops.
    """
    _carry_over(connection, workshop_id)
    batch_items = of_batches.batch_items
    with_items = select(batch_items.c.batch_id).where(batch_items.c.workshop_id == workshop_id).distinct()
    touched = connection.execute(with_items).scalars().all()
    of_jobs = select(jobs.c.job_id).where(jobs.c.workshop_id == workshop_id)
    count = connection.execute(select(func.count()).select_from(of_jobs.subquery())).scalar_one()
    for table in reversed(metadata.sorted_tables):  # what refers to others first
        if "workshop_id" in table.c:
            connection.execute(delete(table).where(table.c.workshop_id == workshop_id))
        for column in table.c:
            if column.references(jobs.c.job_id):
                connection.execute(delete(table).where(column.in_(of_jobs)))
    for batch_id in touched:
        has_items = exists().where(batch_items.c.batch_id == batch_id)
        for own in (of_batches.batch_events, of_batches.batches):
            connection.execute(delete(own).where(own.c.batch_id == batch_id, ~has_items))
    _forget_account(connection, Caller("", frozenset({workshop_id}), frozenset()).account)
    others = select(api_key_workshops.c.key_id)
    connection.execute(
        delete(api_keys).where(api_keys.c.organisation.is_(None), api_keys.c.key_id.not_in(others))
    )
    return int(count)


def _forget_account(connection: Connection, account: str) -> None:
    """Remove what an account has that no credential speaks for any more."""
    theirs = select(of_batches.batches.c.batch_id).where(of_batches.batches.c.account == account)
    for table in (of_batches.batch_items, of_batches.batch_events):
        connection.execute(delete(table).where(table.c.batch_id.in_(theirs)))
    for table in reversed(metadata.sorted_tables):
        if "account" in table.c:
            connection.execute(delete(table).where(table.c.account == account))


def _carry_over(connection: Connection, workshop_id: str) -> None:
    """Give what is kept under the account of a key for this workshop and others to the key's account then."""
    of_keys = select(api_key_workshops.c.key_id).where(api_key_workshops.c.workshop_id == workshop_id)
    members: dict[str, set[str]] = {}
    query = select(api_key_workshops).where(api_key_workshops.c.key_id.in_(of_keys))
    for key_id, member in connection.execute(query):
        members.setdefault(key_id, set()).add(member)
    for known in members.values():
        before, after = (Caller("", frozenset(ids), frozenset()) for ids in (known, known - {workshop_id}))
        for table in metadata.sorted_tables:
            if after.workshops and "account" in table.c:
                owned = table.c.account == before.account
                # An endpoint's signature tells of its account, too: it is signed again where it is asked for.
                given_up = {"signature": table.c.endpoint_id} if table is endpoints else {}
                connection.execute(update(table).where(owned).values(account=after.account, **given_up))
