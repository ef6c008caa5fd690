"""E-mail to real servers: what a recipient gets, and what each way of failing leads to."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from exporters.deliveries.mail import send
from exporters.deliveries.options import MailPatience
from exporters.deliveries.outcomes import Verdict
from tests.deliveries import NOW, PATIENT, QUICK, delivery, delivery_options, order, stored
from tests.smtp_server import Certificate, SmtpServer, make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    return certificate


def test_a_mail_has_both_bodies_and_the_file() -> None:
    data = bytes(range(256)) * 40
    with SmtpServer() as server:
        file = stored(data, "bestillinger – uke 5 æøå.pdf", "application/pdf")
        outcome = send(delivery(), file, delivery_options(server.port))
    assert (outcome.verdict, outcome.code, outcome.message) == (
        Verdict.DELIVERED,
        "250",
        "2.0.0 Ok: queued as 4F2A91",
    )
    (mail,) = server.mails
    assert (mail.sender, mail.recipients) == ("reports@sender.test", ("kari@verksted.example",))
    message = mail.message
    assert message["From"] == "reports@sender.test"
    assert message["To"] == "kari@verksted.example"
    assert message["Subject"] == "Bookings of the week – Fjord Bil, 26/01/2026 – 01/02/2026"
    assert message["Message-ID"] == "<0c6f6b1e-6f5f-4b53-9d2f-3f0f4a1d2e77@sender.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime is not None
    (attachment,) = message.iter_attachments()
    assert attachment.get_content() == data
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_filename() == "bestillinger – uke 5 æøå.pdf"
    assert b"filename*" in mail.content
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        for value in ("Bookings", "Fjord Bil", "26/01/2026 – 01/02/2026", "1,234", "01/02/2026 02:15 UTC"):
            assert value in part
        assert "The report is attached." in part
        assert "reports.example" not in part


@pytest.mark.parametrize(
    ("language", "attached", "subject"),
    [
        ("nb", "Rapporten er vedlagt.", "26.01.2026 – 01.02.2026"),
        ("sv", "Rapporten är bifogad.", "2026-01-26 – 2026-02-01"),
        ("da", "Rapporten er vedhæftet.", "26.01.2026 – 01.02.2026"),
        ("de", "Der Bericht ist angehängt.", "26.01.2026 – 01.02.2026"),
        ("en", "The report is attached.", "26/01/2026 – 01/02/2026"),
    ],
)
def test_a_mail_is_in_the_language_of_the_report(language: str, attached: str, subject: str) -> None:
    with SmtpServer() as server:
        send(delivery(language=language), stored(), delivery_options(server.port))
    message = server.mails[0].message
    assert message["Subject"].endswith(subject)
    assert message["Content-Language"] == language
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        assert attached in body.get_content()


def test_a_link_comes_where_it_is_wanted_or_the_file_is_large() -> None:
    only = delivery(content={**order().content, "link_only": True})
    with SmtpServer() as server:
        options = replace(delivery_options(server.port), attachment_limit=100)
        send(delivery(), stored(b"x" * 101), options)
        send(only, stored(b"x"), options)
        send(delivery(), stored(b"x" * 100), options)
    large, wanted, attached = (mail.message for mail in server.mails)
    for message in (large, wanted):
        assert not list(message.iter_attachments())
        for kind in ("plain", "html"):
            body = message.get_body((kind,))
            assert body is not None
            assert f"https://reports.example/reports/files/{delivery().delivery_id}." in body.get_content()
            assert "until 08/02/2026 09:00 UTC" in body.get_content()
            assert ("too large for a mail" in body.get_content()) == (message is large)
    assert len(list(attached.iter_attachments())) == 1


def test_a_mail_says_that_the_file_expired_or_was_never_made() -> None:
    failed = delivery(content={**order().content, "error": "the period <b>is</b>\r\nempty"})
    with SmtpServer() as server:
        options = delivery_options(server.port)
        send(delivery(), stored(key=None), options)
        send(failed, None, options)
        send(delivery(content={"title": "Webhook off", "note": "It failed for a day."}), None, options)
    expired, error, note = (mail.message.get_body(("plain",)) for mail in server.mails)
    assert expired is not None
    assert "removed because its retention has passed" in expired.get_content()
    assert error is not None
    assert "could not be made: the period <b>is</b> empty" in error.get_content()
    html = server.mails[1].message.get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;" in html.get_content()
    assert note is not None
    assert "It failed for a day." in note.get_content()
    assert server.mails[2].message["Subject"] == "Webhook off"


@pytest.mark.parametrize(
    ("behaviour", "verdict", "code", "message"),
    [
        ({"recipients": {"kari@verksted.example": "550 5.1.1 No such user"}}, "refused", "550", "5.1.1 No"),
        (
            {"recipients": {"kari@verksted.example": "450 4.2.1 Mailbox busy"}},
            "retry",
            "450",
            "4.2.1 Mailbox",
        ),
        ({"greylisted": True}, "retry", "451", "4.7.1 Greylisted"),
        ({"answer": "554 5.7.1 Looks like spam"}, "refused", "554", "5.7.1 Looks"),
        ({"answer": "452 4.3.1 Disk full"}, "retry", "452", "4.3.1 Disk"),
        ({"cuts": True}, "retry", "CUT", "cut the connection"),
        ({"hangs": "connect"}, "retry", "TIMEOUT", "did not answer in time"),
        ({"hangs": "rcpt"}, "retry", "TIMEOUT", "did not answer in time"),
        ({"hangs": "data"}, "retry", "TIMEOUT", "did not answer in time"),
        ({"account": ("reports", "secret")}, "retry", "530", "Authentication required"),
    ],
)
def test_what_the_server_says_is_the_outcome(
    behaviour: dict[str, object], verdict: str, code: str, message: str
) -> None:
    begun = time.monotonic()
    with SmtpServer(**behaviour) as server:  # type: ignore[arg-type]
        patience = QUICK if "hangs" in behaviour else PATIENT
        outcome = send(delivery(), stored(), delivery_options(server.port, patience=patience))
        assert (outcome.verdict, outcome.code) == (verdict, code), outcome
        assert message in outcome.message
        assert time.monotonic() - begun < 30, "the server hangs for an hour"


def test_one_refused_recipient_keeps_nobody_else_from_the_mail() -> None:
    with SmtpServer(recipients={"b@verksted.example": "550 5.1.1 No such user"}) as server:
        outcomes = [
            send(delivery(recipient=f"{name}@verksted.example"), stored(), delivery_options(server.port))
            for name in "abc"
        ]
    assert [outcome.verdict for outcome in outcomes] == ["delivered", "refused", "delivered"]
    assert [mail.recipients for mail in server.mails] == [("a@verksted.example",), ("c@verksted.example",)]


def test_a_closed_port_and_an_unknown_host_are_tried_again() -> None:
    with SmtpServer() as server:
        port = server.port
    outcome = send(delivery(), stored(), delivery_options(port))
    assert (outcome.verdict, outcome.code) == ("retry", "CONNECTION")
    assert f"127.0.0.1:{port}" in outcome.message
    unknown = send(delivery(), stored(), delivery_options(port, host="mail.invalid"))
    assert (unknown.verdict, unknown.code) == ("retry", "CONNECTION")


def test_a_server_that_trickles_is_shut_after_a_while() -> None:
    patience = MailPatience(connecting=60.0, answer=600.0, whole=1.0)
    with SmtpServer(hangs="rcpt") as server:
        begun = time.monotonic()
        outcome = send(delivery(), stored(), delivery_options(server.port, patience=patience))
    assert time.monotonic() - begun < 30
    assert outcome.verdict is Verdict.RETRY


def test_without_a_mail_server_the_delivery_waits() -> None:
    outcome = send(delivery(), None, delivery_options())
    assert (outcome.verdict, outcome.code) == ("retry", "NO_MAIL_SERVER")
    assert "REPORTS_SMTP_HOST" in outcome.message


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_mail_goes_encrypted_and_with_an_account(way: str, trusted: Certificate) -> None:
    with SmtpServer(
        certificate=trusted,
        offers_tls=way == "starttls",
        is_encrypted=way == "tls",
        account=("reports", "s3cret-pass"),
    ) as server:
        known = {"security": way, "host": "localhost", "user": "reports", "password": "s3cret-pass"}
        outcome = send(delivery(), stored(), delivery_options(server.port, **known))
        wrong = send(delivery(), stored(), delivery_options(server.port, **{**known, "password": "other"}))
    assert outcome.verdict is Verdict.DELIVERED, outcome
    (mail,) = server.mails
    assert mail.was_encrypted
    assert mail.account == "reports"
    assert (wrong.verdict, wrong.code) == ("retry", "535")
    assert "account" in wrong.message


def test_a_mail_never_goes_in_the_clear_where_encryption_is_asked_for() -> None:
    with SmtpServer() as server:
        outcome = send(delivery(), stored(), delivery_options(server.port, security="starttls"))
        direct = send(delivery(), stored(), delivery_options(server.port, security="tls"))
    assert (outcome.verdict, outcome.code) == ("retry", "TLS")
    assert "STARTTLS" in outcome.message
    assert (direct.verdict, direct.code) == ("retry", "TLS")
    assert server.mails == []
    assert not server.seen


@pytest.mark.parametrize("way", ["starttls", "tls"])
@pytest.mark.parametrize("fault", ["unknown authority", "other name"])
def test_a_certificate_that_cannot_be_checked_is_not_taken(
    way: str, fault: str, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "other name":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    host = "127.0.0.1" if fault == "other name" else "localhost"
    with SmtpServer(
        certificate=certificate, offers_tls=way == "starttls", is_encrypted=way == "tls"
    ) as server:
        outcome = send(delivery(), stored(), delivery_options(server.port, security=way, host=host))
    assert (outcome.verdict, outcome.code) == ("retry", "TLS")
    assert server.mails == []


def test_the_password_is_in_no_outcome(tmp_path: Path) -> None:
    with SmtpServer(account=("reports", "right"), answer="250 OK") as server:
        options = delivery_options(server.port, user="reports", password="a-very-secret-word")
        outcome = send(delivery(), stored(), options)
    assert outcome.verdict is Verdict.RETRY
    assert "a-very-secret-word" not in f"{outcome} {options}"


def test_the_time_of_a_mail_is_the_clock_s() -> None:
    from exporters.deliveries.mail import compose

    message = compose(delivery(), "kari@verksted.example", None, delivery_options(), NOW)
    assert message["Date"] == "Sun, 01 Feb 2026 09:00:00 +0000"
