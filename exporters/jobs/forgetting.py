"""Forgetting: every row that the tables of the job records hold of a workshop is removed."""

from sqlalchemy import Connection, delete, func, select

from exporters.access.tables import api_key_workshops, api_keys
from exporters.database.schema import metadata
from exporters.jobs.tables import jobs


def forget_workshop(connection: Connection, workshop_id: str) -> int:
    """Remove the workshop's jobs and all that refers to them; returns how many jobs there were.

    It leaves the API keys that it shares with others; those that were for it alone go.

    A table is told by its columns, so that a new one is not left out: `workshop_id`, or a reference to a job.
    """
    of_jobs = select(jobs.c.job_id).where(jobs.c.workshop_id == workshop_id)
    count = connection.execute(select(func.count()).select_from(of_jobs.subquery())).scalar_one()
    for table in reversed(metadata.sorted_tables):  # what refers to others first
        if "workshop_id" in table.c:
            connection.execute(delete(table).where(table.c.workshop_id == workshop_id))
        for column in table.c:
            if column.references(jobs.c.job_id):
                connection.execute(delete(table).where(column.in_(of_jobs)))
    others = select(api_key_workshops.c.key_id)
    connection.execute(
        delete(api_keys).where(api_keys.c.organisation.is_(None), api_keys.c.key_id.not_in(others))
    )
    return int(count)
