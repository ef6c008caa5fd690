"""Conditions: what is sent and why, and what cannot be asked of a report."""

from decimal import Decimal

import pytest

from exporters.catalogue import load_catalogue
from exporters.definitions.conditions import Condition, Sight, check_condition, decide
from exporters.definitions.errors import DefinitionError

_CATALOGUE = load_catalogue()
_CHANGED = Condition("changed")
_SIGHT = Sight(3, {"amount": Decimal("10.50"), "unknown": None}, "d1")
_EMPTY = Sight(0, {"amount": Decimal(0)}, "d0")


def _above(column: str | None, threshold: str) -> Condition:
    return Condition("above", column, Decimal(threshold))


def _below(column: str | None, threshold: str) -> Condition:
    return Condition("below", column, Decimal(threshold))


@pytest.mark.parametrize(
    ("condition", "only_when_data", "seen", "expected"),
    [
        (None, False, (_EMPTY, None), (True, "holds", "there are 0 rows")),
        (None, True, (_EMPTY, None), (False, "no data", "there are no rows")),
        (None, True, (_SIGHT, "d1"), (True, "holds", "there are 3 rows")),
        (_CHANGED, False, (_SIGHT, None), (True, "holds", "nothing was sent before")),
        (_CHANGED, False, (_SIGHT, "d1"), (False, "unchanged", "last one that was sent")),
        (_CHANGED, False, (_SIGHT, "d2"), (True, "holds", "others than those")),
        (_CHANGED, True, (_EMPTY, "d1"), (False, "no data", "there are no rows")),
        (_CHANGED, False, (_EMPTY, "d0"), (False, "unchanged", "last one that was sent")),
        (_above(None, "2"), False, (_SIGHT, None), (True, "holds", "3 rows, above 2")),
        (_above(None, "3"), False, (_SIGHT, None), (False, "threshold", "3 rows, not above 3")),
        (_below(None, "3"), False, (_SIGHT, None), (False, "threshold", "not below 3")),
        (_below(None, "1"), False, (_EMPTY, None), (True, "holds", "0 rows, below 1")),
        (_below(None, "1"), True, (_EMPTY, None), (False, "no data", "there are no rows")),
        (_above("amount", "10.49"), False, (_SIGHT, None), (True, "holds", "is 10.50, above")),
        (_above("amount", "10.5"), False, (_SIGHT, None), (False, "threshold", "not above 10.5")),
        (_below("amount", "10.51"), False, (_SIGHT, None), (True, "holds", "below 10.51")),
        (_below("amount", "1"), False, (_EMPTY, None), (True, "holds", "is 0, below 1")),
        (_above("unknown", "-1"), False, (_SIGHT, None), (False, "threshold", "not known")),
        (_below("unknown", "99"), False, (_SIGHT, None), (False, "threshold", "not known")),
    ],
)
def test_a_condition_decides(
    condition: Condition | None,
    only_when_data: bool,
    seen: tuple[Sight, str | None],
    expected: tuple[bool, str, str],
) -> None:
    sight, last = seen
    verdict = decide(condition, only_when_data=only_when_data, sight=sight, last_digest=last)
    assert (verdict.send, verdict.cause) == expected[:2]
    assert expected[2] in verdict.reason


def test_a_column_that_the_report_lost_is_told() -> None:
    with pytest.raises(DefinitionError, match="no longer has"):
        decide(Condition("above", "gone", Decimal(1)), only_when_data=False, sight=_SIGHT, last_digest=None)


@pytest.mark.parametrize(
    ("condition", "field", "message"),
    [
        (Condition("often"), "condition", "changed, above, below"),  # type: ignore[arg-type]
        (Condition("changed", threshold=Decimal(1)), "condition", "no threshold"),
        (Condition("changed", column="price"), "condition", "no column"),
        (Condition("above"), "threshold", "needs a number"),
        (Condition("below", "price", Decimal("NaN")), "threshold", "needs a number"),
        (Condition("above", None, Decimal("1e300")), "threshold", "between"),
        (Condition("above", "status", Decimal(1)), "column", "it has price"),
        (Condition("above", 'price") FROM bookings --', Decimal(1)), "column", "no numeric column"),
    ],
)
def test_a_condition_that_cannot_be_asked_is_refused(condition: Condition, field: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        check_condition(condition, _CATALOGUE["bookings"])
    assert caught.value.field == field


def test_a_condition_that_can_be_asked_is_taken() -> None:
    for condition in (
        _CHANGED,
        Condition("above", "price", Decimal("0.5")),
        Condition("below", None, Decimal(1)),
    ):
        check_condition(condition, _CATALOGUE["bookings"])
