"""Where the file of a job lies in the store, and what it is called."""

import hashlib
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from exporters.catalogue import TENANT, Filters
from exporters.file_names import DEFAULT_TEMPLATE, fill_template, has_variable
from exporters.formats import Format
from exporters.jobs import Job
from warehouse.figures import Workshop
from warehouse.generations import Snapshot

_LONGEST_NAME = 200
"""Bytes of a folder's name; a longer workshop id is shown by its digest."""

_NUMBER = "SELECT org_number FROM workshops WHERE workshop_id = $workshop_id"


def file_folder(job: Job) -> str:
    """Where in the store everything of a job lies."""
    workshop = quote(job.workshop_id, safe="")
    if len(workshop) > _LONGEST_NAME or not workshop.strip("."):
        workshop = hashlib.sha256(job.workshop_id.encode()).hexdigest()
    return f"exports/{workshop}/{job.job_id}/"


def file_name(
    job: Job,
    snapshot: Snapshot,
    workshop: Workshop,
    filters: Filters,
    format_: Format,
    *,
    created_at: datetime,
) -> str:
    """What the file of a job is called: its template, filled with what the job is about."""
    template = job.name_template or DEFAULT_TEMPLATE
    values = {
        "name": workshop.name,
        "workshop": workshop.workshop_id,
        "cvr": _find_number(snapshot, workshop) if has_variable(template, "cvr") else None,
        "type": job.report_type,
        "balanceday": filters.get("date_to"),
        "rundate": created_at.astimezone(ZoneInfo(workshop.time_zone)).date(),
        **{edge: filters.get(edge) or "all" for edge in ("date_from", "date_to")},
    }
    return fill_template(template, values, format_.extension)


def _find_number(snapshot: Snapshot, workshop: Workshop) -> str | None:
    """The workshop's organisation number."""
    found = snapshot.rows(_NUMBER, {TENANT: workshop.workshop_id})
    return str(found[0][0]) if found and found[0][0] else None
