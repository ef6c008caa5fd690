"""What the audit log tells of definitions that are made, changed, deleted and sent by hand."""

from sqlalchemy import Connection

from exporters.access.audit_events import Action, record_event
from exporters.database.values import utc_now
from exporters.definitions.records import Definition
from exporters.definitions.store import Beside


def audited(action: Action, actor: str, request_id: str | None = None) -> Beside:
    """Writes the row in the transaction of what is done, so that neither is on record alone."""

    def write(connection: Connection, definition: Definition) -> None:
        record_event(
            connection,
            utc_now(),
            action,
            actor,
            definition.workshop_id,
            request_id=request_id,
            detail={"definition_id": definition.definition_id},
        )

    return write
