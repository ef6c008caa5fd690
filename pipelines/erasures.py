"""Erasing a workshop or a customer everywhere: landing, warehouse, exports and what Dagster shows of them.

The intent is recorded before anything is erased, and each step can be done again: an erasure that was cut
short is completed by asking for it again, or by the next night.
"""

from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Literal

from exporters.access.audit import AuditLog
from exporters.access.keys import KeyStore
from exporters.database import open_database
from exporters.erasure import erase_exports, void_exports
from exporters.exports import open_exports
from pipelines.project import Project
from warehouse.customer_days import customer_days
from warehouse.erasure import LandingErasure
from warehouse.erasures import Erasure, ErasureError, Register, pending
from warehouse.errors import NoGenerationError
from warehouse.generations import open_snapshot
from warehouse.models import EntityHeader
from warehouse.rebuilding import begin_anew, is_served, publish_anew, remove_older


def erase_workshop(project: Project, workshop_id: str, reason: str) -> Erasure:
    """Erase all that is kept of a workshop; what its sources deliver of it later is not landed.

    Raises:
        ErasureError: there is no such workshop, or it cannot be told which rows are its; nothing was erased.
        WarehouseError, StoreError, RecordError: it was cut short and is to be completed.
    """
    return _erase(project, _intent("workshop", workshop_id, None, reason))


def erase_customer(project: Project, workshop_id: str, customer_id: str, reason: str) -> Erasure:
    """Empty all that tells of a customer in the bookings of a workshop; the bookings and figures stay.

    Raises: see erase_workshop.
    """
    return _erase(project, _intent("customer", workshop_id, customer_id, reason))


def finish_erasures(project: Project) -> list[Erasure]:
    """Complete the erasures that were cut short, and those of which rows have come since."""
    waiting = pending(Register(project.landing.root).read())
    return [_finish(project, erasure) for erasure in waiting]


def _intent(
    kind: Literal["workshop", "customer"], workshop_id: str, customer_id: str | None, reason: str
) -> Erasure:
    return Erasure(
        number=0,
        kind=kind,
        workshop_id=workshop_id,
        customer_id=customer_id,
        sources=(),
        asked_at=datetime.now(UTC),
        reason=reason,
    )


def _erase(project: Project, intent: Erasure) -> Erasure:
    known = Register(project.landing.root).find(intent.kind, intent.workshop_id, intent.customer_id)
    return _finish(project, known or _record(project, intent))


def _record(project: Project, intent: Erasure) -> Erasure:
    """Find what the erasure is about and put it on record; nothing is erased yet.

    Raises:
        ErasureError: nothing is kept, or whose rows a source holds cannot be told.
    """
    register = Register(project.landing.root)
    with project.open_build():  # nobody lands meanwhile
        intent = intent.model_copy(update={"number": register.next_number()})
        register.forget_keys(intent)
        landing = LandingErasure(project.landing, project.sources, project.settings.database)
        found = landing.find(intent)
        days = customer_days(project.warehouse_folder, intent.workshop_id, intent.customer_id)
        sources = {name.partition(".")[0] for name in found.rows} | _served_sources(project, intent)
        if not (
            found.rows or days or (intent.kind == "workshop" and (sources or _has_records(project, intent)))
        ):
            raise ErasureError(f"nothing is kept of {intent.subject}")
        landing.refuse_unclaimed(sorted(sources))
        update = {"sources": tuple(sorted(sources)), "rows": found.rows, "inputs": found.inputs, "days": days}
        return register.put(intent.model_copy(update=update))


def _finish(project: Project, erasure: Erasure) -> Erasure:
    """Do every step of an erasure that is on record, whichever were done before."""
    register = Register(project.landing.root)
    erasure = register.put(erasure.model_copy(update={"done_at": None}))
    with project.open_build() as build:
        # First: what is built goes by numbers of rows, which change now.
        begin_anew(build)
        LandingErasure(project.landing, project.sources, project.settings.database).erase(erasure)
    if is_served(project.warehouse_folder):
        with project.open_build() as build:
            without = erasure.workshop_id if erasure.kind == "workshop" else None
            publish_anew(build, project.warehouse_folder, without)
            remove_older(project.warehouse_folder)
    update = _finish_exports(project, erasure)
    return register.put(erasure.model_copy(update=update | {"done_at": datetime.now(UTC), "days": ()}))


def _finish_exports(project: Project, erasure: Erasure) -> dict[str, object]:
    with open_exports(project.settings.exports) as exports:
        if erasure.kind == "workshop":
            erased = erase_exports(exports, erasure.workshop_id)
            return {"jobs": erasure.jobs + erased.jobs, "files": erasure.files + erased.files}
        voided = void_exports(
            exports, erasure.workshop_id, erasure.days, _personal(project), f"erasure {erasure.number}"
        )
        return {"voided": tuple(dict.fromkeys((*erasure.voided, *voided)))}


def _personal(project: Project) -> set[str]:
    """Columns of the published tables that tell of a customer."""
    return {
        name
        for model in project.models.values()
        if isinstance(model.header, EntityHeader)
        for name, column in model.header.columns.items()
        if column.personal
    }


def _served_sources(project: Project, erasure: Erasure) -> set[str]:
    """The active source that the served workshop came from."""
    with suppress(NoGenerationError), open_snapshot(project.warehouse_folder) as served:
        rows = served.rows(
            "SELECT source FROM workshops WHERE workshop_id = $id", {"id": erasure.workshop_id}
        )
        return {source for (source,) in rows if source in project.sources}
    return set()


def _has_records(project: Project, erasure: Erasure) -> bool:
    with closing(open_database(project.settings.jobs_database)) as database:
        keys, audit = KeyStore(database), AuditLog(database)
        if keys.list(erasure.workshop_id) or audit.list(workshop_id=erasure.workshop_id, limit=1):
            return True
    with open_exports(project.settings.exports) as exports:
        return bool(exports.jobs.list(erasure.workshop_id, limit=1))
