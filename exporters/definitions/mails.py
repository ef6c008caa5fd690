"""Mails of fires: the orders for the files of one, and for telling its owner that it failed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from exporters.definitions.records import Definition, Fire
from exporters.definitions.states import FireKind
from exporters.definitions.store import subject_of
from exporters.deliveries.orders import Channel, Order
from exporters.jobs import Job

if TYPE_CHECKING:
    from exporters.formats.table import Language


def file_orders(fire: Fire, plan: Mapping[str, Any], format_: str, job: Job) -> list[Order]:
    """One mail with the file of a completed job for each recipient."""
    content = {
        **_content(plan),
        "rows": job.rows_written,
        "link_only": plan["link_only"],
    }
    return [
        _order(fire, recipient, format_, job.job_id, language=plan["language"], content=content)
        for recipient in plan["recipients"]
    ]


def failure_orders(fire: Fire, plan: Mapping[str, Any], format_: str, message: str) -> list[Order]:
    """A mail to the owner, where there is one, that a file could not be made."""
    if not plan["owner"]:
        return []
    content = {**_content(plan), "error": message}
    return [_order(fire, plan["owner"], format_, None, language=plan["language"], content=content)]


def refusal_orders(fire: Fire, definition: Definition, language: "Language") -> list[Order]:
    """A mail to the owner, where there is one, that the fire failed before it was known what to make."""
    if definition.owner is None:
        return []
    content = {"name": definition.name, "error": fire.message}
    return [_order(fire, definition.owner, "", None, language=language, content=content)]


def _content(plan: Mapping[str, Any]) -> dict[str, Any]:
    filters = plan["filters"]
    first, last = (filters.get(f"date_{edge}") or filters.get(f"time_{edge}") for edge in ("from", "to"))
    return {
        "title": plan["title"],
        "name": plan["name"],
        "workshop": plan["workshop"],
        "date_from": first,
        "date_to": last,
    }


def _order(
    fire: Fire,
    recipient: str,
    format_: str,
    job_id: str | None,
    *,
    language: "Language",
    content: Mapping[str, Any],
) -> Order:
    return Order(
        workshop_id=fire.workshop_id,
        account=f"workshop:{fire.workshop_id}",
        subject=subject_of(fire.definition_id),
        occasion=_occasion(fire),
        channel=Channel.EMAIL,
        recipient=recipient,
        format=format_,
        job_id=job_id,
        language=language,
        content=content,
    )


def _occasion(fire: Fire) -> str:
    """What tells the fire from all others of its definition."""
    if fire.kind is FireKind.SCHEDULED:
        return fire.fire_at.isoformat()
    return f"{fire.kind} {fire.fire_id}"
