"""Firing: definitions that are due become jobs, and jobs that have ended become mails.

Any number of processes may fire at once, and each may be killed at any moment: what each fire needs is
recorded once, and whoever looks next goes on with it.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from exporters.definitions.due_definitions import record_due
from exporters.definitions.following import send_ended
from exporters.definitions.making import Maker
from exporters.definitions.store import DefinitionStore
from exporters.errands import Errand
from exporters.exports import Exports

if TYPE_CHECKING:
    from exporters.formats.table import Language
    from exporters.options import ExportOptions

_LOOK_SECONDS = 1.0


class Firing:
    """Fires definitions. Safe to share between threads; any call may raise DatabaseUnavailable."""

    def __init__(
        self, exports: Exports, store: DefinitionStore, *, lease: timedelta, language: "Language"
    ) -> None:
        self._store = store
        self._maker = Maker(exports, store, lease=lease, language=language)

    def fire_due(self, now: datetime | None = None) -> int:
        """Record fires that have come due, and make jobs of those that are; returns how much was found.

        It does a part of what is due; nothing is due when it returns 0. `now` is the store's clock's, if not
        given.
        """
        recorded = record_due(self._store.database, self._store.clock() if now is None else now)
        return recorded + self._maker.make_some()

    def follow_ended(self) -> int:
        """Order the mails of fires whose jobs have ended; returns how many fires there were."""
        return send_ended(self._store.database, self._store.clock())


def open_firing(exports: Exports, store: DefinitionStore, options: "ExportOptions") -> Firing:
    """Firing as the options of exporting say."""
    return Firing(exports, store, lease=options.lease, language=options.language)


def make_errands(exports: Exports, store: DefinitionStore, options: "ExportOptions") -> list[Errand]:
    """The errands of report definitions."""
    firing = open_firing(exports, store, options)
    return [
        Errand("due definitions", _LOOK_SECONDS, firing.fire_due),
        Errand("ended fires", _LOOK_SECONDS, firing.follow_ended),
    ]
