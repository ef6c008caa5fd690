"""`reports definitions`: a definition made, changed, tried out and sent at the command line."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

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
    cli.ask("definitions", "test", create(cli, "--owner", "o@verksted.example")["definition_id"])
    assert cli.ask("definitions", "delete", number) == {"deleted": number}
    assert cli("definitions", "show", number).code == 3

    told = [row for row in cli.ask("audit")["items"] if row["actor"] == "cli"]
    done = [row["action"].removeprefix("definition_") for row in reversed(told)]
    changed_so_often = ["changed"] * 6  # fields, an argument more, one less, fields; paused, resumed
    assert done == ["made", *changed_so_often, "sent", "made", "sent", "deleted"]
    assert told[0]["detail"] == {"definition_id": number}
    assert {row["workshop_id"] for row in told} == {WORKSHOP}


def test_what_cannot_be_written_down_is_not_done(cli: Cli) -> None:
    number = create(cli, "--owner", "o@verksted.example")["definition_id"]
    shown = cli.ask("definitions", "show", number)
    with closing(sqlite3.connect(cli.folder / "jobs.db", isolation_level=None)) as records:
        records.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        steps: tuple[tuple[str, ...], ...] = (
            ("create", WORKSHOP, "101", *FORMAT, *EMAIL),
            ("change", number, "--name", "New"),
            ("change", number, "--add", "email=o@b.example"),
            ("pause", number, "--until", "2999-01-01"),
            ("send", number),
            ("test", number),
            ("delete", number),
        )
        for step in steps:
            with pytest.raises(IntegrityError, match="full"):
                cli("definitions", *step)
        records.execute("DROP TRIGGER full")
    assert cli.ask("definitions", "show", number) == shown
    assert cli.ask("definitions", "list")["count"] == 1
    assert cli.ask("definitions", "fires", number)["items"] == []


def test_its_outlook(cli: Cli) -> None:
    number = create(cli, "--argument", "only_when_data=1")["definition_id"]
    coming = cli.ask("definitions", "rehearse", number, "--count", "3")["items"]
    assert len(coming) == 3
    assert {len(one["filters"]) for one in coming} == {2}
    unsaved = cli.ask("definitions", "create", WORKSHOP, "101", *FORMAT, *EMAIL, "--dry-run")["items"]
    assert (unsaved[:3], len(unsaved)) == (coming, 10)
    assert cli.ask("definitions", "list")["count"] == 1
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
        (("create", WORKSHOP, "101", *FORMAT, *EMAIL, "--cron", "x", "--dry-run"), "cron"),
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
