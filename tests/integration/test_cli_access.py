"""`reports keys` and `reports audit` at the command line, and that what they make lets in."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from exporters.access import AccessOptions, Unauthenticated
from exporters.access.door import Access
from exporters.access.organisations import Organisations
from exporters.database import open_database
from settings import load_settings
from tests.command_line import WORKSHOP, Cli


def workshops_of(credential: str) -> frozenset[str]:
    settings = load_settings()
    options = AccessOptions(None, 600, 16, timedelta(days=1))
    members = Organisations(settings.warehouse_folder).workshops
    with closing(open_database(settings.jobs_database)) as database:
        access = Access(database, options, members=members)
        return access.identify(credential).workshops


def test_a_key_is_made_shown_once_listed_and_revoked(cli: Cli) -> None:
    made = cli.ask("keys", "create", "--workshop", WORKSHOP, "--label", "portal", "--expires-days", "30")
    record = made["record"]
    assert workshops_of(made["key"]) == {WORKSHOP}
    assert (record["status"], record["label"], record["scopes"]) == ("valid", "portal", ["reports"])
    lasts = datetime.fromisoformat(record["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < lasts <= timedelta(days=30)
    listed = cli("keys", "list", "--json")
    assert listed.document["items"] == [record]
    assert made["key"].rpartition("_")[2] not in listed.out
    [revoked] = cli.ask("keys", "revoke", record["key_id"])["items"]
    assert (revoked["status"], revoked["key_id"]) == ("revoked", record["key_id"])
    with pytest.raises(Unauthenticated):
        workshops_of(made["key"])
    rows = cli.ask("audit")["items"]
    assert [(row["action"], row["actor"], row["workshop_id"]) for row in rows] == [
        ("key_revoked", "cli", WORKSHOP),
        ("key_created", "cli", WORKSHOP),
    ]
    assert {row["detail"]["key_id"] for row in rows} == {record["key_id"]}
    assert cli.ask("audit", "--limit", "1")["items"] == rows[:1]
    assert cli.ask("audit", "--actor", "key:1")["items"] == []
    assert cli.ask("audit", "--workshop", "102")["items"] == []
    assert cli.ask("audit", "--since", f"{datetime.now(UTC):%Y-%m-%d}")["items"] == rows
    assert cli.ask("audit", "--since", "2099-01-01")["items"] == []


def test_an_organisations_key_is_for_its_workshops(cli: Cli) -> None:
    settings = load_settings()
    number, expected = next(iter(_members(settings.warehouse_folder).items()))
    made = cli.ask("keys", "create", "--organisation", f"{number[:3]} {number[3:]}")
    assert workshops_of(made["key"]) == expected
    assert made["record"]["workshops"] == []


def test_people_see_the_key_on_a_line_of_its_own(cli: Cli) -> None:
    answer = cli("keys", "create", "--workshop", WORKSHOP)
    assert (answer.code, answer.err) == (0, "")
    first, told, *_ = answer.out.splitlines()
    assert re.fullmatch("rk_[0-9a-f]{16}_[0-9a-f]{64}", first)
    assert "once" in told
    secret = first.rpartition("_")[2]
    for later in (cli("keys", "list"), cli("audit"), cli("keys", "revoke", first.split("_")[1])):
        assert later.code == 0
        assert first.split("_")[1] in later.out
        assert secret not in later.out + later.err


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("keys", "create"), 2, "VALIDATION_ERROR"),
        (("keys", "create", "--workshop", WORKSHOP, "--organisation", "1"), 2, "VALIDATION_ERROR"),
        (("keys", "create", "--workshop", "nobody"), 3, "WORKSHOP_NOT_FOUND"),
        (("keys", "create", "--workshop", WORKSHOP, "--workshop", ""), 3, "WORKSHOP_NOT_FOUND"),
        (("keys", "create", "--organisation", ""), 3, "ORGANISATION_NOT_FOUND"),
        (("keys", "create", "--workshop", WORKSHOP, "--scope", "root"), 2, "VALIDATION_ERROR"),
        (("keys", "create", "--workshop", WORKSHOP, "--expires-days", "0"), 2, "VALIDATION_ERROR"),
        (("keys", "create", "--workshop", WORKSHOP, "--label", "x" * 201), 2, "VALIDATION_ERROR"),
        (("keys", "revoke", "0" * 16), 3, "KEY_NOT_FOUND"),
        (("keys", "revoke", "no id"), 3, "KEY_NOT_FOUND"),
        (("keys", "nothing"), 2, "VALIDATION_ERROR"),
        (("audit", "--since", "yesterday"), 2, "VALIDATION_ERROR"),
    ],
)
def test_what_cannot_be_met_is_refused(
    cli: Cli, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    answer = cli(*arguments, "--json")
    assert (answer.code, answer.error["code"]) == (exit_code, code)
    assert cli.ask("keys", "list")["items"] == []


def test_the_oldest_part_of_the_log_goes(cli: Cli) -> None:
    cli.ask("keys", "create", "--workshop", WORKSHOP)
    assert cli.ask("expire")["audit_rows"] == 0
    cli.set("AUDIT_DAYS", "0.00000001")
    assert cli.ask("expire")["audit_rows"] == 1
    assert cli.ask("audit")["items"] == []
    assert "rows of the audit log: 0" in cli("expire").out


def test_before_anything_is_published_no_key_is_made(cli: Cli) -> None:
    cli.set("DATA_FOLDER", str(cli.folder / "empty"))
    answer = cli("keys", "create", "--workshop", WORKSHOP, "--json")
    assert (answer.code, answer.error["code"]) == (5, "NO_DATA")
    assert Organisations(cli.folder / "empty" / "warehouse").workshops("1") == set()


def _members(folder: object) -> dict[str, frozenset[str]]:
    organisations = Organisations(folder)  # type: ignore[arg-type]
    organisations.workshops("")
    return organisations._members
