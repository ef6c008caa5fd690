"""Following: fires whose jobs have all ended are sent, in one transaction with the orders of their mails."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select

from exporters.database import Database
from exporters.definitions import transitions
from exporters.definitions.mails import failure_orders, file_orders
from exporters.definitions.records import Fire
from exporters.definitions.states import FireState
from exporters.definitions.tables import fire_jobs, fires
from exporters.deliveries.orders import Order
from exporters.deliveries.outbox import queue
from exporters.jobs import Job, Status
from exporters.jobs.reading import find_job
from exporters.jobs.tables import jobs

_log = logging.getLogger(__name__)

_AT_ONCE = 50
"""Fires of one transaction."""

_UNFINISHED = (Status.PENDING, Status.PROCESSING)


def send_ended(database: Database, now: datetime) -> int:
    """Order the mails of some fires whose jobs have ended, and return how many fires they were.

    The files that there are go to the recipients. Where one could not be made, or not even asked for, the
    fire has failed and its owner is told. Any number of processes may do this at once.
    """
    unfinished = (
        select(jobs.c.job_id)
        .join(fire_jobs, fire_jobs.c.job_id == jobs.c.job_id)
        .where(fire_jobs.c.fire_id == fires.c.fire_id, jobs.c.status.in_(_UNFINISHED))
    )
    ended = select(fires).where(fires.c.state == FireState.MAKING, ~exists(unfinished))
    with database.reading() as connection:
        found = connection.execute(ended.order_by(fires.c.fire_id).limit(_AT_ONCE)).all()
    if not found:
        return 0
    with database.writing() as connection:
        ended_here = [_end(connection, now, transitions.to_fire(row)) for row in found]
    for fire in ended_here:
        if fire is not None:
            log_end(fire)
    return len(found)


def log_end(fire: Fire) -> None:
    """Tell the log what became of a fire: ids and a reason, no address."""
    why = f", {fire.reason}" if fire.reason else ""
    _log.info("fire %s of report definition %s: %s%s", fire.fire_id, fire.definition_id, fire.state, why)


def _end(connection: Connection, now: datetime, fire: Fire) -> Fire | None:
    """The fire as it has ended; None: another has ended it meanwhile."""
    plan: Mapping[str, Any] = fire.plan or {}
    orders: list[Order] = []
    faults: list[tuple[str, str]] = []
    asked = dict(_jobs_of(connection, fire))
    for format_, job in asked.items():
        if job.status is Status.COMPLETED:
            orders += file_orders(fire, plan, format_, job)
        else:
            code, fault = _tell(job)
            faults.append((code, fault))
            orders += failure_orders(fire, plan, format_, fault)
    if missing := [format_ for format_ in plan.get("formats", ()) if format_ not in asked]:
        code, fault = transitions.find_refusal(connection, fire.fire_id)
        faults.append((code, fault))
        for format_ in missing:
            orders += failure_orders(fire, plan, format_, fault)
    if faults:
        moved = transitions.fail(connection, now, fire.fire_id, *faults[0])
    else:
        moved = transitions.send(connection, now, fire.fire_id, {"mails": len(orders)})
    if moved is not None:
        queue(connection, now, orders)
    return moved


def _jobs_of(connection: Connection, fire: Fire) -> list[tuple[str, Job]]:
    theirs = (
        select(fire_jobs.c.format, fire_jobs.c.job_id)
        .where(fire_jobs.c.fire_id == fire.fire_id)
        .order_by(fire_jobs.c.format)
    )
    return [(row.format, find_job(connection, row.job_id, None)) for row in connection.execute(theirs)]


def _tell(job: Job) -> tuple[str, str]:
    """Code and words of why there is no file."""
    if job.status is Status.FAILED:
        return str(job.error_code), str(job.error_message)
    return job.status.upper(), f"the export was {job.status}"
