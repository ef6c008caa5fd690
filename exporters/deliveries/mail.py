"""E-mail: a delivery as one mail for its recipient, with the file attached or as a link."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from exporters.database.values import utc_now
from exporters.deliveries.files import DeliveredFile
from exporters.deliveries.links import link_to
from exporters.deliveries.mail_addresses import MailAddressError, check_address
from exporters.deliveries.mail_body import Body, write_html, write_text
from exporters.deliveries.mail_server import Envelope, hand_over
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.outcomes import Outcome, refused, retry
from exporters.deliveries.records import Delivery
from exporters.deliveries.wording import say, show_instant, show_number, show_period, show_size
from exporters.formats.table import Language

_POLICY = SMTP.clone(cte_type="7bit")
"""Lines end with CRLF, and nothing depends on what the server can carry."""
_LONGEST_SUBJECT = 200


def send(delivery: Delivery, file: DeliveredFile | None, options: DeliveryOptions) -> Outcome:
    """Mail the delivery to its recipient.

    Raises:
        StoreError: the file cannot be read.
    """
    if options.smtp is None:
        return retry("NO_MAIL_SERVER", "no mail server is set: set REPORTS_SMTP_HOST")
    try:
        recipient = check_address(delivery.recipient)
    except MailAddressError as error:
        return refused("ADDRESS", str(error))
    message = compose(delivery, recipient, file, options)
    return hand_over(Envelope(options.sender, recipient, message.as_bytes()), options.smtp)


def compose(
    delivery: Delivery,
    recipient: str,
    file: DeliveredFile | None,
    options: DeliveryOptions,
    now: datetime | None = None,
) -> EmailMessage:
    """The mail. No value of the delivery's can add a header or a recipient: control characters are left out.

    Raises:
        StoreError: the file cannot be read.
    """
    language, content = delivery.language, delivery.content
    body = _describe(delivery, file, options)
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = _header_text(_subject(content, language))
    message["From"] = options.sender
    message["To"] = recipient
    message["Date"] = format_datetime(now or utc_now())
    message["Message-ID"] = message_id(delivery, options)
    message["Auto-Submitted"] = "auto-generated"  # no automatic answers, please (RFC 3834)
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(write_text(body), cte="base64")
    message.add_alternative(write_html(body), subtype="html", cte="base64")
    if body.is_attached and file is not None:
        main, _, sub = file.media_type.partition(";")[0].strip().partition("/")
        with file.open() as stream:
            data = stream.read()
        message.add_attachment(data, maintype=main, subtype=sub, filename=_header_text(file.name))
    message["Content-Language"] = language  # last: what is added above moves such headers into the parts
    return message


def message_id(delivery: Delivery, options: DeliveryOptions) -> str:
    """The Message-ID, the same at every try."""
    return f"<{delivery.delivery_id}@{options.sender.rpartition('@')[2]}>"


def one_line(text: object) -> str:
    """The text on one line, without what is not printed: control, format and separating characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())


def _header_text(text: str) -> str:
    # What looks like an encoded word would be decoded, and might hold a line break then.
    return one_line(text).replace("=?", "= ?")


def _subject(content: Any, language: Language) -> str:
    title = one_line(content.get("name") or content.get("title") or say(language, "report"))
    rest = [one_line(content.get("workshop") or ""), _period(content, language)]
    subject = " – ".join([title, *([", ".join(filter(None, rest))] if any(rest) else [])])
    return subject if len(subject) <= _LONGEST_SUBJECT else subject[: _LONGEST_SUBJECT - 1] + "…"


def _period(content: Any, language: Language) -> str:
    start, end = content.get("date_from") or "", content.get("date_to") or ""
    return one_line(show_period(str(start), str(end), language))


@dataclass(frozen=True)
class _Way:
    """How the recipient gets the file."""

    sentences: tuple[str, ...]
    link: str | None = None
    is_attached: bool = False


def _describe(delivery: Delivery, file: DeliveredFile | None, options: DeliveryOptions) -> Body:
    language, content = delivery.language, delivery.content
    title = one_line(content.get("title") or content.get("name") or say(language, "report"))
    closing = say(language, "automatic")
    if note := content.get("note"):
        return Body(language, title, (), (one_line(note),), None, closing, is_attached=False)
    way = _find_way(delivery, file, options)
    return Body(language, title, _facts(delivery, file), way.sentences, way.link, closing, way.is_attached)


def _find_way(delivery: Delivery, file: DeliveredFile | None, options: DeliveryOptions) -> _Way:
    language, content = delivery.language, delivery.content
    if file is None:
        error = content.get("error")
        told = say(language, "failed", error=one_line(error)) if error else say(language, "no_file")
        return _Way((told,))
    if file.key is None:
        return _Way((say(language, "expired"),))
    is_large = file.size > options.attachment_limit
    if not is_large and not content.get("link_only"):
        return _Way((say(language, "attached"),), is_attached=True)
    sentences = [say(language, "too_large", size=show_size(file.size, language))] if is_large else []
    until = show_instant(file.expires_at, language) if file.expires_at else ""
    sentences.append(say(language, "linked", until=until))
    return _Way(tuple(sentences), link_to(delivery, options))


def _facts(delivery: Delivery, file: DeliveredFile | None) -> tuple[tuple[str, str], ...]:
    language, content = delivery.language, delivery.content
    rows = content.get("rows", file.rows if file else None)
    known = {
        "workshop": one_line(content.get("workshop") or ""),
        "period": _period(content, language),
        "rows": show_number(rows, language) if isinstance(rows, int) else "",
        "as_of": _as_of(content.get("as_of"), file, language),
        "file": f"{one_line(file.name)} ({show_size(file.size, language)})" if file else "",
    }
    return tuple((say(language, key), text) for key, text in known.items() if text)


def _as_of(told: Any, file: DeliveredFile | None, language: Language) -> str:
    try:
        instant = datetime.fromisoformat(told) if isinstance(told, str) else file.as_of() if file else None
    except ValueError:
        return one_line(told)
    return show_instant(instant, language) if instant else ""
