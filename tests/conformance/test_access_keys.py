"""API keys on each database: whom they let in, until when, and what is kept of them."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from exporters.access import AccessOptions, Caller, KeyNotFound, KeyRefused, Unauthenticated
from exporters.access.door import KEY_MEMORY, Access
from exporters.access.keys import NewKey
from exporters.database import Database, DatabaseUnavailable, open_database
from exporters.jobs import JobStore
from tests.records import MovedClock, empty, statements_of_this_thread

OPTIONS = AccessOptions(None, 600, 16, timedelta(days=365))
MEMBERS = {"999888777": frozenset({"101", "102"}), "111222333": frozenset({"201"})}


def members(organisation: str) -> frozenset[str]:
    return MEMBERS.get(organisation, frozenset())


@pytest.fixture
def open_access(records: Database, moved_clock: MovedClock) -> Iterator[Callable[[], Access]]:
    opened: list[Access] = []

    def make() -> Access:
        opened.append(Access(records, OPTIONS, members=members, clock=moved_clock))
        return opened[-1]

    yield make
    for access in opened:
        access.close()


@pytest.fixture
def access(open_access: Callable[[], Access]) -> Access:
    return open_access()


def refused(access: Access, credential: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        access.identify(credential)
    return str(caught.value)


def test_a_key_lets_in_whom_it_was_made_for(access: Access) -> None:
    made = access.keys.create(["101", "102"], label="portal")
    assert access.identify(made.text) == Caller(
        f"key:{made.record.key_id}", frozenset({"101", "102"}), frozenset({"reports"})
    )
    assert access.keys.list() == [made.record]
    assert made.text.startswith(f"rk_{made.record.key_id}_")
    assert len(bytes.fromhex(made.text.rpartition("_")[2])) * 8 == 256


def test_an_organisations_key_follows_the_served_data(
    access: Access, moved_clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = access.keys.create(organisation="999888777")
    assert access.identify(made.text).workshops == {"101", "102"}
    monkeypatch.setitem(MEMBERS, "999888777", frozenset({"102", "103"}))
    moved_clock.advance(seconds=KEY_MEMORY.total_seconds())
    assert access.identify(made.text).workshops == {"102", "103"}
    unknown = access.keys.create(organisation="000000000")
    assert access.identify(unknown.text).workshops == set()


def test_a_revocation_takes_effect_within_the_stated_time_and_for_good(
    open_access: Callable[[], Access], moved_clock: MovedClock
) -> None:
    server, other = open_access(), open_access()
    made = server.keys.create(["101"])
    server.identify(made.text)
    first = other.keys.revoke(made.record.key_id)
    assert first.revoked_at == moved_clock.now
    refused(other, made.text)  # it has not seen the key before
    moved_clock.advance(seconds=KEY_MEMORY.total_seconds())
    refused(server, made.text)
    assert server.recall(made.text) is None
    assert server.keys.revoke(made.record.key_id) == first
    assert [row.action for row in server.audit.list()] == ["key_revoked", "key_created"]


def test_a_key_ends_at_its_expiry_to_the_second(access: Access, moved_clock: MovedClock) -> None:
    made = access.keys.create(["101"], expires_at=moved_clock.now + timedelta(seconds=3))
    moved_clock.advance(seconds=2)
    access.identify(made.text)
    moved_clock.advance(seconds=1)
    refused(access, made.text)


def test_a_clock_that_is_set_back_prolongs_nothing(access: Access, moved_clock: MovedClock) -> None:
    made = access.keys.create(["101"])
    access.identify(made.text)
    access.keys.revoke(made.record.key_id)
    moved_clock.advance(hours=-1)
    refused(access, made.text)


def test_what_is_refused_does_not_tell_why(access: Access, moved_clock: MovedClock) -> None:
    revoked = access.keys.create(["101"])
    access.keys.revoke(revoked.record.key_id)
    expired = access.keys.create(["101"], expires_at=moved_clock.now + timedelta(seconds=1))
    moved_clock.advance(seconds=1)
    good = access.keys.create(["101"])
    head, _, secret = good.text.rpartition("_")
    other = f"{head}_{int(secret[0], 16) ^ 1:x}{secret[1:]}"
    nobody = f"rk_{'0' * 16}_{secret}"
    tried = [revoked.text, expired.text, other, nobody, "", "x", good.text.upper(), f"{good.text} "]
    tried += [
        f"{good.text}\n",
        good.text[:-1],
        f"{good.text}0",
        "rk__",
        "a.b.c",
        "é",
        "\ud800",
        "0" * 100_000,
    ]
    assert len({refused(access, credential) for credential in tried}) == 1
    access.identify(good.text)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "name either"),
        ({"workshops": ["101"], "organisation": "999888777"}, "name either"),
        ({"workshops": [""]}, "not empty"),
        ({"workshops": ["10\x001"]}, "printed"),
        ({"organisation": ""}, "not empty"),
        ({"workshops": ["101"], "scopes": ["reports", "root"]}, "'root' cannot be granted"),
        ({"workshops": ["101"], "scopes": []}, "no scope"),
        ({"workshops": ["101"], "label": "x" * 201}, "at most 200"),
        ({"workshops": ["101"], "label": "a\nb"}, "one line"),
        ({"workshops": ["101"], "expires_at": MovedClock().now}, "ahead"),
    ],
)
def test_keys_that_make_no_sense_are_refused(access: Access, asked: dict[str, object], told: str) -> None:
    with pytest.raises(KeyRefused, match=told):
        access.keys.create(**asked)  # type: ignore[arg-type]
    assert (access.keys.list(), access.audit.list()) == ([], [])


@pytest.mark.parametrize("key_id", ["0" * 16, "", "nothing", "\x00", "\ud800"])
def test_revoking_an_unknown_key(access: Access, key_id: str) -> None:
    with pytest.raises(KeyNotFound):
        access.keys.revoke(key_id)


def test_only_a_digest_is_kept_and_nothing_shows_the_key(
    access: Access, records: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = access.keys.create(["101"], label="x")
    access.identify(made.text)
    secret = made.text.rpartition("_")[2]
    shown = [
        repr(made),
        repr(access.identify(made.text)),
        repr(access.keys.list()),
        repr(access.audit.list()),
    ]
    with records.reading() as connection:
        for table in ("api_keys", "api_key_workshops", "audit_events", "audit_reads"):
            shown += [str(connection.execute(text(f"SELECT * FROM {table}")).all())]
    assert hashlib.sha256(made.text.encode()).hexdigest() in shown[-4]
    shown += [str(vars(access)), str(vars(access._recent)), caplog.text, refused(access, made.text[:-1])]
    assert [one for one in shown if secret in one] == []


def test_a_key_seen_lately_takes_no_database(access: Access, records: Database) -> None:
    made = access.keys.create(["101"])
    with statements_of_this_thread(records) as statements:
        caller = access.identify(made.text)
        asked = len(statements)
        assert asked, "what is asked is seen"
        assert access.recall(made.text) == access.identify(made.text) == caller
        assert len(statements) == asked


def test_what_is_remembered_is_bounded(records: Database, moved_clock: MovedClock) -> None:
    access = Access(records, OPTIONS, members=members, clock=moved_clock)
    access._recent._most = 3
    made = [access.keys.create(["101"]).text for _ in range(5)]
    for credential in made:
        access.identify(credential)
    assert len(access._recent) == 3
    assert [access.recall(credential) is not None for credential in made] == [False, False, True, True, True]


def test_a_database_that_fails_lets_nobody_new_in(
    moved_clock: MovedClock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("records") / "records.db"
    with closing(open_database(f"sqlite:///{path}")) as database:
        access = Access(database, OPTIONS, members=members, clock=moved_clock)
        made = access.keys.create(["101"])
        database.close()
        path.write_bytes(b"no database" * 1000)
        with pytest.raises(DatabaseUnavailable):
            access.identify(made.text)


def test_an_erased_workshop_takes_its_keys_and_log_along(
    access: Access, records: Database, moved_clock: MovedClock
) -> None:
    alone = access.keys.create(["101"], label="Nordre")
    shared = access.keys.create(["101", "102"])
    other = access.keys.create(["102"])
    access.audit.read("overview", "key:1", "101")
    access.audit.read("overview", "key:1", "102")
    access.audit.flush()
    assert access.identify(alone.text).workshops == {"101"}
    JobStore(records, moved_clock).forget_workshop("101")
    moved_clock.advance(seconds=KEY_MEMORY.total_seconds())
    refused(access, alone.text)
    assert access.identify(shared.text).workshops == {"102"}
    assert access.identify(other.text).workshops == {"102"}
    assert {key.key_id for key in access.keys.list()} == {shared.record.key_id, other.record.key_id}
    assert {row.workshop_id for row in access.audit.list()} == {"102"}


def test_threads_may_share_it(access: Access) -> None:
    made = [access.keys.create([str(number)]) for number in range(8)]
    seen: set[tuple[str, frozenset[str]]] = set()

    def ask(one: NewKey) -> None:
        for _ in range(50):
            seen.add((one.text, access.identify(one.text).workshops))

    threads = [threading.Thread(target=ask, args=(one,)) for one in made * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {(one.text, one.record.workshops) for one in made}


class World:
    """A server that identifies and a command line that changes things, with a record of what was granted."""

    def __init__(self, records: Database) -> None:
        empty(records)
        self.clock = MovedClock()
        self.server, self.cli = (
            Access(records, OPTIONS, members=members, clock=self.clock) for _ in range(2)
        )
        self._jobs = JobStore(records, self.clock)
        self.granted: dict[str, tuple[NewKey, frozenset[str]]] = {}
        self.ended: dict[str, datetime] = {}

    def make(self, workshops: frozenset[str], seconds: int | None) -> None:
        made = self.cli.keys.create(workshops, expires_at=self._after(seconds))
        self.granted[made.text] = (made, workshops)

    def make_for(self, organisation: str, seconds: int | None) -> None:
        made = self.cli.keys.create(organisation=organisation, expires_at=self._after(seconds))
        self.granted[made.text] = (made, members(organisation))

    def revoke(self, number: int) -> None:
        if self.granted:
            credential = list(self.granted)[number % len(self.granted)]
            if credential not in self.ended:
                self.cli.keys.revoke(self.granted[credential][0].record.key_id)
                self.ended[credential] = self.clock.now

    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    def erase(self, workshop: str) -> None:
        self._jobs.forget_workshop(workshop)
        for credential, (made, workshops) in self.granted.items():
            if made.record.organisation is None and workshop in workshops:
                self.granted[credential] = (made, workshops - {workshop})
                if workshops == {workshop}:
                    self.ended.setdefault(credential, self.clock.now)
        self.clock.advance(seconds=KEY_MEMORY.total_seconds())

    def check(self) -> None:
        for credential, (made, workshops) in self.granted.items():
            has_expired = made.record.expires_at is not None and self.clock.now >= made.record.expires_at
            ended = self.ended.get(credential)
            try:
                caller = self.server.identify(credential)
            except Unauthenticated:
                assert has_expired or ended is not None
            else:
                assert not has_expired
                assert ended is None or self.clock.now < ended + KEY_MEMORY
                granted = made.record
                assert caller == Caller(
                    f"key:{granted.key_id}", workshops, granted.scopes, granted.organisation
                )

    def _after(self, seconds: int | None) -> datetime | None:
        return None if seconds is None else self.clock.now + timedelta(seconds=seconds)


IDS = st.sampled_from(["101", "102", "103", "201"])
LASTS = st.none() | st.integers(1, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(World.make), st.frozensets(IDS, min_size=1), LASTS),
        st.tuples(st.just(World.make_for), st.sampled_from([*MEMBERS, "5"]), LASTS),
        st.tuples(st.just(World.revoke), st.integers(0, 20)),
        st.tuples(st.just(World.wait), st.integers(1, 20)),
        st.tuples(st.just(World.erase), IDS),
    ),
    max_size=20,
)


@given(steps=STEPS)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_ever_gets_more_than_was_granted(records: Database, steps: list[tuple[Any, ...]]) -> None:
    world = World(records)
    for step, *values in steps:
        step(world, *values)
        world.check()
