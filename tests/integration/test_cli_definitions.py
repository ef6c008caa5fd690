"""`reports definitions`: a definition made, changed, tried out and sent at the command line."""

from typing import Any

import pytest

from tests.command_line import WORKSHOP, Cli

FORMAT, EMAIL = ("--argument", "format=csv"), ("--argument", "email=kari@verksted.example")


def create(cli: Cli, *more: str) -> dict[str, Any]:
    made: dict[str, Any] = cli.ask("definitions", "create", WORKSHOP, "101", *FORMAT, *EMAIL, *more)[
        "definition"
    ]
    return made


def test_the_life_of_a_definition(cli: Cli) -> None:
    made = create(
        cli, "--interval", "week", "--name", "Bookings of the week", "--owner", "o@verksted.example"
    )
    number = made["definition_id"]
    assert (made["workshop_id"], made["time_zone"], made["send_at"]) == (WORKSHOP, "Europe/Oslo", "06:00")
    assert [(one["key"], one["value"]) for one in made["arguments"]] == [
        ("format", "csv"),
        ("email", "kari@verksted.example"),
    ]
    listed = cli.ask("definitions", "list", "--workshop", WORKSHOP)
    assert (listed["count"], listed["items"]) == (1, [made])
    assert cli.ask("definitions", "list", "--workshop", "102")["count"] == 0

    changes = ("--send-at", "07:30", "--condition", "above", "--threshold", "3", "--add", "email=o@b.example")
    changed = cli.ask(
        "definitions", "change", number, *changes, "--remove", made["arguments"][1]["argument_id"]
    )
    changed = changed["definition"]
    assert changed["send_at"] == "07:30"
    assert changed["condition"] == {"kind": "above", "column": None, "threshold": 3}
    assert [one["value"] for one in changed["arguments"]] == ["csv", "o@b.example"]
    cleared = cli.ask("definitions", "change", number, "--condition", "none", "--owner", "", "--active", "0")
    cleared = cleared["definition"]
    assert (cleared["condition"], cleared["owner"], cleared["next_fire_at"]) == (None, None, None)

    cli.ask("definitions", "pause", number, "--until", "2999-01-01")
    paused = cli.ask("definitions", "show", number)["definition"]
    assert paused["paused_until"] == "2998-12-31T23:00:00Z"
    resumed = cli.ask("definitions", "resume", number)["definition"]
    assert (resumed["paused_until"], resumed["active"]) == (None, True)

    sent = cli.ask("definitions", "send", number)["items"]
    assert [(fire["kind"], fire["state"], fire["actor"]) for fire in sent] == [("by hand", "due", "cli")]
    assert cli.ask("definitions", "fires", number)["items"] == sent
    assert cli.ask("definitions", "delete", number) == {"deleted": number}
    assert cli("definitions", "show", number).code == 3


def test_its_outlook(cli: Cli) -> None:
    number = create(cli, "--argument", "only_when_data=1")["definition_id"]
    coming = cli.ask("definitions", "rehearse", number, "--count", "3")["items"]
    assert len(coming) == 3
    assert {len(one["filters"]) for one in coming} == {2}
    tested = cli.ask("definitions", "backtest", number, "--days", "30")
    assert tested["fires"] == tested["sent"] + len(tested["skipped"])
    assert tested["fires"] >= 29


def test_people_get_tables(cli: Cli) -> None:
    number = create(cli, "--name", "Front desk", "--owner", "o@verksted.example")["definition_id"]
    for command, told in (
        ("list", "Front desk"),
        ("show", "kari@verksted.example"),
        ("rehearse", "date_from="),
        ("backtest", "would have sent"),
        ("test", "due"),
        ("fires", "test"),
        ("delete", "is deleted"),
    ):
        answer = cli("definitions", command, *(() if command == "list" else (number,)))
        assert answer.code == 0, answer.err
        assert told in answer.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", WORKSHOP, "999", *FORMAT, *EMAIL), "there is no report type '999'"),
        (("create", WORKSHOP, "101", *FORMAT), "at least one argument email"),
        (
            ("create", WORKSHOP, "101", *FORMAT, "--argument", "email=a@b.example,c@d.example"),
            "not one e-mail",
        ),
        (("create", WORKSHOP, "101", *EMAIL, "--argument", "format=doc"), "format must be one of"),
        (("create", WORKSHOP, "101", *FORMAT, *EMAIL, "--interval", "year"), "interval must be one of"),
        (("create", WORKSHOP, "101", *FORMAT, *EMAIL, "--cron", "x"), "cron"),
        (("create", WORKSHOP, "101", *FORMAT, *EMAIL, "--active", "maybe"), "active must be 0 or 1"),
        (("create", WORKSHOP, "101", *FORMAT, *EMAIL, "--threshold", "3"), "need --condition"),
        (("create", WORKSHOP, "101", "--argument", "format"), "KEY=VALUE"),
    ],
)
def test_what_cannot_be_is_refused(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
    answer = cli("definitions", *arguments, "--json")
    assert (answer.code, answer.error["code"]) == (2, "VALIDATION_ERROR")
    assert told in answer.error["message"]


def test_what_is_not_there_is_not_found(cli: Cli) -> None:
    for command in ("show", "delete", "send", "test", "rehearse", "backtest", "resume", "fires"):
        answer = cli("definitions", command, "7", "--json")
        assert (answer.code, answer.error["code"]) == (3, "DEFINITION_NOT_FOUND"), command
    number = create(cli)["definition_id"]
    answer = cli("definitions", "change", number, "--remove", "999", "--json")
    assert (answer.code, answer.error["code"]) == (3, "ARGUMENT_NOT_FOUND")
    assert cli("definitions", "create", "nobody", "101", *FORMAT, *EMAIL, "--json").code == 3
