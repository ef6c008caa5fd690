"""`reports batch` at the command line, with a dispatcher and a worker done by hand."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from api.cli_errors import ExitCode
from exporters.batches.running import follow_ended, start
from exporters.batches.workroom import open_workroom
from exporters.exports import open_exports
from settings import load_settings
from tests.batch_world import build_workshops, number_of
from tests.command_line import Cli
from tests.webhook_receiver import WebhookReceiver

SECRET = "s3cret-of-the-hook"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workshops")
    build_workshops(folder, 3)
    return folder


@pytest.fixture
def cli(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Cli:
    return Cli(data, tmp_path, capsys, monkeypatch)


def write(folder: Path, **changes: Any) -> str:
    """A file with a batch of two items, of which one names no workshop."""
    items = [{"cvr": int(number_of(1))}, {"cvr": 1}]
    asked = {"batchName": "Q1", "type": 2, "format": "{cvr}-{name}", "errorAppend": "#error", "items": items}
    path = folder / "batch.json"
    path.write_text(json.dumps(asked | changes))
    return str(path)


def work() -> None:
    """Do what a dispatcher and a worker do, until nothing is left."""
    options = load_settings().exports
    with open_exports(options) as exports:
        room = open_workroom(exports, options)
        while start(room) + follow_ended(room) or exports.try_once():
            pass
        follow_ended(room)


def test_a_batch_from_a_file_to_a_zip(cli: Cli, tmp_path: Path) -> None:
    made = cli.ask("batch", "create", write(tmp_path), "--organisation", number_of(1))["batch"]
    assert (made["state"], made["account"]) == ("Initializing", f"organisation:{number_of(1)}")
    batch_id = made["batch_id"]
    early = cli("batch", "download", batch_id, "--output", str(tmp_path), "--json")
    assert (early.code, early.error["code"]) == (ExitCode.CONFLICT, "NO_FILE")
    work()
    shown = cli.ask("batch", "show", batch_id)
    assert (shown["batch"]["state"], shown["batch"]["counts"]["failed"]) == ("FinishedWithErrors", 1)
    assert [event["event"] for event in shown["events"]] == ["created", "expanded", "settled"]
    items = cli.ask("batch", "items", batch_id)["items"]
    assert {item["state"] for item in items} == {"completed", "failed"}
    [failed] = cli.ask("batch", "items", batch_id, "--status", "failed")["items"]
    assert (failed["name"], failed["file"]) == ("1-#error", None)
    saved = cli.ask("batch", "download", batch_id, "--output", f"{tmp_path}/zips/")
    assert saved["output"] == f"{tmp_path}/zips/Q1.zip"
    with zipfile.ZipFile(saved["output"]) as found:
        assert found.testzip() is None
        assert f"{number_of(1)}-Verksted 1.pdf" in found.namelist()
    assert [path.name for path in (tmp_path / "zips").iterdir()] == ["Q1.zip"]
    assert cli.ask("batch", "retry", batch_id)["batch"]["state"] == "Executing"
    actions = [row["action"] for row in cli.ask("audit")["items"] if row["actor"] == "cli"]
    assert {"batch_made", "batch_downloaded", "downloaded", "batch_retried"} <= set(actions)


def test_batches_are_listed_by_whose_they_are(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path)
    one = cli.ask("batch", "create", file, "--workshop", "1", "--workshop", "2")["batch"]["batch_id"]
    two = cli.ask("batch", "create", file, "--organisation", number_of(3))["batch"]["batch_id"]

    def listed(*whose: str) -> list[str]:
        return [batch["batch_id"] for batch in cli.ask("batch", "list", *whose)["items"]]

    assert listed() == [two, one]
    assert listed("--workshop", "2", "--workshop", "1") == [one]
    assert listed("--organisation", number_of(3)) == [two]
    assert listed("--workshop", "1") == []


def test_a_listener_is_stopped(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, isListener=True, items=[{"cvr": int(number_of(1))}])
    batch_id = cli.ask("batch", "create", file, "--workshop", "1")["batch"]["batch_id"]
    work()
    assert cli.ask("batch", "show", batch_id)["batch"]["state"] == "Listening"
    assert cli.ask("batch", "stop", batch_id)["batch"]["state"] == "ListeningStopped"


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (("show", "nothing"), ExitCode.NOT_FOUND, "BATCH_NOT_FOUND"),
        (("items", "8b0b5c0e-5a57-4b4f-9d6b-2a3f4c5d6e7f"), ExitCode.NOT_FOUND, "BATCH_NOT_FOUND"),
        (("create", "FILE"), ExitCode.REFUSED, "VALIDATION_ERROR"),
        (("create", "FILE", "--workshop", "1", "--organisation", "1"), ExitCode.REFUSED, "VALIDATION_ERROR"),
        (("create", "/nowhere.json", "--workshop", "1"), ExitCode.REFUSED, "FILE_UNREADABLE"),
        (("create", "BAD", "--workshop", "1"), ExitCode.REFUSED, "VALIDATION_ERROR"),
        (("items", "x", "--status", "running"), ExitCode.REFUSED, "VALIDATION_ERROR"),
        (("webhooktest", "http://10.0.0.1/"), ExitCode.REFUSED, "VALIDATION_ERROR"),
    ],
)
def test_what_cannot_be_done_is_told(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...], code: ExitCode, name: str
) -> None:
    places = {"FILE": write(tmp_path), "BAD": str(tmp_path / "bad.json")}
    (tmp_path / "bad.json").write_text("{")
    answer = cli("batch", *(places.get(one, one) for one in arguments), "--json")
    assert (answer.code, answer.error["code"]) == (code, name)


def test_a_test_call_with_a_secret_that_is_not_told(cli: Cli, tmp_path: Path) -> None:
    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps({"Method": "Header", "Key": "X-Hook-Key", "Value": SECRET}))
    with WebhookReceiver() as receiver:
        cli.set("WEBHOOK_NETWORKS", "127.0.0.1/32")
        answer = cli("batch", "webhooktest", receiver.url, "--auth", str(auth), "--type", "2")
    [call] = receiver.calls
    assert (answer.code, answer.out.strip()) == (0, "delivered: 200")
    assert call.headers["x-hook-key"] == SECRET
    assert SECRET not in answer.out + answer.err


def test_tables_for_people(cli: Cli, tmp_path: Path) -> None:
    batch_id = cli.ask("batch", "create", write(tmp_path), "--workshop", "1")["batch"]["batch_id"]
    work()
    assert batch_id in cli("batch", "list").out
    assert "state: FinishedWithErrors" in cli("batch", "show", batch_id).out
    assert "1-#error" in cli("batch", "items", batch_id).out
