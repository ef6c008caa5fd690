"""What the audit log tells of deliveries that are sent again, and of endpoints that are changed."""

from sqlalchemy import Connection

from exporters.access.audit_events import Action, record_event
from exporters.database.values import utc_now
from exporters.deliveries.endpoints import BesideEndpoint
from exporters.deliveries.records import Delivery
from exporters.deliveries.store import Beside


def audited(action: Action, actor: str, reason: str, request_id: str | None = None) -> Beside:
    """Writes the row in the transaction of the change, so that neither is on record alone."""

    def write(connection: Connection, delivery: Delivery) -> None:
        record_event(
            connection,
            utc_now(),
            action,
            actor,
            delivery.workshop_id,
            request_id=request_id,
            job_id=delivery.job_id,
            detail={"delivery_id": delivery.delivery_id, "reason": reason},
        )

    return write


def audited_endpoint(action: Action, actor: str, request_id: str | None = None) -> BesideEndpoint:
    """The same for a change of an endpoint, which belongs to no workshop."""

    def write(connection: Connection, endpoint_id: str) -> None:
        record_event(
            connection,
            utc_now(),
            action,
            actor,
            None,
            request_id=request_id,
            detail={"endpoint_id": endpoint_id},
        )

    return write
