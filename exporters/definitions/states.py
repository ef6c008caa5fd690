"""States of fires, and the names of what makes and moves them."""

from enum import StrEnum


class FireKind(StrEnum):
    """What made a definition fire."""

    SCHEDULED = "scheduled"
    BY_HAND = "by hand"
    TEST = "test"


class FireState(StrEnum):
    """Where a fire stands. Sent, skipped and failed are ends; missed is one unless the clock is set back."""

    DUE = "due"  # recorded; its condition is to be looked at, its jobs are to be made
    MAKING = "making"  # all its jobs are recorded
    SENT = "sent"  # its deliveries are ordered
    SKIPPED = "skipped"  # there was nothing to send; the reason says why
    MISSED = "missed"  # nobody looked until a later one was due
    FAILED = "failed"


class FireEventName(StrEnum):
    """What happened to a fire; each is one transition."""

    RECORDED = "recorded"  # -> due, skipped or missed
    MADE_UP_FOR = "made up for"  # missed -> due
    BEGUN = "begun"  # due -> making
    SENT = "sent"  # making -> sent
    SKIPPED = "skipped"  # due -> skipped, or making -> skipped when the definition is deleted
    FAILED = "failed"  # due or making -> failed
