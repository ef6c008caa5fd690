"""What the routes of reports work with: the definitions, and the log of who did what with them."""

from api.http.services import AnyRequest, Services, caller_of, request_id_of, workshop_of
from exporters.access.audit_events import Action
from exporters.definitions.audit import audited
from exporters.definitions.definitions import Definitions
from exporters.definitions.store import Beside, DefinitionStore


class Records:
    """The definitions of a process."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.definitions = Definitions(services.exports, DefinitionStore(services.database))

    def tell_read(self, request: AnyRequest, what: str) -> None:
        """Count what was looked at."""
        self.services.access.audit.read(what, caller_of(request).actor, workshop_of(request))


def beside(request: AnyRequest, action: Action) -> Beside:
    """Writes the row of the log in the transaction of what is done, so that neither is on record alone."""
    return audited(action, caller_of(request).actor, request_id_of(request))
