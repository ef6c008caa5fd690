"""Sending: what is due reaches its recipient at least once, whatever happens to those who send."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from exporters.database import Database, open_database
from exporters.deliveries.endpoints import Endpoints
from exporters.deliveries.files import DeliveredFile, Files
from exporters.deliveries.options import DeliveryOptions, MailPatience
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, delivered
from exporters.deliveries.records import Delivery, EventName, State
from exporters.deliveries.sender import Sender, Way, make_errands, make_ways
from exporters.deliveries.store import DeliveryStore
from exporters.errands import run_errands
from exporters.exports import Exports
from exporters.jobs import JobStore
from exporters.storage import open_store
from tests.deliveries import delivery_options, order, place
from tests.delivery_processes import SenderProcess
from tests.exported import export
from tests.loopback_server import LoopbackServer, Recorded, Reply
from tests.records import MovedClock
from tests.smtp_server import SmtpServer
from tests.worker_processes import wait_until

KILLS = 30
LEASE = timedelta(seconds=2)


def make_sender(database: Database, folder: Path, options: DeliveryOptions, **more: Any) -> Sender:
    return Sender(database, Files(JobStore(database), open_store(str(folder / "store"))), options, **more)


def send_all(sender: Sender, channel: Channel = Channel.EMAIL) -> int:
    return sum(iter(lambda: sender.send_due(channel), 0))


def test_what_is_due_is_sent_and_recorded(records: Database, tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    place(records, *(order(f"{name}@verksted.example") for name in names))
    with SmtpServer(recipients={"b@verksted.example": "550 5.1.1 No such user"}) as server:
        assert send_all(make_sender(records, tmp_path, delivery_options(server.port))) == 3
    found = {each.recipient[0]: each for each in DeliveryStore(records).list()}
    assert [found[name].state for name in names] == ["delivered", "refused", "delivered"]
    assert (found["a"].code, found["a"].message) == ("250", "2.0.0 Ok: queued as 4F2A91")
    assert (found["b"].code, found["b"].message) == ("550", "5.1.1 No such user")
    events = DeliveryStore(records).events(found["b"].delivery_id)
    assert [each.event for each in events] == ["queued", "claimed", "refused"]


def test_the_mail_of_one_account_does_not_wait_for_all_of_anothers(
    records: Database, tmp_path: Path, moved_clock: MovedClock
) -> None:
    flood = [order(f"no{number}@verksted.example", account="workshop:101") for number in range(60)]
    place(records, *flood)
    moved_clock.advance(minutes=1)
    late = [order(f"{name}@verksted.example", account=f"workshop:{name}") for name in ("100", "102", "103")]
    place(records, *late, now=moved_clock())
    sent: list[str] = []

    def take(delivery: Delivery, _file: DeliveredFile | None, _options: DeliveryOptions, /) -> Outcome:
        sent.append(delivery.account)
        return delivered("250")

    email = replace(make_ways(records)[Channel.EMAIL], send=take)
    sender = make_sender(
        records, tmp_path, delivery_options(), ways={Channel.EMAIL: email}, clock=moved_clock
    )
    for _ in range(6):
        assert sender.send_due(Channel.EMAIL) == 1
    assert sorted(sent[:4]) == ["workshop:100", "workshop:101", "workshop:102", "workshop:103"]
    assert sent[4:] == ["workshop:101", "workshop:101"]
    assert send_all(sender) == 57
    assert sender.send_due(Channel.EMAIL) == 0


def test_a_greylisted_mail_comes_by_the_retry_plan_with_the_same_id(
    records: Database, tmp_path: Path, moved_clock: MovedClock
) -> None:
    (delivery_id,) = place(records, order())
    with SmtpServer(greylisted=True) as server:
        sender = make_sender(records, tmp_path, delivery_options(server.port), clock=moved_clock)
        assert sender.send_due(Channel.EMAIL) == 1
        waiting = DeliveryStore(records).get(delivery_id)
        assert (waiting.state, waiting.code, waiting.attempt) == ("queued", "451", 1)
        moved_clock.advance(minutes=5)
        assert sender.send_due(Channel.EMAIL) == 0
        moved_clock.advance(minutes=1)
        assert sender.send_due(Channel.EMAIL) == 1
    assert [mail.message["Message-ID"] for mail in server.mails] == [f"<{delivery_id}@sender.test>"]
    assert DeliveryStore(records).get(delivery_id).state is State.DELIVERED


def test_a_mail_that_was_taken_before_a_cut_is_sent_again_with_the_same_id(
    records: Database, tmp_path: Path, moved_clock: MovedClock
) -> None:
    (delivery_id,) = place(records, order())
    with SmtpServer(cuts=True) as server:
        sender = make_sender(records, tmp_path, delivery_options(server.port), clock=moved_clock)
        sender.send_due(Channel.EMAIL)
        assert DeliveryStore(records).get(delivery_id).code == "CUT"
        server.cuts = False
        moved_clock.advance(minutes=6)
        sender.send_due(Channel.EMAIL)
    assert {mail.message["Message-ID"] for mail in server.mails} == {f"<{delivery_id}@sender.test>"}
    assert len(server.mails) == 2


def test_the_file_of_a_job_is_attached_and_expiry_is_told(fresh: Exports) -> None:
    job = export(fresh, "101", "ratings", "xlsx")
    database = fresh.jobs.database
    with SmtpServer() as server:
        sender = Sender(database, Files(fresh.jobs, fresh.store), delivery_options(server.port))
        place(database, order(job_id=job.job_id, content={"title": "Ratings"}))
        assert send_all(sender) == 1
        fresh.jobs.expire(job.job_id)
        place(database, order("late@verksted.example", job_id=job.job_id))
        assert send_all(sender) == 1
    first, late = (mail.message for mail in server.mails)
    (attachment,) = first.iter_attachments()
    assert attachment.get_filename() == job.file_name
    assert len(attachment.get_content()) == job.size_bytes
    body = first.get_body(("plain",))
    assert body is not None
    assert "Data as of:" in body.get_content()
    late_body = late.get_body(("plain",))
    assert late_body is not None
    assert "retention has passed" in late_body.get_content()
    assert not list(late.iter_attachments())


def test_a_file_that_is_lost_or_not_made_yet_is_tried_again(fresh: Exports) -> None:
    pending = fresh.request("101", "ratings", "csv", {})
    job = export(fresh, "101", "ratings")
    assert job.file_key is not None
    fresh.store.delete(job.file_key)
    database = fresh.jobs.database
    with SmtpServer() as server:
        sender = Sender(database, Files(fresh.jobs, fresh.store), delivery_options(server.port))
        place(database, order("a@x.example", job_id=pending.job_id), order("b@x.example", job_id=job.job_id))
        assert send_all(sender) == 2
    found = {each.recipient[0]: each for each in DeliveryStore(database).list()}
    assert (found["a"].state, found["a"].code) == ("queued", "FILE_NOT_READY")
    assert (found["b"].state, found["b"].code) == ("queued", "STORE")
    assert server.mails == []


def test_a_fault_of_the_program_loses_no_delivery(
    records: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_delivery: Delivery, _file: DeliveredFile | None, _options: DeliveryOptions, /) -> Outcome:
        raise KeyError("secret of the recipient")

    (delivery_id,) = place(records, order())
    ways = {Channel.EMAIL: Way(fail)}
    assert make_sender(records, tmp_path, delivery_options(), ways=ways).send_due(Channel.EMAIL) == 1
    after = DeliveryStore(records).get(delivery_id)
    assert (after.state, after.code, after.message) == ("queued", "INTERNAL", "KeyError")
    assert "KeyError" in caplog.text


def test_a_slow_delivery_keeps_its_lease(records: Database, tmp_path: Path) -> None:
    (delivery_id,) = place(records, order())
    store, may_answer = DeliveryStore(records), threading.Event()

    def lease_until() -> datetime | None:
        return store.get(delivery_id).lease_until

    with SmtpServer(may_answer=may_answer) as server, ThreadPoolExecutor(1) as pool:
        options = delivery_options(server.port)
        senders = [make_sender(records, tmp_path, options, lease=LEASE) for _ in range(2)]
        first = pool.submit(senders[0].send_due, Channel.EMAIL)
        try:
            wait_until(lambda: server.mails)
            begun = lease_until()
            assert begun is not None
            wait_until(lambda: (lease_until() or begun) > begun + LEASE)
            assert senders[1].send_due(Channel.EMAIL) == 0
        finally:
            may_answer.set()
        assert first.result() == 1
    assert len(server.mails) == 1


def test_what_is_cancelled_while_it_is_sent_stays_cancelled(records: Database, tmp_path: Path) -> None:
    (delivery_id,) = place(records, order())
    may_answer = threading.Event()
    with SmtpServer(may_answer=may_answer) as server, ThreadPoolExecutor(1) as pool:
        sender = make_sender(records, tmp_path, delivery_options(server.port))
        sending = pool.submit(sender.send_due, Channel.EMAIL)
        try:
            wait_until(lambda: server.mails)
            DeliveryStore(records).cancel(delivery_id, "not wanted")
        finally:
            may_answer.set()
        sending.result()
    assert DeliveryStore(records).get(delivery_id).state is State.CANCELLED


class _Receiver(LoopbackServer):
    def answer(self, request: Recorded) -> Reply:  # noqa: ARG002  as the base has it
        return Reply(200, {})


@contextmanager
def running(errands: list[Any]) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run_errands, args=(errands, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def test_a_mail_server_that_hangs_holds_up_no_webhook(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/records.db")
    patience = MailPatience(connecting=600, answer=600, whole=600)
    with ExitStack() as hanging, _Receiver() as receiver:
        mail = hanging.enter_context(SmtpServer(hangs="connect"))
        options = replace(
            delivery_options(mail.port, patience=patience), allowed_networks=(ip_network("127.0.0.0/8"),)
        )
        with database.writing() as connection:
            endpoint = Endpoints(database, options.seal).find_or_create(
                connection, "organisation:1", f"{receiver.url}/hook", None, None
            )
        place(database, *(order(f"a{number}@verksted.example") for number in range(20)))
        hooks = [order(endpoint, channel=Channel.WEBHOOK, occasion=str(number)) for number in range(20)]
        place(database, *hooks)
        store = DeliveryStore(database)
        with running(make_errands(database, open_store(str(tmp_path / "store")), options, senders=8)):
            wait_until(
                lambda: len(store.list(channel=Channel.WEBHOOK, state=State.DELIVERED, limit=50)) == 20, 60
            )
            hanging.close()
        assert store.list(channel=Channel.EMAIL, state=State.DELIVERED) == []
    database.close()


def wait_for_mails(server: SmtpServer, count: int) -> None:
    wait_until(lambda: len(server.mails) >= count)


def test_nothing_is_lost_or_changed_when_senders_are_killed(
    records: Database, records_url: str, tmp_path: Path
) -> None:
    chance = random.Random(20260201)
    store_url = str(tmp_path / "store")
    ordered = 0
    with SmtpServer(delay=0.02) as server:
        senders = [SenderProcess(records_url, store_url, delivery_options, server.port) for _ in range(2)]
        try:
            for _ in range(KILLS):
                new = [order(f"r{ordered + number}@verksted.example") for number in range(8)]
                place(records, *new)
                ordered += len(new)
                wait_for_mails(server, min(len(server.mails) + chance.randint(1, 6), ordered))
                time.sleep(chance.uniform(0, 0.05))
                senders.pop(chance.randrange(2)).kill()
                senders.append(SenderProcess(records_url, store_url, delivery_options, server.port))
            store = DeliveryStore(records)
            wait_until(lambda: len(store.list(state=State.DELIVERED, limit=10_000)) == ordered)
        finally:
            for sender in senders:
                sender.kill()
    found = {each.recipient: each for each in store.list(limit=10_000)}
    assert len(found) == ordered == KILLS * 8
    mails = Counter((mail.recipients[0], mail.message["Message-ID"]) for mail in server.mails)
    assert mails.keys() == {(each.recipient, f"<{each.delivery_id}@sender.test>") for each in found.values()}
    for each in found.values():
        events = Counter(event.event for event in store.events(each.delivery_id))
        tries = events[EventName.CLAIMED] + events[EventName.RECLAIMED]
        assert events[EventName.DELIVERED] == 1
        assert tries == each.attempt
        assert 1 <= mails[each.recipient, f"<{each.delivery_id}@sender.test>"] <= tries
    print(f"{KILLS} kills: {ordered} mails, {len(server.mails) - ordered} of them sent more than once")
