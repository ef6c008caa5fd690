"""`reports deliveries` at the command line."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from exporters.database import Database, open_database
from exporters.deliveries import transitions
from exporters.deliveries.endpoints import Endpoints
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import delivered
from exporters.deliveries.store import DeliveryStore
from settings import load_settings
from tests.command_line import Cli
from tests.deliveries import NOW, order, place


@pytest.fixture
def database(cli: Cli) -> Iterator[Database]:
    with closing(open_database(load_settings().jobs_database)) as opened:
        yield opened


def give_up(database: Database, recipient: str) -> None:
    told = {"code": "451", "message": "later"}
    with database.writing() as connection:
        transitions.give_up_waiting(connection, NOW, Channel.EMAIL, recipient, **told)


def test_deliveries_are_listed_and_shown(cli: Cli, database: Database) -> None:
    place(database, order("a@verksted.example"), order("b@verksted.example", subject="item:1"))
    items = cli.ask("deliveries", "list")["items"]
    assert {item["recipient"] for item in items} == {"a@verksted.example", "b@verksted.example"}
    assert cli.ask("deliveries", "list", "--limit", "1")["items"] == items[:1]
    (found,) = cli.ask("deliveries", "list", "--subject", "item:1", "--state", "queued")["items"]
    shown = cli.ask("deliveries", "show", found["delivery_id"])
    assert shown["delivery"] == found
    assert [event["event"] for event in shown["events"]] == ["queued"]
    assert "content" not in found
    table = cli("deliveries", "show", found["delivery_id"])
    assert "b@verksted.example" in table.out
    assert cli("deliveries", "list", "--state", "lost").code == 2
    assert cli("deliveries", "show", "nothing").code == 3


def test_sending_again_needs_a_reason_and_is_audited(cli: Cli, database: Database) -> None:
    (delivery_id,) = place(database, order())
    assert cli("deliveries", "resend", delivery_id).code == 2
    assert cli("deliveries", "resend", delivery_id, "--reason", "x").code == 4
    ended = cli.ask("deliveries", "cancel", delivery_id, "--reason", "not wanted")["items"][0]
    assert ended["state"] == "cancelled"
    assert cli("deliveries", "resend", delivery_id, "--reason", " ").code == 2
    (again,) = cli.ask("deliveries", "resend", delivery_id, "--reason", "wanted after all")["items"]
    assert (again["repeat"], again["reason"], again["state"]) == (1, "wanted after all", "queued")
    (row,) = cli.ask("audit")["items"]
    assert (row["action"], row["actor"], row["workshop_id"]) == ("delivery_resent", "cli", "101")
    assert row["detail"] == {"delivery_id": again["delivery_id"], "reason": "wanted after all"}


def test_dead_letters_are_replayed(cli: Cli, database: Database) -> None:
    place(database, order("a@verksted.example"), order("b@verksted.example"))
    for name in "ab":
        give_up(database, f"{name}@verksted.example")
    first, second = cli.ask("deliveries", "list", "--state", "dead")["items"]
    ids = cli.ask("deliveries", "replay", "--reason", "mended", "--only", first["delivery_id"])["items"]
    assert [item["delivery_id"] for item in ids] == [first["delivery_id"]]
    rest = cli.ask("deliveries", "replay", "--reason", "mended")["items"]
    assert [item["delivery_id"] for item in rest] == [second["delivery_id"]]
    assert [row["action"] for row in cli.ask("audit")["items"]] == ["delivery_replayed"] * 2


def test_a_bounce_is_recorded(cli: Cli, database: Database) -> None:
    place(database, order())
    with database.writing() as connection:
        lease = timedelta(seconds=60)
        taken = transitions.claim(connection, NOW, Channel.EMAIL, "me", lease=lease)
        assert taken is not None
        transitions.finish(connection, NOW, taken, delivered("250"))
    (item,) = cli.ask("deliveries", "bounced", taken.delivery_id, "--reason", "550 no such user")["items"]
    assert (item["state"], item["code"], item["message"]) == ("refused", "BOUNCED", "550 no such user")
    assert DeliveryStore(database).get(taken.delivery_id).state == "refused"


def test_endpoints_are_listed_and_switched(cli: Cli, database: Database) -> None:
    seal = load_settings().seal
    with database.writing() as connection:
        endpoint_id = Endpoints(database, seal).find_or_create(
            connection, "organisation:1", "https://hooks.example/secret", None, "ops@example.com"
        )
    (item,) = cli.ask("deliveries", "endpoints")["items"]
    assert (item["endpoint_id"], item["state"]) == (endpoint_id, "active")
    assert "secret" not in str(item)
    Endpoints(database, seal).disable(endpoint_id, "cli")
    assert cli.ask("deliveries", "endpoints")["items"][0]["reason"] == "by_hand"
    assert cli.ask("deliveries", "enable", endpoint_id)["items"][0]["state"] == "active"
    assert cli("deliveries", "enable", "nothing").code == 3
