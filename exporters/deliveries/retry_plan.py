"""The retry plan: when a delivery that did not come through is tried again."""

import random
from datetime import timedelta

PAUSES = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=3),
    timedelta(hours=8),
    timedelta(hours=12),
)
"""After the first try, the second and so on."""
MOST_TRIES = len(PAUSES) + 1
_JITTER_SECONDS = 60.0


def pause_after(attempt: int) -> timedelta | None:
    """How long to wait after this try, counted from 1; None: it was the last.

    Up to a minute is added by chance, so that what failed together is not tried together.
    """
    if attempt > len(PAUSES):
        return None
    return PAUSES[attempt - 1] + timedelta(seconds=random.uniform(0, _JITTER_SECONDS))  # noqa: S311
