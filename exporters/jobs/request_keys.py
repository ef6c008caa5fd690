"""Idempotency keys: for 24 hours a key stands for one job of its workshop."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from exporters.jobs.tables import jobs, request_keys

KEY_LIFE = timedelta(hours=24)
"""How long a key stands for its job, from the job's creation."""

_KEYED = (
    select(*jobs.c)
    .join(request_keys, request_keys.c.job_id == jobs.c.job_id)
    .where(
        request_keys.c.workshop_id == bindparam("workshop_id"),
        request_keys.c.key == bindparam("key"),
        request_keys.c.created_at > bindparam("since"),
    )
)
"""Built once: building takes longer than executing."""


def find_keyed(
    connection: Connection, now: datetime, workshop_id: str, key: str
) -> Row[tuple[object, ...]] | None:
    """The record of the job that the key stands for; None: the key is new or its time has passed."""
    asked = {"workshop_id": workshop_id, "key": key, "since": now - KEY_LIFE}
    return connection.execute(_KEYED, asked).one_or_none()


def keep_key(connection: Connection, now: datetime, workshop_id: str, key: str, job_id: str) -> None:
    """From now on the key stands for the job; what it stood for before has passed."""
    connection.execute(
        delete(request_keys).where(request_keys.c.workshop_id == workshop_id, request_keys.c.key == key)
    )
    connection.execute(
        insert(request_keys).values(workshop_id=workshop_id, key=key, job_id=job_id, created_at=now)
    )


def purge_keys(connection: Connection, now: datetime) -> int:
    """Remove the keys whose time has passed; returns how many there were."""
    return connection.execute(
        delete(request_keys).where(request_keys.c.created_at <= now - KEY_LIFE)
    ).rowcount
