"""The errands of batches: start what is due, make jobs, follow them, listen; for any number of processes."""

import logging
from collections.abc import Callable, Sequence

from exporters.batches.expanding import expand, start_due, waiting_batches
from exporters.batches.following import ended_batches, follow, settle_left
from exporters.batches.listening import listen, listening_batches
from exporters.batches.workroom import CHUNK, Workroom, open_workroom
from exporters.database import RecordError
from exporters.errands import Errand
from exporters.exports import Exports
from exporters.options import ExportOptions
from warehouse.errors import WarehouseError

_SOON, _LISTENING = 0.5, 5.0
"""Seconds between two looks at what is due, and at what a listener waits for."""

_log = logging.getLogger(__name__)


def make_errands(exports: Exports, options: ExportOptions) -> list[Errand]:
    """What is to be looked after for batches. Killed at any point, they lose nothing and do nothing twice."""
    room = open_workroom(exports, options)
    return [
        Errand("batches: start", _SOON, lambda: start(room)),
        Errand("batches: follow", _SOON, lambda: follow_ended(room)),
        Errand("batches: listen", _LISTENING, lambda: listen_all(room)),
    ]


def start(room: Workroom) -> int:
    """Start due batches, and make jobs of a chunk of each started one; returns what there may be more of."""
    return start_due(room) + _each(room, waiting_batches(room), expand)


def follow_ended(room: Workroom) -> int:
    """End a chunk of each batch's items whose jobs have ended; returns what there may be more of.

    Few are not followed by another look at once: their jobs end one by one.
    """
    done = _each(room, ended_batches(room), follow)
    return done + settle_left(room)


def listen_all(room: Workroom) -> int:
    """Make new runs of the listeners' items that have changed; returns how many."""
    return _each(room, listening_batches(room), listen, least=1)


def _each(
    room: Workroom, batch_ids: Sequence[str], step: Callable[[Workroom, str], int], least: int = CHUNK
) -> int:
    """Take the step for each batch; one that cannot be helped stops no other. Counts steps of `least` on."""
    done = 0
    for batch_id in batch_ids:
        try:
            found = step(room, batch_id)
        except (RecordError, WarehouseError):
            raise
        except Exception:  # noqa: BLE001  the log tells it, and the other batches go on
            _log.exception("batch %s cannot go on", batch_id)
        else:
            done += found if found >= least else 0
    return done
