"""From a definition to a mail: the worker fires it, makes its file and sends it to a real mail server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.built import ROOT
from tests.command_line import WORKSHOP, Cli
from tests.smtp_server import SmtpServer
from tests.worker_processes import wait_until

DEFINITION = (
    "definitions",
    "create",
    WORKSHOP,
    "101",
    *("--interval", "month", "--argument", "format=csv", "--argument", "report_language=nb"),
    *("--argument", "email=kari@verksted.example", "--argument", "email=ola@verksted.example"),
)


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def test_the_worker_mails_what_is_sent_by_hand(cli: Cli, mail_server: SmtpServer, tmp_path: Path) -> None:
    number = cli.ask(*DEFINITION)["definition"]["definition_id"]
    cli.ask("definitions", "send", number)
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mail_server.port), "SMTP_SECURITY": "none"}
    environment = cli.environment | {f"REPORTS_{name}": value for name, value in smtp.items()}
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "worker", "--slots", "1"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: len(mail_server.mails) == 2)
    finally:
        worker.terminate()
        worker.wait(60)
    recipients = {recipient for mail in mail_server.mails for recipient in mail.recipients}
    assert recipients == {"kari@verksted.example", "ola@verksted.example"}
    for mail in mail_server.mails:
        [attachment] = mail.message.iter_attachments()
        [file] = cli.store.rglob("*.csv")
        assert attachment.get_payload(decode=True) == file.read_bytes()
        assert (attachment.get_filename() or "").endswith(".csv")
    [fire] = cli.ask("definitions", "fires", number)["items"]
    assert fire["state"] == "sent"
