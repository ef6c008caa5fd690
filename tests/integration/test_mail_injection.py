"""Attempts to smuggle headers, recipients or markup into mails: each is refused, or comes out as text."""

import re
from typing import Any

import pytest

from exporters.deliveries.mail import send
from exporters.deliveries.mail_addresses import MailAddressError, check_address
from exporters.deliveries.outcomes import Verdict
from tests.deliveries import delivery, delivery_options, order, stored
from tests.smtp_server import SmtpServer

ADDRESSES = [
    "a@verksted.example\r\nBcc: b@evil.example",
    "a@verksted.example\nBcc: b@evil.example",
    "a@verksted.example\rBcc: b@evil.example",
    "a@verksted.example\0",
    "a@verksted.example\n",
    "\na@verksted.example",
    "a@verksted.example,b@evil.example",
    "a@verksted.example;b@evil.example",
    "a@verksted.example b@evil.example",
    "a@verksted.example>\r\nRCPT TO:<b@evil.example",
    "<a@verksted.example>",
    "Kari <a@verksted.example>",
    "a@verksted.example (comment)",
    '"a b"@verksted.example',
    '"a\r\nBcc: b"@verksted.example',
    "group: a@verksted.example;",
    "@relay.example:a@verksted.example",
    "a%b@evil.example@verksted.example",
    "a@[127.0.0.1]",
    "a@verksted.example\u2028Bcc: b@evil.example",
    "a@verksted.example\x85Bcc: b@evil.example",
    "a@verksted\uff0cb.example",
    "=?utf-8?q?a=0D=0ABcc=3A_b=40evil.example?=@verksted.example",
    "a.=?utf-8?q?=0D=0ABcc=3A?=@verksted.example",
    "a@" + "x" * 64 + ".example",
    "x" * 65 + "@verksted.example",
    "a@" + "x." * 130 + "example",
    "a@localhost",
    "a..b@verksted.example",
    "a@verksted..example",
    "a@-verksted.example",
    "",
    "@",
]
LINES = [
    "Fjord\r\nBcc: b@evil.example",
    "Fjord\nBcc: b@evil.example",
    "Fjord\rBcc: b@evil.example",
    "Fjord\r\n\r\n<html>new body",
    "Fjord\r\n.\r\nMAIL FROM:<x@evil.example>\r\nRCPT TO:<b@evil.example>\r\nDATA\r\n",
    "Fjord\x0bBcc: b@evil.example",
    "Fjord\x0cBcc: b@evil.example",
    "Fjord\x1c\x1d\x1eBcc: b@evil.example",
    "Fjord\x85Bcc: b@evil.example",
    "Fjord\u2028Bcc: b@evil.example\u2029",
    "Fjord\0Bcc: b@evil.example",
    "Fjord\u202egpj.exe\r\n X: y",
    "=?utf-8?q?Fjord=0D=0ABcc=3A_b=40evil.example?=",
    "=?utf-8?b?RmpvcmQNCkJjYzogYkBldmlsLmV4YW1wbGU=?=",
    'Fjord"; filename="evil.exe\r\nContent-Type: text/html',
    "Fjord\ud800\r\nBcc: b@evil.example",
    "Fjord " * 500 + "\r\nBcc: b@evil.example",
    "æøå " * 200 + "\r\nBcc: b@evil.example",
    "<script>alert(1)</script><img src=http://evil.example/x>",
    '"><a href="http://evil.example">',
]
PLACES = ("workshop", "title", "name", "date_from", "as_of", "error", "note", "file")
HEADERS = {
    "subject",
    "from",
    "to",
    "date",
    "message-id",
    "auto-submitted",
    "x-auto-response-suppress",
    "mime-version",
    "content-type",
    "content-language",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(MailAddressError) as refused:
        check_address(address)
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", str(refused.value)) is None


@pytest.mark.parametrize("address", ["a@verksted.example", "kari.o'neil+x@sub.verksted.example", "å@blå.no"])
def test_plain_addresses_are_taken_with_an_ascii_domain(address: str) -> None:
    if address.startswith("å"):
        with pytest.raises(MailAddressError):
            check_address(address)
        assert check_address("a@blåbær.no") == "a@xn--blbr-roah.no"
        return
    assert check_address(address) == address


def test_no_refused_address_reaches_a_server() -> None:
    with SmtpServer() as server:
        outcomes = [
            send(delivery(recipient=address), stored(), delivery_options(server.port))
            for address in ADDRESSES
        ]
    assert {(outcome.verdict, outcome.code) for outcome in outcomes} == {(Verdict.REFUSED, "ADDRESS")}
    assert (server.mails, dict(server.seen)) == ([], {})


def smuggled(place: str, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    content = {**order().content}
    if place == "file":
        return content, {"name": f"{text}.pdf"}
    return content | {place: text}, {}


@pytest.mark.parametrize("place", PLACES)
def test_no_value_adds_a_header_a_recipient_or_markup(place: str) -> None:
    with SmtpServer() as server:
        options = delivery_options(server.port)
        for text in LINES:
            content, file = smuggled(place, text)
            outcome = send(delivery(content=content), stored(**file), options)
            assert outcome.verdict is Verdict.DELIVERED, (text, outcome)
    assert len(server.mails) == len(LINES)
    for text, mail in zip(LINES, server.mails, strict=True):
        assert mail.recipients == ("kari@verksted.example",), text
        head, _, _ = mail.content.partition(b"\r\n\r\n")
        assert re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content) is None, text
        lines = re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
        names = [line.partition(b":")[0].decode().lower() for line in lines]
        assert sorted(names) == sorted(HEADERS), (text, head)
        assert all(len(line) <= 998 for line in mail.content.split(b"\r\n")), text
        message = mail.message
        assert message["To"] == "kari@verksted.example"
        assert message["Bcc"] is None
        assert len(str(message["Subject"]).splitlines()) == 1
        html = message.get_body(("html",))
        assert html is not None
        shown = html.get_content()
        assert re.search(r"<(script|img|iframe|link|object)", shown) is None, text
        assert 'href="http://evil' not in shown
        parts = list(message.iter_attachments())
        assert len(parts) <= 1
        for part in parts:
            assert part.get_content_type() == "text/csv"
            filename = part.get_filename() or ""
            assert filename.isprintable(), text
            assert set(map(str.lower, part.keys())) == {
                "content-type",
                "content-transfer-encoding",
                "content-disposition",
                "mime-version",
            }
