"""What may go into a record: the checks made before the database is asked."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from exporters.database.values import storable
from exporters.jobs.errors import JobNotFound


def checked_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The filters as JSON gives them back; ValueError where they are no JSON or cannot be stored."""
    try:
        text = json.dumps(dict(filters), allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the filters are not JSON ({error}): pass text, numbers, booleans, lists, null"
        ) from error
    if text != storable(text) or "\\u0000" in text:
        raise ValueError("the filters hold text that cannot be stored: leave out NUL and lone surrogates")
    return dict(json.loads(text))


def checked_id(job_id: str) -> str:
    """The UUID in its usual form; ValueError where it is none."""
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise ValueError(f"job_id {job_id!r} is not a UUID") from None


def known_form(job_id: str) -> str:
    """The id as it would be recorded: what is no UUID is the id of no job, and may hold what SQL refuses."""
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise JobNotFound(job_id) from None


def check_lease(lease: timedelta) -> None:
    """ValueError unless the lease lasts."""
    if lease <= timedelta(0):
        raise ValueError(f"the lease is {lease}: it must last longer than nothing")


def checked_instant(instant: datetime) -> datetime:
    """The instant; ValueError where it has no time zone, so that it would mean nothing certain."""
    if instant.tzinfo is None:
        raise ValueError(f"the instant {instant.isoformat()} has no time zone: give an aware one, as in UTC")
    return instant
