"""The plan of a key on each database: kept, given to who asks by the key, and counted by the hour."""

from datetime import timedelta

import pytest

from exporters.access import AccessOptions, KeyRefused, LimitExceeded
from exporters.access.door import Access
from exporters.access.plans import parse_plans
from exporters.database import Database

OPTIONS = AccessOptions(None, 600, 16, timedelta(days=365), parse_plans("small=2,large="))


def test_a_key_has_the_requests_of_its_plan(records: Database) -> None:
    access = Access(records, OPTIONS, members=lambda _: frozenset())
    small, large = (access.keys.create(["501"], plan=plan) for plan in (None, "large"))
    assert [key.plan for key in (small.record, large.record)] == [None, "large"]
    assert {key.key_id: key.plan for key in access.keys.list("501")} == {
        small.record.key_id: None,
        large.record.key_id: "large",
    }
    for _ in range(2):
        access.hours.count(access.identify(small.text))
    with pytest.raises(LimitExceeded):
        access.hours.count(access.identify(small.text))
    for _ in range(5):
        access.hours.count(access.identify(large.text))
    access.close()


@pytest.mark.parametrize("plan", ["", "two words", "a=1", "ø", "x" * 65, "a\n"])
def test_a_plan_has_a_plain_name(records: Database, plan: str) -> None:
    access = Access(records, OPTIONS, members=lambda _: frozenset())
    with pytest.raises(KeyRefused, match="a plan's name is letters, digits, - and _"):
        access.keys.create(["501"], plan=plan)
    assert access.keys.list() == []
    access.close()
