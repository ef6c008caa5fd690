"""The mail server: hands one mail for one recipient over by SMTP, and reads the answer."""

import base64
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from exporters.deliveries.options import SmtpOptions
from exporters.deliveries.outcomes import Outcome, delivered, refused, retry

_SLOWEST = 100_000
"""Bytes that a server takes in a second at least."""
_TLS_MISSING = "the server offers no STARTTLS, and mail is not sent without it; see REPORTS_SMTP_SECURITY"


@dataclass(frozen=True)
class Envelope:
    """What the server is told of a mail."""

    sender: str
    recipient: str
    content: bytes
    """The whole message, each of its lines 7-bit and at most 998 long."""


def hand_over(envelope: Envelope, options: SmtpOptions) -> Outcome:
    """Send the mail, and say what the server made of it.

    Only a refusal of the recipient or of the content is for good; whatever else goes wrong (no connection,
    no encryption, a wrong password, a cut, silence) may be mended meanwhile.
    """
    try:
        with _connected(options, envelope.sender.rpartition("@")[2]) as server:
            return _converse(server, envelope, options.patience.answer)
    except smtplib.SMTPException as error:  # an OSError, too
        return _explain_answer(error, options)
    except OSError as error:
        return _explain_line(error, options)
    except UnicodeEncodeError:  # its text quotes a part of them
        return retry("ACCOUNT", "the server's user and password must be ASCII: see REPORTS_SMTP_PASSWORD")


def _converse(server: smtplib.SMTP, envelope: Envelope, seconds: float) -> Outcome:
    code, text = server.mail(envelope.sender)
    if code != 250:
        return retry(str(code), f"the server did not take the sender: {_decode(text)}")
    code, text = server.rcpt(envelope.recipient)
    if code not in {250, 251}:
        return _judge(code, text)
    try:
        # A large mail takes long to send, and to be looked at.
        _patient(server, seconds + len(envelope.content) / _SLOWEST)
        code, text = server.data(envelope.content)
    except smtplib.SMTPDataError as error:
        return _judge(error.smtp_code, error.smtp_error)
    return delivered(str(code), _decode(text)) if code == 250 else _judge(code, text)


def _judge(code: int, text: bytes | str) -> Outcome:
    return (refused if 500 <= code <= 599 else retry)(str(code), _decode(text))


@contextmanager
def _connected(options: SmtpOptions, own_name: str) -> Iterator[smtplib.SMTP]:
    """A connection that is encrypted and logged in as the options say, and is shut when all takes too long.

    The certificate must be the host's, by an authority that this machine trusts.
    """
    patience = options.patience
    server: smtplib.SMTP
    if options.security == "tls":
        server = smtplib.SMTP_SSL(
            timeout=patience.connecting, local_hostname=own_name, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(timeout=patience.connecting, local_hostname=own_name)
    # The name that certificates are checked against. Were it given above, connecting would begin at once,
    # before anything bounds how long it takes.
    server._host = options.host  # type: ignore[attr-defined]
    deadline = threading.Timer(patience.whole, _shut, (server,))
    deadline.daemon = True
    deadline.start()
    try:
        code, text = server.connect(options.host, options.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        _patient(server, patience.answer)
        server.ehlo_or_helo_if_needed()
        if options.security == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
        if options.user is not None:
            server.login(options.user, options.password or "")
        yield server
        with suppress(smtplib.SMTPException, OSError):  # it has taken the mail already
            _patient(server, min(5.0, patience.answer))
            server.quit()
    finally:
        deadline.cancel()
        server.close()


def _patient(server: smtplib.SMTP, seconds: float) -> None:
    if server.sock is not None:
        server.sock.settimeout(seconds)


def _shut(server: smtplib.SMTP) -> None:
    with suppress(OSError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)


def _explain_answer(error: smtplib.SMTPException, options: SmtpOptions) -> Outcome:
    host = options.host
    match error:
        case smtplib.SMTPResponseException():
            text = _hide_password(_decode(error.smtp_error), options)
            is_account = isinstance(error, smtplib.SMTPAuthenticationError)
            before = "the server did not take the account: " if is_account else ""
            return retry(str(error.smtp_code), before + text)
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in str(error):
            return retry("TLS", _TLS_MISSING)
        case smtplib.SMTPServerDisconnected() if not isinstance(error.__context__, TimeoutError):
            return retry("CUT", f"{host} cut the connection")
        case smtplib.SMTPServerDisconnected():
            return retry("TIMEOUT", f"{host} did not answer in time")
        case _:
            return retry("SMTP", str(error))


def _hide_password(text: str, options: SmtpOptions) -> str:
    """The text without the password, also as it is sent: a server may repeat what it was told."""
    if not options.password:
        return text
    sent = (options.password, f"\0{options.user}\0{options.password}")
    for form in (*(base64.b64encode(each.encode()).decode() for each in sent), options.password):
        text = text.replace(form, "***")
    return text


def _explain_line(error: OSError, options: SmtpOptions) -> Outcome:
    if isinstance(error, TimeoutError):
        return retry("TIMEOUT", f"{options.host} did not answer in time")
    if isinstance(error, ssl.SSLError):
        told = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
        return retry("TLS", f"no encrypted connection to {options.host}: {told}")
    told = error.strerror or type(error).__name__
    return retry("CONNECTION", f"no connection to {options.host}:{options.port}: {told}")


def _decode(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
